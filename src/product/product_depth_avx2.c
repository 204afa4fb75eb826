/* Depth-wise products by multiply-add of pairs: the codes of two rows are interleaved in registers. */
#if defined(__x86_64__)
#include "product_depth.h"
#include <immintrin.h>

/* 16 groups of one position. x points at the first of them. */
static inline void block(int64_t groups, int64_t krows, const int16_t *w, const uint8_t *x, int32_t *y) {
    __m256i low = _mm256_setzero_si256(), high = low;
    for (int64_t r = 0; r < krows; r += 2, x += 2 * groups, w += 2 * DEPTH_GROUPS) {
        const __m128i even = _mm_loadu_si128((const __m128i *)x);
        const __m128i odd = r + 1 < krows ? _mm_loadu_si128((const __m128i *)(x + groups)) : _mm_setzero_si128();
        const __m256i w_low = _mm256_load_si256((const __m256i *)w), w_high = _mm256_load_si256((const __m256i *)w + 1);
        low = _mm256_add_epi32(low, _mm256_madd_epi16(_mm256_cvtepu8_epi16(_mm_unpacklo_epi8(even, odd)), w_low));
        high = _mm256_add_epi32(high, _mm256_madd_epi16(_mm256_cvtepu8_epi16(_mm_unpackhi_epi8(even, odd)), w_high));
    }
    _mm256_storeu_si256((__m256i *)y, low);
    _mm256_storeu_si256((__m256i *)y + 1, high);
}

void depth_avx2(int64_t groups, int64_t krows, const int16_t *w, int64_t npos, const uint8_t *x, int32_t *y) {
    const int64_t even = (krows + 1) / 2 * 2;
    for (int64_t p = 0; p < npos; p++, x += krows * groups, y += groups)
        for (int64_t b = 0; b < groups; b += DEPTH_GROUPS) block(groups, krows, w + b * even, x + depth_first(groups, b), y + depth_first(groups, b));
}
#endif
