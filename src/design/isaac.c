/* ISAAC: the cells of a weight side by side in one array, offset encoding, flipped columns. */
#include "designs.h"
#include "digit_bits.h"
#include "ohmtally/status.h"
#include "plane_bits.h"
#include <stdlib.h>
#include <string.h>

enum { CELL_BITS, FLIP };
static const char *const cell_choices[] = {"1", "2", "4", NULL};
static const char *const switch_choices[] = {"off", "on", NULL};
static const struct ohm_design_option options[] = {
    {"cell_bits", 1, 0, 2, cell_choices, "bits per cell: 1, 2 or 4"},
    {"flip", 1, 0, 1, switch_choices, "store the complement of columns whose all-ones sum sets the ADC's top bit (saves one ADC bit)"},
    {0},
};

static int32_t cell_bits(const struct ohm_design_setting *setting) {
    return 1 << setting->option[CELL_BITS];
}

static int32_t cells_per_weight(const struct ohm_design_setting *setting) {
    return (setting->weight_bits + cell_bits(setting) - 1) / cell_bits(setting);
}

static int32_t full_bits(const struct ohm_design_setting *setting) {
    return design_count_bits(setting->array_rows, cell_bits(setting));
}

static int32_t lossless_bits(const struct ohm_design_setting *setting) {
    return full_bits(setting) - (setting->option[FLIP] ? 1 : 0);
}

static int configure(const struct ohm_design_setting *setting) {
    if (cells_per_weight(setting) > setting->array_columns)
        return ohm_fail(OHM_E_USAGE, "isaac: a weight takes %d cells side by side, but an array has %d columns", cells_per_weight(setting),
                        setting->array_columns);
    return OHM_OK;
}

struct placing {
    const struct ohm_design_setting *setting;
    const struct ohm_layer *layer;
    const int32_t *w;
    struct ohm_plan *plan;
    struct ohm_row *rows; /* of the row block being placed: shared by its column blocks */
    int32_t rows_group, rows_row;
    uint64_t *words; /* scratch: a row of a tile's plane */
    int32_t *sums;   /* scratch: [cells_per_weight][columns of a patch] sums of digits */
};

static int make_rows(struct placing *p, const struct ohm_patch *patch, int32_t g) {
    int32_t group = patch->group + g;
    if (p->rows && p->rows_group == group && p->rows_row == patch->row) return OHM_OK;
    p->rows = ohm_arena_array(p->plan->arena, (size_t)patch->nrow, sizeof *p->rows);
    if (!p->rows) return OHM_E_MEMORY;
    for (int32_t r = 0; r < patch->nrow; r++) p->rows[r].input = group * p->layer->krows + patch->row + r;
    p->rows_group = group;
    p->rows_row = patch->row;
    return OHM_OK;
}

/* The columns of one group; those whose all-ones sum sets the ADC's top bit are flipped (ISAAC, Sec. V). `words`: bits of the flipped ones. */
static struct ohm_column *make_columns(struct placing *p, const struct ohm_patch *patch, int32_t group) {
    int32_t cells = cells_per_weight(p->setting), width = patch->ncol * cells;
    struct ohm_column *columns = ohm_arena_array(p->plan->arena, (size_t)width, sizeof *columns);
    for (int32_t i = 0; columns && i < width; i++) {
        int32_t n = i / cells, j = i % cells;
        bool flip = p->setting->option[FLIP] && p->sums[j * patch->ncol + n] >= 1 << (full_bits(p->setting) - 1);
        columns[i] = (struct ohm_column){group * p->layer->ncols + patch->column + n, (int8_t)(j * cell_bits(p->setting)), 1, flip, (uint8_t)j};
        p->words[i / 64] |= (uint64_t)flip << (i % 64);
    }
    return columns;
}

/* Puts the digits of the biased weights of group g of a patch into its cells; NULL: no memory. */
static struct ohm_column *fill_group(struct placing *p, struct ohm_tile *tile, const struct ohm_patch *patch, int32_t g) {
    int32_t bits = cell_bits(p->setting), cells = cells_per_weight(p->setting), width = patch->ncol * cells, group = patch->group + g;
    const int32_t *w = p->w + ((size_t)group * (size_t)p->layer->krows + (size_t)patch->row) * (size_t)p->layer->ncols + patch->column;
    struct digits digits = {bits, cells, 1 << (p->setting->weight_bits - 1)};
    memset(p->sums, 0, (size_t)width * sizeof *p->sums);
    for (int32_t r = 0; r < patch->nrow; r++) {
        const int32_t *row = w + (size_t)r * (size_t)p->layer->ncols;
        if (p->setting->option[FLIP]) digit_bits_sum(&digits, row, patch->ncol, p->sums);
        for (int32_t plane = 0; plane < bits; plane++) {
            digit_bits_pack(&digits, row, patch->ncol, plane, p->words);
            plane_bits_put(ohm_tile_word(tile, plane, g * patch->nrow + r, 0), g * width, p->words, width);
        }
    }
    memset(p->words, 0, (size_t)((width + 63) / 64) * sizeof *p->words);
    struct ohm_column *columns = make_columns(p, patch, group);
    for (int32_t plane = 0; columns && p->setting->option[FLIP] && plane < bits; plane++) /* the largest digit less a digit: its complement */
        for (int32_t r = 0; r < patch->nrow; r++) plane_bits_put(ohm_tile_word(tile, plane, g * patch->nrow + r, 0), g * width, p->words, width);
    return columns;
}

static int place_patch(void *context, const struct ohm_patch *patch) {
    struct placing *p = context;
    int32_t cells = cells_per_weight(p->setting), width = patch->ncol * cells;
    int32_t t = ohm_plan_add_tile(p->plan, patch->ngroup * patch->nrow, patch->ngroup * width, cell_bits(p->setting));
    if (t < 0) return OHM_E_MEMORY;
    for (int32_t g = 0; g < patch->ngroup; g++) {
        const struct ohm_column *columns = fill_group(p, &p->plan->tiles[t], patch, g);
        if (!columns) return OHM_E_MEMORY;
        OHM_TRY(make_rows(p, patch, g));
        struct ohm_use use = {
            .tile = t, .row0 = g * patch->nrow, .nrow = patch->nrow, .column0 = g * width, .ncol = width, .rows = p->rows, .columns = columns};
        OHM_TRY(ohm_plan_add_use(p->plan, &use));
        p->plan->store.index_bits += p->setting->option[FLIP] ? width : 0; /* one flip bit per column */
    }
    p->plan->store.crossbars_full++;
    return OHM_OK;
}

static int place(const struct ohm_design_setting *setting, const struct ohm_layer *layer, const int32_t *w, struct ohm_plan *plan) {
    struct placing p = {.setting = setting, .layer = layer, .w = w, .plan = plan};
    size_t width = (size_t)setting->array_columns;
    plan->weight_bias = 1 << (setting->weight_bits - 1);
    p.words = ohm_alloc_array((width + 63) / 64, sizeof *p.words);
    p.sums = ohm_alloc_array(width, sizeof *p.sums);
    int status = OHM_E_MEMORY;
    if (p.words && p.sums)
        status = ohm_plan_cut(layer->groups, layer->krows, layer->ncols, setting->array_rows, setting->array_columns / cells_per_weight(setting),
                              place_patch, &p);
    free(p.words);
    free(p.sums);
    return status;
}

const struct ohm_design ohm_design_isaac = {
    .name = "isaac",
    .title = "ISAAC: offset-encoded weights, cells of a weight side by side",
    .source = "Shafiee et al., ISCA 2016, Sec. V (encoding, flipped columns), corrected version of October 2016",
    .departures = "The sum of the driven inputs (unit column) is digital and exact. A depth-wise or grouped layer is block-diagonal; unused cells "
                  "are in the lowest "
                  "state and its input sum is per group. Activations are unsigned with a zero point instead of two's complement inputs.",
    .options = options,
    .configure = configure,
    .place = place,
    .lossless_bits = lossless_bits,
    .cell_bits = cell_bits,
};
