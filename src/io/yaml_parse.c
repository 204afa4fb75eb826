/* Building the tree from libyaml's events. The stack is explicit and shallow, so no input can exhaust memory or recursion. */
#include "ohmtally/status.h"
#include "yaml_tree.h"
#include <string.h>
#include <yaml.h>

#define MOST_BYTES ((size_t)4 << 20)
#define MOST_NODES 50000
#define MOST_KEYS 256 /* of one mapping: the check for repeated keys is quadratic */
#define MOST_DEPTH 8

struct reader {
    struct ohm_arena *arena;
    const char *path;
    yaml_parser_t parser;
    struct ohm_yaml_node *root, *open[MOST_DEPTH]; /* open: containers that have begun and not ended, outermost first */
    const char *key[MOST_DEPTH];                   /* key read whose value is awaited, per open mapping */
    int key_line[MOST_DEPTH];
    int depth, nodes, documents;
};

static int line_of(const yaml_event_t *event) {
    return (int)event->start_mark.line + 1;
}

static int fail_at(const struct reader *reader, int line, const char *what) {
    return ohm_fail(OHM_E_USAGE, "%s:%d: %s", reader->path, line, what);
}

static int node_new(struct reader *reader, enum ohm_yaml_kind kind, int line, struct ohm_yaml_node **node) {
    if (++reader->nodes > MOST_NODES) return fail_at(reader, line, "too many values for a settings file");
    *node = ohm_arena_alloc(reader->arena, sizeof **node);
    if (!*node) return OHM_E_MEMORY;
    const char *where = ohm_arena_format(reader->arena, "%s:%d", reader->path, line);
    if (!where) return OHM_E_MEMORY;
    **node = (struct ohm_yaml_node){.kind = kind, .line = line, .where = where};
    return OHM_OK;
}

/* Hangs a new node into the innermost open container, under the key that waits there. */
static int attach(struct reader *reader, struct ohm_yaml_node *node) {
    if (!reader->depth) {
        reader->root = node;
        return OHM_OK;
    }
    int top = reader->depth - 1;
    struct ohm_yaml_node *parent = reader->open[top];
    if (parent->kind == OHM_YAML_MAPPING) {
        if (!reader->key[top]) return fail_at(reader, node->line, "a key must be a single word");
        node->key = reader->key[top];
        reader->key[top] = NULL;
    }
    ohm_yaml_put(parent, node);
    return OHM_OK;
}

static int take_key(struct reader *reader, const char *text, int line) {
    int top = reader->depth - 1;
    const struct ohm_yaml_node *mapping = reader->open[top], *earlier = ohm_yaml_find(mapping, text);
    if (earlier)
        return ohm_fail(OHM_E_USAGE, "%s:%d: key '%s' is given twice, first in line %d; keep one of the two", reader->path, line, text,
                        earlier->line);
    if (mapping->count >= MOST_KEYS) return fail_at(reader, line, "too many keys in one section");
    reader->key[top] = ohm_arena_string(reader->arena, text);
    return reader->key[top] ? OHM_OK : OHM_E_MEMORY;
}

static int take_scalar(struct reader *reader, const yaml_event_t *event) {
    const char *text = (const char *)event->data.scalar.value;
    int line = line_of(event), top = reader->depth - 1;
    if (strlen(text) != event->data.scalar.length) return fail_at(reader, line, "a value contains a zero byte");
    if (top >= 0 && reader->open[top]->kind == OHM_YAML_MAPPING && !reader->key[top]) return take_key(reader, text, line);
    struct ohm_yaml_node *node = NULL;
    OHM_TRY(node_new(reader, OHM_YAML_SCALAR, line, &node));
    node->text = ohm_arena_string(reader->arena, text);
    return node->text ? attach(reader, node) : OHM_E_MEMORY;
}

static int take_open(struct reader *reader, enum ohm_yaml_kind kind, int line) {
    struct ohm_yaml_node *node = NULL;
    if (reader->depth == MOST_DEPTH) return fail_at(reader, line, "sections or lists are nested too deeply");
    OHM_TRY(node_new(reader, kind, line, &node));
    OHM_TRY(attach(reader, node));
    reader->key[reader->depth] = NULL;
    reader->open[reader->depth++] = node;
    return OHM_OK;
}

static int refuse_extras(const struct reader *reader, const yaml_event_t *event, const yaml_char_t *anchor, const yaml_char_t *tag) {
    if (anchor) return fail_at(reader, line_of(event), "anchors (&name) are not supported; write the value out");
    if (tag) return fail_at(reader, line_of(event), "tags (!name) are not supported; write the plain value");
    return OHM_OK;
}

static int take_event(struct reader *reader, const yaml_event_t *event) {
    int line = line_of(event);
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        return ++reader->documents > 1 ? fail_at(reader, line, "a second document begins; keep one per file") : OHM_OK;
    case YAML_ALIAS_EVENT:
        return fail_at(reader, line, "aliases (*name) are not supported; write the value out (quote it if it begins with *)");
    case YAML_SCALAR_EVENT:
        OHM_TRY(refuse_extras(reader, event, event->data.scalar.anchor, event->data.scalar.tag));
        return take_scalar(reader, event);
    case YAML_SEQUENCE_START_EVENT:
        OHM_TRY(refuse_extras(reader, event, event->data.sequence_start.anchor, event->data.sequence_start.tag));
        return take_open(reader, OHM_YAML_SEQUENCE, line);
    case YAML_MAPPING_START_EVENT:
        OHM_TRY(refuse_extras(reader, event, event->data.mapping_start.anchor, event->data.mapping_start.tag));
        return take_open(reader, OHM_YAML_MAPPING, line);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        reader->depth--;
        return OHM_OK;
    default:
        return OHM_OK;
    }
}

static int fail_syntax(const struct reader *reader) {
    const yaml_parser_t *parser = &reader->parser;
    if (parser->error == YAML_MEMORY_ERROR) return ohm_fail(OHM_E_MEMORY, "%s: no memory to read it", reader->path);
    if (parser->error == YAML_READER_ERROR)
        return ohm_fail(OHM_E_USAGE, "%s: not a text file in UTF-8: %s at byte %zu", reader->path, parser->problem, parser->problem_offset);
    return ohm_fail(OHM_E_USAGE, "%s:%d: not valid YAML: %s%s%s", reader->path, (int)parser->problem_mark.line + 1,
                    parser->context ? parser->context : "", parser->context ? ": " : "", parser->problem ? parser->problem : "syntax error");
}

static int take_all(struct reader *reader) {
    for (;;) {
        yaml_event_t event;
        if (!yaml_parser_parse(&reader->parser, &event)) return fail_syntax(reader);
        yaml_event_type_t type = event.type;
        int status = take_event(reader, &event);
        yaml_event_delete(&event);
        if (status || type == YAML_STREAM_END_EVENT) return status;
    }
}

int ohm_yaml_parse(struct ohm_arena *arena, const char *path, const char *text, size_t size, struct ohm_yaml_node **root) {
    struct reader reader = {.arena = arena, .path = path};
    *root = NULL;
    if (size > MOST_BYTES) return ohm_fail(OHM_E_USAGE, "%s: %zu bytes is too large for a settings file", path, size);
    if (!yaml_parser_initialize(&reader.parser)) return ohm_fail(OHM_E_MEMORY, "%s: no memory to read it", path);
    yaml_parser_set_input_string(&reader.parser, (const unsigned char *)text, size);
    int status = take_all(&reader);
    yaml_parser_delete(&reader.parser);
    if (!status) *root = reader.root;
    return status;
}
