/* What each layer loses: its output against the exact integer layer on the very inputs it had, and against the integer network's run from the same
 * image; and which codes its ADCs give. A slow path on a few images. */
#include "ohmtally/engine.h"
#include "ohmtally/status.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct looking {
    const struct ohm_engine *exact;
    struct ohm_engine *observing; /* NULL: codes are not counted */
    void **chained;               /* [nlayer] outputs of the integer network, as stored */
    void *isolated;               /* the exact output of the layer under way */
    double *power;
    int status;
};

/* One layer of the exact engine on one image's input as stored. */
static int run_exact(const struct ohm_engine *exact, int32_t i, const void *input, void *output) {
    const struct ohm_intnet *intnet = exact->intnet;
    const struct ohm_layer *layer = &intnet->layers[i];
    const struct ohm_engine_layer *built = &exact->layers[i];
    int32_t most = OHM_PRODUCT_POSITIONS;
    unsigned char *x = ohm_alloc_array((size_t)most * (size_t)ohm_layer_inputs(layer), (size_t)intnet->element);
    void *y = ohm_alloc_array((size_t)most * (size_t)ohm_layer_outputs(layer), sizeof(int64_t));
    void *scratch = ohm_alloc(ohm_product_scratch(built->product, most));
    int status = x && y && scratch ? OHM_OK : OHM_E_MEMORY;
    for (int64_t first = 0; !status && first < ohm_layer_positions(layer); first += most) {
        int64_t left = ohm_layer_positions(layer) - first, n = left < most ? left : most;
        ohm_layer_gather_taps(intnet, layer, input, first, n, x);
        if (built->narrow)
            ohm_product_run(built->product, (int32_t)n, x, y, scratch);
        else
            ohm_product_run_wide(built->product, (int32_t)n, x, y, scratch);
        ohm_rescale_apply(intnet, layer, &built->rescale, first, n, built->narrow, y, output);
    }
    free(x);
    free(y);
    free(scratch);
    return status;
}

/* Power of the truth and of the difference of two outputs as stored, added up. */
static int add_power(const struct ohm_intnet *intnet, int32_t i, const void *truth, const void *stored, double power[2]) {
    int64_t count = ohm_layer_positions(&intnet->layers[i]) * ohm_layer_outputs(&intnet->layers[i]);
    float *a = ohm_alloc_array((size_t)count, sizeof *a), *b = ohm_alloc_array((size_t)count, sizeof *b);
    if (a && b) {
        ohm_int_dequantize(intnet, intnet->layers[i].output, truth, a);
        ohm_int_dequantize(intnet, intnet->layers[i].output, stored, b);
    }
    for (int64_t k = 0; a && b && k < count; k++) {
        double off = (double)b[k] - a[k];
        power[0] += (double)a[k] * a[k];
        power[1] += off * off;
    }
    int status = a && b ? OHM_OK : OHM_E_MEMORY;
    free(a);
    free(b);
    return status;
}

static void keep_chained(void *context, int32_t layer, const void *output) {
    struct looking *looking = context;
    size_t bytes = ohm_int_output_bytes(looking->exact->intnet, layer);
    looking->chained[layer] = ohm_alloc(bytes);
    if (looking->chained[layer])
        memcpy(looking->chained[layer], output, bytes);
    else
        looking->status = OHM_E_MEMORY;
}

static void before_layer(void *context, int32_t layer, const void *input) {
    struct looking *looking = context;
    if (!looking->status) looking->status = run_exact(looking->exact, layer, input, looking->isolated);
    if (!looking->status && looking->observing) looking->status = ohm_engine_observe_layer(looking->observing, layer, input);
}

static void after_layer(void *context, int32_t layer, const void *output) {
    struct looking *looking = context;
    const struct ohm_intnet *intnet = looking->exact->intnet;
    double *power = looking->power + 4 * layer;
    if (!looking->status) looking->status = add_power(intnet, layer, looking->isolated, output, power);
    if (!looking->status) looking->status = add_power(intnet, layer, looking->chained[layer], output, power + 2);
}

int ohm_engine_why(const struct ohm_engine *engine, struct ohm_batch *batch, const struct ohm_engine *exact, struct ohm_engine *observing,
                   const float *input, double *power) {
    int32_t nlayer = engine->intnet->nlayer;
    size_t most = 0;
    for (int32_t i = 0; i < nlayer; i++) most = ohm_int_output_bytes(engine->intnet, i) > most ? ohm_int_output_bytes(engine->intnet, i) : most;
    struct looking looking = {.exact = exact, .observing = observing, .power = power};
    looking.chained = ohm_alloc_array((size_t)nlayer, sizeof *looking.chained);
    looking.isolated = ohm_alloc(most);
    memset(power, 0, 4 * (size_t)nlayer * sizeof *power);
    int status = looking.chained && looking.isolated ? OHM_OK : OHM_E_MEMORY;
    struct ohm_engine_watch chain = {.after_layer = keep_chained, .context = &looking};
    struct ohm_engine_watch watch = {.before_layer = before_layer, .after_layer = after_layer, .context = &looking};
    if (!status) status = ohm_engine_run(exact, batch, 1, &input, NULL, NULL, NULL, &chain);
    if (!status) status = looking.status;
    if (!status) status = ohm_engine_run(engine, batch, 1, &input, NULL, NULL, NULL, &watch);
    for (int32_t i = 0; looking.chained && i < nlayer; i++) free(looking.chained[i]);
    free(looking.chained);
    free(looking.isolated);
    return status ? status : looking.status;
}
