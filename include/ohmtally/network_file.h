/* The integer network as an HDF5 file: graph, quantisation of every tensor, integer weights with scales and float biases and weights. What it holds
 * can be run without the ONNX file and gives the same bits on every machine. Layer: io. Not collective: rank 0 writes, every rank may read.
 *
 *   /                    attributes: format "ohmtally network", version, activation_bits, weight_bits, input, output (numbers of values), provenance,
 *                        digest (16 hex digits over all that follows; checked when present, so other programs may leave it out)
 *   /values/             row = value: name, rank, dims [n][6], constant (0, 1), scale, zero, bits (of the quantisation; bits 0: stays real)
 *   /constants/<value>   float, of the value's shape
 *   /nodes/              row = node, in execution order: op (network.h), name, onnx_op, output, ninput and the attributes of struct ohm_node;
 *                        inputs: numbers of values, node after node
 *   /layers/             row = matrix layer: name, groups, rows, columns
 *   /weights/<layer>     int32 [groups][rows][columns]
 *   /scales/<layer>      float [groups * columns]: real weight = integer * scale */
#ifndef OHMTALLY_NETWORK_FILE_H
#define OHMTALLY_NETWORK_FILE_H
#include "ohmtally/quantize.h"

#define OHM_NETWORK_FILE_VERSION 1
struct ohm_network_file {
    struct ohm_network *network;  /* folded; owned */
    struct ohm_intnet *intnet;    /* owned */
    struct ohm_weights **weights; /* [nlayer]; owned; as saved */
    int32_t weight_bits;
    char provenance[1024]; /* how the weights were made */
};
int ohm_network_file_write(const char *path, const struct ohm_network_file *content); /* atomic */
/* Checks all it reads before use: a damaged or foreign file fails with OHM_E_INPUT and says where. On failure *content is zeroed. */
int ohm_network_file_read(const char *path, struct ohm_network_file *content);
void ohm_network_file_free(struct ohm_network_file *content); /* frees and zeroes the members; fine on a zeroed struct */

#endif
