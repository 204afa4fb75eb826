/* How much a candidate in one layer changes what the network says: the mean squared difference of the logits to those of the exact integer network,
 * all other layers exact, in units of the mean square of these. Images are drawn evenly from the set. Each image's squares are computed by one rank
 * and added up in image order by all: no float reduction. */
#include "ohmtally/log.h"
#include "ohmtally/status.h"
#include "search.h"
#include <stdlib.h>
#include <string.h>

/* This rank's samples. */
struct sampling {
    struct search *search;
    int64_t first, end;
    float *values, **inputs; /* [end - first]; input NULL: corrupt */
    float *exact;            /* [run.batch][nclass] logits of the integer network */
    int32_t *choice;
    double *squares; /* [samples][nlayer * ncandidate + 1]: of every change, then of the logits themselves */
    size_t stride;
    struct ohm_progress progress;
    int64_t done;
};

static int read_samples(struct sampling *s) {
    struct search *search = s->search;
    const struct ohm_preprocess *p = &search->study->preprocess;
    size_t count = (size_t)p->height * (size_t)p->width * (size_t)p->channels, n = (size_t)(s->end - s->first);
    s->values = ohm_alloc_array(n, count * sizeof(float));
    s->inputs = ohm_alloc_array(n, sizeof *s->inputs);
    if (!s->values || !s->inputs) return OHM_E_MEMORY;
    int64_t images = ohm_image_set_count(search->images);
    for (size_t i = 0; i < n; i++) {
        OHM_TRY(loader_read(&search->loader, ohm_partition_first(images, (int)search->samples, (int)s->first + (int)i), 1));
        if (!search->loader.inputs[0]) continue;
        s->inputs[i] = s->values + i * count;
        memcpy(s->inputs[i], search->loader.inputs[0], count * sizeof(float));
    }
    return OHM_OK;
}

static double sum_of_squares(const float *a, const float *b, int32_t n) {
    double sum = 0;
    for (int32_t c = 0; c < n; c++) {
        double off = (double)a[c] - (b ? (double)b[c] : 0);
        sum += off * off;
    }
    return sum;
}

/* n samples from `at` (of this rank's) on, with the choice as it is: place says which of an image's squares these are. */
static int run_choice(struct sampling *s, int64_t at, int32_t n, size_t place) {
    struct search *search = s->search;
    bool itself = place == s->stride - 1;
    const struct ohm_engine *engine = search_mix(search, s->choice);
    OHM_TRY(ohm_engine_run(engine, search->batch, n, (const float *const *)s->inputs + at, search->outputs, NULL, NULL, NULL));
    for (int32_t i = 0; i < n; i++) {
        float *exact = s->exact + (size_t)i * (size_t)search->nclass;
        if (!s->inputs[at + i]) continue;
        if (itself) memcpy(exact, search->outputs[i], (size_t)search->nclass * sizeof *exact);
        s->squares[(size_t)(s->first + at + i) * s->stride + place] = sum_of_squares(search->outputs[i], itself ? NULL : exact, search->nclass);
    }
    s->done += n * (int64_t)search->study->world.size;
    ohm_progress_step(&s->progress, s->done < s->progress.total ? s->done : s->progress.total);
    return OHM_OK;
}

/* One batch of samples: exact, then every candidate alone in every layer. */
static int run_batch(struct sampling *s, int64_t at, int32_t n) {
    struct search *search = s->search;
    OHM_TRY(run_choice(s, at, n, s->stride - 1));
    for (int32_t i = 0; i < search->nlayer; i++)
        for (int32_t k = 0; k < search->ncandidate; k++) {
            if (ohm_world_alarmed(&search->study->world)) return OHM_OK;
            s->choice[i] = k;
            int status = run_choice(s, at, n, (size_t)i * (size_t)search->ncandidate + (size_t)k);
            s->choice[i] = -1;
            if (status) return status;
        }
    return OHM_OK;
}

static int run_share(struct sampling *s) {
    struct search *search = s->search;
    int32_t room = search->study->job->run.batch;
    s->squares = ohm_alloc_array((size_t)search->samples * s->stride, sizeof *s->squares);
    s->exact = ohm_alloc_array((size_t)room * (size_t)search->nclass, sizeof *s->exact);
    s->choice = ohm_alloc_array((size_t)search->nlayer, sizeof *s->choice);
    if (!s->squares || !s->exact || !s->choice) return OHM_E_MEMORY;
    for (int32_t i = 0; i < search->nlayer; i++) s->choice[i] = -1;
    OHM_TRY(read_samples(s));
    ohm_progress_start(&s->progress, "sensitivities", search->samples * (int64_t)s->stride);
    for (int64_t at = 0; at < s->end - s->first; at += room)
        OHM_TRY(run_batch(s, at, s->end - s->first - at < room ? (int32_t)(s->end - s->first - at) : room));
    return OHM_OK;
}

/* Sums over the samples in their order. */
static void combine(const struct sampling *s, double *sensitivity) {
    double power = 0;
    for (int64_t n = 0; n < s->search->samples; n++) power += s->squares[(size_t)(n + 1) * s->stride - 1];
    for (size_t k = 0; k + 1 < s->stride; k++) {
        sensitivity[k] = 0;
        for (int64_t n = 0; n < s->search->samples; n++) sensitivity[k] += s->squares[(size_t)n * s->stride + k];
        if (power > 0) sensitivity[k] /= power;
    }
}

int search_sensitivities(struct search *search) {
    struct study *study = search->study;
    struct ohm_world *world = &study->world;
    struct sampling s = {.search = search, .stride = (size_t)search->nlayer * (size_t)search->ncandidate + 1};
    int64_t images = ohm_image_set_count(search->images);
    search->samples = study->job->search.samples < images ? study->job->search.samples : images;
    s.first = ohm_partition_first(search->samples, world->size, world->rank);
    s.end = ohm_partition_first(search->samples, world->size, world->rank + 1);
    search->sensitivity = ohm_arena_array(study->job->arena, s.stride, sizeof *search->sensitivity);
    int status = search->sensitivity ? run_share(&s) : OHM_E_MEMORY;
    if (status) ohm_world_alarm(world);
    status = ohm_world_agree(world, status);
    if (!status) {
        ohm_progress_end(&s.progress, s.progress.total);
        ohm_world_join(world, s.squares, (size_t)search->samples * s.stride);
        combine(&s, search->sensitivity);
    }
    free(s.values);
    free(s.inputs);
    free(s.exact);
    free(s.choice);
    free(s.squares);
    return status;
}
