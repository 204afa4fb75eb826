/* ohmtally bench: what this machine does, in the units the field compares. */
#include "bench.h"
#include "ohmtally/log.h"
#include "ohmtally/status.h"
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN_STEPS 12 /* of a network, the slowest */

static void print_machine(const struct ohm_bench *bench) {
    printf("%s; one core\n\n", bench->cpu);
    printf("conversions, G/s: 128 rows, 512 columns, 8 steps; clipping and tables with 5 bits; lists of driven rows given\n");
    printf("%-10s %8s %8s %8s %8s %12s %22s\n", "kernel", "density", "clip", "tables", "excess", "lists G/s", "share of logic limit");
    for (int32_t i = 0; i < bench->nkernel; i++) {
        const struct ohm_bench_kernel *row = &bench->kernels[i];
        printf("%-10s %8.2f %8.2f %8.2f %8.2f %12.2f %21.0f%%\n", row->kernel, row->density, row->clip * 1e-9, row->table * 1e-9, row->excess * 1e-9,
               row->lists * 1e-9, 100 * row->share);
    }
    printf("and + popcount loop %.2f\n\n", bench->popcount * 1e-9);
    printf("integer product, 8-bit codes, 256 x 1024 x 1024\n%-10s %10s %10s\n", "way", "weights", "GMAC/s");
    for (int32_t i = 0; i < bench->nproduct; i++)
        printf("%-10s %10d %10.1f\n", bench->products[i].way, bench->products[i].largest, bench->products[i].rate * 1e-9);
}

static void print_layers(const struct ohm_bench *bench) {
    printf("\nreference layer: 3x3, 256 -> 256 channels, 14 x 14, 8 one-bit planes, 8-bit inputs (21 %% ones), 128-row arrays\n");
    printf("%-10s %-24s %10s %12s %12s %10s  %s\n", "kernel", "ADC, conversions", "CPU ms", "G conv/s", "evaluated %", "/popcount", "evaluation");
    for (int32_t i = 0; i < bench->nlayer; i++) {
        const struct ohm_bench_layer *row = &bench->layers[i];
        printf("%-10s %-24s %10.2f %12.2f %12.1f %10.1f  %s\n", row->kernel, row->mode, row->seconds * 1e3, row->rate * 1e-9,
               100.0 * (double)row->evaluated / (double)row->conversions, row->popcount, row->evaluation);
    }
}

static int slower(const void *left, const void *right) {
    const struct ohm_bench_step *a = *(const struct ohm_bench_step *const *)left, *b = *(const struct ohm_bench_step *const *)right;
    return (a->seconds < b->seconds) - (a->seconds > b->seconds);
}

/* One design: its slowest steps, and the sum of all. */
static void print_point(const struct ohm_bench_step *steps, int32_t n) {
    const struct ohm_bench_step **order = calloc((size_t)n, sizeof *order);
    double seconds = 0, conversions = 0, evaluated = 0, load = 0;
    for (int32_t i = 0; i < n; i++) {
        bool loading = !strcmp(steps[i].layer, "load");
        if (loading) load = steps[i].seconds;
        seconds += loading ? 0 : steps[i].seconds;
        conversions += steps[i].conversions;
        evaluated += steps[i].evaluated;
        if (order) order[i] = &steps[i];
    }
    printf("\n%s: %.1f CPU ms an image (and %.1f to load it); %.0f M conversions, %.1f %% evaluated\n", steps[0].point, 1e3 * seconds, 1e3 * load,
           conversions * 1e-6, conversions > 0 ? 100 * evaluated / conversions : 0);
    if (order) qsort(order, (size_t)n, sizeof *order, slower);
    for (int32_t i = 0; order && i < n && i < SHOWN_STEPS; i++)
        printf("  %8.2f ms  %-28s %-20s %s\n", 1e3 * order[i]->seconds, order[i]->layer, order[i]->kind, order[i]->evaluation);
    free(order);
}

static void print_network(const struct ohm_bench *bench) {
    for (int32_t i = 0, end; i < bench->nstep; i = end) {
        for (end = i + 1; end < bench->nstep && !strcmp(bench->steps[end].point, bench->steps[i].point);) end++;
        print_point(bench->steps + i, end - i);
    }
}

static int measure_machine(struct ohm_arena *arena, struct ohm_bench *bench) {
    OHM_TRY(bench_kernels(arena, bench));
    OHM_TRY(bench_products(arena, bench));
    print_machine(bench);
    OHM_TRY(bench_layers(arena, bench));
    print_layers(bench);
    return OHM_OK;
}

static int measure(const struct ohm_world *world, const struct arguments *arguments, const char *job, const char *output, struct ohm_arena *arena) {
    const struct ohm_kernel *kernel = ohm_kernel_chosen();
    struct study study = {0};
    struct ohm_bench bench = {.cpu = study_cpu(arena), .kernel = kernel ? kernel->name : ""};
    if (!kernel) return OHM_E_USAGE;
    int status = OHM_OK;
    if (job) {
        struct arguments one = {.words = &job, .nword = 1, .set = arguments->set, .nset = arguments->nset, .command_line = arguments->command_line};
        status = study_open(&study, world, &one);
        study.threads = 1;
        if (!status) status = bench_scaling_check(&study);
        if (!status) status = study_load(&study, true);
    }
    if (!status && world->rank == 0) status = measure_machine(arena, &bench);
    if (!status && job && world->rank == 0) status = bench_network(&study, &bench);
    if (!status && world->rank == 0) print_network(&bench);
    if (!status && job) status = bench_scaling(&study);
    if (!status && output && world->rank == 0) status = ohm_bench_write(output, &bench);
    if (job) study_close(&study);
    return status;
}

static bool ends_with_h5(const char *word) {
    size_t length = strlen(word);
    return length > 3 && !strcmp(word + length - 3, ".h5");
}

int command_bench(const struct ohm_world *world, const struct arguments *arguments) {
    const char *job = NULL, *output = NULL;
    for (int i = 0; i < arguments->nword; i++) {
        const char **place = ends_with_h5(arguments->words[i]) ? &output : &job;
        if (*place) return ohm_fail(OHM_E_USAGE, "bench takes at most one job and one file to write; '%s' is too much", arguments->words[i]);
        *place = arguments->words[i];
    }
    if (arguments->nset && !job) return ohm_fail(OHM_E_USAGE, "--set overrides values of a job; bench was given none");
    if (world->size > 1) return ohm_fail(OHM_E_USAGE, "bench measures one core; start it without mpirun");
    struct ohm_arena *arena = ohm_arena_new();
    int status = arena ? measure(world, arguments, job, output, arena) : OHM_E_MEMORY;
    ohm_arena_free(arena);
    return status;
}
