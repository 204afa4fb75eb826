/* Lists of levels, and the nearest of a list. */
#include "ohmtally/status.h"
#include "sets.h"
#include <math.h>
#include <string.h>

struct ohm_levels *ohm_levels_new(int32_t krows, int32_t ncols) {
    struct ohm_arena *arena = ohm_arena_new();
    struct ohm_levels *levels = arena ? ohm_arena_alloc(arena, sizeof *levels) : NULL;
    if (levels) {
        *levels = (struct ohm_levels){.arena = arena, .krows = krows, .ncols = ncols, .nlist = 1, .room = 16};
        levels->list = ohm_arena_array(arena, (size_t)levels->room, sizeof *levels->list);
        levels->which = ohm_arena_array(arena, (size_t)krows * (size_t)ncols, sizeof *levels->which);
    }
    if (!levels || !levels->list || !levels->which) {
        ohm_arena_free(arena);
        return NULL;
    }
    levels->list[0] = (struct ohm_level_list){.lo = -INFINITY, .hi = INFINITY};
    return levels;
}

void ohm_levels_free(struct ohm_levels *levels) {
    if (levels) ohm_arena_free(levels->arena);
}

static int make_room(struct ohm_levels *levels) {
    if (levels->nlist < levels->room) return OHM_OK;
    if (levels->nlist > UINT16_MAX)
        return ohm_fail(OHM_E_USAGE, "weights would need more than %d different lists of levels; put a grid first, or use larger blocks", UINT16_MAX);
    struct ohm_level_list *larger = ohm_arena_array(levels->arena, 2 * (size_t)levels->room, sizeof *larger);
    if (!larger) return OHM_E_MEMORY;
    memcpy(larger, levels->list, (size_t)levels->nlist * sizeof *larger);
    levels->list = larger;
    levels->room *= 2;
    return OHM_OK;
}

int32_t levels_add(struct ohm_levels *levels, struct ohm_level_list list) {
    if (make_room(levels)) return -1;
    if (list.n) {
        list.lo = list.value[0];
        list.hi = list.value[list.n - 1];
    }
    levels->list[levels->nlist] = list;
    return levels->nlist++;
}

int levels_part(struct ohm_levels *levels, int32_t i, double lo, double hi, int32_t *part) {
    struct ohm_level_list list = levels->list[i];
    int32_t first = 0, end = list.n;
    *part = i;
    if (list.lo >= lo && list.hi <= hi) return OHM_OK;
    *part = -1;
    if (list.lo > hi || list.hi < lo) return OHM_OK;
    while (first < end && list.value[first] < lo) first++;
    while (first < end && list.value[end - 1] > hi) end--;
    if (list.n && first == end) return OHM_OK;
    struct ohm_level_list within = {.n = end - first, .lo = list.lo > lo ? list.lo : lo, .hi = list.hi < hi ? list.hi : hi};
    within.value = list.n ? list.value + first : NULL;
    *part = levels_add(levels, within);
    return *part < 0 ? ohm_fail_status() : OHM_OK;
}

int32_t levels_zero(struct ohm_levels *levels) {
    static const double zero = 0;
    for (int32_t i = 0; i < levels->nlist; i++)
        if (levels->list[i].n == 1 && levels->list[i].value[0] == 0) return i;
    return levels_add(levels, (struct ohm_level_list){.n = 1, .value = &zero});
}

int levels_check_zero(const struct ohm_levels *levels, const char *name) {
    for (int32_t i = 0; i < levels->nlist; i++)
        if (ohm_level_nearest(&levels->list[i], 0) != 0)
            return ohm_fail(OHM_E_USAGE, "%s: an earlier constraint leaves weights that cannot be 0; put %s before it", name, name);
    return OHM_OK;
}

/* Halves without a branch: the values of v come in no order. */
int32_t levels_at_most(const struct ohm_level_list *list, double v) {
    const double *from = list->value;
    for (int32_t n = list->n; n > 1;) {
        int32_t half = n / 2;
        from = from[half - 1] <= v ? from + half : from;
        n -= half;
    }
    return (int32_t)(from - list->value) + (*from <= v);
}

double ohm_level_nearest(const struct ohm_level_list *list, double v) {
    if (!list->n) return v < list->lo ? list->lo : v > list->hi ? list->hi : v;
    int32_t above = levels_at_most(list, v);
    if (above == 0) return list->value[0];
    if (above == list->n) return list->value[list->n - 1];
    double lower = list->value[above - 1], upper = list->value[above], down = v - lower, up = upper - v;
    if (down == up) return fabs(lower) < fabs(upper) ? lower : upper;
    return down < up ? lower : upper;
}
