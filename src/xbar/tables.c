/* What an ADC that is not simply clipping adds for each count, and the form of it that the kernels read. */
#include "converters.h"
#include "ohmtally/status.h"
#include "program.h"
#include <string.h>

/* Slices of every table alone or of every chunk's mixture of tables; without converters few mixtures differ, since columns come in order of their
 * shifts. Turned columns have few rows: the tables' ends are out of reach. */
static int slice_turned(struct ohm_program *program) {
    struct ohm_adc_table table = program->table;
    int32_t most = 0;
    program->table_slices = ohm_arena_array(program->arena, (size_t)program->ntable, sizeof *program->table_slices);
    if (!program->table_slices) return OHM_E_MEMORY;
    for (int32_t b = 0; b < program->nblock; b++) most = program->blocks[b].cells.nrow > most ? program->blocks[b].cells.nrow : most;
    table.ncount = most < table.ncount ? most + 1 : table.ncount;
    for (int32_t b = 0; b < program->nblock; b++)
        for (int32_t c = 0; c < program->blocks[b].ncol; c++) {
            int32_t k = program->blocks[b].table[c];
            if (program->table_slices[k]) continue;
            table.value = program->table.value + (size_t)k * (size_t)program->table.ncount;
            table.outside = program->table.outside + (size_t)k * (size_t)program->table.ncount;
            OHM_TRY(ohm_adc_slices_make(program->arena, &table, &program->table_slices[k]));
        }
    return OHM_OK;
}

static int slice_chunks(struct ohm_program *program) {
    enum { REMEMBERED = 64 };
    const struct chunk *seen[REMEMBERED];
    struct ohm_adc_table table = program->table;
    int32_t nseen = 0;
    for (int32_t b = 0; b < program->nblock; b++)
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

int ohm_program_slice_tables(struct ohm_program *program) {
    if (!program->tabled) return OHM_OK;
    return program->turned ? slice_turned(program) : slice_chunks(program);
}

int32_t ohm_program_table(const struct ohm_program *program, const struct ohm_use *use, int32_t c) {
    const struct ohm_converters *converters = program->adc.converters;
    int32_t adc_class = use->columns[c].adc_class;
    return converters ? (int32_t)ohm_converters_table(converters, use->tile, use->column0 + c, adc_class) : adc_class;
}

/* One class's values, of an ideal ADC or of every converter. */
static void fill_class(const struct ohm_program *program, int32_t k, int32_t *value, uint8_t *outside) {
    const struct ohm_converters *converters = program->adc.converters;
    const int32_t n = program->table.ncount;
    int32_t lo, step, unit = OHM_ADC_ONE / program->unit;
    ohm_adc_step(&program->adc, k, &lo, &step);
    if (!step) return; /* no column of this class */
    for (int32_t i = 0; !converters && i < n; i++) {
        value[k * n + i] = (ohm_adc_code(&program->adc, k, i) * step + lo) / unit;
        outside[k * n + i] = ohm_adc_outside(&program->adc, k, i);
    }
    for (size_t t = converters ? (size_t)converters->kind[k] : 1; converters && t < (size_t)program->ntable; t += (size_t)converters->nkind)
        for (size_t i = t * (size_t)n; i < (t + 1) * (size_t)n; i++) {
            value[i] = (converters->code[i] * step + lo) / unit;
            outside[i] = converters->outside[i];
        }
}

int ohm_program_make_tables(struct ohm_program *program, const struct ohm_plan *plan) {
    const struct ohm_converters *converters = program->adc.converters;
    program->tabled = program->unit != 1 || converters;
    program->ntable = converters ? (int32_t)ohm_converters_tables(converters) : OHM_ADC_CLASSES;
    program->table.ncount = converters ? converters->ncount : ohm_plan_counts(plan, &program->adc);
    if (!program->tabled) return OHM_OK;
    size_t count = (size_t)program->ntable * (size_t)program->table.ncount;
    int32_t *value = ohm_arena_array(program->arena, count, sizeof *value);
    uint8_t *outside = ohm_arena_array(program->arena, count, 1);
    if (!value || !outside) return OHM_E_MEMORY;
    for (int32_t k = 0; k < OHM_ADC_CLASSES; k++) fill_class(program, k, value, outside);
    program->table.value = value;
    program->table.outside = outside;
    return OHM_OK;
}
