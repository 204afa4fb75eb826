/* Levels of a window, until src/constraint is there. */
#include "ohmtally/constraint.h"
#include "ohmtally/grid.h"
#include "ohmtally/memory.h"
#include "ohmtally/status.h"
#include <math.h>
#include <stdlib.h>

double ohm_level_nearest(const struct ohm_level_list *list, double v) {
    int32_t low = 0, high = list->n - 1;
    while (low < high) {
        int32_t mid = (low + high) / 2;
        if (list->value[mid] < v)
            low = mid + 1;
        else
            high = mid;
    }
    if (low == 0) return list->value[0];
    double above = list->value[low], below = list->value[low - 1];
    if (above - v == v - below) return fabs(above) < fabs(below) ? above : below;
    return above - v < v - below ? above : below;
}

void ohm_levels_free(struct ohm_levels *levels) {
    if (levels) ohm_arena_free(levels->arena);
}

int ohm_project(const struct ohm_constraint_use *uses, int32_t nuse, const struct ohm_matrix *matrix, const double *v, double *z,
                struct ohm_levels **out) {
    struct ohm_grid grid = {.bits = uses[0].setting.weight_bits, .window = (int32_t)uses[0].setting.option[0]};
    struct ohm_arena *arena = ohm_arena_new();
    struct ohm_levels *levels = ohm_arena_alloc(arena, sizeof *levels);
    int32_t top = ohm_grid_top(&grid), n = 0;
    double *value = ohm_arena_array(arena, 2 * (size_t)top + 1, sizeof *value);
    for (int32_t m = -top; m <= top; m++)
        if (ohm_grid_nearest(&grid, (float)abs(m)) == abs(m)) value[n++] = m;
    *levels = (struct ohm_levels){.arena = arena, .krows = matrix->krows, .ncols = matrix->ncols, .nlist = 1};
    levels->list = ohm_arena_alloc(arena, sizeof *levels->list);
    levels->list[0] = (struct ohm_level_list){n, value, value[0], value[n - 1]};
    levels->which = ohm_arena_array(arena, (size_t)matrix->krows * (size_t)matrix->ncols, sizeof *levels->which);
    for (size_t i = 0; i < (size_t)matrix->krows * (size_t)matrix->ncols; i++) z[i] = ohm_level_nearest(&levels->list[0], v[i]);
    *out = levels;
    return OHM_OK;
}
