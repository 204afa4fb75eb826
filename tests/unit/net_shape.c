/* Shapes, operator names and the shape rules: what is accepted, what is refused and how. */
#include "ohmtally/network.h"
#include "ohmtally/status.h"
#include "suite.h"
#include <string.h>

static int32_t value(struct ohm_network *net, int32_t rank, const int32_t *dim, const float *constant) {
    struct ohm_shape shape = {.rank = rank};
    memcpy(shape.dim, dim, (size_t)rank * sizeof *dim);
    return ohm_network_add_value(net, "v", &shape, constant);
}
#define VALUE(net, ...) value(net, (int32_t)(sizeof((int32_t[]){__VA_ARGS__}) / 4), (int32_t[]){__VA_ARGS__}, NULL)

/* Infers node and checks the result's text; NULL: it must fail with the given status. */
static void expect(const struct ohm_network *net, const struct ohm_node *node, const char *text, int status) {
    struct ohm_shape out;
    char buffer[96];
    ohm_fail_clear();
    int got = ohm_node_infer(net, node, &out);
    CU_ASSERT_EQUAL(got, status);
    if (text && !got) {
        CU_ASSERT_STRING_EQUAL(ohm_shape_text(&out, buffer), text);
    } else {
        CU_ASSERT_PTR_NOT_NULL(strstr(ohm_fail_text(), "node 'n'"));
    }
    ohm_fail_clear();
}

static void test_shape(void) {
    char text[96];
    const struct ohm_shape image = {.rank = 4, .dim = {1, 3, 224, 224}}, scalar = {0};
    const struct ohm_shape huge = {.rank = 6, .dim = {INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX}};
    CU_ASSERT_STRING_EQUAL(ohm_shape_text(&image, text), "1x3x224x224");
    CU_ASSERT_STRING_EQUAL(ohm_shape_text(&scalar, text), "scalar");
    CU_ASSERT_EQUAL(strlen(ohm_shape_text(&huge, text)), 65);
    CU_ASSERT_EQUAL(ohm_shape_count(&image), 150528);
    CU_ASSERT_EQUAL(ohm_shape_count(&scalar), 1);
    CU_ASSERT_EQUAL(ohm_shape_count(&huge), INT64_MAX);
    CU_ASSERT(ohm_shape_equal(&image, &image));
    CU_ASSERT(!ohm_shape_equal(&image, &scalar));
}

static void test_names(void) {
    for (int op = 0; op < OHM_OP_COUNT; op++) {
        CU_ASSERT(strlen(ohm_op_text(op)) > 1);
        CU_ASSERT(strlen(ohm_op_about(op)) > 5);
    }
    CU_ASSERT_STRING_EQUAL(ohm_op_text(OHM_OP_CONV), "conv");
    CU_ASSERT_STRING_EQUAL(ohm_op_text(OHM_OP_COUNT), "?");
}

static void test_conv(void) {
    struct ohm_network *net = ohm_network_new();
    int32_t x = VALUE(net, 1, 4, 10, 9), w = VALUE(net, 6, 2, 3, 3), b = VALUE(net, 6), short_b = VALUE(net, 5), y = VALUE(net, 1);
    struct ohm_node node = ohm_node_of(OHM_OP_CONV);
    int32_t in[3] = {x, w, b};
    node.name = "n";
    node.input = in;
    node.ninput = 3;
    node.output = y;
    node.groups = 2;
    node.window.kernel[0] = node.window.kernel[1] = 3;
    expect(net, &node, "1x6x8x7", OHM_OK);
    node.window.stride[0] = 2;
    node.window.dilation[1] = 3;
    node.window.pad_after[0] = 1;
    expect(net, &node, "1x6x5x3", OHM_OK);
    node.window.dilation[1] = 5;
    expect(net, &node, NULL, OHM_E_INPUT); /* kernel reaches over 11 columns of 9 */
    node.window.dilation[1] = 1;
    in[2] = short_b;
    expect(net, &node, NULL, OHM_E_INPUT);
    node.ninput = 2;
    node.groups = 1;
    expect(net, &node, NULL, OHM_E_INPUT);
    node.groups = 2;
    node.window.stride[1] = 0;
    expect(net, &node, NULL, OHM_E_INPUT);
    node.window.stride[1] = 1;
    node.window.pad_before[0] = -1;
    expect(net, &node, NULL, OHM_E_INPUT);
    node.window.pad_before[0] = 0;
    node.window.pad_before[1] = node.window.pad_after[1] = INT32_MAX;
    expect(net, &node, NULL, OHM_E_INPUT); /* longer than any dimension may be */
    node.ninput = 1;
    expect(net, &node, NULL, OHM_E_INPUT);
    ohm_network_free(net);
}

static void test_others(void) {
    struct ohm_network *net = ohm_network_new();
    int32_t image = VALUE(net, 1, 3, 7, 7), row = VALUE(net, 3, 1, 1), odd = VALUE(net, 5), matrix = VALUE(net, 4, 3), w = VALUE(net, 8, 3),
            flat = VALUE(net, 1, 147), wrong = VALUE(net, 1, 146), large = VALUE(net, 65536, 1), wide = VALUE(net, 1, 65536), y = VALUE(net, 1);
    struct ohm_node node = ohm_node_of(OHM_OP_ADD);
    int32_t in[2] = {image, row};
    node.name = "n";
    node.input = in;
    node.ninput = 2;
    node.output = y;
    expect(net, &node, "1x3x7x7", OHM_OK);
    in[1] = odd;
    expect(net, &node, NULL, OHM_E_INPUT);
    in[0] = large;
    in[1] = wide;
    expect(net, &node, NULL, OHM_E_UNSUPPORTED); /* 2^32 elements */
    node.op = OHM_OP_CONCAT;
    in[0] = in[1] = image;
    node.axis = 1;
    expect(net, &node, "1x6x7x7", OHM_OK);
    node.axis = 4;
    expect(net, &node, NULL, OHM_E_INPUT);
    node.op = OHM_OP_LINEAR;
    in[0] = matrix;
    in[1] = w;
    expect(net, &node, "4x8", OHM_OK);
    in[0] = image;
    expect(net, &node, NULL, OHM_E_INPUT);
    node.ninput = 1;
    node.op = OHM_OP_RELABEL;
    node.output = flat;
    expect(net, &node, "1x147", OHM_OK);
    node.output = wrong;
    expect(net, &node, NULL, OHM_E_INPUT);
    node.op = OHM_OP_GLOBAL_AVERAGE_POOL;
    expect(net, &node, "1x3x1x1", OHM_OK);
    node.op = OHM_OP_REDUCE_MEAN;
    node.axis_mask = 5;
    expect(net, &node, "1x3x1x7", OHM_OK);
    node.axis_mask = 16;
    expect(net, &node, NULL, OHM_E_INPUT);
    node.op = OHM_OP_PAD;
    node.pad_after[3] = 2;
    expect(net, &node, "1x3x7x9", OHM_OK);
    node.pad_before[2] = -1;
    expect(net, &node, NULL, OHM_E_UNSUPPORTED);
    node.op = OHM_OP_LRN;
    expect(net, &node, NULL, OHM_E_INPUT);
    ohm_network_free(net);
}

/* ceil_mode: the last window must start inside the image or its leading padding. */
static void test_pool(void) {
    struct ohm_network *net = ohm_network_new();
    int32_t x = VALUE(net, 1, 1, 4, 5), y = VALUE(net, 1);
    struct ohm_node node = ohm_node_of(OHM_OP_MAX_POOL);
    node.name = "n";
    node.input = &x;
    node.ninput = 1;
    node.output = y;
    node.window = (struct ohm_window){.kernel = {2, 2}, .stride = {2, 2}, .dilation = {1, 1}};
    expect(net, &node, "1x1x2x2", OHM_OK);
    node.ceil_mode = true;
    expect(net, &node, "1x1x2x3", OHM_OK);
    node.window.pad_after[0] = node.window.pad_after[1] = 1; /* a third row of windows would start below the image */
    expect(net, &node, "1x1x2x3", OHM_OK);
    node.window.pad_after[0] = 2;
    expect(net, &node, NULL, OHM_E_INPUT);
    ohm_network_free(net);
}

static void test_prune(void) {
    struct ohm_network *net = ohm_network_new();
    int32_t x = VALUE(net, 2);
    VALUE(net, 7); /* nobody names it */
    int32_t dead = VALUE(net, 2), y = VALUE(net, 2);
    ohm_network_add_node(net, OHM_OP_RELU, "dead", &x, 1, dead);
    ohm_network_add_node(net, OHM_OP_RELU, "live", &x, 1, y);
    net->input = x;
    net->output = y;
    CU_ASSERT_EQUAL(ohm_network_prune(net), OHM_OK);
    CU_ASSERT_EQUAL(net->nnode, 1);
    CU_ASSERT_EQUAL(net->nvalue, 2);
    CU_ASSERT_STRING_EQUAL(net->nodes[0].name, "live");
    CU_ASSERT_EQUAL(net->nodes[0].output, net->output);
    CU_ASSERT_EQUAL(net->nodes[0].input[0], net->input);
    ohm_network_free(net);
    ohm_network_free(NULL);
}

int main(void) {
    static const struct suite_test tests[] = {{"shape", test_shape},   {"names", test_names}, {"conv", test_conv},
                                              {"others", test_others}, {"pool", test_pool},   {"prune", test_prune}};
    return SUITE_RUN("net_shape", tests);
}
