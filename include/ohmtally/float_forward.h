/* The float truth: a network in binary32, one instance at a time on the calling thread, through BLAS for conv and linear.
 * Deterministic on one machine: the same instance gives the same bits whatever ran before or beside it (BLAS runs single-threaded).
 * Sums outside BLAS (pools, means) are in float in row-major input order. Layer: net. Not collective. */
#ifndef OHMTALLY_FLOAT_FORWARD_H
#define OHMTALLY_FLOAT_FORWARD_H
#include "ohmtally/network.h"

struct ohm_float_work; /* buffers of one thread, reused from instance to instance; no allocation per instance */
struct ohm_float_work *ohm_float_work_new(const struct ohm_network *network); /* NULL with a recorded failure */
void ohm_float_work_free(struct ohm_float_work *work);

/* Called after every node (and once for the network's input, node = -1) with the value just computed: data [count]. */
typedef void ohm_float_see(void *context, int32_t node, int32_t value, const float *data, int64_t count);

/* input: the input value's data. output: filled with the output value's data. see may be NULL. */
int ohm_float_forward(const struct ohm_network *network, struct ohm_float_work *work, const float *input, float *output, ohm_float_see *see,
                      void *context);
/* One node of the same, for those who go at their own pace: nodes 0, 1, ... in turn. *data: what it computed, until the next node runs. */
int ohm_float_node(const struct ohm_network *network, struct ohm_float_work *work, const float *input, int32_t node, const float **data);

/* One operator on float data: in[i] points at input i's data (constants included), shapes from the network's values. scratch: at least
 * ohm_float_op_scratch() floats. The integer network uses this for the operators it has no integer form of. */
int64_t ohm_float_op_scratch(const struct ohm_network *network, const struct ohm_node *node);
int ohm_float_op(const struct ohm_network *network, const struct ohm_node *node, const float *const *in, float *out, float *scratch);

#endif
