/* Fragments of one sign. */
#include "suite.h"
#define DRAW_SEED 0xB5297A4D3F84D5B5ull
#include "constraint_members.h"

static void check_small(int32_t bits, int32_t krows, int32_t ncols, int32_t size, int32_t array_rows) {
    for (int32_t i = 0; i < 10; i++) {
        struct projected p = projected_draw(krows, ncols, 1, 1.1 * (1 << bits));
        p.common.array_rows = array_rows;
        projected_use_with(&p, "uniform", "bits", bits);
        projected_use_with(&p, "polarity", "size", size);
        projected_check_best(&p, member_of_polarity);
        projected_free(&p);
    }
}

static void test_small(void) {
    check_small(1, 4, 2, 2, 128);
    check_small(1, 8, 1, 8, 128);
    check_small(1, 7, 1, 3, 128);
    check_small(1, 7, 1, 3, 4); /* fragments of 3, 1, 3 rows */
    check_small(2, 5, 1, 4, 128);
    check_small(2, 4, 1, 2, 3);
    check_small(3, 3, 1, 3, 128);
}

/* Any numbers: what has the other sign becomes 0, the rest stays. 3, -2, -2: the sum is negative, but plus is nearer. */
static void test_any_number(void) {
    struct projected p = projected_draw(300, 7, 1, 20);
    p.matrix.importance = NULL;
    p.v[0] = 3;
    p.v[7] = p.v[14] = -2;
    for (int32_t r = 3; r < 8; r++) p.v[7 * r] = 0;
    projected_use(&p, "polarity");
    projected_run(&p);
    CU_ASSERT(member_of_polarity(&p, p.z));
    for (int32_t i = 0; i < projected_count(&p); i++) CU_ASSERT(p.z[i] == p.v[i] || p.z[i] == 0);
    CU_ASSERT(p.z[0] == 3 && p.z[7] == 0 && p.z[14] == 0);
    for (int32_t first = 0; first < 300; first += 8)
        for (int32_t c = 0; c < 7; c++) { /* by hand: the sign with more of the squares */
            double squares[2] = {0}, kept = 0;
            for (int32_t r = first; r < first + 8 && r < 300; r++) {
                squares[p.v[7 * r + c] > 0] += p.v[7 * r + c] * p.v[7 * r + c];
                kept += p.z[7 * r + c] * p.z[7 * r + c];
            }
            CU_ASSERT_EQUAL(kept, fmax(squares[0], squares[1]));
        }
    projected_free(&p);
}

/* A row that counts more decides. */
static void test_importance(void) {
    static const double importance[] = {1, 5}, scale[] = {1};
    struct projected p = projected_draw(2, 1, 1, 1);
    p.v[0] = 2;
    p.v[1] = -1;
    p.matrix.scale = scale;
    p.matrix.importance = importance;
    projected_use(&p, "polarity");
    projected_run(&p);
    CU_ASSERT(p.z[0] == 0 && p.z[1] == -1);
    p.matrix.importance = NULL;
    projected_run(&p);
    CU_ASSERT(p.z[0] == 2 && p.z[1] == 0);
    projected_free(&p);
}

int main(void) {
    const struct suite_test tests[] = {
        {"nothing nearer in small matrices", test_small}, {"any number", test_any_number}, {"importance", test_importance}};
    return SUITE_RUN("constraint polarity", tests);
}
