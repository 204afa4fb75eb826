/* Polarised fragments: consecutive rows of a column that are read together have one sign, so that only magnitudes lie in the array.
 *
 * Fragments begin anew in every array, as an array's rows are read fragment by fragment. Exact: a fragment has the sign under which its nearest
 * levels are nearer in all; of two, plus. (The paper takes the sign of the sum of the weights, which is not always the nearer one.) */
#include "ohmtally/status.h"
#include "sets.h"
#include <math.h>
#include <stdlib.h>

enum { SIZE };
static const struct ohm_design_option options[] = {{"size", 8, 1, 1024, NULL, "rows of a fragment"}, {0}};

enum { MINUS, PLUS };
struct polarity {
    const struct ohm_matrix *matrix;
    const double *v;
    struct ohm_levels *levels;
    int32_t (*half)[2]; /* [lists that came in]: what is <= 0 and what is >= 0 of a list; -1: nothing */
    double (*cost)[2];  /* [ncols]: of a fragment under either sign */
};

static int make_halves(struct polarity *p, int32_t came) {
    p->half = ohm_alloc_array((size_t)came, sizeof *p->half);
    p->cost = ohm_alloc_array((size_t)p->matrix->ncols, sizeof *p->cost);
    if (!p->half || !p->cost) return OHM_E_MEMORY;
    for (int32_t i = 0; i < came; i++) {
        OHM_TRY(levels_part(p->levels, i, -INFINITY, 0, &p->half[i][MINUS]));
        OHM_TRY(levels_part(p->levels, i, 0, INFINITY, &p->half[i][PLUS]));
    }
    return OHM_OK;
}

/* Squared distance of a weight under a sign. */
static double squared(const struct polarity *p, int32_t list, double v) {
    if (list < 0) return INFINITY;
    double off = v - ohm_level_nearest(&p->levels->list[list], v);
    return off * off;
}

static int narrow_fragments(struct polarity *p, int32_t row, int32_t nrow) {
    int32_t ncols = p->matrix->ncols;
    for (int32_t c = 0; c < ncols; c++) p->cost[c][MINUS] = p->cost[c][PLUS] = 0;
    for (int32_t r = row; r < row + nrow; r++) {
        double importance = matrix_importance(p->matrix, r); /* a column's scale is common to both signs */
        for (int32_t c = 0; c < ncols; c++) {
            size_t i = (size_t)r * (size_t)ncols + (size_t)c;
            const int32_t *half = p->half[p->levels->which[i]];
            for (int32_t sign = MINUS; sign <= PLUS; sign++) p->cost[c][sign] += importance * squared(p, half[sign], p->v[i]);
        }
    }
    for (int32_t r = row; r < row + nrow; r++)
        for (int32_t c = 0; c < ncols; c++) {
            uint16_t *which = &p->levels->which[(size_t)r * (size_t)ncols + (size_t)c];
            int32_t sign = p->cost[c][PLUS] <= p->cost[c][MINUS] ? PLUS : MINUS;
            if (p->cost[c][sign] == INFINITY)
                return ohm_fail(OHM_E_USAGE, "polarity: an earlier constraint leaves a fragment's weights no common sign; put polarity before it");
            *which = (uint16_t)p->half[*which][sign];
        }
    return OHM_OK;
}

static int narrow(const struct ohm_design_setting *setting, const struct ohm_matrix *matrix, const double *v, struct ohm_levels *levels) {
    struct polarity p = {.matrix = matrix, .v = v, .levels = levels};
    int32_t size = (int32_t)setting->option[SIZE], status = make_halves(&p, levels->nlist);
    for (int32_t row = 0, nrow; !status && row < matrix->krows; row += nrow) {
        int32_t left = setting->array_rows - row % setting->array_rows; /* rows of this array */
        nrow = size < left ? size : left;
        if (nrow > matrix->krows - row) nrow = matrix->krows - row;
        status = narrow_fragments(&p, row, nrow);
    }
    free(p.half);
    free(p.cost);
    return status;
}

const struct ohm_constraint ohm_constraint_polarity = {
    .name = "polarity",
    .title = "Polarised fragments: one sign for consecutive rows of a column",
    .source = "FORMS, Yuan et al., ISCA 2021: fragments of 4, 8 or 16 rows of one sign; its sign is that of the fragment's sum, here the nearer one "
              "[inferred: the projection]; rows in the order channel, kernel row, kernel column; exact projection",
    .options = options,
    .narrow = narrow,
};
