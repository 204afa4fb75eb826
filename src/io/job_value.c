/* One value: from the text of a node to the field of a key, checked. */
#include "job_reader.h"
#include "ohmtally/status.h"
#include "ohmtally/text.h"
#include <stdlib.h>
#include <string.h>

#define MOST_WORDS 16

/* "rgb, bgr, grey"; NULL when out of memory */
static const char *list_words(struct ohm_arena *arena, const struct ohm_word *words) {
    const char *list = words->word;
    while (list && (++words)->word) list = ohm_arena_format(arena, "%s, %s", list, words->word);
    return list;
}

#define NO_BOUND 9e15 /* bounds from here on only keep values exact; a reader need not know them */

/* " 2..16", " >= 0", " > 0", or "" */
static const char *range_text(struct ohm_arena *arena, const struct ohm_key *key) {
    if (key->most < NO_BOUND) return ohm_arena_format(arena, " %.16g..%.16g", key->least, key->most);
    if (key->least <= -NO_BOUND) return "";
    return key->least > 0 && key->least < 1 ? " > 0" : ohm_arena_format(arena, " >= %.16g", key->least);
}

const char *ohm_key_expects(struct ohm_arena *arena, const struct ohm_key *key) {
    static const char *const texts[] = {
#define X(name, type, text) [name] = text,
        OHM_KEY_LIST(X)
#undef X
    };
    const char *text = texts[key->kind];
    switch (key->kind) {
    case OHM_KEY_WORD_INT:
    case OHM_KEY_WORD_BOOL:
    case OHM_KEY_WORD_TEXT:
        text = ohm_arena_format(arena, "%s %s", text, list_words(arena, key->words));
        break;
    case OHM_KEY_TEXT:
    case OHM_KEY_INPUT:
        return text;
    default:
        text = ohm_arena_format(arena, "%s%s", text, range_text(arena, key));
        if (text && key->words) text = ohm_arena_format(arena, "%s, or %s", text, list_words(arena, key->words));
    }
    return text;
}

static int fail_value(struct ohm_job_reader *reader, const struct ohm_key *key, const char *label, const struct ohm_yaml_node *node) {
    const char *expects = ohm_key_expects(reader->arena, key), *names[MOST_WORDS], *near = NULL;
    size_t count = 0;
    if (!expects) return OHM_E_MEMORY;
    if (node->kind != OHM_YAML_SCALAR)
        return ohm_fail(OHM_E_USAGE, "%s: %s must be %s, not %s", node->where, label, expects, ohm_yaml_kind_text(node));
    for (const struct ohm_word *word = key->words; word && word->word && count < MOST_WORDS; word++) names[count++] = word->word;
    near = ohm_text_nearest(node->text, names, count);
    return ohm_fail(OHM_E_USAGE, "%s: %s must be %s, not '%s'%s%s%s", node->where, label, expects, node->text, near ? "; did you mean '" : "",
                    near ? near : "", near ? "'?" : "");
}

static const struct ohm_word *find_word(const struct ohm_key *key, const struct ohm_yaml_node *node) {
    if (node->kind != OHM_YAML_SCALAR) return NULL;
    for (const struct ohm_word *word = key->words; word && word->word; word++)
        if (!strcmp(word->word, node->text)) return word;
    return NULL;
}

/* -1: not such a number, or out of range */
static int read_whole(const struct ohm_key *key, const struct ohm_yaml_node *node, int64_t *value) {
    if (node->kind != OHM_YAML_SCALAR || ohm_text_int64(node->text, value)) return -1;
    return (double)*value < key->least || (double)*value > key->most ? -1 : 0;
}

static int read_number(const struct ohm_key *key, const struct ohm_yaml_node *node, double *value) {
    if (node->kind != OHM_YAML_SCALAR || ohm_text_double(node->text, value)) return -1;
    return *value < key->least || *value > key->most ? -1 : 0;
}

/* A single number for all three, or a list of three (of one where there is one channel). */
static int read_floats(const struct ohm_key *key, const struct ohm_yaml_node *node, float value[3]) {
    const struct ohm_yaml_node *item = node;
    if (node->kind != OHM_YAML_SCALAR) {
        if (node->kind != OHM_YAML_SEQUENCE || (node->count != 1 && node->count != 3)) return -1;
        item = node->first;
    }
    for (int i = 0; i < 3; i++) {
        double number;
        if (read_number(key, item, &number)) return -1;
        value[i] = (float)number;
        if (node->count == 3) item = item->next;
    }
    return 0;
}

static int read_size(const struct ohm_key *key, const struct ohm_yaml_node *node, int32_t value[2]) {
    const struct ohm_yaml_node *item = node;
    if (node->kind != OHM_YAML_SCALAR) {
        if (node->kind != OHM_YAML_SEQUENCE || node->count != 2) return -1;
        item = node->first;
    }
    for (int i = 0; i < 2; i++) {
        int64_t number;
        if (read_whole(key, item, &number)) return -1;
        value[i] = (int32_t)number;
        if (node->count == 2) item = item->next;
    }
    return 0;
}

/* "4x2" */
static int read_grid(const struct ohm_key *key, const struct ohm_yaml_node *node, int32_t value[2]) {
    char text[32], *cross;
    int64_t numbers[2];
    if (node->kind != OHM_YAML_SCALAR || strlen(node->text) >= sizeof text) return -1;
    strcpy(text, node->text);
    if (!(cross = strchr(text, 'x'))) return -1;
    *cross = 0;
    if (ohm_text_int64(text, &numbers[0]) || ohm_text_int64(cross + 1, &numbers[1])) return -1;
    for (int i = 0; i < 2; i++) {
        if ((double)numbers[i] < key->least || (double)numbers[i] > key->most) return -1;
        value[i] = (int32_t)numbers[i];
    }
    return 0;
}

static int read_numbers(const struct ohm_key *key, const struct ohm_yaml_node *node, void *field) {
    const struct ohm_word *word = find_word(key, node);
    int64_t whole = word ? word->value : 0;
    double number;
    switch (key->kind) {
    case OHM_KEY_INT32:
        if (!word && read_whole(key, node, &whole)) return -1;
        *(int32_t *)field = (int32_t)whole;
        return 0;
    case OHM_KEY_INT64:
        if (!word && read_whole(key, node, &whole)) return -1;
        *(int64_t *)field = whole;
        return 0;
    case OHM_KEY_DOUBLE:
        return read_number(key, node, field);
    case OHM_KEY_FLOAT:
        if (read_number(key, node, &number)) return -1;
        *(float *)field = (float)number;
        return 0;
    case OHM_KEY_FLOAT3:
        return read_floats(key, node, field);
    default: /* OHM_KEY_SIZE, OHM_KEY_GRID; a word ("none", "auto") means 0 by 0 */
        if (!word) return key->kind == OHM_KEY_GRID ? read_grid(key, node, field) : read_size(key, node, field);
        memset(field, 0, 2 * sizeof(int32_t));
        return 0;
    }
}

static int take_text(struct ohm_job_reader *reader, const struct ohm_key *key, const char *label, const struct ohm_yaml_node *node,
                     const char **field) {
    bool optional = key->fallback && !strcmp(key->fallback, "none");
    *field = NULL;
    if (node->kind != OHM_YAML_SCALAR) return fail_value(reader, key, label, node);
    if (ohm_yaml_is_none(node)) return optional ? OHM_OK : fail_value(reader, key, label, node);
    char *path = key->kind == OHM_KEY_INPUT ? ohm_path_beside(reader->job->path, node->text) : NULL;
    if (key->kind == OHM_KEY_INPUT && !path) return ohm_fail(OHM_E_MEMORY, "no memory for a path");
    *field = ohm_arena_string(reader->arena, path ? path : node->text);
    free(path);
    return *field ? OHM_OK : OHM_E_MEMORY;
}

int ohm_job_value(struct ohm_job_reader *reader, const struct ohm_key *key, const char *label, const struct ohm_yaml_node *node, void *field) {
    const struct ohm_word *word = find_word(key, node);
    switch (key->kind) {
    case OHM_KEY_TEXT:
    case OHM_KEY_INPUT:
        return take_text(reader, key, label, node, field);
    case OHM_KEY_WORD_INT:
        if (word) *(int *)field = word->value;
        return word ? OHM_OK : fail_value(reader, key, label, node);
    case OHM_KEY_WORD_BOOL:
        if (word) *(bool *)field = word->value != 0;
        return word ? OHM_OK : fail_value(reader, key, label, node);
    case OHM_KEY_WORD_TEXT:
        if (word) *(const char **)field = word->word;
        return word ? OHM_OK : fail_value(reader, key, label, node);
    default:
        return read_numbers(key, node, field) ? fail_value(reader, key, label, node) : OHM_OK;
    }
}
