/* Equalisation: the same answers to the last bit, channels that have become alike, and nothing moved across what bends. */
#include "net_random.h"
#include "ohmtally/equalise.h"
#include "ohmtally/float_forward.h"
#include "ohmtally/status.h"
#include "suite.h"
#include <math.h>

#define CHANNELS 6

struct built {
    struct ohm_network *net;
    uint64_t state;
    int32_t last; /* value */
};

/* A convolution whose output and input channels have ranges that differ by powers of ten. */
static int32_t add_conv(struct built *b, int32_t x, int32_t outputs, int32_t inputs, int32_t side, int groups) {
    const struct ohm_shape shape = SHAPE(outputs, inputs, side, side), bias = SHAPE(outputs);
    float *w = ohm_arena_array(b->net->arena, (size_t)ohm_shape_count(&shape), sizeof *w);
    struct ohm_node like = ohm_node_of(OHM_OP_CONV);
    random_fill(&b->state, w, ohm_shape_count(&shape));
    for (int32_t i = 0; i < outputs * inputs * side * side; i++)
        w[i] *= powf(10, (float)(i / (inputs * side * side) % 4)) / powf(10, (float)(i / (side * side) % inputs % 3));
    like.groups = groups;
    like.window.kernel[0] = like.window.kernel[1] = side;
    like.window.pad_before[0] = like.window.pad_before[1] = like.window.pad_after[0] = like.window.pad_after[1] = side / 2;
    int32_t in[3] = {x, ohm_network_add_value(b->net, "w", &shape, w), random_constant(b->net, &b->state, bias)};
    return net_append(b->net, like, in, 3, NULL);
}

static int32_t add_op(struct built *b, enum ohm_op op, int32_t x, int32_t y) {
    struct ohm_node like = ohm_node_of(op);
    like.lo = 0;
    like.hi = 6;
    return net_append(b->net, like, (int32_t[]){x, y}, y < 0 ? 1 : 2, NULL);
}

/* conv, act, depth-wise, act, conv, a residual sum with another convolution of it, mean, linear. */
static struct built build(enum ohm_op act) {
    struct built b = {.net = ohm_network_new(), .state = 7};
    const struct ohm_shape flat = SHAPE(1, 4);
    int32_t x = add_conv(&b, net_input(b.net, SHAPE(1, 3, 8, 8)), CHANNELS, 3, 3, 1);
    x = add_conv(&b, add_op(&b, act, x, -1), CHANNELS, 1, 3, CHANNELS);
    x = add_conv(&b, add_op(&b, act, x, -1), 4, CHANNELS, 1, 1);
    x = add_op(&b, OHM_OP_ADD, x, add_conv(&b, x, 4, 4, 1, 1));
    x = add_op(&b, OHM_OP_GLOBAL_AVERAGE_POOL, x, -1);
    x = net_append(b.net, ohm_node_of(OHM_OP_RELABEL), &x, 1, &flat);
    int32_t in[2] = {x, random_constant(b.net, &b.state, SHAPE(5, 4))};
    b.last = net_append(b.net, ohm_node_of(OHM_OP_LINEAR), in, 2, NULL);
    return b;
}

static void run(struct built *b, float *y) {
    float x[3 * 8 * 8];
    uint64_t state = 3;
    struct ohm_float_work *work = ohm_float_work_new(b->net);
    random_fill(&state, x, 3 * 8 * 8);
    CU_ASSERT_EQUAL(ohm_float_forward(b->net, work, x, y, NULL, NULL), OHM_OK);
    ohm_float_work_free(work);
}

/* The largest weight of the k-th layer that writes an output, or reads an input of a layer with one group, as a share of the layer's. */
static float share_of(const struct ohm_network *net, int layer, bool out, int32_t c) {
    int32_t i = 0;
    for (int seen = -1; i < net->nnode; i++)
        if ((net->nodes[i].op == OHM_OP_CONV || net->nodes[i].op == OHM_OP_LINEAR) && ++seen == layer) break;
    const struct ohm_value *w = &net->values[net->nodes[i].input[1]];
    const int32_t count = (int32_t)ohm_shape_count(&w->shape), inside = w->shape.dim[1], taps = count / w->shape.dim[0] / inside;
    float whole = 0, own = 0;
    for (int32_t k = 0; k < count; k++) {
        whole = fmaxf(whole, fabsf(w->constant[k]));
        if ((out ? k / taps / inside : net->nodes[i].groups > 1 ? k / taps : k / taps % inside) == c) own = fmaxf(own, fabsf(w->constant[k]));
    }
    return own / whole;
}

static void test_same_bits(void) {
    float before[5], after[5];
    int32_t sets;
    struct built b = build(OHM_OP_RELU);
    run(&b, before);
    CU_ASSERT_EQUAL(ohm_network_equalise(b.net, &sets), OHM_OK);
    CU_ASSERT_EQUAL(sets, 3);
    run(&b, after);
    CU_ASSERT(!memcmp(before, after, sizeof before));
    CU_ASSERT_EQUAL(ohm_network_equalise(b.net, &sets), OHM_OK); /* nothing is left to do */
    CU_ASSERT_EQUAL(sets, 0);
    ohm_network_free(b.net);
}

/* Ranges of writers and readers are within a factor of 4 of one another, as near as powers of two bring them. */
static void test_alike(void) {
    int32_t sets;
    struct built b = build(OHM_OP_RELU);
    float worst = 1;
    for (int32_t c = 0; c < CHANNELS; c++) worst = fmaxf(worst, share_of(b.net, 2, false, c) / share_of(b.net, 1, true, c));
    CU_ASSERT(worst > 50);
    CU_ASSERT_EQUAL(ohm_network_equalise(b.net, &sets), OHM_OK);
    for (int layer = 0; layer < 2; layer++)
        for (int32_t c = 0; c < CHANNELS; c++) {
            float ratio = share_of(b.net, layer, true, c) / share_of(b.net, layer + 1, false, c);
            CU_ASSERT(ratio >= 0.5F && ratio < 2);
        }
    ohm_network_free(b.net);
}

/* A Clip lets no factor pass: only what lies behind the last one changes. */
static void test_clip(void) {
    float before[5], after[5];
    int32_t sets;
    struct built b = build(OHM_OP_CLIP);
    const float *first = b.net->values[b.net->nodes[0].input[1]].constant, *depthwise = b.net->values[b.net->nodes[2].input[1]].constant;
    run(&b, before);
    CU_ASSERT_EQUAL(ohm_network_equalise(b.net, &sets), OHM_OK);
    CU_ASSERT_EQUAL(sets, 1);
    run(&b, after);
    CU_ASSERT(!memcmp(before, after, sizeof before));
    CU_ASSERT_PTR_EQUAL(first, b.net->values[b.net->nodes[0].input[1]].constant);
    CU_ASSERT_PTR_EQUAL(depthwise, b.net->values[b.net->nodes[2].input[1]].constant);
    ohm_network_free(b.net);
}

/* Weights that two layers share, and the network's output, stay. */
static void test_shared(void) {
    int32_t sets;
    struct built b = {.net = ohm_network_new(), .state = 5};
    int32_t x = add_conv(&b, net_input(b.net, SHAPE(1, 4, 4, 4)), 4, 4, 1, 1);
    struct ohm_node like = b.net->nodes[0];
    int32_t again[3] = {x, like.input[1], like.input[2]};
    net_append(b.net, like, again, 3, NULL);
    CU_ASSERT_EQUAL(ohm_network_equalise(b.net, &sets), OHM_OK);
    CU_ASSERT_EQUAL(sets, 0);
    ohm_network_free(b.net);
}

int main(void) {
    static const struct suite_test tests[] = {{"same_bits", test_same_bits}, {"alike", test_alike}, {"clip", test_clip}, {"shared", test_shared}};
    return SUITE_RUN("net_equalise", tests);
}
