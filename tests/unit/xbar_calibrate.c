/* Calibrated ADC ranges: what percentiles keep, what least squared error is least of, steps that differ by powers of two, and where a range loses
 * nothing. */
#include "ohmtally/crossbar.h"
#include "suite.h"
#define DRAW_SEED 0xBF58476D1CE4E5B9ull
#include "draw.h"
#include <math.h>
#include <string.h>

enum { LARGEST = 384 };
static int64_t histogram[LARGEST + 1];

static void draw_histogram(void) {
    int32_t most = 1 + (int32_t)draw(LARGEST);
    memset(histogram, 0, sizeof histogram);
    for (int i = 0; i < 3000; i++) histogram[draw(draw((uint32_t)most) + 1)]++;
}

static double squared_error(const struct ohm_adc *adc) {
    double sum = 0;
    for (int32_t i = 0; i <= LARGEST; i++) {
        double error = i - (double)ohm_adc_code(adc, 0, i) * adc->step[0] / OHM_ADC_ONE;
        sum += (double)histogram[i] * error * error;
    }
    return sum;
}

/* The share asked for lies within the codes; with one code less of range it would not. */
static void test_percentile(void) {
    for (int i = 0; i < 200; i++) {
        struct ohm_adc adc = {.bits = 1 + (int32_t)draw(9), .range = OHM_ADC_CALIBRATED, .largest = LARGEST};
        double percentile = 50 + draw(501) / 10.0;
        int64_t all = 0, within = 0, before = 0;
        draw_histogram();
        ohm_adc_calibrate(&adc, 0, histogram, percentile);
        int32_t top = (1 << adc.bits) - 1, end = top * adc.step[0] / OHM_ADC_ONE;
        for (int32_t k = 0; k <= LARGEST; k++) {
            all += histogram[k];
            if (k <= end) within += histogram[k];
            if (k * OHM_ADC_ONE <= top * (adc.step[0] - 1) - OHM_ADC_ONE) before += histogram[k];
        }
        CU_ASSERT(adc.lo[0] == 0 && adc.step[0] >= OHM_ADC_ONE);
        CU_ASSERT((double)within >= percentile / 100 * (double)all);
        CU_ASSERT(adc.step[0] == OHM_ADC_ONE || (double)before < percentile / 100 * (double)all);
    }
}

static void test_squared_error(void) {
    for (int i = 0; i < 40; i++) {
        struct ohm_adc adc = {.bits = 1 + (int32_t)draw(8), .range = OHM_ADC_CALIBRATED, .largest = LARGEST}, other;
        int32_t codes = (1 << adc.bits) - 1;
        draw_histogram();
        ohm_adc_calibrate(&adc, 0, histogram, 0);
        other = adc;
        for (int32_t most = 1; most <= LARGEST; most++) { /* every span of whole counts */
            int32_t step = (most * OHM_ADC_ONE + codes - 1) / codes;
            other.step[0] = step < OHM_ADC_ONE ? OHM_ADC_ONE : step;
            CU_ASSERT(squared_error(&other) >= squared_error(&adc));
        }
    }
}

/* 128 rows of one-bit cells and 8 bits: the range calibrated on all counts up to 255 has a code for every count and loses none. 7 bits have codes
 * 0 .. 127: whatever the calibration, two of the counts 0 .. 128 share one. */
static void test_lossless(void) {
    struct ohm_adc eight = {.bits = 8, .range = OHM_ADC_CALIBRATED, .largest = 255}, seven = {.bits = 7, .range = OHM_ADC_CALIBRATED, .largest = 128};
    for (int32_t i = 0; i <= LARGEST; i++) histogram[i] = 1;
    for (int error = 0; error < 2; error++) {
        bool given[128] = {false};
        int codes = 0;
        ohm_adc_calibrate(&eight, 0, histogram, error ? 0 : 100);
        CU_ASSERT(eight.lo[0] == 0 && eight.step[0] == OHM_ADC_ONE);
        for (int32_t count = 0; count <= 255; count++) CU_ASSERT(ohm_adc_code(&eight, 0, count) == count && !ohm_adc_outside(&eight, 0, count));
        ohm_adc_calibrate(&seven, 0, histogram, error ? 0 : 100);
        for (int32_t count = 0; count <= 128; count++) {
            int32_t code = ohm_adc_code(&seven, 0, count);
            CU_ASSERT_FATAL(code >= 0 && code < 128);
            codes += !given[code];
            given[code] = true;
        }
        CU_ASSERT_EQUAL(codes, 128); /* of 129 counts */
    }
}

static void test_align(void) {
    for (int i = 0; i < 500; i++) {
        struct ohm_adc adc = {.bits = 5, .range = OHM_ADC_CALIBRATED, .largest = LARGEST}, before;
        int32_t classes = 1 + (int32_t)draw(OHM_ADC_CLASSES), widest = 0;
        for (int32_t k = 0; k < classes; k++) adc.step[k] = OHM_ADC_ONE + (int32_t)draw(1u << draw(17));
        before = adc;
        ohm_adc_align(&adc);
        for (int32_t k = 0; k < classes; k++) widest = adc.step[k] > widest ? adc.step[k] : widest;
        for (int32_t k = 0; k < OHM_ADC_CLASSES; k++) {
            if (k >= classes) {
                CU_ASSERT_EQUAL(adc.step[k], 0);
                continue;
            }
            int32_t ratio = widest / adc.step[k];
            CU_ASSERT(ratio * adc.step[k] == widest && (ratio & (ratio - 1)) == 0);
            CU_ASSERT(adc.step[k] >= before.step[k]);                               /* nothing more is clipped */
            CU_ASSERT(adc.step[k] <= 2 * before.step[k] + before.step[k] / 64 + 1); /* and a bit of resolution lost at most, but for rounding */
        }
        before = adc;
        ohm_adc_align(&adc);
        CU_ASSERT(!memcmp(adc.step, before.step, sizeof adc.step));
    }
}

int main(void) {
    const struct suite_test tests[] = {{"percentile", test_percentile},
                                       {"squared error", test_squared_error},
                                       {"128 rows, 8 and 7 bits", test_lossless},
                                       {"powers of two between planes", test_align}};
    return SUITE_RUN("xbar calibrate", tests);
}
