/* Observing the float network: extremes and bfloat16-binned counts of every tensor. */
#include "ohmtally/quantize.h"
#include "ohmtally/status.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct ohm_ranges *ohm_ranges_new(const struct ohm_network *network) {
    struct ohm_ranges *ranges = ohm_alloc(sizeof *ranges);
    if (!ranges) return NULL;
    ranges->nvalue = network->nvalue;
    ranges->least = ohm_alloc_array((size_t)network->nvalue, sizeof *ranges->least);
    ranges->most = ohm_alloc_array((size_t)network->nvalue, sizeof *ranges->most);
    ranges->slot = ohm_alloc_array((size_t)network->nvalue, sizeof *ranges->slot);
    for (int32_t v = 0; ranges->least && ranges->most && ranges->slot && v < network->nvalue; v++) {
        ranges->least[v] = INFINITY;
        ranges->most[v] = -INFINITY;
        ranges->slot[v] = network->values[v].constant ? -1 : ranges->nobserved++;
    }
    ranges->counts = ohm_alloc_array((size_t)ranges->nobserved * OHM_RANGE_BINS, sizeof *ranges->counts);
    if (!ranges->least || !ranges->most || !ranges->slot || !ranges->counts) {
        ohm_ranges_free(ranges);
        return NULL;
    }
    return ranges;
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
    for (size_t i = 0; i < (size_t)into->nobserved * OHM_RANGE_BINS; i++) into->counts[i] += from->counts[i];
}
