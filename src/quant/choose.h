/* From what was observed of a tensor to its scale and zero point. Private to the quant layer. */
#ifndef OHM_QUANT_CHOOSE_H
#define OHM_QUANT_CHOOSE_H
#include "ohmtally/quantize.h"

/* name: the tensor's, for messages. nonnegative: by structure. */
int choose_quant(const struct ohm_ranges *ranges, int32_t value, const char *name, bool nonnegative, const struct ohm_quantize_options *options,
                 struct ohm_quant *quant);

/* Observed values as intervals in ascending order: count values spread evenly over [from, to]. */
struct bin {
    double from, to, count;
};
struct interval {
    double lo, hi; /* lo <= 0 <= hi */
};
/* The part of `all` that makes the squared error of quantising to 2^bits levels least (search.c). */
struct interval search_least_error(const struct bin *bins, int32_t nbin, struct interval all, int32_t bits);

#endif
