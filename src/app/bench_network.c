/* A whole network on every design of a job, step by step: where the time goes. */
#include "bench.h"
#include "ohmtally/status.h"
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#define IMAGES 8

struct timing {
    const struct ohm_engine *engine;
    double last;   /* when what came before ended */
    double *layer; /* [nlayer] seconds */
    double *between;
    bool counted; /* this layer's end has been seen */
};

/* Both are called once per image; the first end and the last beginning are the layer's. */
static void before(void *context, int32_t layer, const void *input) {
    struct timing *timing = context;
    double now = bench_cpu_seconds();
    *timing->between += now - timing->last;
    timing->last = now;
    timing->counted = false;
}
static void after(void *context, int32_t layer, const void *output) {
    struct timing *timing = context;
    double now = bench_cpu_seconds();
    if (!timing->counted) timing->layer[layer] += now - timing->last;
    timing->counted = true;
    timing->last = now;
}

struct images {
    struct loader loader;
    int32_t n;
    double *layer, between, load, engine;
    struct ohm_tally *tally;
};

static int run_images(struct study *study, struct ohm_engine *engine, struct images *images) {
    struct ohm_batch *batch = NULL;
    struct timing timing = {.engine = engine, .layer = images->layer, .between = &images->between};
    struct ohm_engine_watch watch = {before, after, &timing};
    const float *const *inputs = (const float *const *)images->loader.inputs;
    int status = ohm_batch_new(engine, images->n, &batch);
    for (int turn = 0; !status && turn < 2; turn++) { /* the first warms up */
        memset(images->layer, 0, (size_t)engine->intnet->nlayer * sizeof *images->layer);
        memset(images->tally, 0, (size_t)engine->intnet->nlayer * sizeof *images->tally);
        images->between = 0;
        timing.last = bench_cpu_seconds();
        status = ohm_engine_run(engine, batch, images->n, inputs, NULL, NULL, images->tally, &watch);
        images->between += bench_cpu_seconds() - timing.last;
    }
    ohm_batch_free(batch);
    return status;
}

static int measure_point(struct study *study, const struct point *point, struct images *images, struct ohm_bench *bench) {
    const struct ohm_intnet *intnet = study->content.intnet;
    struct ohm_engine *engine;
    struct ohm_shared shared = {0};
    struct ohm_layer_row *rows;
    struct ohm_arena *arena = study->job->arena;
    OHM_TRY(point_engine(study, point, &shared, &engine));
    int status = run_images(study, engine, images);
    if (!status) status = point_layers(study, point, engine, images->tally, NULL, images->n, arena, &rows, NULL);
    for (int32_t i = 0; !status && i < intnet->nlayer; i++)
        bench->steps[bench->nstep++] = (struct ohm_bench_step){.point = point->name,
                                                               .layer = rows[i].name,
                                                               .kind = rows[i].kind,
                                                               .evaluation = rows[i].evaluation,
                                                               .seconds = images->layer[i] / images->n,
                                                               .conversions = (double)images->tally[i].conversions / images->n,
                                                               .evaluated = (double)images->tally[i].evaluated / images->n};
    if (!status)
        bench->steps[bench->nstep++] = (struct ohm_bench_step){
            .point = point->name, .layer = "between", .kind = "pools, adds, digests", .evaluation = "", .seconds = images->between / images->n};
    if (!status)
        bench->steps[bench->nstep++] = (struct ohm_bench_step){
            .point = point->name, .layer = "load", .kind = "decode, resize, crop", .evaluation = "", .seconds = images->load / images->n};
    point_engine_free(engine, &shared);
    return status;
}

int bench_network(struct study *study, struct ohm_bench *bench) {
    struct images images = {0};
    int64_t n;
    int32_t nlayer = study->content.intnet->nlayer;
    omp_set_num_threads(1); /* CPU seconds of one core */
    OHM_TRY(loader_open(&images.loader, study, study->images, study->job->images.packed != NULL, IMAGES));
    n = ohm_image_set_count(study->images);
    images.n = n < IMAGES ? (int32_t)n : IMAGES;
    images.layer = ohm_alloc_array((size_t)nlayer, sizeof *images.layer);
    images.tally = ohm_alloc_array((size_t)nlayer, sizeof *images.tally);
    bench->steps = ohm_arena_array(study->job->arena, (size_t)(nlayer + 2) * (size_t)study->npoint, sizeof *bench->steps);
    int status = images.layer && images.tally && bench->steps ? OHM_OK : OHM_E_MEMORY;
    double began = study_cpu_seconds(); /* a thread of its own reads, too */
    if (!status) status = loader_read(&images.loader, 0, images.n);
    images.load = study_cpu_seconds() - began;
    for (int p = 0; !status && p < study->npoint; p++)
        if (study->points[p].exact || study->points[p].design) status = measure_point(study, &study->points[p], &images, bench);
    loader_close(&images.loader);
    free(images.layer);
    free(images.tally);
    return status;
}
