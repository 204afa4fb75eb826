/* Conductances instead of levels: moments of what is drawn, cell by cell, against closed forms; read noise of a bit line against that of its cells
 * one by one; programs on every kernel against the definition; noise of no size. */
#include "suite.h"
#define DRAW_SEED 0xA24BAED4963EE407ull
#include "drawn_layer.h"
#include "ohmtally/draw.h"
#include <math.h>

/* ---- cells ---- */

enum { ARRAYS = 4, SIDE = 128, CELLS = ARRAYS * SIDE * SIDE };

/* Arrays of two-bit cells that all hold `level`. */
static struct ohm_plan *make_cells(uint32_t level, struct ohm_noise noise) {
    struct ohm_plan *plan = ohm_plan_new(1, SIDE, 1);
    for (int32_t t = 0; t < ARRAYS; t++) {
        CU_ASSERT_EQUAL_FATAL(ohm_plan_add_tile(plan, SIDE, SIDE, 2), t);
        for (int32_t i = 0; i < SIDE * SIDE; i++) ohm_tile_set(&plan->tiles[t], i / SIDE, i % SIDE, level);
    }
    CU_ASSERT_EQUAL_FATAL(ohm_plan_vary(plan, &noise, 3), OHM_OK);
    CU_ASSERT_EQUAL(plan->fraction, 8); /* no bit line is in use */
    return plan;
}
static double cell(const struct ohm_plan *plan, int32_t t, int32_t r, int32_t c) {
    return plan->tiles[t].held[r * SIDE + c] / 256.0;
}

struct moments {
    double mean, variance, right, below, behind; /* correlations with the next column, row, array */
};
static struct moments moments_of(const struct ohm_plan *plan) {
    struct moments m = {0};
    for (int pass = 0; pass < 3; pass++)
        for (int32_t t = 0; t < ARRAYS; t++)
            for (int32_t r = 0; r < SIDE; r++)
                for (int32_t c = 0; c < SIDE; c++) {
                    double g = cell(plan, t, r, c), d = g - m.mean;
                    if (pass == 0) m.mean += g / CELLS;
                    if (pass == 1) m.variance += d * d / CELLS;
                    if (pass < 2) continue;
                    m.right += d * (cell(plan, t, r, (c + 1) % SIDE) - m.mean) / CELLS / m.variance;
                    m.below += d * (cell(plan, t, (r + 1) % SIDE, c) - m.mean) / CELLS / m.variance;
                    m.behind += d * (cell(plan, (t + 1) % ARRAYS, r, c) - m.mean) / CELLS / m.variance;
                }
    return m;
}

/* fourth: kurtosis, for the standard error of the variance. */
static void check_cells(uint32_t level, struct ohm_noise noise, double mean, double variance, double fourth) {
    struct ohm_plan *plan = make_cells(level, noise);
    struct moments m = moments_of(plan);
    variance += 1.0 / 12 / 256 / 256;                            /* rounding */
    CU_ASSERT(fabs(m.mean - mean) < 5 * sqrt(variance / CELLS)); /* rounding brings no bias */
    CU_ASSERT(fabs(m.variance - variance) < 5 * variance * sqrt((fourth - 1) / CELLS));
    CU_ASSERT(fabs(m.right) < 5 / sqrt(CELLS) && fabs(m.below) < 5 / sqrt(CELLS) && fabs(m.behind) < 5 / sqrt(CELLS)); /* one per cell */
    ohm_plan_free(plan);
}

/* Bit lines of 400 rows at level 3 leave three bits of fraction less: the mean of what cells are held to is that of what was drawn. */
static void test_coarse_cells(void) {
    enum { LONG = 400, WIDE = 200 };
    struct ohm_plan *plan = ohm_plan_new(1, LONG, WIDE);
    static struct ohm_row rows[LONG];
    static struct ohm_column columns[WIDE];
    struct ohm_noise noise = {.seed = 5, .device = {.variation = 0.1, .law = OHM_VARIATION_PROPORTIONAL}};
    double mean = 0, one;
    CU_ASSERT_EQUAL_FATAL(ohm_plan_add_tile(plan, LONG, WIDE, 2), 0);
    for (int32_t i = 0; i < LONG * WIDE; i++) ohm_tile_set(&plan->tiles[0], i / WIDE, i % WIDE, 3);
    for (int32_t r = 0; r < LONG; r++) rows[r] = (struct ohm_row){r, 0};
    for (int32_t c = 0; c < WIDE; c++) columns[c] = (struct ohm_column){.output = c, .sign = 1};
    struct ohm_use use = {.nrow = LONG, .ncol = WIDE, .rows = rows, .columns = columns};
    CU_ASSERT_FATAL(!ohm_plan_add_use(plan, &use) && !ohm_plan_finish(plan, 8) && !ohm_plan_vary(plan, &noise, 0));
    one = 1 << plan->fraction;
    CU_ASSERT(plan->fraction < 8 && LONG * 3 * one + OHM_MAX_ROWS < 32768);
    for (int32_t i = 0; i < LONG * WIDE; i++) mean += plan->tiles[0].held[i] / one / (LONG * WIDE);
    CU_ASSERT(fabs(mean - 3) < 5 * sqrt((0.09 + 1 / one / one / 6) / (LONG * WIDE)));
    ohm_plan_free(plan);
}

static struct ohm_noise varying(enum ohm_variation law, double s, double on_off) {
    return (struct ohm_noise){.seed = 5, .device = {.variation = s, .law = law, .on_off = on_off}};
}

static void test_variation(void) {
    double s = 0.1, e = exp(s * s);
    double fourth = e * e * e * e + 2 * e * e * e + 3 * e * e - 3; /* of a lognormal distribution */
    check_cells(2, varying(OHM_VARIATION_PROPORTIONAL, s, 0), 2, 0.04, 3);
    check_cells(2, varying(OHM_VARIATION_LOGNORMAL, s, 0), 2 * sqrt(e), 4 * e * (e - 1), fourth);
    check_cells(2, varying(OHM_VARIATION_NORMAL, 0.05, 0), 2, 0.0225, 3); /* 0.05 of three levels */
    /* on/off 10: level 0 conducts 3 / 9 level steps, which are taken off again on average; what varies stays */
    check_cells(0, varying(OHM_VARIATION_PROPORTIONAL, s, 10), 0, 0.01 / 9, 3);
    struct ohm_noise leaks = varying(OHM_VARIATION_PROPORTIONAL, s, 10);
    leaks.device.leaks = true;
    check_cells(1, leaks, 1 + 1.0 / 3, 0.01 * 16 / 9, 3);
}

/* Spread by state: CrossSim's two fits, at the conductances of the levels, and what falls below 0. */
static void test_measured(void) {
    static const struct ohm_measured_device milo = {50, 225, {4.782321, -0.009107, 0, 0}}, wan = {1, 39.26, {1.053, 0.2374, -0.01167, 0.0001536}},
                                            falls = {0, 30, {1, -0.1, 0, 0}};
    struct ohm_noise noise = {.seed = 5, .device = {.measured = &milo}};
    for (uint32_t level = 1; level < 4; level++) { /* steps of 175 / 3 uS */
        double s = (4.782321 - 0.009107 * (50 + level * 175 / 3.0)) / (175 / 3.0);
        check_cells(level, noise, level, s * s, 3);
    }
    noise.device.measured = &wan; /* level 3: 39.26 uS */
    double s = (1.053 + 0.2374 * 39.26 - 0.01167 * 39.26 * 39.26 + 0.0001536 * 39.26 * 39.26 * 39.26) / (38.26 / 3);
    check_cells(3, noise, 3, s * s, 3);
    noise.device.measured = &falls; /* -1 uS at 20 uS: none */
    struct ohm_plan *plan = make_cells(2, noise);
    for (int32_t c = 0; c < SIDE; c++) CU_ASSERT_EQUAL(cell(plan, 0, 0, c), 2);
    ohm_plan_free(plan);
}

static void test_drift(void) {
    struct ohm_noise noise = {.seed = 5, .device = {.drift_time = 10000, .drift = 0.02}};
    struct ohm_plan *plan = make_cells(3, noise);
    for (int32_t c = 0; c < SIDE; c++) CU_ASSERT(fabs(cell(plan, 0, 0, c) - 3 * pow(10000, -0.02)) <= 0.5 / 256);
    ohm_plan_free(plan);
    noise.device.drift_spread = 0.005; /* time^-spread z is lognormal */
    double s = 0.005 * log(10000), e = exp(s * s), g = 3 * pow(10000, -0.02);
    check_cells(3, noise, g * sqrt(e), g * g * e * (e - 1), 3.2);
}

/* Levels of on/off 10, the largest 3 1/3 steps: up, down or neither, as often each; never beyond the ends. */
static void test_random_drift(void) {
    struct ohm_noise noise = {.seed = 5, .device = {.on_off = 10, .leaks = true, .drift_time = 100, .drift = 0.05, .drift_law = OHM_DRIFT_RANDOM}};
    struct ohm_plan *plan = make_cells(2, noise), *top = make_cells(3, noise), *zero = make_cells(0, noise);
    const double g = 2 + 1.0 / 3, up = pow(100, 0.05), to[] = {g / up, g, g * up};
    int64_t found[3] = {0};
    for (int32_t i = 0; i < CELLS; i++) {
        double held = cell(plan, i / (SIDE * SIDE), i / SIDE % SIDE, i % SIDE), highest = cell(top, i / (SIDE * SIDE), i / SIDE % SIDE, i % SIDE);
        for (int k = 0; k < 3; k++) found[k] += fabs(held - to[k]) <= 0.5 / 256;
        CU_ASSERT(fabs(highest - 10.0 / 3) <= 0.5 / 256 || fabs(highest - 10.0 / 3 / up) <= 0.5 / 256);
    }
    for (int k = 0; k < 3; k++) CU_ASSERT(fabs((double)found[k] - CELLS / 3.0) < 5 * sqrt(CELLS * 2.0 / 9));
    CU_ASSERT_EQUAL(found[0] + found[1] + found[2], CELLS);
    CU_ASSERT(fabs(cell(zero, 0, 0, 0) - 1.0 / 3) <= 0.5 / 256 || fabs(cell(zero, 0, 0, 0) - up / 3) <= 0.5 / 256);
    struct moments m = moments_of(plan);
    CU_ASSERT(fabs(m.right) < 5 / sqrt(CELLS) && fabs(m.below) < 5 / sqrt(CELLS) && fabs(m.behind) < 5 / sqrt(CELLS));
    ohm_plan_free(plan);
    ohm_plan_free(top);
    ohm_plan_free(zero);
    noise.device.drift_time = 1; /* time ^ 0 */
    plan = make_cells(2, noise);
    for (int32_t c = 0; c < SIDE; c++) CU_ASSERT_EQUAL(cell(plan, 0, 0, c), rint(g * 256) / 256);
    ohm_plan_free(plan);
}

static void test_drift_to_target(void) {
    struct ohm_noise noise = {.seed = 5, .device = {.on_off = 10, .leaks = true, .drift_time = 100, .drift = 0.05, .drift_law = OHM_DRIFT_TARGET}};
    const double up = pow(100, 0.05);
    noise.device.drift_target = 0.5;
    for (uint32_t level = 0; level < 4; level++) {
        struct ohm_plan *plan = make_cells(level, noise);
        double g = level + 1.0 / 3;
        for (int32_t c = 0; c < SIDE; c++) CU_ASSERT(fabs(cell(plan, 0, 0, c) - (level < 2 ? g * up : g / up)) <= 0.5 / 256);
        ohm_plan_free(plan);
    }
}

static void test_chips(void) {
    struct ohm_noise noise = varying(OHM_VARIATION_PROPORTIONAL, 0.1, 0), chip = noise;
    chip.trial = 1;
    struct ohm_plan *a = make_cells(2, noise), *b = make_cells(2, chip), *again = make_cells(2, noise);
    double product = 0;
    for (int32_t i = 0; i < SIDE * SIDE; i++) product += (cell(a, 0, 0, i) - 2) * (cell(b, 0, 0, i) - 2) / (SIDE * SIDE) / 0.04;
    CU_ASSERT(fabs(product) < 5.0 / SIDE);
    CU_ASSERT(!memcmp(a->tiles[1].held, again->tiles[1].held, SIDE * SIDE * sizeof(int16_t)));
    ohm_plan_free(a);
    ohm_plan_free(b);
    ohm_plan_free(again);
}

/* ---- read noise ---- */

static void check_halves(struct ohm_draws draws, uint32_t a, uint32_t b, uint32_t c, uint32_t part, const uint16_t *halves) {
    for (uint32_t i = 0; i < 16; i++) {
        uint32_t words[4];
        ohm_draw(draws, a, b, c, part * 16 + i, words);
        for (uint32_t k = 0; k < 4; k++) CU_ASSERT_EQUAL(halves[32 * k + 2 * i] | (uint32_t)halves[32 * k + 2 * i + 1] << 16, words[k]);
    }
}

/* The mapping from 16 bits to deviates, and their words: those of the blocks one by one. */
static void test_small(void) {
    const float *small = ohm_draw_small();
    double mean = 0, variance = 0, fourth = 0;
    for (int i = 0; i < OHM_DRAW_SMALL; i++) {
        mean += small[i] / (double)OHM_DRAW_SMALL;
        variance += (double)small[i] * small[i] / OHM_DRAW_SMALL;
        fourth += pow(small[i], 4) / OHM_DRAW_SMALL;
        CU_ASSERT(small[i] == -small[OHM_DRAW_SMALL - 1 - i]);
    }
    CU_ASSERT(fabs(mean) < 1e-9 && fabs(variance - 1) < 1e-6 && fabs(fourth - 3) < 0.01);
    struct ohm_draws draws = ohm_draws_of(9, 2, OHM_DRAW_READ);
    uint16_t halves[OHM_DRAW_HALVES];
    ohm_draw_halves(draws, 1, 2, 3, 5, halves);
    check_halves(draws, 1, 2, 3, 5, halves);
    for (int i = 0; i < 200; i++) {
        uint16_t many[9 * OHM_DRAW_HALVES];
        uint32_t a = draw(1u << 30) * 5, b = draw(1u << 30) * 5, c = draw(1u << 30) * 5, part = draw(1u << 28);
        int32_t n = 1 + (int32_t)draw(9);
        ohm_draw_many(draws, a, b, c, n, part, many);
        for (int32_t k = 0; k < n; k++) check_halves(draws, a, b, c + (uint32_t)k, part, many + k * OHM_DRAW_HALVES);
    }
}

/* One column of `ROWS` cells at level 1, all driven in one step, read by a 12-bit ADC of 1/16 level steps: the codes' moments over many images. */
enum { ROWS = 100, READS = 40000 };
static bool one_image;             /* all reads are of one, not of one each */
static int32_t driven_rows = ROWS; /* in every read */
static struct moments read_column(struct ohm_noise noise, const struct ohm_reads *reads) {
    struct ohm_converters *converters = NULL;
    struct ohm_plan *plan = ohm_plan_new(1, ROWS, 1);
    struct ohm_row rows[ROWS];
    struct ohm_column column = {.sign = 1};
    struct ohm_adc adc = {.bits = 12, .range = OHM_ADC_CALIBRATED, .largest = ROWS, .step = {16}};
    struct ohm_program *program;
    static uint8_t x[READS * ROWS];
    static int64_t image[READS], y[READS];
    struct moments m = {0};
    struct ohm_tally tally = {0};
    CU_ASSERT_EQUAL_FATAL(ohm_plan_add_tile(plan, ROWS, 1, 1), 0);
    for (int32_t r = 0; r < ROWS; r++) {
        rows[r] = (struct ohm_row){r, 0};
        ohm_tile_set(&plan->tiles[0], r, 0, 1);
    }
    struct ohm_use use = {.nrow = ROWS, .ncol = 1, .rows = rows, .columns = &column};
    CU_ASSERT_FATAL(!ohm_plan_add_use(plan, &use) && !ohm_plan_finish(plan, 1) && !ohm_plan_vary(plan, &noise, 0));
    if (ohm_noise_of_adcs(&noise)) CU_ASSERT_EQUAL_FATAL(ohm_converters_make(&noise, &adc, plan, 0, 1, &converters), OHM_OK);
    adc.converters = converters;
    if (ohm_noise_of_telegraph(&noise)) CU_ASSERT_EQUAL_FATAL(ohm_plan_telegraph(plan, &noise, 0), OHM_OK);
    struct ohm_program_request request = {
        .plan = plan, .adc = &adc, .kernel = ohm_kernel_chosen(), .input_bits = 1, .element = 1, .reads = reads, .offset = INT64_MAX};
    CU_ASSERT_EQUAL_FATAL(ohm_program_build(&request, &program), OHM_OK);
    for (int i = 0; i < READS * ROWS; i++) x[i] = i % ROWS < driven_rows;
    for (int i = 0; i < READS; i++) image[i] = one_image ? 0 : i;
    struct ohm_occasion occasion = {0, 1, image};
    void *scratch = ohm_alloc(ohm_program_scratch(program, READS));
    ohm_program_multiply_at(program, &occasion, READS, x, y, scratch, &tally);
    for (int i = 0; i < READS; i++) m.mean += y[i] / 256.0 / READS;
    for (int i = 0; i < READS; i++) m.variance += (y[i] / 256.0 - m.mean) * (y[i] / 256.0 - m.mean) / READS;
    for (int i = 0; i < READS; i++) m.right += (y[i] / 256.0 - m.mean) * (y[(i + 1) % READS] / 256.0 - m.mean) / READS / m.variance;
    free(scratch);
    ohm_converters_free(converters);
    ohm_program_free(program);
    ohm_plan_free(plan);
    return m;
}

static void check_reads(struct ohm_noise noise, double variance) {
    struct ohm_reads reads = {&noise, 0};
    struct moments m = read_column(noise, &reads);
    variance += 1.0 / 12 / 16 / 16;                              /* the ADC's rounding */
    CU_ASSERT(fabs(m.mean - ROWS) < 5 * sqrt(variance / READS)); /* no bias */
    CU_ASSERT(fabs(m.variance - variance) < 5 * variance * sqrt(2.0 / READS));
    CU_ASSERT(fabs(m.right) < 5 / sqrt(READS)); /* images are independent */
}

static void test_reads(void) {
    check_reads((struct ohm_noise){.seed = 1, .device = {.read_noise = 0.1}}, 0.01 * ROWS);
    /* 10 kohm at 0.2 V and 350 K: 4 k T + 2 q V = 8.34e-20 J; in conductance, of one of 1e-4 S, over 1e11 Hz */
    check_reads((struct ohm_noise){.seed = 1, .device = {.bandwidth = 1e11, .temperature = 350, .read_volts = 0.2, .on_ohm = 10000}},
                (4 * 1.380649e-23 * 350 + 2 * 1.602176634e-19 * 0.2) * 1e11 / 0.04 / 1e-4 * ROWS);
    check_reads((struct ohm_noise){.seed = 1, .adc = {.thermal = 8}}, 0.25); /* 8 LSB of 1/16 */
    check_reads((struct ohm_noise){.seed = 1, .device = {.read_noise = 0.05}, .adc = {.thermal = 4}}, 0.0025 * ROWS + 1.0 / 16);
    check_reads((struct ohm_noise){.seed = 1, .device = {.read_noise = 0.1, .on_off = 5}},
                0.01 * ROWS * 1.25); /* level 0 conducts 1/4, noise included */
}

/* Variance follows the count, and nothing else: none without a driven row. */
static void test_counts(void) {
    struct ohm_noise noise = {.seed = 1, .device = {.read_noise = 0.2}};
    struct ohm_reads reads = {&noise, 0};
    for (driven_rows = 0; driven_rows <= ROWS; driven_rows += 25) {
        struct moments m = read_column(noise, &reads);
        double variance = driven_rows ? 0.04 * driven_rows + 1.0 / 12 / 16 / 16 : 0;
        CU_ASSERT(fabs(m.mean - driven_rows) <= 5 * sqrt(variance / READS) + 1e-9); /* no bias, whatever the count */
        CU_ASSERT(fabs(m.variance - variance) <= 5 * variance * sqrt(2.0 / READS));
    }
    driven_rows = ROWS;
}

/* Two states a cell, a quarter apart, as likely each: binomial in every image, and the same in all reads of one. */
static void test_telegraph(void) {
    struct ohm_noise noise = {.seed = 1, .device = {.telegraph = 0.2, .on_ohm = 10000}};
    struct ohm_reads reads = {&noise, 0};
    struct moments m = read_column(noise, &reads);
    double variance = ROWS * 0.0625 / 4;
    CU_ASSERT(fabs(m.mean - ROWS * 1.125) < 5 * sqrt(variance / READS));
    CU_ASSERT(fabs(m.variance - variance) < 5 * variance * sqrt((2 - 2.0 / ROWS) / READS)); /* kurtosis of a binomial: 3 - 2 / n */
    CU_ASSERT(fabs(m.right) < 5 / sqrt(READS));
    one_image = true;
    m = read_column(noise, &reads);
    one_image = false;
    CU_ASSERT(m.variance < 1e-12 && fabs(m.mean - ROWS * 1.125) < 5 * sqrt(variance));
}

/* PytorX's law at 10 kohm: G p / (G - p) with p = 0.0015 G + 0.1662 uS; amplitudes of a few 1 / 256 keep their mean. */
static void test_telegraph_law(void) {
    struct ohm_noise noise = {.seed = 1, .device = {.telegraph = 0.0015, .telegraph_us = 0.1662, .on_ohm = 10000}};
    for (uint32_t level = 0; level < 4; level++) {
        struct ohm_plan *plan = make_cells(level, noise);
        double us = 100.0 * level / 3, p = 0.0015 * us + 0.1662, swing = level ? us * p / (us - p) / (100.0 / 3) * 256 : 0, mean = 0;
        CU_ASSERT_EQUAL_FATAL(ohm_plan_telegraph(plan, &noise, 3), OHM_OK);
        for (int32_t i = 0; i < CELLS; i++) {
            double found = plan->tiles[i / (SIDE * SIDE)].swing[i % (SIDE * SIDE)];
            CU_ASSERT(found == floor(swing) || found == ceil(swing));
            mean += found / CELLS;
        }
        double up = swing - floor(swing);
        CU_ASSERT(fabs(mean - swing) <= 5 * sqrt(up * (1 - up) / CELLS));
        ohm_plan_free(plan);
    }
}

/* Second states that need a bit more than 15: a bit of fraction less, for both. */
static void test_telegraph_room(void) {
    enum { MANY = 120 };
    struct ohm_plan *plan = ohm_plan_new(1, MANY, 1);
    struct ohm_row rows[MANY];
    struct ohm_column column = {.sign = 1};
    struct ohm_noise noise = {.device = {.telegraph = 0.5, .on_ohm = 10000}};
    CU_ASSERT_EQUAL_FATAL(ohm_plan_add_tile(plan, MANY, 1, 1), 0);
    for (int32_t r = 0; r < MANY; r++) {
        rows[r] = (struct ohm_row){r, 0};
        ohm_tile_set(&plan->tiles[0], r, 0, 1);
    }
    struct ohm_use use = {.nrow = MANY, .ncol = 1, .rows = rows, .columns = &column};
    CU_ASSERT_FATAL(!ohm_plan_add_use(plan, &use) && !ohm_plan_finish(plan, 1) && !ohm_plan_vary(plan, &noise, 0));
    CU_ASSERT_EQUAL(plan->fraction, 8);
    CU_ASSERT_EQUAL(ohm_plan_telegraph(plan, &noise, 0), OHM_OK);
    CU_ASSERT_EQUAL(plan->fraction, 7);
    for (int32_t r = 0; r < MANY; r++) CU_ASSERT(plan->tiles[0].held[r] == 128 && plan->tiles[0].swing[r] == 128);
    ohm_plan_free(plan);
}

/* Codes of a measured ADC: a mean of their own, a spread from conversion to conversion beside that of the sums. */
static void test_codes(void) {
    enum { CODES = 4096 };
    static float mean[CODES], spread[CODES];
    const double lsb = 1.0 / 16;
    struct ohm_adc_codes codes = {CODES, mean, spread};
    struct ohm_noise noise = {.seed = 1, .adc = {.codes = &codes}};
    struct ohm_reads reads = {&noise, 0};
    for (int k = 0; k < CODES; k++) {
        mean[k] = (float)k + 5.5f;
        spread[k] = k == ROWS * 16 ? 3 : 0;
    }
    for (int noisy = 0; noisy < 2; noisy++) {
        noise.device.read_noise = noisy ? 0.1 : 0;
        for (int k = 0; noisy && k < CODES; k++) spread[k] = 3;
        double variance = (9 + 1.0 / 12) * lsb * lsb + (noisy ? 0.01 * ROWS + lsb * lsb / 12 : 0); /* a second rounding */
        struct moments m = read_column(noise, &reads);
        CU_ASSERT(fabs(m.mean - ROWS - 5.5 * lsb) < 5 * sqrt(variance / READS));   /* no bias */
        CU_ASSERT(fabs(m.variance - variance) < 5 * variance * sqrt(2.0 / READS)); /* independent of the sum's noise */
        CU_ASSERT(fabs(m.right) < 5 / sqrt(READS));
    }
}

/* Cell by cell, as read noise is: a normal deviate for each driven cell, of variance e^2 g. The sums have the moments of one draw a column. */
static void test_cell_by_cell(void) {
    struct ohm_draws draws = ohm_draws_of(11, 0, OHM_DRAW_READ);
    struct ohm_noise noise = {.seed = 1, .device = {.read_noise = 0.1}};
    struct ohm_reads reads = {&noise, 0};
    struct moments aggregated = read_column(noise, &reads);
    double mean = 0, variance = 0, sum[READS];
    for (uint32_t i = 0; i < READS; i++) {
        sum[i] = 0;
        for (uint32_t r = 0; r < ROWS; r += 4) {
            uint32_t words[4];
            ohm_draw(draws, i, r, 0, 0, words);
            for (int k = 0; k < 4; k++) sum[i] += 1 + 0.1 * ohm_draw_normal(words[k]);
        }
        mean += sum[i] / READS;
    }
    for (uint32_t i = 0; i < READS; i++) variance += (sum[i] - mean) * (sum[i] - mean) / READS;
    CU_ASSERT(fabs(mean - aggregated.mean) < 7 * sqrt(variance / READS));
    CU_ASSERT(fabs(variance - aggregated.variance) < 7 * variance * sqrt(2.0 / READS));
}

/* ---- programs ---- */

/* A table for up to 8 bits; in one of three cases without a spread. */
static const struct ohm_adc_codes *draw_codes(int32_t bits) {
    static float mean[256], spread[256];
    static struct ohm_adc_codes codes;
    for (int32_t k = 0; k < 256; k++) {
        mean[k] = (float)k + (float)draw(200) / 100 - 1;
        spread[k] = (float)draw(100) / 100;
    }
    codes = (struct ohm_adc_codes){1 << bits, mean, draw(3) ? spread : NULL};
    return &codes;
}

static struct ohm_noise draw_noise(void) {
    struct ohm_noise noise = {.seed = draw(1000), .trial = draw(3), .adc = {.per_array = 1 + (int32_t)draw(6), .interleaved = draw(2)}};
    if (draw(2)) noise.device.variation = 0.05 * draw(4);
    noise.device.law = (enum ohm_variation)draw(3);
    if (draw(2)) noise.device.on_off = 5 + draw(100);
    noise.device.leaks = draw(4) == 0;
    if (draw(2)) noise.device.read_noise = 0.05 * draw(4);
    if (draw(3) == 0) noise.device.drift_time = 100;
    noise.device.drift = 0.01;
    noise.device.drift_law = (enum ohm_drift)draw(3);
    if (draw(4) == 0) noise.device.bandwidth = 1e10;
    noise.device.temperature = 300;
    noise.device.read_volts = 0.2;
    if (draw(2)) noise.device.stuck_on = 0.02;
    if (draw(3) == 0) noise.wire.row = noise.wire.column = 1 + draw(5);
    noise.device.on_ohm = 10000;
    if (draw(3) == 0) noise.device.telegraph = 0.1 * (1 + draw(4));
    if (draw(6) == 0) noise.device.telegraph_us = 1;
    if (draw(3) == 0) noise.adc.thermal = 0.4;
    if (draw(3) == 0) noise.adc.offset_error = 0.5;
    if (draw(5) == 0) noise.adc.dnl = 0.2;
    return noise;
}

static void check_program(const struct drawn *d, const struct ohm_plan *plan, const struct ohm_adc *adc, const struct ohm_reads *reads,
                          const struct ohm_kernel *kernel, const struct ohm_occasion *occasion, const int64_t *expected, int64_t outside) {
    size_t n = (size_t)(d->npos * d->layer.groups * d->layer.ncols);
    struct ohm_program *program = NULL;
    struct ohm_program_request request = {
        .plan = plan, .adc = adc, .kernel = kernel, .input_bits = d->bits, .element = d->element, .reads = reads, .offset = 0};
    struct ohm_tally tally = {0};
    CU_ASSERT_EQUAL_FATAL(ohm_program_build(&request, &program), OHM_OK);
    int64_t *y = ohm_alloc_array(n, sizeof *y);
    void *scratch = ohm_alloc(ohm_program_scratch(program, d->npos));
    ohm_program_multiply_at(program, occasion, d->npos, d->x, y, scratch, &tally);
    CU_ASSERT(!memcmp(y, expected, n * sizeof *y));
    CU_ASSERT_EQUAL(tally.clipped, outside);
    free(y);
    free(scratch);
    ohm_program_free(program);
}

static void check_layer(const char *design) {
    struct drawn d = drawn_layer(ohm_design_find(design));
    struct ohm_plan *plan = drawn_plan(&d);
    struct ohm_noise noise = draw_noise();
    struct ohm_reads reads = {&noise, (int32_t)draw(9)};
    struct ohm_adc adc = drawn_adc(&d, 1 + (int32_t)draw(8), (enum ohm_adc_range)draw(3));
    struct ohm_converters *converters = NULL;
    if (draw(4) == 0) noise.adc.codes = draw_codes(adc.bits);
    int64_t images[] = {7, 3, 12, 90, 5, 6}, *expected = ohm_alloc_array((size_t)(d.npos * d.layer.groups * d.layer.ncols), sizeof *expected);
    struct ohm_occasion occasion = {draw(2), 2, images};
    ohm_plan_stick(plan, &noise, reads.layer);
    CU_ASSERT_FATAL(!ohm_plan_join(plan) && !ohm_plan_vary(plan, &noise, reads.layer));
    if (ohm_noise_of_wires(&noise)) CU_ASSERT_EQUAL_FATAL(ohm_plan_wire(plan, &noise), OHM_OK);
    if (ohm_noise_of_telegraph(&noise)) CU_ASSERT_EQUAL_FATAL(ohm_plan_telegraph(plan, &noise, reads.layer), OHM_OK);
    if (ohm_noise_of_adcs(&noise))
        CU_ASSERT_EQUAL_FATAL(ohm_converters_make(&noise, &adc, plan, reads.layer, d.setting.array_columns, &converters), OHM_OK);
    adc.converters = converters;
    int64_t outside = ohm_plan_multiply_plain_at(plan, &adc, &reads, &occasion, d.bits, d.element, d.npos, d.x, expected);
    for (const struct ohm_kernel *const *kernel = ohm_kernels(); *kernel; kernel++)
        check_program(&d, plan, &adc, &reads, *kernel, &occasion, expected, outside);
    ohm_converters_free(converters);
    free(expected);
    ohm_plan_free(plan);
    drawn_free(&d);
}
static void test_isaac(void) {
    for (int i = 0; i < 120; i++) check_layer("isaac");
}
static void test_sme(void) {
    for (int i = 0; i < 120; i++) check_layer("sme");
}
static void test_sobsx(void) {
    for (int i = 0; i < 100; i++) check_layer("sobsx");
}

/* Conductances that are levels: what the digital definition gives, bit for bit. */
static void test_no_noise(void) {
    for (int i = 0; i < 50; i++) {
        struct drawn d = drawn_layer(ohm_design_find(i % 2 ? "isaac" : "sme"));
        struct ohm_plan *plan = drawn_plan(&d);
        struct ohm_noise noise = {.seed = 1};
        struct ohm_reads reads = {&noise, 0};
        struct ohm_adc adc = drawn_adc(&d, 1 + (int32_t)draw(8), (enum ohm_adc_range)draw(3));
        int64_t *expected = ohm_alloc_array((size_t)(d.npos * d.layer.groups * d.layer.ncols), sizeof *expected);
        int64_t outside = ohm_plan_multiply_plain(plan, &adc, d.bits, d.element, d.npos, d.x, expected);
        CU_ASSERT_FATAL(!ohm_plan_vary(plan, &noise, 0));
        check_program(&d, plan, &adc, &reads, ohm_kernel_chosen(), NULL, expected, outside);
        free(expected);
        ohm_plan_free(plan);
        drawn_free(&d);
    }
}

/* Measured codes without a spread, as a table of every count, and with spreads of nothing, conversion by conversion: the same, bit for bit. */
static void test_no_spread(void) {
    static const float nothing[256];
    for (int i = 0; i < 50; i++) {
        struct drawn d = drawn_layer(ohm_design_find(i % 2 ? "isaac" : "sme"));
        struct ohm_plan *plan = drawn_plan(&d);
        struct ohm_adc adc = drawn_adc(&d, 1 + (int32_t)draw(8), (enum ohm_adc_range)draw(3));
        struct ohm_adc_codes table = *draw_codes(adc.bits), zero;
        struct ohm_noise noise = {.seed = 1, .adc = {.per_array = 1, .codes = &table}}, each = noise;
        struct ohm_reads reads = {&each, 0};
        struct ohm_converters *converters;
        int64_t *expected = ohm_alloc_array((size_t)(d.npos * d.layer.groups * d.layer.ncols), sizeof *expected);
        table.spread = NULL;
        zero = (struct ohm_adc_codes){table.n, table.mean, nothing};
        each.adc.codes = &zero;
        CU_ASSERT_EQUAL_FATAL(ohm_converters_make(&noise, &adc, plan, 0, d.setting.array_columns, &converters), OHM_OK);
        adc.converters = converters;
        CU_ASSERT(!ohm_noise_of_sums(&noise) && ohm_noise_of_sums(&each));
        int64_t outside = ohm_plan_multiply_plain(plan, &adc, d.bits, d.element, d.npos, d.x, expected);
        check_program(&d, plan, &adc, NULL, ohm_kernel_chosen(), NULL, expected, outside);
        CU_ASSERT_FATAL(!ohm_plan_vary(plan, &each, 0));
        check_program(&d, plan, &adc, &reads, ohm_kernel_chosen(), NULL, expected, outside);
        free(expected);
        ohm_converters_free(converters);
        ohm_plan_free(plan);
        drawn_free(&d);
    }
}

static void test_functions(void) {
    for (int i = 1; i < 2000; i++) {
        double x = (draw(20001) - 10000.0) / 500, y = (1 + draw(1000000)) * 1e-4;
        CU_ASSERT(fabs(ohm_draw_exp(x) / exp(x) - 1) < 4e-15);
        CU_ASSERT(fabs(ohm_draw_log(y) - log(y)) <= 4e-16 * (1 + fabs(log(y))));
    }
    CU_ASSERT(ohm_draw_exp(0) == 1 && ohm_draw_log(1) == 0);
}

int main(void) {
    const struct suite_test tests[] = {{"variation, cell by cell", test_variation},
                                       {"coarse cells", test_coarse_cells},
                                       {"measured devices", test_measured},
                                       {"drift", test_drift},
                                       {"drift at random", test_random_drift},
                                       {"drift to a target", test_drift_to_target},
                                       {"chips", test_chips},
                                       {"small deviates", test_small},
                                       {"noise of a bit line", test_reads},
                                       {"noise against counts", test_counts},
                                       {"telegraph noise", test_telegraph},
                                       {"amplitudes of telegraph noise", test_telegraph_law},
                                       {"room for telegraph noise", test_telegraph_room},
                                       {"measured codes", test_codes},
                                       {"noise cell by cell", test_cell_by_cell},
                                       {"isaac: programs", test_isaac},
                                       {"sme: programs", test_sme},
                                       {"sobsx: programs", test_sobsx},
                                       {"no noise", test_no_noise},
                                       {"codes without spread", test_no_spread},
                                       {"functions", test_functions}};
    return SUITE_RUN("design analogue", tests);
}
