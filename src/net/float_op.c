/* One operator on float data: the element-wise ones here, the others in float_*.c. */
#include "float_op.h"
#include "ohmtally/float_forward.h"
#include "ohmtally/status.h"
#include <math.h>
#include <string.h>

static void relu(const struct float_call *call) {
    const float *x = call->in[0];
    const int64_t count = ohm_shape_count(float_out_shape(call));
    for (int64_t i = 0; i < count; i++) call->out[i] = x[i] > 0 ? x[i] : 0;
}

static void clip(const struct float_call *call) {
    const float *x = call->in[0], lo = call->node->lo, hi = call->node->hi;
    const int64_t count = ohm_shape_count(float_out_shape(call));
    for (int64_t i = 0; i < count; i++) {
        float raised = x[i] > lo ? x[i] : lo;
        call->out[i] = raised < hi ? raised : hi;
    }
}

static void leaky_relu(const struct float_call *call) {
    const float *x = call->in[0], alpha = call->node->alpha;
    const int64_t count = ohm_shape_count(float_out_shape(call));
    for (int64_t i = 0; i < count; i++) call->out[i] = x[i] < 0 ? alpha * x[i] : x[i];
}

static void sigmoid(const struct float_call *call) {
    const float *x = call->in[0];
    const int64_t count = ohm_shape_count(float_out_shape(call));
    for (int64_t i = 0; i < count; i++) call->out[i] = 1.0F / (1.0F + expf(-x[i]));
}

static inline float clip01(float x) {
    return x < 0 ? 0 : x > 1 ? 1 : x;
}

static void hard_sigmoid(const struct float_call *call) {
    const float *x = call->in[0], alpha = call->node->alpha, beta = call->node->beta;
    const int64_t count = ohm_shape_count(float_out_shape(call));
    for (int64_t i = 0; i < count; i++) call->out[i] = clip01(alpha * x[i] + beta);
}

static void hard_swish(const struct float_call *call) {
    const float *x = call->in[0];
    const int64_t count = ohm_shape_count(float_out_shape(call));
    for (int64_t i = 0; i < count; i++) call->out[i] = x[i] * clip01(x[i] / 6.0F + 0.5F);
}

/* y = a[c] x + b[c] */
static void affine(const struct float_call *call) {
    const struct ohm_shape *shape = float_in_shape(call, 0);
    const int64_t channels = shape->dim[1], inner = ohm_shape_count(shape) / shape->dim[0] / channels;
    const float *x = call->in[0];
    float *y = call->out;
    for (int64_t n = 0; n < shape->dim[0]; n++)
        for (int64_t c = 0; c < channels; c++, x += inner, y += inner) {
            const float a = call->in[1][c], b = call->in[2][c];
            for (int64_t i = 0; i < inner; i++) y[i] = a * x[i] + b;
        }
}

static void relabel(const struct float_call *call) {
    memcpy(call->out, call->in[0], (size_t)ohm_shape_count(float_out_shape(call)) * sizeof(float));
}

static void (*const operators[OHM_OP_COUNT])(const struct float_call *call) = {
    [OHM_OP_CONV] = float_conv,
    [OHM_OP_LINEAR] = float_linear,
    [OHM_OP_AFFINE] = affine,
    [OHM_OP_RELU] = relu,
    [OHM_OP_CLIP] = clip,
    [OHM_OP_LEAKY_RELU] = leaky_relu,
    [OHM_OP_SIGMOID] = sigmoid,
    [OHM_OP_HARD_SIGMOID] = hard_sigmoid,
    [OHM_OP_HARD_SWISH] = hard_swish,
    [OHM_OP_ADD] = float_binary,
    [OHM_OP_SUB] = float_binary,
    [OHM_OP_MUL] = float_binary,
    [OHM_OP_CONCAT] = float_concat,
    [OHM_OP_MAX_POOL] = float_max_pool,
    [OHM_OP_AVERAGE_POOL] = float_average_pool,
    [OHM_OP_GLOBAL_AVERAGE_POOL] = float_reduce_mean,
    [OHM_OP_REDUCE_MEAN] = float_reduce_mean,
    [OHM_OP_RELABEL] = relabel,
    [OHM_OP_PAD] = float_pad,
    [OHM_OP_SOFTMAX] = float_softmax,
    [OHM_OP_LRN] = float_lrn,
};

int64_t ohm_float_op_scratch(const struct ohm_network *network, const struct ohm_node *node) {
    return node->op == OHM_OP_CONV ? float_conv_scratch(network, node) : 0;
}

int ohm_float_op(const struct ohm_network *network, const struct ohm_node *node, const float *const *in, float *out, float *scratch) {
    if ((unsigned)node->op >= OHM_OP_COUNT) return ohm_fail(OHM_E_INTERNAL, "node '%s': no such operator (%d)", node->name, (int)node->op);
    struct float_call call = {.network = network, .node = node, .in = in, .out = out, .scratch = scratch};
    operators[node->op](&call);
    return OHM_OK;
}
