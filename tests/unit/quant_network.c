/* Whole integer networks: close to the float network, closer with more bits; native operators equal the general path bit for bit. */
#include "ohmtally/float_forward.h"
#include "ohmtally/quantize.h"
#include "ohmtally/status.h"
#include "quant_step.h"
#include "suite.h"
#include <math.h>

static uint64_t state = 777;
#define INPUT_SEED 4242 /* the same inputs calibrate and are scored: nothing clips, only rounding is left */

static struct ohm_node conv_node(int32_t kernel, int32_t stride, int32_t pad, int32_t groups) {
    struct ohm_node node = ohm_node_of(OHM_OP_CONV);
    node.groups = groups;
    for (int d = 0; d < 2; d++) {
        node.window.kernel[d] = kernel;
        node.window.stride[d] = stride;
        node.window.pad_before[d] = node.window.pad_after[d] = pad;
    }
    return node;
}

static int32_t append(struct ohm_network *net, struct ohm_node node, int32_t a, int32_t b) {
    int32_t in[] = {a, b}, output = net_append(net, node, in, b < 0 ? 1 : 2, NULL);
    CU_ASSERT_FATAL(output >= 0);
    return output;
}

/* Strided and depth-wise convolutions, a residual add, concat, pools, sigmoid gate, flatten, linear: every kind of step. */
static struct ohm_network *make_network(void) {
    struct ohm_network *net = ohm_network_new();
    int32_t x = net_input(net, SHAPE(1, 3, 12, 12));
    int32_t a = append(net, conv_node(3, 2, 1, 1), x, random_constant(net, &state, SHAPE(8, 3, 3, 3)));
    a = append(net, ohm_node_of(OHM_OP_RELU), a, -1);
    int32_t b = append(net, conv_node(3, 1, 1, 8), a, random_constant(net, &state, SHAPE(8, 1, 3, 3)));
    int32_t sum = append(net, ohm_node_of(OHM_OP_ADD), a, b);
    sum = append(net, ohm_node_of(OHM_OP_RELU), sum, -1);
    int32_t gate = append(net, ohm_node_of(OHM_OP_SIGMOID), append(net, ohm_node_of(OHM_OP_GLOBAL_AVERAGE_POOL), sum, -1), -1);
    int32_t gated = append(net, ohm_node_of(OHM_OP_MUL), sum, gate);
    struct ohm_node concat = ohm_node_of(OHM_OP_CONCAT), pool = conv_node(3, 2, 1, 1), average = conv_node(2, 1, 0, 1),
                    flat = ohm_node_of(OHM_OP_RELABEL);
    concat.axis = 1;
    pool.op = OHM_OP_MAX_POOL;
    average.op = OHM_OP_AVERAGE_POOL;
    int32_t both = append(net, concat, gated, b), pooled = append(net, average, append(net, pool, both, -1), -1);
    struct ohm_shape shape = SHAPE(1, 64);
    int32_t flattened = net_append(net, flat, &pooled, 1, &shape), in[] = {flattened, random_constant(net, &state, SHAPE(10, 64))};
    CU_ASSERT_FATAL(flattened >= 0 && net_append(net, ohm_node_of(OHM_OP_LINEAR), in, 2, NULL) >= 0);
    return net;
}

static struct ohm_ranges *calibrate(const struct ohm_network *net) {
    struct ohm_ranges *ranges = ohm_ranges_new(net);
    struct ohm_float_work *work = ohm_float_work_new(net);
    float input[432], output[10];
    uint64_t inputs = INPUT_SEED;
    for (int i = 0; i < 20; i++) {
        random_fill(&inputs, input, 432);
        CU_ASSERT_FATAL(!ohm_float_forward(net, work, input, output, ohm_ranges_see, ranges));
    }
    ohm_float_work_free(work);
    return ranges;
}

/* Signal to noise of the logits over 20 inputs, in dB. */
static double logits_sqnr(const struct ohm_network *net, const struct ohm_intnet *intnet, int32_t limit) {
    struct ohm_weights *weights[8];
    struct ohm_float_work *work = ohm_float_work_new(net);
    float input[432], real[10], integer[10];
    double signal = 0, noise = 0;
    uint64_t inputs = INPUT_SEED;
    for (int32_t i = 0; i < intnet->nlayer; i++) {
        weights[i] = ohm_weights_new(&intnet->layers[i]);
        ohm_weights_uniform(&intnet->layers[i], limit, true, weights[i]);
    }
    for (int k = 0; k < 20; k++) {
        random_fill(&inputs, input, 432);
        CU_ASSERT_FATAL(!ohm_float_forward(net, work, input, real, NULL, NULL));
        CU_ASSERT_FATAL(!ohm_int_forward(intnet, (const struct ohm_weights *const *)weights, input, integer));
        for (int n = 0; n < 10; n++) {
            signal += (double)real[n] * real[n];
            noise += ((double)real[n] - integer[n]) * ((double)real[n] - integer[n]);
        }
    }
    for (int32_t i = 0; i < intnet->nlayer; i++) ohm_weights_free(weights[i]);
    ohm_float_work_free(work);
    return 10 * log10(signal / noise);
}

static void test_sqnr_grows_with_bits(void) {
    struct ohm_network *net = make_network();
    struct ohm_ranges *ranges = calibrate(net);
    static const struct {
        int32_t bits;
        double least;
    } cases[] = {{4, 5}, {8, 30}, {12, 54}, {14, 60}};
    double last = -1000;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ohm_quantize_options options = {cases[i].bits, OHM_RULE_MINMAX, 0};
        struct ohm_intnet *intnet = NULL;
        CU_ASSERT_FATAL(!ohm_quantize(net, ranges, &options, &intnet));
        double db = logits_sqnr(net, intnet, (1 << (cases[i].bits - 1)) - 1);
        printf("[%d bits %.1f dB] ", cases[i].bits, db);
        CU_ASSERT(db > cases[i].least && db > last);
        last = db;
        ohm_intnet_free(intnet);
    }
    ohm_ranges_free(ranges);
    ohm_network_free(net);
}

static void test_steps_equal_definition(void) {
    struct ohm_network *net = make_network();
    struct ohm_ranges *ranges = calibrate(net);
    for (int32_t bits = 6; bits <= 12; bits += 3) {
        struct ohm_quantize_options options = {bits, OHM_RULE_PERCENTILE, 99.9};
        struct ohm_intnet *intnet = NULL;
        int32_t checked = 0;
        CU_ASSERT_FATAL(!ohm_quantize(net, ranges, &options, &intnet));
        for (int32_t s = 0; s < intnet->nstep; s++)
            if (intnet->steps[s].layer < 0) {
                CU_ASSERT_EQUAL(step_differences(intnet, &intnet->steps[s], &state), 0);
                checked++;
            }
        CU_ASSERT_EQUAL(checked, 8); /* add, pool, sigmoid, mul, concat, max pool, average pool, relabel: the Relus are fused */
        ohm_intnet_free(intnet);
    }
    ohm_ranges_free(ranges);
    ohm_network_free(net);
}

static void test_refusals(void) {
    struct ohm_network *net = ohm_network_new();
    int32_t x = net_input(net, SHAPE(1, 4));
    append(net, ohm_node_of(OHM_OP_RELU), x, -1);
    struct ohm_quantize_options options = {8, OHM_RULE_MINMAX, 0};
    struct ohm_intnet *intnet = NULL;
    CU_ASSERT_PTR_NULL(ohm_ranges_new(net));
    CU_ASSERT_PTR_NOT_NULL(strstr(ohm_fail_text(), "no convolution or fully connected layer"));
    ohm_fail_clear();
    int32_t w = random_constant(net, &state, SHAPE(2, 4)), in[] = {net->output, w};
    net_append(net, ohm_node_of(OHM_OP_LINEAR), in, 2, NULL);
    struct ohm_ranges *ranges = ohm_ranges_new(net); /* nothing seen */
    CU_ASSERT_EQUAL(ohm_quantize(net, ranges, &options, &intnet), OHM_E_INPUT);
    CU_ASSERT_PTR_NOT_NULL(strstr(ohm_fail_text(), "'x'"));
    ohm_fail_clear();
    ohm_ranges_free(ranges);
    ohm_network_free(net);
}

int main(void) {
    const struct suite_test tests[] = {{"SQNR grows with bits", test_sqnr_grows_with_bits},
                                       {"steps equal their definition", test_steps_equal_definition},
                                       {"refusals", test_refusals}};
    return SUITE_RUN("quant network", tests);
}
