/* Constraints one after another, then every weight to the nearest of what they left it. */
#include "ohmtally/status.h"
#include "sets.h"

int ohm_project(const struct ohm_constraint_use *uses, int32_t nuse, const struct ohm_matrix *matrix, const double *v, double *z,
                struct ohm_levels **kept) {
    struct ohm_levels *levels = ohm_levels_new(matrix->krows, matrix->ncols);
    if (!levels) return OHM_E_MEMORY;
    for (int32_t i = 0; i < nuse; i++) {
        int status = uses[i].constraint->narrow(&uses[i].setting, matrix, v, levels);
        if (!status) continue;
        ohm_levels_free(levels);
        return status;
    }
    size_t count = (size_t)matrix->krows * (size_t)matrix->ncols;
    for (size_t i = 0; i < count; i++) z[i] = ohm_level_nearest(levels_at(levels, i), v[i]);
    if (kept)
        *kept = levels;
    else
        ohm_levels_free(levels);
    return OHM_OK;
}
