/* The table ADC of every kernel equals the reference exactly, outside counts included, over random shapes and tables, with and without slices, as
 * integers and as planes of codes. */
#include "ohmtally/kernel.h"
#include "ohmtally/memory.h"
#include "suite.h"
#include <string.h>

static uint64_t state = 0x9E3779B97F4A7C15ull;
static int32_t draw(int32_t below) { /* xorshift: a fixed sequence of test cases */
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (int32_t)((uint32_t)(state >> 33) % (uint32_t)below);
}

enum shape { ADC_COARSE, ADC_FINE, FALLING, CONSTANT, RISES_TO_3, RISES_TO_4, ANY_VALUES, SHAPES };

struct test_case {
    int32_t nrow, cell_bits, npos, nbit, step0, step1, ncol, ncount;
    enum shape shape;
    uint64_t *words;
    uint8_t *values;
    int32_t *value, offset[OHM_CHUNK];
    uint8_t *outside;
    struct ohm_cells cells;
    struct ohm_lists lists;
    struct ohm_adc_table adc;
};

static int32_t rounded(int32_t a, int32_t b) {
    int32_t up = a + b / 2, q = up / b;
    return q - (up % b < 0);
}

/* code * step + lo of a clamping ADC; lo of either sign, step below one count when fine. */
static void fill_adc(int32_t n, int32_t smallest, int32_t largest, int32_t *value, uint8_t *outside) {
    int32_t top = (2 << draw(8)) - 1, step = smallest + draw(largest - smallest + 1), lo = draw(257) * (draw(5) - 2);
    for (int32_t i = 0; i < n; i++) {
        int32_t code = rounded(i * 256 - lo, step), kept = code < 0 ? 0 : code > top ? top : code;
        value[i] = kept * step + lo;
        outside[i] = kept != code;
    }
}

static void fill_table(enum shape shape, int32_t n, int32_t *value, uint8_t *outside) {
    int32_t unit = shape == CONSTANT ? 0 : 1 + draw(300),
            most = shape == RISES_TO_4   ? 4
                   : shape == RISES_TO_3 ? 3
                                         : 2,
            code = 0, lo = draw(2001) - 1000;
    if (shape == ADC_COARSE || shape == ADC_FINE) {
        fill_adc(n, shape == ADC_FINE ? 86 : 256, shape == ADC_FINE ? 256 : 2000, value, outside);
        return;
    }
    for (int32_t i = 0; i < n; i++, code += draw(most + 1)) {
        value[i] = shape == ANY_VALUES ? draw(100000) - 50000 : lo + (shape == FALLING ? -unit : unit) * code;
        outside[i] = draw(4) == 0;
    }
}

static void fill_cells(struct test_case *t) {
    int32_t density = draw(101);
    t->words = ohm_alloc(ohm_cells_words(t->nrow, t->cell_bits, 1) * 8);
    t->cells = (struct ohm_cells){t->nrow, t->cell_bits, 1, t->words};
    for (int32_t plane = 0; plane < t->cell_bits; plane++)
        for (int32_t r = 0; r < t->nrow; r++)
            for (int32_t c = 0; c < OHM_CHUNK; c++)
                if (draw(100) < density) t->words[ohm_cells_index(&t->cells, 0, plane, r) + (size_t)c / 64] |= 1ull << (c % 64);
}

static void fill_lists(struct test_case *t) {
    struct ohm_list_rows rows = {.nrow = t->nrow};
    int32_t density = draw(101), nlist = t->npos * t->nbit;
    t->values = ohm_alloc((size_t)(t->npos * t->nrow));
    for (int32_t i = 0; i < t->npos * t->nrow; i++)
        for (int32_t k = 0; k < t->nbit; k++) t->values[i] |= (uint8_t)((draw(100) < density) << k);
    t->lists.first = ohm_alloc((size_t)(nlist + 1) * sizeof *t->lists.first);
    t->lists.driven = ohm_alloc((size_t)nlist * sizeof *t->lists.driven);
    t->lists.row = ohm_alloc(ohm_lists_room(t->nrow, t->npos, t->nbit) * sizeof *t->lists.row);
    ohm_lists_build(&ohm_kernel_reference, &rows, t->npos, t->nbit, 1, t->values, t->nrow, 0, &t->lists);
}

/* Tables: one for all columns, a few in runs, or one per column, in any order. */
static void fill_adcs(struct test_case *t) {
    int32_t ntable = draw(3) == 0 ? 1 : draw(2) ? 1 + draw(16) : OHM_CHUNK, runs = draw(2);
    t->value = ohm_alloc((size_t)ntable * (size_t)t->ncount * sizeof *t->value);
    t->outside = ohm_alloc((size_t)ntable * (size_t)t->ncount);
    for (int32_t i = 0; i < ntable; i++) fill_table(t->shape, t->ncount, t->value + i * t->ncount, t->outside + i * t->ncount);
    for (int32_t c = 0; c < OHM_CHUNK; c++) t->offset[c] = (runs ? c * ntable / OHM_CHUNK : draw(ntable)) * t->ncount;
    t->adc = (struct ohm_adc_table){.ncount = t->ncount, .value = t->value, .outside = t->outside, .offset = ntable == 1 && runs ? NULL : t->offset};
}

static void make_case(struct test_case *t, int32_t most_rows) {
    memset(t, 0, sizeof *t);
    t->nrow = 1 + draw(most_rows);
    t->cell_bits = 1 << draw(3);
    t->npos = 1 + draw(3);
    t->nbit = 1 + draw(8);
    t->step0 = draw(t->nbit);
    t->step1 = t->step0 + 1 + draw(t->nbit - t->step0);
    t->ncol = draw(3) == 0 ? OHM_CHUNK : 1 + draw(OHM_CHUNK);
    t->ncount = t->nrow * ((1 << t->cell_bits) - 1) + 1;
    t->shape = (enum shape)draw(SHAPES);
    fill_cells(t);
    fill_lists(t);
    fill_adcs(t);
}

static void free_case(struct test_case *t) {
    free(t->words);
    free(t->values);
    free(t->value);
    free(t->outside);
    free(t->lists.first);
    free(t->lists.driven);
    free(t->lists.row);
}

static void compare(const struct test_case *t, const struct ohm_kernel *kernel, const int32_t *expected, int64_t outside) {
    size_t n = (size_t)t->npos * OHM_CHUNK;
    int32_t *got = ohm_alloc(n * sizeof *got);
    int64_t got_outside = 0;
    memset(got, 0x55, n * sizeof *got);
    kernel->table(&t->cells, 0, &t->lists, t->step0, t->step1, &t->adc, t->ncol, got, &got_outside);
    int equal = !memcmp(expected, got, n * sizeof *got) && outside == got_outside;
    if (!equal)
        printf("\n%s %s slices differs: rows %d cell bits %d steps %d..%d columns %d shape %d outside %lld %lld\n", kernel->name,
               t->adc.slices ? "with" : "without", t->nrow, t->cell_bits, t->step0, t->step1, t->ncol, (int)t->shape, (long long)outside,
               (long long)got_outside);
    CU_ASSERT(equal);
    free(got);
}

/* Codes added up as planes stand for the same sums: twice, the second time weighing twice or negatively. */
static void check_planes(const struct test_case *t, const struct ohm_kernel *kernel, const int32_t *expected, int64_t outside) {
    const struct ohm_adc_slices *slices = t->adc.slices;
    const int32_t nstep = t->step1 - t->step0, own = nstep + slices->width;
    const bool complement = draw(2);
    struct ohm_onto onto[2] = {{.nplane = own + 2, .after = own},
                               {.nplane = own + 2, .held = own, .after = own + 2, .shift = 1, .complement = complement}};
    const int32_t bias = complement ? ((1 << own) - 1) * 2 : 0, factor = complement ? -1 : 3;
    size_t n = (size_t)t->npos * OHM_CHUNK;
    int32_t *got = ohm_alloc(n * sizeof *got), wrong = 0;
    uint64_t *total = ohm_alloc(n / 64 * (size_t)(own + 2) * 8);
    int64_t got_outside = 0;
    memset(total, 0x5A, n / 64 * (size_t)(own + 2) * 8);
    for (int i = 0; i < 2; i++)
        kernel->table_onto(&t->cells, 0, &t->lists, t->step0, t->step1, &t->adc, t->ncol, &(struct ohm_goal){&onto[i], total}, &got_outside);
    kernel->integers(t->npos, own + 2, own + 2, bias, total, got);
    for (size_t i = 0; i < n; i++) {
        const int64_t c = (int64_t)(i % OHM_CHUNK), lowest = (int64_t)slices->lo[c] * ((1 << nstep) - 1);
        wrong += c < t->ncol && ((int64_t)got[i] * slices->step[c] + factor * lowest) != (int64_t)factor * expected[i];
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT_EQUAL(got_outside, 2 * outside);
    free(got);
    free(total);
}

static void check_case(int32_t most_rows) {
    struct test_case t;
    make_case(&t, most_rows);
    struct ohm_arena *arena = ohm_arena_new();
    const struct ohm_adc_slices *slices;
    int32_t *expected = ohm_alloc((size_t)t.npos * OHM_CHUNK * sizeof *expected);
    int64_t outside = 0;
    CU_ASSERT_EQUAL_FATAL(ohm_adc_slices_make(arena, &t.adc, &slices), 0);
    if (t.shape < RISES_TO_4) CU_ASSERT_PTR_NOT_NULL(slices);
    ohm_kernel_reference.table(&t.cells, 0, &t.lists, t.step0, t.step1, &t.adc, t.ncol, expected, &outside);
    for (const struct ohm_kernel *const *kernel = ohm_kernels() + 1; *kernel; kernel++) {
        t.adc.slices = NULL;
        compare(&t, *kernel, expected, outside);
        t.adc.slices = slices;
        compare(&t, *kernel, expected, outside);
        if (slices) check_planes(&t, *kernel, expected, outside);
    }
    if (slices) check_planes(&t, &ohm_kernel_reference, expected, outside);
    free(expected);
    ohm_arena_free(arena);
    free_case(&t);
}

static void test_small(void) {
    for (int i = 0; i < 3000; i++) check_case(40);
}

static void test_large(void) {
    for (int i = 0; i < 60; i++) check_case(OHM_MAX_ROWS);
}

/* What does not have the form of slices is refused, by hand: codes that fall again, a rise of 4 codes, and neighbours further apart than int32. */
static void test_refused(void) {
    const int32_t values[][4] = {{0, 5, 0, 5}, {0, 1, 5, 6}, {INT32_MIN, INT32_MAX, INT32_MAX, INT32_MAX}, {-7, -10, -10, -16}};
    const uint8_t outside[4] = {0};
    struct ohm_arena *arena = ohm_arena_new();
    for (int i = 0; i < 4; i++) {
        const struct ohm_adc_slices *slices;
        struct ohm_adc_table adc = {.ncount = 4, .value = values[i], .outside = outside};
        CU_ASSERT_EQUAL(ohm_adc_slices_make(arena, &adc, &slices), 0);
        CU_ASSERT_EQUAL(slices != NULL, i == 3);
        if (!slices) continue;
        CU_ASSERT_EQUAL(slices->step[511], -3);
        CU_ASSERT_EQUAL(slices->lo[511], -7);
        CU_ASSERT_EQUAL(slices->width, 2);
    }
    ohm_arena_free(arena);
}

int main(void) {
    const struct suite_test tests[] = {
        {"tables without slices", test_refused}, {"3000 small random cases", test_small}, {"60 large random cases", test_large}};
    return SUITE_RUN("kernel table", tests);
}
