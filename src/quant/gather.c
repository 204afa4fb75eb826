#include "clones.h"
#include "ohmtally/quantize.h"
#include <string.h>

/* One position's inputs in (channel, kh, kw) order from channels-last storage; padding holds the zero point. */
#define DEFINE_GATHER(type)                                                                                                                          \
    OHM_CLONES static void gather_##type(const struct ohm_layer *layer, type zero, const type *stored, int64_t first, int64_t count, type *x) {      \
        const struct ohm_window *w = &layer->window;                                                                                                 \
        int32_t taps = w->kernel[0] * w->kernel[1], channels = layer->in_c;                                                                          \
        for (int64_t p = first; p < first + count; p++, x += (size_t)channels * (size_t)taps) {                                                      \
            int32_t top = (int32_t)(p / layer->out_w) * w->stride[0] - w->pad_before[0],                                                             \
                    left = (int32_t)(p % layer->out_w) * w->stride[1] - w->pad_before[1];                                                            \
            for (int32_t i = 0; i < w->kernel[0]; i++)                                                                                               \
                for (int32_t j = 0; j < w->kernel[1]; j++) {                                                                                         \
                    int32_t row = top + i * w->dilation[0], column = left + j * w->dilation[1], tap = i * w->kernel[1] + j;                          \
                    bool inside = row >= 0 && row < layer->in_h && column >= 0 && column < layer->in_w;                                              \
                    const type *from = stored + ((size_t)row * (size_t)layer->in_w + (size_t)column) * (size_t)channels;                             \
                    if (inside && taps == 1)                                                                                                         \
                        memcpy(x, from, (size_t)channels * sizeof *x);                                                                               \
                    else                                                                                                                             \
                        for (int32_t c = 0; c < channels; c++) x[(size_t)c * (size_t)taps + (size_t)tap] = inside ? from[c] : zero;                  \
                }                                                                                                                                    \
        }                                                                                                                                            \
    }
DEFINE_GATHER(uint8_t)
DEFINE_GATHER(uint16_t)

void ohm_layer_gather(const struct ohm_intnet *intnet, const struct ohm_layer *layer, const void *stored, int64_t first, int64_t count, void *x) {
    int32_t zero = intnet->quant[layer->input].zero;
    if (intnet->element == 1)
        gather_uint8_t(layer, (uint8_t)zero, stored, first, count, x);
    else
        gather_uint16_t(layer, (uint16_t)zero, stored, first, count, x);
}
