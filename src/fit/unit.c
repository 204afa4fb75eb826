/* A unit against the constraint and the moments. */
#include "fit.h"
#include "ohmtally/memory.h"
#include "ohmtally/status.h"
#include <cblas.h>
#include <stdlib.h>

int unit_project(const struct fitting *fitting, struct unit *unit, const double *importance, const double *v, double *z) {
    const struct ohm_fit_request *request = fitting->request;
    const struct ohm_layer *layer = request->layer;
    const size_t krows = (size_t)layer->krows, ncols = (size_t)unit->ncols;
    struct ohm_matrix matrix = {.krows = layer->krows,
                                .ncols = unit->ncols,
                                .taps = layer->conv ? layer->window.kernel[0] * layer->window.kernel[1] : 1,
                                .scale = unit->scale,
                                .importance = importance};
    struct ohm_levels *levels = NULL;
    for (size_t i = 0; i < krows * ncols; i++) z[i] = v[i] / unit->scale[i % ncols];
    OHM_TRY(ohm_project(request->uses, request->nuse, &matrix, z, z, &levels));
    for (size_t i = 0; i < krows * ncols; i++) z[i] *= unit->scale[i % ncols];
    ohm_levels_free(unit->levels);
    unit->levels = levels;
    return OHM_OK;
}

int unit_error(const struct fitting *fitting, const struct unit *unit, double *error, double *g) {
    const int krows = fitting->request->layer->krows, ncols = unit->ncols;
    const size_t count = (size_t)krows * (size_t)ncols;
    double *e = ohm_alloc_array(count, sizeof *e), *own = g ? NULL : ohm_alloc_array(count, sizeof *own);
    double *product = g ? g : own;
    int status = e && product ? OHM_OK : OHM_E_MEMORY;
    if (!status) {
        for (size_t i = 0; i < count; i++) e[i] = unit->v[i] - unit->z[i];
        cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, krows, ncols, krows, 1, moments(fitting, unit), krows, e, ncols, 0, product, ncols);
        for (int n = 0; n < ncols; n++) error[n] = 0;
        for (size_t i = 0; i < count; i++) error[i % (size_t)ncols] += e[i] * product[i];
    }
    free(e);
    free(own);
    return status;
}
