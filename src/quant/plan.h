/* How each operator of the integer network runs. Private to the quant layer. */
#ifndef OHM_QUANT_PLAN_H
#define OHM_QUANT_PLAN_H
#include "element.h"

enum way {
    WAY_LAYER,   /* not run here */
    WAY_GENERAL, /* dequantise, ohm_float_op, requantise */
    WAY_COPY,    /* relabel that keeps the order of elements: nothing to do where input and output share storage */
    WAY_REORDER, /* relabel between channels-last and row-major */
    WAY_TABLE,   /* one element after the other: code -> code */
    WAY_BINARY,
    WAY_CONCAT, /* along channels: a table per input */
    WAY_MAX_POOL,
    WAY_AVERAGE
};
struct ohm_step_plan {
    enum way way;
    const void *const *table; /* [inputs] of [2^bits] codes in elements; concat: NULL for an input that is copied */
    struct ohm_window window; /* of the average: a mean over H and W is a window, too */
    bool count_padding;
};

/* Fills *plan for a step; tables from the intnet's arena. Needs intnet->quant and step->lo, hi. */
int plan_make(struct ohm_intnet *intnet, const struct ohm_step *step, struct ohm_step_plan *plan);
int64_t plan_scratch(const struct ohm_intnet *intnet, const struct ohm_step *step, const struct ohm_step_plan *plan); /* bytes */

/* Slots of all values (storage.c). Needs everything else of the intnet. */
int storage_plan(struct ohm_intnet *intnet);

/* Floats, row-major -> storage of a quantised value; the clamp is in real values, before rounding. And back (convert.c). */
void convert_quantize(const struct ohm_intnet *intnet, int32_t value, const float *real, float lo, float hi, void *stored);
void convert_dequantize(const struct ohm_intnet *intnet, int32_t value, const void *stored, float *real);
/* Elements of size bytes between [C][plane] and [plane][C]. */
void convert_transpose(const void *from, int64_t rows, int64_t columns, int32_t size, void *to);

/* The operators in native form (native.c): in[i] storage of input i. */
struct native_call {
    const struct ohm_intnet *intnet;
    const struct ohm_step *step;
    const struct ohm_step_plan *plan;
    const struct ohm_node *node;
    const void *const *in;
    void *out;
};
void native_run(const struct native_call *call);
#define AVERAGE_BLOCK 64 /* channels summed together */

#endif
