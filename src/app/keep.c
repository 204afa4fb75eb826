/* Finished batches, of this run and of earlier ones of the same job. */
#include "keep.h"
#include "ohmtally/log.h"
#include "ohmtally/status.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

static uint64_t identity_hash(const char *identity) {
    return XXH64(identity, strlen(identity), 0);
}

struct scanning {
    struct keeping *keeping;
    int32_t journal;
};
static int add_kept(void *context, const struct ohm_journal_entry *entry) {
    struct scanning *scanning = context;
    struct keeping *keeping = scanning->keeping;
    if (keeping->nkept == keeping->kept_room) {
        int64_t room = keeping->kept_room ? 2 * keeping->kept_room : 1024;
        struct kept *grown = realloc(keeping->kept, (size_t)room * sizeof *grown);
        if (!grown) return ohm_fail(OHM_E_MEMORY, "%s: no memory for its %lld batches", keeping->folder.path, (long long)room);
        keeping->kept = grown;
        keeping->kept_room = room;
    }
    keeping->kept[keeping->nkept++] = (struct kept){scanning->journal, *entry};
    return OHM_OK;
}

static int point_file(const struct keeping *keeping, int32_t point, char **file) {
    char name[32];
    snprintf(name, sizeof name, "point-%d.h5", point);
    return keep_folder_file(keeping->folder.path, name, file);
}

/* Batches and points that are there. */
static int look(struct keeping *keeping) {
    const struct keep_folder *folder = &keeping->folder;
    for (int32_t i = 0; folder->identity && i < folder->njournal; i++) {
        struct scanning scanning = {keeping, i};
        OHM_TRY(ohm_journal_scan(folder->journals[i], identity_hash(folder->identity), add_kept, &scanning));
    }
    for (int32_t p = 0; folder->identity && p < keeping->npoint; p++) {
        char *file;
        OHM_TRY(point_file(keeping, p, &file));
        keeping->points[p] = ohm_result_has_point(file, keeping->names[p]) ? POINT_IN_JOURNAL : POINT_OPEN;
        free(file);
    }
    return OHM_OK;
}

static int32_t count_points(const struct keeping *keeping) {
    int32_t count = 0;
    for (int32_t p = 0; p < keeping->npoint; p++) count += keeping->points[p] != POINT_OPEN;
    return count;
}

static bool empty(const struct keeping *keeping) {
    return !keeping->nkept && !count_points(keeping);
}

/* What the user wants: run.resume, --resume (which sets it); a job that SLURM has put back into its queue is meant to go on. */
static enum ohm_resume wish(const struct ohm_job *job) {
    const char *restarts = getenv("SLURM_RESTART_COUNT");
    return job->run.resume == OHM_RESUME_ASK && restarts && atoi(restarts) > 0 ? OHM_RESUME_AUTO : job->run.resume;
}

static int look_first(struct keeping *keeping) {
    OHM_TRY(keep_folder_look(keeping->output, &keeping->folder));
    OHM_TRY(look(keeping));
    if (wish(keeping->job) == OHM_RESUME_ASK && !empty(keeping))
        return ohm_fail(OHM_E_USAGE, "%s holds what an earlier run finished; go on from it with --resume, or remove it", keeping->folder.path);
    if (wish(keeping->job) == OHM_RESUME_NEVER) {
        keeping->nkept = 0;
        memset(keeping->points, POINT_OPEN, (size_t)keeping->npoint);
    }
    return OHM_OK;
}

int keeping_look(struct keeping *keeping) {
    keeping->folder = (struct keep_folder){.lock = -1};
    keeping->points = ohm_alloc_array((size_t)keeping->npoint, sizeof *keeping->points);
    int status = keeping->points ? OHM_OK : OHM_E_MEMORY;
    if (!status && !keeping->world.rank) status = look_first(keeping);
    return ohm_world_agree(&keeping->world, status);
}

static void find_published(struct keeping *keeping, const struct ohm_report *report) {
    for (int32_t i = 0; i < report->npoint; i++)
        for (int32_t p = 0; p < keeping->npoint; p++)
            if (!strcmp(report->points[i].name, keeping->names[p])) keeping->points[p] = POINT_IN_OUTPUT;
}

/* A result of the same job under the output's name: complete, or without points that failed. */
static int take_published(struct keeping *keeping, struct ohm_arena *arena, const char *now) {
    struct ohm_report *report;
    const char *published = wish(keeping->job) == OHM_RESUME_AUTO ? ohm_result_identity(keeping->output, arena) : NULL;
    if (!published || identity_difference(arena, published, now)) return OHM_OK;
    OHM_TRY(ohm_report_read(keeping->output, &report));
    find_published(keeping, report);
    ohm_report_free(report);
    ohm_log("%s is of this job: %d of %d points are finished", keeping->output, count_points(keeping), keeping->npoint);
    return OHM_OK;
}

static int settle(struct keeping *keeping, struct ohm_arena *arena, const char *now, uint64_t *identity) {
    struct keep_folder *folder = &keeping->folder;
    keeping->begun = true;
    *identity = identity_hash(now);
    if (empty(keeping)) {
        OHM_TRY(keep_folder_make(folder, now));
        return take_published(keeping, arena, now);
    }
    const char *difference = identity_difference(arena, folder->identity, now);
    keeping->begun = !difference;
    if (difference)
        return ohm_fail(OHM_E_USAGE, "%s was begun by another job: %s; run the job as it was, or remove the folder to begin anew", folder->path,
                        difference);
    ohm_log("going on from %s: %d of %d points and %lld batches are finished", folder->path, count_points(keeping), keeping->npoint,
            (long long)keeping->nkept);
    return OHM_OK;
}

/* What the other ranks need to know, in one piece. */
struct begun {
    uint64_t identity;
    int32_t run;
    char path[4096];
};

static int share_begun(struct keeping *keeping, struct begun *begun) {
    const struct ohm_world *world = &keeping->world;
    char *bytes = (char *)begun, *points = (char *)keeping->points;
    size_t size = sizeof *begun, npoint = (size_t)keeping->npoint;
    OHM_TRY(ohm_world_share(world, &bytes, &size));
    if (world->rank) memcpy(begun, bytes, sizeof *begun);
    OHM_TRY(ohm_world_share(world, &points, &npoint));
    if (world->rank) memcpy(keeping->points, points, npoint);
    if (world->rank) free(bytes);
    if (world->rank) free(points);
    return OHM_OK;
}

int keeping_begin(struct keeping *keeping, const char *identity) {
    const struct ohm_world *world = &keeping->world;
    struct begun begun = {0};
    struct ohm_arena *arena = ohm_arena_new();
    char name[64], *file = NULL;
    int status = arena ? OHM_OK : OHM_E_MEMORY;
    if (!status && !world->rank) {
        status = settle(keeping, arena, identity, &begun.identity);
        begun.run = keeping->folder.run;
        if (snprintf(begun.path, sizeof begun.path, "%s", keeping->folder.path) >= (int)sizeof begun.path)
            status = ohm_fail(OHM_E_USAGE, "%s: path too long", keeping->folder.path);
    }
    ohm_arena_free(arena);
    OHM_TRY(ohm_world_agree(world, status));
    OHM_TRY(share_begun(keeping, &begun));
    snprintf(name, sizeof name, "rank-%d-%d", world->rank, begun.run);
    status = keep_folder_file(begun.path, name, &file);
    if (!status) status = ohm_journal_create(file, begun.identity, &keeping->journal);
    free(file);
    return ohm_world_agree(world, status);
}

int keeping_end(struct keeping *keeping, int status) {
    const struct ohm_world *world = &keeping->world;
    int64_t appended = keeping->appended;
    struct ohm_failure failure = {0};
    ohm_fail_take(&failure);
    if (keeping->journal && status && ohm_journal_sync(keeping->journal)) ohm_fail_clear(); /* the run has failed already, for a better reason */
    ohm_journal_close(keeping->journal);
    ohm_world_sum(world, &appended, 1);
    if (keeping->begun) {
        if (!status || (!appended && empty(keeping)))
            keep_folder_remove(&keeping->folder);
        else
            ohm_log("what is finished is kept in %s", keeping->folder.path);
    }
    keep_folder_close(&keeping->folder);
    free(keeping->kept);
    free(keeping->points);
    *keeping = (struct keeping){.folder = {.lock = -1}};
    return ohm_fail_give(&failure);
}

int keeping_add(struct keeping *keeping, const struct ohm_journal_batch *batch) {
    OHM_TRY(ohm_journal_append(keeping->journal, batch));
    keeping->appended++;
    return OHM_OK;
}

/* A batch counts as a whole: where one of its images is there already, from a run that was cut off elsewhere, it is left out and done again. */
static bool fits(const struct ohm_journal_batch *batch, int64_t count, const uint8_t *done, int32_t nlayer) {
    if (batch->first + batch->nrow > count || (batch->nlayer && batch->nlayer != nlayer)) return false;
    for (int32_t i = 0; i < batch->nrow; i++)
        if (done[batch->first + i]) return false;
    return true;
}

int keeping_load(const struct keeping *keeping, int32_t point, int32_t trial, int64_t count, struct ohm_image_row *rows, uint8_t *done,
                 struct ohm_tally *tally, int32_t nlayer) {
    for (int64_t k = 0; k < keeping->nkept; k++) {
        const struct kept *kept = &keeping->kept[k];
        struct ohm_journal_batch batch;
        void *buffer;
        if (kept->entry.point != point || kept->entry.trial != trial) continue;
        OHM_TRY(ohm_journal_read(keeping->folder.journals[kept->journal], &kept->entry, &batch, &buffer));
        if (fits(&batch, count, done, nlayer)) {
            memcpy(&rows[batch.first], batch.rows, (size_t)batch.nrow * sizeof *rows);
            memset(&done[batch.first], 1, (size_t)batch.nrow);
            for (int32_t i = 0; i < batch.nlayer; i++) ohm_tally_add(&tally[i], &batch.tally[i]);
        }
        free(buffer);
    }
    return OHM_OK;
}

int keeping_save_point(const struct keeping *keeping, int32_t point, const struct ohm_result *result) {
    char *file;
    OHM_TRY(point_file(keeping, point, &file));
    int status = ohm_result_save_point(result, keeping->names[point], file);
    free(file);
    return status;
}

int keeping_take_point(const struct keeping *keeping, int32_t point, struct ohm_result *result) {
    char *file;
    if (keeping->points[point] == POINT_IN_OUTPUT) return ohm_result_take_point(result, keeping->output, keeping->names[point]);
    OHM_TRY(point_file(keeping, point, &file));
    int status = ohm_result_take_point(result, file, keeping->names[point]);
    free(file);
    return status;
}
