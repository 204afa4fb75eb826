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

/* Stages of at least one step each such that the slowest takes as little as it can, and of these cuts one over which the least crosses: first [nstage
 * + 1], stage s has steps first[s] .. first[s + 1] - 1. cost [nstep] >= 0 of each step; crossing [nstep]: what a cut before the step moves; nstage <=
 * nstep. The same on every rank that gives the same numbers. */
int ohm_cut_steps(const int64_t *cost, const int64_t *crossing, int32_t nstep, int32_t nstage, int32_t *first);

#endif
