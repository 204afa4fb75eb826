#include "clones.h"
#include "ohmtally/quantize.h"
#include "ohmtally/status.h"
#include <math.h>

int ohm_rescale_make(const struct ohm_intnet *intnet, const struct ohm_layer *layer, const float *scale, const int64_t *colsum, int32_t unit,
                     struct ohm_arena *arena, struct ohm_rescale *rescale) {
    int32_t n = ohm_layer_outputs(layer);
    const struct ohm_quant *x = &intnet->quant[layer->input], *y = &intnet->quant[layer->output];
    *rescale = (struct ohm_rescale){.n = n, .real = y->bits == 0, .real_lo = layer->lo, .real_hi = layer->hi, .zero = y->zero};
    rescale->offset = ohm_arena_array(arena, (size_t)n, sizeof *rescale->offset);
    rescale->multiplier = ohm_arena_array(arena, (size_t)n, sizeof *rescale->multiplier);
    if (!rescale->offset || !rescale->multiplier) return OHM_E_MEMORY;
    for (int32_t i = 0; i < n; i++) {
        double product = (double)scale[i] * (double)x->scale;
        float bias = layer->bias ? layer->bias[i] : 0.0f;
        rescale->offset[i] = unit * ((int64_t)rint((double)bias / product) - x->zero * colsum[i]);
        rescale->multiplier[i] = (float)(rescale->real ? product / unit : product / (double)y->scale / unit);
    }
    if (rescale->real) return OHM_OK;
    int32_t top = (1 << y->bits) - 1;
    float lo = rintf(layer->lo / y->scale) + (float)y->zero, hi = rintf(layer->hi / y->scale) + (float)y->zero;
    rescale->lo = lo > 0 ? (int32_t)lo : 0;
    rescale->hi = hi < (float)top ? (int32_t)hi : top;
    return OHM_OK;
}

/* out = clamp(rint(float(y + offset) * multiplier) + zero, lo, hi); the clamp is done in float, where these integers are exact. */
#define DEFINE_APPLY(type)                                                                                                                           \
    OHM_CLONES static void apply_##type(const struct ohm_rescale *rescale, int64_t npos, const int64_t *restrict y, type *restrict out) {            \
        const int64_t *restrict offset = rescale->offset;                                                                                            \
        const float *restrict multiplier = rescale->multiplier;                                                                                      \
        float zero = (float)rescale->zero, lo = (float)rescale->lo, hi = (float)rescale->hi;                                                         \
        for (int64_t p = 0; p < npos; p++, y += rescale->n, out += rescale->n)                                                                       \
            for (int32_t n = 0; n < rescale->n; n++) {                                                                                               \
                float q = rintf((float)(y[n] + offset[n]) * multiplier[n]) + zero;                                                                   \
                q = q > lo ? q : lo;                                                                                                                 \
                out[n] = (type)(int32_t)(q < hi ? q : hi);                                                                                           \
            }                                                                                                                                        \
    }
DEFINE_APPLY(uint8_t)
DEFINE_APPLY(uint16_t)

static void apply_real(const struct ohm_intnet *intnet, const struct ohm_layer *layer, const struct ohm_rescale *rescale, int64_t first, int64_t npos,
                       const int64_t *y, float *out) {
    int64_t positions = ohm_layer_positions(layer);
    bool rows = intnet->network->values[layer->output].shape.rank != 4; /* row-major is [position][n]; rank 4 is [n][position] */
    for (int64_t p = 0; p < npos; p++)
        for (int32_t n = 0; n < rescale->n; n++) {
            float value = (float)(y[p * rescale->n + n] + rescale->offset[n]) * rescale->multiplier[n];
            value = fminf(fmaxf(value, rescale->real_lo), rescale->real_hi);
            out[rows ? (first + p) * rescale->n + n : n * positions + first + p] = value;
        }
}

void ohm_rescale_apply(const struct ohm_intnet *intnet, const struct ohm_layer *layer, const struct ohm_rescale *rescale, int64_t first, int64_t npos,
                       const int64_t *y, void *stored) {
    if (rescale->real)
        apply_real(intnet, layer, rescale, first, npos, y, stored);
    else if (intnet->element == 1)
        apply_uint8_t(rescale, npos, y, (uint8_t *)stored + first * rescale->n);
    else
        apply_uint16_t(rescale, npos, y, (uint16_t *)stored + first * rescale->n);
}

void ohm_top5(const float *logits, int32_t n, int32_t best[5]) {
    for (int32_t k = 0; k < 5; k++) {
        best[k] = -1;
        for (int32_t i = 0; i < n; i++) {
            bool taken = false;
            for (int32_t j = 0; j < k; j++) taken = taken || best[j] == i;
            if (!taken && (best[k] < 0 || logits[i] > logits[best[k]])) best[k] = i;
        }
    }
}
