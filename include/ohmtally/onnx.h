/* Reading ONNX: opset 7 to 18 (older files where none of their operators has changed since), the operators of network.h's list. What a file
 * computes from constants only (shape arithmetic, transposed or scaled weights) is computed while reading. The network is what the first graph
 * output needs; it must need exactly one input, a float32 tensor whose leading dimension is the batch and becomes 1 (a Reshape that names the
 * old batch follows). Layer: io. Each rank that calls it reads the file itself. */
#ifndef OHMTALLY_ONNX_H
#define OHMTALLY_ONNX_H
#include "ohmtally/network.h"

/* Inputs of the graph to be treated as constants (conformance tests feed weights as inputs). */
struct ohm_onnx_bind {
    const char *name;
    struct ohm_shape shape;
    const float *data;       /* float data, or NULL when integers */
    const int64_t *integers; /* shape-like data (axes, pads, shape) */
};
struct ohm_onnx_options {
    const struct ohm_onnx_bind *bind;
    size_t nbind;
    bool keep_batch; /* keep a fixed leading dimension of the input as it is; else it is set to 1 */
};

/* Reads path (and external data files beside it) into a new network. options may be NULL. The caller frees with ohm_network_free.
 * Failures: OHM_E_IO (cannot read), OHM_E_INPUT (not ONNX, truncated, wrong shapes, NaN or infinite weights: names tensor),
 * OHM_E_UNSUPPORTED (names the node, its operator, its opset and what is supported). Never crashes on any bytes. */
int ohm_onnx_read(const char *path, const struct ohm_onnx_options *options, struct ohm_network **network);
/* The same from memory; path is used in messages and for external data. */
int ohm_onnx_parse(const char *path, const void *data, size_t size, const struct ohm_onnx_options *options, struct ohm_network **network);
/* Names of the ONNX operators read, sorted, NULL-terminated. */
const char *const *ohm_onnx_operators(void);

#endif
