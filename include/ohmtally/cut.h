/* A network cut into stages of consecutive steps: where, and what crosses a cut. Layer: eval (knows no MPI). */
#ifndef OHMTALLY_CUT_H
#define OHMTALLY_CUT_H
#include "ohmtally/engine.h"

/* Calls see for every value that steps from `step` on read and steps before it made (the network's input counts as made, its output as read by what
 * follows the last step), each storage once, in an order that depends on the network only; bytes: of one image as stored. */
void ohm_cut_values(const struct ohm_intnet *intnet, int32_t step, void (*see)(void *context, int32_t value, size_t bytes), void *context);
size_t ohm_cut_bytes(const struct ohm_intnet *intnet, int32_t step); /* of one image's values together */
/* These values of images first .. first + n - 1 of a batch to and from state [n][ohm_cut_bytes]. */
void ohm_cut_save(const struct ohm_intnet *intnet, const struct ohm_batch *batch, int32_t step, int32_t first, int32_t n, void *state);
void ohm_cut_load(const struct ohm_intnet *intnet, const struct ohm_batch *batch, int32_t step, int32_t first, int32_t n, const void *state);

/* What is cut: [nstep] each, >= 0. */
struct ohm_cut_steps {
    int32_t n;
    const int64_t *cost, *bytes, *crossing; /* time; memory; what a cut before the step moves */
    int64_t most_bytes;                     /* of a stage; INT64_MAX: no limit */
};
/* Stages of at least one step each such that the slowest takes as little as it can while none holds more than most_bytes, and of these cuts one over
 * which the least crosses: first [nstage + 1], stage s has steps first[s] .. first[s + 1] - 1. nstage <= n; most_bytes as ohm_cut_least says, or
 * more. The same on every rank that gives the same numbers. */
int ohm_cut_stages(const struct ohm_cut_steps *steps, int32_t nstage, int32_t *first);
/* The largest stage, by these amounts of its steps, of the cut whose largest stage is smallest. */
int64_t ohm_cut_least(const int64_t *amount, int32_t nstep, int32_t nstage);

#endif
