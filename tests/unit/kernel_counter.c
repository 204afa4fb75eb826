/* Every kernel equals the reference exactly, on random shapes, densities, bit widths, shifts and ADCs. */
#include "ohmtally/kernel.h"
#include "ohmtally/memory.h"
#include "suite.h"
#define DRAW_SEED 88172645463325252ull
#include "draw.h"
#include <string.h>

struct test_case {
    int32_t nrow, npos, nbit, element, max_shift, cell_bits;
    struct ohm_cells cells;
    struct ohm_list_rows rows;
    struct ohm_lists lists;
    void *values;
    uint64_t *shifted;
    int32_t *input;
};

static void fill_cells(struct test_case *t, uint32_t density) {
    uint64_t *words = ohm_alloc(ohm_cells_words(t->nrow, t->cell_bits, 1) * 8);
    t->cells = (struct ohm_cells){t->nrow, t->cell_bits, 1, words};
    for (int32_t plane = 0; plane < t->cell_bits; plane++)
        for (int32_t r = 0; r < t->nrow; r++)
            for (int32_t c = 0; c < OHM_CHUNK; c++)
                if (draw(100) < density) words[ohm_cells_index(&t->cells, 0, plane, r) + (size_t)c / 64] |= 1ull << (c % 64);
}

static struct test_case make_case(int32_t most_rows) {
    struct test_case t = {
        .nrow = 1 + (int32_t)draw((uint32_t)most_rows), .npos = 1 + (int32_t)draw(3), .nbit = 1 + (int32_t)draw(16), .max_shift = (int32_t)draw(4)};
    t.cell_bits = 1 << draw(3);
    t.element = t.nbit > 8 || draw(4) == 0 ? 2 : 1;
    uint32_t density = draw(101), words = (uint32_t)(t.nrow + 63) / 64;
    fill_cells(&t, draw(101));
    t.values = ohm_alloc((size_t)(t.npos * t.nrow * t.element));
    t.shifted = ohm_alloc((size_t)(t.max_shift + 1) * words * 8);
    t.input = ohm_alloc((size_t)t.nrow * 4);
    for (int32_t i = 0; i < t.npos * t.nrow; i++) {
        uint32_t value = 0;
        for (int32_t k = 0; k < t.nbit; k++) value |= (uint32_t)(draw(100) < density) << k;
        if (t.element == 1)
            ((uint8_t *)t.values)[i] = (uint8_t)value;
        else
            ((uint16_t *)t.values)[i] = (uint16_t)value;
    }
    for (int32_t r = 0; r < t.nrow; r++) {
        t.input[r] = (int32_t)draw((uint32_t)t.nrow);
        t.shifted[draw((uint32_t)t.max_shift + 1) * words + (uint32_t)r / 64] |= 1ull << (r % 64);
    }
    int32_t nlist = t.npos * (t.nbit + t.max_shift);
    t.lists.first = ohm_alloc((size_t)(nlist + 1) * 4);
    t.lists.driven = ohm_alloc((size_t)nlist * 2);
    t.lists.row = ohm_alloc(ohm_lists_room(t.nrow, t.npos, t.nbit + t.max_shift) * 2);
    t.rows = (struct ohm_list_rows){t.nrow, t.max_shift, draw(2) ? t.input : NULL, 0, t.max_shift ? t.shifted : NULL};
    return t;
}

static void free_case(struct test_case *t) {
    free((void *)(uintptr_t)t->cells.words);
    free(t->values);
    free(t->shifted);
    free(t->input);
    free(t->lists.first);
    free(t->lists.driven);
    free(t->lists.row);
}

static int32_t bits_of(int64_t value) {
    int32_t bits = 0;
    for (; value; value >>= 1) bits++;
    return bits;
}

/* Runs one case through a kernel: clip, table and excess; out [3][npos][OHM_CHUNK], clipped [3]. */
static void run_case(const struct ohm_kernel *kernel, struct test_case *t, int32_t adc_bits, int32_t step0, int32_t step1,
                     const struct ohm_adc_table *adc, int32_t *out, int64_t *clipped) {
    ohm_lists_build(kernel, &t->rows, t->npos, t->nbit, t->element, t->values, t->nrow, 0, &t->lists);
    uint8_t found[3];
    clipped[0] = clipped[1] = clipped[2] = 0;
    kernel->clip(&t->cells, 0, &t->lists, step0, step1, adc_bits, out, &clipped[0]);
    kernel->table(&t->cells, 0, &t->lists, step0, step1, adc, 300, out + t->npos * OHM_CHUNK, &clipped[1]);
    int32_t *excess = out + 2 * t->npos * OHM_CHUNK;
    kernel->excess(&t->cells, 0, &t->lists, step0, step1, adc_bits, excess, found, &clipped[2]);
    for (int32_t p = 0; p < t->npos; p++)
        if (!found[p]) memset(excess + p * OHM_CHUNK, 0, OHM_CHUNK * sizeof *excess);
    CU_ASSERT_EQUAL(clipped[2], clipped[0]);
}

/* What clip gives and what excess says it took away add up to the counts themselves. */
static void check_sums(const struct ohm_kernel *kernel, struct test_case *t, int32_t step0, int32_t step1, const int32_t *out, int32_t *whole) {
    int64_t none = 0;
    size_t n = (size_t)t->npos * OHM_CHUNK;
    kernel->clip(&t->cells, 0, &t->lists, step0, step1, 14, whole, &none);
    CU_ASSERT_EQUAL(none, 0);
    for (size_t i = 0; i < n; i++) whole[i] -= out[i] + out[2 * n + i];
    for (size_t i = 0; i < n; i++)
        if (whole[i]) CU_FAIL("clip and excess do not add up");
}

/* Sums kept as planes, added onto each other with shifts and as complements: the reference's planes to the last bit, and the integers they stand
 * for. */
static void check_planes(const struct ohm_kernel *kernel, struct test_case *t, int32_t adc_bits, int32_t step0, int32_t step1,
                         const int32_t *clipped) {
    size_t n = (size_t)t->npos * OHM_CHUNK, words = n / 64 * 31;
    int32_t own = ohm_clip_planes(&t->cells, step1 - step0, adc_bits), wrong = 0;
    struct ohm_onto onto = {.nplane = own + 1 + (int32_t)draw(4)};
    if (onto.nplane > 31) return;
    uint64_t *plain = ohm_alloc(words * 8), *total = ohm_alloc(words * 8);
    int32_t *acc = ohm_alloc(n * 4), *sum = ohm_alloc(n * 4);
    int64_t none = 0, again = 0, most = 0, bias = 0;
    memset(plain, 0xA5, words * 8); /* what was there before does not matter */
    memset(total, 0xA5, words * 8);
    for (int turn = 0; turn < 4; turn++) {
        const int64_t all = ((int64_t)1 << own) - 1;
        onto.shift = turn ? (int32_t)draw((uint32_t)(onto.nplane - own)) : 0;
        onto.complement = draw(2) != 0;
        most += all << onto.shift;
        if (bits_of(most) > onto.nplane) break;
        onto.after = bits_of(most);
        bias += onto.complement ? all << onto.shift : 0;
        ohm_kernel_reference.clip_onto(&t->cells, 0, 1, &t->lists, step0, step1, adc_bits, &(struct ohm_goal){&onto, plain}, &none);
        kernel->clip_onto(&t->cells, 0, 1, &t->lists, step0, step1, adc_bits, &(struct ohm_goal){&onto, total}, &again);
        kernel->integers(t->npos, onto.nplane, onto.after, (int32_t)bias, total, acc);
        for (size_t i = 0; i < n; i++) {
            sum[i] += clipped[i] * (onto.complement ? -1 : 1) * (1 << onto.shift);
            wrong += acc[i] != sum[i];
        }
        CU_ASSERT(!memcmp(plain, total, words * 8));
        onto.held = onto.after;
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT_EQUAL(none, again);
    free(plain);
    free(total);
    free(acc);
    free(sum);
}

/* Lists that ignore harmless steps give the same corrections. */
static void check_ignoring(const struct ohm_kernel *kernel, struct test_case *t, int32_t adc_bits, int32_t step0, int32_t step1, int32_t *expected) {
    uint8_t found[3];
    int64_t clipped = 0;
    size_t n = (size_t)t->npos * OHM_CHUNK;
    int32_t *got = ohm_alloc(n * 4), harmless = ((1 << adc_bits) - 1) / ((1 << t->cell_bits) - 1);
    ohm_lists_build(kernel, &t->rows, t->npos, t->nbit, t->element, t->values, t->nrow, harmless, &t->lists);
    kernel->excess(&t->cells, 0, &t->lists, step0, step1, adc_bits, got, found, &clipped);
    for (int32_t p = 0; p < t->npos; p++)
        if (!found[p]) memset(got + p * OHM_CHUNK, 0, OHM_CHUNK * sizeof *got);
    CU_ASSERT(!memcmp(got, expected, n * 4));
    free(got);
}

static void check_case(int32_t most_rows) {
    struct test_case t = make_case(most_rows);
    int32_t most = t.nrow * ((1 << t.cell_bits) - 1), nstep = t.nbit + t.max_shift, adc_bits = 1 + (int32_t)draw(13);
    int32_t step0 = (int32_t)draw((uint32_t)nstep), room = 30 - bits_of(most);
    int32_t step1 = step0 + room < nstep ? step0 + room : nstep;
    int32_t *value = ohm_alloc((size_t)(most + 1) * 2 * 4), offset[OHM_CHUNK];
    uint8_t *outside = ohm_alloc(((size_t)most + 1) * 2);
    for (int32_t i = 0; i < 2 * (most + 1); i++) { /* two tables, each column with one of them */
        value[i] = (int32_t)draw((uint32_t)most + 1);
        outside[i] = draw(2) != 0;
    }
    for (int32_t c = 0; c < OHM_CHUNK; c++) offset[c] = draw(2) ? most + 1 : 0;
    struct ohm_adc_table adc = {.ncount = most + 1, .value = value, .outside = outside, .offset = draw(2) ? offset : NULL};
    size_t n = (size_t)(3 * t.npos * OHM_CHUNK);
    int32_t *expected = ohm_alloc(n * 4), *got = ohm_alloc(n * 4);
    int64_t clipped[3], clipped_got[3];
    run_case(&ohm_kernel_reference, &t, adc_bits, step0, step1, &adc, expected, clipped);
    check_sums(&ohm_kernel_reference, &t, step0, step1, expected, got);
    for (const struct ohm_kernel *const *kernel = ohm_kernels() + 1; *kernel; kernel++) {
        run_case(*kernel, &t, adc_bits, step0, step1, &adc, got, clipped_got);
        int equal = !memcmp(expected, got, n * 4) && clipped[0] == clipped_got[0] && clipped[1] == clipped_got[1];
        if (!equal)
            printf("\n%s differs: rows %d cell bits %d bits %d shift %d adc %d steps %d..%d\n", (*kernel)->name, t.nrow, t.cell_bits, t.nbit,
                   t.max_shift, adc_bits, step0, step1);
        CU_ASSERT(equal);
        check_planes(*kernel, &t, adc_bits, step0, step1, expected);
        check_ignoring(*kernel, &t, adc_bits, step0, step1, expected + 2 * t.npos * OHM_CHUNK);
    }
    free(value);
    free(outside);
    free(expected);
    free(got);
    free_case(&t);
}

static void test_small(void) {
    for (int i = 0; i < 1500; i++) check_case(24);
}

static void test_large(void) {
    for (int i = 0; i < 40; i++) check_case(OHM_MAX_ROWS);
}

/* The definition itself, by hand: 3 rows, inputs 3, 1, 2 (2 bits), cells of column 0: 1, 1, 1; of column 1: 0, 1, 0. */
static void test_by_hand(void) {
    uint64_t words[4 * OHM_CHUNK_WORDS] __attribute__((aligned(64))) = {0};
    words[0] = 1;
    words[OHM_CHUNK_WORDS] = 3;
    words[2 * OHM_CHUNK_WORDS] = 1;
    struct ohm_cells cells = {3, 1, 1, words};
    uint8_t values[3] = {3, 1, 2};
    int32_t first[3], acc[OHM_CHUNK] __attribute__((aligned(64)));
    int16_t driven[2];
    uint16_t row[64];
    struct ohm_lists lists = {0, 0, first, driven, row};
    struct ohm_list_rows rows = {.nrow = 3};
    for (const struct ohm_kernel *const *kernel = ohm_kernels(); *kernel; kernel++) {
        int64_t clipped = 0;
        ohm_lists_build(*kernel, &rows, 1, 2, 1, values, 3, 0, &lists);
        CU_ASSERT_EQUAL(driven[0], 2); /* bit 0: rows 0 and 1 */
        CU_ASSERT_EQUAL(driven[1], 2); /* bit 1: rows 0 and 2 */
        (*kernel)->clip(&cells, 0, &lists, 0, 2, 8, acc, &clipped);
        CU_ASSERT_EQUAL(acc[0], 6); /* 3 + 1 + 2 */
        CU_ASSERT_EQUAL(acc[1], 1);
        CU_ASSERT_EQUAL(clipped, 0);
        (*kernel)->clip(&cells, 0, &lists, 0, 2, 1, acc, &clipped); /* one bit: 2 becomes 1 in both steps */
        CU_ASSERT_EQUAL(acc[0], 3);
        CU_ASSERT_EQUAL(acc[1], 1);
        CU_ASSERT_EQUAL(clipped, 2);
        uint8_t found;
        (*kernel)->excess(&cells, 0, &lists, 0, 2, 1, acc, &found, &clipped); /* 2 instead of 1 in both steps: 1 + 2 too many */
        CU_ASSERT_EQUAL(found, 1);
        CU_ASSERT_EQUAL(acc[0], 3);
        CU_ASSERT_EQUAL(acc[1], 0);
        CU_ASSERT_EQUAL(clipped, 4);
        (*kernel)->excess(&cells, 0, &lists, 0, 2, 2, acc, &found, &clipped);
        CU_ASSERT_EQUAL(found, 0);
        int32_t narrow[2] = {1, INT32_MAX}, coefficient[2] = {-2, 3}, sums[2] = {5, 7};
        (*kernel)->combine_narrow(2, coefficient, sums, 3, narrow);
        CU_ASSERT_EQUAL(narrow[0], 1 - 2 * 5 * 8);
        CU_ASSERT_EQUAL(narrow[1], (int32_t)(INT32_MAX + 3u * 7 * 8)); /* modulo 2^32 */
        CU_ASSERT_EQUAL((*kernel)->ones(3, values), 4);
    }
}

int main(void) {
    const struct suite_test tests[] = {{"by hand", test_by_hand}, {"1500 small random cases", test_small}, {"40 large random cases", test_large}};
    return SUITE_RUN("kernel counter", tests);
}
