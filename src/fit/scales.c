/* Scales: of a fixed list of shares of the largest, for every output the one at which the unit costs least. */
#include "fit.h"
#include "ohmtally/memory.h"
#include "ohmtally/status.h"
#include <stdlib.h>
#include <string.h>

#define TRIED_ROWS 256 /* up to this many rows every share is tried to the end; above, by what rounding costs when later rows can make up for it */
#define FEW_ROWS 64
#define FINE 48 /* shares tried on few rows */
#define MIDDLE 20
#define COARSE 12

static int32_t shares_of(size_t krows) {
    return krows <= FEW_ROWS ? FINE : krows <= TRIED_ROWS ? MIDDLE : COARSE;
}

/* From somewhat above the largest weight's scale to less than half of it: levels of a window repeat from octave to octave. */
static double share(int32_t i, int32_t n) {
    return 1.06 - 0.66 * i / (n - 1);
}

/* error [ncols] of every output at the scales in force; z is left there. */
static int try_scales(struct fitting *fitting, struct unit *unit, const double *importance, double *error) {
    const size_t krows = (size_t)fitting->factor.krows, ncols = (size_t)unit->ncols;
    OHM_TRY(unit_project(fitting, unit, importance, unit->v, unit->z));
    if (krows <= TRIED_ROWS) {
        OHM_TRY(unit_refine(fitting, unit));
        OHM_TRY(unit_descend(fitting, unit));
        return unit_error(fitting, unit, error, NULL);
    }
    memset(error, 0, ncols * sizeof *error);
    for (size_t i = 0; i < krows * ncols; i++) error[i % ncols] += importance[i / ncols] * (unit->v[i] - unit->z[i]) * (unit->v[i] - unit->z[i]);
    return OHM_OK;
}

int unit_scales(struct fitting *fitting, struct unit *unit) {
    const size_t krows = (size_t)fitting->factor.krows, ncols = (size_t)unit->ncols;
    const int32_t shares = shares_of(krows);
    double *room = ohm_alloc_array(4 * ncols + krows, sizeof *room), *largest = room, *error = room + ncols, *least = room + 2 * ncols;
    double *best = room + 3 * ncols, *importance = room + 4 * ncols;
    int status = room ? OHM_OK : OHM_E_MEMORY;
    if (!status) {
        factor_importance(fitting, unit->group, importance);
        memcpy(largest, unit->scale, ncols * sizeof *largest);
    }
    for (int32_t i = 0; !status && i < shares; i++) {
        for (size_t n = 0; n < ncols; n++) unit->scale[n] = largest[n] * share(i, shares);
        status = try_scales(fitting, unit, importance, error);
        for (size_t n = 0; !status && n < ncols; n++)
            if (i == 0 || error[n] < least[n]) {
                least[n] = error[n];
                best[n] = unit->scale[n];
            }
    }
    if (!status) memcpy(unit->scale, best, ncols * sizeof *best);
    free(room);
    return status;
}
