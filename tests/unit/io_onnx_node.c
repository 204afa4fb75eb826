/* Conformance: the ONNX project's own operator tests. The first input is the network's; the others are bound as constants. */
#include "ohmtally/float_forward.h"
#include "ohmtally/onnx.h"
#include "ohmtally/status.h"
#include "ohmtally/text.h"
#include "onnx_bytes.h"
#include "onnx_node_tests.h"
#include "suite.h"
#include <math.h>
#include <stdio.h>
#include <sys/stat.h>

#define FOLDER "/usr/share/libonnx-testdata/data/"
#define INPUTS 8

static int read_tensor(const char *test, const char *kind, int index, struct tensor *tensor) {
    char path[256], *data;
    size_t size;
    snprintf(path, sizeof path, FOLDER "%s/test_data_set_0/%s_%d.pb", test, kind, index);
    struct stat info;
    if (stat(path, &info) || ohm_file_read(path, &data, &size)) return -1;
    int status = tensor_read(data, size, tensor);
    free(data);
    return status;
}

struct example {
    struct tensor inputs[INPUTS];
    int ninput;
    struct ohm_network *network;
};

/* Reads the test's inputs and its model with all inputs but the first bound. */
static int example_open(const char *test, struct example *example) {
    struct ohm_onnx_bind bind[INPUTS];
    struct ohm_onnx_options options = {.bind = bind, .keep_batch = true};
    char path[256];
    *example = (struct example){0};
    while (example->ninput < INPUTS && !read_tensor(test, "input", example->ninput, &example->inputs[example->ninput])) {
        const struct tensor *tensor = &example->inputs[example->ninput];
        struct ohm_onnx_bind *to = &bind[options.nbind];
        if (example->ninput++ == 0) continue;
        *to = (struct ohm_onnx_bind){.name = tensor->name, .shape.rank = tensor->rank, .data = tensor->floats, .integers = tensor->integers};
        for (int d = 0; d < tensor->rank && d < OHM_MAX_RANK; d++) to->shape.dim[d] = (int32_t)tensor->dims[d];
        options.nbind++;
    }
    ohm_fail_clear();
    snprintf(path, sizeof path, FOLDER "%s/model.onnx", test);
    return ohm_onnx_read(path, &options, &example->network);
}

static void example_close(struct example *example) {
    for (int i = 0; i < INPUTS; i++) tensor_free(&example->inputs[i]);
    ohm_network_free(example->network);
}

/* NULL when the network gives the expected output, else what is wrong. */
static const char *example_run(const char *test, const struct example *example) {
    const struct ohm_network *network = example->network;
    const struct ohm_shape *shape = &network->values[network->output].shape;
    struct tensor wanted = {0};
    if (read_tensor(test, "output", 0, &wanted)) return "no expected output";
    const char *wrong = NULL;
    if (wanted.rank != shape->rank) wrong = "rank";
    for (int d = 0; !wrong && d < wanted.rank; d++)
        if (wanted.dims[d] != shape->dim[d]) wrong = "shape";
    if (!wrong && ohm_shape_count(&network->values[network->input].shape) != example->inputs[0].count) wrong = "input shape";
    struct ohm_float_work *work = wrong ? NULL : ohm_float_work_new(network);
    float *result = calloc((size_t)wanted.count + 1, sizeof *result);
    if (!wrong && (!work || ohm_float_forward(network, work, example->inputs[0].floats, result, NULL, NULL))) wrong = ohm_fail_text();
    for (int64_t i = 0; !wrong && i < wanted.count; i++)
        if (!(fabsf(result[i] - wanted.floats[i]) <= 2e-6F + 2e-5F * fabsf(wanted.floats[i]))) wrong = "numbers";
    free(result);
    ohm_float_work_free(work);
    tensor_free(&wanted);
    return wrong;
}

static void test_supported(void) {
    int passed = 0, count = (int)(sizeof supported / sizeof supported[0]);
    for (int i = 0; i < count; i++) {
        struct example example;
        const char *wrong = example_open(supported[i], &example) ? ohm_fail_text() : example_run(supported[i], &example);
        if (wrong) printf("\n  %s: %s", supported[i], wrong);
        passed += !wrong;
        example_close(&example);
        ohm_fail_clear();
    }
    printf("\n  %d of %d tests agree ", passed, count);
    CU_ASSERT_EQUAL(passed, count);
}

static void test_unsupported(void) {
    for (size_t i = 0; i < sizeof unsupported / sizeof unsupported[0]; i++) {
        struct example example;
        int status = example_open(unsupported[i], &example);
        if (status != OHM_E_UNSUPPORTED) printf("\n  %s: %d %s", unsupported[i], status, ohm_fail_text());
        CU_ASSERT_EQUAL(status, OHM_E_UNSUPPORTED);
        CU_ASSERT_PTR_NULL(example.network);
        example_close(&example);
        ohm_fail_clear();
    }
}

int main(void) {
    struct stat info;
    if (stat(FOLDER "node", &info)) {
        printf("skipped: " FOLDER "node is not there (package libonnx-testdata)\n");
        return 77;
    }
    static const struct suite_test tests[] = {{"supported", test_supported}, {"unsupported", test_unsupported}};
    return SUITE_RUN("onnx_node", tests);
}
