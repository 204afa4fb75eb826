/* Convolutions and pools: everything with a window that slides over the image. 1-D ones run as images of height 1. */
#include "onnx_reader.h"
#include <string.h>

/* Copies a list of `spatial` positive numbers into the last of the two window axes. */
static int read_axes(struct onnx_call *call, const char *name, int32_t spatial, int32_t least, int32_t to[2], bool *given) {
    const int64_t *values;
    size_t count;
    OHM_TRY(onnx_attribute_integers(call, name, &values, &count));
    *given = count > 0;
    if (!count) return OHM_OK;
    if (count != (size_t)spatial) return onnx_call_fail(call, OHM_E_INPUT, "%s has %zu entries for %d spatial dimensions", name, count, spatial);
    for (int32_t d = 0; d < spatial; d++) {
        if (values[d] < least || values[d] > INT32_MAX)
            return onnx_call_fail(call, OHM_E_INPUT, "%s holds %lld; at least %d is needed", name, (long long)values[d], least);
        to[2 - spatial + d] = (int32_t)values[d];
    }
    return OHM_OK;
}

/* pads lists all beginnings, then all ends. */
static int read_pads(struct onnx_call *call, int32_t spatial, struct ohm_window *window) {
    const int64_t *values;
    size_t count;
    OHM_TRY(onnx_attribute_integers(call, "pads", &values, &count));
    if (!count) return OHM_OK;
    if (count != 2 * (size_t)spatial) return onnx_call_fail(call, OHM_E_INPUT, "pads has %zu entries for %d spatial dimensions", count, spatial);
    for (int32_t d = 0; d < 2 * spatial; d++) {
        if (values[d] < 0 || values[d] > INT32_MAX / 4)
            return onnx_call_fail(call, OHM_E_UNSUPPORTED, "pads holds %lld; 0 or more is supported", (long long)values[d]);
        *(d < spatial ? &window->pad_before[2 - spatial + d] : &window->pad_after[2 - spatial + d - spatial]) = (int32_t)values[d];
    }
    return OHM_OK;
}

/* SAME: as many outputs as inputs / stride, rounded up; an odd padding goes to the end (upper) or the beginning (lower). */
static int pad_same(struct onnx_call *call, const struct ohm_shape *x, bool upper, struct ohm_window *window) {
    for (int axis = 0; axis < 2; axis++) {
        const int64_t length = x->dim[2 + axis], stride = window->stride[axis];
        const int64_t reach = (int64_t)(window->kernel[axis] - 1) * window->dilation[axis] + 1;
        int64_t total = ((length + stride - 1) / stride - 1) * stride + reach - length;
        if (total < 0) total = 0;
        if (total > INT32_MAX / 4) return onnx_call_fail(call, OHM_E_INPUT, "the kernel is far larger than the image");
        window->pad_before[axis] = (int32_t)(upper ? total / 2 : total - total / 2);
        window->pad_after[axis] = (int32_t)(total - window->pad_before[axis]);
    }
    return OHM_OK;
}

/* x is N x C x H x W. kernel: already there for a convolution (from its weights), else kernel_shape must be given. */
static int read_window(struct onnx_call *call, int32_t spatial, const struct ohm_shape *x, bool kernel_known, struct ohm_window *window) {
    bool given;
    const char *auto_pad;
    const struct ohm_window before = *window;
    OHM_TRY(read_axes(call, "kernel_shape", spatial, 1, window->kernel, &given));
    if (kernel_known && memcmp(before.kernel, window->kernel, sizeof before.kernel))
        return onnx_call_fail(call, OHM_E_INPUT, "kernel_shape and weights do not agree");
    if (!kernel_known && !given) return onnx_call_fail(call, OHM_E_INPUT, "kernel_shape is missing");
    OHM_TRY(read_axes(call, "strides", spatial, 1, window->stride, &given));
    OHM_TRY(read_axes(call, "dilations", spatial, 1, window->dilation, &given));
    OHM_TRY(onnx_attribute_text(call, "auto_pad", "NOTSET", &auto_pad));
    if (!strcmp(auto_pad, "NOTSET") || !*auto_pad) return read_pads(call, spatial, window);
    if (!strcmp(auto_pad, "VALID")) return OHM_OK;
    if (!strcmp(auto_pad, "SAME_UPPER")) return pad_same(call, x, true, window);
    if (!strcmp(auto_pad, "SAME_LOWER")) return pad_same(call, x, false, window);
    return onnx_call_fail(call, OHM_E_INPUT, "auto_pad is '%s'; NOTSET, VALID, SAME_UPPER or SAME_LOWER", auto_pad);
}

/* N x C x L as N x C x 1 x L. image is x itself when it has four dimensions. */
static int as_image(struct onnx_call *call, struct onnx_tensor *x, struct onnx_tensor *made, struct onnx_tensor **image) {
    *image = x;
    if (x->shape.rank == 4) return OHM_OK;
    if (x->shape.rank != 3)
        return onnx_call_fail(call, OHM_E_UNSUPPORTED, "data has %d dimensions; N x C x H x W and N x C x L are supported", x->shape.rank);
    const struct ohm_shape shape = {.rank = 4, .dim = {x->shape.dim[0], x->shape.dim[1], 1, x->shape.dim[2]}};
    *image = made;
    OHM_TRY(onnx_part(call, "image", made));
    return onnx_relabel(call, x, &shape, made);
}

/* Emits the node; when x was N x C x L, so is the result. */
static int emit_image(struct onnx_call *call, const struct ohm_node *node, struct onnx_tensor *const *in, int32_t nin, bool line) {
    if (!line) return onnx_emit(call, node, in, nin, call->out);
    struct onnx_tensor wide;
    OHM_TRY(onnx_part(call, "wide", &wide));
    OHM_TRY(onnx_emit(call, node, in, nin, &wide));
    const struct ohm_shape shape = {.rank = 3, .dim = {wide.shape.dim[0], wide.shape.dim[1], wide.shape.dim[3]}};
    return onnx_relabel(call, &wide, &shape, call->out);
}

int onnx_convert_Conv(struct onnx_call *call) {
    struct onnx_tensor *x, *w, *bias = NULL, made, *image;
    int64_t groups;
    struct ohm_node node = ohm_node_of(OHM_OP_CONV);
    OHM_TRY(onnx_need(call, 0, "data", &x));
    OHM_TRY(onnx_need_floats(call, 1, "weights", &w));
    if (onnx_has(call, 2)) OHM_TRY(onnx_need_floats(call, 2, "bias", &bias));
    OHM_TRY(as_image(call, x, &made, &image));
    if (w->shape.rank != x->shape.rank) return onnx_call_fail(call, OHM_E_INPUT, "data and weights have different numbers of dimensions");
    const int32_t spatial = x->shape.rank - 2;
    for (int32_t d = 0; d < spatial; d++) node.window.kernel[2 - spatial + d] = w->shape.dim[2 + d];
    OHM_TRY(read_window(call, spatial, &image->shape, true, &node.window));
    OHM_TRY(onnx_attribute_integer(call, "group", 1, &groups));
    if (groups < 1 || groups > INT32_MAX) return onnx_call_fail(call, OHM_E_INPUT, "group is %lld", (long long)groups);
    node.groups = (int32_t)groups;
    struct onnx_tensor wide = *w; /* M x C x kw as M x C x 1 x kw */
    if (spatial == 1) {
        wide.shape = (struct ohm_shape){.rank = 4, .dim = {w->shape.dim[0], w->shape.dim[1], 1, w->shape.dim[2]}};
        wide.value = -1;
        w = &wide;
    }
    struct onnx_tensor *in[3] = {image, w, bias};
    return emit_image(call, &node, in, bias ? 3 : 2, spatial == 1);
}

static int convert_pool(struct onnx_call *call, enum ohm_op op) {
    struct onnx_tensor *x, made, *image;
    int64_t ceil_mode, include_pad;
    struct ohm_node node = ohm_node_of(op);
    OHM_TRY(onnx_need(call, 0, "data", &x));
    OHM_TRY(as_image(call, x, &made, &image));
    OHM_TRY(read_window(call, x->shape.rank - 2, &image->shape, false, &node.window));
    OHM_TRY(onnx_attribute_integer(call, "ceil_mode", 0, &ceil_mode));
    OHM_TRY(onnx_attribute_integer(call, "count_include_pad", 0, &include_pad));
    node.ceil_mode = ceil_mode != 0;
    node.count_include_pad = include_pad != 0;
    return emit_image(call, &node, &image, 1, x->shape.rank == 3);
}

int onnx_convert_MaxPool(struct onnx_call *call) {
    return convert_pool(call, OHM_OP_MAX_POOL);
}

int onnx_convert_AveragePool(struct onnx_call *call) {
    return convert_pool(call, OHM_OP_AVERAGE_POOL);
}

int onnx_convert_GlobalAveragePool(struct onnx_call *call) {
    struct onnx_tensor *x;
    const struct ohm_node node = ohm_node_of(OHM_OP_GLOBAL_AVERAGE_POOL);
    OHM_TRY(onnx_need(call, 0, "data", &x));
    return onnx_emit(call, &node, &x, 1, call->out);
}

int onnx_convert_ReduceMean(struct onnx_call *call) {
    struct onnx_tensor *x;
    const int64_t *axes;
    size_t naxis;
    int64_t keep, noop;
    struct ohm_node node = ohm_node_of(OHM_OP_REDUCE_MEAN);
    OHM_TRY(onnx_need(call, 0, "data", &x));
    OHM_TRY(onnx_list(call, 18, 1, "axes", &axes, &naxis));
    OHM_TRY(onnx_attribute_integer(call, "keepdims", 1, &keep));
    OHM_TRY(onnx_attribute_integer(call, "noop_with_empty_axes", 0, &noop));
    if (!naxis && noop) return onnx_relabel(call, x, &x->shape, call->out);
    OHM_TRY(onnx_axes_mask(call, axes, naxis, x->shape.rank, &node.axis_mask));
    if (!naxis) node.axis_mask = (1U << x->shape.rank) - 1;
    if (keep) return onnx_emit(call, &node, &x, 1, call->out);
    struct onnx_tensor mean;
    struct ohm_shape shape = {0};
    OHM_TRY(onnx_part(call, "mean", &mean));
    OHM_TRY(onnx_emit(call, &node, &x, 1, &mean));
    for (int32_t d = 0; d < x->shape.rank; d++)
        if (!(node.axis_mask >> d & 1)) shape.dim[shape.rank++] = x->shape.dim[d];
    return onnx_relabel(call, &mean, &shape, call->out);
}
