/* One point with its layers each on its own (run.mode: isolated): what is shared among ranks and kept in the journal are pairs of an image and a
 * group of layers. The exact network runs beside them as far as the group needs its inputs, so that there are no more groups than keep ranks busy
 * where images are few; their number depends on the job alone, so that any number of ranks can go on with a journal. */
#include "keep.h"
#include "ohmtally/log.h"
#include "ohmtally/status.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define ENOUGH_PAIRS 1024
#define MOST_GROUPS 8

struct isolating {
    struct study *study;
    const struct point *point;
    struct ohm_engine *engine, *exact;
    struct ohm_shared shared, exact_shared;
    struct ohm_batch *batch;
    struct loader loader;
    struct shares shares;
    int32_t nlayer, room, ngroup;
    int64_t images;
    int32_t cut[MOST_GROUPS + 1]; /* layers cut[g] .. cut[g + 1] - 1 are group g */
    uint64_t *digests;            /* [room] */
    struct ohm_isolated *lost;    /* [nlayer]: of the unit at hand */
    struct ohm_tally *unit_tally; /* [2 nlayer]: of the unit at hand; the second half holds what outputs lost, for the journal and sums */
    struct ohm_tally *tally;      /* [2 nlayer]: of all units of this rank */
    struct ohm_image_row *rows;   /* [nrow]: of this rank's pairs; a pair's index is group * images + image */
    int64_t nrow;
    struct ohm_image_row *pairs; /* rank 0: [ngroup * images] */
    uint8_t *done;               /* rank 0: likewise */
};
_Static_assert(sizeof(struct ohm_isolated) <= sizeof(struct ohm_tally), "what outputs lost goes where tallies go");

static double work(const struct ohm_layer *layer) { /* multiply-adds */
    return (double)ohm_layer_positions(layer) * layer->groups * layer->krows * layer->ncols;
}

/* Groups of about equal work. */
static void cut_layers(struct isolating *run) {
    const struct ohm_layer *layers = run->study->content.intnet->layers;
    const int64_t wanted = (ENOUGH_PAIRS + run->images - 1) / run->images, most = run->nlayer < MOST_GROUPS ? run->nlayer : MOST_GROUPS;
    double all = 0, sum = 0;
    run->ngroup = (int32_t)(wanted < most ? wanted : most);
    for (int32_t i = 0; i < run->nlayer; i++) all += work(&layers[i]);
    for (int32_t i = 0, g = 0; i < run->nlayer; i++) {
        const int32_t behind = run->nlayer - i, groups = run->ngroup - g; /* every group gets a layer */
        if (g < run->ngroup && (sum >= all * g / run->ngroup || behind <= groups)) run->cut[g++] = i;
        sum += work(&layers[i]);
    }
    run->cut[run->ngroup] = run->nlayer;
}

static int start(struct isolating *run) {
    struct study *study = run->study;
    const struct ohm_engine *engines[] = {run->engine, run->exact};
    const size_t nlayer = (size_t)run->nlayer;
    run->room = study_batch(study);
    run->digests = ohm_alloc_array((size_t)run->room, sizeof *run->digests);
    run->lost = ohm_alloc_array(nlayer, sizeof *run->lost);
    run->unit_tally = ohm_alloc_array(2 * nlayer, sizeof *run->unit_tally);
    run->tally = ohm_alloc_array(2 * nlayer, sizeof *run->tally);
    run->rows = ohm_alloc_sparse((size_t)(run->ngroup * run->images), sizeof *run->rows);
    if (!run->digests || !run->lost || !run->unit_tally || !run->tally || !run->rows) return OHM_E_MEMORY;
    OHM_TRY(loader_open(&run->loader, study, study->images, study->job->images.packed != NULL, run->room));
    return ohm_batch_new_for(engines, 2, run->room, &run->batch);
}

/* Rank 0: what earlier runs of the job did of this point. */
static int take_over(struct isolating *run, struct ohm_arena *arena) {
    const int64_t npair = run->ngroup * run->images;
    if (run->study->world.rank) return OHM_OK;
    run->pairs = ohm_arena_array(arena, (size_t)npair, sizeof *run->pairs);
    run->done = ohm_arena_array(arena, (size_t)npair, sizeof *run->done);
    if (!run->pairs || !run->done) return OHM_E_MEMORY;
    return keeping_load(run->study->keeping, run->point->index, (int32_t)run->point->noise.trial, npair, run->pairs, run->done, run->tally,
                        2 * run->nlayer);
}

static void stop(struct isolating *run) {
    shares_close(&run->shares);
    ohm_batch_free(run->batch);
    loader_close(&run->loader);
    point_engine_free(run->engine, &run->shared);
    point_engine_free(run->exact, &run->exact_shared);
    free(run->digests);
    free(run->lost);
    free(run->unit_tally);
    free(run->tally);
    free(run->rows);
}

static void fill_row(struct isolating *run, int64_t pair, int64_t image, int32_t i) {
    struct ohm_image_row *row = &run->rows[run->nrow++];
    *row = (struct ohm_image_row){.index = pair, .label = ohm_image_set_label(run->study->images, image), .best = {-1, -1, -1, -1, -1}};
    row->correct = run->loader.inputs[i] ? -1 : -2;
    row->outputs_digest = run->digests[i];
}

/* Pairs first .. first + n - 1, of one group. */
static int run_pairs(struct isolating *run, int64_t first, int32_t n) {
    const int64_t group = first / run->images, image = first % run->images;
    OHM_TRY(loader_read(&run->loader, image, n));
    ohm_batch_first(run->batch, run->study->job->images.first + image);
    OHM_TRY(ohm_engine_isolated(run->engine, run->exact, run->batch, n, (const float *const *)run->loader.inputs, run->cut[group],
                                run->cut[group + 1], run->digests, run->unit_tally, run->lost));
    for (int32_t i = 0; i < n; i++) fill_row(run, first + i, image + i, i);
    return OHM_OK;
}

static int run_unit(struct isolating *run, const struct unit *unit) {
    const int64_t before = run->nrow, end = unit->first + unit->n;
    memset(run->unit_tally, 0, 2 * (size_t)run->nlayer * sizeof *run->unit_tally);
    memset(run->lost, 0, (size_t)run->nlayer * sizeof *run->lost);
    for (int64_t at = unit->first, n; at < end; at += n) {
        const int64_t left = run->images - at % run->images; /* of this group */
        n = end - at < left ? end - at : left;
        OHM_TRY(run_pairs(run, at, (int32_t)n));
    }
    for (int32_t i = 0; i < run->nlayer; i++) memcpy(&run->unit_tally[run->nlayer + i], &run->lost[i], sizeof *run->lost);
    for (int32_t i = 0; i < 2 * run->nlayer; i++) ohm_tally_add(&run->tally[i], &run->unit_tally[i]);
    const struct ohm_journal_batch batch = {
        run->point->index, (int32_t)run->point->noise.trial, unit->first, unit->n, 2 * run->nlayer, &run->rows[before], run->unit_tally};
    return keeping_add(run->study->keeping, &batch);
}

/* Units until none is left. Stops early when this rank, or another one, fails or is asked to stop. */
static int run_units(struct isolating *run) {
    struct ohm_progress progress;
    ohm_progress_start(&progress, run->point->name, run->shares.images);
    for (const struct unit *unit; (unit = shares_next(&run->shares)) && !ohm_world_alarmed(&run->study->world);) {
        OHM_TRY(stop_status());
        OHM_TRY(run_unit(run, unit));
        ohm_progress_step(&progress, unit->before + unit->n);
    }
    if (progress.total) ohm_progress_end(&progress, progress.total);
    return OHM_OK;
}

/* An image's row is that of its pairs together. */
static int fold_rows(const struct isolating *run, struct ohm_arena *arena, struct evaluation *evaluation) {
    evaluation->rows = ohm_arena_array(arena, (size_t)run->images, sizeof *evaluation->rows);
    evaluation->nrow = run->images;
    if (!evaluation->rows) return OHM_E_MEMORY;
    for (int64_t k = 0; k < run->ngroup * run->images; k++) {
        struct ohm_image_row *row = &evaluation->rows[k % run->images];
        const uint64_t sum = row->outputs_digest + run->pairs[k].outputs_digest;
        if (!run->done[k]) return ohm_fail(OHM_E_INTERNAL, "%s: image %lld has not been evaluated", run->point->name, (long long)(k % run->images));
        *row = run->pairs[k];
        row->index = k % run->images;
        row->outputs_digest = sum;
    }
    return OHM_OK;
}

static int gather_rows(struct isolating *run, struct ohm_arena *arena, struct evaluation *evaluation) {
    void *gathered;
    size_t bytes;
    OHM_TRY(ohm_world_gather(&run->study->world, run->rows, (size_t)run->nrow * sizeof *run->rows, &gathered, &bytes));
    const struct ohm_image_row *rows = gathered;
    for (size_t i = 0; i < bytes / sizeof *rows; i++) {
        run->done[rows[i].index] = 1;
        run->pairs[rows[i].index] = rows[i];
    }
    free(gathered);
    return run->study->world.rank ? OHM_OK : fold_rows(run, arena, evaluation);
}

/* Rank 0: what the sums say of each layer. */
static int describe_layers(const struct isolating *run, struct ohm_arena *arena, struct evaluation *evaluation) {
    struct ohm_isolated_row *rows = ohm_arena_array(arena, (size_t)run->nlayer, sizeof *rows);
    if (!rows) return OHM_E_MEMORY;
    for (int32_t i = 0; i < run->nlayer; i++) {
        struct ohm_isolated lost;
        memcpy(&lost, &run->tally[run->nlayer + i], sizeof lost);
        const int64_t digest[] = {lost.digest_low, lost.digest_high};
        rows[i] = (struct ohm_isolated_row){lost.outputs, lost.differing, (int64_t)XXH64(digest, sizeof digest, 0)};
        evaluation->layers[i].sqnr_db = NAN;
        evaluation->layers[i].sqnr_isolated_db = lost.noise ? 10 * log10((double)lost.signal / (double)lost.noise) : INFINITY;
    }
    evaluation->info.isolated = rows;
    return OHM_OK;
}

/* Collective. */
static int collect(struct isolating *run, double seconds, struct ohm_arena *arena, struct evaluation *evaluation) {
    const struct ohm_world *world = &run->study->world;
    ohm_world_sum(world, (int64_t *)(void *)run->tally, 2 * (size_t)run->nlayer * OHM_TALLY_COUNT);
    OHM_TRY(ohm_world_agree(world, gather_rows(run, arena, evaluation)));
    evaluation_describe(run->point, seconds, evaluation);
    evaluation->nlayer = run->nlayer;
    if (world->rank) return OHM_OK;
    OHM_TRY(point_layers(run->study, run->point, run->engine, run->tally, NULL, evaluation->nrow - evaluation->info.corrupt, arena,
                         &evaluation->layers, &evaluation->info.costs));
    return describe_layers(run, arena, evaluation);
}

int evaluate_isolated(struct study *study, const struct point *point, struct ohm_arena *arena, struct evaluation *evaluation) {
    struct isolating run = {.study = study, .point = point, .nlayer = study->content.intnet->nlayer, .images = ohm_image_set_count(study->images)};
    const struct ohm_world *world = &study->world;
    const double began = ohm_seconds();
    *evaluation = (struct evaluation){0};
    cut_layers(&run);
    int status = point_engine(study, point, &run.shared, &run.engine);
    if (!status) status = point_engine(study, &study->points[1], &run.exact_shared, &run.exact);
    if (!status) status = start(&run);
    if (!status) status = take_over(&run, arena);
    status = ohm_world_agree(world, status);
    if (!status) status = shares_open(&run.shares, world, run.done, run.ngroup * run.images, run.room);
    if (!status) {
        status = run_units(&run);
        if (status) ohm_world_alarm(world);
        status = ohm_world_agree(world, status);
    }
    if (!status) status = collect(&run, ohm_seconds() - began, arena, evaluation);
    stop(&run);
    return ohm_world_agree(world, status);
}
