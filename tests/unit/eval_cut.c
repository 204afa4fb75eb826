/* Cuts: the slowest stage is as quick as by trying all of them, everything that is read later crosses, and stages do what the whole does. */
#include "net_random.h"
#include "ohmtally/cut.h"
#include "ohmtally/status.h"
#include "suite.h"
#include <omp.h>

static uint64_t state = 77;

static int64_t below(int64_t end) { /* 0 .. end - 1 */
    return (int64_t)(0.5 * ((double)random_next(&state) + 1) * (double)end);
}

struct best {
    int64_t slowest, moved;
};
/* The quickest, then the least moved, of all cuts of steps first .. n - 1 into nstage stages none of which holds too much or takes more than most. */
static struct best try_all(const struct ohm_cut_steps *steps, int32_t first, int32_t nstage, int64_t most) {
    struct best best = {INT64_MAX, INT64_MAX};
    int64_t cost = 0, bytes = 0;
    for (int32_t end = first + 1; end <= steps->n - nstage + 1; end++) {
        cost += steps->cost[end - 1];
        bytes += steps->bytes[end - 1];
        if ((nstage == 1 && end < steps->n) || bytes > steps->most_bytes || cost > most) continue;
        struct best rest = nstage > 1 ? try_all(steps, end, nstage - 1, most) : (struct best){0, 0};
        if (rest.slowest == INT64_MAX) continue;
        if (nstage > 1) rest.moved += steps->crossing[end];
        if (cost > rest.slowest) rest.slowest = cost;
        if (rest.slowest < best.slowest) best.slowest = rest.slowest;
        if (rest.moved < best.moved) best.moved = rest.moved; /* meaningful where most is what the quickest takes */
    }
    return best;
}

static void check_steps(const struct ohm_cut_steps *steps, int32_t nstage) {
    int32_t first[16];
    int64_t slowest = 0, moved = 0;
    const int64_t least = try_all(steps, 0, nstage, INT64_MAX).slowest;
    CU_ASSERT_FATAL(!ohm_cut_stages(steps, nstage, first));
    CU_ASSERT(first[0] == 0 && first[nstage] == steps->n);
    for (int32_t k = 0; k < nstage; k++) {
        int64_t cost = 0, bytes = 0;
        CU_ASSERT(first[k] < first[k + 1]);
        for (int32_t s = first[k]; s < first[k + 1]; s++) {
            cost += steps->cost[s];
            bytes += steps->bytes[s];
        }
        CU_ASSERT(bytes <= steps->most_bytes);
        slowest = cost > slowest ? cost : slowest;
        if (k) moved += steps->crossing[first[k]];
    }
    CU_ASSERT_EQUAL(slowest, least);
    CU_ASSERT_EQUAL(moved, try_all(steps, 0, nstage, least).moved);
}

static void test_best_of_all(void) {
    int tight = 0;
    for (int round = 0; round < 300; round++) {
        int64_t cost[11], bytes[11], crossing[11];
        struct ohm_cut_steps steps = {1 + (int32_t)below(11), cost, bytes, crossing, INT64_MAX};
        const int32_t nstage = 1 + (int32_t)below(steps.n);
        const int64_t spread = round % 3 ? 1000 : 3; /* few values: many cuts are equally quick */
        for (int32_t s = 0; s < steps.n; s++) {
            cost[s] = below(spread);
            bytes[s] = below(1000);
            crossing[s] = below(50);
        }
        check_steps(&steps, nstage);
        const int64_t free = try_all(&steps, 0, nstage, INT64_MAX).slowest;
        steps.most_bytes = ohm_cut_least(bytes, steps.n, nstage) + (round % 2 ? 0 : 100);
        check_steps(&steps, nstage);
        tight += try_all(&steps, 0, nstage, INT64_MAX).slowest > free;
        CU_ASSERT_EQUAL(ohm_cut_least(cost, steps.n, nstage), free);
    }
    CU_ASSERT(tight > 50); /* memory decided */
}

enum { IMAGES = 5, CLASSES = 6, PIXELS = 3 * 8 * 8 };
static struct ohm_network *network;
static struct ohm_intnet *intnet;
static float pixels[IMAGES][PIXELS];
static const float *inputs[IMAGES];
static int32_t early, inner; /* values that skip two layers, and one */

static int32_t append(struct ohm_node node, int32_t a, int32_t b) {
    int32_t in[] = {a, b}, output = net_append(network, node, in, b < 0 ? 1 : 2, NULL);
    CU_ASSERT_FATAL(output >= 0);
    return output;
}

static int32_t conv(int32_t x, int32_t in, int32_t out) {
    struct ohm_node node = ohm_node_of(OHM_OP_CONV);
    node.groups = 1;
    for (int d = 0; d < 2; d++) {
        node.window.kernel[d] = 3;
        node.window.stride[d] = 1;
        node.window.pad_before[d] = node.window.pad_after[d] = 1;
    }
    return append(ohm_node_of(OHM_OP_RELU), append(node, x, random_constant(network, &state, SHAPE(out, in, 3, 3))), -1);
}

/* Two residual connections, one across the other's end; then pool, a relabel that shares its input's storage, linear. */
static void make_network(void) {
    network = ohm_network_new();
    early = conv(net_input(network, SHAPE(1, 3, 8, 8)), 3, 10);
    inner = conv(early, 10, 10);
    int32_t sum = append(ohm_node_of(OHM_OP_ADD), early, conv(inner, 10, 10));
    int32_t last = append(ohm_node_of(OHM_OP_ADD), inner, conv(sum, 10, 10));
    struct ohm_shape flat = SHAPE(1, 10);
    int32_t pooled = append(ohm_node_of(OHM_OP_GLOBAL_AVERAGE_POOL), last, -1),
            vector = net_append(network, ohm_node_of(OHM_OP_RELABEL), &pooled, 1, &flat);
    append(ohm_node_of(OHM_OP_LINEAR), vector, random_constant(network, &state, SHAPE(CLASSES, 10)));
    for (int i = 0; i < IMAGES; i++) {
        random_fill(&state, pixels[i], PIXELS);
        inputs[i] = pixels[i];
    }
    inputs[2] = NULL; /* a corrupt one */
    const float *good[] = {pixels[0], pixels[1], pixels[3]};
    struct ohm_ranges *ranges = ohm_ranges_new(network);
    struct ohm_quantize_options options = {8, OHM_RULE_MINMAX, 0};
    CU_ASSERT_FATAL(!ohm_calibrate_batch(network, 3, good, ranges) && !ohm_quantize(network, ranges, &options, &intnet));
    ohm_ranges_free(ranges);
}

struct seen {
    int n;
    int32_t value[8];
    size_t bytes;
};
static void see(void *context, int32_t value, size_t bytes) {
    struct seen *seen = context;
    if (seen->n < 8) seen->value[seen->n] = value;
    seen->n++;
    seen->bytes += bytes;
}
static bool has(const struct seen *seen, int32_t value) {
    for (int i = 0; i < seen->n; i++)
        if (seen->value[i] == value) return true;
    return false;
}

static void test_residuals_cross(void) {
    make_network();
    int both = 0;
    for (int32_t step = 0; step <= intnet->nstep; step++) {
        struct seen seen = {0};
        ohm_cut_values(intnet, step, see, &seen);
        CU_ASSERT(seen.n > 0 && seen.n < 8);
        CU_ASSERT_EQUAL(seen.bytes, ohm_cut_bytes(intnet, step));
        both += has(&seen, early) && has(&seen, inner);
        if (step == 0) CU_ASSERT(seen.n == 1 && seen.value[0] == network->input && seen.bytes == PIXELS);
        if (step == intnet->nstep) CU_ASSERT(seen.n == 1 && seen.value[0] == network->output && seen.bytes == CLASSES * sizeof(float));
    }
    CU_ASSERT_EQUAL(both, 2); /* before the third layer, and before the first sum */
}

struct results {
    float logits[IMAGES][CLASSES];
    uint64_t digests[IMAGES];
    struct ohm_tally tally[8];
};

/* What is under way between two stages. */
struct wire {
    struct ohm_engine_part part;
    unsigned char state[IMAGES * PIXELS * 64];
    uint64_t digests[IMAGES];
    int steps;
};
static int bring(void *context, struct ohm_batch *batch, int32_t n) {
    struct wire *wire = context;
    memcpy(ohm_batch_digests(batch), wire->digests, (size_t)n * sizeof(uint64_t));
    ohm_cut_load(intnet, batch, wire->part.first, 0, n, wire->state);
    return OHM_OK;
}
static int pass(void *context, const struct ohm_batch *batch, int32_t n) {
    struct wire *wire = context;
    memcpy(wire->digests, ohm_batch_digests(batch), (size_t)n * sizeof(uint64_t));
    CU_ASSERT_FATAL((size_t)n * ohm_cut_bytes(intnet, wire->part.end) <= sizeof wire->state);
    ohm_cut_save(intnet, batch, wire->part.end, 0, n, wire->state);
    return OHM_OK;
}
static void stepped(void *context, int32_t step) {
    struct wire *wire = context;
    CU_ASSERT_EQUAL(step, wire->steps++);
}

static struct ohm_engine *build(const struct ohm_engine_part *part, bool crossbars) {
    const struct ohm_design *design = ohm_design_find("isaac");
    struct ohm_design_setting setting = {.array_rows = 64, .array_columns = 64, .activation_bits = 8, .weight_bits = 8, .per_channel = true},
                              settings[8];
    struct ohm_adc adc[8];
    struct ohm_engine *engine = NULL;
    const struct ohm_noise noise = {.seed = 5, .device = {.read_noise = 0.05}};
    ohm_design_defaults(design, &setting);
    for (int i = 0; i < 8; i++) {
        settings[i] = setting;
        adc[i] = (struct ohm_adc){.bits = 7, .range = OHM_ADC_UNIT, .largest = 64 * 3};
    }
    struct ohm_engine_request request = {.intnet = intnet, .part = part, .weight_bits = 8, .per_channel = true};
    if (crossbars) {
        request.design = design;
        request.settings = settings;
        request.adc = adc;
        request.noise = &noise;
    }
    CU_ASSERT_FATAL(!ohm_engine_build(&request, &engine));
    return engine;
}

/* Stages one after another, each with an engine and buffers of its own; holds: layers of all engines together. */
static struct results run_stages(const int32_t *first, int32_t nstage, bool crossbars, int32_t *holds) {
    static struct wire wire;
    struct results results = {0};
    float *outputs[IMAGES];
    for (int i = 0; i < IMAGES; i++) outputs[i] = results.logits[i];
    wire.steps = 0;
    *holds = 0;
    for (int32_t k = 0; k < nstage; k++) {
        struct ohm_batch *batch = NULL;
        wire.part = (struct ohm_engine_part){first[k], first[k + 1], bring, pass, stepped, &wire};
        struct ohm_engine *engine = build(&wire.part, crossbars);
        for (int32_t i = 0; i < intnet->nlayer; i++) *holds += engine->layers[i].program || engine->layers[i].product;
        CU_ASSERT_FATAL(!ohm_batch_new(engine, IMAGES, &batch));
        ohm_batch_first(batch, 40);
        CU_ASSERT(!ohm_engine_run(engine, batch, IMAGES, inputs, outputs, results.digests, results.tally, NULL));
        ohm_batch_free(batch);
        ohm_engine_free(engine);
    }
    CU_ASSERT_EQUAL(wire.steps, intnet->nstep);
    return results;
}

static void test_stages_are_the_whole(void) {
    omp_set_num_threads(2);
    for (int crossbars = 0; crossbars < 2; crossbars++) {
        int32_t holds, all[2] = {0, intnet->nstep};
        struct results whole = run_stages(all, 1, crossbars, &holds);
        CU_ASSERT_EQUAL(holds, intnet->nlayer);
        CU_ASSERT(whole.digests[0] && whole.digests[0] != whole.digests[1] && !whole.digests[2]);
        for (int32_t cut = 1; cut < intnet->nstep; cut++)
            for (int32_t next = cut + 1; next <= intnet->nstep; next++) { /* the last: two stages */
                int32_t first[4] = {0, cut, next, intnet->nstep};
                struct results stages = run_stages(first, next < intnet->nstep ? 3 : 2, crossbars, &holds);
                CU_ASSERT_EQUAL(holds, intnet->nlayer);
                CU_ASSERT(!memcmp(&stages, &whole, sizeof whole));
            }
    }
}

int main(void) {
    const struct suite_test tests[] = {
        {"best of all", test_best_of_all}, {"residuals cross", test_residuals_cross}, {"stages are the whole", test_stages_are_the_whole}};
    int failed = SUITE_RUN("eval cut", tests);
    ohm_intnet_free(intnet);
    ohm_network_free(network);
    return failed;
}
