/* Folding keeps the function: folded and unfolded networks agree, and exactly the right nodes go. */
#include "net_random.h"
#include "ohmtally/float_forward.h"
#include "ohmtally/status.h"
#include "suite.h"
#include <math.h>
#include <string.h>

static int count_op(const struct ohm_network *net, enum ohm_op op) {
    int count = 0;
    for (int32_t i = 0; i < net->nnode; i++) count += net->nodes[i].op == op;
    return count;
}

static void run(const struct ohm_network *net, const float *x, float *y) {
    struct ohm_float_work *work = ohm_float_work_new(net);
    CU_ASSERT_PTR_NOT_NULL_FATAL(work);
    CU_ASSERT_EQUAL(ohm_float_forward(net, work, x, y, NULL, NULL), OHM_OK);
    ohm_float_work_free(work);
}

/* Folds net, frees it, compares both on random data (relative to the largest output) and returns the folded one. */
static struct ohm_network *check_fold(struct ohm_network *net, uint64_t *state) {
    struct ohm_network *folded;
    CU_ASSERT_EQUAL_FATAL(ohm_network_fold(net, &folded), OHM_OK);
    const int64_t nx = ohm_shape_count(&net->values[net->input].shape), ny = ohm_shape_count(&net->values[net->output].shape);
    float *x = calloc((size_t)nx, sizeof *x), *y = calloc((size_t)ny, sizeof *y), *z = calloc((size_t)ny, sizeof *z), most = 0, difference = 0;
    CU_ASSERT(ohm_shape_equal(&folded->values[folded->output].shape, &net->values[net->output].shape));
    CU_ASSERT_STRING_EQUAL(folded->values[folded->output].name, net->values[net->output].name);
    random_fill(state, x, nx);
    run(net, x, y);
    ohm_network_free(net); /* the folded one must not need it */
    run(folded, x, z);
    for (int64_t i = 0; i < ny; i++) {
        most = fmaxf(most, fabsf(y[i]));
        difference = fmaxf(difference, fabsf(y[i] - z[i]));
    }
    CU_ASSERT(most > 0);
    CU_ASSERT(difference <= 1e-5F * most);
    free(x);
    free(y);
    free(z);
    return folded;
}

static int32_t add_conv(struct ohm_network *net, uint64_t *state, int32_t x, struct ohm_shape w, int groups, bool bias) {
    struct ohm_node like = ohm_node_of(OHM_OP_CONV);
    int32_t in[3] = {x, random_constant(net, state, w), -1};
    if (bias) in[2] = random_constant(net, state, SHAPE(w.dim[0]));
    like.groups = groups;
    memcpy(like.window.kernel, w.dim + 2, sizeof like.window.kernel);
    return net_append(net, like, in, bias ? 3 : 2, NULL);
}

static int32_t add_affine(struct ohm_network *net, uint64_t *state, int32_t x, int32_t channels) {
    int32_t in[3] = {x, random_constant(net, state, SHAPE(channels)), random_constant(net, state, SHAPE(channels))};
    return net_append(net, ohm_node_of(OHM_OP_AFFINE), in, 3, NULL);
}

static int32_t add_binary(struct ohm_network *net, enum ohm_op op, int32_t a, int32_t b) {
    return net_append(net, ohm_node_of(op), (int32_t[]){a, b}, 2, NULL);
}

/* conv, norm, times, plus, minus, all into one convolution; with and without bias, plain and depth-wise */
static void test_chain(void) {
    uint64_t state = 5;
    for (int variant = 0; variant < 4; variant++) {
        struct ohm_network *net = ohm_network_new();
        const bool deep = variant & 1;
        int32_t at =
            add_conv(net, &state, net_input(net, SHAPE(2, 4, 6, 5)), deep ? SHAPE(4, 1, 3, 3) : SHAPE(4, 4, 3, 3), deep ? 4 : 1, variant & 2);
        at = add_affine(net, &state, at, 4);
        at = add_binary(net, OHM_OP_MUL, at, random_constant(net, &state, SHAPE(1, 4, 1, 1)));
        at = add_binary(net, OHM_OP_ADD, random_constant(net, &state, SHAPE(4, 1, 1)), at);
        at = add_binary(net, OHM_OP_SUB, random_constant(net, &state, SHAPE(1)), at);
        at = add_binary(net, OHM_OP_SUB, at, random_constant(net, &state, SHAPE(1, 4, 1, 1)));
        struct ohm_network *folded = check_fold(net, &state);
        CU_ASSERT_EQUAL(folded->nnode, 1);
        CU_ASSERT_EQUAL(folded->nvalue, 4);
        ohm_network_free(folded);
    }
}

/* Through relabels: a 1-D convolution, and a linear layer whose result becomes an image. */
static void test_relabels(void) {
    uint64_t state = 6;
    struct ohm_network *net = ohm_network_new();
    const struct ohm_shape image = SHAPE(1, 3, 1, 9), line = SHAPE(1, 4, 7), vector = SHAPE(1, 28), tall = SHAPE(1, 8, 1, 1);
    int32_t x = net_input(net, SHAPE(1, 3, 9));
    int32_t at = net_append(net, ohm_node_of(OHM_OP_RELABEL), &x, 1, &image);
    at = add_conv(net, &state, at, SHAPE(4, 3, 1, 3), 1, true);
    at = net_append(net, ohm_node_of(OHM_OP_RELABEL), &at, 1, &line);
    at = add_affine(net, &state, at, 4);
    at = net_append(net, ohm_node_of(OHM_OP_RELU), &at, 1, NULL);
    at = net_append(net, ohm_node_of(OHM_OP_RELABEL), &at, 1, &line); /* an identity */
    at = net_append(net, ohm_node_of(OHM_OP_RELABEL), &at, 1, &vector);
    at = net_append(net, ohm_node_of(OHM_OP_LINEAR), (int32_t[]){at, random_constant(net, &state, SHAPE(8, 28))}, 2, NULL);
    at = net_append(net, ohm_node_of(OHM_OP_RELABEL), &at, 1, &tall);
    add_affine(net, &state, at, 8);
    struct ohm_network *folded = check_fold(net, &state);
    CU_ASSERT_EQUAL(count_op(folded, OHM_OP_AFFINE), 0);
    CU_ASSERT_EQUAL(count_op(folded, OHM_OP_RELABEL), 4);
    CU_ASSERT_EQUAL(folded->nnode, 7);
    ohm_network_free(folded);
}

/* What must stay: a layer with a second reader, an affine before any layer, factors along the wrong axis, a growing broadcast. */
static void test_kept(void) {
    uint64_t state = 7;
    struct ohm_network *net = ohm_network_new();
    int32_t first = add_affine(net, &state, net_input(net, SHAPE(1, 2, 4, 4)), 2);
    int32_t conv = add_conv(net, &state, first, SHAPE(2, 2, 1, 1), 1, false);
    int32_t norm = add_affine(net, &state, conv, 2);
    int32_t sum = add_binary(net, OHM_OP_ADD, norm, conv);
    int32_t next = add_conv(net, &state, sum, SHAPE(2, 2, 1, 1), 1, false);
    int32_t rows = add_binary(net, OHM_OP_MUL, next, random_constant(net, &state, SHAPE(4, 1)));
    int32_t last = add_conv(net, &state, rows, SHAPE(2, 2, 4, 4), 1, false);
    add_binary(net, OHM_OP_ADD, last, random_constant(net, &state, SHAPE(1, 2, 3, 1)));
    struct ohm_network *folded = check_fold(net, &state);
    CU_ASSERT_EQUAL(folded->nnode, 8);
    ohm_network_free(folded);
}

/* Weights that two layers share are folded apart. */
static void test_shared(void) {
    uint64_t state = 8;
    struct ohm_network *net = ohm_network_new();
    int32_t x = net_input(net, SHAPE(1, 2, 3, 3)), w = random_constant(net, &state, SHAPE(2, 2, 1, 1));
    int32_t a = net_append(net, ohm_node_of(OHM_OP_CONV), (int32_t[]){x, w}, 2, NULL);
    int32_t b = net_append(net, ohm_node_of(OHM_OP_CONV), (int32_t[]){x, w}, 2, NULL);
    add_binary(net, OHM_OP_SUB, add_affine(net, &state, a, 2), b);
    struct ohm_network *folded = check_fold(net, &state);
    CU_ASSERT_EQUAL(folded->nnode, 3);
    ohm_network_free(folded);
}

static void test_limits(void) {
    uint64_t state = 9;
    struct ohm_network *net = ohm_network_new(), *folded;
    const struct ohm_shape two = SHAPE(2);
    int32_t x = net_input(net, SHAPE(1, 2, 3, 3));
    net_append(net, ohm_node_of(OHM_OP_RELABEL), &x, 1, &net->values[x].shape);
    CU_ASSERT_EQUAL_FATAL(ohm_network_fold(net, &folded), OHM_OK); /* nothing is left but the input */
    CU_ASSERT_EQUAL(folded->nnode, 0);
    CU_ASSERT_EQUAL(folded->input, folded->output);
    ohm_network_free(folded);
    static const float huge[2] = {3e38F, 3e38F};
    int32_t conv = add_conv(net, &state, x, SHAPE(2, 2, 1, 1), 1, false);
    int32_t times = add_binary(net, OHM_OP_MUL, conv, ohm_network_add_value(net, "h", &(struct ohm_shape){0}, huge));
    net_append(net, ohm_node_of(OHM_OP_AFFINE), (int32_t[]){times, ohm_network_add_value(net, "a", &two, huge), random_constant(net, &state, two)}, 3,
               NULL);
    CU_ASSERT_EQUAL(ohm_network_fold(net, &folded), OHM_E_INPUT);
    CU_ASSERT_PTR_NULL(folded);
    ohm_fail_clear();
    ohm_network_free(net);
}

int main(void) {
    static const struct suite_test tests[] = {
        {"chain", test_chain}, {"relabels", test_relabels}, {"kept", test_kept}, {"shared", test_shared}, {"limits", test_limits}};
    return SUITE_RUN("net_fold", tests);
}
