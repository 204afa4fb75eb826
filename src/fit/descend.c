/* Weights moved one at a time to the level at which (V - Z)' H (V - Z) is least, row after row, all columns side by side; between two sweeps every
 * output's scale is refitted. No step makes an error larger. */
#include "fit.h"
#include "ohmtally/memory.h"
#include "ohmtally/status.h"
#include <cblas.h>
#include <stdlib.h>
#include <string.h>

#define PANEL 64 /* rows between two products with H */

struct descending {
    const struct unit *unit;
    const double *h;
    size_t krows, ncols;
    double *g, *d; /* [krows][ncols] H (v - z); [PANEL][ncols] moves of a panel */
};

/* Moves one row; d is how far. */
static bool move_row(const struct descending *s, size_t row, double *d) {
    const double curvature = s->h[row * s->krows + row], *g = s->g + row * s->ncols;
    const uint16_t *which = s->unit->levels->which + row * s->ncols;
    double *z = s->unit->z + row * s->ncols;
    bool any = false;
    for (size_t n = 0; n < s->ncols; n++) {
        double scale = s->unit->scale[n];
        double best = scale * ohm_level_nearest(&s->unit->levels->list[which[n]], (z[n] + g[n] / curvature) / scale), step = best - z[n];
        d[n] = 0;
        if (step == 0 || step * (curvature * step - 2 * g[n]) >= 0) continue; /* a move gains -2 g step + curvature step^2 */
        d[n] = step;
        z[n] = best;
        any = true;
    }
    return any;
}

static void update_rows(const struct descending *s, size_t from, size_t to, size_t first, size_t count) {
    if (from == to) return;
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)(to - from), (int)s->ncols, (int)count, -1, s->h + from * s->krows + first,
                (int)s->krows, s->d, (int)s->ncols, 1, s->g + from * s->ncols, (int)s->ncols);
}

static bool sweep(const struct descending *s) {
    bool any = false;
    for (size_t first = 0, end; first < s->krows; first = end) {
        bool moved = false;
        end = s->krows - first > PANEL ? first + PANEL : s->krows;
        for (size_t row = first; row < end; row++) {
            double *d = s->d + (row - first) * s->ncols;
            if (!move_row(s, row, d)) continue;
            moved = true;
            for (size_t j = first; j < end; j++) {
                const double h = s->h[j * s->krows + row];
                for (size_t n = 0; n < s->ncols; n++) s->g[j * s->ncols + n] -= h * d[n];
            }
        }
        if (!moved) continue;
        update_rows(s, 0, first, first, end - first);
        update_rows(s, end, s->krows, first, end - first);
        any = true;
    }
    return any;
}

/* The factor on z that is best for each output: v' H z / z' H z, with H z = H v - g. */
static int refit_scales(struct fitting *fitting, struct unit *unit, double *g) {
    const size_t krows = (size_t)fitting->factor.krows, ncols = (size_t)unit->ncols;
    double *hz = ohm_alloc_array(krows * ncols, sizeof *hz), *cross = ohm_alloc_array(2 * ncols, sizeof *cross), *power = cross + ncols;
    int status = hz && cross ? OHM_OK : OHM_E_MEMORY;
    if (!status) {
        cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)krows, (int)ncols, (int)krows, 1, moments(fitting, unit), (int)krows, unit->z,
                    (int)ncols, 0, hz, (int)ncols);
        for (size_t i = 0; i < krows * ncols; i++) {
            cross[i % ncols] += unit->v[i] * hz[i];
            power[i % ncols] += unit->z[i] * hz[i];
        }
        for (size_t n = 0; n < ncols; n++) {
            double factor = power[n] > 0 && cross[n] > 0 ? cross[n] / power[n] : 1;
            power[n] = factor < 0.5 ? 0.5 : factor > 2 ? 2 : factor;
            unit->scale[n] *= power[n];
        }
        for (size_t i = 0; i < krows * ncols; i++) {
            g[i] += (1 - power[i % ncols]) * hz[i];
            unit->z[i] *= power[i % ncols];
        }
    }
    free(hz);
    free(cross);
    return status;
}

int unit_descend(struct fitting *fitting, struct unit *unit) {
    const size_t krows = (size_t)fitting->factor.krows, ncols = (size_t)unit->ncols;
    struct descending s = {.unit = unit,
                           .h = moments(fitting, unit),
                           .krows = krows,
                           .ncols = ncols,
                           .g = ohm_alloc_array(krows * ncols, sizeof(double)),
                           .d = ohm_alloc_array(PANEL * ncols, sizeof(double))};
    double *error = ohm_alloc_array(ncols, sizeof *error);
    int status = s.g && s.d && error ? unit_error(fitting, unit, error, s.g) : OHM_E_MEMORY;
    for (int32_t k = 0; !status && k < fitting->request->options->sweeps; k++) {
        if (!sweep(&s) && k) break;
        if (fitting->request->options->scales) status = refit_scales(fitting, unit, s.g);
    }
    free(s.g);
    free(s.d);
    free(error);
    return status;
}
