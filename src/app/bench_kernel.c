/* How fast each kernel and the plain ways of doing the same are on this machine. */
#include "bench.h"
#include "ohmtally/status.h"
#include <stdlib.h>
#include <string.h>

#define ROWS 128
#define POSITIONS 64
#define STEPS 8
#define LEAST_SECONDS 0.03
#define BITS 5

double bench_time(void (*work)(void *context), void *context, double least) {
    double best = 1e30, total = 0;
    work(context); /* caches and page tables */
    for (int runs = 0; runs < 3 || (total < least && runs < 1000); runs++) {
        double began = bench_cpu_seconds();
        work(context);
        double took = bench_cpu_seconds() - began;
        if (took < best) best = took;
        total += took;
    }
    return best > 0 ? best : 1e-9;
}

void bench_fill(uint8_t *values, size_t count, double density) {
    uint64_t state = 1, threshold = (uint64_t)(density * 256);
    for (size_t i = 0; i < count; i++) {
        uint64_t draw = bench_random(&state); /* a byte decides about each bit */
        values[i] = 0;
        for (int k = 0; k < 8; k++) values[i] = (uint8_t)(values[i] | (draw >> 8 * k & 255 ? (draw >> 8 * k & 255) < threshold : density > 0) << k);
    }
}

struct setup {
    const struct ohm_kernel *kernel;
    struct ohm_cells cells;
    struct ohm_list_rows rows;
    struct ohm_lists lists;
    struct ohm_adc_table table;
    uint8_t *values, *found;
    uint64_t *words, seed[6 * OHM_CHUNK_WORDS] __attribute__((aligned(64)));
    int32_t *acc;
    int64_t clipped, done;
};

static void run_lists(void *context) {
    struct setup *s = context;
    ohm_lists_build(s->kernel, &s->rows, POSITIONS, STEPS, 1, s->values, ROWS, 0, &s->lists);
}
static void run_clip(void *context) {
    struct setup *s = context;
    s->kernel->clip(&s->cells, 0, &s->lists, 0, STEPS, BITS, s->acc, &s->clipped);
}
static void run_excess(void *context) {
    struct setup *s = context;
    s->kernel->excess(&s->cells, 0, &s->lists, 0, STEPS, BITS, s->acc, s->found, &s->clipped);
}
static void run_table(void *context) {
    struct setup *s = context;
    s->kernel->table(&s->cells, 0, &s->lists, 0, STEPS, &s->table, OHM_CHUNK, s->acc, &s->clipped);
}
static void run_adders(void *context) {
    struct setup *s = context;
    s->done = s->kernel->full_adders(20000, s->seed, s->words);
}

/* A 5-bit ADC of the full range, every column with a table of its own. */
static int make_table(struct ohm_arena *arena, struct setup *s) {
    int32_t n = ROWS + 1, *value = ohm_arena_array(arena, (size_t)(n * OHM_CHUNK), sizeof *value),
            *offset = ohm_arena_array(arena, OHM_CHUNK, sizeof *offset);
    uint8_t *outside = ohm_arena_array(arena, (size_t)(n * OHM_CHUNK), 1);
    if (!value || !offset || !outside) return OHM_E_MEMORY;
    struct ohm_adc adc = {.bits = BITS, .range = OHM_ADC_FULL, .largest = ROWS};
    int32_t lo, step;
    ohm_adc_step(&adc, 0, &lo, &step);
    for (int32_t c = 0; c < OHM_CHUNK; c++) {
        offset[c] = c * n;
        for (int32_t i = 0; i < n; i++) value[c * n + i] = ohm_adc_code(&adc, 0, i) * step + lo;
    }
    s->table = (struct ohm_adc_table){.ncount = n, .value = value, .outside = outside, .offset = offset};
    return ohm_adc_slices_make(arena, &s->table, &s->table.slices);
}

static int set_up(struct ohm_arena *arena, struct setup *s) {
    uint64_t state = 2, *words = ohm_arena_array(arena, ohm_cells_words(ROWS, 1, 1), sizeof *words);
    s->words = ohm_arena_array(arena, OHM_CHUNK_WORDS, sizeof *s->words);
    s->values = ohm_arena_array(arena, POSITIONS, ROWS);
    s->found = ohm_arena_array(arena, POSITIONS, 1);
    s->acc = ohm_arena_array(arena, POSITIONS * OHM_CHUNK, sizeof *s->acc);
    s->lists.first = ohm_arena_array(arena, POSITIONS * STEPS + 1, sizeof *s->lists.first);
    s->lists.driven = ohm_arena_array(arena, POSITIONS * STEPS, sizeof *s->lists.driven);
    s->lists.row = ohm_arena_array(arena, ohm_lists_room(ROWS, POSITIONS, STEPS), sizeof *s->lists.row);
    if (!words || !s->words || !s->values || !s->found || !s->acc || !s->lists.first || !s->lists.driven || !s->lists.row) return OHM_E_MEMORY;
    for (size_t i = 0; i < ROWS * OHM_CHUNK_WORDS; i++) words[i] = bench_random(&state) & bench_random(&state); /* a quarter of the cells */
    for (size_t i = 0; i < sizeof s->seed / sizeof *s->seed; i++) s->seed[i] = bench_random(&state);
    s->cells = (struct ohm_cells){ROWS, 1, 1, words};
    s->rows = (struct ohm_list_rows){.nrow = ROWS};
    return make_table(arena, s);
}

static struct ohm_bench_kernel measure(struct setup *s, double density) {
    double conversions = (double)POSITIONS * STEPS * OHM_CHUNK, driven = 0;
    struct ohm_bench_kernel row = {.kernel = s->kernel->name, .density = density};
    bench_fill(s->values, POSITIONS * ROWS, density);
    row.lists = POSITIONS * ROWS / bench_time(run_lists, s, LEAST_SECONDS);
    for (int i = 0; i < POSITIONS * STEPS; i++) driven += s->lists.driven[i];
    row.clip = conversions / bench_time(run_clip, s, LEAST_SECONDS);
    row.excess = conversions / bench_time(run_excess, s, LEAST_SECONDS);
    row.table = conversions / bench_time(run_table, s, LEAST_SECONDS);
    double seconds = bench_time(run_adders, s, LEAST_SECONDS);
    row.logic = (double)s->done / seconds;
    row.share = driven / row.logic / (conversions / row.clip);
    return row;
}

/* The plain way: per column and step, and of two words each, and the number of ones. Compiled for the machine's own popcount. */
#if defined(__x86_64__)
__attribute__((target("popcnt")))
#endif
static void
run_popcount(void *context) {
    struct setup *s = context;
    const uint64_t *column = s->cells.words, *input = (const uint64_t *)(const void *)s->values;
    for (int32_t p = 0; p < POSITIONS; p++)
        for (int32_t c = 0; c < OHM_CHUNK; c++) {
            int32_t sum = 0;
            for (int32_t t = 0; t < STEPS; t++) {
                const uint64_t *x = input + (p % 8 * STEPS + t) * 2;
                int32_t count = __builtin_popcountll(column[2 * c] & x[0]) + __builtin_popcountll(column[2 * c + 1] & x[1]);
                sum += (count < 31 ? count : 31) << t;
            }
            s->acc[p * OHM_CHUNK + c] = sum;
        }
}

int bench_kernels(struct ohm_arena *arena, struct ohm_bench *bench) {
    static const double density[] = {0.1, 0.2, 0.35, 0.5};
    struct setup s = {0};
    int32_t nkernel = 0;
    OHM_TRY(set_up(arena, &s));
    while (ohm_kernels()[nkernel]) nkernel++;
    bench->kernels = ohm_arena_array(arena, (size_t)nkernel * 4, sizeof *bench->kernels);
    if (!bench->kernels) return OHM_E_MEMORY;
    for (int32_t k = 1; k < nkernel; k++) /* the reference is not made to be fast */
        for (int d = 0; d < 4; d++) {
            s.kernel = ohm_kernels()[k];
            bench->kernels[bench->nkernel++] = measure(&s, density[d]);
        }
    bench->popcount = (double)POSITIONS * STEPS * OHM_CHUNK / bench_time(run_popcount, &s, LEAST_SECONDS);
    return OHM_OK;
}
