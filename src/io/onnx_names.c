/* Tensors by name: an open-addressing hash table whose size is fixed at the start (a graph's names can be counted). */
#include "onnx_reader.h"
#include <string.h>

int onnx_names_new(struct onnx_reader *reader, size_t most) {
    size_t slots = 16;
    if (most > INT32_MAX / 4) return ohm_fail(OHM_E_INPUT, "the graph has %zu names; is this a network?", most);
    while (slots < 2 * most) slots *= 2;
    reader->slot_mask = (uint32_t)slots - 1;
    reader->slots = ohm_arena_array(reader->arena, slots, sizeof *reader->slots);
    reader->tensors = ohm_arena_array(reader->arena, most + 1, sizeof *reader->tensors);
    return reader->slots && reader->tensors ? OHM_OK : OHM_E_MEMORY;
}

/* The slot that holds name, or the empty one where it belongs. */
static int32_t *slot_of(const struct onnx_reader *reader, const char *name) {
    uint32_t hash = 2166136261U; /* FNV-1a */
    for (const char *c = name; *c; c++) hash = (hash ^ (unsigned char)*c) * 16777619U;
    for (;; hash++) {
        int32_t *slot = &reader->slots[hash & reader->slot_mask];
        if (!*slot || !strcmp(reader->tensors[*slot - 1].name, name)) return slot;
    }
}

struct onnx_tensor *onnx_names_find(const struct onnx_reader *reader, const char *name) {
    int32_t index = *slot_of(reader, name);
    return index ? &reader->tensors[index - 1] : NULL;
}

struct onnx_tensor *onnx_names_add(struct onnx_reader *reader, const char *name) {
    int32_t *slot = slot_of(reader, name);
    if (*slot) return NULL;
    struct onnx_tensor *tensor = &reader->tensors[reader->ntensor++];
    *tensor = (struct onnx_tensor){.name = name, .kind = ONNX_UNMADE, .value = -1, .producer = -1};
    *slot = reader->ntensor;
    return tensor;
}
