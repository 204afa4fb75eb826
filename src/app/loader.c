/* Images into network inputs. Folders are decoded by all threads (the one use of OpenMP outside eval). */
#include "app.h"
#include "ohmtally/status.h"
#include <stdlib.h>

static size_t pixel_count(const struct study *study) {
    const struct ohm_preprocess *p = &study->preprocess;
    return (size_t)p->height * (size_t)p->width * (size_t)p->channels;
}

int loader_open(struct loader *loader, const struct study *study, struct ohm_image_set *set, bool packed, int32_t room) {
    size_t count = pixel_count(study);
    *loader = (struct loader){.study = study, .set = set, .packed = packed, .room = room};
    loader->pixels = ohm_alloc_array((size_t)room, count);
    loader->values = ohm_alloc_array((size_t)room, count * sizeof(float));
    loader->inputs = ohm_alloc_array((size_t)room, sizeof *loader->inputs);
    return loader->pixels && loader->values && loader->inputs ? OHM_OK : OHM_E_MEMORY;
}

static struct ohm_image_set *sample_set(const struct study *study) {
    return study->calibration ? study->calibration : study->images;
}

int64_t study_samples(const struct study *study, int64_t most) {
    int64_t count = ohm_image_set_count(sample_set(study));
    return count < most ? count : most;
}

int loader_open_samples(struct loader *loader, const struct study *study, int64_t most, int64_t *count) {
    const struct ohm_image_options *options = study->calibration ? &study->job->quantize.calibration : &study->job->images;
    *count = study_samples(study, most);
    return loader_open(loader, study, sample_set(study), options->packed != NULL, 1);
}

void loader_close(struct loader *loader) {
    free(loader->pixels);
    free(loader->values);
    free(loader->inputs);
}

/* A corrupt image leaves inputs[i] NULL; any other failure is returned. */
static int read_one(struct loader *loader, int64_t index, int32_t i) {
    size_t count = pixel_count(loader->study);
    uint8_t *pixels = loader->pixels + (size_t)i * count;
    int status = ohm_image_set_read(loader->set, index, pixels);
    loader->inputs[i] = status ? NULL : loader->values + (size_t)i * count;
    if (!status) ohm_preprocess_image(&loader->study->preprocess, pixels, loader->inputs[i]);
    if (status != OHM_E_INPUT) return status;
    ohm_fail_clear(); /* counted and named once all rows are together */
    return OHM_OK;
}

int loader_read(struct loader *loader, int64_t first, int32_t n) {
    struct ohm_failure failure = {0};
#pragma omp parallel for schedule(dynamic) if (!loader->packed)
    for (int32_t i = 0; i < n; i++)
        if (read_one(loader, first + i, i)) {
#pragma omp critical(ohm_loader)
            ohm_fail_take(&failure);
        }
    return ohm_fail_give(&failure);
}
