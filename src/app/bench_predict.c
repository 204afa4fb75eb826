/* Time of a whole image and memory from a block of positions of a few layers: what a user needs to know before a long run, in a moment. */
#include "bench.h"
#include "ohmtally/status.h"
#include <stdlib.h>

/* Codes have activation_bits bits, in one byte or two (the low one first). */
static void keep_codes(uint8_t *x, size_t bytes, const struct ohm_intnet *intnet) {
    for (size_t k = 0; k < bytes; k++) {
        int32_t bits = intnet->activation_bits - (intnet->element == 2 && k % 2 ? 8 : 0);
        if (bits < 8) x[k] = (uint8_t)(x[k] & ((1 << bits) - 1));
    }
}

static double weights_of(const struct ohm_layer *layer) {
    return (double)layer->groups * layer->krows * layer->ncols;
}
static double operations(const struct ohm_layer *layer) { /* multiply-adds */
    return (double)ohm_layer_positions(layer) * weights_of(layer);
}
static double importance(const struct ohm_layer *layer) { /* for time and memory */
    return operations(layer) * weights_of(layer);
}

/* Layers of a kind take about equally long per multiply-add: those of one output a group, and all others. */
static bool is_thin(const struct ohm_layer *layer) {
    return layer->ncols == 1;
}

void bench_choose_samples(const struct ohm_intnet *intnet, bool *left_out) {
    int32_t largest[2] = {-1, -1};
    for (int32_t i = 0; i < intnet->nlayer; i++) {
        const struct ohm_layer *layer = &intnet->layers[i];
        int32_t *best = &largest[is_thin(layer)];
        left_out[i] = true;
        if (*best < 0 || importance(layer) > importance(&intnet->layers[*best])) *best = i;
    }
    for (int k = 0; k < 2; k++)
        if (largest[k] >= 0) left_out[largest[k]] = false;
}

static int time_layer(const struct ohm_intnet *intnet, const struct ohm_layer *layer, const struct ohm_program *program, double *seconds) {
    int64_t positions = ohm_layer_positions(layer);
    int32_t npos = ohm_program_positions(program);
    if (npos > positions) npos = (int32_t)positions;
    size_t vector = (size_t)ohm_layer_inputs(layer) * (size_t)intnet->element, bytes = (size_t)npos * vector;
    double took = 0;
    uint8_t *x = ohm_alloc(bytes);
    if (!x) return OHM_E_MEMORY;
    bench_fill(x, bytes, BENCH_DENSITY);
    keep_codes(x, bytes, intnet);
    int status = bench_program(&(struct bench_program){program, npos, vector, (size_t)ohm_layer_outputs(layer), x}, 0, &took, NULL);
    *seconds = took * (double)positions / npos;
    free(x);
    return status;
}

int bench_predict(const struct ohm_engine *engine, struct bench_prediction *prediction) {
    const struct ohm_intnet *intnet = engine->intnet;
    *prediction = (struct bench_prediction){0};
    for (int32_t i = 0; i < intnet->nlayer; i++) {
        const struct ohm_layer *sample = &intnet->layers[i];
        const struct ohm_program *program = engine->layers[i].program;
        double seconds, work = 0, weights = 0;
        if (!program) continue;
        OHM_TRY(time_layer(intnet, sample, program, &seconds));
        for (int32_t k = 0; k < intnet->nlayer; k++) {
            const struct ohm_layer *layer = &intnet->layers[k];
            if (is_thin(layer) != is_thin(sample)) continue;
            work += operations(layer);
            weights += weights_of(layer);
        }
        prediction->seconds += seconds * work / operations(sample);
        prediction->bytes += (double)ohm_program_bytes(program) * weights / weights_of(sample);
    }
    return OHM_OK;
}
