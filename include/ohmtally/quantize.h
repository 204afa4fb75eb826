/* From the float network to the integer network, and the integer network's arithmetic.
 *
 * Rules (the same for every design; all floats binary32, rint rounds half to even, no contraction):
 *   activation   q = clamp(rint(x / scale) + zero, 0, 2^bits - 1), back: float(q - zero) * scale; padding holds zero
 *   range        scale = (hi - lo) / (2^bits - 1) in double, rounded to float once; zero = rint(-lo / scale) in double; lo <= 0 <= hi.
 *                lo = 0 where the value cannot be negative by structure (Relu, Clip from 0, sigmoids, softmax, and what keeps the sign).
 *                scale = 1 where the value is always 0
 *   shared       outputs of max pooling, relabelling and padding with 0 have their input's scale and zero
 *   weights      integers with one scale per output (or per layer); a design decides on their grid (xbar.h, design.h)
 *   layer        acc[n] = unit * (sum_r w[r][n] q[r] - zero_x sum_r w[r][n] + b[n]),  b[n] = rint(bias / (s_w[n] s_x)) in double
 *                "unit" is 1, or 256 where the ADC adds multiples of 1/256 of a cell step
 *   next         q' = clamp(rint(float(acc) * multiplier) + zero_y, lo, hi)
 *                multiplier = s_w s_x / s_y / unit in double, rounded to float once
 *   others       max pooling works on the integers; the rest dequantises to float in input order, applies the float operator, requantises
 *   fused        a Relu / Clip that alone reads the output of a layer or of an operator with arithmetic is applied by it: lo, hi in codes
 *                (in real values where the output is real); the range is that of the value behind it
 *   last         the network's output stays real: float(acc) * float(s_w s_x / unit). So do the results of operators that no layer follows, and
 *                the output of a layer from which only relabels, softmax and operators on single elements lead to the network's output
 *
 * Memory layout of an instance's activations: uint8_t (bits <= 8) or uint16_t; rank-4 values are stored [H][W][C] (channels last), all others
 * row-major. Values that stay real are float, row-major as in the float network. Layer: quant (beside net). Not collective, no threads inside. */
#ifndef OHMTALLY_QUANTIZE_H
#define OHMTALLY_QUANTIZE_H
#include "ohmtally/network.h"

struct ohm_quant {
    float scale;
    int32_t zero;
    int32_t bits; /* 0: the value stays real */
};

/* ---- calibration ---- */
/* Observed values of every tensor that gets a scale of its own: extremes and a histogram over bfloat16 bins (the upper 16 bits of each float), as
 * counts, so that adding up images in any order gives the same ranges. Arrays are exposed for reductions: extremes by minimum/maximum, counts by
 * integer sum. Values of one tensor share few exponents: most of counts stays 0 and takes no memory (memory.h). */
#define OHM_RANGE_BINS 65536
struct ohm_ranges {
    int32_t nvalue;
    float *least, *most; /* [nvalue] */
    int64_t *counts;     /* [nobserved][OHM_RANGE_BINS], sparse */
    int32_t *slot;       /* [nvalue]: row of counts, -1: not observed */
    int32_t nobserved;
};
/* NULL with a recorded failure; a network that ohm_quantize refuses for its structure is refused here. */
struct ohm_ranges *ohm_ranges_new(const struct ohm_network *folded);
void ohm_ranges_free(struct ohm_ranges *ranges);
/* An ohm_float_see (float_forward.h): context is the struct ohm_ranges. */
void ohm_ranges_see(void *ranges, int32_t node, int32_t value, const float *data, int64_t count);
void ohm_ranges_merge(struct ohm_ranges *into, const struct ohm_ranges *from);

enum ohm_range_rule { OHM_RULE_MINMAX, OHM_RULE_PERCENTILE, OHM_RULE_SQUARED_ERROR };
struct ohm_quantize_options {
    int32_t activation_bits; /* 2..16 */
    enum ohm_range_rule rule;
    double percentile; /* of values kept inside, e.g. 99.99 (split evenly between the two ends when both are cut) */
};

/* ---- the integer network ---- */
struct ohm_layer { /* a matrix layer: what crossbars hold. groups matrices of krows x ncols, output positions out_h x out_w per instance */
    const char *name;
    int32_t node; /* conv or linear node */
    bool conv;
    int32_t groups, krows, ncols;
    int32_t in_c, in_h, in_w, out_h, out_w; /* linear: in_h = out_h = number of vectors, in_w = out_w = 1, in_c = krows */
    struct ohm_window window;
    const float *weight;   /* [groups * ncols][krows], krows in (channel, kh, kw) order */
    const float *bias;     /* [groups * ncols] or NULL */
    int32_t input, output; /* values; output is behind the fused activation */
    float lo, hi;          /* fused Relu / Clip in real values, -INFINITY / INFINITY when none */
};
static inline int64_t ohm_layer_positions(const struct ohm_layer *layer) {
    return (int64_t)layer->out_h * layer->out_w;
}
static inline int32_t ohm_layer_inputs(const struct ohm_layer *layer) { /* length of one input vector, all groups */
    return layer->groups * layer->krows;
}
static inline int32_t ohm_layer_outputs(const struct ohm_layer *layer) {
    return layer->groups * layer->ncols;
}

struct ohm_step {
    int32_t layer; /* index of a layer, or -1: operator `node` of the network */
    int32_t node;
    int32_t output; /* value written (behind a fused activation) */
    float lo, hi;   /* fused activation of an add, sub, mul or pool */
};
struct ohm_intnet {
    struct ohm_arena *arena;           /* owns everything but network */
    const struct ohm_network *network; /* folded; must outlive this */
    int32_t activation_bits, element;  /* element: bytes of a quantised activation, 1 or 2 */
    struct ohm_quant *quant;           /* [nvalue] */
    int32_t nlayer, nstep;
    struct ohm_layer *layers;
    struct ohm_step *steps; /* execution order */
    /* storage: value v of an instance lives in slot[v] (slots are reused once a value has no reader left; relabels of non-rank-4 data may
     * share their input's slot); slot_bytes[s] bytes per instance. slot -1: constant or unused. */
    int32_t nslot;
    int32_t *slot;                     /* [nvalue] */
    int64_t *slot_bytes;               /* [nslot], multiples of 64 */
    int64_t scratch_bytes;             /* ohm_int_step needs this much scratch per thread, 64-byte aligned */
    const struct ohm_step_plan *plans; /* [nstep] private: how each operator runs, its tables */
};
/* Chooses ranges, fuses Relu/Clip (ReLU6), plans storage. Fails naming the node or tensor: batch dimensions other than 1, layers without constant
 * weights, linear layers on spatial data, a network output that is also read inside, a range that is not finite, a tensor never observed. */
int ohm_quantize(const struct ohm_network *folded, const struct ohm_ranges *ranges, const struct ohm_quantize_options *options,
                 struct ohm_intnet **intnet);
/* The same with given quantisation parameters (from a saved file): quant [nvalue], as in an intnet of the same network. What stays real and what
 * has its input's scale is decided by the network again: the entries of such values are not read. */
int ohm_quantize_given(const struct ohm_network *folded, int32_t activation_bits, const struct ohm_quant *quant, struct ohm_intnet **intnet);
void ohm_intnet_free(struct ohm_intnet *intnet);

/* Bytes of one instance of a value as stored. */
size_t ohm_int_value_bytes(const struct ohm_intnet *intnet, int32_t value);
static inline size_t ohm_int_output_bytes(const struct ohm_intnet *intnet, int32_t layer) {
    return ohm_int_value_bytes(intnet, intnet->layers[layer].output);
}
/* Quantises one instance's network input: float data row-major [N,C,H,W] -> the input value's storage. */
void ohm_int_input(const struct ohm_intnet *intnet, const float *input, void *stored);
#define OHM_STEP_INPUTS 64 /* inputs of one operator at most */
/* Runs one step that is not a layer on one instance: in[i] = storage of the node's i-th input (NULL for constants), out = storage of step->output. */
int ohm_int_step(const struct ohm_intnet *intnet, const struct ohm_step *step, const void *const *in, void *out, void *scratch);
/* Back to real values, row-major as in the float network (for SQNR and tests). */
void ohm_int_dequantize(const struct ohm_intnet *intnet, int32_t value, const void *stored, float *real);

/* Input vectors of positions first .. first+count-1 of one instance: x [count][inputs] elements in row order (c, kh, kw); padding = zero point.
 * Plain. */
void ohm_layer_gather(const struct ohm_intnet *intnet, const struct ohm_layer *layer, const void *stored, int64_t first, int64_t count, void *x);
/* The same vectors in the order in which memory is copied fastest: (kh, kw, c) inside each group; (kh, kw) over all groups where every group has one
 * channel and one output ("interleaved"). Row i = group * krows + r of the weights is at places[i]. */
void ohm_layer_gather_taps(const struct ohm_intnet *intnet, const struct ohm_layer *layer, const void *stored, int64_t first, int64_t count, void *x);
/* Whether both would only copy: input vectors lie in storage in that very order, one after another. */
bool ohm_layer_gathered(const struct ohm_layer *layer);
bool ohm_layer_interleaved(const struct ohm_layer *layer);
int32_t *ohm_layer_places(const struct ohm_layer *layer); /* [groups * krows], malloc'ed; NULL with a recorded failure */

/* Trained networks have outputs whose weights have vanished beside a bias: their scale is at least this share of the layer's largest, so that the
 * bias stays a number of moderate size. Every design keeps to it. */
#define OHM_LEAST_SCALE_SHARE 0x1p-20F
/* Integer weights of a layer on some grid. */
struct ohm_weights {
    int32_t *w;   /* [groups][krows][ncols] */
    float *scale; /* [groups * ncols] */
};
struct ohm_weights *ohm_weights_new(const struct ohm_layer *layer); /* zeros; NULL with a recorded failure */
void ohm_weights_free(struct ohm_weights *weights);
/* Plain symmetric rounding to |w| <= limit (127 for 8-bit two's complement): scale = max|w| / limit per output or per layer, w = rint(weight /
 * scale), both in float. A per-output scale is never below 2^-20 of the layer's largest, so that an output with next to no weights keeps its bias; 1
 * where the whole layer is 0. */
void ohm_weights_uniform(const struct ohm_layer *layer, int32_t limit, bool per_channel, struct ohm_weights *weights);

/* y[p][n] = sum_r w[r][n] x[p][r], exact in int64: the definition, in plain loops. x [npos][inputs] elements of `element` bytes. */
void ohm_layer_product_plain(const struct ohm_layer *layer, const int32_t *w, int32_t element, int64_t npos, const void *x, int64_t *y);
/* The fast ones are in product.h. */

/* What turns sums into the next tensor. */
struct ohm_rescale {
    int32_t n;
    int64_t *offset;        /* [n] unit * (b[n] - zero_x * colsum[n]) */
    int64_t largest_offset; /* in magnitude */
    int32_t *narrow_offset; /* [n] the same as int32_t, where sum and offset fit together */
    float *multiplier;      /* [n] */
    int32_t zero, lo, hi;   /* of the output */
    bool real;              /* output is float */
    float real_lo, real_hi;
};
/* colsum [groups * ncols] = sums over the rows of w [groups][krows][ncols]. */
void ohm_layer_colsum(const struct ohm_layer *layer, const int32_t *w, int64_t *colsum);
/* scale, colsum [n]: the weights' scales, and the sums over the rows of the weights held. Memory from arena. */
int ohm_rescale_make(const struct ohm_intnet *intnet, const struct ohm_layer *layer, const float *scale, const int64_t *colsum, int32_t unit,
                     struct ohm_arena *arena, struct ohm_rescale *rescale);
/* y [npos][n] sums (without offset) -> out: positions first.. of the output's storage ([pos][n] uint8/uint16/float; a real output of rank 4 is
 * written in the row-major place). y is int64_t, or int32_t when narrow: then |sum| + largest_offset must not exceed INT32_MAX. */
void ohm_rescale_apply(const struct ohm_intnet *intnet, const struct ohm_layer *layer, const struct ohm_rescale *rescale, int64_t first, int64_t npos,
                       bool narrow, const void *y, void *stored);

/* The truth that everything faster is compared to: one instance through the whole integer network in plain loops, weights[nlayer] on whatever grid.
 * output: real, as ohm_float_forward's. Allocates; for tests and reference results. */
int ohm_int_forward(const struct ohm_intnet *intnet, const struct ohm_weights *const *weights, const float *input, float *output);

/* Five best classes by value, ties to the lower index; fewer than five classes leave -1. */
void ohm_top5(const float *logits, int32_t n, int32_t best[5]);

#endif
