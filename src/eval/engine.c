/* Building engines: weights onto the design's grid, into a plan, into a program; layers in parallel. */
#include "ohmtally/engine.h"
#include "ohmtally/status.h"
#include <math.h>
#include <stdlib.h>

static struct ohm_engine *engine_new(const struct ohm_intnet *intnet) {
    struct ohm_arena *arena = ohm_arena_new();
    struct ohm_engine *engine = arena ? ohm_arena_alloc(arena, sizeof *engine) : NULL;
    if (engine) {
        *engine = (struct ohm_engine){.arena = arena, .intnet = intnet, .unit = 1};
        engine->layers = ohm_arena_array(arena, (size_t)intnet->nlayer, sizeof *engine->layers);
    }
    if (!engine || !engine->layers) {
        ohm_arena_free(arena);
        return NULL;
    }
    return engine;
}

void ohm_engine_free(struct ohm_engine *engine) {
    if (!engine) return;
    for (int32_t i = 0; i < engine->intnet->nlayer; i++) {
        ohm_program_free(engine->layers[i].program);
        ohm_layer_packed_free(engine->layers[i].packed);
    }
    free(engine->observed);
    ohm_arena_free(engine->arena);
}

size_t ohm_engine_bytes(const struct ohm_engine *engine) {
    size_t bytes = ohm_arena_bytes(engine->arena);
    for (int32_t i = 0; i < engine->intnet->nlayer; i++)
        if (engine->layers[i].program) bytes += ohm_program_bytes(engine->layers[i].program);
    return bytes;
}

/* sqrt(sum (scale w - float)^2 / sum float^2), 0 for an all-zero layer. */
static double weight_error(const struct ohm_layer *layer, const int32_t *w, const float *scale) {
    double error = 0, power = 0;
    for (int32_t n = 0; n < ohm_layer_outputs(layer); n++)
        for (int32_t r = 0; r < layer->krows; r++) {
            size_t place = ((size_t)(n / layer->ncols) * (size_t)layer->krows + (size_t)r) * (size_t)layer->ncols + (size_t)(n % layer->ncols);
            double real = layer->weight[(size_t)n * (size_t)layer->krows + (size_t)r], off = (double)scale[n] * w[place] - real;
            error += off * off;
            power += real * real;
        }
    return power > 0 ? sqrt(error / power) : 0;
}

/* The part every engine shares: offsets and multipliers from the weights held. */
static int finish_layer(struct ohm_engine *engine, int32_t i, const int32_t *held, const float *scale) {
    const struct ohm_layer *layer = &engine->intnet->layers[i];
    int64_t *colsum = ohm_alloc_array((size_t)ohm_layer_outputs(layer), sizeof *colsum);
    if (!colsum) return OHM_E_MEMORY;
    ohm_layer_colsum(layer, held, colsum);
    engine->layers[i].weight_error = weight_error(layer, held, scale);
    int status;
#pragma omp critical(ohm_engine_arena)
    status = ohm_rescale_make(engine->intnet, layer, scale, colsum, engine->unit, engine->arena, &engine->layers[i].rescale);
    free(colsum);
    return status;
}

static int exact_layer(struct ohm_engine *engine, int32_t i, int32_t weight_bits, bool per_channel, const struct ohm_weights *given) {
    const struct ohm_layer *layer = &engine->intnet->layers[i];
    struct ohm_weights *own = given ? NULL : ohm_weights_new(layer);
    const struct ohm_weights *weights = given ? given : own;
    if (!weights) return OHM_E_MEMORY;
    if (own) ohm_weights_uniform(layer, (1 << (weight_bits - 1)) - 1, per_channel, own);
    engine->layers[i].packed = ohm_layer_pack(layer, weights->w);
    int status = engine->layers[i].packed ? finish_layer(engine, i, weights->w, weights->scale) : OHM_E_MEMORY;
    ohm_weights_free(own);
    return status;
}

/* A finished engine to the caller, or what went wrong in building it. */
static int hand_over(struct ohm_engine *engine, const struct ohm_failure *failure, struct ohm_engine **out) {
    if (failure->status)
        ohm_engine_free(engine);
    else
        *out = engine;
    return ohm_fail_give(failure);
}

int ohm_engine_exact(const struct ohm_intnet *intnet, int32_t weight_bits, bool per_channel, struct ohm_weights *const *given,
                     struct ohm_engine **out) {
    struct ohm_engine *engine = engine_new(intnet);
    struct ohm_failure failure = {0};
    *out = NULL;
    if (!engine) return OHM_E_MEMORY;
    engine->exact = true;
#pragma omp parallel for schedule(dynamic)
    for (int32_t i = 0; i < intnet->nlayer; i++)
        if (exact_layer(engine, i, weight_bits, per_channel, given ? given[i] : NULL)) {
#pragma omp critical(ohm_engine_failure)
            ohm_fail_take(&failure);
        }
    return hand_over(engine, &failure, out);
}

static int plan_layer(struct ohm_engine *engine, const struct ohm_engine_request *request, int32_t i, const struct ohm_weights *weights,
                      struct ohm_plan *plan) {
    const struct ohm_layer *layer = &engine->intnet->layers[i];
    int32_t bits = request->intnet->activation_bits;
    OHM_TRY(request->design->place(request->setting, layer, weights->w, plan));
    OHM_TRY(ohm_plan_finish(plan, bits));
    engine->layers[i].store = plan->store;
    int32_t *held = ohm_alloc_array((size_t)layer->groups * (size_t)layer->krows * (size_t)layer->ncols, sizeof *held);
    if (!held) return OHM_E_MEMORY;
    ohm_plan_decode(plan, held);
    int status = finish_layer(engine, i, held, weights->scale);
    free(held);
    if (status || request->plan_only) return status;
    const struct ohm_kernel *kernel = ohm_kernel_chosen();
    if (!kernel) return OHM_E_USAGE;
    return ohm_program_build(plan, &request->adc[i], kernel, bits, request->intnet->element, &engine->layers[i].program);
}

static int crossbar_layer(struct ohm_engine *engine, const struct ohm_engine_request *request, int32_t i) {
    const struct ohm_layer *layer = &engine->intnet->layers[i];
    struct ohm_weights *own = request->given ? NULL : ohm_weights_new(layer);
    const struct ohm_weights *weights = request->given ? request->given[i] : own;
    struct ohm_plan *plan = weights ? ohm_plan_new(layer->groups, layer->krows, layer->ncols) : NULL;
    int status = plan ? OHM_OK : OHM_E_MEMORY;
    if (own) ohm_design_constrain(request->design, request->setting, layer, own);
    if (!status) status = plan_layer(engine, request, i, weights, plan);
    ohm_plan_free(plan);
    ohm_weights_free(own);
    return status;
}

int ohm_engine_crossbar(const struct ohm_engine_request *request, struct ohm_engine **out) {
    struct ohm_engine *engine = engine_new(request->intnet);
    struct ohm_failure failure = {0};
    *out = NULL;
    if (!engine) return OHM_E_MEMORY;
    engine->adc_bits = request->adc[0].bits;
    engine->unit = ohm_adc_unit(&request->adc[0]);
    engine->largest = request->adc[0].largest;
#pragma omp parallel for schedule(dynamic)
    for (int32_t i = 0; i < request->intnet->nlayer; i++)
        if (crossbar_layer(engine, request, i)) {
#pragma omp critical(ohm_engine_failure)
            ohm_fail_take(&failure);
        }
    return hand_over(engine, &failure, out);
}
