#ifndef OHM_KERNEL_HELD_AVX512_H
#define OHM_KERNEL_HELD_AVX512_H
#include "ohmtally/held.h"
void ohm_held_avx512(const struct ohm_held *held, const struct ohm_lists *lists, int32_t step0, int32_t step1, int32_t *acc, int64_t *clipped);
void ohm_held_noisy_avx512(const struct ohm_held *held, const struct ohm_held_reads *reads, const struct ohm_lists *lists, int32_t step0,
                           int32_t step1, int32_t *acc, int64_t *clipped);
#endif
