/* What a run has finished, batch by batch, kept so that any process may be killed at any moment: one file per rank, to which whole records are
 * appended, each under a check sum. A record that was being written when the end came is not there for the reader; everything before it is. Killed
 * processes lose nothing that was appended; a node that loses power loses what was appended in its last seconds.
 *
 * A file is records one after another, in the byte order of the machine:
 *   char magic[4] "OHMJ", uint32 kind (1 begin, 2 batch), uint64 bytes, uint64 xxHash64 of all of the record but this field, then `bytes` bytes:
 *   begin: struct layout in journal.c; the first record, and the only one of its kind
 *   batch: int32 point, trial; int64 first; int32 nrow, nlayer; rows; tallies
 * Layer: io. Not collective: each rank writes a file of its own, rank 0 reads all when a run goes on. */
#ifndef OHMTALLY_JOURNAL_H
#define OHMTALLY_JOURNAL_H
#include "ohmtally/result.h"
#include <stddef.h>
#include <stdint.h>

struct ohm_journal_batch {
    int32_t point, trial; /* of the job, from 0 */
    int64_t first;        /* image; rows are of first, first + 1, ... */
    int32_t nrow, nlayer;
    const struct ohm_image_row *rows; /* [nrow] */
    const struct ohm_tally *tally;    /* [nlayer]: of these images alone */
};

struct ohm_journal; /* being written */
/* A new file; identity is a number that what follows belongs to (of the job). OHM_E_IO also when the file exists. */
int ohm_journal_create(const char *path, uint64_t identity, struct ohm_journal **journal);
/* One record in one write; on failure (a full disk) the file ends where it did before. Now and then the file is brought to the disk. */
int ohm_journal_append(struct ohm_journal *journal, const struct ohm_journal_batch *batch);
int ohm_journal_sync(struct ohm_journal *journal);
void ohm_journal_close(struct ohm_journal *journal); /* NULL is fine */

/* Where a batch stands in a file. */
struct ohm_journal_entry {
    int32_t point, trial;
    int64_t first;
    int32_t nrow;
    int64_t offset;
};
/* Calls see for every whole batch in order; what it returns ends the reading when it is a failure. A file of another identity or layout, and what
 * follows a damaged record, is as if it were not there. Any bytes are safe. */
int ohm_journal_scan(const char *path, uint64_t identity, int (*see)(void *context, const struct ohm_journal_entry *entry), void *context);
/* The batch of an entry. Its pointers are into *buffer (malloc'ed), which the caller frees. OHM_E_INPUT when it is not there any more. */
int ohm_journal_read(const char *path, const struct ohm_journal_entry *entry, struct ohm_journal_batch *batch, void **buffer);

#endif
