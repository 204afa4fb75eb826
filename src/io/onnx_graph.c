/* The graph: its names, the nodes its first output needs, and their order. */
#include "onnx_reader.h"
#include <stdlib.h>
#include <string.h>

static const char *node_name(struct onnx_reader *reader, const Onnx__NodeProto *node) {
    if (node->name && *node->name) return node->name;
    for (size_t k = 0; k < node->n_output; k++)
        if (*node->output[k]) return node->output[k];
    return ohm_arena_format(reader->arena, "%s node", node->op_type && *node->op_type ? node->op_type : "unnamed");
}

static int enter_initialisers(struct onnx_reader *reader) {
    for (size_t i = 0; i < reader->graph->n_initializer; i++) {
        const Onnx__TensorProto *proto = reader->graph->initializer[i];
        if (!proto->name || !*proto->name) return ohm_fail(OHM_E_INPUT, "initialiser %zu has no name", i);
        struct onnx_tensor *tensor = onnx_names_add(reader, proto->name);
        if (!tensor) return ohm_fail(OHM_E_INPUT, "two initialisers are called '%s'", proto->name);
        tensor->kind = ONNX_UNREAD;
        tensor->initialiser = proto;
    }
    return OHM_OK;
}

/* Copies bound data: the network outlives the options. */
static int enter_bind(struct onnx_reader *reader, const struct ohm_onnx_bind *bind, struct onnx_tensor *tensor) {
    const size_t count = (size_t)ohm_shape_count(&bind->shape);
    tensor->shape = bind->shape;
    tensor->kind = bind->data ? ONNX_FLOATS : ONNX_INTEGERS;
    void *copy = bind->data ? ohm_arena_array(reader->network->arena, count, sizeof *bind->data)
                            : ohm_arena_array(reader->arena, count, sizeof *bind->integers);
    if (!copy) return OHM_E_MEMORY;
    if (bind->data)
        tensor->floats = memcpy(copy, bind->data, count * sizeof *bind->data);
    else if (count)
        tensor->integers = memcpy(copy, bind->integers, count * sizeof *bind->integers);
    else
        tensor->integers = copy;
    return OHM_OK;
}

/* Graph inputs: in old files initialisers are listed among them; bound ones are constants. */
static int enter_inputs(struct onnx_reader *reader) {
    for (size_t i = 0; i < reader->graph->n_input; i++) {
        const Onnx__ValueInfoProto *input = reader->graph->input[i];
        if (!input->name || !*input->name) return ohm_fail(OHM_E_INPUT, "graph input %zu has no name", i);
        struct onnx_tensor *tensor = onnx_names_add(reader, input->name);
        if (!tensor) {
            if (onnx_names_find(reader, input->name)->kind == ONNX_UNREAD) continue;
            return ohm_fail(OHM_E_INPUT, "two graph inputs are called '%s'", input->name);
        }
        tensor->input = input;
        for (size_t b = 0; b < reader->options->nbind; b++)
            if (!strcmp(reader->options->bind[b].name, input->name)) OHM_TRY(enter_bind(reader, &reader->options->bind[b], tensor));
    }
    return OHM_OK;
}

int onnx_graph_enter(struct onnx_reader *reader) {
    const Onnx__GraphProto *graph = reader->graph;
    size_t most = graph->n_initializer + graph->n_input;
    for (size_t i = 0; i < graph->n_node; i++) most += graph->node[i]->n_output;
    if (graph->n_node > INT32_MAX / 4) return ohm_fail(OHM_E_INPUT, "the graph has %zu nodes; is this a network?", graph->n_node);
    OHM_TRY(onnx_names_new(reader, most));
    OHM_TRY(enter_initialisers(reader));
    OHM_TRY(enter_inputs(reader));
    for (size_t i = 0; i < graph->n_node; i++)
        for (size_t k = 0; k < graph->node[i]->n_output; k++) {
            const char *name = graph->node[i]->output[k];
            if (!*name) continue; /* an optional output left out */
            struct onnx_tensor *tensor = onnx_names_add(reader, name);
            if (!tensor) return ohm_fail(OHM_E_INPUT, "'%s' is made twice (the second time by node '%s')", name, node_name(reader, graph->node[i]));
            tensor->producer = (int32_t)i;
        }
    return OHM_OK;
}

static int find_input(struct onnx_reader *reader, const Onnx__NodeProto *node, const char *name, struct onnx_tensor **tensor) {
    *tensor = NULL;
    if (!*name) return OHM_OK; /* an optional input left out */
    *tensor = onnx_names_find(reader, name);
    if (*tensor) return OHM_OK;
    for (size_t i = 0; i < reader->graph->n_sparse_initializer; i++) {
        const Onnx__TensorProto *values = reader->graph->sparse_initializer[i]->values;
        if (values && values->name && !strcmp(values->name, name))
            return ohm_fail(OHM_E_UNSUPPORTED, "tensor '%s' is a sparse initialiser; only dense ones are supported", name);
    }
    return ohm_fail(OHM_E_INPUT, "node '%s' (%s): its input '%s' is made by nothing", node_name(reader, node), node->op_type ? node->op_type : "?",
                    name);
}

/* A graph input that the output needs: there must be one only. */
static int note_input(struct onnx_tensor *tensor, struct onnx_tensor **input) {
    if (!tensor || tensor->producer >= 0 || tensor->kind != ONNX_UNMADE) return OHM_OK;
    if (*input && *input != tensor)
        return ohm_fail(OHM_E_UNSUPPORTED, "the network has more than one input ('%s' and '%s'); exactly one is supported", (*input)->name,
                        tensor->name);
    *input = tensor;
    return OHM_OK;
}

/* Marks the nodes that the tensor needs; stack has room for all nodes. */
static int mark_needed(struct onnx_reader *reader, struct onnx_tensor *output, bool *needed, int32_t *stack, struct onnx_tensor **input) {
    int32_t top = 0;
    OHM_TRY(note_input(output, input));
    if (output->producer >= 0) {
        needed[output->producer] = true;
        stack[top++] = output->producer;
    }
    while (top) {
        const Onnx__NodeProto *node = reader->graph->node[stack[--top]];
        for (size_t k = 0; k < node->n_input; k++) {
            struct onnx_tensor *tensor;
            OHM_TRY(find_input(reader, node, node->input[k], &tensor));
            OHM_TRY(note_input(tensor, input));
            if (!tensor || tensor->producer < 0 || needed[tensor->producer]) continue;
            needed[tensor->producer] = true;
            stack[top++] = tensor->producer;
        }
    }
    return OHM_OK;
}

/* Depth-first from one node: every node after those it needs. seen: 0 new, 1 on the stack, 2 done; next: inputs looked at so far. */
static int visit(struct onnx_reader *reader, int32_t start, int32_t *stack, size_t *next, char *seen, int32_t *order, int32_t *count) {
    int32_t top = 0;
    stack[top++] = start;
    seen[start] = 1;
    while (top) {
        const int32_t at = stack[top - 1];
        const Onnx__NodeProto *node = reader->graph->node[at];
        if (next[at] == node->n_input) {
            seen[at] = 2;
            order[(*count)++] = at;
            top--;
            continue;
        }
        struct onnx_tensor *tensor;
        OHM_TRY(find_input(reader, node, node->input[next[at]++], &tensor));
        if (!tensor || tensor->producer < 0 || seen[tensor->producer] == 2) continue;
        if (seen[tensor->producer] == 1)
            return ohm_fail(OHM_E_INPUT, "node '%s' needs its own result: the graph has a cycle", node_name(reader, node));
        seen[tensor->producer] = 1;
        stack[top++] = tensor->producer;
    }
    return OHM_OK;
}

int onnx_graph_order(struct onnx_reader *reader, int32_t *order, int32_t *count, struct onnx_tensor **input) {
    const size_t nodes = reader->graph->n_node;
    bool *needed = ohm_arena_array(reader->arena, nodes, sizeof *needed);
    char *seen = ohm_arena_array(reader->arena, nodes, sizeof *seen);
    int32_t *stack = ohm_arena_array(reader->arena, nodes, sizeof *stack);
    size_t *next = ohm_arena_array(reader->arena, nodes, sizeof *next);
    if (!needed || !seen || !stack || !next) return OHM_E_MEMORY;
    const char *name = reader->graph->n_output ? reader->graph->output[0]->name : NULL;
    struct onnx_tensor *output = name ? onnx_names_find(reader, name) : NULL;
    if (!output) return ohm_fail(OHM_E_INPUT, name ? "the graph's output '%s' is made by nothing" : "the graph has no output", name);
    *count = 0;
    *input = NULL;
    OHM_TRY(mark_needed(reader, output, needed, stack, input));
    if (!*input) return ohm_fail(OHM_E_UNSUPPORTED, "the output '%s' does not depend on any input; exactly one input is supported", name);
    for (size_t i = 0; i < nodes; i++)
        if (needed[i] && !seen[i]) OHM_TRY(visit(reader, (int32_t)i, stack, next, seen, order, count));
    return OHM_OK;
}

/* The network's input: float32, its leading dimension the batch. */
static int make_input(struct onnx_reader *reader, struct onnx_tensor *tensor) {
    const Onnx__TypeProto *type = tensor->input ? tensor->input->type : NULL;
    if (!type || type->value_case != ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE || !type->tensor_type->shape)
        return ohm_fail(OHM_E_UNSUPPORTED, "input '%s' is not a tensor of known shape", tensor->name);
    if (type->tensor_type->elem_type != ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT)
        return ohm_fail(OHM_E_UNSUPPORTED, "input '%s' has data type %d; only float32 (1) is supported", tensor->name, type->tensor_type->elem_type);
    const Onnx__TensorShapeProto *shape = type->tensor_type->shape;
    int64_t dims[OHM_MAX_RANK];
    for (size_t d = 0; d < shape->n_dim && d < OHM_MAX_RANK; d++) {
        const bool known = shape->dim[d]->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
        dims[d] = known ? shape->dim[d]->dim_value : 0;
        if (d == 0 && !known) dims[d] = 1; /* a symbolic batch */
        if (d == 0 && shape->n_dim > 1 && !reader->options->keep_batch && dims[d] > 1) {
            reader->batch = dims[d];
            dims[d] = 1;
        }
        if (dims[d] < 1)
            return ohm_fail(OHM_E_UNSUPPORTED, "input '%s': dimension %zu is not a fixed number; export the network with a fixed input size",
                            tensor->name, d);
    }
    OHM_TRY(onnx_shape_of(dims, shape->n_dim, "the input", &tensor->shape));
    tensor->kind = ONNX_COMPUTED;
    tensor->value = reader->network->input = ohm_network_add_value(reader->network, tensor->name, &tensor->shape, NULL);
    return tensor->value < 0 ? OHM_E_MEMORY : OHM_OK;
}

/* Looks the operator up, with a message that says what there is. */
static int find_operator(struct onnx_call *call, const struct onnx_operator **found) {
    const Onnx__NodeProto *proto = call->proto;
    if (proto->domain && *proto->domain && strcmp(proto->domain, "ai.onnx"))
        return onnx_call_fail(call, OHM_E_UNSUPPORTED, "operators of domain '%.100s' are not supported", proto->domain);
    *found = onnx_operator_find(proto->op_type);
    if (!*found) return onnx_call_fail(call, OHM_E_UNSUPPORTED, "operator not supported; supported are %s", onnx_operator_names(call->reader));
    if (call->reader->opset < (*found)->since)
        return onnx_call_fail(call, OHM_E_UNSUPPORTED, "supported from opset %d on; export with opset %d to %d", (*found)->since, ONNX_OPSET_LEAST,
                              ONNX_OPSET_MOST);
    return OHM_OK;
}

static int convert_node(struct onnx_reader *reader, Onnx__NodeProto *proto) {
    const struct onnx_operator *found = NULL;
    if (!proto->op_type) return ohm_fail(OHM_E_INPUT, "node '%s' has no operator", node_name(reader, proto));
    struct onnx_call call = {.reader = reader, .proto = proto, .name = node_name(reader, proto), .nin = (int32_t)proto->n_input};
    OHM_TRY(find_operator(&call, &found));
    call.in = ohm_arena_array(reader->arena, proto->n_input, sizeof(struct onnx_tensor *));
    if (!call.in || !call.name) return OHM_E_MEMORY;
    if (!proto->n_output || !*proto->output[0]) return onnx_call_fail(&call, OHM_E_UNSUPPORTED, "only the first output is supported");
    for (size_t k = 0; k < proto->n_input; k++) {
        OHM_TRY(find_input(reader, proto, proto->input[k], &call.in[k]));
        struct onnx_tensor *tensor = call.in[k];
        if (tensor && tensor->kind == ONNX_UNREAD) OHM_TRY(onnx_tensor_decode(reader, tensor->initialiser, tensor));
        if (tensor && tensor->kind == ONNX_UNMADE)
            return onnx_call_fail(&call, OHM_E_UNSUPPORTED, "uses '%.100s', a second output of its node; only first outputs are supported",
                                  tensor->name);
    }
    call.out = onnx_names_find(reader, proto->output[0]);
    return found->convert(&call);
}

int onnx_graph_convert(struct onnx_reader *reader, const int32_t *order, int32_t count, struct onnx_tensor *input) {
    OHM_TRY(make_input(reader, input));
    for (int32_t i = 0; i < count; i++) OHM_TRY(convert_node(reader, reader->graph->node[order[i]]));
    const struct onnx_tensor *output = onnx_names_find(reader, reader->graph->output[0]->name);
    if (output->kind != ONNX_COMPUTED) return ohm_fail(OHM_E_UNSUPPORTED, "the output '%s' is not computed from the input's data", output->name);
    reader->network->output = output->value;
    return ohm_network_prune(reader->network);
}
