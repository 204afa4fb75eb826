/* Squeeze-out: rows whose arrays hold only the bit planes that a squeeze leaves, exactly, each row under a shift of its own.
 *
 * A row of a block (the matrix row's weights in the columns of one array, one sign) holds multiples of 2^shift below 2^(shift + keep), keep being the
 * bits of the planes that are left; shifts come in steps of a cell's bits, up to the squeezed planes (sme.md C; src/design/planes.c places them).
 * With scope `row` all blocks and both signs of a matrix row have one shift. Exact: a weight's sign decides which shift concerns it, so the best
 * shift of either sign does not depend on the other's, and all of them are tried. */
#include "ohmtally/status.h"
#include "sets.h"
#include <math.h>
#include <stdlib.h>

enum { SQUEEZE, CELL_BITS, SCOPE };
enum { SCOPE_TILE, SCOPE_ROW };
#define SHIFTS 16 /* at most: none, and each of 15 squeezed planes */

static const char *const cells[] = {"1", "2", "4", NULL}, *const scopes[] = {"tile", "row", NULL};
static const struct ohm_design_option options[] = {
    {"squeeze", 2, 0, SHIFTS - 1, NULL, "x: top planes to be vacated"},
    {"cell_bits", 0, 0, 2, cells, "bits per cell: 1, 2 or 4; planes and shifts come in this unit"},
    {"flag_scope", SCOPE_TILE, 0, 1, scopes, "a row's shift is chosen per tile and sign, or shared by the whole matrix row"},
    {0}};

/* What every shift leaves of one list that came in. */
struct ladder {
    double (*around)[2][SHIFTS];  /* [n + 1]: for v between value[k - 1] and value[k], the allowed levels below and above */
    int32_t made[SHIFTS][SHIFTS]; /* list for the shifts of negative and positive weights, 0: not made (list 0 always came in) */
};
struct squeeze {
    const struct ohm_matrix *matrix;
    const double *v;
    struct ohm_levels *levels;
    struct ladder *ladders; /* one for every list that came in */
    int32_t cell, keep, nshift;
};
struct shifts {
    int32_t negative, positive; /* in cells */
};

static int32_t cell_bits(const struct ohm_design_setting *setting) {
    return 1 << setting->option[CELL_BITS];
}

static int32_t planes(const struct ohm_design_setting *setting) {
    return (setting->weight_bits + cell_bits(setting) - 1) / cell_bits(setting);
}

static int configure(const struct ohm_design_setting *setting) {
    int32_t squeezed = (int32_t)setting->option[SQUEEZE], count = planes(setting);
    if (squeezed < count) return OHM_OK;
    return ohm_fail(OHM_E_USAGE, "squeeze: squeeze %d would leave none of the %d planes; use at most %d", squeezed, count, count - 1);
}

static bool allowed(const struct squeeze *s, double value, int32_t shift) {
    uint32_t m = (uint32_t)fabs(value);
    return (m >> shift * s->cell << shift * s->cell) == m && m >> (shift * s->cell + s->keep) == 0;
}

/* ---- ladders ---- */
static int make_ladder(const struct squeeze *s, const struct ohm_level_list *list, struct ladder *ladder) {
    ladder->around = ohm_alloc_array((size_t)list->n + 1, sizeof *ladder->around);
    if (!ladder->around) return OHM_E_MEMORY;
    for (int32_t shift = 0; shift < s->nshift; shift++) {
        double level = -INFINITY;
        for (int32_t k = 0; k <= list->n; k++) {
            ladder->around[k][0][shift] = level;
            if (k < list->n && allowed(s, list->value[k], shift)) level = list->value[k];
        }
        level = INFINITY;
        for (int32_t k = list->n; k >= 0; k--) {
            if (k < list->n && allowed(s, list->value[k], shift)) level = list->value[k];
            ladder->around[k][1][shift] = level;
        }
    }
    return OHM_OK;
}

/* Index of what a pair of shifts leaves of a list; -1 with a recorded failure. */
static int32_t squeezed_list(struct squeeze *s, int32_t which, struct shifts shifts) {
    int32_t *made = &s->ladders[which].made[shifts.negative][shifts.positive];
    if (*made) return *made;
    const struct ohm_level_list list = s->levels->list[which];
    double *value = ohm_arena_array(s->levels->arena, (size_t)list.n, sizeof *value);
    int32_t n = 0;
    if (!value) return -1;
    for (int32_t k = 0; k < list.n; k++)
        if (allowed(s, list.value[k], list.value[k] < 0 ? shifts.negative : shifts.positive)) value[n++] = list.value[k];
    int32_t index = levels_add(s->levels, (struct ohm_level_list){.n = n, .value = value});
    if (index >= 0) *made = index;
    return index;
}

/* ---- choice ---- */
/* Adds the squared distances of one row's weights in some columns: cost [sign][shift]. A row's importance is common to all of them. */
static void add_costs(const struct squeeze *s, size_t row, int32_t column, int32_t ncol, double cost[2][SHIFTS]) {
    size_t first = row * (size_t)s->matrix->ncols;
    for (int32_t c = column; c < column + ncol; c++) {
        double v = s->v[first + (size_t)c], weight = s->matrix->scale[c] * s->matrix->scale[c];
        int32_t which = s->levels->which[first + (size_t)c];
        const double(*around)[SHIFTS] = (const double(*)[SHIFTS])s->ladders[which].around[levels_at_most(&s->levels->list[which], v)];
        double *sum = cost[v >= 0];
        for (int32_t shift = 0; shift < s->nshift; shift++) {
            double down = v - around[0][shift], up = around[1][shift] - v, off = down < up ? down : up;
            sum[shift] += weight * off * off;
        }
    }
}

static int32_t least(const double *cost, int32_t n) {
    int32_t best = 0; /* ties go to the smaller shift */
    for (int32_t i = 1; i < n; i++)
        if (cost[i] < cost[best]) best = i;
    return best;
}

static struct shifts choose(const struct squeeze *s, bool whole, double cost[2][SHIFTS]) {
    for (int32_t i = 0; whole && i < s->nshift; i++) cost[0][i] = cost[1][i] += cost[0][i];
    return (struct shifts){least(cost[0], s->nshift), least(cost[1], s->nshift)};
}

static int narrow_row(struct squeeze *s, size_t row, int32_t array_columns, bool whole) {
    int32_t ncols = s->matrix->ncols, step = whole || array_columns > ncols ? ncols : array_columns;
    for (int32_t column = 0; column < ncols; column += step) {
        double cost[2][SHIFTS] = {0};
        int32_t ncol = ncols - column < step ? ncols - column : step;
        add_costs(s, row, column, ncol, cost);
        struct shifts shifts = choose(s, whole, cost);
        for (int32_t c = column; c < column + ncol; c++) {
            uint16_t *which = &s->levels->which[row * (size_t)ncols + (size_t)c];
            int32_t list = squeezed_list(s, *which, shifts);
            if (list < 0) return ohm_fail_status();
            *which = (uint16_t)list;
        }
    }
    return OHM_OK;
}

static int narrow(const struct ohm_design_setting *setting, const struct ohm_matrix *matrix, const double *v, struct ohm_levels *levels) {
    struct squeeze s = {.matrix = matrix, .v = v, .levels = levels, .cell = cell_bits(setting), .nshift = (int32_t)setting->option[SQUEEZE] + 1};
    struct ohm_grid whole_numbers = {.bits = setting->weight_bits, .window = setting->weight_bits};
    s.keep = (planes(setting) - (int32_t)setting->option[SQUEEZE]) * s.cell;
    OHM_TRY(grid_narrow("squeeze", &whole_numbers, levels));
    OHM_TRY(levels_check_zero(levels, "squeeze"));
    int32_t came = levels->nlist;
    s.ladders = ohm_alloc_array((size_t)came, sizeof *s.ladders);
    int status = s.ladders ? OHM_OK : OHM_E_MEMORY;
    for (int32_t i = 0; !status && i < came; i++) status = make_ladder(&s, &levels->list[i], &s.ladders[i]);
    for (int32_t row = 0; !status && row < matrix->krows; row++)
        status = narrow_row(&s, (size_t)row, setting->array_columns, setting->option[SCOPE] == SCOPE_ROW);
    for (int32_t i = 0; s.ladders && i < came; i++) free(s.ladders[i].around);
    free(s.ladders);
    return status;
}

const struct ohm_constraint ohm_constraint_squeeze = {
    .name = "squeeze",
    .title = "Whole numbers that a squeeze-out of the top bit planes holds exactly",
    .source =
        "SME, Liu et al., ICCD 2021 (arXiv 2103.01705), squeeze-out as described in BWQ (TCAD 2024, Sec. VI-B); the set of what it holds, and a "
        "shift per tile and sign [inferred]; exact projection",
    .options = options,
    .configure = configure,
    .narrow = narrow,
};
