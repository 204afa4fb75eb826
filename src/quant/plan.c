/* Choosing how each operator runs, and the tables it looks codes up in. */
#include "plan.h"
#include "graph.h"
#include "ohmtally/float_forward.h"
#include "ohmtally/status.h"
#include <stdlib.h>

static const struct ohm_shape *shape_of(const struct ohm_intnet *intnet, int32_t value) {
    return &intnet->network->values[value].shape;
}

static bool is_quantized(const struct ohm_intnet *intnet, int32_t value) {
    return intnet->quant[value].bits > 0; /* constants and real values have none */
}

static enum way relabel_way(const struct ohm_intnet *intnet, int32_t input, int32_t output) {
    const bool from = is_quantized(intnet, input), to = is_quantized(intnet, output);
    const struct ohm_shape *in = shape_of(intnet, input), *out = shape_of(intnet, output);
    if (from != to || intnet->network->values[input].constant) return WAY_GENERAL;
    return !from || ohm_shape_equal(in, out) || (!is_spatial(in) && !is_spatial(out)) ? WAY_COPY : WAY_REORDER;
}

/* A mean over H and W of a rank-4 value. */
static bool is_plane_mean(const struct ohm_node *node, const struct ohm_shape *in) {
    return in->rank == 4 && (node->op == OHM_OP_GLOBAL_AVERAGE_POOL || (node->op == OHM_OP_REDUCE_MEAN && node->axis_mask == 0xC));
}

static enum way choose_way(const struct ohm_intnet *intnet, const struct ohm_step *step) {
    const struct ohm_node *node = &intnet->network->nodes[step->node];
    const struct ohm_shape *in = shape_of(intnet, node->input[0]);
    if (node->op == OHM_OP_RELABEL) return relabel_way(intnet, node->input[0], step->output);
    if (!is_quantized(intnet, step->output)) return WAY_GENERAL;
    for (int32_t i = 0; i < node->ninput; i++)
        if (!is_quantized(intnet, node->input[i])) return WAY_GENERAL;
    if (graph_is_unary(node)) return WAY_TABLE;
    if (is_plane_mean(node, in)) return WAY_AVERAGE;
    switch (node->op) {
    case OHM_OP_ADD:
    case OHM_OP_SUB:
    case OHM_OP_MUL:
        return ohm_shape_equal(in, shape_of(intnet, node->input[1])) ? WAY_BINARY : WAY_GENERAL;
    case OHM_OP_CONCAT:
        return in->rank == 4 && node->axis == 1 ? WAY_CONCAT : WAY_GENERAL;
    case OHM_OP_MAX_POOL:
        return WAY_MAX_POOL;
    case OHM_OP_AVERAGE_POOL:
        return WAY_AVERAGE;
    default:
        return WAY_GENERAL;
    }
}

/* real [levels]: operator `node` on each of them. The shapes in the network are of whole tensors, so a network of one node is made up. */
static int apply_unary(const struct ohm_node *node, float *real, float *result, int32_t levels) {
    struct ohm_value values[2] = {{.name = "code", .shape = {.rank = 1, .dim = {levels}}}, {.name = "result", .shape = {.rank = 1, .dim = {levels}}}};
    int32_t input = 0;
    struct ohm_node alone = *node;
    alone.input = &input;
    alone.output = 1;
    struct ohm_network network = {.nvalue = 2, .nnode = 1, .values = values, .nodes = &alone, .input = 0, .output = 1};
    const float *in[1] = {real};
    return ohm_float_op(&network, &alone, in, result, NULL);
}

/* Codes of `output` for all codes of `input`, through the operator (NULL: none) and the step's activation. */
static int make_table(struct ohm_intnet *intnet, const struct ohm_step *step, const struct ohm_node *unary, int32_t input, const void **made) {
    const int32_t levels = 1 << intnet->activation_bits;
    const struct coder from = coder_of(&intnet->quant[input]), to = coder_of(&intnet->quant[step->output]);
    uint8_t *table = ohm_arena_array(intnet->arena, (size_t)levels, (size_t)intnet->element);
    float *real = ohm_alloc_array((size_t)levels * 2, sizeof *real), *result = real ? real + levels : NULL;
    if (!table || !real) {
        free(real);
        return OHM_E_MEMORY;
    }
    for (int32_t code = 0; code < levels; code++) real[code] = result[code] = coder_real(from, code);
    int status = unary ? apply_unary(unary, real, result, levels) : OHM_OK;
    for (int32_t code = 0; code < levels; code++) {
        int32_t mapped = coder_code(to, clamp_real(result[code], step->lo, step->hi));
        if (intnet->element == 1)
            table[code] = (uint8_t)mapped;
        else
            ((uint16_t *)(void *)table)[code] = (uint16_t)mapped;
    }
    free(real);
    *made = table;
    return status;
}

static bool same_quant(const struct ohm_quant *a, const struct ohm_quant *b) {
    return a->scale == b->scale && a->zero == b->zero;
}

static int make_tables(struct ohm_intnet *intnet, const struct ohm_step *step, struct ohm_step_plan *plan) {
    const struct ohm_node *node = &intnet->network->nodes[step->node];
    const void **table = ohm_arena_array(intnet->arena, (size_t)node->ninput, sizeof *table);
    if (!table) return OHM_E_MEMORY;
    plan->table = table;
    if (plan->way == WAY_TABLE) return make_table(intnet, step, node, node->input[0], &table[0]);
    for (int32_t i = 0; i < node->ninput; i++) {
        bool copied = same_quant(&intnet->quant[node->input[i]], &intnet->quant[step->output]) && isinf(step->lo) && isinf(step->hi);
        if (!copied) OHM_TRY(make_table(intnet, step, NULL, node->input[i], &table[i]));
    }
    return OHM_OK;
}

int plan_make(struct ohm_intnet *intnet, const struct ohm_step *step, struct ohm_step_plan *plan) {
    const struct ohm_node *node = &intnet->network->nodes[step->node];
    const struct ohm_shape *in = shape_of(intnet, node->input[0]);
    *plan = (struct ohm_step_plan){.way = choose_way(intnet, step), .window = node->window, .count_padding = node->count_include_pad};
    if (plan->way == WAY_AVERAGE && node->op != OHM_OP_AVERAGE_POOL) {
        plan->window = (struct ohm_window){.kernel = {in->dim[2], in->dim[3]}, .stride = {1, 1}, .dilation = {1, 1}};
        plan->count_padding = false;
    }
    return plan->way == WAY_TABLE || plan->way == WAY_CONCAT ? make_tables(intnet, step, plan) : OHM_OK;
}
