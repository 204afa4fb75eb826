/* What each step of a network takes, to cut it into stages that take equally long: predicted first, then measured in stages cut by that. */
#include "grid.h"
#include "ohmtally/status.h"
#include <stdlib.h>
#include <string.h>

/* In units of a multiply-add of an integer product: of bringing an input into a vector, of an output, of an element of any other operator. */
#define COST_INPUT 4
#define COST_OUTPUT 20
#define COST_ELEMENT 60
#define TURNS 3 /* the shortest counts; the first warms up */

void grid_predict(const struct ohm_intnet *intnet, int64_t *cost, int64_t *bytes) {
    for (int32_t s = 0; s < intnet->nstep; s++) {
        const struct ohm_step *step = &intnet->steps[s];
        const struct ohm_layer *layer = &intnet->layers[step->layer < 0 ? 0 : step->layer];
        const int64_t inputs = ohm_layer_inputs(layer), outputs = ohm_layer_outputs(layer);
        cost[s] = step->layer < 0 ? COST_ELEMENT * ohm_shape_count(&intnet->network->values[step->output].shape)
                                  : ohm_layer_positions(layer) * (inputs * layer->ncols + COST_INPUT * inputs + COST_OUTPUT * outputs);
        bytes[s] = step->layer < 0 ? 0 : inputs * layer->ncols;
    }
}

/* CPU time of all threads: what else the machine has to do does not count. */
void grid_clock(struct grid *grid, int32_t step) {
    const int64_t now = (int64_t)(1e9 * study_cpu_seconds());
    if (step >= 0) grid->taken[step] += now - grid->clock;
    grid->clock = now;
}

/* The first n images through the stages into least [nstep]; loading them is part of the first step. */
static int run_images(struct grid *grid, const struct ohm_engine *engine, struct ohm_batch *batch, struct loader *loader, int32_t n, int64_t *least) {
    const int32_t nstep = grid->intnet->nstep;
    int status = OHM_OK;
    for (int turn = 0; !status && turn < TURNS; turn++) {
        memset(grid->taken, 0, (size_t)nstep * sizeof *grid->taken);
        grid_clock(grid, -1);
        status = loader_read(loader, 0, n);
        if (grid_is_first(grid)) grid_clock(grid, 0);
        if (!status) status = ohm_engine_run(engine, batch, n, (const float *const *)loader->inputs, NULL, NULL, NULL, NULL);
        for (int32_t s = 0; s < nstep; s++)
            if (!turn || grid->taken[s] < least[s]) least[s] = grid->taken[s];
    }
    return status;
}

static int time_stage(struct study *study, const struct ohm_engine *engine, int64_t *cost) {
    struct grid *grid = study->grid;
    struct loader loader;
    struct ohm_batch *batch = NULL;
    const int64_t count = ohm_image_set_count(study->images);
    const int32_t n = count < grid->room ? (int32_t)count : grid->room;
    OHM_TRY(grid_open(grid, n));
    int status = loader_open(&loader, study, study->images, study->job->images.packed != NULL, n);
    if (!status) status = ohm_batch_new(engine, n, &batch);
    if (!status) status = run_images(grid, engine, batch, &loader, n, cost);
    grid_close(grid);
    ohm_batch_free(batch);
    loader_close(&loader);
    return ohm_world_agree(&grid->world, status);
}

/* Of the layers of this rank's part. */
static void find_bytes(const struct grid *grid, const struct ohm_engine *engine, int64_t *bytes) {
    for (int32_t s = grid->part.first; s < grid->part.end; s++)
        if (grid->intnet->steps[s].layer >= 0) bytes[s] = grid_layer_bytes(&engine->layers[grid->intnet->steps[s].layer]);
}

int grid_measure(struct study *study, const struct point *point, int64_t *cost, int64_t *bytes) {
    struct grid *grid = study->grid;
    const size_t nstep = (size_t)grid->intnet->nstep;
    struct point plain = *point;
    struct ohm_engine *engine = NULL;
    struct ohm_shared shared = {0};
    if (plain.adc.range == OHM_ADC_CALIBRATED) plain.adc.range = OHM_ADC_FULL; /* the same work; calibration takes time itself */
    memset(cost, 0, nstep * sizeof *cost);
    memset(bytes, 0, nstep * sizeof *bytes);
    grid->taken = ohm_alloc_array(nstep, sizeof *grid->taken);
    int status = ohm_world_agree(&grid->world, grid->taken ? OHM_OK : OHM_E_MEMORY);
    if (!status) status = point_engine(study, &plain, &shared, &engine);
    if (!status) status = time_stage(study, engine, cost);
    if (!status) find_bytes(grid, engine, bytes);
    for (size_t s = 0; grid->group && s < nstep; s++) cost[s] = bytes[s] = 0; /* one group's are enough */
    if (!status) ohm_world_sum(&grid->world, cost, nstep);
    if (!status) ohm_world_sum(&grid->world, bytes, nstep);
    point_engine_free(engine, &shared);
    free(grid->taken);
    grid->taken = NULL;
    return status;
}
