/* Uses driven by the same rows: whose columns make one block, so that rows are listed once for all of them. */
#include "ohmtally/memory.h"
#include "ohmtally/status.h"
#include "program.h"
#include <stdlib.h>

/* Neighbouring uses that share their rows' memory: designs add such uses one after another. */
struct stretch {
    const struct ohm_use *use;             /* the first */
    int32_t first, n, ncol, steps, leader; /* leader: first use of all that are driven alike */
};

static int by_rows(const void *left, const void *right) {
    const struct stretch *a = left, *b = right;
    if (a->use->nrow != b->use->nrow) return a->use->nrow < b->use->nrow ? -1 : 1;
    if (a->steps != b->steps) return a->steps < b->steps ? -1 : 1;
    for (int32_t r = 0; r < a->use->nrow; r++) {
        const struct ohm_row *x = &a->use->rows[r], *y = &b->use->rows[r];
        if (x->input != y->input) return x->input < y->input ? -1 : 1;
        if (x->shift != y->shift) return x->shift < y->shift ? -1 : 1;
    }
    return 0;
}

static int by_rows_and_place(const void *left, const void *right) {
    const struct stretch *a = left, *b = right;
    const int order = by_rows(a, b);
    return order ? order : (a->first > b->first) - (a->first < b->first);
}

static int by_leader(const void *left, const void *right) {
    const struct stretch *a = left, *b = right;
    if (a->leader != b->leader) return a->leader < b->leader ? -1 : 1;
    return (a->first > b->first) - (a->first < b->first);
}

static int32_t find_stretches(const struct ohm_plan *plan, const struct ohm_schedule *schedule, struct stretch *stretches) {
    int32_t n = 0;
    for (int32_t u = 0; u < plan->nuse; u++) {
        const struct ohm_use *use = &plan->uses[u];
        struct stretch *last = n ? &stretches[n - 1] : NULL;
        if (!last || last->use->rows != use->rows || last->use->nrow != use->nrow) {
            last = &stretches[n++];
            *last = (struct stretch){.use = use, .first = u, .steps = schedule->use_steps[u], .leader = u};
        }
        last->n++;
        last->ncol += use->ncol;
    }
    return n;
}

/* Those driven alike one after another, in the order of the first of each. */
static void bring_together(struct stretch *stretches, int32_t n) {
    qsort(stretches, (size_t)n, sizeof *stretches, by_rows_and_place);
    for (int32_t i = 1; i < n; i++)
        if (!by_rows(&stretches[i - 1], &stretches[i])) stretches[i].leader = stretches[i - 1].leader;
    qsort(stretches, (size_t)n, sizeof *stretches, by_leader);
}

static void fill_groups(const struct ohm_plan *plan, const struct stretch *stretches, int32_t n, struct use_groups *groups) {
    int32_t nuse = 0;
    groups->n = 0;
    for (int32_t i = 0; i < n; i++) {
        if (!i || stretches[i].leader != stretches[i - 1].leader)
            groups->group[groups->n++] = (struct use_group){.uses = groups->uses + nuse, .steps = stretches[i].steps};
        struct use_group *group = &groups->group[groups->n - 1];
        for (int32_t k = 0; k < stretches[i].n; k++) groups->uses[nuse++] = stretches[i].first + k;
        group->n += stretches[i].n;
        group->ncol += stretches[i].ncol;
    }
    for (int32_t u = 0, column = 0; u < plan->nuse; column += plan->uses[u++].ncol) groups->column_at[u] = column;
}

int use_groups_make(const struct ohm_plan *plan, const struct ohm_schedule *schedule, bool together, struct use_groups *groups) {
    const size_t n = (size_t)plan->nuse;
    struct stretch *stretches = ohm_alloc_array(n, sizeof *stretches);
    use_groups_free(groups);
    groups->group = ohm_alloc_array(n, sizeof *groups->group);
    groups->uses = ohm_alloc_array(n, sizeof *groups->uses);
    groups->column_at = ohm_alloc_array(n, sizeof *groups->column_at);
    const bool good = stretches && groups->group && groups->uses && groups->column_at;
    if (good) {
        const int32_t nstretch = find_stretches(plan, schedule, stretches);
        if (together) bring_together(stretches, nstretch);
        fill_groups(plan, stretches, nstretch, groups);
    }
    free(stretches);
    return good ? OHM_OK : OHM_E_MEMORY;
}

void use_groups_free(struct use_groups *groups) {
    free(groups->group);
    free(groups->uses);
    free(groups->column_at);
    *groups = (struct use_groups){0};
}
