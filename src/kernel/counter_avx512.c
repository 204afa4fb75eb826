/* Vertical counters with 512-bit vectors: a full adder is two ternary-logic instructions; bit planes become bytes by one byte permutation and one
 * GF(2) matrix product per 64 columns. */
#if defined(__x86_64__)
#include <immintrin.h>
#include <stdint.h>
typedef __m512i V;
#define V_WORDS 8
#define LOAD(p) _mm512_load_si512(p)
#define STORE(p, v) _mm512_store_si512(p, v)
#define ZERO _mm512_setzero_si512()
#define XOR(a, b) _mm512_xor_si512(a, b)
#define AND(a, b) _mm512_and_si512(a, b)
#define OR(a, b) _mm512_or_si512(a, b)
#define XOR3(a, b, c) _mm512_ternarylogic_epi64(a, b, c, 0x96)
#define MAJ(a, b, c) _mm512_ternarylogic_epi64(a, b, c, 0xE8)
#define AND_OR(a, b, c) _mm512_ternarylogic_epi64(a, b, c, 0xEA) /* (a & b) | c */
#define ANY(v) (_mm512_test_epi64_mask(v, v) != 0)
#define ONES(v) ((int64_t)_mm512_reduce_add_epi64(_mm512_popcnt_epi64(v)))
#include "ohmtally/kernel.h"

/* v[k] = word lanes of plane k; afterwards v[w] = word w of planes 0..7. */
static inline void transpose_words(V v[8]) {
    V a[8], b[8];
    for (int i = 0; i < 4; i++) {
        a[2 * i] = _mm512_unpacklo_epi64(v[2 * i], v[2 * i + 1]);     /* words 0 2 4 6 of two planes */
        a[2 * i + 1] = _mm512_unpackhi_epi64(v[2 * i], v[2 * i + 1]); /* words 1 3 5 7 */
    }
    for (int odd = 0; odd < 2; odd++)
        for (int half = 0; half < 2; half++) {                                                                /* planes 0..3, 4..7 */
            b[odd * 4 + half * 2] = _mm512_shuffle_i64x2(a[half * 4 + odd], a[half * 4 + odd + 2], 0x88);     /* words odd+0, odd+4 */
            b[odd * 4 + half * 2 + 1] = _mm512_shuffle_i64x2(a[half * 4 + odd], a[half * 4 + odd + 2], 0xDD); /* words odd+2, odd+6 */
        }
    for (int odd = 0; odd < 2; odd++)
        for (int late = 0; late < 2; late++) {
            V low = b[odd * 4 + late], high = b[odd * 4 + 2 + late];
            v[odd + 2 * late] = _mm512_shuffle_i64x2(low, high, 0x88);
            v[odd + 2 * late + 4] = _mm512_shuffle_i64x2(low, high, 0xDD);
        }
}

/* Byte c of the result: bits 0..7 of column c from the eight planes' words in x. */
static inline V columns_of_word(V x) {
    const V order = _mm512_set_epi64(0x070F171F272F373Fll, 0x060E161E262E363Ell, 0x050D151D252D353Dll, 0x040C141C242C343Cll, 0x030B131B232B333Bll,
                                     0x020A121A222A323All, 0x0109111921293139ll, 0x0008101820283038ll);
    const V unit = _mm512_set1_epi64((long long)0x8040201008040201ull);
    return _mm512_gf2p8affine_epi64_epi8(unit, _mm512_permutexvar_epi8(order, x), 0);
}

static inline void widen(V low, V middle, V high, V top, int groups, int32_t *out) {
#define QUARTER(q, src) _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32(src, q))
#define EMIT(q)                                                                                                                                      \
    do {                                                                                                                                             \
        V sum = QUARTER(q, low);                                                                                                                     \
        if (groups > 1) sum = _mm512_or_si512(sum, _mm512_slli_epi32(QUARTER(q, middle), 8));                                                        \
        if (groups > 2) sum = _mm512_or_si512(sum, _mm512_slli_epi32(QUARTER(q, high), 16));                                                         \
        if (groups > 3) sum = _mm512_or_si512(sum, _mm512_slli_epi32(QUARTER(q, top), 24));                                                          \
        _mm512_store_si512(out + (q)*16, sum);                                                                                                       \
    } while (0)
    EMIT(0);
    EMIT(1);
    EMIT(2);
    EMIT(3);
#undef EMIT
#undef QUARTER
}

static void transpose(const uint64_t (*planes)[OHM_CHUNK_WORDS], int32_t nplane, int32_t *out) {
    V bytes[4][8];
    int32_t groups = (nplane + 7) / 8;
    for (int32_t g = 0; g < 4; g++) {
        if (g >= groups) {
            for (int32_t k = 0; k < 8; k++) bytes[g][k] = ZERO;
            continue;
        }
        for (int32_t k = 0; k < 8; k++) bytes[g][k] = g * 8 + k < nplane ? LOAD(planes[g * 8 + k]) : ZERO;
        transpose_words(bytes[g]);
        for (int32_t k = 0; k < 8; k++) bytes[g][k] = columns_of_word(bytes[g][k]);
    }
    for (int32_t w = 0; w < 8; w++) widen(bytes[0][w], bytes[1][w], bytes[2][w], bytes[3][w], groups, out + w * 64);
}

#include "combine_body.h"
#include "counter_body.h"
#include "held_avx512.h"

#include "table_body.h"

static void bit_masks(int32_t n, int32_t element, const void *values, int32_t nbit, uint64_t *mask) {
    int32_t words = (n + 63) / 64;
    for (int32_t w = 0; w < words; w++) {
        int32_t here = n - w * 64 < 64 ? n - w * 64 : 64;
        uint64_t valid = here == 64 ? ~0ull : (1ull << here) - 1;
        if (element == 1) {
            V bytes = _mm512_maskz_loadu_epi8(valid, (const uint8_t *)values + w * 64);
            for (int32_t k = 0; k < nbit; k++) mask[k * words + w] = _mm512_test_epi8_mask(bytes, _mm512_set1_epi8((char)(1 << k)));
            continue;
        }
        const uint16_t *from = (const uint16_t *)values + w * 64;
        V low = _mm512_maskz_loadu_epi16((uint32_t)valid, from),
          high = _mm512_maskz_loadu_epi16((uint32_t)(valid >> 32), from + (here > 32 ? 32 : 0));
        for (int32_t k = 0; k < nbit; k++) {
            V bit = _mm512_set1_epi16((short)(1 << k));
            mask[k * words + w] = (uint64_t)_mm512_test_epi16_mask(low, bit) | (uint64_t)_mm512_test_epi16_mask(high, bit) << 32;
        }
    }
}

/* 32 rows at a time: the numbers of the 1 bits packed to the front of a register, which is stored whole. */
static int32_t emit(const uint64_t *mask, int32_t words, uint16_t *out) {
    static const uint16_t ascending[32] __attribute__((aligned(64))) = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
                                                                        16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31};
    V number = _mm512_load_si512(ascending);
    int32_t n = 0;
    for (int32_t w = 0; w < words; w++)
        for (int32_t half = 0; half < 2; half++) {
            __mmask32 bits = (__mmask32)(mask[w] >> (32 * half));
            _mm512_storeu_si512(out + n, _mm512_maskz_compress_epi16(bits, number));
            n += __builtin_popcount(bits);
            number = _mm512_add_epi16(number, _mm512_set1_epi16(32));
        }
    return n;
}

const struct ohm_kernel ohm_kernel_avx512 = KERNEL("avx512", bit_masks, emit, full_adders, ohm_held_avx512, ohm_held_noisy_avx512);
#endif
