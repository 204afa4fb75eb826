/* The ADCs of a layer one by one (internal to xbar). */
#ifndef OHM_XBAR_CONVERTERS_H
#define OHM_XBAR_CONVERTERS_H
#include "ohmtally/crossbar.h"
#include <math.h>

struct ohm_converters {
    struct ohm_arena *arena;
    int32_t ntile, per_array, columns; /* columns: bit lines of a whole array */
    bool interleaved;
    int32_t nkind, kind[OHM_ADC_CLASSES]; /* classes with the same range are of one kind */
    int32_t ncount;                       /* counts 0 .. ncount - 1 */
    uint16_t *code;                       /* [ntile * per_array][nkind][ncount] */
    uint8_t *outside;                     /* likewise */
    int32_t top;                          /* largest code */
    float *gain, *offset;                 /* [ntile * per_array] */
    float *levels;                        /* [ntile * per_array][top] in rising order; NULL: ideal */
};
static inline size_t ohm_converters_index(const struct ohm_converters *converters, int32_t tile, int32_t column) {
    int32_t n = converters->per_array;
    int32_t adc = converters->interleaved ? column % n : (int32_t)((int64_t)column * n / converters->columns);
    return (size_t)tile * (size_t)n + (size_t)adc;
}
/* How many of n levels lie at or below v: the code of v. */
static inline int32_t ohm_converters_search(const float *levels, int32_t n, float v) {
    int32_t below = 0, end = n; /* at least, at most */
    while (below < end) {
        int32_t middle = (below + end) / 2;
        if (levels[middle] <= v)
            below = middle + 1;
        else
            end = middle;
    }
    return below;
}
/* What a measured ADC gives in place of a code; z: the conversion's deviate. */
static inline int32_t ohm_converters_given(float mean, float spread, float z, int32_t top) {
    float given = rintf(mean + spread * z);
    return given > 0 ? given < (float)top ? (int32_t)given : top : 0;
}
/* Which table of codes is a bit line's. */
static inline size_t ohm_converters_table(const struct ohm_converters *converters, int32_t tile, int32_t column, int32_t adc_class) {
    return ohm_converters_index(converters, tile, column) * (size_t)converters->nkind + (size_t)converters->kind[adc_class];
}
static inline size_t ohm_converters_tables(const struct ohm_converters *converters) {
    return (size_t)converters->ntile * (size_t)converters->per_array * (size_t)converters->nkind;
}
bool ohm_converters_silent(const struct ohm_adc *adc);
/* Counts that columns of a plan may give, and adc.largest at least: 0 .. n - 1. */
int32_t ohm_plan_counts(const struct ohm_plan *plan, const struct ohm_adc *adc);

#endif
