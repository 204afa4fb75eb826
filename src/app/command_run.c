/* ohmtally run: every point over all images, into one result file. */
#include "keep.h"
#include "ohmtally/log.h"
#include "ohmtally/status.h"
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

static int finish(struct study *study, struct ohm_result *result, const struct arguments *arguments, const char *started, double began,
                  const char *hosts) {
    const struct ohm_job *job = study->job;
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
                               .job_text = study->job_text,
                               .command = arguments->command_line,
                               .ranks = study->world.size,
                               .threads = study->threads,
                               .batch = job->run.batch,
                               .seed = job->run.seed,
                               .images = ohm_image_set_count(study->images),
                               .seconds = ohm_seconds() - began};
    const char **used = ohm_arena_array(job->arena, (size_t)job->nused, sizeof *used);
    if (!used) return OHM_E_MEMORY;
    for (int32_t i = 0; i < job->nused; i++) used[i] = ohm_arena_format(job->arena, "%s = %s", job->used[i].key, job->used[i].value);
    return ohm_result_finish(result, &run, used, job->nused);
}

/* Evaluates a point into the result and keeps it. Collective. */
static int run_point(struct study *study, int p, struct ohm_result *result) {
    struct evaluation evaluation;
    struct ohm_arena *arena = ohm_arena_new();
    OHM_TRY(ohm_world_agree(&study->world, arena ? OHM_OK : OHM_E_MEMORY));
    int status = evaluate_point(study, &study->points[p], arena, &evaluation);
    if (!status && study->world.rank == 0) {
        status = ohm_result_add(result, &evaluation.info, evaluation.rows, evaluation.nrow, evaluation.layers, evaluation.nlayer);
        if (!status) status = keeping_save_point(study->keeping, p, result);
        if (p == 0) name_corrupt(study, &evaluation);
    }
    ohm_arena_free(arena);
    return status;
}

static int run_points(struct study *study, struct ohm_result *result) {
    for (int p = 0; p < study->npoint; p++) {
        int status = OHM_OK;
        if (!study->keeping->points[p])
            status = run_point(study, p, result);
        else if (study->world.rank == 0)
            status = keeping_take_point(study->keeping, p, result);
        OHM_TRY(ohm_world_agree(&study->world, status));
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

/* Host names of all ranks, each once, in rank order; rank 0 has the text. Collective. */
static int list_hosts(struct study *study, char **hosts) {
    char mine[256] = "";
    void *all;
    size_t bytes, used = 0;
    gethostname(mine, sizeof mine - 1);
    OHM_TRY(ohm_world_gather(&study->world, mine, sizeof mine, &all, &bytes));
    *hosts = ohm_arena_alloc(study->job->arena, bytes + 1);
    const char *last = "";
    for (size_t at = 0; *hosts && all && at < bytes; at += sizeof mine) {
        const char *name = (const char *)all + at;
        if (strcmp(name, last)) used += (size_t)sprintf(*hosts + used, "%s%s", used ? " " : "", name);
        last = name;
    }
    free(all);
    return ohm_world_agree(&study->world, *hosts ? OHM_OK : OHM_E_MEMORY);
}

static void announce(const struct study *study) {
    const struct ohm_world *world = &study->world;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    ohm_log("%d rank%s x %d thread%s, kernel %s, %lld images, %d designs", world->size, world->size > 1 ? "s" : "", study->threads,
            study->threads > 1 ? "s" : "", ohm_kernel_chosen()->name, (long long)ohm_image_set_count(study->images), study->job->ndesign);
    if ((long)world->local_size * study->threads > cores)
        ohm_warn("%d ranks x %d threads share %ld cores on this node; set OMP_NUM_THREADS or use fewer ranks", world->local_size, study->threads,
                 cores);
}

/* Rank 0: the result file, before any work is done. */
static int create_result(const struct ohm_job *job, struct ohm_result **result) {
    if (!job->run.output) return ohm_fail(OHM_E_USAGE, "%s: run.output is not set: where should the result go?", job->path);
    if (!job->run.overwrite && !access(job->run.output, F_OK))
        return ohm_fail(OHM_E_USAGE, "%s exists and run.overwrite is off; remove it or choose another run.output", job->run.output);
    return ohm_result_create(job->run.output, result);
}

int command_run(const struct ohm_world *world, const struct arguments *arguments) {
    struct study study;
    struct keeping keeping = {0};
    struct ohm_result *result = NULL;
    char started[32], *hosts = NULL;
    time_t now = time(NULL);
    double began = ohm_seconds();
    strftime(started, sizeof started, "%Y-%m-%dT%H:%M:%SZ", gmtime(&now));
    int status = study_open(&study, world, arguments);
    if (!status && world->rank == 0) status = create_result(study.job, &result);
    status = ohm_world_agree(world, status);
    if (!status) {
        study.keeping = &keeping;
        status = keeping_look(&keeping, &study);
    }
    study.threads = study_threads(world);
    omp_set_num_threads(study.threads);
    if (!status) status = study_load(&study, true);
    if (!status) status = point_check_fitted(&study);
    if (!status) announce(&study);
    if (!status) status = list_hosts(&study, &hosts);
    if (!status) status = keeping_begin(&keeping);
    if (!status) status = run_points(&study, result);
    if (!status && world->rank == 0) {
        status = finish(&study, result, arguments, started, began, hosts);
        result = NULL;
    }
    ohm_result_abandon(result);
    status = ohm_world_agree(world, status);
    if (study.keeping) status = keeping_end(&keeping, status);
    if (!status && world->rank == 0) status = print_table(study.job->run.output);
    if (!status) ohm_log("result: %s (%.1f s)", study.job->run.output, ohm_seconds() - began);
    study_close(&study);
    return ohm_world_agree(world, status);
}
