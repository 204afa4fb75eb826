/* What is fitted: a design's entry, and the set its weights must lie in. */
#include "fit.h"
#include <stdlib.h>
#include <string.h>

/* A set of a list that grows. */
struct uses {
    struct ohm_constraint_use *list;
    int32_t *n;
};

static int use_add(const struct uses *uses, const char *name, const struct ohm_design_setting *setting) {
    struct ohm_constraint_use *use = &uses->list[*uses->n];
    if (*uses->n == OHM_MOST_CONSTRAINTS) return ohm_fail(OHM_E_USAGE, "more than %d constraints together", OHM_MOST_CONSTRAINTS);
    *use = (struct ohm_constraint_use){.constraint = ohm_constraint_find(name), .setting = *setting};
    if (!use->constraint) return OHM_E_USAGE;
    ohm_constraint_defaults(use->constraint, &use->setting);
    (*uses->n)++;
    return OHM_OK;
}

static int use_configure(const struct uses *uses) {
    const struct ohm_constraint_use *use = &uses->list[*uses->n - 1];
    return use->constraint->configure ? use->constraint->configure(&use->setting) : OHM_OK;
}

/* Gives the constraint added last the design's options of the same names. */
static int use_take(const struct uses *uses, const struct ohm_design *design, const struct ohm_design_setting *setting) {
    struct ohm_constraint_use *use = &uses->list[*uses->n - 1];
    for (int to = 0; use->constraint->options[to].key; to++)
        for (int from = 0; design->options[from].key; from++)
            if (!strcmp(design->options[from].key, use->constraint->options[to].key)) use->setting.option[to] = setting->option[from];
    return use_configure(uses);
}

/* What the design itself asks for: the grid of its quantizer, and what its squeeze holds without loss; two's complement where it has neither. */
static int use_design(const struct uses *uses, const struct ohm_design *design, const struct ohm_design_setting *setting) {
    static const char *const grids[] = {"window", "uniform", "power", "additive"}; /* in the order of the option quantizer */
    struct ohm_design_setting plain = *setting;
    if (!ohm_design_has(design, "quantizer")) {
        plain.weight_bits--;
        return use_add(uses, "uniform", &plain);
    }
    OHM_TRY(use_add(uses, grids[ohm_design_value(design, setting, "quantizer")], setting));
    OHM_TRY(use_take(uses, design, setting));
    if (!ohm_design_has(design, "squeeze") || !ohm_design_value(design, setting, "squeeze")) return OHM_OK;
    OHM_TRY(use_add(uses, "squeeze", setting));
    return use_take(uses, design, setting);
}

/* One entry of fit.constraint, such as "nm n=2 m=4". */
static int use_entry(const struct uses *uses, const struct ohm_design_setting *setting, char *entry) {
    char *rest = NULL, *name = strtok_r(entry, " \t", &rest);
    if (!name) return ohm_fail(OHM_E_USAGE, "an empty entry; give constraints such as polarity size=8, nm n=2 m=4");
    OHM_TRY(use_add(uses, name, setting));
    struct ohm_constraint_use *use = &uses->list[*uses->n - 1];
    for (char *key; (key = strtok_r(NULL, " \t", &rest));) {
        char *value = strchr(key, '=');
        if (!value) return ohm_fail(OHM_E_USAGE, "%s: '%s' is no option such as size=8", name, key);
        *value++ = 0;
        OHM_TRY(ohm_constraint_set(use->constraint, &use->setting, key, value));
    }
    return use_configure(uses);
}

static int use_entries(const struct uses *uses, const struct ohm_design_setting *setting, const char *text) {
    char *copy = text ? strdup(text) : NULL, *rest = NULL;
    int status = text && !copy ? OHM_E_MEMORY : OHM_OK;
    for (char *entry = copy ? strtok_r(copy, ",", &rest) : NULL; !status && entry; entry = strtok_r(NULL, ",", &rest))
        status = use_entry(uses, setting, entry);
    free(copy);
    return status;
}

static int make_uses(const struct fit *fit, const struct ohm_design_setting *setting, struct ohm_constraint_use list[], int32_t *n) {
    const struct uses uses = {list, n};
    const struct ohm_job *job = fit->study->job;
    struct ohm_failure failure = {0};
    *n = 0;
    OHM_TRY(use_design(&uses, fit->entry->design, setting));
    if (!use_entries(&uses, setting, job->fit.constraint)) return OHM_OK;
    ohm_fail_take(&failure);
    return ohm_fail(failure.status, "%s: fit.constraint: %s", job->path, failure.text);
}

int fit_uses(const struct fit *fit, int32_t layer, struct ohm_constraint_use uses[OHM_MOST_CONSTRAINTS], int32_t *nuse) {
    return make_uses(fit, &fit->entry->layer_settings[layer], uses, nuse);
}

int fit_plan(struct fit *fit) {
    const struct ohm_job *job = fit->study->job;
    struct ohm_constraint_use uses[OHM_MOST_CONSTRAINTS];
    int32_t nuse;
    if (!job->fit.output)
        return ohm_fail(OHM_E_USAGE, "%s: the job has no section fit; add one such as fit: {design: sme, output: fitted.h5}", job->path);
    OHM_TRY(study_check_apart(job, "fit.images", job->fit.images ? job->fit.images + job->fit.check : 0));
    if (!job->quantize.per_channel)
        return ohm_fail(OHM_E_USAGE, "%s: a fit gives every output a scale of its own; set quantize.scale to channel", job->path);
    fit->options = (struct ohm_fit_options){.scales = job->fit.scales,
                                            .admm = job->fit.admm,
                                            .refine = job->fit.refine,
                                            .bias = job->fit.bias,
                                            .correct = job->fit.correct,
                                            .damping = job->fit.damping,
                                            .shrink = job->fit.shrink,
                                            .rho = job->fit.rho,
                                            .iterations = job->fit.iterations,
                                            .sweeps = job->fit.sweeps};
    OHM_TRY(study_find_design(fit->study, "fit.design", job->fit.design, &fit->entry));
    return make_uses(fit, &fit->entry->setting, uses, &nuse);
}
