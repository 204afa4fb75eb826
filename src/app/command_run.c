/* ohmtally run: every point over all images, into one result file. */
#include "app.h"
#include "ohmtally/log.h"
#include "ohmtally/status.h"
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define NAMED_CORRUPT 20 /* corrupt images named one by one; the rest are only counted */

static void name_corrupt(const struct session *session, const struct evaluation *evaluation) {
    int64_t named = 0;
    for (int64_t i = 0; i < evaluation->nrow && named < NAMED_CORRUPT; i++)
        if (evaluation->rows[i].correct == -2) {
            ohm_warn("%s is corrupt and not scored", ohm_image_set_name(session->images, evaluation->rows[i].index));
            named++;
        }
    if (evaluation->info.corrupt > named) ohm_warn("%lld more corrupt images are not scored", (long long)(evaluation->info.corrupt - named));
}

static const char *cpu_model(struct ohm_arena *arena) {
    char line[256], *colon;
    FILE *file = fopen("/proc/cpuinfo", "r");
    const char *model = "unknown";
    while (file && fgets(line, sizeof line, file))
        if (!strncmp(line, "model name", 10) && (colon = strchr(line, ':'))) {
            line[strcspn(line, "\n")] = 0;
            model = ohm_arena_string(arena, colon + 2);
            break;
        }
    if (file) fclose(file);
    return model;
}

static int finish(struct session *session, struct ohm_result *result, const struct arguments *arguments, const char *started, double began, const char *hosts) {
    const struct ohm_job *job = session->job;
    const struct ohm_kernel *kernel = ohm_kernel_chosen();
    struct ohm_run_info run = {.revision = OHM_REVISION,
                               .version = OHM_VERSION,
                               .compiler = OHM_COMPILER,
                               .flags = OHM_FLAGS,
                               .libraries = OHM_LIBRARIES,
                               .hosts = hosts,
                               .kernel = kernel->name,
                               .cpu = cpu_model(job->arena),
                               .started = started,
                               .job_text = session->job_text,
                               .command = arguments->command_line,
                               .ranks = session->world.size,
                               .threads = session->threads,
                               .batch = job->run.batch,
                               .seed = job->run.seed,
                               .images = ohm_image_set_count(session->images),
                               .seconds = ohm_seconds() - began};
    const char **used = ohm_arena_array(job->arena, (size_t)job->nused, sizeof *used);
    if (!used) return OHM_E_MEMORY;
    for (int32_t i = 0; i < job->nused; i++) used[i] = ohm_arena_format(job->arena, "%s = %s", job->used[i].key, job->used[i].value);
    return ohm_result_finish(result, &run, used, job->nused);
}

static int run_points(struct session *session, struct ohm_result *result) {
    for (int p = 0; p < session->npoint; p++) {
        struct evaluation evaluation;
        struct ohm_arena *arena = ohm_arena_new();
        OHM_TRY(ohm_world_agree(&session->world, arena ? OHM_OK : OHM_E_MEMORY));
        int status = evaluate_point(session, &session->points[p], arena, &evaluation);
        if (!status && session->world.rank == 0) {
            status = ohm_result_add(result, &evaluation.info, evaluation.rows, evaluation.nrow, evaluation.layers, evaluation.nlayer);
            if (p == 0) name_corrupt(session, &evaluation);
        }
        ohm_arena_free(arena);
        OHM_TRY(ohm_world_agree(&session->world, status));
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
static int list_hosts(struct session *session, char **hosts) {
    char mine[256] = "";
    void *all;
    size_t bytes, used = 0;
    gethostname(mine, sizeof mine - 1);
    OHM_TRY(ohm_world_gather(&session->world, mine, sizeof mine, &all, &bytes));
    *hosts = ohm_arena_alloc(session->job->arena, bytes + 1);
    const char *last = "";
    for (size_t at = 0; *hosts && all && at < bytes; at += sizeof mine) {
        const char *name = (const char *)all + at;
        if (strcmp(name, last)) used += (size_t)sprintf(*hosts + used, "%s%s", used ? " " : "", name);
        last = name;
    }
    free(all);
    return ohm_world_agree(&session->world, *hosts ? OHM_OK : OHM_E_MEMORY);
}

static void announce(const struct session *session) {
    const struct ohm_world *world = &session->world;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    ohm_log("%d rank%s x %d thread%s, kernel %s, %lld images, %d designs", world->size, world->size > 1 ? "s" : "", session->threads, session->threads > 1 ? "s" : "",
            ohm_kernel_chosen()->name, (long long)ohm_image_set_count(session->images), session->job->ndesign);
    if ((long)world->local_size * session->threads > cores)
        ohm_warn("%d ranks x %d threads share %ld cores on this node; set OMP_NUM_THREADS or use fewer ranks", world->local_size, session->threads, cores);
}

/* Rank 0: the result file, before any work is done. */
static int create_result(const struct ohm_job *job, struct ohm_result **result) {
    if (!job->run.output) return ohm_fail(OHM_E_USAGE, "%s: run.output is not set: where should the result go?", job->path);
    if (!job->run.overwrite && !access(job->run.output, F_OK))
        return ohm_fail(OHM_E_USAGE, "%s exists and run.overwrite is off; remove it or choose another run.output", job->run.output);
    return ohm_result_create(job->run.output, result);
}

int command_run(const struct ohm_world *world, const struct arguments *arguments) {
    struct session session;
    struct ohm_result *result = NULL;
    char started[32], *hosts = NULL;
    time_t now = time(NULL);
    double began = ohm_seconds();
    strftime(started, sizeof started, "%Y-%m-%dT%H:%M:%SZ", gmtime(&now));
    int status = session_open(&session, world, arguments);
    if (!status && world->rank == 0) status = create_result(session.job, &result);
    status = ohm_world_agree(world, status);
    session.threads = session_threads(world);
    omp_set_num_threads(session.threads);
    if (!status) status = session_load(&session, true);
    if (!status) announce(&session);
    if (!status) status = list_hosts(&session, &hosts);
    if (!status) status = run_points(&session, result);
    if (!status && world->rank == 0) {
        status = finish(&session, result, arguments, started, began, hosts);
        result = NULL;
    }
    ohm_result_abandon(result);
    status = ohm_world_agree(world, status);
    if (!status && world->rank == 0) status = print_table(session.job->run.output);
    if (!status) ohm_log("result: %s (%.1f s)", session.job->run.output, ohm_seconds() - began);
    session_close(&session);
    return ohm_world_agree(world, status);
}
