/* The list of designs: which one and its name are the job's business, all other keys go to the design as they are. */
#include "job_reader.h"
#include "ohmtally/status.h"
#include <stdlib.h>
#include <string.h>

#define MOST_NAME 200 /* characters; names become groups of the result file */

static bool name_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c && strchr("._+=-", c));
}

/* "sme-window=3-squeeze=2" */
static int make_name(struct ohm_job_reader *reader, struct ohm_job_design *design) {
    char *name = ohm_arena_string(reader->arena, design->design);
    for (int i = 0; name && i < design->noption && strlen(name) <= MOST_NAME; i++)
        name = ohm_arena_format(reader->arena, "%s-%s=%s", name, design->options[i].key, design->options[i].value);
    if (!name) return OHM_E_MEMORY;
    for (char *c = name; *c; c++)
        if (!name_character(*c)) *c = '_';
    design->name = name;
    return OHM_OK;
}

static int check_name(const struct ohm_yaml_node *entry, const char *name) {
    if (!*name) return ohm_fail(OHM_E_USAGE, "%s: a design's name is empty", entry->where);
    if (strlen(name) > MOST_NAME)
        return ohm_fail(OHM_E_USAGE, "%s: a design's name has more than %d characters; give a short 'name'", entry->where, MOST_NAME);
    for (const char *c = name; *c; c++)
        if (!name_character(*c))
            return ohm_fail(OHM_E_USAGE, "%s: design name '%s' may have letters, digits and ._+=- only; it names a group of the result", entry->where,
                            name);
    return OHM_OK;
}

static int bind_design(struct ohm_job_reader *reader, const struct ohm_yaml_node *entry, int index, struct ohm_job_design *design) {
    if (entry->kind != OHM_YAML_MAPPING)
        return ohm_fail(OHM_E_USAGE, "%s: designs.%d must be keys such as {design: isaac, cell_bits: 2}, not %s", entry->where, index,
                        ohm_yaml_kind_text(entry));
    struct ohm_key_value *options = ohm_arena_array(reader->arena, (size_t)entry->count, sizeof *options);
    if (!options) return OHM_E_MEMORY;
    *design = (struct ohm_job_design){.options = options, .line = entry->line};
    for (const struct ohm_yaml_node *node = entry->first; node; node = node->next) {
        if (node->kind != OHM_YAML_SCALAR)
            return ohm_fail(OHM_E_USAGE, "%s: designs.%d.%s must be a single value, not %s", node->where, index, node->key, ohm_yaml_kind_text(node));
        if (!strcmp(node->key, "design"))
            design->design = node->text;
        else if (!strcmp(node->key, "name"))
            design->name = node->text;
        else
            options[design->noption++] = (struct ohm_key_value){node->key, node->text, node->line};
    }
    if (!design->design || !*design->design)
        return ohm_fail(OHM_E_USAGE, "%s: designs.%d.design is missing; name the design, such as design: isaac", entry->where, index);
    if (!design->name) OHM_TRY(make_name(reader, design));
    return check_name(entry, design->name);
}

static int use_design(struct ohm_job_reader *reader, const struct ohm_job_design *design, int index) {
    OHM_TRY(ohm_job_use(reader, ohm_arena_format(reader->arena, "designs.%d.design", index), design->design));
    OHM_TRY(ohm_job_use(reader, ohm_arena_format(reader->arena, "designs.%d.name", index), design->name));
    for (int i = 0; i < design->noption; i++)
        OHM_TRY(ohm_job_use(reader, ohm_arena_format(reader->arena, "designs.%d.%s", index, design->options[i].key), design->options[i].value));
    return OHM_OK;
}

static int by_name(const void *a, const void *b) {
    const struct ohm_job_design *const *left = a, *const *right = b;
    int order = strcmp((*left)->name, (*right)->name);
    return order ? order : (*left > *right) - (*left < *right); /* equal names: in the job's order */
}

static int refuse_same_names(struct ohm_job_reader *reader, const struct ohm_yaml_node *list, const struct ohm_job_design *designs) {
    size_t count = (size_t)list->count;
    const struct ohm_job_design **sorted = ohm_arena_array(reader->arena, count, sizeof *sorted);
    if (!sorted) return OHM_E_MEMORY;
    for (size_t i = 0; i < count; i++) sorted[i] = &designs[i];
    qsort(sorted, count, sizeof *sorted, by_name);
    for (size_t i = 1; i < count; i++)
        if (!strcmp(sorted[i - 1]->name, sorted[i]->name)) {
            int first = (int)(sorted[i - 1] - designs), second = (int)(sorted[i] - designs);
            return ohm_fail(OHM_E_USAGE, "%s: designs.%d has the same name '%s' as designs.%d (line %d); give one a different 'name'",
                            ohm_yaml_at(list, second)->where, second, sorted[i]->name, first, designs[first].line);
        }
    return OHM_OK;
}

int ohm_job_bind_designs(struct ohm_job_reader *reader) {
    const struct ohm_yaml_node *list = ohm_yaml_find(reader->root, OHM_JOB_DESIGNS), *entry;
    if (!list || ohm_yaml_is_none(list) || (list->kind == OHM_YAML_SEQUENCE && !list->count))
        return ohm_fail(OHM_E_USAGE, "%s: there are no designs to evaluate; add a list such as designs: [{design: isaac}]",
                        list ? list->where : reader->job->path);
    if (list->kind != OHM_YAML_SEQUENCE)
        return ohm_fail(OHM_E_USAGE, "%s: designs must be a list, one '- {design: ...}' each, not %s", list->where, ohm_yaml_kind_text(list));
    if (list->count > OHM_JOB_MOST_DESIGNS)
        return ohm_fail(OHM_E_USAGE, "%s: %d designs are more than %d; split the job", list->where, list->count, OHM_JOB_MOST_DESIGNS);
    struct ohm_job_design *designs = ohm_arena_array(reader->arena, (size_t)list->count, sizeof *designs);
    if (!designs) return OHM_E_MEMORY;
    int index = 0;
    for (entry = list->first; entry; entry = entry->next, index++) OHM_TRY(bind_design(reader, entry, index, &designs[index]));
    OHM_TRY(refuse_same_names(reader, list, designs));
    for (int i = 0; i < index; i++) OHM_TRY(use_design(reader, &designs[i], i));
    reader->job->designs = designs;
    reader->job->ndesign = index;
    return OHM_OK;
}
