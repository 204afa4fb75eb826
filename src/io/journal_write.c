/* Writing a journal: a record is one write, so that it is there whole or, for a reader, not at all. */
#include "journal_record.h"
#include "ohmtally/log.h"
#include "ohmtally/memory.h"
#include "ohmtally/status.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SYNC_SECONDS 5 /* between calls that wait for the disk: what a node may lose with its power */

struct ohm_journal {
    char *path;
    int descriptor;
    off_t bytes; /* written */
    void *buffer;
    size_t room;
    double synced_s;
};

/* Seals the record whose body stands behind sizeof(struct ohm_record) bytes of the buffer, and writes both. */
static int write_record(struct ohm_journal *journal, uint32_t kind, size_t bytes) {
    struct ohm_record record = {.kind = kind, .bytes = bytes};
    const size_t all = sizeof record + bytes;
    char *start = journal->buffer;
    ohm_record_seal(&record, start + sizeof record);
    memcpy(start, &record, sizeof record);
    for (size_t done = 0; done < all;) {
        ssize_t written = write(journal->descriptor, start + done, all - done);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) {
            int cause = errno;
            if (ftruncate(journal->descriptor, journal->bytes)) cause = errno; /* else the reader finds the torn end itself */
            return ohm_fail(OHM_E_IO, "%s: cannot write: %s; what was finished before is kept: make room, then go on with --resume", journal->path,
                            strerror(cause));
        }
        done += (size_t)written;
    }
    journal->bytes += (off_t)all;
    return OHM_OK;
}

static void *body(struct ohm_journal *journal, size_t bytes) {
    const size_t all = sizeof(struct ohm_record) + bytes;
    if (all > journal->room) {
        void *grown = realloc(journal->buffer, all);
        if (!grown) {
            ohm_fail(OHM_E_MEMORY, "%s: no memory for a record of %zu bytes", journal->path, bytes);
            return NULL;
        }
        journal->buffer = grown;
        journal->room = all;
    }
    return (char *)journal->buffer + sizeof(struct ohm_record);
}

int ohm_journal_create(const char *path, uint64_t identity, struct ohm_journal **opened) {
    const struct ohm_record_begin begin = ohm_record_begin_of(identity);
    struct ohm_journal *journal = ohm_alloc(sizeof *journal);
    *opened = NULL;
    if (!journal) return OHM_E_MEMORY;
    journal->descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0666);
    int status = journal->descriptor < 0 ? ohm_fail(OHM_E_IO, "%s: cannot create it: %s", path, strerror(errno)) : OHM_OK;
    if (!status && !(journal->path = strdup(path))) status = ohm_fail(OHM_E_MEMORY, "%s: no memory for a file name", path);
    void *at = status ? NULL : body(journal, sizeof begin);
    if (!status && !at) status = OHM_E_MEMORY;
    if (!status) memcpy(at, &begin, sizeof begin);
    if (!status) status = write_record(journal, OHM_RECORD_BEGIN, sizeof begin);
    journal->synced_s = ohm_seconds();
    if (status)
        ohm_journal_close(journal);
    else
        *opened = journal;
    return status;
}

int ohm_journal_append(struct ohm_journal *journal, const struct ohm_journal_batch *batch) {
    const struct ohm_record_batch head = {batch->point, batch->trial, batch->first, batch->nrow, batch->nlayer};
    const size_t rows = (size_t)batch->nrow * sizeof *batch->rows, tallies = (size_t)batch->nlayer * sizeof *batch->tally;
    char *at = body(journal, sizeof head + rows + tallies);
    if (!at) return OHM_E_MEMORY;
    memcpy(at, &head, sizeof head);
    memcpy(at + sizeof head, batch->rows, rows);
    if (tallies) memcpy(at + sizeof head + rows, batch->tally, tallies);
    OHM_TRY(write_record(journal, OHM_RECORD_BATCH, sizeof head + rows + tallies));
    return ohm_seconds() - journal->synced_s < SYNC_SECONDS ? OHM_OK : ohm_journal_sync(journal);
}

int ohm_journal_sync(struct ohm_journal *journal) {
    journal->synced_s = ohm_seconds();
    return fsync(journal->descriptor) && errno != EINVAL ? ohm_fail(OHM_E_IO, "%s: cannot bring it to the disk: %s", journal->path, strerror(errno))
                                                         : OHM_OK;
}

void ohm_journal_close(struct ohm_journal *journal) {
    if (!journal) return;
    if (journal->descriptor >= 0) close(journal->descriptor);
    free(journal->path);
    free(journal->buffer);
    free(journal);
}
