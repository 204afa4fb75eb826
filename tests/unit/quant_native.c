/* Every operator between the layers, on random shapes, strides, pads and ranges, in both element sizes, equals its definition bit for bit. */
#include "ohmtally/status.h"
#include "quant_step.h"

static uint64_t state = 99;
static int32_t draw(int32_t below) {
    return (int32_t)((random_next(&state) + 1.0F) * 0.5F * (float)below) % below;
}

/* A network input -> 1x1 convolution -> (what is tested) -> relabel -> linear, so that everything in between is quantised. */
static struct ohm_network *begin(int32_t channels, int32_t height, int32_t width, int32_t *x) {
    struct ohm_network *net = ohm_network_new();
    int32_t in[] = {net_input(net, SHAPE(1, 2, height, width)), random_constant(net, &state, SHAPE(channels, 2, 1, 1))};
    *x = net_append(net, ohm_node_of(OHM_OP_CONV), in, 2, NULL);
    return net;
}

static int32_t branch(struct ohm_network *net, int32_t channels) {
    int32_t in[] = {net->input, random_constant(net, &state, SHAPE(channels, 2, 1, 1))};
    return net_append(net, ohm_node_of(OHM_OP_CONV), in, 2, NULL);
}

static void finish(struct ohm_network *net) {
    const int32_t count = (int32_t)ohm_shape_count(&net->values[net->output].shape), last = net->output;
    struct ohm_shape flat = SHAPE(1, count);
    int32_t in[] = {net_append(net, ohm_node_of(OHM_OP_RELABEL), &last, 1, &flat), random_constant(net, &state, SHAPE(3, count))};
    CU_ASSERT_FATAL(net_append(net, ohm_node_of(OHM_OP_LINEAR), in, 2, NULL) >= 0);
}

/* Quantises with random scales and zero points and compares all operator steps; frees the network. */
static void check(struct ohm_network *net, int32_t bits) {
    struct ohm_quant *quant = ohm_alloc_array((size_t)net->nvalue, sizeof *quant);
    struct ohm_intnet *intnet = NULL;
    for (int32_t v = 0; v < net->nvalue; v++) quant[v] = (struct ohm_quant){0.003F + 0.1F * (float)draw(100) / 100, draw(1 << bits), bits};
    for (int32_t n = 0; n < net->nnode; n++) /* these share */
        if (net->nodes[n].op == OHM_OP_MAX_POOL || net->nodes[n].op == OHM_OP_RELABEL || net->nodes[n].op == OHM_OP_PAD)
            quant[net->nodes[n].output] = quant[net->nodes[n].input[0]];
    CU_ASSERT_FATAL(!ohm_quantize_given(net, bits, quant, &intnet));
    for (int32_t s = 0; s < intnet->nstep; s++)
        if (intnet->steps[s].layer < 0) CU_ASSERT_EQUAL(step_differences(intnet, &intnet->steps[s], &state), 0);
    ohm_intnet_free(intnet);
    ohm_network_free(net);
    free(quant);
}

static struct ohm_node random_pool(enum ohm_op op) {
    struct ohm_node node = ohm_node_of(op);
    for (int d = 0; d < 2; d++) {
        node.window.kernel[d] = 1 + draw(4);
        node.window.stride[d] = 1 + draw(3);
        node.window.dilation[d] = op == OHM_OP_MAX_POOL ? 1 + draw(2) : 1;
        node.window.pad_before[d] = draw((node.window.kernel[d] - 1) * node.window.dilation[d] + 1);
        node.window.pad_after[d] = draw((node.window.kernel[d] - 1) * node.window.dilation[d] + 1);
    }
    node.ceil_mode = draw(2);
    node.count_include_pad = draw(2);
    return node;
}

static void test_pools(void) {
    for (int i = 0; i < 200; i++) {
        int32_t x;
        struct ohm_network *net = begin(1 + draw(80), 7 + draw(6), 7 + draw(6), &x);
        int32_t y = net_append(net, random_pool(i % 2 ? OHM_OP_MAX_POOL : OHM_OP_AVERAGE_POOL), &x, 1, NULL);
        CU_ASSERT_FATAL(y >= 0);
        if (i % 3 == 0) net_append(net, ohm_node_of(OHM_OP_RELU), &y, 1, NULL);
        finish(net);
        check(net, i % 4 < 2 ? 8 : 11);
    }
}

static void test_means(void) {
    for (int i = 0; i < 60; i++) {
        int32_t x;
        struct ohm_network *net = begin(1 + draw(150), 1 + draw(9), 1 + draw(9), &x);
        struct ohm_node mean = ohm_node_of(i % 3 ? OHM_OP_REDUCE_MEAN : OHM_OP_GLOBAL_AVERAGE_POOL);
        mean.axis_mask = i % 3 == 1 ? 0xC : 0x6; /* H and W; C and H by the general way */
        net_append(net, mean, &x, 1, NULL);
        finish(net);
        check(net, i % 2 ? 8 : 16);
    }
}

static void test_binary(void) {
    static const enum ohm_op ops[] = {OHM_OP_ADD, OHM_OP_SUB, OHM_OP_MUL};
    for (int i = 0; i < 90; i++) {
        int32_t x, channels = 1 + draw(20);
        struct ohm_network *net = begin(channels, 1 + draw(9), 1 + draw(9), &x);
        int32_t other = i % 4 == 0 ? random_constant(net, &state, SHAPE(channels, 1, 1)) : branch(net, i % 4 == 1 ? 1 : channels);
        int32_t in[] = {x, i % 4 == 3 ? x : other}, y = net_append(net, ohm_node_of(ops[i % 3]), in, 2, NULL);
        struct ohm_node clip = ohm_node_of(OHM_OP_CLIP);
        clip.lo = -0.5F;
        clip.hi = 1;
        if (i % 5 == 0) net_append(net, clip, &y, 1, NULL);
        finish(net);
        check(net, i % 2 ? 7 : 13);
    }
}

/* Every pair of codes of 8 bits through an operator, by its definition. */
static void check_pairs(enum ohm_op op, const struct ohm_quant quant[3], const float *clip) {
    int32_t x, wrong = 0;
    struct ohm_network *net = begin(1, 256, 256, &x);
    struct ohm_intnet *intnet = NULL;
    struct ohm_node relu = ohm_node_of(OHM_OP_CLIP);
    int32_t in[] = {x, branch(net, 1)}, y = net_append(net, ohm_node_of(op), in, 2, NULL), last = y;
    relu.lo = clip ? clip[0] : -INFINITY;
    relu.hi = clip ? clip[1] : INFINITY;
    if (clip) last = net_append(net, relu, &y, 1, NULL);
    finish(net);
    struct ohm_quant *all = ohm_alloc_array((size_t)net->nvalue, sizeof *all);
    uint8_t *codes = ohm_alloc(3 << 16), *a = codes, *b = codes + (1 << 16), *got = codes + (2 << 16);
    for (int32_t v = 0; v < net->nvalue; v++) all[v] = v == in[0] ? quant[0] : v == in[1] ? quant[1] : quant[2];
    CU_ASSERT_FATAL(!ohm_quantize_given(net, 8, all, &intnet));
    for (int32_t i = 0; i < 1 << 16; i++) {
        a[i] = (uint8_t)(i >> 8);
        b[i] = (uint8_t)i;
    }
    for (int32_t s = 0; s < intnet->nstep; s++)
        if (intnet->network->nodes[intnet->steps[s].node].op == op)
            CU_ASSERT(!ohm_int_step(intnet, &intnet->steps[s], (const void *[]){a, b}, got, NULL));
    CU_ASSERT_EQUAL(intnet->quant[last].scale, quant[2].scale);
    for (int32_t i = 0; i < 1 << 16; i++) {
        const float p = (float)(a[i] - quant[0].zero) * quant[0].scale, q = (float)(b[i] - quant[1].zero) * quant[1].scale;
        const float real = fminf(fmaxf(op == OHM_OP_ADD ? p + q : op == OHM_OP_SUB ? p - q : p * q, relu.lo), relu.hi);
        const float code = rintf(real / quant[2].scale) + (float)quant[2].zero;
        wrong += got[i] != (int32_t)fminf(fmaxf(code, 0), 255);
    }
    CU_ASSERT_EQUAL(wrong, 0);
    free(all);
    free(codes);
    ohm_intnet_free(intnet);
    ohm_network_free(net);
}

/* Scales with many halves between codes, far apart, and any. */
static void test_all_pairs(void) {
    static const enum ohm_op ops[] = {OHM_OP_ADD, OHM_OP_SUB, OHM_OP_MUL};
    static const float scales[] = {0.125F, 0.25F, 0.0551470555F, 0.030269606F, 0.0328431353F, 1e-30F, 1, 1e15F, 0.1F},
                       clips[][2] = {{0, INFINITY}, {-0.5F, 1}, {-1, 6}};
    const int32_t nscale = sizeof scales / sizeof scales[0], known[][3] = {{0, 0, 1}, {2, 3, 4}, {0, 1, 0}, {6, 6, 5}, {5, 6, 7}, {8, 8, 8}};
    for (int i = 0; i < 48; i++) {
        struct ohm_quant quant[3];
        for (int k = 0; k < 3; k++) {
            quant[k] = (struct ohm_quant){scales[i < 18 ? known[i / 3][k] : draw(nscale)], i % 4 ? draw(256) : 0, 8};
            if (i >= 36) quant[k].scale = 0.003F + 0.1F * (float)draw(1000) / 1000;
        }
        check_pairs(ops[i % 3], quant, i % 2 ? clips[draw(3)] : NULL);
    }
}

static void test_concat(void) {
    for (int i = 0; i < 60; i++) {
        int32_t x;
        struct ohm_network *net = begin(1 + draw(20), 3, 1 + draw(9), &x);
        int32_t in[] = {x, branch(net, 1 + draw(9)), x, branch(net, 4)};
        struct ohm_node concat = ohm_node_of(OHM_OP_CONCAT);
        concat.axis = 1;
        if (i % 4 == 0) {
            in[1] = in[2];
            concat.axis = 2; /* rows: by the general way */
        }
        int32_t y = net_append(net, concat, in, i % 4 == 0 ? 2 : 4, NULL);
        CU_ASSERT_FATAL(y >= 0);
        if (i % 3 == 0) net_append(net, ohm_node_of(OHM_OP_RELU), &y, 1, NULL);
        finish(net);
        check(net, i % 2 ? 8 : 9);
    }
}

static void test_unary_and_others(void) {
    static const enum ohm_op ops[] = {OHM_OP_SIGMOID, OHM_OP_LEAKY_RELU, OHM_OP_HARD_SIGMOID, OHM_OP_HARD_SWISH,
                                      OHM_OP_SOFTMAX, OHM_OP_LRN,        OHM_OP_PAD,          OHM_OP_AFFINE};
    for (int i = 0; i < 80; i++) {
        int32_t x, channels = 1 + draw(20);
        struct ohm_network *net = begin(channels, 1 + draw(5), 1 + draw(9), &x);
        struct ohm_node node = ohm_node_of(ops[i % 8]);
        node.alpha = 0.2F;
        node.beta = 0.5F;
        node.bias = 1;
        node.size = 3;
        node.axis = 1;
        node.axis_end = 2;
        int32_t in[] = {x, 0, 0}, ninput = 1;
        if (node.op == OHM_OP_PAD) node.pad_before[2] = node.pad_after[3] = 1 + draw(2);
        if (node.op == OHM_OP_AFFINE) {
            in[1] = random_constant(net, &state, SHAPE(channels));
            in[2] = random_constant(net, &state, SHAPE(channels));
            ninput = 3;
        }
        CU_ASSERT_FATAL(net_append(net, node, in, ninput, NULL) >= 0);
        finish(net);
        check(net, i % 2 ? 8 : 12);
    }
}

/* Channels last and row-major meet where shapes change. */
static void test_relabels(void) {
    const int32_t shapes[][4] = {{1, 6, 5, 4}, {1, 10, 4, 3}, {1, 1, 12, 10}, {1, 120, 1, 1}, {1, 4, 30, 1}};
    for (int i = 0; i < 50; i++) {
        int32_t x, from = draw(5), to = draw(5);
        struct ohm_network *net = begin(shapes[from][1], shapes[from][2], shapes[from][3], &x);
        struct ohm_shape shape = shape_of(4, shapes[to]);
        net_append(net, ohm_node_of(OHM_OP_RELABEL), &x, 1, &shape);
        finish(net);
        check(net, i % 2 ? 8 : 10);
    }
}

int main(void) {
    const struct suite_test tests[] = {{"pools", test_pools},         {"means", test_means},   {"binary", test_binary},
                                       {"all pairs", test_all_pairs}, {"concat", test_concat}, {"unary and others", test_unary_and_others},
                                       {"relabels", test_relabels}};
    return SUITE_RUN("quant native", tests);
}
