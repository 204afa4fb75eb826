/* Sparse columns of bytes times 64 positions of codes: the codes are turned to rows of 64 bytes; four rows, interleaved in registers, meet four bytes
 * of a column in one dot-product instruction for 16 positions; the sums of 16 columns are turned back and added. */
#include "product_excess.h"
#if defined(OHM_DNNL) && defined(__x86_64__)
#include <immintrin.h>
#include <string.h>

typedef __m512i V;
#define ROWS EXCESS_ROWS
#define QUARTERS 4 /* of the positions: sums that fill a vector */

/* Vector i of a 16 x 16 matrix of bytes in each lane: rows and columns exchanged by four perfect shuffles of its 256 bytes. */
static inline __attribute__((always_inline)) void shuffle_bytes(const V *from, V *to) {
#pragma GCC unroll 8
    for (int i = 0; i < 8; i++) {
        to[2 * i] = _mm512_unpacklo_epi8(from[i], from[i + 8]);
        to[2 * i + 1] = _mm512_unpackhi_epi8(from[i], from[i + 8]);
    }
}

/* Codes [npos][krows] to turned [krows to whole ROWS][64]. Positions beyond npos repeat the first: their sums are not used. */
static void turn_codes(int32_t npos, int32_t krows, const uint8_t *x, int64_t stride, uint8_t *turned) {
    int64_t at[EXCESS_POSITIONS];
    for (int p = 0; p < EXCESS_POSITIONS; p++) at[p] = p < npos ? p * stride : 0;
    for (int32_t r = 0; r < krows; r += ROWS, turned += ROWS * EXCESS_POSITIONS) {
        const __mmask16 inside = krows - r < ROWS ? (__mmask16)((1U << (krows - r)) - 1) : UINT16_MAX;
        V a[ROWS], b[ROWS];
#pragma GCC unroll 16
        for (int i = 0; i < ROWS; i++) {
            a[i] = _mm512_castsi128_si512(_mm_maskz_loadu_epi8(inside, x + r + at[i]));
            a[i] = _mm512_inserti32x4(a[i], _mm_maskz_loadu_epi8(inside, x + r + at[16 + i]), 1);
            a[i] = _mm512_inserti32x4(a[i], _mm_maskz_loadu_epi8(inside, x + r + at[32 + i]), 2);
            a[i] = _mm512_inserti32x4(a[i], _mm_maskz_loadu_epi8(inside, x + r + at[48 + i]), 3);
        }
        shuffle_bytes(a, b);
        shuffle_bytes(b, a);
        shuffle_bytes(a, b);
        shuffle_bytes(b, a);
#pragma GCC unroll 16
        for (int i = 0; i < ROWS; i++) _mm512_store_si512(turned + i * EXCESS_POSITIONS, a[i]);
    }
}

/* Element 4 l + i of quarter q is the sum of position 16 l + 4 q + i. */
static inline __attribute__((always_inline)) void sum_column(const struct excess_four *four, const struct excess_four *end, const uint8_t *turned,
                                                             V *sum) {
    V s0 = _mm512_setzero_si512(), s1 = s0, s2 = s0, s3 = s0;
    for (; four < end; four++) {
        const V a = _mm512_load_si512(turned + four->row[0] * EXCESS_POSITIONS), b = _mm512_load_si512(turned + four->row[1] * EXCESS_POSITIONS);
        const V c = _mm512_load_si512(turned + four->row[2] * EXCESS_POSITIONS), d = _mm512_load_si512(turned + four->row[3] * EXCESS_POSITIONS);
        const V ab = _mm512_unpacklo_epi8(a, b), AB = _mm512_unpackhi_epi8(a, b), cd = _mm512_unpacklo_epi8(c, d), CD = _mm512_unpackhi_epi8(c, d);
        int32_t values;
        memcpy(&values, four->value, sizeof values);
        const V w = _mm512_set1_epi32(values);
        s0 = _mm512_dpbusd_epi32(s0, _mm512_unpacklo_epi16(ab, cd), w);
        s1 = _mm512_dpbusd_epi32(s1, _mm512_unpackhi_epi16(ab, cd), w);
        s2 = _mm512_dpbusd_epi32(s2, _mm512_unpacklo_epi16(AB, CD), w);
        s3 = _mm512_dpbusd_epi32(s3, _mm512_unpackhi_epi16(AB, CD), w);
    }
    sum[0] = s0;
    sum[ROWS] = s1;
    sum[2 * ROWS] = s2;
    sum[3 * ROWS] = s3;
}

static inline __attribute__((always_inline)) void shuffle_sums(const V *from, V *to) {
#pragma GCC unroll 8
    for (int i = 0; i < 8; i++) {
        to[2 * i] = _mm512_unpacklo_epi32(from[i], from[i + 8]);
        to[2 * i + 1] = _mm512_unpackhi_epi32(from[i], from[i + 8]);
    }
}

/* Vectors i, 4 + i, 8 + i, 12 + i: their lanes exchanged. */
static inline __attribute__((always_inline)) void exchange_lanes(const V *from, V *to) {
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        const V a = _mm512_shuffle_i32x4(from[i], from[4 + i], 0x44), b = _mm512_shuffle_i32x4(from[8 + i], from[12 + i], 0x44);
        const V c = _mm512_shuffle_i32x4(from[i], from[4 + i], 0xEE), d = _mm512_shuffle_i32x4(from[8 + i], from[12 + i], 0xEE);
        to[i] = _mm512_shuffle_i32x4(a, b, 0x88);
        to[4 + i] = _mm512_shuffle_i32x4(a, b, 0xDD);
        to[8 + i] = _mm512_shuffle_i32x4(c, d, 0x88);
        to[12 + i] = _mm512_shuffle_i32x4(c, d, 0xDD);
    }
}

/* Where column n of 16 lies, so that two shuffles and an exchange of lanes put it in its place. */
static inline int slot_of(int n) {
    return n % 4 * 4 + n / 4;
}

static void add_quarter(const V *sum, int32_t npos, int32_t ncols, int32_t *y, int64_t stride) {
    const __mmask16 inside = ncols < ROWS ? (__mmask16)((1U << ncols) - 1) : UINT16_MAX;
    V a[ROWS], b[ROWS];
#pragma GCC unroll 16
    for (int i = 0; i < ROWS; i++) a[i] = _mm512_load_si512(sum + i);
    shuffle_sums(a, b);
    shuffle_sums(b, a);
    exchange_lanes(a, b);
#pragma GCC unroll 16
    for (int i = 0; i < ROWS; i++) {
        const int p = i / 4 * 16 + i % 4;
        if (p >= npos) continue;
        int32_t *to = y + p * stride;
        _mm512_mask_storeu_epi32(to, inside, _mm512_add_epi32(b[i], _mm512_maskz_loadu_epi32(inside, to)));
    }
}

void excess_add_avx512(const struct excess *excess, int32_t npos, const uint8_t *x, int64_t x_stride, int32_t *y, int64_t y_stride, int32_t *sums,
                       uint8_t *turned) {
    V *sum = (V *)sums; /* [quarter][column] */
    memset(sum, 0, EXCESS_SUMS * sizeof *sums);
    turn_codes(npos, excess->krows, x, x_stride, turned);
    for (int32_t c = 0; c < excess->ncols; c += ROWS) {
        const int32_t width = excess->ncols - c < ROWS ? excess->ncols - c : ROWS;
        const uint32_t *first = excess->first + c;
        if (first[0] == first[width]) continue;
        for (int n = 0; n < width; n++) sum_column(excess->fours + first[n], excess->fours + first[n + 1], turned, sum + slot_of(n));
        for (int q = 0; q < QUARTERS && 4 * q < npos; q++) add_quarter(sum + q * ROWS, npos - 4 * q, width, y + 4 * q * y_stride + c, y_stride);
    }
}
#endif
