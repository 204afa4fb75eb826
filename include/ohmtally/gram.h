/* What a layer's fit needs to know of its inputs: second moments over sampled calibration positions. Codes are whole numbers, and so is what is
 * added up, below 2^53: sums in doubles are exact, so that neither order, blocks, threads nor ranks change a bit. Layer: fit. Not collective. */
#ifndef OHMTALLY_GRAM_H
#define OHMTALLY_GRAM_H
#include "ohmtally/quantize.h"

/* x: input codes of the network as fitted so far, minus their zero point; t: what the layer shall put out there, without its bias, in units of
 * target_unit[n] of its float weights times input codes. */
struct ohm_gram {
    int32_t groups, krows, ncols;
    int64_t count; /* positions */
    double *h;     /* [groups][krows][krows] sum of x x': the lower triangle until ohm_gram_close */
    double *x;     /* [groups][krows] sum of x */
    double *p;     /* [groups][krows][ncols] sum of x t' */
    double *t;     /* [groups * ncols] sum of t */
};
struct ohm_gram *ohm_gram_new(const struct ohm_layer *layer); /* zeros; NULL with a recorded failure */
void ohm_gram_free(struct ohm_gram *gram);
/* x [npos][groups * krows], t [npos][groups * ncols]: whole numbers. Uses OpenMP threads. */
void ohm_gram_add(struct ohm_gram *gram, int64_t npos, const double *x, const double *t);
/* Calls see for the four arrays, to be summed over ranks (as integers), beside count. */
void ohm_gram_arrays(struct ohm_gram *gram, void (*see)(void *context, double *values, size_t count), void *context);
/* From sums to means around the mean: h = E[x x'] - E[x] E[x]' (both triangles), p likewise, x and t means. Once. */
void ohm_gram_close(struct ohm_gram *gram);

/* The reference's weights: rounded finely, per output. */
#define OHM_REFERENCE_BITS 15
#define OHM_REFERENCE_LIMIT 16383
/* Sums of the reference are rounded to multiples of this many of its weights' steps, far below an input code's. */
#define OHM_TARGET_STEPS 128
#endif
