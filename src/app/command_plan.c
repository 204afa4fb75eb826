/* ohmtally plan: crossbars, area, memory and predicted time of every design, without images. */
#include "bench.h"
#include "ohmtally/log.h"
#include "ohmtally/status.h"
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

static int plan_point(struct study *study, const struct point *point, double *all_seconds) {
    struct ohm_engine *engine;
    struct ohm_layer_row *rows;
    double seconds = 0, area = 0, latency = 0, interval = 0;
    int64_t crossbars = 0, full = 0, index_bits = 0, cells = 0, on = 0;
    struct point plain = *point;
    if (plain.adc.range == OHM_ADC_CALIBRATED) plain.adc.range = OHM_ADC_FULL; /* the same work; ranges need images */
    OHM_TRY(point_engine(study, &plain, NULL, &engine));
    int status = bench_predict(engine, &seconds);
    if (!status) status = point_layers(study, point, engine, NULL, NULL, 0, study->job->arena, &rows);
    for (int32_t i = 0; !status && i < study->content.intnet->nlayer; i++) {
        crossbars += rows[i].store.crossbars;
        full += rows[i].store.crossbars_full;
        cells += rows[i].store.cells;
        on += rows[i].store.cells_on;
        index_bits += rows[i].store.index_bits;
        area += rows[i].area_um2 * 1e-6;
        latency += rows[i].latency_ns * 1e-6;
        if (rows[i].latency_ns * 1e-6 > interval) interval = rows[i].latency_ns * 1e-6;
    }
    if (!status)
        printf("%-18s %9lld %9lld %8.1f %8.1f %9.1f %9.2f %10.2f %10.2f %8.1f %10.3f\n", point->name, (long long)crossbars, (long long)full,
               100.0 * (double)cells / ((double)crossbars * point->setting.array_rows * point->setting.array_columns),
               100.0 * (double)on / (double)cells, (double)index_bits / 8192, area, latency, interval, (double)ohm_engine_bytes(engine) / 1048576,
               seconds);
    ohm_engine_free(engine);
    *all_seconds += seconds;
    return status;
}

/* What a cluster run would take: the work is in the images, which ranks share evenly. */
static void print_prediction(const struct study *study, double seconds) {
    int64_t images = study->job->images.count;
    printf("\nall designs: %.2f CPU s an image on this machine, without loading", seconds);
    if (images > 0) {
        printf("; %lld images take", (long long)images);
        for (int cores = 1; cores <= 256; cores *= 16)
            printf(" %.0f s on %d core%s%s", seconds * (double)images / cores, cores, cores > 1 ? "s" : "", cores < 256 ? "," : "");
    }
    printf("\n");
}

int command_plan(const struct ohm_world *world, const struct arguments *arguments) {
    struct study study;
    double seconds = 0;
    int status = study_open(&study, world, arguments);
    study.threads = study_threads(world);
    omp_set_num_threads(study.threads);
    if (!status) status = study_load(&study, false);
    if (!status && world->rank == 0) {
        printf("%-18s %9s %9s %8s %8s %9s %9s %10s %10s %8s %10s\n", "design", "crossbars", "unreleased", "filled %", "on %", "index KiB", "mm2",
               "latency ms", "slowest ms", "MiB", "CPU s/image");
        for (int p = 2; !status && p < study.npoint; p++) status = plan_point(&study, &study.points[p], &seconds);
        if (!status) print_prediction(&study, seconds);
    }
    study_close(&study);
    return ohm_world_agree(world, status);
}
