/* Backwards through the operators between layers: what a layer's first position waits for. */
#include "ohmtally/stages.h"
#include "ohmtally/status.h"
#include <stdlib.h>
#include <string.h>

/* Positions of a value, in the order in which layers compute them. */
struct plane {
    int64_t height, width;
};
static struct plane plane_of(const struct ohm_shape *shape) {
    if (shape->rank == 4) return (struct plane){shape->dim[2], shape->dim[3]};
    return (struct plane){shape->rank ? ohm_shape_count(shape) / shape->dim[shape->rank - 1] : 1, 1}; /* vectors */
}
static int64_t positions_of(const struct ohm_shape *shape) {
    struct plane plane = plane_of(shape);
    return plane.height * plane.width;
}

/* Positions of the input, from the first on, that the first n outputs of a window need. */
static int64_t window_needs(const struct ohm_window *window, struct plane in, int64_t out_width, int64_t n) {
    int64_t row = (n - 1) / out_width * window->stride[0] + (int64_t)(window->kernel[0] - 1) * window->dilation[0];
    int64_t column = (n - 1) % out_width * window->stride[1] + (int64_t)(window->kernel[1] - 1) * window->dilation[1];
    if (column > in.width - 1) column = in.width - 1;
    return row < in.height ? row * in.width + column + 1 : in.height * in.width;
}

static int64_t first_needs(const struct ohm_layer *layer) {
    return window_needs(&layer->window, (struct plane){layer->in_h, layer->in_w}, layer->out_w, 1);
}

/* Its output at a position needs its inputs at the same position and before only. */
static bool keeps_positions(const struct ohm_node *node, const struct ohm_shape *in, const struct ohm_shape *out) {
    switch (node->op) {
    case OHM_OP_GLOBAL_AVERAGE_POOL:
    case OHM_OP_REDUCE_MEAN:
    case OHM_OP_SOFTMAX:
        return false;
    case OHM_OP_RELABEL:
        return ohm_shape_equal(in, out);
    case OHM_OP_PAD:
        return in->rank == 4;
    case OHM_OP_CONCAT: /* other axes put one input behind another */
        return out->rank == 4 && node->axis == 1;
    default: /* an input of one position is for all of them */
        return (in->rank == 4) == (out->rank == 4) && positions_of(in) == positions_of(out);
    }
}

/* Positions of input i of an operator that the first n of its output need. */
static int64_t operator_needs(const struct ohm_network *network, const struct ohm_node *node, int32_t i, int64_t n) {
    const struct ohm_shape *in = &network->values[node->input[i]].shape, *out = &network->values[node->output].shape;
    int64_t all = positions_of(in);
    if (node->op == OHM_OP_MAX_POOL || node->op == OHM_OP_AVERAGE_POOL) return window_needs(&node->window, plane_of(in), plane_of(out).width, n);
    return keeps_positions(node, in, out) && n < all ? n : all;
}

/* needs [nvalue]: positions of each value that the first one of the layer of step `last` needs. */
static void find_needs(const struct ohm_intnet *intnet, int32_t last, int64_t *needs) {
    const struct ohm_layer *layer = &intnet->layers[intnet->steps[last].layer];
    memset(needs, 0, (size_t)intnet->network->nvalue * sizeof *needs);
    needs[layer->input] = first_needs(layer);
    for (int32_t s = last - 1; s >= 0; s--) {
        const struct ohm_step *step = &intnet->steps[s];
        const struct ohm_node *node = &intnet->network->nodes[step->node];
        if (step->layer >= 0 || !needs[step->output]) continue;
        for (int32_t i = 0; i < node->ninput; i++) {
            int64_t needed = operator_needs(intnet->network, node, i, needs[step->output]);
            if (needed > needs[node->input[i]]) needs[node->input[i]] = needed;
        }
    }
}

/* The layers among what is needed. */
static int make_feeds(const struct ohm_intnet *intnet, const int64_t *needs, int32_t before, struct ohm_arena *arena, struct ohm_stage *stage) {
    struct ohm_feed *feeds = ohm_arena_array(arena, (size_t)before, sizeof *feeds);
    if (!feeds) return OHM_E_MEMORY;
    for (int32_t i = 0; i < before; i++) {
        int32_t value = intnet->layers[i].output;
        double all = (double)positions_of(&intnet->network->values[value].shape);
        if (needs[value]) feeds[stage->nfeed++] = (struct ohm_feed){i, (double)needs[value] / all};
    }
    stage->feeds = feeds;
    return OHM_OK;
}

struct ohm_stage *ohm_stages_make(const struct ohm_intnet *intnet, struct ohm_arena *arena) {
    struct ohm_stage *stages = ohm_arena_array(arena, (size_t)intnet->nlayer, sizeof *stages);
    int64_t *needs = ohm_alloc_array((size_t)intnet->network->nvalue, sizeof *needs);
    int status = stages && needs ? OHM_OK : OHM_E_MEMORY;
    for (int32_t s = 0; !status && s < intnet->nstep; s++) {
        int32_t i = intnet->steps[s].layer;
        if (i < 0) continue;
        stages[i] = (struct ohm_stage){.positions = ohm_layer_positions(&intnet->layers[i])};
        find_needs(intnet, s, needs);
        status = make_feeds(intnet, needs, i, arena, &stages[i]);
    }
    free(needs);
    return status ? NULL : stages;
}

int64_t ohm_stage_buffered(const struct ohm_layer *layer) {
    return first_needs(layer) * layer->in_c;
}

int64_t ohm_stage_inputs(const struct ohm_layer *layer) {
    return (int64_t)layer->in_h * layer->in_w * layer->in_c;
}
