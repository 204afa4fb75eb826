/* The ADC's transfer in whole numbers of 1/256 cell step. */
#include "converters.h"
#include "ohmtally/crossbar.h"
#include "ohmtally/status.h"
#include "ohmtally/text.h"
#include <math.h>
#include <string.h>

static const char *const range_names[] = {"unit", "full", "calibrated"};

int ohm_adc_range_parse(const char *text, enum ohm_adc_range *range) {
    for (int i = 0; i < 3; i++)
        if (!strcmp(text, range_names[i])) {
            *range = (enum ohm_adc_range)i;
            return OHM_OK;
        }
    const char *near = ohm_text_nearest(text, range_names, 3);
    return ohm_fail(OHM_E_USAGE, "ADC range '%s' is unknown%s%s; choose unit, full or calibrated", text, near ? "; nearest: " : "", near ? near : "");
}

const char *ohm_adc_range_text(enum ohm_adc_range range) {
    return range_names[range];
}

/* Step of an ADC whose codes span 0 .. most: a multiple of 1/256, rounded up, never below one cell step. */
static int32_t spanning_step(const struct ohm_adc *adc, int32_t most) {
    int32_t codes = (1 << adc->bits) - 1;
    int32_t step = (int32_t)(((int64_t)most * OHM_ADC_ONE + codes - 1) / codes);
    return step < OHM_ADC_ONE ? OHM_ADC_ONE : step;
}

void ohm_adc_step(const struct ohm_adc *adc, int32_t adc_class, int32_t *lo, int32_t *step) {
    *lo = adc->range == OHM_ADC_CALIBRATED ? adc->lo[adc_class] : 0;
    *step = adc->range == OHM_ADC_CALIBRATED ? adc->step[adc_class] : adc->range == OHM_ADC_FULL ? spanning_step(adc, adc->largest) : OHM_ADC_ONE;
}

int32_t ohm_adc_unit(const struct ohm_adc *adc) {
    for (int32_t k = 0; k < OHM_ADC_CLASSES; k++) {
        int32_t lo, step;
        ohm_adc_step(adc, k, &lo, &step);
        if (step && (lo || step != OHM_ADC_ONE)) return OHM_ADC_ONE; /* step 0: no column of this class */
    }
    return 1;
}

/* Nearest whole number to a / b (b > 0), halves to even. */
static int64_t divide_round(int64_t a, int64_t b) {
    int64_t q = a / b, r = a % b;
    if (r < 0) {
        q--;
        r += b;
    }
    if (2 * r > b || (2 * r == b && (q & 1))) q++;
    return q;
}

static int64_t unlimited_code(const struct ohm_adc *adc, int32_t adc_class, int32_t count) {
    int32_t lo, step;
    ohm_adc_step(adc, adc_class, &lo, &step);
    return divide_round((int64_t)count * OHM_ADC_ONE - lo, step);
}

int32_t ohm_adc_code(const struct ohm_adc *adc, int32_t adc_class, int32_t count) {
    int64_t code = unlimited_code(adc, adc_class, count), top = ((int64_t)1 << adc->bits) - 1;
    return (int32_t)(code < 0 ? 0 : code > top ? top : code);
}

bool ohm_adc_outside(const struct ohm_adc *adc, int32_t adc_class, int32_t count) {
    return unlimited_code(adc, adc_class, count) != ohm_adc_code(adc, adc_class, count);
}

bool ohm_adc_silent(const struct ohm_adc *adc) {
    if (adc->converters) return ohm_converters_silent(adc);
    for (int32_t k = 0; k < OHM_ADC_CLASSES; k++) {
        int32_t lo, step;
        ohm_adc_step(adc, k, &lo, &step);
        if (step && (int64_t)ohm_adc_code(adc, k, 0) * step + lo) return false; /* step 0: no column of this class */
    }
    return true;
}

/* Sum of squared errors of the counts seen under a given step. */
static double squared_error(struct ohm_adc *adc, int32_t adc_class, const int64_t *histogram) {
    double sum = 0;
    int32_t lo = adc->lo[adc_class], step = adc->step[adc_class];
    for (int32_t count = 0; count <= adc->largest; count++) {
        if (!histogram[count]) continue;
        double error = count - ((double)ohm_adc_code(adc, adc_class, count) * step + lo) / OHM_ADC_ONE;
        sum += (double)histogram[count] * error * error;
    }
    return sum;
}

void ohm_adc_calibrate(struct ohm_adc *adc, int32_t adc_class, const int64_t *histogram, double percentile) {
    int64_t total = 0, seen = 0;
    int32_t most = 0;
    for (int32_t count = 0; count <= adc->largest; count++) total += histogram[count];
    adc->lo[adc_class] = 0;
    if (percentile > 0) {
        for (; most < adc->largest; most++) {
            seen += histogram[most];
            if ((double)seen >= percentile / 100 * (double)total) break;
        }
        adc->step[adc_class] = spanning_step(adc, most);
        return;
    }
    double least = INFINITY;
    int32_t best = OHM_ADC_ONE;
    for (most = adc->largest; most >= 1; most--) { /* ties go to the smaller span */
        adc->step[adc_class] = spanning_step(adc, most);
        double error = squared_error(adc, adc_class, histogram);
        if (error <= least) {
            least = error;
            best = adc->step[adc_class];
        }
    }
    adc->step[adc_class] = best;
}

void ohm_adc_align(struct ohm_adc *adc) {
    int32_t halvings[OHM_ADC_CLASSES] = {0}, widest = 0, most = 0;
    for (int32_t k = 0; k < OHM_ADC_CLASSES; k++) widest = adc->step[k] > widest ? adc->step[k] : widest;
    for (int32_t k = 0; k < OHM_ADC_CLASSES; k++) {
        while (adc->step[k] && widest >> (halvings[k] + 1) >= adc->step[k]) halvings[k]++;
        most = halvings[k] > most ? halvings[k] : most;
    }
    widest = ((widest - 1) >> most) + 1; /* in units that can be halved as often as the narrowest class asks */
    for (int32_t k = 0; k < OHM_ADC_CLASSES; k++)
        if (adc->step[k]) adc->step[k] = widest << (most - halvings[k]);
}
