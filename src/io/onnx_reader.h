/* The ONNX reader's own structures; private to src/io/onnx*.c.
 *
 * The graph's names become tensors; nodes are converted in topological order, each by the function of its operator. A tensor is known
 * (constant data) or computed (a value of the network). Messages here do not name the file: ohm_onnx_parse puts the path in front. */
#ifndef OHM_IO_ONNX_READER_H
#define OHM_IO_ONNX_READER_H
#include "ohmtally/network.h"
#include "ohmtally/onnx.h"
#include "ohmtally/status.h"
#include <onnx.pb-c.h>

#define ONNX_OPSET_LEAST 7
#define ONNX_OPSET_MOST 18

enum onnx_kind {
    ONNX_UNREAD,   /* an initialiser not yet decoded */
    ONNX_UNMADE,   /* a node's output not yet converted, or a graph input not yet looked at */
    ONNX_COMPUTED, /* float32 at run time: a value of the network */
    ONNX_FLOATS,   /* constant floating-point data, as float */
    ONNX_INTEGERS  /* constant integer or boolean data, as int64 */
};

struct onnx_tensor {
    const char *name;
    enum onnx_kind kind;
    struct ohm_shape shape;
    const float *floats;
    const int64_t *integers;
    int32_t value;                        /* index in the network, -1 while it has none */
    int32_t producer;                     /* index of the node that makes it, -1: none */
    const Onnx__TensorProto *initialiser; /* of an unread tensor */
    const Onnx__ValueInfoProto *input;    /* of a graph input */
};

struct onnx_reader {
    const char *path;
    const Onnx__GraphProto *graph;
    const struct ohm_onnx_options *options; /* never NULL */
    int64_t opset;
    int64_t batch;               /* the leading dimension the file gave to the input, when the reader has replaced it by 1; else 0 */
    struct ohm_network *network; /* constants go into its arena */
    struct ohm_arena *arena;     /* everything else; freed after reading */
    struct onnx_tensor *tensors; /* by name, see onnx_names.c */
    int32_t ntensor, *slots;     /* slots: hash table of tensor indices + 1 */
    uint32_t slot_mask;
};

struct onnx_operator;
struct onnx_call { /* one node being converted */
    struct onnx_reader *reader;
    const Onnx__NodeProto *proto;
    const char *name;
    struct onnx_tensor **in; /* [nin], NULL where an optional input is left out */
    int32_t nin;
    struct onnx_tensor *out; /* the first output */
};
struct onnx_operator {
    const char *name;
    int32_t since; /* the first opset whose definition the converter reads correctly */
    int (*convert)(struct onnx_call *call);
};

/* onnx_names.c: tensors by name */
int onnx_names_new(struct onnx_reader *reader, size_t most);
struct onnx_tensor *onnx_names_find(const struct onnx_reader *reader, const char *name); /* NULL when there is none */
struct onnx_tensor *onnx_names_add(struct onnx_reader *reader, const char *name);        /* NULL when it is there already */

/* onnx_wire.c: fails when the bytes nest messages deeper than any network does (the protobuf decoder recurses without a limit) */
int onnx_wire_check(const void *data, size_t size);

/* onnx_tensor.c */
/* The shape of a tensor or graph input; fails with what, naming the dimension. */
int onnx_shape_of(const int64_t *dims, size_t count, const char *what, struct ohm_shape *shape);
/* Decodes proto into tensor (shape, kind, data in the network's arena). Zero-length tensors are fine. */
int onnx_tensor_decode(struct onnx_reader *reader, const Onnx__TensorProto *proto, struct onnx_tensor *tensor);
/* The bytes of a tensor kept outside the model file, in reader->arena. */
int onnx_external_read(struct onnx_reader *reader, const Onnx__TensorProto *proto, const char *name, size_t bytes, const void **data);

/* onnx_attribute.c: attributes with their defaults; a wrong type fails with the node's name */
const Onnx__AttributeProto *onnx_attribute(const struct onnx_call *call, const char *name);
int onnx_attribute_integer(const struct onnx_call *call, const char *name, int64_t fallback, int64_t *value);
int onnx_attribute_float(const struct onnx_call *call, const char *name, float fallback, float *value);
int onnx_attribute_integers(const struct onnx_call *call, const char *name, const int64_t **values, size_t *count); /* absent: NULL, 0 */
int onnx_attribute_text(const struct onnx_call *call, const char *name, const char *fallback, const char **value);
/* A list from input `input` when the node has it there (opset >= since), else from the attribute. absent: NULL, 0. */
int onnx_list(const struct onnx_call *call, int64_t since, int32_t input, const char *attribute, const int64_t **values, size_t *count);
/* Turns axes (negative ones count from the end) into a bit mask; fails when outside rank or given twice. */
int onnx_axes_mask(const struct onnx_call *call, const int64_t *axes, size_t count, int32_t rank, uint32_t *mask);
/* One axis, 0 .. most inclusive after counting negative ones from rank. */
int onnx_axis(const struct onnx_call *call, int64_t axis, int32_t rank, int32_t most, int32_t *result);

/* onnx_emit.c: from tensors to nodes of the network */
/* Fails with the node's name, operator and opset in front. */
int onnx_call_fail(const struct onnx_call *call, int status, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Input `input`, which must be there; constant float data; constant integer data. what names it in messages. */
int onnx_need(const struct onnx_call *call, int32_t input, const char *what, struct onnx_tensor **tensor);
int onnx_need_floats(const struct onnx_call *call, int32_t input, const char *what, struct onnx_tensor **tensor);
int onnx_need_integers(const struct onnx_call *call, int32_t input, const char *what, struct onnx_tensor **tensor);
bool onnx_has(const struct onnx_call *call, int32_t input);
bool onnx_is_constant(const struct onnx_tensor *tensor);
/* An intermediate tensor of a node that becomes several: named "node/part". */
int onnx_part(const struct onnx_call *call, const char *part, struct onnx_tensor *tensor);
/* A float constant of the call's own making, for use as an input. */
struct onnx_tensor onnx_floats(const char *name, struct ohm_shape shape, const float *data);
/* Appends a node. attributes: op and attributes are taken from it. When all inputs are constant, the result is computed at once. */
int onnx_emit(const struct onnx_call *call, const struct ohm_node *attributes, struct onnx_tensor *const *in, int32_t nin, struct onnx_tensor *out);
/* Same data under another shape (which must hold as many elements); also for constants, integers included. */
int onnx_relabel(const struct onnx_call *call, struct onnx_tensor *in, const struct ohm_shape *shape, struct onnx_tensor *out);
/* Permutes dimensions: any permutation of a constant, at run time only one that leaves the data in order. */
int onnx_permute(const struct onnx_call *call, struct onnx_tensor *in, const int32_t *perm, struct onnx_tensor *out);

/* onnx_op_constant.c: Concat, and one of + - * / , of integer constants */
int onnx_fold_concat(struct onnx_call *call);
int onnx_fold_integers(struct onnx_call *call, char operation);

/* onnx_graph.c */
/* Enters all names of the graph; binds become constants. */
int onnx_graph_enter(struct onnx_reader *reader);
/* The nodes that the first output needs, inputs before users (file order where that is one): order has room for all nodes. *input: the one
 * graph input they need. */
int onnx_graph_order(struct onnx_reader *reader, int32_t *order, int32_t *count, struct onnx_tensor **input);
/* Converts the ordered nodes; sets the network's input and output. */
int onnx_graph_convert(struct onnx_reader *reader, const int32_t *order, int32_t count, struct onnx_tensor *input);

/* Operators, sorted by name; onnx_operator.c holds the table: X(name, since) */
#define ONNX_OPERATOR_LIST(X)                                                                                                                        \
    X(Add, 7)                                                                                                                                        \
    X(AveragePool, 1)                                                                                                                                \
    X(BatchNormalization, 7)                                                                                                                         \
    X(Cast, 6)                                                                                                                                       \
    X(Clip, 6)                                                                                                                                       \
    X(Concat, 4)                                                                                                                                     \
    X(Constant, 1)                                                                                                                                   \
    X(Conv, 1)                                                                                                                                       \
    X(Div, 7)                                                                                                                                        \
    X(Dropout, 7)                                                                                                                                    \
    X(Flatten, 1)                                                                                                                                    \
    X(Gather, 1)                                                                                                                                     \
    X(Gemm, 7)                                                                                                                                       \
    X(GlobalAveragePool, 1)                                                                                                                          \
    X(HardSigmoid, 6)                                                                                                                                \
    X(HardSwish, 14)                                                                                                                                 \
    X(Identity, 1)                                                                                                                                   \
    X(LRN, 1)                                                                                                                                        \
    X(LeakyRelu, 6)                                                                                                                                  \
    X(MatMul, 1)                                                                                                                                     \
    X(MaxPool, 1)                                                                                                                                    \
    X(Mul, 7)                                                                                                                                        \
    X(Pad, 2)                                                                                                                                        \
    X(ReduceMean, 1)                                                                                                                                 \
    X(Relu, 6)                                                                                                                                       \
    X(Reshape, 5)                                                                                                                                    \
    X(Shape, 1)                                                                                                                                      \
    X(Sigmoid, 6)                                                                                                                                    \
    X(Slice, 1)                                                                                                                                      \
    X(Softmax, 1)                                                                                                                                    \
    X(Squeeze, 1)                                                                                                                                    \
    X(Sub, 7)                                                                                                                                        \
    X(Transpose, 1)                                                                                                                                  \
    X(Unsqueeze, 1)
#define X(name, since) int onnx_convert_##name(struct onnx_call *call);
ONNX_OPERATOR_LIST(X)
#undef X
const struct onnx_operator *onnx_operator_find(const char *name); /* NULL when unknown */
const char *onnx_operator_names(struct onnx_reader *reader);      /* "Add, AveragePool, ..." */

#endif
