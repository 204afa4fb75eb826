/* Where an engine departs from the float network: signal and noise power per layer. Both networks advance together, layer by layer, so that the float
 * outputs of a whole network are never held at once. */
#include "ohmtally/engine.h"
#include "ohmtally/status.h"
#include <stdlib.h>
#include <string.h>

struct comparing {
    const struct ohm_engine *engine;
    const float *input;
    struct ohm_float_work *work;
    int32_t next;  /* node of the float network */
    float **early; /* [nlayer] outputs that the float network came to before the engine did */
    double *power;
    int status;
};

static int64_t layer_count(const struct ohm_intnet *intnet, int32_t i) {
    return ohm_shape_count(&intnet->network->values[intnet->layers[i].output].shape);
}

static int32_t layer_of(const struct ohm_intnet *intnet, int32_t value) {
    for (int32_t i = 0; i < intnet->nlayer; i++)
        if (intnet->layers[i].output == value) return i;
    return -1;
}

static int keep(struct comparing *comparing, int32_t layer, const float *data) {
    size_t count = (size_t)layer_count(comparing->engine->intnet, layer);
    comparing->early[layer] = ohm_alloc_array(count, sizeof *data);
    if (!comparing->early[layer]) return OHM_E_MEMORY;
    memcpy(comparing->early[layer], data, count * sizeof *data);
    return OHM_OK;
}

/* Runs the float network up to a layer's output. */
static int reach(struct comparing *comparing, int32_t layer, const float **real) {
    const struct ohm_intnet *intnet = comparing->engine->intnet;
    const struct ohm_network *network = intnet->network;
    for (*real = comparing->early[layer]; !*real && comparing->next < network->nnode; comparing->next++) {
        const float *data;
        OHM_TRY(ohm_float_node(network, comparing->work, comparing->input, comparing->next, &data));
        int32_t reached = layer_of(intnet, network->nodes[comparing->next].output);
        if (reached == layer)
            *real = data;
        else if (reached >= 0)
            OHM_TRY(keep(comparing, reached, data));
    }
    return *real ? OHM_OK : ohm_fail(OHM_E_INTERNAL, "layer '%s' computes nothing that the float network has", intnet->layers[layer].name);
}

static int compare(struct comparing *comparing, int32_t layer, const void *stored) {
    const struct ohm_intnet *intnet = comparing->engine->intnet;
    const float *real;
    double signal = 0, noise = 0;
    OHM_TRY(reach(comparing, layer, &real));
    float *restored = ohm_alloc_array((size_t)layer_count(intnet, layer), sizeof *restored);
    if (!restored) return OHM_E_MEMORY;
    ohm_int_dequantize(intnet, intnet->layers[layer].output, stored, restored);
    for (int64_t k = 0; k < layer_count(intnet, layer); k++) {
        double off = (double)restored[k] - real[k];
        signal += (double)real[k] * real[k];
        noise += off * off;
    }
    comparing->power[2 * layer] = signal;
    comparing->power[2 * layer + 1] = noise;
    free(restored);
    free(comparing->early[layer]);
    comparing->early[layer] = NULL;
    return OHM_OK;
}

static void after_layer(void *context, int32_t layer, const void *stored) {
    struct comparing *comparing = context;
    if (!comparing->status) comparing->status = compare(comparing, layer, stored);
}

int ohm_engine_noise(const struct ohm_engine *engine, struct ohm_batch *batch, const float *input, double *power) {
    int32_t nlayer = engine->intnet->nlayer;
    struct comparing comparing = {.engine = engine, .input = input, .power = power};
    struct ohm_engine_watch watch = {.after_layer = after_layer, .context = &comparing};
    comparing.work = ohm_float_work_new(engine->intnet->network);
    comparing.early = ohm_alloc_array((size_t)nlayer, sizeof *comparing.early);
    int status = comparing.work && comparing.early ? OHM_OK : OHM_E_MEMORY;
    if (!status) status = ohm_engine_run(engine, batch, 1, &input, NULL, NULL, NULL, &watch);
    for (int32_t i = 0; comparing.early && i < nlayer; i++) free(comparing.early[i]);
    free(comparing.early);
    ohm_float_work_free(comparing.work);
    return status ? status : comparing.status;
}
