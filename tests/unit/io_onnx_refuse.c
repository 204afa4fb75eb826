/* What is refused, with which status and with which words; and that no bytes crash the reader. */
#include "ohmtally/onnx.h"
#include "ohmtally/status.h"
#include "ohmtally/text.h"
#include "onnx_bytes.h"
#include "suite.h"
#include <math.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

#define DIMS(...) (const int64_t[]){__VA_ARGS__}, (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t))
#define FLOATS(...)                                                                                                                                  \
    (const float[]) {                                                                                                                                \
        __VA_ARGS__                                                                                                                                  \
    }
#define FUZZ_SECONDS 5.0

static void expect_bytes(struct bytes *file, int status, const char *words) {
    struct ohm_network *network;
    ohm_fail_clear();
    int got = ohm_onnx_parse("some/model.onnx", file->data, file->size, NULL, &network);
    const char *text = ohm_fail_text();
    if (got != status || !strstr(text, words)) printf("\n  %d %s (wanted: %s)", got, text, words);
    CU_ASSERT_EQUAL(got, status);
    CU_ASSERT_PTR_NULL(network);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, words));
    CU_ASSERT_EQUAL(strncmp(text, "some/model.onnx: ", 17), 0);
    ohm_fail_clear();
    bytes_free(file);
}

static void expect(struct model *model, int opset, int status, const char *words) {
    struct bytes file = model_finish(model, opset);
    expect_bytes(&file, status, words);
}

/* One node on x [1,2,4,4], with constants w [2,2,3,3], v [2], s [1] (integer) at hand. */
static void expect_node(const char *op, const char *inputs, struct bytes *attributes, int opset, int status, const char *words) {
    static const float w[36] = {1};
    struct model model = {0};
    model_input(&model, "x", DIMS(1, 2, 4, 4));
    model_floats(&model, "w", DIMS(2, 2, 3, 3), w);
    model_floats(&model, "v", DIMS(2), FLOATS(1, 2));
    model_integers(&model, "s", (const int64_t[]){7}, 1);
    model_node(&model, op, inputs, "y", attributes);
    model_output(&model, "y");
    expect(&model, opset, status, words);
}

static void test_files(void) {
    struct ohm_network *network = (void *)1;
    struct bytes file = {0};
    CU_ASSERT_EQUAL(ohm_onnx_read("/no/such/file.onnx", NULL, &network), OHM_E_IO);
    CU_ASSERT_PTR_NULL(network);
    expect_bytes(&file, OHM_E_INPUT, "0 bytes");
    bytes_text(&file, 1, "not a model: field 1 must be a number");
    expect_bytes(&file, OHM_E_INPUT, "not an ONNX file");
    bytes_integer(&file, 1, 8);
    expect_bytes(&file, OHM_E_INPUT, "no graph");
}

/* Properly nested graphs, far deeper than the decoder's stack would hold. */
static void test_depth(void) {
    static const int fields[3] = {6, 5, 1}; /* graph in attribute, attribute in node, node in graph */
    const int depth = 60000;
    size_t *sizes = calloc((size_t)depth + 1, sizeof *sizes);
    struct bytes file = {0};
    for (int i = 0; i < depth; i++) { /* lengths from the inside out */
        size_t length = sizes[i], digits = 1;
        for (size_t v = length; v > 127; v >>= 7) digits++;
        sizes[i + 1] = length + digits + 1;
    }
    for (int i = depth; i > 0; i--) {
        bytes_varint(&file, (uint64_t)fields[(i - 1) % 3] << 3 | 2);
        bytes_varint(&file, sizes[i - 1]);
    }
    free(sizes);
    struct bytes model = {0};
    bytes_message(&model, 7, &file);
    expect_bytes(&model, OHM_E_INPUT, "nested deeper");
}

static void test_graphs(void) {
    struct model model = {0};
    model_input(&model, "x", DIMS(1, 4));
    expect(&model, 13, OHM_E_INPUT, "no output");
    model_input(&model, "x", DIMS(1, 4));
    model_output(&model, "nothing");
    expect(&model, 13, OHM_E_INPUT, "'nothing' is made by nothing");
    model_input(&model, "x", DIMS(1, 4));
    model_node(&model, "Add", "x missing", "y", NULL);
    model_output(&model, "y");
    expect(&model, 13, OHM_E_INPUT, "its input 'missing' is made by nothing");
    model_input(&model, "x", DIMS(1, 4));
    model_node(&model, "Add", "x b", "a", NULL);
    model_node(&model, "Relu", "a", "b", NULL);
    model_output(&model, "b");
    expect(&model, 13, OHM_E_INPUT, "cycle");
    model_input(&model, "x", DIMS(1, 4));
    model_node(&model, "Relu", "x", "y", NULL);
    model_node(&model, "Relu", "x", "y", NULL);
    model_output(&model, "y");
    expect(&model, 13, OHM_E_INPUT, "made twice");
    model_input(&model, "x", DIMS(1, 4));
    model_input(&model, "z", DIMS(1, 4));
    model_node(&model, "Add", "x z", "y", NULL);
    model_output(&model, "y");
    expect(&model, 13, OHM_E_UNSUPPORTED, "more than one input ('x' and 'z')");
    model_input(&model, "x", DIMS(1, -1));
    model_node(&model, "Relu", "x", "y", NULL);
    model_output(&model, "y");
    expect(&model, 13, OHM_E_UNSUPPORTED, "dimension 1 is not a fixed number");
    model_value(&model, 11, "x", ONNX_TYPE_HALF, DIMS(1, 4));
    model_node(&model, "Relu", "x", "y", NULL);
    model_output(&model, "y");
    expect(&model, 13, OHM_E_UNSUPPORTED, "only float32");
    model_input(&model, "x", DIMS(1, 2, 4, 4));
    model_node(&model, "MaxPool", "x", "p indices", NULL);
    model_node(&model, "Relu", "indices", "y", NULL);
    model_output(&model, "y");
    expect(&model, 13, OHM_E_INPUT, "kernel_shape is missing");
}

static void test_weights(void) {
    struct model model = {0};
    model_input(&model, "x", DIMS(1, 4));
    model_floats(&model, "w", DIMS(4), FLOATS(1, NAN, 2, 3));
    model_node(&model, "Add", "x w", "y", NULL);
    model_output(&model, "y");
    expect(&model, 13, OHM_E_INPUT, "tensor 'w' holds a NaN or infinite number (element 1)");
    model_input(&model, "x", DIMS(1, 4));
    model_tensor(&model, "w", ONNX_TYPE_FLOAT, DIMS(4), FLOATS(1, 2), 8);
    model_node(&model, "Add", "x w", "y", NULL);
    model_output(&model, "y");
    expect(&model, 13, OHM_E_INPUT, "8 bytes of data where its shape needs 16");
    model_input(&model, "x", DIMS(1, 4));
    model_tensor(&model, "w", ONNX_TYPE_FLOAT, DIMS(-4), FLOATS(1, 2), 8);
    model_node(&model, "Add", "x w", "y", NULL);
    model_output(&model, "y");
    expect(&model, 13, OHM_E_INPUT, "dimension 0 is -4");
    model_input(&model, "x", DIMS(1, 4));
    model_tensor(&model, "w", ONNX_TYPE_FLOAT, DIMS(1LL << 31, 1LL << 31, 1LL << 31), FLOATS(1, 2), 8);
    model_node(&model, "Add", "x w", "y", NULL);
    model_output(&model, "y");
    expect(&model, 13, OHM_E_INPUT, "too large");
}

static void test_nodes(void) {
    struct bytes attributes = {0};
    expect_node("Einsum", "x", NULL, 13, OHM_E_UNSUPPORTED, "node 'y' (Einsum, opset 13): operator not supported; supported are Add, AveragePool");
    expect_node("Relu", "x", NULL, 19, OHM_E_UNSUPPORTED, "opset 19; export with opset 7 to 18");
    expect_node("HardSwish", "x", NULL, 13, OHM_E_UNSUPPORTED, "supported from opset 14 on");
    expect_node("Conv", "x", NULL, 13, OHM_E_INPUT, "input 2 (weights) is missing");
    expect_node("Conv", "x x", NULL, 13, OHM_E_UNSUPPORTED, "only a constant is supported");
    expect_node("Conv", "x v", NULL, 13, OHM_E_INPUT, "different numbers of dimensions");
    expect_node("Reshape", "x s", NULL, 13, OHM_E_INPUT, "cannot become 7");
    expect_node("Transpose", "x", NULL, 13, OHM_E_UNSUPPORTED, "transposes data at run time");
    expect_node("Flatten", "s", NULL, 13, OHM_E_UNSUPPORTED, "does not depend on any input");
    attribute_integer(&attributes, "group", 3);
    expect_node("Conv", "x w", &attributes, 13, OHM_E_INPUT, "groups do not agree");
    attribute_text(&attributes, "auto_pad", "SOMEHOW");
    expect_node("Conv", "x w", &attributes, 13, OHM_E_INPUT, "auto_pad is 'SOMEHOW'");
    attribute_integers(&attributes, "kernel_shape", (const int64_t[]){3, 2}, 2);
    expect_node("Conv", "x w", &attributes, 13, OHM_E_INPUT, "kernel_shape and weights do not agree");
    attribute_integers(&attributes, "strides", (const int64_t[]){1, 0}, 2);
    expect_node("Conv", "x w", &attributes, 13, OHM_E_INPUT, "strides holds 0");
    attribute_float(&attributes, "axis", 1);
    expect_node("Softmax", "x", &attributes, 13, OHM_E_INPUT, "attribute axis has type 1, not 2");
    attribute_integer(&attributes, "axis", 4);
    expect_node("Softmax", "x", &attributes, 13, OHM_E_INPUT, "axis 4 is outside the 4 dimensions");
    attribute_text(&attributes, "mode", "reflect");
    expect_node("Pad", "x s", &attributes, 13, OHM_E_UNSUPPORTED, "mode is 'reflect'");
    expect_node("BatchNormalization", "x v v v s", NULL, 13, OHM_E_UNSUPPORTED, "holds integers");
}

/* A second output that somebody needs. */
static void test_second_output(void) {
    struct model model = {0};
    struct bytes pool = {0};
    model_input(&model, "x", DIMS(1, 2, 4, 4));
    attribute_integers(&pool, "kernel_shape", (const int64_t[]){2, 2}, 2);
    model_node(&model, "MaxPool", "x", "p indices", &pool);
    model_node(&model, "Add", "p indices", "y", NULL);
    model_output(&model, "y");
    expect(&model, 13, OHM_E_UNSUPPORTED, "a second output of its node");
}

/* A model with most of the reader in it, for the fuzzers to break. */
static struct bytes rich_model(void) {
    static float w[54];
    struct model model = {0};
    struct bytes conv = {0}, pool = {0}, axis = {0}, pad = {0};
    for (int i = 0; i < 54; i++) w[i] = (float)i / 54;
    model_input(&model, "x", DIMS(4, 3, 9, 9));
    model_floats(&model, "w", DIMS(6, 1, 3, 3), w);
    model_floats(&model, "v", DIMS(6), w);
    model_floats(&model, "g", DIMS(96, 5), (float[480]){1});
    model_integers(&model, "pads", (const int64_t[]){0, 0, 1, 1, 0, 0, 1, 1}, 8);
    model_integers(&model, "shape", (const int64_t[]){4, -1}, 2);
    attribute_integer(&conv, "group", 3);
    attribute_text(&conv, "auto_pad", "SAME_UPPER");
    attribute_integers(&conv, "strides", (const int64_t[]){2, 1}, 2);
    attribute_integers(&pool, "kernel_shape", (const int64_t[]){3, 3}, 2);
    attribute_integers(&pool, "strides", (const int64_t[]){3, 3}, 2);
    attribute_integer(&pool, "ceil_mode", 1);
    attribute_integer(&axis, "axis", 1);
    attribute_text(&pad, "mode", "constant");
    model_node(&model, "Pad", "x pads", "p", &pad);
    model_node(&model, "Conv", "p w v", "c", &conv);
    model_node(&model, "BatchNormalization", "c v v v v", "n", NULL);
    model_node(&model, "HardSwish", "n", "h", NULL);
    model_node(&model, "MaxPool", "h", "m", &pool);
    model_node(&model, "Concat", "m m", "cc", &axis);
    model_node(&model, "Reshape", "cc shape", "f", NULL);
    model_node(&model, "MatMul", "f g", "z", NULL);
    model_node(&model, "Softmax", "z", "y", NULL);
    model_output(&model, "y");
    return model_finish(&model, 14);
}

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Success or an error with a text; nothing else. */
static int fuzz_parse(const void *data, size_t size) {
    struct ohm_network *network;
    unsigned char *copy = malloc(size ? size : 1); /* of exact size, so that a sanitizer sees reads past the end */
    memcpy(copy, data, size);
    ohm_fail_clear();
    int status = ohm_onnx_parse("fuzz", copy, size, NULL, &network);
    free(copy);
    if ((status != OHM_OK) != (network == NULL) || (status && !*ohm_fail_text())) CU_FAIL("status, network and text do not agree");
    ohm_network_free(network);
    return status;
}

static void fuzz(const unsigned char *data, size_t size, uint64_t *state, double until, int counts[2]) {
    unsigned char *broken = malloc(size);
    for (size_t cut = 0; cut < size && seconds() < until; cut += 1 + size / 400) counts[fuzz_parse(data, cut) != OHM_OK]++;
    for (int round = 0; round < 4000 && seconds() < until; round++) {
        memcpy(broken, data, size);
        for (int flips = 1 + round % 4; flips > 0; flips--) {
            *state = *state * 6364136223846793005U + 1442695040888963407U;
            broken[(*state >> 33) % size] =
                round % 2 ? (unsigned char)(*state >> 20) : (unsigned char)(broken[(*state >> 33) % size] ^ 1U << (*state >> 30 & 7));
        }
        counts[fuzz_parse(broken, size) != OHM_OK]++;
    }
    free(broken);
}

static void test_fuzz(void) {
    static const char *const tests[] = {"node/test_gemm_all_attributes", "pytorch-converted/test_Conv2d_depthwise_with_multiplier",
                                        "pytorch-converted/test_MaxPool2d_stride_padding_dilation"};
    uint64_t state = 20;
    int counts[2] = {0, 0};
    struct bytes rich = rich_model();
    CU_ASSERT_EQUAL(fuzz_parse(rich.data, rich.size), OHM_OK);
    const double start = seconds();
    fuzz(rich.data, rich.size, &state, start + FUZZ_SECONDS / 2, counts);
    for (int i = 0; i < 3; i++) {
        char path[256], *data;
        size_t size;
        struct stat info;
        snprintf(path, sizeof path, "/usr/share/libonnx-testdata/data/%s/model.onnx", tests[i]);
        if (stat(path, &info) || ohm_file_read(path, &data, &size)) continue;
        fuzz((unsigned char *)data, size, &state, start + FUZZ_SECONDS, counts);
        free(data);
    }
    printf("\n  %d broken files still read, %d refused ", counts[0], counts[1]);
    CU_ASSERT(counts[1] > 100);
    bytes_free(&rich);
    ohm_fail_clear();
}

int main(void) {
    static const struct suite_test tests[] = {{"files", test_files},     {"depth", test_depth}, {"graphs", test_graphs},
                                              {"weights", test_weights}, {"nodes", test_nodes}, {"second output", test_second_output},
                                              {"fuzz", test_fuzz}};
    return SUITE_RUN("onnx_refuse", tests);
}
