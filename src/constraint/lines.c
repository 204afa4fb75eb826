/* Whole lines removed: rows of arrays, columns of arrays, filters. Exact: over the whole matrix those of the least gain, whatever array they lie in;
 * a line at the edge of the matrix, which is shorter, counts as one. */
#include "removal.h"

enum { SHARE };

static int narrow_rows(const struct ohm_design_setting *setting, const struct ohm_matrix *matrix, const double *v, struct ohm_levels *levels) {
    struct removal removal = {1, setting->array_columns, matrix->krows, matrix->ncols, -1, (int32_t)setting->option[SHARE]};
    return removal_narrow("rows", &removal, matrix, v, levels);
}

static int narrow_columns(const struct ohm_design_setting *setting, const struct ohm_matrix *matrix, const double *v, struct ohm_levels *levels) {
    struct removal removal = {setting->array_rows, 1, matrix->krows, matrix->ncols, -1, (int32_t)setting->option[SHARE]};
    return removal_narrow("columns", &removal, matrix, v, levels);
}

static int narrow_filters(const struct ohm_design_setting *setting, const struct ohm_matrix *matrix, const double *v, struct ohm_levels *levels) {
    struct removal removal = {matrix->krows, 1, matrix->krows, matrix->ncols, -1, (int32_t)setting->option[SHARE]};
    return removal_narrow("filters", &removal, matrix, v, levels);
}

static const struct ohm_design_option of_rows[] = {REMOVAL_SHARE("percent of all rows of arrays that are 0"), {0}};
static const struct ohm_design_option of_columns[] = {REMOVAL_SHARE("percent of all columns of arrays that are 0"), {0}};
static const struct ohm_design_option of_filters[] = {REMOVAL_SHARE("percent of all filters that are 0"), {0}};

#define PIM_PRUNE                                                                                                                                    \
    "PIM-Prune, Chu et al., DAC 2020, as described in Bit-Transformer (ICCAD 2021): rows and columns of crossbar-sized blocks are pruned, without "  \
    "its reordering; chosen over the whole matrix [inferred]; exact projection"

const struct ohm_constraint ohm_constraint_rows = {
    .name = "rows",
    .title = "Rows of arrays removed",
    .source = PIM_PRUNE,
    .options = of_rows,
    .narrow = narrow_rows,
};
const struct ohm_constraint ohm_constraint_columns = {
    .name = "columns",
    .title = "Columns of arrays removed",
    .source = PIM_PRUNE,
    .options = of_columns,
    .narrow = narrow_columns,
};
const struct ohm_constraint ohm_constraint_filters = {
    .name = "filters",
    .title = "Whole filters removed",
    .source = "Filter pruning, as in FORMS, Yuan et al., ISCA 2021 (structured pruning): those of the largest norm stay, here of the largest gain; "
              "exact projection",
    .options = of_filters,
    .narrow = narrow_filters,
};
