/* ADCs with static errors: the moments of what is drawn against closed forms, ADC by ADC; programs of every kind against the definition in plain
 * loops; how many codes there are. */
#include "suite.h"
#define DRAW_SEED 0xE7037ED1A0B428DBull
#include "drawn_layer.h"
#include <math.h>

/* ---- one by one ---- */

enum { BITS = 6, TOP = 63, FINE = 64, COUNTS = TOP * FINE + FINE, ARRAYS = 500, EACH = 4, ADCS = ARRAYS * EACH };

/* ADCs of arrays of eight columns, seen at 1/64 LSB. */
struct seen {
    struct ohm_plan *plan;
    struct ohm_converters *converters;
};
static struct seen make(struct ohm_noise noise, int32_t layer) {
    struct seen seen = {ohm_plan_new(1, 1, 1), NULL};
    struct ohm_adc adc = {.bits = BITS, .range = OHM_ADC_CALIBRATED, .largest = COUNTS, .step = {FINE * OHM_ADC_ONE}};
    noise.adc.per_array = EACH;
    for (int32_t t = 0; t < ARRAYS; t++) CU_ASSERT_EQUAL_FATAL(ohm_plan_add_tile(seen.plan, 1, 8, 1), t);
    CU_ASSERT_EQUAL_FATAL(ohm_converters_make(&noise, &adc, seen.plan, layer, 8, &seen.converters), OHM_OK);
    return seen;
}
static void drop(struct seen seen) {
    ohm_converters_free(seen.converters);
    ohm_plan_free(seen.plan);
}
static int32_t code_of(const struct seen *seen, int32_t adc, int32_t count) {
    bool outside;
    return ohm_converters_code(seen->converters, adc / EACH, adc % EACH * 2, 0, count, &outside);
}
/* Where an ADC's code k begins, in LSB: the middle of the 1/64 that it begins in. */
static double level(const struct seen *seen, int32_t adc, int32_t k) {
    int32_t below = -1, count = COUNTS + 1; /* codes never fall: test_codes */
    while (count - below > 1) {
        int32_t middle = (below + count) / 2;
        if (code_of(seen, adc, middle) < k)
            below = middle;
        else
            count = middle;
    }
    return (count - 0.5) / FINE;
}

struct moments {
    double mean, variance, next; /* next: correlation with the next ADC's */
};
static struct moments moments_of(const double *value) {
    struct moments m = {0};
    for (int i = 0; i < ADCS; i++) m.mean += value[i] / ADCS;
    for (int i = 0; i < ADCS; i++) m.variance += (value[i] - m.mean) * (value[i] - m.mean) / ADCS;
    for (int i = 0; i < ADCS; i++) m.next += (value[i] - m.mean) * (value[(i + 1) % ADCS] - m.mean) / ADCS / m.variance;
    return m;
}

/* Within five standard errors; each ADC is itself, and no other. */
static void check_moments(const double *value, double mean, double variance) {
    struct moments m = moments_of(value);
    variance += 1.0 / 12 / FINE / FINE; /* of being seen at 1/64 */
    CU_ASSERT(fabs(m.mean - mean) < 5 * sqrt(variance / ADCS));
    CU_ASSERT(fabs(m.variance - variance) < 5 * variance * sqrt(2.0 / ADCS));
    CU_ASSERT(fabs(m.next) < 5 / sqrt(ADCS));
}

static void test_offset(void) {
    struct seen seen = make((struct ohm_noise){.seed = 1, .adc = {.offset_error = 0.7}}, 2);
    double value[ADCS];
    for (int i = 0; i < ADCS; i++) value[i] = level(&seen, i, 20);
    check_moments(value, 19.5, 0.49);
    for (int i = 0; i < 50; i++) CU_ASSERT(fabs(level(&seen, i, 40) - level(&seen, i, 20) - 20) < 0.02); /* an offset moves all codes alike */
    drop(seen);
}

static void test_gain(void) {
    struct seen seen = make((struct ohm_noise){.seed = 1, .adc = {.gain_error = 0.02}}, 2);
    double value[ADCS];
    for (int i = 0; i < ADCS; i++) value[i] = 49.5 / level(&seen, i, 50) - 1; /* the gain itself */
    struct moments m = moments_of(value);
    CU_ASSERT(fabs(m.mean) < 5 * 0.02 / sqrt(ADCS));
    CU_ASSERT(fabs(m.variance - 0.0004) < 5 * 0.0004 * sqrt(2.0 / ADCS));
    CU_ASSERT(fabs(m.next) < 5 / sqrt(ADCS));
    drop(seen);
}

/* Widths of variance s^2, ends in place: the level of code k varies by s^2 (k - 1) (n - k + 1) / n, n = codes between the ends. */
static void test_dnl(void) {
    struct seen seen = make((struct ohm_noise){.seed = 1, .adc = {.dnl = 0.1}}, 2);
    static const int32_t codes[] = {10, 32, 50};
    double value[ADCS], n = TOP - 1;
    for (int c = 0; c < 3; c++) {
        for (int i = 0; i < ADCS; i++) value[i] = level(&seen, i, codes[c]);
        check_moments(value, codes[c] - 0.5, 0.01 * (codes[c] - 1) * (n - codes[c] + 1) / n);
    }
    for (int i = 0; i < ADCS; i++) CU_ASSERT(fabs(level(&seen, i, 1) - 0.5) < 0.02 && fabs(level(&seen, i, TOP) - 62.5) < 0.02);
    drop(seen);
}

/* At the middle the largest capacitor takes over from all others: the width of the code below it varies by s^2 (2^bits - 1), relative to the whole.
 */
static void test_mismatch(void) {
    struct seen seen = make((struct ohm_noise){.seed = 1, .adc = {.mismatch = 0.02}}, 2);
    double value[ADCS];
    for (int i = 0; i < ADCS; i++) value[i] = level(&seen, i, 32) - level(&seen, i, 31);
    struct moments m = moments_of(value);
    double variance = 0.0004 * TOP + 2.0 / 12 / FINE / FINE; /* both ends are seen at 1/64 */
    CU_ASSERT(fabs(m.mean - 1) < 5 * sqrt(variance / ADCS));
    CU_ASSERT(fabs(m.variance - variance) < 5 * variance * sqrt(2.0 / ADCS));
    CU_ASSERT(fabs(m.next) < 5 / sqrt(ADCS));
    drop(seen);
}

/* Codes missing at large mismatch, never out of order, never more than 2^bits. */
static void test_codes(void) {
    static const struct ohm_noise noises[] = {
        {.adc = {.mismatch = 0.3}}, {.adc = {.dnl = 1}}, {.adc = {.gain_error = 0.3}}, {.adc = {.offset_error = 9}}};
    for (size_t k = 0; k < sizeof noises / sizeof noises[0]; k++) {
        struct seen seen = make(noises[k], 0);
        for (int i = 0; i < ADCS; i += 7) {
            int32_t before = 0;
            for (int32_t count = 0; count <= COUNTS; count += 5) {
                int32_t code = code_of(&seen, i, count);
                CU_ASSERT(code >= before && code <= TOP);
                before = code;
            }
        }
        drop(seen);
    }
}

static void test_levels(void) {
    float mean[TOP], spread[TOP];
    double value[ADCS];
    for (int k = 0; k < TOP; k++) {
        mean[k] = (float)(k + 0.5 + 0.3 * sin(k * 0.1));
        spread[k] = k == 19 ? 0.2f : 0;
    }
    struct ohm_adc_levels levels = {TOP, mean, spread};
    struct seen seen = make((struct ohm_noise){.seed = 1, .adc = {.levels = &levels}}, 2);
    for (int k = 1; k <= TOP; k += 5) CU_ASSERT(fabs(level(&seen, 77, k) - (k - 0.5 + 0.3 * sin((k - 1) * 0.1))) < 0.02);
    for (int i = 0; i < ADCS; i++) value[i] = level(&seen, i, 20);
    check_moments(value, mean[19], 0.04);
    drop(seen);
}

/* A table for the ideal ADC's codes; one that changes nothing changes nothing, and what it gives stays within the codes. */
static void test_measured_codes(void) {
    float mean[TOP + 1], same[TOP + 1];
    struct ohm_adc_codes codes = {TOP + 1, mean, NULL}, none = {TOP + 1, same, NULL};
    for (int32_t k = 0; k <= TOP; k++) {
        same[k] = (float)k;
        mean[k] = (float)draw(8000) / 100 - 10;
    }
    struct seen seen = make((struct ohm_noise){.seed = 1, .adc = {.codes = &codes}}, 2);
    struct seen ideal = make((struct ohm_noise){.seed = 1, .adc = {.codes = &none}}, 2), bare = make((struct ohm_noise){.seed = 1}, 2);
    for (int32_t count = 0; count <= COUNTS; count += 3) {
        int32_t k = code_of(&bare, 5, count);
        CU_ASSERT_EQUAL(code_of(&ideal, 5, count), k);
        CU_ASSERT_EQUAL(code_of(&seen, 5, count), fmin(fmax(rintf(mean[k]), 0), TOP));
    }
    drop(seen);
    drop(ideal);
    drop(bare);
}

/* Of two layers, chips and seeds, and of two ADCs of one array: not the same ADC again. */
static void test_instances(void) {
    struct ohm_noise noise = {.seed = 1, .adc = {.offset_error = 0.7}}, chip = noise, seed = noise;
    chip.trial = 1;
    seed.seed = 2;
    struct seen seen[] = {make(noise, 2), make(noise, 3), make(chip, 2), make(seed, 2), make(noise, 2)};
    for (int other = 1; other < 5; other++) {
        double product = 0;
        for (int i = 0; i < ADCS; i++) product += (level(&seen[0], i, 20) - 19.5) * (level(&seen[other], i, 20) - 19.5) / ADCS / 0.49;
        CU_ASSERT(other < 4 ? fabs(product) < 5 / sqrt(ADCS) : product > 0.9);
    }
    for (int i = 0; i < 5; i++) drop(seen[i]);
}

/* Which columns share an ADC: blocks of neighbours, or every n-th. */
static void test_sharing(void) {
    struct ohm_plan *plan = ohm_plan_new(1, 1, 1);
    struct ohm_adc adc = {.bits = BITS, .range = OHM_ADC_CALIBRATED, .largest = COUNTS, .step = {FINE * OHM_ADC_ONE}};
    CU_ASSERT_EQUAL_FATAL(ohm_plan_add_tile(plan, 1, 12, 1), 0);
    for (int interleaved = 0; interleaved < 2; interleaved++) {
        struct ohm_noise noise = {.seed = 3, .adc = {.offset_error = 3, .per_array = 3, .interleaved = interleaved}};
        struct ohm_converters *converters;
        CU_ASSERT_EQUAL_FATAL(ohm_converters_make(&noise, &adc, plan, 0, 12, &converters), OHM_OK);
        for (int32_t a = 0; a < 12; a++)
            for (int32_t b = 0; b < 12; b++) {
                bool outside, same = true;
                for (int32_t count = 0; count < COUNTS; count++)
                    same = same &&
                           ohm_converters_code(converters, 0, a, 0, count, &outside) == ohm_converters_code(converters, 0, b, 0, count, &outside);
                CU_ASSERT_EQUAL(same, interleaved ? a % 3 == b % 3 : a / 4 == b / 4);
            }
        ohm_converters_free(converters);
    }
    ohm_plan_free(plan);
}

/* ---- programs ---- */

static struct ohm_noise draw_noise(void) {
    struct ohm_noise noise = {.seed = draw(1000), .adc = {.per_array = 1 + (int32_t)draw(6), .interleaved = draw(2)}};
    if (draw(2)) noise.adc.gain_error = 0.05 * draw(4);
    if (draw(2)) noise.adc.offset_error = 0.3 * draw(4);
    if (draw(3) == 0) noise.adc.dnl = 0.2 * draw(4);
    if (draw(3) == 0) noise.adc.mismatch = 0.05 * draw(4);
    return noise;
}

/* Sums of ADCs with errors are wide; those of ideal ones are made so. */
static void check_program(const struct drawn *d, const struct ohm_plan *plan, const struct ohm_adc *adc, const struct ohm_kernel *kernel,
                          enum ohm_evaluate evaluate, const int64_t *expected, int64_t outside) {
    size_t n = (size_t)(d->npos * d->layer.groups * d->layer.ncols);
    struct ohm_program *program = NULL;
    struct ohm_program_request request = {.plan = plan,
                                          .adc = adc,
                                          .kernel = kernel,
                                          .input_bits = d->bits,
                                          .element = d->element,
                                          .evaluate = evaluate,
                                          .offset = adc->converters ? 0 : INT64_MAX};
    struct ohm_tally tally = {0};
    CU_ASSERT_EQUAL_FATAL(ohm_program_build(&request, &program), OHM_OK);
    CU_ASSERT(!ohm_program_narrow(program));
    int64_t *y = ohm_alloc_array(n, sizeof *y);
    void *scratch = ohm_alloc(ohm_program_scratch(program, d->npos));
    ohm_program_multiply(program, d->npos, d->x, y, scratch, &tally);
    CU_ASSERT(!memcmp(y, expected, n * sizeof *y));
    CU_ASSERT_EQUAL(tally.clipped, outside);
    free(y);
    free(scratch);
    ohm_program_free(program);
}

static void check_layer(const char *design, bool with_reference) {
    struct drawn d = drawn_layer(ohm_design_find(design));
    struct ohm_plan *plan = drawn_plan(&d);
    struct ohm_noise noise = draw_noise();
    struct ohm_adc adc = drawn_adc(&d, 1 + (int32_t)draw(8), (enum ohm_adc_range)draw(3));
    struct ohm_converters *converters;
    CU_ASSERT_EQUAL_FATAL(ohm_converters_make(&noise, &adc, plan, (int32_t)draw(9), d.setting.array_columns, &converters), OHM_OK);
    adc.converters = converters;
    int64_t *expected = ohm_alloc_array((size_t)(d.npos * d.layer.groups * d.layer.ncols), sizeof *expected);
    int64_t outside = ohm_plan_multiply_plain(plan, &adc, d.bits, d.element, d.npos, d.x, expected);
    for (const struct ohm_kernel *const *kernel = ohm_kernels() + !with_reference; *kernel; kernel++)
        for (int e = 0; e < 2; e++) check_program(&d, plan, &adc, *kernel, e ? OHM_EVALUATE_NEEDED : OHM_EVALUATE_ALL, expected, outside);
    ohm_converters_free(converters);
    free(expected);
    ohm_plan_free(plan);
    drawn_free(&d);
}
static void test_isaac(void) {
    for (int i = 0; i < 100; i++) check_layer("isaac", i % 10 == 0);
}
static void test_sme(void) {
    for (int i = 0; i < 100; i++) check_layer("sme", i % 10 == 0);
}
static void test_sobsx(void) {
    for (int i = 0; i < 60; i++) check_layer("sobsx", i % 10 == 0);
}

/* Errors of no size: the code of the ideal ADC for every count, whatever the range. */
static void test_no_error(void) {
    struct ohm_plan *plan = ohm_plan_new(1, 1, 1);
    struct ohm_noise noise = {.seed = 3, .adc = {.per_array = 1}};
    CU_ASSERT_EQUAL_FATAL(ohm_plan_add_tile(plan, 1, 1, 1), 0);
    for (int i = 0; i < 200; i++) {
        struct ohm_adc adc = {.bits = 1 + (int32_t)draw(12), .range = (enum ohm_adc_range)draw(3), .largest = 1 + (int32_t)draw(1000)};
        struct ohm_converters *converters;
        adc.lo[0] = (int32_t)draw(1000) - 500;
        adc.step[0] = 1 + (int32_t)draw(3000);
        CU_ASSERT_EQUAL_FATAL(ohm_converters_make(&noise, &adc, plan, 0, 1, &converters), OHM_OK);
        for (int32_t count = 0; count <= adc.largest; count++) {
            bool outside;
            CU_ASSERT_EQUAL(ohm_converters_code(converters, 0, 0, 0, count, &outside), ohm_adc_code(&adc, 0, count));
            CU_ASSERT_EQUAL(outside, ohm_adc_outside(&adc, 0, count));
        }
        ohm_converters_free(converters);
    }
    ohm_plan_free(plan);
}

/* n bits are 2^n codes, of the ideal ADC and of one with errors: not one more. */
static void test_number_of_codes(void) {
    struct ohm_plan *plan = ohm_plan_new(1, 1, 1);
    struct ohm_noise noise = {.seed = 3, .adc = {.per_array = 1, .offset_error = 1, .dnl = 0.01}};
    CU_ASSERT_EQUAL_FATAL(ohm_plan_add_tile(plan, 1, 1, 1), 0);
    for (int32_t bits = 1; bits <= OHM_ADC_LEVEL_BITS; bits++) {
        struct ohm_adc adc = {.bits = bits, .range = OHM_ADC_UNIT, .largest = (1 << bits) + 20};
        struct ohm_converters *converters;
        int32_t last = -1, codes[2] = {0}, lowest[2] = {INT32_MAX, INT32_MAX}, highest[2] = {0};
        CU_ASSERT_EQUAL_FATAL(ohm_converters_make(&noise, &adc, plan, 0, 1, &converters), OHM_OK);
        for (int k = 0; k < 2; k++, last = -1)
            for (int32_t count = 0; count <= adc.largest; count++) { /* codes never fall */
                bool outside;
                int32_t code = k ? ohm_converters_code(converters, 0, 0, 0, count, &outside) : ohm_adc_code(&adc, 0, count);
                codes[k] += code != last;
                last = code;
                lowest[k] = code < lowest[k] ? code : lowest[k];
                highest[k] = code > highest[k] ? code : highest[k];
            }
        CU_ASSERT(codes[0] == 1 << bits && lowest[0] == 0 && highest[0] == (1 << bits) - 1);
        CU_ASSERT(codes[1] <= 1 << bits && lowest[1] >= 0 && highest[1] == (1 << bits) - 1);
        ohm_converters_free(converters);
    }
    ohm_plan_free(plan);
}

/* 128 rows of one-bit cells: a calibrated range of 0 .. 255 in 8 bits loses nothing; 7 bits have 128 codes, 0 .. 127, and lose exactly one for every
 * count of 128. */
static void test_edges(void) {
    enum { ROWS = 128, POSITIONS = 200 };
    struct ohm_plan *plan = ohm_plan_new(1, ROWS, 2);
    struct ohm_row rows[ROWS];
    struct ohm_column columns[2] = {{.output = 0, .sign = 1}, {.output = 1, .sign = 1}};
    uint8_t x[POSITIONS * ROWS];
    CU_ASSERT_EQUAL_FATAL(ohm_plan_add_tile(plan, ROWS, 2, 1), 0);
    for (int32_t r = 0; r < ROWS; r++) {
        rows[r] = (struct ohm_row){r, 0};
        ohm_tile_set(&plan->tiles[0], r, 0, 1);
        ohm_tile_set(&plan->tiles[0], r, 1, r > 0);
    }
    struct ohm_use use = {.nrow = ROWS, .ncol = 2, .rows = rows, .columns = columns};
    CU_ASSERT_FATAL(!ohm_plan_add_use(plan, &use) && !ohm_plan_finish(plan, 8));
    for (int i = 0; i < POSITIONS * ROWS; i++) x[i] = draw(300) ? 255 : (uint8_t)draw(256); /* full counts in many steps, not in all */
    struct ohm_adc lossless = {.bits = 8, .range = OHM_ADC_CALIBRATED, .largest = ROWS, .step = {OHM_ADC_ONE}};
    struct ohm_adc seven = {.bits = 7, .range = OHM_ADC_UNIT, .largest = ROWS};
    int64_t exact[POSITIONS][2] = {{0}}, lost[POSITIONS][2], full = 0;
    for (int p = 0; p < POSITIONS; p++)
        for (int t = 0; t < 8; t++) {
            int ones = 0;
            for (int r = 0; r < ROWS; r++) ones += x[p * ROWS + r] >> t & 1;
            exact[p][0] += (int64_t)ones << t;
            exact[p][1] += (int64_t)(ones - (x[p * ROWS] >> t & 1)) << t;
            if (t == 0) memcpy(lost[p], (int64_t[2]){0, 0}, sizeof lost[p]);
            lost[p][0] += (int64_t)(ones == ROWS) << t;
            full += ones == ROWS;
        }
    CU_ASSERT(full > 100 && full < 8 * POSITIONS);
    int64_t y[POSITIONS][2];
    CU_ASSERT_EQUAL(ohm_plan_multiply_plain(plan, &lossless, 8, 1, POSITIONS, x, &y[0][0]), 0);
    CU_ASSERT(!memcmp(y, exact, sizeof y));
    CU_ASSERT_EQUAL(ohm_plan_multiply_plain(plan, &seven, 8, 1, POSITIONS, x, &y[0][0]), full);
    for (int p = 0; p < POSITIONS; p++) CU_ASSERT(y[p][0] == exact[p][0] - lost[p][0] && y[p][1] == exact[p][1]);
    struct drawn d = {.npos = POSITIONS, .bits = 8, .element = 1, .x = x, .layer = {.groups = 1, .krows = ROWS, .ncols = 2}};
    for (int e = 0; e < 2; e++) {
        check_program(&d, plan, &lossless, ohm_kernel_chosen(), e ? OHM_EVALUATE_NEEDED : OHM_EVALUATE_ALL, &exact[0][0], 0);
        check_program(&d, plan, &seven, ohm_kernel_chosen(), e ? OHM_EVALUATE_NEEDED : OHM_EVALUATE_ALL, &y[0][0], full);
    }
    ohm_plan_free(plan);
}

int main(void) {
    const struct suite_test tests[] = {{"offset", test_offset},
                                       {"gain", test_gain},
                                       {"code widths", test_dnl},
                                       {"capacitor mismatch", test_mismatch},
                                       {"as many codes as bits say", test_codes},
                                       {"measured levels", test_levels},
                                       {"measured codes", test_measured_codes},
                                       {"layers, chips, seeds", test_instances},
                                       {"columns that share an ADC", test_sharing},
                                       {"isaac: programs", test_isaac},
                                       {"sme: programs", test_sme},
                                       {"sobsx: programs", test_sobsx},
                                       {"no error", test_no_error},
                                       {"number of codes", test_number_of_codes},
                                       {"128 rows, 8 and 7 bits", test_edges}};
    return SUITE_RUN("design converters", tests);
}
