/* Building engines: weights onto the design's grid, into a plan, into a program; layers in parallel. */
#include "ohmtally/engine.h"
#include "ohmtally/status.h"
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

static struct ohm_engine *engine_new(const struct ohm_intnet *intnet) {
    struct ohm_arena *arena = ohm_arena_new();
    struct ohm_engine *engine = arena ? ohm_arena_alloc(arena, sizeof *engine) : NULL;
    if (engine) {
        *engine = (struct ohm_engine){.arena = arena, .intnet = intnet};
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
        ohm_product_free(engine->layers[i].product);
    }
    free(engine->observed);
    ohm_arena_free(engine->arena);
}

size_t ohm_engine_bytes(const struct ohm_engine *engine) {
    size_t bytes = ohm_arena_bytes(engine->arena);
    for (int32_t i = 0; i < engine->intnet->nlayer; i++) {
        if (engine->layers[i].program) bytes += ohm_program_bytes(engine->layers[i].program);
        if (engine->layers[i].product) bytes += ohm_product_bytes(engine->layers[i].product);
    }
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

/* The same of held against given weights. */
static double held_error(const struct ohm_layer *layer, const int32_t *held, const struct ohm_weights *given) {
    double error = 0, power = 0;
    for (size_t i = 0; i < (size_t)ohm_layer_inputs(layer) * (size_t)layer->ncols; i++) {
        size_t output = i / (size_t)layer->ncols / (size_t)layer->krows * (size_t)layer->ncols + i % (size_t)layer->ncols;
        double real = (double)given->scale[output] * given->w[i], off = (double)given->scale[output] * held[i] - real;
        error += off * off;
        power += real * real;
    }
    return power > 0 ? sqrt(error / power) : 0;
}

/* The part every engine shares: offsets and multipliers from the weights held. */
static int finish_layer(struct ohm_engine *engine, const struct ohm_engine_request *request, int32_t i, const int32_t *held, const float *scale,
                        int32_t unit) {
    struct ohm_layer own = engine->intnet->layers[i], *layer = &own;
    if (request->bias && request->bias[i]) own.bias = request->bias[i];
    int64_t *colsum = ohm_alloc_array((size_t)ohm_layer_outputs(layer), sizeof *colsum);
    if (!colsum) return OHM_E_MEMORY;
    ohm_layer_colsum(layer, held, colsum);
    engine->layers[i].weight_error = weight_error(layer, held, scale);
    int status;
#pragma omp critical(ohm_engine_arena)
    status = ohm_rescale_make(engine->intnet, layer, scale, colsum, unit, engine->arena, &engine->layers[i].rescale);
    free(colsum);
    return status;
}

static int exact_product(struct ohm_engine *engine, int32_t i, const int32_t *w, const int32_t *place) {
    const struct ohm_layer *layer = &engine->intnet->layers[i];
    bool interleaved = ohm_layer_interleaved(layer);
    engine->layers[i].way = "product";
    struct ohm_product_shape shape = {layer->groups, layer->krows, layer->ncols, engine->intnet->element, interleaved};
    OHM_TRY(ohm_product_new(&shape, w, interleaved ? NULL : place, &engine->layers[i].product));
    int64_t bound = ohm_product_bound(engine->layers[i].product, engine->intnet->activation_bits);
    engine->layers[i].narrow = ohm_sums_are_narrow(bound, engine->layers[i].rescale.largest_offset);
    return OHM_OK;
}

static const struct ohm_weights *given_weights(const struct ohm_engine_request *request, int32_t i) {
    return request->given ? request->given[i] : NULL;
}

static int exact_layer(struct ohm_engine *engine, const struct ohm_engine_request *request, int32_t i) {
    const struct ohm_layer *layer = &engine->intnet->layers[i];
    const struct ohm_weights *given = given_weights(request, i);
    struct ohm_weights *own = given ? NULL : ohm_weights_new(layer);
    const struct ohm_weights *weights = given ? given : own;
    if (!weights) return OHM_E_MEMORY;
    if (own) ohm_weights_uniform(layer, (1 << (request->weight_bits - 1)) - 1, request->per_channel, own);
    int32_t *place = ohm_layer_places(layer);
    int status = place ? finish_layer(engine, request, i, weights->w, weights->scale, 1) : OHM_E_MEMORY;
    if (!status) status = exact_product(engine, i, weights->w, place);
    free(place);
    ohm_weights_free(own);
    return status;
}

static int build_program(struct ohm_engine *engine, const struct ohm_engine_request *request, int32_t i, const struct ohm_plan *plan,
                         const struct ohm_adc *adc, const int32_t *held) {
    const struct ohm_layer *layer = &engine->intnet->layers[i];
    const struct ohm_kernel *kernel = ohm_kernel_chosen();
    const struct ohm_reads reads = {request->noise, i};
    int32_t *place = kernel ? ohm_layer_places(layer) : NULL;
    if (!kernel) return OHM_E_USAGE;
    if (!place) return OHM_E_MEMORY;
    struct ohm_program_request build = {.plan = plan,
                                        .adc = adc,
                                        .kernel = kernel,
                                        .input_bits = request->intnet->activation_bits,
                                        .element = request->intnet->element,
                                        .evaluate = request->evaluate,
                                        .place = place,
                                        .interleaved = ohm_layer_interleaved(layer),
                                        .held = held,
                                        .reads = request->noise && ohm_noise_of_sums(request->noise) ? &reads : NULL,
                                        .offset = engine->layers[i].rescale.largest_offset};
    int status = ohm_program_build(&build, &engine->layers[i].program);
    if (!status) engine->layers[i].narrow = ohm_program_narrow(engine->layers[i].program);
    if (!status) engine->layers[i].way = ohm_program_way(engine->layers[i].program);
    free(place);
    return status;
}

/* What the cells really hold takes the place of what was programmed, after everything digital has been worked out from that. */
static int disturb_layer(struct ohm_engine *engine, const struct ohm_noise *noise, int32_t i, struct ohm_plan *plan, struct ohm_weights *weights) {
    if (!noise || (!ohm_noise_of_cells(noise) && !ohm_noise_of_sums(noise))) return OHM_OK;
    if (ohm_noise_of_cells(noise)) ohm_plan_stick(plan, noise, i);
    OHM_TRY(ohm_plan_join(plan));
    if (ohm_noise_of_sums(noise)) OHM_TRY(ohm_plan_vary(plan, noise, i));
    if (ohm_noise_of_wires(noise)) OHM_TRY(ohm_plan_wire(plan, noise));
    if (ohm_noise_of_telegraph(noise)) OHM_TRY(ohm_plan_telegraph(plan, noise, i));
    ohm_plan_decode(plan, weights->w);
    engine->layers[i].weight_error = weight_error(&engine->intnet->layers[i], weights->w, weights->scale);
    return OHM_OK;
}

/* weights: on the design's grid; what the plan holds of them takes their place, for a large layer's are many. */
static int plan_layer(struct ohm_engine *engine, const struct ohm_engine_request *request, int32_t i, struct ohm_weights *weights,
                      struct ohm_plan *plan) {
    const struct ohm_layer *layer = &engine->intnet->layers[i];
    int32_t bits = request->intnet->activation_bits;
    OHM_TRY(request->design->place(&request->settings[i], layer, weights->w, plan));
    OHM_TRY(ohm_plan_finish(plan, bits));
    engine->layers[i].store = plan->store;
    memcpy(engine->layers[i].plane_full, plan->plane_full, sizeof plan->plane_full);
    memcpy(engine->layers[i].plane_held, plan->plane_held, sizeof plan->plane_held);
    const struct ohm_weights *given = given_weights(request, i);
    bool stores_only = request->stores_only && request->stores_only[i];
    if (stores_only && !given) return OHM_OK;
    ohm_plan_decode(plan, weights->w);
    if (given) engine->layers[i].held_error = held_error(layer, weights->w, given);
    if (stores_only) return OHM_OK;
    OHM_TRY(finish_layer(engine, request, i, weights->w, weights->scale, ohm_adc_unit(&request->adc[i])));
    OHM_TRY(disturb_layer(engine, request->noise, i, plan, weights));
    struct ohm_adc adc = request->adc[i];
    struct ohm_converters *converters = NULL;
    if (request->noise && ohm_noise_of_adcs(request->noise))
        OHM_TRY(ohm_converters_make(request->noise, &adc, plan, i, request->settings[i].array_columns, &converters));
    adc.converters = converters;
    int status = build_program(engine, request, i, plan, &adc, weights->w);
    ohm_converters_free(converters);
    return status;
}

/* What the design is to hold: given, or the float weights on its grid. */
static void wanted_weights(const struct ohm_engine_request *request, int32_t i, struct ohm_weights *weights) {
    const struct ohm_layer *layer = &request->intnet->layers[i];
    const struct ohm_weights *given = given_weights(request, i);
    const size_t outputs = (size_t)ohm_layer_outputs(layer);
    if (!given) {
        ohm_design_constrain(request->design, &request->settings[i], layer, weights);
        return;
    }
    memcpy(weights->w, given->w, outputs * (size_t)layer->krows * sizeof *weights->w);
    memcpy(weights->scale, given->scale, outputs * sizeof *weights->scale);
}

static int crossbar_layer(struct ohm_engine *engine, const struct ohm_engine_request *request, int32_t i) {
    const struct ohm_layer *layer = &engine->intnet->layers[i];
    struct ohm_weights *weights = ohm_weights_new(layer);
    struct ohm_plan *plan = weights ? ohm_plan_new(layer->groups, layer->krows, layer->ncols) : NULL;
    int status = plan ? OHM_OK : OHM_E_MEMORY;
    if (!status) wanted_weights(request, i, weights);
    if (!status) status = plan_layer(engine, request, i, weights, plan);
    ohm_plan_free(plan);
    ohm_weights_free(weights);
    return status;
}

static bool left_out(const struct ohm_engine_request *request, int32_t i) {
    const struct ohm_engine_part *part = request->part;
    if (request->skip && request->skip[i]) return true;
    for (int32_t s = 0; part && s < request->intnet->nstep; s++)
        if (request->intnet->steps[s].layer == i) return s < part->first || s >= part->end;
    return false;
}

#define LAYERS_PER_THREAD 2 /* between calls of `built`: memory that is not yet shared against threads without work */

static int build_layers(struct ohm_engine *engine, const struct ohm_engine_request *request) {
    const int32_t together = LAYERS_PER_THREAD * omp_get_max_threads(), nlayer = request->intnet->nlayer;
    for (int32_t first = 0, end; first < nlayer; first = end) {
        struct ohm_failure failure = {0};
        end = nlayer - first < together || !request->built ? nlayer : first + together;
#pragma omp parallel for schedule(dynamic)
        for (int32_t i = first; i < end; i++)
            if (left_out(request, i))
                continue;
            else if (request->design ? crossbar_layer(engine, request, i) : exact_layer(engine, request, i)) {
#pragma omp critical(ohm_engine_failure)
                ohm_fail_take(&failure);
            }
        int status = ohm_fail_give(&failure);
        if (request->built) status = request->built(request->context, engine, first, end, status);
        if (status) return status;
    }
    return OHM_OK;
}

int ohm_engine_build(const struct ohm_engine_request *request, struct ohm_engine **out) {
    struct ohm_engine *engine = engine_new(request->intnet);
    *out = NULL;
    if (!engine) return request->built ? request->built(request->context, NULL, 0, 0, OHM_E_MEMORY) : OHM_E_MEMORY;
    if (request->design) {
        engine->adc_bits = request->adc[0].bits;
        engine->largest = request->adc[0].largest;
        for (int32_t i = 0; i < request->intnet->nlayer; i++) engine->layers[i].adc = request->adc[i];
    }
    engine->part = request->part;
    int status = build_layers(engine, request);
    if (status)
        ohm_engine_free(engine);
    else
        *out = engine;
    return status;
}

void ohm_engine_large(const struct ohm_engine *engine, int32_t first, int32_t end, void (*see)(void *context, void *piece, size_t bytes),
                      void *context) {
    for (int32_t i = first; i < end; i++) {
        const struct ohm_engine_layer *layer = &engine->layers[i];
        if (layer->program) ohm_program_large(layer->program, see, context);
        if (layer->product) ohm_product_large(layer->product, see, context);
    }
}
