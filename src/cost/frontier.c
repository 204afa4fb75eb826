/* Lower convex hulls of layers, merged by slope. */
#include "ohmtally/frontier.h"
#include "ohmtally/status.h"
#include <stdlib.h>
#include <string.h>

/* A candidate of one layer. */
struct place {
    int64_t crossbars;
    double loss;
    int32_t candidate;
};
struct sloped {
    struct ohm_frontier_move move;
    double slope;
};

static int by_crossbars(const void *a, const void *b) {
    const struct place *x = a, *y = b;
    if (x->crossbars != y->crossbars) return x->crossbars > y->crossbars ? -1 : 1;
    if (x->loss != y->loss) return x->loss < y->loss ? -1 : 1;
    return (x->candidate > y->candidate) - (x->candidate < y->candidate);
}

/* Slopes of one layer grow strictly along its hull, so that its moves keep their order. */
static int by_slope(const void *a, const void *b) {
    const struct sloped *x = a, *y = b;
    if (x->slope != y->slope) return x->slope < y->slope ? -1 : 1;
    return (x->move.layer > y->move.layer) - (x->move.layer < y->move.layer);
}

/* Loss of each crossbar saved from one place to a later one. */
static double slope(const struct place *from, const struct place *to) {
    return (to->loss - from->loss) / (double)(from->crossbars - to->crossbars);
}

/* The hull of one layer in place, from its least loss on; returns how many places are left. */
static int32_t hull(struct place *places, int32_t n) {
    int32_t kept = 0;
    qsort(places, (size_t)n, sizeof *places, by_crossbars);
    for (int32_t i = 0; i < n; i++) {
        const struct place next = places[i];
        if (kept && next.crossbars == places[kept - 1].crossbars) continue; /* the first of these has the least loss */
        while (kept && next.loss <= places[kept - 1].loss) kept--;
        while (kept > 1 && slope(&places[kept - 1], &next) <= slope(&places[kept - 2], &places[kept - 1])) kept--;
        places[kept++] = next;
    }
    return kept;
}

static int32_t add_layer(int32_t layer, int32_t ncandidate, struct place *places, int32_t *start, struct sloped *moves) {
    int32_t n = hull(places, ncandidate);
    *start = places[0].candidate;
    for (int32_t i = 1; i < n; i++) moves[i - 1] = (struct sloped){{layer, places[i].candidate}, slope(&places[i - 1], &places[i])};
    return n - 1;
}

int ohm_frontier_make(int32_t nlayer, int32_t ncandidate, const int64_t *crossbars, const double *loss, struct ohm_arena *arena,
                      struct ohm_frontier *frontier) {
    size_t all = (size_t)nlayer * (size_t)ncandidate;
    int32_t *start = ohm_arena_array(arena, (size_t)nlayer, sizeof *start), nmove = 0;
    struct ohm_frontier_move *moves = ohm_arena_array(arena, all, sizeof *moves);
    struct place *places = ohm_alloc_array((size_t)ncandidate, sizeof *places);
    struct sloped *sloped = ohm_alloc_array(all, sizeof *sloped);
    int status = start && moves && places && sloped ? OHM_OK : OHM_E_MEMORY;
    for (int32_t i = 0; !status && i < nlayer; i++) {
        size_t first = (size_t)i * (size_t)ncandidate;
        for (int32_t k = 0; k < ncandidate; k++) places[k] = (struct place){crossbars[first + (size_t)k], loss[first + (size_t)k], k};
        nmove += add_layer(i, ncandidate, places, &start[i], sloped + nmove);
    }
    if (!status) {
        qsort(sloped, (size_t)nmove, sizeof *sloped, by_slope);
        for (int32_t m = 0; m < nmove; m++) moves[m] = sloped[m].move;
        *frontier = (struct ohm_frontier){nlayer, nmove, start, moves};
    }
    free(places);
    free(sloped);
    return status;
}

void ohm_frontier_choice(const struct ohm_frontier *frontier, int32_t nmove, int32_t *choice) {
    memcpy(choice, frontier->start, (size_t)frontier->nlayer * sizeof *choice);
    for (int32_t m = 0; m < nmove; m++) choice[frontier->moves[m].layer] = frontier->moves[m].candidate;
}
