/* The file of a fit: unfinished ones are taken up again where everything that decides the result is the same. */
#include "fit.h"
#include "ohmtally/log.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#define XXH_STATIC_LINKING_ONLY /* for states without allocation */
#include <xxhash.h>

#define SAVE_EVERY 20 /* seconds */

static bool begins(const char *text, const char *prefix) {
    return !strncmp(text, prefix, strlen(prefix));
}

/* Keys of the job that decide the weights beside the network and the ranges of activations, which have digests of their own. */
static bool decides(const char *key) {
    static const char *const beside[] = {"fit.output",
                                         "fit.memory_mb",
                                         "fit.check",
                                         "fit.design",
                                         "quantize.calibration.labels",
                                         "quantize.calibration.classes",
                                         "quantize.calibration.count"};
    for (size_t i = 0; i < sizeof beside / sizeof *beside; i++)
        if (!strcmp(key, beside[i])) return false;
    return begins(key, "fit.") || begins(key, "quantize.calibration.");
}

/* The sets of all layers, as they are applied. */
static int hash_sets(const struct fit *fit, XXH64_state_t *state) {
    for (int32_t i = 0; i < fit->file.nlayer; i++) {
        struct ohm_constraint_use uses[OHM_MOST_CONSTRAINTS];
        int32_t nuse;
        OHM_TRY(fit_uses(fit, i, uses, &nuse));
        for (int32_t u = 0; u < nuse; u++) {
            const struct ohm_design_setting *s = &uses[u].setting;
            const int64_t facts[] = {s->array_rows, s->array_columns, s->weight_bits};
            XXH64_update(state, uses[u].constraint->name, strlen(uses[u].constraint->name) + 1);
            XXH64_update(state, facts, sizeof facts);
            for (int o = 0; uses[u].constraint->options[o].key; o++) XXH64_update(state, &s->option[o], sizeof s->option[o]);
        }
    }
    return OHM_OK;
}

static void add_text(char *text, size_t room, const char *key, const char *value) {
    size_t used = strlen(text);
    snprintf(text + used, room - used, "%s%s = %s", used ? "; " : "", key, value);
}

static int describe(struct fit *fit) {
    const struct ohm_job *job = fit->study->job;
    struct ohm_fitted *file = &fit->file;
    XXH64_state_t state;
    XXH64_reset(&state, 0);
    OHM_TRY(hash_sets(fit, &state));
    for (int32_t i = 0; i < job->nused; i++) {
        const struct ohm_job_used *used = &job->used[i];
        if (decides(used->key)) {
            XXH64_update(&state, used->key, strlen(used->key) + 1);
            XXH64_update(&state, used->value, strlen(used->value) + 1);
        }
        if (begins(used->key, "fit.") || begins(used->key, "quantize.")) add_text(file->provenance, sizeof file->provenance, used->key, used->value);
    }
    file->settings = XXH64_digest(&state);
    add_text(file->constraint, sizeof file->constraint, fit->entry->design->name, *fit->entry->options ? fit->entry->options : "defaults");
    if (job->fit.constraint) add_text(file->constraint, sizeof file->constraint, "constraint", job->fit.constraint);
    return OHM_OK;
}

/* Takes over an unfinished file if it is one of this fit. */
static void take_partial(struct fit *fit) {
    struct ohm_fitted found;
    if (access(fit->partial, R_OK)) return;
    if (ohm_fitted_read(fit->partial, fit->study->content.intnet, true, &found)) {
        ohm_fail_clear();
        ohm_warn("%s is of another fit: beginning anew", fit->partial);
        return;
    }
    if (found.settings != fit->file.settings) {
        ohm_warn("%s is of other settings: beginning anew", fit->partial);
        ohm_fitted_free(&found);
        return;
    }
    ohm_fitted_free(&fit->file);
    fit->file = found;
    while (fit->resumed < found.nlayer && found.weights[fit->resumed]) fit->resumed++;
}

int fit_resume(struct fit *fit) {
    const struct ohm_world *world = &fit->study->world;
    int status = ohm_fitted_new(fit->study->content.intnet, &fit->file);
    fit->partial = ohm_arena_format(fit->study->job->arena, "%s.partial", fit->study->job->fit.output);
    if (!status) status = fit->partial ? describe(fit) : OHM_E_MEMORY;
    OHM_TRY(ohm_world_agree(world, status));
    take_partial(fit);
    int64_t layers = fit->resumed;
    ohm_world_sum(world, &layers, 1);
    if (layers != (int64_t)fit->resumed * world->size)
        status = ohm_fail(OHM_E_IO, "%s is not the same for all ranks; remove it or put fit.output on a shared file system", fit->partial);
    OHM_TRY(ohm_world_agree(world, status));
    if (fit->resumed) ohm_log("%d of %d layers taken from %s", fit->resumed, fit->file.nlayer, fit->partial);
    return ohm_world_agree(world, fit_save(fit)); /* a place that cannot be written to shows now */
}

int fit_save(struct fit *fit) {
    if (fit->study->world.rank || (fit->saved_s && ohm_seconds() - fit->saved_s < SAVE_EVERY)) return OHM_OK;
    fit->saved_s = ohm_seconds();
    return ohm_fitted_write(fit->partial, fit->study->content.intnet, &fit->file);
}

int fit_publish(struct fit *fit) {
    if (fit->study->world.rank) return OHM_OK;
    OHM_TRY(ohm_fitted_write(fit->study->job->fit.output, fit->study->content.intnet, &fit->file));
    if (unlink(fit->partial) && errno != ENOENT) ohm_warn("cannot remove %s: %s", fit->partial, strerror(errno));
    return OHM_OK;
}
