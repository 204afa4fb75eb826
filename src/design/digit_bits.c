#include "digit_bits.h"
#include "ohmtally/clones.h"

#define PIECE 64

/* Every bits-th of 16 bits, the lowest first, side by side. */
static inline uint32_t gathered(uint32_t x, int32_t bits) {
    if (bits == 1) return x & 0xFFFF;
    if (bits == 4) {
        x &= 0x1111;
        x = (x | x >> 3) & 0x0303;
        return (x | x >> 6) & 0x000F;
    }
    x &= 0x5555;
    x = (x | x >> 1) & 0x3333;
    x = (x | x >> 2) & 0x0F0F;
    return (x | x >> 4) & 0x00FF;
}

OHM_CLONES
static void gather(const struct digits *digits, const int32_t *w, int32_t n, int32_t plane, uint32_t *restrict field) {
    int32_t bits = digits->bits, bias = digits->bias;
    if (bits == 1)
        for (int32_t c = 0; c < n; c++) field[c] = gathered((uint32_t)(w[c] + bias), 1);
    else if (bits == 2)
        for (int32_t c = 0; c < n; c++) field[c] = gathered((uint32_t)(w[c] + bias) >> plane, 2);
    else
        for (int32_t c = 0; c < n; c++) field[c] = gathered((uint32_t)(w[c] + bias) >> plane, 4);
}

void digit_bits_pack(const struct digits *digits, const int32_t *w, int32_t n, int32_t plane, uint64_t *words) {
    uint32_t field[PIECE];
    uint64_t word = 0;
    int32_t at = 0;
    for (int32_t first = 0; first < n; first += PIECE) {
        int32_t some = n - first < PIECE ? n - first : PIECE;
        gather(digits, w + first, some, plane, field);
        for (int32_t c = 0; c < some; c++) {
            word |= (uint64_t)field[c] << at;
            at += digits->count;
            if (at < 64) continue;
            *words++ = word;
            at -= 64;
            word = (uint64_t)field[c] >> (digits->count - at);
        }
    }
    if (at) *words = word;
}

OHM_CLONES
void digit_bits_sum(const struct digits *digits, const int32_t *w, int32_t n, int32_t *restrict sums) {
    int32_t top = (1 << digits->bits) - 1;
    for (int32_t j = 0; j < digits->count; j++, sums += n)
        for (int32_t c = 0; c < n; c++) sums[c] += (w[c] + digits->bias) >> (j * digits->bits) & top;
}
