/* Element-wise operators, their attributes and the old and new places for them. */
#include "onnx_reader.h"
#include <float.h>

static int emit_one(struct onnx_call *call, const struct ohm_node *node) {
    struct onnx_tensor *x;
    OHM_TRY(onnx_need(call, 0, "data", &x));
    return onnx_emit(call, node, &x, 1, call->out);
}

int onnx_convert_Relu(struct onnx_call *call) {
    struct ohm_node node = ohm_node_of(OHM_OP_RELU);
    return emit_one(call, &node);
}

int onnx_convert_Sigmoid(struct onnx_call *call) {
    struct ohm_node node = ohm_node_of(OHM_OP_SIGMOID);
    return emit_one(call, &node);
}

int onnx_convert_HardSwish(struct onnx_call *call) {
    struct ohm_node node = ohm_node_of(OHM_OP_HARD_SWISH);
    return emit_one(call, &node);
}

int onnx_convert_LeakyRelu(struct onnx_call *call) {
    struct ohm_node node = ohm_node_of(OHM_OP_LEAKY_RELU);
    OHM_TRY(onnx_attribute_float(call, "alpha", 0.01F, &node.alpha));
    return emit_one(call, &node);
}

int onnx_convert_HardSigmoid(struct onnx_call *call) {
    struct ohm_node node = ohm_node_of(OHM_OP_HARD_SIGMOID);
    OHM_TRY(onnx_attribute_float(call, "alpha", 0.2F, &node.alpha));
    OHM_TRY(onnx_attribute_float(call, "beta", 0.5F, &node.beta));
    return emit_one(call, &node);
}

/* A bound of Clip from input `input`, which is a scalar. */
static int clip_bound(struct onnx_call *call, int32_t input, const char *what, float *bound) {
    struct onnx_tensor *tensor;
    if (!onnx_has(call, input)) return OHM_OK;
    OHM_TRY(onnx_need_floats(call, input, what, &tensor));
    if (ohm_shape_count(&tensor->shape) != 1) return onnx_call_fail(call, OHM_E_INPUT, "%s must be a single number", what);
    *bound = tensor->floats[0];
    return *bound == *bound ? OHM_OK : onnx_call_fail(call, OHM_E_INPUT, "%s is not a number", what);
}

int onnx_convert_Clip(struct onnx_call *call) {
    struct ohm_node node = ohm_node_of(OHM_OP_CLIP);
    node.lo = -FLT_MAX;
    node.hi = FLT_MAX;
    if (call->reader->opset < 11) {
        OHM_TRY(onnx_attribute_float(call, "min", node.lo, &node.lo));
        OHM_TRY(onnx_attribute_float(call, "max", node.hi, &node.hi));
    } else {
        OHM_TRY(clip_bound(call, 1, "min", &node.lo));
        OHM_TRY(clip_bound(call, 2, "max", &node.hi));
    }
    return emit_one(call, &node);
}

int onnx_convert_Softmax(struct onnx_call *call) {
    struct onnx_tensor *x;
    int64_t axis;
    const bool flattens = call->reader->opset < 13; /* over all dimensions from the axis on, not only over it */
    struct ohm_node node = ohm_node_of(OHM_OP_SOFTMAX);
    OHM_TRY(onnx_need(call, 0, "data", &x));
    OHM_TRY(onnx_attribute_integer(call, "axis", flattens ? 1 : -1, &axis));
    OHM_TRY(onnx_axis(call, axis, x->shape.rank, x->shape.rank - 1, &node.axis));
    node.axis_end = flattens ? x->shape.rank : node.axis + 1;
    return emit_one(call, &node);
}

int onnx_convert_LRN(struct onnx_call *call) {
    struct ohm_node node = ohm_node_of(OHM_OP_LRN);
    int64_t size;
    OHM_TRY(onnx_attribute_float(call, "alpha", 1e-4F, &node.alpha));
    OHM_TRY(onnx_attribute_float(call, "beta", 0.75F, &node.beta));
    OHM_TRY(onnx_attribute_float(call, "bias", 1.0F, &node.bias));
    OHM_TRY(onnx_attribute_integer(call, "size", 0, &size));
    if (size < 1 || size > INT32_MAX) return onnx_call_fail(call, OHM_E_INPUT, "size is missing or not positive");
    node.size = (int32_t)size;
    return emit_one(call, &node);
}

int onnx_convert_Concat(struct onnx_call *call) {
    struct onnx_tensor *first;
    int64_t axis;
    struct ohm_node node = ohm_node_of(OHM_OP_CONCAT);
    OHM_TRY(onnx_need(call, 0, "data", &first));
    bool integers = true;
    for (int32_t k = 0; k < call->nin; k++) {
        OHM_TRY(onnx_need(call, k, "data", &first));
        integers = integers && first->kind == ONNX_INTEGERS;
    }
    if (integers) return onnx_fold_concat(call);
    if (!onnx_attribute(call, "axis")) return onnx_call_fail(call, OHM_E_INPUT, "axis is missing");
    OHM_TRY(onnx_attribute_integer(call, "axis", 0, &axis));
    OHM_TRY(onnx_axis(call, axis, first->shape.rank, first->shape.rank - 1, &node.axis));
    return onnx_emit(call, &node, call->in, call->nin, call->out);
}

/* Two operands: integers are folded, everything else becomes a node. */
static int convert_binary(struct onnx_call *call, enum ohm_op op, char operation) {
    struct onnx_tensor *in[2];
    const struct ohm_node node = ohm_node_of(op);
    OHM_TRY(onnx_need(call, 0, "first operand", &in[0]));
    OHM_TRY(onnx_need(call, 1, "second operand", &in[1]));
    if (in[0]->kind == ONNX_INTEGERS && in[1]->kind == ONNX_INTEGERS) return onnx_fold_integers(call, operation);
    return onnx_emit(call, &node, in, 2, call->out);
}

int onnx_convert_Add(struct onnx_call *call) {
    return convert_binary(call, OHM_OP_ADD, '+');
}

int onnx_convert_Sub(struct onnx_call *call) {
    return convert_binary(call, OHM_OP_SUB, '-');
}

int onnx_convert_Mul(struct onnx_call *call) {
    return convert_binary(call, OHM_OP_MUL, '*');
}
