/* Running a float network: which value lives in which buffer (by its last use), then node by node. */
#include "ohmtally/float_forward.h"
#include "float_op.h"
#include "ohmtally/memory.h"
#include "ohmtally/status.h"
#include <stdlib.h>
#include <string.h>

#define NO_SLOT (-1)

struct ohm_float_work {
    struct ohm_arena *arena;
    int32_t *root;    /* [nvalue] the value whose data a relabel chain shows; itself otherwise */
    float **buffer;   /* [nvalue] of computed roots, else NULL */
    const float **in; /* [most inputs of a node] */
    float *scratch;
};

struct slot {      /* a buffer that several values use one after the other */
    int64_t count; /* floats */
    bool used;
    float *data;
};

static int32_t slot_take(struct slot *slots, int32_t *nslot, int64_t count) {
    int32_t best = NO_SLOT; /* the smallest free one that is large enough, else the largest free one */
    for (int32_t s = 0; s < *nslot; s++) {
        if (slots[s].used) continue;
        bool fits = slots[s].count >= count;
        if (best == NO_SLOT || (fits ? slots[best].count < count || slots[s].count < slots[best].count
                                     : slots[best].count < count && slots[s].count > slots[best].count))
            best = s;
    }
    if (best == NO_SLOT) best = (*nslot)++;
    if (slots[best].count < count) slots[best].count = count;
    slots[best].used = true;
    return best;
}

/* last[root]: the last node that reads it (nnode for the output). */
static void find_last_uses(const struct ohm_network *network, int32_t *root, int32_t *last) {
    for (int32_t v = 0; v < network->nvalue; v++) {
        root[v] = v;
        last[v] = -1;
    }
    for (int32_t i = 0; i < network->nnode; i++) {
        const struct ohm_node *node = &network->nodes[i];
        if (node->op == OHM_OP_RELABEL) root[node->output] = root[node->input[0]];
        for (int32_t k = 0; k < node->ninput; k++) last[root[node->input[k]]] = i;
    }
    last[root[network->output]] = network->nnode;
}

/* Gives every computed value a slot, freeing slots after their last use; slot_of and last are [nvalue], slots has room for nnode. */
static int32_t plan_slots(const struct ohm_network *network, const int32_t *root, const int32_t *last, int32_t *slot_of, struct slot *slots) {
    int32_t nslot = 0;
    for (int32_t v = 0; v < network->nvalue; v++) slot_of[v] = NO_SLOT;
    for (int32_t i = 0; i < network->nnode; i++) {
        const struct ohm_node *node = &network->nodes[i];
        if (root[node->output] == node->output)
            slot_of[node->output] = slot_take(slots, &nslot, ohm_shape_count(&network->values[node->output].shape));
        for (int32_t k = 0; k < node->ninput; k++) {
            int32_t slot = slot_of[root[node->input[k]]];
            if (slot != NO_SLOT && last[root[node->input[k]]] == i) slots[slot].used = false;
        }
        int32_t own = slot_of[node->output]; /* a result nobody reads */
        if (own != NO_SLOT && last[node->output] < 0) slots[own].used = false;
    }
    return nslot;
}

static int work_plan(struct ohm_float_work *work, const struct ohm_network *network) {
    const size_t nvalue = (size_t)network->nvalue, nnode = (size_t)network->nnode;
    int32_t *last = ohm_arena_array(work->arena, nvalue, sizeof *last), *slot_of = ohm_arena_array(work->arena, nvalue, sizeof *slot_of);
    struct slot *slots = ohm_arena_array(work->arena, nnode, sizeof *slots);
    work->root = ohm_arena_array(work->arena, nvalue, sizeof *work->root);
    work->buffer = ohm_arena_array(work->arena, nvalue, sizeof *work->buffer);
    if (!last || !slot_of || !slots || !work->root || !work->buffer) return OHM_E_MEMORY;
    find_last_uses(network, work->root, last);
    const int32_t nslot = plan_slots(network, work->root, last, slot_of, slots);
    for (int32_t s = 0; s < nslot; s++) {
        slots[s].data = ohm_arena_array(work->arena, (size_t)slots[s].count, sizeof *slots[s].data);
        if (!slots[s].data) return OHM_E_MEMORY;
    }
    for (int32_t v = 0; v < network->nvalue; v++)
        if (slot_of[v] != NO_SLOT) work->buffer[v] = slots[slot_of[v]].data;
    int64_t scratch = 0;
    int32_t most = 1;
    for (int32_t i = 0; i < network->nnode; i++) {
        int64_t needed = ohm_float_op_scratch(network, &network->nodes[i]);
        if (needed > scratch) scratch = needed;
        if (network->nodes[i].ninput > most) most = network->nodes[i].ninput;
    }
    work->scratch = ohm_arena_array(work->arena, (size_t)scratch, sizeof *work->scratch);
    work->in = ohm_arena_array(work->arena, (size_t)most, sizeof *work->in);
    return work->scratch && work->in ? OHM_OK : OHM_E_MEMORY;
}

struct ohm_float_work *ohm_float_work_new(const struct ohm_network *network) {
    struct ohm_arena *arena = ohm_arena_new();
    struct ohm_float_work *work = arena ? ohm_arena_alloc(arena, sizeof *work) : NULL;
    if (work) work->arena = arena;
    if (!work || work_plan(work, network)) {
        ohm_arena_free(arena);
        return NULL;
    }
    return work;
}

void ohm_float_work_free(struct ohm_float_work *work) {
    if (work) ohm_arena_free(work->arena);
}

static const float *value_data(const struct ohm_network *network, const struct ohm_float_work *work, const float *input, int32_t value) {
    int32_t root = work->root[value];
    if (root == network->input) return input;
    return work->buffer[root] ? work->buffer[root] : network->values[root].constant;
}

int ohm_float_node(const struct ohm_network *network, struct ohm_float_work *work, const float *input, int32_t i, const float **data) {
    const struct ohm_node *node = &network->nodes[i];
    for (int32_t k = 0; k < node->ninput; k++) work->in[k] = value_data(network, work, input, node->input[k]);
    if (node->op != OHM_OP_RELABEL) OHM_TRY(ohm_float_op(network, node, work->in, work->buffer[node->output], work->scratch));
    *data = value_data(network, work, input, node->output);
    return OHM_OK;
}

int ohm_float_forward(const struct ohm_network *network, struct ohm_float_work *work, const float *input, float *output, ohm_float_see *see,
                      void *context) {
    if (see) see(context, -1, network->input, input, ohm_shape_count(&network->values[network->input].shape));
    for (int32_t i = 0; i < network->nnode; i++) {
        const int32_t value = network->nodes[i].output;
        const float *data;
        OHM_TRY(ohm_float_node(network, work, input, i, &data));
        if (see) see(context, i, value, data, ohm_shape_count(&network->values[value].shape));
    }
    memcpy(output, value_data(network, work, input, network->output),
           (size_t)ohm_shape_count(&network->values[network->output].shape) * sizeof *output);
    return OHM_OK;
}
