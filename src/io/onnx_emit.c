/* From tensors to nodes of the network: what a converter needs to read its inputs and write its result. */
#include "ohmtally/float_forward.h"
#include "onnx_reader.h"
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FOLD_MOST ((int64_t)1 << 26) /* elements of a constant computed while reading */

int onnx_call_fail(const struct onnx_call *call, int status, const char *format, ...) {
    char what[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    return ohm_fail(status, "node '%.200s' (%.64s, opset %lld): %s", call->name, call->proto->op_type, (long long)call->reader->opset, what);
}

bool onnx_has(const struct onnx_call *call, int32_t input) {
    return input < call->nin && call->in[input];
}

bool onnx_is_constant(const struct onnx_tensor *tensor) {
    return tensor->kind == ONNX_FLOATS || tensor->kind == ONNX_INTEGERS;
}

int onnx_need(const struct onnx_call *call, int32_t input, const char *what, struct onnx_tensor **tensor) {
    if (!onnx_has(call, input)) return onnx_call_fail(call, OHM_E_INPUT, "input %d (%s) is missing", input + 1, what);
    *tensor = call->in[input];
    return OHM_OK;
}

int onnx_need_floats(const struct onnx_call *call, int32_t input, const char *what, struct onnx_tensor **tensor) {
    OHM_TRY(onnx_need(call, input, what, tensor));
    if ((*tensor)->kind == ONNX_COMPUTED)
        return onnx_call_fail(call, OHM_E_UNSUPPORTED, "input %d (%s, '%.100s') is computed at run time; only a constant is supported", input + 1,
                              what, (*tensor)->name);
    if ((*tensor)->kind != ONNX_FLOATS)
        return onnx_call_fail(call, OHM_E_UNSUPPORTED, "input %d (%s, '%.100s') holds integers; only floating point is supported", input + 1, what,
                              (*tensor)->name);
    return OHM_OK;
}

int onnx_need_integers(const struct onnx_call *call, int32_t input, const char *what, struct onnx_tensor **tensor) {
    OHM_TRY(onnx_need(call, input, what, tensor));
    if ((*tensor)->kind == ONNX_COMPUTED)
        return onnx_call_fail(call, OHM_E_UNSUPPORTED, "input %d (%s, '%.100s') is computed at run time; only a constant is supported", input + 1,
                              what, (*tensor)->name);
    if ((*tensor)->kind != ONNX_INTEGERS) return onnx_call_fail(call, OHM_E_INPUT, "input %d (%s) must hold integers", input + 1, what);
    return OHM_OK;
}

int onnx_part(const struct onnx_call *call, const char *part, struct onnx_tensor *tensor) {
    *tensor = (struct onnx_tensor){.name = ohm_arena_format(call->reader->arena, "%s/%s", call->name, part), .value = -1, .producer = -1};
    return tensor->name ? OHM_OK : OHM_E_MEMORY;
}

struct onnx_tensor onnx_floats(const char *name, struct ohm_shape shape, const float *data) {
    return (struct onnx_tensor){.name = name, .kind = ONNX_FLOATS, .shape = shape, .floats = data, .value = -1, .producer = -1};
}

/* The tensor's value in the network; a constant gets one here, and is checked here. */
static int value_of(const struct onnx_call *call, struct onnx_tensor *tensor) {
    struct ohm_network *network = call->reader->network;
    if (tensor->value >= 0) return OHM_OK;
    if (tensor->kind != ONNX_FLOATS)
        return onnx_call_fail(call, OHM_E_UNSUPPORTED, "input '%.100s' holds integers; only floating-point data is supported", tensor->name);
    const int64_t count = ohm_shape_count(&tensor->shape);
    if (!count) return onnx_call_fail(call, OHM_E_UNSUPPORTED, "tensor '%.100s' is empty", tensor->name);
    for (int64_t i = 0; i < count; i++)
        if (!isfinite(tensor->floats[i]))
            return ohm_fail(OHM_E_INPUT, "tensor '%s' holds a NaN or infinite number (element %lld)", tensor->name, (long long)i);
    tensor->value = ohm_network_add_value(network, tensor->name, &tensor->shape, tensor->floats);
    return tensor->value < 0 ? OHM_E_MEMORY : OHM_OK;
}

/* Replaces a node just appended, all of whose inputs are constant, by its result. */
static int fold_last(const struct onnx_call *call, struct onnx_tensor *out) {
    struct ohm_network *network = call->reader->network;
    const struct ohm_node *node = &network->nodes[network->nnode - 1];
    const int64_t count = ohm_shape_count(&out->shape);
    if (count > FOLD_MOST) return onnx_call_fail(call, OHM_E_UNSUPPORTED, "a computed constant of %lld elements", (long long)count);
    float *data = ohm_arena_array(network->arena, (size_t)count, sizeof *data);
    const float **in = ohm_arena_array(call->reader->arena, (size_t)node->ninput, sizeof *in);
    float *scratch = ohm_alloc_array((size_t)ohm_float_op_scratch(network, node), sizeof *scratch);
    int status = data && in && scratch ? OHM_OK : OHM_E_MEMORY;
    for (int32_t k = 0; !status && k < node->ninput; k++) in[k] = network->values[node->input[k]].constant;
    if (!status) status = ohm_float_op(network, node, in, data, scratch);
    free(scratch);
    out->floats = data;
    out->kind = ONNX_FLOATS;
    out->value = -1; /* gets a new value, and its check, where it is used */
    network->nnode--;
    return status;
}

/* Appends the node with its (already inferred or, for a relabel, wanted) output shape. */
static int append(const struct onnx_call *call, const struct ohm_node *attributes, struct onnx_tensor *const *in, int32_t nin,
                  const struct ohm_shape *wanted, struct onnx_tensor *out) {
    struct ohm_network *network = call->reader->network;
    int32_t *inputs = ohm_arena_array(call->reader->arena, (size_t)nin, sizeof *inputs);
    if (!inputs) return OHM_E_MEMORY;
    bool constant = true;
    for (int32_t k = 0; k < nin; k++) {
        OHM_TRY(value_of(call, in[k]));
        inputs[k] = in[k]->value;
        constant = constant && in[k]->kind == ONNX_FLOATS;
    }
    int32_t output = ohm_network_add_value(network, out->name, wanted, NULL);
    struct ohm_node *node = output < 0 ? NULL : ohm_network_add_node(network, attributes->op, call->name, inputs, nin, output);
    if (!node) return OHM_E_MEMORY;
    const struct ohm_node added = *node;
    *node = *attributes;
    node->name = added.name;
    node->input = added.input;
    node->ninput = nin;
    node->output = output;
    node->onnx_op = ohm_arena_string(network->arena, call->proto->op_type);
    if (!node->onnx_op) return OHM_E_MEMORY;
    struct ohm_shape shape;
    OHM_TRY(ohm_node_infer(network, node, &shape));
    network->values[output].shape = shape;
    out->shape = shape;
    out->value = output;
    out->kind = ONNX_COMPUTED;
    return constant ? fold_last(call, out) : OHM_OK;
}

int onnx_emit(const struct onnx_call *call, const struct ohm_node *attributes, struct onnx_tensor *const *in, int32_t nin, struct onnx_tensor *out) {
    const struct ohm_shape unknown = {0};
    return append(call, attributes, in, nin, &unknown, out);
}

int onnx_relabel(const struct onnx_call *call, struct onnx_tensor *in, const struct ohm_shape *shape, struct onnx_tensor *out) {
    if (ohm_shape_count(shape) != ohm_shape_count(&in->shape)) {
        char from[96], to[96];
        return onnx_call_fail(call, OHM_E_INPUT, "shape %s cannot become %s", ohm_shape_text(&in->shape, from), ohm_shape_text(shape, to));
    }
    if (onnx_is_constant(in)) {
        out->kind = in->kind;
        out->floats = in->floats;
        out->integers = in->integers;
        out->shape = *shape;
        return OHM_OK;
    }
    const struct ohm_node relabel = ohm_node_of(OHM_OP_RELABEL);
    return append(call, &relabel, &in, 1, shape, out);
}

/* Whether dimensions longer than 1 keep their order, so that row-major data stays as it is. */
static bool keeps_order(const struct ohm_shape *shape, const int32_t *perm) {
    int32_t last = -1;
    for (int32_t d = 0; d < shape->rank; d++) {
        if (shape->dim[perm[d]] == 1) continue;
        if (perm[d] < last) return false;
        last = perm[d];
    }
    return true;
}

/* Source index of each element of the permuted tensor, in its order. */
static void permuted_order(const struct ohm_shape *from, const struct ohm_shape *to, const int32_t *perm, size_t *order) {
    size_t stride[OHM_MAX_RANK], step = 1, count = (size_t)ohm_shape_count(to);
    int32_t index[OHM_MAX_RANK] = {0};
    for (int32_t d = from->rank - 1; d >= 0; d--) {
        stride[d] = step;
        step *= (size_t)from->dim[d];
    }
    for (size_t i = 0; i < count; i++) {
        order[i] = 0;
        for (int32_t d = 0; d < to->rank; d++) order[i] += (size_t)index[d] * stride[perm[d]];
        for (int32_t d = to->rank - 1; d >= 0 && ++index[d] == to->dim[d]; d--) index[d] = 0;
    }
}

int onnx_permute(const struct onnx_call *call, struct onnx_tensor *in, const int32_t *perm, struct onnx_tensor *out) {
    struct ohm_shape shape = {.rank = in->shape.rank};
    for (int32_t d = 0; d < shape.rank; d++) shape.dim[d] = in->shape.dim[perm[d]];
    if (keeps_order(&in->shape, perm)) return onnx_relabel(call, in, &shape, out);
    if (in->kind == ONNX_COMPUTED)
        return onnx_call_fail(call, OHM_E_UNSUPPORTED,
                              "transposes data at run time; only constants, and permutations that move dimensions of length 1, are supported");
    const size_t count = (size_t)ohm_shape_count(&shape);
    size_t *order = malloc((count ? count : 1) * sizeof *order);
    if (!order) return ohm_fail(OHM_E_MEMORY, "out of memory for transposing %zu elements", count);
    permuted_order(&in->shape, &shape, perm, order);
    float *floats = in->kind == ONNX_FLOATS ? ohm_arena_array(call->reader->network->arena, count, sizeof *floats) : NULL;
    int64_t *integers = in->kind == ONNX_INTEGERS ? ohm_arena_array(call->reader->arena, count, sizeof *integers) : NULL;
    for (size_t i = 0; floats && i < count; i++) floats[i] = in->floats[order[i]];
    for (size_t i = 0; integers && i < count; i++) integers[i] = in->integers[order[i]];
    free(order);
    out->kind = in->kind;
    out->shape = shape;
    out->floats = floats;
    out->integers = integers;
    return floats || integers ? OHM_OK : OHM_E_MEMORY;
}
