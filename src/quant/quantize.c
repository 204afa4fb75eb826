/* Putting the integer network together: quantisation parameters, layers, steps. */
#include "ohmtally/quantize.h"
#include "choose.h"
#include "graph.h"
#include "ohmtally/status.h"
#include "plan.h"

static int take_given(const struct ohm_value *value, const struct ohm_quant *given, int32_t bits, struct ohm_quant *quant) {
    if (given->bits != bits || !(given->scale > 0) || !isfinite(given->scale) || given->zero < 0 || given->zero >> bits)
        return ohm_fail(OHM_E_INPUT, "tensor '%s': given quantisation (scale %g, zero %d, %d bits) is not valid for %d bits; calibrate again",
                        value->name, (double)given->scale, given->zero, given->bits, bits);
    *quant = *given;
    return OHM_OK;
}

/* From the ranges, or as given [nvalue]. */
static int find_quants(struct ohm_intnet *intnet, const struct graph *graph, const struct ohm_ranges *ranges,
                       const struct ohm_quantize_options *options, const struct ohm_quant *given) {
    const struct ohm_network *network = intnet->network;
    for (int32_t v = 0; v < network->nvalue; v++) {
        if (!graph_has_scale(graph, v)) continue;
        OHM_TRY(given ? take_given(&network->values[v], &given[v], intnet->activation_bits, &intnet->quant[v])
                      : choose_quant(ranges, v, network->values[v].name, graph->nonnegative[v], options, &intnet->quant[v]));
    }
    for (int32_t n = 0; n < network->nnode; n++) { /* in topological order: what is shared is known */
        const int32_t output = network->nodes[n].output, shared = graph->sharing[output];
        if (shared >= 0) intnet->quant[output] = intnet->quant[shared];
    }
    return OHM_OK;
}

static void layer_geometry(const struct ohm_network *network, const struct ohm_node *node, struct ohm_layer *layer) {
    const struct ohm_shape *x = &network->values[node->input[0]].shape, *w = &network->values[node->input[1]].shape;
    const struct ohm_shape *y = &network->values[node->output].shape;
    if (node->op == OHM_OP_CONV) {
        layer->conv = true;
        layer->groups = node->groups;
        layer->krows = w->dim[1] * w->dim[2] * w->dim[3];
        layer->ncols = w->dim[0] / node->groups;
        layer->in_c = x->dim[1];
        layer->in_h = x->dim[2];
        layer->in_w = x->dim[3];
        layer->out_h = y->dim[2];
        layer->out_w = y->dim[3];
        layer->window = node->window;
    } else {
        layer->groups = 1;
        layer->krows = layer->in_c = w->dim[1];
        layer->ncols = w->dim[0];
        layer->in_h = layer->out_h = (int32_t)(ohm_shape_count(x) / w->dim[1]);
        layer->in_w = layer->out_w = 1;
        layer->window = (struct ohm_window){.kernel = {1, 1}, .stride = {1, 1}, .dilation = {1, 1}};
    }
}

static void make_layer(const struct graph *graph, int32_t n, struct ohm_layer *layer) {
    const struct ohm_node *node = &graph->network->nodes[n];
    const struct ohm_value *values = graph->network->values;
    *layer = (struct ohm_layer){.name = node->name,
                                .node = n,
                                .weight = values[node->input[1]].constant,
                                .bias = node->ninput > 2 ? values[node->input[2]].constant : NULL,
                                .input = node->input[0],
                                .output = graph->result[n],
                                .lo = graph->lo[n],
                                .hi = graph->hi[n]};
    layer_geometry(graph->network, node, layer);
}

static int make_steps(struct ohm_intnet *intnet, const struct graph *graph) {
    const size_t nnode = (size_t)graph->network->nnode;
    struct ohm_step_plan *plans = ohm_arena_array(intnet->arena, nnode, sizeof *plans);
    intnet->steps = ohm_arena_array(intnet->arena, nnode, sizeof *intnet->steps);
    intnet->layers = ohm_arena_array(intnet->arena, nnode, sizeof *intnet->layers);
    if (!plans || !intnet->steps || !intnet->layers) return OHM_E_MEMORY;
    intnet->plans = plans;
    for (int32_t n = 0; n < graph->network->nnode; n++) {
        if (!graph->live[n] || graph->absorbed[n]) continue;
        struct ohm_step *step = &intnet->steps[intnet->nstep];
        *step = (struct ohm_step){.layer = -1, .node = n, .output = graph->result[n], .lo = graph->lo[n], .hi = graph->hi[n]};
        if (graph_is_layer(&graph->network->nodes[n])) {
            make_layer(graph, n, &intnet->layers[intnet->nlayer]);
            step->layer = intnet->nlayer++;
        } else {
            OHM_TRY(plan_make(intnet, step, &plans[intnet->nstep]));
        }
        int64_t scratch = plan_scratch(intnet, step, &plans[intnet->nstep]);
        if (scratch > intnet->scratch_bytes) intnet->scratch_bytes = scratch;
        intnet->nstep++;
    }
    return OHM_OK;
}

static int build(struct ohm_intnet *intnet, const struct ohm_ranges *ranges, const struct ohm_quantize_options *options,
                 const struct ohm_quant *given) {
    struct graph graph;
    intnet->quant = ohm_arena_array(intnet->arena, (size_t)intnet->network->nvalue, sizeof *intnet->quant);
    if (!intnet->quant) return OHM_E_MEMORY;
    OHM_TRY(graph_find(intnet->network, intnet->arena, &graph));
    OHM_TRY(find_quants(intnet, &graph, ranges, options, given));
    OHM_TRY(make_steps(intnet, &graph));
    return storage_plan(intnet);
}

static int quantize(const struct ohm_network *folded, int32_t bits, const struct ohm_ranges *ranges, const struct ohm_quantize_options *options,
                    const struct ohm_quant *given, struct ohm_intnet **intnet) {
    *intnet = NULL;
    if (bits < 2 || bits > 16) return ohm_fail(OHM_E_USAGE, "activations of %d bits are not supported; choose 2 to 16", bits);
    struct ohm_arena *arena = ohm_arena_new();
    if (!arena) return OHM_E_MEMORY;
    struct ohm_intnet *made = ohm_arena_alloc(arena, sizeof *made);
    int status = OHM_E_MEMORY;
    if (made) {
        *made = (struct ohm_intnet){.arena = arena, .network = folded, .activation_bits = bits, .element = bits <= 8 ? 1 : 2};
        status = build(made, ranges, options, given);
    }
    if (status)
        ohm_arena_free(arena);
    else
        *intnet = made;
    return status;
}

int ohm_quantize(const struct ohm_network *folded, const struct ohm_ranges *ranges, const struct ohm_quantize_options *options,
                 struct ohm_intnet **intnet) {
    *intnet = NULL;
    if (ranges->nvalue != folded->nvalue)
        return ohm_fail(OHM_E_INTERNAL, "ranges of another network (%d values, not %d)", ranges->nvalue, folded->nvalue);
    if (options->rule == OHM_RULE_PERCENTILE && !(options->percentile > 50 && options->percentile <= 100))
        return ohm_fail(OHM_E_USAGE, "a percentile of %g is not possible; choose above 50, at most 100", options->percentile);
    return quantize(folded, options->activation_bits, ranges, options, NULL, intnet);
}

int ohm_quantize_given(const struct ohm_network *folded, int32_t activation_bits, const struct ohm_quant *quant, struct ohm_intnet **intnet) {
    return quantize(folded, activation_bits, NULL, NULL, quant, intnet);
}

void ohm_intnet_free(struct ohm_intnet *intnet) {
    if (intnet) ohm_arena_free(intnet->arena);
}
