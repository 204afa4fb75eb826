/* Addressed draws: Philox's published vectors, the normal deviate against another implementation's values, and that streams, addresses and words have
 * nothing to do with each other. */
#include "ohmtally/draw.h"
#include "suite.h"
#include <math.h>
#include <string.h>

/* Known-answer vectors of the Random123 distribution (kat_vectors, philox4x32 10): counter, key, result. */
static void test_philox(void) {
    static const struct {
        uint32_t counter[4], key[2], words[4];
    } known[] = {{{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
                 {{~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
                 {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}, {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        struct ohm_draws draws = {{known[i].key[0], known[i].key[1]}};
        const uint32_t *c = known[i].counter;
        uint32_t words[4];
        ohm_draw(draws, c[0], c[1], c[2], c[3], words);
        CU_ASSERT(!memcmp(words, known[i].words, sizeof words));
    }
}

/* Values of Python's statistics.NormalDist().inv_cdf((word + 0.5) / 2^32), in the middle, at the edge of the middle (0.075) and in both tails. */
static void test_normal(void) {
    static const struct {
        uint32_t word;
        double deviate;
    } known[] = {
        {0, -6.337957754553789},          {1, -6.166429517819749},           {12345, -4.535422762090429},           {322122547, -1.4395314704450153},
        {322122548, -1.4395314688002132}, {1073741824, -0.6744897498297384}, {2147483647, -2.9180993729166234e-10}, {3000000000u, 0.5200680618488762},
        {4294967295u, 6.337957754553789}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        CU_ASSERT(fabs(ohm_draw_normal(known[i].word) - known[i].deviate) <= 4e-15 * fabs(known[i].deviate));
    double before = -INFINITY;
    for (uint64_t word = 0; word < (uint64_t)1 << 32; word += 65521) {
        double deviate = ohm_draw_normal((uint32_t)word);
        CU_ASSERT(deviate > before);
        CU_ASSERT_EQUAL(deviate, -ohm_draw_normal(~(uint32_t)word)); /* no bias, to the last bit */
        before = deviate;
    }
}

/* The last bits do not depend on a machine's library: the deviates of a million words, hashed; the figure is that of the same formulas in Python. */
static void test_bits(void) {
    uint64_t hash = 0;
    for (uint64_t i = 0; i < 1000000; i++) {
        double deviate = ohm_draw_normal((uint32_t)(i * 4294));
        uint64_t bits;
        memcpy(&bits, &deviate, sizeof bits);
        hash = (hash ^ bits) * 0x9E3779B97F4A7C15ull;
        hash ^= hash >> 29;
    }
    CU_ASSERT_EQUAL(hash, 0xf0f4a5c9103da027ull);
}

enum { COUNT = 1 << 20 };

struct moments {
    double mean, variance, skew, kurtosis;
};
static struct moments moments_of(const double *z, int n) {
    struct moments m = {0};
    for (int i = 0; i < n; i++) m.mean += z[i] / n;
    for (int i = 0; i < n; i++) {
        double d = z[i] - m.mean;
        m.variance += d * d / n;
        m.skew += d * d * d / n;
        m.kurtosis += d * d * d * d / n;
    }
    return m;
}

/* Moments of 2^22 deviates within five standard errors of those of the normal distribution. */
static void test_moments(void) {
    struct ohm_draws draws = ohm_draws_of(1, 0, OHM_DRAW_STUCK);
    double *z = malloc(4 * COUNT * sizeof *z), n = 4.0 * COUNT;
    for (uint32_t i = 0; i < COUNT; i++) {
        uint32_t words[4];
        ohm_draw(draws, 3, i >> 10, i & 1023, 7, words);
        for (int k = 0; k < 4; k++) z[4 * i + (uint32_t)k] = ohm_draw_normal(words[k]);
    }
    struct moments m = moments_of(z, 4 * COUNT);
    CU_ASSERT(fabs(m.mean) < 5 / sqrt(n));
    CU_ASSERT(fabs(m.variance - 1) < 5 * sqrt(2 / n));
    CU_ASSERT(fabs(m.skew) < 5 * sqrt(15 / n));
    CU_ASSERT(fabs(m.kurtosis - 3) < 5 * sqrt(96 / n));
    free(z);
}

/* Correlation of the deviates of two series of addresses. */
static double correlation(struct ohm_draws a, struct ohm_draws b, uint32_t da, uint32_t db, int wa, int wb) {
    double sum = 0;
    for (uint32_t i = 0; i < COUNT; i++) {
        uint32_t x[4], y[4];
        ohm_draw(a, 0, 0, i, da, x);
        ohm_draw(b, 0, 0, i, db, y);
        sum += ohm_draw_normal(x[wa]) * ohm_draw_normal(y[wb]);
    }
    return sum / COUNT;
}

static void test_independence(void) {
    struct ohm_draws one = ohm_draws_of(1, 0, OHM_DRAW_STUCK), seed = ohm_draws_of(2, 0, OHM_DRAW_STUCK), chip = ohm_draws_of(1, 1, OHM_DRAW_STUCK);
    struct ohm_draws high = ohm_draws_of(1 + ((uint64_t)1 << 32), 0, OHM_DRAW_STUCK);
    double most = 5 / sqrt(COUNT);
    CU_ASSERT(fabs(correlation(one, one, 0, 0, 0, 0) - 1) < 0.02); /* the same address: the same draw */
    CU_ASSERT(fabs(correlation(one, one, 0, 0, 0, 1)) < most);     /* words of a block */
    CU_ASSERT(fabs(correlation(one, one, 0, 1, 2, 2)) < most);     /* neighbours */
    CU_ASSERT(fabs(correlation(one, seed, 0, 0, 0, 0)) < most);
    CU_ASSERT(fabs(correlation(one, chip, 0, 0, 0, 0)) < most);
    CU_ASSERT(fabs(correlation(one, high, 0, 0, 0, 0)) < most); /* all bits of a seed count */
}

static void test_below(void) {
    CU_ASSERT_EQUAL(ohm_draw_below(0), 0);
    CU_ASSERT_EQUAL(ohm_draw_below(-1), 0);
    CU_ASSERT_EQUAL(ohm_draw_below(1), (uint64_t)1 << 32);
    CU_ASSERT_EQUAL(ohm_draw_below(0.01), 42949673);
}

int main(void) {
    const struct suite_test tests[] = {{"Philox's vectors", test_philox}, {"normal deviates", test_normal},    {"their bits", test_bits},
                                       {"their moments", test_moments},   {"independence", test_independence}, {"shares", test_below}};
    return SUITE_RUN("noise draw", tests);
}
