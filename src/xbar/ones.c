/* 1 bits of many bytes at the same place: carry-save sums, or the instruction that there is for it. */
#include "ones.h"
#include "ohmtally/clones.h"

#define ROWS 8 /* counted at a time; most blocks have a multiple of it */

struct planes {
    uint8_t sum, carry;
};
/* A full adder on each of 8 bits. */
static inline struct planes add(uint8_t a, uint8_t b, uint8_t c) {
    const uint8_t either = a ^ b;
    return (struct planes){either ^ c, (uint8_t)((a & b) | (either & c))};
}

/* 1 bits of the upper and the lower four. */
static inline uint8_t halves(uint8_t v) {
    v = (uint8_t)(v - (v >> 1 & 0x55));
    return (uint8_t)((v & 0x33) + (v >> 2 & 0x33));
}

/* ones[i] += 1 bits of the rows' i-th bytes: of the planes of seven rows' sums, each with its weight, and of the eighth row. */
OHM_CLONES static void add_bytes(size_t n, const uint8_t *const row[ROWS], uint16_t *restrict ones) {
    const uint8_t *restrict a = row[0], *restrict b = row[1], *restrict c = row[2], *restrict d = row[3];
    const uint8_t *restrict e = row[4], *restrict f = row[5], *restrict g = row[6], *restrict h = row[7];
    for (size_t i = 0; i < n; i++) {
        const struct planes three = add(a[i], b[i], c[i]), five = add(three.sum, d[i], e[i]), seven = add(five.sum, f[i], g[i]);
        const struct planes carries = add(three.carry, five.carry, seven.carry);
        const uint8_t once = (uint8_t)(halves(seven.sum) + halves(h[i]));                    /* at most 8 in each half */
        const uint8_t twice = (uint8_t)(halves(carries.sum) + (halves(carries.carry) << 1)); /* at most 12 */
        ones[i] = (uint16_t)(ones[i] + (uint8_t)((once & 15) + (once >> 4) + (twice << 1 & 0x1e) + (twice >> 3 & 0x1e)));
    }
}

#if defined(__x86_64__) && (__GNUC__ >= 12 || defined(__clang__))
#define COUNTED __attribute__((target("avx512f,avx512bw,avx512vl,avx512bitalg"))) /* with instructions that count the 1 bits of bytes */
COUNTED static void add_counted(size_t n, const uint8_t *const row[ROWS], uint16_t *restrict ones) {
    const uint8_t *restrict a = row[0], *restrict b = row[1], *restrict c = row[2], *restrict d = row[3];
    const uint8_t *restrict e = row[4], *restrict f = row[5], *restrict g = row[6], *restrict h = row[7];
#define ONES(v) (uint8_t) __builtin_popcount(v)
    for (size_t i = 0; i < n; i++) {
        const uint8_t sum = (uint8_t)(ONES(a[i]) + ONES(b[i]) + ONES(c[i]) + ONES(d[i]) + ONES(e[i]) + ONES(f[i]) + ONES(g[i]) + ONES(h[i]));
        ones[i] = (uint16_t)(ones[i] + sum);
    }
#undef ONES
}
static bool are_counted(const struct ohm_kernel *kernel) {
    return kernel == &ohm_kernel_avx512 && __builtin_cpu_supports("avx512bitalg");
}
#else
#define add_counted add_bytes
static bool are_counted(const struct ohm_kernel *kernel) {
    return false;
}
#endif

OHM_CLONES static void add_words(size_t n, const uint16_t *restrict x, uint16_t *restrict ones) {
    for (size_t i = 0; i < n; i++) {
        uint16_t v = x[i];
        v = (uint16_t)(v - (v >> 1 & 0x5555));
        v = (uint16_t)((v & 0x3333) + (v >> 2 & 0x3333));
        v = (uint16_t)((v + (v >> 4)) & 0x0f0f);
        ones[i] = (uint16_t)(ones[i] + ((v + (v >> 8)) & 0x1f));
    }
}

void ohm_ones_add(const struct ohm_kernel *kernel, int32_t element, size_t nrow, size_t stride, size_t n, const void *x, uint16_t *ones) {
    static const uint8_t none[OHM_ONES_TOGETHER];
    const uint8_t *bytes = x;
    const uint16_t *words = x;
    const bool counted = are_counted(kernel);
    for (size_t r = 0; element == 2 && r < nrow; r++) add_words(n, words + r * stride, ones);
    for (size_t first = 0; element == 1 && first < nrow; first += ROWS) {
        const uint8_t *row[ROWS];
        for (size_t r = 0; r < ROWS; r++) row[r] = first + r < nrow ? bytes + (first + r) * stride : none;
        (counted ? add_counted : add_bytes)(n, row, ones);
    }
}
