/* Time of a whole image from one block of positions per layer: what a user needs to know before a long run. */
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

static int predict_layer(const struct ohm_intnet *intnet, const struct ohm_layer *layer, const struct ohm_program *program, double *seconds) {
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
    *seconds += took * (double)positions / npos;
    free(x);
    return status;
}

int bench_predict(const struct ohm_engine *engine, double *seconds) {
    *seconds = 0;
    for (int32_t i = 0; i < engine->intnet->nlayer; i++)
        OHM_TRY(predict_layer(engine->intnet, &engine->intnet->layers[i], engine->layers[i].program, seconds));
    return OHM_OK;
}
