/* Where an engine departs from the float network: signal and noise power per layer. */
#include "ohmtally/engine.h"
#include "ohmtally/status.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct comparing {
    const struct ohm_engine *engine;
    float **real;    /* [nlayer] float outputs of the layers */
    float *restored; /* room for the largest */
    double *power;
};

static int64_t layer_count(const struct ohm_intnet *intnet, int32_t i) {
    return ohm_shape_count(&intnet->network->values[intnet->layers[i].output].shape);
}

static void keep(void *context, int32_t node, int32_t value, const float *data, int64_t count) {
    struct comparing *comparing = context;
    const struct ohm_intnet *intnet = comparing->engine->intnet;
    for (int32_t i = 0; i < intnet->nlayer; i++)
        if (intnet->layers[i].output == value) memcpy(comparing->real[i], data, (size_t)count * sizeof *data);
}

static void compare(void *context, int32_t layer, const void *stored) {
    struct comparing *comparing = context;
    const struct ohm_intnet *intnet = comparing->engine->intnet;
    const float *real = comparing->real[layer];
    double signal = 0, noise = 0;
    ohm_int_dequantize(intnet, intnet->layers[layer].output, stored, comparing->restored);
    for (int64_t k = 0; k < layer_count(intnet, layer); k++) {
        double off = (double)comparing->restored[k] - real[k];
        signal += (double)real[k] * real[k];
        noise += off * off;
    }
    comparing->power[2 * layer] = signal;
    comparing->power[2 * layer + 1] = noise;
}

static int run_both(struct comparing *comparing, struct ohm_batch *batch, const float *input) {
    const struct ohm_network *network = comparing->engine->intnet->network;
    struct ohm_float_work *work = ohm_float_work_new(network);
    float *output = ohm_alloc_array((size_t)ohm_shape_count(&network->values[network->output].shape), sizeof *output);
    int status = work && output ? ohm_float_forward(network, work, input, output, keep, comparing) : OHM_E_MEMORY;
    struct ohm_engine_watch watch = {.after_layer = compare, .context = comparing};
    if (!status) status = ohm_engine_run(comparing->engine, batch, 1, &input, NULL, NULL, NULL, &watch);
    ohm_float_work_free(work);
    free(output);
    return status;
}

int ohm_engine_noise(const struct ohm_engine *engine, struct ohm_batch *batch, const float *input, double *power) {
    int32_t nlayer = engine->intnet->nlayer;
    int64_t largest = 1;
    struct comparing comparing = {engine, ohm_alloc_array((size_t)nlayer, sizeof(float *)), NULL, power};
    int status = comparing.real ? OHM_OK : OHM_E_MEMORY;
    for (int32_t i = 0; !status && i < nlayer; i++) {
        int64_t count = layer_count(engine->intnet, i);
        if (count > largest) largest = count;
        comparing.real[i] = ohm_alloc_array((size_t)count, sizeof(float));
        if (!comparing.real[i]) status = OHM_E_MEMORY;
    }
    comparing.restored = status ? NULL : ohm_alloc_array((size_t)largest, sizeof(float));
    if (!status) status = comparing.restored ? run_both(&comparing, batch, input) : OHM_E_MEMORY;
    for (int32_t i = 0; comparing.real && i < nlayer; i++) free(comparing.real[i]);
    free(comparing.real);
    free(comparing.restored);
    return status;
}
