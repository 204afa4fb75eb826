/* Small networks with random constants, for tests of the net layer and above. */
#ifndef OHM_TEST_NET_RANDOM_H
#define OHM_TEST_NET_RANDOM_H
#include "ohmtally/network.h"
#include <stdint.h>
#include <string.h>

/* Uniform in [-1, 1), the same on every machine. */
static inline float random_next(uint64_t *state) {
    *state = *state * 6364136223846793005U + 1442695040888963407U;
    return (float)((double)(*state >> 40) * 0x1p-23 - 1.0);
}
static inline void random_fill(uint64_t *state, float *data, int64_t count) {
    for (int64_t i = 0; i < count; i++) data[i] = random_next(state);
}
static inline struct ohm_shape shape_of(int32_t rank, const int32_t *dim) {
    struct ohm_shape shape = {.rank = rank};
    memcpy(shape.dim, dim, (size_t)rank * sizeof *dim);
    return shape;
}
#define SHAPE(...) shape_of((int32_t)(sizeof((int32_t[]){__VA_ARGS__}) / sizeof(int32_t)), (int32_t[]){__VA_ARGS__})

/* A constant value with random data. */
static inline int32_t random_constant(struct ohm_network *net, uint64_t *state, struct ohm_shape shape) {
    int64_t count = ohm_shape_count(&shape);
    float *data = ohm_arena_array(net->arena, (size_t)count, sizeof *data);
    random_fill(state, data, count);
    return ohm_network_add_value(net, "c", &shape, data);
}
static inline int32_t net_input(struct ohm_network *net, struct ohm_shape shape) {
    return net->input = ohm_network_add_value(net, "x", &shape, NULL);
}
/* Appends a node with the attributes of `like` and makes its result the output; -1 with a recorded failure. shape: of a relabel only. */
static inline int32_t net_append(struct ohm_network *net, struct ohm_node like, const int32_t *in, int32_t nin, const struct ohm_shape *shape) {
    struct ohm_shape unknown = {0};
    int32_t output = ohm_network_add_value(net, ohm_op_text(like.op), shape ? shape : &unknown, NULL);
    struct ohm_node *node = ohm_network_add_node(net, like.op, ohm_op_text(like.op), in, nin, output);
    struct ohm_node own = *node;
    *node = like;
    node->name = own.name;
    node->input = own.input;
    node->ninput = nin;
    node->output = output;
    if (ohm_node_infer(net, node, &unknown)) return -1;
    net->values[output].shape = unknown;
    return net->output = output;
}
#endif
