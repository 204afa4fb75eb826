/* What is measured beside the scoring, on the first calibration images. */
#include "grid.h"
#include "ohmtally/status.h"
#include <math.h>

int each_sample(struct study *study, const struct ohm_engine *const *engines, int32_t nengine, int64_t most, see_sample *see, void *context) {
    struct loader loader;
    struct ohm_batch *batch = NULL;
    int64_t n, i, end;
    OHM_TRY(grid_open(study->grid, 1));
    int status = loader_open_samples(&loader, study, most, &n);
    if (!status) status = ohm_batch_new_for(engines, nengine, 1, &batch);
    for (grid_share(study, n, &i, &end); !status && i < end; i++) {
        status = loader_read(&loader, i, 1);
        if (!status && loader.inputs[0]) status = see(context, batch, i, loader.inputs[0]);
    }
    grid_close(study->grid);
    ohm_batch_free(batch);
    loader_close(&loader);
    return status;
}

double samples_decibels(const double *power, int64_t n, size_t stride) {
    double signal = 0, noise = 0;
    for (size_t k = 0; k < (size_t)n; k++, power += stride) {
        signal += power[0];
        noise += power[1];
    }
    return noise > 0 ? 10 * log10(signal / noise) : INFINITY;
}
