/* ohmtally run: every point over all images, into one result file. */
#include "grid.h"
#include "ohmtally/log.h"
#include "ohmtally/status.h"
#include "sweep.h"
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define NAMED_CORRUPT 20 /* corrupt images named one by one; the rest are only counted */

static void name_corrupt(const struct study *study, const struct evaluation *evaluation) {
    int64_t named = 0;
    for (int64_t i = 0; i < evaluation->nrow && named < NAMED_CORRUPT; i++)
        if (evaluation->rows[i].correct == -2) {
            ohm_warn("%s is corrupt and not scored", ohm_image_set_name(study->images, evaluation->rows[i].index));
            named++;
        }
    if (evaluation->info.corrupt > named) ohm_warn("%lld more corrupt images are not scored", (long long)(evaluation->info.corrupt - named));
}

/* A run: the job as it stands, and the study of the combination at hand. */
struct campaign {
    struct study base, study;
    struct sweep sweep;
    struct keeping keeping;
    struct ohm_result *result; /* rank 0 */
    const char *output, *identity;
    int32_t entered; /* combination of study; -1: none */
};

/* Rank 0: lists of names, and of failures. */
static int list_points(const struct sweep *sweep, struct ohm_arena *arena, struct ohm_run_info *run) {
    const char **plan = ohm_arena_array(arena, (size_t)sweep->npoint, sizeof *plan),
               **failed = ohm_arena_array(arena, (size_t)sweep->npoint, sizeof *failed);
    if (!plan || !failed) return OHM_E_MEMORY;
    for (int32_t k = 0; k < sweep->npoint; k++) plan[k] = sweep->points[k].name;
    run->plan = plan;
    run->nplan = sweep->npoint;
    for (int32_t k = sweep->first; k < sweep->end; k++)
        if (sweep->points[k].failed && !(failed[run->nfailed++] = ohm_arena_format(arena, "%s: %s", sweep->points[k].name, sweep->points[k].failed)))
            return OHM_E_MEMORY;
    run->failed = failed;
    return OHM_OK;
}

static int finish(struct campaign *campaign, const struct arguments *arguments, const char *started, double began, const char *hosts) {
    const struct study *study = &campaign->study;
    const struct ohm_job *job = campaign->base.job;
    const struct ohm_kernel *kernel = ohm_kernel_chosen();
    struct ohm_run_info run = {.revision = OHM_REVISION,
                               .version = OHM_VERSION,
                               .compiler = OHM_COMPILER,
                               .flags = OHM_FLAGS,
                               .libraries = OHM_LIBRARIES,
                               .hosts = hosts,
                               .kernel = kernel->name,
                               .cpu = study_cpu(job->arena),
                               .started = started,
                               .job_text = campaign->base.job_text,
                               .command = arguments->command_line,
                               .identity = campaign->identity,
                               .ranks = study->world.size,
                               .threads = study->threads,
                               .batch = job->run.batch,
                               .seed = job->run.seed,
                               .images = ohm_image_set_count(study->images),
                               .seconds = ohm_seconds() - began};
    const char **used = ohm_arena_array(job->arena, (size_t)job->nused, sizeof *used);
    if (!used) return OHM_E_MEMORY;
    for (int32_t i = 0; i < job->nused; i++) used[i] = ohm_arena_format(job->arena, "%s = %s", job->used[i].key, job->used[i].value);
    OHM_TRY(list_points(&campaign->sweep, job->arena, &run));
    struct ohm_result *result = campaign->result;
    campaign->result = NULL;
    return ohm_result_finish(result, &run, used, job->nused);
}

/* Evaluates a point into the result and keeps it. Collective. */
static int evaluate(struct campaign *campaign, int32_t k) {
    struct study *study = &campaign->study;
    struct evaluation evaluation;
    OHM_TRY(sweep_enter(&campaign->sweep, campaign->sweep.points[k].combination, study, &campaign->entered));
    const struct point *point = &study->points[campaign->sweep.points[k].place];
    if (point->failed) return ohm_fail(OHM_E_USAGE, "%s", point->failed);
    struct ohm_arena *arena = ohm_arena_new();
    OHM_TRY(ohm_world_agree(&study->world, arena ? OHM_OK : OHM_E_MEMORY));
    int status = evaluate_point(study, point, arena, &evaluation);
    if (!status && study->world.rank == 0) {
        status = ohm_result_add(campaign->result, &evaluation.info, evaluation.rows, evaluation.nrow, evaluation.layers, evaluation.nlayer);
        if (!status) status = keeping_save_point(&campaign->keeping, k, campaign->result);
        if (k == campaign->sweep.first) name_corrupt(study, &evaluation);
    }
    ohm_arena_free(arena);
    return ohm_world_agree(&study->world, status);
}

/* In a sweep a point may fail for itself; what would stop the next one, too, ends the run. Collective. */
static int survive(struct campaign *campaign, int32_t k, int status) {
    const bool own = status == OHM_E_USAGE || status == OHM_E_UNSUPPORTED || status == OHM_E_MEMORY;
    struct ohm_failure failure = {0};
    if (!status || !own || !campaign->base.job->sweep.naxis) return status;
    ohm_fail_take(&failure);
    ohm_world_calm(&campaign->base.world);
    campaign->sweep.points[k].failed = ohm_arena_string(campaign->base.job->arena, failure.text);
    ohm_warn("%s failed: %s", campaign->sweep.points[k].name, failure.text);
    return campaign->sweep.points[k].failed ? OHM_OK : OHM_E_MEMORY;
}

static int run_points(struct campaign *campaign) {
    for (int32_t k = campaign->sweep.first; k < campaign->sweep.end; k++) {
        int status = OHM_OK;
        if (campaign->sweep.points[k].failed) continue;
        if (campaign->keeping.points[k] == POINT_OPEN)
            status = survive(campaign, k, evaluate(campaign, k));
        else if (campaign->base.world.rank == 0)
            status = keeping_take_point(&campaign->keeping, k, campaign->result);
        OHM_TRY(ohm_world_agree(&campaign->base.world, status));
    }
    return OHM_OK;
}

static int print_table(const char *path) {
    struct ohm_report *report;
    OHM_TRY(ohm_report_read(path, &report));
    ohm_report_print(report, stdout);
    ohm_report_free(report);
    return OHM_OK;
}

static void announce(const struct study *study) {
    const struct ohm_world *world = &study->world;
    ohm_log("%d rank%s x %d thread%s, kernel %s, %lld images, %d designs", world->size, world->size > 1 ? "s" : "", study->threads,
            study->threads > 1 ? "s" : "", ohm_kernel_chosen()->name, (long long)ohm_image_set_count(study->images), study->job->ndesign);
}

/* Rank 0: the result file, before any work is done. */
static int create_result(struct campaign *campaign) {
    const struct ohm_job *job = campaign->base.job;
    if (!campaign->output) return ohm_fail(OHM_E_USAGE, "%s: run.output is not set: where should the result go?", job->path);
    if (!job->run.overwrite && !access(campaign->output, F_OK))
        return ohm_fail(OHM_E_USAGE, "%s exists and run.overwrite is off; remove it or choose another run.output", campaign->output);
    return ohm_result_create(campaign->output, &campaign->result);
}

/* What can be refused before anything takes time. Collective. */
static int prepare(struct campaign *campaign, const struct arguments *arguments) {
    struct study *base = &campaign->base;
    struct keeping *keeping = &campaign->keeping;
    int status = sweep_plan(&campaign->sweep, base, arguments, arguments->task);
    if (!status) status = grid_check(base);
    if (!status) status = sweep_output(&campaign->sweep, arguments->task, &campaign->output);
    if (!status && base->world.rank == 0) status = create_result(campaign);
    OHM_TRY(ohm_world_agree(&base->world, status));
    const char **names = ohm_arena_array(base->job->arena, (size_t)campaign->sweep.npoint, sizeof *names);
    OHM_TRY(ohm_world_agree(&base->world, names ? OHM_OK : OHM_E_MEMORY));
    for (int32_t k = 0; k < campaign->sweep.npoint; k++) names[k] = campaign->sweep.points[k].name;
    *keeping = (struct keeping){.world = base->world, .job = base->job, .output = campaign->output, .names = names, .npoint = campaign->sweep.npoint};
    base->keeping = keeping;
    base->threads = study_threads(&base->world);
    omp_set_num_threads(base->threads);
    return keeping_look(keeping);
}

/* Network and images of the first point, and the journal. Collective. */
static int begin(struct campaign *campaign) {
    const struct sweep *sweep = &campaign->sweep;
    const struct ohm_job *job = campaign->base.job;
    const int32_t first = sweep->first < sweep->npoint ? sweep->first : 0;
    OHM_TRY(sweep_enter(sweep, sweep->points[first].combination, &campaign->study, &campaign->entered));
    OHM_TRY(grid_check(&campaign->study));
    OHM_TRY(point_check_fitted(&campaign->study));
    int status = campaign->base.world.rank ? OHM_OK : identity_text(job, &campaign->study, job->arena, &campaign->identity);
    OHM_TRY(ohm_world_agree(&campaign->base.world, status));
    announce(&campaign->study);
    return keeping_begin(&campaign->keeping, campaign->identity);
}

/* After the result is published: what did not come out well. */
static int judge(const struct sweep *sweep) {
    for (int32_t k = sweep->first; k < sweep->end; k++)
        if (sweep->points[k].failed)
            return ohm_fail(OHM_E_PARTIAL, "%d of %d points failed; the first is %s: %s", sweep_failures(sweep), sweep->end - sweep->first,
                            sweep->points[k].name, sweep->points[k].failed);
    return OHM_OK;
}

int command_run(const struct ohm_world *world, const struct arguments *arguments) {
    struct campaign campaign = {.entered = -1};
    char started[32], *hosts = NULL;
    time_t now = time(NULL);
    double began = ohm_seconds();
    strftime(started, sizeof started, "%Y-%m-%dT%H:%M:%SZ", gmtime(&now));
    int status = study_open(&campaign.base, world, arguments);
    if (!status) status = prepare(&campaign, arguments);
    if (!status) status = begin(&campaign);
    if (!status) status = binding_say(world, campaign.base.threads, campaign.base.job->arena, &hosts);
    if (!status) status = run_points(&campaign);
    if (!status && world->rank == 0) status = finish(&campaign, arguments, started, began, hosts);
    ohm_result_abandon(campaign.result);
    status = ohm_world_agree(world, status);
    if (campaign.base.keeping) status = keeping_end(&campaign.keeping, status);
    if (!status && world->rank == 0) status = print_table(campaign.output);
    if (!status) ohm_log("result: %s (%.1f s)", campaign.output, ohm_seconds() - began);
    if (!status) status = judge(&campaign.sweep);
    study_close(&campaign.study);
    study_close(&campaign.base);
    return ohm_world_agree(world, status);
}
