/* The operators by name. */
#include "onnx_reader.h"
#include <stdlib.h>
#include <string.h>

static const struct onnx_operator operators[] = {
#define X(name, since) {#name, since, onnx_convert_##name},
    ONNX_OPERATOR_LIST(X)
#undef X
};
static const char *const names[] = {
#define X(name, since) #name,
    ONNX_OPERATOR_LIST(X)
#undef X
        NULL};

const char *const *ohm_onnx_operators(void) {
    return names;
}

static int compare(const void *key, const void *item) {
    return strcmp(key, ((const struct onnx_operator *)item)->name);
}

const struct onnx_operator *onnx_operator_find(const char *name) {
    return bsearch(name, operators, sizeof operators / sizeof operators[0], sizeof operators[0], compare);
}

const char *onnx_operator_names(struct onnx_reader *reader) {
    const char *text = names[0];
    for (size_t i = 1; text && names[i]; i++) text = ohm_arena_format(reader->arena, "%s, %s", text, names[i]);
    return text ? text : "";
}
