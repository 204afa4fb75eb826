/* The parts of `ohmtally bench`. */
#ifndef OHM_APP_BENCH_H
#define OHM_APP_BENCH_H
#include "app.h"
#include "ohmtally/bench.h"
#include <time.h>

static inline double bench_cpu_seconds(void) { /* of this thread */
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}
/* Shortest of several runs of work(context), which are repeated for at least `least` seconds together. */
double bench_time(void (*work)(void *context), void *context, double least);

/* All tables in arena. */
int bench_kernels(struct ohm_arena *arena, struct ohm_bench *bench);
int bench_layers(struct ohm_arena *arena, struct ohm_bench *bench);
int bench_products(struct ohm_arena *arena, struct ohm_bench *bench);
int bench_network(struct study *study, struct ohm_bench *bench); /* on this rank alone */

#define BENCH_DENSITY 0.21 /* of ones in the inputs of the reference layer: typical behind a ReLU */
/* A program on npos input vectors x of `vector` bytes each: shortest time of one pass over all, and what it tallies (NULL: not asked). */
struct bench_program {
    const struct ohm_program *program;
    int32_t npos;
    size_t vector, outputs;
    const uint8_t *x;
};
int bench_program(const struct bench_program *what, double least, double *seconds, struct ohm_tally *tally);

/* CPU seconds of one image in the crossbar layers, on made-up inputs, and memory of these layers, both scaled up from the layers that the engine can
 * run: bench_choose_samples leaves out all but the largest of each kind. */
struct bench_prediction {
    double seconds, bytes;
};
void bench_choose_samples(const struct ohm_intnet *intnet, bool *left_out);
int bench_predict(const struct ohm_engine *engine, struct bench_prediction *prediction);

/* bench_scaling.c: what the parts of a run take on one core, and how long by that the run would take on the ranks and machine of section predict;
 * prints it; nothing without that section. On this rank alone. */
int bench_scaling(struct study *study);
int bench_scaling_check(const struct study *study); /* the section is good */

/* Next of a fixed sequence of well mixed 64-bit numbers (splitmix64). */
static inline uint64_t bench_random(uint64_t *state) {
    uint64_t z = *state += 0x9E3779B97F4A7C15ull;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ z >> 27) * 0x94D049BB133111EBull;
    return z ^ z >> 31;
}
/* Values whose every bit is 1 with the given probability. */
void bench_fill(uint8_t *values, size_t count, double density);

#endif
