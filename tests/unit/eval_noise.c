/* Signal and noise power per layer: the same as from both networks run to their ends, also where they reach the layers in different order. */
#include "net_random.h"
#include "ohmtally/engine.h"
#include "ohmtally/status.h"
#include "suite.h"

#define INPUTS (3 * 8 * 8)
#define MOST 2048 /* elements of a layer's output */

static uint64_t state = 97;

static int32_t append(struct ohm_network *network, struct ohm_node node, int32_t a, int32_t b) {
    int32_t in[] = {a, b}, output = net_append(network, node, in, b < 0 ? 1 : 2, NULL);
    CU_ASSERT_FATAL(output >= 0);
    return output;
}
static int32_t conv(struct ohm_network *network, int32_t x, int32_t from, int32_t to) {
    struct ohm_node node = ohm_node_of(OHM_OP_CONV);
    for (int d = 0; d < 2; d++) {
        node.window.kernel[d] = 3;
        node.window.stride[d] = 1;
        node.window.pad_before[d] = node.window.pad_after[d] = 1;
    }
    return append(network, node, x, random_constant(network, &state, SHAPE(to, from, 3, 3)));
}

/* Two branches whose convolutions come one way round and whose activations, which belong to them, the other. */
static struct ohm_network *make_network(void) {
    struct ohm_network *network = ohm_network_new();
    int32_t x = net_input(network, SHAPE(1, 3, 8, 8)), a = conv(network, x, 3, 16), b = conv(network, x, 3, 16);
    b = append(network, ohm_node_of(OHM_OP_RELU), b, -1);
    a = append(network, ohm_node_of(OHM_OP_RELU), a, -1);
    int32_t sum = append(network, ohm_node_of(OHM_OP_ADD), a, b), c = append(network, ohm_node_of(OHM_OP_RELU), conv(network, sum, 16, 32), -1);
    int32_t pooled = append(network, ohm_node_of(OHM_OP_GLOBAL_AVERAGE_POOL), c, -1);
    struct ohm_shape flat = SHAPE(1, 32);
    int32_t vector = net_append(network, ohm_node_of(OHM_OP_RELABEL), &pooled, 1, &flat);
    append(network, ohm_node_of(OHM_OP_LINEAR), vector, random_constant(network, &state, SHAPE(5, 32)));
    return network;
}

struct seen { /* all outputs of the float network's layers, then what the engine's differ by */
    const struct ohm_intnet *intnet;
    float real[8][MOST];
    double power[16];
};
static int64_t count_of(const struct ohm_intnet *intnet, int32_t layer) {
    return ohm_shape_count(&intnet->network->values[intnet->layers[layer].output].shape);
}
static void keep(void *context, int32_t node, int32_t value, const float *data, int64_t count) {
    struct seen *seen = context;
    for (int32_t i = 0; i < seen->intnet->nlayer; i++)
        if (seen->intnet->layers[i].output == value) memcpy(seen->real[i], data, (size_t)count * sizeof *data);
}
static void compare(void *context, int32_t layer, const void *stored) {
    struct seen *seen = context;
    float restored[MOST];
    ohm_int_dequantize(seen->intnet, seen->intnet->layers[layer].output, stored, restored);
    for (int64_t k = 0; k < count_of(seen->intnet, layer); k++) {
        double off = (double)restored[k] - seen->real[layer][k];
        seen->power[2 * layer] += (double)seen->real[layer][k] * seen->real[layer][k];
        seen->power[2 * layer + 1] += off * off;
    }
}

static void check(const struct ohm_engine *engine, const float *input) {
    static struct seen seen;
    struct ohm_batch *batch = NULL;
    struct ohm_float_work *work = ohm_float_work_new(engine->intnet->network);
    struct ohm_engine_watch watch = {.after_layer = compare, .context = &seen};
    float output[5];
    double power[16] = {0};
    seen = (struct seen){.intnet = engine->intnet};
    CU_ASSERT_FATAL(!ohm_batch_new(engine, 1, &batch) && work);
    CU_ASSERT(!ohm_float_forward(engine->intnet->network, work, input, output, keep, &seen));
    CU_ASSERT(!ohm_engine_run(engine, batch, 1, &input, NULL, NULL, NULL, &watch));
    CU_ASSERT(!ohm_engine_noise(engine, batch, input, power));
    CU_ASSERT(!memcmp(power, seen.power, sizeof power));
    for (int32_t i = 0; i < engine->intnet->nlayer; i++) CU_ASSERT(power[2 * i] > 0 && power[2 * i + 1] > 0 && power[2 * i + 1] < power[2 * i]);
    ohm_float_work_free(work);
    ohm_batch_free(batch);
}

static void test_noise(void) {
    struct ohm_network *network = make_network();
    struct ohm_ranges *ranges = ohm_ranges_new(network);
    struct ohm_quantize_options options = {8, OHM_RULE_MINMAX, 0};
    struct ohm_intnet *intnet = NULL;
    struct ohm_engine *engine = NULL;
    float pixels[3][INPUTS];
    const float *inputs[3];
    for (int i = 0; i < 3; i++) {
        random_fill(&state, pixels[i], INPUTS);
        inputs[i] = pixels[i];
    }
    CU_ASSERT_FATAL(!ohm_calibrate_batch(network, 3, inputs, ranges) && !ohm_quantize(network, ranges, &options, &intnet));
    CU_ASSERT_EQUAL(intnet->nlayer, 4);
    CU_ASSERT(intnet->layers[0].output > intnet->layers[1].output); /* the float network comes to the second layer's first */
    struct ohm_engine_request request = {.intnet = intnet, .weight_bits = 8, .per_channel = true};
    CU_ASSERT_FATAL(!ohm_engine_build(&request, &engine));
    for (int i = 0; i < 3; i++) check(engine, inputs[i]);
    ohm_engine_free(engine);
    ohm_ranges_free(ranges);
    ohm_intnet_free(intnet);
    ohm_network_free(network);
}

int main(void) {
    const struct suite_test tests[] = {{"noise", test_noise}};
    return SUITE_RUN("eval noise", tests);
}
