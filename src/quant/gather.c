/* Input vectors of a layer from channels-last storage, in two orders. */
#include "element.h"
#include "ohmtally/status.h"

/* Channels alone decide what is next to what when every group has one channel and one output. */
bool ohm_layer_interleaved(const struct ohm_layer *layer) {
    return layer->conv && layer->ncols == 1 && layer->groups == layer->in_c;
}

static int64_t taps_of(const struct ohm_layer *layer) {
    return layer->conv ? (int64_t)layer->window.kernel[0] * layer->window.kernel[1] : 1;
}

int32_t *ohm_layer_places(const struct ohm_layer *layer) {
    const int64_t taps = taps_of(layer), channels = layer->krows / taps;
    int32_t *place = ohm_alloc_array((size_t)layer->groups * (size_t)layer->krows, sizeof *place);
    for (int64_t i = 0; place && i < (int64_t)layer->groups * layer->krows; i++) {
        const int64_t group = i / layer->krows, c = i % layer->krows / taps, tap = i % taps;
        place[i] = (int32_t)(ohm_layer_interleaved(layer) ? tap * layer->groups + group : group * layer->krows + tap * channels + c);
    }
    return place;
}

/* Linear layers take one vector, 1 x 1 convolutions one pixel. */
bool ohm_layer_gathered(const struct ohm_layer *layer) {
    const struct ohm_window *window = &layer->window;
    for (int axis = 0; axis < 2; axis++)
        if (window->kernel[axis] != 1 || window->stride[axis] != 1 || window->pad_before[axis] || window->pad_after[axis]) return false;
    return true;
}

#define BODY "gather_body.h"
#include "each_element.h"

/* A copy, in either order. */
static bool copied(const struct ohm_intnet *intnet, const struct ohm_layer *layer, const void *stored, int64_t first, int64_t count, void *x) {
    const size_t bytes = (size_t)layer->in_c * (size_t)intnet->element;
    if (!ohm_layer_gathered(layer)) return false;
    memcpy(x, (const uint8_t *)stored + (size_t)first * bytes, (size_t)count * bytes);
    return true;
}

void ohm_layer_gather(const struct ohm_intnet *intnet, const struct ohm_layer *layer, const void *stored, int64_t first, int64_t count, void *x) {
    const int32_t zero = intnet->quant[layer->input].zero;
    if (copied(intnet, layer, stored, first, count, x)) return;
    if (intnet->element == 1)
        gather_u8(layer, zero, stored, first, count, x);
    else
        gather_u16(layer, zero, stored, first, count, x);
}

void ohm_layer_gather_taps(const struct ohm_intnet *intnet, const struct ohm_layer *layer, const void *stored, int64_t first, int64_t count,
                           void *x) {
    const int32_t zero = intnet->quant[layer->input].zero;
    if (copied(intnet, layer, stored, first, count, x)) return;
    if (intnet->element == 1)
        gather_taps_u8(layer, zero, stored, first, count, x);
    else
        gather_taps_u16(layer, zero, stored, first, count, x);
}
