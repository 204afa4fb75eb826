/* Images into network inputs, a batch ahead of the computation: a thread of its own decodes while the others compute, and the others help when they
 * get there first (the one use of OpenMP outside eval). */
#include "app.h"
#include "ohmtally/status.h"
#include <stdlib.h>

static size_t pixel_count(const struct study *study) {
    const struct ohm_preprocess *p = &study->preprocess;
    return (size_t)p->height * (size_t)p->width * (size_t)p->channels;
}

size_t loader_bytes(const struct study *study) {
    return pixel_count(study) * (2 * sizeof(float) + 1);
}

int loader_open(struct loader *loader, const struct study *study, struct ohm_image_set *set, bool packed, int32_t room) {
    size_t count = pixel_count(study);
    *loader = (struct loader){.study = study, .set = set, .packed = packed, .room = room, .lock = PTHREAD_MUTEX_INITIALIZER};
    loader->pixels = ohm_alloc_array((size_t)room, count);
    loader->values = ohm_alloc_array((size_t)room, count * sizeof(float));
    loader->inputs = ohm_alloc_array((size_t)room, sizeof *loader->inputs);
    loader->next.values = ohm_alloc_array((size_t)room, count * sizeof(float));
    loader->next.inputs = ohm_alloc_array((size_t)room, sizeof *loader->inputs);
    return loader->pixels && loader->values && loader->inputs && loader->next.values && loader->next.inputs ? OHM_OK : OHM_E_MEMORY;
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

/* A corrupt image leaves inputs[i] NULL; any other failure is returned. */
static int read_one(struct loader *loader, int32_t i) {
    struct loading *next = &loader->next;
    size_t count = pixel_count(loader->study);
    uint8_t *pixels = loader->pixels + (size_t)i * count;
    int status = ohm_image_set_read(loader->set, next->first + i, pixels);
    next->inputs[i] = status ? NULL : next->values + (size_t)i * count;
    if (!status) ohm_preprocess_image(&loader->study->preprocess, pixels, next->inputs[i]);
    if (status != OHM_E_INPUT) return status;
    ohm_fail_clear(); /* counted and named once all rows are together */
    return OHM_OK;
}

/* Takes images of the batch until none is left; any number of threads may. */
static void read_some(struct loader *loader) {
    for (int32_t i; (i = atomic_fetch_add(&loader->taken, 1)) < loader->next.n;)
        if (read_one(loader, i)) {
            pthread_mutex_lock(&loader->lock);
            ohm_fail_take(&loader->failure);
            pthread_mutex_unlock(&loader->lock);
        }
}

static void *read_ahead(void *context) {
    read_some(context);
    return NULL;
}

void loader_start(struct loader *loader, int64_t first, int32_t n) {
    loader->next.first = first;
    loader->next.n = n;
    atomic_store(&loader->taken, 0);
    loader->failure = (struct ohm_failure){0};
    loader->ahead = pthread_create(&loader->thread, NULL, read_ahead, loader) == 0; /* without it, all is read in loader_finish */
}

static void join(struct loader *loader) {
    if (loader->ahead) pthread_join(loader->thread, NULL);
    loader->ahead = false;
}

int loader_finish(struct loader *loader) {
    if (!loader->packed || !loader->ahead) {
#pragma omp parallel if (!loader->packed)
        read_some(loader);
    }
    join(loader);
    struct loading now = loader->next;
    loader->next.values = loader->values;
    loader->next.inputs = loader->inputs;
    loader->values = now.values;
    loader->inputs = now.inputs;
    return ohm_fail_give(&loader->failure);
}

int loader_read(struct loader *loader, int64_t first, int32_t n) {
    loader_start(loader, first, n);
    return loader_finish(loader);
}

void loader_close(struct loader *loader) {
    if (loader->ahead) atomic_store(&loader->taken, loader->next.n); /* what is not begun is not needed any more */
    join(loader);
    free(loader->pixels);
    free(loader->values);
    free(loader->inputs);
    free(loader->next.values);
    free(loader->next.inputs);
    *loader = (struct loader){0};
}
