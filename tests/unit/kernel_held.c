/* Bit lines of conductances on every kernel against one conversion after another in floats: random cells of every sign and fraction, halves, codes
 * that clip, missing columns, steps without rows, noise from none to as much as kernels are asked for. */
#include "ohmtally/held.h"
#include "suite.h"
#define DRAW_SEED 0x9E6D8B4A3C2F1057ull
#include "draw.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 64, POSITIONS = 6, STEPS = 16 };

struct bed {
    int16_t cells[(ROWS + 1) * OHM_PART] __attribute__((aligned(64)));
    int16_t driven[POSITIONS * STEPS];
    int32_t first[POSITIONS * STEPS + 1];
    uint16_t row[POSITIONS * STEPS * (ROWS + OHM_LIST_PAD)];
    uint32_t at[POSITIONS][2];
    struct ohm_lists lists;
    struct ohm_held held;
    struct ohm_held_reads reads;
    int32_t step0, step1, most, least; /* sums of all rows */
};

/* Whole levels, halves of them, or any number around a level; some below 0. */
static void fill_cells(struct bed *bed, int32_t nrow) {
    int32_t one = 1 << bed->held.fraction, most = 32000 / (nrow * one) < 1 ? 1 : 32000 / (nrow * one), kind = (int32_t)draw(4);
    int32_t above[OHM_PART] = {0}, below[OHM_PART] = {0};
    if (most > 3) most = 1 + (int32_t)draw(3);
    memset(bed->cells, 0, sizeof bed->cells);
    bed->most = bed->least = 0;
    for (int32_t r = 0; r < nrow; r++)
        for (int32_t c = 0; c < bed->held.ncol; c++) {
            int32_t g = (int32_t)draw((uint32_t)most + 1) * one;
            if (kind == 1) g = (int32_t)draw((uint32_t)(2 * most) + 1) * (one / 2);
            if (kind >= 2) g = (int32_t)draw((uint32_t)(most * one) + 1);
            if (kind == 3 && draw(3) == 0) g = -g / 2;
            bed->cells[r * OHM_PART + c] = (int16_t)g;
            *(g > 0 ? &above[c] : &below[c]) += g;
            bed->most = above[c] > bed->most ? above[c] : bed->most;
            bed->least = below[c] < bed->least ? below[c] : bed->least;
        }
    bed->held.above = bed->least >= 0;
    bed->reads.quiet = kind == 0 ? (int32_t)draw(4) : 0;
}

static void fill_lists(struct bed *bed, int32_t nrow) {
    int32_t n = 0, density = (int32_t)draw(101);
    for (int32_t i = 0; i < bed->lists.npos * bed->lists.nstep; i++) {
        bed->first[i] = n;
        bed->driven[i] = 0;
        for (int32_t r = 0; r < nrow; r++)
            if ((int32_t)draw(100) < density) bed->row[n++] = (uint16_t)r, bed->driven[i]++;
        while (n % OHM_LIST_PAD) bed->row[n++] = (uint16_t)nrow;
        bed->first[i + 1] = n;
    }
}

static void make_bed(struct bed *bed) {
    int32_t nrow = 1 + (int32_t)draw(ROWS), longest;
    bed->held = (struct ohm_held){.cells = bed->cells, .ncol = 1 + (int32_t)draw(OHM_PART), .bits = 1 + (int32_t)draw(16)};
    if (draw(2)) bed->held.ncol = OHM_PART;
    if (draw(2)) bed->held.bits = 8;
    bed->held.fraction = (int32_t)draw(OHM_HELD_FRACTION + 1);
    bed->lists = (struct ohm_lists){1 + (int32_t)draw(POSITIONS), 1 + (int32_t)draw(STEPS), bed->first, bed->driven, bed->row};
    longest = 31 - bed->held.bits < bed->lists.nstep ? 31 - bed->held.bits : bed->lists.nstep;
    bed->step0 = (int32_t)draw((uint32_t)(bed->lists.nstep - longest) + 1);
    bed->step1 = bed->step0 + 1 + (int32_t)draw((uint32_t)longest);
    fill_cells(bed, nrow);
    fill_lists(bed, nrow);
    int32_t one = 1 << bed->held.fraction, top = (1 << bed->held.bits) - 1;
    bed->held.inside = 2 * bed->most < (2 * top + 1) * one && 2 * bed->least > -one;
}

/* sum + noise in 2^-fraction, or the sum alone. */
static float value(const struct bed *bed, bool noisy, int32_t p, int32_t t, int32_t c, int32_t sum) {
    const struct ohm_held_reads *reads = &bed->reads;
    float s = (float)sum, level = s + reads->leak * (float)bed->driven[p * bed->lists.nstep + t];
    uint32_t words[4], place = (uint32_t)c;
    if (!noisy) return s;
    ohm_draw(reads->draws, reads->at[p][0], reads->at[p][1], reads->first_step + (uint32_t)t, reads->part * 16 + place % 32 / 2, words);
    float variance = reads->growth * (level > 0 ? level : 0) + reads->still;
    return s + ohm_draw_small()[words[place / 32] >> (place % 2 * 16) & 0xffff] * sqrtf(variance);
}

static int64_t expect(const struct bed *bed, bool noisy, int32_t *acc) {
    int32_t top = (1 << bed->held.bits) - 1;
    int64_t clipped = 0;
    for (int32_t p = 0; p < bed->lists.npos; p++)
        for (int32_t c = 0; c < bed->held.ncol; c++) {
            acc[p * OHM_CHUNK + c] = 0;
            for (int32_t t = bed->step0; t < bed->step1; t++) {
                int32_t list = p * bed->lists.nstep + t, sum = 0;
                for (int32_t i = bed->first[list]; i < bed->first[list + 1]; i++) sum += bed->cells[bed->row[i] * OHM_PART + c];
                int32_t code = (int32_t)rintf(value(bed, noisy, p, t, c, sum) / (float)(1 << bed->held.fraction));
                int32_t kept = code < 0 ? 0 : code > top ? top : code;
                clipped += code != kept;
                acc[p * OHM_CHUNK + c] += kept << (t - bed->step0);
            }
        }
    return clipped;
}

static void compare(const struct bed *bed, const int32_t *acc, const int32_t *expected) {
    for (int32_t p = 0; p < bed->lists.npos; p++)
        CU_ASSERT(!memcmp(acc + p * OHM_CHUNK, expected + p * OHM_CHUNK, (size_t)bed->held.ncol * sizeof *acc));
}

static int32_t acc[POSITIONS * OHM_CHUNK], expected[POSITIONS * OHM_CHUNK];

static void test_sums(void) {
    static struct bed bed;
    for (int i = 0; i < 1500; i++) {
        make_bed(&bed);
        int64_t outside = expect(&bed, false, expected);
        for (const struct ohm_kernel *const *kernel = ohm_kernels(); *kernel; kernel++) {
            int64_t clipped = 0;
            if (!(*kernel)->held) continue;
            (*kernel)->held(&bed.held, &bed.lists, bed.step0, bed.step1, acc, &clipped);
            CU_ASSERT_EQUAL(clipped, outside);
            compare(&bed, acc, expected);
        }
    }
}

/* A share of the noise that kernels are asked for; false where these sums leave no room for it. */
static bool make_reads(struct bed *bed, double share) {
    double one = 1 << bed->held.fraction, variance = OHM_HELD_VARIANCE * share, still = draw(3) ? 0 : variance * draw(1001) / 1000;
    double leak = bed->held.above && draw(2) ? 0 : one * draw(1000) / 4000, largest = bed->most + leak * ROWS;
    if (largest <= 0) return false;
    for (int32_t p = 0; p < POSITIONS; p++) bed->at[p][0] = draw(100), bed->at[p][1] = draw(100000);
    int32_t quiet = bed->reads.quiet;
    bed->reads = (struct ohm_held_reads){.draws = ohm_draws_of(draw(1000), 0, OHM_DRAW_READ),
                                         .at = (const uint32_t(*)[2])bed->at,
                                         .first_step = 32 * draw(50),
                                         .part = draw(1000),
                                         .growth = (float)((variance - still) * one * one / largest),
                                         .leak = (float)leak,
                                         .still = (float)(still * one * one)};
    double row = bed->reads.growth * (3 * one + leak); /* the most a row of at most 3 levels adds to the variance */
    bed->reads.quiet = still > 0 ? -1 : 0;
    if (quiet && 4.34 * sqrt(quiet * row + still * one * one) < 0.499 * one) bed->reads.quiet = quiet;
    bed->held.calm = variance <= OHM_HELD_CALM;
    double most = 4.34 * sqrt(variance) * one;
    return bed->most + most < INT16_MAX && bed->least - most > -INT16_MAX;
}

static void test_noise(void) {
    static const double shares[] = {0, 1e-6, 1e-4, 0.001, 0.01, 0.05, 0.2, 0.5, 0.999};
    static struct bed bed;
    int32_t looked_at = 0;
    for (int i = 0; i < 3000; i++) {
        make_bed(&bed);
        if (!make_reads(&bed, shares[draw(9)])) continue;
        int64_t outside = expect(&bed, true, expected);
        for (const struct ohm_kernel *const *kernel = ohm_kernels(); *kernel; kernel++) {
            int64_t clipped = 0;
            if (!(*kernel)->held_noisy) continue;
            (*kernel)->held_noisy(&bed.held, &bed.reads, &bed.lists, bed.step0, bed.step1, acc, &clipped);
            CU_ASSERT_EQUAL(clipped, outside);
            compare(&bed, acc, expected);
        }
        looked_at++;
    }
    CU_ASSERT(looked_at > 2000);
}

/* Sums next to where codes change, of either sign of noise, for every deviate: all 65,536 words are met many times. */
static void test_edges(void) {
    static struct bed bed;
    for (int i = 0; i < 300; i++) {
        make_bed(&bed);
        bed.held.fraction = 8;
        bed.held.above = true;
        bed.held.ncol = OHM_PART;
        bed.held.bits = 8;
        bed.held.inside = false;
        bed.lists = (struct ohm_lists){POSITIONS, STEPS, bed.first, bed.driven, bed.row};
        bed.step0 = 0;
        bed.step1 = STEPS;
        memset(bed.cells, 0, sizeof bed.cells);
        for (int32_t k = 0; k < 8 * OHM_PART; k++) bed.cells[k] = (int16_t)(draw(16) * 256 + 128 - 3 + draw(7));
        bed.most = 8 * 16 * 256;
        bed.least = 0;
        bed.reads.quiet = 0;
        fill_lists(&bed, 1 + (int32_t)draw(7));
        if (!make_reads(&bed, 0.0001 * (1 + draw(1000)))) continue;
        int64_t outside = expect(&bed, true, expected);
        for (const struct ohm_kernel *const *kernel = ohm_kernels(); *kernel; kernel++) {
            int64_t clipped = 0;
            if (!(*kernel)->held_noisy) continue;
            (*kernel)->held_noisy(&bed.held, &bed.reads, &bed.lists, bed.step0, bed.step1, acc, &clipped);
            CU_ASSERT_EQUAL(clipped, outside);
            compare(&bed, acc, expected);
        }
    }
}

int main(void) {
    const struct suite_test tests[] = {{"sums", test_sums}, {"noise", test_noise}, {"edges of codes", test_edges}};
    return SUITE_RUN("kernel held", tests);
}
