/* Folding per-channel factors and offsets into the convolution or linear layer before them, and joining relabels.
 *
 * The nodes are walked in order. A conv or linear layer collects, in double, what follows it as y = a[m] x + b[m]; the follower becomes a
 * relabel of equal shape. At the end the collected numbers go into the weights, rounded once, and relabels that change nothing vanish. */
#include "ohmtally/memory.h"
#include "ohmtally/network.h"
#include "ohmtally/status.h"
#include <math.h>
#include <string.h>

struct follower { /* y = a[m] x + b[m] collected by one conv or linear layer; a is NULL while there is none */
    double *a, *b;
};

/* Where channels lie in a value's flat data: [outer][count][inner]. The same for a value and its relabels. */
struct channels {
    int64_t outer, count, inner;
};

struct fold {
    struct ohm_network *to;
    struct ohm_arena *arena;    /* working memory */
    int32_t *users;             /* [nvalue] nodes that read it, plus one for the network's output */
    int32_t *maker;             /* [nvalue] the node that makes it, -1: none */
    struct follower *followers; /* [nnode] */
};

static struct channels channels_at(const struct ohm_shape *shape, int32_t axis) {
    struct channels at = {1, shape->dim[axis], 1};
    for (int32_t d = 0; d < axis; d++) at.outer *= shape->dim[d];
    for (int32_t d = axis + 1; d < shape->rank; d++) at.inner *= shape->dim[d];
    return at;
}

/* Along which axis of x the constant c varies when broadcast to x (-1: it is one number); false when along several. */
static bool constant_axis(const struct ohm_shape *c, const struct ohm_shape *x, int32_t *axis) {
    *axis = -1;
    if (c->rank > x->rank) return false;
    for (int32_t d = 0; d < c->rank; d++) {
        if (c->dim[d] == 1) continue;
        if (*axis >= 0) return false;
        *axis = d + x->rank - c->rank;
    }
    return true;
}

/* What node does to its data input as y = a x + b per channel of *at; steps are 0 for a single number. */
struct step {
    struct channels at;
    const float *factor, *offset; /* NULL: 1 or 0 */
    int32_t stride;               /* 0 or 1 */
    double factor_sign, offset_sign;
    int32_t input; /* the value it works on */
};

static bool step_of(const struct ohm_network *net, const struct ohm_node *node, struct step *step) {
    *step = (struct step){.stride = 1, .factor_sign = 1, .offset_sign = 1, .input = node->input[0]};
    if (node->op == OHM_OP_AFFINE) {
        step->at = channels_at(&net->values[step->input].shape, 1);
        step->factor = net->values[node->input[1]].constant;
        step->offset = net->values[node->input[2]].constant;
        return step->factor && step->offset;
    }
    if (node->op != OHM_OP_ADD && node->op != OHM_OP_SUB && node->op != OHM_OP_MUL) return false;
    const int constant = net->values[node->input[1]].constant ? 1 : 0;
    const struct ohm_value *c = &net->values[node->input[constant]], *x = &net->values[node->input[1 - constant]];
    int32_t axis;
    if (!c->constant || x->constant || !ohm_shape_equal(&x->shape, &net->values[node->output].shape) || !constant_axis(&c->shape, &x->shape, &axis))
        return false;
    step->input = node->input[1 - constant];
    step->stride = axis >= 0;
    step->at = axis >= 0 ? channels_at(&x->shape, axis) : (struct channels){0, 0, 0};
    *(node->op == OHM_OP_MUL ? &step->factor : &step->offset) = c->constant;
    if (node->op == OHM_OP_SUB) *(constant == 1 ? &step->offset_sign : &step->factor_sign) = -1;
    return true;
}

/* The conv or linear node whose result reaches value through relabels only and is used nowhere else; -1: none. */
static int32_t layer_before(const struct fold *fold, int32_t value) {
    while (fold->users[value] == 1 && fold->maker[value] >= 0) {
        const struct ohm_node *node = &fold->to->nodes[fold->maker[value]];
        if (node->op == OHM_OP_CONV || node->op == OHM_OP_LINEAR) return fold->maker[value];
        if (node->op != OHM_OP_RELABEL) return -1;
        value = node->input[0];
    }
    return -1;
}

/* Adds a step to what the layer collects; false when its channels are not the layer's. */
static int collect(struct fold *fold, int32_t layer, const struct step *step, bool *done) {
    const struct ohm_network *net = fold->to;
    const struct ohm_node *node = &net->nodes[layer];
    const struct ohm_shape *y = &net->values[node->output].shape;
    const struct channels own = channels_at(y, node->op == OHM_OP_CONV ? 1 : y->rank - 1);
    struct follower *follower = &fold->followers[layer];
    *done = false;
    if (!net->values[node->input[1]].constant || (node->ninput > 2 && !net->values[node->input[2]].constant)) return OHM_OK;
    if (step->stride && (own.outer != step->at.outer || own.count != step->at.count || own.inner != step->at.inner)) return OHM_OK;
    if (!follower->a) {
        follower->a = ohm_arena_array(fold->arena, (size_t)own.count, sizeof *follower->a);
        follower->b = ohm_arena_array(fold->arena, (size_t)own.count, sizeof *follower->b);
        if (!follower->a || !follower->b) return OHM_E_MEMORY;
        for (int64_t m = 0; m < own.count; m++) follower->a[m] = 1;
    }
    for (int64_t m = 0; m < own.count; m++) {
        const double factor = step->factor_sign * (step->factor ? step->factor[m * step->stride] : 1);
        follower->a[m] *= factor;
        follower->b[m] = follower->b[m] * factor + (step->offset ? step->offset_sign * step->offset[m * step->stride] : 0);
    }
    *done = true;
    return OHM_OK;
}

/* A new constant; checks that folding gave finite numbers. */
static int32_t add_constant(struct fold *fold, const struct ohm_node *layer, const char *part, const struct ohm_shape *shape, const float *data) {
    const int64_t count = ohm_shape_count(shape);
    for (int64_t i = 0; i < count; i++)
        if (!isfinite(data[i])) {
            ohm_fail(OHM_E_INPUT, "node '%s': folding the scales after it into its %s gives an infinite number", layer->name, part);
            return -1;
        }
    const char *name = ohm_arena_format(fold->arena, "%s/folded %s", layer->name, part);
    return name ? ohm_network_add_value(fold->to, name, shape, data) : -1;
}

/* New weights and bias for one layer. */
static int apply(struct fold *fold, struct ohm_node *node, const struct follower *follower) {
    const struct ohm_value w = fold->to->values[node->input[1]];
    const float *bias = node->ninput > 2 ? fold->to->values[node->input[2]].constant : NULL;
    const int64_t outputs = w.shape.dim[0], depth = ohm_shape_count(&w.shape) / outputs;
    float *weights = ohm_arena_array(fold->arena, (size_t)(outputs * depth), sizeof *weights);
    float *offsets = ohm_arena_array(fold->arena, (size_t)outputs, sizeof *offsets);
    int32_t *input = ohm_arena_array(fold->to->arena, 3, sizeof *input);
    if (!weights || !offsets || !input) return OHM_E_MEMORY;
    for (int64_t m = 0; m < outputs; m++) {
        for (int64_t k = 0; k < depth; k++) weights[m * depth + k] = (float)(follower->a[m] * w.constant[m * depth + k]);
        offsets[m] = (float)(follower->a[m] * (bias ? bias[m] : 0) + follower->b[m]);
    }
    const struct ohm_shape vector = {.rank = 1, .dim = {w.shape.dim[0]}};
    input[0] = node->input[0];
    input[1] = add_constant(fold, node, "weights", &w.shape, weights);
    input[2] = input[1] < 0 ? -1 : add_constant(fold, node, "bias", &vector, offsets);
    if (input[2] < 0) return ohm_fail_status();
    node->input = input;
    node->ninput = 3;
    return OHM_OK;
}

/* Copies structure; constants still point into the old network. */
static int copy_structure(const struct ohm_network *from, struct ohm_network *to) {
    for (int32_t v = 0; v < from->nvalue; v++)
        if (ohm_network_add_value(to, from->values[v].name, &from->values[v].shape, from->values[v].constant) < 0) return OHM_E_MEMORY;
    for (int32_t i = 0; i < from->nnode; i++) {
        const struct ohm_node *node = &from->nodes[i];
        struct ohm_node *copy = ohm_network_add_node(to, node->op, node->name, node->input, node->ninput, node->output);
        if (!copy) return OHM_E_MEMORY;
        const struct ohm_node own = *copy;
        *copy = *node;
        copy->name = own.name;
        copy->input = own.input;
        copy->onnx_op = ohm_arena_string(to->arena, node->onnx_op);
        if (!copy->onnx_op) return OHM_E_MEMORY;
    }
    to->input = from->input;
    to->output = from->output;
    return OHM_OK;
}

static int fold_layers(struct fold *fold) {
    struct ohm_network *net = fold->to;
    const int32_t nnode = net->nnode;
    for (int32_t i = 0; i < nnode; i++) {
        struct ohm_node *node = &net->nodes[i];
        struct step step;
        if (!step_of(net, node, &step)) continue;
        const int32_t layer = layer_before(fold, step.input);
        bool done = false;
        if (layer >= 0) OHM_TRY(collect(fold, layer, &step, &done));
        if (!done) continue;
        node->op = OHM_OP_RELABEL;
        node->input[0] = step.input;
        node->ninput = 1;
    }
    for (int32_t i = 0; i < nnode; i++)
        if (fold->followers[i].a) OHM_TRY(apply(fold, &net->nodes[i], &fold->followers[i]));
    return OHM_OK;
}

/* Lets every node read what stands before chains of relabels; one relabel stays where the shape does change. */
static void join_relabels(struct ohm_network *net, int32_t *maker) {
    for (int32_t i = 0; i < net->nnode; i++) {
        struct ohm_node *node = &net->nodes[i];
        for (int32_t k = 0; k < node->ninput; k++)
            for (int32_t at = maker[node->input[k]]; at >= 0 && net->nodes[at].op == OHM_OP_RELABEL; at = maker[node->input[k]]) {
                const int32_t before = net->nodes[at].input[0];
                if (node->op != OHM_OP_RELABEL && !ohm_shape_equal(&net->values[before].shape, &net->values[node->input[k]].shape)) break;
                node->input[k] = before;
            }
    }
    const int32_t last = maker[net->output]; /* the output keeps its name when its relabel goes */
    if (last < 0 || net->nodes[last].op != OHM_OP_RELABEL) return;
    const int32_t before = net->nodes[last].input[0];
    if (!ohm_shape_equal(&net->values[before].shape, &net->values[net->output].shape)) return;
    if (before != net->input) net->values[before].name = net->values[net->output].name;
    net->output = before;
}

/* Gives the new network its own copy of every constant. */
static int copy_constants(struct ohm_network *net) {
    for (int32_t v = 0; v < net->nvalue; v++) {
        if (!net->values[v].constant) continue;
        const size_t count = (size_t)ohm_shape_count(&net->values[v].shape);
        float *data = ohm_arena_array(net->arena, count, sizeof *data);
        if (!data) return OHM_E_MEMORY;
        net->values[v].constant = memcpy(data, net->values[v].constant, count * sizeof *data);
    }
    return OHM_OK;
}

static int fold_all(struct fold *fold, const struct ohm_network *network) {
    const size_t nvalue = (size_t)network->nvalue;
    if (!fold->to || !fold->arena) return OHM_E_MEMORY;
    fold->users = ohm_arena_array(fold->arena, nvalue, sizeof *fold->users);
    fold->maker = ohm_arena_array(fold->arena, nvalue, sizeof *fold->maker);
    fold->followers = ohm_arena_array(fold->arena, (size_t)network->nnode, sizeof *fold->followers);
    if (!fold->users || !fold->maker || !fold->followers) return OHM_E_MEMORY;
    for (size_t v = 0; v < nvalue; v++) fold->maker[v] = -1;
    for (int32_t i = 0; i < network->nnode; i++) {
        fold->maker[network->nodes[i].output] = i;
        for (int32_t k = 0; k < network->nodes[i].ninput; k++) fold->users[network->nodes[i].input[k]]++;
    }
    fold->users[network->output]++;
    OHM_TRY(copy_structure(network, fold->to));
    OHM_TRY(fold_layers(fold));
    int32_t *maker = ohm_arena_array(fold->arena, (size_t)fold->to->nvalue, sizeof *maker); /* with the new constants */
    if (!maker) return OHM_E_MEMORY;
    for (int32_t v = 0; v < fold->to->nvalue; v++) maker[v] = v < network->nvalue ? fold->maker[v] : -1;
    join_relabels(fold->to, maker);
    OHM_TRY(ohm_network_prune(fold->to));
    return copy_constants(fold->to);
}

int ohm_network_fold(const struct ohm_network *network, struct ohm_network **folded) {
    struct fold fold = {.to = ohm_network_new(), .arena = ohm_arena_new()};
    int status = fold_all(&fold, network);
    ohm_arena_free(fold.arena);
    if (status) ohm_network_free(fold.to);
    *folded = status ? NULL : fold.to;
    return status;
}
