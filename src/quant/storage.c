/* Where the values of an instance live: slots, reused as soon as a value has no reader left. */
#include "ohmtally/status.h"
#include "plan.h"

struct lives {
    int32_t *root; /* [nvalue] first of the values that share storage (copies) */
    int32_t *last; /* [nvalue] of roots: last step that reads any of them */
    bool *used;    /* [nslot] */
};

size_t ohm_int_value_bytes(const struct ohm_intnet *intnet, int32_t value) {
    const size_t size = intnet->quant[value].bits ? (size_t)intnet->element : sizeof(float);
    return (size_t)ohm_shape_count(&intnet->network->values[value].shape) * size;
}

static int64_t slot_bytes(const struct ohm_intnet *intnet, int32_t value) {
    return ((int64_t)ohm_int_value_bytes(intnet, value) + 63) / 64 * 64;
}

static void find_lives(const struct ohm_intnet *intnet, struct lives *lives) {
    const struct ohm_network *network = intnet->network;
    for (int32_t v = 0; v < network->nvalue; v++) lives->root[v] = v;
    for (int32_t s = 0; s < intnet->nstep; s++) {
        const struct ohm_step *step = &intnet->steps[s];
        const struct ohm_node *node = &network->nodes[step->node];
        if (intnet->plans[s].way == WAY_COPY) lives->root[step->output] = lives->root[node->input[0]];
        lives->last[lives->root[step->output]] = s;
        for (int32_t i = 0; i < node->ninput; i++) lives->last[lives->root[node->input[i]]] = s;
    }
    lives->last[lives->root[network->output]] = intnet->nstep;
}

/* A free slot: the smallest that is large enough, else the largest, which grows, else a new one. */
static int32_t slot_take(struct ohm_intnet *intnet, const struct lives *lives, int64_t bytes) {
    int32_t best = -1;
    for (int32_t s = 0; s < intnet->nslot; s++) {
        if (lives->used[s]) continue;
        int64_t size = intnet->slot_bytes[s], best_size = best < 0 ? 0 : intnet->slot_bytes[best];
        bool better = best_size < bytes ? size > best_size : size >= bytes && size < best_size;
        if (best < 0 || better) best = s;
    }
    if (best < 0) best = intnet->nslot++;
    if (intnet->slot_bytes[best] < bytes) intnet->slot_bytes[best] = bytes;
    lives->used[best] = true;
    return best;
}

static void assign(struct ohm_intnet *intnet, const struct lives *lives) {
    const struct ohm_network *network = intnet->network;
    for (int32_t v = 0; v < network->nvalue; v++) intnet->slot[v] = -1;
    intnet->slot[network->input] = slot_take(intnet, lives, slot_bytes(intnet, network->input));
    for (int32_t s = 0; s < intnet->nstep; s++) {
        const int32_t output = intnet->steps[s].output, root = lives->root[output];
        intnet->slot[output] = root == output ? slot_take(intnet, lives, slot_bytes(intnet, output)) : intnet->slot[root];
        for (int32_t v = 0; v < network->nvalue; v++) /* after the output has its place: it never overlaps what it is computed from */
            if (lives->root[v] == v && intnet->slot[v] >= 0 && lives->last[v] == s) lives->used[intnet->slot[v]] = false;
    }
}

int storage_plan(struct ohm_intnet *intnet) {
    const size_t nvalue = (size_t)intnet->network->nvalue;
    intnet->slot = ohm_arena_array(intnet->arena, nvalue, sizeof *intnet->slot);
    intnet->slot_bytes = ohm_arena_array(intnet->arena, nvalue, sizeof *intnet->slot_bytes);
    struct lives lives = {.root = ohm_arena_array(intnet->arena, nvalue, sizeof *lives.root),
                          .last = ohm_arena_array(intnet->arena, nvalue, sizeof *lives.last),
                          .used = ohm_arena_array(intnet->arena, nvalue, sizeof *lives.used)};
    if (!intnet->slot || !intnet->slot_bytes || !lives.root || !lives.last || !lives.used) return OHM_E_MEMORY;
    find_lives(intnet, &lives);
    assign(intnet, &lives);
    return OHM_OK;
}
