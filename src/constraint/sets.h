/* The constraints there are, and what they share (internal to this layer). A new one: its file, a line here, a line in list.c. */
#ifndef OHM_CONSTRAINT_SETS_H
#define OHM_CONSTRAINT_SETS_H
#include "ohmtally/constraint.h"
#include "ohmtally/grid.h"

extern const struct ohm_constraint ohm_constraint_window, ohm_constraint_uniform, ohm_constraint_power, ohm_constraint_additive,
    ohm_constraint_squeeze, ohm_constraint_polarity;
extern const struct ohm_constraint ohm_constraint_nm, ohm_constraint_blockmax, ohm_constraint_rows, ohm_constraint_columns, ohm_constraint_filters,
    ohm_constraint_block, ohm_constraint_pattern, ohm_constraint_unify;

/* ---- levels ---- */
/* Index of a new list, whose values live in the levels' arena; -1 with a recorded failure. List pointers move: address lists by index. */
int32_t levels_add(struct ohm_levels *levels, struct ohm_level_list list);
/* Index of what list i has from lo to hi (i itself where that is all of it), -1: nothing. */
int levels_part(struct ohm_levels *levels, int32_t i, double lo, double hi, int32_t *part);
/* Index of the list with nothing but 0, made where there is none; -1 with a recorded failure. */
int32_t levels_zero(struct ohm_levels *levels);
/* OHM_E_USAGE with the constraint's name where a list has no 0: nothing could be removed. */
int levels_check_zero(const struct ohm_levels *levels, const char *name);
/* Number of the list's values (n > 0) that are at most v. */
int32_t levels_at_most(const struct ohm_level_list *list, double v);
static inline const struct ohm_level_list *levels_at(const struct ohm_levels *levels, size_t i) {
    return &levels->list[levels->which[i]];
}

/* ---- distances ---- */
/* Inputs that are always 0 in the calibration images have importance 0. Their weights still go to their nearest levels, so they count for next to
 * nothing instead. */
#define LEAST_IMPORTANCE 0x1p-200
static inline double matrix_importance(const struct ohm_matrix *matrix, int32_t row) {
    double importance = matrix->importance ? matrix->importance[row] : 1;
    return importance > LEAST_IMPORTANCE ? importance : LEAST_IMPORTANCE;
}
/* What a squared difference of a weight counts. */
static inline double matrix_weight(const struct ohm_matrix *matrix, int32_t row, int32_t column) {
    return matrix->scale[column] * matrix->scale[column] * matrix_importance(matrix, row);
}
/* By how much v is nearer to its nearest level than to 0: v^2 - (v - z)^2, positive wherever that level is not 0. */
static inline double levels_gain(const struct ohm_level_list *list, double v) {
    double z = ohm_level_nearest(list, v);
    return z * (2 * v - z);
}

/* ---- grids ---- */
/* Leaves in every list only what is on the grid, with either sign. */
int grid_narrow(const char *name, const struct ohm_grid *grid, struct ohm_levels *levels);

#endif
