/* What quantisation needs to know of a network's structure, found before anything is built. Private to the quant layer. */
#ifndef OHM_QUANT_GRAPH_H
#define OHM_QUANT_GRAPH_H
#include "ohmtally/network.h"

struct graph {
    const struct ohm_network *network;
    /* [nnode] */
    bool *live;      /* its result reaches the network's output */
    bool *absorbed;  /* a Relu / Clip that the node before it applies */
    int32_t *result; /* value that the node's step writes: its output, or the output of the activation it applies */
    float *lo, *hi;  /* the activation it applies, -INFINITY / INFINITY when none */
    /* [nvalue] */
    bool *stored;      /* exists in the integer network: the input and every live node's result */
    bool *real;        /* stays real */
    bool *nonnegative; /* by structure */
    int32_t *sharing;  /* value whose quantisation this one shares, or -1 */
};
/* Memory from arena. Fails for what the integer network does not cover, naming the node. */
int graph_find(const struct ohm_network *network, struct ohm_arena *arena, struct graph *graph);
/* Whether a value is quantised with a scale of its own: one that ranges must be observed for. */
bool graph_has_scale(const struct graph *graph, int32_t value);
bool graph_is_layer(const struct ohm_node *node);
bool graph_is_unary(const struct ohm_node *node); /* a function of single elements */

#endif
