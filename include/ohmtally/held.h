/* Bit lines of conductances instead of counts, through an ideal ADC whose codes are level steps: what kernels do with them (kernel.h). Conductances
 * and their sums are 16-bit numbers in 2^-fraction level steps. Layer: kernel. */
#ifndef OHMTALLY_HELD_H
#define OHMTALLY_HELD_H
#include "ohmtally/draw.h"
#include "ohmtally/kernel.h"

#define OHM_PART 128 /* bit lines together: their cells stay in the first-level cache */

struct ohm_held {
    const int16_t *cells; /* [nrow + 1][OHM_PART], 64-byte aligned, row nrow 0; of no rows at all a sum is within +-(32767 - OHM_MAX_ROWS) */
    int32_t ncol;         /* bit lines there are; what is given for the others has no meaning, and they are never counted */
    int32_t fraction;     /* 0 .. OHM_HELD_FRACTION */
    int32_t bits;         /* of the ADC: codes 0 .. 2^bits - 1 */
    bool above;           /* no cell is below 0 */
    bool calm;            /* noise of any read has a variance of at most OHM_HELD_CALM */
    bool inside;          /* no sum of any rows lies outside the codes by more than half a step */
};
#define OHM_HELD_FRACTION 8

/* One read's noise: with s the sum, n the rows driven and z a small deviate (draw.h), in floats and in this order
 *   level = s + leak n;  v = s + z sqrt(growth max(level, 0) + still)
 * z of bit line c in step t of a position: half c of ohm_draw_halves(draws, image, position, first_step + t, part). */
struct ohm_held_reads {
    struct ohm_draws draws;
    const uint32_t (*at)[2]; /* [npos] image, position */
    uint32_t first_step, part;
    float growth, leak, still;
    int32_t quiet; /* steps with at most so many driven rows give what they would without noise */
};
/* Most that growth max(level, 0) + still may be, in level steps squared, where a kernel is to look at noise. */
#define OHM_HELD_VARIANCE 2.56
#define OHM_HELD_CALM 0.64

#endif
