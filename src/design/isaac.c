/* ISAAC: the cells of a weight side by side in one array, offset encoding, flipped columns. */
#include "designs.h"
#include "ohmtally/status.h"

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

/* Bits for the counts 0 .. rows (2^cell_bits - 1) of a full array. */
static int32_t full_bits(const struct ohm_design_setting *setting) {
    int32_t most = setting->array_rows * ((1 << cell_bits(setting)) - 1), bits = 0;
    for (; most; most >>= 1) bits++;
    return bits;
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

/* Fills one column with digit j of the biased weights of output n; flips it when that lowers the largest possible count (ISAAC, Sec. V). */
static void fill_column(struct placing *p, struct ohm_tile *tile, int32_t row0, const struct ohm_patch *patch, int32_t group, int32_t n, int32_t j,
                        int32_t c, struct ohm_column *column) {
    int32_t bits = cell_bits(p->setting), top = (1 << bits) - 1, bias = 1 << (p->setting->weight_bits - 1), sum = 0;
    const int32_t *w = p->w + ((size_t)group * (size_t)p->layer->krows + (size_t)patch->row) * (size_t)p->layer->ncols + n;
    size_t stride = (size_t)p->layer->ncols;
    for (int32_t r = 0; r < patch->nrow; r++) sum += (w[(size_t)r * stride] + bias) >> (j * bits) & top;
    column->flip = p->setting->option[FLIP] && sum >= 1 << (full_bits(p->setting) - 1);
    for (int32_t r = 0; r < patch->nrow; r++) {
        int32_t cell = (w[(size_t)r * stride] + bias) >> (j * bits) & top;
        ohm_tile_set(tile, row0 + r, c, (uint32_t)(column->flip ? top - cell : cell));
    }
    column->output = group * p->layer->ncols + n;
    column->shift = (int8_t)(j * bits);
    column->sign = 1;
    column->adc_class = (uint8_t)j;
}

static int place_patch(void *context, const struct ohm_patch *patch) {
    struct placing *p = context;
    int32_t cells = cells_per_weight(p->setting), width = patch->ncol * cells;
    int32_t t = ohm_plan_add_tile(p->plan, patch->ngroup * patch->nrow, patch->ngroup * width, cell_bits(p->setting));
    if (t < 0) return OHM_E_MEMORY;
    for (int32_t g = 0; g < patch->ngroup; g++) {
        struct ohm_column *columns = ohm_arena_array(p->plan->arena, (size_t)width, sizeof *columns);
        OHM_TRY(make_rows(p, patch, g));
        if (!columns) return OHM_E_MEMORY;
        for (int32_t i = 0; i < width; i++)
            fill_column(p, &p->plan->tiles[t], g * patch->nrow, patch, patch->group + g, patch->column + i / cells, i % cells, g * width + i,
                        &columns[i]);
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
    plan->weight_bias = 1 << (setting->weight_bits - 1);
    return ohm_plan_cut(layer->groups, layer->krows, layer->ncols, setting->array_rows, setting->array_columns / cells_per_weight(setting),
                        place_patch, &p);
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
