/* The layers of an integer network as stages of a pipeline: who feeds whom, and how soon the next can begin. Layer: eval. */
#ifndef OHMTALLY_STAGES_H
#define OHMTALLY_STAGES_H
#include "ohmtally/pipeline.h"
#include "ohmtally/quantize.h"

/* One stage per layer, in the network's order, with its positions and feeds; times, arrays and area are the caller's to set. A position is
 * computed when all inputs up to the last one it needs exist, row by row (padding counts as input); operators between layers take no time. Memory
 * from arena. NULL with a recorded failure. */
struct ohm_stage *ohm_stages_make(const struct ohm_intnet *intnet, struct ohm_arena *arena);
/* Input values a layer keeps while it runs: kh - 1 rows and kw values of each channel (ISAAC, inter-layer pipeline), all of them where a position
 * needs all. */
int64_t ohm_stage_buffered(const struct ohm_layer *layer);
/* All its input values, each once. */
int64_t ohm_stage_inputs(const struct ohm_layer *layer);

#endif
