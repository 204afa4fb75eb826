/* YAML text as a tree of nodes that remember where they stand. Only what a settings file needs: one document of mappings, sequences and
 * scalars; anchors, aliases, tags, repeated keys and very large or deep documents are errors. Internal to io. */
#ifndef OHM_IO_YAML_TREE_H
#define OHM_IO_YAML_TREE_H
#include "ohmtally/memory.h"
#include <stdbool.h>
#include <stddef.h>

enum ohm_yaml_kind { OHM_YAML_SCALAR, OHM_YAML_SEQUENCE, OHM_YAML_MAPPING };

struct ohm_yaml_node {
    enum ohm_yaml_kind kind;
    const char *where; /* "job.yml:12", as it begins a message */
    int line;          /* 1 = first */
    const char *key;   /* in a mapping: its key; else NULL */
    const char *text;  /* of a scalar, never NULL there */
    int count;         /* children of a sequence or mapping */
    struct ohm_yaml_node *first, *last, *next;
};

/* Parses the one document of text into nodes owned by arena. *root is NULL for a document without content.
 * Fails with OHM_E_USAGE and "path:line: ...". */
int ohm_yaml_parse(struct ohm_arena *arena, const char *path, const char *text, size_t size, struct ohm_yaml_node **root);
/* The child of a mapping with this key, or NULL; NULL for a NULL or other node too. */
struct ohm_yaml_node *ohm_yaml_find(const struct ohm_yaml_node *mapping, const char *key);
/* The child of a sequence at index (0 = first), or NULL. */
struct ohm_yaml_node *ohm_yaml_at(const struct ohm_yaml_node *sequence, long index);
/* Adds child to a mapping (child->key set) or sequence; for a key that is there already, takes its place. */
void ohm_yaml_put(struct ohm_yaml_node *parent, struct ohm_yaml_node *child);
/* A node in one line: "8", "[1, 2]", "{a: 1}". For values known to be short: the time is quadratic. NULL when out of memory. */
const char *ohm_yaml_text(struct ohm_arena *arena, const struct ohm_yaml_node *node);
const char *ohm_yaml_kind_text(const struct ohm_yaml_node *node); /* "a list", "a section", "a single value" */
/* Whether a scalar stands for nothing: empty, ~, null or none. */
bool ohm_yaml_is_none(const struct ohm_yaml_node *node);

#endif
