#include "ohmtally/digest.h"
#include "image_internal.h"
#include "ohmtally/status.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#define XXH_STATIC_LINKING_ONLY /* for states without allocation */
#include <xxhash.h>

enum { BLOCK_BYTES = 1 << 20 };

int ohm_file_digest(const char *path, uint64_t *digest) {
    XXH64_state_t state;
    FILE *file = fopen(path, "rb");
    if (!file) return ohm_fail(OHM_E_IO, "%s: cannot open: %s", path, strerror(errno));
    char *block = ohm_alloc(BLOCK_BYTES);
    size_t got;
    XXH64_reset(&state, 0);
    while (block && (got = fread(block, 1, BLOCK_BYTES, file)) > 0) XXH64_update(&state, block, got);
    int status = !block ? OHM_E_MEMORY : ferror(file) ? ohm_fail(OHM_E_IO, "%s: cannot read: %s", path, strerror(errno)) : OHM_OK;
    *digest = XXH64_digest(&state);
    fclose(file);
    free(block);
    return status;
}

uint64_t ohm_constants_digest(const struct ohm_network *network) {
    XXH64_state_t state;
    XXH64_reset(&state, 0);
    for (int32_t v = 0; v < network->nvalue; v++) {
        const struct ohm_value *value = &network->values[v];
        if (value->constant) XXH64_update(&state, value->constant, (size_t)ohm_shape_count(&value->shape) * sizeof *value->constant);
    }
    return XXH64_digest(&state);
}

static int add_file_size(const char *path, XXH64_state_t *state) {
    struct stat info;
    if (stat(path, &info)) return ohm_fail(OHM_E_IO, "%s: cannot open: %s", path, strerror(errno));
    int64_t bytes = info.st_size;
    XXH64_update(state, &bytes, sizeof bytes);
    return OHM_OK;
}

int ohm_image_set_digest(const struct ohm_image_set *set, uint64_t *digest) {
    const struct ohm_image_options *options = &set->options;
    XXH64_state_t state;
    char path[4096];
    XXH64_reset(&state, 0);
    if (options->packed) OHM_TRY(add_file_size(options->packed, &state));
    for (int64_t i = 0; i < set->count; i++) {
        const struct ohm_image_entry *entry = &set->entries[i];
        XXH64_update(&state, entry->name, strlen(entry->name) + 1);
        XXH64_update(&state, &entry->label, sizeof entry->label);
        if (options->packed) continue;
        snprintf(path, sizeof path, "%s/%s", options->folder, entry->name);
        OHM_TRY(add_file_size(path, &state));
    }
    *digest = XXH64_digest(&state);
    return OHM_OK;
}
