/* Runs a program on a batch of positions. */
#include "program.h"
#include <string.h>

struct scratch {
    struct ohm_lists lists;
    int32_t *acc;    /* [npos][OHM_CHUNK], or [columns][OHM_CHUNK] when turned */
    uint64_t *words; /* turned: bit planes of the inputs */
    int64_t *sum;    /* [OHM_CHUNK] */
    uint8_t *column; /* turned: one input of all positions */
};

static size_t rounded(size_t bytes) {
    return (bytes + 63) & ~(size_t)63;
}

/* Lays out scratch memory; with memory == NULL only measures. */
static size_t lay_out(const struct ohm_program *program, int32_t npos, unsigned char *memory, struct scratch *s) {
    size_t at = 0, nlist = (size_t)npos * (size_t)(program->input_bits + program->max_shift);
#define PIECE(pointer, bytes)                                                                                                                        \
    do {                                                                                                                                             \
        if (memory) (pointer) = (void *)(memory + at);                                                                                               \
        at += rounded(bytes);                                                                                                                        \
    } while (0)
    if (!program->turned) {
        PIECE(s->lists.first, (nlist + 1) * sizeof *s->lists.first);
        PIECE(s->lists.driven, nlist * sizeof *s->lists.driven);
        PIECE(s->lists.row, ohm_lists_room(program->max_rows, npos, program->input_bits + program->max_shift) * sizeof *s->lists.row);
        PIECE(s->acc, (size_t)npos * OHM_CHUNK * sizeof *s->acc);
    } else {
        PIECE(s->acc, (size_t)program->max_columns * OHM_CHUNK * sizeof *s->acc);
        PIECE(s->words, ohm_cells_words(program->max_rows, 1, 1) * sizeof *s->words);
        PIECE(s->sum, OHM_CHUNK * sizeof *s->sum);
        PIECE(s->column, OHM_CHUNK * (size_t)program->element);
    }
#undef PIECE
    return at;
}

size_t ohm_program_scratch(const struct ohm_program *program, int32_t npos) {
    struct scratch s;
    return lay_out(program, npos, NULL, &s);
}

static int64_t value_at(const struct ohm_program *program, const void *x, size_t place) {
    return program->element == 1 ? ((const uint8_t *)x)[place] : ((const uint16_t *)x)[place];
}

/* Sum of the block's driven inputs, each times 2^shift, of one position. */
static int64_t driven_sum(const struct ohm_program *program, const struct block *block, const void *x, size_t position) {
    size_t base = position * (size_t)(program->groups * program->krows);
    int64_t sum = 0;
    for (int32_t r = 0; r < block->rows.nrow; r++) {
        int32_t input = block->rows.input ? block->rows.input[r] : block->rows.input0 + r;
        sum += value_at(program, x, base + (size_t)input) << (block->shift ? block->shift[r] : 0);
    }
    return sum;
}

static void add_flips(const struct ohm_program *program, const struct block *block, int32_t npos, const void *x, int64_t *y) {
    size_t outputs = (size_t)(program->groups * program->ncols);
    if (!block->flip) return;
    for (size_t p = 0; p < (size_t)npos; p++) {
        int64_t sum = driven_sum(program, block, x, p);
        for (int32_t i = 0; i < block->noutput; i++) y[p * outputs + (size_t)(block->output0 + i)] += block->flip[i] * sum;
    }
}

/* Offset encoding: every output of a group loses weight_bias times the group's input sum. */
static void subtract_bias(const struct ohm_program *program, int32_t npos, const void *x, int64_t *y) {
    if (!program->weight_bias) return;
    size_t krows = (size_t)program->krows, ncols = (size_t)program->ncols;
    for (size_t p = 0; p < (size_t)npos; p++)
        for (size_t g = 0; g < (size_t)program->groups; g++) {
            size_t base = (p * (size_t)program->groups + g) * krows;
            int64_t sum = 0, *out = y + (p * (size_t)program->groups + g) * ncols;
            for (size_t r = 0; r < krows; r++) sum += value_at(program, x, base + r);
            for (size_t n = 0; n < ncols; n++) out[n] -= program->weight_bias * program->unit * sum;
        }
}

/* One kernel call: through the clipping ADC or the tables. */
static void convert(const struct ohm_program *program, const struct ohm_cells *cells, int32_t chunk, int32_t ncol, const struct ohm_adc_table *table,
                    const struct ohm_lists *lists, int32_t step0, int32_t step1, int32_t *acc, int64_t *clipped) {
    if (program->unit == 1)
        program->kernel->clip(cells, chunk, lists, step0, step1, program->adc.bits, acc, clipped);
    else
        program->kernel->table(cells, chunk, lists, step0, step1, table, ncol, acc, clipped);
}

/* The table of one class alone. */
static struct ohm_adc_table class_table(const struct ohm_program *program, int32_t adc_class) {
    struct ohm_adc_table table = program->table;
    table.value += (size_t)adc_class * (size_t)table.ncount;
    table.outside += (size_t)adc_class * (size_t)table.ncount;
    table.slices = program->class_slices[adc_class];
    return table;
}

static void multiply_block(const struct ohm_program *program, const struct block *block, int32_t npos, const void *x, int64_t *y, struct scratch *s,
                           struct ohm_tally *tally) {
    const struct ohm_kernel *kernel = program->kernel;
    size_t outputs = (size_t)(program->groups * program->ncols);
    ohm_lists_build(kernel, &block->rows, npos, program->input_bits, program->element, x, program->groups * program->krows, &s->lists);
    for (int32_t i = 0; i < npos * s->lists.nstep; i++) tally->row_drives += (int64_t)s->lists.driven[i] * block->ntile;
    for (int32_t k = 0; k < block->cells.nchunk; k++) {
        const struct chunk *chunk = &block->chunks[k];
        struct ohm_adc_table table = program->table;
        table.offset = chunk->offset;
        table.slices = chunk->slices;
        for (int32_t step = 0; step < s->lists.nstep; step += program->step_limit) {
            int32_t end = step + program->step_limit < s->lists.nstep ? step + program->step_limit : s->lists.nstep;
            convert(program, &block->cells, k, chunk->ncol, &table, &s->lists, step, end, s->acc, &tally->clipped);
            for (int32_t p = 0; p < npos; p++)
                for (const struct run *run = chunk->runs; run < chunk->runs + chunk->nrun; run++)
                    kernel->combine(run->n, chunk->coefficient + run->column, s->acc + (size_t)p * OHM_CHUNK + run->column, step,
                                    y + (size_t)p * outputs + run->output);
        }
    }
}

/* Bit planes of the block's inputs over the positions: row k * nrow + r is bit k of row r's value. Returns the number of 1 bits driven. */
static int64_t turn_inputs(const struct ohm_program *program, const struct block *block, int32_t npos, const void *x, struct scratch *s) {
    int32_t nrow = block->rows.nrow, words = (npos + 63) / 64;
    size_t inputs = (size_t)(program->groups * program->krows);
    uint64_t mask[16 * OHM_CHUNK_WORDS];
    int64_t ones = 0;
    memset(s->words, 0, ohm_cells_words(block->cells.nrow, 1, 1) * sizeof *s->words);
    for (int32_t r = 0; r < nrow; r++) {
        size_t input = (size_t)(block->rows.input ? block->rows.input[r] : block->rows.input0 + r);
        for (size_t p = 0; p < (size_t)npos; p++)
            if (program->element == 1)
                s->column[p] = ((const uint8_t *)x)[p * inputs + input];
            else
                ((uint16_t *)(void *)s->column)[p] = ((const uint16_t *)x)[p * inputs + input];
        program->kernel->bit_masks(npos, program->element, s->column, program->input_bits, mask);
        for (int32_t k = 0; k < program->input_bits; k++)
            for (int32_t w = 0; w < words; w++) {
                s->words[(size_t)(k * nrow + r) * OHM_CHUNK_WORDS + (size_t)w] = mask[k * words + w];
                ones += __builtin_popcountll(mask[k * words + w]);
            }
    }
    return ones;
}

/* Columns first .. end-1 of the block's lists as lists of their own. */
static struct ohm_lists some_lists(const struct ohm_lists *lists, int32_t first, int32_t end) {
    struct ohm_lists part = *lists;
    part.npos = end - first;
    part.first += (size_t)first * (size_t)lists->nstep;
    part.driven += (size_t)first * (size_t)lists->nstep;
    return part;
}

static int32_t class_end(const struct block *block, int32_t column) {
    int32_t end = column + 1;
    while (end < block->ncol && block->adc_class[end] == block->adc_class[column]) end++;
    return end;
}

/* y of the columns first .. end-1, which are in order of their outputs. */
static void scatter(const struct ohm_program *program, const struct block *block, int32_t first, int32_t end, int32_t npos, int32_t step,
                    const struct scratch *s, int64_t *y) {
    size_t outputs = (size_t)(program->groups * program->ncols);
    for (int32_t c = first; c < end;) {
        int32_t output = block->output[c];
        memset(s->sum, 0, (size_t)npos * sizeof *s->sum);
        for (; c < end && block->output[c] == output; c++)
            program->kernel->scale_add(npos, (int64_t)block->coefficient[c] * ((int64_t)1 << step), s->acc + (size_t)(c - first) * OHM_CHUNK, s->sum);
        for (size_t p = 0; p < (size_t)npos; p++) y[p * outputs + (size_t)output] += s->sum[p];
    }
}

static void multiply_turned(const struct ohm_program *program, const struct block *block, int32_t npos, const void *x, int64_t *y, struct scratch *s,
                            struct ohm_tally *tally) {
    struct ohm_cells cells = block->cells;
    tally->row_drives += turn_inputs(program, block, npos, x, s) * block->ntile;
    cells.words = s->words;
    for (int32_t c = 0, end; c < block->ncol; c = end) {
        end = class_end(block, c);
        struct ohm_lists lists = some_lists(&block->lists, c, end);
        struct ohm_adc_table table = class_table(program, block->adc_class[c]);
        for (int32_t step = 0; step < lists.nstep; step += program->step_limit) {
            int32_t stop = step + program->step_limit < lists.nstep ? step + program->step_limit : lists.nstep;
            convert(program, &cells, 0, npos, &table, &lists, step, stop, s->acc, &tally->clipped);
            scatter(program, block, c, end, npos, step, s, y);
        }
    }
}

static void tally_positions(struct ohm_tally *tally, const struct ohm_tally *per_position, int32_t npos) {
    struct ohm_tally all = *per_position;
    int64_t *counts = ohm_tally_counts(&all);
    for (int i = 0; i < OHM_TALLY_COUNT; i++) counts[i] *= npos;
    ohm_tally_add(tally, &all);
}

void ohm_program_multiply(const struct ohm_program *program, int32_t npos, const void *x, int64_t *y, void *memory, struct ohm_tally *tally) {
    struct scratch s;
    lay_out(program, npos, memory, &s);
    memset(y, 0, (size_t)npos * (size_t)(program->groups * program->ncols) * sizeof *y);
    for (int32_t b = 0; b < program->nblock; b++) {
        const struct block *block = &program->blocks[b];
        if (program->turned)
            multiply_turned(program, block, npos, x, y, &s, tally);
        else
            multiply_block(program, block, npos, x, y, &s, tally);
        add_flips(program, block, npos, x, y);
    }
    subtract_bias(program, npos, x, y);
    tally_positions(tally, &program->per_position, npos);
}

/* Counts of every step (an ADC of OHM_COUNT_BITS clips none) added to the histogram [class][count]; offset as in ohm_adc_table. */
static void observe_chunk(const struct ohm_program *program, const struct ohm_cells *cells, int32_t chunk, const struct ohm_lists *lists,
                          int32_t ncol, const int32_t *offset, int32_t *acc, int64_t *histogram) {
    int64_t none = 0;
    for (int32_t t = 0; t < lists->nstep; t++) {
        program->kernel->clip(cells, chunk, lists, t, t + 1, OHM_COUNT_BITS, acc, &none);
        for (int32_t p = 0; p < lists->npos; p++)
            for (int32_t c = 0; c < ncol; c++) histogram[(offset ? offset[c] : 0) + acc[(size_t)p * OHM_CHUNK + (size_t)c]]++;
    }
}

static void observe_turned(const struct ohm_program *program, const struct block *block, int32_t npos, const void *x, struct scratch *s,
                           int64_t *histogram) {
    struct ohm_cells cells = block->cells;
    turn_inputs(program, block, npos, x, s);
    cells.words = s->words;
    for (int32_t c = 0, end; c < block->ncol; c = end) {
        end = class_end(block, c);
        struct ohm_lists lists = some_lists(&block->lists, c, end);
        observe_chunk(program, &cells, 0, &lists, npos, NULL, s->acc, histogram + (size_t)block->adc_class[c] * (size_t)(program->adc.largest + 1));
    }
}

void ohm_program_observe(const struct ohm_program *program, int32_t npos, const void *x, void *memory, int64_t *histogram) {
    struct scratch s;
    lay_out(program, npos, memory, &s);
    for (int32_t b = 0; b < program->nblock; b++) {
        const struct block *block = &program->blocks[b];
        if (program->turned) {
            observe_turned(program, block, npos, x, &s, histogram);
            continue;
        }
        ohm_lists_build(program->kernel, &block->rows, npos, program->input_bits, program->element, x, program->groups * program->krows, &s.lists);
        for (int32_t k = 0; k < block->cells.nchunk; k++)
            observe_chunk(program, &block->cells, k, &s.lists, block->chunks[k].ncol, block->chunks[k].offset, s.acc, histogram);
    }
}
