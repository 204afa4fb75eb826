/* The folder that a run's journal lives in. */
#include "keep.h"
#include "ohmtally/log.h"
#include "ohmtally/status.h"
#include "ohmtally/text.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCK_SECONDS 5 /* processes of a run that was killed take a moment to be gone */

int keep_folder_file(const char *path, const char *name, char **file) {
    if (asprintf(file, "%s/%s", path, name) >= 0) return OHM_OK;
    *file = NULL;
    return ohm_fail(OHM_E_MEMORY, "%s: no memory for a file name", path);
}

/* Calls see for every file whose name begins so; the order is the system's. */
static int each_file(const char *path, const char *begins, int (*see)(void *context, const char *path, const char *name), void *context) {
    int status = OHM_OK;
    DIR *listing = opendir(path);
    if (!listing) return ohm_fail(OHM_E_IO, "%s: cannot list it: %s", path, strerror(errno));
    for (struct dirent *entry; !status && (entry = readdir(listing));)
        if (!strncmp(entry->d_name, begins, strlen(begins))) status = see(context, path, entry->d_name);
    closedir(listing);
    return status;
}

static int unlink_file(void *context, const char *path, const char *name) {
    char *file;
    OHM_TRY(keep_folder_file(path, name, &file));
    unlink(file);
    free(file);
    return OHM_OK;
}

/* Files of ours alone; anything else keeps the folder. */
static void empty(const char *path) {
    static const char *const names[] = {"rank-", "point-", "job"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (each_file(path, names[i], unlink_file, NULL)) ohm_fail_clear(); /* what stays shows when the folder is removed */
}

/* By the kernel, which lets go when the process dies however it dies. File systems that cannot lock do without. */
static int take_lock(struct keep_folder *folder) {
    char *file;
    OHM_TRY(keep_folder_file(folder->path, "lock", &file));
    folder->lock = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    free(file);
    if (folder->lock < 0) return ohm_fail(OHM_E_IO, "%s: cannot write into it: %s", folder->path, strerror(errno));
    for (double end = ohm_seconds() + LOCK_SECONDS; flock(folder->lock, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK; usleep(50000))
        if (ohm_seconds() > end)
            return ohm_fail(OHM_E_USAGE, "%s: another run is writing there; wait for it, or choose another run.output", folder->path);
    return OHM_OK;
}

/* rank-<r>-<k> */
static int add_journal(void *context, const char *path, const char *name) {
    struct keep_folder *folder = context;
    const char *last = strrchr(name, '-');
    int64_t run;
    char **grown = realloc(folder->journals, (size_t)(folder->njournal + 1) * sizeof *grown);
    if (!grown) return ohm_fail(OHM_E_MEMORY, "%s: no memory for its list of files", path);
    folder->journals = grown;
    OHM_TRY(keep_folder_file(path, name, &grown[folder->njournal]));
    folder->njournal++;
    if (!ohm_text_int64(last + 1, &run) && run >= folder->run && run < INT32_MAX) folder->run = (int32_t)run + 1;
    return OHM_OK;
}

int keep_folder_look(const char *output, struct keep_folder *folder) {
    struct stat info;
    char *job;
    size_t size;
    *folder = (struct keep_folder){.lock = -1, .run = 1};
    if (asprintf(&folder->path, "%s.journal", output) < 0) {
        folder->path = NULL;
        return ohm_fail(OHM_E_MEMORY, "%s: no memory for a file name", output);
    }
    if (stat(folder->path, &info)) return OHM_OK; /* nothing there */
    if (!S_ISDIR(info.st_mode)) return ohm_fail(OHM_E_USAGE, "%s: exists and is no folder; remove it, or choose another run.output", folder->path);
    OHM_TRY(take_lock(folder));
    OHM_TRY(each_file(folder->path, "rank-", add_journal, folder));
    OHM_TRY(keep_folder_file(folder->path, "job", &job));
    int status = access(job, F_OK) ? OHM_OK : ohm_file_read(job, &folder->identity, &size); /* without it the end came before any work */
    free(job);
    return status;
}

/* The identity appears whole or not at all. */
static int write_identity(const struct keep_folder *folder, const char *identity) {
    char *final = NULL, *temporary = NULL;
    int status = keep_folder_file(folder->path, "job", &final);
    if (!status) status = keep_folder_file(folder->path, "job.new", &temporary);
    if (!status) {
        FILE *file = fopen(temporary, "w");
        bool good = file && fputs(identity, file) >= 0 && !fflush(file) && !fsync(fileno(file));
        if (file && fclose(file)) good = false;
        if (!good || rename(temporary, final)) status = ohm_fail(OHM_E_IO, "%s: cannot write: %s", final, strerror(errno));
    }
    free(final);
    free(temporary);
    return status;
}

int keep_folder_make(struct keep_folder *folder, const char *identity) {
    if (mkdir(folder->path, 0777) && errno != EEXIST)
        return ohm_fail(OHM_E_IO, "%s: cannot create it: %s; its folder must exist and be writable", folder->path, strerror(errno));
    if (folder->lock < 0) OHM_TRY(take_lock(folder));
    empty(folder->path);
    return write_identity(folder, identity);
}

/* <output>.partial-<process>: what a killed run was putting together. */
static void remove_partial(const char *folder_path) {
    char *output = strndup(folder_path, strlen(folder_path) - strlen(".journal")), *begins = NULL, *place = output ? strdup(output) : NULL;
    if (place && asprintf(&begins, "%s.partial-", basename(output)) >= 0) {
        if (each_file(dirname(place), begins, unlink_file, NULL)) ohm_fail_clear();
        free(begins);
    }
    free(place);
    free(output);
}

void keep_folder_remove(struct keep_folder *folder) {
    char *lock;
    empty(folder->path);
    remove_partial(folder->path);
    if (!keep_folder_file(folder->path, "lock", &lock)) {
        unlink(lock);
        free(lock);
    }
    if (rmdir(folder->path) && errno != ENOENT) ohm_warn("%s: cannot remove it: %s", folder->path, strerror(errno));
}

void keep_folder_close(struct keep_folder *folder) {
    if (folder->lock >= 0) close(folder->lock);
    for (int32_t i = 0; i < folder->njournal; i++) free(folder->journals[i]);
    free(folder->journals);
    free(folder->identity);
    free(folder->path);
    *folder = (struct keep_folder){.lock = -1};
}
