/* The turned form: up to 512 positions take the place of a chunk's columns, and a column's cells become the list of rows that are added up. */
#include "program.h"
#include <string.h>

/* Bit planes of the block's inputs over the positions: row k * nrow + r is bit k of row r's value. */
static void turn_inputs(const struct ohm_program *program, const struct block *block, int32_t npos, struct scratch *s) {
    int32_t nrow = block->rows.nrow, words = (npos + 63) / 64;
    uint64_t mask[16 * OHM_CHUNK_WORDS];
    memset(s->words, 0, ohm_cells_words(block->cells.nrow, 1, 1) * sizeof *s->words);
    for (int32_t r = 0; r < nrow; r++) {
        size_t input = (size_t)(block->rows.input ? block->rows.input[r] : block->rows.input0 + r);
        program->kernel->bit_masks(npos, program->element, s->turned + input * OHM_CHUNK * (size_t)program->element, program->input_bits, mask);
        for (int32_t k = 0; k < program->input_bits; k++)
            memcpy(s->words + (size_t)(k * nrow + r) * OHM_CHUNK_WORDS, mask + k * words, (size_t)words * sizeof *mask);
    }
}

/* Columns first .. end-1 of the block's lists as lists of their own. */
static struct ohm_lists some_lists(const struct ohm_lists *lists, int32_t first, int32_t end) {
    struct ohm_lists part = *lists;
    part.npos = end - first;
    part.first += (size_t)first * (size_t)lists->nstep;
    part.driven += (size_t)first * (size_t)lists->nstep;
    return part;
}

static int32_t table_end(const struct block *block, int32_t column) {
    int32_t end = column + 1;
    while (end < block->ncol && block->table[end] == block->table[column]) end++;
    return end;
}

/* One table alone. */
static struct ohm_adc_table one_table(const struct ohm_program *program, int32_t index) {
    struct ohm_adc_table table = program->table;
    if (!program->tabled) return table;
    table.value += (size_t)index * (size_t)table.ncount;
    table.outside += (size_t)index * (size_t)table.ncount;
    table.slices = program->table_slices[index];
    return table;
}

/* Adds the columns first .. end-1 to their outputs' sums. */
static void add_columns(const struct ohm_program *program, const struct block *block, int32_t first, int32_t end, int32_t npos, int32_t step,
                        const struct scratch *s) {
    for (int32_t c = first; c < end; c++) {
        const int32_t *acc = s->acc + (size_t)(c - first) * OHM_CHUNK;
        size_t at = (size_t)block->output[c] * OHM_CHUNK;
        if (program->narrow)
            program->kernel->scale_add_narrow(npos, (int32_t)((uint32_t)block->coefficient[c] << step), acc, (int32_t *)s->sums + at);
        else
            program->kernel->scale_add(npos, (int64_t)block->coefficient[c] * ((int64_t)1 << step), acc, (int64_t *)s->sums + at);
    }
}

static void multiply_block(const struct ohm_program *program, const struct block *block, int32_t npos, struct scratch *s, struct ohm_tally *tally) {
    struct ohm_cells cells = block->cells;
    turn_inputs(program, block, npos, s);
    tally->evaluated += (int64_t)npos * block->ncol * block->steps;
    cells.words = s->words;
    for (int32_t c = 0, end; c < block->ncol; c = end) {
        end = table_end(block, c);
        struct ohm_lists lists = some_lists(&block->lists, c, end);
        struct ohm_adc_table table = one_table(program, block->table[c]);
        for (int32_t step = 0; step < lists.nstep; step += program->step_limit) {
            int32_t stop = step + program->step_limit < lists.nstep ? step + program->step_limit : lists.nstep;
            ohm_program_convert(program, &cells, 0, npos, &table, &lists, step, stop, s->acc, &tally->clipped);
            add_columns(program, block, c, end, npos, step, s);
        }
    }
}

void ohm_turned_multiply(const struct ohm_program *program, int32_t npos, const void *x, void *y, struct scratch *s, struct ohm_tally *tally) {
    size_t outputs = (size_t)(program->groups * program->ncols);
    ohm_turn_values(program, npos, x, s->turned);
    memset(s->sums, 0, outputs * OHM_CHUNK * (program->narrow ? sizeof(int32_t) : sizeof(int64_t)));
    for (int32_t b = 0; b < program->nblock; b++) multiply_block(program, &program->blocks[b], npos, s, tally);
    ohm_turn_sums(program, npos, s->sums, y);
}

static void observe_block(const struct ohm_program *program, const struct block *block, int32_t npos, struct scratch *s, int64_t *histogram) {
    struct ohm_cells cells = block->cells;
    turn_inputs(program, block, npos, s);
    cells.words = s->words;
    for (int32_t c = 0, end; c < block->ncol; c = end) {
        end = table_end(block, c);
        struct ohm_lists lists = some_lists(&block->lists, c, end);
        ohm_observe_chunk(program, &cells, 0, &lists, npos, NULL, s->acc, histogram + (size_t)block->table[c] * (size_t)(program->adc.largest + 1));
    }
}

void ohm_turned_observe(const struct ohm_program *program, int32_t npos, const void *x, struct scratch *s, int64_t *histogram) {
    ohm_turn_values(program, npos, x, s->turned);
    for (int32_t b = 0; b < program->nblock; b++) observe_block(program, &program->blocks[b], npos, s, histogram);
}
