/* The counts that a program's ADCs see. */
#include "program.h"

/* Counts of every step (an ADC of OHM_COUNT_BITS clips none) added to the histogram [class][count]; offset as in ohm_adc_table. */
void ohm_observe_chunk(const struct ohm_program *program, const struct ohm_cells *cells, int32_t chunk, const struct ohm_lists *lists, int32_t ncol,
                       const int32_t *offset, int32_t *acc, int64_t *histogram) {
    int64_t none = 0;
    for (int32_t t = 0; t < lists->nstep; t++) {
        program->kernel->clip(cells, chunk, lists, t, t + 1, OHM_COUNT_BITS, acc, &none);
        for (int32_t p = 0; p < lists->npos; p++)
            for (int32_t c = 0; c < ncol; c++) histogram[(offset ? offset[c] : 0) + acc[(size_t)p * OHM_CHUNK + (size_t)c]]++;
    }
}

static void observe_some(const struct ohm_program *program, int32_t npos, const void *x, struct scratch *s, int64_t *histogram) {
    for (int32_t b = 0; b < program->nblock; b++) {
        const struct block *block = &program->blocks[b];
        ohm_lists_build(program->kernel, &block->rows, npos, program->input_bits, program->element, x, program->groups * program->krows, 0,
                        &s->lists);
        for (int32_t k = 0; k < block->cells.nchunk; k++)
            ohm_observe_chunk(program, &block->cells, k, &s->lists, block->chunks[k].ncol, block->chunks[k].offset, s->acc, histogram);
    }
}

void ohm_program_observe(const struct ohm_program *program, int32_t npos, const void *x, void *memory, int64_t *histogram) {
    struct scratch s;
    size_t vector = (size_t)(program->groups * program->krows) * (size_t)program->element;
    ohm_scratch_lay_out(program, npos, memory, &s);
    if (program->turned)
        ohm_turned_observe(program, npos, x, &s, histogram);
    else
        for (int32_t p = 0; p < npos; p += OHM_PLAIN_POSITIONS) {
            int32_t n = npos - p < OHM_PLAIN_POSITIONS ? npos - p : OHM_PLAIN_POSITIONS;
            observe_some(program, n, (const uint8_t *)x + (size_t)p * vector, &s, histogram);
        }
}
