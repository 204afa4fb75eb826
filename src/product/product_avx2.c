/* 256-bit vectors: 16 columns by 6 positions are 12 registers of sums, two of weights and one of codes. */
#if defined(__x86_64__)
#include "product_int16.h"
#include <immintrin.h>
#include <string.h>

typedef __m256i V;
#define LANES 8
#define VECTORS 2
#define MOST_POSITIONS 6
#define ZERO _mm256_setzero_si256()
#define LOAD(from) _mm256_load_si256((const V *)(from))
#define LOADU(from) _mm256_loadu_si256((const V *)(from))
#define STOREU(to, v) _mm256_storeu_si256((V *)(to), v)
#define ADD(a, b) _mm256_add_epi32(a, b)
#define ADD_PAIRS(sum, x, w) _mm256_add_epi32(sum, _mm256_madd_epi16(x, w))

static inline V BROADCAST(const void *x) {
    int32_t pair;
    memcpy(&pair, x, sizeof pair);
    return _mm256_set1_epi32(pair);
}

/* Not by a masked store, which is slow on some processors. */
static void add_part(int32_t *y, int32_t columns, bool add, V sum) {
    uint32_t part[LANES];
    STOREU(part, sum);
    for (int32_t n = 0; n < columns; n++) y[n] = (int32_t)((add ? (uint32_t)y[n] : 0) + part[n]);
}

#include "product_int16_body.h"

const struct int16_kernel int16_avx2 = KERNEL("avx2");
#endif
