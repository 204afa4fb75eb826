/* Cross-layer equalisation (Nagel et al. 2019, arXiv 1906.04721, Sec. 4.1): a factor on a channel's writers and its inverse on its readers leave the
 * network's function as it is and make channels alike, for activations and rows of weights that share a scale. Factors here are powers of two, so
 * that the float network stays the same to the last bit: every product and sum is the old one times a power of two, or the old one (of normal
 * floats).
 *
 * A factor passes Relu, leaky Relu, pools, sums of equal shape and relabels that keep channels, but no Clip, Concat, sigmoid or the like. Of a
 * residual chain all layers that write it and all that read it share the factors. Layer: net. Not collective. */
#ifndef OHMTALLY_EQUALISE_H
#define OHMTALLY_EQUALISE_H
#include "ohmtally/network.h"

/* Changes weights and biases of a folded network (new constants in its arena). The factor of a channel is the power of two next to
 * sqrt(written / read), the largest weights that write and that read it as shares of their layers' largest; repeated until none changes, at most 20
 * times. sets: tensors or chains of them whose channels got factors. */
int ohm_network_equalise(struct ohm_network *network, int32_t *sets);

#endif
