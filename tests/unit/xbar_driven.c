/* Rows driven, their cells and levels, against plain loops over positions, inputs and bits: vectors of any length, more positions than sums hold,
 * with every kernel. */
#include "../../src/xbar/program.h"
#include "ohmtally/memory.h"
#include "suite.h"
#define DRAW_SEED 0x2545f4914f6cdd1dull
#include "draw.h"

struct drawn {
    int32_t element, groups, krows, npos;
    void *x;
    int32_t *weights[3]; /* [groups * krows] */
};

static struct drawn draw_values(int32_t element, int32_t groups, int32_t krows, int32_t npos, bool all_set) {
    struct drawn d = {element, groups, krows, npos, NULL, {NULL}};
    const size_t inputs = (size_t)(groups * krows), count = inputs * (size_t)npos * (size_t)element;
    uint8_t *bytes = d.x = ohm_alloc(count);
    for (size_t i = 0; i < count; i++) bytes[i] = (uint8_t)(all_set ? 255 : draw(256));
    for (int k = 0; k < 3; k++) {
        d.weights[k] = ohm_alloc_array(inputs, sizeof *d.weights[k]);
        for (size_t i = 0; i < inputs; i++) d.weights[k][i] = (int32_t)draw(1u << (7 + 4 * k));
    }
    return d;
}

static void plain(const struct drawn *d, int64_t sum[3]) {
    const int64_t inputs = d->groups * d->krows;
    for (int k = 0; k < 3; k++) sum[k] = 0;
    for (int64_t at = 0; at < inputs * d->npos; at++) {
        const uint32_t value = d->element == 1 ? ((const uint8_t *)d->x)[at] : ((const uint16_t *)d->x)[at];
        for (int bit = 0; bit < 16; bit++)
            for (int k = 0; k < 3; k++) sum[k] += (value >> bit & 1) * (int64_t)d->weights[k][at % inputs];
    }
}

static void check(int32_t element, int32_t groups, int32_t krows, int32_t npos, bool all_set) {
    struct drawn d = draw_values(element, groups, krows, npos, all_set);
    int64_t expected[3];
    plain(&d, expected);
    for (const struct ohm_kernel *const *kernel = ohm_kernels(); *kernel; kernel++) {
        const struct ohm_program program = {.kernel = *kernel,
                                            .element = element,
                                            .groups = groups,
                                            .krows = krows,
                                            .rows_of = d.weights[0],
                                            .cells_of = d.weights[1],
                                            .levels_of = d.weights[2],
                                            .per_position = {.positions = 1}};
        struct ohm_tally tally = {.row_drives = 5, .positions = 2};
        ohm_tally_positions(&program, npos, d.x, NULL, &tally);
        CU_ASSERT_EQUAL(tally.positions, npos + 2);
        CU_ASSERT_EQUAL(tally.row_drives, expected[0] + 5);
        CU_ASSERT_EQUAL(tally.cells_driven, expected[1]);
        CU_ASSERT_EQUAL(tally.cell_levels, expected[2]);
    }
    for (int k = 0; k < 3; k++) free(d.weights[k]);
    free(d.x);
}

static void test_lengths(void) {
    static const int32_t lengths[] = {1, 2, 27, 64, 147, 341, 342, 511, 512, 513, 1023, 1024, 1025, 2048, 2304};
    static const int32_t positions[] = {1, 7, 8, 9, 49, 130};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++)
        for (size_t k = 0; k < sizeof positions / sizeof positions[0]; k++)
            for (int32_t element = 1; element <= 2; element++) check(element, 1, lengths[i], positions[k], false);
}

static void test_any(void) {
    for (int i = 0; i < 300; i++) check(1 + i % 2, 1 + (int32_t)draw(3), 1 + (int32_t)draw(700), 1 + (int32_t)draw(40), false);
}

/* Sums of 16 bits do not overflow. */
static void test_many_positions(void) {
    for (int32_t npos = 4094; npos < 4098; npos++)
        for (int32_t element = 1; element <= 2; element++) check(element, 1, 19, npos, true);
    for (int32_t element = 1; element <= 2; element++) {
        check(element, 1, 1, 10001, true);
        check(element, 1, 1030, 4100, true);
        check(element, 2, 5, 9000, false);
    }
}

int main(void) {
    const struct suite_test tests[] = {{"lengths", test_lengths}, {"any", test_any}, {"many positions", test_many_positions}};
    return SUITE_RUN("xbar driven", tests);
}
