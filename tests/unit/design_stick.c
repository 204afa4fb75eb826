/* Stuck cells: how many, where, and what the crossbar makes of them, against a plain model of whole arrays that knows nothing of uses. */
#include "ohmtally/crossbar.h"
#include "ohmtally/design.h"
#include "ohmtally/status.h"
#include "suite.h"
#define DRAW_SEED 0x8CB92BA72F3D8DD7ull
#include "draw.h"
#include <math.h>
#include <string.h>

static struct ohm_noise stuck(double on, double off) {
    return (struct ohm_noise){.seed = 7, .device = {.stuck_on = on, .stuck_off = off}};
}

/* Arrays whose cells all hold 1 of 0 .. 3, so that every change shows. */
static struct ohm_plan *make_arrays(int32_t n, int32_t nrow, int32_t ncol) {
    struct ohm_plan *plan = ohm_plan_new(1, nrow, 1);
    for (int32_t t = 0; t < n; t++) {
        CU_ASSERT_EQUAL_FATAL(ohm_plan_add_tile(plan, nrow, ncol, 2), t);
        for (int32_t r = 0; r < nrow; r++)
            for (int32_t c = 0; c < ncol; c++) ohm_tile_set(&plan->tiles[t], r, c, 1);
    }
    return plan;
}

static int64_t cells_at(const struct ohm_plan *plan, uint32_t level) {
    int64_t n = 0;
    for (int32_t t = 0; t < plan->ntile; t++)
        for (int32_t r = 0; r < plan->tiles[t].nrow; r++)
            for (int32_t c = 0; c < plan->tiles[t].ncol; c++) n += ohm_tile_get(&plan->tiles[t], r, c) == level;
    return n;
}

/* Five standard deviations of a binomial: a rate that is squared (1 % asked, 0.01 % injected) lies hundreds outside. */
static void check_rate(int64_t found, int64_t of, double rate) {
    double n = (double)of, spread = sqrt(n * rate * (1 - rate));
    CU_ASSERT(fabs((double)found - n * rate) <= 5 * spread);
}

static void test_rates(void) {
    static const double rates[][2] = {{0.01, 0}, {0, 0.01}, {0.0175, 0.0904}, {0.5, 0.5}, {0.001, 0.001}};
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        struct ohm_plan *plan = make_arrays(40, 128, 129);
        struct ohm_noise noise = stuck(rates[i][0], rates[i][1]);
        ohm_plan_stick(plan, &noise, 3);
        check_rate(cells_at(plan, 3), 40 * 128 * 129, rates[i][0]);
        check_rate(cells_at(plan, 0), 40 * 128 * 129, rates[i][1]);
        CU_ASSERT_EQUAL(cells_at(plan, 2), 0);
        ohm_plan_free(plan);
    }
}

static void test_ends(void) {
    for (int on = 0; on < 2; on++) {
        struct ohm_plan *plan = make_arrays(2, 10, 70);
        struct ohm_noise noise = stuck(on, !on);
        ohm_plan_stick(plan, &noise, 0);
        CU_ASSERT_EQUAL(cells_at(plan, on ? 3 : 0), 2 * 10 * 70);
        for (int32_t r = 0; r < 20; r++) CU_ASSERT_EQUAL(ohm_tile_word(&plan->tiles[0], 0, r % 10, 64)[0] >> 6, 0); /* nothing beyond the columns */
        ohm_plan_free(plan);
    }
}

/* Cells of two plans that are stuck in both, off the same seed, chip, layer and shape or not. */
static int64_t stuck_in_both(struct ohm_noise a, int32_t layer_a, struct ohm_noise b, int32_t layer_b) {
    struct ohm_plan *one = make_arrays(8, 128, 128), *two = make_arrays(8, 128, 128);
    int64_t n = 0;
    ohm_plan_stick(one, &a, layer_a);
    ohm_plan_stick(two, &b, layer_b);
    for (int32_t t = 0; t < 8; t++)
        for (int32_t r = 0; r < 128; r++)
            for (int32_t c = 0; c < 128; c++) n += ohm_tile_get(&one->tiles[t], r, c) == 3 && ohm_tile_get(&two->tiles[t], r, c) == 3;
    ohm_plan_free(one);
    ohm_plan_free(two);
    return n;
}

static void test_independence(void) {
    struct ohm_noise noise = stuck(0.1, 0), chip = noise, seed = noise, more = stuck(0.2, 0);
    int64_t cells = 8 * 128 * 128, same = stuck_in_both(noise, 5, noise, 5);
    chip.trial = 1;
    seed.seed = 8;
    check_rate(same, cells, 0.1);
    check_rate(stuck_in_both(noise, 5, noise, 6), cells, 0.01);
    check_rate(stuck_in_both(noise, 5, chip, 5), cells, 0.01);
    check_rate(stuck_in_both(noise, 5, seed, 5), cells, 0.01);
    CU_ASSERT_EQUAL(stuck_in_both(noise, 5, more, 5), same); /* common random numbers: a higher rate adds faults, it moves none */
}

/* Neighbouring rows, columns and arrays: pairs of stuck cells as often as independence has it. */
static void test_neighbours(void) {
    struct ohm_plan *plan = make_arrays(8, 128, 128);
    struct ohm_noise noise = stuck(0.1, 0);
    int64_t right = 0, below = 0, behind = 0, word = 0;
    ohm_plan_stick(plan, &noise, 0);
    for (int32_t t = 0; t < 7; t++)
        for (int32_t r = 0; r < 127; r++)
            for (int32_t c = 0; c < 124; c++) {
                if (ohm_tile_get(&plan->tiles[t], r, c) != 3) continue;
                right += ohm_tile_get(&plan->tiles[t], r, c + 1) == 3;
                word += ohm_tile_get(&plan->tiles[t], r, c + 4) == 3;
                below += ohm_tile_get(&plan->tiles[t], r + 1, c) == 3;
                behind += ohm_tile_get(&plan->tiles[t + 1], r, c) == 3;
            }
    check_rate(right, 7 * 127 * 124, 0.01);
    check_rate(word, 7 * 127 * 124, 0.01);
    check_rate(below, 7 * 127 * 124, 0.01);
    check_rate(behind, 7 * 127 * 124, 0.01);
    ohm_plan_free(plan);
}

/* ---- what the crossbar makes of it ---- */

enum { BITS = 8, POSITIONS = 3 };

/* What whole arrays give: all rows of an array's turn drive all its bit lines. Digital terms as a design that knows nothing of faults has them:
 * flips count the inputs of the column's own group. */
static void multiply_arrays(const struct ohm_plan *ideal, const struct ohm_plan *faulty, const struct ohm_adc *adc, const uint8_t *x, int64_t *y) {
    int32_t inputs = ideal->groups * ideal->krows, outputs = ideal->groups * ideal->ncols;
    memset(y, 0, (size_t)(POSITIONS * outputs) * sizeof *y);
    for (int32_t p = 0; p < POSITIONS; p++) {
        for (int32_t u = 0; u < ideal->nuse; u++) {
            const struct ohm_use *use = &ideal->uses[u];
            const struct ohm_tile *tile = &faulty->tiles[use->tile];
            for (int32_t c = 0; c < use->ncol; c++)
                for (int32_t t = 0; t < BITS + ideal->max_shift; t++) {
                    int32_t count = 0, own = 0;
                    for (int32_t v = 0; v < ideal->nuse; v++) {
                        const struct ohm_use *other = &ideal->uses[v];
                        if (other->tile != use->tile || other->turn != use->turn) continue;
                        for (int32_t r = 0; r < other->nrow; r++) {
                            int32_t k = t - other->rows[r].shift;
                            if (k < 0 || k >= BITS || !(x[p * inputs + other->rows[r].input] >> k & 1)) continue;
                            count += (int32_t)ohm_tile_get(tile, other->row0 + r, use->column0 + c);
                            own += other == use;
                        }
                    }
                    int64_t code = ohm_adc_code(adc, use->columns[c].adc_class, count);
                    if (use->columns[c].flip) code = ((1 << tile->cell_bits) - 1) * own - code;
                    y[p * outputs + use->columns[c].output] += use->columns[c].sign * code * ((int64_t)1 << (t + use->columns[c].shift));
                }
        }
        for (int32_t n = 0; n < outputs; n++)
            for (int32_t r = 0; r < ideal->krows; r++)
                y[p * outputs + n] -= (int64_t)ideal->weight_bias * x[p * inputs + n / ideal->ncols * ideal->krows + r];
    }
}

static struct ohm_plan *place(const struct ohm_design *design, const struct ohm_design_setting *setting, const struct ohm_layer *layer,
                              const int32_t *w) {
    struct ohm_plan *plan = ohm_plan_new(layer->groups, layer->krows, layer->ncols);
    CU_ASSERT_FATAL(!design->place(setting, layer, w, plan) && !ohm_plan_finish(plan, BITS));
    return plan;
}

/* A program on every kernel, every way, and the plain definition, on the faulty plan after joining. */
static void check_programs(const struct ohm_plan *plan, const struct ohm_adc *adc, const uint8_t *x, const int64_t *expected) {
    size_t n = (size_t)(POSITIONS * plan->groups * plan->ncols);
    int64_t *y = ohm_alloc_array(n, sizeof *y);
    int64_t outside = ohm_plan_multiply_plain(plan, adc, BITS, 1, POSITIONS, x, y);
    CU_ASSERT(!memcmp(y, expected, n * sizeof *y));
    for (const struct ohm_kernel *const *kernel = ohm_kernels(); *kernel; kernel++)
        for (int e = 0; e < 2; e++) {
            struct ohm_program *program = NULL;
            struct ohm_program_request request = {.plan = plan,
                                                  .adc = adc,
                                                  .kernel = *kernel,
                                                  .input_bits = BITS,
                                                  .element = 1,
                                                  .evaluate = e ? OHM_EVALUATE_NEEDED : OHM_EVALUATE_ALL,
                                                  .offset = INT64_MAX};
            struct ohm_tally tally = {0};
            CU_ASSERT_EQUAL_FATAL(ohm_program_build(&request, &program), OHM_OK);
            void *scratch = ohm_alloc(ohm_program_scratch(program, POSITIONS));
            ohm_program_multiply(program, POSITIONS, x, y, scratch, &tally);
            CU_ASSERT(!memcmp(y, expected, n * sizeof *y));
            CU_ASSERT_EQUAL(tally.clipped, outside);
            free(scratch);
            ohm_program_free(program);
        }
    free(y);
}

static void check_layer(const char *name, double rate) {
    const struct ohm_design *design = ohm_design_find(name);
    struct ohm_design_setting setting = {
        .array_rows = 32 << draw(2), .array_columns = 64, .activation_bits = BITS, .weight_bits = 6, .per_channel = true};
    struct ohm_layer layer = {.groups = draw(3) ? 1 + (int32_t)draw(20) : 1, .krows = 9, .ncols = 1 + (int32_t)draw(3)};
    if (layer.groups == 1) layer = (struct ohm_layer){.groups = 1, .krows = 20 + (int32_t)draw(100), .ncols = 1 + (int32_t)draw(30)};
    ohm_design_defaults(design, &setting);
    CU_ASSERT_EQUAL_FATAL(ohm_design_set(design, &setting, "cell_bits", draw(2) ? "1" : "2"), OHM_OK);
    int32_t weights = layer.groups * layer.krows * layer.ncols, *w = ohm_alloc_array((size_t)weights, sizeof *w);
    uint8_t *x = ohm_alloc((size_t)(POSITIONS * layer.groups * layer.krows));
    int64_t *expected = ohm_alloc_array((size_t)(POSITIONS * layer.groups * layer.ncols), sizeof *expected);
    for (int32_t i = 0; i < weights; i++) w[i] = draw(3) ? (int32_t)draw(15) - 7 : 0;
    for (int32_t i = 0; i < POSITIONS * layer.groups * layer.krows; i++) x[i] = draw(4) ? (uint8_t)draw(256) : 0;
    struct ohm_plan *ideal = place(design, &setting, &layer, w), *plan = place(design, &setting, &layer, w);
    struct ohm_noise noise = stuck(rate, rate);
    struct ohm_adc adc = {.bits = 3 + (int32_t)draw(6), .range = OHM_ADC_UNIT, .largest = setting.array_rows * ((1 << plan->tiles[0].cell_bits) - 1)};
    ohm_plan_stick(plan, &noise, (int32_t)draw(50));
    multiply_arrays(ideal, plan, &adc, x, expected);
    CU_ASSERT_EQUAL_FATAL(ohm_plan_join(plan), OHM_OK);
    check_programs(plan, &adc, x, expected);
    ohm_plan_free(ideal);
    ohm_plan_free(plan);
    free(w);
    free(x);
    free(expected);
}

static void test_isaac(void) {
    for (int i = 0; i < 60; i++) check_layer("isaac", i % 3 ? 0.05 : 0);
}
static void test_sme(void) {
    for (int i = 0; i < 60; i++) check_layer("sme", i % 3 ? 0.05 : 0);
}
static void test_sobsx(void) {
    for (int i = 0; i < 40; i++) check_layer("sobsx", 0);
}

int main(void) {
    const struct suite_test tests[] = {{"shares of stuck cells", test_rates},
                                       {"all cells", test_ends},
                                       {"seeds, chips and layers", test_independence},
                                       {"neighbouring cells", test_neighbours},
                                       {"isaac: whole arrays", test_isaac},
                                       {"sme: whole arrays", test_sme},
                                       {"sobsx: nothing stuck, nothing changed", test_sobsx}};
    return SUITE_RUN("design stick", tests);
}
