/* The graph of a network file: rows become values and nodes only after every number in them was checked. */
#include "network_table.h"
#include "ohmtally/status.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_ROWS (1 << 20) /* values, nodes or inputs; far beyond any network, and small enough to allocate for */

struct graph {
    hid_t file;
    struct ohm_network *network;
    int32_t activation_bits;
    struct ohm_value_record *values;
    struct ohm_node_record *nodes;
    int32_t *inputs;
    bool *known; /* [nvalue]: constant, the network's input, or computed by a node already read */
    int64_t nvalue, nnode, ninput;
};

/* Opens a group and counts the rows of its tables. */
static int table_open(hid_t file, const char *name, const char *column, hid_t *group, int64_t *nrow) {
    hsize_t count = 0;
    OHM_TRY(ohm_h5_group_open(file, name, group));
    int status = ohm_h5_dims(*group, column, 1, &count);
    if (!status && count > MOST_ROWS)
        status = ohm_fail(OHM_E_INPUT, "/%s has %llu rows; more than %d are not believed", name, (unsigned long long)count, MOST_ROWS);
    if (status) H5Gclose(*group);
    *nrow = (int64_t)count;
    return status;
}

static int values_read(struct graph *graph) {
    hid_t group;
    OHM_TRY(table_open(graph->file, "values", "rank", &group, &graph->nvalue));
    struct ohm_arena *arena = graph->network->arena;
    graph->values = ohm_arena_array(arena, (size_t)graph->nvalue, sizeof *graph->values);
    graph->known = ohm_arena_array(arena, (size_t)graph->nvalue, sizeof *graph->known);
    int status = graph->values && graph->known ? ohm_table_read(group, &ohm_value_table, arena, graph->values, graph->nvalue) : OHM_E_MEMORY;
    H5Gclose(group);
    return status;
}

static int nodes_read(struct graph *graph) {
    hid_t group;
    hsize_t ninput;
    struct ohm_arena *arena = graph->network->arena;
    OHM_TRY(table_open(graph->file, "nodes", "output", &group, &graph->nnode));
    graph->nodes = ohm_arena_array(arena, (size_t)graph->nnode, sizeof *graph->nodes);
    int status = graph->nodes ? ohm_table_read(group, &ohm_node_table, arena, graph->nodes, graph->nnode) : OHM_E_MEMORY;
    if (!status) status = ohm_h5_dims(group, "inputs", 1, &ninput);
    if (!status && ninput > MOST_ROWS) status = ohm_fail(OHM_E_INPUT, "/nodes/inputs: too long");
    if (!status && !(graph->inputs = ohm_arena_array(arena, ninput, sizeof *graph->inputs))) status = OHM_E_MEMORY;
    if (!status) status = ohm_h5_read(group, "inputs", H5T_NATIVE_INT32, 1, &ninput, graph->inputs);
    if (!status) graph->ninput = (int64_t)ninput;
    H5Gclose(group);
    return status;
}

static int shape_check(const struct ohm_shape *shape, int64_t v) {
    int64_t count = 1;
    if (shape->rank < 0 || shape->rank > OHM_MAX_RANK) return ohm_fail(OHM_E_INPUT, "/values: value %lld: rank %d", (long long)v, shape->rank);
    for (int32_t d = 0; d < shape->rank; d++) {
        if (shape->dim[d] < 1) return ohm_fail(OHM_E_INPUT, "/values: value %lld: dimension %d", (long long)v, shape->dim[d]);
        count *= shape->dim[d]; /* both factors stay below 2^31 */
        if (count > OHM_MAX_COUNT) return ohm_fail(OHM_E_INPUT, "/values: value %lld: more than %d elements", (long long)v, OHM_MAX_COUNT);
    }
    return OHM_OK;
}

static int quant_check(const struct graph *graph, const struct ohm_quant *quant, int64_t v) {
    if (!isfinite(quant->scale)) return ohm_fail(OHM_E_INPUT, "/values: value %lld: scale is not a number", (long long)v);
    if (quant->bits == 0) return OHM_OK;
    if (quant->bits != graph->activation_bits)
        return ohm_fail(OHM_E_INPUT, "/values: value %lld: %d bits, but activation_bits is %d", (long long)v, quant->bits, graph->activation_bits);
    if (quant->scale <= 0 || quant->zero < 0 || quant->zero >= 1 << quant->bits)
        return ohm_fail(OHM_E_INPUT, "/values: value %lld: scale %g and zero %d cannot be", (long long)v, (double)quant->scale, quant->zero);
    return OHM_OK;
}

/* The data of a constant; its shape in the file is compared before memory is taken. */
static int constant_read(struct graph *graph, hid_t group, int64_t v, const float **constant) {
    const struct ohm_shape *shape = &graph->values[v].shape;
    char name[24];
    hsize_t dims[OHM_MAX_RANK], found[OHM_MAX_RANK];
    snprintf(name, sizeof name, "%lld", (long long)v);
    for (int32_t d = 0; d < shape->rank; d++) dims[d] = (hsize_t)shape->dim[d];
    OHM_TRY(ohm_h5_dims(group, name, shape->rank, found));
    if (memcmp(dims, found, (size_t)shape->rank * sizeof *dims)) return ohm_fail(OHM_E_INPUT, "/constants/%s: not of the value's shape", name);
    int64_t count = ohm_shape_count(shape);
    float *data = ohm_arena_array(graph->network->arena, (size_t)count, sizeof *data);
    if (!data) return OHM_E_MEMORY;
    OHM_TRY(ohm_h5_read(group, name, H5T_NATIVE_FLOAT, shape->rank, dims, data));
    for (int64_t i = 0; i < count; i++)
        if (!isfinite(data[i])) return ohm_fail(OHM_E_INPUT, "/constants/%s: element %lld is not a finite number", name, (long long)i);
    *constant = data;
    return OHM_OK;
}

static int values_build(struct graph *graph) {
    hid_t constants;
    OHM_TRY(ohm_h5_group_open(graph->file, "constants", &constants));
    int status = OHM_OK;
    for (int64_t v = 0; v < graph->nvalue && !status; v++) {
        struct ohm_value_record *record = &graph->values[v];
        const float *data = NULL;
        status = shape_check(&record->shape, v);
        if (!status) status = quant_check(graph, &record->quant, v);
        if (!status && record->constant) status = constant_read(graph, constants, v, &data);
        graph->known[v] = data != NULL;
        if (!status && ohm_network_add_value(graph->network, record->name, &record->shape, data) < 0) status = OHM_E_MEMORY;
    }
    H5Gclose(constants);
    return status;
}

static int ends_read(struct graph *graph) {
    int64_t input, output;
    OHM_TRY(ohm_h5_get_int64(graph->file, "input", &input));
    OHM_TRY(ohm_h5_get_int64(graph->file, "output", &output));
    if (input < 0 || input >= graph->nvalue || output < 0 || output >= graph->nvalue || graph->known[input] || graph->known[output])
        return ohm_fail(OHM_E_INPUT, "attributes input %lld and output %lld do not name computed values", (long long)input, (long long)output);
    if (!graph->values[input].quant.bits) return ohm_fail(OHM_E_INPUT, "/values: the network's input is not quantised");
    graph->network->input = (int32_t)input;
    graph->network->output = (int32_t)output;
    graph->known[input] = true;
    return OHM_OK;
}

static int op_find(const char *text, enum ohm_op *op) {
    for (int k = 0; k < OHM_OP_COUNT; k++)
        if (!strcmp(text, ohm_op_text(k))) {
            *op = k;
            return OHM_OK;
        }
    return ohm_fail(OHM_E_INPUT, "/nodes/op: no operator is called '%s'", text);
}

static int node_build(struct graph *graph, const struct ohm_node_record *record, const int32_t *inputs) {
    const struct ohm_node *read = &record->node;
    enum ohm_op op = OHM_OP_COUNT;
    struct ohm_shape shape;
    bool computes = false;
    OHM_TRY(op_find(record->op, &op));
    if (!*read->name) return ohm_fail(OHM_E_INPUT, "/nodes/name: a node has no name");
    for (int32_t k = 0; k < read->ninput; k++) {
        if (inputs[k] < 0 || inputs[k] >= graph->nvalue || !graph->known[inputs[k]])
            return ohm_fail(OHM_E_INPUT, "node '%s': input %d is not computed before it", read->name, inputs[k]);
        computes = computes || !graph->values[inputs[k]].constant;
    }
    if (!computes) return ohm_fail(OHM_E_INPUT, "node '%s': all its inputs are constant", read->name);
    if (read->output < 0 || read->output >= graph->nvalue || graph->known[read->output])
        return ohm_fail(OHM_E_INPUT, "node '%s': output %d is no value, or has its data already", read->name, read->output);
    graph->known[read->output] = true;
    struct ohm_node *node = ohm_network_add_node(graph->network, op, read->name, inputs, read->ninput, read->output);
    if (!node) return OHM_E_MEMORY;
    struct ohm_node made = *node;
    *node = *read;
    node->op = op;
    node->name = made.name;
    node->input = made.input;
    OHM_TRY(ohm_node_infer(graph->network, node, &shape));
    if (ohm_shape_equal(&shape, &graph->network->values[read->output].shape)) return OHM_OK;
    return ohm_fail(OHM_E_INPUT, "node '%s': its output has another shape than its inputs give", read->name);
}

static int nodes_build(struct graph *graph) {
    int64_t used = 0;
    for (int64_t i = 0; i < graph->nnode; i++) {
        int32_t ninput = graph->nodes[i].node.ninput;
        if (ninput < 1 || ninput > graph->ninput - used) return ohm_fail(OHM_E_INPUT, "/nodes/ninput: node %lld has %d inputs", (long long)i, ninput);
        OHM_TRY(node_build(graph, &graph->nodes[i], graph->inputs + used));
        used += ninput;
    }
    if (used != graph->ninput) return ohm_fail(OHM_E_INPUT, "/nodes/inputs: longer than the nodes' inputs together");
    return graph->known[graph->network->output] ? OHM_OK : ohm_fail(OHM_E_INPUT, "no node computes the network's output");
}

/* Real values may reach relabels and softmax only, and stay real: the integer network reads codes everywhere else. */
static int steps_check(const struct ohm_intnet *intnet) {
    const struct ohm_network *network = intnet->network;
    for (int32_t s = 0; s < intnet->nstep; s++) {
        const struct ohm_node *node = &network->nodes[intnet->steps[s].node];
        bool keeps_real = (node->op == OHM_OP_RELABEL || node->op == OHM_OP_SOFTMAX) && !intnet->quant[intnet->steps[s].output].bits;
        for (int32_t k = 0; k < node->ninput; k++)
            if (!network->values[node->input[k]].constant && !intnet->quant[node->input[k]].bits && !keeps_real)
                return ohm_fail(OHM_E_INPUT, "node '%s': its input '%s' is not quantised", node->name, network->values[node->input[k]].name);
    }
    return OHM_OK;
}

static int intnet_make(const struct graph *graph, struct ohm_intnet **intnet) {
    struct ohm_quant *quant = ohm_alloc_array((size_t)graph->nvalue, sizeof *quant);
    if (!quant) return OHM_E_MEMORY;
    for (int64_t v = 0; v < graph->nvalue; v++) quant[v] = graph->values[v].quant;
    int status = ohm_quantize_given(graph->network, graph->activation_bits, quant, intnet);
    free(quant);
    return status ? status : steps_check(*intnet);
}

int ohm_network_graph_read(hid_t file, struct ohm_network_file *content) {
    int64_t activation_bits;
    OHM_TRY(ohm_h5_get_int64(file, "activation_bits", &activation_bits));
    if (activation_bits < 2 || activation_bits > 16)
        return ohm_fail(OHM_E_INPUT, "attribute activation_bits is %lld, not 2 to 16", (long long)activation_bits);
    content->network = ohm_network_new();
    if (!content->network) return OHM_E_MEMORY;
    struct graph graph = {.file = file, .network = content->network, .activation_bits = (int32_t)activation_bits};
    OHM_TRY(values_read(&graph));
    OHM_TRY(nodes_read(&graph));
    OHM_TRY(values_build(&graph));
    OHM_TRY(ends_read(&graph));
    OHM_TRY(nodes_build(&graph));
    return intnet_make(&graph, &content->intnet);
}
