/* Operators that only name the data differently, and padding. */
#include "onnx_reader.h"
#include <string.h>

int onnx_convert_Identity(struct onnx_call *call) {
    struct onnx_tensor *x;
    OHM_TRY(onnx_need(call, 0, "data", &x));
    return onnx_relabel(call, x, &x->shape, call->out);
}

/* At inference nothing is dropped; a network exported in training mode would drop at random. */
int onnx_convert_Dropout(struct onnx_call *call) {
    struct onnx_tensor *ratio, *training;
    if (call->reader->opset >= 12 && onnx_has(call, 2)) {
        OHM_TRY(onnx_need_integers(call, 2, "training_mode", &training));
        float part = 0.5F;
        if (onnx_has(call, 1)) {
            OHM_TRY(onnx_need_floats(call, 1, "ratio", &ratio));
            if (ohm_shape_count(&ratio->shape) == 1) part = ratio->floats[0];
        }
        if (ohm_shape_count(&training->shape) != 1 || (training->integers[0] && part != 0))
            return onnx_call_fail(call, OHM_E_UNSUPPORTED, "training_mode is on; only inference is supported");
    }
    return onnx_convert_Identity(call);
}

int onnx_convert_Flatten(struct onnx_call *call) {
    struct onnx_tensor *x;
    int64_t axis;
    int32_t split;
    OHM_TRY(onnx_need(call, 0, "data", &x));
    OHM_TRY(onnx_attribute_integer(call, "axis", 1, &axis));
    OHM_TRY(onnx_axis(call, axis, x->shape.rank, x->shape.rank, &split));
    struct ohm_shape shape = {.rank = 2, .dim = {1, 1}};
    for (int32_t d = 0; d < x->shape.rank; d++) shape.dim[d >= split] *= x->shape.dim[d];
    return onnx_relabel(call, x, &shape, call->out);
}

int onnx_convert_Reshape(struct onnx_call *call) {
    struct onnx_tensor *x, *wanted;
    int64_t allow_zero, dims[OHM_MAX_RANK], known = 1;
    int32_t open = -1;
    OHM_TRY(onnx_need(call, 0, "data", &x));
    OHM_TRY(onnx_need_integers(call, 1, "shape", &wanted));
    OHM_TRY(onnx_attribute_integer(call, "allowzero", 0, &allow_zero));
    const int64_t count = ohm_shape_count(&wanted->shape);
    if (wanted->shape.rank != 1 || count > OHM_MAX_RANK)
        return onnx_call_fail(call, OHM_E_UNSUPPORTED, "shape must be a list of at most %d numbers", OHM_MAX_RANK);
    for (int32_t d = 0; d < count; d++) {
        dims[d] = wanted->integers[d];
        if (dims[d] == 0 && !allow_zero && d < x->shape.rank) dims[d] = x->shape.dim[d];
        if (d == 0 && call->reader->batch && dims[d] == call->reader->batch && x->shape.rank && x->shape.dim[0] == 1)
            dims[d] = 1; /* the file's batch, now 1 */
        if (dims[d] == -1 && open < 0)
            open = d;
        else if (dims[d] < 0 || dims[d] > OHM_MAX_COUNT || (known *= dims[d]) > OHM_MAX_COUNT)
            return onnx_call_fail(call, OHM_E_INPUT, "shape holds %lld, or is too large", (long long)dims[d]);
    }
    if (open >= 0) dims[open] = known ? ohm_shape_count(&x->shape) / known : 0;
    struct ohm_shape shape;
    OHM_TRY(onnx_shape_of(dims, (size_t)count, "shape", &shape));
    return onnx_relabel(call, x, &shape, call->out);
}

int onnx_convert_Squeeze(struct onnx_call *call) {
    struct onnx_tensor *x;
    const int64_t *axes;
    size_t count;
    uint32_t mask;
    OHM_TRY(onnx_need(call, 0, "data", &x));
    OHM_TRY(onnx_list(call, 13, 1, "axes", &axes, &count));
    OHM_TRY(onnx_axes_mask(call, axes, count, x->shape.rank, &mask));
    struct ohm_shape shape = {0};
    for (int32_t d = 0; d < x->shape.rank; d++) {
        if (mask >> d & 1 && x->shape.dim[d] != 1) return onnx_call_fail(call, OHM_E_INPUT, "dimension %d is %d, not 1", d, x->shape.dim[d]);
        if (count ? !(mask >> d & 1) : x->shape.dim[d] != 1) shape.dim[shape.rank++] = x->shape.dim[d];
    }
    return onnx_relabel(call, x, &shape, call->out);
}

int onnx_convert_Unsqueeze(struct onnx_call *call) {
    struct onnx_tensor *x;
    const int64_t *axes;
    size_t count;
    uint32_t mask;
    OHM_TRY(onnx_need(call, 0, "data", &x));
    OHM_TRY(onnx_list(call, 13, 1, "axes", &axes, &count));
    if (!count) return onnx_call_fail(call, OHM_E_INPUT, "axes are missing");
    if (count + (size_t)x->shape.rank > OHM_MAX_RANK)
        return onnx_call_fail(call, OHM_E_UNSUPPORTED, "the result has more than %d dimensions", OHM_MAX_RANK);
    struct ohm_shape shape = {.rank = x->shape.rank + (int32_t)count};
    OHM_TRY(onnx_axes_mask(call, axes, count, shape.rank, &mask));
    for (int32_t d = 0, from = 0; d < shape.rank; d++) shape.dim[d] = mask >> d & 1 ? 1 : x->shape.dim[from++];
    return onnx_relabel(call, x, &shape, call->out);
}

int onnx_convert_Transpose(struct onnx_call *call) {
    struct onnx_tensor *x;
    const int64_t *given;
    size_t count;
    uint32_t mask;
    int32_t perm[OHM_MAX_RANK];
    OHM_TRY(onnx_need(call, 0, "data", &x));
    OHM_TRY(onnx_attribute_integers(call, "perm", &given, &count));
    const int32_t rank = x->shape.rank;
    if (count && count != (size_t)rank) return onnx_call_fail(call, OHM_E_INPUT, "perm has %zu entries for %d dimensions", count, rank);
    OHM_TRY(onnx_axes_mask(call, given, count, rank, &mask)); /* each once */
    for (int32_t d = 0; d < rank; d++) {
        perm[d] = rank - 1 - d;
        if (count) OHM_TRY(onnx_axis(call, given[d], rank, rank - 1, &perm[d]));
    }
    return onnx_permute(call, x, perm, call->out);
}

/* pads lists the beginnings of the padded axes, then their ends. */
static int pad_amounts(struct onnx_call *call, const struct onnx_tensor *x, struct ohm_node *node) {
    const int64_t *pads, *axes;
    size_t npad, naxis;
    uint32_t mask;
    OHM_TRY(onnx_list(call, 11, 1, "pads", &pads, &npad));
    OHM_TRY(onnx_list(call, 18, 3, "axes", &axes, &naxis));
    const size_t padded = naxis ? naxis : (size_t)x->shape.rank;
    OHM_TRY(onnx_axes_mask(call, axes, naxis, x->shape.rank, &mask));
    if (npad != 2 * padded) return onnx_call_fail(call, OHM_E_INPUT, "pads has %zu entries for %zu dimensions", npad, padded);
    for (size_t i = 0; i < padded; i++) {
        int32_t d = (int32_t)i;
        if (naxis) OHM_TRY(onnx_axis(call, axes[i], x->shape.rank, x->shape.rank - 1, &d));
        if (pads[i] < 0 || pads[padded + i] < 0 || pads[i] > OHM_MAX_COUNT || pads[padded + i] > OHM_MAX_COUNT)
            return onnx_call_fail(call, OHM_E_UNSUPPORTED, "pads holds a negative number (cropping is not supported) or a huge one");
        node->pad_before[d] = (int32_t)pads[i];
        node->pad_after[d] = (int32_t)pads[padded + i];
    }
    return OHM_OK;
}

int onnx_convert_Pad(struct onnx_call *call) {
    struct onnx_tensor *x, *value;
    const char *mode;
    struct ohm_node node = ohm_node_of(OHM_OP_PAD);
    OHM_TRY(onnx_need(call, 0, "data", &x));
    OHM_TRY(onnx_attribute_text(call, "mode", "constant", &mode));
    if (strcmp(mode, "constant")) return onnx_call_fail(call, OHM_E_UNSUPPORTED, "mode is '%s'; only constant is supported", mode);
    OHM_TRY(pad_amounts(call, x, &node));
    if (call->reader->opset < 11) {
        OHM_TRY(onnx_attribute_float(call, "value", 0, &node.lo));
    } else if (onnx_has(call, 2)) {
        OHM_TRY(onnx_need_floats(call, 2, "constant_value", &value));
        if (ohm_shape_count(&value->shape) != 1) return onnx_call_fail(call, OHM_E_INPUT, "constant_value must be a single number");
        node.lo = value->floats[0];
        if (node.lo != node.lo) return onnx_call_fail(call, OHM_E_INPUT, "constant_value is not a number");
    }
    return onnx_emit(call, &node, &x, 1, call->out);
}
