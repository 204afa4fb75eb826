/* Results of shares of one job as one result. */
#include "ohmtally/status.h"
#include "result_file.h"
#include <stdlib.h>
#include <string.h>

struct merging {
    struct ohm_result *result;
    struct ohm_arena *arena;
    const char *const *paths;
    int32_t npath;
    hid_t *files; /* [npath] */
    struct ohm_report **reports;
};

static int open_all(struct merging *merging) {
    for (int32_t i = 0; i < merging->npath; i++) {
        OHM_TRY(ohm_report_read(merging->paths[i], &merging->reports[i]));
        OHM_TRY(ohm_h5_open(merging->paths[i], &merging->files[i]));
    }
    return OHM_OK;
}

/* The first line in which two identities differ: enough to say what is not the same. */
static int refuse(const struct merging *merging, int32_t i, const char *first, const char *other) {
    while (*first && *first == *other) first++, other++;
    const char *line = first;
    while (line > merging->reports[0]->identity && line[-1] != '\n') line--;
    const size_t into = (size_t)(first - line);
    return ohm_fail(OHM_E_INPUT, "%s and %s are of different jobs: '%.*s' and '%.*s'", merging->paths[0], merging->paths[i], (int)strcspn(line, "\n"),
                    line, (int)strcspn(other - into, "\n"), other - into);
}

static int check_jobs(const struct merging *merging) {
    for (int32_t i = 0; i < merging->npath; i++) {
        const char *first = merging->reports[0]->identity, *identity = merging->reports[i]->identity;
        if (!identity)
            return ohm_fail(OHM_E_INPUT, "%s: does not say of which job it is: an older ohmtally made it; run it again", merging->paths[i]);
        if (strcmp(first, identity)) return refuse(merging, i, first, identity);
    }
    return OHM_OK;
}

static const struct ohm_report_point *find(const struct ohm_report *report, const char *name) {
    for (int32_t p = 0; p < report->npoint; p++)
        if (!strcmp(report->points[p].name, name)) return &report->points[p];
    return NULL;
}

/* A point from the first file that has it; others must say the same. */
static int merge_point(struct merging *merging, const char *name) {
    const struct ohm_report_point *taken = NULL;
    int32_t from = 0;
    for (int32_t i = 0; i < merging->npath; i++) {
        const struct ohm_report_point *point = find(merging->reports[i], name);
        if (point && taken && strcmp(point->digest, taken->digest))
            return ohm_fail(OHM_E_INPUT, "%s and %s hold different results of %s, digests %s and %s", merging->paths[from], merging->paths[i], name,
                            taken->digest, point->digest);
        if (point && !taken) from = i;
        if (point && !taken) taken = point;
    }
    if (!taken) return OHM_OK;
    OHM_TRY(ohm_result_name(merging->result, name));
    OHM_TRY(ohm_result_copy_group(merging->files[from], merging->result->out.file, name));
    merging->result->npoint++;
    return OHM_OK;
}

/* Failures of points that no file has a result of, each once. */
static int merge_failed(const struct merging *merging, hid_t run) {
    const char **failed;
    int32_t most = 0, n = 0;
    for (int32_t i = 0; i < merging->npath; i++) most += merging->reports[i]->nfailed;
    if (!(failed = ohm_arena_array(merging->arena, (size_t)most, sizeof *failed))) return OHM_E_MEMORY;
    for (int32_t i = 0; i < merging->npath; i++)
        for (int32_t k = 0; k < merging->reports[i]->nfailed; k++) {
            const char *line = merging->reports[i]->failed[k];
            const size_t name = strcspn(line, ":");
            bool seen = false;
            for (int32_t p = 0; p < merging->result->npoint; p++)
                seen = seen || (strlen(merging->result->names[p]) == name && !strncmp(merging->result->names[p], line, name));
            for (int32_t other = 0; other < n; other++) seen = seen || !strcmp(failed[other], line);
            if (!seen) failed[n++] = line;
        }
    return n ? ohm_result_write_failed(run, failed, n) : OHM_OK;
}

/* /run of the first file, with the failures of all. */
static int merge_run(const struct merging *merging) {
    hid_t file = merging->result->out.file, run;
    OHM_TRY(ohm_result_copy_group(merging->files[0], file, "run"));
    OHM_TRY(ohm_h5_group_open(file, "run", &run));
    int status = ohm_h5_has(run, "failed") && H5Ldelete(run, "failed", H5P_DEFAULT) < 0 ? ohm_h5_fail(OHM_E_IO, run, "failed", "replace it") : OHM_OK;
    if (!status) status = merge_failed(merging, run);
    H5Gclose(run);
    return status;
}

static int merge(struct merging *merging) {
    OHM_TRY(open_all(merging));
    OHM_TRY(check_jobs(merging));
    for (int32_t k = 0; k < merging->reports[0]->nplan; k++) OHM_TRY(merge_point(merging, merging->reports[0]->plan[k]));
    return merge_run(merging);
}

int ohm_result_merge(const char *out, const char *const *paths, int32_t npath) {
    struct merging merging = {.arena = ohm_arena_new(), .paths = paths, .npath = npath};
    int status = merging.arena ? OHM_OK : OHM_E_MEMORY;
    if (!status) merging.files = ohm_arena_array(merging.arena, (size_t)npath, sizeof *merging.files);
    if (!status) merging.reports = ohm_arena_array(merging.arena, (size_t)npath, sizeof *merging.reports);
    if (!merging.files || !merging.reports) status = OHM_E_MEMORY;
    if (!status) status = ohm_result_create(out, &merging.result);
    if (!status) status = merge(&merging);
    if (!status)
        status = ohm_result_publish(merging.result);
    else
        ohm_result_abandon(merging.result);
    for (int32_t i = 0; merging.files && merging.reports && i < npath; i++) {
        if (merging.files[i] > 0) H5Fclose(merging.files[i]);
        ohm_report_free(merging.reports[i]);
    }
    ohm_arena_free(merging.arena);
    return status;
}
