/* Engines: equal to the plain integer forward pass, and independent of batch size, place in the batch and threads. */
#include "net_random.h"
#include "ohmtally/engine.h"
#include "ohmtally/status.h"
#include "suite.h"
#include <omp.h>
#include <xxhash.h>

#define IMAGES 9
#define INPUTS (3 * 10 * 10)
#define CLASSES 7

static uint64_t state = 31;
static struct ohm_network *network;
static struct ohm_intnet *intnet;
static float pixels[IMAGES][INPUTS];
static const float *inputs[IMAGES];

static int32_t append(struct ohm_node node, int32_t a, int32_t b) {
    int32_t in[] = {a, b}, output = net_append(network, node, in, b < 0 ? 1 : 2, NULL);
    CU_ASSERT_FATAL(output >= 0);
    return output;
}

static struct ohm_node conv(int32_t kernel, int32_t stride, int32_t groups) {
    struct ohm_node node = ohm_node_of(OHM_OP_CONV);
    node.groups = groups;
    for (int d = 0; d < 2; d++) {
        node.window.kernel[d] = kernel;
        node.window.stride[d] = stride;
        node.window.pad_before[d] = node.window.pad_after[d] = kernel / 2;
    }
    return node;
}

/* 3x3 stride 2, depth-wise 3x3, residual add, 1x1 to 150 rows of the next, pool, linear. */
static void make_network(void) {
    network = ohm_network_new();
    int32_t x = net_input(network, SHAPE(1, 3, 10, 10));
    int32_t a = append(ohm_node_of(OHM_OP_RELU), append(conv(3, 2, 1), x, random_constant(network, &state, SHAPE(12, 3, 3, 3))), -1);
    int32_t b = append(conv(3, 1, 12), a, random_constant(network, &state, SHAPE(12, 1, 3, 3)));
    int32_t sum = append(ohm_node_of(OHM_OP_RELU), append(ohm_node_of(OHM_OP_ADD), a, b), -1);
    int32_t c = append(conv(1, 1, 1), sum, random_constant(network, &state, SHAPE(150, 12, 1, 1)));
    int32_t pooled = append(ohm_node_of(OHM_OP_GLOBAL_AVERAGE_POOL), append(ohm_node_of(OHM_OP_RELU), c, -1), -1);
    struct ohm_shape flat = SHAPE(1, 150);
    int32_t vector = net_append(network, ohm_node_of(OHM_OP_RELABEL), &pooled, 1, &flat);
    append(ohm_node_of(OHM_OP_LINEAR), vector, random_constant(network, &state, SHAPE(CLASSES, 150)));
    for (int i = 0; i < IMAGES; i++) {
        random_fill(&state, pixels[i], INPUTS);
        inputs[i] = pixels[i];
    }
    struct ohm_ranges *ranges = ohm_ranges_new(network);
    struct ohm_quantize_options options = {8, OHM_RULE_MINMAX, 0};
    CU_ASSERT_FATAL(!ohm_calibrate_batch(network, IMAGES, inputs, ranges) && !ohm_quantize(network, ranges, &options, &intnet));
    ohm_ranges_free(ranges);
}

struct results {
    float logits[IMAGES][CLASSES];
    uint64_t digests[IMAGES];
    struct ohm_tally tally[8];
};

/* All images in batches of the given size, for which the batch has room. */
static struct results run_in(struct ohm_batch *batch, const struct ohm_engine *engine, int32_t size) {
    struct results results = {0};
    float *outputs[IMAGES];
    for (int i = 0; i < IMAGES; i++) outputs[i] = results.logits[i];
    for (int32_t first = 0; first < IMAGES; first += size) {
        int32_t n = IMAGES - first < size ? IMAGES - first : size;
        CU_ASSERT(!ohm_engine_run(engine, batch, n, inputs + first, outputs + first, results.digests + first, results.tally, NULL));
    }
    return results;
}

/* The same on the given number of threads. */
static struct results run(const struct ohm_engine *engine, int32_t size, int threads) {
    struct ohm_batch *batch = NULL;
    omp_set_num_threads(threads);
    CU_ASSERT_FATAL(!ohm_batch_new(engine, size, &batch));
    struct results results = run_in(batch, engine, size);
    ohm_batch_free(batch);
    return results;
}

static enum ohm_evaluate evaluate; /* of the engines made by crossbar, as are these, where not NULL */
static struct ohm_weights **given;
static float **biases;
static struct ohm_engine *crossbar(const char *name, const char *key, const char *value, int32_t adc_bits, enum ohm_adc_range range) {
    const struct ohm_design *design = ohm_design_find(name);
    struct ohm_design_setting setting = {.array_rows = 64, .array_columns = 64, .activation_bits = 8, .weight_bits = 8, .per_channel = true};
    struct ohm_design_setting settings[8];
    struct ohm_adc adc[8];
    struct ohm_engine *engine = NULL;
    ohm_design_defaults(design, &setting);
    CU_ASSERT_FATAL(!ohm_design_set(design, &setting, key, value));
    for (int i = 0; i < 8; i++) {
        settings[i] = setting;
        adc[i] = (struct ohm_adc){.bits = adc_bits ? adc_bits : design->lossless_bits(&setting), .range = range};
        adc[i].largest = 64 * ((1 << design->cell_bits(&setting)) - 1);
        for (int k = 0; k < OHM_ADC_CLASSES; k++) adc[i].step[k] = OHM_ADC_ONE + 64 * k;
    }
    struct ohm_engine_request request = {.intnet = intnet,
                                         .given = given,
                                         .bias = (const float *const *)biases,
                                         .design = design,
                                         .settings = settings,
                                         .adc = adc,
                                         .evaluate = evaluate};
    CU_ASSERT_FATAL(!ohm_engine_build(&request, &engine));
    return engine;
}

static void test_exact_equals_plain(void) {
    struct ohm_engine_request exact_request = {.intnet = intnet, .weight_bits = 8, .per_channel = true};
    struct ohm_weights *weights[8];
    struct ohm_engine *engine = NULL;
    CU_ASSERT_FATAL(!ohm_engine_build(&exact_request, &engine));
    struct results got = run(engine, 4, 2);
    for (int32_t i = 0; i < intnet->nlayer; i++) {
        weights[i] = ohm_weights_new(&intnet->layers[i]);
        ohm_weights_uniform(&intnet->layers[i], 127, true, weights[i]);
    }
    for (int i = 0; i < IMAGES; i++) {
        float plain[CLASSES];
        CU_ASSERT(!ohm_int_forward(intnet, (const struct ohm_weights *const *)weights, inputs[i], plain));
        CU_ASSERT(!memcmp(plain, got.logits[i], sizeof plain));
    }
    for (int32_t i = 0; i < intnet->nlayer; i++) ohm_weights_free(weights[i]);
    ohm_engine_free(engine);
}

static void test_lossless_isaac_equals_exact(void) {
    struct ohm_engine_request exact_request = {.intnet = intnet, .weight_bits = 8, .per_channel = true};
    struct ohm_engine *exact = NULL, *isaac = crossbar("isaac", "cell_bits", "2", 0, OHM_ADC_UNIT);
    CU_ASSERT_FATAL(!ohm_engine_build(&exact_request, &exact));
    struct results a = run(exact, 3, 1), b = run(isaac, 3, 1);
    CU_ASSERT(!memcmp(a.digests, b.digests, sizeof a.digests));
    CU_ASSERT(!memcmp(a.logits, b.logits, sizeof a.logits));
    for (int i = 1; i < IMAGES; i++) CU_ASSERT(a.digests[i] != a.digests[0]); /* images differ, so do their digests */
    ohm_engine_free(exact);
    ohm_engine_free(isaac);
}

static void check_invariance(struct ohm_engine *engine, bool clips) {
    struct results first = run(engine, 1, 1);
    static const int32_t sizes[] = {2, 7, IMAGES, IMAGES};
    static const int threads[] = {2, 3, 1, 2};
    int64_t clipped = 0;
    for (int32_t i = 0; i < intnet->nlayer; i++) clipped += first.tally[i].clipped;
    CU_ASSERT_EQUAL(clipped > 0, clips);
    for (int k = 0; k < 4; k++) {
        struct results other = run(engine, sizes[k], threads[k]);
        CU_ASSERT(!memcmp(&first, &other, sizeof first)); /* logits, digests and every tally */
    }
    ohm_engine_free(engine);
}

static void test_invariance(void) {
    for (int e = 0; e < 2; e++) {
        evaluate = e ? OHM_EVALUATE_NEEDED : OHM_EVALUATE_ALL;
        check_invariance(crossbar("isaac", "cell_bits", "4", 5, OHM_ADC_UNIT), true);
        check_invariance(crossbar("isaac", "flip", "off", 6, OHM_ADC_FULL), false);
        check_invariance(crossbar("sme", "squeeze", "2", 2, OHM_ADC_UNIT), true);
        check_invariance(crossbar("sme", "squeeze", "1", 3, OHM_ADC_CALIBRATED), true);
    }
}

/* What is proved need not be evaluated, and no bit changes: every output of every layer, and what the hardware counts. */
static void check_proof(const char *name, const char *key, const char *value, int32_t adc_bits, enum ohm_adc_range range) {
    struct results all, needed;
    int64_t evaluated = 0, conversions = 0;
    evaluate = OHM_EVALUATE_ALL;
    struct ohm_engine *engine = crossbar(name, key, value, adc_bits, range);
    all = run(engine, 3, 2);
    ohm_engine_free(engine);
    evaluate = OHM_EVALUATE_NEEDED;
    engine = crossbar(name, key, value, adc_bits, range);
    needed = run(engine, 3, 2);
    ohm_engine_free(engine);
    for (int32_t i = 0; i < intnet->nlayer; i++) {
        CU_ASSERT_EQUAL(all.tally[i].evaluated, all.tally[i].conversions);
        evaluated += needed.tally[i].evaluated;
        conversions += needed.tally[i].conversions;
        needed.tally[i].evaluated = all.tally[i].evaluated;
    }
    CU_ASSERT(evaluated < conversions);
    if (!adc_bits) CU_ASSERT_EQUAL(evaluated, 0); /* lossless: everything is proved */
    CU_ASSERT(!memcmp(&all, &needed, sizeof all));
}

static void test_proof(void) {
    check_proof("isaac", "cell_bits", "2", 0, OHM_ADC_UNIT);
    check_proof("sme", "squeeze", "2", 0, OHM_ADC_UNIT);
    check_proof("sme", "squeeze", "2", 4, OHM_ADC_UNIT);
    check_proof("isaac", "cell_bits", "4", 7, OHM_ADC_UNIT);
    check_proof("isaac", "cell_bits", "2", 12, OHM_ADC_FULL);
    check_proof("sme", "squeeze", "1", 4, OHM_ADC_CALIBRATED);
}

/* Layers picked from several engines, in one batch for all of them: where every layer gives the exact sums, the exact network; with the layers of
 * another design one after another, at the end that design. A layer does what it did in its own engine while its input is the same. */
static void test_layers_of_several_engines(void) {
    evaluate = OHM_EVALUATE_ALL;
    struct ohm_engine_request request = {.intnet = intnet, .weight_bits = 8, .per_channel = true};
    struct ohm_engine *exact = NULL, *isaac = crossbar("isaac", "cell_bits", "2", 0, OHM_ADC_UNIT);
    struct ohm_engine *sme = crossbar("sme", "squeeze", "3", 0, OHM_ADC_UNIT);
    struct ohm_batch *batch = NULL;
    CU_ASSERT_FATAL(!ohm_engine_build(&request, &exact));
    const struct ohm_engine *const engines[] = {exact, isaac, sme};
    CU_ASSERT_FATAL(!ohm_batch_new_for(engines, 3, 4, &batch));
    struct ohm_engine_layer layers[8];
    struct ohm_engine mixed = *exact;
    mixed.layers = layers;
    for (int32_t i = 0; i < intnet->nlayer; i++) layers[i] = (i % 2 ? isaac : exact)->layers[i];
    struct results a = run_in(batch, exact, 4), b = run_in(batch, &mixed, 4), all = run_in(batch, sme, 4);
    CU_ASSERT(!memcmp(a.logits, b.logits, sizeof a.logits) && !memcmp(a.digests, b.digests, sizeof a.digests));
    for (int32_t i = 0; i < intnet->nlayer; i++) CU_ASSERT_EQUAL(b.tally[i].conversions > 0, i % 2);
    for (int32_t i = 0; i < intnet->nlayer; i++) {
        layers[i] = sme->layers[i];
        if (i + 1 < intnet->nlayer) layers[i + 1] = exact->layers[i + 1];
        b = run_in(batch, &mixed, 4);
        CU_ASSERT(!memcmp(b.tally, all.tally, ((size_t)i + 1) * sizeof b.tally[0]));
        CU_ASSERT(memcmp(b.digests, a.digests, sizeof a.digests) != 0);
    }
    CU_ASSERT(!memcmp(&b, &all, sizeof b));
    ohm_batch_free(batch);
    ohm_engine_free(exact);
    ohm_engine_free(isaac);
    ohm_engine_free(sme);
}

/* Weights and biases from outside in the place of the network's: on lossless crossbars that hold them, the plain forward pass of a network that has
 * them. Weights that a squeeze cannot hold show in held_error. */
static void test_given_weights(void) {
    struct ohm_weights *weights[8];
    float *bias[8];
    const float *before[8];
    for (int32_t i = 0; i < intnet->nlayer; i++) {
        struct ohm_layer *layer = &intnet->layers[i];
        int32_t outputs = ohm_layer_outputs(layer);
        weights[i] = ohm_weights_new(layer);
        ohm_weights_uniform(layer, 31, true, weights[i]);
        for (int32_t k = 0; k < outputs * layer->krows; k++) weights[i]->w[k] += k % 5 - 2;
        bias[i] = calloc((size_t)outputs, sizeof(float));
        for (int32_t n = 0; n < outputs; n++) bias[i][n] = (float)(n % 7 - 3) * 0.1f;
    }
    given = weights;
    biases = bias;
    struct ohm_engine *isaac = crossbar("isaac", "cell_bits", "2", 0, OHM_ADC_UNIT), *sme = crossbar("sme", "squeeze", "6", 0, OHM_ADC_UNIT);
    given = NULL;
    biases = NULL;
    struct results got = run(isaac, 4, 2);
    for (int32_t i = 0; i < intnet->nlayer; i++) {
        CU_ASSERT_EQUAL(isaac->layers[i].held_error, 0);
        CU_ASSERT(sme->layers[i].held_error > 0.01);
        before[i] = intnet->layers[i].bias;
        intnet->layers[i].bias = bias[i];
    }
    for (int i = 0; i < IMAGES; i++) {
        float plain[CLASSES];
        CU_ASSERT(!ohm_int_forward(intnet, (const struct ohm_weights *const *)weights, inputs[i], plain));
        CU_ASSERT(!memcmp(plain, got.logits[i], sizeof plain));
    }
    for (int32_t i = 0; i < intnet->nlayer; i++) {
        intnet->layers[i].bias = before[i];
        ohm_weights_free(weights[i]);
        free(bias[i]);
    }
    ohm_engine_free(isaac);
    ohm_engine_free(sme);
}

/* Steps taken a few at a time, and layers that are not built, change nothing. */
static void test_steps(void) {
    struct ohm_engine_request request = {.intnet = intnet, .weight_bits = 8, .per_channel = true};
    bool skip[8] = {true, false, true};
    struct ohm_engine *exact = NULL, *part = NULL;
    struct ohm_batch *batch = NULL;
    CU_ASSERT_FATAL(!ohm_engine_build(&request, &exact) && !ohm_batch_new(exact, 3, &batch));
    request.skip = skip;
    CU_ASSERT_FATAL(!ohm_engine_build(&request, &part));
    for (int32_t i = 0; i < intnet->nlayer; i++) CU_ASSERT_EQUAL(part->layers[i].product == NULL, skip[i]);
    struct results whole = run(exact, 3, 1);
    for (int32_t i = 0; i < 3; i++) ohm_int_input(intnet, inputs[i], ohm_batch_value(intnet, batch, intnet->network->input, i));
    for (int32_t s = 0; s < intnet->nstep; s += 2) CU_ASSERT(!ohm_engine_advance(exact, batch, 3, s, s + 2 < intnet->nstep ? s + 2 : intnet->nstep));
    for (int32_t i = 0; i < 3; i++)
        CU_ASSERT(!memcmp(ohm_batch_value(intnet, batch, intnet->network->output, i), whole.logits[i], sizeof whole.logits[i]));
    ohm_batch_free(batch);
    ohm_engine_free(exact);
    ohm_engine_free(part);
}

struct chain {
    uint64_t digest;
    int32_t layers;
};
static void chain_layer(void *context, int32_t layer, const void *output) {
    struct chain *chain = context;
    CU_ASSERT_EQUAL(layer, chain->layers);
    chain->digest = XXH3_64bits_withSeed(output, ohm_int_output_bytes(intnet, layer), chain->digest);
    chain->layers++;
}

/* The digest is what the header says, over what the layers have stored. */
static void test_digest(void) {
    struct ohm_engine *engine = crossbar("isaac", "cell_bits", "2", 0, OHM_ADC_UNIT);
    struct ohm_batch *batch = NULL;
    struct results unseen = run(engine, IMAGES, 2);
    CU_ASSERT_FATAL(!ohm_batch_new(engine, 1, &batch));
    for (int i = 0; i < IMAGES; i++) {
        struct chain chain = {0, 0};
        const struct ohm_engine_watch watch = {.after_layer = chain_layer, .context = &chain};
        uint64_t digest = 0;
        CU_ASSERT(!ohm_engine_run(engine, batch, 1, &inputs[i], NULL, &digest, NULL, &watch));
        CU_ASSERT_EQUAL(chain.layers, intnet->nlayer);
        CU_ASSERT(digest == chain.digest && digest == unseen.digests[i]);
    }
    ohm_batch_free(batch);
    ohm_engine_free(engine);
}

/* An image that could not be read is skipped and does not touch the others. */
static void test_missing_image(void) {
    struct ohm_engine *engine = crossbar("sme", "squeeze", "1", 4, OHM_ADC_UNIT);
    struct results whole = run(engine, IMAGES, 2);
    inputs[4] = NULL;
    struct results holed = run(engine, IMAGES, 2);
    inputs[4] = pixels[4];
    CU_ASSERT_EQUAL(holed.digests[4], 0);
    for (int i = 0; i < IMAGES; i++)
        if (i != 4) CU_ASSERT(whole.digests[i] == holed.digests[i] && !memcmp(whole.logits[i], holed.logits[i], sizeof whole.logits[i]));
    ohm_engine_free(engine);
}

int main(void) {
    const struct suite_test tests[] = {{"network", make_network},
                                       {"exact equals plain", test_exact_equals_plain},
                                       {"lossless isaac equals exact", test_lossless_isaac_equals_exact},
                                       {"invariance", test_invariance},
                                       {"proof", test_proof},
                                       {"layers of several engines", test_layers_of_several_engines},
                                       {"given weights", test_given_weights},
                                       {"steps", test_steps},
                                       {"digest", test_digest},
                                       {"missing image", test_missing_image}};
    int failed = SUITE_RUN("eval engine", tests);
    ohm_intnet_free(intnet);
    ohm_network_free(network);
    return failed;
}
