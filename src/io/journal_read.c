/* Reading a journal: what is whole counts, and nothing else. */
#include "journal_record.h"
#include "ohmtally/status.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A batch body says itself how long it must be, and its rows which images they are of. */
static bool take_batch(const struct ohm_record *record, const void *body, struct ohm_journal_batch *batch) {
    struct ohm_record_batch head;
    if (record->kind != OHM_RECORD_BATCH || record->bytes < sizeof head) return false;
    memcpy(&head, body, sizeof head);
    if (head.point < 0 || head.trial < 0 || head.first < 0 || head.nrow < 1 || head.nlayer < 0) return false;
    const size_t rows = (size_t)head.nrow * sizeof *batch->rows;
    if (record->bytes != sizeof head + rows + (size_t)head.nlayer * sizeof *batch->tally) return false;
    const char *at = (const char *)body + sizeof head;
    *batch = (struct ohm_journal_batch){head.point, head.trial, head.first, head.nrow, head.nlayer, (const void *)at, (const void *)(at + rows)};
    for (int32_t i = 0; i < head.nrow; i++)
        if (batch->rows[i].index != head.first + i) return false;
    return true;
}

static FILE *open_file(const char *path, uint64_t *bytes) {
    struct stat info;
    FILE *file = fopen(path, "rb");
    if (file && (fstat(fileno(file), &info) || !S_ISREG(info.st_mode))) {
        fclose(file);
        errno = EINVAL;
        return NULL;
    }
    if (file) *bytes = (uint64_t)info.st_size;
    return file;
}

static bool begins(FILE *file, uint64_t bytes, uint64_t identity, void **buffer, size_t *room) {
    const struct ohm_record_begin wanted = ohm_record_begin_of(identity);
    struct ohm_record record;
    return ohm_record_read(file, bytes, &record, buffer, room) && record.kind == OHM_RECORD_BEGIN && record.bytes == sizeof wanted &&
           !memcmp(*buffer, &wanted, sizeof wanted);
}

int ohm_journal_scan(const char *path, uint64_t identity, int (*see)(void *context, const struct ohm_journal_entry *entry), void *context) {
    struct ohm_record record;
    struct ohm_journal_batch batch;
    void *buffer = NULL;
    size_t room = 0;
    uint64_t bytes = 0, at = 0;
    int status = OHM_OK;
    FILE *file = open_file(path, &bytes);
    if (!file) return ohm_fail(OHM_E_IO, "%s: cannot open: %s", path, strerror(errno));
    if (begins(file, bytes, identity, &buffer, &room)) {
        at = sizeof record + sizeof(struct ohm_record_begin);
        while (!status && ohm_record_read(file, bytes - at, &record, &buffer, &room) && take_batch(&record, buffer, &batch)) {
            const struct ohm_journal_entry entry = {batch.point, batch.trial, batch.first, batch.nrow, (int64_t)at};
            status = see(context, &entry);
            at += sizeof record + record.bytes;
        }
    }
    free(buffer);
    fclose(file);
    return status;
}

int ohm_journal_read(const char *path, const struct ohm_journal_entry *entry, struct ohm_journal_batch *batch, void **buffer) {
    struct ohm_record record;
    size_t room = 0;
    uint64_t bytes = 0;
    *buffer = NULL;
    FILE *file = open_file(path, &bytes);
    if (!file) return ohm_fail(OHM_E_IO, "%s: cannot open: %s", path, strerror(errno));
    bool there = (uint64_t)entry->offset < bytes && !fseeko(file, entry->offset, SEEK_SET) &&
                 ohm_record_read(file, bytes - (uint64_t)entry->offset, &record, buffer, &room) && take_batch(&record, *buffer, batch) &&
                 batch->point == entry->point && batch->trial == entry->trial && batch->first == entry->first && batch->nrow == entry->nrow;
    fclose(file);
    if (there) return OHM_OK;
    free(*buffer);
    *buffer = NULL;
    return ohm_fail(OHM_E_INPUT, "%s: a record that was there is damaged or gone; something else changed the file", path);
}
