/* Sets that a layer's weights must lie in, and Euclidean projections onto them. A set is a choice of structure (a mask, signs of fragments, shifts of
 * rows) times, once that is chosen, a list of levels for every weight by itself. A constraint only chooses the structure: the one whose nearest
 * levels are nearest in all. Refinements that move one weight at a time stay inside the set by keeping to the lists. One file each under
 * src/constraint/, listed in src/constraint/list.c. Layer: fit. Not collective, no threads inside. */
#ifndef OHMTALLY_CONSTRAINT_H
#define OHMTALLY_CONSTRAINT_H
#include "ohmtally/design.h"

/* One group of a layer. Weights are [krows][ncols] doubles in units of their column's scale; distances are of true weights: sum of
 * (scale[n] * (v - z))^2 times importance[r], where there is one. */
struct ohm_matrix {
    int32_t krows, ncols;
    int32_t taps;             /* of a kernel, kh * kw: row = channel * taps + tap; 1 for linear layers */
    const double *scale;      /* [ncols] */
    const double *importance; /* [krows] >= 0, or NULL: all 1 */
};

struct ohm_level_list {
    int32_t n;           /* 0: every number from lo to hi; then value is NULL */
    const double *value; /* [n] ascending */
    double lo, hi;
};
/* What every weight of a matrix may be. */
struct ohm_levels {
    struct ohm_arena *arena; /* owns everything */
    int32_t krows, ncols, nlist;
    struct ohm_level_list *list;
    uint16_t *which; /* [krows][ncols]: index of a list */
    int32_t room;    /* of list: private */
};
struct ohm_levels *ohm_levels_new(int32_t krows, int32_t ncols); /* any number everywhere; NULL with a recorded failure */
void ohm_levels_free(struct ohm_levels *levels);
/* Nearest level; of two, the one nearer to 0; of -m and m, m. */
double ohm_level_nearest(const struct ohm_level_list *list, double v);

/* A constraint's options, and what a job's design says beside them (array shape, weight bits). */
struct ohm_constraint {
    const char *name, *title, *source;
    const struct ohm_design_option *options;
    int (*configure)(const struct ohm_design_setting *setting); /* OPTIONAL; OHM_E_USAGE with one line */
    /* Narrows levels (as they came: any number, or what a constraint before this left) so that this set's structure holds, chosen for v. */
    int (*narrow)(const struct ohm_design_setting *setting, const struct ohm_matrix *matrix, const double *v, struct ohm_levels *levels);
};
extern const struct ohm_constraint *const ohm_constraints[]; /* NULL-terminated */
/* By name; NULL with a recorded failure that names the nearest. */
const struct ohm_constraint *ohm_constraint_find(const char *name);
/* Fills setting->option with the defaults; the rest of the setting is the caller's. */
void ohm_constraint_defaults(const struct ohm_constraint *constraint, struct ohm_design_setting *setting);
/* Sets one option from text; OHM_E_USAGE names the nearest known key or the allowed values. */
int ohm_constraint_set(const struct ohm_constraint *constraint, struct ohm_design_setting *setting, const char *key, const char *value);

/* z: the point of the set nearest to v (v and z may be the same). One constraint: the Euclidean projection, unless its file says otherwise; several:
 * each chooses within what those before it left. levels: what every weight may be, the caller's to free; NULL: not wanted. Fails with OHM_E_USAGE
 * where a constraint finds nothing of its own in what those before it left. Settings have passed configure. */
#define OHM_MOST_CONSTRAINTS 4
struct ohm_constraint_use {
    const struct ohm_constraint *constraint;
    struct ohm_design_setting setting;
};
int ohm_project(const struct ohm_constraint_use *uses, int32_t nuse, const struct ohm_matrix *matrix, const double *v, double *z,
                struct ohm_levels **levels);

#endif
