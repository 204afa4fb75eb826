/* SME: S-window weights, one array per bit plane and sign, squeeze-out of the top planes. */
#include "designs.h"
#include "ohmtally/status.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { WINDOW, SQUEEZE, POLICY, CELL_BITS, SCOPE };
enum { TRUNCATE, ROUND, LOSSLESS };
enum { SCOPE_TILE, SCOPE_ROW };
static const char *const policy_choices[] = {"truncate", "round", "lossless", NULL};
static const char *const cell_choices[] = {"1", "2", "4", NULL};
static const char *const scope_choices[] = {"tile", "row", NULL};
static const struct ohm_design_option options[] = {
    {"window", 3, 1, 16, NULL, "S: a weight's ones lie within this many consecutive bits"},
    {"squeeze", 0, 0, 15, NULL, "x: top planes to be vacated; rows move down and their inputs are delayed"},
    {"policy", TRUNCATE, 0, 2, policy_choices,
     "what happens to low bits of a row that moves: truncate, round, or move only when none is lost (lossless)"},
    {"cell_bits", 0, 0, 2, cell_choices, "bits per cell: 1, 2 or 4; planes and shifts come in this unit"},
    {"flag_scope", SCOPE_TILE, 0, 1, scope_choices, "a row's shift is chosen per tile and sign, or shared by the whole matrix row"},
    {0},
};

static int32_t cell_bits(const struct ohm_design_setting *setting) {
    return 1 << setting->option[CELL_BITS];
}

static int32_t planes_of(const struct ohm_design_setting *setting) {
    return (setting->weight_bits + cell_bits(setting) - 1) / cell_bits(setting);
}

static int32_t lossless_bits(const struct ohm_design_setting *setting) {
    int32_t most = setting->array_rows * ((1 << cell_bits(setting)) - 1), bits = 0;
    for (; most; most >>= 1) bits++;
    return bits;
}

static int configure(const struct ohm_design_setting *setting) {
    int32_t window = (int32_t)setting->option[WINDOW], squeeze = (int32_t)setting->option[SQUEEZE];
    if (window > setting->weight_bits)
        return ohm_fail(OHM_E_USAGE, "sme: window %d is larger than quantize.weight_bits %d; use at most that many", window, setting->weight_bits);
    if (squeeze >= planes_of(setting))
        return ohm_fail(OHM_E_USAGE, "sme: squeeze %d would leave none of the %d planes; use at most %d", squeeze, planes_of(setting),
                        planes_of(setting) - 1);
    return OHM_OK;
}

/* sme.md A. v / unit is rounded half to even; a result beyond the window carries into the next power of two, which is on the grid. */
int32_t ohm_window_round(float v, int32_t bits, int32_t window) {
    int32_t most = ((1 << window) - 1) << (bits - window), exponent;
    if (v < 0.5f) return 0;
    frexpf(v, &exponent); /* v = f 2^exponent, f in [0.5, 1): floor(log2 v) = exponent - 1 */
    int32_t shift = exponent - window > 0 ? exponent - window : 0;
    int32_t level = (int32_t)rintf(ldexpf(v, -shift)) << shift;
    return level < most ? level : most;
}

/* sign * scale * m, scale = max|w| / ((2^S - 1) << (Nq - S)) per output or per layer, never vanishing (OHM_LEAST_SCALE_SHARE). */
static void constrain(const struct ohm_design_setting *setting, const struct ohm_layer *layer, struct ohm_weights *weights) {
    int32_t bits = setting->weight_bits, window = (int32_t)setting->option[WINDOW], outputs = layer->groups * layer->ncols;
    float top = (float)(((1 << window) - 1) << (bits - window)), all = 0;
    for (size_t i = 0; i < (size_t)outputs * (size_t)layer->krows; i++) all = fmaxf(all, fabsf(layer->weight[i]));
    for (int32_t n = 0; n < outputs; n++) {
        const float *w = layer->weight + (size_t)n * (size_t)layer->krows;
        float most = all;
        if (setting->per_channel) {
            most = 0;
            for (int32_t r = 0; r < layer->krows; r++) most = fmaxf(most, fabsf(w[r]));
        }
        most = fmaxf(most, all * OHM_LEAST_SCALE_SHARE);
        weights->scale[n] = most > 0 ? most / top : 1.0f;
        for (int32_t r = 0; r < layer->krows; r++) {
            int32_t m = ohm_window_round(fabsf(w[r]) / weights->scale[n], bits, window);
            size_t place = ((size_t)(n / layer->ncols) * (size_t)layer->krows + (size_t)r) * (size_t)layer->ncols + (size_t)(n % layer->ncols);
            weights->w[place] = w[r] < 0 ? -m : m;
        }
    }
}

int32_t ohm_squeeze_shift(uint32_t or_of_row, int32_t keep, int32_t granule) {
    int32_t length = or_of_row ? 32 - __builtin_clz(or_of_row) : 0;
    if (length <= keep) return 0;
    return (length - keep + granule - 1) / granule * granule;
}

struct placing {
    const struct ohm_design_setting *setting;
    const struct ohm_layer *layer;
    const int32_t *w;
    struct ohm_plan *plan;
};

static int32_t weight_at(const struct placing *p, int32_t group, int32_t row, int32_t column) {
    return p->w[((size_t)group * (size_t)p->layer->krows + (size_t)row) * (size_t)p->layer->ncols + (size_t)column];
}

static uint32_t magnitude(int32_t w, int32_t sign) {
    return w * sign > 0 ? (uint32_t)(w * sign) : 0;
}

/* Shift of one matrix row: by the bits of the columns and signs that share the flag. */
static int32_t row_shift(const struct placing *p, const struct ohm_patch *patch, int32_t group, int32_t row, int32_t sign) {
    bool whole = p->setting->option[SCOPE] == SCOPE_ROW;
    int32_t bits = cell_bits(p->setting), keep = (planes_of(p->setting) - (int32_t)p->setting->option[SQUEEZE]) * bits;
    int32_t first = whole ? 0 : patch->column, count = whole ? p->layer->ncols : patch->ncol;
    uint32_t together = 0;
    for (int32_t c = first; c < first + count; c++) {
        int32_t w = weight_at(p, group, row, c);
        together |= whole ? (uint32_t)abs(w) : magnitude(w, sign);
    }
    int32_t shift = ohm_squeeze_shift(together, keep, bits);
    if (p->setting->option[POLICY] == LOSSLESS && (together & ((1u << shift) - 1))) return 0;
    return shift;
}

/* The magnitude stored for m in a row that moves down by shift. */
static uint32_t squeezed(const struct placing *p, uint32_t m, int32_t shift) {
    if (!shift) return m;
    if (p->setting->option[POLICY] != ROUND) return m >> shift;
    int32_t keep = (planes_of(p->setting) - (int32_t)p->setting->option[SQUEEZE]) * cell_bits(p->setting);
    uint32_t most = (1u << keep) - 1, rounded = (m + (1u << (shift - 1))) >> shift;
    return rounded < most ? rounded : most;
}

/* Stored magnitudes m [ngroup][nrow][ncol] of one sign, and the driven rows. Returns the OR of all of them. */
static uint32_t prepare(const struct placing *p, const struct ohm_patch *patch, int32_t sign, struct ohm_row *rows, uint32_t *m) {
    uint32_t all = 0;
    for (int32_t g = 0; g < patch->ngroup; g++)
        for (int32_t r = 0; r < patch->nrow; r++) {
            int32_t group = patch->group + g, row = patch->row + r, shift = row_shift(p, patch, group, row, sign);
            rows[g * patch->nrow + r] = (struct ohm_row){group * p->layer->krows + row, shift};
            for (int32_t c = 0; c < patch->ncol; c++) {
                uint32_t stored = squeezed(p, magnitude(weight_at(p, group, row, patch->column + c), sign), shift);
                m[((size_t)g * (size_t)patch->nrow + (size_t)r) * (size_t)patch->ncol + (size_t)c] = stored;
                all |= stored;
            }
        }
    return all;
}

/* One use per group of a block-diagonal tile, for one plane. */
static int use_plane(struct placing *p, const struct ohm_patch *patch, int32_t tile, int32_t plane, int32_t sign, const struct ohm_row *rows,
                     int32_t g) {
    struct ohm_column *columns = ohm_arena_array(p->plan->arena, (size_t)patch->ncol, sizeof *columns);
    if (!columns) return OHM_E_MEMORY;
    for (int32_t c = 0; c < patch->ncol; c++) {
        int32_t output = (patch->group + g) * p->layer->ncols + patch->column + c;
        columns[c] = (struct ohm_column){output, (int8_t)(plane * cell_bits(p->setting)), (int8_t)sign, false, (uint8_t)plane};
    }
    struct ohm_use use = {.tile = tile,
                          .row0 = g * patch->nrow,
                          .nrow = patch->nrow,
                          .column0 = g * patch->ncol,
                          .ncol = patch->ncol,
                          .rows = rows + g * patch->nrow,
                          .columns = columns};
    return ohm_plan_add_use(p->plan, &use);
}

static int add_plane_tile(struct placing *p, const struct ohm_patch *patch, const uint32_t *m, int32_t plane) {
    int32_t bits = cell_bits(p->setting), t = ohm_plan_add_tile(p->plan, patch->ngroup * patch->nrow, patch->ngroup * patch->ncol, bits);
    for (int32_t g = 0; t >= 0 && g < patch->ngroup; g++)
        for (int32_t r = 0; r < patch->nrow; r++)
            for (int32_t c = 0; c < patch->ncol; c++) {
                uint32_t stored = m[((size_t)g * (size_t)patch->nrow + (size_t)r) * (size_t)patch->ncol + (size_t)c];
                uint32_t cell = stored >> (plane * bits) & ((1u << bits) - 1);
                if (cell) ohm_tile_set(&p->plan->tiles[t], g * patch->nrow + r, g * patch->ncol + c, cell);
            }
    return t;
}

/* One sign of one block: its non-empty planes become arrays. Uses of one group are added together: they share driven rows. */
static int place_sign(struct placing *p, const struct ohm_patch *patch, int32_t sign, uint32_t *m) {
    int32_t bits = cell_bits(p->setting), planes = planes_of(p->setting), tile[32];
    struct ohm_row *rows = ohm_arena_array(p->plan->arena, (size_t)(patch->ngroup * patch->nrow), sizeof *rows);
    if (!rows) return OHM_E_MEMORY;
    uint32_t all = prepare(p, patch, sign, rows, m);
    for (int32_t plane = 0; plane < planes; plane++) {
        tile[plane] = -1;
        if (!(all >> (plane * bits) & ((1u << bits) - 1))) continue; /* empty: released */
        tile[plane] = add_plane_tile(p, patch, m, plane);
        if (tile[plane] < 0) return OHM_E_MEMORY;
    }
    for (int32_t g = 0; g < patch->ngroup; g++)
        for (int32_t plane = 0; plane < planes; plane++)
            if (tile[plane] >= 0) OHM_TRY(use_plane(p, patch, tile[plane], plane, sign, rows, g));
    p->plan->store.crossbars_full += planes;
    return OHM_OK;
}

/* Flags: ceil(log2(x + 1)) bits per row, per tile and sign or once per matrix row. */
static int64_t flag_bits(const struct placing *p, const struct ohm_patch *patch) {
    int32_t values = (int32_t)p->setting->option[SQUEEZE] + 1, bits = 0;
    while (1 << bits < values) bits++;
    int64_t rows = (int64_t)patch->ngroup * patch->nrow;
    if (p->setting->option[SCOPE] == SCOPE_TILE) return 2 * rows * bits;
    return patch->column == 0 ? rows * bits : 0;
}

static int place_patch(void *context, const struct ohm_patch *patch) {
    struct placing *p = context;
    uint32_t *m = ohm_alloc_array((size_t)patch->ngroup * (size_t)patch->nrow * (size_t)patch->ncol, sizeof *m);
    if (!m) return OHM_E_MEMORY;
    int status = place_sign(p, patch, 1, m);
    if (!status) status = place_sign(p, patch, -1, m);
    p->plan->store.index_bits += flag_bits(p, patch);
    free(m);
    return status;
}

static int place(const struct ohm_design_setting *setting, const struct ohm_layer *layer, const int32_t *w, struct ohm_plan *plan) {
    struct placing p = {setting, layer, w, plan};
    return ohm_plan_cut(layer->groups, layer->krows, layer->ncols, setting->array_rows, setting->array_columns, place_patch, &p);
}

const struct ohm_design ohm_design_sme = {
    .name = "sme",
    .title = "SME: S-window weights, inter-crossbar bit planes, squeeze-out",
    .source = "Liu et al., ICCD 2021 (arXiv 2103.01705), known here from its abstract and from the description in BWQ (TCAD 2024, Sec. VI-B)",
    .departures =
        "Inferred, not from the paper's text: the rounding rule onto the S-window grid and its scale; a differential pair of arrays for the sign; "
        "the loss "
        "policy of the squeeze (truncate or round; the described trigger alone is `lossless`); a row's shift per tile and sign (flag_scope); "
        "block-diagonal depth-wise layers; multi-level cells.",
    .options = options,
    .configure = configure,
    .place = place,
    .lossless_bits = lossless_bits,
    .cell_bits = cell_bits,
    .constrain = constrain,
};
