/* Weights that a design can hold and that do to a layer's inputs what the trained ones do: least squares over calibration positions, within a set
 * of constraint.h. Of one layer, W the trained weights, H the second moments of its inputs around their mean, damped, P those with the target:
 *
 *   correct   V = W + correct * H^-1 (P - H W): what earlier layers got wrong is put right here, as far as weights can
 *   scales    one per output, of a fixed list of shares of the largest: the one at which rounding costs least
 *   admm      min (V - Z)' H (V - Z), Z in the set: W-step by one Cholesky factor of H + rho I per layer, Z-step the projection, U-step U + W - Z
 *             (Boyd et al. 2011, Sec. 9.1). It finds the structure (rows' shifts, masks, signs); levels are settled by what follows, so
 *             that it is left out where the set is a grid alone
 *   refine    rows of the matrix rounded in turn, the error passed on to those not yet rounded, rows with large moments first (optimal brain
 *             quantisation; Frantar et al. 2022, arXiv 2210.17323, Algorithm 1; here by substitution in the Cholesky factor of H itself)
 *   descend   weights moved one at a time to the level that costs least, scales refitted in closed form between sweeps
 *   bias      b + E[t] - Z' E[x]: means are right whatever the weights
 *
 * Each can be switched off. Layer: fit. Uses OpenMP threads; results do not depend on their number. */
#ifndef OHMTALLY_FIT_H
#define OHMTALLY_FIT_H
#include "ohmtally/constraint.h"
#include "ohmtally/gram.h"

struct ohm_fit_options {
    bool scales, admm, refine, bias;
    double correct;     /* 0..1 */
    double damping;     /* added to H's diagonal, in units of its mean */
    double shrink;      /* of H off its diagonal, shrink * krows / (krows + positions) is taken away: few positions say little of it */
    double rho;         /* in units of the mean of H's diagonal */
    int32_t iterations; /* of ADMM, at most */
    int32_t sweeps;     /* of descend; 0: off */
};
/* What was done to one output. Powers are of its sum in units of weights times input codes, over the (damped) positions. */
struct ohm_fit_output {
    double power;  /* of the target V */
    double before; /* of V's error when W is projected at the largest scale */
    double after;  /* of V's error now */
    double primal; /* ADMM's |W - Z| / |Z| at its end, of the block the output is in */
};
struct ohm_fit_request {
    const struct ohm_layer *layer;
    struct ohm_gram *gram;     /* closed; damped in place */
    const double *target_unit; /* [outputs] real weight units of the gram's targets */
    double input_scale;        /* real value of an input code: biases are in real units */
    const struct ohm_constraint_use *uses;
    int32_t nuse, columns; /* columns: the constraint ties none together across multiples of it (a crossbar's columns) */
    int32_t rank, nrank;   /* blocks of columns are dealt out to ranks: what belongs to others stays 0 in all results */
    const struct ohm_fit_options *options;
};
/* Writes weights, bias [outputs] and outputs [outputs]. */
int ohm_fit_layer(const struct ohm_fit_request *request, struct ohm_weights *weights, float *bias, struct ohm_fit_output *outputs);

#endif
