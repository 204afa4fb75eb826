/* Philox4x32-10 for many addresses that differ in their last word, laid out so that compilers use vectors; the same words as Random123's. */
#include "ohmtally/clones.h"
#include "ohmtally/draw.h"
#include <math.h>
#include <pthread.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define LANES 16

/* Blocks at d .. d + LANES - 1. */
static inline __attribute__((always_inline)) void ten_rounds(struct ohm_draws draws, uint32_t a, uint32_t b, uint32_t c, uint32_t d,
                                                             uint32_t w[4][LANES]) {
    uint32_t key0 = draws.key[0], key1 = draws.key[1];
    for (uint32_t i = 0; i < LANES; i++) {
        w[0][i] = a;
        w[1][i] = b;
        w[2][i] = c;
        w[3][i] = d + i;
    }
    for (int round = 0; round < 10; round++, key0 += 0x9E3779B9u, key1 += 0xBB67AE85u)
        for (int i = 0; i < LANES; i++) {
            uint64_t first = (uint64_t)0xD2511F53u * w[0][i], second = (uint64_t)0xCD9E8D57u * w[2][i];
            w[0][i] = (uint32_t)(second >> 32) ^ w[1][i] ^ key0;
            w[2][i] = (uint32_t)(first >> 32) ^ w[3][i] ^ key1;
            w[1][i] = (uint32_t)second;
            w[3][i] = (uint32_t)first;
        }
}

OHM_CLONES static void portable(struct ohm_draws draws, uint32_t a, uint32_t b, uint32_t c, uint32_t part, uint16_t *halves) {
    uint32_t w[4][LANES];
    ten_rounds(draws, a, b, c, part * LANES, w);
    for (int k = 0; k < 4; k++)
        for (int i = 0; i < LANES; i++) {
            halves[32 * k + 2 * i] = (uint16_t)w[k][i];
            halves[32 * k + 2 * i + 1] = (uint16_t)(w[k][i] >> 16);
        }
}

#if defined(__x86_64__)
#define AVX512 __attribute__((target("avx512f")))
struct products {
    __m512i low, high;
};
/* 32-bit lanes times a constant. */
AVX512 static inline struct products multiply(__m512i a, __m512i constant) {
    __m512i even = _mm512_mul_epu32(a, constant), odd = _mm512_mul_epu32(_mm512_srli_epi64(a, 32), constant);
    return (struct products){_mm512_mask_mov_epi32(even, 0xAAAA, _mm512_slli_epi64(odd, 32)),
                             _mm512_mask_mov_epi32(_mm512_srli_epi64(even, 32), 0xAAAA, odd)};
}

AVX512 static void avx512(struct ohm_draws draws, uint32_t a, uint32_t b, uint32_t c, uint32_t part, uint16_t *halves) {
    const __m512i first = _mm512_set1_epi64(0xD2511F53u), second = _mm512_set1_epi64(0xCD9E8D57u);
    const __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    __m512i w[4] = {_mm512_set1_epi32((int)a), _mm512_set1_epi32((int)b), _mm512_set1_epi32((int)c),
                    _mm512_add_epi32(_mm512_set1_epi32((int)(part * LANES)), lane)};
    uint32_t key0 = draws.key[0], key1 = draws.key[1];
    for (int round = 0; round < 10; round++, key0 += 0x9E3779B9u, key1 += 0xBB67AE85u) {
        struct products p = multiply(w[0], first), q = multiply(w[2], second);
        w[0] = _mm512_ternarylogic_epi32(q.high, w[1], _mm512_set1_epi32((int)key0), 0x96);
        w[2] = _mm512_ternarylogic_epi32(p.high, w[3], _mm512_set1_epi32((int)key1), 0x96);
        w[1] = q.low;
        w[3] = p.low;
    }
    for (int k = 0; k < 4; k++) _mm512_storeu_si512(halves + 32 * k, w[k]);
}
#endif

void ohm_draw_halves(struct ohm_draws draws, uint32_t a, uint32_t b, uint32_t c, uint32_t part, uint16_t halves[OHM_DRAW_HALVES]) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f")) {
        avx512(draws, a, b, c, part, halves);
        return;
    }
#endif
    portable(draws, a, b, c, part, halves);
}

static float small[OHM_DRAW_SMALL];

static void make_small(void) {
    double squares = 0;
    for (uint32_t i = 0; i < OHM_DRAW_SMALL / 2; i++) {
        double z = ohm_draw_normal(i << 16 | 0x8000);
        squares += 2 * z * z;
    }
    double scale = sqrt(OHM_DRAW_SMALL / squares);
    for (uint32_t i = 0; i < OHM_DRAW_SMALL / 2; i++) {
        small[i] = (float)(scale * ohm_draw_normal(i << 16 | 0x8000));
        small[OHM_DRAW_SMALL - 1 - i] = -small[i]; /* no bias */
    }
}

const float *ohm_draw_small(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_small);
    return small;
}
