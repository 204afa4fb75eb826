/* 512-bit vectors: 32 columns by 12 positions are 24 registers of sums. Included with ADD_PAIRS. */
#include "product_int16.h"
#include <immintrin.h>
#include <string.h>

typedef __m512i V;
#define LANES 16
#define VECTORS 2
#define MOST_POSITIONS 12
#define ZERO _mm512_setzero_si512()
#define LOAD(from) _mm512_load_si512(from)
#define LOADU(from) _mm512_loadu_si512(from)
#define STOREU(to, v) _mm512_storeu_si512(to, v)
#define ADD(a, b) _mm512_add_epi32(a, b)

static inline V BROADCAST(const void *x) {
    int32_t pair;
    memcpy(&pair, x, sizeof pair);
    return _mm512_set1_epi32(pair);
}

static inline void add_part(int32_t *y, int32_t columns, bool add, V sum) {
    const __mmask16 inside = (__mmask16)((1U << columns) - 1);
    if (add) sum = ADD(_mm512_maskz_loadu_epi32(inside, y), sum);
    _mm512_mask_storeu_epi32(y, inside, sum);
}

#include "product_int16_body.h"
