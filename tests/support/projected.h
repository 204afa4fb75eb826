/* Random matrices, projected by one constraint or several: what every projection must be, and the best point of a set by looking at all of them. The
 * file that includes this says where its sequence begins: DRAW_SEED. */
#ifndef OHM_TEST_PROJECTED_H
#define OHM_TEST_PROJECTED_H
#include "draw.h"
#include "ohmtally/constraint.h"
#include "ohmtally/status.h"
#include "suite.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

struct projected {
    struct ohm_matrix matrix;
    double *scale, *importance; /* as the matrix has them, but here to be written */
    double *v, *z;
    struct ohm_design_setting common; /* for uses that are added */
    struct ohm_constraint_use uses[OHM_MOST_CONSTRAINTS];
    int32_t nuse;
    struct ohm_levels *levels; /* of the last projection */
};

static inline int32_t projected_count(const struct projected *p) {
    return p->matrix.krows * p->matrix.ncols;
}

/* Values up to `most`, one in four of them a multiple of 1/2: those lie in the middle of two levels. */
static inline double projected_value(double most) {
    double v = most * ((double)draw(2000001) - 1e6) / 1e6;
    return draw(4) ? v : rint(2 * v) / 2;
}

/* Columns of different scales; rows all of one importance, or of different ones, some of them 0. */
static inline struct projected projected_draw(int32_t krows, int32_t ncols, int32_t taps, double most) {
    struct projected p = {.matrix = {.krows = krows, .ncols = ncols, .taps = taps}};
    size_t count = (size_t)krows * (size_t)ncols;
    p.common = (struct ohm_design_setting){.array_rows = 128, .array_columns = 128, .activation_bits = 8, .weight_bits = 8, .per_channel = true};
    p.matrix.scale = p.scale = ohm_alloc_array((size_t)ncols, sizeof *p.scale);
    p.importance = ohm_alloc_array((size_t)krows, sizeof *p.importance);
    p.v = ohm_alloc_array(count, sizeof *p.v);
    p.z = ohm_alloc_array(count, sizeof *p.z);
    for (int32_t c = 0; c < ncols; c++) p.scale[c] = 0.001 * (1 + draw(100));
    for (int32_t r = 0; r < krows; r++) p.importance[r] = draw(5) ? 0.1 * draw(100) : 0;
    if (draw(3)) p.matrix.importance = p.importance;
    for (size_t i = 0; i < count; i++) p.v[i] = projected_value(most);
    return p;
}

static inline void projected_free(struct projected *p) {
    ohm_levels_free(p->levels);
    free(p->scale);
    free(p->importance);
    free(p->v);
    free(p->z);
}

static inline void projected_use(struct projected *p, const char *name) {
    struct ohm_constraint_use *use = &p->uses[p->nuse++];
    use->constraint = ohm_constraint_find(name);
    CU_ASSERT_PTR_NOT_NULL_FATAL(use->constraint);
    use->setting = p->common;
    ohm_constraint_defaults(use->constraint, &use->setting);
}

/* An option of the constraint that was added last. */
static inline void projected_set(struct projected *p, const char *key, const char *value) {
    struct ohm_constraint_use *use = &p->uses[p->nuse - 1];
    CU_ASSERT_EQUAL_FATAL(ohm_constraint_set(use->constraint, &use->setting, key, value), OHM_OK);
}

static inline void projected_set_number(struct projected *p, const char *key, int32_t value) {
    char number[16];
    snprintf(number, sizeof number, "%d", (int)value);
    projected_set(p, key, number);
}

/* A use with one option. */
static inline void projected_use_with(struct projected *p, const char *name, const char *key, int32_t value) {
    projected_use(p, name);
    projected_set_number(p, key, value);
}

static inline double projected_distance(const struct projected *p, const double *z) {
    double sum = 0;
    for (int32_t i = 0; i < projected_count(p); i++) {
        double off = p->scale[i % p->matrix.ncols] * (p->v[i] - z[i]);
        sum += off * off * (p->matrix.importance ? p->importance[i / p->matrix.ncols] : 1);
    }
    return sum;
}

/* Nothing in a list is nearer than z, and z is in it. */
static inline void projected_check_nearest(const struct ohm_level_list *list, double v, double z) {
    bool held = !list->n && z == fmin(fmax(v, list->lo), list->hi), nearer = false;
    double off_z = fabs(v - z);
    for (int32_t k = 0; k < list->n; k++) {
        double off = fabs(v - list->value[k]);
        held |= list->value[k] == z;
        nearer |= off < off_z || (off == off_z && fabs(list->value[k]) < fabs(z));
    }
    CU_ASSERT(held && !nearer);
}

static inline void projected_check_ascending(const struct ohm_levels *levels) {
    bool ascending = true;
    for (int32_t i = 0; i < levels->nlist; i++)
        for (int32_t k = 1; k < levels->list[i].n; k++) ascending &= levels->list[i].value[k - 1] < levels->list[i].value[k];
    CU_ASSERT(ascending);
}

/* Projects v; z is the nearest of every weight's levels. */
static inline void projected_run_once(struct projected *p) {
    struct ohm_levels *levels = NULL;
    for (int32_t i = 0; i < p->nuse; i++)
        if (p->uses[i].constraint->configure) CU_ASSERT_EQUAL_FATAL(p->uses[i].constraint->configure(&p->uses[i].setting), OHM_OK);
    CU_ASSERT_EQUAL_FATAL(ohm_project(p->uses, p->nuse, &p->matrix, p->v, p->z, &levels), OHM_OK);
    CU_ASSERT_FATAL(levels && levels->krows == p->matrix.krows && levels->ncols == p->matrix.ncols);
    projected_check_ascending(levels);
    for (int32_t i = 0; i < projected_count(p); i++) projected_check_nearest(&levels->list[levels->which[i]], p->v[i], p->z[i]);
    ohm_levels_free(p->levels);
    p->levels = levels;
}

/* The same; and the projection leaves z where it is. */
static inline void projected_run(struct projected *p) {
    size_t bytes = (size_t)projected_count(p) * sizeof *p->z;
    double *again = ohm_alloc(bytes);
    projected_run_once(p);
    CU_ASSERT_EQUAL(ohm_project(p->uses, p->nuse, &p->matrix, p->z, again, NULL), OHM_OK);
    for (int32_t i = 0; i < projected_count(p); i++) CU_ASSERT_EQUAL(again[i], p->z[i]);
    memcpy(again, p->v, bytes);
    CU_ASSERT_EQUAL(ohm_project(p->uses, p->nuse, &p->matrix, again, again, NULL), OHM_OK); /* in place */
    CU_ASSERT(!memcmp(again, p->z, bytes));
    free(again);
}

/* Whether z [krows][ncols] lies in a set, from the set's definition. */
typedef bool projected_member(const struct projected *p, const double *z);

/* Least distance of all members whose weights keep to their lists. */
static inline double projected_least(const struct projected *p, const struct ohm_levels *levels, projected_member *member) {
    int32_t count = projected_count(p), at[32] = {0}, i = 0;
    double z[32], least = INFINITY;
    CU_ASSERT_FATAL(count <= 32);
    for (int32_t k = 0; k < count; k++) z[k] = levels->list[levels->which[k]].value[0];
    while (i < count) {
        double distance = projected_distance(p, z);
        if (distance < least && member(p, z)) least = distance;
        for (i = 0; i < count; i++) { /* the next combination */
            const struct ohm_level_list *list = &levels->list[levels->which[i]];
            at[i] = (at[i] + 1) % list->n;
            z[i] = list->value[at[i]];
            if (at[i]) break;
        }
    }
    return least;
}

/* The last use against all there is within the lists that those before it leave: z is in its set, and nothing in the set is nearer. */
static inline void projected_check_best(struct projected *p, projected_member *member) {
    struct ohm_levels *before = NULL;
    CU_ASSERT_EQUAL_FATAL(ohm_project(p->uses, p->nuse - 1, &p->matrix, p->v, p->z, &before), OHM_OK);
    projected_run(p);
    double distance = projected_distance(p, p->z), least = projected_least(p, before, member);
    CU_ASSERT(member(p, p->z));
    CU_ASSERT(fabs(distance - least) <= 1e-12 * (distance + least));
    ohm_levels_free(before);
}

/* What a projection is refused for. */
static inline void projected_check_refused(struct projected *p, const char *says) {
    struct ohm_failure failure = {0};
    struct ohm_constraint_use *last = &p->uses[p->nuse - 1];
    int status = last->constraint->configure ? last->constraint->configure(&last->setting) : OHM_OK;
    if (!status) status = ohm_project(p->uses, p->nuse, &p->matrix, p->v, p->z, NULL);
    CU_ASSERT_EQUAL(status, OHM_E_USAGE);
    ohm_fail_take(&failure);
    CU_ASSERT_PTR_NOT_NULL(strstr(failure.text, says));
    if (!strstr(failure.text, says)) fprintf(stderr, "'%s' is not in '%s'\n", says, failure.text);
}

#endif
