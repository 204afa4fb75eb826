/* Writing small ONNX models and reading ONNX tensors as raw protobuf bytes, without the generated code: a second, independent view of the
 * format for the tests of the reader. Field numbers are those of onnx.proto. */
#ifndef OHM_TEST_ONNX_BYTES_H
#define OHM_TEST_ONNX_BYTES_H
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct bytes {
    unsigned char *data;
    size_t size, room;
};
static inline void bytes_add(struct bytes *to, const void *data, size_t size) {
    if (to->size + size > to->room) {
        to->room = 2 * (to->size + size) + 64;
        to->data = realloc(to->data, to->room);
        if (!to->data) abort();
    }
    if (size) memcpy(to->data + to->size, data, size);
    to->size += size;
}
static inline void bytes_free(struct bytes *bytes) {
    free(bytes->data);
    *bytes = (struct bytes){0};
}
static inline void bytes_varint(struct bytes *to, uint64_t value) {
    do {
        unsigned char byte = (unsigned char)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
        bytes_add(to, &byte, 1);
        value >>= 7;
    } while (value);
}
static inline void bytes_integer(struct bytes *to, int field, int64_t value) {
    bytes_varint(to, (uint64_t)field << 3);
    bytes_varint(to, (uint64_t)value);
}
static inline void bytes_block(struct bytes *to, int field, const void *data, size_t size) {
    bytes_varint(to, (uint64_t)field << 3 | 2);
    bytes_varint(to, size);
    bytes_add(to, data, size);
}
static inline void bytes_text(struct bytes *to, int field, const char *text) {
    bytes_block(to, field, text, strlen(text));
}
static inline void bytes_float(struct bytes *to, int field, float value) {
    bytes_varint(to, (uint64_t)field << 3 | 5);
    bytes_add(to, &value, sizeof value);
}
/* Appends inner as a message and frees it. */
static inline void bytes_message(struct bytes *to, int field, struct bytes *inner) {
    bytes_block(to, field, inner->data, inner->size);
    bytes_free(inner);
}

enum { ONNX_TYPE_FLOAT = 1, ONNX_TYPE_INT32 = 6, ONNX_TYPE_INT64 = 7, ONNX_TYPE_HALF = 10, ONNX_TYPE_DOUBLE = 11, ONNX_TYPE_BFLOAT = 16 };

/* TensorProto with raw data */
static inline struct bytes tensor_raw(const char *name, int type, const int64_t *dims, int rank, const void *data, size_t size) {
    struct bytes tensor = {0};
    for (int d = 0; d < rank; d++) bytes_integer(&tensor, 1, dims[d]);
    bytes_integer(&tensor, 2, type);
    bytes_text(&tensor, 8, name);
    bytes_block(&tensor, 9, data, size);
    return tensor;
}

struct model { /* a GraphProto being written */
    struct bytes graph;
};
static inline void model_tensor(struct model *model, const char *name, int type, const int64_t *dims, int rank, const void *data, size_t size) {
    struct bytes tensor = tensor_raw(name, type, dims, rank, data, size);
    bytes_message(&model->graph, 5, &tensor);
}
static inline void model_floats(struct model *model, const char *name, const int64_t *dims, int rank, const float *data) {
    size_t count = 1;
    for (int d = 0; d < rank; d++) count *= (size_t)dims[d];
    model_tensor(model, name, ONNX_TYPE_FLOAT, dims, rank, data, count * sizeof *data);
}
static inline void model_integers(struct model *model, const char *name, const int64_t *values, int64_t count) {
    model_tensor(model, name, ONNX_TYPE_INT64, &count, 1, values, (size_t)count * sizeof *values);
}
/* field: 11 input, 12 output. A negative dimension is symbolic. */
static inline void model_value(struct model *model, int field, const char *name, int type, const int64_t *dims, int rank) {
    struct bytes shape = {0}, tensor = {0}, proto = {0}, value = {0};
    for (int d = 0; d < rank; d++) {
        struct bytes dim = {0};
        if (dims[d] < 0)
            bytes_text(&dim, 2, "n");
        else
            bytes_integer(&dim, 1, dims[d]);
        bytes_message(&shape, 1, &dim);
    }
    bytes_integer(&tensor, 1, type);
    bytes_message(&tensor, 2, &shape);
    bytes_message(&proto, 1, &tensor);
    bytes_text(&value, 1, name);
    bytes_message(&value, 2, &proto);
    bytes_message(&model->graph, field, &value);
}
static inline void model_input(struct model *model, const char *name, const int64_t *dims, int rank) {
    model_value(model, 11, name, ONNX_TYPE_FLOAT, dims, rank);
}
static inline void model_output(struct model *model, const char *name) {
    model_value(model, 12, name, ONNX_TYPE_FLOAT, NULL, 0);
}

/* Attributes of the node to come, collected in *to. */
static inline void attribute_begin(struct bytes *attribute, const char *name, int type) {
    bytes_text(attribute, 1, name);
    bytes_integer(attribute, 20, type);
}
static inline void attribute_integer(struct bytes *to, const char *name, int64_t value) {
    struct bytes attribute = {0};
    attribute_begin(&attribute, name, 2);
    bytes_integer(&attribute, 3, value);
    bytes_message(to, 5, &attribute);
}
static inline void attribute_float(struct bytes *to, const char *name, float value) {
    struct bytes attribute = {0};
    attribute_begin(&attribute, name, 1);
    bytes_float(&attribute, 2, value);
    bytes_message(to, 5, &attribute);
}
static inline void attribute_text(struct bytes *to, const char *name, const char *value) {
    struct bytes attribute = {0};
    attribute_begin(&attribute, name, 3);
    bytes_text(&attribute, 4, value);
    bytes_message(to, 5, &attribute);
}
static inline void attribute_integers(struct bytes *to, const char *name, const int64_t *values, int count) {
    struct bytes attribute = {0};
    attribute_begin(&attribute, name, 7);
    for (int i = 0; i < count; i++) bytes_integer(&attribute, 8, values[i]);
    bytes_message(to, 5, &attribute);
}
static inline void attribute_tensor(struct bytes *to, const char *name, struct bytes *tensor) {
    struct bytes attribute = {0};
    attribute_begin(&attribute, name, 4);
    bytes_message(&attribute, 5, tensor);
    bytes_message(to, 5, &attribute);
}
/* inputs, outputs: names separated by single blanks; attributes (may be NULL) are consumed. */
static inline void model_node(struct model *model, const char *op, const char *inputs, const char *outputs, struct bytes *attributes) {
    struct bytes node = {0};
    for (int field = 1; field <= 2; field++)
        for (const char *at = field == 1 ? inputs : outputs, *end; at; at = end ? end + 1 : NULL) {
            end = strchr(at, ' ');
            if (*at || end) bytes_block(&node, field, at, end ? (size_t)(end - at) : strlen(at));
        }
    bytes_text(&node, 4, op);
    if (attributes) bytes_add(&node, attributes->data, attributes->size);
    if (attributes) bytes_free(attributes);
    bytes_message(&model->graph, 1, &node);
}
/* The finished ModelProto; the model is emptied. */
static inline struct bytes model_finish(struct model *model, int opset) {
    struct bytes file = {0}, set = {0};
    bytes_integer(&file, 1, 8);
    bytes_message(&file, 7, &model->graph);
    bytes_text(&set, 1, "");
    bytes_integer(&set, 2, opset);
    bytes_message(&file, 8, &set);
    return file;
}

struct tensor { /* as read back */
    char name[64];
    int rank, type;
    int64_t dims[8], count;
    float *floats;     /* of float32, else NULL */
    int64_t *integers; /* of int64 and bool, else NULL */
};
static inline uint64_t read_varint(const unsigned char **at, const unsigned char *end) {
    uint64_t value = 0;
    for (int shift = 0; *at < end && shift < 64; shift += 7) {
        unsigned char byte = *(*at)++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) break;
    }
    return value;
}
static inline void tensor_free(struct tensor *tensor) {
    free(tensor->floats);
    free(tensor->integers);
}
/* A TensorProto with raw_data, as the conformance data holds them; 0, or -1 when it is something else (a sequence, strings, half floats). */
static inline int tensor_read(const void *data, size_t size, struct tensor *tensor) {
    const unsigned char *at = data, *end = at + size, *raw = NULL;
    size_t raw_size = 0;
    *tensor = (struct tensor){.count = 1};
    while (at < end) {
        uint64_t key = read_varint(&at, end), value = (key & 7) == 0 || (key & 7) == 2 ? read_varint(&at, end) : 0;
        if ((key & 7) != 0 && ((key & 7) != 2 || value > (uint64_t)(end - at))) return -1;
        if (key == 8 && tensor->rank < 8) tensor->dims[tensor->rank++] = (int64_t)value;
        if (key == 16) tensor->type = (int)value;
        if (key >> 3 == 8 && value < sizeof tensor->name) memcpy(tensor->name, at, value);
        if (key >> 3 == 9) raw = at, raw_size = value;
        if ((key & 7) == 2) at += value;
    }
    for (int d = 0; d < tensor->rank; d++) tensor->count *= tensor->dims[d];
    const size_t count = (size_t)tensor->count, each = tensor->type == ONNX_TYPE_FLOAT ? 4 : tensor->type == ONNX_TYPE_INT64 ? 8 : tensor->type == 9;
    if (!each || raw_size != count * each) return -1;
    if (tensor->type == ONNX_TYPE_FLOAT) {
        tensor->floats = calloc(count + 1, sizeof *tensor->floats);
        if (count) memcpy(tensor->floats, raw, raw_size);
    } else {
        tensor->integers = calloc(count + 1, sizeof *tensor->integers);
        for (size_t i = 0; i < count; i++) {
            if (each == 8)
                memcpy(&tensor->integers[i], raw + 8 * i, 8);
            else
                tensor->integers[i] = raw[i];
        }
    }
    return 0;
}
#endif
