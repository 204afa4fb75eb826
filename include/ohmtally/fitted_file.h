/* Fitted weights as an HDF5 file: integer weights, scales and biases that take the place of a network's in a design. Written layer by layer while
 * they are fitted, under the name of the file and .partial, so that a fit that was cut off goes on where it was. Layer: io. Not collective: rank 0
 * writes, every rank may read.
 *
 *   /              attributes: format "ohmtally fitted weights", version, network (digest of the float network's layers), ranges (digest of the
 *                  quantisation of its activations), settings (digest of what else decides the result), constraint, provenance (settings in words)
 *   /layers/       row = layer: name, groups, rows, columns, done (0, 1) and the errors of struct ohm_fitted_row
 *   /weights/<i>   int32 [groups][rows][columns]; /scales/<i>, /biases/<i> float [groups * columns] */
#ifndef OHMTALLY_FITTED_FILE_H
#define OHMTALLY_FITTED_FILE_H
#include "ohmtally/quantize.h"

#define OHM_FITTED_FILE_VERSION 1
/* Powers are relative to the target's: sums over outputs and sampled positions. */
struct ohm_fitted_row {
    double before, after; /* of the outputs' error with weights rounded plainly, and as fitted */
    double primal;        /* ADMM's |W - Z| / |Z|, worst block; 0 without it */
    double seconds;
    int64_t positions;
};
struct ohm_fitted {
    int32_t nlayer;
    uint64_t network, ranges, settings;
    char constraint[512], provenance[2048];
    struct ohm_weights **weights; /* [nlayer]; NULL: not fitted yet */
    float **bias;                 /* [nlayer] */
    struct ohm_fitted_row *rows;  /* [nlayer] */
};
uint64_t ohm_fitted_network_digest(const struct ohm_intnet *intnet);
uint64_t ohm_fitted_ranges_digest(const struct ohm_intnet *intnet);
/* Empty, for this network; zeroed with a recorded failure. */
int ohm_fitted_new(const struct ohm_intnet *intnet, struct ohm_fitted *fitted);
int ohm_fitted_write(const char *path, const struct ohm_intnet *intnet, const struct ohm_fitted *fitted); /* atomic */
/* Refuses, with OHM_E_INPUT, files that are damaged or of another network, and with check_ranges of other ranges of activations. On failure *fitted
 * is zeroed. */
int ohm_fitted_read(const char *path, const struct ohm_intnet *intnet, bool check_ranges, struct ohm_fitted *fitted);
void ohm_fitted_free(struct ohm_fitted *fitted); /* fine on a zeroed one */

#endif
