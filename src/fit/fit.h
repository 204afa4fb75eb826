/* What the stages of a layer's fit share (internal to this layer). Matrices are row-major, rows in the layer's order. */
#ifndef OHM_FIT_FIT_H
#define OHM_FIT_FIT_H
#include "ohmtally/fit.h"

/* Cholesky factors of H + ridge, one per group, rows reordered. */
struct factor {
    int32_t groups, krows;
    int32_t *order; /* [groups][krows]: place i holds row order[i], by growing moments */
    double *l;      /* [groups][krows][krows] lower triangle */
};

struct fitting {
    const struct ohm_fit_request *request;
    const double *h;   /* [groups][krows][krows] */
    double top, least; /* largest level; smallest weight that a scale is made for (OHM_LEAST_SCALE_SHARE) */
    bool by_admm;      /* the units' structure has been found */
    double *ridge;     /* [groups] mean of the diagonal */
    struct factor factor;
};

/* Columns of a group that are fitted together. */
struct unit {
    int32_t group, column, ncols;
    double *w, *v, *z; /* [krows][ncols] trained, wanted, held */
    double *scale;     /* [ncols] */
    struct ohm_levels *levels;
    struct ohm_fit_output *outputs; /* [ncols] */
};

static inline const double *moments(const struct fitting *fitting, const struct unit *unit) {
    const size_t krows = (size_t)fitting->request->gram->krows;
    return fitting->h + (size_t)unit->group * krows * krows;
}

int factor_make(struct fitting *fitting, double ridge); /* in units of fitting->ridge; replaces the one before; threads over groups */
void factor_free(struct fitting *fitting);
/* x = (H + ridge)^-1 b, both [krows][ncols]; may be the same. */
int factor_solve(const struct fitting *fitting, int32_t group, int32_t ncols, const double *b, double *x);
/* Cost of an error of 1 in a row when rows before it are free to make up for it. */
void factor_importance(const struct fitting *fitting, int32_t group, double *importance);

int unit_project(const struct fitting *fitting, struct unit *unit, const double *importance, const double *v, double *z); /* levels, too */
/* error [ncols] of (v - z)' H (v - z); g [krows][ncols] = H (v - z), or NULL. */
int unit_error(const struct fitting *fitting, const struct unit *unit, double *error, double *g);

int unit_scales(struct fitting *fitting, struct unit *unit);
int unit_admm(struct fitting *fitting, struct unit *unit);
int unit_refine(struct fitting *fitting, struct unit *unit);
int unit_descend(struct fitting *fitting, struct unit *unit);

#endif
