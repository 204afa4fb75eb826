/* Runs a program on a batch of positions. */
#include "program.h"

void ohm_program_convert(const struct ohm_program *program, const struct ohm_cells *cells, int32_t chunk, int32_t ncol,
                         const struct ohm_adc_table *table, const struct ohm_lists *lists, int32_t step0, int32_t step1, int32_t *acc,
                         int64_t *clipped) {
    if (program->tabled)
        program->kernel->table(cells, chunk, lists, step0, step1, table, ncol, acc, clipped);
    else
        program->kernel->clip(cells, chunk, lists, step0, step1, program->adc.bits, acc, clipped);
}

void ohm_combine_chunk(const struct ohm_program *program, const struct chunk *chunk, const int32_t *acc, int32_t step, void *y, size_t base) {
    for (const struct run *run = chunk->runs; run < chunk->runs + chunk->nrun; run++)
        if (program->narrow)
            program->kernel->combine_narrow(run->n, chunk->coefficient + run->column, acc + run->column, step, (int32_t *)y + base + run->output);
        else
            program->kernel->combine(run->n, chunk->coefficient + run->column, acc + run->column, step, (int64_t *)y + base + run->output);
}

static void multiply_chunk(const struct ohm_program *program, const struct block *block, int32_t k, void *y, struct scratch *s,
                           struct ohm_tally *tally) {
    const struct chunk *chunk = &block->chunks[k];
    const struct ohm_lists *lists = &s->lists;
    struct ohm_adc_table table = program->table;
    size_t outputs = (size_t)(program->groups * program->ncols);
    table.offset = chunk->offset;
    table.slices = chunk->slices;
    for (int32_t step = 0; step < lists->nstep; step += program->step_limit) {
        int32_t end = step + program->step_limit < lists->nstep ? step + program->step_limit : lists->nstep;
        if (program->corrected)
            program->kernel->excess(&block->cells, k, lists, step, end, program->adc.bits, s->acc, s->found, &tally->clipped);
        else
            ohm_program_convert(program, &block->cells, k, chunk->ncol, &table, lists, step, end, s->acc, &tally->clipped);
        for (int32_t p = 0; p < lists->npos; p++)
            if (!program->corrected || s->found[p]) ohm_combine_chunk(program, chunk, s->acc + (size_t)p * OHM_CHUNK, step, y, (size_t)p * outputs);
    }
}

static void multiply_block(const struct ohm_program *program, const struct block *block, int32_t npos, const void *x, void *y, struct scratch *s,
                           struct ohm_tally *tally) {
    int64_t looked_at = (int64_t)npos * block->steps;
    ohm_lists_build(program->kernel, &block->rows, npos, program->input_bits, program->element, x, program->groups * program->krows,
                    program->corrected ? program->harmless : 0, &s->lists);
    if (program->corrected) looked_at = 0;
    for (int32_t i = 0; program->corrected && i < npos * s->lists.nstep; i++) looked_at += s->lists.driven[i] > 0;
    for (int32_t k = 0; looked_at && k < block->cells.nchunk; k++) {
        tally->evaluated += block->chunks[k].ncol * looked_at;
        multiply_chunk(program, block, k, y, s, tally);
    }
}

/* All blocks, stack by stack. */
static void multiply_blocks(const struct ohm_program *program, const struct ohm_occasion *occasion, int32_t npos, const void *x, void *y,
                            struct scratch *s, struct ohm_tally *tally) {
    for (int32_t b = 0; program->analogue && b < program->nblock; b++)
        ohm_analogue_multiply(program, &program->blocks[b], occasion, npos, x, y, s, tally);
    if (program->analogue) return;
    for (const struct block *block = program->blocks, *next; block < program->blocks + program->nblock; block = next) {
        next = block + (block->nstack ? block->nstack : 1);
        if (block->nstack)
            ohm_stack_multiply(program, block, npos, x, y, s, tally);
        else
            multiply_block(program, block, npos, x, y, s, tally);
    }
}

/* y = product, in units of the program. */
static void run_product(const struct ohm_program *program, int32_t npos, const void *x, void *y, void *scratch) {
    size_t count = (size_t)npos * (size_t)(program->groups * program->ncols);
    if (program->narrow) {
        ohm_product_run(program->product, npos, x, y, scratch);
        return;
    }
    ohm_product_run_wide(program->product, npos, x, y, scratch);
    for (size_t i = 0; program->unit != 1 && i < count; i++) ((int64_t *)y)[i] *= program->unit;
}

void ohm_program_multiply(const struct ohm_program *program, int32_t npos, const void *x, void *y, void *memory, struct ohm_tally *tally) {
    ohm_program_multiply_at(program, NULL, npos, x, y, memory, tally);
}

void ohm_program_multiply_at(const struct ohm_program *program, const struct ohm_occasion *occasion, int32_t npos, const void *x, void *y,
                             void *memory, struct ohm_tally *tally) {
    static const int64_t image = 0;
    const struct ohm_occasion whole = {0, INT64_MAX, &image};
    struct scratch s;
    size_t wide = program->narrow ? sizeof(int32_t) : sizeof(int64_t), outputs = (size_t)(program->groups * program->ncols);
    size_t vector = (size_t)(program->groups * program->krows) * (size_t)program->element;
    int32_t together = program->turned ? OHM_TURNED_POSITIONS : ohm_stack_positions(program);
    ohm_scratch_lay_out(program, npos, memory, &s);
    if (program->product)
        run_product(program, npos, x, y, s.product);
    else
        ohm_start_sums(program, npos, x, y);
    for (int32_t p = 0; program->nblock && p < npos; p += together) {
        int32_t n = npos - p < together ? npos - p : together;
        const uint8_t *from = (const uint8_t *)x + (size_t)p * vector;
        uint8_t *to = (uint8_t *)y + (size_t)p * outputs * wide;
        struct ohm_occasion now = occasion ? *occasion : whole;
        now.first += p;
        if (program->turned)
            ohm_turned_multiply(program, n, from, to, &s, tally);
        else
            multiply_blocks(program, &now, n, from, to, &s, tally);
        for (int32_t b = 0; !program->product && b < program->nblock; b++) ohm_add_flips(program, &program->blocks[b], n, from, to);
    }
    ohm_tally_positions(program, npos, x, s.steps, tally);
}
