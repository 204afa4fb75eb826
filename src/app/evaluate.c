/* One point over all images: each rank takes units of them; integers summed, rows gathered on rank 0. */
#include "grid.h"
#include "ohmtally/log.h"
#include "ohmtally/status.h"
#include <stdlib.h>
#include <string.h>

/* What one rank holds while a point runs. */
struct running {
    struct study *study;
    const struct point *point;
    struct ohm_engine *engine; /* NULL: float */
    struct ohm_shared shared;  /* of its weights */
    struct ohm_batch *batch;
    struct loader loader;
    const float *const *inputs; /* of the batch at hand */
    float **outputs;            /* [batch] */
    float *output_values;
    uint64_t *digests;
    struct ohm_tally *tally, *unit_tally; /* [nlayer]: of all units of this rank, of the one at hand */
    int32_t nclass, room;
    struct shares shares;
    struct ohm_image_row *rows; /* [nrow]: of this rank's units, in the order they were taken */
    int64_t nrow, count;        /* count: images of the set */
    struct ohm_image_row *all;  /* rank 0: [count], in image order; filled at the end but for what was finished before */
    uint8_t *done;              /* rank 0: [count] */
};

static int start(struct running *run) {
    struct study *study = run->study;
    const struct ohm_network *network = study->content.network;
    run->room = study->grid ? study->grid->room : study_batch(study);
    run->nclass = (int32_t)ohm_shape_count(&network->values[network->output].shape);
    run->outputs = ohm_alloc_array((size_t)run->room, sizeof *run->outputs);
    run->output_values = ohm_alloc_array((size_t)run->room * (size_t)run->nclass, sizeof(float));
    run->digests = ohm_alloc_array((size_t)run->room, sizeof *run->digests);
    run->tally = ohm_alloc_array((size_t)study->content.intnet->nlayer, sizeof *run->tally);
    run->unit_tally = ohm_alloc_array((size_t)study->content.intnet->nlayer, sizeof *run->unit_tally);
    run->rows = ohm_alloc_sparse((size_t)run->count, sizeof *run->rows);
    if (!run->outputs || !run->output_values || !run->digests || !run->tally || !run->unit_tally || !run->rows) return OHM_E_MEMORY;
    for (int32_t i = 0; i < run->room; i++) run->outputs[i] = run->output_values + (size_t)i * (size_t)run->nclass;
    if (grid_is_first(study->grid)) OHM_TRY(loader_open(&run->loader, study, study->images, study->job->images.packed != NULL, run->room));
    return run->engine ? ohm_batch_new(run->engine, run->room, &run->batch) : OHM_OK;
}

/* Rank 0: what earlier runs of the job did of this point. */
static int take_over(struct running *run, struct ohm_arena *arena) {
    if (run->study->world.rank) return OHM_OK;
    run->all = ohm_arena_array(arena, (size_t)run->count, sizeof *run->all);
    run->done = ohm_arena_array(arena, (size_t)run->count, sizeof *run->done);
    if (!run->all || !run->done) return OHM_E_MEMORY;
    return keeping_load(run->study->keeping, run->point->index, (int32_t)run->point->noise.trial, run->count, run->all, run->done, run->tally,
                        run->study->content.intnet->nlayer);
}

static void stop(struct running *run) {
    shares_close(&run->shares);
    ohm_batch_free(run->batch);
    loader_close(&run->loader);
    point_engine_free(run->engine, &run->shared);
    free(run->outputs);
    free(run->output_values);
    free(run->digests);
    free(run->tally);
    free(run->unit_tally);
    free(run->rows);
}

static int32_t score(const int32_t best[5], int32_t label) {
    if (label == OHM_NO_LABEL) return -1;
    for (int k = 0; k < 5; k++)
        if (best[k] == label) return k == 0 ? 1 : 2;
    return 0;
}

static void fill_row(struct running *run, int64_t index, int32_t i) {
    struct ohm_image_row *row = &run->rows[run->nrow++];
    row->index = index;
    row->label = ohm_image_set_label(run->study->images, index);
    if (!run->inputs[i]) {
        for (int k = 0; k < 5; k++) row->best[k] = -1;
        row->correct = -2;
        return;
    }
    ohm_top5(run->outputs[i], run->nclass, row->best);
    row->correct = score(row->best, row->label);
    row->outputs_digest = run->engine ? run->digests[i] : 0;
}

/* A unit whose images are there, or have come from the stage before: computed; with the last layer, counted and kept. */
static int run_unit(void *context, const struct unit *unit) {
    struct running *run = context;
    const int32_t nlayer = run->engine ? run->study->content.intnet->nlayer : 0;
    const int64_t before = run->nrow;
    if (!grid_is_first(run->study->grid)) run->inputs = run->study->grid->inputs;
    if (run->engine) ohm_batch_first(run->batch, run->study->job->images.first + unit->first);
    OHM_TRY(run->engine ? ohm_engine_run(run->engine, run->batch, unit->n, run->inputs, run->outputs, run->digests, run->unit_tally, NULL)
                        : ohm_float_batch(run->study->content.network, unit->n, run->inputs, run->outputs));
    if (!grid_is_last(run->study->grid)) return OHM_OK;
    for (int32_t i = 0; i < unit->n; i++) fill_row(run, unit->first + i, i);
    for (int32_t i = 0; i < nlayer; i++) ohm_tally_add(&run->tally[i], &run->unit_tally[i]);
    const struct ohm_journal_batch batch = {run->point->index, (int32_t)run->point->noise.trial, unit->first, unit->n, nlayer, &run->rows[before],
                                            run->unit_tally};
    return keeping_add(run->study->keeping, &batch);
}

/* The unit whose images the loader holds. */
static int run_loaded(struct running *run, const struct unit *unit) {
    run->inputs = (const float *const *)run->loader.inputs;
    memset(run->unit_tally, 0, (size_t)run->study->content.intnet->nlayer * sizeof *run->unit_tally);
    grid_show(run->study->grid, unit, run->inputs, run->unit_tally);
    return run_unit(run, unit);
}

/* Units until none is left. Stops early when this rank, or another one, fails or is asked to stop. */
static int run_images(struct running *run) {
    struct ohm_progress progress;
    const struct unit *unit = shares_next(&run->shares), *next;
    ohm_progress_start(&progress, run->point->name, run->shares.images);
    if (unit) loader_start(&run->loader, unit->first, unit->n);
    for (; unit && !ohm_world_alarmed(&run->study->world); unit = next) {
        OHM_TRY(stop_status());
        OHM_TRY(loader_finish(&run->loader));
        next = shares_next(&run->shares);
        if (next) loader_start(&run->loader, next->first, next->n);
        OHM_TRY(run_loaded(run, unit));
        ohm_progress_step(&progress, unit->before + unit->n);
    }
    if (progress.total) ohm_progress_end(&progress, progress.total);
    return OHM_OK;
}

/* What only the images needed makes room for the noise. */
static void end_images(struct running *run) {
    loader_close(&run->loader);
    ohm_batch_free(run->batch);
    run->batch = NULL;
}

struct sampling {
    const struct ohm_engine *engine;
    double *power; /* [samples][nlayer][2] */
};

static int see_noise(void *context, struct ohm_batch *batch, int64_t image, const float *input) {
    const struct sampling *sampling = context;
    ohm_batch_first(batch, image);
    return ohm_engine_noise(sampling->engine, batch, input, sampling->power + (size_t)image * 2 * (size_t)sampling->engine->intnet->nlayer);
}

/* SQNR per layer in dB. Each image's powers are computed by one rank and added up in image order by all: no float reduction. */
static int measure_noise(struct running *run, double *sqnr_db) {
    struct study *study = run->study;
    int64_t n = study_samples(study, SQNR_IMAGES);
    size_t nlayer = (size_t)study->content.intnet->nlayer, count = (size_t)n * nlayer * 2;
    double *power = ohm_alloc_array(count, sizeof *power);
    const struct ohm_engine *engine = run->engine;
    struct sampling sampling = {engine, power};
    int status = ohm_world_agree(&study->world, power ? OHM_OK : OHM_E_MEMORY);
    if (!status) status = ohm_world_agree(&study->world, each_sample(study, &engine, 1, SQNR_IMAGES, see_noise, &sampling));
    if (!status) ohm_world_join(&study->world, power, count);
    for (size_t i = 0; !status && i < nlayer; i++) sqnr_db[i] = samples_decibels(power + 2 * i, n, 2 * nlayer);
    free(power);
    return status;
}

/* Rows of all ranks into their places on rank 0. */
static int gather_rows(struct running *run, struct evaluation *evaluation) {
    void *gathered;
    size_t bytes;
    OHM_TRY(ohm_world_gather(&run->study->world, run->rows, (size_t)run->nrow * sizeof *run->rows, &gathered, &bytes));
    const struct ohm_image_row *rows = gathered;
    int64_t taken = 0;
    for (size_t i = 0; i < bytes / sizeof *rows; i++) {
        taken += !run->done[rows[i].index];
        run->done[rows[i].index] = 1;
        run->all[rows[i].index] = rows[i];
    }
    free(gathered);
    if (run->study->world.rank) return OHM_OK;
    evaluation->rows = run->all;
    evaluation->nrow = run->count;
    return taken == run->shares.images ? OHM_OK
                                       : ohm_fail(OHM_E_INTERNAL, "%s: %lld images evaluated where %lld were to be", run->point->name,
                                                  (long long)taken, (long long)run->shares.images);
}

void evaluation_describe(const struct point *point, double seconds, struct evaluation *evaluation) {
    evaluation->info = (struct ohm_point_info){.name = point->name,
                                               .options = point->options,
                                               .swept = point->swept ? point->swept : "",
                                               .seconds = seconds,
                                               .adc_range = "",
                                               .source = "",
                                               .departures = "",
                                               .entry = point->entry,
                                               .chip = (int32_t)point->noise.trial,
                                               .chips = point->chips};
    evaluation->info.design = point->design ? point->design->name : point->name;
    evaluation->info.title = point->exact ? "exact integer network" : "float network";
    for (int64_t i = 0; i < evaluation->nrow; i++) evaluation->info.corrupt += evaluation->rows[i].correct == -2;
    if (!point->design) return;
    evaluation->info.title = point->design->title;
    evaluation->info.source = point->design->source;
    evaluation->info.departures = point->design->departures;
    evaluation->info.adc_range = ohm_adc_range_text(point->adc.range);
    evaluation->info.adc_bits = point->adc.bits;
    evaluation->info.array_rows = point->setting.array_rows;
    evaluation->info.array_columns = point->setting.array_columns;
    evaluation->info.priced = true;
}

static void add_losses(const struct losses *losses, struct evaluation *evaluation) {
    for (int32_t i = 0; losses->codes && i < evaluation->nlayer; i++) {
        struct ohm_layer_row *row = &evaluation->layers[i];
        row->sqnr_isolated_db = losses->isolated_db[i];
        row->sqnr_chained_db = losses->chained_db[i];
        memcpy(row->codes, losses->codes[i], sizeof row->codes);
    }
}

/* After the images: sums, noise, rows and layers. Collective. */
static int collect(struct running *run, double seconds, struct ohm_arena *arena, struct evaluation *evaluation) {
    struct study *study = run->study;
    int32_t nlayer = study->content.intnet->nlayer;
    double *sqnr_db = ohm_arena_array(arena, (size_t)nlayer, sizeof *sqnr_db);
    OHM_TRY(ohm_world_agree(&study->world, sqnr_db ? OHM_OK : OHM_E_MEMORY));
    struct losses losses = {0};
    if (run->engine) OHM_TRY(measure_noise(run, sqnr_db));
    if (run->engine) OHM_TRY(point_why(study, run->point, run->engine, arena, &losses));
    ohm_world_sum(&study->world, (int64_t *)(void *)run->tally, (size_t)nlayer * OHM_TALLY_COUNT);
    OHM_TRY(ohm_world_agree(&study->world, gather_rows(run, evaluation)));
    evaluation_describe(run->point, seconds, evaluation);
    evaluation->nlayer = run->engine ? nlayer : 0;
    if (study->world.rank || !run->engine) return OHM_OK;
    OHM_TRY(point_layers(study, run->point, run->engine, run->tally, sqnr_db, evaluation->nrow - evaluation->info.corrupt, arena, &evaluation->layers,
                         &evaluation->info.costs));
    add_losses(&losses, evaluation);
    return OHM_OK;
}

/* The units, known to all ranks that load images. Collective. */
static int open_shares(struct running *run) {
    struct study *study = run->study;
    if (!study->grid) return shares_open(&run->shares, &study->world, run->done, run->count, run->room);
    int status = grid_is_first(study->grid) ? shares_open(&run->shares, &study->grid->peers, run->done, run->count, run->room) : OHM_OK;
    status = ohm_world_agree(&study->world, status);
    return status ? status : grid_open(study->grid, run->room);
}

int evaluate_point(struct study *study, const struct point *point, struct ohm_arena *arena, struct evaluation *evaluation) {
    if (study->job->run.isolated && point->design) return evaluate_isolated(study, point, arena, evaluation);
    struct running run = {.study = study, .point = point, .count = ohm_image_set_count(study->images)};
    struct ohm_world *world = &study->world;
    struct grid grid;
    double began = ohm_seconds();
    *evaluation = (struct evaluation){0};
    int status = OHM_OK;
    if (point->exact || point->design) status = grid_enter(study, point, study_batch(study), &grid);
    if (!status && (point->exact || point->design)) status = point_engine(study, point, &run.shared, &run.engine);
    if (!status) status = start(&run);
    if (!status) status = take_over(&run, arena);
    status = ohm_world_agree(world, status);
    if (!status) status = open_shares(&run);
    if (!status) {
        status = grid_is_first(study->grid) ? run_images(&run) : grid_units(study, run.unit_tally, run_unit, &run);
        if (status) ohm_world_alarm(world);
        grid_close(study->grid);
        end_images(&run);
        status = ohm_world_agree(world, status);
        if (!status) status = grid_say_work(study);
    }
    if (!status) status = collect(&run, ohm_seconds() - began, arena, evaluation);
    stop(&run);
    grid_leave(study);
    return ohm_world_agree(world, status);
}
