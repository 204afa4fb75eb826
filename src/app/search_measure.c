/* Top-1 of float, integer and mixed networks on the images of the search: each rank its share, in batches; integers summed. */
#include "ohmtally/log.h"
#include "ohmtally/status.h"
#include "search.h"
#include <stdlib.h>
#include <string.h>

#define ALONG_FRONTIER 64 /* trials at most: a few spread over it, then halving of an int32_t */

/* What is counted over images. */
struct counts {
    int64_t readable, scored, hits, agreed;
};

static int open_images(struct search *search) {
    const struct study *study = search->study;
    const struct ohm_network *network = study->content.network;
    struct ohm_image_options options = study->job->quantize.calibration;
    int32_t batch = study->job->run.batch;
    options.first += study->job->search.first;
    options.count = study->job->search.images;
    search->nclass = (int32_t)ohm_shape_count(&network->values[network->output].shape);
    OHM_TRY(ohm_image_set_open(&options, search->nclass, &search->images));
    int64_t count = ohm_image_set_count(search->images);
    for (int64_t i = 0; i < count; i++) search->labelled |= ohm_image_set_label(search->images, i) != OHM_NO_LABEL;
    search->first = ohm_partition_first(count, study->world.size, study->world.rank);
    search->end = ohm_partition_first(count, study->world.size, study->world.rank + 1);
    search->float_best = ohm_arena_array(study->job->arena, (size_t)(search->end - search->first), sizeof *search->float_best);
    search->outputs = ohm_arena_array(study->job->arena, (size_t)batch, sizeof *search->outputs);
    float *values = ohm_arena_array(study->job->arena, (size_t)batch * (size_t)search->nclass, sizeof *values);
    search->trials =
        ohm_arena_array(study->job->arena, (size_t)search->ncandidate + SEARCH_UNIFORM + SEARCH_MOST_VALUES + ALONG_FRONTIER, sizeof *search->trials);
    if (!search->float_best || !search->outputs || !values || !search->trials) return OHM_E_MEMORY;
    for (int32_t i = 0; i < batch; i++) search->outputs[i] = values + (size_t)i * (size_t)search->nclass;
    return loader_open(&search->loader, study, search->images, options.packed != NULL, batch);
}

/* Image i of the batch that is ready, number index of the set. The float network comes first and is remembered. */
static void count_image(struct search *search, bool is_float, int64_t index, int32_t i, struct counts *counts) {
    int32_t best[5] = {-1}, *float_best = &search->float_best[index - search->first];
    if (search->loader.inputs[i]) ohm_top5(search->outputs[i], search->nclass, best);
    if (is_float) *float_best = best[0];
    if (best[0] < 0) return;
    int32_t truth = search->labelled ? ohm_image_set_label(search->images, index) : *float_best;
    counts->readable++;
    counts->agreed += best[0] == *float_best;
    counts->scored += truth != OHM_NO_LABEL;
    counts->hits += best[0] == truth;
}

static int32_t batch_size(const struct search *search, int64_t first) {
    int32_t room = search->study->job->run.batch;
    return search->end - first < room ? (int32_t)(search->end - first) : room;
}

/* This rank's images; engine NULL: float. Stops early when it, or another rank, fails. */
static int measure_share(struct search *search, const struct ohm_engine *engine, struct ohm_progress *progress, struct counts *counts) {
    const struct ohm_world *world = &search->study->world;
    struct loader *loader = &search->loader;
    int32_t n;
    if (search->first < search->end) loader_start(loader, search->first, batch_size(search, search->first));
    for (int64_t first = search->first; first < search->end && !ohm_world_alarmed(world); first += n) {
        n = batch_size(search, first);
        OHM_TRY(loader_finish(loader));
        if (first + n < search->end) loader_start(loader, first + n, batch_size(search, first + n));
        const float *const *inputs = (const float *const *)loader->inputs;
        OHM_TRY(engine ? ohm_engine_run(engine, search->batch, n, inputs, search->outputs, NULL, NULL, NULL)
                       : ohm_float_batch(search->study->content.network, n, inputs, search->outputs));
        for (int32_t i = 0; i < n; i++) count_image(search, !engine, first + i, i, counts);
        int64_t done = (first + n - search->first) * world->size;
        ohm_progress_step(progress, done < progress->total ? done : progress->total);
    }
    return OHM_OK;
}

static int measure(struct search *search, const struct ohm_engine *engine, struct trial *trial) {
    struct ohm_world *world = &search->study->world;
    struct ohm_progress progress;
    struct counts counts = {0};
    ohm_progress_start(&progress, trial->name, ohm_image_set_count(search->images));
    int status = measure_share(search, engine, &progress, &counts);
    if (status) ohm_world_alarm(world);
    OHM_TRY(ohm_world_agree(world, status));
    ohm_progress_end(&progress, progress.total);
    ohm_world_sum(world, (int64_t *)(void *)&counts, sizeof counts / sizeof(int64_t));
    search->readable = counts.readable;
    search->scored = counts.scored;
    trial->hits = counts.hits;
    trial->agreed = counts.agreed;
    return OHM_OK;
}

int search_open_images(struct search *search) {
    OHM_TRY(ohm_world_agree(&search->study->world, open_images(search)));
    search->trials[SEARCH_FLOAT] = (struct trial){.name = "float", .nmove = -1};
    search->trials[SEARCH_INTEGER] = (struct trial){.name = "integer", .nmove = -1};
    search->ntrial = SEARCH_UNIFORM;
    OHM_TRY(measure(search, NULL, &search->trials[SEARCH_FLOAT]));
    OHM_TRY(measure(search, search->exact, &search->trials[SEARCH_INTEGER]));
    if (search->scored) return OHM_OK;
    return ohm_fail(OHM_E_INPUT, "none of the %lld images of the search can be read and has a class", (long long)ohm_image_set_count(search->images));
}

/* The name, choice and predicted figures of a trial. */
static int describe(const struct search *search, const char *name, const int32_t *choice, int32_t nmove, struct trial *trial) {
    struct ohm_arena *arena = search->study->job->arena;
    int32_t *copy = ohm_arena_array(arena, (size_t)search->nlayer, sizeof *copy);
    *trial = (struct trial){.name = ohm_arena_string(arena, name), .choice = copy, .nmove = nmove};
    if (!copy || !trial->name) return OHM_E_MEMORY;
    memcpy(copy, choice, (size_t)search->nlayer * sizeof *copy);
    for (int32_t i = 0; i < search->nlayer; i++) {
        trial->crossbars += search->crossbars[i * search->ncandidate + choice[i]];
        trial->sensitivity += search->sensitivity[i * search->ncandidate + choice[i]];
    }
    return OHM_OK;
}

static const struct trial *find_same(const struct search *search, const int32_t *choice) {
    for (int32_t t = SEARCH_UNIFORM; t < search->ntrial; t++)
        if (!memcmp(search->trials[t].choice, choice, (size_t)search->nlayer * sizeof *choice)) return &search->trials[t];
    return NULL;
}

int search_try(struct search *search, const char *name, const int32_t *choice, int32_t nmove, const struct trial **tried) {
    struct trial *trial = &search->trials[search->ntrial];
    const struct trial *same = find_same(search, choice);
    OHM_TRY(ohm_world_agree(&search->study->world, describe(search, name, choice, nmove, trial)));
    if (same) {
        trial->hits = same->hits;
        trial->agreed = same->agreed;
    } else {
        OHM_TRY(measure(search, search_mix(search, choice), trial));
    }
    search->ntrial++;
    *tried = trial;
    return OHM_OK;
}

double search_loss(const struct search *search, const struct trial *trial) {
    return 100.0 * (double)(search->reference->hits - trial->hits) / (double)search->scored;
}
