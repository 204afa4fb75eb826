/* Layers each on its own: every layer of an engine gets the exact network's inputs, and what it makes of them is held against the exact output. */
#include "ohmtally/engine.h"
#include "ohmtally/status.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

static bool is_code(const struct ohm_intnet *intnet, int32_t i) {
    return intnet->quant[intnet->layers[i].output].bits != 0;
}

static int64_t output_count(const struct ohm_intnet *intnet, int32_t i) {
    return ohm_layer_positions(&intnet->layers[i]) * ohm_layer_outputs(&intnet->layers[i]);
}

static double value_at(const struct ohm_intnet *intnet, int32_t i, const void *stored, int64_t k) {
    if (!is_code(intnet, i)) return ((const float *)stored)[k];
    const int32_t code = intnet->element == 2 ? ((const uint16_t *)stored)[k] : ((const uint8_t *)stored)[k];
    return code - intnet->quant[intnet->layers[i].output].zero;
}

/* Mean squares become whole numbers, so that sums over images do not depend on their order; wider codes are counted in wider steps. */
static int64_t fixed(const struct ohm_intnet *intnet, int32_t i, double sum) {
    const int32_t bits = intnet->quant[intnet->layers[i].output].bits;
    return (int64_t)llrint(ldexp(sum / (double)output_count(intnet, i), OHM_ISOLATED_BITS - (bits > 8 ? 2 * (bits - 8) : 0)));
}

static void compare(const struct ohm_intnet *intnet, int32_t i, const void *exact, const void *stored, struct ohm_isolated *lost) {
    double signal = 0, noise = 0; /* of codes: whole numbers that a double holds */
    const int64_t count = output_count(intnet, i);
    for (int64_t k = 0; k < count; k++) {
        const double truth = value_at(intnet, i, exact, k), off = value_at(intnet, i, stored, k) - truth;
        signal += truth * truth;
        noise += off * off;
        lost->differing += off != 0;
    }
    lost->outputs += count;
    lost->signal += fixed(intnet, i, signal);
    lost->noise += fixed(intnet, i, noise);
}

struct isolating {
    const struct ohm_engine *engine, *exact;
    struct ohm_batch *batch;
    int32_t real;        /* images */
    unsigned char *kept; /* [real] exact outputs of the layer under way */
    uint64_t *digest;    /* [real] */
};

/* Both engines on the input that is stored; the exact output stays. */
static void run_layer(const struct isolating *run, int32_t i, struct ohm_tally *tally, struct ohm_isolated *lost) {
    const struct ohm_intnet *intnet = run->engine->intnet;
    const size_t bytes = ohm_int_output_bytes(intnet, i);
    const int32_t output = intnet->layers[i].output;
    for (int32_t k = 0; k < run->real; k++) memcpy(run->kept + (size_t)k * bytes, ohm_batch_value(run->exact->intnet, run->batch, output, k), bytes);
    ohm_engine_layer(run->engine, run->batch, i, run->real, tally);
    for (int32_t k = 0; k < run->real; k++) {
        unsigned char *exact = run->kept + (size_t)k * bytes, *stored = ohm_batch_value(run->engine->intnet, run->batch, output, k);
        const uint64_t digest = XXH64(stored, bytes, (uint64_t)i);
        compare(intnet, i, exact, stored, lost);
        lost->digest_low += (int64_t)(digest & UINT32_MAX);
        lost->digest_high += (int64_t)(digest >> 32);
        run->digest[k] += digest;
        memcpy(stored, exact, bytes);
    }
}

static int run_steps(const struct isolating *run, int32_t first, int32_t end, struct ohm_tally *tally, struct ohm_isolated *lost) {
    const struct ohm_intnet *intnet = run->engine->intnet;
    for (int32_t s = 0, left = end - first; left && s < intnet->nstep; s++) {
        const int32_t layer = intnet->steps[s].layer;
        OHM_TRY(ohm_engine_advance(run->exact, run->batch, run->real, s, s + 1));
        if (layer < first || layer >= end) continue;
        run_layer(run, layer, tally, &lost[layer]);
        left--;
    }
    return OHM_OK;
}

int ohm_engine_isolated(const struct ohm_engine *engine, const struct ohm_engine *exact, struct ohm_batch *batch, int32_t n,
                        const float *const *inputs, int32_t first, int32_t end, uint64_t *digests, struct ohm_tally *tally,
                        struct ohm_isolated *lost) {
    struct isolating run = {engine, exact, batch, .real = ohm_batch_input(engine, batch, n, inputs)};
    size_t most = 0;
    for (int32_t i = first; i < end; i++) most = ohm_int_output_bytes(engine->intnet, i) > most ? ohm_int_output_bytes(engine->intnet, i) : most;
    run.kept = ohm_alloc_array((size_t)run.real + 1, most);
    run.digest = ohm_alloc_array((size_t)run.real + 1, sizeof *run.digest);
    int status = run.kept && run.digest ? run_steps(&run, first, end, tally, lost) : OHM_E_MEMORY;
    for (int32_t i = 0, real = 0; !status && i < n; i++) digests[i] = inputs[i] ? run.digest[real++] : 0;
    free(run.kept);
    free(run.digest);
    return status;
}
