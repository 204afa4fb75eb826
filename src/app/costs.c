/* From what the hardware did, layer by layer, to what a network on a design costs. */
#include "app.h"
#include "ohmtally/log.h"
#include "ohmtally/stages.h"
#include "ohmtally/status.h"

/* What prices are made from. */
struct pricing {
    const struct study *study;
    const struct point *point;
    const struct ohm_technology *technology;
    struct ohm_array array;
    int64_t images; /* the tallies are over; 0: none */
    int32_t nlayer;
    struct ohm_layer_row *rows; /* [nlayer] */
    struct ohm_stage *stages;   /* [nlayer] */
    struct ohm_stage_time *times;
    struct ohm_pipeline pipeline;
};

static double per_image(const struct pricing *pricing, double sum) {
    return pricing->images ? sum / (double)pricing->images : 0;
}

/* Every tile of a layer gets the whole input (an upper bound: tiles that hold some of the rows need only these); copies share the positions and
 * hence the input. */
static void count_router(const struct pricing *pricing, const struct ohm_layer *layer, struct ohm_layer_row *row) {
    int64_t tiles = ohm_price_tiles(pricing->technology, &pricing->array, row->store.crossbars);
    row->tally.router_bits = ohm_stage_inputs(layer) * pricing->study->content.intnet->activation_bits * tiles * pricing->images;
}

static double step_ns(const struct pricing *pricing, const struct ohm_layer_row *row) {
    return ohm_price_step_ns(pricing->technology, &pricing->array, row->store.columns_read, row->store.serial);
}

/* Time on one copy: by the schedule as it was run, or the static one. */
static void time_layer(const struct pricing *pricing, struct ohm_layer_row *row, struct ohm_stage *stage) {
    double steps = pricing->images ? per_image(pricing, (double)row->tally.steps) : (double)row->positions * (double)row->store.steps_per_position;
    struct ohm_area area;
    ohm_price_area(pricing->technology, &pricing->array, (double)row->store.crossbars,
                   ohm_price_tile_share(pricing->technology, &pricing->array, row->store.crossbars), &area);
    stage->image_ns = row->store.crossbars ? steps * step_ns(pricing, row) : 0; /* nothing is read where every array was released */
    stage->tail_ns = ohm_price_tail_ns(pricing->technology);
    stage->arrays = row->store.crossbars;
    stage->area_um2 = ohm_area_total_um2(&area);
    row->latency_ns = stage->image_ns + stage->tail_ns;
}

/* The last tile may be filled in part only: less than one tile more than the shares of all layers. */
static struct ohm_budget budget_of(const struct pricing *pricing) {
    const struct ohm_job *job = pricing->study->job;
    struct ohm_area tile;
    ohm_price_area(pricing->technology, &pricing->array, 0, 1, &tile);
    double area = job->same.area_budget_mm2 * 1e6, least = 1e-6; /* um2: 0 would be no limit */
    if (area > 0) area = area - ohm_area_total_um2(&tile) > least ? area - ohm_area_total_um2(&tile) : least;
    return (struct ohm_budget){job->same.crossbar_budget, area};
}

static int run_pipeline(struct pricing *pricing, struct ohm_arena *arena) {
    struct ohm_budget budget = budget_of(pricing);
    int64_t *copies = ohm_arena_array(arena, (size_t)pricing->nlayer, sizeof *copies);
    pricing->times = ohm_arena_array(arena, (size_t)pricing->nlayer, sizeof *pricing->times);
    if (!copies || !pricing->times) return OHM_E_MEMORY;
    if (!ohm_pipeline_replicate(pricing->stages, pricing->nlayer, &budget, copies))
        ohm_warn("%s: one copy of every layer is already more than same.crossbar_budget or same.area_budget_mm2 allows; no layer gets another",
                 pricing->point->name);
    ohm_pipeline_run(pricing->stages, pricing->nlayer, copies, pricing->times, &pricing->pipeline);
    for (int32_t i = 0; i < pricing->nlayer; i++) {
        pricing->rows[i].copies = copies[i];
        pricing->rows[i].start_ns = pricing->times[i].start_ns;
        pricing->rows[i].end_ns = pricing->times[i].finish_ns + pricing->stages[i].tail_ns;
    }
    return OHM_OK;
}

/* Share of an interval in which an array is read; where nothing was run, as if every array were read in every step. */
static double busy_share(const struct pricing *pricing, const struct ohm_layer_row *row, const struct ohm_stage *stage) {
    double reads_ns = stage->image_ns;
    if (pricing->images && row->store.crossbars)
        reads_ns = per_image(pricing, (double)row->tally.array_reads) / (double)row->store.crossbars * step_ns(pricing, row);
    return pricing->pipeline.interval_ns > 0 ? reads_ns / (double)row->copies / pricing->pipeline.interval_ns : 0;
}

static void price_energy(const struct pricing *pricing, struct ohm_layer_row *row) {
    ohm_price_energy(pricing->technology, &pricing->array, &row->tally, &row->energy);
    double *components = (double *)&row->energy; /* doubles only */
    for (int i = 0; i < OHM_ENERGY_COUNT; i++) components[i] = per_image(pricing, components[i]);
    for (int law = 0; law < OHM_ADC_LAWS; law++)
        row->adc_pj[law] = per_image(pricing, (double)row->tally.conversions *
                                                  ohm_adc_energy_pj(pricing->technology, (enum ohm_adc_law)law, pricing->array.adc_bits));
}

/* tiles: the layer's share of them. */
static void price_place(const struct pricing *pricing, double tiles, struct ohm_layer_row *row) {
    double arrays = (double)(row->store.crossbars * row->copies);
    struct ohm_array array = pricing->array;
    for (int law = 0; law < OHM_ADC_LAWS; law++) {
        array.law = (enum ohm_adc_law)law;
        ohm_price_area(pricing->technology, &array, arrays, tiles, &row->area);
        row->adc_um2[law] = row->area.adc;
    }
    ohm_price_area(pricing->technology, &pricing->array, arrays, tiles, &row->area);
    row->leakage_pj = ohm_price_leakage_uw(pricing->technology, &pricing->array, arrays, tiles) * pricing->pipeline.interval_ns * 1e-3;
}

static void price_row(const struct pricing *pricing, int32_t i, double tiles) {
    const struct ohm_intnet *intnet = pricing->study->content.intnet;
    struct ohm_layer_row *row = &pricing->rows[i];
    int32_t rows = pricing->array.rows, columns = pricing->array.columns, k = 0;
    row->buffer_bytes = (ohm_stage_buffered(&intnet->layers[i]) * intnet->activation_bits + 7) / 8;
    row->busy = busy_share(pricing, row, &pricing->stages[i]);
    price_energy(pricing, row);
    price_place(pricing, tiles, row);
#define X(name, cells, about) row->baseline[k++] = ohm_baseline_crossbars(row->groups, row->rows, row->columns, rows, columns, cells);
    OHM_BASELINE_LIST(X)
#undef X
}

static void sum_up(const struct pricing *pricing, struct ohm_point_costs *costs) {
    const struct ohm_pipeline *pipeline = &pricing->pipeline;
    costs->latency_ns = pipeline->latency_ns;
    costs->latency_serial_ns = pipeline->serial_ns;
    costs->interval_ns = pipeline->interval_ns;
    costs->images_per_s = pipeline->interval_ns > 0 ? 1e9 / pipeline->interval_ns : 0;
    costs->bottleneck = pipeline->bottleneck < 0 ? "" : pricing->rows[pipeline->bottleneck].name;
    costs->busiest = "";
    costs->area_mm2 = costs->busiest_share = 0;
    for (int32_t i = 0; i < pricing->nlayer; i++) {
        const struct ohm_layer_row *row = &pricing->rows[i];
        costs->area_mm2 += ohm_area_total_um2(&row->area) * 1e-6;
        if (row->busy <= costs->busiest_share) continue;
        costs->busiest_share = row->busy;
        costs->busiest = row->name;
    }
}

int point_costs(const struct study *study, const struct point *point, int64_t images, struct ohm_arena *arena, struct ohm_layer_row *rows,
                struct ohm_point_costs *costs) {
    const struct ohm_intnet *intnet = study->content.intnet;
    const struct ohm_design_setting *setting = &point->setting;
    struct pricing pricing = {
        .study = study,
        .point = point,
        .technology = &study->technology,
        .array = {study->job->same.adc_law, point->adc.bits, point->design->cell_bits(setting), setting->array_rows, setting->array_columns},
        .images = images,
        .nlayer = intnet->nlayer,
        .rows = rows,
        .stages = ohm_stages_make(intnet, arena),
    };
    if (!pricing.stages) return OHM_E_MEMORY;
    for (int32_t i = 0; i < pricing.nlayer; i++) {
        count_router(&pricing, &intnet->layers[i], &rows[i]);
        time_layer(&pricing, &rows[i], &pricing.stages[i]);
    }
    OHM_TRY(run_pipeline(&pricing, arena));
    costs->arrays = 0;
    for (int32_t i = 0; i < pricing.nlayer; i++) costs->arrays += rows[i].store.crossbars * rows[i].copies;
    costs->tiles = ohm_price_tiles(pricing.technology, &pricing.array, costs->arrays);
    double tiles_per_array = costs->arrays ? (double)costs->tiles / (double)costs->arrays : 0; /* layers share tiles in proportion to their arrays */
    for (int32_t i = 0; i < pricing.nlayer; i++) price_row(&pricing, i, tiles_per_array * (double)(rows[i].store.crossbars * rows[i].copies));
    sum_up(&pricing, costs);
    return OHM_OK;
}
