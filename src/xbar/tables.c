/* What an ADC that is not simply clipping adds for each count, and the form of it that the kernels read. */
#include "ohmtally/status.h"
#include "program.h"
#include <string.h>

/* Slices of every class alone or of every chunk's mixture of classes; few mixtures differ, since columns come in order of their shifts. */
static int make_slices(struct ohm_program *program) {
    enum { REMEMBERED = 64 };
    const struct chunk *seen[REMEMBERED];
    struct ohm_adc_table table = program->table;
    int32_t nseen = 0;
    for (int32_t k = 0; program->turned && k < OHM_ADC_CLASSES; k++) {
        table.value = program->table.value + (size_t)k * (size_t)table.ncount;
        table.outside = program->table.outside + (size_t)k * (size_t)table.ncount;
        OHM_TRY(ohm_adc_slices_make(program->arena, &table, &program->class_slices[k]));
    }
    for (int32_t b = 0; !program->turned && b < program->nblock; b++)
        for (int32_t k = 0; k < program->blocks[b].cells.nchunk; k++) {
            struct chunk *chunk = &program->blocks[b].chunks[k];
            int32_t i = 0, remembered = nseen < REMEMBERED ? nseen : REMEMBERED;
            while (i < remembered && memcmp(seen[i]->offset, chunk->offset, OHM_CHUNK * sizeof *chunk->offset)) i++;
            table.offset = chunk->offset;
            if (i < remembered)
                chunk->slices = seen[i]->slices;
            else {
                OHM_TRY(ohm_adc_slices_make(program->arena, &table, &chunk->slices));
                seen[nseen++ % REMEMBERED] = chunk;
            }
        }
    return OHM_OK;
}

/* count -> value added, one table per class. */
int ohm_program_make_tables(struct ohm_program *program) {
    const struct ohm_adc *adc = &program->adc;
    int32_t n = adc->largest + 1, classes = program->unit == 1 ? 0 : OHM_ADC_CLASSES;
    int32_t *value = ohm_arena_array(program->arena, (size_t)(n * classes), sizeof *value);
    uint8_t *outside = ohm_arena_array(program->arena, (size_t)(n * classes), 1);
    if (!value || !outside) return OHM_E_MEMORY;
    for (int32_t k = 0; k < classes; k++) {
        int32_t lo, step;
        ohm_adc_step(adc, k, &lo, &step);
        for (int32_t i = 0; step && i < n; i++) {
            value[k * n + i] = ohm_adc_code(adc, k, i) * step + lo;
            outside[k * n + i] = ohm_adc_outside(adc, k, i);
        }
    }
    program->table = (struct ohm_adc_table){.ncount = n, .value = value, .outside = outside};
    return classes ? make_slices(program) : OHM_OK;
}
