/* Who evaluates which images: units of a fixed list, taken by whoever is free. Units get shorter towards the end (ohm_claims_share). */
#include "keep.h"
#include "ohmtally/status.h"
#include <stdlib.h>

static int64_t count_left(const uint8_t *done, int64_t count) {
    int64_t left = 0;
    for (int64_t i = 0; i < count; i++) left += !done || !done[i];
    return left;
}

int shares_cut(const uint8_t *done, int64_t count, int32_t room, int ranks, struct unit **cut, int64_t *nunit) {
    int64_t left = count_left(done, count), before = 0;
    struct unit *units = ohm_alloc_array((size_t)left, sizeof *units);
    if (!units) return OHM_E_MEMORY;
    *nunit = 0;
    for (int64_t first = 0; first < count;) {
        const int64_t share = ohm_claims_share(left - before, ranks, room);
        int64_t end = first;
        while (end < count && end - first < share && !(done && done[end])) end++;
        if (end > first) {
            units[(*nunit)++] = (struct unit){first, (int32_t)(end - first), before};
            before += end - first;
            first = end;
        } else {
            first++;
        }
    }
    *cut = units;
    return OHM_OK;
}

int shares_open(struct shares *shares, const struct ohm_world *world, const uint8_t *done, int64_t count, int32_t room) {
    float least = (float)room; /* ranks with fewer threads take less at once; whole numbers of this size are exact */
    char *bytes = NULL;
    size_t size = 0;
    *shares = (struct shares){0};
    ohm_world_least(world, &least, 1);
    int status = world->rank ? OHM_OK : shares_cut(done, count, (int32_t)least, world->size, &shares->units, &shares->nunit);
    OHM_TRY(ohm_world_agree(world, status));
    if (!world->rank) {
        bytes = (char *)shares->units;
        size = (size_t)shares->nunit * sizeof *shares->units;
    }
    OHM_TRY(ohm_world_share(world, &bytes, &size));
    shares->units = (struct unit *)(void *)bytes;
    shares->nunit = (int64_t)(size / sizeof *shares->units);
    if (shares->nunit) shares->images = shares->units[shares->nunit - 1].before + shares->units[shares->nunit - 1].n;
    return ohm_claims_open(world, &shares->claims);
}

const struct unit *shares_next(struct shares *shares) {
    int64_t k = ohm_claims_next(shares->claims);
    return k < shares->nunit ? &shares->units[k] : NULL;
}

void shares_close(struct shares *shares) {
    ohm_claims_close(shares->claims);
    free(shares->units);
    *shares = (struct shares){0};
}
