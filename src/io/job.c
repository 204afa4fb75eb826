/* Reading a job: parse, override, bind, check. */
#include "ohmtally/job.h"
#include "job_reader.h"
#include "ohmtally/status.h"

/* The tree's root, a mapping even for an empty file, so that --set alone can make a job. */
static int root_mapping(struct ohm_job_reader *reader) {
    if (!reader->root || ohm_yaml_is_none(reader->root)) {
        reader->root = ohm_arena_alloc(reader->arena, sizeof *reader->root);
        if (!reader->root) return OHM_E_MEMORY;
        *reader->root = (struct ohm_yaml_node){.kind = OHM_YAML_MAPPING, .where = reader->job->path};
    }
    if (reader->root->kind != OHM_YAML_MAPPING)
        return ohm_fail(OHM_E_USAGE, "%s: a job is made of sections such as 'network: {file: ...}'; this is %s", reader->root->where,
                        ohm_yaml_kind_text(reader->root));
    return OHM_OK;
}

static int read_job(struct ohm_job_reader *reader, const char *path, const char *text, size_t size, const char *const *set, size_t nset) {
    reader->job->path = ohm_arena_string(reader->arena, path);
    if (!reader->job->path) return OHM_E_MEMORY;
    OHM_TRY(ohm_yaml_parse(reader->arena, path, text, size, &reader->root));
    OHM_TRY(root_mapping(reader));
    for (size_t i = 0; i < nset; i++) OHM_TRY(ohm_job_override(reader, set[i]));
    OHM_TRY(ohm_job_bind(reader));
    OHM_TRY(ohm_job_bind_designs(reader));
    OHM_TRY(ohm_job_bind_sweep(reader));
    return ohm_job_check(reader);
}

int ohm_job_parse(const char *path, const char *text, size_t size, const char *const *set, size_t nset, struct ohm_job **job) {
    *job = NULL;
    struct ohm_arena *arena = ohm_arena_new();
    if (!arena) return OHM_E_MEMORY;
    struct ohm_job_reader reader = {.arena = arena, .job = ohm_arena_alloc(arena, sizeof *reader.job)};
    if (!reader.job) {
        ohm_arena_free(arena);
        return OHM_E_MEMORY;
    }
    reader.job->arena = arena;
    int status = read_job(&reader, path, text, size, set, nset);
    if (status)
        ohm_arena_free(arena);
    else
        *job = reader.job;
    return status;
}

void ohm_job_free(struct ohm_job *job) {
    if (job) ohm_arena_free(job->arena);
}
