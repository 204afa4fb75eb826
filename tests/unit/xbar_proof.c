/* What may be left out of a crossbar's evaluation, on plans made by hand: exactly the conversions that are proved to give their count, by a column's
 * cells or by the rows driven in a step, and never a bit of the result. And when sums are narrow. */
#include "ohmtally/crossbar.h"
#include "ohmtally/status.h"
#include "suite.h"
#define DRAW_SEED 0xD1B54A32D192ED03ull
#include "draw.h"
#include <stdio.h>
#include <string.h>

/* ---- plans ---- */

/* 128 rows of 8-bit inputs: too many for the turned form. Sixteen columns an output, so that a product is cheaper than looking at them. */
enum { ROWS = 128, OUTPUTS = 8, EACH = 16, COLUMNS = OUTPUTS * EACH, BITS = 8, POSITIONS = 3 };

struct hand {
    struct ohm_plan *plan;
    struct ohm_row *rows;
    struct ohm_column *columns;
};

/* One use of all columns, inside a larger tile so that neither its first row nor its first column is the tile's. */
static struct hand make_hand(int32_t nrow, int32_t outputs, int32_t each, int32_t cell_bits) {
    struct hand hand = {.plan = ohm_plan_new(1, nrow, outputs)};
    CU_ASSERT_PTR_NOT_NULL_FATAL(hand.plan);
    hand.rows = ohm_arena_array(hand.plan->arena, (size_t)nrow, sizeof *hand.rows);
    hand.columns = ohm_arena_array(hand.plan->arena, (size_t)(outputs * each), sizeof *hand.columns);
    CU_ASSERT_EQUAL_FATAL(ohm_plan_add_tile(hand.plan, nrow + 3, outputs * each + 41, cell_bits), 0);
    for (int32_t r = 0; r < nrow; r++) hand.rows[r] = (struct ohm_row){r, 0};
    for (int32_t c = 0; c < outputs * each; c++)
        hand.columns[c] = (struct ohm_column){.output = c / each, .shift = (int8_t)(c % each / 2), .sign = c % 2 ? -1 : 1};
    struct ohm_use use = {.tile = 0, .row0 = 3, .nrow = nrow, .column0 = 41, .ncol = outputs * each, .rows = hand.rows, .columns = hand.columns};
    CU_ASSERT_EQUAL_FATAL(ohm_plan_add_use(hand.plan, &use), OHM_OK);
    return hand;
}

/* Cells of a column of the use whose sum is `sum`, in rows spread by a stride that visits each once. */
static void fill_column(struct hand *hand, int32_t column, int32_t sum) {
    struct ohm_tile *tile = &hand->plan->tiles[0];
    int32_t top = (1 << tile->cell_bits) - 1, nrow = hand->plan->uses[0].nrow;
    CU_ASSERT_FATAL(sum <= nrow * top);
    for (int32_t k = 0; sum > 0; k++) {
        int32_t value = sum < top ? sum : top;
        ohm_tile_set(tile, 3 + (k * 5 + column) % nrow, 41 + column, (uint32_t)value);
        sum -= value;
    }
}
static void finish(struct hand *hand) {
    CU_ASSERT_EQUAL_FATAL(ohm_plan_finish(hand->plan, BITS), OHM_OK);
}

/* Bytes of which, in the given step alone, the first n rows are driven. */
static void drive(uint8_t *x, int32_t nrow, int32_t step, int32_t n) {
    memset(x, 0, (size_t)nrow);
    for (int32_t r = 0; r < n; r++) x[r * 7 % nrow] = (uint8_t)(1 << step);
}

/* ---- runs ---- */

static struct ohm_program *build(const struct ohm_plan *plan, const struct ohm_adc *adc, const struct ohm_kernel *kernel, int32_t element,
                                 int32_t bits, enum ohm_evaluate evaluate, int64_t offset, const int32_t *held) {
    struct ohm_program *program = NULL;
    struct ohm_program_request request = {
        .plan = plan, .adc = adc, .kernel = kernel, .input_bits = bits, .element = element, .evaluate = evaluate, .held = held, .offset = offset};
    CU_ASSERT_EQUAL_FATAL(ohm_program_build(&request, &program), OHM_OK);
    return program;
}

static struct ohm_tally multiply(const struct ohm_plan *plan, const struct ohm_program *program, int32_t npos, const void *x, int64_t *y) {
    struct ohm_tally tally = {0};
    size_t n = (size_t)(npos * plan->groups * plan->ncols);
    void *scratch = ohm_alloc(ohm_program_scratch(program, npos));
    int32_t *narrow = ohm_alloc_array(n, sizeof *narrow);
    bool is_narrow = ohm_program_narrow(program);
    ohm_program_multiply(program, npos, x, is_narrow ? (void *)narrow : y, scratch, &tally);
    for (size_t i = 0; is_narrow && i < n; i++) y[i] = narrow[i];
    free(narrow);
    free(scratch);
    return tally;
}

struct seen {
    const char *way;
    int64_t evaluated, clipped, conversions;
    bool narrow;
};

/* Runs with every kernel both ways of evaluation and compares all with the definition and with each other; returns what `needed` said. */
static struct seen compare(const struct ohm_plan *plan, const struct ohm_adc *adc, int32_t element, int32_t bits, int32_t npos, const void *x) {
    size_t n = (size_t)(npos * plan->groups * plan->ncols);
    int64_t *plain = ohm_alloc_array(n, 8), *y = ohm_alloc_array(n, 8);
    int32_t *held = ohm_alloc_array((size_t)(plan->groups * plan->krows * plan->ncols), sizeof *held);
    int64_t outside = ohm_plan_multiply_plain(plan, adc, bits, element, npos, x, plain);
    struct seen seen = {.way = NULL};
    static unsigned turn;
    ohm_plan_decode(plan, held);
    turn++; /* narrow or wide sums, weights given or not: the result is the same */
    for (const struct ohm_kernel *const *kernel = ohm_kernels(); *kernel; kernel++, turn++) {
        struct ohm_tally tallies[2];
        for (int e = 0; e < 2; e++) {
            enum ohm_evaluate evaluate = e ? OHM_EVALUATE_NEEDED : OHM_EVALUATE_ALL;
            struct ohm_program *program = build(plan, adc, *kernel, element, bits, evaluate, turn & 1 ? 0 : INT64_MAX, turn & 2 ? held : NULL);
            tallies[e] = multiply(plan, program, npos, x, y);
            CU_ASSERT(!memcmp(y, plain, n * 8));
            CU_ASSERT_EQUAL(tallies[e].clipped, outside);
            if (!e) {
                CU_ASSERT_STRING_EQUAL(ohm_program_way(program), "counters");
                CU_ASSERT_EQUAL(tallies[0].evaluated, tallies[0].conversions);
            } else {
                if (seen.way) CU_ASSERT(!strcmp(seen.way, ohm_program_way(program)) && seen.evaluated == tallies[1].evaluated);
                seen = (struct seen){ohm_program_way(program), tallies[1].evaluated, outside, tallies[1].conversions, ohm_program_narrow(program)};
            }
            ohm_program_free(program);
        }
        tallies[0].evaluated = tallies[1].evaluated;
        CU_ASSERT(!memcmp(&tallies[0], &tallies[1], sizeof tallies[0])); /* nothing of the hardware depends on it */
    }
    free(held);
    free(plain);
    free(y);
    return seen;
}

/* ---- proof by cells ---- */

/* Every column holds 2^bits - 1, the most that a code can say; then one column one more. */
static void check_column_edge(int32_t cell_bits, int32_t adc_bits) {
    int32_t top = (1 << adc_bits) - 1, special = (int32_t)draw(COLUMNS);
    struct ohm_adc adc = {.bits = adc_bits, .range = OHM_ADC_UNIT, .largest = ROWS * ((1 << cell_bits) - 1)};
    uint8_t x[POSITIONS * ROWS];
    memset(x, 255, sizeof x); /* all rows in all steps: a column's count is its sum */
    for (int32_t more = 0; more < 2; more++) {
        struct hand hand = make_hand(ROWS, OUTPUTS, EACH, cell_bits);
        for (int32_t c = 0; c < COLUMNS; c++) fill_column(&hand, c, top + (c == special ? more : 0));
        finish(&hand);
        struct seen seen = compare(hand.plan, &adc, 1, BITS, POSITIONS, x);
        CU_ASSERT_STRING_EQUAL(seen.way, more ? "product, corrections" : "product");
        CU_ASSERT_EQUAL(seen.evaluated, more * BITS * POSITIONS);
        CU_ASSERT_EQUAL(seen.clipped, more * BITS * POSITIONS);
        CU_ASSERT_EQUAL(seen.conversions, COLUMNS * BITS * POSITIONS);
        ohm_plan_free(hand.plan);
    }
}
static void test_columns(void) {
    check_column_edge(1, 5);
    check_column_edge(1, 6);
    check_column_edge(1, 1);
    check_column_edge(2, 7);
    check_column_edge(2, 8);
    check_column_edge(4, 9);
}

/* The ADC that says every count an array can give: everything is proved whatever the cells. */
static void test_lossless(void) {
    struct hand hand = make_hand(ROWS, OUTPUTS, EACH, 1);
    uint8_t x[POSITIONS * ROWS];
    memset(x, 255, sizeof x);
    for (int32_t c = 0; c < COLUMNS; c++) fill_column(&hand, c, ROWS);
    finish(&hand);
    for (int range = 0; range < 2; range++) { /* at 8 bits the full range is one code a cell step, too */
        struct ohm_adc adc = {.bits = 8, .range = range ? OHM_ADC_FULL : OHM_ADC_UNIT, .largest = ROWS};
        struct seen seen = compare(hand.plan, &adc, 1, BITS, POSITIONS, x);
        CU_ASSERT_STRING_EQUAL(seen.way, "product");
        CU_ASSERT(seen.evaluated == 0 && seen.clipped == 0);
    }
    struct ohm_adc adc = {.bits = 7, .range = OHM_ADC_UNIT, .largest = ROWS}; /* 127: the full columns alone clip */
    struct seen seen = compare(hand.plan, &adc, 1, BITS, POSITIONS, x);
    CU_ASSERT_EQUAL(seen.evaluated, COLUMNS * BITS * POSITIONS);
    CU_ASSERT_EQUAL(seen.clipped, COLUMNS * BITS * POSITIONS);
    ohm_plan_free(hand.plan);
}

/* ---- proof by driven rows ---- */

/* All cells at their largest. `most` driven rows give at most 2^bits - 1 in every column; one row more is looked at, and clips. */
static void check_row_edge(int32_t cell_bits, int32_t adc_bits, int32_t most) {
    struct ohm_adc adc = {.bits = adc_bits, .range = OHM_ADC_UNIT, .largest = ROWS * ((1 << cell_bits) - 1)};
    struct hand hand = make_hand(ROWS, OUTPUTS, EACH, cell_bits);
    for (int32_t c = 0; c < COLUMNS; c++) fill_column(&hand, c, adc.largest);
    finish(&hand);
    for (int32_t step = 0; step < BITS; step += 7) {
        uint8_t x[POSITIONS * ROWS] = {0};
        drive(x, ROWS, step, most);
        drive(x + 2 * ROWS, ROWS, BITS - 1 - step, most);
        struct seen seen = compare(hand.plan, &adc, 1, BITS, POSITIONS, x);
        CU_ASSERT_STRING_EQUAL(seen.way, "product, corrections");
        CU_ASSERT(seen.evaluated == 0 && seen.clipped == 0);
        drive(x + 2 * ROWS, ROWS, BITS - 1 - step, most + 1);
        seen = compare(hand.plan, &adc, 1, BITS, POSITIONS, x);
        CU_ASSERT_STRING_EQUAL(seen.way, "product, corrections");
        CU_ASSERT_EQUAL(seen.evaluated, COLUMNS); /* one step of one position */
        CU_ASSERT_EQUAL(seen.clipped, COLUMNS);
    }
    ohm_plan_free(hand.plan);
}
static void test_rows(void) {
    check_row_edge(1, 5, 31);
    check_row_edge(1, 4, 15);
    check_row_edge(2, 6, 21); /* 3 x 21 = 63 */
    check_row_edge(2, 7, 42); /* 3 x 42 = 126, 3 x 43 = 129 */
    check_row_edge(4, 9, 34); /* 15 x 34 = 510, 15 x 35 = 525 */
}

/* Rows that are delayed are driven in another step: 31 rows of shift 0 and 1 that would be 32 if they met, and do. */
static void test_shifted_rows(void) {
    struct ohm_adc adc = {.bits = 5, .range = OHM_ADC_UNIT, .largest = ROWS};
    struct hand hand = make_hand(ROWS, OUTPUTS, EACH, 1);
    for (int32_t r = 0; r < ROWS; r++) hand.rows[r] = (struct ohm_row){ROWS - 1 - r, r % 2 * 3};
    for (int32_t c = 0; c < COLUMNS; c++) fill_column(&hand, c, ROWS);
    finish(&hand);
    uint8_t x[ROWS] = {0}; /* input i drives row 127 - i: shift 3 where i is even */
    for (int32_t i = 0; i < 40; i++) x[i] = 1 << 4;
    struct seen seen = compare(hand.plan, &adc, 1, BITS, 1, x); /* 20 rows in step 4, 20 in step 7 */
    CU_ASSERT_STRING_EQUAL(seen.way, "product, corrections");
    CU_ASSERT(seen.evaluated == 0 && seen.clipped == 0);
    CU_ASSERT_EQUAL(seen.conversions, COLUMNS * (BITS + 3));
    for (int32_t i = 0; i < 40; i++) x[i] = i % 2 ? 1 << 7 : 1 << 4; /* all in step 7 */
    seen = compare(hand.plan, &adc, 1, BITS, 1, x);
    CU_ASSERT_EQUAL(seen.evaluated, COLUMNS);
    CU_ASSERT_EQUAL(seen.clipped, COLUMNS);
    for (int32_t i = 0; i < ROWS; i++) x[i] = i % 2 ? 0 : 1 << 7; /* 64 in step 10, behind the last bit of the others */
    seen = compare(hand.plan, &adc, 1, BITS, 1, x);
    CU_ASSERT_EQUAL(seen.evaluated, COLUMNS);
    ohm_plan_free(hand.plan);
}

/* ---- ADCs whose codes are not counts ---- */

/* Half the columns are empty, the others hold one cell or more. Only a count of 0 comes back as it was. */
static void check_empty_columns(struct ohm_adc adc, const char *way) {
    struct hand hand = make_hand(ROWS, OUTPUTS, EACH, 1);
    uint8_t x[POSITIONS * ROWS];
    for (size_t i = 0; i < sizeof x; i++) x[i] = (uint8_t)draw(256);
    for (int32_t c = 0; c < COLUMNS; c++) {
        hand.columns[c].flip = c % 3 == 0; /* of an empty flipped column the complement remains */
        if (c % 4 > 1) fill_column(&hand, c, c % 4 == 2 ? 1 : 20 + (int32_t)draw(100));
    }
    finish(&hand);
    struct seen seen = compare(hand.plan, &adc, 1, BITS, POSITIONS, x);
    CU_ASSERT_STRING_EQUAL(seen.way, way);
    CU_ASSERT_EQUAL(seen.evaluated, (strcmp(way, "counters") ? COLUMNS / 2 : COLUMNS) * BITS * POSITIONS);
    CU_ASSERT(!seen.narrow);
    ohm_plan_free(hand.plan);
}
static void test_coarse_adc(void) {
    check_empty_columns((struct ohm_adc){.bits = 5, .range = OHM_ADC_FULL, .largest = ROWS}, "product, counters"); /* step 1057 / 256 */
    check_empty_columns((struct ohm_adc){.bits = 6, .range = OHM_ADC_FULL, .largest = ROWS}, "product, counters");
    check_empty_columns((struct ohm_adc){.bits = 6, .range = OHM_ADC_CALIBRATED, .largest = ROWS, .step = {300}}, "product, counters");
    check_empty_columns((struct ohm_adc){.bits = 6, .range = OHM_ADC_CALIBRATED, .largest = ROWS, .lo = {64}, .step = {512}}, "counters");
}

/* Classes with ADCs of their own: class 0 gives counts up to 31 as they are, class 1 has steps of two. */
static void test_classes(void) {
    struct ohm_adc adc = {.bits = 5, .range = OHM_ADC_CALIBRATED, .largest = ROWS, .step = {256, 512}};
    struct hand hand = make_hand(ROWS, OUTPUTS, EACH, 1);
    uint8_t x[POSITIONS * ROWS];
    int32_t looked_at = 0;
    for (size_t i = 0; i < sizeof x; i++) x[i] = (uint8_t)draw(256);
    for (int32_t c = 0; c < COLUMNS; c++) {
        int32_t sum = c % 5 == 4 ? 32 : 31 - (int32_t)draw(3);
        hand.columns[c].adc_class = c % 7 == 3;
        looked_at += hand.columns[c].adc_class || sum > 31;
        fill_column(&hand, c, sum);
    }
    finish(&hand);
    struct seen seen = compare(hand.plan, &adc, 1, BITS, POSITIONS, x);
    CU_ASSERT_STRING_EQUAL(seen.way, "product, counters");
    CU_ASSERT_EQUAL(seen.evaluated, looked_at * BITS * POSITIONS);
    ohm_plan_free(hand.plan);
}

/* ---- everything at once ---- */

/* Uses one after another, some with the same driven rows, of tiles of the same cells; any input may drive several uses. */
static void draw_use(struct ohm_plan *plan, const struct ohm_use *last, int32_t cell_bits, int32_t dense, bool shifted) {
    bool same = last && draw(2);
    int32_t nrow = same ? last->nrow : 100 + (int32_t)draw(120), ncol = 100 + (int32_t)draw(200), row0 = (int32_t)draw(9),
            column0 = (int32_t)draw(90);
    int32_t group = (int32_t)draw((uint32_t)plan->groups), tile = ohm_plan_add_tile(plan, row0 + nrow, column0 + ncol, cell_bits);
    if (same) group = last->rows[0].input / plan->krows;
    struct ohm_row *rows = ohm_arena_array(plan->arena, (size_t)nrow, sizeof *rows);
    struct ohm_column *columns = ohm_arena_array(plan->arena, (size_t)ncol, sizeof *columns);
    int32_t first = (int32_t)draw((uint32_t)(plan->krows - nrow + 1)), mixed = (int32_t)draw(2);
    for (int32_t r = 0; r < nrow; r++)
        rows[r] = (struct ohm_row){group * plan->krows + first + (mixed ? nrow - 1 - r : r), shifted ? (int32_t)draw(3) : 0};
    for (int32_t c = 0; c < ncol; c++) {
        int32_t share = (int32_t)draw(4) ? (int32_t)draw((uint32_t)dense) : 0;
        columns[c] = (struct ohm_column){.output = group * plan->ncols + c * plan->ncols / ncol,
                                         .shift = (int8_t)draw(6),
                                         .sign = draw(2) ? 1 : -1,
                                         .flip = draw(3) == 0,
                                         .adc_class = (uint8_t)draw(3)};
        for (int32_t r = 0; r < nrow; r++)
            if ((int32_t)draw(100) < share) ohm_tile_set(&plan->tiles[tile], row0 + r, column0 + c, draw(1u << cell_bits));
    }
    struct ohm_use use = {
        .tile = tile, .row0 = row0, .nrow = nrow, .column0 = column0, .ncol = ncol, .rows = same ? last->rows : rows, .columns = columns};
    CU_ASSERT_EQUAL_FATAL(ohm_plan_add_use(plan, &use), OHM_OK);
}

/* Independent of the program: columns times steps that are left when everything provable is left out (ADCs of one code a cell step). */
static int64_t needed(const struct ohm_plan *plan, const struct ohm_adc *adc, int32_t bits, int32_t npos, const uint16_t *x) {
    int64_t top = (1 << adc->bits) - 1, sum = 0;
    for (int32_t u = 0; u < plan->nuse; u++) {
        const struct ohm_use *use = &plan->uses[u];
        const struct ohm_tile *tile = &plan->tiles[use->tile];
        int64_t columns = 0, steps = 0;
        for (int32_t c = 0; c < use->ncol; c++) {
            int64_t cells = 0;
            for (int32_t r = 0; r < use->nrow; r++) cells += ohm_tile_get(tile, use->row0 + r, use->column0 + c);
            columns += cells > top;
        }
        for (int32_t p = 0; p < npos; p++)
            for (int32_t t = 0; t < bits + plan->max_shift; t++) {
                int64_t driven = 0;
                for (int32_t r = 0; r < use->nrow; r++) {
                    int32_t k = t - use->rows[r].shift;
                    driven += k >= 0 && k < bits && (x[p * plan->groups * plan->krows + use->rows[r].input] >> k & 1);
                }
                steps += driven * ((1 << tile->cell_bits) - 1) > top;
            }
        sum += columns * steps;
    }
    return sum;
}

static void check_drawn(int32_t turn, int32_t ways[3]) {
    int32_t cell_bits = 1 << draw(3), bits = 5 + (int32_t)draw(6), npos = 1 + (int32_t)draw(4), dense = 1 + (int32_t)draw(60);
    struct ohm_plan *plan = ohm_plan_new(1 + (int32_t)draw(3), 220, 8 + (int32_t)draw(8));
    size_t inputs = (size_t)(npos * plan->groups * plan->krows);
    for (int32_t u = 2 + (int32_t)draw(3); u > 0; u--) draw_use(plan, plan->nuse ? &plan->uses[plan->nuse - 1] : NULL, cell_bits, dense, turn % 2);
    plan->weight_bias = draw(2) ? (int32_t)draw(200) : 0;
    CU_ASSERT_EQUAL_FATAL(ohm_plan_finish(plan, bits), OHM_OK);
    struct ohm_adc adc = {
        .bits = 3 + (int32_t)draw(6), .range = (enum ohm_adc_range)(turn % 4 ? 0 : draw(3)), .largest = 220 * ((1 << cell_bits) - 1)};
    for (int32_t k = 0; k < 3; k++) adc.step[k] = draw(2) ? 256 : 256 + (int32_t)draw(300);
    uint16_t *x = ohm_alloc_array(inputs, sizeof *x);
    uint8_t *bytes = ohm_alloc(inputs);
    for (size_t i = 0; i < inputs; i++) x[i] = draw(2) ? (uint16_t)(draw(1u << bits) & draw(1u << bits)) : 0;
    for (size_t i = 0; i < inputs; i++) bytes[i] = (uint8_t)x[i];
    struct seen seen = compare(plan, &adc, bits > 8 ? 2 : 1, bits, npos, bits > 8 ? (void *)x : bytes);
    bool corrected = !strcmp(seen.way, "product, corrections"), product = !strcmp(seen.way, "product");
    if (corrected || product) CU_ASSERT_EQUAL(seen.evaluated, needed(plan, &adc, bits, npos, x));
    ways[corrected ? 0 : product ? 1 : 2]++;
    free(x);
    free(bytes);
    ohm_plan_free(plan);
}
static void test_drawn(void) {
    int32_t ways[3] = {0};
    for (int32_t turn = 0; turn < 60; turn++) check_drawn(turn, ways);
    CU_ASSERT(ways[0] >= 10 && ways[1] >= 10 && ways[2] >= 5); /* all ways have been taken */
}

/* ---- the turned form: few rows, few columns ---- */

/* Depth-wise: a group for every output, nine rows, twelve columns each; two bits say counts up to 3. */
static void test_turned(void) {
    enum { GROUPS = 20, TAPS = 9 };
    struct ohm_plan *plan = ohm_plan_new(GROUPS, TAPS, 1);
    struct ohm_adc adc = {.bits = 2, .range = OHM_ADC_UNIT, .largest = TAPS};
    int32_t looked_at = 0, tile = ohm_plan_add_tile(plan, GROUPS * TAPS, GROUPS * 12, 1);
    uint8_t x[POSITIONS * GROUPS * TAPS];
    for (size_t i = 0; i < sizeof x; i++) x[i] = draw(3) ? (uint8_t)draw(256) : 255;
    for (int32_t g = 0; g < GROUPS; g++) {
        struct ohm_row *rows = ohm_arena_array(plan->arena, TAPS, sizeof *rows);
        struct ohm_column *columns = ohm_arena_array(plan->arena, 12, sizeof *columns);
        for (int32_t r = 0; r < TAPS; r++) rows[r] = (struct ohm_row){g * TAPS + r, g % 5 ? 0 : r % 2};
        for (int32_t c = 0; c < 12; c++) {
            int32_t sum = (g + c) % 6 == 0 ? 4 + (int32_t)draw(6) : (int32_t)draw(4);
            columns[c] = (struct ohm_column){.output = g, .shift = (int8_t)(c % 8), .sign = c % 3 ? 1 : -1, .flip = c % 4 == 1};
            for (int32_t r = 0; r < sum; r++) ohm_tile_set(&plan->tiles[tile], g * TAPS + (r * 2 + c) % TAPS, g * 12 + c, 1);
            looked_at += sum > 3;
        }
        struct ohm_use use = {.tile = tile, .row0 = g * TAPS, .nrow = TAPS, .column0 = g * 12, .ncol = 12, .rows = rows, .columns = columns};
        CU_ASSERT_EQUAL_FATAL(ohm_plan_add_use(plan, &use), OHM_OK);
    }
    CU_ASSERT_EQUAL_FATAL(ohm_plan_finish(plan, BITS), OHM_OK);
    struct seen seen = compare(plan, &adc, 1, BITS, POSITIONS, x);
    CU_ASSERT_STRING_EQUAL(seen.way, "product, counters");
    CU_ASSERT_EQUAL(seen.evaluated, looked_at * (BITS + 1) * POSITIONS);
    CU_ASSERT(seen.clipped > 0);
    ohm_plan_free(plan);
}

/* ---- narrow sums ---- */

/* Whether sums are narrow, and that they are right at their largest and smallest. */
static bool narrow(const struct hand *hand, int64_t offset) {
    struct ohm_adc adc = {.bits = 8, .range = OHM_ADC_UNIT, .largest = ROWS};
    uint8_t x[ROWS];
    int64_t y[4], plain[4];
    bool is_narrow = false;
    memset(x, 255, sizeof x);
    ohm_plan_multiply_plain(hand->plan, &adc, BITS, 1, 1, x, plain);
    for (int e = 0; e < 2; e++) {
        struct ohm_program *program = build(hand->plan, &adc, ohm_kernel_chosen(), 1, BITS, e ? OHM_EVALUATE_NEEDED : OHM_EVALUATE_ALL, offset, NULL);
        if (e) CU_ASSERT_EQUAL(ohm_program_narrow(program), is_narrow);
        is_narrow = ohm_program_narrow(program);
        multiply(hand->plan, program, 1, x, y);
        CU_ASSERT(!memcmp(y, plain, (size_t)hand->plan->ncols * sizeof *y));
        for (int32_t n = 0; is_narrow && n < hand->plan->ncols; n++)
            CU_ASSERT(plain[n] + offset <= INT32_MAX && plain[n] - offset >= -(int64_t)INT32_MAX);
        ohm_program_free(program);
    }
    return is_narrow;
}

/* Output 0 gets small sums, output 1 those of the columns given as {sum, shift}. */
static struct hand make_sums(const int32_t (*columns)[2], int32_t n, int8_t sign, bool flip) {
    struct hand hand = make_hand(ROWS, 2, n, 1);
    for (int32_t c = 0; c < 2 * n; c++) {
        hand.columns[c] =
            (struct ohm_column){.output = c / n, .shift = (int8_t)(c < n ? 0 : columns[c - n][1]), .sign = c < n ? 1 : sign, .flip = c >= n && flip};
        int32_t sum = c < n ? 5 : columns[c - n][0];
        fill_column(&hand, c, c >= n && flip ? ROWS - sum : sum);
    }
    return hand;
}

static void test_narrow(void) {
    /* 255 * (128 * 2^16 + 2^15 + 2^7) = 2147483520, 127 below 2^31 - 1; one cell more in the last place is too much */
    static const int32_t fits[][2] = {{128, 16}, {1, 15}, {1, 7}}, over[][2] = {{128, 16}, {1, 15}, {1, 7}, {1, 0}};
    for (int8_t sign = -1; sign <= 1; sign += 2) {
        struct hand hand = make_sums(fits, 3, sign, false);
        finish(&hand);
        CU_ASSERT(narrow(&hand, 0));
        CU_ASSERT(narrow(&hand, 127));
        CU_ASSERT(!narrow(&hand, 128)); /* what will be added takes part */
        CU_ASSERT(!narrow(&hand, INT32_MAX));
        CU_ASSERT(!narrow(&hand, INT64_MAX - 1));
        CU_ASSERT(!narrow(&hand, INT64_MAX));
        ohm_plan_free(hand.plan);
        hand = make_sums(over, 4, sign, false);
        finish(&hand);
        CU_ASSERT(!narrow(&hand, 0));
        ohm_plan_free(hand.plan);
    }
}

/* What is stored as complements, delayed or offset is in the sums as well. */
static void test_narrow_of_all_kinds(void) {
    static const int32_t whole[][2] = {{128, 16}}, half[][2] = {{100, 15}}, most[][2] = {{128, 16}, {128, 0}};
    struct hand hand = make_sums(whole, 1, -1, true); /* 128 flipped cells of 0: the sum is that of 128 ones */
    finish(&hand);
    CU_ASSERT(narrow(&hand, 0));
    CU_ASSERT(!narrow(&hand, 8388608)); /* 2^31 - 1 - 255 * 2^23 = 8388607 */
    ohm_plan_free(hand.plan);
    hand = make_sums(most, 2, -1, false);
    hand.plan->weight_bias = 255; /* 255 * (2^23 + 128) + 255 * 128 * 255 = 2147450880 */
    finish(&hand);
    CU_ASSERT(narrow(&hand, 0));
    CU_ASSERT(narrow(&hand, 32767));
    CU_ASSERT(!narrow(&hand, 32768));
    hand.plan->weight_bias = 257;
    CU_ASSERT(!narrow(&hand, 0));
    ohm_plan_free(hand.plan);
    hand = make_sums(half, 1, 1, false);
    finish(&hand);
    CU_ASSERT(narrow(&hand, 0));
    ohm_plan_free(hand.plan);
    hand = make_sums(half, 1, 1, false);
    for (int32_t r = 0; r < ROWS; r++) hand.rows[r].shift = 2; /* four times as much */
    finish(&hand);
    CU_ASSERT(!narrow(&hand, 0));
    ohm_plan_free(hand.plan);
}

/* Sums of a coarse ADC come in 1/256 and are wide however small. */
static void test_narrow_of_coarse_adc(void) {
    struct ohm_adc adc = {.bits = 3, .range = OHM_ADC_FULL, .largest = ROWS};
    static const int32_t small[][2] = {{3, 0}};
    struct hand hand = make_sums(small, 1, 1, false);
    finish(&hand);
    CU_ASSERT_EQUAL(ohm_adc_unit(&adc), OHM_ADC_ONE);
    struct ohm_program *program = build(hand.plan, &adc, ohm_kernel_chosen(), 1, BITS, OHM_EVALUATE_NEEDED, 0, NULL);
    CU_ASSERT(!ohm_program_narrow(program));
    ohm_program_free(program);
    ohm_plan_free(hand.plan);
}

/* A second use with rows and columns of its own, in a tile of its own. */
static void add_use(struct hand *hand, int32_t cell_bits, int32_t input0, int32_t nrow, int32_t ncol, int32_t row_shift, int32_t column_shift) {
    struct ohm_row *rows = ohm_arena_array(hand->plan->arena, (size_t)nrow, sizeof *rows);
    struct ohm_column *columns = ohm_arena_array(hand->plan->arena, (size_t)ncol, sizeof *columns);
    int32_t tile = ohm_plan_add_tile(hand->plan, nrow, ncol, cell_bits);
    for (int32_t r = 0; r < nrow; r++) rows[r] = (struct ohm_row){input0 + r, row_shift};
    for (int32_t c = 0; c < ncol; c++) columns[c] = (struct ohm_column){.output = c % hand->plan->ncols, .shift = (int8_t)column_shift, .sign = 1};
    for (int32_t r = 0; r < nrow; r++) ohm_tile_set(&hand->plan->tiles[tile], r, r % ncol, 1);
    struct ohm_use use = {.tile = tile, .nrow = nrow, .ncol = ncol, .rows = rows, .columns = columns};
    CU_ASSERT_EQUAL_FATAL(ohm_plan_add_use(hand->plan, &use), OHM_OK);
}

/* What a program cannot run is refused as a design's bug: cells of different bits, weights beyond 31 bits. */
static void test_refused_plans(void) {
    static const int32_t cases[][4] = {{2, 0, 0, OHM_E_INTERNAL}, {1, 16, 16, OHM_E_INTERNAL}, {1, 13, 16, OHM_OK}, {1, 14, 16, OHM_E_INTERNAL}};
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        struct hand hand = make_hand(ROWS, OUTPUTS, EACH, 1);
        add_use(&hand, cases[k][0], 0, 4, 8, cases[k][1], cases[k][2]);
        ohm_fail_clear();
        CU_ASSERT_EQUAL(ohm_plan_finish(hand.plan, BITS), cases[k][3]);
        ohm_plan_free(hand.plan);
    }
    ohm_fail_clear();
}

/* An ADC that adds an offset does so in every step of the layer, those included in which a block without delays drives nothing. */
static void test_offset_in_late_steps(void) {
    struct ohm_adc adc = {.bits = 5, .range = OHM_ADC_CALIBRATED, .largest = ROWS, .lo = {300}, .step = {300}};
    uint8_t x[POSITIONS * ROWS];
    struct hand hand = make_hand(ROWS, OUTPUTS, EACH, 1);
    for (int32_t c = 0; c < COLUMNS; c++) fill_column(&hand, c, 1 + (int32_t)draw(ROWS));
    add_use(&hand, 1, 0, ROWS, COLUMNS, 3, 0);
    finish(&hand);
    for (size_t i = 0; i < sizeof x; i++) x[i] = (uint8_t)draw(256);
    struct seen seen = compare(hand.plan, &adc, 1, BITS, POSITIONS, x);
    CU_ASSERT_EQUAL(seen.conversions, 2 * COLUMNS * (BITS + 3) * POSITIONS);
    ohm_plan_free(hand.plan);
}

int main(void) {
    const struct suite_test tests[] = {{"columns proved by their cells", test_columns},
                                       {"lossless ADCs", test_lossless},
                                       {"steps proved by their driven rows", test_rows},
                                       {"delayed rows", test_shifted_rows},
                                       {"coarse ADCs", test_coarse_adc},
                                       {"ADC classes", test_classes},
                                       {"drawn plans", test_drawn},
                                       {"turned form", test_turned},
                                       {"narrow sums", test_narrow},
                                       {"narrow sums of all kinds", test_narrow_of_all_kinds},
                                       {"coarse ADCs are wide", test_narrow_of_coarse_adc},
                                       {"refused plans", test_refused_plans},
                                       {"offsets in late steps", test_offset_in_late_steps}};
    return SUITE_RUN("xbar proof", tests);
}
