/* Kernels of a few patterns. */
#include "suite.h"
#define DRAW_SEED 0xD6E8FEB86659FD93ull
#include "constraint_members.h"

#define TAPS 9
#define MASKS 512

static int32_t kernels_of(const struct projected *p) {
    return p->matrix.krows / p->matrix.taps * p->matrix.ncols;
}

static int32_t place(const struct projected *p, int32_t kernel, int32_t tap) {
    return (kernel / p->matrix.ncols * p->matrix.taps + tap) * p->matrix.ncols + kernel % p->matrix.ncols;
}

/* Taps of a kernel that may be something else than 0. */
static int32_t open_taps(const struct projected *p, int32_t kernel) {
    int32_t mask = 0;
    for (int32_t tap = 0; tap < p->matrix.taps; tap++) {
        const struct ohm_level_list *list = &p->levels->list[p->levels->which[place(p, kernel, tap)]];
        if (list->n != 1 || list->value[0] != 0) mask |= 1 << tap;
    }
    return mask;
}

/* By how much the distance is smaller with some taps of a kernel than with none. */
static double gain_of(const struct projected *p, int32_t kernel, int32_t mask, const struct ohm_level_list *list) {
    double gain = 0;
    for (int32_t tap = 0; tap < TAPS; tap++) {
        int32_t i = place(p, kernel, tap);
        double v = p->v[i], off = v - ohm_level_nearest(list, v), scale = p->scale[i % p->matrix.ncols];
        double importance = p->matrix.importance ? p->importance[i / p->matrix.ncols] : 1;
        if (mask >> tap & 1) gain += scale * scale * importance * (v * v - off * off);
    }
    return gain;
}

static int by_size(const void *a, const void *b) {
    double left = *(const double *)a, right = *(const double *)b;
    return (left < right) - (left > right);
}

/* The structure is that of some dictionary; and with this dictionary nothing is nearer. list: what every weight may be before. */
static void check_structure(const struct projected *p, const struct ohm_level_list *list) {
    int32_t n = kernels_of(p), removed = 0, patterns = 0, share = member_option(p, "pattern", "connectivity");
    bool used[MASKS] = {false};
    double *best = ohm_alloc_array((size_t)n, sizeof *best), zero[TAPS * 400] = {0}, none = projected_distance(p, zero), expected = none;
    for (int32_t k = 0; k < n; k++) {
        int32_t mask = open_taps(p, k);
        if (mask) CU_ASSERT_EQUAL(__builtin_popcount((uint32_t)mask), member_option(p, "pattern", "entries"));
        if (mask && !used[mask]) patterns++;
        removed += !mask;
        used[mask] = true;
    }
    CU_ASSERT(patterns <= member_option(p, "pattern", "patterns"));
    CU_ASSERT(removed >= n * share / 100);
    for (int32_t k = 0; k < n; k++)
        for (int32_t mask = 1; mask < MASKS; mask++)
            if (used[mask]) best[k] = fmax(best[k], gain_of(p, k, mask, list));
    qsort(best, (size_t)n, sizeof *best, by_size);

    for (int32_t k = 0; k < n - n * share / 100; k++) expected -= best[k];
    CU_ASSERT(fabs(projected_distance(p, p->z) - expected) <= 1e-12 * none);
    free(best);
}

static void set_pattern(struct projected *p, int32_t patterns, int32_t entries, int32_t connectivity) {
    projected_use_with(p, "pattern", "patterns", patterns);
    projected_set_number(p, "entries", entries);
    projected_set_number(p, "connectivity", connectivity);
}

static void check_layer(int32_t channels, int32_t ncols, int32_t patterns, int32_t bits, int32_t connectivity) {
    static const struct ohm_level_list any = {.lo = -INFINITY, .hi = INFINITY};
    struct projected p = projected_draw(TAPS * channels, ncols, TAPS, bits ? 1.1 * (1 << bits) : 1);
    if (bits) projected_use_with(&p, "uniform", "bits", bits);
    set_pattern(&p, patterns, 1 + (int32_t)draw(8), connectivity);
    projected_run(&p);
    check_structure(&p, bits ? &p.levels->list[0] : &any);
    projected_free(&p);
}

static void test_structure(void) {
    for (int32_t i = 0; i < 150; i++)
        check_layer(1 + (int32_t)draw(20), 1 + (int32_t)draw(20), 1 + (int32_t)draw(12), 0, (int32_t)(draw(2) * draw(101)));
    for (int32_t i = 0; i < 150; i++)
        check_layer(1 + (int32_t)draw(20), 1 + (int32_t)draw(20), 1 + (int32_t)draw(12), 2, (int32_t)(draw(2) * draw(101)));
    for (int32_t i = 0; i < 600; i++) /* few kernels with few taps: too few votes */
        check_layer(1 + (int32_t)draw(3), 1 + (int32_t)draw(4), 1 + (int32_t)draw(4), 1, (int32_t)(draw(2) * draw(60)));
}

/* All patterns allowed: every kernel keeps its own best four taps; 3^9 possibilities. */
static bool has_four(const struct projected *p, const double *z) {
    int32_t n = 0;
    for (int32_t tap = 0; tap < TAPS; tap++) n += z[tap] != 0;
    return n <= 4;
}

static void test_all_patterns(void) {
    for (int32_t i = 0; i < 10; i++) {
        struct projected p = projected_draw(TAPS, 1, TAPS, 2.2);
        projected_use_with(&p, "uniform", "bits", 1);
        set_pattern(&p, 126, 4, 0);
        projected_check_best(&p, has_four);
        projected_free(&p);
    }
}

/* Kernels with four large taps in one of six places, of which four are frequent: those are the dictionary. */
static void test_known_dictionary(void) {
    static const int32_t known[] = {0x1b0, 0x036, 0x0d8, 0x0b2, 0x0f0, 0x01e}, many[] = {50, 40, 30, 20, 8, 5};
    struct projected p = projected_draw(TAPS * 17, 9, TAPS, 0.1);
    int32_t kernel = 0;
    p.matrix.importance = NULL;
    for (int32_t i = 0; i < 6; i++)
        for (int32_t n = 0; n < many[i]; n++, kernel++)
            for (int32_t tap = 0; tap < TAPS; tap++)
                if (known[i] >> tap & 1) p.v[place(&p, kernel, tap)] = draw(2) ? 1 + 0.01 * draw(100) : -1;
    CU_ASSERT_EQUAL_FATAL(kernel, kernels_of(&p));
    set_pattern(&p, 4, 4, 0);
    projected_run(&p);
    for (kernel = 0; kernel < 140; kernel++) {
        int32_t expected = known[kernel < 50 ? 0 : kernel < 90 ? 1 : kernel < 120 ? 2 : 3];
        CU_ASSERT_EQUAL(open_taps(&p, kernel), expected);
    }
    for (; kernel < 153; kernel++) { /* the rare ones take one of those */
        int32_t mask = open_taps(&p, kernel);
        CU_ASSERT(mask == known[0] || mask == known[1] || mask == known[2] || mask == known[3]);
    }
    projected_free(&p);
}

/* Kernels of one tap, and of 25: whole ones are removed, or none. */
static void test_other_kernels(void) {
    static const int32_t sizes[] = {1, 25};
    for (int32_t i = 0; i < 2; i++) {
        struct projected p = projected_draw(sizes[i] * 6, 5, sizes[i], 3);
        set_pattern(&p, 8, 4, 0);
        projected_run(&p);
        CU_ASSERT(!memcmp(p.z, p.v, (size_t)projected_count(&p) * sizeof *p.z));
        projected_set_number(&p, "connectivity", 40);
        projected_run(&p);
        int32_t removed = 0;
        for (int32_t k = 0; k < kernels_of(&p); k++) {
            int32_t mask = open_taps(&p, k);
            CU_ASSERT(!mask || mask == (1 << sizes[i]) - 1);
            removed += !mask;
        }
        CU_ASSERT_EQUAL(removed, 12);
        projected_free(&p);
    }
}

int main(void) {
    const struct suite_test tests[] = {{"structure, and nearest within it", test_structure},
                                       {"all patterns", test_all_patterns},
                                       {"known dictionary", test_known_dictionary},
                                       {"other kernels", test_other_kernels}};
    return SUITE_RUN("constraint pattern", tests);
}
