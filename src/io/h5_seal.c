/* A seal behind the contents of a file: "ohmtally" and the xxHash64 of all bytes before it. HDF5 takes no notice of it and cuts it off when it
 * changes the file, so a file that was edited has none and is read as it is. It is checked before the library sees the file, because the library may
 * crash on damaged files or never return (1.10.8, strings of variable length). */
#include "h5.h"
#include "ohmtally/status.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#define XXH_STATIC_LINKING_ONLY /* for states without allocation */
#include <xxhash.h>

static const char magic[8] = {'o', 'h', 'm', 't', 'a', 'l', 'l', 'y'};
enum { BLOCK_BYTES = 1 << 20 };

void ohm_h5_seal_make(const void *contents, size_t bytes, unsigned char seal[OHM_H5_SEAL_BYTES]) {
    uint64_t hash = XXH64(contents, bytes, 0);
    memcpy(seal, magic, sizeof magic);
    for (int i = 0; i < 8; i++) seal[8 + i] = (unsigned char)(hash >> 8 * i);
}

/* Hash of the next bytes of the file; false when they cannot be read. */
static bool hash_next(FILE *file, off_t bytes, uint64_t *hash) {
    XXH64_state_t state;
    char *block = ohm_alloc(BLOCK_BYTES);
    XXH64_reset(&state, 0);
    while (block && bytes > 0) {
        size_t some = bytes < BLOCK_BYTES ? (size_t)bytes : BLOCK_BYTES;
        if (fread(block, 1, some, file) != some) break;
        XXH64_update(&state, block, some);
        bytes -= (off_t)some;
    }
    free(block);
    *hash = XXH64_digest(&state);
    return bytes == 0;
}

int ohm_h5_seal_check(const char *path) {
    struct stat info;
    unsigned char seal[OHM_H5_SEAL_BYTES];
    uint64_t stored = 0, found = 0;
    FILE *file = fopen(path, "rb");
    bool sealed = file && !fstat(fileno(file), &info) && info.st_size >= OHM_H5_SEAL_BYTES && !fseeko(file, -OHM_H5_SEAL_BYTES, SEEK_END) &&
                  fread(seal, 1, sizeof seal, file) == sizeof seal && !memcmp(seal, magic, sizeof magic);
    bool whole = sealed && !fseeko(file, 0, SEEK_SET) && hash_next(file, info.st_size - OHM_H5_SEAL_BYTES, &found);
    if (file) fclose(file);
    for (int i = 0; sealed && i < 8; i++) stored |= (uint64_t)seal[8 + i] << 8 * i;
    if (!sealed || (whole && stored == found)) return OHM_OK;
    return ohm_fail(OHM_E_INPUT, "%s: damaged: its bytes are not those that were written; make or copy it again", path);
}
