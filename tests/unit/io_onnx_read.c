/* What exporters write in different ways: data types, external files, shared and renamed weights, attribute and input forms, shape
 * arithmetic. Models are written here byte by byte and run. */
#include "ohmtally/float_forward.h"
#include "ohmtally/onnx.h"
#include "ohmtally/status.h"
#include "onnx_bytes.h"
#include "suite.h"
#include <math.h>
#include <stdio.h>
#include <unistd.h>

#define DIMS(...) (const int64_t[]){__VA_ARGS__}, (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t))
#define FLOATS(...)                                                                                                                                  \
    (const float[]) {                                                                                                                                \
        __VA_ARGS__                                                                                                                                  \
    }

/* Finishes the model, reads it, and returns the network (NULL, printing why, when it is refused). */
static struct ohm_network *read_model(struct model *model, int opset, const char *path) {
    struct ohm_network *network;
    struct bytes file = model_finish(model, opset);
    ohm_fail_clear();
    if (ohm_onnx_parse(path, file.data, file.size, NULL, &network)) printf("\n  %s ", ohm_fail_text());
    bytes_free(&file);
    CU_ASSERT_PTR_NOT_NULL_FATAL(network);
    return network;
}

/* Runs the model on x and compares its output's shape and numbers. */
static void expect_at(struct model *model, int opset, const char *path, const float *x, const char *shape, const float *wanted) {
    struct ohm_network *network = read_model(model, opset, path);
    const struct ohm_shape *out = &network->values[network->output].shape;
    char text[96];
    CU_ASSERT_STRING_EQUAL_FATAL(ohm_shape_text(out, text), shape);
    struct ohm_float_work *work = ohm_float_work_new(network);
    float result[64] = {0};
    CU_ASSERT_EQUAL(ohm_float_forward(network, work, x, result, NULL, NULL), OHM_OK);
    for (int64_t i = 0; i < ohm_shape_count(out); i++) CU_ASSERT_DOUBLE_EQUAL(result[i], wanted[i], 1e-5);
    ohm_float_work_free(work);
    ohm_network_free(network);
}
static void expect(struct model *model, int opset, const float *x, const char *shape, const float *wanted) {
    expect_at(model, opset, "model", x, shape, wanted);
}

/* x [1,3] plus a constant given as tensor bytes. */
static void expect_added(struct bytes *tensor, const float *wanted) {
    struct model model = {0};
    bytes_message(&model.graph, 5, tensor);
    model_input(&model, "x", DIMS(1, 3));
    model_node(&model, "Add", "x c", "y", NULL);
    model_output(&model, "y");
    expect(&model, 13, FLOATS(0, 0, 0), "1x3", wanted);
}

static void test_types(void) {
    const uint16_t half[3] = {0x3c00, 0xc500, 0x0001}, bfloat[3] = {0x3f80, 0xc0a0, 0x0000};
    struct bytes tensor = tensor_raw("c", ONNX_TYPE_HALF, DIMS(3), half, sizeof half);
    expect_added(&tensor, FLOATS(1, -5, 0x1p-24F));
    tensor = tensor_raw("c", ONNX_TYPE_BFLOAT, DIMS(3), bfloat, sizeof bfloat);
    expect_added(&tensor, FLOATS(1, -5, 0));
    tensor = tensor_raw("c", ONNX_TYPE_DOUBLE, DIMS(3), (const double[]){1, -5, 0.25}, 24);
    expect_added(&tensor, FLOATS(1, -5, 0.25F));
    struct bytes typed = {0}; /* float16 bits in int32_data */
    bytes_integer(&typed, 1, 3);
    bytes_integer(&typed, 2, ONNX_TYPE_HALF);
    for (int i = 0; i < 3; i++) bytes_integer(&typed, 5, half[i]);
    bytes_text(&typed, 8, "c");
    expect_added(&typed, FLOATS(1, -5, 0x1p-24F));
    bytes_integer(&typed, 1, 3);
    bytes_integer(&typed, 2, ONNX_TYPE_FLOAT);
    for (int i = 0; i < 3; i++) bytes_float(&typed, 4, (float)i);
    bytes_text(&typed, 8, "c");
    expect_added(&typed, FLOATS(0, 1, 2));
}

static struct bytes external_tensor(const char *location, const char *offset, const char *length) {
    const char *const pairs[3][2] = {{"location", location}, {"offset", offset}, {"length", length}};
    struct bytes tensor = {0};
    bytes_integer(&tensor, 1, 3);
    bytes_integer(&tensor, 2, ONNX_TYPE_FLOAT);
    bytes_text(&tensor, 8, "c");
    for (int i = 0; i < 3; i++) {
        struct bytes entry = {0};
        bytes_text(&entry, 1, pairs[i][0]);
        bytes_text(&entry, 2, pairs[i][1]);
        bytes_message(&tensor, 13, &entry);
    }
    bytes_integer(&tensor, 14, 1);
    return tensor;
}

static struct model external_model(struct bytes tensor) {
    struct model model = {0};
    bytes_message(&model.graph, 5, &tensor);
    model_input(&model, "x", DIMS(1, 3));
    model_node(&model, "Add", "x c", "y", NULL);
    model_output(&model, "y");
    return model;
}

static void refuse_external(struct bytes tensor, const char *path, const char *what) {
    struct model model = external_model(tensor);
    struct bytes file = model_finish(&model, 13);
    struct ohm_network *network;
    int status = ohm_onnx_parse(path, file.data, file.size, NULL, &network);
    CU_ASSERT(status == OHM_E_INPUT || status == OHM_E_IO);
    CU_ASSERT_PTR_NULL(network);
    CU_ASSERT_PTR_NOT_NULL(strstr(ohm_fail_text(), what));
    ohm_fail_clear();
    bytes_free(&file);
}

static void test_external(void) {
    char folder[] = "/tmp/ohm_onnx_XXXXXX", model_path[64], data_path[64];
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
    snprintf(model_path, sizeof model_path, "%s/model.onnx", folder);
    snprintf(data_path, sizeof data_path, "%s/weights.bin", folder);
    FILE *data = fopen(data_path, "wb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(data);
    fwrite(FLOATS(7, 1, 2, 3), sizeof(float), 4, data);
    fclose(data);
    struct model model = external_model(external_tensor("weights.bin", "4", "12"));
    expect_at(&model, 13, model_path, FLOATS(0, 0, 0), "1x3", FLOATS(1, 2, 3));
    refuse_external(external_tensor("weights.bin", "8", "12"), model_path, "which has 16");
    refuse_external(external_tensor("weights.bin", "-4", "12"), model_path, "offset -4");
    refuse_external(external_tensor("weights.bin", "0", "16"), model_path, "needs 12 bytes");
    refuse_external(external_tensor("weights.bin", "0x4", "12"), model_path, "not a number");
    refuse_external(external_tensor("missing.bin", "0", "12"), model_path, "missing.bin");
    refuse_external(external_tensor("a/../../weights.bin", "0", "12"), model_path, "below the model's folder");
    refuse_external(external_tensor("..", "0", "12"), model_path, "below the model's folder");
    refuse_external(external_tensor("/etc/passwd", "0", "12"), model_path, "below the model's folder");
    refuse_external(external_tensor(".", "0", "12"), model_path, "not a regular file");
    unlink(data_path);
    rmdir(folder);
}

/* One weight under two names, an initialiser also listed as input (old files), nodes out of order, a dead branch we could not read. */
static void test_names(void) {
    struct model model = {0};
    model_floats(&model, "w", DIMS(2, 2), FLOATS(1, 2, 3, 4));
    model_input(&model, "w", DIMS(2, 2));
    model_input(&model, "x", DIMS(-1, 2));
    model_node(&model, "Loop", "x", "dead", NULL);
    model_node(&model, "MatMul", "h v", "y", NULL);
    model_node(&model, "MatMul", "x w", "h", NULL);
    model_node(&model, "Identity", "w", "v", NULL);
    model_output(&model, "y");
    expect(&model, 8, FLOATS(1, 0), "1x2", FLOATS(7, 10));
}

/* Old: attributes; new: inputs. */
static void test_forms(void) {
    for (int recent = 0; recent < 2; recent++) {
        const int opset = recent ? 18 : 9;
        struct model model = {0};
        struct bytes none = {0}, clip = {0}, pad = {0}, mean = {0}, squeeze = {0}, unsqueeze = {0};
        model_input(&model, "x", DIMS(-1, 1, 3));
        model_floats(&model, "lo", NULL, 0, FLOATS(-1));
        model_floats(&model, "hi", NULL, 0, FLOATS(2));
        model_floats(&model, "five", NULL, 0, FLOATS(5));
        model_integers(&model, "pads", recent ? (const int64_t[]){0, 1} : (const int64_t[]){0, 0, 0, 0, 0, 1}, recent ? 2 : 6);
        model_integers(&model, "last", (const int64_t[]){-1}, 1);
        model_integers(&model, "one", (const int64_t[]){1}, 1);
        attribute_integer(&mean, "keepdims", 0);
        if (!recent) {
            attribute_float(&clip, "min", -1);
            attribute_float(&clip, "max", 2);
            attribute_integers(&pad, "pads", (const int64_t[]){0, 0, 0, 0, 0, 1}, 6);
            attribute_float(&pad, "value", 5);
            attribute_integers(&mean, "axes", (const int64_t[]){1}, 1);
            attribute_integers(&squeeze, "axes", (const int64_t[]){1}, 1);
            attribute_integers(&unsqueeze, "axes", (const int64_t[]){1}, 1);
        }
        model_node(&model, "Clip", recent ? "x lo hi" : "x", "a", &clip);
        model_node(&model, "Pad", recent ? "a pads five last" : "a", "b", &pad); /* one 5 behind the last dimension */
        model_node(&model, "Squeeze", recent ? "b one" : "b", "c", &squeeze);
        model_node(&model, "Unsqueeze", recent ? "c one" : "c", "d", &unsqueeze);
        model_node(&model, "ReduceMean", recent ? "d one" : "d", "e", &mean);
        model_node(&model, "Dropout", "e", "f", &none);
        model_output(&model, "f");
        expect(&model, opset, FLOATS(-3, 0, 3), "1x4", FLOATS(-1, 0, 2, 5));
    }
}

static void test_softmax(void) {
    const float e = expf(1), x[4] = {0, 1, 0, 1};
    struct model model = {0};
    model_input(&model, "x", DIMS(1, 2, 2));
    model_node(&model, "Softmax", "x", "y", NULL); /* flattens from dimension 1 on */
    model_output(&model, "y");
    expect(&model, 11, x, "1x2x2", FLOATS(0.5F / (1 + e), 0.5F * e / (1 + e), 0.5F / (1 + e), 0.5F * e / (1 + e)));
    model_input(&model, "x", DIMS(1, 2, 2));
    model_node(&model, "Softmax", "x", "y", NULL); /* over the last dimension */
    model_output(&model, "y");
    expect(&model, 13, x, "1x2x2", FLOATS(1 / (1 + e), e / (1 + e), 1 / (1 + e), e / (1 + e)));
}

/* Constant in its forms; Shape -> Gather -> Unsqueeze -> Concat -> Reshape as PyTorch writes a flatten; a batch of 8 becomes 1. */
static void test_shapes(void) {
    struct model model = {0};
    struct bytes zero = {0}, rest = {0}, axis = {0}, unsqueeze = {0}, scale = {0}, list = {0};
    attribute_integer(&zero, "value_int", 0);
    attribute_integers(&rest, "value_ints", (const int64_t[]){-1}, 1);
    attribute_integer(&axis, "axis", 0);
    attribute_integers(&unsqueeze, "axes", (const int64_t[]){0}, 1);
    attribute_float(&scale, "value_float", 2);
    struct bytes tensor = tensor_raw("", ONNX_TYPE_INT64, DIMS(3), (const int64_t[]){8, 2, 2}, 24);
    attribute_tensor(&list, "value", &tensor);
    model_input(&model, "x", DIMS(8, 2, 1, 2));
    model_node(&model, "Constant", "", "zero", &zero);
    model_node(&model, "Constant", "", "rest", &rest);
    model_node(&model, "Constant", "", "two", &scale);
    model_node(&model, "Constant", "", "fixed", &list);
    model_node(&model, "Shape", "x", "s", NULL);
    model_node(&model, "Gather", "s zero", "n", NULL);
    model_node(&model, "Unsqueeze", "n", "n1", &unsqueeze);
    model_node(&model, "Concat", "n1 rest", "target", &axis);
    model_node(&model, "Reshape", "x target", "flat", NULL);
    model_node(&model, "Mul", "flat two", "twice", NULL);
    model_node(&model, "Reshape", "twice fixed", "y", NULL); /* names the old batch */
    model_output(&model, "y");
    expect(&model, 12, FLOATS(1, 2, 3, 4), "1x2x2", FLOATS(2, 4, 6, 8));
}

/* A transposed constant, a product of constants, a cast and integer arithmetic are computed while reading. */
static void test_folding(void) {
    struct model model = {0};
    struct bytes cast = {0};
    model_input(&model, "x", DIMS(1, 2));
    model_floats(&model, "w", DIMS(3, 2), FLOATS(1, 2, 3, 4, 5, 6));
    model_floats(&model, "half", NULL, 0, FLOATS(0.5F));
    model_integers(&model, "six", (const int64_t[]){6}, 1);
    model_integers(&model, "minus", (const int64_t[]){-2}, 1);
    attribute_integer(&cast, "to", ONNX_TYPE_FLOAT);
    model_node(&model, "Transpose", "w", "wt", NULL);
    model_node(&model, "Mul", "wt half", "wh", NULL);
    model_node(&model, "MatMul", "x wh", "h", NULL);
    model_node(&model, "Div", "six minus", "quotient", NULL);
    model_node(&model, "Cast", "quotient", "offset", &cast);
    model_node(&model, "Add", "h offset", "y", NULL);
    model_output(&model, "y");
    struct bytes file = model_finish(&model, 13);
    struct ohm_network *network;
    CU_ASSERT_EQUAL_FATAL(ohm_onnx_parse("m", file.data, file.size, NULL, &network), OHM_OK);
    CU_ASSERT_EQUAL(network->nnode, 2);
    ohm_network_free(network);
    bytes_free(&file);
    model_input(&model, "x", DIMS(1, 2));
    model_floats(&model, "w", DIMS(1, 2), FLOATS(3, 4));
    model_node(&model, "Mul", "x w", "y", NULL);
    model_output(&model, "y");
    expect(&model, 13, FLOATS(1, 2), "1x2", FLOATS(3, 8));
}

static void test_gemm(void) {
    struct model model = {0};
    struct bytes attributes = {0};
    model_input(&model, "x", DIMS(2, 1)); /* rank 2: the leading 2 is taken as a batch and becomes 1 */
    model_floats(&model, "w", DIMS(2, 1), FLOATS(3, 4));
    model_floats(&model, "c", DIMS(2), FLOATS(10, 20));
    attribute_integer(&attributes, "transA", 1); /* of one row or column: only a relabel */
    attribute_integer(&attributes, "transB", 1);
    attribute_float(&attributes, "alpha", 2);
    attribute_float(&attributes, "beta", 0.5F);
    model_node(&model, "Gemm", "x w c", "y", &attributes);
    model_output(&model, "y");
    expect(&model, 13, FLOATS(1), "1x2", FLOATS(11, 18));
}

static void test_operators(void) {
    const char *const *names = ohm_onnx_operators();
    int count = 0;
    for (; names[count]; count++) CU_ASSERT(!count || strcmp(names[count - 1], names[count]) < 0);
    CU_ASSERT_EQUAL(count, 34);
}

int main(void) {
    static const struct suite_test tests[] = {{"types", test_types},     {"external", test_external}, {"names", test_names},
                                              {"forms", test_forms},     {"softmax", test_softmax},   {"shapes", test_shapes},
                                              {"folding", test_folding}, {"gemm", test_gemm},         {"operators", test_operators}};
    return SUITE_RUN("onnx_read", tests);
}
