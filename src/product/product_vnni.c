/* AVX-512 with its dot-product instruction for pairs of 16 bits, the one that does not saturate. */
#if defined(__x86_64__)
#define ADD_PAIRS(sum, x, w) _mm512_dpwssd_epi32(sum, x, w)
#include "product_avx512.h"

const struct int16_kernel int16_vnni = KERNEL("vnni");
#endif
