/* What a design is: a name, where it comes from, options, how it puts weights on its grid, and how it places them in crossbars. One file each under
 * src/design/, listed in src/design/list.c. A design knows no kernel, no price and no other design. Layer: design. */
#ifndef OHMTALLY_DESIGN_H
#define OHMTALLY_DESIGN_H
#include "ohmtally/plan.h"
#include "ohmtally/quantize.h"

#define OHM_MAX_OPTIONS 16
struct ohm_design_option {
    const char *key;
    int64_t fallback, least, most; /* for choices: index */
    const char *const *choices;    /* NULL-terminated, or NULL for a number */
    const char *about;
};
/* value [options]: the defaults. */
void ohm_option_defaults(const struct ohm_design_option *options, int64_t *value);
/* Sets one option from text; OHM_E_USAGE names its owner and the nearest known key or the allowed values. */
int ohm_option_set(const char *owner, const struct ohm_design_option *options, int64_t *value, const char *key, const char *text);
/* What a job says of one design: the shared part and the design's own options, in the order of its table. */
struct ohm_design_setting {
    int32_t array_rows, array_columns;
    int32_t activation_bits, weight_bits;
    bool per_channel;
    int64_t option[OHM_MAX_OPTIONS];
};

struct ohm_design {
    /* REQUIRED */
    const char *name, *title;
    const char *source;                      /* paper and section */
    const char *departures;                  /* what is inferred or differs from the paper */
    const struct ohm_design_option *options; /* ends with key NULL */
    /* Contradictory settings: one clear line, OHM_E_USAGE. */
    int (*configure)(const struct ohm_design_setting *setting);
    /* Builds the plan (without ohm_plan_finish). w [groups][krows][ncols] on the design's grid. */
    int (*place)(const struct ohm_design_setting *setting, const struct ohm_layer *layer, const int32_t *w, struct ohm_plan *plan);
    /* ADC bits at which no count of this design is lost with range unit. */
    int32_t (*lossless_bits)(const struct ohm_design_setting *setting);
    /* bits of a cell, for reports and ADC ranges */
    int32_t (*cell_bits)(const struct ohm_design_setting *setting);
    /* OPTIONAL: rows whose cells a bit line adds up in one read at most; NULL: array_rows. */
    int32_t (*driven_rows)(const struct ohm_design_setting *setting);
    /* OPTIONAL: weights onto the design's grid; NULL: symmetric rounding to weight_bits two's complement. */
    void (*constrain)(const struct ohm_design_setting *setting, const struct ohm_layer *layer, struct ohm_weights *weights);
};

extern const struct ohm_design *const ohm_designs[]; /* NULL-terminated */
/* By name; NULL with a recorded failure that names the nearest. */
const struct ohm_design *ohm_design_find(const char *name);
/* Fills setting->option with the defaults. */
void ohm_design_defaults(const struct ohm_design *design, struct ohm_design_setting *setting);
/* ohm_option_set for a design's options. */
int ohm_design_set(const struct ohm_design *design, struct ohm_design_setting *setting, const char *key, const char *value);
int32_t ohm_design_driven_rows(const struct ohm_design *design, const struct ohm_design_setting *setting);
/* Puts a layer's weights on the design's grid. */
void ohm_design_constrain(const struct ohm_design *design, const struct ohm_design_setting *setting, const struct ohm_layer *layer,
                          struct ohm_weights *weights);
/* Whether it has such an option. */
bool ohm_design_has(const struct ohm_design *design, const char *key);
/* An option by key: a number, or the index of a choice; 0 where the design has no such option. */
int64_t ohm_design_value(const struct ohm_design *design, const struct ohm_design_setting *setting, const char *key);

#endif
