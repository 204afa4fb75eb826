/* Levels and the nearest of them; grids as constraints: every weight by itself. */
#include "suite.h"
#define DRAW_SEED 0xA0761D6478BD642Full
#include "projected.h"

static void test_nearest(void) {
    for (int32_t i = 0; i < 400; i++) {
        double value[40];
        struct ohm_level_list list = {.n = 1 + (int32_t)draw(40), .value = value};
        value[0] = -(double)draw(40);
        for (int32_t k = 1; k < list.n; k++) value[k] = value[k - 1] + 0.5 * (1 + draw(6));
        for (int32_t k = 0; k < 60; k++) {
            double v = projected_value(50);
            projected_check_nearest(&list, v, ohm_level_nearest(&list, v));
        }
        for (int32_t k = 0; k < list.n; k++) CU_ASSERT_EQUAL(ohm_level_nearest(&list, value[k]), value[k]);
    }
    static const double pair[] = {-3, 3};
    CU_ASSERT_EQUAL(ohm_level_nearest(&(struct ohm_level_list){.n = 2, .value = pair}, 0), 3);
    CU_ASSERT_EQUAL(ohm_level_nearest(&(struct ohm_level_list){.lo = -1, .hi = INFINITY}, -7), -1);
    CU_ASSERT_EQUAL(ohm_level_nearest(&(struct ohm_level_list){.lo = -1, .hi = INFINITY}, 7.25), 7.25);
}

static void test_no_constraint(void) {
    struct projected p = projected_draw(7, 5, 1, 100);
    projected_run(&p);
    CU_ASSERT(!memcmp(p.v, p.z, 35 * sizeof *p.v));
    projected_free(&p);
}

static bool on_window(int32_t m, int32_t window) {
    while (m && !(m & 1)) m >>= 1;
    return m >> window == 0;
}

/* Every grid against all whole numbers of its bits, of which those with the property asked for are kept. */
enum kind { WINDOW, UNIFORM, POWER, ADDITIVE };
static bool on_grid(enum kind kind, int32_t m, int32_t bits, int32_t number) {
    if (m >> bits) return false;
    if (kind == WINDOW) return on_window(m, number);
    if (kind == POWER) return __builtin_popcount((uint32_t)m) <= 1;
    return kind == UNIFORM || __builtin_popcount((uint32_t)m) <= number;
}

static void check_grid(enum kind kind, int32_t bits, int32_t number, bool option) {
    static const char *const names[] = {"window", "uniform", "power", "additive"};
    struct projected p = projected_draw(6, 5, 1, 1.2 * (1 << bits));
    p.common.weight_bits = option ? 16 : bits;
    projected_use(&p, names[kind]);
    if (option) projected_set_number(&p, "bits", bits);
    if (kind == WINDOW) projected_set_number(&p, "window", number);
    if (kind == ADDITIVE) projected_set_number(&p, "terms", number);
    projected_run(&p);
    int32_t n = 0;
    CU_ASSERT_EQUAL(p.levels->nlist, 1);
    const struct ohm_level_list *list = &p.levels->list[0];
    for (int32_t m = -(1 << bits); m <= 1 << bits; m++)
        if (on_grid(kind, abs(m), bits, number)) CU_ASSERT(n < list->n && list->value[n++] == m);
    CU_ASSERT_EQUAL(n, list->n);
    projected_free(&p);
}

static void test_grids(void) {
    for (int32_t bits = 2; bits <= 10; bits++) {
        for (int32_t window = 1; window <= bits; window++) check_grid(WINDOW, bits, window, draw(2));
        for (int32_t terms = 1; terms <= 4 && terms <= bits; terms++) check_grid(ADDITIVE, bits, terms, draw(2));
        check_grid(UNIFORM, bits, 0, draw(2));
        check_grid(POWER, bits, 0, draw(2));
    }
    check_grid(UNIFORM, 16, 0, false);
}

/* The 28 magnitudes of (Nq, S) = (8, 3) (sme.md A). */
static void test_known_window(void) {
    static const double expected[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224};
    struct projected p = projected_draw(3, 3, 1, 224);
    projected_use(&p, "window");
    projected_run(&p);
    CU_ASSERT_EQUAL_FATAL(p.levels->list[0].n, 55);
    for (int32_t k = 0; k < 28; k++) {
        CU_ASSERT_EQUAL(p.levels->list[0].value[27 + k], expected[k]);
        CU_ASSERT_EQUAL(p.levels->list[0].value[27 - k], -expected[k]);
    }
    projected_free(&p);
}

/* Two grids: what both have. */
static void test_two_grids(void) {
    struct projected p = projected_draw(5, 5, 1, 70);
    projected_use_with(&p, "window", "window", 3);
    projected_use_with(&p, "additive", "terms", 2);
    projected_run(&p);
    const struct ohm_level_list *list = &p.levels->list[0];
    CU_ASSERT_EQUAL(list->n, 1 + 2 * (8 + 7 + 6)); /* one 1, two neighbours, two with a 0 between them */
    for (int32_t k = 0; k < list->n; k++) {
        int32_t m = (int32_t)fabs(list->value[k]);
        CU_ASSERT(on_window(m, 3) && __builtin_popcount((uint32_t)m) <= 2);
    }
    projected_free(&p);
}

static void test_names_and_options(void) {
    struct ohm_failure failure = {0};
    struct projected p = projected_draw(2, 2, 1, 9);
    for (int32_t i = 0; ohm_constraints[i]; i++) {
        CU_ASSERT_PTR_EQUAL(ohm_constraint_find(ohm_constraints[i]->name), ohm_constraints[i]);
        CU_ASSERT(ohm_constraints[i]->title && ohm_constraints[i]->source && ohm_constraints[i]->options && ohm_constraints[i]->narrow);
        for (const struct ohm_design_option *option = ohm_constraints[i]->options; option->key; option++) {
            CU_ASSERT(option->about && option->least <= option->fallback && option->fallback <= option->most);
            CU_ASSERT(!option->choices || !option->choices[option->most + 1]);
        }
    }
    CU_ASSERT_PTR_NULL(ohm_constraint_find("windov"));
    ohm_fail_take(&failure);
    CU_ASSERT_PTR_NOT_NULL(strstr(failure.text, "did you mean 'window'?"));
    projected_use(&p, "window");
    CU_ASSERT_EQUAL(ohm_constraint_set(p.uses[0].constraint, &p.uses[0].setting, "bits", "17"), OHM_E_USAGE);
    CU_ASSERT_EQUAL(ohm_constraint_set(p.uses[0].constraint, &p.uses[0].setting, "size", "8"), OHM_E_USAGE);
    ohm_fail_clear();
    projected_set(&p, "window", "9");
    projected_check_refused(&p, "window 9 is larger than the magnitudes' 8 bits");
    p.nuse = 0;
    projected_use_with(&p, "additive", "terms", 4);
    projected_set(&p, "bits", "3");
    projected_check_refused(&p, "4 terms are more than the magnitudes' 3 bits");
    projected_free(&p);
}

int main(void) {
    const struct suite_test tests[] = {{"nearest level", test_nearest}, {"no constraint", test_no_constraint},
                                       {"grids", test_grids},           {"window (8, 3)", test_known_window},
                                       {"two grids", test_two_grids},   {"names and options", test_names_and_options}};
    return SUITE_RUN("constraint grids", tests);
}
