/* Activations kept between layers, so that a layer's inputs are not computed from the image on every time: what later steps read, no more. */
#include "fit.h"
#include <stdlib.h>
#include <string.h>

/* Whether the value is there before the step. */
static bool made_before(const struct ohm_intnet *intnet, int32_t value, int32_t step) {
    if (value == intnet->network->input) return true;
    for (int32_t s = 0; s < step; s++)
        if (intnet->steps[s].output == value) return true;
    return false;
}

/* Whether values share storage, and one before this has been seen already. */
static bool seen_before(const struct ohm_intnet *intnet, int32_t step, int32_t s, int32_t k) {
    int32_t slot = intnet->slot[intnet->network->nodes[intnet->steps[s].node].input[k]];
    for (int32_t t = step; t <= s; t++) {
        const struct ohm_node *node = &intnet->network->nodes[intnet->steps[t].node];
        for (int32_t i = 0; i < (t == s ? k : node->ninput); i++)
            if (intnet->slot[node->input[i]] == slot && made_before(intnet, node->input[i], step)) return true;
    }
    return false;
}

/* Calls see for every value that steps from `step` on read and steps before it made, each storage once. */
static void live_values(const struct ohm_intnet *intnet, int32_t step, void (*see)(void *context, int32_t value, size_t bytes), void *context) {
    for (int32_t s = step; s < intnet->nstep; s++) {
        const struct ohm_node *node = &intnet->network->nodes[intnet->steps[s].node];
        for (int32_t k = 0; k < node->ninput; k++) {
            int32_t value = node->input[k];
            if (intnet->slot[value] < 0 || !made_before(intnet, value, step) || seen_before(intnet, step, s, k)) continue;
            see(context, value, ohm_int_value_bytes(intnet, value));
        }
    }
}

static void add_bytes(void *context, int32_t value, size_t bytes) {
    *(size_t *)context += bytes;
}

size_t kept_bytes(const struct ohm_intnet *intnet, int32_t step) {
    size_t bytes = 0;
    live_values(intnet, step, add_bytes, &bytes);
    return bytes;
}

int32_t kept_step(const struct ohm_intnet *intnet, const struct kept *kept, int32_t step, size_t bytes) {
    while (step > kept->step && kept_bytes(intnet, step) > bytes) step--;
    return step;
}

struct moving {
    const struct kept *kept;
    const struct ohm_batch *batch;
    int32_t place;
    unsigned char *state;
};

static void load_value(void *context, int32_t value, size_t bytes) {
    struct moving *moving = context;
    memcpy(ohm_batch_value(moving->kept->engine, moving->batch, value, moving->place), moving->state, bytes);
    moving->state += bytes;
}

static void save_value(void *context, int32_t value, size_t bytes) {
    struct moving *moving = context;
    memcpy(moving->state, ohm_batch_value(moving->kept->engine, moving->batch, value, moving->place), bytes);
    moving->state += bytes;
}

void kept_load(const struct ohm_intnet *intnet, const struct kept *kept, int64_t image, const struct ohm_batch *batch, int32_t place) {
    struct moving moving = {kept, batch, place, kept->state[image]};
    live_values(intnet, kept->step, load_value, &moving);
}

int kept_save(const struct ohm_intnet *intnet, struct kept *kept, int32_t step, int64_t image, const struct ohm_batch *batch, int32_t place) {
    struct moving moving = {kept, batch, place, NULL};
    free(kept->state[image]);
    kept->state[image] = moving.state = ohm_alloc(kept_bytes(intnet, step));
    if (!moving.state) return OHM_E_MEMORY;
    live_values(intnet, step, save_value, &moving);
    return OHM_OK;
}

void kept_free(struct kept *kept, int64_t nimage) {
    for (int64_t i = 0; kept->state && i < nimage; i++) free(kept->state[i]);
    free(kept->state);
    *kept = (struct kept){0};
}
