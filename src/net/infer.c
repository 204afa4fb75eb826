/* The shape rules of every operator, in one place. */
#include "ohmtally/network.h"
#include "ohmtally/status.h"

struct site { /* where a rule is applied, for messages and for the inputs' shapes */
    const struct ohm_network *network;
    const struct ohm_node *node;
};

static const struct ohm_shape *in_shape(struct site at, int32_t input) {
    return &at.network->values[at.node->input[input]].shape;
}

/* Fails with the node, what is wrong and the shape of the given input. */
static int wrong(struct site at, int32_t input, const char *what) {
    char text[96];
    return ohm_fail(OHM_E_INPUT, "node '%s' (%s): %s; input %d is %s", at.node->name, at.node->onnx_op, what, input + 1,
                    ohm_shape_text(in_shape(at, input), text));
}

static int infer_same(struct site at, struct ohm_shape *out) {
    *out = *in_shape(at, 0);
    return OHM_OK;
}

/* Length of one dimension after sliding the window over it; 0 when the window does not fit. */
static int64_t slide(const struct ohm_window *window, int axis, int64_t length, bool ceil_mode) {
    int64_t reach = (int64_t)(window->kernel[axis] - 1) * window->dilation[axis] + 1, stride = window->stride[axis];
    int64_t before = window->pad_before[axis], spare = length + before + window->pad_after[axis] - reach;
    if (spare < 0) return 0;
    int64_t count = (ceil_mode ? (spare + stride - 1) / stride : spare / stride) + 1;
    if (ceil_mode && (count - 1) * stride >= length + before) count--; /* a window that would start in the end padding does not exist */
    return count;
}

static int infer_window(struct site at, bool ceil_mode, struct ohm_shape *out) {
    const struct ohm_window *window = &at.node->window;
    const struct ohm_shape *x = in_shape(at, 0);
    for (int axis = 0; axis < 2; axis++) {
        if (window->kernel[axis] < 1 || window->stride[axis] < 1 || window->dilation[axis] < 1)
            return wrong(at, 0, "kernel, stride and dilation must be at least 1");
        if (window->pad_before[axis] < 0 || window->pad_after[axis] < 0) return wrong(at, 0, "negative padding");
        int64_t length = slide(window, axis, x->dim[2 + axis], ceil_mode);
        if (length < 1 || length > INT32_MAX) return wrong(at, 0, "the kernel does not fit into the padded input");
        out->dim[2 + axis] = (int32_t)length;
    }
    return OHM_OK;
}

static int check_bias(struct site at, int32_t outputs) {
    if (at.node->ninput < 3) return OHM_OK;
    const struct ohm_shape *b = in_shape(at, 2);
    return b->rank == 1 && b->dim[0] == outputs ? OHM_OK : wrong(at, 2, "the bias must have one entry per output channel");
}

static int infer_conv(struct site at, struct ohm_shape *out) {
    const struct ohm_node *node = at.node;
    const struct ohm_shape *x = in_shape(at, 0), *w = in_shape(at, 1);
    if (x->rank != 4) return wrong(at, 0, "a convolution needs N x C x H x W");
    if (w->rank != 4) return wrong(at, 1, "weights must be M x C/groups x kh x kw");
    if (node->groups < 1 || w->dim[0] % node->groups || (int64_t)w->dim[1] * node->groups != x->dim[1])
        return wrong(at, 1, "channels, weights and groups do not agree");
    if (w->dim[2] != node->window.kernel[0] || w->dim[3] != node->window.kernel[1]) return wrong(at, 1, "kernel_shape and weights do not agree");
    *out = (struct ohm_shape){.rank = 4, .dim = {x->dim[0], w->dim[0]}};
    OHM_TRY(check_bias(at, w->dim[0]));
    return infer_window(at, false, out);
}

static int infer_linear(struct site at, struct ohm_shape *out) {
    const struct ohm_shape *x = in_shape(at, 0), *w = in_shape(at, 1);
    if (w->rank != 2) return wrong(at, 1, "weights must be N x K");
    if (x->rank < 1 || x->dim[x->rank - 1] != w->dim[1]) return wrong(at, 0, "the last dimension does not match the weights");
    *out = *x;
    out->dim[x->rank - 1] = w->dim[0];
    return check_bias(at, w->dim[0]);
}

static int infer_affine(struct site at, struct ohm_shape *out) {
    const struct ohm_shape *x = in_shape(at, 0);
    if (x->rank < 2) return wrong(at, 0, "needs N x C x ...");
    for (int32_t k = 1; k < 3; k++)
        if (in_shape(at, k)->rank != 1 || in_shape(at, k)->dim[0] != x->dim[1]) return wrong(at, k, "needs one entry per channel");
    return infer_same(at, out);
}

/* numpy broadcasting of two shapes, aligned at the last dimension. */
static int infer_broadcast(struct site at, struct ohm_shape *out) {
    const struct ohm_shape *a = in_shape(at, 0), *b = in_shape(at, 1);
    out->rank = a->rank > b->rank ? a->rank : b->rank;
    for (int32_t d = 0; d < out->rank; d++) {
        int32_t from_a = d - (out->rank - a->rank), from_b = d - (out->rank - b->rank);
        int32_t p = from_a < 0 ? 1 : a->dim[from_a], q = from_b < 0 ? 1 : b->dim[from_b];
        if (p != q && p != 1 && q != 1) {
            char text[96];
            return ohm_fail(OHM_E_INPUT, "node '%s' (%s): shape %s cannot be broadcast with the second input", at.node->name, at.node->onnx_op,
                            ohm_shape_text(a, text));
        }
        out->dim[d] = p == 1 ? q : p;
    }
    return OHM_OK;
}

static int infer_concat(struct site at, struct ohm_shape *out) {
    int32_t axis = at.node->axis;
    *out = *in_shape(at, 0);
    if (axis < 0 || axis >= out->rank) return wrong(at, 0, "the axis is outside the shape");
    int64_t sum = out->dim[axis];
    for (int32_t k = 1; k < at.node->ninput; k++) {
        struct ohm_shape other = *in_shape(at, k);
        if (other.rank != out->rank) return wrong(at, k, "inputs of different rank");
        sum += other.dim[axis];
        other.dim[axis] = out->dim[axis];
        if (!ohm_shape_equal(&other, out)) return wrong(at, k, "inputs differ in a dimension other than the axis");
    }
    if (sum > INT32_MAX) return wrong(at, 0, "the result is too long");
    out->dim[axis] = (int32_t)sum;
    return OHM_OK;
}

static int infer_pool(struct site at, struct ohm_shape *out) {
    const struct ohm_node *node = at.node;
    const struct ohm_window *window = &node->window;
    if (in_shape(at, 0)->rank != 4) return wrong(at, 0, "a pool needs N x C x H x W");
    for (int axis = 0; axis < 2; axis++) {
        int64_t reach = (int64_t)(window->kernel[axis] - 1) * window->dilation[axis] + 1;
        if (window->pad_before[axis] >= reach || window->pad_after[axis] >= reach) return wrong(at, 0, "padding must be smaller than the kernel");
    }
    *out = *in_shape(at, 0);
    return infer_window(at, node->ceil_mode, out);
}

static int infer_global(struct site at, struct ohm_shape *out) {
    *out = *in_shape(at, 0);
    if (out->rank < 2) return wrong(at, 0, "needs N x C x ...");
    for (int32_t d = 2; d < out->rank; d++) out->dim[d] = 1;
    return OHM_OK;
}

static int infer_mean(struct site at, struct ohm_shape *out) {
    *out = *in_shape(at, 0);
    if (at.node->axis_mask >> out->rank) return wrong(at, 0, "an axis is outside the shape");
    for (int32_t d = 0; d < out->rank; d++)
        if (at.node->axis_mask >> d & 1) out->dim[d] = 1;
    return OHM_OK;
}

static int infer_relabel(struct site at, struct ohm_shape *out) {
    *out = at.network->values[at.node->output].shape;
    if (ohm_shape_count(out) != ohm_shape_count(in_shape(at, 0))) return wrong(at, 0, "the new shape has another number of elements");
    return OHM_OK;
}

static int infer_pad(struct site at, struct ohm_shape *out) {
    *out = *in_shape(at, 0);
    for (int32_t d = 0; d < out->rank; d++) {
        if (at.node->pad_before[d] < 0 || at.node->pad_after[d] < 0)
            return ohm_fail(OHM_E_UNSUPPORTED, "node '%s' (%s): negative padding (cropping) is not supported", at.node->name, at.node->onnx_op);
        int64_t length = (int64_t)out->dim[d] + at.node->pad_before[d] + at.node->pad_after[d];
        if (length > INT32_MAX) return wrong(at, 0, "the padded result is too long");
        out->dim[d] = (int32_t)length;
    }
    return OHM_OK;
}

static int infer_softmax(struct site at, struct ohm_shape *out) {
    *out = *in_shape(at, 0);
    if (at.node->axis < 0 || at.node->axis_end <= at.node->axis || at.node->axis_end > out->rank)
        return wrong(at, 0, "the axis is outside the shape");
    return OHM_OK;
}

static int infer_lrn(struct site at, struct ohm_shape *out) {
    *out = *in_shape(at, 0);
    if (out->rank < 2) return wrong(at, 0, "needs N x C x ...");
    return at.node->size < 1 ? wrong(at, 0, "size must be at least 1") : OHM_OK;
}

struct rule {
    int (*infer)(struct site at, struct ohm_shape *out);
    int32_t least, most; /* inputs */
};
static const struct rule rules[OHM_OP_COUNT] = {
    [OHM_OP_CONV] = {infer_conv, 2, 3},
    [OHM_OP_LINEAR] = {infer_linear, 2, 3},
    [OHM_OP_AFFINE] = {infer_affine, 3, 3},
    [OHM_OP_RELU] = {infer_same, 1, 1},
    [OHM_OP_CLIP] = {infer_same, 1, 1},
    [OHM_OP_LEAKY_RELU] = {infer_same, 1, 1},
    [OHM_OP_SIGMOID] = {infer_same, 1, 1},
    [OHM_OP_HARD_SIGMOID] = {infer_same, 1, 1},
    [OHM_OP_HARD_SWISH] = {infer_same, 1, 1},
    [OHM_OP_ADD] = {infer_broadcast, 2, 2},
    [OHM_OP_SUB] = {infer_broadcast, 2, 2},
    [OHM_OP_MUL] = {infer_broadcast, 2, 2},
    [OHM_OP_CONCAT] = {infer_concat, 1, INT32_MAX},
    [OHM_OP_MAX_POOL] = {infer_pool, 1, 1},
    [OHM_OP_AVERAGE_POOL] = {infer_pool, 1, 1},
    [OHM_OP_GLOBAL_AVERAGE_POOL] = {infer_global, 1, 1},
    [OHM_OP_REDUCE_MEAN] = {infer_mean, 1, 1},
    [OHM_OP_RELABEL] = {infer_relabel, 1, 1},
    [OHM_OP_PAD] = {infer_pad, 1, 1},
    [OHM_OP_SOFTMAX] = {infer_softmax, 1, 1},
    [OHM_OP_LRN] = {infer_lrn, 1, 1},
};

int ohm_node_infer(const struct ohm_network *network, const struct ohm_node *node, struct ohm_shape *out) {
    struct site at = {network, node};
    if ((unsigned)node->op >= OHM_OP_COUNT) return ohm_fail(OHM_E_INTERNAL, "node '%s': no such operator (%d)", node->name, (int)node->op);
    const struct rule *rule = &rules[node->op];
    if (node->ninput < rule->least || node->ninput > rule->most)
        return ohm_fail(OHM_E_INPUT, "node '%s' (%s): %d inputs", node->name, node->onnx_op, node->ninput);
    OHM_TRY(rule->infer(at, out));
    int64_t count = 1;
    for (int32_t d = 0; d < out->rank; d++) {
        if (out->dim[d] < 1)
            return ohm_fail(OHM_E_UNSUPPORTED, "node '%s' (%s): empty tensors are not supported (dimension %d is %d)", node->name, node->onnx_op, d,
                            out->dim[d]);
        count *= out->dim[d]; /* stays below 2^62: each factor and the product so far are below 2^31 */
        if (count > OHM_MAX_COUNT)
            return ohm_fail(OHM_E_UNSUPPORTED, "node '%s' (%s): the result has more than %d elements", node->name, node->onnx_op, OHM_MAX_COUNT);
    }
    return OHM_OK;
}
