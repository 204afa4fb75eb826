/* Every constraint after every other: what comes out is in both sets. */
#include "suite.h"
#define DRAW_SEED 0xE7037ED1A0B428DBull
#include "constraint_members.h"

static bool always(const struct projected *p, const double *z) { /* grids: whatever is in the lists */
    return p && z;
}

struct set {
    const char *name;
    projected_member *member;
    bool removes;
};
static const struct set sets[] = {{"window", always, false},
                                  {"uniform", always, false},
                                  {"power", always, false},
                                  {"additive", always, false},
                                  {"squeeze", member_of_squeeze, false},
                                  {"polarity", member_of_polarity, false},
                                  {"nm", member_of_nm, true},
                                  {"blockmax", member_of_blockmax, true},
                                  {"rows", member_of_rows, true},
                                  {"columns", member_of_columns, true},
                                  {"filters", member_of_filters, true},
                                  {"block", member_of_block, true},
                                  {"pattern", member_of_pattern, true},
                                  {"unify", member_of_unify, false}};
#define NSET (int32_t)(sizeof sets / sizeof *sets)

static struct projected draw_matrix(void) {
    struct projected p = projected_draw(9 * (1 + (int32_t)draw(5)), 1 + (int32_t)draw(30), 9, 70);
    p.common.weight_bits = 6;
    p.common.array_rows = 16;
    p.common.array_columns = 8;
    return p;
}

static void check_kept(const struct projected *p, const struct ohm_levels *levels) {
    for (int32_t i = 0; i < projected_count(p); i++) CU_ASSERT_EQUAL(ohm_level_nearest(&levels->list[levels->which[i]], p->z[i]), p->z[i]);
}

/* A second projection may choose otherwise among what is 0 anyhow, and unify needs the same mask for the same magnitudes; what a later constraint
 * takes from kernels changes their votes. */
static bool stays(const struct set *first, const struct set *second) {
    if (!strcmp(first->name, "pattern")) return !strcmp(second->name, "pattern");
    return strcmp(second->name, "unify") || !first->removes;
}

/* Grids need a multiple of what weights share, masks and the squeeze need 0: they refuse to come behind unify. */
static bool refuses(const struct set *first, const struct set *second) {
    return !strcmp(first->name, "unify") && strcmp(second->name, "unify") && strcmp(second->name, "polarity");
}

static void check_pair(const struct set *first, const struct set *second) {
    struct projected p = draw_matrix();
    struct ohm_levels *before = NULL;
    projected_use(&p, first->name);
    CU_ASSERT_EQUAL_FATAL(ohm_project(p.uses, 1, &p.matrix, p.v, p.z, &before), OHM_OK);
    projected_use(&p, second->name);
    if (refuses(first, second)) {
        projected_check_refused(&p, "before it");
    } else {
        bool held[9 * 5 * 30]; /* at 0 by the first one: no part of what unify does */
        (stays(first, second) ? projected_run : projected_run_once)(&p);
        check_kept(&p, before);
        for (int32_t i = 0; i < projected_count(&p); i++) held[i] = ohm_level_nearest(&before->list[before->which[i]], 1e9) == 0 && first->removes;
        CU_ASSERT(first->member(&p, p.z));
        CU_ASSERT(strcmp(second->name, "unify") ? second->member(&p, p.z) : member_of_unify_but(&p, p.z, held));
    }
    ohm_levels_free(before);
    projected_free(&p);
}

static void test_pairs(void) {
    for (int32_t n = 0; n < 10; n++)
        for (int32_t i = 0; i < NSET; i++)
            for (int32_t k = 0; k < NSET; k++) check_pair(&sets[i], &sets[k]);
}

/* Chains as they are used: a grid, what arrays need, what is removed. */
static void test_chains(void) {
    static const char *const chains[][OHM_MOST_CONSTRAINTS] = {{"window", "squeeze", "polarity", "nm"},
                                                               {"nm", "window", "squeeze", "polarity"},
                                                               {"pattern", "additive", "squeeze", "polarity"},
                                                               {"block", "rows", "window", "squeeze"},
                                                               {"uniform", "polarity", "squeeze", "filters"}};
    for (int32_t n = 0; n < 100; n++) {
        struct projected p = draw_matrix();
        for (int32_t i = 0; i < OHM_MOST_CONSTRAINTS; i++) projected_use(&p, chains[n % 5][i]);
        (strcmp(chains[n % 5][0], "pattern") ? projected_run : projected_run_once)(&p);
        for (int32_t i = 0; i < OHM_MOST_CONSTRAINTS; i++)
            for (int32_t k = 0; k < NSET; k++)
                if (!strcmp(chains[n % 5][i], sets[k].name)) CU_ASSERT(sets[k].member(&p, p.z));
        projected_free(&p);
    }
}

static void test_all_listed(void) {
    int32_t n = 0;
    while (ohm_constraints[n]) n++;
    CU_ASSERT_EQUAL(n, NSET);
}

int main(void) {
    const struct suite_test tests[] = {{"pairs", test_pairs}, {"chains", test_chains}, {"all constraints are here", test_all_listed}};
    return SUITE_RUN("constraint chain", tests);
}
