/* Which conversions need no look: columns whose stored cells, and steps whose driven rows, cannot bring a count beyond what the ADC gives unchanged.
 */
#include "ohmtally/status.h"
#include "program.h"
#include <stdlib.h>
#include <string.h>

/* Largest count of every table up to which value and count agree; malloc'ed. */
static int32_t *lossless_counts(const struct ohm_program *program) {
    const struct ohm_adc_table *table = &program->table;
    int32_t *top = ohm_alloc_array((size_t)program->ntable, sizeof *top);
    for (int32_t k = 0; top && k < program->ntable; k++) {
        const size_t first = (size_t)k * (size_t)table->ncount;
        top[k] = program->tabled ? -1 : (int32_t)(((int64_t)1 << program->adc.bits) - 1);
        for (int32_t i = 0; program->tabled && i < table->ncount && !table->outside[first + (size_t)i]; i++, top[k]++)
            if (table->value[first + (size_t)i] != (int64_t)i * program->unit) break;
    }
    return top;
}

/* Sum of the cells of 64 neighbouring columns over the rows of a use: one bit-sliced counter per cell plane. */
static void sum_cells(const struct ohm_tile *tile, const struct ohm_use *use, int32_t word, int32_t sum[64]) {
    memset(sum, 0, 64 * sizeof *sum);
    for (int32_t plane = 0; plane < tile->cell_bits; plane++) {
        uint64_t count[OHM_COUNT_BITS] = {0};
        for (int32_t r = 0; r < use->nrow; r++) {
            uint64_t carry = ohm_tile_word(tile, plane, use->row0 + r, 0)[word];
            for (int32_t k = 0; carry; k++) {
                uint64_t old = count[k];
                count[k] = old ^ carry;
                carry &= old;
            }
        }
        for (int32_t k = 0; k < OHM_COUNT_BITS; k++)
            for (uint64_t bits = count[k]; bits; bits &= bits - 1) sum[__builtin_ctzll(bits)] += 1 << (k + plane);
    }
}

/* Whether cells of other groups' rows conduct on a column: no product of a group's inputs can stand for it. */
static bool has_strays(const struct ohm_plan *plan, const struct ohm_use *use, int32_t c) {
    bool any = false;
    for (int32_t r = 0; use->row_cells && r < use->nrow; r++)
        any =
            any || (ohm_plan_strays(plan, &use->rows[r], &use->columns[c]) && ohm_tile_get(&plan->tiles[use->tile], use->row0 + r, use->column0 + c));
    return any;
}

static bool is_joined(const struct ohm_plan *plan) {
    for (int32_t u = 0; u < plan->nuse; u++)
        if (plan->uses[u].row_cells) return true;
    return false;
}

/* Per column: its kind as far as the cells decide it, and what it can add to its output at most. */
static void look_at_use(const struct ohm_program *program, const struct ohm_plan *plan, const struct ohm_use *use, const int32_t *top,
                        enum column_kind rest, uint8_t *kinds, int64_t *bound) {
    const struct ohm_tile *tile = &plan->tiles[use->tile];
    int64_t whole = (int64_t)use->nrow * ((1 << tile->cell_bits) - 1), inputs = ((int64_t)1 << program->input_bits) - 1;
    int32_t sum[64], loaded = -1;
    for (int32_t c = 0; c < use->ncol; c++) {
        const struct ohm_column *column = &use->columns[c];
        int32_t at = use->column0 + c;
        if (at / 64 != loaded) sum_cells(tile, use, loaded = at / 64, sum);
        kinds[c] = sum[at % 64] <= top[ohm_program_table(program, use, c)] && !has_strays(plan, use, c) ? COLUMN_PROVED : (uint8_t)rest;
        bound[column->output] += (column->flip ? whole : sum[at % 64]) * inputs * ((int64_t)1 << (column->shift + plan->max_shift));
    }
}

/* Costs in cycles of the AVX2 kernels; the others keep about the same proportions. Inputs with a quarter of their bits set, and numbers of driven
 * rows spread evenly from none to half, stand for what networks have after a ReLU. */
static double conversion_cost(int32_t nrow) {
    return (0.25 * nrow * 2.5 + 40) / 256;
}
#define PRODUCT_COST (1.0 / 27) /* one multiply-add */

static double share_of_steps(const struct ohm_program *program, int32_t nrow) {
    double share = 1 - program->harmless / (0.5 * nrow);
    return share > 0 ? share : 0;
}

/* Turns corrected columns, then all, into direct ones where that is expected to take less time. */
static void weigh(const struct ohm_program *program, const struct ohm_plan *plan, uint8_t *kinds) {
    double cost[3] = {0}, steps = program->input_bits + program->max_shift; /* of each kind's columns if they were all direct */
    double corrections = 0, product = PRODUCT_COST * program->groups * program->krows * program->ncols;
    int64_t at = 0;
    for (int32_t u = 0; u < plan->nuse; u++) {
        double one = conversion_cost(plan->uses[u].nrow) * steps;
        for (int32_t c = 0; c < plan->uses[u].ncol; c++, at++) {
            cost[kinds[at]] += one;
            if (kinds[at] == COLUMN_CORRECTED) corrections += one * share_of_steps(program, plan->uses[u].nrow);
        }
    }
    bool correct = corrections < cost[COLUMN_CORRECTED];
    double saved = cost[COLUMN_PROVED] + (correct ? cost[COLUMN_CORRECTED] - corrections : 0);
    for (int64_t i = 0; i < at; i++)
        if (saved <= product || (!correct && kinds[i] == COLUMN_CORRECTED)) kinds[i] = COLUMN_DIRECT;
}

uint8_t *ohm_program_prove(const struct ohm_program *program, const struct ohm_plan *plan, enum ohm_evaluate evaluate, int64_t *bound) {
    size_t ncolumn = (size_t)plan->ncolumn, outputs = (size_t)(plan->groups * plan->ncols);
    uint8_t *kinds = ohm_alloc(ncolumn);
    int64_t *each = ohm_alloc_array(outputs, sizeof *each);
    int32_t *top = lossless_counts(program);
    if (!kinds || !each || !top) {
        free(kinds);
        free(each);
        free(top);
        return NULL;
    }
    uint8_t *at = kinds;
    enum column_kind rest = !program->tabled && !program->turned && !is_joined(plan) ? COLUMN_CORRECTED : COLUMN_DIRECT;
    for (int32_t u = 0; u < plan->nuse; at += plan->uses[u++].ncol) look_at_use(program, plan, &plan->uses[u], top, rest, at, each);
    *bound = 0;
    for (size_t n = 0; n < outputs; n++) {
        int64_t digital = plan->weight_bias + (plan->input_weight ? llabs(plan->input_weight[n]) : 0);
        each[n] += digital * plan->krows * (((int64_t)1 << program->input_bits) - 1);
        *bound = each[n] > *bound ? each[n] : *bound;
    }
    free(each);
    free(top);
    if (evaluate == OHM_EVALUATE_ALL || program->analogue)
        memset(kinds, COLUMN_DIRECT, ncolumn);
    else
        weigh(program, plan, kinds);
    return kinds;
}
