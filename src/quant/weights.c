/* Float weights -> integers on the plain symmetric grid. */
#include "ohmtally/quantize.h"
#include <math.h>
#include <stdlib.h>

struct ohm_weights *ohm_weights_new(const struct ohm_layer *layer) {
    const size_t outputs = (size_t)ohm_layer_outputs(layer);
    struct ohm_weights *weights = ohm_alloc(sizeof *weights);
    if (!weights) return NULL;
    weights->w = ohm_alloc_array(outputs * (size_t)layer->krows, sizeof *weights->w);
    weights->scale = ohm_alloc_array(outputs, sizeof *weights->scale);
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

static float largest(const float *weight, int64_t count) {
    float most = 0;
    for (int64_t i = 0; i < count; i++) most = fabsf(weight[i]) > most ? fabsf(weight[i]) : most;
    return most;
}

void ohm_weights_uniform(const struct ohm_layer *layer, int32_t limit, bool per_channel, struct ohm_weights *weights) {
    const int32_t outputs = ohm_layer_outputs(layer);
    const float whole = largest(layer->weight, (int64_t)outputs * layer->krows) / (float)limit;
    for (int32_t n = 0; n < outputs; n++) {
        const float *column = layer->weight + (int64_t)n * layer->krows;
        const float own = largest(column, layer->krows) / (float)limit, least = whole * OHM_LEAST_SCALE_SHARE;
        float scale = !per_channel ? whole : own > least ? own : least;
        if (!(scale > 0)) scale = 1;
        weights->scale[n] = scale;
        int32_t *w = weights->w + (int64_t)(n / layer->ncols) * layer->krows * layer->ncols + n % layer->ncols;
        for (int32_t r = 0; r < layer->krows; r++) {
            float q = rintf(column[r] / scale);
            q = q < (float)limit ? q : (float)limit;
            q = q > (float)-limit ? q : (float)-limit;
            w[(int64_t)r * layer->ncols] = (int32_t)q;
        }
    }
}
