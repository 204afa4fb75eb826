#include "range_choice.h"
#include "ohmtally/status.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SHARES 100 /* clip points tried by the squared-error rule: 1 % to 100 % of the extremes */

struct bin {
    float value; /* middle of the bin */
    int64_t count;
};

static float bin_value(uint32_t bin, uint32_t low) {
    uint32_t bits = bin << 16 | low;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Bins in ascending order of their values: negative ones from the largest magnitude down, then positive ones. */
static uint32_t ascending(uint32_t i) {
    return i < 32768 ? 65535 - i : i - 32768;
}

/* Largest of the smallest `share` of the values counted, by the bin's far edge. */
static float quantile_low(const int64_t *counts, int64_t cut, float least) {
    int64_t seen = 0;
    for (uint32_t i = 0; i < OHM_RANGE_BINS; i++) {
        seen += counts[ascending(i)];
        if (seen > cut) return fmaxf(bin_value(ascending(i), 0xFFFF), least);
    }
    return least;
}

static float quantile_high(const int64_t *counts, int64_t cut, float most) {
    int64_t seen = 0;
    for (uint32_t i = OHM_RANGE_BINS; i-- > 0;) {
        seen += counts[ascending(i)];
        if (seen > cut) return fminf(bin_value(ascending(i), 0xFFFF), most);
    }
    return most;
}

struct ohm_quant ohm_range_quant(float lo, float hi, int32_t bits) {
    struct ohm_quant quant = {1.0f, 0, bits};
    if (hi > lo) quant.scale = (hi - lo) / (float)((1 << bits) - 1);
    if (!(quant.scale > 0)) quant.scale = 1.0f; /* all zero, or a range that vanishes in float */
    if (lo < 0) quant.zero = (int32_t)rintf(-lo / quant.scale);
    return quant;
}

static double squared_error(const struct bin *bins, int32_t n, struct ohm_quant quant) {
    double sum = 0, top = (1 << quant.bits) - 1;
    for (int32_t i = 0; i < n; i++) {
        double q = rint((double)bins[i].value / (double)quant.scale) + quant.zero;
        q = q < 0 ? 0 : q > top ? top : q;
        double error = (q - quant.zero) * (double)quant.scale - (double)bins[i].value;
        sum += (double)bins[i].count * error * error;
    }
    return sum;
}

/* Both ends shrink by the same share; the first of equal errors (the wider range) wins. */
static int least_error(const int64_t *counts, int32_t bits, float *lo, float *hi) {
    struct bin *bins = ohm_alloc_array(OHM_RANGE_BINS, sizeof *bins);
    int32_t n = 0, best = SHARES;
    double least = INFINITY;
    if (!bins) return OHM_E_MEMORY;
    for (uint32_t i = 0; i < OHM_RANGE_BINS; i++) {
        uint32_t bin = ascending(i);
        if (counts[bin] && (bin & 0x7FFF) != 0) bins[n++] = (struct bin){bin_value(bin, 0x8000), counts[bin]}; /* zeros are exact */
    }
    for (int32_t share = SHARES; share >= 1; share--) {
        float factor = (float)share / SHARES;
        double error = squared_error(bins, n, ohm_range_quant(*lo * factor, *hi * factor, bits));
        if (error < least) {
            least = error;
            best = share;
        }
    }
    *lo *= (float)best / SHARES;
    *hi *= (float)best / SHARES;
    free(bins);
    return OHM_OK;
}

int ohm_range_choose(const struct ohm_network *network, const struct ohm_ranges *ranges, int32_t value, const struct ohm_quantize_options *options,
                     bool non_negative, float *lo, float *hi) {
    const int64_t *counts = ranges->counts + (size_t)ranges->slot[value] * OHM_RANGE_BINS;
    float least = ranges->least[value], most = ranges->most[value];
    int64_t total = 0;
    if (!isfinite(least) || !isfinite(most))
        return ohm_fail(OHM_E_INPUT, "tensor '%s': no finite values seen in calibration; check preprocessing and calibration images",
                        network->values[value].name);
    for (int32_t i = 0; i < OHM_RANGE_BINS; i++) total += counts[i];
    if (options->rule == OHM_RULE_PERCENTILE) {
        int64_t cut = (int64_t)((100.0 - options->percentile) / 100.0 * (double)total / (least < 0 && !non_negative ? 2 : 1));
        if (least < 0) least = quantile_low(counts, cut, least);
        most = quantile_high(counts, cut, most);
    }
    *lo = non_negative || least > 0 ? 0.0f : least;
    *hi = most > 0 ? most : 0.0f;
    if (options->rule == OHM_RULE_SQUARED_ERROR) return least_error(counts, options->activation_bits, lo, hi);
    return OHM_OK;
}
