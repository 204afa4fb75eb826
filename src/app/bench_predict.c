/* Time of a whole image from one block of positions per layer: what a user needs to know before a long run. */
#include "bench.h"
#include "ohmtally/status.h"
#include <stdlib.h>

#define DENSITY 0.21 /* of ones in the inputs, as in the reference layer: typical behind a ReLU */

struct work {
    const struct ohm_program *program;
    int32_t npos;
    uint8_t *x;
    void *y, *scratch;
    struct ohm_tally tally;
};

static void run_block(void *context) {
    struct work *work = context;
    ohm_program_multiply(work->program, work->npos, work->x, work->y, work->scratch, &work->tally);
}

/* Codes have activation_bits bits, in one byte or two (the low one first). */
static void keep_codes(uint8_t *x, size_t bytes, const struct ohm_intnet *intnet) {
    for (size_t k = 0; k < bytes; k++) {
        int32_t bits = intnet->activation_bits - (intnet->element == 2 && k % 2 ? 8 : 0);
        if (bits < 8) x[k] = (uint8_t)(x[k] & ((1 << bits) - 1));
    }
}

static int predict_layer(const struct ohm_intnet *intnet, const struct ohm_layer *layer, const struct ohm_program *program, double *seconds) {
    struct work work = {.program = program, .npos = ohm_program_positions(program)};
    if (work.npos > ohm_layer_positions(layer)) work.npos = (int32_t)ohm_layer_positions(layer);
    size_t bytes = (size_t)work.npos * (size_t)ohm_layer_inputs(layer) * (size_t)intnet->element;
    work.x = ohm_alloc(bytes);
    work.y = ohm_alloc_array((size_t)work.npos * (size_t)ohm_layer_outputs(layer), sizeof(int64_t));
    work.scratch = ohm_alloc(ohm_program_scratch(program, work.npos));
    int status = work.x && work.y && work.scratch ? OHM_OK : OHM_E_MEMORY;
    if (!status) {
        bench_fill(work.x, bytes, DENSITY);
        keep_codes(work.x, bytes, intnet);
        *seconds += bench_time(run_block, &work, 0) * (double)ohm_layer_positions(layer) / work.npos;
    }
    free(work.x);
    free(work.y);
    free(work.scratch);
    return status;
}

int bench_predict(const struct ohm_engine *engine, double *seconds) {
    *seconds = 0;
    for (int32_t i = 0; i < engine->intnet->nlayer; i++)
        OHM_TRY(predict_layer(engine->intnet, &engine->intnet->layers[i], engine->layers[i].program, seconds));
    return OHM_OK;
}
