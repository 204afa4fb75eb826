/* What is fitted: a design's entry, and the set its weights must lie in. */
#include "fit.h"
#include "ohmtally/text.h"
#include <string.h>

static int find_entry(struct fit *fit) {
    const struct study *study = fit->study;
    const struct ohm_job *job = study->job;
    const char *names[OHM_JOB_MOST_DESIGNS], *name = job->fit.design;
    for (int p = 2; p < study->npoint; p++) {
        names[p - 2] = study->points[p].name;
        if (name && strcmp(name, names[p - 2])) continue;
        fit->entry = &study->points[p];
        return OHM_OK;
    }
    const char *near = ohm_text_nearest(name, names, (size_t)job->ndesign);
    return ohm_fail(OHM_E_USAGE, "%s: fit.design: the job has no design named '%s'%s%s%s", job->path, name, near ? "; did you mean '" : "",
                    near ? near : "", near ? "'?" : "");
}

int fit_uses(const struct fit *fit, int32_t layer, struct ohm_constraint_use uses[OHM_MOST_CONSTRAINTS], int32_t *nuse) {
    uses[0] = (struct ohm_constraint_use){.setting = fit->entry->layer_settings[layer]};
    *nuse = 1;
    return OHM_OK;
}

int fit_plan(struct fit *fit) {
    const struct ohm_job *job = fit->study->job;
    if (!job->fit.output)
        return ohm_fail(OHM_E_USAGE, "%s: the job has no section fit; add one such as fit: {design: sme, output: fitted.h5}", job->path);
    if (!job->quantize.has_calibration)
        return ohm_fail(OHM_E_USAGE, "%s: a fit needs quantize.calibration: it must not see the images that are scored", job->path);
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
    return find_entry(fit);
}
