/* Ranges from counts (internal to quant). */
#ifndef OHM_QUANT_RANGE_CHOICE_H
#define OHM_QUANT_RANGE_CHOICE_H
#include "ohmtally/quantize.h"

/* lo <= 0 <= hi of a value by the rule; non-negative values get lo = 0. Fails naming the value when nothing finite was seen. */
int ohm_range_choose(const struct ohm_network *network, const struct ohm_ranges *ranges, int32_t value, const struct ohm_quantize_options *options,
                     bool non_negative, float *lo, float *hi);
/* scale and zero point of [lo, hi] (quantize.h). */
struct ohm_quant ohm_range_quant(float lo, float hi, int32_t bits);

#endif
