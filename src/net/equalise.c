/* Cross-layer equalisation by powers of two.
 *
 * Values that must share their channels' factors are one set: what homogeneous operators lead from one to another. A set is free when all that writes
 * it and all that reads it can take a factor: layers take it into their weights, everything else of it is homogeneous. */
#include "ohmtally/equalise.h"
#include "ohmtally/status.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_PASSES 20
#define MOST_EXPONENT 24 /* of a factor: weights stay normal floats */

struct equalising {
    struct ohm_network *net;
    int32_t *set;          /* [nvalue] a value of the same set; itself: it stands for the set */
    bool *fixed;           /* [nvalue] of the set it stands for */
    int32_t *users;        /* [nvalue] nodes that read it */
    float **own;           /* [nvalue] copies of weights and biases that are changed */
    bool *scaled;          /* [nvalue] of the set it stands for: whether any factor is not 1 */
    float *written, *read; /* [largest channel count] ranges of weights */
};

static int32_t find(const struct equalising *e, int32_t value) {
    while (e->set[value] != value) value = e->set[value];
    return value;
}

static void join(struct equalising *e, int32_t a, int32_t b) {
    a = find(e, a);
    b = find(e, b);
    e->set[b] = a;
    e->fixed[a] |= e->fixed[b];
}

static void fix(struct equalising *e, int32_t value) {
    e->fixed[find(e, value)] = true;
}

static int32_t channels_of(const struct equalising *e, int32_t value) {
    const struct ohm_shape *shape = &e->net->values[value].shape;
    return shape->rank >= 2 ? shape->dim[1] : 0;
}

/* Whether f(a x) = a f(x) for every channel and every a > 0, exactly where a is a power of two. */
static bool homogeneous(const struct equalising *e, const struct ohm_node *node) {
    const struct ohm_value *x = &e->net->values[node->input[0]], *y = &e->net->values[node->output];
    switch (node->op) {
    case OHM_OP_RELU:
    case OHM_OP_LEAKY_RELU:
    case OHM_OP_MAX_POOL:
    case OHM_OP_AVERAGE_POOL:
    case OHM_OP_GLOBAL_AVERAGE_POOL:
        return true;
    case OHM_OP_RELABEL: /* from C x 1 x 1 to C and back */
        return x->shape.rank >= 2 && y->shape.rank >= 2 && x->shape.dim[1] == y->shape.dim[1] && x->shape.dim[0] == y->shape.dim[0];
    case OHM_OP_ADD:
    case OHM_OP_SUB:
        return !x->constant && !e->net->values[node->input[1]].constant && ohm_shape_equal(&x->shape, &e->net->values[node->input[1]].shape);
    default:
        return false;
    }
}

/* A layer whose weights and bias are its own. */
static bool is_layer(const struct equalising *e, const struct ohm_node *node) {
    if (node->op != OHM_OP_CONV && node->op != OHM_OP_LINEAR) return false;
    for (int32_t k = 1; k < node->ninput; k++)
        if (!e->net->values[node->input[k]].constant || e->users[node->input[k]] != 1) return false;
    return node->op == OHM_OP_CONV || (e->net->values[node->input[0]].shape.rank == 2 && e->net->values[node->output].shape.rank == 2);
}

static void make_sets(struct equalising *e) {
    struct ohm_network *net = e->net;
    for (int32_t v = 0; v < net->nvalue; v++) e->set[v] = v;
    for (int32_t i = 0; i < net->nnode; i++)
        for (int32_t k = 0; k < net->nodes[i].ninput; k++) e->users[net->nodes[i].input[k]]++;
    fix(e, net->input);
    fix(e, net->output);
    for (int32_t i = 0; i < net->nnode; i++) {
        const struct ohm_node *node = &net->nodes[i];
        const bool passes = homogeneous(e, node);
        if (is_layer(e, node)) continue;
        if (!passes) fix(e, node->output);
        for (int32_t k = 0; k < node->ninput; k++) {
            if (net->values[node->input[k]].constant) continue;
            if (passes)
                join(e, node->input[k], node->output);
            else
                fix(e, node->input[k]);
        }
    }
}

/* Weights [outputs][inside][taps] of a layer; an input channel is read by the outputs of its group. */
struct weights {
    float *w, *bias;
    int32_t outputs, inside, taps, groups;
};

/* The network's own constants stay: arenas do not give pieces back, and a caller may hold them. */
static float *own_copy(struct equalising *e, int32_t value) {
    struct ohm_value *v = &e->net->values[value];
    if (e->own[value]) return e->own[value];
    e->own[value] = ohm_arena_array(e->net->arena, (size_t)ohm_shape_count(&v->shape), sizeof(float));
    if (e->own[value]) memcpy(e->own[value], v->constant, (size_t)ohm_shape_count(&v->shape) * sizeof(float));
    if (e->own[value]) v->constant = e->own[value];
    return e->own[value];
}

static int weights_of(struct equalising *e, const struct ohm_node *node, struct weights *weights) {
    const struct ohm_shape *shape = &e->net->values[node->input[1]].shape;
    const bool conv = node->op == OHM_OP_CONV;
    *weights = (struct weights){.w = own_copy(e, node->input[1]),
                                .bias = node->ninput > 2 ? own_copy(e, node->input[2]) : NULL,
                                .outputs = shape->dim[0],
                                .inside = shape->dim[1],
                                .taps = conv ? shape->dim[2] * shape->dim[3] : 1,
                                .groups = conv ? node->groups : 1};
    return weights->w && (weights->bias || node->ninput < 3) ? OHM_OK : OHM_E_MEMORY;
}

/* Calls see for the weights that read channel c, or with `out` for those that write it. */
static void each_weight(const struct weights *weights, bool out, int32_t c, void (*see)(void *context, float *w), void *context) {
    const int32_t each = weights->outputs / weights->groups, first = out ? c : c / weights->inside * each;
    for (int32_t n = first; n < (out ? c + 1 : first + each); n++)
        for (int32_t i = 0; i < (out ? weights->inside : 1); i++) {
            float *w = weights->w + ((size_t)n * (size_t)weights->inside + (size_t)(out ? i : c % weights->inside)) * (size_t)weights->taps;
            for (int32_t t = 0; t < weights->taps; t++) see(context, w + t);
        }
}

static void see_largest(void *context, float *w) {
    *(float *)context = fmaxf(*(float *)context, fabsf(*w));
}

static void see_scaled(void *context, float *w) {
    *w = ldexpf(*w, *(int *)context);
}

/* Ranges of a layer's channels as shares of the largest, joined to those of other layers of the set. */
static void add_ranges(const struct weights *weights, bool out, int32_t channels, float *ranges) {
    float whole = 0;
    for (int32_t i = 0; i < weights->outputs * weights->inside * weights->taps; i++) whole = fmaxf(whole, fabsf(weights->w[i]));
    for (int32_t c = 0; whole > 0 && c < channels; c++) {
        float largest = 0;
        each_weight(weights, out, c, see_largest, &largest);
        ranges[c] = fmaxf(ranges[c], largest / whole);
    }
}

/* The power of two next to sqrt(written / read). */
static int exponent_of(float written, float read) {
    if (!(written > 0) || !(read > 0)) return 0;
    int twice = ilogb((double)written / (double)read) + 1, exponent = (twice - (twice & 1)) / 2;
    return exponent > MOST_EXPONENT ? MOST_EXPONENT : exponent < -MOST_EXPONENT ? -MOST_EXPONENT : exponent;
}

/* Calls see for each layer that writes (out) or reads values of the set. */
static int each_layer(struct equalising *e, int32_t set,
                      int (*see)(struct equalising *e, const struct weights *weights, bool out, int32_t channels)) {
    for (int32_t i = 0; i < e->net->nnode; i++) {
        const struct ohm_node *node = &e->net->nodes[i];
        struct weights weights;
        if (!is_layer(e, node)) continue;
        for (int out = 0; out < 2; out++) {
            int32_t value = out ? node->output : node->input[0];
            if (find(e, value) != set) continue;
            OHM_TRY(weights_of(e, node, &weights));
            OHM_TRY(see(e, &weights, out, channels_of(e, value)));
        }
    }
    return OHM_OK;
}

static int see_ranges(struct equalising *e, const struct weights *weights, bool out, int32_t channels) {
    add_ranges(weights, out, channels, out ? e->written : e->read);
    return OHM_OK;
}

static int see_factors(struct equalising *e, const struct weights *weights, bool out, int32_t channels) {
    for (int32_t c = 0; c < channels; c++) {
        int exponent = exponent_of(e->written[c], e->read[c]);
        if (out) exponent = -exponent;
        each_weight(weights, out, c, see_scaled, &exponent);
        if (out && weights->bias) weights->bias[c] = ldexpf(weights->bias[c], exponent);
    }
    return OHM_OK;
}

static int equalise_set(struct equalising *e, int32_t set, bool *changed) {
    const int32_t channels = channels_of(e, set);
    memset(e->written, 0, (size_t)channels * sizeof *e->written);
    memset(e->read, 0, (size_t)channels * sizeof *e->read);
    OHM_TRY(each_layer(e, set, see_ranges));
    bool any = false;
    for (int32_t c = 0; c < channels; c++) any |= exponent_of(e->written[c], e->read[c]) != 0;
    if (!any) return OHM_OK;
    e->scaled[set] = *changed = true;
    return each_layer(e, set, see_factors);
}

static int equalise(struct equalising *e) {
    bool changed = true;
    make_sets(e);
    for (int pass = 0; changed && pass < MOST_PASSES; pass++) {
        changed = false;
        for (int32_t v = 0; v < e->net->nvalue; v++)
            if (e->set[v] == v && !e->fixed[v] && !e->net->values[v].constant && channels_of(e, v)) OHM_TRY(equalise_set(e, v, &changed));
    }
    return OHM_OK;
}

int ohm_network_equalise(struct ohm_network *network, int32_t *sets) {
    const size_t n = (size_t)network->nvalue;
    int32_t most = 1;
    struct equalising e = {.net = network};
    for (int32_t v = 0; v < network->nvalue; v++)
        if (channels_of(&e, v) > most) most = channels_of(&e, v);
    e.set = ohm_alloc_array(n, sizeof *e.set);
    e.fixed = ohm_alloc_array(n, sizeof *e.fixed);
    e.users = ohm_alloc_array(n, sizeof *e.users);
    e.own = ohm_alloc_array(n, sizeof *e.own);
    e.scaled = ohm_alloc_array(n, sizeof *e.scaled);
    e.written = ohm_alloc_array(2 * (size_t)most, sizeof *e.written);
    int status = e.set && e.fixed && e.users && e.own && e.scaled && e.written ? OHM_OK : OHM_E_MEMORY;
    e.read = e.written + most;
    if (!status) status = equalise(&e);
    *sets = 0;
    for (int32_t v = 0; !status && v < network->nvalue; v++) *sets += e.scaled[v];
    free(e.set);
    free(e.fixed);
    free(e.users);
    free(e.own);
    free(e.scaled);
    free(e.written);
    return status;
}
