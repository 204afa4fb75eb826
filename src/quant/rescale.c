/* From sums to the next tensor: bias and zero-point correction, one multiplication, rounding, clamp. */
#include "element.h"
#include "ohmtally/status.h"
#include <stdlib.h>

#define LARGEST_BIAS 0x1p53 /* in steps of the sum; units of 1/256 still fit into int64_t */

static int bias_steps(const struct ohm_layer *layer, int32_t n, double step, int64_t *steps) {
    const double exact = layer->bias ? rint((double)layer->bias[n] / step) : 0;
    if (!(fabs(exact) < LARGEST_BIAS))
        return ohm_fail(OHM_E_INPUT, "layer '%s': bias %g of output %d is out of proportion to its weights' scale (one step is %g)", layer->name,
                        (double)layer->bias[n], n, step);
    *steps = (int64_t)exact;
    return OHM_OK;
}

/* The fused activation's bounds as codes. */
static void code_bounds(const struct ohm_layer *layer, const struct ohm_quant *quant, struct ohm_rescale *rescale) {
    const struct coder coder = coder_of(quant);
    rescale->zero = quant->zero;
    rescale->lo = isinf(layer->lo) ? 0 : coder_code(coder, layer->lo);
    rescale->hi = isinf(layer->hi) ? (int32_t)((1U << quant->bits) - 1) : coder_code(coder, layer->hi);
}

void ohm_layer_colsum(const struct ohm_layer *layer, const int32_t *w, int64_t *colsum) {
    const int64_t krows = layer->krows, ncols = layer->ncols;
    for (int64_t n = 0; n < ohm_layer_outputs(layer); n++) colsum[n] = 0;
    for (int64_t row = 0; row < layer->groups * krows; row++)
        for (int64_t n = 0; n < ncols; n++) colsum[row / krows * ncols + n] += w[row * ncols + n];
}

int ohm_rescale_make(const struct ohm_intnet *intnet, const struct ohm_layer *layer, const float *scale, const int64_t *colsum, int32_t unit,
                     struct ohm_arena *arena, struct ohm_rescale *rescale) {
    const struct ohm_quant *from = &intnet->quant[layer->input], *to = &intnet->quant[layer->output];
    const int32_t n = ohm_layer_outputs(layer);
    *rescale = (struct ohm_rescale){.n = n,
                                    .offset = ohm_arena_array(arena, (size_t)n, sizeof *rescale->offset),
                                    .narrow_offset = ohm_arena_array(arena, (size_t)n, sizeof *rescale->narrow_offset),
                                    .multiplier = ohm_arena_array(arena, (size_t)n, sizeof *rescale->multiplier),
                                    .real = !to->bits,
                                    .real_lo = layer->lo,
                                    .real_hi = layer->hi};
    if (!rescale->offset || !rescale->narrow_offset || !rescale->multiplier) return OHM_E_MEMORY;
    if (to->bits) code_bounds(layer, to, rescale);
    for (int32_t i = 0; i < n; i++) {
        const double step = (double)scale[i] * (double)from->scale;
        int64_t bias = 0;
        OHM_TRY(bias_steps(layer, i, step, &bias));
        rescale->offset[i] = unit * (bias - from->zero * colsum[i]);
        rescale->narrow_offset[i] = (int32_t)(uint32_t)rescale->offset[i]; /* used only where largest_offset says that it fits */
        if (llabs(rescale->offset[i]) > rescale->largest_offset) rescale->largest_offset = llabs(rescale->offset[i]);
        rescale->multiplier[i] = (float)((to->bits ? step / (double)to->scale : step) / unit);
    }
    return OHM_OK;
}

#define BODY "rescale_body.h"
#include "each_element.h"

static inline int64_t sum_at(const void *y, bool narrow, int64_t i) {
    return narrow ? ((const int32_t *)y)[i] : ((const int64_t *)y)[i];
}

/* out[p * position_step + i * output_step] */
static void rescale_real(const struct ohm_rescale *rescale, int64_t npos, const void *y, bool narrow, int64_t position_step, int64_t output_step,
                         float *out) {
    for (int64_t p = 0; p < npos; p++)
        for (int32_t i = 0; i < rescale->n; i++) {
            const float real = (float)(sum_at(y, narrow, p * rescale->n + i) + rescale->offset[i]) * rescale->multiplier[i];
            out[p * position_step + i * output_step] = clamp_real(real, rescale->real_lo, rescale->real_hi);
        }
}

void ohm_rescale_apply(const struct ohm_intnet *intnet, const struct ohm_layer *layer, const struct ohm_rescale *rescale, int64_t first, int64_t npos,
                       bool narrow, const void *y, void *stored) {
    uint8_t *bytes = (uint8_t *)stored + first * rescale->n;
    uint16_t *words = (uint16_t *)stored + first * rescale->n;
    if (rescale->real && layer->conv) /* row-major [n][positions] */
        rescale_real(rescale, npos, y, narrow, 1, ohm_layer_positions(layer), (float *)stored + first);
    else if (rescale->real)
        rescale_real(rescale, npos, y, narrow, rescale->n, 1, (float *)stored + first * rescale->n);
    else if (intnet->element == 1 && narrow)
        rescale_narrow_u8(rescale, rescale->narrow_offset, npos, y, bytes);
    else if (intnet->element == 1)
        rescale_u8(rescale, rescale->offset, npos, y, bytes);
    else if (narrow)
        rescale_narrow_u16(rescale, rescale->narrow_offset, npos, y, words);
    else
        rescale_u16(rescale, rescale->offset, npos, y, words);
}
