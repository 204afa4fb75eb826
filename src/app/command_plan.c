/* ohmtally plan: crossbars, area, memory and predicted time of every design, without images. */
#include "app.h"
#include "ohmtally/log.h"
#include "ohmtally/status.h"
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double cpu_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* CPU seconds of one image, from one block of positions per layer on inputs with a quarter of their bits set (typical after ReLU). */
static int predict(const struct ohm_engine *engine, double *seconds) {
    const struct ohm_intnet *intnet = engine->intnet;
    *seconds = 0;
    for (int32_t i = 0; i < intnet->nlayer; i++) {
        const struct ohm_layer *layer = &intnet->layers[i];
        const struct ohm_program *program = engine->layers[i].program;
        int32_t npos = ohm_program_positions(program);
        if (npos > ohm_layer_positions(layer)) npos = (int32_t)ohm_layer_positions(layer);
        size_t bytes = (size_t)npos * (size_t)ohm_layer_inputs(layer) * (size_t)intnet->element;
        uint8_t *x = ohm_alloc(bytes);
        int64_t *y = ohm_alloc_array((size_t)npos * (size_t)ohm_layer_outputs(layer), sizeof *y);
        void *scratch = ohm_alloc(ohm_program_scratch(program, npos));
        struct ohm_tally tally = {0};
        int status = x && y && scratch ? OHM_OK : OHM_E_MEMORY;
        if (!status) {
            for (size_t k = 0; k < bytes; k++)
                x[k] = (uint8_t)((k * 2654435761u >> 13) & (k * 40503u >> 7)); /* two mixed patterns and-ed: a quarter */
            double began = cpu_seconds();
            ohm_program_multiply(program, npos, x, y, scratch, &tally);
            *seconds += (cpu_seconds() - began) * (double)ohm_layer_positions(layer) / npos;
        }
        free(x);
        free(y);
        free(scratch);
        if (status) return status;
    }
    return OHM_OK;
}

static int plan_point(struct study *study, const struct point *point) {
    struct ohm_engine *engine;
    struct ohm_layer_row *rows;
    double seconds = 0, area = 0, latency = 0, interval = 0;
    int64_t crossbars = 0, full = 0, index_bits = 0, cells = 0, on = 0;
    struct point plain = *point;
    if (plain.adc.range == OHM_ADC_CALIBRATED) plain.adc.range = OHM_ADC_FULL; /* the same work; ranges need images */
    OHM_TRY(point_engine(study, &plain, NULL, &engine));
    int status = predict(engine, &seconds);
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
    return status;
}

int command_plan(const struct ohm_world *world, const struct arguments *arguments) {
    struct study study;
    int status = study_open(&study, world, arguments);
    study.threads = study_threads(world);
    omp_set_num_threads(study.threads);
    if (!status) status = study_load(&study, false);
    if (!status && world->rank == 0) {
        printf("%-18s %9s %9s %8s %8s %9s %9s %10s %10s %8s %10s\n", "design", "crossbars", "unreleased", "filled %", "on %", "index KiB", "mm2",
               "latency ms", "slowest ms", "MiB", "CPU s/image");
        for (int p = 2; !status && p < study.npoint; p++) status = plan_point(&study, &study.points[p]);
    }
    study_close(&study);
    return ohm_world_agree(world, status);
}
