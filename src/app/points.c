/* Engines and layer rows of evaluation points. */
#include "grid.h"
#include "ohmtally/log.h"
#include "ohmtally/status.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define OBSERVED_IMAGES 8 /* calibration images whose counts set calibrated ADC ranges */

static int see_counts(void *engine, struct ohm_batch *batch, int64_t image, const float *input) {
    return ohm_engine_observe(engine, batch, input);
}

/* Counts of a lossless run of this rank's share of the first calibration images, summed over ranks. */
static int observe(struct study *study, struct ohm_engine *engine) {
    const struct ohm_engine *made_for = engine;
    size_t bins = (size_t)engine->intnet->nlayer * ohm_engine_bins(engine);
    int status = each_sample(study, &made_for, 1, OBSERVED_IMAGES, see_counts, engine);
    if (!status && !engine->observed && !(engine->observed = ohm_alloc_array(bins, sizeof *engine->observed))) status = OHM_E_MEMORY;
    OHM_TRY(ohm_world_agree(&study->world, status));
    ohm_world_sum(&study->world, engine->observed, bins);
    return OHM_OK;
}

struct building {
    const struct ohm_world *world;
    struct ohm_shared *shared;
};

/* After every few layers, on all ranks that have them: whether all go on; one copy of these layers' weights on each node. */
static int layers_built(void *context, const struct ohm_engine *engine, int32_t first, int32_t end, int status) {
    struct building *building = context;
    struct pieces pieces = {0};
    if (!status && engine) ohm_engine_large(engine, first, end, pieces_add, &pieces);
    status = ohm_world_agree(building->world, status ? status : pieces.status);
    if (!status) ohm_node_share(building->world, pieces.list, pieces.n, building->shared);
    free(pieces.list);
    return status;
}

/* Collective when shared is not NULL. */
static int build_engine(struct study *study, struct ohm_engine_request *request, struct ohm_shared *shared, struct ohm_engine **engine) {
    struct building building = {study->grid ? &study->grid->peers : &study->world, shared};
    request->intnet = study->content.intnet;
    request->part = study->grid ? &study->grid->part : NULL;
    request->built = shared ? layers_built : NULL;
    request->context = &building;
    int status = ohm_engine_build(request, engine);
    ohm_memory_trim(); /* planning takes many small pieces, and so did the engine before */
    return study->grid ? ohm_world_agree(&study->world, status) : status;
}

void point_engine_free(struct ohm_engine *engine, struct ohm_shared *shared) {
    ohm_node_unshare(shared);
    ohm_engine_free(engine);
}

/* Counts come from all conversions carried out. noise: of the cells, NULL for ideal ones. */
static int lossless_engine(struct study *study, const struct point *point, const struct ohm_fitted *fitted, const struct ohm_noise *noise,
                           struct ohm_shared *shared, struct ohm_engine **engine) {
    const struct ohm_intnet *intnet = study->content.intnet;
    struct ohm_adc *lossless = ohm_alloc_array((size_t)intnet->nlayer, sizeof *lossless);
    int32_t top = (1 << point->design->cell_bits(&point->setting)) - 1;
    int status = ohm_world_agree(&study->world, lossless ? OHM_OK : OHM_E_MEMORY);
    *engine = NULL;
    for (int32_t i = 0; !status && i < intnet->nlayer; i++)
        lossless[i] = (struct ohm_adc){.bits = point->design->lossless_bits(&point->setting),
                                       .range = OHM_ADC_UNIT,
                                       .largest = noise ? point->setting.array_rows * top : point->adc.largest};
    struct ohm_engine_request request = {.design = point->design,
                                         .settings = point->layer_settings,
                                         .given = fitted->weights,
                                         .bias = (const float *const *)fitted->bias,
                                         .adc = lossless,
                                         .noise = noise,
                                         .evaluate = OHM_EVALUATE_ALL};
    if (!status) status = build_engine(study, &request, shared, engine);
    free(lossless);
    return status;
}

/* Fills adc[nlayer] with ranges from the counts of a lossless engine of the same design. */
static int calibrate_adcs(struct study *study, const struct point *point, const struct ohm_fitted *fitted, struct ohm_adc *adc) {
    const struct ohm_intnet *intnet = study->content.intnet;
    struct ohm_engine *engine = NULL;
    struct ohm_shared shared = {0};
    int status = lossless_engine(study, point, fitted, NULL, &shared, &engine);
    if (!status) status = observe(study, engine);
    double percentile = strcmp(study->job->adc.calibrate, "percentile") ? 0 : study->job->adc.percentile;
    for (int32_t i = 0; !status && i < intnet->nlayer; i++) {
        for (int32_t k = 0; k < OHM_ADC_CLASSES; k++)
            ohm_adc_calibrate(&adc[i], k, engine->observed + (size_t)i * ohm_engine_bins(engine) + (size_t)k * ((size_t)engine->largest + 1),
                              percentile);
        if (study->job->adc.power_of_two) ohm_adc_align(&adc[i]);
    }
    point_engine_free(engine, &shared);
    return status;
}

/* Magnitudes of two's complement where a design rounds plainly, else beside the sign (design.h). */
static int check_magnitudes(const struct study *study, const struct point *point, const struct ohm_fitted *fitted) {
    for (int32_t i = 0; i < fitted->nlayer; i++) {
        const struct ohm_layer *layer = &study->content.intnet->layers[i];
        const int32_t bits = point->layer_settings[i].weight_bits, most = (1 << (point->design->constrain ? bits : bits - 1)) - 1;
        if (!fitted->weights[i])
            return ohm_fail(OHM_E_INPUT, "%s: layer '%s' has not been fitted: let ohmtally fit end", point->weights, layer->name);
        for (int64_t k = 0; k < (int64_t)ohm_layer_outputs(layer) * layer->krows; k++)
            if (abs(fitted->weights[i]->w[k]) > most)
                return ohm_fail(OHM_E_INPUT, "%s: layer '%s' has a weight of %d, but design '%s' holds magnitudes up to %d; fit for this design",
                                point->weights, layer->name, fitted->weights[i]->w[k], point->name, most);
    }
    return OHM_OK;
}

static int read_fitted(const struct study *study, const struct point *point, struct ohm_fitted *fitted) {
    *fitted = (struct ohm_fitted){0};
    if (!point->weights) return OHM_OK;
    OHM_TRY(ohm_fitted_read(point->weights, study->content.intnet, study->calibration != NULL, fitted));
    return check_magnitudes(study, point, fitted);
}

int point_observer(struct study *study, const struct point *point, const struct ohm_noise *noise, struct ohm_shared *shared,
                   struct ohm_engine **engine) {
    struct ohm_fitted fitted;
    int status = ohm_world_agree(&study->world, read_fitted(study, point, &fitted));
    *engine = NULL;
    if (!status) status = lossless_engine(study, point, &fitted, noise, shared, engine);
    ohm_fitted_free(&fitted);
    return status;
}

int point_check_fitted(const struct study *study) {
    int status = OHM_OK;
    for (int p = 0; !status && study->world.rank == 0 && p < study->npoint; p++) {
        struct ohm_fitted fitted;
        status = read_fitted(study, &study->points[p], &fitted);
        ohm_fitted_free(&fitted);
    }
    return ohm_world_agree(&study->world, status);
}

static void warn_of_loss(const struct point *point, const struct ohm_engine *engine) {
    int32_t layers = 0;
    double most = 0;
    for (int32_t i = 0; i < engine->intnet->nlayer; i++) {
        layers += engine->layers[i].held_error > 0;
        if (engine->layers[i].held_error > most) most = engine->layers[i].held_error;
    }
    if (layers)
        ohm_warn("%s does not hold the weights of %s exactly in %d layers (off by %.2g of them at most): were they fitted for it?", point->name,
                 point->weights, layers, most);
}

static int make_engine(struct study *study, const struct point *point, struct ohm_shared *shared, const bool *skip, const bool *stores_only,
                       struct ohm_engine **engine) {
    const struct ohm_job *job = study->job;
    const struct ohm_intnet *intnet = study->content.intnet;
    struct ohm_adc *adc = ohm_alloc_array((size_t)intnet->nlayer, sizeof *adc);
    struct ohm_fitted fitted = {0};
    int status = adc ? read_fitted(study, point, &fitted) : OHM_E_MEMORY;
    *engine = NULL;
    if (shared) status = ohm_world_agree(&study->world, status);
    for (int32_t i = 0; !status && i < intnet->nlayer; i++) adc[i] = point->adc;
    if (!status && point->adc.range == OHM_ADC_CALIBRATED && shared) status = calibrate_adcs(study, point, &fitted, adc);
    struct ohm_engine_request request = {.given = point->exact ? study->content.weights : fitted.weights,
                                         .bias = (const float *const *)fitted.bias,
                                         .design = point->exact ? NULL : point->design,
                                         .settings = point->layer_settings,
                                         .adc = adc,
                                         .noise = point->exact ? NULL : &point->noise,
                                         .skip = skip,
                                         .stores_only = stores_only,
                                         .evaluate = job->run.evaluate_all ? OHM_EVALUATE_ALL : OHM_EVALUATE_NEEDED,
                                         .weight_bits = job->quantize.weight_bits,
                                         .per_channel = job->quantize.per_channel};
    if (!status) status = build_engine(study, &request, shared, engine);
    if (!status) status = grid_gather(study, *engine);
    if (!status && point->weights) warn_of_loss(point, *engine);
    ohm_fitted_free(&fitted);
    free(adc);
    return status;
}

int point_engine(struct study *study, const struct point *point, struct ohm_shared *shared, struct ohm_engine **engine) {
    return make_engine(study, point, shared, NULL, NULL, engine);
}

int point_plans(struct study *study, const struct point *point, const bool *stores_only, struct ohm_engine **engine) {
    return make_engine(study, point, NULL, NULL, stores_only, engine);
}

int point_samples(struct study *study, const struct point *point, const bool *skip, struct ohm_engine **engine) {
    return make_engine(study, point, NULL, skip, NULL, engine);
}

static const char *layer_kind(const struct ohm_layer *layer) {
    if (!layer->conv) return "linear";
    if (layer->groups == 1) return "conv";
    return layer->ncols == 1 || layer->groups == layer->in_c ? "depthwise" : "grouped";
}

int point_layers(const struct study *study, const struct point *point, const struct ohm_engine *engine, const struct ohm_tally *tally,
                 const double *sqnr_db, int64_t images, struct ohm_arena *arena, struct ohm_layer_row **out, struct ohm_point_costs *costs) {
    const struct ohm_intnet *intnet = study->content.intnet;
    struct ohm_layer_row *rows = ohm_arena_array(arena, (size_t)intnet->nlayer, sizeof *rows);
    if (!rows) return OHM_E_MEMORY;
    for (int32_t i = 0; i < intnet->nlayer; i++) {
        const struct ohm_layer *layer = &intnet->layers[i];
        struct ohm_layer_row *row = &rows[i];
        row->name = layer->name;
        row->kind = layer_kind(layer);
        row->groups = layer->groups;
        row->rows = layer->krows;
        row->columns = layer->ncols;
        row->positions = ohm_layer_positions(layer);
        row->adc_bits = point->adc.bits;
        row->sqnr_db = sqnr_db ? sqnr_db[i] : 0;
        row->sqnr_isolated_db = row->sqnr_chained_db = NAN;
        if (engine) row->weight_error = engine->layers[i].weight_error;
        if (engine) row->held_error = engine->layers[i].held_error;
        if (engine) row->store = engine->layers[i].store;
        if (engine) memcpy(row->plane_full, engine->layers[i].plane_full, sizeof row->plane_full);
        if (engine) memcpy(row->plane_held, engine->layers[i].plane_held, sizeof row->plane_held);
        row->evaluation = ohm_arena_string(arena, engine && engine->layers[i].way ? engine->layers[i].way : "product");
        if (!row->evaluation) return OHM_E_MEMORY;
        if (tally) row->tally = tally[i];
        for (int32_t k = 0; engine && point->design && k < OHM_ADC_CLASSES; k++) {
            int32_t lo, step;
            ohm_adc_step(&engine->layers[i].adc, k, &lo, &step);
            row->adc_lo[k] = lo;
            row->adc_step[k] = step;
        }
    }
    *out = rows;
    return point->design && costs ? point_costs(study, point, images, arena, rows, costs) : OHM_OK;
}
