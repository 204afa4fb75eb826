/* Stages of networks: who feeds whom, and from which share of its output on the next can begin. */
#include "net_random.h"
#include "ohmtally/engine.h"
#include "ohmtally/stages.h"
#include "suite.h"

#define INPUTS (3 * 10 * 10)

static uint64_t state = 5;
static struct ohm_network *network;
static struct ohm_intnet *intnet;
static struct ohm_arena *arena;

static int32_t append(struct ohm_node node, int32_t a, int32_t b) {
    int32_t in[] = {a, b}, output = net_append(network, node, in, b < 0 ? 1 : 2, NULL);
    CU_ASSERT_FATAL(output >= 0);
    return output;
}

static struct ohm_node window(enum ohm_op op, int32_t kernel, int32_t stride, int32_t pad) {
    struct ohm_node node = ohm_node_of(op);
    node.groups = 1;
    for (int d = 0; d < 2; d++) {
        node.window.kernel[d] = kernel;
        node.window.stride[d] = stride;
        node.window.pad_before[d] = node.window.pad_after[d] = pad;
    }
    return node;
}

static int32_t conv(int32_t x, int32_t kernel, int32_t from, int32_t to) {
    return append(window(OHM_OP_CONV, kernel, 1, kernel / 2), x, random_constant(network, &state, SHAPE(to, from, kernel, kernel)));
}

static int32_t begin(void) {
    network = ohm_network_new();
    arena = ohm_arena_new();
    return net_input(network, SHAPE(1, 3, 10, 10));
}

static const struct ohm_stage *stages(void) {
    static float pixels[INPUTS];
    const float *inputs[] = {pixels};
    random_fill(&state, pixels, INPUTS);
    struct ohm_ranges *ranges = ohm_ranges_new(network);
    struct ohm_quantize_options options = {8, OHM_RULE_MINMAX, 0};
    CU_ASSERT_FATAL(!ohm_calibrate_batch(network, 1, inputs, ranges) && !ohm_quantize(network, ranges, &options, &intnet));
    ohm_ranges_free(ranges);
    const struct ohm_stage *made = ohm_stages_make(intnet, arena);
    CU_ASSERT_PTR_NOT_NULL_FATAL(made);
    return made;
}

static void end(void) {
    ohm_intnet_free(intnet);
    ohm_network_free(network);
    ohm_arena_free(arena);
}

static void check_feed(const struct ohm_stage *stage, int32_t k, int32_t from, double lead) {
    CU_ASSERT_FATAL(k < stage->nfeed);
    CU_ASSERT_EQUAL(stage->feeds[k].stage, from);
    CU_ASSERT_DOUBLE_EQUAL(stage->feeds[k].lead, lead, 1e-12);
}

/* 3x3, 2x2 pool, 3x3 with a shortcut around it, 1x1, global pool, linear. */
static void residual_network(void) {
    int32_t a = append(ohm_node_of(OHM_OP_RELU), conv(begin(), 3, 3, 12), -1);
    int32_t pooled = append(window(OHM_OP_MAX_POOL, 2, 2, 0), a, -1);
    int32_t sum = append(ohm_node_of(OHM_OP_RELU), append(ohm_node_of(OHM_OP_ADD), pooled, conv(pooled, 3, 12, 12)), -1);
    int32_t global = append(ohm_node_of(OHM_OP_GLOBAL_AVERAGE_POOL), conv(sum, 1, 12, 20), -1);
    struct ohm_shape flat = SHAPE(1, 20);
    append(ohm_node_of(OHM_OP_LINEAR), net_append(network, ohm_node_of(OHM_OP_RELABEL), &global, 1, &flat),
           random_constant(network, &state, SHAPE(7, 20)));
    const struct ohm_stage *s = stages();
    CU_ASSERT(s[0].nfeed == 0 && s[1].nfeed == 1 && s[2].nfeed == 2 && s[3].nfeed == 1);
    CU_ASSERT(s[0].positions == 100 && s[1].positions == 25 && s[3].positions == 1);
    check_feed(&s[1], 0, 0, 0.56); /* 2 rows and 3 values of the pool's output: its window at (2, 2) ends at (5, 5) of 10 x 10 */
    check_feed(&s[2], 0, 0, 0.12); /* around: its window at (0, 0) ends at (1, 1) */
    check_feed(&s[2], 1, 1, 0.04);
    check_feed(&s[3], 0, 2, 1); /* a global pool waits for everything */
    CU_ASSERT_EQUAL(ohm_stage_buffered(&intnet->layers[0]), (10 * 2 + 3) * 3);
    CU_ASSERT_EQUAL(ohm_stage_buffered(&intnet->layers[1]), (5 * 2 + 3) * 12);
    CU_ASSERT_EQUAL(ohm_stage_buffered(&intnet->layers[2]), 12);
    CU_ASSERT_EQUAL(ohm_stage_buffered(&intnet->layers[3]), 20);
    CU_ASSERT_EQUAL(ohm_stage_inputs(&intnet->layers[0]), 300);
    CU_ASSERT_EQUAL(ohm_stage_inputs(&intnet->layers[1]), 25 * 12);
    end();
}

/* A gate made from the whole image holds up what it gates; joined channels do not wait for each other's ends. */
static void gate_and_concat(void) {
    int32_t a = conv(begin(), 1, 3, 8);
    int32_t gate = append(ohm_node_of(OHM_OP_SIGMOID), append(ohm_node_of(OHM_OP_GLOBAL_AVERAGE_POOL), a, -1), -1);
    int32_t b = conv(append(ohm_node_of(OHM_OP_MUL), a, gate), 1, 8, 8);
    struct ohm_node join = ohm_node_of(OHM_OP_CONCAT);
    join.axis = 1;
    int32_t wide = conv(b, 3, 8, 4), narrow = conv(b, 1, 8, 4);
    conv(append(join, wide, narrow), 1, 8, 2);
    const struct ohm_stage *s = stages();
    check_feed(&s[1], 0, 0, 1);
    check_feed(&s[2], 0, 1, 0.23);
    check_feed(&s[3], 0, 1, 0.01);
    CU_ASSERT_EQUAL(s[4].nfeed, 2);
    check_feed(&s[4], 0, 2, 0.01);
    check_feed(&s[4], 1, 3, 0.01);
    end();
}

/* A kernel as large as its input needs all of it. */
static void whole_window(void) {
    int32_t a = conv(begin(), 1, 3, 4);
    append(window(OHM_OP_CONV, 10, 1, 0), a, random_constant(network, &state, SHAPE(5, 4, 10, 10)));
    const struct ohm_stage *s = stages();
    check_feed(&s[1], 0, 0, 1);
    CU_ASSERT_EQUAL(ohm_stage_buffered(&intnet->layers[1]), 400);
    end();
}

int main(void) {
    static const struct suite_test tests[] = {
        {"a residual network", residual_network},
        {"a gate, and channels joined", gate_and_concat},
        {"a kernel as large as its input", whole_window},
    };
    return SUITE_RUN("eval_stages", tests);
}
