/* The exact integer product of a layer as it is defined, in plain loops. */
#include "ohmtally/quantize.h"

void ohm_layer_product_plain(const struct ohm_layer *layer, const int32_t *w, int32_t element, int64_t npos, const void *x, int64_t *y) {
    const int64_t krows = layer->krows, ncols = layer->ncols, groups = layer->groups;
    for (int64_t p = 0; p < npos; p++)
        for (int64_t g = 0; g < groups; g++)
            for (int64_t n = 0; n < ncols; n++) {
                int64_t sum = 0;
                for (int64_t r = 0; r < krows; r++) {
                    const int64_t at = (p * groups + g) * krows + r;
                    const int64_t code = element == 1 ? ((const uint8_t *)x)[at] : ((const uint16_t *)x)[at];
                    sum += w[(g * krows + r) * ncols + n] * code;
                }
                y[(p * groups + g) * ncols + n] = sum;
            }
}
