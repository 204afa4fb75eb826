/* TensorProto to plain data: every floating-point type becomes float, every integer type int64. */
#include "onnx_reader.h"
#include <stdlib.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "raw_data is little-endian and is copied as it is");

int onnx_shape_of(const int64_t *dims, size_t count, const char *what, struct ohm_shape *shape) {
    if (count > OHM_MAX_RANK) return ohm_fail(OHM_E_UNSUPPORTED, "%s has %zu dimensions; at most %d are supported", what, count, OHM_MAX_RANK);
    int64_t total = 1;
    *shape = (struct ohm_shape){.rank = (int32_t)count};
    for (size_t d = 0; d < count; d++) {
        if (dims[d] < 0 || dims[d] > OHM_MAX_COUNT || (total *= dims[d] ? dims[d] : 1) > OHM_MAX_COUNT) /* parts of empty ones count too */
            return ohm_fail(OHM_E_INPUT, "%s: dimension %zu is %lld, or the tensor is too large", what, d, (long long)dims[d]);
        shape->dim[d] = (int32_t)dims[d];
    }
    return OHM_OK;
}

/* Exact: the exponent is re-biased by a multiplication, which also normalises subnormals. No branches, so that loops vectorise. */
static inline float half_to_float(uint16_t half) {
    uint32_t bits = (uint32_t)(half & 0x7fff) << 13;
    float value;
    memcpy(&value, &bits, sizeof value);
    value *= 0x1p112F;
    memcpy(&bits, &value, sizeof bits);
    bits |= (half & 0x7c00) == 0x7c00 ? 0x7f800000U : 0; /* infinite or NaN */
    bits |= (uint32_t)(half & 0x8000) << 16;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline float bfloat_to_float(uint16_t half) {
    uint32_t bits = (uint32_t)half << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Where a tensor's elements are in the message: typed fields widen small types (float16 bits in int32_data, for example). */
struct source {
    const void *data;
    size_t count; /* elements; of raw data: bytes / bytes per element */
    bool raw;
};

struct element { /* one data type of ONNX */
    int32_t type;
    const char *name;
    size_t bytes;
    bool floating;
};
static const struct element elements[] = {
    {ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, "float32", 4, true},     {ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16, "float16", 2, true},
    {ONNX__TENSOR_PROTO__DATA_TYPE__BFLOAT16, "bfloat16", 2, true}, {ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE, "double", 8, true},
    {ONNX__TENSOR_PROTO__DATA_TYPE__INT64, "int64", 8, false},      {ONNX__TENSOR_PROTO__DATA_TYPE__INT32, "int32", 4, false},
    {ONNX__TENSOR_PROTO__DATA_TYPE__INT16, "int16", 2, false},      {ONNX__TENSOR_PROTO__DATA_TYPE__INT8, "int8", 1, false},
    {ONNX__TENSOR_PROTO__DATA_TYPE__UINT64, "uint64", 8, false},    {ONNX__TENSOR_PROTO__DATA_TYPE__UINT32, "uint32", 4, false},
    {ONNX__TENSOR_PROTO__DATA_TYPE__UINT16, "uint16", 2, false},    {ONNX__TENSOR_PROTO__DATA_TYPE__UINT8, "uint8", 1, false},
    {ONNX__TENSOR_PROTO__DATA_TYPE__BOOL, "bool", 1, false},
};

static const struct element *element_find(int32_t type) {
    for (size_t i = 0; i < sizeof elements / sizeof elements[0]; i++)
        if (elements[i].type == type) return &elements[i];
    return NULL;
}

/* The typed field that holds elements of this type. */
static struct source typed_source(const Onnx__TensorProto *proto, int32_t type) {
    switch (type) {
    case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT:
        return (struct source){proto->float_data, proto->n_float_data, false};
    case ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE:
        return (struct source){proto->double_data, proto->n_double_data, false};
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT64:
        return (struct source){proto->int64_data, proto->n_int64_data, false};
    case ONNX__TENSOR_PROTO__DATA_TYPE__UINT32:
    case ONNX__TENSOR_PROTO__DATA_TYPE__UINT64:
        return (struct source){proto->uint64_data, proto->n_uint64_data, false};
    default:
        return (struct source){proto->int32_data, proto->n_int32_data, false};
    }
}

static int find_source(struct onnx_reader *reader, const Onnx__TensorProto *proto, const struct element *element, const char *name, size_t count,
                       struct source *source) {
    if (proto->data_location == ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL) {
        *source = (struct source){NULL, count, true};
        return onnx_external_read(reader, proto, name, count * element->bytes, &source->data);
    }
    if (proto->has_raw_data) {
        if (proto->raw_data.len != count * element->bytes)
            return ohm_fail(OHM_E_INPUT, "tensor '%s': %zu bytes of data where its shape needs %zu", name, proto->raw_data.len,
                            count * element->bytes);
        *source = (struct source){proto->raw_data.data, count, true};
        return OHM_OK;
    }
    *source = typed_source(proto, element->type);
    if (source->count != count)
        return ohm_fail(OHM_E_INPUT, "tensor '%s': %zu elements of data where its shape needs %zu", name, source->count, count);
    return OHM_OK;
}

/* Element i of unaligned data as type T. */
#define ELEMENT(T, i)                                                                                                                                \
    ({                                                                                                                                               \
        T element_;                                                                                                                                  \
        memcpy(&element_, (const char *)source.data + (i) * sizeof(T), sizeof(T));                                                                   \
        element_;                                                                                                                                    \
    })

static void decode_floats(struct source source, int32_t type, float *to) {
    if (type == ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT) {
        if (source.count) memcpy(to, source.data, source.count * sizeof *to);
    } else if (type == ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE) {
        for (size_t i = 0; i < source.count; i++) to[i] = (float)ELEMENT(double, i);
    } else if (type == ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16) {
        for (size_t i = 0; i < source.count; i++) to[i] = half_to_float(source.raw ? ELEMENT(uint16_t, i) : (uint16_t)ELEMENT(int32_t, i));
    } else {
        for (size_t i = 0; i < source.count; i++) to[i] = bfloat_to_float(source.raw ? ELEMENT(uint16_t, i) : (uint16_t)ELEMENT(int32_t, i));
    }
}

static int64_t decode_integer(struct source source, int32_t type, size_t i) {
    if (!source.raw) switch (type) {
        case ONNX__TENSOR_PROTO__DATA_TYPE__INT64:
        case ONNX__TENSOR_PROTO__DATA_TYPE__UINT32:
        case ONNX__TENSOR_PROTO__DATA_TYPE__UINT64:
            return ELEMENT(int64_t, i);
        default:
            return ELEMENT(int32_t, i);
        }
    switch (type) {
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT32:
        return ELEMENT(int32_t, i);
    case ONNX__TENSOR_PROTO__DATA_TYPE__UINT32:
        return ELEMENT(uint32_t, i);
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT16:
        return ELEMENT(int16_t, i);
    case ONNX__TENSOR_PROTO__DATA_TYPE__UINT16:
        return ELEMENT(uint16_t, i);
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT8:
        return ELEMENT(int8_t, i);
    case ONNX__TENSOR_PROTO__DATA_TYPE__UINT8:
    case ONNX__TENSOR_PROTO__DATA_TYPE__BOOL:
        return ELEMENT(uint8_t, i);
    default:
        return ELEMENT(int64_t, i);
    }
}

int onnx_tensor_decode(struct onnx_reader *reader, const Onnx__TensorProto *proto, struct onnx_tensor *tensor) {
    const char *what = ohm_arena_format(reader->arena, "tensor '%s'", tensor->name);
    if (!what) return OHM_E_MEMORY;
    OHM_TRY(onnx_shape_of(proto->dims, proto->n_dims, what, &tensor->shape));
    const struct element *element = element_find(proto->data_type);
    if (!element) return ohm_fail(OHM_E_UNSUPPORTED, "%s has data type %d; numbers and booleans are supported", what, proto->data_type);
    struct source source;
    const size_t count = (size_t)ohm_shape_count(&tensor->shape);
    OHM_TRY(find_source(reader, proto, element, tensor->name, count, &source));
    if (element->floating) {
        float *floats = ohm_arena_array(reader->network->arena, count, sizeof *floats);
        if (!floats) return OHM_E_MEMORY;
        decode_floats(source, element->type, floats);
        tensor->floats = floats;
        tensor->kind = ONNX_FLOATS;
        return OHM_OK;
    }
    int64_t *integers = ohm_arena_array(reader->arena, count, sizeof *integers);
    if (!integers) return OHM_E_MEMORY;
    for (size_t i = 0; i < count; i++) integers[i] = decode_integer(source, element->type, i);
    tensor->integers = integers;
    tensor->kind = ONNX_INTEGERS;
    return OHM_OK;
}
