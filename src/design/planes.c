/* Blocks of a matrix -> bit planes -> arrays and their uses. */
#include "planes.h"
#include "ohmtally/status.h"
#include "plane_bits.h"
#include <stdlib.h>
#include <string.h>

/* By how much magnitudes, given their OR, must move down to fit `keep` bits: a multiple of the bits of a cell (sme.md C). */
static int32_t squeeze_shift(uint32_t together, int32_t keep, int32_t cell_bits) {
    int32_t length = together ? 32 - __builtin_clz(together) : 0;
    if (length <= keep) return 0;
    return (length - keep + cell_bits - 1) / cell_bits * cell_bits;
}

static const int32_t *weights_at(const struct planes *p, int32_t group, int32_t row, int32_t column) {
    return p->w + ((size_t)group * (size_t)p->layer->krows + (size_t)row) * (size_t)p->layer->ncols + (size_t)column;
}

struct planes_line planes_line(struct planes *p, int32_t group, int32_t row, int32_t column, int32_t ncol, int32_t sign) {
    int64_t policy = p->setting->option[PLANES_POLICY];
    struct planes_line line = {.held = plane_bits_magnitudes(weights_at(p, group, row, column), ncol, sign, p->m)};
    line.flagged = p->together ? p->together[group * p->layer->krows + row] : line.held;
    line.shift = squeeze_shift(line.flagged, p->keep, p->cell_bits);
    if (policy == PLANES_LOSSLESS && (line.flagged & ((1u << line.shift) - 1))) line.shift = 0;
    if (!line.shift || !line.held) return line;
    uint32_t half = policy == PLANES_ROUND ? 1u << (line.shift - 1) : 0;
    line.held = plane_bits_squeeze(p->m, ncol, line.shift, half, (1u << p->keep) - 1);
    return line;
}

/* The matrix row that is row r of a block. */
static int32_t matrix_row(const struct planes *p, int32_t group, const struct ohm_patch *patch, int32_t r) {
    return p->row_at ? p->row_at[group * p->layer->krows + patch->row + r] : patch->row + r;
}

/* Lines and bits of a block. Returns the OR of all that it holds. */
static uint32_t fill_block(struct planes *p, struct planes_block *block) {
    const struct ohm_patch *patch = &block->patch;
    int32_t nbit = p->count * p->cell_bits;
    size_t size = (size_t)nbit * (size_t)((patch->ncol + 63) / 64);
    uint32_t all = 0;
    for (int32_t i = 0; i < patch->ngroup * patch->nrow; i++) {
        int32_t group = patch->group + i / patch->nrow;
        block->lines[i] = planes_line(p, group, matrix_row(p, group, patch, i % patch->nrow), patch->column, patch->ncol, block->sign);
        all |= block->lines[i].held;
        if (block->lines[i].held)
            plane_bits_pack(p->m, patch->ncol, nbit, block->bits + (size_t)i * size);
        else
            memset(block->bits + (size_t)i * size, 0, size * sizeof *block->bits);
    }
    return all;
}

/* Columns of a sign and plane: every block of rows has the same. */
static const struct ohm_column *columns_of(struct planes *p, int32_t plane, int32_t sign) {
    struct ohm_column **columns = &p->columns[sign < 0][plane];
    int32_t outputs = ohm_layer_outputs(p->layer);
    if (*columns) return *columns;
    *columns = ohm_arena_array(p->plan->arena, (size_t)outputs, sizeof **columns);
    for (int32_t n = 0; *columns && n < outputs; n++)
        (*columns)[n] = (struct ohm_column){n, (int8_t)(plane * p->cell_bits), (int8_t)sign, false, (uint8_t)plane};
    return *columns;
}

/* A new array with one plane of the block's arranged rows, the groups block-diagonally. */
static int add_array(struct planes *p, const struct planes_block *block, int32_t plane) {
    const struct ohm_patch *patch = &block->patch;
    int32_t words = (patch->ncol + 63) / 64, nbit = p->count * p->cell_bits, nrow = p->start[patch->ngroup];
    int32_t t = ohm_plan_add_tile(p->plan, nrow, patch->ngroup * patch->ncol, p->cell_bits);
    for (int32_t g = 0; t >= 0 && g < patch->ngroup; g++)
        for (int32_t i = p->start[g]; i < p->start[g + 1]; i++)
            for (int32_t b = 0; b < p->cell_bits; b++) {
                size_t line = (size_t)(g * patch->nrow + p->order[i]);
                const uint64_t *from = block->bits + (line * (size_t)nbit + (size_t)(plane * p->cell_bits + b)) * (size_t)words;
                plane_bits_put(ohm_tile_word(&p->plan->tiles[t], b, i, 0), g * patch->ncol, from, patch->ncol);
            }
    return t;
}

/* Fills order and start; returns what the word lines of the arrays are driven by. */
static const struct ohm_row *arrange_rows(struct planes *p, const struct planes_block *block, int32_t plane) {
    const struct ohm_patch *patch = &block->patch;
    int32_t n = 0;
    for (int32_t g = 0; g < patch->ngroup; g++) {
        p->start[g] = n;
        if (p->rules->arrange)
            n += p->rules->arrange(p, block, g, plane, p->order + n);
        else
            for (int32_t r = 0; r < patch->nrow; r++) p->order[n++] = r;
    }
    p->start[patch->ngroup] = n;
    struct ohm_row *rows = ohm_arena_array(p->plan->arena, (size_t)n, sizeof *rows);
    for (int32_t g = 0; rows && g < patch->ngroup; g++)
        for (int32_t i = p->start[g]; i < p->start[g + 1]; i++) {
            int32_t group = patch->group + g, row = matrix_row(p, group, patch, p->order[i]);
            rows[i] = (struct ohm_row){group * p->layer->krows + row, block->lines[g * patch->nrow + p->order[i]].shift};
        }
    return rows;
}

/* Arrays of planes first .. end-1, where they hold anything, with rows and turns in common. Uses that share driven rows are added one after another.
 */
static int add_arrays(struct planes *p, const struct planes_block *block, uint32_t all, int32_t first, int32_t end, int32_t plane_of_rows) {
    const struct ohm_patch *patch = &block->patch;
    int32_t tile[OHM_PLANES];
    const struct ohm_row *rows = arrange_rows(p, block, plane_of_rows);
    if (!rows) return OHM_E_MEMORY;
    for (int32_t plane = first; plane < end; plane++) {
        if (!planes_holds(p, all, plane)) continue; /* empty: released */
        tile[plane] = add_array(p, block, plane);
        if (tile[plane] < 0 || !columns_of(p, plane, block->sign)) return OHM_E_MEMORY;
        p->plan->plane_held[plane]++;
    }
    for (int32_t g = 0; g < patch->ngroup; g++)
        for (int32_t row0 = p->start[g], turn = 0, n; row0 < p->start[g + 1]; row0 += n, turn++) {
            n = p->start[g + 1] - row0 < p->rules->rows_per_read ? p->start[g + 1] - row0 : p->rules->rows_per_read;
            for (int32_t plane = first; plane < end; plane++) {
                if (!planes_holds(p, all, plane)) continue;
                const struct ohm_column *columns = columns_of(p, plane, block->sign) + (patch->group + g) * p->layer->ncols + patch->column;
                struct ohm_use use = {tile[plane], row0, n, g * patch->ncol, patch->ncol, turn, rows + row0, columns, 0};
                OHM_TRY(ohm_plan_add_use(p->plan, &use));
            }
        }
    return OHM_OK;
}

static int place_sign(struct planes *p, const struct ohm_patch *patch, int32_t sign) {
    p->block.patch = *patch;
    p->block.sign = sign;
    uint32_t all = fill_block(p, &p->block);
    for (int32_t plane = 0; plane < p->count; plane++) p->plan->plane_full[plane]++;
    p->plan->store.crossbars_full += p->count;
    if (!all) return OHM_OK;
    if (!p->rules->per_plane) return add_arrays(p, &p->block, all, 0, p->count, -1);
    for (int32_t plane = 0; plane < p->count; plane++)
        if (planes_holds(p, all, plane)) OHM_TRY(add_arrays(p, &p->block, all, plane, plane + 1, plane));
    return OHM_OK;
}

/* ceil(log2(x + 1)) bits per row, per block or once per matrix row. */
static int64_t flag_bits(const struct planes *p, const struct ohm_patch *patch) {
    int32_t values = (int32_t)p->setting->option[PLANES_SQUEEZE] + 1, bits = 0;
    while (1 << bits < values) bits++;
    int64_t rows = (int64_t)patch->ngroup * patch->nrow;
    if (!p->together) return 2 * rows * bits;
    return patch->column == 0 ? rows * bits : 0;
}

static int place_patch(void *context, const struct ohm_patch *cut) {
    struct planes *p = context;
    struct ohm_patch patch = *cut;
    if (p->row_at) {
        int32_t size = p->setting->array_rows, nblock = (p->layer->krows + size - 1) / size;
        const int32_t *first = p->first + cut->group * (nblock + 1) + cut->row / size;
        patch.row = first[0];
        patch.nrow = first[1] - first[0];
    }
    OHM_TRY(place_sign(p, &patch, 1));
    OHM_TRY(place_sign(p, &patch, -1));
    p->plan->store.index_bits += flag_bits(p, &patch);
    return OHM_OK;
}

/* Rows of every group block by block, in order within a block. */
static int deal_rows(struct planes *p, struct ohm_arena *arena) {
    int32_t size = p->setting->array_rows, krows = p->layer->krows, nblock = (krows + size - 1) / size, groups = p->layer->groups;
    if (!p->rules->deal || nblock == 1) return OHM_OK;
    p->row_at = ohm_arena_array(arena, (size_t)groups * (size_t)krows, sizeof *p->row_at);
    p->first = ohm_arena_array(arena, (size_t)groups * (size_t)(nblock + 1), sizeof *p->first);
    int32_t *block_of = ohm_arena_array(arena, (size_t)krows, sizeof *block_of);
    if (!p->row_at || !p->first || !block_of) return OHM_E_MEMORY;
    for (int32_t group = 0; group < groups; group++) {
        int32_t *row_at = p->row_at + group * krows, *first = p->first + group * (nblock + 1), n = 0;
        OHM_TRY(p->rules->deal(p, group, nblock, block_of));
        for (int32_t b = 0; b < nblock; b++) {
            first[b] = n;
            for (int32_t row = 0; row < krows; row++)
                if (block_of[row] == b) row_at[n++] = row;
        }
        first[nblock] = n;
    }
    return OHM_OK;
}

static int make_scratch(struct planes *p, struct ohm_arena *arena) {
    const struct ohm_layer *layer = p->layer;
    int32_t inputs = ohm_layer_inputs(layer), rows = p->setting->array_rows < inputs ? p->setting->array_rows : inputs;
    int32_t words = ((p->setting->array_columns < layer->ncols ? p->setting->array_columns : layer->ncols) + 63) / 64;
    p->m = ohm_arena_array(arena, (size_t)words * 64, sizeof *p->m);
    p->block.lines = ohm_arena_array(arena, (size_t)rows, sizeof *p->block.lines);
    p->block.bits = ohm_arena_array(arena, (size_t)rows * (size_t)(p->count * p->cell_bits) * (size_t)words, sizeof *p->block.bits);
    p->order = ohm_arena_array(arena, (size_t)rows, sizeof *p->order);
    p->start = ohm_arena_array(arena, (size_t)rows + 1, sizeof *p->start); /* a group has at least a row */
    if (!p->m || !p->block.lines || !p->block.bits || !p->order || !p->start) return OHM_E_MEMORY;
    if (p->setting->option[PLANES_SCOPE] != PLANES_SCOPE_ROW) return OHM_OK;
    p->together = ohm_arena_array(arena, (size_t)inputs, sizeof *p->together);
    for (int32_t i = 0; p->together && i < inputs; i++) p->together[i] = plane_bits_together(p->w + (size_t)i * (size_t)layer->ncols, layer->ncols);
    return p->together ? OHM_OK : OHM_E_MEMORY;
}

int planes_place(const struct ohm_design_setting *setting, const struct ohm_layer *layer, const int32_t *w, struct ohm_plan *plan,
                 const struct planes_rules *rules) {
    struct planes p = {.setting = setting, .layer = layer, .w = w, .plan = plan, .rules = rules};
    struct ohm_arena *arena = ohm_arena_new();
    if (!arena) return OHM_E_MEMORY;
    p.count = planes_count(setting);
    p.cell_bits = planes_cell_bits(setting);
    p.keep = (p.count - (int32_t)setting->option[PLANES_SQUEEZE]) * p.cell_bits;
    int status = make_scratch(&p, arena);
    if (!status) status = deal_rows(&p, arena);
    if (!status) status = ohm_plan_cut(layer->groups, layer->krows, layer->ncols, setting->array_rows, setting->array_columns, place_patch, &p);
    ohm_arena_free(arena);
    return status;
}
