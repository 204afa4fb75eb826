/* What exporters compute about shapes: constants, and operators on them that are folded away while reading. */
#include "onnx_reader.h"
#include <string.h>

/* Makes the call's output an integer constant. */
static int64_t *new_integers(struct onnx_call *call, const struct ohm_shape *shape) {
    int64_t *integers = ohm_arena_array(call->reader->arena, (size_t)ohm_shape_count(shape), sizeof *integers);
    if (integers) {
        call->out->kind = ONNX_INTEGERS;
        call->out->shape = *shape;
        call->out->integers = integers;
    }
    return integers;
}

static float *new_floats(struct onnx_call *call, const struct ohm_shape *shape) {
    float *floats = ohm_arena_array(call->reader->network->arena, (size_t)ohm_shape_count(shape), sizeof *floats);
    if (floats) {
        call->out->kind = ONNX_FLOATS;
        call->out->shape = *shape;
        call->out->floats = floats;
    }
    return floats;
}

static int constant_integers(struct onnx_call *call, const int64_t *values, size_t count, int32_t rank) {
    const struct ohm_shape shape = {.rank = rank, .dim = {(int32_t)count}};
    int64_t *to = new_integers(call, &shape);
    if (!to) return OHM_E_MEMORY;
    if (count) memcpy(to, values, count * sizeof *to);
    return OHM_OK;
}

static int constant_floats(struct onnx_call *call, const float *values, size_t count, int32_t rank) {
    const struct ohm_shape shape = {.rank = rank, .dim = {(int32_t)count}};
    float *to = new_floats(call, &shape);
    if (!to) return OHM_E_MEMORY;
    if (count) memcpy(to, values, count * sizeof *to);
    return OHM_OK;
}

int onnx_convert_Constant(struct onnx_call *call) {
    const Onnx__AttributeProto *found;
    const int64_t *integers;
    int64_t integer;
    float number;
    size_t count;
    if ((found = onnx_attribute(call, "value"))) {
        if (!found->t) return onnx_call_fail(call, OHM_E_INPUT, "value is not a tensor");
        return onnx_tensor_decode(call->reader, found->t, call->out);
    }
    if (onnx_attribute(call, "value_int")) {
        OHM_TRY(onnx_attribute_integer(call, "value_int", 0, &integer));
        return constant_integers(call, &integer, 1, 0);
    }
    if (onnx_attribute(call, "value_ints")) {
        OHM_TRY(onnx_attribute_integers(call, "value_ints", &integers, &count));
        return constant_integers(call, integers, count, 1);
    }
    if (onnx_attribute(call, "value_float")) {
        OHM_TRY(onnx_attribute_float(call, "value_float", 0, &number));
        return constant_floats(call, &number, 1, 0);
    }
    if ((found = onnx_attribute(call, "value_floats"))) return constant_floats(call, found->floats, found->n_floats, 1);
    return onnx_call_fail(call, OHM_E_UNSUPPORTED, "only value, value_float(s) and value_int(s) are supported (no strings, no sparse tensors)");
}

static int cast_to_integers(struct onnx_call *call, const struct onnx_tensor *x, bool boolean) {
    const int64_t count = ohm_shape_count(&x->shape);
    int64_t *to = new_integers(call, &x->shape);
    if (!to) return OHM_E_MEMORY;
    for (int64_t i = 0; i < count; i++) {
        if (x->kind == ONNX_INTEGERS)
            to[i] = x->integers[i];
        else if (boolean)
            to[i] = x->floats[i] != 0;
        else if (x->floats[i] > -0x1p31F && x->floats[i] < 0x1p31F)
            to[i] = (int64_t)x->floats[i];
        else
            return onnx_call_fail(call, OHM_E_INPUT, "%g does not fit into an integer", (double)x->floats[i]);
        if (boolean) to[i] = to[i] != 0;
    }
    return OHM_OK;
}

int onnx_convert_Cast(struct onnx_call *call) {
    struct onnx_tensor *x;
    int64_t to;
    OHM_TRY(onnx_need(call, 0, "data", &x));
    OHM_TRY(onnx_attribute_integer(call, "to", 0, &to));
    const bool floating = to == ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT || to == ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE;
    const bool integral = to == ONNX__TENSOR_PROTO__DATA_TYPE__INT32 || to == ONNX__TENSOR_PROTO__DATA_TYPE__INT64;
    const bool boolean = to == ONNX__TENSOR_PROTO__DATA_TYPE__BOOL;
    if (x->kind == ONNX_COMPUTED && to != ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT)
        return onnx_call_fail(call, OHM_E_UNSUPPORTED, "converts data at run time; only constants can be converted");
    if (!floating && !integral && !boolean)
        return onnx_call_fail(call, OHM_E_UNSUPPORTED, "converts to data type %lld; float32, double, int32, int64 and bool are supported",
                              (long long)to);
    if (!floating) return cast_to_integers(call, x, boolean);
    if (x->kind != ONNX_INTEGERS) return onnx_relabel(call, x, &x->shape, call->out);
    const int64_t count = ohm_shape_count(&x->shape);
    float *floats = new_floats(call, &x->shape);
    if (!floats) return OHM_E_MEMORY;
    for (int64_t i = 0; i < count; i++) floats[i] = (float)x->integers[i];
    return OHM_OK;
}

int onnx_convert_Shape(struct onnx_call *call) {
    struct onnx_tensor *x;
    int64_t start, end;
    OHM_TRY(onnx_need(call, 0, "data", &x));
    const int64_t rank = x->shape.rank;
    OHM_TRY(onnx_attribute_integer(call, "start", 0, &start));
    OHM_TRY(onnx_attribute_integer(call, "end", rank, &end));
    start = start < -rank ? 0 : start < 0 ? start + rank : start > rank ? rank : start;
    end = end < -rank ? 0 : end < 0 ? end + rank : end > rank ? rank : end;
    const struct ohm_shape shape = {.rank = 1, .dim = {(int32_t)(end > start ? end - start : 0)}};
    int64_t *to = new_integers(call, &shape);
    if (!to) return OHM_E_MEMORY;
    for (int32_t d = 0; d < shape.dim[0]; d++) to[d] = x->shape.dim[start + d];
    return OHM_OK;
}

/* Gather of a list: data has one dimension, indices none or one. */
int onnx_convert_Gather(struct onnx_call *call) {
    struct onnx_tensor *data, *indices;
    OHM_TRY(onnx_need_integers(call, 0, "data", &data));
    OHM_TRY(onnx_need_integers(call, 1, "indices", &indices));
    if (data->shape.rank != 1 || indices->shape.rank > 1)
        return onnx_call_fail(call, OHM_E_UNSUPPORTED, "only picking from a constant list is supported");
    const int64_t length = data->shape.dim[0], count = ohm_shape_count(&indices->shape);
    int64_t *to = new_integers(call, &indices->shape);
    if (!to) return OHM_E_MEMORY;
    for (int64_t i = 0; i < count; i++) {
        const int64_t index = indices->integers[i];
        if (index < -length || index >= length)
            return onnx_call_fail(call, OHM_E_INPUT, "index %lld is outside a list of %lld", (long long)index, (long long)length);
        to[i] = data->integers[index < 0 ? index + length : index];
    }
    return OHM_OK;
}

/* Slice of a list: one start and end, step 1. */
int onnx_convert_Slice(struct onnx_call *call) {
    static const char *const names[] = {"data", "starts", "ends", "axes", "steps"};
    struct onnx_tensor *data;
    const int64_t *list[5];
    size_t count[5];
    OHM_TRY(onnx_need_integers(call, 0, names[0], &data));
    for (int32_t k = 1; k < 5; k++) OHM_TRY(onnx_list(call, 10, k, names[k], &list[k], &count[k]));
    if (data->shape.rank != 1 || count[1] != 1 || count[2] != 1 || (count[3] && list[3][0] != 0 && list[3][0] != -1) || (count[4] && list[4][0] != 1))
        return onnx_call_fail(call, OHM_E_UNSUPPORTED, "only a piece of a constant list, with step 1, is supported");
    const int64_t length = data->shape.dim[0];
    int64_t start = list[1][0], end = list[2][0];
    start = start < -length ? 0 : start < 0 ? start + length : start > length ? length : start;
    end = end < -length ? 0 : end < 0 ? end + length : end > length ? length : end;
    return constant_integers(call, data->integers + start, (size_t)(end > start ? end - start : 0), 1);
}

int onnx_fold_concat(struct onnx_call *call) {
    int64_t total = 0, done = 0;
    for (int32_t k = 0; k < call->nin; k++) {
        if (call->in[k]->shape.rank != 1) return onnx_call_fail(call, OHM_E_UNSUPPORTED, "of integers, only lists can be joined");
        total += call->in[k]->shape.dim[0];
    }
    if (total > OHM_MAX_COUNT) return onnx_call_fail(call, OHM_E_INPUT, "the list is too long");
    const struct ohm_shape shape = {.rank = 1, .dim = {(int32_t)total}};
    int64_t *to = new_integers(call, &shape);
    if (!to) return OHM_E_MEMORY;
    for (int32_t k = 0; k < call->nin; k++)
        for (int32_t i = 0; i < call->in[k]->shape.dim[0]; i++) to[done++] = call->in[k]->integers[i];
    return OHM_OK;
}

/* One integer operation; false when its result is not defined. */
static bool compute(char operation, int64_t a, int64_t b, int64_t *result) {
    switch (operation) {
    case '+':
        return !__builtin_add_overflow(a, b, result);
    case '-':
        return !__builtin_sub_overflow(a, b, result);
    case '*':
        return !__builtin_mul_overflow(a, b, result);
    default:
        if (!b || (a == INT64_MIN && b == -1)) return false;
        *result = a / b;
        return true;
    }
}

int onnx_fold_integers(struct onnx_call *call, char operation) {
    const struct onnx_tensor *a = call->in[0], *b = call->in[1];
    const int64_t na = ohm_shape_count(&a->shape), nb = ohm_shape_count(&b->shape);
    const struct onnx_tensor *larger = a->shape.rank >= b->shape.rank && na >= nb ? a : b;
    if (!na || !nb || (!ohm_shape_equal(&a->shape, &b->shape) && (larger == a ? nb : na) != 1))
        return onnx_call_fail(call, OHM_E_UNSUPPORTED, "of integers, only equal shapes or one single number are supported");
    const int64_t count = ohm_shape_count(&larger->shape);
    int64_t *to = new_integers(call, &larger->shape);
    if (!to) return OHM_E_MEMORY;
    for (int64_t i = 0; i < count; i++)
        if (!compute(operation, a->integers[na == 1 ? 0 : i], b->integers[nb == 1 ? 0 : i], &to[i]))
            return onnx_call_fail(call, OHM_E_INPUT, "integer overflow or division by zero");
    return OHM_OK;
}

int onnx_convert_Div(struct onnx_call *call) {
    struct onnx_tensor *a, *b;
    OHM_TRY(onnx_need_integers(call, 0, "first operand", &a));
    OHM_TRY(onnx_need_integers(call, 1, "second operand", &b));
    return onnx_fold_integers(call, '/');
}
