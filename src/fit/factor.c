/* Cholesky factors of the damped moments. */
#include "fit.h"
#include "ohmtally/blas.h"
#include "ohmtally/memory.h"
#include "ohmtally/status.h"
#include <cblas.h>
#include <stdlib.h>
#include <string.h>

void dpotrf_(const char *uplo, const int *n, double *a, const int *lda, int *info); /* LAPACK */

struct place {
    double moment;
    int32_t row;
};

static int by_moment(const void *a, const void *b) {
    const struct place *left = a, *right = b;
    if (left->moment != right->moment) return left->moment < right->moment ? -1 : 1;
    return left->row - right->row;
}

static int order_rows(const double *h, int32_t krows, int32_t *order) {
    struct place *places = ohm_alloc_array((size_t)krows, sizeof *places);
    if (!places) return OHM_E_MEMORY;
    for (int32_t r = 0; r < krows; r++) places[r] = (struct place){h[(size_t)r * (size_t)krows + (size_t)r], r};
    qsort(places, (size_t)krows, sizeof *places, by_moment);
    for (int32_t i = 0; i < krows; i++) order[i] = places[i].row;
    free(places);
    return OHM_OK;
}

static int factor_group(const struct fitting *fitting, int32_t group, double ridge) {
    const struct factor *factor = &fitting->factor;
    const size_t krows = (size_t)factor->krows;
    const double *h = fitting->h + (size_t)group * krows * krows;
    double *l = factor->l + (size_t)group * krows * krows;
    int32_t *order = factor->order + (size_t)group * krows;
    int n = (int)krows, info;
    OHM_TRY(order_rows(h, factor->krows, order));
    for (size_t i = 0; i < krows; i++) {
        for (size_t j = 0; j <= i; j++) l[i * krows + j] = h[(size_t)order[i] * krows + (size_t)order[j]];
        l[i * krows + i] += ridge;
    }
    dpotrf_("U", &n, l, &n, &info); /* column-major upper is row-major lower */
    if (!info) return OHM_OK;
    return ohm_fail(OHM_E_INPUT, "layer '%s': its inputs' moments have no Cholesky factor (row %d); use a larger fit.damping",
                    fitting->request->layer->name, info);
}

int factor_make(struct fitting *fitting, double ridge) {
    struct factor *factor = &fitting->factor;
    const struct ohm_gram *gram = fitting->request->gram;
    const size_t rows = (size_t)gram->groups * (size_t)gram->krows;
    struct ohm_failure failure = {0};
    ohm_blas_single();
    if (!factor->l) {
        *factor = (struct factor){gram->groups, gram->krows, ohm_alloc_array(rows, sizeof *factor->order),
                                  ohm_alloc_array(rows, (size_t)gram->krows * sizeof *factor->l)};
        if (!factor->order || !factor->l) return OHM_E_MEMORY;
    }
#pragma omp parallel for schedule(dynamic, 16)
    for (int32_t group = 0; group < gram->groups; group++)
        if (factor_group(fitting, group, ridge * fitting->ridge[group])) {
#pragma omp critical(ohm_fit_failure)
            ohm_fail_take(&failure);
        }
    return ohm_fail_give(&failure);
}

void factor_free(struct fitting *fitting) {
    free(fitting->factor.order);
    free(fitting->factor.l);
    fitting->factor = (struct factor){0};
}

int factor_solve(const struct fitting *fitting, int32_t group, int32_t ncols, const double *b, double *x) {
    const size_t krows = (size_t)fitting->factor.krows, width = (size_t)ncols;
    const double *l = fitting->factor.l + (size_t)group * krows * krows;
    const int32_t *order = fitting->factor.order + (size_t)group * krows;
    double *y = ohm_alloc_array(krows * width, sizeof *y);
    if (!y) return OHM_E_MEMORY;
    for (size_t i = 0; i < krows; i++) memcpy(y + i * width, b + (size_t)order[i] * width, width * sizeof *y);
    cblas_dtrsm(CblasRowMajor, CblasLeft, CblasLower, CblasNoTrans, CblasNonUnit, (int)krows, ncols, 1, l, (int)krows, y, ncols);
    cblas_dtrsm(CblasRowMajor, CblasLeft, CblasLower, CblasTrans, CblasNonUnit, (int)krows, ncols, 1, l, (int)krows, y, ncols);
    for (size_t i = 0; i < krows; i++) memcpy(x + (size_t)order[i] * width, y + i * width, width * sizeof *y);
    free(y);
    return OHM_OK;
}

void factor_importance(const struct fitting *fitting, int32_t group, double *importance) {
    const size_t krows = (size_t)fitting->factor.krows;
    const double *l = fitting->factor.l + (size_t)group * krows * krows;
    const int32_t *order = fitting->factor.order + (size_t)group * krows;
    for (size_t i = 0; i < krows; i++) importance[order[i]] = l[i * krows + i] * l[i * krows + i];
}
