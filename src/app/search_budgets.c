/* Points of the frontier for stated numbers of crossbars: no other choice of as many has a smaller sum of sensitivities, as far as hulls say. */
#include "ohmtally/status.h"
#include "ohmtally/text.h"
#include "search.h"

int search_plan_budgets(struct search *search) {
    const struct ohm_job *job = search->study->job;
    const char *values[SEARCH_MOST_VALUES];
    if (!job->search.crossbars) return OHM_OK;
    OHM_TRY(search_split(job, "crossbars", job->search.crossbars, values, &search->nbudget));
    search->budgets = ohm_arena_array(job->arena, (size_t)search->nbudget, sizeof *search->budgets);
    if (!search->budgets) return OHM_E_MEMORY;
    for (int32_t b = 0; b < search->nbudget; b++)
        if (ohm_text_int64(values[b], &search->budgets[b].crossbars) || search->budgets[b].crossbars < 1)
            return ohm_fail(OHM_E_USAGE, "%s: search.crossbars: '%s' is not a whole number from 1 on", job->path, values[b]);
    return OHM_OK;
}

int search_check_budgets(const struct search *search) {
    int64_t least = 0;
    for (int32_t i = 0; i < search->nlayer; i++) {
        const int64_t *crossbars = search->crossbars + (size_t)i * (size_t)search->ncandidate;
        int64_t fewest = crossbars[0];
        for (int32_t k = 1; k < search->ncandidate; k++)
            if (crossbars[k] < fewest) fewest = crossbars[k];
        least += fewest;
    }
    for (int32_t b = 0; b < search->nbudget; b++)
        if (search->budgets[b].crossbars < least)
            return ohm_fail(OHM_E_USAGE, "%s: search.crossbars: %lld are too few; the layers take %lld at least", search->study->job->path,
                            (long long)search->budgets[b].crossbars, (long long)least);
    return OHM_OK;
}

int search_try_budgets(struct search *search, int32_t *choice) {
    const struct trial *trial;
    for (int32_t b = 0; b < search->nbudget; b++) {
        struct budget *budget = &search->budgets[b];
        do {
            ohm_frontier_choice(&search->frontier, budget->nmove, choice);
        } while (search_crossbars(search, choice) > budget->crossbars && ++budget->nmove <= search->frontier.nmove);
        OHM_TRY(search_try_moves(search, budget->nmove, choice, &trial));
    }
    return OHM_OK;
}

void search_find_budgets(struct search *search) {
    for (int32_t b = 0; b < search->nbudget; b++)
        for (int32_t t = SEARCH_UNIFORM; t < search->ntrial; t++)
            if (search->trials[t].nmove == search->budgets[b].nmove) search->budgets[b].trial = &search->trials[t];
}
