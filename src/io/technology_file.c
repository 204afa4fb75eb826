/* Technology files: where they are, and what is in them. */
#include "ohmtally/job.h"
#include "ohmtally/status.h"
#include "ohmtally/text.h"
#include "yaml_tree.h"
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int take_string(const struct ohm_yaml_node *node, char *field, size_t room) {
    if (node->kind != OHM_YAML_SCALAR || !*node->text || strlen(node->text) >= room)
        return ohm_fail(OHM_E_USAGE, "%s: technology.%s must be a text of 1..%zu bytes", node->where, node->key, room - 1);
    memcpy(field, node->text, strlen(node->text) + 1);
    return OHM_OK;
}

static int take_price(const struct ohm_yaml_node *node, int index, double *field) {
    bool positive = index < OHM_TECHNOLOGY_POSITIVE;
    if (node->kind == OHM_YAML_SCALAR && !ohm_text_double(node->text, field) && *field >= 0 && *field <= 1e15 && !(positive && *field < 1e-15))
        return OHM_OK;
    return ohm_fail(OHM_E_USAGE, "%s: technology.%s must be a number %s 0, not %s%s%s", node->where, node->key,
                    positive ? ">" : ">=", node->kind == OHM_YAML_SCALAR ? "'" : "",
                    node->kind == OHM_YAML_SCALAR ? node->text : ohm_yaml_kind_text(node), node->kind == OHM_YAML_SCALAR ? "'" : "");
}

#define MOST_NAMES (OHM_TECHNOLOGY_COUNT + 2)

static int fail_unknown(const struct ohm_yaml_node *node) {
    const char *names[MOST_NAMES] = {"name", "source"};
    for (int i = 0; i < OHM_TECHNOLOGY_COUNT; i++) names[i + 2] = ohm_technology_key(i);
    const char *near = ohm_text_nearest(node->key, names, MOST_NAMES);
    return ohm_fail(OHM_E_USAGE, "%s: unknown key 'technology.%s'%s%s%s", node->where, node->key, near ? "; did you mean '" : "; remove it",
                    near ? near : "", near ? "'?" : "");
}

static int take_node(const struct ohm_yaml_node *node, struct ohm_technology *technology) {
    if (!strcmp(node->key, "name")) return take_string(node, technology->name, sizeof technology->name);
    if (!strcmp(node->key, "source")) return take_string(node, technology->source, sizeof technology->source);
    for (int i = 0; i < OHM_TECHNOLOGY_COUNT; i++)
        if (!strcmp(node->key, ohm_technology_key(i))) return take_price(node, i, ohm_technology_field(technology, i));
    return fail_unknown(node);
}

static int take_tree(const char *path, const struct ohm_yaml_node *root, struct ohm_technology *technology) {
    const struct ohm_yaml_node *section = ohm_yaml_find(root, "technology");
    if (!section || section->kind != OHM_YAML_MAPPING || root->count != 1)
        return ohm_fail(OHM_E_USAGE, "%s: a technology file has one section, 'technology:', with all prices in it", path);
    for (const struct ohm_yaml_node *node = section->first; node; node = node->next) OHM_TRY(take_node(node, technology));
    static const char *const strings[] = {"name", "source"};
    for (int i = 0; i < 2; i++)
        if (!ohm_yaml_find(section, strings[i])) return ohm_fail(OHM_E_USAGE, "%s: technology.%s is missing; add it", path, strings[i]);
    for (int i = 0; i < OHM_TECHNOLOGY_COUNT; i++)
        if (!ohm_yaml_find(section, ohm_technology_key(i)))
            return ohm_fail(OHM_E_USAGE, "%s: technology.%s is missing; add it (%s, in %s)", path, ohm_technology_key(i), ohm_technology_about(i),
                            ohm_technology_unit(i));
    return OHM_OK;
}

int ohm_technology_parse(const char *path, const char *text, size_t size, struct ohm_technology *technology) {
    *technology = (struct ohm_technology){0};
    struct ohm_arena *arena = ohm_arena_new();
    struct ohm_yaml_node *root = NULL;
    int status = arena ? ohm_yaml_parse(arena, path, text, size, &root) : OHM_E_MEMORY;
    if (!status) status = take_tree(path, root, technology);
    ohm_arena_free(arena);
    return status;
}

/* path when a regular file is there, else NULL */
static const char *existing(const char *path) {
    struct stat info;
    return path && !stat(path, &info) && S_ISREG(info.st_mode) ? path : NULL;
}

/* <folder>/technology/<name>.yml or <folder>/jobs/technology/<name>.yml, in the job's folder or one above it */
static const char *beside_or_above(struct ohm_arena *arena, const char *job_path, const char *name) {
    char *real = realpath(job_path, NULL); /* NULL when the job is no file: nothing beside it */
    char *folder = real ? ohm_arena_string(arena, real) : NULL, *slash;
    const char *found = NULL;
    free(real);
    while (folder && !found && (slash = strrchr(folder, '/'))) {
        *slash = 0;
        found = existing(ohm_arena_format(arena, "%s/technology/%s.yml", folder, name));
        if (!found) found = existing(ohm_arena_format(arena, "%s/jobs/technology/%s.yml", folder, name));
    }
    return found;
}

static const char *search(struct ohm_arena *arena, const char *job_path, const char *name) {
    char *beside = ohm_path_beside(job_path, name);
    const char *found = existing(beside) ? ohm_arena_string(arena, beside) : NULL, *folder = getenv("OHMTALLY_TECHNOLOGY");
    free(beside);
    if (found || strchr(name, '/')) return found; /* a path is meant as it stands */
    if (folder) found = existing(ohm_arena_format(arena, "%s/%s.yml", folder, name));
    if (!found) found = beside_or_above(arena, job_path, name);
    if (!found) found = existing(ohm_arena_format(arena, "%s/%s.yml", OHM_SOURCE_TECHNOLOGY, name));
    if (!found) found = existing(ohm_arena_format(arena, "%s/%s.yml", OHM_INSTALL_TECHNOLOGY, name));
    return found;
}

int ohm_technology_find(const char *job_path, const char *name, char **path) {
    struct ohm_arena *arena = ohm_arena_new();
    if (!arena) return OHM_E_MEMORY;
    const char *found = search(arena, job_path, name);
    *path = found ? strdup(found) : NULL;
    ohm_arena_free(arena);
    if (*path) return OHM_OK;
    if (found) return ohm_fail(OHM_E_MEMORY, "no memory for a path");
    if (strchr(name, '/')) return ohm_fail(OHM_E_USAGE, "%s: same.technology: there is no file '%s' (relative to the job's folder)", job_path, name);
    return ohm_fail(OHM_E_USAGE,
                    "%s: same.technology: no '%s' beside the job, and no '%s.yml' in $OHMTALLY_TECHNOLOGY, in technology/ or jobs/technology/ of the "
                    "job's folder and those above, in %s or in %s",
                    job_path, name, name, OHM_SOURCE_TECHNOLOGY, OHM_INSTALL_TECHNOLOGY);
}

int ohm_technology_read(const char *job_path, const char *name, struct ohm_technology *technology) {
    char *path, *text;
    size_t size;
    OHM_TRY(ohm_technology_find(job_path, name, &path));
    int status = ohm_file_read(path, &text, &size);
    if (!status) {
        status = ohm_technology_parse(path, text, size, technology);
        free(text);
    }
    free(path);
    return status;
}
