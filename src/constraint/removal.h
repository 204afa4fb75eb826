/* Removal of whole units of weights (internal to this layer): a matrix is cut into groups, a group into units; in every group the units that are
 * kept are those with the largest gain, a unit's gain being by how much nearer its weights come to their levels than to 0. Exact for the set "so many
 * units of each group are 0". */
#ifndef OHM_CONSTRAINT_REMOVAL_H
#define OHM_CONSTRAINT_REMOVAL_H
#include "sets.h"

struct removal {
    int32_t unit_rows, unit_columns;   /* cut from row 0, column 0; those at the end may be smaller */
    int32_t group_rows, group_columns; /* multiples of a unit's, or as large as the matrix */
    int32_t keep;                      /* units of a group that are kept at most, or -1: by share */
    int32_t share;                     /* percent of a group's units that are removed, rounded down */
};
/* Fails as narrow does; name: of the constraint. */
int removal_narrow(const char *name, const struct removal *removal, const struct ohm_matrix *matrix, const double *v, struct ohm_levels *levels);
#define REMOVAL_SHARE(about)                                                                                                                         \
    { "share", 50, 0, 100, NULL, about }

#endif
