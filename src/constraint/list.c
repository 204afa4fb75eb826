/* The one place where constraints are listed. */
#include "ohmtally/status.h"
#include "ohmtally/text.h"
#include "sets.h"
#include <string.h>

const struct ohm_constraint *const ohm_constraints[] = {
    &ohm_constraint_window,   &ohm_constraint_uniform, &ohm_constraint_power,    &ohm_constraint_additive, &ohm_constraint_squeeze,
    &ohm_constraint_polarity, &ohm_constraint_nm,      &ohm_constraint_blockmax, &ohm_constraint_rows,     &ohm_constraint_columns,
    &ohm_constraint_filters,  &ohm_constraint_block,   &ohm_constraint_pattern,  &ohm_constraint_unify,    NULL};

const struct ohm_constraint *ohm_constraint_find(const char *name) {
    const char *names[sizeof ohm_constraints / sizeof *ohm_constraints];
    size_t count = 0;
    for (; ohm_constraints[count]; count++) {
        names[count] = ohm_constraints[count]->name;
        if (!strcmp(name, names[count])) return ohm_constraints[count];
    }
    const char *near = ohm_text_nearest(name, names, count);
    ohm_fail(OHM_E_USAGE, "unknown constraint '%s'%s%s%s; `ohmtally list` shows all", name, near ? "; did you mean '" : "", near ? near : "",
             near ? "'?" : "");
    return NULL;
}

void ohm_constraint_defaults(const struct ohm_constraint *constraint, struct ohm_design_setting *setting) {
    ohm_option_defaults(constraint->options, setting->option);
}

int ohm_constraint_set(const struct ohm_constraint *constraint, struct ohm_design_setting *setting, const char *key, const char *value) {
    return ohm_option_set(constraint->name, constraint->options, setting->option, key, value);
}
