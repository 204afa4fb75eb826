#include "journal_record.h"
#include <stdlib.h>
#include <string.h>
#define XXH_STATIC_LINKING_ONLY /* for states without allocation */
#include <xxhash.h>

static const char magic[4] = {'O', 'H', 'M', 'J'};

static uint64_t hash_of(const struct ohm_record *record, const void *body) {
    XXH64_state_t state;
    XXH64_reset(&state, 0);
    XXH64_update(&state, record, offsetof(struct ohm_record, hash));
    XXH64_update(&state, body, record->bytes);
    return XXH64_digest(&state);
}

struct ohm_record_begin ohm_record_begin_of(uint64_t identity) {
    return (struct ohm_record_begin){1, identity, sizeof(struct ohm_image_row), sizeof(struct ohm_tally)};
}

void ohm_record_seal(struct ohm_record *record, const void *body) {
    memcpy(record->magic, magic, sizeof magic);
    record->hash = hash_of(record, body);
}

bool ohm_record_read(FILE *file, uint64_t most, struct ohm_record *record, void **buffer, size_t *room) {
    if (most < sizeof *record || fread(record, sizeof *record, 1, file) != 1) return false;
    if (memcmp(record->magic, magic, sizeof magic) || record->bytes > most - sizeof *record || record->bytes > OHM_RECORD_MOST) return false;
    if (record->bytes > *room) {
        void *grown = realloc(*buffer, record->bytes);
        if (!grown) return false;
        *buffer = grown;
        *room = record->bytes;
    }
    return (!record->bytes || fread(*buffer, record->bytes, 1, file) == 1) && record->hash == hash_of(record, *buffer);
}
