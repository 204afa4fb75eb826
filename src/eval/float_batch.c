/* The float network over images in parallel; calibration. */
#include "ohmtally/engine.h"
#include "ohmtally/status.h"
#include <omp.h>
#include <stdlib.h>

/* Ranges are shared between threads: one lock per tensor, so that threads at different layers do not wait for each other. */
struct watched {
    struct ohm_ranges *ranges;
    omp_lock_t *locks; /* [nvalue] */
};

static void see_locked(void *context, int32_t node, int32_t value, const float *data, int64_t count) {
    struct watched *watched = context;
    omp_set_lock(&watched->locks[value]);
    ohm_ranges_see(watched->ranges, node, value, data, count);
    omp_unset_lock(&watched->locks[value]);
}

static int run(const struct ohm_network *network, int32_t n, const float *const *inputs, float *const *outputs, struct watched *watched) {
    struct ohm_failure failure = {0};
    size_t outputs_count = (size_t)ohm_shape_count(&network->values[network->output].shape);
#pragma omp parallel
    {
        struct ohm_float_work *work = ohm_float_work_new(network);
        float *output = ohm_alloc_array(outputs_count, sizeof *output);
        int status = work && output ? OHM_OK : OHM_E_MEMORY;
#pragma omp for schedule(dynamic)
        for (int32_t i = 0; i < n; i++)
            if (!status && inputs[i])
                status = ohm_float_forward(network, work, inputs[i], outputs ? outputs[i] : output, watched ? see_locked : NULL, watched);
        if (status) {
#pragma omp critical(ohm_engine_failure)
            ohm_fail_take(&failure);
        }
        free(output);
        ohm_float_work_free(work);
    }
    return ohm_fail_give(&failure);
}

int ohm_float_batch(const struct ohm_network *network, int32_t n, const float *const *inputs, float *const *outputs) {
    return run(network, n, inputs, outputs, NULL);
}

int ohm_calibrate_batch(const struct ohm_network *network, int32_t n, const float *const *inputs, struct ohm_ranges *ranges) {
    struct watched watched = {ranges, ohm_alloc_array((size_t)network->nvalue, sizeof *watched.locks)};
    if (!watched.locks) return OHM_E_MEMORY;
    for (int32_t v = 0; v < network->nvalue; v++) omp_init_lock(&watched.locks[v]);
    int status = run(network, n, inputs, NULL, &watched);
    for (int32_t v = 0; v < network->nvalue; v++) omp_destroy_lock(&watched.locks[v]);
    free(watched.locks);
    return status;
}
