/* One layer from its moments to weights: stages over all units, a factor for each. */
#include "fit.h"
#include "ohmtally/blas.h"
#include "ohmtally/memory.h"
#include "ohmtally/status.h"
#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct units {
    struct unit *list;
    int32_t n;
};

/* The largest magnitude a weight can have. */
static double top_level(const struct fitting *fitting) {
    const struct ohm_fit_request *request = fitting->request;
    double one = 1, huge = 1e9, z = 0;
    struct ohm_matrix matrix = {.krows = 1, .ncols = 1, .taps = 1, .scale = &one};
    struct ohm_levels *levels;
    if (ohm_project(request->uses, request->nuse, &matrix, &huge, &z, &levels)) return 0;
    ohm_levels_free(levels);
    return z;
}

/* Scales at which the largest weight of each output becomes the top level. */
static void unit_largest(const struct fitting *fitting, struct unit *unit, const double *weights) {
    const size_t krows = (size_t)fitting->request->layer->krows, ncols = (size_t)unit->ncols;
    for (size_t n = 0; n < ncols; n++) {
        double most = fitting->least;
        for (size_t r = 0; r < krows; r++) most = fmax(most, fabs(weights[r * ncols + n]));
        unit->scale[n] = most > 0 ? most / fitting->top : 1;
    }
}

static int unit_open(const struct fitting *fitting, struct unit *unit) {
    const struct ohm_layer *layer = fitting->request->layer;
    const size_t krows = (size_t)layer->krows, ncols = (size_t)unit->ncols;
    unit->w = ohm_alloc_array(krows * ncols, sizeof(double));
    unit->v = ohm_alloc_array(krows * ncols, sizeof(double));
    unit->z = ohm_alloc_array(krows * ncols, sizeof(double));
    unit->scale = ohm_alloc_array(ncols, sizeof(double));
    if (!unit->w || !unit->v || !unit->z || !unit->scale) return OHM_E_MEMORY;
    const float *w = layer->weight + ((size_t)unit->group * (size_t)layer->ncols + (size_t)unit->column) * krows;
    for (size_t i = 0; i < krows * ncols; i++) unit->w[i % krows * ncols + i / krows] = w[i];
    return OHM_OK;
}

/* P - H W, with the moments as measured. */
static int unit_residual(struct fitting *fitting, struct unit *unit) {
    const struct ohm_fit_request *request = fitting->request;
    const struct ohm_gram *gram = request->gram;
    const size_t krows = (size_t)gram->krows, ncols = (size_t)unit->ncols, width = (size_t)gram->ncols;
    const double *p = gram->p + (size_t)unit->group * krows * width + (size_t)unit->column;
    const double *target = request->target_unit + (size_t)unit->group * width + (size_t)unit->column;
    for (size_t i = 0; i < krows * ncols; i++) unit->v[i] = p[i / ncols * width + i % ncols] * target[i % ncols];
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)krows, (int)ncols, (int)krows, -1, moments(fitting, unit), (int)krows, unit->w,
                (int)ncols, 1, unit->v, (int)ncols);
    return OHM_OK;
}

static int unit_target(struct fitting *fitting, struct unit *unit) {
    const struct ohm_fit_options *options = fitting->request->options;
    const size_t count = (size_t)fitting->factor.krows * (size_t)unit->ncols;
    OHM_TRY(factor_solve(fitting, unit->group, unit->ncols, unit->v, unit->v));
    for (size_t i = 0; i < count; i++) unit->v[i] = unit->w[i] + options->correct * unit->v[i];
    double *error = ohm_alloc_array((size_t)unit->ncols, sizeof *error);
    int status = error ? unit_error(fitting, unit, error, NULL) : OHM_E_MEMORY; /* z is 0 */
    for (int32_t n = 0; !status && n < unit->ncols; n++) unit->outputs[n].power = error[n];
    unit_largest(fitting, unit, unit->w);
    if (!status) status = unit_project(fitting, unit, NULL, unit->w, unit->z);
    if (!status) status = unit_error(fitting, unit, error, NULL);
    for (int32_t n = 0; !status && n < unit->ncols; n++) unit->outputs[n].before = error[n];
    free(error);
    unit_largest(fitting, unit, unit->v);
    return status ? status : options->scales ? unit_scales(fitting, unit) : OHM_OK;
}

static int unit_settle(struct fitting *fitting, struct unit *unit) {
    const struct ohm_fit_options *options = fitting->request->options;
    const size_t krows = (size_t)fitting->factor.krows, ncols = (size_t)unit->ncols;
    double *room = ohm_alloc_array(krows + ncols, sizeof *room), *importance = room, *error = room + krows;
    int status = room ? OHM_OK : OHM_E_MEMORY;
    if (!status) factor_importance(fitting, unit->group, importance);
    if (!status && !fitting->by_admm) status = unit_project(fitting, unit, options->refine ? importance : NULL, unit->v, unit->z);
    if (!status && options->refine) status = unit_refine(fitting, unit);
    if (!status && options->sweeps) status = unit_descend(fitting, unit);
    if (!status) status = unit_error(fitting, unit, error, NULL);
    for (size_t n = 0; !status && n < ncols; n++) unit->outputs[n].after = error[n];
    free(room);
    return status;
}

static int each_unit(struct fitting *fitting, const struct units *units, int (*stage)(struct fitting *fitting, struct unit *unit)) {
    const struct ohm_fit_request *request = fitting->request;
    struct ohm_failure failure = {0};
#pragma omp parallel for schedule(dynamic)
    for (int32_t i = request->rank; i < units->n; i += request->nrank)
        if (stage(fitting, &units->list[i])) {
#pragma omp critical(ohm_fit_failure)
            ohm_fail_take(&failure);
        }
    return ohm_fail_give(&failure);
}

/* Damps the moments where they lie. */
static int damp(struct fitting *fitting) {
    struct ohm_gram *gram = fitting->request->gram;
    const struct ohm_fit_options *options = fitting->request->options;
    const size_t krows = (size_t)gram->krows;
    const double keep = 1 - options->shrink * (double)gram->krows / ((double)gram->krows + (double)gram->count);
    fitting->ridge = ohm_alloc_array((size_t)gram->groups, sizeof *fitting->ridge);
    if (!fitting->ridge) return OHM_E_MEMORY;
    for (int32_t g = 0; g < gram->groups; g++) {
        double *h = gram->h + (size_t)g * krows * krows, sum = 0;
        for (size_t r = 0; r < krows; r++) sum += h[r * krows + r];
        fitting->ridge[g] = sum > 0 ? sum / (double)krows : 1;
        for (size_t i = 0; i < krows * krows; i++) h[i] *= keep;
        for (size_t r = 0; r < krows; r++) h[r * krows + r] = h[r * krows + r] / keep + options->damping * fitting->ridge[g];
    }
    return OHM_OK;
}

/* Whether there is a structure to be found: grids give all weights the same levels. */
static bool has_structure(const struct fitting *fitting, const struct units *units) {
    for (int32_t i = fitting->request->rank; i < units->n; i += fitting->request->nrank)
        if (units->list[i].levels->nlist > 1) return true;
    return false;
}

static int stages(struct fitting *fitting, const struct units *units) {
    const struct ohm_fit_options *options = fitting->request->options;
    ohm_blas_single();
    OHM_TRY(each_unit(fitting, units, unit_residual));
    OHM_TRY(damp(fitting));
    OHM_TRY(factor_make(fitting, 0));
    OHM_TRY(each_unit(fitting, units, unit_target));
    fitting->by_admm = options->admm && has_structure(fitting, units);
    if (fitting->by_admm) {
        OHM_TRY(factor_make(fitting, options->rho));
        OHM_TRY(each_unit(fitting, units, unit_admm));
        OHM_TRY(factor_make(fitting, 0));
    }
    return each_unit(fitting, units, unit_settle);
}

static void write_unit(const struct fitting *fitting, const struct unit *unit, struct ohm_weights *weights, float *bias) {
    const struct ohm_fit_request *request = fitting->request;
    const struct ohm_layer *layer = request->layer;
    const struct ohm_gram *gram = request->gram;
    const size_t krows = (size_t)layer->krows, width = (size_t)layer->ncols;
    const double *x = gram->x + (size_t)unit->group * krows;
    for (int32_t n = 0; n < unit->ncols; n++) {
        const size_t output = (size_t)unit->group * width + (size_t)(unit->column + n);
        const float scale = (float)unit->scale[n];
        int32_t *w = weights->w + (size_t)unit->group * krows * width + (size_t)(unit->column + n);
        double mean = request->target_unit[output] * gram->t[output];
        for (size_t r = 0; r < krows; r++) {
            w[r * width] = (int32_t)lrint(unit->z[r * (size_t)unit->ncols + (size_t)n] / unit->scale[n]);
            mean -= (double)scale * w[r * width] * x[r];
        }
        weights->scale[output] = scale;
        bias[output] = (float)((layer->bias ? (double)layer->bias[output] : 0) + (request->options->bias ? mean * request->input_scale : 0));
    }
}

static int make_units(struct fitting *fitting, struct ohm_fit_output *outputs, struct units *units) {
    const struct ohm_fit_request *request = fitting->request;
    const struct ohm_layer *layer = request->layer;
    const int32_t across = (layer->ncols + request->columns - 1) / request->columns;
    double whole = 0;
    fitting->top = top_level(fitting);
    units->list = ohm_alloc_array((size_t)layer->groups * (size_t)across, sizeof *units->list);
    if (!units->list) return OHM_E_MEMORY;
    if (!(fitting->top > 0)) return ohm_fail(OHM_E_USAGE, "layer '%s': the constraint leaves no weight but 0", layer->name);
    for (size_t i = 0; i < (size_t)ohm_layer_outputs(layer) * (size_t)layer->krows; i++) whole = fmax(whole, fabs((double)layer->weight[i]));
    fitting->least = whole * (double)OHM_LEAST_SCALE_SHARE;
    for (; units->n < layer->groups * across; units->n++) {
        struct unit *unit = &units->list[units->n];
        int32_t column = units->n % across * request->columns, left = layer->ncols - column;
        *unit = (struct unit){.group = units->n / across, .column = column, .ncols = left < request->columns ? left : request->columns};
        unit->outputs = outputs + (size_t)unit->group * (size_t)layer->ncols + (size_t)column;
        if (units->n % request->nrank == request->rank) OHM_TRY(unit_open(fitting, unit));
    }
    return OHM_OK;
}

int ohm_fit_layer(const struct ohm_fit_request *request, struct ohm_weights *weights, float *bias, struct ohm_fit_output *outputs) {
    struct fitting fitting = {.request = request, .h = request->gram->h};
    struct units units = {0};
    int status = make_units(&fitting, outputs, &units);
    if (!status) status = stages(&fitting, &units);
    for (int32_t i = 0; i < units.n; i++) {
        struct unit *unit = &units.list[i];
        if (!status && unit->z) write_unit(&fitting, unit, weights, bias);
        free(unit->w);
        free(unit->v);
        free(unit->z);
        free(unit->scale);
        ohm_levels_free(unit->levels);
    }
    free(units.list);
    free(fitting.ridge);
    factor_free(&fitting);
    return status;
}
