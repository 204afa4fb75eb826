/* Every key of every section: given, inherited or default. */
#include "job_reader.h"
#include "ohmtally/status.h"
#include "ohmtally/text.h"
#include <string.h>

#define MOST_NAMES 64 /* keys and subsections of one section */

struct ohm_yaml_node *ohm_job_node(const struct ohm_job_reader *reader, const char *section) {
    const char *dot = strchr(section, '.');
    if (!dot) return ohm_yaml_find(reader->root, section);
    for (struct ohm_yaml_node *node = reader->root->first; node; node = node->next)
        if (strlen(node->key) == (size_t)(dot - section) && !strncmp(node->key, section, (size_t)(dot - section)))
            return ohm_yaml_find(node, dot + 1);
    return NULL;
}

int ohm_job_use(struct ohm_job_reader *reader, const char *key, const char *value) {
    struct ohm_job *job = reader->job;
    if (!key || !value) return OHM_E_MEMORY;
    if (job->nused == reader->most_used) {
        int most = reader->most_used ? 2 * reader->most_used : 128;
        struct ohm_job_used *more = ohm_arena_array(reader->arena, (size_t)most, sizeof *more);
        if (!more) return OHM_E_MEMORY;
        if (job->nused) memcpy(more, reader->used, (size_t)job->nused * sizeof *more);
        reader->most_used = most;
        job->used = reader->used = more;
    }
    reader->used[job->nused++] = (struct ohm_job_used){key, value};
    return OHM_OK;
}

/* What may stand in `section` (NULL: at the top): its keys, and the sections inside it. */
static size_t names_in(const struct ohm_section *section, const char *names[MOST_NAMES]) {
    size_t count = 0, prefix = section ? strlen(section->name) : 0;
    for (int k = 0; section && k < section->nkey; k++) names[count++] = section->keys[k].name;
    for (int s = 0; s < ohm_job_nsection; s++) {
        const char *name = ohm_job_sections[s].name, *dot = strchr(name, '.');
        if (!section && !dot) names[count++] = name;
        if (section && dot && (size_t)(dot - name) == prefix && !strncmp(name, section->name, prefix)) names[count++] = dot + 1;
    }
    if (!section) names[count++] = OHM_JOB_DESIGNS;
    if (!section) names[count++] = OHM_JOB_SWEEP;
    return count;
}

/* The section that has a key of this name, for a key written one section too far up or down. */
static const char *home_of(const char *name) {
    for (int s = 0; s < ohm_job_nsection; s++)
        for (int k = 0; k < ohm_job_sections[s].nkey; k++)
            if (!strcmp(ohm_job_sections[s].keys[k].name, name)) return ohm_job_sections[s].name;
    return NULL;
}

static int fail_unknown(struct ohm_job_reader *reader, const struct ohm_section *section, const struct ohm_yaml_node *node, const char *const *names,
                        size_t count) {
    const char *prefix = section ? section->name : "", *dot = section ? "." : "", *near = ohm_text_nearest(node->key, names, count);
    const char *home = home_of(node->key), *all = names[0];
    if (home) return ohm_fail(OHM_E_USAGE, "%s: unknown key '%s%s%s'; it belongs in section '%s'", node->where, prefix, dot, node->key, home);
    if (near) return ohm_fail(OHM_E_USAGE, "%s: unknown key '%s%s%s'; did you mean '%s'?", node->where, prefix, dot, node->key, near);
    for (size_t i = 1; all && i < count; i++) all = ohm_arena_format(reader->arena, "%s, %s", all, names[i]);
    return all ? ohm_fail(OHM_E_USAGE, "%s: unknown key '%s%s%s'; known here: %s", node->where, prefix, dot, node->key, all) : OHM_E_MEMORY;
}

static int refuse_unknown(struct ohm_job_reader *reader, const struct ohm_section *section, const struct ohm_yaml_node *mapping) {
    const char *names[MOST_NAMES];
    size_t count = names_in(section, names);
    for (const struct ohm_yaml_node *node = mapping->first; node; node = node->next) {
        size_t i = 0;
        while (i < count && strcmp(names[i], node->key)) i++;
        if (i == count) return fail_unknown(reader, section, node, names, count);
    }
    return OHM_OK;
}

static const struct ohm_yaml_node *value_of(const struct ohm_job_reader *reader, const struct ohm_section *section, const struct ohm_key *key) {
    const struct ohm_yaml_node *node = ohm_yaml_find(ohm_job_node(reader, section->name), key->name);
    if (!node && key->inherited) node = ohm_yaml_find(ohm_job_node(reader, section->inherits), key->name);
    return node;
}

static int bind_key(struct ohm_job_reader *reader, const struct ohm_section *section, const struct ohm_key *key) {
    const struct ohm_yaml_node *node = value_of(reader, section, key);
    struct ohm_yaml_node fallback = {.kind = OHM_YAML_SCALAR, .where = reader->job->path, .text = key->fallback};
    const char *label = ohm_arena_format(reader->arena, "%s.%s", section->name, key->name);
    if (!label) return OHM_E_MEMORY;
    if (!node && !key->fallback) {
        const struct ohm_yaml_node *given = ohm_job_node(reader, section->name);
        return ohm_fail(OHM_E_USAGE, "%s: %s is missing; give the %s", given ? given->where : reader->job->path, label, key->about);
    }
    if (!node) node = &fallback;
    OHM_TRY(ohm_job_value(reader, key, label, node, (char *)reader->job + section->offset + key->offset));
    return ohm_job_use(reader, label, ohm_yaml_text(reader->arena, node));
}

/* The mapping of a section as given; NULL for none ("images:" with nothing below it). */
static const struct ohm_yaml_node *section_given(const struct ohm_job_reader *reader, const struct ohm_section *section) {
    const struct ohm_yaml_node *node = ohm_job_node(reader, section->name);
    return node && ohm_yaml_is_none(node) ? NULL : node;
}

static int check_section(struct ohm_job_reader *reader, const struct ohm_section *section) {
    const struct ohm_yaml_node *node = section_given(reader, section);
    if (node && node->kind != OHM_YAML_MAPPING)
        return ohm_fail(OHM_E_USAGE, "%s: %s must be a section with keys, not %s", node->where, section->name, ohm_yaml_kind_text(node));
    return node ? refuse_unknown(reader, section, node) : OHM_OK;
}

static int bind_section(struct ohm_job_reader *reader, const struct ohm_section *section) {
    if (section->optional && !section_given(reader, section)) return ohm_job_use(reader, section->name, "none");
    for (int k = 0; k < section->nkey; k++) OHM_TRY(bind_key(reader, section, &section->keys[k]));
    return OHM_OK;
}

int ohm_job_bind(struct ohm_job_reader *reader) {
    struct ohm_job *job = reader->job;
    OHM_TRY(refuse_unknown(reader, NULL, reader->root));
    for (int s = 0; s < ohm_job_nsection; s++) OHM_TRY(check_section(reader, &ohm_job_sections[s])); /* a slip of the pen before what it causes */
    for (int s = 0; s < ohm_job_nsection; s++) OHM_TRY(bind_section(reader, &ohm_job_sections[s]));
    job->network.channels = job->network.pixels == OHM_PIXELS_GREY ? 1 : 3;
    job->images.channels = job->network.channels;
    const struct ohm_yaml_node *calibration = ohm_job_node(reader, "quantize.calibration");
    job->quantize.has_calibration = calibration && !ohm_yaml_is_none(calibration);
    if (job->quantize.has_calibration) job->quantize.calibration.channels = job->network.channels;
    return OHM_OK;
}
