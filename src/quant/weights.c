#include "ohmtally/quantize.h"
#include <math.h>
#include <stdlib.h>

struct ohm_weights *ohm_weights_new(const struct ohm_layer *layer) {
    struct ohm_weights *weights = ohm_alloc(sizeof *weights);
    if (!weights) return NULL;
    weights->w = ohm_alloc_array((size_t)ohm_layer_inputs(layer) * (size_t)layer->ncols, sizeof *weights->w);
    weights->scale = ohm_alloc_array((size_t)ohm_layer_outputs(layer), sizeof *weights->scale);
    if (weights->w && weights->scale) return weights;
    ohm_weights_free(weights);
    return NULL;
}

void ohm_weights_free(struct ohm_weights *weights) {
    if (!weights) return;
    free(weights->w);
    free(weights->scale);
    free(weights);
}

static float largest(const float *w, size_t count) {
    float most = 0;
    for (size_t i = 0; i < count; i++) most = fmaxf(most, fabsf(w[i]));
    return most;
}

void ohm_weights_uniform(const struct ohm_layer *layer, int32_t limit, bool per_channel, struct ohm_weights *weights) {
    size_t krows = (size_t)layer->krows, ncols = (size_t)layer->ncols, outputs = (size_t)ohm_layer_outputs(layer);
    float all = largest(layer->weight, outputs * krows);
    for (size_t n = 0; n < outputs; n++) {
        const float *w = layer->weight + n * krows;
        float most = per_channel ? largest(w, krows) : all, scale = most > 0 ? most / (float)limit : 1.0f;
        weights->scale[n] = scale;
        for (size_t r = 0; r < krows; r++) {
            float level = rintf(w[r] / scale);
            if (level > (float)limit) level = (float)limit; /* the quotient may round beyond the limit */
            if (level < -(float)limit) level = -(float)limit;
            weights->w[(n / ncols * krows + r) * ncols + n % ncols] = (int32_t)level;
        }
    }
}
