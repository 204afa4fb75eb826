/* Attributes of a node: found by name, checked for type, with the default ONNX gives. */
#include "onnx_reader.h"
#include <math.h>
#include <string.h>

const Onnx__AttributeProto *onnx_attribute(const struct onnx_call *call, const char *name) {
    for (size_t i = 0; i < call->proto->n_attribute; i++)
        if (call->proto->attribute[i]->name && !strcmp(call->proto->attribute[i]->name, name)) return call->proto->attribute[i];
    return NULL;
}

/* The attribute when it is there; files older than the type field leave the type out. */
static int typed(const struct onnx_call *call, const char *name, Onnx__AttributeProto__AttributeType type, const Onnx__AttributeProto **found) {
    *found = onnx_attribute(call, name);
    if (*found && (*found)->has_type && (*found)->type != type)
        return onnx_call_fail(call, OHM_E_INPUT, "attribute %s has type %d, not %d", name, (int)(*found)->type, (int)type);
    return OHM_OK;
}

int onnx_attribute_integer(const struct onnx_call *call, const char *name, int64_t fallback, int64_t *value) {
    const Onnx__AttributeProto *found;
    OHM_TRY(typed(call, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT, &found));
    *value = found ? found->i : fallback;
    return OHM_OK;
}

int onnx_attribute_float(const struct onnx_call *call, const char *name, float fallback, float *value) {
    const Onnx__AttributeProto *found;
    OHM_TRY(typed(call, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT, &found));
    *value = found ? found->f : fallback;
    return isnan(*value) ? onnx_call_fail(call, OHM_E_INPUT, "attribute %s is not a number", name) : OHM_OK;
}

int onnx_attribute_integers(const struct onnx_call *call, const char *name, const int64_t **values, size_t *count) {
    const Onnx__AttributeProto *found;
    OHM_TRY(typed(call, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS, &found));
    *values = found ? found->ints : NULL;
    *count = found ? found->n_ints : 0;
    return OHM_OK;
}

int onnx_attribute_text(const struct onnx_call *call, const char *name, const char *fallback, const char **value) {
    const Onnx__AttributeProto *found;
    OHM_TRY(typed(call, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING, &found));
    *value =
        found ? ohm_arena_format(call->reader->arena, "%.*s", (int)(found->s.len > 64 ? 64 : found->s.len), (const char *)found->s.data) : fallback;
    return *value ? OHM_OK : OHM_E_MEMORY;
}

int onnx_list(const struct onnx_call *call, int64_t since, int32_t input, const char *attribute, const int64_t **values, size_t *count) {
    *values = NULL;
    *count = 0;
    if (call->reader->opset < since) return onnx_attribute_integers(call, attribute, values, count);
    if (!onnx_has(call, input)) return OHM_OK;
    struct onnx_tensor *tensor;
    OHM_TRY(onnx_need_integers(call, input, attribute, &tensor));
    *values = tensor->integers;
    *count = (size_t)ohm_shape_count(&tensor->shape);
    return OHM_OK;
}

int onnx_axis(const struct onnx_call *call, int64_t axis, int32_t rank, int32_t most, int32_t *result) {
    int64_t counted = axis < 0 ? axis + rank : axis;
    if (axis < -(int64_t)rank || counted > most)
        return onnx_call_fail(call, OHM_E_INPUT, "axis %lld is outside the %d dimensions", (long long)axis, rank);
    *result = (int32_t)counted;
    return OHM_OK;
}

int onnx_axes_mask(const struct onnx_call *call, const int64_t *axes, size_t count, int32_t rank, uint32_t *mask) {
    *mask = 0;
    for (size_t i = 0; i < count; i++) {
        int32_t axis = 0;
        OHM_TRY(onnx_axis(call, axes[i], rank, rank - 1, &axis));
        if (*mask >> axis & 1) return onnx_call_fail(call, OHM_E_INPUT, "axis %d is given twice", axis);
        *mask |= 1U << axis;
    }
    return OHM_OK;
}
