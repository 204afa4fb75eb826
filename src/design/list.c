/* The one place where designs are listed. */
#include "designs.h"
#include "ohmtally/status.h"
#include "ohmtally/text.h"
#include <stdio.h>
#include <string.h>

const struct ohm_design *const ohm_designs[] = {&ohm_design_isaac, &ohm_design_sme, &ohm_design_sobsx, NULL};

const struct ohm_design *ohm_design_find(const char *name) {
    const char *names[8];
    size_t count = 0;
    for (; ohm_designs[count] && count < 8; count++) {
        names[count] = ohm_designs[count]->name;
        if (!strcmp(name, names[count])) return ohm_designs[count];
    }
    const char *near = ohm_text_nearest(name, names, count);
    ohm_fail(OHM_E_USAGE, "unknown design '%s'%s%s%s; `ohmtally list` shows all", name, near ? "; did you mean '" : "", near ? near : "",
             near ? "'?" : "");
    return NULL;
}

void ohm_option_defaults(const struct ohm_design_option *options, int64_t *value) {
    for (int i = 0; options[i].key; i++) value[i] = options[i].fallback;
}

void ohm_design_defaults(const struct ohm_design *design, struct ohm_design_setting *setting) {
    ohm_option_defaults(design->options, setting->option);
}

static int set_choice(const char *owner, const struct ohm_design_option *option, int64_t *value, const char *text) {
    char known[256] = "";
    for (int i = 0; option->choices[i]; i++) {
        if (!strcmp(text, option->choices[i])) {
            *value = i;
            return OHM_OK;
        }
        size_t used = strlen(known);
        snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "", option->choices[i]);
    }
    return ohm_fail(OHM_E_USAGE, "%s: %s: '%s' is none of %s", owner, option->key, text, known);
}

int ohm_option_set(const char *owner, const struct ohm_design_option *options, int64_t *value, const char *key, const char *text) {
    const char *names[OHM_MAX_OPTIONS];
    size_t count = 0;
    for (; options[count].key; count++) {
        const struct ohm_design_option *option = &options[count];
        int64_t number;
        names[count] = option->key;
        if (strcmp(key, option->key)) continue;
        if (option->choices) return set_choice(owner, option, &value[count], text);
        if (ohm_text_int64(text, &number) || number < option->least || number > option->most)
            return ohm_fail(OHM_E_USAGE, "%s: %s: '%s' is not a whole number from %lld to %lld", owner, key, text, (long long)option->least,
                            (long long)option->most);
        value[count] = number;
        return OHM_OK;
    }
    const char *near = ohm_text_nearest(key, names, count);
    return ohm_fail(OHM_E_USAGE, "%s has no option '%s'%s%s%s; `ohmtally list` shows its options", owner, key, near ? "; did you mean '" : "",
                    near ? near : "", near ? "'?" : "");
}

int ohm_design_set(const struct ohm_design *design, struct ohm_design_setting *setting, const char *key, const char *text) {
    return ohm_option_set(design->name, design->options, setting->option, key, text);
}

/* -1: none. */
static int option_index(const struct ohm_design *design, const char *key) {
    for (int i = 0; design->options[i].key; i++)
        if (!strcmp(design->options[i].key, key)) return i;
    return -1;
}

bool ohm_design_has(const struct ohm_design *design, const char *key) {
    return option_index(design, key) >= 0;
}

int64_t ohm_design_value(const struct ohm_design *design, const struct ohm_design_setting *setting, const char *key) {
    int i = option_index(design, key);
    return i < 0 ? 0 : setting->option[i];
}

int32_t ohm_design_driven_rows(const struct ohm_design *design, const struct ohm_design_setting *setting) {
    return design->driven_rows ? design->driven_rows(setting) : setting->array_rows;
}

void ohm_design_constrain(const struct ohm_design *design, const struct ohm_design_setting *setting, const struct ohm_layer *layer,
                          struct ohm_weights *weights) {
    if (design->constrain)
        design->constrain(setting, layer, weights);
    else
        ohm_weights_uniform(layer, (1 << (setting->weight_bits - 1)) - 1, setting->per_channel, weights);
}
