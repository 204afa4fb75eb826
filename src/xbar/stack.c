/* A matrix with more rows than an array has is cut into blocks of rows whose columns are the same. Their clipped sums are added up as bit planes, so
 * that planes become integers, and integers find their outputs, once per position instead of once per block. */
#include "program.h"
#include <string.h>

#define TOTAL_WORDS ((size_t)1 << 15) /* 256 KiB of planes stay in the second-level cache */
#define LEAST_POSITIONS 8             /* fewer would not pay for bringing in the cells */

static bool same_chunk(const struct chunk *a, const struct chunk *b) {
    return a->ncol == b->ncol && a->nrun == b->nrun && !memcmp(a->coefficient, b->coefficient, OHM_CHUNK * sizeof *a->coefficient) &&
           !memcmp(a->runs, b->runs, (size_t)a->nrun * sizeof *a->runs);
}

static bool same_columns(const struct block *a, const struct block *b) {
    if (a->cells.nchunk != b->cells.nchunk || a->cells.cell_bits != b->cells.cell_bits) return false;
    for (int32_t k = 0; k < a->cells.nchunk; k++)
        if (!same_chunk(&a->chunks[k], &b->chunks[k])) return false;
    return true;
}

/* Bits of the largest sum of n blocks: all input steps, every count at its largest. */
static int32_t sum_bits(const struct ohm_program *program, int32_t n) {
    int64_t steps = program->input_bits + program->max_shift, top = ((int64_t)1 << program->adc.bits) - 1;
    int64_t most = program->adc.largest < top ? program->adc.largest : top;
    return ohm_bit_length((((int64_t)1 << steps) - 1) * most * n);
}

void ohm_program_make_stacks(struct ohm_program *program) {
    if (program->analogue || program->tabled || program->turned || program->corrected ||
        program->step_limit < program->input_bits + program->max_shift)
        return;
    for (int32_t b = 0, end; b < program->nblock; b = end) {
        struct block *first = &program->blocks[b];
        for (end = b + 1; end < program->nblock && same_columns(first, &program->blocks[end]) && sum_bits(program, end - b + 1) <= 31;) end++;
        if (end - b < 2) continue;
        first->nstack = end - b;
        first->nplane = sum_bits(program, end - b);
        size_t words = (size_t)first->cells.nchunk * (size_t)first->nplane * OHM_CHUNK_WORDS;
        if (words > program->max_total) program->max_total = words;
    }
}

int32_t ohm_stack_positions(const struct ohm_program *program) {
    if (program->analogue) return OHM_HELD_POSITIONS;
    size_t fit = program->max_total ? TOTAL_WORDS / program->max_total : OHM_PLAIN_POSITIONS;
    return fit > OHM_PLAIN_POSITIONS ? OHM_PLAIN_POSITIONS : fit < LEAST_POSITIONS ? LEAST_POSITIONS : (int32_t)fit;
}

void ohm_stack_multiply(const struct ohm_program *program, const struct block *first, int32_t npos, const void *x, void *y, struct scratch *s,
                        struct ohm_tally *tally) {
    const struct ohm_kernel *kernel = program->kernel;
    size_t outputs = (size_t)(program->groups * program->ncols), words = (size_t)(npos * first->nplane) * OHM_CHUNK_WORDS;
    for (const struct block *block = first; block < first + first->nstack; block++) {
        ohm_lists_build(kernel, &block->rows, npos, program->input_bits, program->element, x, program->groups * program->krows, 0, &s->lists);
        for (int32_t k = 0; k < block->cells.nchunk; k++) {
            tally->evaluated += (int64_t)block->chunks[k].ncol * npos * block->steps;
            kernel->clip_onto(&block->cells, k, &s->lists, 0, s->lists.nstep, program->adc.bits, first->nplane, block == first,
                              s->total + (size_t)k * words, &tally->clipped);
        }
    }
    for (int32_t k = 0; k < first->cells.nchunk; k++) {
        kernel->integers(npos, first->nplane, s->total + (size_t)k * words, s->acc);
        for (int32_t p = 0; p < npos; p++) ohm_combine_chunk(program, &first->chunks[k], s->acc + (size_t)p * OHM_CHUNK, 0, y, (size_t)p * outputs);
    }
}
