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
#define FIRST 0xD2511F53u
#define SECOND 0xCD9E8D57u
#define FIRST_KEY 0x9E3779B9u
#define SECOND_KEY 0xBB67AE85u

/* In lanes of 64 bits, of which the lower 32 count: a product is the next round's low word as it is. Only the last word of the address differs from
 * lane to lane, so that two rounds and a half are numbers more than vectors. */
AVX512 static inline __attribute__((always_inline)) void eight_blocks(struct ohm_draws draws, uint32_t a, uint32_t b, uint32_t c, __m512i d,
                                                                      __m512i w[4]) {
    const __m512i first = _mm512_set1_epi64(FIRST), second = _mm512_set1_epi64(SECOND);
    uint32_t key0 = draws.key[0], key1 = draws.key[1];
    uint64_t p = (uint64_t)FIRST * a, q = (uint64_t)SECOND * c;
    __m512i x = _mm512_xor_si512(d, _mm512_set1_epi64((uint32_t)(p >> 32) ^ key1)), y;
    uint32_t w0 = (uint32_t)(q >> 32) ^ b ^ key0, w1 = (uint32_t)q, w2, w3 = (uint32_t)p;
    key0 += FIRST_KEY, key1 += SECOND_KEY;
    p = (uint64_t)FIRST * w0;
    y = _mm512_mul_epu32(x, second);
    x = _mm512_xor_si512(_mm512_srli_epi64(y, 32), _mm512_set1_epi64(w1 ^ key0));
    w2 = (uint32_t)(p >> 32) ^ w3 ^ key1;
    w3 = (uint32_t)p;
    key0 += FIRST_KEY, key1 += SECOND_KEY;
    q = (uint64_t)SECOND * w2;
    w[3] = _mm512_mul_epu32(x, first);
    w[0] = _mm512_xor_si512(y, _mm512_set1_epi64((uint32_t)(q >> 32) ^ key0));
    w[1] = _mm512_set1_epi64((uint32_t)q);
    w[2] = _mm512_xor_si512(_mm512_srli_epi64(w[3], 32), _mm512_set1_epi64(w3 ^ key1));
#pragma GCC unroll 7
    for (int round = 3; round < 10; round++) {
        key0 += FIRST_KEY, key1 += SECOND_KEY;
        x = _mm512_mul_epu32(w[0], first);
        y = _mm512_mul_epu32(w[2], second);
        w[0] = _mm512_ternarylogic_epi64(_mm512_srli_epi64(y, 32), w[1], _mm512_set1_epi64(key0), 0x96);
        w[2] = _mm512_ternarylogic_epi64(_mm512_srli_epi64(x, 32), w[3], _mm512_set1_epi64(key1), 0x96);
        w[1] = y;
        w[3] = x;
    }
}

AVX512 static void avx512(struct ohm_draws draws, uint32_t a, uint32_t b, uint32_t c, int32_t n, uint32_t part, uint16_t *halves) {
    const __m512i d = _mm512_add_epi64(_mm512_set1_epi64(part * LANES), _mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7));
    const __m512i lower = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    for (int32_t i = 0; i < n; i++, halves += OHM_DRAW_HALVES) {
        __m512i low[4], high[4];
        eight_blocks(draws, a, b, c + (uint32_t)i, d, low);
        eight_blocks(draws, a, b, c + (uint32_t)i, _mm512_add_epi64(d, _mm512_set1_epi64(8)), high);
        for (int k = 0; k < 4; k++) _mm512_storeu_si512(halves + 32 * k, _mm512_permutex2var_epi32(low[k], lower, high[k]));
    }
}
#endif

void ohm_draw_many(struct ohm_draws draws, uint32_t a, uint32_t b, uint32_t c, int32_t n, uint32_t part, uint16_t *halves) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f")) {
        avx512(draws, a, b, c, n, part, halves);
        return;
    }
#endif
    for (int32_t i = 0; i < n; i++) portable(draws, a, b, c + (uint32_t)i, part, halves + i * OHM_DRAW_HALVES);
}

void ohm_draw_halves(struct ohm_draws draws, uint32_t a, uint32_t b, uint32_t c, uint32_t part, uint16_t halves[OHM_DRAW_HALVES]) {
    ohm_draw_many(draws, a, b, c, 1, part, halves);
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
