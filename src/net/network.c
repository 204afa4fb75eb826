/* A network's life: building it value by value, dropping what is not needed, freeing it. */
#include "ohmtally/network.h"
#include "ohmtally/status.h"
#include <stdlib.h>
#include <string.h>

struct ohm_network *ohm_network_new(void) {
    struct ohm_arena *arena = ohm_arena_new();
    if (!arena) return NULL;
    struct ohm_network *network = ohm_arena_alloc(arena, sizeof *network);
    if (!network) {
        ohm_arena_free(arena);
        return NULL;
    }
    network->arena = arena;
    network->input = network->output = -1;
    return network;
}

void ohm_network_free(struct ohm_network *network) {
    if (network) ohm_arena_free(network->arena);
}

/* Makes room for one more item, doubling. The old array stays in the arena: at most as much again as the new one. */
static int room_for_one(struct ohm_arena *arena, void **items, size_t size, int32_t used, int32_t *room) {
    if (used < *room) return OHM_OK;
    int32_t larger = *room ? *room * 2 : 64;
    void *moved = ohm_arena_array(arena, (size_t)larger, size);
    if (!moved) return OHM_E_MEMORY;
    if (used) memcpy(moved, *items, (size_t)used * size);
    *items = moved;
    *room = larger;
    return OHM_OK;
}

int32_t ohm_network_add_value(struct ohm_network *network, const char *name, const struct ohm_shape *shape, const float *constant) {
    char *copy = ohm_arena_string(network->arena, name);
    void *values = network->values;
    if (!copy || room_for_one(network->arena, &values, sizeof *network->values, network->nvalue, &network->value_room)) return -1;
    network->values = values;
    network->values[network->nvalue] = (struct ohm_value){.name = copy, .shape = *shape, .constant = constant};
    return network->nvalue++;
}

struct ohm_node ohm_node_of(enum ohm_op op) {
    return (struct ohm_node){.op = op, .onnx_op = ohm_op_text(op), .groups = 1, .window = {.kernel = {1, 1}, .stride = {1, 1}, .dilation = {1, 1}}};
}

struct ohm_node *ohm_network_add_node(struct ohm_network *network, enum ohm_op op, const char *name, const int32_t *input, int32_t ninput,
                                      int32_t output) {
    char *copy = ohm_arena_string(network->arena, name);
    int32_t *inputs = ohm_arena_array(network->arena, (size_t)ninput, sizeof *inputs);
    void *nodes = network->nodes;
    if (!copy || !inputs || room_for_one(network->arena, &nodes, sizeof *network->nodes, network->nnode, &network->node_room)) return NULL;
    network->nodes = nodes;
    if (ninput) memcpy(inputs, input, (size_t)ninput * sizeof *inputs);
    struct ohm_node *node = &network->nodes[network->nnode++];
    *node = ohm_node_of(op);
    node->name = copy;
    node->ninput = ninput;
    node->input = inputs;
    node->output = output;
    return node;
}

int ohm_network_prune(struct ohm_network *network) {
    int32_t *place = calloc((size_t)network->nvalue + 1, sizeof *place); /* first 0/1: needed, then the new index */
    if (!place) return ohm_fail(OHM_E_MEMORY, "out of memory for a network of %d values", network->nvalue);
    place[network->input] = place[network->output] = 1;
    for (int32_t i = network->nnode - 1; i >= 0; i--) {
        const struct ohm_node *node = &network->nodes[i];
        if (place[node->output])
            for (int32_t k = 0; k < node->ninput; k++) place[node->input[k]] = 1;
    }
    int32_t nnode = 0, nvalue = 0;
    for (int32_t i = 0; i < network->nnode; i++)
        if (place[network->nodes[i].output]) network->nodes[nnode++] = network->nodes[i];
    for (int32_t v = 0; v < network->nvalue; v++) {
        if (!place[v]) continue;
        network->values[nvalue] = network->values[v];
        place[v] = nvalue++;
    }
    for (int32_t i = 0; i < nnode; i++) {
        struct ohm_node *node = &network->nodes[i];
        node->output = place[node->output];
        for (int32_t k = 0; k < node->ninput; k++) node->input[k] = place[node->input[k]];
    }
    network->input = place[network->input];
    network->output = place[network->output];
    network->nnode = nnode;
    network->nvalue = nvalue;
    free(place);
    return OHM_OK;
}
