/* Finding, changing and printing nodes. */
#include "yaml_tree.h"
#include <string.h>

struct ohm_yaml_node *ohm_yaml_find(const struct ohm_yaml_node *mapping, const char *key) {
    if (!mapping || mapping->kind != OHM_YAML_MAPPING) return NULL;
    for (struct ohm_yaml_node *child = mapping->first; child; child = child->next)
        if (!strcmp(child->key, key)) return child;
    return NULL;
}

struct ohm_yaml_node *ohm_yaml_at(const struct ohm_yaml_node *sequence, long index) {
    if (!sequence || sequence->kind != OHM_YAML_SEQUENCE || index < 0) return NULL;
    struct ohm_yaml_node *child = sequence->first;
    while (child && index--) child = child->next;
    return child;
}

void ohm_yaml_put(struct ohm_yaml_node *parent, struct ohm_yaml_node *child) {
    struct ohm_yaml_node *same = child->key ? ohm_yaml_find(parent, child->key) : NULL;
    if (same) {
        struct ohm_yaml_node *next = same->next;
        *same = *child;
        same->next = next;
        return;
    }
    if (parent->last)
        parent->last->next = child;
    else
        parent->first = child;
    parent->last = child;
    parent->count++;
}

const char *ohm_yaml_text(struct ohm_arena *arena, const struct ohm_yaml_node *node) {
    if (node->kind == OHM_YAML_SCALAR) return node->text;
    const char *text = "";
    for (const struct ohm_yaml_node *child = node->first; child && text; child = child->next) {
        const char *value = ohm_yaml_text(arena, child); /* at most as deep as the parser allows */
        if (!value) return NULL;
        text = ohm_arena_format(arena, "%s%s%s%s%s", text, *text ? ", " : "", child->key ? child->key : "", child->key ? ": " : "", value);
    }
    if (!text) return NULL;
    return node->kind == OHM_YAML_SEQUENCE ? ohm_arena_format(arena, "[%s]", text) : ohm_arena_format(arena, "{%s}", text);
}

const char *ohm_yaml_kind_text(const struct ohm_yaml_node *node) {
    switch (node->kind) {
    case OHM_YAML_SCALAR:
        return "a single value";
    case OHM_YAML_SEQUENCE:
        return "a list";
    case OHM_YAML_MAPPING:
        return "a section";
    }
    return "";
}

bool ohm_yaml_is_none(const struct ohm_yaml_node *node) {
    static const char *const words[] = {"", "~", "null", "none"};
    if (node->kind != OHM_YAML_SCALAR) return false;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (!strcmp(node->text, words[i])) return true;
    return false;
}
