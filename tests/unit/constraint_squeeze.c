/* What a squeeze holds exactly: against all there is for small matrices, and by placing it with the designs. */
#include "suite.h"
#define DRAW_SEED 0x9E6C63D0876A9A47ull
#include "constraint_members.h"
#include "ohmtally/log.h"
#include "ohmtally/plan.h"

static const char *const cells[] = {"1", "2", "4"}, *const scopes[] = {"tile", "row"};

/* Rows choose by themselves, so one row is enough. */
static void check_small(int32_t bits, int32_t ncols, int32_t array_columns, int32_t squeezed, const char *cell, const char *scope) {
    for (int32_t i = 0; i < 3; i++) {
        struct projected p = projected_draw(1, ncols, 1, 1.1 * (1 << bits));
        p.common.weight_bits = bits;
        p.common.array_columns = array_columns;
        projected_use(&p, "uniform");
        projected_use_with(&p, "squeeze", "squeeze", squeezed);
        projected_set(&p, "cell_bits", cell);
        projected_set(&p, "flag_scope", scope);
        projected_check_best(&p, member_of_squeeze);
        projected_free(&p);
    }
}

static void test_small(void) {
    for (int32_t scope = 0; scope < 2; scope++) {
        for (int32_t squeezed = 0; squeezed < 3; squeezed++) check_small(3, 4, 2, squeezed, "1", scopes[scope]);
        for (int32_t squeezed = 0; squeezed < 4; squeezed++) check_small(4, 3, 3, squeezed, "1", scopes[scope]);
        check_small(4, 3, 2, 1, "2", scopes[scope]);
        check_small(3, 4, 4, 1, "2", scopes[scope]); /* the top cell is not full */
        check_small(5, 2, 2, 1, "4", scopes[scope]);
        check_small(6, 2, 2, 2, "2", scopes[scope]);
    }
}

/* sme.md: the worked example. Its row of 160, 20, 7, 56 keeps all but the lowest bit of 7; that of 224, 64, 16, 14 everything. */
static void test_worked_example(void) {
    static const double m[] = {160, 20, 7, 56, 28, 10, 0, 96, 224, 64, 16, 14, 5, 48, 1, 24};
    struct projected p = projected_draw(4, 4, 1, 1);
    memcpy(p.v, m, sizeof m);
    projected_use_with(&p, "squeeze", "squeeze", 1);
    projected_run(&p);
    for (int32_t i = 0; i < 16; i++) CU_ASSERT_EQUAL(p.z[i], i == 2 ? 6 : m[i]); /* 6 and 8 are as near; 6 is nearer to 0 */
    projected_free(&p);
}

/* ---- placed by a design ---- */
static void add_grid(struct projected *p) {
    static const char *const names[] = {"window", "uniform", "power", "additive"};
    uint32_t kind = draw(2) ? 0 : draw(4);
    projected_use(p, names[kind]);
    if (kind == 0) projected_set_number(p, "window", 1 + (int32_t)draw((uint32_t)p->common.weight_bits));
    if (kind == 3) projected_set_number(p, "terms", 1 + (int32_t)draw(3));
}

static struct ohm_design_setting same_setting(const struct projected *p, const struct ohm_design *design) {
    static const char *const policies[] = {"truncate", "round", "lossless"};
    struct ohm_design_setting setting = p->common;
    char number[16];
    ohm_design_defaults(design, &setting);
    snprintf(number, sizeof number, "%d", (int)member_option(p, "squeeze", "squeeze"));
    CU_ASSERT_EQUAL(ohm_design_set(design, &setting, "squeeze", number), OHM_OK);
    CU_ASSERT_EQUAL(ohm_design_set(design, &setting, "cell_bits", cells[member_option(p, "squeeze", "cell_bits")]), OHM_OK);
    CU_ASSERT_EQUAL(ohm_design_set(design, &setting, "flag_scope", scopes[member_option(p, "squeeze", "flag_scope")]), OHM_OK);
    CU_ASSERT_EQUAL(ohm_design_set(design, &setting, "quantizer", "uniform"), OHM_OK);
    CU_ASSERT_EQUAL(ohm_design_set(design, &setting, "policy", policies[draw(2) ? 0 : draw(3)]), OHM_OK);
    return setting;
}

/* w [groups][krows][ncols] placed and read back; top planes are empty where every row moves. */
static void check_placed(const char *name, const struct projected *p, int32_t groups, const int32_t *w) {
    const struct ohm_design *design = ohm_design_find(name);
    struct ohm_design_setting setting = same_setting(p, design);
    struct ohm_layer layer = {.name = "projected", .groups = groups, .krows = p->matrix.krows, .ncols = p->matrix.ncols};
    size_t count = (size_t)groups * (size_t)projected_count(p);
    int32_t *held = ohm_alloc_array(count, sizeof *held);
    struct ohm_plan *plan = ohm_plan_new(layer.groups, layer.krows, layer.ncols);
    if (design->configure(&setting)) { /* lossless sums would be shifted too far */
        ohm_fail_clear();
    } else {
        CU_ASSERT_FATAL(plan && !design->place(&setting, &layer, w, plan) && !ohm_plan_finish(plan, 8));
        ohm_plan_decode(plan, held);
        CU_ASSERT(!memcmp(held, w, count * sizeof *held));
        int32_t cell = design->cell_bits(&setting), planes = (setting.weight_bits + cell - 1) / cell;
        for (int32_t k = planes - member_option(p, "squeeze", "squeeze"); k < planes; k++) CU_ASSERT_EQUAL(plan->plane_held[k], 0);
    }
    ohm_plan_free(plan);
    free(held);
}

/* Groups are projected one by one, since a constraint sees one matrix, and placed together: depth-wise layers share arrays. */
static void check_layer(void) {
    int32_t kind = (int32_t)draw(3), groups = kind == 0 ? 1 : 1 + (int32_t)draw(10), krows = kind == 2 ? 9 : 1 + (int32_t)draw(60);
    int32_t ncols = kind == 2 ? 1 : 1 + (int32_t)draw(50), bits = 3 + (int32_t)draw(draw(4) ? 6 : 14), cell = (int32_t)draw(3);
    int32_t planes = (bits + (1 << cell) - 1) >> cell, array_rows = 8 << draw(4), array_columns = 16 << draw(3);
    int32_t squeezed = (int32_t)draw((uint32_t)planes), scope = (int32_t)draw(2);
    size_t size = (size_t)krows * (size_t)ncols;
    int32_t *w = ohm_alloc_array((size_t)groups * size, sizeof *w);
    struct projected p = {0};
    for (int32_t g = 0; g < groups; g++) {
        projected_free(&p);
        p = projected_draw(krows, ncols, 1, (draw(4) ? 0.5 : 1.2) * (1 << bits));
        p.common.weight_bits = bits;
        p.common.array_rows = array_rows;
        p.common.array_columns = array_columns;
        add_grid(&p);
        projected_use_with(&p, "squeeze", "squeeze", squeezed);
        projected_set(&p, "cell_bits", cells[cell]);
        projected_set(&p, "flag_scope", scopes[scope]);
        projected_run(&p);
        CU_ASSERT(member_of_squeeze(&p, p.z));
        for (size_t i = 0; i < size; i++) w[(size_t)g * size + i] = (int32_t)p.z[i];
    }
    check_placed("sme", &p, groups, w);
    check_placed("sobsx", &p, groups, w);
    projected_free(&p);
    free(w);
}

static void test_placed(void) {
    ohm_log_enable(false); /* settings that would lose bits of other weights are drawn on purpose */
    for (int32_t i = 0; i < 250; i++) check_layer();
}

static void test_refused(void) {
    struct projected p = projected_draw(2, 2, 1, 9);
    projected_use_with(&p, "squeeze", "squeeze", 8);
    projected_check_refused(&p, "squeeze 8 would leave none of the 8 planes; use at most 7");
    projected_free(&p);
}

int main(void) {
    const struct suite_test tests[] = {{"nothing nearer in small matrices", test_small},
                                       {"worked example", test_worked_example},
                                       {"250 layers placed lose nothing", test_placed},
                                       {"refused", test_refused}};
    return SUITE_RUN("constraint squeeze", tests);
}
