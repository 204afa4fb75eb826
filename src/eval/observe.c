/* What the ADCs see: counts of every layer on sample images, for calibrated ranges. A slow path on a few images. */
#include "ohmtally/engine.h"
#include "ohmtally/status.h"
#include <stdlib.h>

#define BLOCK 64

struct observing {
    struct ohm_engine *engine;
    int status;
};

/* One layer's input on one image through its ADCs' eyes. */
static int observe_layer(struct ohm_engine *engine, int32_t i, const void *input) {
    const struct ohm_intnet *intnet = engine->intnet;
    const struct ohm_layer *layer = &intnet->layers[i];
    int64_t positions = ohm_layer_positions(layer);
    struct ohm_failure failure = {0};
#pragma omp parallel
    {
        unsigned char *x = ohm_alloc_array(BLOCK * (size_t)ohm_layer_inputs(layer), (size_t)intnet->element);
        unsigned char *scratch = ohm_alloc(ohm_program_scratch(engine->layers[i].program, BLOCK));
        int64_t *seen = ohm_alloc_array(ohm_engine_bins(engine), sizeof *seen);
        bool good = x && scratch && seen;
#pragma omp for schedule(dynamic)
        for (int64_t first = 0; first < positions; first += BLOCK) {
            int64_t n = positions - first < BLOCK ? positions - first : BLOCK;
            if (!good) continue;
            ohm_layer_gather_taps(intnet, layer, input, first, n, x);
            ohm_program_observe(engine->layers[i].program, (int32_t)n, x, scratch, seen);
        }
#pragma omp critical(ohm_engine_failure)
        {
            int64_t *sum = engine->observed + (size_t)i * ohm_engine_bins(engine);
            for (size_t k = 0; good && k < ohm_engine_bins(engine); k++) sum[k] += seen[k];
            if (!good) ohm_fail_take(&failure);
        }
        free(x);
        free(scratch);
        free(seen);
    }
    return ohm_fail_give(&failure);
}

int ohm_engine_observe_layer(struct ohm_engine *engine, int32_t layer, const void *input) {
    if (!engine->observed) engine->observed = ohm_alloc_array((size_t)engine->intnet->nlayer * ohm_engine_bins(engine), sizeof *engine->observed);
    return engine->observed ? observe_layer(engine, layer, input) : OHM_E_MEMORY;
}

static void before_layer(void *context, int32_t layer, const void *input) {
    struct observing *observing = context;
    if (!observing->status) observing->status = ohm_engine_observe_layer(observing->engine, layer, input);
}

int ohm_engine_observe(struct ohm_engine *engine, struct ohm_batch *batch, const float *input) {
    struct observing observing = {engine, OHM_OK};
    struct ohm_engine_watch watch = {.before_layer = before_layer, .context = &observing};
    OHM_TRY(ohm_engine_run(engine, batch, 1, &input, NULL, NULL, NULL, &watch));
    return observing.status;
}
