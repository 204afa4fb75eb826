/* The alternating direction method of multipliers on one unit. With U scaled by rho:
 *   W = (H + rho)^-1 (H V + rho (Z - U)),  Z = projection of W + U,  U = U + W - Z */
#include "fit.h"
#include "ohmtally/memory.h"
#include "ohmtally/status.h"
#include <cblas.h>
#include <math.h>
#include <stdlib.h>

#define ENOUGH 1e-4 /* |W - Z| / |Z| at which it ends */

struct admm {
    size_t count;
    double *hv, *w, *u;
};

static int step(const struct fitting *fitting, struct unit *unit, const struct admm *a, double rho, double *primal) {
    double off = 0, size = 0;
    for (size_t i = 0; i < a->count; i++) a->w[i] = a->hv[i] + rho * (unit->z[i] - a->u[i]);
    OHM_TRY(factor_solve(fitting, unit->group, unit->ncols, a->w, a->w));
    for (size_t i = 0; i < a->count; i++) a->u[i] += a->w[i];
    OHM_TRY(unit_project(fitting, unit, NULL, a->u, unit->z));
    for (size_t i = 0; i < a->count; i++) {
        a->u[i] -= unit->z[i];
        off += (a->w[i] - unit->z[i]) * (a->w[i] - unit->z[i]);
        size += unit->z[i] * unit->z[i];
    }
    *primal = size > 0 ? sqrt(off / size) : 0;
    return OHM_OK;
}

int unit_admm(struct fitting *fitting, struct unit *unit) {
    const struct ohm_fit_options *options = fitting->request->options;
    const int krows = fitting->factor.krows, ncols = unit->ncols;
    const double rho = options->rho * fitting->ridge[unit->group];
    struct admm a = {.count = (size_t)krows * (size_t)ncols};
    double primal = INFINITY;
    a.hv = ohm_alloc_array(a.count, sizeof *a.hv);
    a.w = ohm_alloc_array(a.count, sizeof *a.w);
    a.u = ohm_alloc_array(a.count, sizeof *a.u);
    int status = a.hv && a.w && a.u ? unit_project(fitting, unit, NULL, unit->v, unit->z) : OHM_E_MEMORY;
    if (!status)
        cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, krows, ncols, krows, 1, moments(fitting, unit), krows, unit->v, ncols, 0, a.hv, ncols);
    for (int32_t i = 0; !status && i < options->iterations && primal > ENOUGH; i++) status = step(fitting, unit, &a, rho, &primal);
    for (int n = 0; n < ncols; n++) unit->outputs[n].primal = primal;
    free(a.hv);
    free(a.w);
    free(a.u);
    return status;
}
