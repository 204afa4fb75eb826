/* Vertical counters with 256-bit vectors. */
#if defined(__x86_64__)
#define V_BYTES 32
#include "vector_body.h"

#include "transpose_body.h" /* what the counter needs of this vector comes first */

#include "counter_body.h"

#include "table_body.h"

#include "combine_body.h"
#include "held_body.h"
#include "masks_body.h"

#include <immintrin.h>

/* 32 rows at a time: bit k of every byte moves to the byte's sign, from where one instruction collects it. */
static void bit_masks_avx2(int32_t n, int32_t element, const void *values, int32_t nbit, uint64_t *mask) {
    int32_t words = (n + 63) / 64;
    if (element != 1) {
        bit_masks_plain(n, element, values, nbit, mask);
        return;
    }
    for (int32_t w = 0; w < words; w++) {
        uint8_t rest[64] = {0};
        const uint8_t *from = (const uint8_t *)values + w * 64;
        if (n - w * 64 < 64) from = memcpy(rest, from, (size_t)(n - w * 64));
        __m256i low = _mm256_loadu_si256((const __m256i *)(const void *)from), high = _mm256_loadu_si256((const __m256i *)(const void *)(from + 32));
        for (int32_t k = 0; k < nbit; k++) {
            uint32_t a = (uint32_t)_mm256_movemask_epi8(_mm256_slli_epi64(low, 7 - k));
            uint32_t b = (uint32_t)_mm256_movemask_epi8(_mm256_slli_epi64(high, 7 - k));
            mask[k * words + w] = a | (uint64_t)b << 32;
        }
    }
}

const struct ohm_kernel ohm_kernel_avx2 = KERNEL("avx2", bit_masks_avx2, emit_plain, full_adders, held, NULL);
#endif
