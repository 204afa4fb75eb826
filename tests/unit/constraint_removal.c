/* Constraints that remove weights: one of a few, or whole lines. */
#include "suite.h"
#define DRAW_SEED 0x2545F4914F6CDD1Dull
#include "constraint_members.h"

/* A grid of -1, 0, 1 (or finer), then one constraint with up to two options, against all there is. */
struct option {
    const char *key;
    int32_t value;
};
static void check_small(int32_t bits, int32_t krows, int32_t ncols, projected_member *member, const char *name, struct option a, struct option b) {
    for (int32_t i = 0; i < 4; i++) {
        struct projected p = projected_draw(krows, ncols, 1, 1.1 * (1 << bits));
        p.common.array_rows = 3;
        p.common.array_columns = 2;
        projected_use_with(&p, "uniform", "bits", bits);
        projected_use_with(&p, name, a.key, a.value);
        if (b.key) projected_set_number(&p, b.key, b.value);
        projected_check_best(&p, member);
        projected_free(&p);
    }
}

static void test_nm(void) {
    check_small(1, 5, 2, member_of_nm, "nm", (struct option){"n", 2}, (struct option){"m", 4});
    check_small(1, 9, 1, member_of_nm, "nm", (struct option){"n", 1}, (struct option){"m", 3});
    check_small(2, 5, 1, member_of_nm, "nm", (struct option){"n", 1}, (struct option){"m", 3});
    check_small(1, 3, 3, member_of_nm, "nm", (struct option){"n", 3}, (struct option){"m", 3});
}

static void check_blockmax(int32_t krows, int32_t ncols, int32_t size, const char *along) {
    for (int32_t i = 0; i < 4; i++) {
        struct projected p = projected_draw(krows, ncols, 1, 2.2);
        projected_use_with(&p, "uniform", "bits", 1);
        projected_use_with(&p, "blockmax", "size", size);
        projected_set(&p, "along", along);
        projected_check_best(&p, member_of_blockmax);
        projected_free(&p);
    }
}

static void test_blockmax(void) {
    check_blockmax(2, 5, 3, "row");
    check_blockmax(5, 2, 3, "column");
    check_blockmax(1, 8, 8, "row");
}

/* Arrays of 3 x 2: those at the edges are smaller. */
static void test_lines(void) {
    for (int32_t share = 0; share <= 100; share += 20) {
        check_small(1, 3, 3, member_of_rows, "rows", (struct option){"share", share}, (struct option){0});
        check_small(1, 5, 2, member_of_columns, "columns", (struct option){"share", share}, (struct option){0});
        check_small(1, 2, 5, member_of_filters, "filters", (struct option){"share", share}, (struct option){0});
    }
}

static void test_block(void) {
    for (int32_t share = 0; share <= 100; share += 25) {
        struct projected p = projected_draw(5, 2, 1, 2.2);
        projected_use_with(&p, "uniform", "bits", 1);
        projected_use_with(&p, "block", "rows", 3);
        projected_set_number(&p, "columns", 1 + (int32_t)draw(2));
        projected_set_number(&p, "segments", share);
        projected_check_best(&p, member_of_block);
        projected_set_number(&p, "segments", 0);
        projected_set_number(&p, "filters", share);
        projected_check_best(&p, member_of_block);
        projected_free(&p);
    }
}

/* Both steps of a block pruning: the second one within what the first one left. */
static void test_block_steps(void) {
    for (int32_t i = 0; i < 40; i++) {
        struct projected p = projected_draw(1 + (int32_t)draw(40), 1 + (int32_t)draw(40), 1, 5);
        projected_use_with(&p, "block", "rows", 1 + (int32_t)draw(10));
        projected_set_number(&p, "columns", 1 + (int32_t)draw(10));
        projected_set_number(&p, "filters", (int32_t)draw(100));
        projected_run(&p);
        CU_ASSERT(member_of_block(&p, p.z));
        double both = projected_distance(&p, p.z);
        p.uses[1] = p.uses[0];
        p.uses[0].setting.option[3] = p.uses[1].setting.option[2] = 0; /* filters, segments */
        p.nuse = 2;
        projected_run(&p);
        CU_ASSERT_EQUAL(projected_distance(&p, p.z), both);
        projected_free(&p);
    }
}

/* 2:4 of any numbers: of every four the two largest stay as they are. */
static void test_known_nm(void) {
    static const double v[] = {1, -4, 3, 2, 0.5, 0.25, 0, -0.125, 7}, z[] = {0, -4, 3, 0, 0.5, 0.25, 0, 0, 7};
    struct projected p = projected_draw(9, 1, 1, 1);
    p.matrix.importance = NULL;
    memcpy(p.v, v, sizeof v);
    projected_use(&p, "nm");
    projected_run(&p);
    CU_ASSERT(!memcmp(p.z, z, sizeof z));
    projected_free(&p);
}

/* What is removed is what gains least by its level, not the smallest: the top level of three-bit powers of two is 4. */
static void test_levels_decide(void) {
    static const double scale[] = {1};
    struct projected p = projected_draw(2, 1, 1, 1);
    p.matrix.scale = scale;
    p.matrix.importance = NULL;
    p.v[0] = 4.1; /* gain 4.1^2 - 0.1^2 = 16.8 */
    p.v[1] = 5.8; /* on {0, 4}: 5.8^2 - 1.8^2 = 30.4 */
    projected_use_with(&p, "power", "bits", 3);
    projected_use_with(&p, "nm", "n", 1);
    projected_run(&p);
    CU_ASSERT(p.z[0] == 0 && p.z[1] == 4);
    p.v[0] = -8.5; /* the top level is 4: 8.5^2 - 4.5^2 = 52 */
    projected_run(&p);
    CU_ASSERT(p.z[0] == -4 && p.z[1] == 0);
    projected_free(&p);
}

/* Columns are compared in true weights, rows by their importance. */
static void test_scale_and_importance(void) {
    static const double scale[] = {1, 3}, importance[] = {1, 9};
    struct projected p = projected_draw(2, 2, 1, 1);
    p.matrix.scale = scale;
    p.matrix.importance = NULL;
    for (int32_t i = 0; i < 4; i++) p.v[i] = i % 2 ? -5 : 9;
    projected_use(&p, "filters");
    projected_run(&p);
    CU_ASSERT(p.z[0] == 0 && p.z[1] == -5 && p.z[2] == 0 && p.z[3] == -5);
    p.nuse = 0;
    p.matrix.importance = importance;
    for (int32_t i = 0; i < 4; i++) p.v[i] = i / 2 ? -5 : 9;
    projected_use(&p, "rows");
    projected_run(&p);
    CU_ASSERT(p.z[0] == 0 && p.z[1] == 0 && p.z[2] == -5 && p.z[3] == -5);
    projected_free(&p);
}

static void test_refused(void) {
    struct projected p = projected_draw(2, 2, 1, 1);
    projected_use_with(&p, "nm", "n", 5);
    projected_check_refused(&p, "n 5 is larger than m 4");
    projected_free(&p);
}

int main(void) {
    const struct suite_test tests[] = {{"N:M", test_nm},
                                       {"N:M, known", test_known_nm},
                                       {"block-max", test_blockmax},
                                       {"rows, columns, filters", test_lines},
                                       {"block, either step", test_block},
                                       {"block, both steps", test_block_steps},
                                       {"levels decide", test_levels_decide},
                                       {"scale and importance", test_scale_and_importance},
                                       {"refused", test_refused}};
    return SUITE_RUN("constraint removal", tests);
}
