/* Resisting wires: the exact solution of all nodes against closed forms; voltages by sweeps against that; the approximation's error for inputs that
 * drive some rows; what conductances become. */
#include "nodal.h"
#include "ohmtally/noise.h"
#include "ohmtally/plan.h"
#include "ohmtally/status.h"
#include "suite.h"
#define DRAW_SEED 0x9E6C63D0876A9A47ull
#include "draw.h"
#include <math.h>
#include <string.h>

enum { MOST = 128 };
static double g[MOST * MOST], share[MOST * MOST], x[8 * MOST], exact[8 * MOST];

static double uniform(void) {
    return (double)draw(1000001) / 1000000;
}
static bool near(double a, double b, double relative) {
    return fabs(a - b) <= relative * fabs(b);
}
/* Largest resistance 0.05 of a cell's. */
static struct ohm_wires draw_wires(void) {
    return (struct ohm_wires){draw(4) ? 0.05 * uniform() : 0, draw(4) ? 0.05 * uniform() : 0, draw(3) ? 0 : uniform(), draw(3) ? 0 : uniform()};
}
static void draw_cells(int32_t n) {
    for (int32_t i = 0; i < n; i++) g[i] = draw(3) ? uniform() : 0;
}

/* ---- the exact solution ---- */

static void test_one_cell(void) {
    for (int i = 0; i < 200; i++) {
        struct ohm_wires w = {3 * uniform(), draw(2) * uniform(), draw(2) * uniform(), draw(2) * uniform()};
        g[0] = 0.1 + uniform();
        x[0] = 1.5;
        nodal_currents(&w, 1, 1, g, 1, x, exact);
        double ohm = w.row + w.column + w.driver + w.sense + 1 / g[0];
        CU_ASSERT(near(exact[0], 1.5 / ohm, 1e-12));
        CU_ASSERT_EQUAL_FATAL(ohm_wires_share(&w, 1, 1, g, share), OHM_OK);
        CU_ASSERT(fabs(g[0] * share[0] - 1 / ohm) < 2e-6);
    }
}

/* Line of n equal cells, open at its end: with 2 cosh a = 2 + r g, the voltage at cell k = 1 .. n is cosh((n + 1/2 - k) a) / cosh((n + 1/2) a). */
static double on_line(int32_t n, int32_t k, double r, double conductance) {
    double a = acosh(1 + r * conductance / 2);
    return cosh((n + 0.5 - k) * a) / cosh((n + 0.5) * a);
}

static void test_one_line(void) {
    static const double ohm[] = {0.0001, 0.01, 0.3};
    const int32_t n = 100;
    for (int i = 0; i < n; i++) g[i] = 0.7;
    for (int k = 0; k < 3; k++) {
        struct ohm_wires word = {.row = ohm[k]}, bit = {.column = ohm[k]};
        double sum = 0;
        x[0] = 1;
        nodal_currents(&word, 1, n, g, 1, x, exact);
        CU_ASSERT_EQUAL_FATAL(ohm_wires_share(&word, 1, n, g, share), OHM_OK);
        for (int j = 0; j < n; j++) CU_ASSERT(near(exact[j], 0.7 * on_line(n, j + 1, ohm[k], 0.7), 1e-10) && near(share[j] * 0.7, exact[j], 1e-10));
        for (int i = 0; i < n; i++) {
            x[i] = draw(2);
            sum += x[i] * 0.7 * on_line(n, i + 1, ohm[k], 0.7);
        }
        nodal_currents(&bit, n, 1, g, 1, x, exact); /* one row's current is divided as on a word line: reciprocity */
        CU_ASSERT(near(exact[0], sum, 1e-10));
        CU_ASSERT_EQUAL_FATAL(ohm_wires_share(&bit, n, 1, g, share), OHM_OK);
        for (int i = 0; i < n; i++) CU_ASSERT(fabs(share[i] - on_line(n, i + 1, ohm[k], 0.7)) < 1e-10);
    }
}

static void test_no_resistance(void) {
    struct ohm_wires w = {0};
    const int32_t nrow = 30, ncol = 20;
    draw_cells(nrow * ncol);
    for (int32_t i = 0; i < nrow; i++) x[i] = uniform();
    nodal_currents(&w, nrow, ncol, g, 1, x, exact);
    for (int32_t j = 0; j < ncol; j++) {
        double sum = 0;
        for (int32_t i = 0; i < nrow; i++) sum += g[i * ncol + j] * x[i];
        CU_ASSERT(near(exact[j], sum, 1e-14));
    }
    CU_ASSERT_EQUAL_FATAL(ohm_wires_share(&w, nrow, ncol, g, share), OHM_OK);
    for (int32_t i = 0; i < nrow * ncol; i++) CU_ASSERT_EQUAL(share[i], 1);
    w.row = w.column = 1e-12; /* ever smaller resistance leads there */
    nodal_currents(&w, nrow, ncol, g, 1, x, exact + ncol);
    for (int32_t j = 0; j < ncol; j++) CU_ASSERT(near(exact[ncol + j], exact[j], 1e-7));
}

/* Cells are linear: currents of rows driven together are those of the rows alone, added up. */
static void test_superposition(void) {
    for (int i = 0; i < 30; i++) {
        int32_t nrow = 1 + (int32_t)draw(20), ncol = 1 + (int32_t)draw(20);
        struct ohm_wires w = draw_wires();
        draw_cells(nrow * ncol);
        for (int32_t r = 0; r < nrow; r++) {
            x[r] = uniform();
            x[nrow + r] = uniform();
            x[2 * nrow + r] = 2 * x[r] - 3 * x[nrow + r];
        }
        nodal_currents(&w, nrow, ncol, g, 3, x, exact);
        for (int32_t j = 0; j < ncol; j++) CU_ASSERT(fabs(exact[2 * ncol + j] - 2 * exact[j] + 3 * exact[ncol + j]) < 1e-10);
    }
}

/* ---- by sweeps ---- */

/* With all rows driven, both methods solve the same equations. */
static void test_all_driven(void) {
    for (int i = 0; i < 100; i++) {
        int32_t nrow = 1 + (int32_t)draw(50), ncol = 1 + (int32_t)draw(50);
        struct ohm_wires w = draw_wires();
        draw_cells(nrow * ncol);
        for (int32_t r = 0; r < nrow; r++) x[r] = 1;
        nodal_currents(&w, nrow, ncol, g, 1, x, exact);
        CU_ASSERT_EQUAL_FATAL(ohm_wires_share(&w, nrow, ncol, g, share), OHM_OK);
        for (int32_t j = 0; j < ncol; j++) {
            double sum = 0;
            for (int32_t r = 0; r < nrow; r++) sum += g[r * ncol + j] * share[r * ncol + j];
            CU_ASSERT(fabs(sum - exact[j]) < 1e-4 * (1 + exact[j]));
        }
    }
}

/* 128 x 128, cells of 10 kohm at random, 1 ohm a segment, some rows driven: wires take counts by the dozen; what is left of that is a fraction of
 * one. The bounds are half as much again as what was measured (tests/wires/error.c). */
static void check_error(double conducting, double driven, double most_rms, double least_lost) {
    struct ohm_wires w = {1e-4, 1e-4, 0, 0};
    double square = 0, lost = 0;
    for (int32_t i = 0; i < MOST * MOST; i++) g[i] = uniform() < conducting;
    for (int32_t i = 0; i < 8 * MOST; i++) x[i] = uniform() < driven;
    nodal_currents(&w, MOST, MOST, g, 8, x, exact);
    CU_ASSERT_EQUAL_FATAL(ohm_wires_share(&w, MOST, MOST, g, share), OHM_OK);
    for (int32_t p = 0; p < 8; p++)
        for (int32_t j = 0; j < MOST; j++) {
            double sum = 0, ideal = 0;
            for (int32_t r = 0; r < MOST; r++) {
                sum += x[p * MOST + r] * g[r * MOST + j] * share[r * MOST + j];
                ideal += x[p * MOST + r] * g[r * MOST + j];
            }
            square += (sum - exact[p * MOST + j]) * (sum - exact[p * MOST + j]) / (8 * MOST);
            lost += (ideal - exact[p * MOST + j]) / (8 * MOST);
        }
    CU_ASSERT(sqrt(square) < most_rms);
    CU_ASSERT(lost > least_lost);
}
static void test_error(void) {
    check_error(0.5, 0.5, 0.13, 9);
    check_error(0.5, 0.1, 0.08, 1.5);
    check_error(0.1, 0.5, 0.01, 0.5);
}

/* Cells that conduct as well as the wires: no answer rather than a wrong one. */
static void test_hopeless(void) {
    for (int32_t i = 0; i < MOST * MOST; i++) g[i] = 1;
    for (double ohm = 1e3; ohm < 1e7; ohm *= 1e3) {
        struct ohm_wires w = {ohm, ohm, 0, 0};
        CU_ASSERT_EQUAL(ohm_wires_share(&w, MOST, MOST, g, share), OHM_E_UNSUPPORTED);
    }
}

/* ---- conductances of a plan ---- */

static struct ohm_plan *make_plan(struct ohm_noise noise, int32_t nrow, int32_t ncol, int32_t cell_bits) {
    struct ohm_plan *plan = ohm_plan_new(1, nrow, ncol);
    CU_ASSERT_EQUAL_FATAL(ohm_plan_add_tile(plan, nrow, ncol, cell_bits), 0);
    for (int32_t i = 0; i < nrow * ncol; i++) ohm_tile_set(&plan->tiles[0], i / ncol, i % ncol, draw(1u << cell_bits));
    CU_ASSERT_FATAL(!ohm_plan_vary(plan, &noise, 0) && plan->fraction == 8);
    return plan;
}

/* One cell of 10 kohm behind 1 kohm of wires; at level 1 of 3, with a third of the conductance, and with what level 0 conducts. */
static void test_units(void) {
    struct ohm_noise noise = {.device = {.on_ohm = 10000}, .wire = {100, 200, 300, 400}};
    static const struct ohm_measured_device measured = {10, 100, {0}};
    for (int kind = 0; kind < 3; kind++)
        for (uint32_t level = 1; level < 4; level++) {
            struct ohm_plan *plan = ohm_plan_new(1, 1, 1);
            noise.device.on_off = kind == 1 ? 10 : 0; /* level 0: a third of a step, as much as 10 uS of 90 */
            noise.device.measured = kind == 2 ? &measured : NULL;
            CU_ASSERT_EQUAL_FATAL(ohm_plan_add_tile(plan, 1, 1, 2), 0);
            ohm_tile_set(&plan->tiles[0], 0, 0, level);
            CU_ASSERT_FATAL(!ohm_plan_vary(plan, &noise, 0) && !ohm_plan_wire(plan, &noise));
            double siemens = (kind ? 10 + 30.0 * level : 100.0 * level / 3) * 1e-6;
            CU_ASSERT_EQUAL(plan->tiles[0].held[0], rint(256 * level / (1 + 1000 * siemens)));
            ohm_plan_free(plan);
        }
}

/* Bit lines with all rows driven: the exact currents, to the fixed point's rounding; without resistance not a bit is changed. */
static void test_plan(void) {
    const int32_t nrow = 100, ncol = 60;
    struct ohm_noise noise = {.seed = 4, .device = {.on_ohm = 5000, .on_off = 20, .variation = 0.1, .leaks = true}, .wire = {2, 1, 50, 20}},
                     off = noise;
    memset(&off.wire, 0, sizeof off.wire);
    CU_ASSERT(ohm_noise_of_wires(&noise) && !ohm_noise_of_wires(&off));
    struct ohm_plan *plan = make_plan(noise, nrow, ncol, 2);
    const size_t bytes = (size_t)(nrow * ncol) * sizeof(int16_t);
    int16_t *before = ohm_alloc(bytes), *held = plan->tiles[0].held;
    memcpy(before, held, bytes);
    CU_ASSERT_EQUAL(ohm_plan_wire(plan, &off), OHM_OK);
    CU_ASSERT(!memcmp(held, before, bytes));
    CU_ASSERT_EQUAL(ohm_plan_wire(plan, &noise), OHM_OK);
    double siemens = 1 / (5000 * (3 + 3.0 / 19));
    struct ohm_wires w = {2 * siemens, siemens, 50 * siemens, 20 * siemens};
    for (int32_t i = 0; i < nrow * ncol; i++) g[i] = before[i] / 256.0;
    for (int32_t i = 0; i < nrow; i++) x[i] = 1;
    nodal_currents(&w, nrow, ncol, g, 1, x, exact);
    for (int32_t j = 0; j < ncol; j++) {
        double sum = 0;
        for (int32_t i = 0; i < nrow; i++) sum += held[i * ncol + j] / 256.0;
        CU_ASSERT(fabs(sum - exact[j]) < 5 * sqrt(nrow / 12.0) / 256 + 0.001); /* rounding, and no bias from it */
    }
    free(before);
    ohm_plan_free(plan);
}

int main(void) {
    const struct suite_test tests[] = {{"one cell", test_one_cell},
                                       {"one line", test_one_line},
                                       {"no resistance", test_no_resistance},
                                       {"superposition", test_superposition},
                                       {"all rows driven", test_all_driven},
                                       {"some rows driven", test_error},
                                       {"wires that resist more than cells", test_hopeless},
                                       {"ohm", test_units},
                                       {"a plan's conductances", test_plan}};
    return SUITE_RUN("xbar wires", tests);
}
