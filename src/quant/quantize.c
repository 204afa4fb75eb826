#include "ohmtally/float_forward.h"
/* Building the integer network: layers, fused activations, quantisation of every tensor, storage. */
#include "ohmtally/status.h"
#include "range_choice.h"
#include <math.h>
#include <stdlib.h>

struct building {
    struct ohm_intnet *intnet;
    const struct ohm_network *network;
    int32_t *consumers; /* [nvalue] */
    int32_t *reader;    /* [nvalue]: a node that reads the value */
    bool *fused;        /* [nnode]: activation done by the step before it */
    bool *non_negative; /* [nvalue] */
};

static bool is_layer(const struct ohm_node *node) {
    return node->op == OHM_OP_CONV || node->op == OHM_OP_LINEAR;
}

static bool takes_activation(const struct ohm_node *node) {
    switch (node->op) {
    case OHM_OP_CONV:
    case OHM_OP_LINEAR:
    case OHM_OP_ADD:
    case OHM_OP_SUB:
    case OHM_OP_MUL:
    case OHM_OP_AFFINE:
    case OHM_OP_AVERAGE_POOL:
    case OHM_OP_GLOBAL_AVERAGE_POOL:
    case OHM_OP_REDUCE_MEAN:
        return true;
    default:
        return false;
    }
}

static void count_readers(struct building *b) {
    for (int32_t i = 0; i < b->network->nnode; i++)
        for (int32_t k = 0; k < b->network->nodes[i].ninput; k++) {
            b->consumers[b->network->nodes[i].input[k]]++;
            b->reader[b->network->nodes[i].input[k]] = i;
        }
    b->consumers[b->network->output]++; /* the caller reads it */
}

static int fill_layer(struct building *b, int32_t i, struct ohm_layer *layer) {
    const struct ohm_network *network = b->network;
    const struct ohm_node *node = &network->nodes[i];
    const struct ohm_value *x = &network->values[node->input[0]], *w = &network->values[node->input[1]], *y = &network->values[node->output];
    if (x->constant || !w->constant || (node->ninput > 2 && !network->values[node->input[2]].constant))
        return ohm_fail(OHM_E_UNSUPPORTED, "node '%s' (%s): weights and bias must be constant and the input must not", node->name, node->onnx_op);
    *layer = (struct ohm_layer){.name = node->name,
                                .node = i,
                                .conv = node->op == OHM_OP_CONV,
                                .input = node->input[0],
                                .output = node->output,
                                .weight = w->constant,
                                .bias = node->ninput > 2 ? network->values[node->input[2]].constant : NULL,
                                .lo = -INFINITY,
                                .hi = INFINITY};
    if (layer->conv) {
        layer->groups = node->groups;
        layer->ncols = w->shape.dim[0] / node->groups;
        layer->krows = w->shape.dim[1] * node->window.kernel[0] * node->window.kernel[1];
        layer->window = node->window;
        int32_t last = x->shape.rank - 1; /* 1-D convolutions are one row high */
        layer->in_c = x->shape.dim[1];
        layer->in_h = last == 3 ? x->shape.dim[2] : 1;
        layer->in_w = x->shape.dim[last];
        layer->out_h = last == 3 ? y->shape.dim[2] : 1;
        layer->out_w = y->shape.dim[last];
        if (last != 3 || x->shape.dim[0] != 1)
            return ohm_fail(OHM_E_UNSUPPORTED, "node '%s' (%s): only two-dimensional convolutions of one image are quantised", node->name,
                            node->onnx_op);
        return OHM_OK;
    }
    layer->groups = 1;
    layer->ncols = w->shape.dim[0];
    layer->krows = layer->in_c = w->shape.dim[1];
    layer->in_h = layer->out_h = (int32_t)(ohm_shape_count(&x->shape) / layer->krows);
    layer->in_w = layer->out_w = 1;
    layer->window = (struct ohm_window){{1, 1}, {1, 1}, {1, 1}, {0, 0}, {0, 0}};
    if (x->shape.rank == 4 || y->shape.rank == 4)
        return ohm_fail(OHM_E_UNSUPPORTED, "node '%s' (%s): put a Flatten or Reshape before it", node->name, node->onnx_op);
    return OHM_OK;
}

/* A Relu or Clip that is the only reader of the step's value becomes part of the step. */
static void fuse(struct building *b, struct ohm_step *step) {
    const struct ohm_network *network = b->network;
    while (takes_activation(&network->nodes[step->node]) && step->output != network->output && b->consumers[step->output] == 1) {
        const struct ohm_node *next = &network->nodes[b->reader[step->output]];
        if (next->op != OHM_OP_RELU && next->op != OHM_OP_CLIP) return;
        float lo = next->op == OHM_OP_RELU ? 0 : next->lo, hi = next->op == OHM_OP_RELU ? INFINITY : next->hi;
        step->lo = fminf(fmaxf(step->lo, lo), hi);
        step->hi = fminf(fmaxf(step->hi, lo), hi);
        b->fused[b->reader[step->output]] = true;
        step->output = next->output;
    }
}

static int make_steps(struct building *b) {
    struct ohm_intnet *intnet = b->intnet;
    size_t nnode = (size_t)b->network->nnode;
    intnet->layers = ohm_arena_array(intnet->arena, nnode, sizeof *intnet->layers);
    intnet->steps = ohm_arena_array(intnet->arena, nnode, sizeof *intnet->steps);
    if (!intnet->layers || !intnet->steps) return OHM_E_MEMORY;
    for (int32_t i = 0; i < b->network->nnode; i++) {
        const struct ohm_node *node = &b->network->nodes[i];
        struct ohm_step *step = &intnet->steps[intnet->nstep];
        if (b->fused[i]) continue;
        *step = (struct ohm_step){.layer = -1, .node = i, .output = node->output, .lo = -INFINITY, .hi = INFINITY};
        fuse(b, step);
        if (is_layer(node)) {
            struct ohm_layer *layer = &intnet->layers[intnet->nlayer];
            OHM_TRY(fill_layer(b, i, layer));
            layer->output = step->output;
            layer->lo = step->lo;
            layer->hi = step->hi;
            step->layer = intnet->nlayer++;
        }
        intnet->nstep++;
    }
    return intnet->nlayer ? OHM_OK : ohm_fail(OHM_E_UNSUPPORTED, "the network has no convolution or fully connected layer to put on crossbars");
}

/* The output, and what reaches it only through relabels and softmax, stays real. */
static void mark_real(struct building *b, bool *real) {
    real[b->network->output] = true;
    for (int32_t s = b->intnet->nstep - 1; s >= 0; s--) {
        const struct ohm_step *step = &b->intnet->steps[s];
        const struct ohm_node *node = &b->network->nodes[step->node];
        if (!real[step->output] || (node->op != OHM_OP_RELABEL && node->op != OHM_OP_SOFTMAX)) continue;
        if (b->consumers[node->input[0]] == 1) real[node->input[0]] = true;
    }
}

static bool step_non_negative(const struct building *b, const struct ohm_step *step) {
    const struct ohm_node *node = &b->network->nodes[step->node];
    bool all = true;
    if (step->lo >= 0) return true;
    for (int32_t k = 0; k < node->ninput; k++) all = all && b->non_negative[node->input[k]];
    switch (node->op) {
    case OHM_OP_RELU:
    case OHM_OP_SIGMOID:
    case OHM_OP_HARD_SIGMOID:
    case OHM_OP_SOFTMAX:
        return true;
    case OHM_OP_CLIP:
        return node->lo >= 0;
    case OHM_OP_PAD:
        return node->lo >= 0 && all;
    case OHM_OP_MAX_POOL:
    case OHM_OP_AVERAGE_POOL:
    case OHM_OP_GLOBAL_AVERAGE_POOL:
    case OHM_OP_REDUCE_MEAN:
    case OHM_OP_RELABEL:
    case OHM_OP_CONCAT:
    case OHM_OP_ADD:
    case OHM_OP_MUL:
        return all;
    default:
        return false;
    }
}

/* Steps whose output has the codes of their input. */
static bool keeps_codes(const struct ohm_node *node) {
    return node->op == OHM_OP_MAX_POOL || node->op == OHM_OP_RELABEL || (node->op == OHM_OP_PAD && node->lo == 0);
}

static int choose_value(struct building *b, const struct ohm_ranges *ranges, const struct ohm_quantize_options *options, int32_t value) {
    float lo, hi;
    OHM_TRY(ohm_range_choose(b->network, ranges, value, options, b->non_negative[value], &lo, &hi));
    b->intnet->quant[value] = ohm_range_quant(lo, hi, options->activation_bits);
    return OHM_OK;
}

static void constants_non_negative(struct building *b) {
    for (int32_t v = 0; v < b->network->nvalue; v++) {
        const struct ohm_value *value = &b->network->values[v];
        b->non_negative[v] = value->constant != NULL;
        for (int64_t i = 0; value->constant && i < ohm_shape_count(&value->shape); i++)
            b->non_negative[v] = b->non_negative[v] && value->constant[i] >= 0;
    }
}

static int choose_quants(struct building *b, const struct ohm_ranges *ranges, const struct ohm_quantize_options *options) {
    struct ohm_intnet *intnet = b->intnet;
    bool *real = ohm_arena_array(intnet->arena, (size_t)b->network->nvalue, sizeof *real);
    if (!real) return OHM_E_MEMORY;
    mark_real(b, real);
    constants_non_negative(b);
    OHM_TRY(choose_value(b, ranges, options, b->network->input));
    for (int32_t s = 0; s < intnet->nstep; s++) {
        const struct ohm_step *step = &intnet->steps[s];
        const struct ohm_node *node = &b->network->nodes[step->node];
        b->non_negative[step->output] = step_non_negative(b, step);
        if (real[step->output])
            intnet->quant[step->output] = (struct ohm_quant){1.0f, 0, 0};
        else if (keeps_codes(node))
            intnet->quant[step->output] = intnet->quant[node->input[0]];
        else
            OHM_TRY(choose_value(b, ranges, options, step->output));
    }
    return OHM_OK;
}

static int64_t value_bytes(const struct ohm_intnet *intnet, int32_t value) {
    int64_t count = ohm_shape_count(&intnet->network->values[value].shape),
            element = intnet->quant[value].bits ? intnet->element : (int64_t)sizeof(float);
    return (count * element + 63) / 64 * 64;
}

/* Gives the value a slot nobody reads any more, or a new one. */
static void take_slot(struct ohm_intnet *intnet, int32_t *holder, int32_t value) {
    int32_t best = -1;
    int64_t bytes = value_bytes(intnet, value);
    for (int32_t s = 0; s < intnet->nslot; s++)
        if (holder[s] < 0 && (best < 0 || llabs(intnet->slot_bytes[s] - bytes) < llabs(intnet->slot_bytes[best] - bytes))) best = s;
    if (best < 0) best = intnet->nslot++;
    if (bytes > intnet->slot_bytes[best]) intnet->slot_bytes[best] = bytes;
    holder[best] = value;
    intnet->slot[value] = best;
}

static int plan_slots(struct building *b) {
    struct ohm_intnet *intnet = b->intnet;
    size_t nvalue = (size_t)b->network->nvalue;
    int32_t *last = ohm_arena_array(intnet->arena, nvalue, sizeof *last), *holder = ohm_arena_array(intnet->arena, nvalue, sizeof *holder);
    intnet->slot = ohm_arena_array(intnet->arena, nvalue, sizeof *intnet->slot);
    intnet->slot_bytes = ohm_arena_array(intnet->arena, nvalue, sizeof *intnet->slot_bytes);
    if (!last || !holder || !intnet->slot || !intnet->slot_bytes) return OHM_E_MEMORY;
    for (size_t v = 0; v < nvalue; v++) intnet->slot[v] = holder[v] = -1;
    for (int32_t s = 0; s < intnet->nstep; s++) {
        const struct ohm_node *node = &b->network->nodes[intnet->steps[s].node];
        for (int32_t k = 0; k < node->ninput; k++) last[node->input[k]] = s;
    }
    last[b->network->output] = INT32_MAX;
    take_slot(intnet, holder, b->network->input);
    for (int32_t s = 0; s < intnet->nstep; s++) {
        take_slot(intnet, holder, intnet->steps[s].output);
        for (int32_t k = 0; k < intnet->nslot; k++)
            if (holder[k] >= 0 && last[holder[k]] <= s) holder[k] = -1;
    }
    return OHM_OK;
}

/* Room for the general path: every input and the output as float, and the operator's own scratch. */
static void measure_scratch(struct ohm_intnet *intnet) {
    intnet->scratch_bytes = 64;
    for (int32_t s = 0; s < intnet->nstep; s++) {
        const struct ohm_node *node = &intnet->network->nodes[intnet->steps[s].node];
        int64_t floats = ohm_shape_count(&intnet->network->values[node->output].shape) + ohm_float_op_scratch(intnet->network, node) + 64;
        if (intnet->steps[s].layer >= 0) continue;
        for (int32_t k = 0; k < node->ninput; k++) floats += ohm_shape_count(&intnet->network->values[node->input[k]].shape) + 16;
        if (floats * 4 > intnet->scratch_bytes) intnet->scratch_bytes = floats * 4;
    }
}

static int build(struct ohm_intnet *intnet, const struct ohm_ranges *ranges, const struct ohm_quantize_options *options,
                 const struct ohm_quant *given) {
    size_t nvalue = (size_t)intnet->network->nvalue;
    struct building b = {.intnet = intnet, .network = intnet->network};
    b.consumers = ohm_arena_array(intnet->arena, nvalue, sizeof *b.consumers);
    b.reader = ohm_arena_array(intnet->arena, nvalue, sizeof *b.reader);
    b.fused = ohm_arena_array(intnet->arena, (size_t)intnet->network->nnode, sizeof *b.fused);
    b.non_negative = ohm_arena_array(intnet->arena, nvalue, sizeof *b.non_negative);
    intnet->quant = ohm_arena_array(intnet->arena, nvalue, sizeof *intnet->quant);
    if (!b.consumers || !b.reader || !b.fused || !b.non_negative || !intnet->quant) return OHM_E_MEMORY;
    count_readers(&b);
    OHM_TRY(make_steps(&b));
    for (size_t v = 0; given && v < nvalue; v++) intnet->quant[v] = given[v];
    if (!given) OHM_TRY(choose_quants(&b, ranges, options));
    OHM_TRY(plan_slots(&b));
    measure_scratch(intnet);
    return OHM_OK;
}

static int make(const struct ohm_network *folded, const struct ohm_ranges *ranges, const struct ohm_quantize_options *options, int32_t bits,
                const struct ohm_quant *given, struct ohm_intnet **out) {
    struct ohm_arena *arena = ohm_arena_new();
    struct ohm_intnet *intnet = arena ? ohm_arena_alloc(arena, sizeof *intnet) : NULL;
    *out = NULL;
    if (!intnet) {
        ohm_arena_free(arena);
        return OHM_E_MEMORY;
    }
    *intnet = (struct ohm_intnet){.arena = arena, .network = folded, .activation_bits = bits, .element = bits > 8 ? 2 : 1};
    int status = build(intnet, ranges, options, given);
    if (status)
        ohm_intnet_free(intnet);
    else
        *out = intnet;
    return status;
}

int ohm_quantize(const struct ohm_network *folded, const struct ohm_ranges *ranges, const struct ohm_quantize_options *options,
                 struct ohm_intnet **intnet) {
    return make(folded, ranges, options, options->activation_bits, NULL, intnet);
}

int ohm_quantize_given(const struct ohm_network *folded, int32_t activation_bits, const struct ohm_quant *quant, struct ohm_intnet **intnet) {
    return make(folded, NULL, NULL, activation_bits, quant, intnet);
}

void ohm_intnet_free(struct ohm_intnet *intnet) {
    if (intnet) ohm_arena_free(intnet->arena);
}
