/* Range rules on distributions whose answer is known. */
#include "net_random.h"
#include "ohmtally/quantize.h"
#include "ohmtally/status.h"
#include "suite.h"
#include <math.h>

#define COUNT 20000
static uint64_t state = 31;
static float data[COUNT];

/* Quantisation of an input that was seen as data[0 .. COUNT - 1]. */
static int choose(struct ohm_quantize_options options, struct ohm_quant *quant) {
    struct ohm_network *net = ohm_network_new();
    int32_t x = net_input(net, SHAPE(1, COUNT)), in[] = {x, random_constant(net, &state, SHAPE(1, COUNT))};
    CU_ASSERT_FATAL(net_append(net, ohm_node_of(OHM_OP_LINEAR), in, 2, NULL) >= 0);
    struct ohm_ranges *ranges = ohm_ranges_new(net);
    ohm_ranges_see(ranges, -1, x, data, COUNT);
    struct ohm_intnet *intnet = NULL;
    int status = ohm_quantize(net, ranges, &options, &intnet);
    if (!status) *quant = intnet->quant[x];
    ohm_intnet_free(intnet);
    ohm_ranges_free(ranges);
    ohm_network_free(net);
    return status;
}

static double mean_squared_error(double scale, double zero, int32_t bits) {
    double sum = 0, top = (1 << bits) - 1;
    for (int i = 0; i < COUNT; i++) {
        double q = fmin(fmax(rint(data[i] / scale) + zero, 0), top);
        sum += ((q - zero) * scale - data[i]) * ((q - zero) * scale - data[i]);
    }
    return sum / COUNT;
}

/* The rule's error on the data themselves is within 2 % of the best of a fine search over both ends. */
static void check_least_error(int32_t bits) {
    struct ohm_quant quant = {0};
    CU_ASSERT_FATAL(!choose((struct ohm_quantize_options){bits, OHM_RULE_SQUARED_ERROR, 0}, &quant));
    double least = 0, most = 0, best = INFINITY, levels = (1 << bits) - 1;
    for (int i = 0; i < COUNT; i++) {
        least = fmin(least, data[i]);
        most = fmax(most, data[i]);
    }
    for (int i = 1; i <= 60; i++)
        for (int j = least < 0 ? 1 : 60; j <= 60; j++) {
            double hi = most * i / 60, lo = least * j / 60, scale = (hi - lo) / levels;
            best = fmin(best, mean_squared_error(scale, rint(-lo / scale), bits));
        }
    CU_ASSERT(mean_squared_error(quant.scale, quant.zero, bits) < 1.02 * best);
}

static void test_least_error(void) {
    for (int i = 0; i < COUNT; i++) data[i] = fmaxf(0, -logf(0.5F + 0.5F * random_next(&state) + 1e-6F) - 0.5F); /* as behind a Relu */
    check_least_error(4);
    for (int i = 0; i < COUNT; i++) data[i] = 2 * powf(random_next(&state), 3) + 0.3F; /* both signs, two tails */
    check_least_error(3);
    check_least_error(5);
}

/* 100 of 20000 values at each end are far out: 99 % keeps the rest. */
static void test_percentile_cuts_both_ends(void) {
    struct ohm_quant quant = {0};
    for (int i = 0; i < COUNT; i++) data[i] = i < 100 ? -50 : i < 200 ? 90 : i % 2 ? 1 : -2;
    CU_ASSERT_FATAL(!choose((struct ohm_quantize_options){8, OHM_RULE_PERCENTILE, 99}, &quant));
    CU_ASSERT_DOUBLE_EQUAL(quant.scale * 255, 3, 0.03); /* a bin is at most 1/128 wide */
    CU_ASSERT_EQUAL(quant.zero, 170);
    CU_ASSERT_FATAL(!choose((struct ohm_quantize_options){8, OHM_RULE_PERCENTILE, 100}, &quant));
    CU_ASSERT_EQUAL(quant.scale, (float)(140.0 / 255));
    CU_ASSERT_EQUAL(quant.zero, 91); /* 50 / (140 / 255) = 91.07 */
}

static void test_degenerate(void) {
    struct ohm_quant quant = {0};
    const enum ohm_range_rule rules[] = {OHM_RULE_MINMAX, OHM_RULE_PERCENTILE, OHM_RULE_SQUARED_ERROR};
    for (int r = 0; r < 3; r++) {
        struct ohm_quantize_options options = {8, rules[r], 99};
        for (int i = 0; i < COUNT; i++) data[i] = 0;
        CU_ASSERT_FATAL(!choose(options, &quant));
        CU_ASSERT(quant.scale == 1 && quant.zero == 0);
        data[7] = 3; /* one value in 20000: never scale 1, which would be wrong for it by chance only */
        CU_ASSERT_FATAL(!choose(options, &quant));
        CU_ASSERT(quant.scale > 0 && quant.scale <= 3.0F / 255 && quant.zero == 0);
        for (int i = 0; i < COUNT; i++) data[i] = -2; /* never positive */
        CU_ASSERT_FATAL(!choose(options, &quant));
        CU_ASSERT(quant.zero == 255 && quant.scale > 0);
        data[3] = NAN;
        CU_ASSERT_EQUAL(choose(options, &quant), OHM_E_INPUT);
        ohm_fail_clear();
        data[3] = -INFINITY;
        CU_ASSERT_EQUAL(choose(options, &quant), OHM_E_INPUT);
        ohm_fail_clear();
    }
}

int main(void) {
    const struct suite_test tests[] = {
        {"least error", test_least_error}, {"percentile cuts both ends", test_percentile_cuts_both_ends}, {"degenerate", test_degenerate}};
    return SUITE_RUN("quant ranges", tests);
}
