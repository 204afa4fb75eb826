/* Settings of single layers: a file that a search writes and that people may edit. */
#include "ohmtally/job.h"
#include "ohmtally/status.h"
#include "ohmtally/text.h"
#include "yaml_tree.h"
#include <stdlib.h>
#include <string.h>

static int take_layer(const struct ohm_yaml_node *layer, struct ohm_arena *arena, struct ohm_layer_option *list, int32_t *n) {
    if (layer->kind != OHM_YAML_MAPPING)
        return ohm_fail(OHM_E_USAGE, "%s: layer '%s' must have keys such as {squeeze: 2}, not %s", layer->where, layer->key,
                        ohm_yaml_kind_text(layer));
    for (const struct ohm_yaml_node *node = layer->first; node; node = node->next) {
        if (node->kind != OHM_YAML_SCALAR)
            return ohm_fail(OHM_E_USAGE, "%s: layers.%s.%s must be a single value, not %s", node->where, layer->key, node->key,
                            ohm_yaml_kind_text(node));
        struct ohm_layer_option *option = &list[(*n)++];
        *option = (struct ohm_layer_option){ohm_arena_string(arena, node->where), ohm_arena_string(arena, layer->key),
                                            ohm_arena_string(arena, node->key), ohm_arena_string(arena, node->text)};
        if (!option->where || !option->layer || !option->key || !option->value) return OHM_E_MEMORY;
    }
    return OHM_OK;
}

static int take_tree(const char *path, const struct ohm_yaml_node *root, struct ohm_arena *arena, struct ohm_layer_option **list, int32_t *n) {
    const struct ohm_yaml_node *section = ohm_yaml_find(root, "layers");
    if (!section || section->kind != OHM_YAML_MAPPING || root->count != 1)
        return ohm_fail(OHM_E_USAGE, "%s: a file of layers has one section, 'layers:', with entries such as conv1: {squeeze: 2}", path);
    int64_t count = 0;
    for (const struct ohm_yaml_node *layer = section->first; layer; layer = layer->next) count += layer->count;
    *list = ohm_arena_array(arena, (size_t)count, sizeof **list);
    if (!*list) return OHM_E_MEMORY;
    for (const struct ohm_yaml_node *layer = section->first; layer; layer = layer->next) OHM_TRY(take_layer(layer, arena, *list, n));
    return OHM_OK;
}

int ohm_layer_options_parse(const char *path, const char *text, size_t size, struct ohm_arena *arena, struct ohm_layer_option **list, int32_t *n) {
    struct ohm_arena *parsing = ohm_arena_new();
    struct ohm_yaml_node *root = NULL;
    *n = 0;
    int status = parsing ? ohm_yaml_parse(parsing, path, text, size, &root) : OHM_E_MEMORY;
    if (!status) status = take_tree(path, root, arena, list, n);
    ohm_arena_free(parsing);
    return status;
}

int ohm_layer_options_read(const char *job_path, const char *file, struct ohm_arena *arena, struct ohm_layer_option **list, int32_t *n) {
    char *path = ohm_path_beside(job_path, file), *text;
    size_t size;
    if (!path) return OHM_E_MEMORY;
    int status = ohm_file_read(path, &text, &size);
    if (!status) {
        status = ohm_layer_options_parse(path, text, size, arena, list, n);
        free(text);
    }
    free(path);
    return status;
}
