/* Structure of a network as quantisation sees it: what is live, fused, real, non-negative, shared. */
#include "graph.h"
#include "element.h"
#include "ohmtally/status.h"

bool graph_is_layer(const struct ohm_node *node) {
    return node->op == OHM_OP_CONV || node->op == OHM_OP_LINEAR;
}

bool graph_is_unary(const struct ohm_node *node) {
    switch (node->op) {
    case OHM_OP_RELU:
    case OHM_OP_CLIP:
    case OHM_OP_LEAKY_RELU:
    case OHM_OP_SIGMOID:
    case OHM_OP_HARD_SIGMOID:
    case OHM_OP_HARD_SWISH:
        return true;
    default:
        return false;
    }
}

/* Its output holds the same values as its input, or zeros. */
static bool keeps_codes(const struct ohm_node *node) {
    return node->op == OHM_OP_MAX_POOL || node->op == OHM_OP_RELABEL || (node->op == OHM_OP_PAD && node->lo == 0);
}

/* Applies a Relu / Clip by itself when it computes its output. */
static bool takes_activation(const struct ohm_node *node) {
    switch (node->op) {
    case OHM_OP_CONV:
    case OHM_OP_LINEAR:
    case OHM_OP_AFFINE:
    case OHM_OP_ADD:
    case OHM_OP_SUB:
    case OHM_OP_MUL:
    case OHM_OP_CONCAT:
    case OHM_OP_AVERAGE_POOL:
    case OHM_OP_GLOBAL_AVERAGE_POOL:
    case OHM_OP_REDUCE_MEAN:
        return true;
    default:
        return false;
    }
}

static bool is_constant(const struct graph *graph, int32_t value) {
    return graph->network->values[value].constant != NULL;
}

static int graph_alloc(struct graph *graph, struct ohm_arena *arena) {
    const size_t nnode = (size_t)graph->network->nnode, nvalue = (size_t)graph->network->nvalue;
    graph->live = ohm_arena_array(arena, nnode, sizeof *graph->live);
    graph->absorbed = ohm_arena_array(arena, nnode, sizeof *graph->absorbed);
    graph->result = ohm_arena_array(arena, nnode, sizeof *graph->result);
    graph->lo = ohm_arena_array(arena, nnode, sizeof *graph->lo);
    graph->hi = ohm_arena_array(arena, nnode, sizeof *graph->hi);
    graph->stored = ohm_arena_array(arena, nvalue, sizeof *graph->stored);
    graph->real = ohm_arena_array(arena, nvalue, sizeof *graph->real);
    graph->nonnegative = ohm_arena_array(arena, nvalue, sizeof *graph->nonnegative);
    graph->sharing = ohm_arena_array(arena, nvalue, sizeof *graph->sharing);
    if (!graph->live || !graph->absorbed || !graph->result || !graph->lo || !graph->hi || !graph->stored || !graph->real || !graph->nonnegative ||
        !graph->sharing)
        return OHM_E_MEMORY;
    return OHM_OK;
}

/* Backwards from the output; needed [nvalue] is scratch, all false. */
static void find_live(struct graph *graph, bool *needed) {
    needed[graph->network->output] = true;
    for (int32_t n = graph->network->nnode - 1; n >= 0; n--) {
        const struct ohm_node *node = &graph->network->nodes[n];
        graph->live[n] = needed[node->output];
        for (int32_t i = 0; graph->live[n] && i < node->ninput; i++) needed[node->input[i]] = true;
    }
}

/* reader [nvalue]: the only live node that reads the value, -1 none, -2 several; the network's output counts as one more reader. */
static void find_reader(const struct graph *graph, int32_t *reader) {
    for (int32_t v = 0; v < graph->network->nvalue; v++) reader[v] = v == graph->network->output ? -2 : -1;
    for (int32_t n = 0; n < graph->network->nnode; n++)
        for (int32_t i = 0; graph->live[n] && i < graph->network->nodes[n].ninput; i++) {
            int32_t *of = &reader[graph->network->nodes[n].input[i]];
            *of = *of == -1 ? n : -2;
        }
}

static void find_fused(struct graph *graph, const int32_t *reader) {
    for (int32_t n = 0; n < graph->network->nnode; n++) {
        const struct ohm_node *node = &graph->network->nodes[n];
        graph->result[n] = node->output;
        graph->lo[n] = -INFINITY;
        graph->hi[n] = INFINITY;
        int32_t next = reader[node->output];
        if (!graph->live[n] || next < 0 || !takes_activation(node)) continue;
        const struct ohm_node *activation = &graph->network->nodes[next];
        if (activation->op != OHM_OP_RELU && activation->op != OHM_OP_CLIP) continue;
        graph->absorbed[next] = true;
        graph->result[n] = activation->output;
        graph->lo[n] = activation->op == OHM_OP_RELU ? 0 : activation->lo;
        graph->hi[n] = activation->op == OHM_OP_RELU ? INFINITY : activation->hi;
    }
}

static bool constant_nonnegative(const struct ohm_value *value) {
    const int64_t count = ohm_shape_count(&value->shape);
    for (int64_t i = 0; i < count; i++)
        if (!(value->constant[i] >= 0)) return false;
    return true;
}

static bool result_nonnegative(const struct ohm_node *node, bool inputs) {
    switch (node->op) {
    case OHM_OP_RELU:
    case OHM_OP_SIGMOID:
    case OHM_OP_HARD_SIGMOID:
    case OHM_OP_SOFTMAX:
        return true;
    case OHM_OP_CLIP:
        return node->hi >= 0 && (node->lo >= 0 || inputs);
    case OHM_OP_PAD:
        return node->lo >= 0 && inputs;
    case OHM_OP_CONV:
    case OHM_OP_LINEAR:
    case OHM_OP_AFFINE:
    case OHM_OP_SUB:
    case OHM_OP_COUNT:
        return false;
    default:
        return inputs; /* sums, products, pools, relabels, and element-wise operators that keep the sign */
    }
}

static void find_nonnegative(struct graph *graph) {
    for (int32_t n = 0; n < graph->network->nnode; n++) {
        const struct ohm_node *node = &graph->network->nodes[n];
        bool inputs = true;
        for (int32_t i = 0; inputs && i < node->ninput; i++) {
            const struct ohm_value *value = &graph->network->values[node->input[i]];
            inputs = graph->live[n] && (value->constant ? constant_nonnegative(value) : graph->nonnegative[node->input[i]]);
        }
        graph->nonnegative[node->output] = result_nonnegative(node, inputs);
    }
}

/* feeds [nvalue]: a layer computes with what comes from this value. direct [nvalue]: nothing but relabels, softmax and operators on single
 * elements lies between this value and the network's output. Both scratch, all false. */
static void find_real(struct graph *graph, bool *feeds, bool *direct) {
    const struct ohm_network *network = graph->network;
    for (int32_t v = 0; v < network->nvalue; v++) direct[v] = true;
    for (int32_t n = network->nnode - 1; n >= 0; n--) {
        const struct ohm_node *node = &network->nodes[n];
        if (!graph->live[n]) continue;
        bool passes = graph_is_unary(node) || node->op == OHM_OP_AFFINE || node->op == OHM_OP_SOFTMAX || node->op == OHM_OP_RELABEL;
        for (int32_t i = 0; i < node->ninput; i++) {
            feeds[node->input[i]] |= graph_is_layer(node) || feeds[node->output];
            direct[node->input[i]] &= passes && direct[node->output];
        }
    }
    for (int32_t n = 0; n < network->nnode; n++) {
        if (!graph->live[n] || graph->absorbed[n]) continue;
        int32_t result = graph->result[n];
        graph->stored[result] = true;
        graph->real[result] = !feeds[result] && (!graph_is_layer(&network->nodes[n]) || direct[result]);
    }
    graph->stored[network->input] = true;
}

static void find_sharing(struct graph *graph) {
    for (int32_t v = 0; v < graph->network->nvalue; v++) graph->sharing[v] = -1;
    for (int32_t n = 0; n < graph->network->nnode; n++) {
        const struct ohm_node *node = &graph->network->nodes[n];
        if (graph->live[n] && keeps_codes(node) && !graph->real[node->output] && !is_constant(graph, node->input[0]))
            graph->sharing[node->output] = node->input[0];
    }
}

static int check_layer(const struct graph *graph, const struct ohm_node *node) {
    const struct ohm_value *values = graph->network->values;
    const struct ohm_value *x = &values[node->input[0]], *y = &values[node->output];
    if (node->ninput < 2 || node->ninput > 3 || !values[node->input[1]].constant || (node->ninput == 3 && !values[node->input[2]].constant))
        return ohm_fail(OHM_E_UNSUPPORTED, "node '%s' (%s): a layer's weights and bias must be constants of the model, not computed", node->name,
                        ohm_op_text(node->op));
    if (x->constant) return ohm_fail(OHM_E_UNSUPPORTED, "node '%s' (%s): a layer with a constant input", node->name, ohm_op_text(node->op));
    if (node->op == OHM_OP_LINEAR && (is_spatial(&x->shape) || is_spatial(&y->shape))) {
        char text[96];
        return ohm_fail(OHM_E_UNSUPPORTED, "node '%s' (linear): its input is %s; reshape images to vectors before a matrix product", node->name,
                        ohm_shape_text(&x->shape, text));
    }
    return OHM_OK;
}

static int check_node(const struct graph *graph, const struct ohm_node *node) {
    const struct ohm_shape *shape = &graph->network->values[node->output].shape;
    char text[96];
    if (shape->rank == 4 && shape->dim[0] != 1)
        return ohm_fail(OHM_E_UNSUPPORTED, "node '%s' (%s): output %s has a first dimension other than 1; an image at a time is quantised",
                        node->name, ohm_op_text(node->op), ohm_shape_text(shape, text));
    if (node->ninput > OHM_STEP_INPUTS)
        return ohm_fail(OHM_E_UNSUPPORTED, "node '%s' (%s): %d inputs; at most %d are supported", node->name, ohm_op_text(node->op), node->ninput,
                        OHM_STEP_INPUTS);
    return graph_is_layer(node) ? check_layer(graph, node) : OHM_OK;
}

static int check(const struct graph *graph) {
    const struct ohm_network *network = graph->network;
    const struct ohm_shape *shape = &network->values[network->input].shape;
    char text[96];
    int32_t nlayer = 0;
    if (shape->rank == 4 && shape->dim[0] != 1)
        return ohm_fail(OHM_E_UNSUPPORTED, "network input '%s' is %s; the first dimension must be 1", network->values[network->input].name,
                        ohm_shape_text(shape, text));
    for (int32_t n = 0; n < network->nnode; n++) {
        if (!graph->live[n]) continue;
        OHM_TRY(check_node(graph, &network->nodes[n]));
        nlayer += graph_is_layer(&network->nodes[n]);
    }
    return nlayer ? OHM_OK : ohm_fail(OHM_E_UNSUPPORTED, "the network has no convolution or fully connected layer to put on crossbars");
}

bool graph_has_scale(const struct graph *graph, int32_t value) {
    return graph->stored[value] && !graph->real[value] && graph->sharing[value] < 0;
}

int graph_find(const struct ohm_network *network, struct ohm_arena *arena, struct graph *graph) {
    *graph = (struct graph){.network = network};
    OHM_TRY(graph_alloc(graph, arena));
    bool *needed = ohm_arena_array(arena, (size_t)network->nvalue, sizeof *needed);
    bool *feeds = ohm_arena_array(arena, (size_t)network->nvalue, sizeof *feeds);
    bool *direct = ohm_arena_array(arena, (size_t)network->nvalue, sizeof *direct);
    int32_t *reader = ohm_arena_array(arena, (size_t)network->nvalue, sizeof *reader);
    if (!needed || !feeds || !direct || !reader) return OHM_E_MEMORY;
    find_live(graph, needed);
    OHM_TRY(check(graph));
    find_reader(graph, reader);
    find_fused(graph, reader);
    find_nonnegative(graph);
    find_real(graph, feeds, direct);
    find_sharing(graph);
    return OHM_OK;
}
