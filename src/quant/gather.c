/* Input vectors of a layer from channels-last storage: channels slowest, kernel positions fastest (the row order of the weights). */
#include "element.h"

#define TAPS 64      /* kernel positions gathered together */
#define CHANNELS 512 /* channels gathered together */

#define BODY "gather_body.h"
#include "each_element.h"

static bool is_plain_copy(const struct ohm_layer *layer) {
    const struct ohm_window *window = &layer->window;
    for (int axis = 0; axis < 2; axis++)
        if (window->kernel[axis] != 1 || window->stride[axis] != 1 || window->pad_before[axis] || window->pad_after[axis]) return false;
    return true;
}

void ohm_layer_gather(const struct ohm_intnet *intnet, const struct ohm_layer *layer, const void *stored, int64_t first, int64_t count, void *x) {
    const int32_t zero = intnet->quant[layer->input].zero;
    if (is_plain_copy(layer)) {
        const size_t bytes = (size_t)layer->in_c * (size_t)intnet->element; /* linear: one vector; 1x1: one pixel */
        memcpy(x, (const uint8_t *)stored + (size_t)first * bytes, (size_t)count * bytes);
    } else if (intnet->element == 1) {
        gather_u8(layer, zero, stored, first, count, x);
    } else {
        gather_u16(layer, zero, stored, first, count, x);
    }
}
