/* Activations kept between layers, so that a layer's inputs are not computed from the image on every time: what later steps read, no more. */
#include "fit.h"
#include <stdlib.h>
#include <string.h>

int32_t kept_step(const struct ohm_intnet *intnet, const struct kept *kept, int32_t step, size_t bytes) {
    while (step > kept->step && ohm_cut_bytes(intnet, step) > bytes) step--;
    return step;
}

void kept_load(const struct ohm_intnet *intnet, const struct kept *kept, int64_t image, const struct ohm_batch *batch, int32_t place) {
    ohm_cut_load(intnet, batch, kept->step, place, 1, kept->state[image]);
}

int kept_save(const struct ohm_intnet *intnet, struct kept *kept, int32_t step, int64_t image, const struct ohm_batch *batch, int32_t place) {
    free(kept->state[image]);
    kept->state[image] = ohm_alloc(ohm_cut_bytes(intnet, step));
    if (!kept->state[image]) return OHM_E_MEMORY;
    ohm_cut_save(intnet, batch, step, place, 1, kept->state[image]);
    return OHM_OK;
}

void kept_free(struct kept *kept, int64_t nimage) {
    for (int64_t i = 0; kept->state && i < nimage; i++) free(kept->state[i]);
    free(kept->state);
    *kept = (struct kept){0};
}
