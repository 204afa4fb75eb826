/* Range rules: extremes, percentile, least squared error. All in double and in a fixed order, from counts only. */
#include "choose.h"
#include "ohmtally/status.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Bins in ascending order of value: place 0 is the most negative one. The sign bit is bin 0x8000; the bin of infinities and NaNs of either sign are
 * the outermost 128. */
#define OUTSIDE 128
#define VANISHING 0x1p-100 /* a range below it is that of zeros: their bin goes up to 2^-133 */
static int32_t bin_at(int32_t place) {
    return place < OHM_RANGE_BINS / 2 ? OHM_RANGE_BINS - 1 - place : place - OHM_RANGE_BINS / 2;
}

static double bin_edge(uint32_t bits) {
    float edge;
    memcpy(&edge, &bits, sizeof edge);
    return edge;
}

/* The nonempty bins, cut to the exact extremes. bins [OHM_RANGE_BINS]; returns their number. */
static int32_t collect(const int64_t *counts, double least, double most, struct bin *bins) {
    int32_t nbin = 0;
    for (int32_t place = OUTSIDE; place < OHM_RANGE_BINS - OUTSIDE; place++) {
        const uint32_t bin = (uint32_t)bin_at(place);
        if (!counts[bin]) continue;
        double near = bin_edge(bin << 16), far = bin_edge(bin << 16 | 0xffff); /* away from zero */
        double from = near < far ? near : far, to = near < far ? far : near;
        bins[nbin++] = (struct bin){.from = from > least ? from : least, .to = to < most ? to : most, .count = (double)counts[bin]};
    }
    return nbin;
}

/* Cuts whole bins from both ends while no more than the allowed number of values falls outside. */
static struct interval cut_percentile(const struct bin *bins, int32_t nbin, struct interval all, double percentile) {
    double total = 0, cut = 0;
    for (int32_t i = 0; i < nbin; i++) total += bins[i].count;
    const bool both = all.lo < 0;
    const double allowed = (100 - percentile) / 100 * total * (both ? 0.5 : 1);
    int32_t last = nbin - 1, first = 0;
    for (; last > 0 && (cut += bins[last].count) <= allowed; last--) {
    }
    cut = 0;
    for (; both && first < last && (cut += bins[first].count) <= allowed; first++) {
    }
    struct interval kept = {.lo = both ? bins[first].from : 0, .hi = bins[last].to};
    kept = (struct interval){.lo = kept.lo < 0 ? kept.lo : 0, .hi = kept.hi > 0 ? kept.hi : 0};
    return kept.hi - kept.lo > VANISHING ? kept : all; /* else nothing but zeros kept */
}

static int check_observed(const struct ohm_ranges *ranges, int32_t value, const char *name) {
    const float least = ranges->least[value], most = ranges->most[value];
    if (ranges->slot[value] < 0) return ohm_fail(OHM_E_INTERNAL, "tensor '%s' was not to be observed; these are ranges of another network", name);
    const int64_t *counts = ranges->counts + (size_t)ranges->slot[value] * OHM_RANGE_BINS;
    for (int32_t i = 0; i < OUTSIDE; i++)
        if (counts[bin_at(i)] || counts[bin_at(OHM_RANGE_BINS - 1 - i)])
            return ohm_fail(OHM_E_INPUT, "tensor '%s' took infinite or undefined values during calibration; check the preprocessing", name);
    if (least > most) return ohm_fail(OHM_E_INPUT, "tensor '%s' was never observed; calibrate with at least one image", name);
    return OHM_OK;
}

static struct ohm_quant quant_of(struct interval range, int32_t bits) {
    const double scale = (float)((range.hi - range.lo) / (double)((1 << bits) - 1));
    if (range.hi - range.lo < VANISHING) return (struct ohm_quant){.scale = 1, .zero = 0, .bits = bits}; /* all zero */
    return (struct ohm_quant){.scale = (float)scale, .zero = (int32_t)rint(-range.lo / scale), .bits = bits};
}

int choose_quant(const struct ohm_ranges *ranges, int32_t value, const char *name, bool nonnegative, const struct ohm_quantize_options *options,
                 struct ohm_quant *quant) {
    OHM_TRY(check_observed(ranges, value, name));
    const double least = ranges->least[value], most = ranges->most[value];
    struct interval range = {.lo = nonnegative || least > 0 ? 0 : least, .hi = most > 0 ? most : 0};
    if (options->rule != OHM_RULE_MINMAX) {
        struct bin *bins = ohm_alloc_array(OHM_RANGE_BINS, sizeof *bins);
        if (!bins) return OHM_E_MEMORY;
        int32_t nbin = collect(ranges->counts + (size_t)ranges->slot[value] * OHM_RANGE_BINS, least, most, bins);
        range = options->rule == OHM_RULE_PERCENTILE ? cut_percentile(bins, nbin, range, options->percentile)
                                                     : search_least_error(bins, nbin, range, options->activation_bits);
        free(bins);
    }
    *quant = quant_of(range, options->activation_bits);
    return OHM_OK;
}
