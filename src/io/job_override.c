/* --set section.key=value: the value, read as YAML, takes its place in the tree before anything is checked. */
#include "job_reader.h"
#include "ohmtally/status.h"
#include "ohmtally/text.h"
#include <string.h>

/* A value of an override stands in no line; messages about it begin with the override. */
static void relocate(struct ohm_yaml_node *node, const char *where) {
    node->where = where;
    node->line = 0;
    for (struct ohm_yaml_node *child = node->first; child; child = child->next) relocate(child, where);
}

static int parse_value(struct ohm_job_reader *reader, const char *where, const char *text, struct ohm_yaml_node **node) {
    OHM_TRY(ohm_yaml_parse(reader->arena, where, text, strlen(text), node));
    if (!*node) {
        *node = ohm_arena_alloc(reader->arena, sizeof **node);
        if (!*node) return OHM_E_MEMORY;
        **node = (struct ohm_yaml_node){.kind = OHM_YAML_SCALAR, .text = ""};
    }
    relocate(*node, where);
    return OHM_OK;
}

/* The child called name of a mapping (made when absent) or list. */
static int step_into(struct ohm_job_reader *reader, const char *where, struct ohm_yaml_node *parent, const char *name, struct ohm_yaml_node **child) {
    int64_t index;
    if (parent->kind == OHM_YAML_SEQUENCE) {
        if (ohm_text_int64(name, &index) || index < 0 || index >= parent->count)
            return ohm_fail(OHM_E_USAGE, "%s: '%s' is not an index of '%s', which has entries 0..%d", where, name,
                            parent->key ? parent->key : "the list", parent->count - 1);
        *child = ohm_yaml_at(parent, (long)index);
        return OHM_OK;
    }
    *child = ohm_yaml_find(parent, name);
    if (*child && !ohm_yaml_is_none(*child)) return OHM_OK;
    struct ohm_yaml_node *made = ohm_arena_alloc(reader->arena, sizeof *made);
    const char *key = ohm_arena_string(reader->arena, name);
    if (!made || !key) return OHM_E_MEMORY;
    *made = (struct ohm_yaml_node){.kind = OHM_YAML_MAPPING, .where = where, .key = key};
    ohm_yaml_put(parent, made);
    *child = ohm_yaml_find(parent, name);
    return OHM_OK;
}

int ohm_job_override(struct ohm_job_reader *reader, const char *assignment) {
    const char *equals = strchr(assignment, '=');
    if (!equals || equals == assignment) return ohm_fail(OHM_E_USAGE, "--set %s: must be section.key=value", assignment);
    char *path = ohm_arena_format(reader->arena, "%.*s", (int)(equals - assignment), assignment);
    const char *where = ohm_arena_format(reader->arena, "--set %s", path ? path : "");
    if (!path || !where) return OHM_E_MEMORY;
    struct ohm_yaml_node *value, *node = reader->root;
    OHM_TRY(parse_value(reader, where, equals + 1, &value));
    char *dot;
    for (; (dot = strchr(path, '.')); path = dot + 1) {
        *dot = 0;
        OHM_TRY(step_into(reader, where, node, path, &node));
        if (node->kind == OHM_YAML_SCALAR) return ohm_fail(OHM_E_USAGE, "%s: '%s' is a single value, with no keys in it", where, path);
    }
    if (node->kind == OHM_YAML_SEQUENCE)
        return ohm_fail(OHM_E_USAGE, "%s: name a key of the entry, as in %s.adc_bits=5", where, where + strlen("--set "));
    value->key = path;
    ohm_yaml_put(node, value);
    return OHM_OK;
}
