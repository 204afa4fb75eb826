/* A first walk over the raw protobuf bytes. The generated decoder recurses once per nested message and has no limit, so a small hostile
 * file could exhaust the stack; this walk, with the decoder's own field tables, refuses such files before it runs. */
#include "onnx_reader.h"

#define DEPTH_MOST 48 /* graphs inside attributes inside graphs ...; real networks nest fewer than ten messages */

/* Reads a varint; false at the end of the bytes or when it is longer than ten bytes. */
static bool read_varint(const uint8_t **at, const uint8_t *end, uint64_t *value) {
    *value = 0;
    for (int shift = 0; shift < 70 && *at < end; shift += 7) {
        uint8_t byte = *(*at)++;
        if (shift < 64) *value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) return true;
    }
    return false;
}

/* 0: fine; 1: malformed (the decoder will say no as well); 2: too deep */
static int walk(const ProtobufCMessageDescriptor *type, const uint8_t *at, const uint8_t *end, int depth) {
    enum { VARINT, EIGHT_BYTES, LENGTH, FOUR_BYTES = 5 };
    if (depth > DEPTH_MOST) return 2;
    while (at < end) {
        uint64_t key, length;
        if (!read_varint(&at, end, &key)) return 1;
        switch (key & 7) {
        case VARINT:
            if (!read_varint(&at, end, &length)) return 1;
            continue;
        case EIGHT_BYTES:
            length = 8;
            break;
        case FOUR_BYTES:
            length = 4;
            break;
        case LENGTH:
            if (!read_varint(&at, end, &length)) return 1;
            break;
        default:
            return 1;
        }
        if (length > (uint64_t)(end - at)) return 1;
        const ProtobufCFieldDescriptor *field =
            (key & 7) == LENGTH && key >> 3 <= UINT32_MAX ? protobuf_c_message_descriptor_get_field(type, (unsigned)(key >> 3)) : NULL;
        if (field && field->type == PROTOBUF_C_TYPE_MESSAGE) {
            int inner = walk(field->descriptor, at, at + length, depth + 1);
            if (inner) return inner;
        }
        at += length;
    }
    return 0;
}

int onnx_wire_check(const void *data, size_t size) {
    if (walk(&onnx__model_proto__descriptor, data, (const uint8_t *)data + size, 0) == 2)
        return ohm_fail(OHM_E_INPUT, "messages nested deeper than %d levels; is this an ONNX network?", DEPTH_MOST);
    return OHM_OK;
}
