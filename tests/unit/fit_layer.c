/* Moments and fits of single layers against plain loops, exhaustive search and closed forms. */
#include "ohmtally/fit.h"
#include "ohmtally/status.h"
#include "suite.h"
#define DRAW_SEED 0xA0761D6478BD642Full
#include "draw.h"
#include <math.h>
#include <string.h>

struct problem {
    struct ohm_layer layer;
    float *weight, *bias;
    int64_t npos;
    double *x, *t, *unit; /* [npos][inputs], [npos][outputs], [outputs] */
};

/* Inputs are whole numbers that go together more or less (mixing in 1/8). */
static struct problem problem_make(int32_t groups, int32_t krows, int32_t ncols, int64_t npos, uint32_t mixing) {
    struct problem p = {.layer = {.name = "drawn", .groups = groups, .krows = krows, .ncols = ncols}, .npos = npos};
    size_t outputs = (size_t)(groups * ncols), inputs = (size_t)(groups * krows);
    p.weight = calloc(outputs * (size_t)krows, sizeof(float));
    p.bias = calloc(outputs, sizeof(float));
    p.x = calloc((size_t)npos * inputs, sizeof(double));
    p.t = calloc((size_t)npos * outputs, sizeof(double));
    p.unit = calloc(outputs, sizeof(double));
    for (size_t i = 0; i < outputs * (size_t)krows; i++) p.weight[i] = ((float)draw(2001) - 1000) / 1000;
    for (size_t n = 0; n < outputs; n++) p.bias[n] = ((float)draw(201) - 100) / 10;
    for (size_t n = 0; n < outputs; n++) p.unit[n] = 0x1p-10;
    for (size_t q = 0; q < (size_t)npos; q++) {
        double common = draw(256);
        for (size_t i = 0; i < inputs; i++) p.x[q * inputs + i] = rint((common * mixing + (double)draw(256) * (8 - mixing)) / 8);
    }
    p.layer.weight = p.weight;
    p.layer.bias = p.bias;
    return p;
}

static double *weight_of(const struct problem *p, size_t n, size_t r) {
    static double value;
    value = p->weight[n * (size_t)p->layer.krows + r];
    return &value;
}

/* Targets: what the trained weights do to `seen`, whole multiples of the unit. */
static void problem_target(struct problem *p, const double *seen) {
    size_t outputs = (size_t)ohm_layer_outputs(&p->layer), inputs = (size_t)ohm_layer_inputs(&p->layer), krows = (size_t)p->layer.krows;
    for (size_t q = 0; q < (size_t)p->npos; q++)
        for (size_t n = 0; n < outputs; n++) {
            double sum = 0;
            for (size_t r = 0; r < krows; r++) sum += *weight_of(p, n, r) * seen[q * inputs + n / (size_t)p->layer.ncols * krows + r];
            p->t[q * outputs + n] = rint(sum / p->unit[n]);
        }
}

static void problem_free(struct problem *p) {
    free(p->weight);
    free(p->bias);
    free(p->x);
    free(p->t);
    free(p->unit);
}

static struct ohm_gram *gram_of(const struct problem *p, int64_t block) {
    struct ohm_gram *gram = ohm_gram_new(&p->layer);
    CU_ASSERT_PTR_NOT_NULL_FATAL(gram);
    for (int64_t at = 0, n; at < p->npos; at += n) {
        n = p->npos - at < block ? p->npos - at : block;
        ohm_gram_add(gram, n, p->x + at * ohm_layer_inputs(&p->layer), p->t + at * ohm_layer_outputs(&p->layer));
    }
    return gram;
}

static struct ohm_constraint_use window_of(int32_t bits, int32_t window) {
    struct ohm_constraint_use use = {.constraint = ohm_constraint_find("window"), .setting = {.array_rows = 128, .array_columns = 128}};
    use.setting.weight_bits = bits;
    ohm_constraint_defaults(use.constraint, &use.setting);
    char text[8];
    snprintf(text, sizeof text, "%d", window);
    CU_ASSERT_EQUAL_FATAL(ohm_constraint_set(use.constraint, &use.setting, "window", text), OHM_OK);
    return use;
}

static const struct ohm_fit_options all_on = {
    .scales = true, .admm = true, .refine = true, .bias = true, .correct = 1, .damping = 1e-6, .shrink = 0, .rho = 1, .iterations = 20, .sweeps = 8};

struct fitted {
    struct ohm_weights *weights;
    float *bias;
    struct ohm_fit_output *outputs;
};

static struct fitted fit_share(const struct problem *p, const struct ohm_constraint_use *uses, int32_t nuse, const struct ohm_fit_options *options,
                               int32_t columns, int32_t rank, int32_t nrank) {
    size_t outputs = (size_t)ohm_layer_outputs(&p->layer);
    struct ohm_gram *gram = gram_of(p, 100);
    struct fitted f = {ohm_weights_new(&p->layer), calloc(outputs, sizeof(float)), calloc(outputs, sizeof(struct ohm_fit_output))};
    ohm_gram_close(gram);
    struct ohm_fit_request request = {.layer = &p->layer,
                                      .gram = gram,
                                      .target_unit = p->unit,
                                      .input_scale = 0.5,
                                      .uses = uses,
                                      .nuse = nuse,
                                      .columns = columns,
                                      .rank = rank,
                                      .nrank = nrank,
                                      .options = options};
    CU_ASSERT_EQUAL_FATAL(ohm_fit_layer(&request, f.weights, f.bias, f.outputs), OHM_OK);
    ohm_gram_free(gram);
    return f;
}

static struct fitted fit_of(const struct problem *p, const struct ohm_constraint_use *use, const struct ohm_fit_options *options) {
    return fit_share(p, use, 1, options, 128, 0, 1);
}

static void fitted_free(struct fitted *f) {
    ohm_weights_free(f->weights);
    free(f->bias);
    free(f->outputs);
}

static int32_t held(const struct problem *p, const struct fitted *f, size_t n, size_t r) {
    size_t ncols = (size_t)p->layer.ncols, krows = (size_t)p->layer.krows;
    return f->weights->w[(n / ncols * krows + r) * ncols + n % ncols];
}

/* Mean of (t - b' - z x) and of its square over the positions, by the definition; b' what the fit adds to the bias, in units of weights times codes.
 */
static void residual(const struct problem *p, const struct fitted *f, size_t n, double *mean, double *square) {
    size_t outputs = (size_t)ohm_layer_outputs(&p->layer), inputs = (size_t)ohm_layer_inputs(&p->layer), krows = (size_t)p->layer.krows;
    *mean = *square = 0;
    for (size_t q = 0; q < (size_t)p->npos; q++) {
        double off = p->t[q * outputs + n] * p->unit[n] - ((double)f->bias[n] - (double)p->bias[n]) / 0.5;
        for (size_t r = 0; r < krows; r++)
            off -= (double)f->weights->scale[n] * held(p, f, n, r) * p->x[q * inputs + n / (size_t)p->layer.ncols * krows + r];
        *mean += off / (double)p->npos;
        *square += off * off / (double)p->npos;
    }
}

static void test_moments(void) {
    struct problem p = problem_make(3, 37, 5, 700, 3);
    problem_target(&p, p.x);
    struct ohm_gram *gram = gram_of(&p, 700), *pieces = gram_of(&p, 33);
    CU_ASSERT(!memcmp(gram->p, pieces->p, 3 * 37 * 5 * sizeof(double))); /* sums of whole numbers: exact in any order */
    for (size_t g = 0; g < 3; g++)
        for (size_t i = 0; i < 37; i++)
            for (size_t j = 0; j <= i; j++) {
                int64_t sum = 0;
                for (size_t q = 0; q < 700; q++) sum += (int64_t)p.x[q * 111 + g * 37 + i] * (int64_t)p.x[q * 111 + g * 37 + j];
                CU_ASSERT_EQUAL(gram->h[(g * 37 + i) * 37 + j], (double)sum);
                CU_ASSERT_EQUAL(pieces->h[(g * 37 + i) * 37 + j], (double)sum);
            }
    ohm_gram_close(gram);
    for (size_t i = 0; i < 37; i++)
        for (size_t j = 0; j < 37; j++) CU_ASSERT_EQUAL(gram->h[i * 37 + j], gram->h[j * 37 + i]);
    ohm_gram_free(gram);
    ohm_gram_free(pieces);
    problem_free(&p);
}

/* Weights have their ones within the window; the report's error is what the definition gives; means are right. */
static void check_fit(const struct problem *p, const struct fitted *f, int32_t bits, int32_t window) {
    for (size_t n = 0; n < (size_t)ohm_layer_outputs(&p->layer); n++) {
        double mean, square;
        for (size_t r = 0; r < (size_t)p->layer.krows; r++) {
            uint32_t m = (uint32_t)abs(held(p, f, n, r));
            CU_ASSERT(m < 1u << bits && (!m || 32 - __builtin_clz(m) - __builtin_ctz(m) <= window));
        }
        residual(p, f, n, &mean, &square);
        CU_ASSERT_DOUBLE_EQUAL(mean, 0, 1e-4 * sqrt(f->outputs[n].power)); /* the bias is a float */
        CU_ASSERT_DOUBLE_EQUAL(square, f->outputs[n].after, 1e-3 * f->outputs[n].power);
        CU_ASSERT(f->outputs[n].after <= f->outputs[n].before * (1 + 1e-9));
    }
}

static void test_fits_are_in_the_set_and_as_reported(void) {
    for (uint32_t mixing = 0; mixing < 8; mixing += 3) {
        struct problem p = problem_make(1, 60, 20, 900, mixing), deep = problem_make(12, 9, 1, 500, mixing);
        struct ohm_constraint_use use = window_of(6, 2);
        problem_target(&p, p.x);
        problem_target(&deep, deep.x);
        struct fitted f = fit_of(&p, &use, &all_on), g = fit_of(&deep, &use, &all_on);
        check_fit(&p, &f, 6, 2);
        check_fit(&deep, &g, 6, 2);
        fitted_free(&f);
        fitted_free(&g);
        problem_free(&p);
        problem_free(&deep);
    }
}

/* Least squared error over all weights of the window's levels at one scale, four rows. */
static double least_of_all(const struct problem *p, size_t n, double scale) {
    static const int32_t levels[] = {-12, -8, -6, -4, -3, -2, -1, 0, 1, 2, 3, 4, 6, 8, 12}; /* 4 bits, window 2 */
    enum { LEVELS = sizeof levels / sizeof *levels };
    double least = INFINITY, c[4][4] = {{0}}, mean[4] = {0};
    for (int q = 0; q < p->npos; q++)
        for (int i = 0; i < 4; i++) mean[i] += p->x[q * 4 + i] / (double)p->npos;
    for (int q = 0; q < p->npos; q++)
        for (int i = 0; i < 4; i++)
            for (int j = 0; j < 4; j++) c[i][j] += (p->x[q * 4 + i] - mean[i]) * (p->x[q * 4 + j] - mean[j]) / (double)p->npos;
    for (int code = 0; code < LEVELS * LEVELS * LEVELS * LEVELS; code++) {
        double e[4], sum = 0;
        for (int i = 0, rest = code; i < 4; i++, rest /= LEVELS) e[i] = *weight_of(p, n, (size_t)i) - scale * levels[rest % LEVELS];
        for (int i = 0; i < 4; i++)
            for (int j = 0; j < 4; j++) sum += e[i] * c[i][j] * e[j];
        least = fmin(least, sum);
    }
    return least;
}

/* On four rows, at the scale the fit chose, no weights of the grid are much better, and mostly none is better at all. */
static void test_small_fits_are_near_the_best(void) {
    int exact = 0, all = 0;
    double found = 0, best = 0;
    for (int turn = 0; turn < 4; turn++) {
        struct problem p = problem_make(1, 4, 6, 300, 5);
        struct ohm_constraint_use use = window_of(4, 2);
        problem_target(&p, p.x);
        struct fitted f = fit_of(&p, &use, &all_on);
        for (size_t n = 0; n < 6; n++, all++) {
            double least = least_of_all(&p, n, (double)f.weights->scale[n]);
            found += f.outputs[n].after;
            best += least;
            exact += f.outputs[n].after <= least * 1.01 + 1e-6 * f.outputs[n].power;
        }
        fitted_free(&f);
        problem_free(&p);
    }
    CU_ASSERT(found < 1.3 * best);
    CU_ASSERT(exact > all / 2);
}

/* Inputs that have nothing to do with each other: nothing can make up for anything, rounding to the nearest is the best. */
static void test_unrelated_inputs_give_plain_rounding(void) {
    struct problem p = problem_make(1, 8, 16, 256, 0);
    struct ohm_constraint_use use = window_of(8, 3);
    struct ohm_fit_options options = all_on;
    options.scales = false;
    for (int q = 0; q < 256; q++)
        for (int i = 0; i < 8; i++) p.x[q * 8 + i] = q >> i & 1 ? 100 : 0; /* a factorial plan: exactly unrelated */
    problem_target(&p, p.x);
    struct fitted f = fit_of(&p, &use, &options);
    for (size_t n = 0; n < 16; n++) {
        double scale = (double)f.weights->scale[n];
        for (size_t r = 0; r < 8; r++) {
            struct ohm_matrix one = {.krows = 1, .ncols = 1, .taps = 1, .scale = &scale};
            double v = *weight_of(&p, n, r) / scale, z;
            CU_ASSERT_EQUAL_FATAL(ohm_project(&use, 1, &one, &v, &z, NULL), OHM_OK);
            CU_ASSERT(fabs(v - held(&p, &f, n, r)) <= fabs(v - z) + 1e-3); /* targets are whole units: ties may fall either way */
        }
    }
    fitted_free(&f);
    problem_free(&p);
}

/* The layer sees half of what the reference sees: with a grid fine enough, weights twice as large put that right; with correct 0 they stay. */
static void test_errors_from_before_are_corrected(void) {
    struct problem p = problem_make(1, 12, 5, 600, 4);
    struct ohm_constraint_use use = window_of(15, 15);
    struct ohm_fit_options options = all_on;
    double *seen = calloc(600 * 12, sizeof *seen);
    for (int i = 0; i < 600 * 12; i++) seen[i] = 2 * p.x[i];
    problem_target(&p, seen);
    for (int correct = 0; correct < 2; correct++) {
        options.correct = correct;
        struct fitted f = fit_of(&p, &use, &options);
        for (size_t n = 0; n < 5; n++)
            for (size_t r = 0; r < 12; r++)
                CU_ASSERT_DOUBLE_EQUAL((double)f.weights->scale[n] * held(&p, &f, n, r), (1 + correct) * *weight_of(&p, n, r), 2e-3);
        fitted_free(&f);
    }
    free(seen);
    problem_free(&p);
}

/* Stages bring what they are there for, on inputs that go together. */
static void test_stages_lower_the_error(void) {
    struct problem p = problem_make(1, 100, 30, 1500, 6);
    struct ohm_constraint_use use = window_of(8, 2);
    struct ohm_fit_options options = {.correct = 1, .damping = 1e-6, .rho = 1, .iterations = 20, .bias = true};
    double error[4] = {0};
    problem_target(&p, p.x);
    for (int stage = 0; stage < 4; stage++) {
        if (stage == 1) options.refine = true;
        if (stage == 2) options.sweeps = 8;
        if (stage == 3) options.scales = true;
        struct fitted f = fit_of(&p, &use, &options);
        for (size_t n = 0; n < 30; n++) error[stage] += f.outputs[n].after;
        fitted_free(&f);
    }
    CU_ASSERT(error[1] < 0.5 * error[0]); /* passing errors on */
    CU_ASSERT(error[2] < error[1]);
    CU_ASSERT(error[3] < error[2]);
    problem_free(&p);
}

/* ADMM's structure: what a squeeze holds is held, and its choice beats that of projecting the trained weights. */
static void test_squeeze(void) {
    struct problem p = problem_make(1, 64, 64, 1200, 5);
    struct ohm_constraint_use uses[2] = {window_of(8, 3), window_of(8, 3)};
    uses[1].constraint = ohm_constraint_find("squeeze");
    ohm_constraint_defaults(uses[1].constraint, &uses[1].setting);
    CU_ASSERT_EQUAL_FATAL(ohm_constraint_set(uses[1].constraint, &uses[1].setting, "squeeze", "4"), OHM_OK);
    problem_target(&p, p.x);
    double error[2] = {0};
    for (int admm = 0; admm < 2; admm++) {
        struct ohm_fit_options options = all_on;
        options.admm = admm;
        struct fitted f = fit_share(&p, uses, 2, &options, 128, 0, 1);
        check_fit(&p, &f, 8, 3);
        for (size_t r = 0; r < 64; r++)
            for (int sign = -1; sign <= 1; sign += 2) {
                uint32_t together = 0;
                for (size_t n = 0; n < 64; n++) together |= held(&p, &f, n, r) * sign > 0 ? (uint32_t)abs(held(&p, &f, n, r)) : 0;
                int length = together ? 32 - __builtin_clz(together) : 0;
                CU_ASSERT(length <= 4 || !(together & ((1u << (length - 4)) - 1))); /* moved down by length - 4, nothing is lost */
            }
        for (size_t n = 0; n < 64; n++) error[admm] += f.outputs[n].after;
        fitted_free(&f);
    }
    CU_ASSERT(error[1] < 1.05 * error[0]);
    problem_free(&p);
}

static void test_shares_of_ranks(void) {
    struct problem p = problem_make(1, 30, 50, 400, 4);
    struct ohm_constraint_use use = window_of(8, 3);
    problem_target(&p, p.x);
    struct fitted whole = fit_share(&p, &use, 1, &all_on, 16, 0, 1);
    for (int32_t rank = 0; rank < 3; rank++) {
        struct fitted f = fit_share(&p, &use, 1, &all_on, 16, rank, 3);
        for (size_t n = 0; n < 50; n++) {
            bool mine = (int32_t)(n / 16) % 3 == rank;
            CU_ASSERT_EQUAL(f.weights->scale[n], mine ? whole.weights->scale[n] : 0);
            CU_ASSERT_EQUAL(f.bias[n], mine ? whole.bias[n] : 0);
            CU_ASSERT_EQUAL(f.outputs[n].after, mine ? whole.outputs[n].after : 0);
            for (size_t r = 0; r < 30; r++) CU_ASSERT_EQUAL(held(&p, &f, n, r), mine ? held(&p, &whole, n, r) : 0);
        }
        fitted_free(&f);
    }
    fitted_free(&whole);
    problem_free(&p);
}

/* Rows that are always 0, and outputs whose weights are. */
static void test_nothing_there(void) {
    struct problem p = problem_make(1, 10, 4, 50, 4);
    struct ohm_constraint_use use = window_of(8, 3);
    for (int q = 0; q < 50; q++) p.x[q * 10 + 3] = p.x[q * 10 + 7] = 0;
    for (int r = 0; r < 10; r++) p.weight[2 * 10 + r] = 0;
    problem_target(&p, p.x);
    struct fitted f = fit_of(&p, &use, &all_on);
    for (size_t r = 0; r < 10; r++) CU_ASSERT_EQUAL(held(&p, &f, 2, r), 0);
    for (size_t n = 0; n < 4; n++) CU_ASSERT(isfinite(f.weights->scale[n]) && f.weights->scale[n] > 0 && isfinite(f.bias[n]));
    fitted_free(&f);
    memset(p.x, 0, 500 * sizeof(double));
    problem_target(&p, p.x);
    f = fit_of(&p, &use, &all_on);
    for (size_t n = 0; n < 4; n++) CU_ASSERT_EQUAL(f.bias[n], p.bias[n]);
    fitted_free(&f);
    problem_free(&p);
}

int main(void) {
    static const struct suite_test tests[] = {
        {"moments are exact sums", test_moments},
        {"fits are in the set, and as reported", test_fits_are_in_the_set_and_as_reported},
        {"small fits are near the best", test_small_fits_are_near_the_best},
        {"unrelated inputs give plain rounding", test_unrelated_inputs_give_plain_rounding},
        {"errors from before are corrected", test_errors_from_before_are_corrected},
        {"stages lower the error", test_stages_lower_the_error},
        {"squeeze", test_squeeze},
        {"shares of ranks", test_shares_of_ranks},
        {"nothing there", test_nothing_there},
    };
    return SUITE_RUN("fit", tests);
}
