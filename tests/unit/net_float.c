/* Float operators against plain loops, edge cases, and the buffers of the forward pass. */
#include "net_random.h"
#include "ohmtally/float_forward.h"
#include "ohmtally/status.h"
#include "suite.h"
#include <math.h>
#include <string.h>

/* Runs the network on input; the caller frees the result. */
static float *forward(const struct ohm_network *net, const float *input) {
    struct ohm_float_work *work = ohm_float_work_new(net);
    float *result = calloc((size_t)ohm_shape_count(&net->values[net->output].shape) + 1, sizeof *result);
    CU_ASSERT_PTR_NOT_NULL_FATAL(work);
    CU_ASSERT_EQUAL(ohm_float_forward(net, work, input, result, NULL, NULL), OHM_OK);
    ohm_float_work_free(work);
    return result;
}

/* Direct sum in double, indices straight from the definition. */
static double conv_at(const struct ohm_network *net, const struct ohm_node *node, const float *x, int n, int m, int oy, int ox) {
    const struct ohm_shape *xs = &net->values[node->input[0]].shape, *ws = &net->values[node->input[1]].shape;
    const float *w = net->values[node->input[1]].constant;
    const int group = m / (ws->dim[0] / node->groups);
    double sum = net->values[node->input[2]].constant[m];
    for (int c = 0; c < ws->dim[1]; c++)
        for (int ky = 0; ky < ws->dim[2]; ky++)
            for (int kx = 0; kx < ws->dim[3]; kx++) {
                int iy = oy * node->window.stride[0] + ky * node->window.dilation[0] - node->window.pad_before[0];
                int ix = ox * node->window.stride[1] + kx * node->window.dilation[1] - node->window.pad_before[1];
                if (iy < 0 || ix < 0 || iy >= xs->dim[2] || ix >= xs->dim[3]) continue;
                int channel = group * ws->dim[1] + c;
                sum += (double)w[((m * ws->dim[1] + c) * ws->dim[2] + ky) * ws->dim[3] + kx] *
                       (double)x[((n * xs->dim[1] + channel) * xs->dim[2] + iy) * xs->dim[3] + ix];
            }
    return sum;
}

static void check_conv(uint64_t *state, struct ohm_shape xs, struct ohm_shape ws, int groups, struct ohm_window window) {
    struct ohm_network *net = ohm_network_new();
    struct ohm_node like = ohm_node_of(OHM_OP_CONV);
    int32_t in[3] = {net_input(net, xs), random_constant(net, state, ws), random_constant(net, state, SHAPE(ws.dim[0]))};
    like.groups = groups;
    like.window = window;
    memcpy(like.window.kernel, ws.dim + 2, sizeof like.window.kernel);
    CU_ASSERT_FATAL(net_append(net, like, in, 3, NULL) >= 0);
    float *x = calloc((size_t)ohm_shape_count(&xs), sizeof *x), *at;
    random_fill(state, x, ohm_shape_count(&xs));
    float *y = forward(net, x);
    const struct ohm_shape *ys = &net->values[net->output].shape;
    double worst = 0;
    at = y;
    for (int n = 0; n < ys->dim[0]; n++)
        for (int m = 0; m < ys->dim[1]; m++)
            for (int i = 0; i < ys->dim[2]; i++)
                for (int j = 0; j < ys->dim[3]; j++) worst = fmax(worst, fabs(conv_at(net, &net->nodes[0], x, n, m, i, j) - (double)*at++));
    CU_ASSERT(worst < 1e-5 * (1 + ws.dim[1] * ws.dim[2] * ws.dim[3] / 64.0)); /* float rounding grows with the depth */
    free(x);
    free(y);
    ohm_network_free(net);
}

static void test_conv(void) {
    uint64_t state = 1;
    const struct ohm_window plain = {.stride = {1, 1}, .dilation = {1, 1}};
    const struct ohm_window same = {.stride = {1, 1}, .dilation = {1, 1}, .pad_before = {1, 1}, .pad_after = {1, 1}};
    const struct ohm_window odd = {.stride = {2, 3}, .dilation = {2, 1}, .pad_before = {3, 0}, .pad_after = {0, 4}};
    const struct ohm_window wide = {.stride = {1, 2}, .dilation = {1, 4}, .pad_before = {0, 9}, .pad_after = {2, 9}}; /* taps fully outside */
    check_conv(&state, SHAPE(1, 8, 5, 7), SHAPE(6, 8, 1, 1), 1, plain);
    check_conv(&state, SHAPE(2, 8, 5, 7), SHAPE(6, 4, 1, 1), 2, plain);
    check_conv(&state, SHAPE(1, 8, 5, 7), SHAPE(6, 8, 1, 1), 1, odd);
    check_conv(&state, SHAPE(2, 4, 9, 11), SHAPE(6, 4, 3, 3), 1, same);
    check_conv(&state, SHAPE(1, 6, 9, 11), SHAPE(9, 2, 3, 2), 3, odd);
    check_conv(&state, SHAPE(1, 3, 6, 5), SHAPE(4, 3, 3, 3), 1, wide);
    check_conv(&state, SHAPE(1, 1, 6, 5), SHAPE(4, 1, 3, 3), 1, same);
    check_conv(&state, SHAPE(2, 5, 9, 17), SHAPE(5, 1, 3, 3), 5, same); /* depth-wise */
    check_conv(&state, SHAPE(1, 5, 9, 17), SHAPE(10, 1, 5, 3), 5, odd); /* with two outputs per channel */
    check_conv(&state, SHAPE(1, 5, 9, 17), SHAPE(5, 1, 3, 3), 5, wide);
    check_conv(&state, SHAPE(1, 64, 40, 64), SHAPE(3, 64, 3, 3), 1, same); /* several strips of rows */
    check_conv(&state, SHAPE(1, 3, 1, 20), SHAPE(4, 3, 1, 5), 1, same);    /* 1-D */
}

/* Runs one node on the given data and compares with the wanted numbers. */
static void check_node(struct ohm_node like, struct ohm_shape xs, const float *x, const float *wanted, int count) {
    struct ohm_network *net = ohm_network_new();
    int32_t in = net_input(net, xs);
    CU_ASSERT_FATAL(net_append(net, like, &in, 1, NULL) >= 0);
    float *y = forward(net, x);
    CU_ASSERT_EQUAL_FATAL(ohm_shape_count(&net->values[net->output].shape), count);
    for (int i = 0; i < count; i++) CU_ASSERT_DOUBLE_EQUAL(y[i], wanted[i], 1e-6);
    free(y);
    ohm_network_free(net);
}

static void test_pool(void) {
    const float x[9] = {-1, -2, -3, -4, -5, -6, -7, -8, -9}; /* all negative: padding must not win */
    struct ohm_node max = ohm_node_of(OHM_OP_MAX_POOL), average = ohm_node_of(OHM_OP_AVERAGE_POOL);
    max.window = average.window = (struct ohm_window){.kernel = {2, 2}, .stride = {2, 2}, .dilation = {1, 1}, .pad_before = {1, 1}};
    check_node(max, SHAPE(1, 1, 3, 3), x, (const float[]){-1, -2, -4, -5}, 4);
    check_node(average, SHAPE(1, 1, 3, 3), x, (const float[]){-1, -2.5F, -5.5F, -7}, 4);
    average.count_include_pad = true;
    check_node(average, SHAPE(1, 1, 3, 3), x, (const float[]){-0.25F, -1.25F, -2.75F, -7}, 4);
    average.window.pad_before[0] = average.window.pad_before[1] = 0;
    average.ceil_mode = true; /* the overhang is not padding: it never counts */
    check_node(average, SHAPE(1, 1, 3, 3), x, (const float[]){-3, -4.5F, -7.5F, -9}, 4);
    max.window = (struct ohm_window){.kernel = {2, 2}, .stride = {1, 1}, .dilation = {2, 2}};
    check_node(max, SHAPE(1, 1, 3, 3), x, (const float[]){-1}, 1);
}

static void test_elementwise(void) {
    const float x[4] = {-6, -1, 0.5F, 7};
    struct ohm_node node = ohm_node_of(OHM_OP_RELU);
    check_node(node, SHAPE(4), x, (const float[]){0, 0, 0.5F, 7}, 4);
    node = ohm_node_of(OHM_OP_CLIP);
    node.hi = 6;
    check_node(node, SHAPE(4), x, (const float[]){0, 0, 0.5F, 6}, 4);
    node = ohm_node_of(OHM_OP_LEAKY_RELU);
    node.alpha = 0.5F;
    check_node(node, SHAPE(4), x, (const float[]){-3, -0.5F, 0.5F, 7}, 4);
    node = ohm_node_of(OHM_OP_HARD_SWISH);
    check_node(node, SHAPE(4), x, (const float[]){0, -1.0F / 3, 0.5F * (0.5F / 6 + 0.5F), 7}, 4);
    node = ohm_node_of(OHM_OP_HARD_SIGMOID);
    node.alpha = 0.2F;
    node.beta = 0.5F;
    check_node(node, SHAPE(4), x, (const float[]){0, 0.3F, 0.6F, 1}, 4);
    node = ohm_node_of(OHM_OP_SIGMOID); /* far out: no overflow into NaN */
    check_node(node, SHAPE(3), (const float[]){-1000, 0, 1000}, (const float[]){0, 0.5F, 1}, 3);
    node = ohm_node_of(OHM_OP_SOFTMAX);
    node.axis_end = 2; /* both dimensions together */
    check_node(node, SHAPE(2, 2), (const float[]){1000, 1000, 1000, 1000}, (const float[]){0.25F, 0.25F, 0.25F, 0.25F}, 4);
    node.axis_end = 1; /* down the columns */
    check_node(node, SHAPE(2, 2), (const float[]){0, 500, 0, -500}, (const float[]){0.5F, 1, 0.5F, 0}, 4);
}

static void test_walks(void) {
    const float x[6] = {1, 2, 3, 4, 5, 6};
    struct ohm_node node = ohm_node_of(OHM_OP_REDUCE_MEAN);
    node.axis_mask = 1;
    check_node(node, SHAPE(2, 3), x, (const float[]){2.5F, 3.5F, 4.5F}, 3);
    node.axis_mask = 2;
    check_node(node, SHAPE(2, 3), x, (const float[]){2, 5}, 2);
    node.axis_mask = 5;
    check_node(node, SHAPE(3, 1, 2), x, (const float[]){3.5F}, 1);
    node.axis_mask = 0;
    check_node(node, SHAPE(6), x, x, 6);
    node = ohm_node_of(OHM_OP_PAD);
    node.lo = -1;
    node.pad_before[0] = node.pad_after[1] = 1;
    check_node(node, SHAPE(1, 2), x, (const float[]){-1, -1, -1, 1, 2, -1}, 6);
    node = ohm_node_of(OHM_OP_LRN);
    node.size = 2; /* the channel and the one after it */
    node.alpha = 2;
    node.beta = 1;
    check_node(node, SHAPE(1, 3), (const float[]){1, 2, 2}, (const float[]){1.0F / 5, 2.0F / 8, 2.0F / 4}, 3);
}

static void check_binary(enum ohm_op op, struct ohm_shape as, struct ohm_shape bs, const float *b, const float *a, const float *wanted, int count) {
    struct ohm_network *net = ohm_network_new();
    int32_t in[2] = {net_input(net, as), ohm_network_add_value(net, "b", &bs, b)};
    CU_ASSERT_FATAL(net_append(net, ohm_node_of(op), in, 2, NULL) >= 0);
    float *y = forward(net, a);
    for (int i = 0; i < count; i++) CU_ASSERT_DOUBLE_EQUAL(y[i], wanted[i], 1e-6);
    free(y);
    ohm_network_free(net);
}

static void test_broadcast(void) {
    const float a[6] = {1, 2, 3, 4, 5, 6}, b[3] = {10, 20, 30};
    check_binary(OHM_OP_ADD, SHAPE(2, 3), SHAPE(3), b, a, (const float[]){11, 22, 33, 14, 25, 36}, 6);
    check_binary(OHM_OP_SUB, SHAPE(3, 2), SHAPE(3, 1), b, a, (const float[]){-9, -8, -17, -16, -25, -24}, 6);
    check_binary(OHM_OP_MUL, SHAPE(2, 1), SHAPE(1, 3), b, a, (const float[]){10, 20, 30, 20, 40, 60}, 6); /* both repeated */
    check_binary(OHM_OP_MUL, SHAPE(6), (struct ohm_shape){0}, b, a, (const float[]){10, 20, 30, 40, 50, 60}, 6);
    check_binary(OHM_OP_ADD, SHAPE(1), SHAPE(3, 1), b, a, (const float[]){11, 21, 31}, 3); /* the first one grows */
}

struct seen {
    int32_t nodes[16];
    float first[16];
    int count;
};
static void see(void *context, int32_t node, int32_t value, const float *data, int64_t count) {
    struct seen *seen = context;
    seen->nodes[seen->count] = node;
    seen->first[seen->count++] = data[0];
}

/* A value used much later must survive; relabels and a constant on the way; the same instance gives the same bits. */
static void test_liveness(void) {
    struct ohm_network *net = ohm_network_new();
    uint64_t state = 3;
    struct ohm_shape flat = SHAPE(4);
    int32_t x = net_input(net, SHAPE(2, 2)), c = random_constant(net, &state, SHAPE(4));
    int32_t early = net_append(net, ohm_node_of(OHM_OP_RELU), &x, 1, NULL);
    int32_t shown = net_append(net, ohm_node_of(OHM_OP_RELABEL), &early, 1, &flat), at = shown;
    for (int i = 0; i < 5; i++) at = net_append(net, ohm_node_of(OHM_OP_ADD), (int32_t[]){at, c}, 2, NULL);
    net_append(net, ohm_node_of(OHM_OP_SUB), (int32_t[]){at, shown}, 2, NULL);
    const float input[4] = {1, -2, 3, 4};
    struct seen seen = {0};
    float y[4], again[4];
    struct ohm_float_work *work = ohm_float_work_new(net);
    CU_ASSERT_EQUAL(ohm_float_forward(net, work, input, y, see, &seen), OHM_OK);
    CU_ASSERT_EQUAL(ohm_float_forward(net, work, (const float[]){9, 9, 9, 9}, again, NULL, NULL), OHM_OK);
    CU_ASSERT_EQUAL(ohm_float_forward(net, work, input, again, NULL, NULL), OHM_OK);
    CU_ASSERT(!memcmp(y, again, sizeof y));
    for (int i = 0; i < 4; i++) CU_ASSERT_DOUBLE_EQUAL(y[i], 5 * net->values[c].constant[i], 1e-5);
    CU_ASSERT_EQUAL(seen.count, 9);
    CU_ASSERT_EQUAL(seen.nodes[0], -1);
    CU_ASSERT_EQUAL(seen.first[0], 1);
    CU_ASSERT_EQUAL(seen.nodes[8], 7);
    CU_ASSERT_EQUAL(seen.first[8], y[0]);
    ohm_float_work_free(work);
    ohm_float_work_free(NULL);
    ohm_network_free(net);
}

/* No nodes: the output is the input. */
static void test_empty(void) {
    struct ohm_network *net = ohm_network_new();
    net->output = net_input(net, SHAPE(3));
    float *y = forward(net, (const float[]){1, 2, 3});
    CU_ASSERT_EQUAL(y[2], 3);
    free(y);
    ohm_network_free(net);
}

int main(void) {
    static const struct suite_test tests[] = {{"conv", test_conv},   {"pool", test_pool},           {"elementwise", test_elementwise},
                                              {"walks", test_walks}, {"broadcast", test_broadcast}, {"liveness", test_liveness},
                                              {"empty", test_empty}};
    return SUITE_RUN("net_float", tests);
}
