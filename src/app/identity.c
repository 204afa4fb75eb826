/* What a result depends on. Two runs of one identity may do parts of one result. */
#include "keep.h"
#include "ohmtally/digest.h"
#include "ohmtally/status.h"
#include "ohmtally/text.h"
#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool matches(const char *key, const char *const *patterns, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!fnmatch(patterns[i], key, 0)) return true;
    return false;
}

/* Whether a key names a file that designs read. */
static bool names_file(const char *key) {
    static const char *const patterns[] = {"adc.levels",           "device.measured",    "designs.*.layers", "designs.*.weights",
                                           "designs.*.adc_levels", "designs.*.measured", "adc.codes",        "designs.*.adc_codes"};
    return matches(key, patterns, sizeof patterns / sizeof patterns[0]);
}

/* Keys that may change: how the work is done and where its result goes; and where inputs are, since their contents are in the identity. */
static bool may_change(const char *key) {
    static const char *const patterns[] = {"network.file",
                                           "network.save",
                                           "images.folder",
                                           "images.packed",
                                           "images.labels",
                                           "images.classes",
                                           "quantize.calibration.folder",
                                           "quantize.calibration.packed",
                                           "quantize.calibration.labels",
                                           "quantize.calibration.classes",
                                           "same.technology",
                                           "run.batch",
                                           "run.output",
                                           "run.overwrite",
                                           "run.grid",
                                           "run.memory_mb",
                                           "run.resume",
                                           "search",
                                           "search.*",
                                           "fit",
                                           "fit.*",
                                           "predict",
                                           "predict.*"};
    return matches(key, patterns, sizeof patterns / sizeof patterns[0]) || names_file(key);
}

struct lines {
    struct ohm_arena *arena;
    char *text;
    size_t used, room;
};

static int add(struct lines *lines, const char *key, const char *value) {
    size_t need = strlen(key) + strlen(value) + 5;
    if (lines->used + need > lines->room) {
        size_t room = 2 * (lines->room + need);
        char *grown = ohm_arena_alloc(lines->arena, room);
        if (!grown) return OHM_E_MEMORY;
        if (lines->used) memcpy(grown, lines->text, lines->used);
        lines->text = grown;
        lines->room = room;
    }
    int written = snprintf(lines->text + lines->used, need, "%s = %s\n", key, value);
    for (char *c = lines->text + lines->used; c < lines->text + lines->used + written - 1; c++)
        if (*c == '\n') *c = ' '; /* one line each, whatever a value holds */
    lines->used += (size_t)written;
    return OHM_OK;
}

static int add_digest(struct lines *lines, const char *key, uint64_t digest) {
    char text[17];
    snprintf(text, sizeof text, "%016" PRIx64, digest);
    return add(lines, key, text);
}

static int add_file(struct lines *lines, const char *key, const char *path) {
    uint64_t digest;
    OHM_TRY(ohm_file_digest(path, &digest));
    return add_digest(lines, key, digest);
}

/* The contents of a file that a key names. path: freed; it and name NULL: there was no memory. */
static int add_named(struct lines *lines, const char *name, char *path) {
    const char *key = name ? ohm_arena_format(lines->arena, "%s (contents)", name) : NULL;
    int status = path && key ? add_file(lines, key, path) : OHM_E_MEMORY;
    free(path);
    return status;
}

static int add_images(struct lines *lines, const char *key, const struct ohm_image_set *set) {
    uint64_t digest = 0;
    if (set) OHM_TRY(ohm_image_set_digest(set, &digest));
    return add_digest(lines, key, digest);
}

static int add_inputs(struct lines *lines, const struct ohm_job *job, const struct study *study) {
    char *path;
    OHM_TRY(add_file(lines, "network.file (contents)", job->network.file));
    OHM_TRY(add_digest(lines, "network.file (weights)", ohm_constants_digest(study->content.network)));
    OHM_TRY(add_images(lines, "images (names, sizes, labels)", study->images));
    OHM_TRY(add_images(lines, "quantize.calibration (names, sizes, labels)", study->calibration));
    OHM_TRY(ohm_technology_find(job->path, job->same.technology, &path));
    return add_named(lines, "same.technology", path);
}

static int add_design_files(struct lines *lines, const struct ohm_job *job) {
    for (int32_t i = 0; i < job->nused; i++) {
        if (!names_file(job->used[i].key) || !strcmp(job->used[i].value, "none")) continue;
        OHM_TRY(add_named(lines, job->used[i].key, ohm_path_beside(job->path, job->used[i].value)));
    }
    return OHM_OK;
}

/* Files that a sweep names. */
static int add_swept_files(struct lines *lines, const struct ohm_job *job) {
    for (int32_t i = 0; i < job->sweep.naxis; i++) {
        const struct ohm_job_axis *axis = &job->sweep.axes[i];
        const bool technology = !strcmp(axis->key, "same.technology"), beside = names_file(axis->key);
        for (int32_t k = 0; (technology || beside) && k < axis->nvalue; k++) {
            char *path = NULL;
            if (beside && !strcmp(axis->values[k], "none")) continue;
            if (technology) OHM_TRY(ohm_technology_find(job->path, axis->values[k], &path));
            if (beside) path = ohm_path_beside(job->path, axis->values[k]);
            OHM_TRY(add_named(lines, ohm_arena_format(lines->arena, "%s %s", axis->key, axis->values[k]), path));
        }
    }
    return OHM_OK;
}

int identity_text(const struct ohm_job *job, const struct study *loaded, struct ohm_arena *arena, const char **text) {
    struct lines lines = {.arena = arena};
    for (int32_t i = 0; i < job->nused; i++) /* first, since they say more than hashes do when something differs */
        if (!may_change(job->used[i].key)) OHM_TRY(add(&lines, job->used[i].key, job->used[i].value));
    OHM_TRY(add_inputs(&lines, job, loaded));
    OHM_TRY(add_design_files(&lines, job));
    OHM_TRY(add_swept_files(&lines, job));
    OHM_TRY(add(&lines, "outputs_digest (hash)", "XXH3")); /* src/eval/forward.c; revisions may be unknown */
    OHM_TRY(add(&lines, "ohmtally", OHM_VERSION " " OHM_REVISION));
    *text = lines.text;
    return OHM_OK;
}

/* The line of `text` with the key of `line`; NULL: none. Keys end at " = ". */
static const char *line_of(const char *text, const char *line) {
    size_t key = (size_t)(strstr(line, " = ") - line) + 3;
    for (; text && *text; text = strchr(text, '\n') + 1)
        if (!strncmp(text, line, key)) return text;
    return NULL;
}

/* Whole lines only, each with a key. */
static bool well_formed(const char *text) {
    for (const char *end; *text; text = end + 1) {
        const char *equals = strstr(text, " = ");
        end = strchr(text, '\n');
        if (!end || !equals || equals > end) return false;
    }
    return true;
}

static const char *difference(struct ohm_arena *arena, const char *line, const char *other, bool line_is_now) {
    const char *equals = strstr(line, " = ");
    const int key = (int)(equals - line), mine = (int)strcspn(equals + 3, "\n");
    if (!other)
        return ohm_arena_format(arena, "%.*s = %.*s %s", key, line, mine, equals + 3, line_is_now ? "was not there" : "is not there any more");
    const char *its = strstr(other, " = ") + 3;
    return ohm_arena_format(arena, "%.*s was %.*s and is now %.*s", key, line, (int)strcspn(its, "\n"), its, mine, equals + 3);
}

const char *identity_difference(struct ohm_arena *arena, const char *before, const char *now) {
    if (!well_formed(before)) return "its list of settings is damaged";
    for (const char *line = now; *line; line = strchr(line, '\n') + 1) {
        const char *other = line_of(before, line);
        size_t length = (size_t)(strchr(line, '\n') - line) + 1;
        if (!other || strncmp(other, line, length)) return difference(arena, line, other, true);
    }
    for (const char *line = before; *line; line = strchr(line, '\n') + 1)
        if (!line_of(now, line)) return difference(arena, line, NULL, false);
    return NULL;
}
