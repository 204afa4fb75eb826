/* Tensor data kept in a file beside the model: location, offset and length, all of them checked. */
#include "ohmtally/text.h"
#include "onnx_reader.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* The location must stay in the model's folder: relative, without "..". */
static bool location_is_inside(const char *location) {
    if (!*location || *location == '/') return false;
    for (const char *part = location; part; part = strchr(part, '/')) {
        if (*part == '/') part++;
        if (!strncmp(part, "..", 2) && (part[2] == '/' || !part[2])) return false;
    }
    return true;
}

static int read_part(struct onnx_reader *reader, const char *file, const char *name, int64_t offset, size_t bytes, const void **data) {
    struct stat info;
    void *buffer = NULL;
    FILE *stream = fopen(file, "rb");
    if (!stream) return ohm_fail(OHM_E_IO, "tensor '%s': its data file %s cannot be opened: %s", name, file, strerror(errno));
    int status = OHM_OK;
    if (fstat(fileno(stream), &info) || !S_ISREG(info.st_mode))
        status = ohm_fail(OHM_E_IO, "tensor '%s': its data file %s is not a regular file", name, file);
    else if (offset > info.st_size || bytes > (uint64_t)(info.st_size - offset)) /* before allocating: the shape may be nonsense */
        status = ohm_fail(OHM_E_INPUT, "tensor '%s': needs %zu bytes at offset %lld of %s, which has %lld", name, bytes, (long long)offset, file,
                          (long long)info.st_size);
    else if (!(buffer = ohm_arena_alloc(reader->arena, bytes)))
        status = OHM_E_MEMORY;
    else if (fseeko(stream, (off_t)offset, SEEK_SET) || fread(buffer, 1, bytes, stream) != bytes)
        status = ohm_fail(OHM_E_IO, "tensor '%s': reading %s failed", name, file);
    fclose(stream);
    *data = buffer;
    return status;
}

int onnx_external_read(struct onnx_reader *reader, const Onnx__TensorProto *proto, const char *name, size_t bytes, const void **data) {
    const char *location = "";
    int64_t offset = 0, length = (int64_t)bytes;
    for (size_t i = 0; i < proto->n_external_data; i++) {
        const char *key = proto->external_data[i]->key, *value = proto->external_data[i]->value;
        if (!key || !value) continue;
        int bad = 0;
        if (!strcmp(key, "location")) location = value;
        if (!strcmp(key, "offset")) bad = ohm_text_int64(value, &offset);
        if (!strcmp(key, "length")) bad = ohm_text_int64(value, &length);
        if (bad) return ohm_fail(OHM_E_INPUT, "tensor '%s': external data %s '%s' is not a number", name, key, value);
    }
    if (!location_is_inside(location))
        return ohm_fail(OHM_E_INPUT, "tensor '%s': external data location '%s' must be a file below the model's folder", name, location);
    if (offset < 0 || length < 0 || (uint64_t)length != bytes)
        return ohm_fail(OHM_E_INPUT, "tensor '%s': external data offset %lld, length %lld where its shape needs %zu bytes", name, (long long)offset,
                        (long long)length, bytes);
    char *file = ohm_path_beside(reader->path, location);
    if (!file) return ohm_fail(OHM_E_MEMORY, "out of memory");
    int status = read_part(reader, file, name, offset, bytes, data);
    free(file);
    return status;
}
