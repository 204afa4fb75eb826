/* The float operators, one function each; private to the net layer. x, y ...: inputs and output; shapes come from the network. */
#ifndef OHM_NET_FLOAT_OP_H
#define OHM_NET_FLOAT_OP_H
#include "ohmtally/network.h"

struct float_call {
    const struct ohm_network *network;
    const struct ohm_node *node;
    const float *const *in;
    float *out, *scratch;
};
static inline const struct ohm_shape *float_in_shape(const struct float_call *call, int32_t input) {
    return &call->network->values[call->node->input[input]].shape;
}
static inline const struct ohm_shape *float_out_shape(const struct float_call *call) {
    return &call->network->values[call->node->output].shape;
}

void float_conv(const struct float_call *call);
void float_linear(const struct float_call *call);
int64_t float_conv_scratch(const struct ohm_network *network, const struct ohm_node *node); /* floats */
void float_max_pool(const struct float_call *call);
void float_average_pool(const struct float_call *call);
void float_binary(const struct float_call *call); /* add, sub, mul */
void float_concat(const struct float_call *call);
void float_reduce_mean(const struct float_call *call); /* also global_average_pool */
void float_pad(const struct float_call *call);
void float_softmax(const struct float_call *call);
void float_lrn(const struct float_call *call);

#endif
