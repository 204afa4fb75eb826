/* ohmtally plan: crossbars, area, memory and predicted time of every design, without images. */
#include "bench.h"
#include "ohmtally/log.h"
#include "ohmtally/status.h"
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

static void print_point(const struct point *point, const struct ohm_layer_row *rows, int32_t nlayer, const struct ohm_point_costs *costs) {
    struct ohm_store sum = {0};
    for (int32_t i = 0; i < nlayer; i++) {
        sum.crossbars += rows[i].store.crossbars;
        sum.crossbars_full += rows[i].store.crossbars_full;
        sum.cells += rows[i].store.cells;
        sum.cells_on += rows[i].store.cells_on;
        sum.index_bits += rows[i].store.index_bits;
    }
    printf("%-18s %9lld %9lld %8.1f %8.1f %9.1f %9.2f %6lld %10.3f %10.3f %10.3f %9.4g", point->name, (long long)sum.crossbars,
           (long long)sum.crossbars_full,
           100.0 * (double)sum.cells / ((double)sum.crossbars * point->setting.array_rows * point->setting.array_columns),
           100.0 * (double)sum.cells_on / (double)sum.cells, (double)sum.index_bits / 8192, costs->area_mm2, (long long)costs->tiles,
           costs->latency_ns * 1e-6, costs->latency_serial_ns * 1e-6, costs->interval_ns * 1e-6, costs->images_per_s);
}

static int plan_point(struct study *study, const struct point *point, const bool *left_out, double *all_seconds) {
    struct ohm_engine *engine;
    struct ohm_layer_row *rows;
    struct ohm_point_costs costs;
    struct bench_prediction prediction;
    struct point plain = *point;
    if (plain.adc.range == OHM_ADC_CALIBRATED) plain.adc.range = OHM_ADC_FULL; /* the same work; ranges need images */
    OHM_TRY(point_plans(study, &plain, left_out, &engine));
    int status = bench_predict(engine, &prediction);
    if (!status) status = point_layers(study, point, engine, NULL, NULL, 0, study->job->arena, &rows, &costs);
    if (!status) {
        print_point(point, rows, study->content.intnet->nlayer, &costs);
        printf(" %8.1f %10.3f  %s\n", prediction.bytes / 1048576, prediction.seconds, costs.bottleneck);
    }
    ohm_engine_free(engine);
    *all_seconds += prediction.seconds;
    return status;
}

/* The technology at full load with ISAAC's operands, cells and converters: to be held against what is published. */
static void print_peak(const struct study *study) {
    const struct ohm_technology *technology = &study->technology;
    const struct ohm_array array = {study->job->same.adc_law, 8, 2, (int32_t)technology->array_rows, (int32_t)technology->array_columns};
    struct ohm_peak peak;
    ohm_price_peak(technology, &array, 16, &peak);
    printf("\n%s at full load, 16-bit operands, 2-bit cells, 8-bit ADCs (%s): %.2f TOPS, %.1f W, %.1f mm2 a chip; %.1f GOPS/W, %.1f GOPS/mm2\n",
           technology->name, ohm_adc_law_text(array.law), peak.gops * 1e-3, peak.chip_w, peak.chip_mm2, peak.gops / peak.chip_w,
           peak.gops / peak.chip_mm2);
}

/* What a cluster run would take: the work is in the images, which ranks share evenly. */
static void print_prediction(const struct study *study, double seconds) {
    int64_t images = study->job->images.count;
    printf("\nall designs: about %.2f CPU s an image on this machine, without loading (`ohmtally bench` measures it layer by layer)", seconds);
    if (images > 0) {
        printf("; %lld images take", (long long)images);
        for (int cores = 1; cores <= 256; cores *= 16)
            printf(" %.0f s on %d core%s%s", seconds * (double)images / cores, cores, cores > 1 ? "s" : "", cores < 256 ? "," : "");
    }
    printf("\n");
}

int command_plan(const struct ohm_world *world, const struct arguments *arguments) {
    struct study study;
    bool *left_out = NULL;
    double seconds = 0;
    int status = study_open(&study, world, arguments);
    study.threads = study_threads(world);
    omp_set_num_threads(study.threads);
    if (!status) status = study_load(&study, false);
    if (!status && !(left_out = ohm_alloc_array((size_t)study.content.intnet->nlayer, sizeof *left_out))) status = OHM_E_MEMORY;
    if (!status) bench_choose_samples(study.content.intnet, left_out);
    if (!status && world->rank == 0) {
        printf("%-18s %9s %9s %8s %8s %9s %9s %6s %10s %10s %10s %9s %8s %10s  %s\n", "design", "crossbars", "unreleased", "filled %", "on %",
               "index KiB", "mm2", "tiles", "latency ms", "serial ms", "interval", "images/s", "MiB", "CPU s/image", "slowest layer");
        for (int p = 2; !status && p < study.npoint; p++) status = plan_point(&study, &study.points[p], left_out, &seconds);
        if (!status) print_peak(&study);
        if (!status) print_prediction(&study, seconds);
    }
    free(left_out);
    study_close(&study);
    return ohm_world_agree(world, status);
}
