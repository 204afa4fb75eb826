/* Plan -> program: uses with the same driven rows become one block of columns. */
#include "program.h"
#include "ohmtally/status.h"
#include <stdlib.h>
#include <string.h>

static int32_t bit_length(int64_t value) {
    int32_t bits = 0;
    for (; value; value >>= 1) bits++;
    return bits;
}

/* Uses u .. end-1 share their rows. Designs add such uses one after another. */
static int32_t same_rows_end(const struct ohm_plan *plan, int32_t u) {
    int32_t end = u + 1;
    while (end < plan->nuse && plan->uses[end].rows == plan->uses[u].rows && plan->uses[end].nrow == plan->uses[u].nrow) end++;
    return end;
}

static int make_rows(struct ohm_program *program, struct block *block, const struct ohm_use *use) {
    int32_t nrow = use->nrow, words = (nrow + 63) / 64, most = 0;
    bool consecutive = true;
    if (nrow > OHM_MAX_ROWS) return ohm_fail(OHM_E_UNSUPPORTED, "%d rows driven at once; at most %d are supported", nrow, OHM_MAX_ROWS);
    int32_t *input = ohm_arena_array(program->arena, (size_t)nrow, sizeof *input);
    if (!input) return OHM_E_MEMORY;
    for (int32_t r = 0; r < nrow; r++) {
        input[r] = use->rows[r].input;
        consecutive = consecutive && input[r] == input[0] + r;
        if (use->rows[r].shift > most) most = use->rows[r].shift;
    }
    block->rows = (struct ohm_list_rows){.nrow = nrow, .max_shift = most, .input = consecutive ? NULL : input, .input0 = input[0]};
    if (!most) return OHM_OK;
    uint64_t *shifted = ohm_arena_array(program->arena, (size_t)(most + 1) * (size_t)words, sizeof *shifted);
    block->shift = ohm_arena_array(program->arena, (size_t)nrow, sizeof *block->shift);
    if (!shifted || !block->shift) return OHM_E_MEMORY;
    for (int32_t r = 0; r < nrow; r++) {
        block->shift[r] = use->rows[r].shift;
        shifted[block->shift[r] * words + r / 64] |= 1ull << (r % 64);
    }
    block->rows.shifted = shifted;
    return OHM_OK;
}

/* What the flipped columns add: (2^cell_bits - 1) sign 2^shift times the driven inputs, per output. */
static int make_flips(struct ohm_program *program, struct block *block, const struct column_source *sources, int32_t ncol, int32_t cell_bits) {
    int32_t first = INT32_MAX, last = -1;
    for (int32_t c = 0; c < ncol; c++) {
        if (!sources[c].column->flip) continue;
        int32_t output = sources[c].column->output;
        first = output < first ? output : first;
        last = output > last ? output : last;
    }
    if (last < 0) return OHM_OK;
    block->output0 = first;
    block->noutput = last - first + 1;
    block->flip = ohm_arena_array(program->arena, (size_t)block->noutput, sizeof *block->flip);
    if (!block->flip) return OHM_E_MEMORY;
    for (int32_t c = 0; c < ncol; c++) {
        const struct ohm_column *column = sources[c].column;
        if (column->flip)
            block->flip[column->output - first] += (int64_t)column->sign * ((1 << cell_bits) - 1) * (1 << column->shift) * program->unit;
    }
    return OHM_OK;
}

static int make_block(struct ohm_program *program, struct block *block, const struct ohm_plan *plan, int32_t u, int32_t end) {
    int32_t ncol = 0;
    OHM_TRY(make_rows(program, block, &plan->uses[u]));
    for (int32_t i = u; i < end; i++) ncol += plan->uses[i].ncol;
    block->ntile = end - u;
    struct column_source *sources = ohm_alloc_array((size_t)ncol, sizeof *sources);
    if (!sources) return OHM_E_MEMORY;
    int32_t n = 0;
    for (int32_t i = u; i < end; i++)
        for (int32_t c = 0; c < plan->uses[i].ncol; c++) sources[n++] = (struct column_source){&plan->uses[i], &plan->uses[i].columns[c], c};
    int status = make_flips(program, block, sources, ncol, plan->tiles[plan->uses[u].tile].cell_bits);
    if (!status)
        status =
            program->turned ? ohm_program_turn(program, block, plan, sources, ncol) : ohm_program_place_columns(program, block, plan, sources, ncol);
    free(sources);
    if (block->cells.nrow > program->max_rows) program->max_rows = block->cells.nrow;
    if (ncol > program->max_columns) program->max_columns = ncol;
    return status;
}

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
static int make_tables(struct ohm_program *program) {
    const struct ohm_adc *adc = &program->adc;
    int32_t n = adc->largest + 1, classes = adc->range == OHM_ADC_UNIT ? 0 : OHM_ADC_CLASSES;
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

/* Steps a kernel call may add up so that its sums stay below 2^31 (kernel.h). */
static int32_t step_limit(const struct ohm_program *program) {
    int64_t most = program->adc.largest > program->max_rows ? program->adc.largest : program->max_rows;
    if (program->unit > 1) return 30 - bit_length(2 * most * program->unit);
    int32_t width = bit_length(most);
    return 31 - (width < program->adc.bits ? width : program->adc.bits);
}

/* Turned form pays where a block leaves most of a 512-column chunk empty and the bit planes of its rows fit one block. */
static bool suits_turning(const struct ohm_plan *plan, int32_t input_bits) {
    for (int32_t u = 0; u < plan->nuse;) {
        int32_t end = same_rows_end(plan, u), ncol = 0;
        for (int32_t i = u; i < end; i++) ncol += plan->uses[i].ncol;
        int32_t weight = (1 << plan->tiles[plan->uses[u].tile].cell_bits) - 1;
        if (ncol > 128 || plan->uses[u].nrow * (weight > input_bits ? weight : input_bits) > OHM_MAX_ROWS) return false;
        u = end;
    }
    return plan->nuse > 0;
}

/* Counts that do not depend on the inputs' values. */
static void count_per_position(struct ohm_program *program, const struct ohm_plan *plan) {
    const struct ohm_store *store = &plan->store;
    int64_t steps = store->steps_per_position, contributions = 0, bytes = (program->input_bits + 7) / 8;
    int32_t outputs = plan->groups * plan->ncols;
    for (int32_t u = 0; u < plan->nuse; u++) {
        const struct ohm_use *use = &plan->uses[u];
        for (int32_t c = 0; c < use->ncol; c++) contributions += c == 0 || use->columns[c].output != use->columns[c - 1].output;
    }
    program->per_position = (struct ohm_tally){.positions = 1,
                                               .conversions = store->columns_used * steps,
                                               .array_reads = store->crossbars * steps,
                                               .sampled = store->columns_used * steps,
                                               .shift_adds = store->columns_used * steps,
                                               .partial_adds = contributions > outputs ? contributions - outputs : 0,
                                               .input_register_bytes = 2 * store->rows_used * bytes, /* written once, read once */
                                               .output_register_bytes = 2 * contributions * steps,   /* 16-bit sums rewritten in every step */
                                               .buffer_bits = ((int64_t)plan->groups * plan->krows + outputs) * program->input_bits,
                                               .bus_bits = store->rows_used * program->input_bits + contributions * 16,
                                               .steps = steps};
}

static int build(struct ohm_program *program, const struct ohm_plan *plan) {
    program->blocks = ohm_arena_array(program->arena, (size_t)plan->nuse, sizeof *program->blocks);
    if (!program->blocks) return OHM_E_MEMORY;
    for (int32_t u = 0; u < plan->nuse;) {
        int32_t end = same_rows_end(plan, u);
        OHM_TRY(make_block(program, &program->blocks[program->nblock++], plan, u, end));
        u = end;
    }
    OHM_TRY(make_tables(program));
    program->step_limit = step_limit(program);
    if (program->step_limit < 1)
        return ohm_fail(OHM_E_UNSUPPORTED, "crossbar sums of this shape do not fit 31 bits; use fewer rows, cell bits or ADC bits");
    count_per_position(program, plan);
    return OHM_OK;
}

int ohm_program_build(const struct ohm_plan *plan, const struct ohm_adc *adc, const struct ohm_kernel *kernel, int32_t input_bits, int32_t element,
                      struct ohm_program **out) {
    struct ohm_arena *arena = ohm_arena_new();
    struct ohm_program *program = arena ? ohm_arena_alloc(arena, sizeof *program) : NULL;
    *out = NULL;
    if (!program) {
        ohm_arena_free(arena);
        return OHM_E_MEMORY;
    }
    *program = (struct ohm_program){.arena = arena,
                                    .kernel = kernel,
                                    .groups = plan->groups,
                                    .krows = plan->krows,
                                    .ncols = plan->ncols,
                                    .weight_bias = plan->weight_bias,
                                    .input_bits = input_bits,
                                    .max_shift = plan->max_shift,
                                    .element = element,
                                    .adc = *adc,
                                    .unit = ohm_adc_unit(adc),
                                    .turned = suits_turning(plan, input_bits)};
    int status = build(program, plan);
    if (status) {
        ohm_program_free(program);
        return status;
    }
    *out = program;
    return OHM_OK;
}

void ohm_program_free(struct ohm_program *program) {
    if (program) ohm_arena_free(program->arena);
}

size_t ohm_program_bytes(const struct ohm_program *program) {
    return ohm_arena_bytes(program->arena);
}

int32_t ohm_program_positions(const struct ohm_program *program) {
    return program->turned ? OHM_TURNED_POSITIONS : OHM_PLAIN_POSITIONS;
}
