/* Energy and time follow what is held and what is applied: from weights and inputs through a design, its program and its tally to prices. */
#include "numbered.h"
#include "ohmtally/crossbar.h"
#include "ohmtally/design.h"
#include "ohmtally/log.h"
#include "ohmtally/price.h"
#include "ohmtally/status.h"
#include "suite.h"
#include <string.h>

#define ROWS 40
#define COLUMNS 48
#define POSITIONS 3

/* Small weights; the largest magnitude stands in the first row for either sign and tile of 16 columns, so that scales and shifts stay as they are
 * when one weight changes, and every bit plane is held. */
static int32_t wanted[ROWS][COLUMNS];
static uint8_t inputs[POSITIONS][ROWS];
static struct ohm_design_setting setting;
static const struct ohm_design *design;

static void begin(const char *name, const char *squeeze) {
    for (int32_t r = 0; r < ROWS; r++)
        for (int32_t c = 0; c < COLUMNS; c++) wanted[r][c] = r == 0 ? (c % 2 ? -255 : 255) : (r * 7 + c * 3) % 15 - 7;
    for (int32_t p = 0; p < POSITIONS; p++)
        for (int32_t r = 0; r < ROWS; r++) inputs[p][r] = (uint8_t)(r * 37 + p * 101);
    design = ohm_design_find(name);
    setting = (struct ohm_design_setting){.array_rows = 16, .array_columns = 16, .activation_bits = 8, .weight_bits = 8};
    ohm_design_defaults(design, &setting);
    CU_ASSERT(!ohm_design_set(design, &setting, "squeeze", squeeze) && !ohm_design_set(design, &setting, "window", "8"));
}

struct seen {
    struct ohm_tally tally;
    struct ohm_store store;
    struct ohm_energy energy;
    double pj, ns;
};

static struct ohm_adc lossless(void) {
    return (struct ohm_adc){.bits = 8, .range = OHM_ADC_UNIT, .largest = ohm_design_driven_rows(design, &setting)};
}

static void multiply(const struct ohm_plan *plan, struct ohm_tally *tally) {
    const struct ohm_adc adc = lossless();
    struct ohm_program_request request = {
        .plan = plan, .adc = &adc, .kernel = ohm_kernel_chosen(), .input_bits = 8, .element = 1, .offset = INT64_MAX};
    struct ohm_program *program;
    CU_ASSERT_FATAL(!ohm_program_build(&request, &program));
    void *scratch = ohm_alloc(ohm_program_scratch(program, POSITIONS)), *y = ohm_alloc(sizeof(int64_t) * POSITIONS * COLUMNS);
    ohm_program_multiply(program, POSITIONS, inputs, y, scratch, tally);
    free(scratch);
    free(y);
    ohm_program_free(program);
}

static struct seen measure(void) {
    static float real[COLUMNS][ROWS];
    const struct ohm_technology technology = numbered();
    const struct ohm_array array = {.law = OHM_ADC_SABERI, .adc_bits = 8, .cell_bits = 1, .rows = 16, .columns = 16};
    struct ohm_layer layer = {.name = "layer", .groups = 1, .krows = ROWS, .ncols = COLUMNS, .weight = real[0]};
    for (int32_t r = 0; r < ROWS; r++)
        for (int32_t c = 0; c < COLUMNS; c++) real[c][r] = (float)wanted[r][c];
    struct ohm_weights *weights = ohm_weights_new(&layer);
    struct ohm_plan *plan = ohm_plan_new(1, ROWS, COLUMNS);
    CU_ASSERT_FATAL(weights && plan && !design->configure(&setting));
    ohm_design_constrain(design, &setting, &layer, weights);
    CU_ASSERT_FATAL(!design->place(&setting, &layer, weights->w, plan) && !ohm_plan_finish(plan, 8));
    struct seen seen = {.store = plan->store};
    multiply(plan, &seen.tally);
    ohm_price_energy(&technology, &array, &seen.tally, &seen.energy);
    seen.pj = ohm_energy_total_pj(&seen.energy);
    seen.ns = (double)seen.tally.steps * ohm_price_step_ns(&technology, &array, seen.store.columns_read, seen.store.serial);
    ohm_plan_free(plan);
    ohm_weights_free(weights);
    return seen;
}

static int64_t ones_of_row(int32_t r) {
    int64_t n = 0;
    for (int32_t p = 0; p < POSITIONS; p++) n += __builtin_popcount(inputs[p][r]);
    return n;
}

/* One more cell in the upper state conducts whenever its row is driven: that much more energy, and nothing else changes. */
static void one_weight_changes_the_energy(void) {
    const struct ohm_technology technology = numbered();
    begin("sme", "0");
    wanted[21][5] = 1;
    struct seen before = measure();
    wanted[21][5] = 3;
    struct seen after = measure();
    const double cell = technology.cell_read_fj * 1e-3 * (1 - 1 / technology.cell_on_off);
    CU_ASSERT(ones_of_row(21) > 0);
    CU_ASSERT_EQUAL(after.tally.cell_levels - before.tally.cell_levels, ones_of_row(21));
    CU_ASSERT_DOUBLE_EQUAL(after.energy.array - before.energy.array, (double)ones_of_row(21) * cell, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(after.pj - before.pj, after.energy.array - before.energy.array, 1e-6);
    CU_ASSERT_EQUAL(after.ns, before.ns);
    wanted[21][5] = 2; /* as many ones as 1: no energy more or less */
    struct seen moved = measure();
    CU_ASSERT_EQUAL(moved.pj, before.pj);
}

/* Without the large weights of a row tile's first row its upper planes are empty: released, they convert nothing. */
static void released_planes_cost_nothing(void) {
    begin("sme", "0");
    struct seen full = measure();
    for (int32_t c = 16; c < 32; c++) wanted[0][c] = c % 2 ? -7 : 7; /* middle tile of columns: 5 of 8 planes empty, both signs */
    struct seen less = measure();
    CU_ASSERT_EQUAL(full.store.crossbars - less.store.crossbars, 10);
    CU_ASSERT_EQUAL(full.tally.conversions - less.tally.conversions, 10 * 16 * 8 * POSITIONS);
    CU_ASSERT_DOUBLE_EQUAL(less.energy.adc / full.energy.adc, (double)less.tally.conversions / (double)full.tally.conversions, 1e-12);
    CU_ASSERT(less.energy.dac < full.energy.dac && less.energy.array < full.energy.array && less.energy.shift_add < full.energy.shift_add);
}

/* Squeezing gives up arrays for steps: fewer conversions in each step, more of them in the array whose rows moved. */
static void squeezing_trades_arrays_for_time(void) {
    begin("sme", "0");
    struct seen whole = measure();
    begin("sme", "2");
    struct seen squeezed = measure();
    CU_ASSERT_EQUAL(squeezed.store.crossbars_full, whole.store.crossbars_full);
    CU_ASSERT(squeezed.store.crossbars < whole.store.crossbars);
    CU_ASSERT_EQUAL(squeezed.tally.steps, 10 * POSITIONS);
    CU_ASSERT_EQUAL(whole.tally.steps, 8 * POSITIONS);
    CU_ASSERT_DOUBLE_EQUAL(squeezed.ns / whole.ns, 10.0 / 8.0, 1e-12);
}

/* Bits that are 0 drive nothing; where a design skips their reads, nothing is converted and no time passes. */
static void inputs_change_energy_and_time(void) {
    static const char *const skips[] = {"none", "leading", "zero"};
    struct seen dark[3], low[3], bright[3];
    begin("sobsx", "1");
    CU_ASSERT(!ohm_design_set(design, &setting, "rows_per_read", "4"));
    for (int32_t k = 0; k < 3; k++) {
        CU_ASSERT(!ohm_design_set(design, &setting, "skip", skips[k]));
        memset(inputs, 0, sizeof inputs);
        dark[k] = measure();
        memset(inputs, 0x03, sizeof inputs);
        low[k] = measure();
        memset(inputs, 0x55, sizeof inputs); /* twice the ones, every other bit */
        bright[k] = measure();
        CU_ASSERT_EQUAL(dark[k].energy.array, 0);
        CU_ASSERT_EQUAL(dark[k].energy.dac, 0);
        CU_ASSERT_DOUBLE_EQUAL(bright[k].energy.array / low[k].energy.array, 2, 1e-12);
        CU_ASSERT_DOUBLE_EQUAL(bright[k].energy.dac / low[k].energy.dac, 2, 1e-12);
    }
    CU_ASSERT(dark[0].energy.adc > 0 && dark[0].energy.adc == bright[0].energy.adc && dark[0].ns == bright[0].ns); /* nothing is skipped */
    CU_ASSERT_EQUAL(dark[1].energy.adc, 0);
    CU_ASSERT_EQUAL(dark[1].ns, 0);
    CU_ASSERT_EQUAL(dark[2].energy.adc, 0);
    CU_ASSERT(low[1].energy.adc < bright[1].energy.adc && low[1].ns < bright[1].ns); /* bits above the highest 1: up to bit 1, up to bit 6 */
    CU_ASSERT(bright[2].energy.adc < bright[1].energy.adc && bright[2].ns < bright[1].ns);
    CU_ASSERT(bright[1].energy.adc < bright[0].energy.adc && bright[1].ns < bright[0].ns);
}

int main(void) {
    static const struct suite_test tests[] = {
        {"one weight changes the energy, by what its cells conduct", one_weight_changes_the_energy},
        {"released planes cost nothing", released_planes_cost_nothing},
        {"squeezing trades arrays for time", squeezing_trades_arrays_for_time},
        {"inputs change energy and time", inputs_change_energy_and_time},
    };
    ohm_log_enable(false); /* squeezing full 8-bit magnitudes warns */
    return SUITE_RUN("energy", tests);
}
