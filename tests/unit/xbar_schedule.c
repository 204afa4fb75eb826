/* What happened: every count that follows the schedule and the inputs' values, against plain loops over arrays, turns, steps, rows and cells, for
 * plans with any number of turns, groups in one array, shifts, cells and skip rules; and that skipping changes counts but no result. */
#include "ohmtally/crossbar.h"
#include "ohmtally/status.h"
#include "suite.h"
#define DRAW_SEED 0xA0761D6478BD642Full
#include "draw.h"
#include <string.h>

enum { ARRAY_ROWS = 24, MOST_TURNS = 5 };

struct drawn {
    struct ohm_plan *plan;
    int32_t bits, element, npos;
    void *x;
};

/* Rows of one group of one turn, shared by the arrays of a lane. */
static const struct ohm_row *draw_rows(struct ohm_plan *plan, int32_t group, int32_t first, int32_t nrow, int32_t most_shift) {
    struct ohm_row *rows = ohm_arena_array(plan->arena, (size_t)nrow, sizeof *rows);
    for (int32_t r = 0; r < nrow; r++)
        rows[r] = (struct ohm_row){group * plan->krows + (first + r * 7) % plan->krows, (int32_t)draw((uint32_t)most_shift + 1)};
    return rows;
}

static const struct ohm_column *draw_columns(struct ohm_plan *plan, int32_t group, int32_t ncol) {
    struct ohm_column *columns = ohm_arena_array(plan->arena, (size_t)ncol, sizeof *columns);
    for (int32_t c = 0; c < ncol; c++)
        columns[c] = (struct ohm_column){
            .output = group * plan->ncols + c * plan->ncols / ncol, .shift = (int8_t)draw(4), .sign = draw(2) ? 1 : -1, .flip = draw(4) == 0};
    return columns;
}

/* Some arrays driven alike, with the same turns; each turn one use for every group in the array. */
static void draw_lane(struct ohm_plan *plan, int32_t cell_bits, int32_t most_shift) {
    int32_t narray = 1 + (int32_t)draw(3), nturn = 1 + (int32_t)draw(MOST_TURNS), ngroup = 1 + (int32_t)draw((uint32_t)plan->groups), row0 = 0;
    int32_t ncol = 1 + (int32_t)draw(12), first_tile = plan->ntile;
    for (int32_t a = 0; a < narray; a++) CU_ASSERT_FATAL(ohm_plan_add_tile(plan, ARRAY_ROWS * ngroup, ngroup * ncol, cell_bits) >= 0);
    for (int32_t turn = 0; turn < nturn; turn++)
        for (int32_t g = 0; g < ngroup; g++) {
            int32_t nrow = 1 + (int32_t)draw(ARRAY_ROWS / MOST_TURNS);
            const struct ohm_row *rows = draw_rows(plan, g, (int32_t)draw(50), nrow, most_shift);
            for (int32_t a = 0; a < narray; a++) {
                struct ohm_use use = {.tile = first_tile + a, .row0 = row0, .nrow = nrow, .column0 = g * ncol, .ncol = ncol, .turn = turn};
                use.rows = rows;
                use.columns = draw_columns(plan, g, ncol);
                for (int32_t r = 0; r < nrow; r++)
                    for (int32_t c = 0; c < ncol; c++) ohm_tile_set(&plan->tiles[use.tile], row0 + r, g * ncol + c, draw(1u << cell_bits));
                CU_ASSERT_EQUAL_FATAL(ohm_plan_add_use(plan, &use), OHM_OK);
            }
            row0 += nrow;
        }
}

static struct drawn draw_plan(enum ohm_skip skip) {
    struct drawn d = {
        .plan = ohm_plan_new(1 + (int32_t)draw(3), 50, 1 + (int32_t)draw(6)), .bits = 3 + (int32_t)draw(10), .npos = 1 + (int32_t)draw(5)};
    int32_t cell_bits = 1 << draw(3), most_shift = (int32_t)draw(4), nlane = 1 + (int32_t)draw(4);
    CU_ASSERT_PTR_NOT_NULL_FATAL(d.plan);
    for (int32_t l = 0; l < nlane; l++) draw_lane(d.plan, cell_bits, most_shift);
    d.plan->skip = skip;
    CU_ASSERT_EQUAL_FATAL(ohm_plan_finish(d.plan, d.bits), OHM_OK);
    d.element = d.bits > 8 ? 2 : 1;
    size_t count = (size_t)(d.npos * d.plan->groups * d.plan->krows);
    d.x = ohm_alloc_array(count, 2);
    int32_t zeros = (int32_t)draw(100), low = (int32_t)draw((uint32_t)d.bits) + 1; /* from all driven to nearly none, and without leading bits */
    for (size_t i = 0; i < count; i++) {
        uint32_t value = (int32_t)draw(100) < zeros ? 0 : draw(1u << low);
        if (d.element == 1)
            ((uint8_t *)d.x)[i] = (uint8_t)value;
        else
            ((uint16_t *)d.x)[i] = (uint16_t)value;
    }
    return d;
}

/* ---- the oracle ---- */

static bool driven(const struct drawn *d, int32_t p, const struct ohm_row *row, int32_t t) {
    size_t at = (size_t)(p * d->plan->groups * d->plan->krows + row->input);
    uint32_t value = d->element == 1 ? ((const uint8_t *)d->x)[at] : ((const uint16_t *)d->x)[at];
    int32_t k = t - row->shift;
    return k >= 0 && k < d->bits && (value >> k & 1);
}

/* Counts of step t of a turn of an array; whether any row is driven. */
static bool look_at_step(const struct drawn *d, int32_t p, int32_t tile, int32_t turn, int32_t t, struct ohm_tally *tally) {
    bool any = false;
    for (int32_t u = 0; u < d->plan->nuse; u++) {
        const struct ohm_use *use = &d->plan->uses[u];
        for (int32_t r = 0; use->tile == tile && use->turn == turn && r < use->nrow; r++) {
            if (!driven(d, p, &use->rows[r], t)) continue;
            any = true;
            tally->row_drives++;
            tally->cells_driven += use->ncol;
            for (int32_t c = 0; c < use->ncol; c++) tally->cell_levels += ohm_tile_get(&d->plan->tiles[tile], use->row0 + r, use->column0 + c);
        }
    }
    return any;
}

static int64_t columns_of(const struct ohm_plan *plan, int32_t tile, int32_t turn) {
    int64_t n = 0;
    for (int32_t u = 0; u < plan->nuse; u++) n += plan->uses[u].tile == tile && plan->uses[u].turn == turn ? plan->uses[u].ncol : 0;
    return n;
}

/* Reads of one turn of one array for one position. */
static int64_t look_at_turn(const struct drawn *d, int32_t p, int32_t tile, int32_t turn, struct ohm_tally *tally) {
    int64_t steps = 0, last = 0, busy = 0;
    for (int32_t u = 0; u < d->plan->nuse; u++)
        for (int32_t r = 0; d->plan->uses[u].tile == tile && d->plan->uses[u].turn == turn && r < d->plan->uses[u].nrow; r++)
            if (d->bits + d->plan->uses[u].rows[r].shift > steps) steps = d->bits + d->plan->uses[u].rows[r].shift;
    for (int32_t t = 0; t < steps; t++)
        if (look_at_step(d, p, tile, turn, t, tally)) {
            busy++;
            last = t + 1;
        }
    if (d->plan->skip == OHM_SKIP_LEADING) steps = last;
    if (d->plan->skip == OHM_SKIP_ZERO) steps = busy;
    int64_t columns = columns_of(d->plan, tile, turn);
    tally->array_reads += steps;
    tally->conversions += steps * columns;
    tally->sampled += steps * columns;
    tally->shift_adds += steps * columns;
    return steps;
}

/* Bit lines that one read of one array converts at most. */
static int64_t columns_read(const struct ohm_plan *plan) {
    int64_t most = 0;
    for (int32_t tile = 0; tile < plan->ntile; tile++)
        for (int32_t turn = 0; turn < MOST_TURNS; turn++) {
            int64_t columns = columns_of(plan, tile, turn);
            most = columns > most ? columns : most;
        }
    return most;
}

static struct ohm_tally oracle(const struct drawn *d) {
    struct ohm_tally tally = {.positions = d->npos};
    for (int32_t p = 0; p < d->npos; p++) {
        int64_t most = 0;
        for (int32_t tile = 0; tile < d->plan->ntile; tile++) {
            int64_t sum = 0;
            for (int32_t turn = 0; turn < MOST_TURNS; turn++)
                if (columns_of(d->plan, tile, turn)) sum += look_at_turn(d, p, tile, turn, &tally);
            most = sum > most ? sum : most;
        }
        tally.steps += most;
    }
    return tally;
}

/* ---- the program ---- */

static struct ohm_tally run(const struct drawn *d, const struct ohm_adc *adc, enum ohm_evaluate evaluate, const int32_t *place, const void *x,
                            int64_t *y) {
    struct ohm_program *program = NULL;
    struct ohm_tally tally = {0};
    struct ohm_program_request request = {.plan = d->plan,
                                          .adc = adc,
                                          .kernel = ohm_kernel_chosen(),
                                          .input_bits = d->bits,
                                          .element = d->element,
                                          .evaluate = evaluate,
                                          .place = place,
                                          .offset = INT64_MAX};
    CU_ASSERT_EQUAL_FATAL(ohm_program_build(&request, &program), OHM_OK);
    void *scratch = ohm_alloc(ohm_program_scratch(program, d->npos));
    ohm_program_multiply(program, d->npos, x, y, scratch, &tally);
    free(scratch);
    ohm_program_free(program);
    return tally;
}

/* x with input i of every position at place[i]. */
static void *permuted(const struct drawn *d, int32_t *place) {
    size_t inputs = (size_t)(d->plan->groups * d->plan->krows), element = (size_t)d->element;
    uint8_t *to = ohm_alloc_array((size_t)d->npos * inputs, element);
    for (size_t i = 0; i < inputs; i++) { /* inside each group, backwards */
        size_t krows = (size_t)d->plan->krows;
        place[i] = (int32_t)(i / krows * krows + (krows - 1 - i % krows));
    }
    for (size_t p = 0; p < (size_t)d->npos; p++)
        for (size_t i = 0; i < inputs; i++)
            memcpy(to + (p * inputs + (size_t)place[i]) * element, (const uint8_t *)d->x + (p * inputs + i) * element, element);
    return to;
}

static void check_counts(const struct ohm_tally *got, const struct ohm_tally *expected) {
#define SAME(name) CU_ASSERT_EQUAL(got->name, expected->name)
    SAME(positions);
    SAME(conversions);
    SAME(sampled);
    SAME(shift_adds);
    SAME(array_reads);
    SAME(row_drives);
    SAME(cells_driven);
    SAME(cell_levels);
    SAME(steps);
#undef SAME
}

static void check_plan(enum ohm_skip skip) {
    struct drawn d = draw_plan(skip);
    struct ohm_adc adc = {.bits = 1 + (int32_t)draw(8), .range = draw(2) ? OHM_ADC_UNIT : OHM_ADC_FULL, .largest = ARRAY_ROWS * 3 * 15};
    size_t outputs = (size_t)(d.npos * d.plan->groups * d.plan->ncols), inputs = (size_t)(d.plan->groups * d.plan->krows);
    int64_t *plain = ohm_alloc_array(outputs, sizeof *plain), *y = ohm_alloc_array(outputs, sizeof *y);
    int32_t *place = ohm_alloc_array(inputs, sizeof *place);
    void *moved = permuted(&d, place);
    struct ohm_tally expected = oracle(&d);
    CU_ASSERT_EQUAL(d.plan->store.columns_read, columns_read(d.plan));
    ohm_plan_multiply_plain(d.plan, &adc, d.bits, d.element, d.npos, d.x, plain);
    for (int evaluate = 0; evaluate < 2; evaluate++)
        for (int move = 0; move < 2; move++) {
            struct ohm_tally got = run(&d, &adc, evaluate ? OHM_EVALUATE_ALL : OHM_EVALUATE_NEEDED, move ? place : NULL, move ? moved : d.x, y);
            check_counts(&got, &expected);
            CU_ASSERT(!memcmp(y, plain, outputs * sizeof *y));
        }
    free(plain);
    free(y);
    free(place);
    free(moved);
    free(d.x);
    ohm_plan_free(d.plan);
}

static void test_whole_schedule(void) {
    for (int i = 0; i < 60; i++) check_plan(OHM_SKIP_NONE);
}
static void test_leading(void) {
    for (int i = 0; i < 60; i++) check_plan(OHM_SKIP_LEADING);
}
static void test_zero(void) {
    for (int i = 0; i < 60; i++) check_plan(OHM_SKIP_ZERO);
}

/* An ADC that adds something for a count of 0 cannot leave a read out, nor end a turn before the layer's last step. */
static void test_not_silent(void) {
    for (int i = 0; i < 50; i++) {
        struct drawn d = draw_plan(OHM_SKIP_ZERO);
        struct ohm_adc adc = {.bits = 4, .range = OHM_ADC_CALIBRATED, .largest = ARRAY_ROWS * 3 * 15, .lo = {128}, .step = {512}};
        size_t outputs = (size_t)(d.npos * d.plan->groups * d.plan->ncols);
        int64_t *plain = ohm_alloc_array(outputs, sizeof *plain), *y = ohm_alloc_array(outputs, sizeof *y);
        CU_ASSERT_FALSE(ohm_adc_silent(&adc));
        ohm_plan_multiply_plain(d.plan, &adc, d.bits, d.element, d.npos, d.x, plain);
        struct ohm_tally tally = run(&d, &adc, OHM_EVALUATE_NEEDED, NULL, d.x, y);
        CU_ASSERT(!memcmp(y, plain, outputs * sizeof *y));
        CU_ASSERT_EQUAL(tally.conversions, d.plan->ncolumn * (d.bits + d.plan->max_shift) * d.npos);
        free(plain);
        free(y);
        free(d.x);
        ohm_plan_free(d.plan);
    }
}

/* Two turns of 4 rows, shifts 1 0 0 0 and 1 0 0 0 against 1 1 0 0 and 0 0 0 0, 8-bit inputs (sme.md D): 18 steps, and 17 when the rows are sorted. */
static void test_worked_example(void) {
    static const int32_t shift[2][8] = {{1, 0, 0, 0, 1, 0, 0, 0}, {1, 1, 0, 0, 0, 0, 0, 0}};
    for (int sorted = 0; sorted < 2; sorted++) {
        struct ohm_plan *plan = ohm_plan_new(1, 8, 1);
        struct ohm_row *rows = ohm_arena_array(plan->arena, 8, sizeof *rows);
        struct ohm_column *column = ohm_arena_array(plan->arena, 1, sizeof *column);
        *column = (struct ohm_column){.sign = 1};
        for (int32_t r = 0; r < 8; r++) rows[r] = (struct ohm_row){r, shift[sorted][r]};
        CU_ASSERT_EQUAL_FATAL(ohm_plan_add_tile(plan, 8, 1, 1), 0);
        for (int32_t turn = 0; turn < 2; turn++) {
            struct ohm_use use = {.row0 = 4 * turn, .nrow = 4, .ncol = 1, .turn = turn, .rows = rows + 4 * turn, .columns = column};
            CU_ASSERT_EQUAL_FATAL(ohm_plan_add_use(plan, &use), OHM_OK);
        }
        CU_ASSERT_EQUAL_FATAL(ohm_plan_finish(plan, 8), OHM_OK);
        CU_ASSERT_EQUAL(plan->store.steps_per_position, sorted ? 17 : 18);
        CU_ASSERT_EQUAL(plan->store.turns, 2);
        CU_ASSERT_EQUAL(plan->store.columns_used, 1);
        CU_ASSERT_EQUAL(plan->store.columns_read, 1);
        ohm_plan_free(plan);
    }
}

int main(void) {
    static const struct suite_test tests[] = {
        {"counts of 60 random plans, nothing skipped", test_whole_schedule},
        {"the same where turns end with their highest 1 bit", test_leading},
        {"the same where steps without a driven row are left out", test_zero},
        {"an ADC with an offset reads every step", test_not_silent},
        {"sme.md D: 18 steps, 17 sorted", test_worked_example},
    };
    return SUITE_RUN("xbar_schedule", tests);
}
