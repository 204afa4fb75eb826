/* Rounding row after row, each with what the rows before it leave to be made up for: with H = L L', (V - Z)' H (V - Z) is the sum over rows i of
 * (L[i][i] (v - z)[i] + sum over j > i of L[j][i] (v - z)[j])^2, so that from the last row on each square is made as small as levels allow. */
#include "fit.h"
#include "ohmtally/memory.h"
#include "ohmtally/status.h"
#include <cblas.h>
#include <stdlib.h>
#include <string.h>

#define PANEL 64 /* rows between two products with the factor */

struct refining {
    const struct unit *unit;
    const int32_t *order;
    const double *l;
    size_t krows, ncols;
    double *e, *t; /* [krows][ncols] errors v - z in the factor's order; [PANEL][ncols] sums of a panel */
};

/* Rounds place i, whose sums are t; e becomes the error. */
static void round_row(const struct refining *r, size_t i, const double *t) {
    const size_t row = (size_t)r->order[i];
    const double *v = r->unit->v + row * r->ncols, pivot = r->l[i * r->krows + i];
    const uint16_t *which = r->unit->levels->which + row * r->ncols;
    double *z = r->unit->z + row * r->ncols, *e = r->e + i * r->ncols;
    for (size_t n = 0; n < r->ncols; n++) {
        double scale = r->unit->scale[n];
        z[n] = scale * ohm_level_nearest(&r->unit->levels->list[which[n]], (v[n] + t[n] / pivot) / scale);
        e[n] = v[n] - z[n];
    }
}

static void round_panel(const struct refining *r, size_t first, size_t end) {
    const int width = (int)r->ncols, k = (int)r->krows;
    memset(r->t, 0, (end - first) * r->ncols * sizeof *r->t);
    if (end < r->krows)
        cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (int)(end - first), width, (int)(r->krows - end), 1, r->l + end * r->krows + first, k,
                    r->e + end * r->ncols, width, 0, r->t, width);
    for (size_t i = end; i-- > first;) {
        const double *l = r->l + i * r->krows, *e = r->e + i * r->ncols;
        round_row(r, i, r->t + (i - first) * r->ncols);
        for (size_t j = first; j < i; j++)
            for (size_t n = 0; n < r->ncols; n++) r->t[(j - first) * r->ncols + n] += l[j] * e[n];
    }
}

int unit_refine(struct fitting *fitting, struct unit *unit) {
    const size_t krows = (size_t)fitting->factor.krows, ncols = (size_t)unit->ncols;
    struct refining r = {.unit = unit,
                         .order = fitting->factor.order + (size_t)unit->group * krows,
                         .l = fitting->factor.l + (size_t)unit->group * krows * krows,
                         .krows = krows,
                         .ncols = ncols,
                         .e = ohm_alloc_array(krows * ncols, sizeof(double)),
                         .t = ohm_alloc_array(PANEL * ncols, sizeof(double))};
    int status = r.e && r.t ? OHM_OK : OHM_E_MEMORY;
    for (size_t end = krows, first; !status && end > 0; end = first) {
        first = end > PANEL ? end - PANEL : 0;
        round_panel(&r, first, end);
    }
    free(r.e);
    free(r.t);
    return status;
}
