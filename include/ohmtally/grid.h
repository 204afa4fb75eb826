/* Grids of weights: the magnitudes, whole numbers of `bits` bits, that a weight may have, and how weights get there. Layer: design. */
#ifndef OHMTALLY_GRID_H
#define OHMTALLY_GRID_H
#include "ohmtally/quantize.h"

struct ohm_grid {
    int32_t bits;   /* of a magnitude, 1..16 */
    int32_t window; /* 1..bits: its ones lie within this many consecutive bits; all bits: uniform; 1: powers of two */
    int32_t terms;  /* 0, or at most this many ones, 1..bits, anywhere in the bits (window is not read) */
};
int32_t ohm_grid_top(const struct ohm_grid *grid); /* largest magnitude */
/* Most bits between a magnitude's highest and lowest 1, both included. */
int32_t ohm_grid_span(const struct ohm_grid *grid);
/* The magnitude nearest to v >= 0; of two, the one with more trailing zeros (on a uniform grid: halves to even). */
int32_t ohm_grid_nearest(const struct ohm_grid *grid, float v);

/* How a scale (of an output, or of the layer) is chosen. */
enum ohm_grid_scale {
    OHM_GRID_MAXIMUM,      /* the largest weight becomes the largest magnitude */
    OHM_GRID_SQUARED_ERROR /* of a fixed list of shares of that scale, the one with the least squared error of the weights */
};
/* weights = sign * scale * magnitude, |weight| / scale rounded to the nearest magnitude. No scale falls below OHM_LEAST_SCALE_SHARE of the largest
 * weight's; 1 where all weights are 0. */
void ohm_grid_weights(const struct ohm_grid *grid, enum ohm_grid_scale rule, bool per_channel, const struct ohm_layer *layer,
                      struct ohm_weights *weights);

#endif
