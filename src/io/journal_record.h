/* A record of a journal as it stands in the file. Internal to io. */
#ifndef OHM_IO_JOURNAL_RECORD_H
#define OHM_IO_JOURNAL_RECORD_H
#include "ohmtally/journal.h"
#include <stdio.h>

enum ohm_record_kind { OHM_RECORD_BEGIN = 1, OHM_RECORD_BATCH = 2 };

struct ohm_record {
    char magic[4];
    uint32_t kind;
    uint64_t bytes, hash;
};
struct ohm_record_begin { /* what the numbers behind it look like: a program built otherwise does not take them for its own */
    uint64_t version, identity, row_bytes, tally_bytes;
};
struct ohm_record_batch {
    int32_t point, trial;
    int64_t first;
    int32_t nrow, nlayer;
};
#define OHM_RECORD_MOST ((uint64_t)1 << 32) /* bytes of one record */

struct ohm_record_begin ohm_record_begin_of(uint64_t identity);
/* Fills in magic and hash. */
void ohm_record_seal(struct ohm_record *record, const void *body);
/* The record at the file's position, of at most `most` bytes: body in *buffer, which grows to *room. False: none there that is whole. */
bool ohm_record_read(FILE *file, uint64_t most, struct ohm_record *record, void **buffer, size_t *room);

#endif
