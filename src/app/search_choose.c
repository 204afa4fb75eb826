/* Which points are tried, and which is taken. Losses need not grow along the frontier, neither by their nature nor as counts of images: the search
 * halves the stretch between the last point seen within the budget and the next seen beyond it, and takes the smallest of all it has seen within. */
#include "ohmtally/status.h"
#include "search.h"
#include <stdlib.h>

#define SPREAD 8 /* points along the frontier, ends included */

static int try_uniform(struct search *search, int32_t *choice) {
    const struct trial *trial;
    for (int32_t k = 0; k < search->ncandidate; k++) {
        for (int32_t i = 0; i < search->nlayer; i++) choice[i] = k;
        OHM_TRY(search_try(search, search->candidates[k].name, choice, -1, &trial));
        if (k == 0) search->reference = trial;
    }
    return OHM_OK;
}

int search_try_moves(struct search *search, int32_t nmove, int32_t *choice, const struct trial **trial) {
    char name[32];
    for (int32_t t = SEARCH_UNIFORM; t < search->ntrial; t++)
        if (search->trials[t].nmove == nmove) {
            *trial = &search->trials[t];
            return OHM_OK;
        }
    snprintf(name, sizeof name, "frontier %d/%d", nmove, search->frontier.nmove);
    ohm_frontier_choice(&search->frontier, nmove, choice);
    return search_try(search, name, choice, nmove, trial);
}

static bool within(const struct search *search, const struct trial *trial) {
    return search_loss(search, trial) <= search->study->job->search.loss;
}

int64_t search_crossbars(const struct search *search, const int32_t *choice) {
    int64_t sum = 0;
    for (int32_t i = 0; i < search->nlayer; i++) sum += search->crossbars[i * search->ncandidate + choice[i]];
    return sum;
}

/* Points at even steps of crossbars. */
static int try_spread(struct search *search, int32_t *choice) {
    const struct ohm_frontier *frontier = &search->frontier;
    const struct trial *trial;
    ohm_frontier_choice(frontier, frontier->nmove, choice);
    int64_t least = search_crossbars(search, choice);
    ohm_frontier_choice(frontier, 0, choice);
    int64_t most = search_crossbars(search, choice);
    for (int32_t p = 0, m = 0, last = -1; p < SPREAD; p++) {
        for (;; m++) {
            ohm_frontier_choice(frontier, m, choice);
            if (search_crossbars(search, choice) <= most - (most - least) * p / (SPREAD - 1)) break;
        }
        if (m == last) continue;
        OHM_TRY(search_try_moves(search, m, choice, &trial));
        last = m;
    }
    return OHM_OK;
}

/* Between the furthest point within the budget and the next one seen. */
static int halve(struct search *search, int32_t *choice) {
    int32_t good = -1, bad = search->frontier.nmove + 1;
    const struct trial *trial;
    for (int32_t t = SEARCH_UNIFORM; t < search->ntrial; t++)
        if (search->trials[t].nmove > good && within(search, &search->trials[t])) good = search->trials[t].nmove;
    for (int32_t t = SEARCH_UNIFORM; t < search->ntrial; t++)
        if (search->trials[t].nmove > good && search->trials[t].nmove < bad) bad = search->trials[t].nmove;
    while (good >= 0 && bad - good > 1) {
        int32_t middle = good + (bad - good) / 2;
        OHM_TRY(search_try_moves(search, middle, choice, &trial));
        if (within(search, trial))
            good = middle;
        else
            bad = middle;
    }
    return OHM_OK;
}

/* The reference itself is within any budget. */
static void take_smallest(struct search *search) {
    const struct trial *best = search->reference;
    for (int32_t t = SEARCH_UNIFORM; t < search->ntrial; t++) {
        const struct trial *trial = &search->trials[t];
        if (!within(search, trial)) continue;
        if (trial->crossbars < best->crossbars || (trial->crossbars == best->crossbars && trial->hits > best->hits)) best = trial;
    }
    search->chosen = best;
}

static int by_moves(const void *a, const void *b) {
    const struct trial *x = a, *y = b;
    return (x->nmove > y->nmove) - (x->nmove < y->nmove);
}

int search_choose(struct search *search) {
    struct study *study = search->study;
    int32_t *choice = ohm_alloc_array((size_t)search->nlayer, sizeof *choice), first;
    int status =
        choice ? ohm_frontier_make(search->nlayer, search->ncandidate, search->crossbars, search->sensitivity, study->job->arena, &search->frontier)
               : OHM_E_MEMORY;
    status = ohm_world_agree(&study->world, status);
    if (!status) status = try_uniform(search, choice);
    first = search->ntrial;
    if (!status) status = search_try_budgets(search, choice);
    if (!status) status = try_spread(search, choice);
    if (!status) status = halve(search, choice);
    free(choice);
    if (status) return status;
    qsort(search->trials + first, (size_t)(search->ntrial - first), sizeof *search->trials, by_moves);
    take_smallest(search);
    search_find_budgets(search);
    return OHM_OK;
}
