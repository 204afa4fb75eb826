/* What ohm_quantize finds in a network: fusion, what stays real, non-negativity, shared scales, storage; and what it refuses. */
#include "net_random.h"
#include "ohmtally/float_forward.h"
#include "ohmtally/quantize.h"
#include "ohmtally/status.h"
#include "suite.h"

static uint64_t state = 4711;

static int32_t unary(struct ohm_network *net, enum ohm_op op, int32_t x) {
    return net_append(net, ohm_node_of(op), &x, 1, NULL);
}
static int32_t conv(struct ohm_network *net, int32_t x, int32_t from, int32_t to) {
    int32_t in[] = {x, random_constant(net, &state, SHAPE(to, from, 1, 1))};
    return net_append(net, ohm_node_of(OHM_OP_CONV), in, 2, NULL);
}
static int32_t relabel(struct ohm_network *net, int32_t x, struct ohm_shape shape) {
    return net_append(net, ohm_node_of(OHM_OP_RELABEL), &x, 1, &shape);
}
static int32_t linear(struct ohm_network *net, int32_t x, int32_t from, int32_t to) {
    int32_t in[] = {x, random_constant(net, &state, SHAPE(to, from))};
    return net_append(net, ohm_node_of(OHM_OP_LINEAR), in, 2, NULL);
}

static struct ohm_ranges *calibrate(const struct ohm_network *net) {
    struct ohm_ranges *ranges = ohm_ranges_new(net);
    struct ohm_float_work *work = ohm_float_work_new(net);
    float input[1024], output[1024];
    random_fill(&state, input, 1024);
    CU_ASSERT_FATAL(!ohm_float_forward(net, work, input, output, ohm_ranges_see, ranges));
    ohm_float_work_free(work);
    return ranges;
}

static struct ohm_intnet *quantize(const struct ohm_network *net) {
    struct ohm_quantize_options options = {8, OHM_RULE_MINMAX, 0};
    struct ohm_ranges *ranges = calibrate(net);
    struct ohm_intnet *intnet = NULL;
    CU_ASSERT_FATAL(!ohm_quantize(net, ranges, &options, &intnet));
    ohm_ranges_free(ranges);
    return intnet;
}

/* As SqueezeNet ends: the convolution's output is quantised, the pool's is real. */
static void test_pool_at_the_end(void) {
    struct ohm_network *net = ohm_network_new();
    int32_t x = net_input(net, SHAPE(1, 3, 4, 4)), a = conv(net, x, 3, 5), b = unary(net, OHM_OP_RELU, a);
    int32_t c = unary(net, OHM_OP_GLOBAL_AVERAGE_POOL, b), d = relabel(net, c, SHAPE(1, 5));
    struct ohm_intnet *intnet = quantize(net);
    CU_ASSERT_EQUAL(intnet->nstep, 3); /* conv with Relu, pool, relabel */
    CU_ASSERT_EQUAL(intnet->layers[0].output, b);
    CU_ASSERT_EQUAL(intnet->slot[a], -1);
    CU_ASSERT_EQUAL(intnet->quant[b].bits, 8);
    CU_ASSERT_EQUAL(intnet->quant[b].zero, 0);
    CU_ASSERT(!intnet->quant[c].bits && !intnet->quant[d].bits);
    CU_ASSERT_EQUAL(intnet->slot[c], intnet->slot[d]); /* the same data */
    ohm_intnet_free(intnet);
    ohm_network_free(net);
}

/* Behind the last layer only softmax: both real. A layer in between: its input is quantised. */
static void test_softmax_at_the_end(void) {
    struct ohm_network *net = ohm_network_new();
    int32_t x = net_input(net, SHAPE(1, 6)), a = linear(net, x, 6, 7), b = unary(net, OHM_OP_SIGMOID, a), c = linear(net, b, 7, 4);
    struct ohm_node softmax = ohm_node_of(OHM_OP_SOFTMAX);
    softmax.axis = 1;
    softmax.axis_end = 2;
    int32_t d = net_append(net, softmax, &c, 1, NULL);
    struct ohm_intnet *intnet = quantize(net);
    CU_ASSERT(intnet->quant[a].bits == 8 && intnet->quant[b].bits == 8);
    CU_ASSERT_EQUAL(intnet->quant[b].zero, 0); /* a sigmoid is not negative */
    CU_ASSERT(!intnet->quant[c].bits && !intnet->quant[d].bits);
    ohm_intnet_free(intnet);
    ohm_network_free(net);
}

/* Max pooling, padding and relabels keep scale and zero; sums and products of non-negative values are not negative; differences may be. */
static void test_sharing_and_signs(void) {
    struct ohm_network *net = ohm_network_new();
    int32_t x = net_input(net, SHAPE(1, 3, 4, 4)), a = conv(net, x, 3, 4), pool = unary(net, OHM_OP_MAX_POOL, a);
    int32_t p = unary(net, OHM_OP_RELU, conv(net, pool, 4, 4)), q = unary(net, OHM_OP_RELU, conv(net, pool, 4, 4)), in[] = {p, q};
    int32_t sum = net_append(net, ohm_node_of(OHM_OP_ADD), in, 2, NULL), difference = net_append(net, ohm_node_of(OHM_OP_SUB), in, 2, NULL);
    int32_t both[] = {sum, difference}, product = net_append(net, ohm_node_of(OHM_OP_MUL), both, 2, NULL);
    int32_t flat = relabel(net, product, SHAPE(1, 64));
    linear(net, flat, 64, 2);
    struct ohm_intnet *intnet = quantize(net);
    CU_ASSERT(intnet->quant[pool].scale == intnet->quant[a].scale && intnet->quant[pool].zero == intnet->quant[a].zero);
    CU_ASSERT(intnet->quant[flat].scale == intnet->quant[product].scale && intnet->quant[flat].zero == intnet->quant[product].zero);
    CU_ASSERT(intnet->quant[a].zero > 0);
    CU_ASSERT_EQUAL(intnet->quant[sum].zero, 0);
    CU_ASSERT(intnet->quant[difference].zero > 0 && intnet->quant[product].zero > 0);
    for (int32_t s = 0; s < intnet->nstep; s++) { /* no step writes over what it reads */
        const struct ohm_node *node = &net->nodes[intnet->steps[s].node];
        for (int32_t i = 0; i < node->ninput; i++) CU_ASSERT(intnet->slot[node->input[i]] != intnet->slot[intnet->steps[s].output]);
    }
    CU_ASSERT(intnet->nslot <= 4);
    ohm_intnet_free(intnet);
    ohm_network_free(net);
}

/* An activation whose input has another reader stays a step of its own. */
static void test_no_fusion_with_two_readers(void) {
    struct ohm_network *net = ohm_network_new();
    int32_t x = net_input(net, SHAPE(1, 6)), a = linear(net, x, 6, 6), b = unary(net, OHM_OP_RELU, a), in[] = {a, b};
    int32_t c = net_append(net, ohm_node_of(OHM_OP_ADD), in, 2, NULL);
    linear(net, c, 6, 3);
    struct ohm_intnet *intnet = quantize(net);
    CU_ASSERT_EQUAL(intnet->nstep, 4);
    CU_ASSERT_EQUAL(intnet->layers[0].output, a);
    ohm_intnet_free(intnet);
    ohm_network_free(net);
}

/* Saved parameters give the same network back; parameters that cannot be right are refused. */
static void test_given(void) {
    struct ohm_network *net = ohm_network_new();
    int32_t x = net_input(net, SHAPE(1, 6)), a = unary(net, OHM_OP_RELU, linear(net, x, 6, 7));
    linear(net, relabel(net, a, SHAPE(1, 1, 7)), 7, 4);
    struct ohm_intnet *first = quantize(net), *again = NULL;
    CU_ASSERT_FATAL(!ohm_quantize_given(net, 8, first->quant, &again));
    for (int32_t v = 0; v < net->nvalue; v++) CU_ASSERT(!memcmp(&first->quant[v], &again->quant[v], sizeof again->quant[v]));
    ohm_intnet_free(again);
    CU_ASSERT_EQUAL(ohm_quantize_given(net, 9, first->quant, &again), OHM_E_INPUT); /* made for 8 bits */
    ohm_fail_clear();
    const int32_t flat = net->nodes[net->nnode - 1].input[0];
    first->quant[flat].scale *= 2; /* a relabel has its input's scale whatever is given */
    CU_ASSERT_FATAL(!ohm_quantize_given(net, 8, first->quant, &again));
    CU_ASSERT_EQUAL(again->quant[flat].scale, first->quant[a].scale);
    ohm_intnet_free(again);
    first->quant[a].scale = 0;
    CU_ASSERT_EQUAL(ohm_quantize_given(net, 8, first->quant, &again), OHM_E_INPUT);
    ohm_fail_clear();
    ohm_intnet_free(first);
    ohm_network_free(net);
}

/* Before any image is seen, and with a saved network's ranges. */
static void refuse(struct ohm_network *net, const char *why) {
    struct ohm_quant quant[8] = {{0}};
    struct ohm_intnet *intnet = NULL;
    CU_ASSERT_PTR_NULL(ohm_ranges_new(net));
    CU_ASSERT_EQUAL(ohm_fail_status(), OHM_E_UNSUPPORTED);
    CU_ASSERT_PTR_NOT_NULL(strstr(ohm_fail_text(), why));
    ohm_fail_clear();
    CU_ASSERT_EQUAL(ohm_quantize_given(net, 8, quant, &intnet), OHM_E_UNSUPPORTED);
    CU_ASSERT_PTR_NULL(intnet);
    CU_ASSERT_PTR_NOT_NULL(strstr(ohm_fail_text(), why));
    ohm_fail_clear();
    ohm_network_free(net);
}

/* Only tensors with a scale of their own are observed: not what a layer's Relu hides, what shares a scale, or what stays real. */
static void test_observed(void) {
    struct ohm_network *net = ohm_network_new();
    int32_t x = net_input(net, SHAPE(1, 3, 4, 4)), a = conv(net, x, 3, 4), b = unary(net, OHM_OP_RELU, a), pool = unary(net, OHM_OP_MAX_POOL, b);
    int32_t logits = linear(net, relabel(net, pool, SHAPE(1, 64)), 64, 2);
    float seen[64] = {1, -2};
    struct ohm_ranges *ranges = ohm_ranges_new(net);
    CU_ASSERT_FATAL(ranges != NULL);
    for (int32_t v = 0; v < net->nvalue; v++) CU_ASSERT_EQUAL(ranges->slot[v] >= 0, v == x || v == b);
    CU_ASSERT_EQUAL(ranges->nobserved, 2);
    ohm_ranges_see(ranges, 0, a, seen, 64);
    ohm_ranges_see(ranges, 4, logits, seen, 2);
    int64_t counted = 0;
    for (size_t i = 0; i < 2 * OHM_RANGE_BINS; i++) counted += ranges->counts[i];
    CU_ASSERT_EQUAL(counted, 0);
    ohm_ranges_free(ranges);
    ohm_network_free(net);
}

static void test_refusals(void) {
    struct ohm_network *net = ohm_network_new();
    conv(net, net_input(net, SHAPE(2, 3, 4, 4)), 3, 5);
    refuse(net, "first dimension");
    net = ohm_network_new();
    linear(net, net_input(net, SHAPE(1, 3, 4, 5)), 5, 2);
    refuse(net, "reshape");
    net = ohm_network_new();
    int32_t x = net_input(net, SHAPE(4, 4)), in[] = {x, x};
    net_append(net, ohm_node_of(OHM_OP_LINEAR), in, 2, NULL);
    refuse(net, "constants of the model");
}

int main(void) {
    const struct suite_test tests[] = {{"pool at the end", test_pool_at_the_end},
                                       {"softmax at the end", test_softmax_at_the_end},
                                       {"sharing and signs", test_sharing_and_signs},
                                       {"no fusion with two readers", test_no_fusion_with_two_readers},
                                       {"given", test_given},
                                       {"observed", test_observed},
                                       {"refusals", test_refusals}};
    return SUITE_RUN("quant structure", tests);
}
