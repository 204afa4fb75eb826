/* Observing the float network: extremes and bfloat16-binned counts of the tensors that are to be quantised. */
#include "graph.h"
#include "ohmtally/quantize.h"
#include "ohmtally/status.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Gives each tensor that needs a scale of its own a row of counts. */
static int find_observed(const struct ohm_network *network, struct ohm_ranges *ranges) {
    struct graph graph;
    struct ohm_arena *arena = ohm_arena_new();
    int status = arena ? graph_find(network, arena, &graph) : OHM_E_MEMORY;
    for (int32_t v = 0; !status && v < network->nvalue; v++) ranges->slot[v] = graph_has_scale(&graph, v) ? ranges->nobserved++ : -1;
    ohm_arena_free(arena);
    return status;
}

static int allocate(const struct ohm_network *network, struct ohm_ranges *ranges) {
    const size_t nvalue = (size_t)network->nvalue;
    ranges->nvalue = network->nvalue;
    ranges->least = ohm_alloc_array(nvalue, sizeof *ranges->least);
    ranges->most = ohm_alloc_array(nvalue, sizeof *ranges->most);
    ranges->slot = ohm_alloc_array(nvalue, sizeof *ranges->slot);
    if (!ranges->least || !ranges->most || !ranges->slot) return OHM_E_MEMORY;
    for (size_t v = 0; v < nvalue; v++) {
        ranges->least[v] = INFINITY;
        ranges->most[v] = -INFINITY;
    }
    OHM_TRY(find_observed(network, ranges));
    ranges->counts = ohm_alloc_sparse((size_t)ranges->nobserved * OHM_RANGE_BINS, sizeof *ranges->counts);
    return ranges->counts ? OHM_OK : OHM_E_MEMORY;
}

struct ohm_ranges *ohm_ranges_new(const struct ohm_network *folded) {
    struct ohm_ranges *ranges = ohm_alloc(sizeof *ranges);
    if (!ranges || !allocate(folded, ranges)) return ranges;
    ohm_ranges_free(ranges);
    return NULL;
}

void ohm_ranges_free(struct ohm_ranges *ranges) {
    if (!ranges) return;
    free(ranges->least);
    free(ranges->most);
    free(ranges->slot);
    free(ranges->counts);
    free(ranges);
}

void ohm_ranges_see(void *context, int32_t node, int32_t value, const float *data, int64_t count) {
    struct ohm_ranges *ranges = context;
    if (ranges->slot[value] < 0) return;
    int64_t *counts = ranges->counts + (size_t)ranges->slot[value] * OHM_RANGE_BINS;
    float least = ranges->least[value], most = ranges->most[value];
    for (int64_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &data[i], sizeof bits);
        counts[bits >> 16]++;
        least = data[i] < least ? data[i] : least;
        most = data[i] > most ? data[i] : most;
    }
    ranges->least[value] = least;
    ranges->most[value] = most;
}

void ohm_ranges_merge(struct ohm_ranges *into, const struct ohm_ranges *from) {
    for (int32_t v = 0; v < into->nvalue; v++) {
        into->least[v] = from->least[v] < into->least[v] ? from->least[v] : into->least[v];
        into->most[v] = from->most[v] > into->most[v] ? from->most[v] : into->most[v];
    }
    for (size_t i = 0; i < (size_t)into->nobserved * OHM_RANGE_BINS; i++)
        if (from->counts[i]) into->counts[i] += from->counts[i]; /* what is 0 stays unwritten */
}
