/* Plan -> program: uses with the same driven rows become one block of columns. */
#include "program.h"
#include "ohmtally/status.h"
#include <stdlib.h>
#include <string.h>

static int make_rows(struct ohm_program *program, struct block *block, const struct ohm_use *use) {
    int32_t nrow = use->nrow, words = (nrow + 63) / 64;
    int32_t most = program->tabled || program->analogue ? program->max_shift : 0; /* an ADC with an offset converts in every step of the layer */
    bool consecutive = true;
    if (nrow > OHM_MAX_ROWS) return ohm_fail(OHM_E_UNSUPPORTED, "%d rows driven at once; at most %d are supported", nrow, OHM_MAX_ROWS);
    int32_t *input = ohm_arena_array(program->arena, (size_t)nrow, sizeof *input);
    if (!input) return OHM_E_MEMORY;
    for (int32_t r = 0; r < nrow; r++) {
        input[r] = ohm_program_place(program, use->rows[r].input);
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

/* What blocks are made of. */
struct making {
    const struct ohm_plan *plan;
    struct ohm_schedule schedule;
    struct use_groups groups;
    uint8_t *kinds; /* of the plan's columns */
};

/* The columns of a group's uses that the kernels must see. */
static int32_t gather_columns(const struct ohm_program *program, const struct making *making, const struct use_group *group,
                              struct column_source *sources) {
    const struct ohm_plan *plan = making->plan;
    int32_t n = 0;
    for (int32_t i = 0; i < group->n; i++) {
        const struct ohm_use *use = &plan->uses[group->uses[i]];
        const uint8_t *kind = making->kinds + making->groups.column_at[group->uses[i]];
        for (int32_t c = 0; c < use->ncol; c++)
            if (kind[c] != COLUMN_PROVED) sources[n++] = (struct column_source){use, &use->columns[c], c, ohm_program_table(program, use, c), 0};
    }
    return n;
}

/* One block of a group of uses, unless all their columns are proved. */
static int make_block(struct ohm_program *program, const struct making *making, const struct use_group *group) {
    const struct ohm_plan *plan = making->plan;
    struct block *block = &program->blocks[program->nblock];
    const struct ohm_use *first = &plan->uses[group->uses[0]];
    struct column_source *sources = ohm_alloc_array((size_t)group->ncol, sizeof *sources);
    if (!sources) return OHM_E_MEMORY;
    block->steps = group->steps;
    int32_t ncol = gather_columns(program, making, group, sources);
    int status = ncol ? make_rows(program, block, first) : OHM_OK;
    if (ncol && !status) status = make_flips(program, block, sources, ncol, plan->tiles[first->tile].cell_bits);
    if (ncol && !status)
        status =
            program->turned ? ohm_program_turn(program, block, plan, sources, ncol) : ohm_program_place_columns(program, block, plan, sources, ncol);
    free(sources);
    program->nblock += ncol > 0;
    if (block->cells.nrow > program->max_rows) program->max_rows = block->cells.nrow;
    if (ncol > program->max_columns) program->max_columns = ncol;
    return status;
}

/* Steps a kernel call may add up so that its sums stay below 2^31 (kernel.h); clipped sums are smaller than what clipping takes away. */
static int32_t step_limit(const struct ohm_program *program) {
    int64_t most = program->table.ncount > program->max_rows ? program->table.ncount - 1 : program->max_rows, value = 0;
    for (size_t i = 0; program->tabled && i < (size_t)program->ntable * (size_t)program->table.ncount; i++)
        value = llabs(program->table.value[i]) > value ? llabs(program->table.value[i]) : value;
    for (int32_t k = 0; program->analogue && k < OHM_ADC_CLASSES; k++) { /* codes that no count would give */
        int32_t lo, step, top = (1 << program->adc.bits) - 1;
        ohm_adc_step(&program->adc, k, &lo, &step);
        int64_t highest = program->unit == 1 ? top : (int64_t)top * step + llabs(lo);
        if (step && highest > value) value = highest;
    }
    if (program->tabled || program->analogue) return 30 - ohm_bit_length(2 * (most * program->unit > value ? most * program->unit : value));
    int32_t width = ohm_bit_length(most);
    return 31 - (program->product || width < program->adc.bits ? width : program->adc.bits);
}

/* Turned form pays where a block leaves most of a 512-column chunk empty and the bit planes of its rows fit one block. */
static bool suits_turning(const struct ohm_plan *plan, const struct use_groups *groups, int32_t input_bits) {
    for (int32_t i = 0; i < groups->n; i++) {
        const struct ohm_use *use = &plan->uses[groups->group[i].uses[0]];
        int32_t weight = (1 << plan->tiles[use->tile].cell_bits) - 1;
        if (groups->group[i].ncol > 128 || use->nrow * (weight > input_bits ? weight : input_bits) > OHM_MAX_ROWS) return false;
    }
    return groups->n > 0;
}

/* Uses far apart make one block where nothing depends on where a column is: noise is drawn by it. */
static int make_groups(struct ohm_program *program, struct making *making) {
    OHM_TRY(use_groups_make(making->plan, &making->schedule, false, &making->groups));
    program->turned = !program->analogue && suits_turning(making->plan, &making->groups, program->input_bits);
    return program->analogue || program->turned ? OHM_OK : use_groups_make(making->plan, &making->schedule, true, &making->groups);
}

static int make_blocks(struct ohm_program *program, const struct making *making) {
    const struct use_groups *groups = &making->groups;
    program->blocks = ohm_arena_array(program->arena, (size_t)groups->n + 1, sizeof *program->blocks); /* one more: under way */
    if (!program->blocks) return OHM_E_MEMORY;
    for (int32_t i = 0; i < groups->n; i++) OHM_TRY(make_block(program, making, &groups->group[i]));
    return OHM_OK;
}

bool ohm_program_silent(const struct ohm_program *program) {
    return ohm_adc_silent(&program->adc) && !(program->analogue && program->analogue->restless);
}

static int copy_input_weights(struct ohm_program *program, const struct ohm_plan *plan) {
    size_t outputs = (size_t)(plan->groups * plan->ncols);
    int64_t *copy = plan->input_weight ? ohm_arena_array(program->arena, outputs, sizeof *copy) : NULL;
    if (plan->input_weight && !copy) return OHM_E_MEMORY;
    if (copy) memcpy(copy, plan->input_weight, outputs * sizeof *copy);
    program->input_weight = copy;
    return OHM_OK;
}

static int make_everything(struct ohm_program *program, const struct ohm_program_request *request, struct making *making) {
    const struct ohm_plan *plan = request->plan;
    int64_t bound;
    OHM_TRY(ohm_schedule_make(plan, program->input_bits, ohm_program_silent(program), program->arena, &making->schedule));
    OHM_TRY(make_groups(program, making));
    making->kinds = ohm_program_prove(program, plan, request->evaluate, &bound);
    if (!making->kinds) return OHM_E_MEMORY;
    program->corrected = memchr(making->kinds, COLUMN_CORRECTED, (size_t)plan->ncolumn) != NULL;
    program->narrow = !program->tabled && !program->analogue && ohm_sums_are_narrow(bound, request->offset);
    OHM_TRY(make_blocks(program, making));
    OHM_TRY(ohm_program_make_product(program, request, making->kinds));
    if (!program->analogue) OHM_TRY(ohm_program_slice_tables(program));
    program->step_limit = step_limit(program);
    if (program->step_limit < 1)
        return ohm_fail(OHM_E_UNSUPPORTED, "crossbar sums of this shape do not fit 31 bits; use fewer rows, cell bits or ADC bits");
    OHM_TRY(ohm_program_make_stacks(program));
    return ohm_program_count(program, plan, &making->schedule);
}

static int build(struct ohm_program *program, const struct ohm_program_request *request) {
    const struct ohm_plan *plan = request->plan;
    struct making making = {.plan = plan};
    OHM_TRY(copy_input_weights(program, plan));
    OHM_TRY(ohm_program_make_tables(program, plan));
    if (request->reads) OHM_TRY(ohm_analogue_make(program, request));
    program->harmless = (int32_t)(((int64_t)1 << program->adc.bits) - 1) / ((1 << (plan->ntile ? plan->tiles[0].cell_bits : 1)) - 1);
    int status = make_everything(program, request, &making);
    use_groups_free(&making.groups);
    free(making.kinds);
    program->place = NULL;
    program->adc.converters = NULL;
    return status;
}

int ohm_program_build(const struct ohm_program_request *request, struct ohm_program **out) {
    const struct ohm_plan *plan = request->plan;
    struct ohm_arena *arena = ohm_arena_new();
    struct ohm_program *program = arena ? ohm_arena_alloc(arena, sizeof *program) : NULL;
    *out = NULL;
    if (!program) {
        ohm_arena_free(arena);
        return OHM_E_MEMORY;
    }
    *program = (struct ohm_program){.arena = arena,
                                    .kernel = request->kernel,
                                    .groups = plan->groups,
                                    .krows = plan->krows,
                                    .ncols = plan->ncols,
                                    .weight_bias = plan->weight_bias,
                                    .input_bits = request->input_bits,
                                    .max_shift = plan->max_shift,
                                    .element = request->element,
                                    .interleaved = request->interleaved,
                                    .place = request->place,
                                    .adc = *request->adc,
                                    .unit = ohm_adc_unit(request->adc)};
    int status = build(program, request);
    if (status) {
        ohm_program_free(program);
        return status;
    }
    *out = program;
    return OHM_OK;
}

void ohm_program_free(struct ohm_program *program) {
    if (!program) return;
    ohm_product_free(program->product);
    ohm_arena_free(program->arena);
}

size_t ohm_program_bytes(const struct ohm_program *program) {
    return ohm_arena_bytes(program->arena) + (program->product ? ohm_product_bytes(program->product) : 0);
}

void ohm_program_large(const struct ohm_program *program, void (*see)(void *context, void *piece, size_t bytes), void *context) {
    ohm_arena_large(program->arena, see, context);
    if (program->product) ohm_product_large(program->product, see, context);
}

int32_t ohm_program_positions(const struct ohm_program *program) {
    if (program->turned && program->nblock) return OHM_TURNED_POSITIONS;
    if (program->analogue) return OHM_HELD_POSITIONS;
    return program->product ? OHM_PRODUCT_POSITIONS : OHM_PLAIN_POSITIONS;
}

bool ohm_program_narrow(const struct ohm_program *program) {
    return program->narrow;
}

const char *ohm_program_way(const struct ohm_program *program) {
    if (program->analogue) return "conductances";
    if (!program->product) return "counters";
    return !program->nblock ? "product" : program->corrected ? "product, corrections" : "product, counters";
}
