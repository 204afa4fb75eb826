/* What a design's entry says of devices and converters. */
#include "app.h"
#include "ohmtally/status.h"
#include "ohmtally/text.h"
#include <string.h>

/* A choice by word: its place in words, or a failure that names them all. */
static int set_word(const struct ohm_job *job, const struct ohm_key_value *option, const char *const *words, int *value) {
    const char *all = words[0];
    for (*value = 0; words[*value]; (*value)++)
        if (!strcmp(words[*value], option->value)) return OHM_OK;
    for (int i = 1; all && words[i]; i++) all = ohm_arena_format(job->arena, "%s, %s", all, words[i]);
    return all ? ohm_fail(OHM_E_USAGE, "%s:%d: %s '%s' is none of %s", job->path, option->line, option->key, option->value, all) : OHM_E_MEMORY;
}

/* The keys whose values are words. */
static int set_choice(const struct ohm_job *job, struct point *point, const struct ohm_key_value *option, bool *known) {
    static const char *const laws[] = {
#define X(name, word, about) word,
        OHM_VARIATION_LIST(X)
#undef X
            NULL};
    static const char *const drifts[] = {
#define X(name, word, about) word,
        OHM_DRIFT_LIST(X)
#undef X
            NULL};
    static const char *const leakages[] = {"corrected", "stays", NULL};
    int value;
    *known = true;
    if (!strcmp(option->key, "adc_levels")) {
        point->adc_levels = strcmp(option->value, "none") ? option->value : NULL;
    } else if (!strcmp(option->key, "adc_codes")) {
        point->adc_codes = strcmp(option->value, "none") ? option->value : NULL;
    } else if (!strcmp(option->key, "measured")) {
        point->measured = strcmp(option->value, "none") ? option->value : NULL;
    } else if (!strcmp(option->key, "variation_law")) {
        OHM_TRY(set_word(job, option, laws, &value));
        point->noise.device.law = (enum ohm_variation)value;
    } else if (!strcmp(option->key, "drift_law")) {
        OHM_TRY(set_word(job, option, drifts, &value));
        point->noise.device.drift_law = (enum ohm_drift)value;
    } else if (!strcmp(option->key, "leakage")) {
        OHM_TRY(set_word(job, option, leakages, &value));
        point->noise.device.leaks = value == 1;
    } else
        *known = false;
    return OHM_OK;
}

int point_set_noise(const struct ohm_job *job, struct point *point, const struct ohm_key_value *option, bool *known) {
    static const struct {
        const char *key;
        double most;
        size_t offset;
    } keys[] = {
#define X(key, most, about) {#key, most, offsetof(struct ohm_noise, device.key)},
        OHM_DEVICE_LIST(X)
#undef X
#define X(key, most, about) {"adc_" #key, most, offsetof(struct ohm_noise, adc.key)},
            OHM_ADC_ERROR_LIST(X)
#undef X
#define X(member, most, about) {"wire_" #member, most, offsetof(struct ohm_noise, wire.member)},
                OHM_WIRE_LIST(X)
#undef X
                    {"on_ohm", OHM_MOST_OHM, offsetof(struct ohm_noise, device.on_ohm)},
        {"temperature", OHM_MOST_KELVIN, offsetof(struct ohm_noise, device.temperature)},
        {"read_volts", OHM_MOST_VOLTS, offsetof(struct ohm_noise, device.read_volts)},
        {"adc_thermal", 1000, offsetof(struct ohm_noise, adc.thermal)},
    };
    OHM_TRY(set_choice(job, point, option, known));
    if (*known) return OHM_OK;
    *known = true;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        double value;
        if (strcmp(option->key, keys[i].key)) continue;
        if (ohm_text_double(option->value, &value) || !(value >= 0 && value <= keys[i].most))
            return ohm_fail(OHM_E_USAGE, "%s:%d: %s '%s' is not a number from 0 to %g", job->path, option->line, option->key, option->value,
                            keys[i].most);
        memcpy((char *)&point->noise + keys[i].offset, &value, sizeof value);
        return OHM_OK;
    }
    *known = false;
    return OHM_OK;
}

int point_check_noise(const struct ohm_job *job, const struct ohm_job_design *entry, struct point *point) {
    struct ohm_noise *noise = &point->noise;
    if (noise->device.stuck_on + noise->device.stuck_off > 1)
        return ohm_fail(OHM_E_USAGE, "%s:%d: stuck_on and stuck_off together are more than all cells", job->path, entry->line);
    if (point->measured && (noise->device.variation > 0 || noise->device.on_off > 0))
        return ohm_fail(OHM_E_USAGE, "%s:%d: a measured device brings its own variation and on_off; leave these out", job->path, entry->line);
    if (point->measured) OHM_TRY(ohm_device_read(job->path, point->measured, job->arena, &noise->device.measured));
    if (noise->device.on_off > 0 && noise->device.on_off <= 1)
        return ohm_fail(OHM_E_USAGE, "%s:%d: on_off is a ratio above 1, or 0 for no conductance at level 0", job->path, entry->line);
    if (!(noise->device.read_volts >= OHM_LEAST_VOLTS))
        return ohm_fail(OHM_E_USAGE, "%s:%d: read_volts must be %g or more", job->path, entry->line, OHM_LEAST_VOLTS);
    if (!(noise->device.on_ohm >= OHM_LEAST_OHM))
        return ohm_fail(OHM_E_USAGE, "%s:%d: on_ohm must be %d or more", job->path, entry->line, OHM_LEAST_OHM);
    if ((point->adc_levels || point->adc_codes || ohm_noise_of_levels(noise)) && point->adc.bits > OHM_ADC_LEVEL_BITS)
        return ohm_fail(OHM_E_USAGE, "%s:%d: dnl, mismatch, levels and codes are for ADCs of at most %d bits, not %d", job->path, entry->line,
                        OHM_ADC_LEVEL_BITS, point->adc.bits);
    if (point->adc_levels) OHM_TRY(ohm_adc_levels_read(job->path, point->adc_levels, point->adc.bits, job->arena, &noise->adc.levels));
    return point->adc_codes ? ohm_adc_codes_read(job->path, point->adc_codes, point->adc.bits, job->arena, &noise->adc.codes) : OHM_OK;
}
