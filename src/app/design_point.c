/* From a design entry of the job to an evaluation point. */
#include "app.h"
#include "ohmtally/status.h"
#include "ohmtally/text.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What every design's entry may say beside the design's own options. */
struct common {
    const char *adc_bits, *adc_range, *weight_bits, *layers, *weights;
};

/* NULL when the key is none of them. */
static const char **common_key(struct common *common, const char *key) {
    if (!strcmp(key, "adc_bits")) return &common->adc_bits;
    if (!strcmp(key, "adc_range")) return &common->adc_range;
    if (!strcmp(key, "weight_bits")) return &common->weight_bits;
    if (!strcmp(key, "layers")) return &common->layers;
    if (!strcmp(key, "weights")) return &common->weights;
    return NULL;
}

static int set_option(const struct ohm_job *job, struct point *point, const struct ohm_key_value *option, struct common *common) {
    const char **known = common_key(common, option->key);
    if (known) {
        *known = option->value;
        return OHM_OK;
    }
    bool of_noise;
    OHM_TRY(point_set_noise(job, point, option, &of_noise));
    if (of_noise || !ohm_design_set(point->design, &point->setting, option->key, option->value)) return OHM_OK;
    struct ohm_failure failure = {0};
    ohm_fail_take(&failure);
    return ohm_fail(OHM_E_USAGE, "%s:%d: %s", job->path, option->line, failure.text);
}

static int set_weight_bits(const struct ohm_job *job, struct point *point, int line, const char *text) {
    int64_t number;
    if (!text) return OHM_OK;
    if (ohm_text_int64(text, &number) || number < 2 || number > 16)
        return ohm_fail(OHM_E_USAGE, "%s:%d: weight_bits '%s' is not a whole number from 2 to 16", job->path, line, text);
    point->setting.weight_bits = (int32_t)number;
    return OHM_OK;
}

static int set_adc(const struct ohm_job *job, struct point *point, int line, const char *bits, const char *range) {
    int64_t number = job->adc.bits; /* 0: lossless */
    if (bits && !strcmp(bits, "lossless"))
        number = 0;
    else if (bits && (ohm_text_int64(bits, &number) || number < 1 || number > 16))
        return ohm_fail(OHM_E_USAGE, "%s:%d: adc_bits '%s' is neither a whole number from 1 to 16 nor `lossless`", job->path, line, bits);
    point->adc.bits = number ? (int32_t)number : point->design->lossless_bits(&point->setting);
    point->adc.largest = ohm_design_driven_rows(point->design, &point->setting) * ((1 << point->design->cell_bits(&point->setting)) - 1);
    OHM_TRY(ohm_adc_range_parse(range ? range : job->adc.range, &point->adc.range));
    if (!number && point->adc.range != OHM_ADC_UNIT)
        return ohm_fail(OHM_E_USAGE, "%s:%d: lossless ADC bits go with range unit, not %s", job->path, line, ohm_adc_range_text(point->adc.range));
    return OHM_OK;
}

static int set_weights(const struct ohm_job *job, struct point *point, const char *file) {
    char *path = ohm_path_beside(job->path, file);
    point->weights = path ? ohm_arena_string(job->arena, path) : NULL;
    free(path);
    return point->weights ? OHM_OK : OHM_E_MEMORY;
}

/* Names the result file uses itself. */
static int check_name(const struct ohm_job *job, const struct ohm_job_design *entry) {
    static const char *const taken[] = {"float", "integer", "run", "points"};
    for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++)
        if (!strcmp(entry->name, taken[i]))
            return ohm_fail(OHM_E_USAGE, "%s:%d: a design cannot be named '%s': the result file uses that name; choose another", job->path,
                            entry->line, taken[i]);
    if (strstr(entry->name, ".chip"))
        return ohm_fail(OHM_E_USAGE, "%s:%d: the name '%s' holds '.chip', which names the chips of a design; choose another", job->path, entry->line,
                        entry->name);
    if (strchr(entry->name, '/'))
        return ohm_fail(OHM_E_USAGE, "%s:%d: the name '%s' holds a '/'; choose another", job->path, entry->line, entry->name);
    return OHM_OK;
}

int point_make(const struct ohm_job *job, const struct ohm_job_design *entry, struct point *point) {
    struct common common = {0};
    OHM_TRY(check_name(job, entry));
    point->name = point->entry = entry->name;
    point->chips = 1;
    point->design = ohm_design_find(entry->design);
    if (!point->design) return OHM_E_USAGE;
    point->setting = (struct ohm_design_setting){.array_rows = job->same.array_rows,
                                                 .array_columns = job->same.array_columns,
                                                 .activation_bits = job->quantize.activation_bits,
                                                 .weight_bits = job->quantize.weight_bits,
                                                 .per_channel = job->quantize.per_channel};
    ohm_design_defaults(point->design, &point->setting);
    point->noise = job->noise;
    point->noise.seed = (uint64_t)job->run.seed;
    point->adc_levels = job->adc.levels;
    point->adc_codes = job->adc.codes;
    point->measured = job->measured_device;
    for (int32_t i = 0; i < entry->noption; i++) {
        size_t used = strlen(point->options);
        OHM_TRY(set_option(job, point, &entry->options[i], &common));
        snprintf(point->options + used, sizeof point->options - used, "%s%s=%s", i ? " " : "", entry->options[i].key, entry->options[i].value);
    }
    OHM_TRY(set_weight_bits(job, point, entry->line, common.weight_bits));
    point->options_read = true;
    OHM_TRY(point->design->configure(&point->setting));
    OHM_TRY(set_adc(job, point, entry->line, common.adc_bits, common.adc_range));
    OHM_TRY(point_check_noise(job, entry, point));
    if (common.weights) OHM_TRY(set_weights(job, point, common.weights));
    return common.layers ? ohm_layer_options_read(job->path, common.layers, job->arena, &point->layer_options, &point->nlayer_option) : OHM_OK;
}

static int32_t find_layer(const struct ohm_intnet *intnet, const char *name) {
    for (int32_t i = 0; i < intnet->nlayer; i++)
        if (!strcmp(intnet->layers[i].name, name)) return i;
    return -1;
}

static int unknown_layer(const struct ohm_intnet *intnet, const struct ohm_layer_option *option) {
    const char *near = NULL, **names = ohm_alloc_array((size_t)intnet->nlayer, sizeof *names);
    for (int32_t i = 0; names && i < intnet->nlayer; i++) names[i] = intnet->layers[i].name;
    if (names) near = ohm_text_nearest(option->layer, names, (size_t)intnet->nlayer);
    ohm_fail(OHM_E_USAGE, "%s: the network has no layer '%s'%s%s%s", option->where, option->layer, near ? "; did you mean '" : "", near ? near : "",
             near ? "'?" : "");
    free(names);
    return OHM_E_USAGE;
}

int point_set_layer(const struct point *point, struct ohm_design_setting *setting, const char *key, const char *value) {
    OHM_TRY(ohm_design_set(point->design, setting, key, value));
    OHM_TRY(point->design->configure(setting));
    if (point->design->cell_bits(setting) != point->design->cell_bits(&point->setting) ||
        point->design->lossless_bits(setting) != point->design->lossless_bits(&point->setting) ||
        ohm_design_driven_rows(point->design, setting) != ohm_design_driven_rows(point->design, &point->setting))
        return ohm_fail(OHM_E_USAGE, "%s would need other ADCs; set it for all layers", key);
    return OHM_OK;
}

static int set_layer_option(const struct ohm_intnet *intnet, struct point *point, const struct ohm_layer_option *option) {
    int32_t layer = find_layer(intnet, option->layer);
    if (layer < 0) return unknown_layer(intnet, option);
    if (!point_set_layer(point, &point->layer_settings[layer], option->key, option->value)) return OHM_OK;
    struct ohm_failure failure = {0};
    ohm_fail_take(&failure);
    return ohm_fail(OHM_E_USAGE, "%s: %s", option->where, failure.text);
}

int point_set_layers(struct ohm_job *job, const struct ohm_intnet *intnet, struct point *point) {
    if (!point->design) return OHM_OK;
    point->layer_settings = ohm_arena_array(job->arena, (size_t)intnet->nlayer, sizeof *point->layer_settings);
    if (!point->layer_settings) return OHM_E_MEMORY;
    for (int32_t i = 0; i < intnet->nlayer; i++) point->layer_settings[i] = point->setting;
    for (int32_t i = 0; i < point->nlayer_option; i++) OHM_TRY(set_layer_option(intnet, point, &point->layer_options[i]));
    return OHM_OK;
}
