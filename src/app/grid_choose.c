/* How many stages, when the job leaves it open: one while memory holds all layers, since stages only wait for each other then; otherwise the fewest
 * of which each fits. */
#include "bench.h"
#include "grid.h"
#include "ohmtally/cut.h"
#include "ohmtally/log.h"
#include "ohmtally/status.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define MOST_BYTES 64 /* of a weight in any design: where this fits, nothing need be built to know */
#define EXACT_BYTES 2 /* of the integer network's, for each byte of an activation: 16-bit products */
#define KIB_OF_A_MIB 1024
#define MOST_MIB INT32_MAX

/* Of this rank's node in MiB: half of what is free, since batches, the float network and the system want some. */
static int64_t half_free(void) {
    long long kib = 0;
    char line[128];
    FILE *file = fopen("/proc/meminfo", "r");
    while (file && fgets(line, sizeof line, file) && sscanf(line, "MemAvailable: %lld", &kib) != 1) continue;
    if (file) fclose(file);
    return kib > 0 ? kib / 2 / KIB_OF_A_MIB : MOST_MIB;
}

/* What decides; the same on all ranks. */
struct choosing {
    const struct study *study;
    int64_t *bytes;         /* [nstep] estimated */
    int64_t *node, *memory; /* [ranks]: the first rank on a rank's node; what that has, in MiB */
};

/* Of a rank for its stage, in MiB: what the job says, or a stage's share of the node that has least. */
static int64_t allowed(const struct choosing *c, int32_t stages) {
    const int32_t ranks = c->study->world.size, groups = ranks / stages;
    int64_t least = MOST_MIB;
    if (c->study->job->run.memory_mb) return c->study->job->run.memory_mb;
    for (int32_t r = 0; r < ranks; r++) {
        int64_t here = 0;
        if (c->node[r] != r) continue;                            /* once a node, by its first rank */
        for (int32_t rank = r, last = -1; rank < ranks; rank++) { /* ranks of a stage follow each other */
            if (c->node[rank] != r || rank / groups == last) continue;
            last = rank / groups;
            here++;
        }
        if (c->memory[r] / here < least) least = c->memory[r] / here;
    }
    return least;
}

static double weights_of(const struct ohm_intnet *intnet, int32_t step) {
    const int32_t i = intnet->steps[step].layer;
    return i < 0 ? 0 : (double)ohm_layer_inputs(&intnet->layers[i]) * intnet->layers[i].ncols;
}

static void estimate(struct choosing *c, double bytes_of_a_weight) {
    const struct ohm_intnet *intnet = c->study->content.intnet;
    for (int32_t s = 0; s < intnet->nstep; s++) c->bytes[s] = (int64_t)(bytes_of_a_weight * weights_of(intnet, s));
}

/* Of a weight on crossbars, from the largest layers, which rank 0 builds. */
static int sample(struct study *study, const struct point *point, float *bytes) {
    const struct ohm_intnet *intnet = study->content.intnet;
    struct point plain = *point;
    struct ohm_engine *engine = NULL;
    struct bench_prediction prediction = {0};
    double weights = 0;
    bool *left_out = ohm_alloc_array((size_t)intnet->nlayer, sizeof *left_out);
    int status = left_out ? OHM_OK : OHM_E_MEMORY;
    if (!status) bench_choose_samples(intnet, left_out);
    if (plain.adc.range == OHM_ADC_CALIBRATED) plain.adc.range = OHM_ADC_FULL; /* the same bytes */
    if (!status && !study->world.rank) status = point_samples(study, &plain, left_out, &engine);
    if (!status && engine) status = bench_predict(engine, &prediction);
    for (int32_t s = 0; s < intnet->nstep; s++) weights += weights_of(intnet, s);
    *bytes = (float)(prediction.bytes / weights);
    ohm_engine_free(engine);
    free(left_out);
    OHM_TRY(ohm_world_agree(&study->world, status));
    ohm_world_most(&study->world, bytes, 1);
    return OHM_OK;
}

/* The fewest stages whose largest is allowed; where there are none, those that come nearest. */
static bool fewest(const struct choosing *c, int32_t *stages) {
    const int32_t ranks = c->study->world.size, nlayer = c->study->content.intnet->nlayer;
    double nearest = INFINITY;
    for (int32_t k = 1; k <= ranks && k <= nlayer; k++) {
        if (ranks % k) continue;
        const double beyond = (double)ohm_cut_least(c->bytes, c->study->content.intnet->nstep, k) * 0x1p-20 / (double)allowed(c, k);
        if (beyond < nearest) {
            nearest = beyond;
            *stages = k;
        }
        if (beyond <= 1) return true;
    }
    return false;
}

/* Every rank's node. */
static int find_nodes(struct choosing *c) {
    const struct ohm_world *world = &c->study->world;
    c->node = ohm_alloc_array((size_t)world->size, sizeof *c->node);
    c->memory = ohm_alloc_array((size_t)world->size, sizeof *c->memory);
    c->bytes = ohm_alloc_array((size_t)c->study->content.intnet->nstep, sizeof *c->bytes);
    OHM_TRY(ohm_world_agree(world, c->node && c->memory && c->bytes ? OHM_OK : OHM_E_MEMORY));
    c->node[world->rank] = ohm_world_node_first(world);
    c->memory[world->rank] = half_free();
    ohm_world_sum(world, c->node, (size_t)world->size);
    ohm_world_sum(world, c->memory, (size_t)world->size);
    return OHM_OK;
}

/* Rank 0's line, once for points that are alike. */
static void say(const struct choosing *c, const struct point *point, int32_t stages, bool sampled, bool fits) {
    static int32_t said;
    if ((point->exact && stages == 1) || (said == stages && fits)) return;
    said = stages;
    ohm_log("%s: run.grid is %dx%d, by itself: all layers take %s %.1f MiB, and a rank may use %lld (%s)%s", point->name,
            c->study->world.size / stages, stages, sampled ? "about" : "at most",
            (double)ohm_cut_least(c->bytes, c->study->content.intnet->nstep, 1) * 0x1p-20, (long long)allowed(c, 1),
            c->study->job->run.memory_mb ? "run.memory_mb" : "half of what its node has free",
            !fits         ? ", which no number of stages meets"
            : stages == 1 ? "; stages would only wait for each other"
                          : "");
}

static int choose(struct choosing *c, struct study *study, const struct point *point, int32_t *stages, int64_t *most_bytes) {
    const int32_t nstep = study->content.intnet->nstep;
    const struct ohm_job *job = study->job;
    if (job->run.grid[1]) { /* as the job says; only a limit it gives, too, is kept to */
        *stages = job->run.grid[1];
        *most_bytes = job->run.memory_mb ? (int64_t)job->run.memory_mb << 20 : INT64_MAX;
        return OHM_OK;
    }
    OHM_TRY(find_nodes(c));
    estimate(c, point->exact ? EXACT_BYTES * study->content.intnet->element : MOST_BYTES);
    const bool sampled = !point->exact && (double)ohm_cut_least(c->bytes, nstep, 1) * 0x1p-20 > (double)allowed(c, 1);
    if (sampled) {
        float bytes = 0;
        OHM_TRY(sample(study, point, &bytes));
        estimate(c, bytes);
    }
    const bool fits = fewest(c, stages);
    *most_bytes = allowed(c, *stages) << 20;
    say(c, point, *stages, sampled, fits);
    return OHM_OK;
}

int grid_choose(struct study *study, const struct point *point, int32_t *stages, int64_t *most_bytes) {
    struct choosing c = {.study = study};
    *stages = 1;
    *most_bytes = INT64_MAX;
    if (study->world.size == 1) return OHM_OK;
    int status = choose(&c, study, point, stages, most_bytes);
    free(c.bytes);
    free(c.node);
    free(c.memory);
    return status;
}
