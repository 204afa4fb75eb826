/* Turns: which rows are read together, for how long, and what storing their order takes. */
#include "suite.h"
#define DRAW_SEED 0x165667B19E3779F9ull
#include "drawn_layer.h"

static bool row_holds(const struct ohm_plan *plan, const struct ohm_use *use, int32_t r) {
    for (int32_t c = 0; c < use->ncol; c++)
        if (ohm_tile_get(&plan->tiles[use->tile], use->row0 + r, use->column0 + c)) return true;
    return false;
}

/* Steps of one array: its turns one after another, groups of a turn together. */
static int32_t array_steps(const struct ohm_plan *plan, int32_t tile, int32_t bits) {
    int32_t sum = 0;
    for (int32_t turn = 0, most = 0; most >= 0; turn++) {
        most = -1;
        for (int32_t u = 0; u < plan->nuse; u++)
            for (int32_t r = 0; plan->uses[u].tile == tile && plan->uses[u].turn == turn && r < plan->uses[u].nrow; r++)
                most = plan->uses[u].rows[r].shift > most ? plan->uses[u].rows[r].shift : most;
        sum += most >= 0 ? bits + most : 0;
    }
    return sum;
}

static int32_t most_steps(const struct ohm_plan *plan, int32_t bits) {
    int32_t most = 0;
    for (int32_t t = 0; t < plan->ntile; t++) {
        int32_t steps = array_steps(plan, t, bits);
        most = steps > most ? steps : most;
    }
    return most;
}

/* The uses of every array cover each of its rows once, in turns that are full but for the last, sorted or in order. */
static void check_turns(const struct drawn *d, const struct ohm_plan *plan) {
    int32_t most = ohm_design_driven_rows(d->design, &d->setting);
    bool sorted = ohm_design_value(d->design, &d->setting, "sort"), per_plane = ohm_design_value(d->design, &d->setting, "workload");
    for (int32_t t = 0; t < plan->ntile; t++) {
        int32_t nrow = 0;
        const struct ohm_use *before = NULL;
        for (int32_t u = 0; u < plan->nuse; u++) {
            const struct ohm_use *use = &plan->uses[u];
            if (use->tile != t) continue;
            bool follows = before && before->column0 == use->column0;
            CU_ASSERT_EQUAL(use->row0, nrow);
            CU_ASSERT(use->nrow <= most && (!follows || before->nrow == most));
            CU_ASSERT_EQUAL(use->turn, follows ? before->turn + 1 : 0);
            nrow += use->nrow;
            for (int32_t r = 0; r < use->nrow; r++) {
                const struct ohm_row *last = r ? &use->rows[r - 1] : follows ? &before->rows[before->nrow - 1] : NULL;
                if (last && sorted) CU_ASSERT(last->shift >= use->rows[r].shift);
                if (last && (!sorted || last->shift == use->rows[r].shift)) CU_ASSERT(use->rows[r].input > last->input);
                if (per_plane) CU_ASSERT(row_holds(plan, use, r));
            }
            before = use;
        }
        CU_ASSERT_EQUAL(nrow, plan->tiles[t].nrow);
    }
}

/* No input twice in one array. */
static void check_inputs(const struct ohm_plan *plan) {
    int32_t *seen = ohm_alloc_array((size_t)(plan->groups * plan->krows), sizeof *seen); /* number of the last array + 1 */
    for (int32_t t = 0; t < plan->ntile; t++)
        for (int32_t u = 0; u < plan->nuse; u++)
            for (int32_t r = 0; plan->uses[u].tile == t && r < plan->uses[u].nrow; r++) {
                int32_t input = plan->uses[u].rows[r].input;
                CU_ASSERT(seen[input] != t + 1);
                seen[input] = t + 1;
            }
    free(seen);
}

/* Rows read together hold something in some plane (the flag's own columns and sign), and the planes of a block come one after another. */
static void check_shared(const struct drawn *d, const struct ohm_plan *plan) {
    if (ohm_design_value(d->design, &d->setting, "workload") || ohm_design_value(d->design, &d->setting, "flag_scope")) return;
    for (int32_t u = 0, end; u < plan->nuse; u = end) {
        for (end = u; end < plan->nuse && plan->uses[end].rows == plan->uses[u].rows; end++)
            CU_ASSERT_EQUAL(plan->uses[end].turn, plan->uses[u].turn);
        for (int32_t v = end; v < plan->nuse; v++) CU_ASSERT(plan->uses[v].rows != plan->uses[u].rows);
        for (int32_t r = 0; r < plan->uses[u].nrow; r++) {
            bool any = false;
            for (int32_t v = u; v < end; v++) any = any || row_holds(plan, &plan->uses[v], r);
            CU_ASSERT(any);
        }
    }
}

/* SME with the same options holds the same weights. */
static void check_as_sme(const struct drawn *d, const struct ohm_plan *plan) {
    struct drawn sme = *d;
    sme.design = ohm_design_find("sme");
    size_t bytes = (size_t)(plan->groups * plan->krows * plan->ncols) * sizeof(int32_t);
    int32_t *held = ohm_alloc(bytes), *same = ohm_alloc(bytes);
    for (const struct ohm_design_option *option = sme.design->options; option->key; option++) /* its options come first in both */
        CU_ASSERT_STRING_EQUAL(option->key, d->design->options[option - sme.design->options].key);
    struct ohm_plan *other = drawn_plan(&sme);
    ohm_plan_decode(plan, held);
    ohm_plan_decode(other, same);
    CU_ASSERT(!memcmp(held, same, bytes));
    if (!ohm_design_value(d->design, &d->setting, "workload")) CU_ASSERT(!memcmp(plan->plane_held, other->plane_held, sizeof plan->plane_held));
    CU_ASSERT(!memcmp(plan->plane_full, other->plane_full, sizeof plan->plane_full));
    free(held);
    free(same);
    ohm_plan_free(other);
}

static void test_turns(void) {
    for (int i = 0; i < 400; i++) {
        struct drawn d = drawn_layer(ohm_design_find("sobsx"));
        struct ohm_plan *plan = drawn_plan(&d);
        check_turns(&d, plan);
        check_inputs(plan);
        check_shared(&d, plan);
        check_as_sme(&d, plan);
        CU_ASSERT_EQUAL(plan->skip, (enum ohm_skip)ohm_design_value(d.design, &d.setting, "skip"));
        CU_ASSERT_EQUAL(plan->serial, !ohm_design_value(d.design, &d.setting, "pipeline"));
        ohm_plan_free(plan);
        drawn_free(&d);
    }
}

/* Sorting never makes an array slower. */
static void test_sorting_helps(void) {
    for (int i = 0; i < 100; i++) {
        struct drawn d = drawn_layer(ohm_design_find("sobsx"));
        drawn_set(&d, "workload", "cycles");
        drawn_set(&d, "sort", "off");
        struct ohm_plan *in_order = drawn_plan(&d);
        drawn_set(&d, "sort", "on");
        struct ohm_plan *sorted = drawn_plan(&d);
        CU_ASSERT_EQUAL(sorted->ntile, in_order->ntile);
        for (int32_t t = 0; t < sorted->ntile; t++) CU_ASSERT(array_steps(sorted, t, d.bits) <= array_steps(in_order, t, d.bits));
        ohm_plan_free(sorted);
        ohm_plan_free(in_order);
        drawn_free(&d);
    }
}

/* One column of magnitudes on arrays of `rows` rows. */
static struct drawn column_layer(int32_t *w, int32_t krows, int32_t rows, const char *rows_per_read, const char *squeeze) {
    struct drawn d = {.design = ohm_design_find("sobsx"), .w = w, .bits = 8, .element = 1};
    d.layer = (struct ohm_layer){.name = "column", .groups = 1, .krows = krows, .ncols = 1};
    d.setting = (struct ohm_design_setting){.array_rows = rows, .array_columns = 8, .activation_bits = 8, .weight_bits = 8};
    ohm_design_defaults(d.design, &d.setting);
    drawn_set(&d, "rows_per_read", rows_per_read);
    drawn_set(&d, "squeeze", squeeze);
    return d;
}

/* sme.md, section D: 8 rows, 4 read together, 8 input bits, shifts (1, 0, 0, 0, 1, 0, 0, 0): 9 + 9 steps in order, 9 + 8 sorted. */
static void test_latency_example(void) {
    int32_t w[8] = {128, 1, 1, 1, 128, 1, 1, 1};
    struct drawn d = column_layer(w, 8, 8, "4", "1");
    drawn_set(&d, "sort", "off");
    struct ohm_plan *plan = drawn_plan(&d);
    CU_ASSERT_EQUAL(most_steps(plan, 8), 18);
    CU_ASSERT_EQUAL(plan->store.steps_per_position, 18);
    ohm_plan_free(plan);
    drawn_set(&d, "sort", "on");
    plan = drawn_plan(&d);
    CU_ASSERT_EQUAL(most_steps(plan, 8), 17);
    CU_ASSERT_EQUAL(plan->store.steps_per_position, 17);
    ohm_plan_free(plan);
    drawn_set(&d, "workload", "plane_rows"); /* the six ones in plane 0, two turns; the two others in plane 6 */
    plan = drawn_plan(&d);
    CU_ASSERT_EQUAL(plan->ntile, 2);
    CU_ASSERT_EQUAL(array_steps(plan, 0, 8), 16);
    CU_ASSERT_EQUAL(array_steps(plan, 1, 8), 9);
    ohm_plan_free(plan);
}

/* 16 rows with ones in all planes, then 44 with a one in plane 0: in order the first array has all the work; dealt, all four have the same. */
static void test_balance(void) {
    int32_t w[60], load[60] = {0};
    for (int32_t r = 0; r < 60; r++) w[r] = r < 16 ? 255 : 1;
    struct drawn d = column_layer(w, 60, 16, "4", "0");
    drawn_set(&d, "workload", "plane_rows");
    struct ohm_plan *plan = drawn_plan(&d);
    int32_t held[60];
    ohm_plan_decode(plan, held);
    CU_ASSERT(!memcmp(held, w, sizeof w));
    CU_ASSERT_EQUAL(plan->ntile, 32); /* four blocks of eight planes */
    for (int32_t t = 0; t < plan->ntile; t++) load[t / 8] += plan->tiles[t].nrow;
    for (int32_t b = 0; b < 4; b++) CU_ASSERT_EQUAL(load[b], 4 * 8 + 11);
    CU_ASSERT_EQUAL(most_steps(plan, 8), 4 * 8); /* plane 0: 15 rows */
    ohm_plan_free(plan);
    drawn_set(&d, "workload", "cycles");
    plan = drawn_plan(&d);
    CU_ASSERT_EQUAL(plan->ntile, 8 + 3);
    ohm_plan_free(plan);
}

static int64_t index_bits(struct drawn *d, const char *workload, const char *sort, const char *scope) {
    drawn_set(d, "workload", workload);
    drawn_set(d, "sort", sort);
    drawn_set(d, "flag_scope", scope);
    struct ohm_plan *plan = drawn_plan(d);
    int64_t bits = plan->store.index_bits;
    ohm_plan_free(plan);
    return bits;
}

/* Two signs and two planes: rows 128, 1, -128, 0 (squeezed by one: planes 6 and 0). */
static void test_index_bits(void) {
    int32_t w[8] = {128, 1, -128, 0, 0, 1, 0, 0};
    struct drawn d = column_layer(w, 8, 8, "4", "1");
    int64_t tile_flags = 2 * 8, row_flags = 8;                                         /* a bit each */
    CU_ASSERT_EQUAL(index_bits(&d, "cycles", "on", "tile"), tile_flags + (3 + 1) * 3); /* three rows of one sign, one of the other, of eight */
    CU_ASSERT_EQUAL(index_bits(&d, "cycles", "off", "tile"), tile_flags + 2 * 8);
    CU_ASSERT_EQUAL(index_bits(&d, "cycles", "on", "row"), row_flags);
    CU_ASSERT_EQUAL(index_bits(&d, "cycles", "off", "row"), row_flags);
    CU_ASSERT_EQUAL(index_bits(&d, "plane_rows", "on", "tile"),
                    tile_flags + (1 + 2 + 1) * 3); /* arrays: plane 6, plane 0, and plane 6 of the other sign */
    CU_ASSERT_EQUAL(index_bits(&d, "plane_rows", "on", "row"), row_flags + (1 + 2 + 1) * 3);
    CU_ASSERT_EQUAL(index_bits(&d, "plane_rows", "off", "row"), row_flags + 3 * 8);
}

static void test_rows_per_read(void) {
    int32_t w[8] = {0};
    struct ohm_failure failure = {0};
    struct drawn d = column_layer(w, 8, 128, "16", "0");
    CU_ASSERT_EQUAL(ohm_design_driven_rows(d.design, &d.setting), 16);
    CU_ASSERT_EQUAL(d.design->lossless_bits(&d.setting), 5); /* 0 .. 16 */
    drawn_set(&d, "cell_bits", "2");
    CU_ASSERT_EQUAL(d.design->lossless_bits(&d.setting), 6); /* 0 .. 48 */
    CU_ASSERT_EQUAL(ohm_design_driven_rows(ohm_design_find("sme"), &d.setting), 128);
    drawn_set(&d, "rows_per_read", "129");
    CU_ASSERT_EQUAL(d.design->configure(&d.setting), OHM_E_USAGE);
    ohm_fail_take(&failure);
    CU_ASSERT_PTR_NOT_NULL(strstr(failure.text, "rows_per_read 129 is more than an array's 128 rows"));
}

int main(void) {
    const struct suite_test tests[] = {{"turns of 400 random layers", test_turns},
                                       {"sorting helps", test_sorting_helps},
                                       {"latency example", test_latency_example},
                                       {"balance", test_balance},
                                       {"index bits", test_index_bits},
                                       {"rows per read", test_rows_per_read}};
    return SUITE_RUN("design sobsx", tests);
}
