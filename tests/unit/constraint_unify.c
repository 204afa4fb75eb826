/* Blocks of one magnitude. */
#include "suite.h"
#define DRAW_SEED 0x8CB92BA72F3D8DD7ull
#include "constraint_members.h"

static void set_unify(struct projected *p, int32_t rows, int32_t columns, int32_t share) {
    projected_use_with(p, "unify", "rows", rows);
    projected_set_number(p, "columns", columns);
    projected_set_number(p, "share", share);
}

/* After a grid, and after a constraint that leaves lists of different kinds. */
static void check_small(const char *grid, int32_t bits, const char *between, int32_t krows, int32_t ncols, int32_t rows, int32_t columns) {
    for (int32_t share = 0; share <= 100; share += 50) {
        struct projected p = projected_draw(krows, ncols, 1, 1.1 * (1 << bits));
        p.common.weight_bits = bits;
        projected_use(&p, grid);
        if (between) projected_use_with(&p, between, strcmp(between, "squeeze") ? "size" : "squeeze", 2);
        set_unify(&p, rows, columns, share);
        projected_check_best(&p, member_of_unify);
        projected_free(&p);
    }
}

static void test_small(void) {
    for (int32_t i = 0; i < 4; i++) {
        check_small("uniform", 2, NULL, 3, 2, 2, 2);
        check_small("uniform", 2, NULL, 2, 3, 2, 2);
        check_small("uniform", 3, NULL, 2, 2, 2, 2);
        check_small("window", 4, NULL, 3, 1, 3, 1);
        check_small("power", 4, NULL, 1, 5, 1, 5);
        check_small("uniform", 2, "polarity", 3, 2, 2, 2);
        check_small("uniform", 3, "polarity", 4, 1, 4, 1);
        check_small("uniform", 4, "squeeze", 1, 4, 1, 4);
        check_small("uniform", 5, "squeeze", 2, 2, 2, 2);
    }
}

/* Any numbers: the magnitude of the first block is the mean of its weights' magnitudes, each counted by its scale and importance; negative where a
 * weight has the other sign than its fragment. */
static double mean_magnitude(const struct projected *p) {
    int32_t rows = member_option(p, "unify", "rows"), columns = member_option(p, "unify", "columns");
    double sum = 0, total = 0;
    for (int32_t r = 0; r < rows && r < p->matrix.krows; r++)
        for (int32_t c = 0; c < columns && c < p->matrix.ncols; c++) {
            double counts = p->scale[c] * p->scale[c] * (p->matrix.importance ? fmax(p->importance[r], 1e-60) : 1), v = member_at(p, p->v, r, c);
            sum += counts * (v * member_at(p, p->z, r, c) < 0 ? -fabs(v) : fabs(v));
            total += counts;
        }
    return fmax(sum / total, 0);
}

static void test_any_number(void) {
    for (int32_t n = 0; n < 100; n++) {
        struct projected p = projected_draw(1 + (int32_t)draw(30), 1 + (int32_t)draw(30), 1, 4);
        if (n % 2) projected_use_with(&p, "polarity", "size", 1 + (int32_t)draw(4));
        set_unify(&p, 1 + (int32_t)draw(5), 1 + (int32_t)draw(5), 100);
        projected_run(&p);
        CU_ASSERT(member_of_unify(&p, p.z));
        for (int32_t i = 0; n % 2 == 0 && i < projected_count(&p); i++) CU_ASSERT(p.z[i] * p.v[i] >= 0); /* every sign stays */
        double expected = mean_magnitude(&p);
        if (p.z[0] != 0) CU_ASSERT(fabs(fabs(p.z[0]) - expected) <= 1e-12 * expected);
        projected_free(&p);
    }
}

/* Weights that a mask holds at 0 have no part in a block's magnitude. */
static void test_after_mask(void) {
    for (int32_t n = 0; n < 50; n++) {
        struct projected p = projected_draw(1 + (int32_t)draw(20), 1 + (int32_t)draw(20), 1, 9);
        bool held[400] = {false};
        if (draw(2)) projected_use_with(&p, "uniform", "bits", 3);
        projected_use(&p, "nm");
        projected_run(&p);
        for (int32_t i = 0; i < projected_count(&p); i++) held[i] = p.levels->list[p.levels->which[i]].n == 1;
        set_unify(&p, 1 + (int32_t)draw(5), 1 + (int32_t)draw(5), 100);
        projected_run(&p);
        CU_ASSERT(member_of_unify_but(&p, p.z, held) && member_of_nm(&p, p.z));
        projected_free(&p);
    }
}

static void test_refused(void) {
    struct projected p = projected_draw(4, 4, 1, 9);
    set_unify(&p, 2, 2, 100);
    projected_use(&p, "nm");
    projected_check_refused(&p, "nm: an earlier constraint leaves weights that cannot be 0; put nm before it");
    p.nuse--;
    projected_use_with(&p, "power", "bits", 2);
    projected_check_refused(&p, "power: an earlier constraint leaves weights of which no value is on this grid");
    projected_free(&p);
    p = projected_draw(400, 400, 1, 9);
    set_unify(&p, 1, 1, 100);
    projected_check_refused(&p, "more than 65535 different lists of levels; put a grid first, or use larger blocks");
    projected_free(&p);
}

int main(void) {
    const struct suite_test tests[] = {{"nothing nearer in small matrices", test_small},
                                       {"any number", test_any_number},
                                       {"after a mask", test_after_mask},
                                       {"refused", test_refused}};
    return SUITE_RUN("constraint unify", tests);
}
