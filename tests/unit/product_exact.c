/* Every way of computing a product gives the integers of its definition, on random shapes and on the extremes of weights and codes. */
#include "ohmtally/memory.h"
#include "ohmtally/product.h"
#include "ohmtally/status.h"
#include "suite.h"
#define DRAW_SEED 88172645463325252ull
#include "draw.h"
#include <dirent.h>
#include <omp.h>
#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif
#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#else
#define VALGRIND_MAKE_MEM_DEFINED(memory, bytes) ((void)0)
#endif

struct test_case {
    struct ohm_product_shape shape;
    int32_t npos, *w, *place; /* place may be NULL */
    void *x;
    int64_t *y; /* the definition's */
};

static uint32_t code_at(const struct test_case *t, int64_t at) {
    return t->shape.element == 1 ? ((const uint8_t *)t->x)[at] : ((const uint16_t *)t->x)[at];
}

/* The definition, written down once more and independently of the library. */
static void define(struct test_case *t) {
    const int64_t groups = t->shape.groups, krows = t->shape.krows, ncols = t->shape.ncols;
    for (int64_t p = 0; p < t->npos; p++)
        for (int64_t g = 0; g < groups; g++) {
            int64_t *y = t->y + (p * groups + g) * ncols;
            memset(y, 0, (size_t)ncols * sizeof *y);
            for (int64_t r = 0; r < krows; r++) {
                const int64_t meets = t->place ? t->place[r] : r;
                const int64_t code = code_at(t, p * groups * krows + (t->shape.interleaved ? meets * groups + g : g * krows + meets));
                for (int64_t n = 0; n < ncols; n++) y[n] += code * t->w[(g * krows + r) * ncols + n];
            }
        }
}

/* Weights: uniform up to `most`, or all at the extremes; codes: uniform, or all the largest. */
static struct test_case make_case(struct ohm_product_shape shape, int32_t npos, int32_t most, bool placed) {
    struct test_case t = {.shape = shape, .npos = npos};
    const size_t nw = (size_t)(shape.groups * shape.krows * shape.ncols), nx = (size_t)(npos * shape.groups * shape.krows);
    const uint32_t kind = draw(4), codes = draw(3);
    t.w = ohm_alloc_array(nw, sizeof *t.w);
    t.x = ohm_alloc_array(nx, (size_t)shape.element);
    t.y = ohm_alloc_array((size_t)(npos * shape.groups * shape.ncols), sizeof *t.y);
    for (size_t i = 0; i < nw; i++) {
        const int32_t sign = kind == 0 || (kind == 1 && draw(2)) ? 1 : -1;
        t.w[i] = kind < 3 ? sign * most : (int32_t)((int64_t)draw(2 * (uint32_t)most + 1) - most);
    }
    for (size_t i = 0; i < nx; i++) {
        const uint32_t code = codes == 0 ? UINT32_MAX : codes == 1 ? draw(65536) : draw(4) ? 0 : draw(65536);
        if (shape.element == 1)
            ((uint8_t *)t.x)[i] = (uint8_t)code;
        else
            ((uint16_t *)t.x)[i] = (uint16_t)code;
    }
    if (placed) t.place = ohm_alloc_array((size_t)shape.krows, sizeof *t.place);
    for (int32_t r = 0; placed && r < shape.krows; r++) { /* a random permutation, shuffled while it grows */
        const uint32_t other = draw((uint32_t)r + 1);
        t.place[r] = t.place[other];
        t.place[other] = r;
    }
    define(&t);
    return t;
}

static void free_case(struct test_case *t) {
    free(t->w);
    free(t->place);
    free(t->x);
    free(t->y);
}

static struct ohm_product *make_product(const struct test_case *t, const char *forced) {
    struct ohm_product *product = NULL;
    if (forced)
        setenv("OHM_PRODUCT", forced, 1);
    else
        unsetenv("OHM_PRODUCT");
    CU_ASSERT_FATAL(!ohm_product_new(&t->shape, t->w, t->place, &product));
    return product;
}

/* oneDNN 2.6 packs its operands with padding that it leaves unset and multiplies by zero: memcheck takes all that comes of it for undefined. */
static void trust(const struct ohm_product *product, const void *y, size_t bytes) {
    if (!strcmp(ohm_product_way(product), "dnnl")) VALGRIND_MAKE_MEM_DEFINED(y, bytes);
}

/* Both forms of run give the case's y; outputs and scratch are heap memory of the exact size, for the sanitizers' sake, and full of rubbish. */
static bool runs_right(const struct ohm_product *product, const struct test_case *t) {
    const size_t ny = (size_t)(t->npos * t->shape.groups * t->shape.ncols), scratch_bytes = ohm_product_scratch(product, t->npos);
    int32_t *narrow = malloc(ny * sizeof *narrow);
    int64_t *wide = malloc(ny * sizeof *wide);
    void *scratch = ohm_alloc(scratch_bytes);
    memset(scratch, 0xA5, scratch_bytes);
    memset(wide, 0xA5, ny * sizeof *wide);
    memset(narrow, 0xA5, ny * sizeof *narrow);
    ohm_product_run_wide(product, t->npos, t->x, wide, scratch);
    trust(product, wide, ny * sizeof *wide);
    bool right = !memcmp(wide, t->y, ny * sizeof *wide);
    int32_t bits = 0;
    const int64_t codes = (int64_t)t->npos * t->shape.groups * t->shape.krows;
    for (int64_t i = 0; i < codes; i++)
        while (code_at(t, i) >> bits) bits++;
    if (ohm_product_bound(product, bits) <= INT32_MAX) {
        ohm_product_run(product, t->npos, t->x, narrow, scratch);
        trust(product, narrow, ny * sizeof *narrow);
        for (size_t i = 0; i < ny; i++) right = right && narrow[i] == t->y[i];
    }
    free(narrow);
    free(wide);
    free(scratch);
    return right;
}

static const char *const ways[] = {NULL, "plain", "depth", "int16", "int16-avx2", "int16-avx512", "int16-vnni", "blas", "dnnl", "dnnl-excess"};
#define WAYS ((int)(sizeof ways / sizeof ways[0]))
static const int32_t extremes[] = {1, 7, 64, 127, 128, 255, 1023, 32767, 1 << 20, INT32_MAX};
#define EXTREMES ((int)(sizeof extremes / sizeof extremes[0]))

static void check_case(struct test_case t, const char *const *names, int count) {
    for (int i = 0; i < count; i++) {
        struct ohm_product *product = make_product(&t, names[i]);
        const bool right = runs_right(product, &t);
        CU_ASSERT(right);
        if (!right)
            printf("\n%s (%s): groups %d krows %d ncols %d npos %d element %d interleaved %d\n", names[i] ? names[i] : "chosen",
                   ohm_product_way(product), (int)t.shape.groups, (int)t.shape.krows, (int)t.shape.ncols, (int)t.npos, (int)t.shape.element,
                   t.shape.interleaved);
        ohm_product_free(product);
    }
    free_case(&t);
}

/* Thousands of small ones. */
static void test_small(void) {
    for (int i = 0; i < 3000; i++) {
        const struct ohm_product_shape shape = {1 + (int32_t)draw(5), 1 + (int32_t)draw(40), 1 + (int32_t)draw(70), 1 + (int32_t)draw(2), false};
        check_case(make_case(shape, 1 + (int32_t)draw(20), extremes[draw(EXTREMES)], draw(3) == 0), ways, WAYS);
    }
}

/* Several blocks of rows, blocks cut by the sums, more positions than are taken together, many columns. */
static void test_large(void) {
    for (int i = 0; i < 60; i++) {
        const struct ohm_product_shape shape = {1 + (int32_t)draw(2), 1 + (int32_t)draw(1500), 1 + (int32_t)draw(70), 1 + (int32_t)draw(2), false};
        check_case(make_case(shape, 1 + (int32_t)draw(40), extremes[draw(EXTREMES)], draw(3) == 0), ways, WAYS);
    }
    for (int i = 0; i < 20; i++) {
        const struct ohm_product_shape shape = {1 + (int32_t)draw(3), 1 + (int32_t)draw(50), 1 + (int32_t)draw(40), 1 + (int32_t)draw(2), false};
        check_case(make_case(shape, 250 + (int32_t)draw(400), extremes[draw(EXTREMES)], draw(3) == 0), ways, WAYS);
    }
    for (int i = 0; i < 10; i++) {
        const struct ohm_product_shape shape = {1, 1 + (int32_t)draw(300), 256 + (int32_t)draw(300), 1 + (int32_t)draw(2), false};
        check_case(make_case(shape, 1 + (int32_t)draw(20), extremes[draw(EXTREMES)], draw(3) == 0), ways, WAYS);
    }
}

/* One column per group in both layouts. */
static void test_depth(void) {
    for (int i = 0; i < 1000; i++) {
        const struct ohm_product_shape shape = {1 + (int32_t)draw(200), 1 + (int32_t)draw(30), 1, 1 + (int32_t)draw(2), draw(3) > 0};
        check_case(make_case(shape, 1 + (int32_t)draw(10), extremes[draw(EXTREMES)], draw(3) == 0), ways, WAYS);
    }
}

/* Some weights, one in `every`, become 128, 255 or anything between them in magnitude: more than a signed byte. */
static struct test_case make_excess(struct ohm_product_shape shape, int32_t npos, uint32_t every) {
    struct test_case t = make_case(shape, npos, 127, draw(3) == 0);
    const uint32_t kind = draw(3);
    const int64_t nw = (int64_t)shape.groups * shape.krows * shape.ncols;
    const int64_t sure = draw((uint32_t)nw);
    for (int64_t i = 0; i < nw; i++) {
        if (i != sure && draw(every)) continue;
        const int32_t magnitude = kind == 0 ? 128 : kind == 1 ? 255 : 128 + (int32_t)draw(128);
        t.w[i] = draw(2) ? magnitude : -magnitude;
    }
    define(&t);
    return t;
}

static size_t bytes_of(const struct test_case *t, const char *forced) {
    struct ohm_product *product = make_product(t, forced);
    const size_t bytes = ohm_product_bytes(product);
    ohm_product_free(product);
    return bytes;
}

/* Weights above one byte, few or many: as two matrices, or clipped and with lists of what is left over. */
static void test_excess(void) {
    static const char *const variants[] = {NULL, "dnnl", "dnnl-split", "dnnl-excess"};
    static const uint32_t every[] = {1, 2, 8, 50};
    for (int i = 0; i < 600; i++) {
        const struct ohm_product_shape shape = {1 + (int32_t)draw(4), 1 + (int32_t)draw(100), 1 + (int32_t)draw(70), 1, false};
        check_case(make_excess(shape, 1 + (int32_t)draw(130), every[draw(4)]), variants, 4);
    }
    for (int i = 0; i < 30; i++) {
        const struct ohm_product_shape shape = {1 + (int32_t)draw(2), 1 + (int32_t)draw(1500), 1 + (int32_t)draw(70), 1, false};
        check_case(make_excess(shape, 1 + (int32_t)draw(300), every[draw(4)]), variants, 4);
    }
    const struct ohm_product_shape longest = {1, 33000, 2, 1, false},
                                   longer = {1, 66000, 2, 1, false}; /* sums that just fit; rows that lists do not count */
    struct test_case most = make_excess(longest, 3, 1);
    for (int32_t i = 0; i < 2 * longest.krows; i++) most.w[i] = i % 2 ? 255 : -255;
    memset(most.x, 255, 3 * (size_t)longest.krows);
    define(&most);
    check_case(most, variants, 4);
    check_case(make_excess(longer, 2, 50), variants, 4);
}

/* The bound is the largest magnitude that codes of so many bits can reach: one choice of codes reaches it. */
static void test_bound(void) {
    for (int i = 0; i < 300; i++) {
        const struct ohm_product_shape shape = {1 + (int32_t)draw(3), 1 + (int32_t)draw(30), 1 + (int32_t)draw(8), 2, false};
        struct test_case t = make_case(shape, 1, extremes[draw(EXTREMES)], false);
        struct ohm_product *product = make_product(&t, NULL);
        const int32_t bits = 1 + (int32_t)draw(16);
        int64_t largest = 0;
        for (int64_t column = 0; column < shape.groups * shape.ncols; column++) {
            int64_t sum[2] = {0};
            for (int64_t r = 0; r < shape.krows; r++) {
                const int64_t w = t.w[(column / shape.ncols * shape.krows + r) * shape.ncols + column % shape.ncols];
                sum[w < 0] += llabs(w) * ((1 << bits) - 1);
            }
            largest = sum[0] > largest ? sum[0] : largest;
            largest = sum[1] > largest ? sum[1] : largest;
        }
        CU_ASSERT_EQUAL(ohm_product_bound(product, bits), largest);
        ohm_product_free(product);
        free_case(&t);
    }
}

/* One product run by several threads at once, from inside a parallel region. */
static void test_threads(void) {
    for (int i = 0; i < 20; i++) {
        const struct ohm_product_shape shape = {1 + (int32_t)draw(2), 1 + (int32_t)draw(300), 1 + (int32_t)draw(70), 1 + (int32_t)draw(2), false};
        struct test_case t = make_case(shape, 1 + (int32_t)draw(300), extremes[draw(5)], false);
        for (int k = 0; k < WAYS; k++) {
            struct ohm_product *product = make_product(&t, ways[k]);
            int wrong = 0;
#pragma omp parallel num_threads(4) reduction(+ : wrong)
            for (int again = 0; again < 3; again++) wrong += !runs_right(product, &t);
            CU_ASSERT_EQUAL(wrong, 0);
            ohm_product_free(product);
        }
        free_case(&t);
    }
}

static int thread_count(void) {
    int count = 0;
    DIR *tasks = opendir("/proc/self/task");
    while (tasks && readdir(tasks)) count++;
    if (tasks) closedir(tasks);
    return count;
}

/* No way starts threads, whatever OpenMP is set to, and OpenMP's setting is as before. */
static void test_single(void) {
    const struct ohm_product_shape shape = {1, 300, 300, 1, false};
    struct test_case t = make_case(shape, 300, 64, false);
    const int before = thread_count(), setting = omp_get_max_threads();
    omp_set_num_threads(4);
    for (int k = 0; k < WAYS; k++) {
        struct ohm_product *product = make_product(&t, ways[k]);
        CU_ASSERT(runs_right(product, &t));
        ohm_product_free(product);
    }
    CU_ASSERT_EQUAL(omp_get_max_threads(), 4);
    CU_ASSERT_EQUAL(thread_count(), before);
    omp_set_num_threads(setting);
    free_case(&t);
}

/* What this processor and this build have is used: the other tests would also pass with something else. */
static void check_available(const struct test_case *t) {
    struct ohm_product *product = make_product(t, "int16");
#if defined(__x86_64__)
    CU_ASSERT_STRING_EQUAL(ohm_product_way(product), __builtin_cpu_supports("avx2") ? "int16" : "blas");
#endif
    ohm_product_free(product);
#ifdef OHM_DNNL
    for (int32_t most = 64; most <= 128; most *= 2) { /* directly, and as two matrices */
        struct test_case small = make_case(t->shape, 5, most, false);
        product = make_product(&small, "dnnl");
        CU_ASSERT_STRING_EQUAL(ohm_product_way(product), "dnnl");
        ohm_product_free(product);
        free_case(&small);
    }
#endif
}

/* Lists are used where few weights are large, and take less memory than a second matrix. */
static void check_lists(void) {
    const struct ohm_product_shape shape = {2, 200, 96, 1, false};
    struct test_case few = make_excess(shape, 1, 50), all = make_excess(shape, 1, 1);
    bool possible = false, chosen = false;
#if defined(OHM_DNNL) && defined(__x86_64__)
    possible = __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni");
    unsigned a, b, c, d = 0;
    chosen = possible && __get_cpuid_count(7, 0, &a, &b, &c, &d) && !(d & 1U << 25); /* beside AMX two matrices are taken */
#endif
    CU_ASSERT_EQUAL(bytes_of(&few, "dnnl-excess") < bytes_of(&few, "dnnl-split"), possible);
    CU_ASSERT_EQUAL(bytes_of(&all, "dnnl-excess") != bytes_of(&all, "dnnl-split"), possible);
    CU_ASSERT_EQUAL(bytes_of(&few, NULL), bytes_of(&few, chosen ? "dnnl-excess" : NULL));
    CU_ASSERT_EQUAL(bytes_of(&few, "dnnl"), bytes_of(&few, chosen ? "dnnl-excess" : "dnnl-split"));
    CU_ASSERT_EQUAL(bytes_of(&all, "dnnl"), bytes_of(&all, "dnnl-split"));
    free_case(&few);
    free_case(&all);
}

/* What is forced is used where it can be, and not where it cannot; a name that does not exist is refused. */
static void test_choice(void) {
    const struct ohm_product_shape dense = {1, 20, 30, 1, false}, depth = {20, 9, 1, 1, true};
    struct test_case t = make_case(dense, 1, 32767, false), wide = make_case(dense, 1, 32768, false), deep = make_case(depth, 1, 127, false);
    const struct {
        const struct test_case *of;
        const char *forced, *way;
    } expected[] = {{&t, "plain", "plain"}, {&t, "blas", "blas"},      {&wide, "int16", "blas"}, {&wide, NULL, "blas"},
                    {&deep, NULL, "depth"}, {&deep, "plain", "plain"}, {&deep, "blas", "depth"}};
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        struct ohm_product *product = make_product(expected[i].of, expected[i].forced);
        CU_ASSERT_STRING_EQUAL(ohm_product_way(product), expected[i].way);
        CU_ASSERT(ohm_product_bytes(product) >= 9 * 20);
        ohm_product_free(product);
    }
    check_available(&t);
    check_lists();
    struct ohm_product *product;
    setenv("OHM_PRODUCT", "fast", 1);
    CU_ASSERT_EQUAL(ohm_product_new(&t.shape, t.w, NULL, &product), OHM_E_USAGE);
    ohm_fail_clear();
    unsetenv("OHM_PRODUCT");
    free_case(&t);
    free_case(&wide);
    free_case(&deep);
}

int main(void) {
    const struct suite_test tests[] = {{"small", test_small},   {"large", test_large},   {"depth", test_depth},     {"bound", test_bound},
                                       {"excess", test_excess}, {"single", test_single}, {"threads", test_threads}, {"choice", test_choice}};
    return SUITE_RUN("product", tests);
}
