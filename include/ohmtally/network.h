/* A network as data: values (tensors) and nodes (operators) in topological order, in float, as read from ONNX.
 *
 * Shapes are the full ONNX shapes of one *instance*: for a real network the leading (batch) dimension is 1, and running n images means
 * running n instances. Data is row-major (NCHW for images). Everything lives in the network's arena and is const after loading.
 * Layer: net. Pure data; not collective. */
#ifndef OHMTALLY_NETWORK_H
#define OHMTALLY_NETWORK_H
#include "ohmtally/memory.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OHM_MAX_RANK 6
#define OHM_MAX_COUNT INT32_MAX /* elements of one computed value */

struct ohm_shape {
    int32_t rank;
    int32_t dim[OHM_MAX_RANK];
};
int64_t ohm_shape_count(const struct ohm_shape *shape); /* product of dims; 1 for rank 0; INT64_MAX when larger */
bool ohm_shape_equal(const struct ohm_shape *a, const struct ohm_shape *b);
const char *ohm_shape_text(const struct ohm_shape *shape, char buffer[96]); /* "1x3x224x224" */

/* enum name, text, meaning */
#define OHM_OP_LIST(X)                                                                                                                               \
    X(OHM_OP_CONV, "conv", "x [N,C,H,W], w [M][C/groups][kh][kw], optional b [M]; 1-D comes as H = kh = 1, between two relabels")                    \
    X(OHM_OP_LINEAR, "linear", "x [..., K], w [N][K], optional b [N]: y = x w' + b (from Gemm, MatMul)")                                             \
    X(OHM_OP_AFFINE, "affine", "x [N,C,...], a [C], b [C]: y = a[c] x + b[c] (from BatchNormalization)")                                             \
    X(OHM_OP_RELU, "relu", "max(x, 0)")                                                                                                              \
    X(OHM_OP_CLIP, "clip", "min(max(x, lo), hi)")                                                                                                    \
    X(OHM_OP_LEAKY_RELU, "leaky_relu", "x < 0 ? alpha x : x")                                                                                        \
    X(OHM_OP_SIGMOID, "sigmoid", "1 / (1 + exp(-x))")                                                                                                \
    X(OHM_OP_HARD_SIGMOID, "hard_sigmoid", "clip(alpha x + beta, 0, 1)")                                                                             \
    X(OHM_OP_HARD_SWISH, "hard_swish", "x clip(x / 6 + 0.5, 0, 1)")                                                                                  \
    X(OHM_OP_ADD, "add", "broadcast as numpy; either input may be constant")                                                                         \
    X(OHM_OP_SUB, "sub", "as add")                                                                                                                   \
    X(OHM_OP_MUL, "mul", "as add")                                                                                                                   \
    X(OHM_OP_CONCAT, "concat", "any number of inputs, along axis")                                                                                   \
    X(OHM_OP_MAX_POOL, "max_pool", "x [N,C,H,W] (1-D comes as H = 1, between two relabels); window")                                                 \
    X(OHM_OP_AVERAGE_POOL, "average_pool", "as max_pool; ceil_mode, count_include_pad")                                                              \
    X(OHM_OP_GLOBAL_AVERAGE_POOL, "global_average_pool", "x [N,C,...] -> [N,C,1,...]")                                                               \
    X(OHM_OP_REDUCE_MEAN, "reduce_mean", "over the axes in axis_mask (bit d = axis d), which stay as dimensions of 1")                               \
    X(OHM_OP_RELABEL, "relabel",                                                                                                                     \
      "same row-major data; the output value holds the new shape (Reshape, Flatten, Squeeze, trivial Transpose, Identity ...)")                      \
    X(OHM_OP_PAD, "pad", "constant padding, pad_before/pad_after per dimension, value lo")                                                           \
    X(OHM_OP_SOFTMAX, "softmax", "over axes axis .. axis_end-1 taken together (opset < 13 flattens)")                                                \
    X(OHM_OP_LRN, "lrn", "across channels: size, alpha, beta, bias")

enum ohm_op {
#define X(name, text, about) name,
    OHM_OP_LIST(X)
#undef X
        OHM_OP_COUNT
};
const char *ohm_op_text(enum ohm_op op);
const char *ohm_op_about(enum ohm_op op);

struct ohm_window { /* [0] vertical, [1] horizontal */
    int32_t kernel[2], stride[2], dilation[2], pad_before[2], pad_after[2];
};

struct ohm_value {
    const char *name;
    struct ohm_shape shape;
    const float *constant; /* row-major data when known at load time (weights), else NULL */
};

struct ohm_node {
    enum ohm_op op;
    const char *name;    /* never empty: made from the output's name where ONNX gives none */
    const char *onnx_op; /* as in the file, for messages */
    int32_t ninput;
    int32_t *input; /* value indices; optional inputs that are absent are not listed (conv/linear without bias: ninput 2) */
    int32_t output; /* value index */
    struct ohm_window window;
    int32_t groups; /* conv */
    bool ceil_mode, count_include_pad;
    int32_t axis, axis_end;
    uint32_t axis_mask;
    float lo, hi, alpha, beta, bias;
    int32_t size;                                              /* lrn */
    int32_t pad_before[OHM_MAX_RANK], pad_after[OHM_MAX_RANK]; /* pad */
};

struct ohm_network {
    struct ohm_arena *arena; /* owns everything, the struct included */
    int32_t nvalue, nnode;
    struct ohm_value *values;
    struct ohm_node *nodes;        /* topological order */
    int32_t input, output;         /* value indices */
    int32_t value_room, node_room; /* of the two arrays; only the functions that build use them */
};

/* Building, in topological order. An empty network: no values, no nodes, input and output -1 (the builder sets them). NULL with a recorded
 * failure. */
struct ohm_network *ohm_network_new(void);
/* Appends a value and returns its index, or -1 with a recorded failure. name is copied; constant is kept as it is, so it must live in the
 * network's arena (or outlive the network). May move network->values. */
int32_t ohm_network_add_value(struct ohm_network *network, const char *name, const struct ohm_shape *shape, const float *constant);
/* A node without name and inputs: groups 1, a window of 1 x 1 with stride and dilation 1, everything else 0. */
struct ohm_node ohm_node_of(enum ohm_op op);
/* Appends such a node; name and input are copied. NULL with a recorded failure. May move network->nodes; the caller fills in the attributes. */
struct ohm_node *ohm_network_add_node(struct ohm_network *network, enum ohm_op op, const char *name, const int32_t *input, int32_t ninput,
                                      int32_t output);
/* Drops, in place, the nodes the output does not need and the values nobody names (input and output stay). Value indices change. */
int ohm_network_prune(struct ohm_network *network);
/* Frees a network (NULL is fine). */
void ohm_network_free(struct ohm_network *network);

/* Output shape of a node from its inputs' shapes and its attributes (of a relabel: from its output value's shape); fails with OHM_E_INPUT or
 * OHM_E_UNSUPPORTED naming the node.
 * One place for shape rules: the ONNX reader and the tests use it. */
int ohm_node_infer(const struct ohm_network *network, const struct ohm_node *node, struct ohm_shape *out);

/* Simplifications that keep the function (up to float rounding of folded constants): batch normalisation (affine) and constant per-channel
 * mul/add into the convolution or linear layer before them when it has no other consumer; chains of relabels; computed in double, rounded
 * once. Returns a new network in its own arena; the old one is untouched and may be freed. */
int ohm_network_fold(const struct ohm_network *network, struct ohm_network **folded);

#endif
