/* AVX-512 without the dot-product instructions. */
#if defined(__x86_64__)
#define ADD_PAIRS(sum, x, w) _mm512_add_epi32(sum, _mm512_madd_epi16(x, w))
#include "product_avx512.h"

const struct int16_kernel int16_avx512 = KERNEL("avx512");
#endif
