/* sweep: values that keys of the job take in turn. Which keys there may be, and what they mean, is checked when the jobs of a sweep are parsed. */
#include "job_reader.h"
#include "ohmtally/status.h"
#include "ohmtally/text.h"
#include <stdlib.h>
#include <string.h>

#define MOST_COMBINATIONS 4096

/* Sections whose keys say what is evaluated, and with which inputs: one job has one of each. */
static int refuse_section(const struct ohm_yaml_node *node) {
    static const char *const fixed[] = {"network.", "images.", "quantize.calibration.", "search.", "sweep."};
    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++)
        if (!strncmp(node->key, fixed[i], strlen(fixed[i])))
            return ohm_fail(OHM_E_USAGE, "%s: %s cannot be swept: network and images are the same for all points; write a job for each", node->where,
                            node->key);
    if (!strncmp(node->key, "run.", 4) && strcmp(node->key, "run.seed"))
        return ohm_fail(OHM_E_USAGE, "%s: %s cannot be swept: it changes no result", node->where, node->key);
    if (!strchr(node->key, '.'))
        return ohm_fail(OHM_E_USAGE, "%s: unknown key 'sweep.%s'; known here: mode, and keys of the job such as adc.bits or designs.NAME.OPTION",
                        node->where, node->key);
    return OHM_OK;
}

/* "designs.<name>.<option>" to the entry's place. */
static int find_design(const struct ohm_job_reader *reader, const struct ohm_yaml_node *node, struct ohm_job_axis *axis) {
    static const char prefix[] = "designs.";
    const struct ohm_job *job = reader->job;
    const char *last = strrchr(node->key, '.');
    axis->design = -1;
    if (strncmp(node->key, prefix, strlen(prefix))) return OHM_OK;
    const char *name = node->key + strlen(prefix);
    for (int32_t i = 0; last > name && i < job->ndesign; i++)
        if (strlen(job->designs[i].name) == (size_t)(last - name) && !strncmp(job->designs[i].name, name, (size_t)(last - name))) axis->design = i;
    if (axis->design < 0)
        return ohm_fail(OHM_E_USAGE, "%s: %s names no entry of designs; write designs.NAME.OPTION with the name of an entry", node->where, node->key);
    axis->option = last + 1;
    if (!strcmp(axis->option, "name") || !strcmp(axis->option, "design"))
        return ohm_fail(OHM_E_USAGE, "%s: %s cannot be swept; add entries to designs instead", node->where, node->key);
    axis->key = ohm_arena_format(reader->arena, "%s%d.%s", prefix, axis->design, axis->option);
    return axis->key ? OHM_OK : OHM_E_MEMORY;
}

static int bind_axis(struct ohm_job_reader *reader, const struct ohm_yaml_node *node, struct ohm_job_axis *axis) {
    if (node->kind != OHM_YAML_SEQUENCE || !node->count)
        return ohm_fail(OHM_E_USAGE, "%s: sweep.%s must be a list of values such as [4, 6, 8], not %s", node->where, node->key,
                        node->kind == OHM_YAML_SEQUENCE ? "an empty one" : ohm_yaml_kind_text(node));
    OHM_TRY(refuse_section(node));
    *axis = (struct ohm_job_axis){.key = node->key, .option = node->key};
    OHM_TRY(find_design(reader, node, axis));
    const char **values = ohm_arena_array(reader->arena, (size_t)node->count, sizeof *values);
    if (!values) return OHM_E_MEMORY;
    for (const struct ohm_yaml_node *value = node->first; value; value = value->next)
        if (!(values[axis->nvalue++] = ohm_yaml_text(reader->arena, value))) return OHM_E_MEMORY;
    axis->values = values;
    const char *label = ohm_arena_format(reader->arena, "sweep.%s", node->key);
    return ohm_job_use(reader, label, ohm_yaml_text(reader->arena, node));
}

static int bind_mode(struct ohm_job_reader *reader, const struct ohm_yaml_node *section) {
    const struct ohm_yaml_node *mode = ohm_yaml_find(section, "mode");
    const char *text = mode && mode->kind == OHM_YAML_SCALAR ? mode->text : mode ? "a list" : "product";
    reader->job->sweep.zip = !strcmp(text, "zip");
    if (!reader->job->sweep.zip && strcmp(text, "product"))
        return ohm_fail(OHM_E_USAGE, "%s: sweep.mode must be one of product, zip, not '%s'", mode->where, text);
    return ohm_job_use(reader, "sweep.mode", text);
}

/* How many jobs it makes. */
static int count_combinations(struct ohm_job *job, const struct ohm_yaml_node *section) {
    int64_t count = 1;
    for (int32_t i = 0; i < job->sweep.naxis; i++) {
        const struct ohm_job_axis *axis = &job->sweep.axes[i];
        if (job->sweep.zip && i && axis->nvalue != job->sweep.axes[0].nvalue)
            return ohm_fail(OHM_E_USAGE, "%s: with sweep.mode: zip all lists have the same length, but %s has %d values and %s has %d",
                            section->where, job->sweep.axes[0].key, job->sweep.axes[0].nvalue, axis->key, axis->nvalue);
        count = job->sweep.zip ? axis->nvalue : count * axis->nvalue;
        if (count > MOST_COMBINATIONS)
            return ohm_fail(OHM_E_USAGE, "%s: the sweep has more than %d combinations; split the job", section->where, MOST_COMBINATIONS);
    }
    job->sweep.ncombination = (int32_t)count;
    return OHM_OK;
}

int ohm_job_bind_sweep(struct ohm_job_reader *reader) {
    struct ohm_job *job = reader->job;
    const struct ohm_yaml_node *section = ohm_yaml_find(reader->root, OHM_JOB_SWEEP);
    job->sweep.ncombination = 1;
    if (!section || ohm_yaml_is_none(section)) return OHM_OK;
    if (section->kind != OHM_YAML_MAPPING)
        return ohm_fail(OHM_E_USAGE, "%s: sweep must be keys with lists of values such as adc.bits: [4, 6, 8], not %s", section->where,
                        ohm_yaml_kind_text(section));
    struct ohm_job_axis *axes = ohm_arena_array(reader->arena, (size_t)section->count, sizeof *axes);
    if (!axes) return OHM_E_MEMORY;
    job->sweep.axes = axes;
    OHM_TRY(bind_mode(reader, section));
    for (const struct ohm_yaml_node *node = section->first; node; node = node->next)
        if (strcmp(node->key, "mode")) OHM_TRY(bind_axis(reader, node, &axes[job->sweep.naxis++]));
    return count_combinations(job, section);
}

int32_t ohm_job_sweep_value(const struct ohm_job *job, int32_t combination, int32_t axis) {
    if (job->sweep.zip) return combination;
    for (int32_t i = job->sweep.naxis - 1; i > axis; i--) combination /= job->sweep.axes[i].nvalue; /* the last changes fastest */
    return combination % job->sweep.axes[axis].nvalue;
}
