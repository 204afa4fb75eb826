/* What the columns of a network file are, and a network as rows of them. */
#include "network_table.h"
#include "ohmtally/status.h"
#include <string.h>

#define VALUE(name, type, member, width, unit, about)                                                                                                \
    {                                                                                                                                                \
        name, OHM_COLUMN_##type, offsetof(struct ohm_value_record, member), width, {                                                                 \
            unit, about                                                                                                                              \
        }                                                                                                                                            \
    }
static const struct ohm_column value_columns[] = {
    VALUE("name", STRING, name, 1, "", "name of the tensor"),
    VALUE("rank", INT32, shape.rank, 1, "1", "number of dimensions"),
    VALUE("dims", INT32, shape.dim, OHM_MAX_RANK, "1", "dimensions, then zeros"),
    VALUE("constant", BOOL, constant, 1, "1", "1: its data stands in /constants"),
    VALUE("scale", FLOAT, quant.scale, 1, "1", "real = (code - zero) * scale"),
    VALUE("zero", INT32, quant.zero, 1, "1", "code of the real value 0"),
    VALUE("bits", INT32, quant.bits, 1, "bit", "of a code; 0: the tensor stays real"),
};
const struct ohm_table ohm_value_table = OHM_TABLE(value_columns, struct ohm_value_record);

#define NODE(name, type, member, width, unit, about)                                                                                                 \
    {                                                                                                                                                \
        name, OHM_COLUMN_##type, offsetof(struct ohm_node_record, member), width, {                                                                  \
            unit, about                                                                                                                              \
        }                                                                                                                                            \
    }
static const struct ohm_column node_columns[] = {
    NODE("op", STRING, op, 1, "", "operator, by the names of this program"),
    NODE("name", STRING, node.name, 1, "", "name of the node"),
    NODE("onnx_op", STRING, node.onnx_op, 1, "", "operator in the ONNX file it came from"),
    NODE("ninput", INT32, node.ninput, 1, "1", "entries of /nodes/inputs that belong to this node"),
    NODE("output", INT32, node.output, 1, "value", "what it computes"),
    NODE("kernel", INT32, node.window.kernel, 2, "1", "window, vertical and horizontal"),
    NODE("stride", INT32, node.window.stride, 2, "1", "of the window"),
    NODE("dilation", INT32, node.window.dilation, 2, "1", "of the window"),
    NODE("window_pad_before", INT32, node.window.pad_before, 2, "1", "padding above and left"),
    NODE("window_pad_after", INT32, node.window.pad_after, 2, "1", "padding below and right"),
    NODE("groups", INT32, node.groups, 1, "1", "of a convolution"),
    NODE("ceil_mode", BOOL, node.ceil_mode, 1, "1", "1: a pool's last window may be cut"),
    NODE("count_include_pad", BOOL, node.count_include_pad, 1, "1", "1: an average counts padding"),
    NODE("axis", INT32, node.axis, 1, "1", "of concat and softmax"),
    NODE("axis_end", INT32, node.axis_end, 1, "1", "of softmax, exclusive"),
    NODE("axis_mask", INT32, node.axis_mask, 1, "1", "axes of a mean, bit d = axis d"),
    NODE("lo", FLOAT, node.lo, 1, "1", "of clip; value of pad"),
    NODE("hi", FLOAT, node.hi, 1, "1", "of clip"),
    NODE("alpha", FLOAT, node.alpha, 1, "1", "of leaky_relu, hard_sigmoid, lrn"),
    NODE("beta", FLOAT, node.beta, 1, "1", "of hard_sigmoid, lrn"),
    NODE("bias", FLOAT, node.bias, 1, "1", "of lrn"),
    NODE("size", INT32, node.size, 1, "1", "of lrn"),
    NODE("pad_before", INT32, node.pad_before, OHM_MAX_RANK, "1", "of pad, per dimension"),
    NODE("pad_after", INT32, node.pad_after, OHM_MAX_RANK, "1", "of pad, per dimension"),
};
const struct ohm_table ohm_node_table = OHM_TABLE(node_columns, struct ohm_node_record);

#define LAYER(name, type, about)                                                                                                                     \
    {                                                                                                                                                \
#name, OHM_COLUMN_##type, offsetof(struct ohm_layer_shape, name), 1, {                                                                       \
            "1", about                                                                                                                               \
        }                                                                                                                                            \
    }
static const struct ohm_column layer_columns[] = {
    LAYER(name, STRING, "name of the convolution or fully connected node"),
    LAYER(groups, INT32, "weight matrices"),
    LAYER(rows, INT32, "of each: inputs of one output, in order channel, kernel row, kernel column"),
    LAYER(columns, INT32, "of each: outputs"),
};
const struct ohm_table ohm_layer_shape_table = OHM_TABLE(layer_columns, struct ohm_layer_shape);

static void values_fill(const struct ohm_network_file *content, struct ohm_network_records *records) {
    for (int32_t v = 0; v < records->nvalue; v++) {
        const struct ohm_value *value = &content->network->values[v];
        struct ohm_value_record *record = &records->values[v];
        *record = (struct ohm_value_record){.name = value->name, .quant = content->intnet->quant[v], .constant = value->constant != NULL};
        record->shape.rank = value->shape.rank;
        memcpy(record->shape.dim, value->shape.dim, (size_t)value->shape.rank * sizeof value->shape.dim[0]);
    }
}

int ohm_network_records_make(const struct ohm_network_file *content, struct ohm_arena *arena, struct ohm_network_records *records) {
    const struct ohm_network *network = content->network;
    *records = (struct ohm_network_records){.nvalue = network->nvalue, .nnode = network->nnode, .nlayer = content->intnet->nlayer};
    for (int32_t i = 0; i < network->nnode; i++) records->ninput += network->nodes[i].ninput;
    records->values = ohm_arena_array(arena, (size_t)records->nvalue, sizeof *records->values);
    records->nodes = ohm_arena_array(arena, (size_t)records->nnode, sizeof *records->nodes);
    records->layers = ohm_arena_array(arena, (size_t)records->nlayer, sizeof *records->layers);
    records->inputs = ohm_arena_array(arena, (size_t)records->ninput, sizeof *records->inputs);
    if (!records->values || !records->nodes || !records->layers || !records->inputs) return OHM_E_MEMORY;
    values_fill(content, records);
    for (int32_t i = 0, used = 0; i < network->nnode; used += network->nodes[i++].ninput) {
        const struct ohm_node *node = &network->nodes[i];
        records->nodes[i] = (struct ohm_node_record){ohm_op_text(node->op), *node};
        memcpy(records->inputs + used, node->input, (size_t)node->ninput * sizeof *node->input);
    }
    for (int32_t i = 0; i < records->nlayer; i++) {
        const struct ohm_layer *layer = &content->intnet->layers[i];
        records->layers[i] = (struct ohm_layer_shape){layer->name, layer->groups, layer->krows, layer->ncols};
    }
    return OHM_OK;
}

uint64_t ohm_network_digest(const struct ohm_network_file *content, const struct ohm_network_records *records) {
    const int32_t ends[] = {content->network->input, content->network->output, content->intnet->activation_bits, content->weight_bits};
    XXH64_state_t state;
    XXH64_reset(&state, 0);
    XXH64_update(&state, ends, sizeof ends);
    XXH64_update(&state, content->provenance, strlen(content->provenance) + 1);
    ohm_table_digest(&ohm_value_table, records->values, records->nvalue, false, &state);
    ohm_table_digest(&ohm_node_table, records->nodes, records->nnode, false, &state);
    ohm_table_digest(&ohm_layer_shape_table, records->layers, records->nlayer, false, &state);
    XXH64_update(&state, records->inputs, (size_t)records->ninput * sizeof *records->inputs);
    for (int32_t v = 0; v < records->nvalue; v++)
        if (records->values[v].constant)
            XXH64_update(&state, content->network->values[v].constant, (size_t)ohm_shape_count(&records->values[v].shape) * sizeof(float));
    for (int32_t i = 0; i < records->nlayer; i++) {
        const struct ohm_layer *layer = &content->intnet->layers[i];
        size_t outputs = (size_t)ohm_layer_outputs(layer);
        XXH64_update(&state, content->weights[i]->w, outputs * (size_t)layer->krows * sizeof(int32_t));
        XXH64_update(&state, content->weights[i]->scale, outputs * sizeof(float));
    }
    return XXH64_digest(&state);
}
