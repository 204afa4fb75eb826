/* Operators between matrix layers on quantised values, one instance at a time. */
#include "clones.h"
#include "ohmtally/float_forward.h"
#include "ohmtally/quantize.h"
#include "ohmtally/status.h"
#include <math.h>
#include <string.h>

static float code_at(const struct ohm_intnet *intnet, const void *stored, size_t i) {
    return intnet->element == 1 ? (float)((const uint8_t *)stored)[i] : (float)((const uint16_t *)stored)[i];
}

static void code_put(const struct ohm_intnet *intnet, void *stored, size_t i, float code) {
    if (intnet->element == 1)
        ((uint8_t *)stored)[i] = (uint8_t)code;
    else
        ((uint16_t *)stored)[i] = (uint16_t)code;
}

/* Place in storage of element i of the row-major tensor: rank 4 is kept channels last. */
struct layout {
    size_t channels, area;
};
static struct layout layout_of(const struct ohm_intnet *intnet, int32_t value) {
    const struct ohm_shape *shape = &intnet->network->values[value].shape;
    if (shape->rank != 4) return (struct layout){1, (size_t)ohm_shape_count(shape)};
    return (struct layout){(size_t)shape->dim[1], (size_t)shape->dim[2] * (size_t)shape->dim[3]};
}

static float quantised(float real, const struct ohm_quant *quant) {
    float q = rintf(real / quant->scale) + (float)quant->zero, top = (float)((1 << quant->bits) - 1);
    q = q > 0 ? q : 0;
    return q < top ? q : top;
}

void ohm_int_input(const struct ohm_intnet *intnet, const float *input, void *stored) {
    int32_t value = intnet->network->input;
    struct layout at = layout_of(intnet, value);
    for (size_t c = 0; c < at.channels; c++)
        for (size_t i = 0; i < at.area; i++) code_put(intnet, stored, i * at.channels + c, quantised(input[c * at.area + i], &intnet->quant[value]));
}

void ohm_int_dequantize(const struct ohm_intnet *intnet, int32_t value, const void *stored, float *real) {
    const struct ohm_quant *quant = &intnet->quant[value];
    struct layout at = layout_of(intnet, value);
    if (!quant->bits) {
        memcpy(real, stored, at.channels * at.area * sizeof *real);
        return;
    }
    for (size_t c = 0; c < at.channels; c++)
        for (size_t i = 0; i < at.area; i++)
            real[c * at.area + i] = (code_at(intnet, stored, i * at.channels + c) - (float)quant->zero) * quant->scale;
}

/* Real values, row-major -> storage of a step's output, through the fused activation. */
static void store_real(const struct ohm_intnet *intnet, const struct ohm_step *step, const float *real, void *stored) {
    const struct ohm_quant *quant = &intnet->quant[step->output];
    struct layout at = layout_of(intnet, step->output);
    for (size_t c = 0; c < at.channels; c++)
        for (size_t i = 0; i < at.area; i++) {
            float x = real[c * at.area + i];
            x = x > step->lo ? x : step->lo;
            x = x < step->hi ? x : step->hi;
            if (quant->bits)
                code_put(intnet, stored, i * at.channels + c, quantised(x, quant));
            else
                ((float *)stored)[c * at.area + i] = x;
        }
}

/* The general path: to real values, the float operator, and back. */
static int general_step(const struct ohm_intnet *intnet, const struct ohm_step *step, const void *const *in, void *out, float *scratch) {
    const struct ohm_network *network = intnet->network;
    const struct ohm_node *node = &network->nodes[step->node];
    const float *real[OHM_STEP_INPUTS];
    if (node->ninput > OHM_STEP_INPUTS)
        return ohm_fail(OHM_E_UNSUPPORTED, "node '%s' (%s): %d inputs; at most %d are supported", node->name, node->onnx_op, node->ninput,
                        OHM_STEP_INPUTS);
    for (int32_t k = 0; k < node->ninput; k++) {
        const struct ohm_value *value = &network->values[node->input[k]];
        real[k] = value->constant;
        if (value->constant) continue;
        ohm_int_dequantize(intnet, node->input[k], in[k], scratch);
        real[k] = scratch;
        scratch += (ohm_shape_count(&value->shape) + 15) / 16 * 16;
    }
    float *result = scratch, *more = result + (ohm_shape_count(&network->values[node->output].shape) + 15) / 16 * 16;
    OHM_TRY(ohm_float_op(network, node, real, result, more));
    store_real(intnet, step, result, out);
    return OHM_OK;
}

/* Max pooling works on the codes: the scale is positive, so order is kept. Channels last: whole vectors at a time. */
#define DEFINE_MAX_POOL(type)                                                                                                                        \
    OHM_CLONES static void max_pool_##type(const struct ohm_shape *x, const struct ohm_shape *y, const struct ohm_window *w, const type *in,         \
                                           type *out) {                                                                                              \
        size_t channels = (size_t)x->dim[1];                                                                                                         \
        for (int32_t oh = 0; oh < y->dim[2]; oh++)                                                                                                   \
            for (int32_t ow = 0; ow < y->dim[3]; ow++, out += channels) {                                                                            \
                memset(out, 0, channels * sizeof *out);                                                                                              \
                for (int32_t i = 0; i < w->kernel[0]; i++)                                                                                           \
                    for (int32_t j = 0; j < w->kernel[1]; j++) {                                                                                     \
                        int32_t row = oh * w->stride[0] - w->pad_before[0] + i * w->dilation[0];                                                     \
                        int32_t column = ow * w->stride[1] - w->pad_before[1] + j * w->dilation[1];                                                  \
                        if (row < 0 || row >= x->dim[2] || column < 0 || column >= x->dim[3]) continue;                                              \
                        const type *from = in + ((size_t)row * (size_t)x->dim[3] + (size_t)column) * channels;                                       \
                        for (size_t c = 0; c < channels; c++) out[c] = from[c] > out[c] ? from[c] : out[c];                                          \
                    }                                                                                                                                \
            }                                                                                                                                        \
    }
DEFINE_MAX_POOL(uint8_t)
DEFINE_MAX_POOL(uint16_t)

/* Same-shape add, subtract, multiply: element by element in storage order, the arithmetic of the general path. */
OHM_CLONES static void elementwise(const struct ohm_intnet *intnet, const struct ohm_step *step, const void *const *in, void *out) {
    const struct ohm_node *node = &intnet->network->nodes[step->node];
    struct ohm_quant a = intnet->quant[node->input[0]], b = intnet->quant[node->input[1]], y = intnet->quant[step->output];
    size_t count = (size_t)ohm_shape_count(&intnet->network->values[node->output].shape);
    float az = (float)a.zero, bz = (float)b.zero, yz = (float)y.zero, top = (float)((1 << y.bits) - 1), lo = step->lo, hi = step->hi;
#define LOOP(type, expression)                                                                                                                       \
    for (size_t i = 0; i < count; i++) {                                                                                                             \
        float p = ((float)((const type *)in[0])[i] - az) * a.scale, q = ((float)((const type *)in[1])[i] - bz) * b.scale, x = (expression);          \
        x = x > lo ? x : lo;                                                                                                                         \
        x = x < hi ? x : hi;                                                                                                                         \
        x = rintf(x / y.scale) + yz;                                                                                                                 \
        x = x > 0 ? x : 0;                                                                                                                           \
        ((type *)out)[i] = (type)(int32_t)(x < top ? x : top);                                                                                       \
    }
#define BOTH(expression)                                                                                                                             \
    if (intnet->element == 1) {                                                                                                                      \
        LOOP(uint8_t, expression)                                                                                                                    \
    } else {                                                                                                                                         \
        LOOP(uint16_t, expression)                                                                                                                   \
    }
    if (node->op == OHM_OP_ADD) {
        BOTH(p + q)
    } else if (node->op == OHM_OP_SUB) {
        BOTH(p - q)
    } else {
        BOTH(p * q)
    }
#undef BOTH
#undef LOOP
}

static bool is_elementwise(const struct ohm_intnet *intnet, const struct ohm_step *step) {
    const struct ohm_node *node = &intnet->network->nodes[step->node];
    const struct ohm_value *values = intnet->network->values;
    if (node->op != OHM_OP_ADD && node->op != OHM_OP_SUB && node->op != OHM_OP_MUL) return false;
    if (values[node->input[0]].constant || values[node->input[1]].constant || !intnet->quant[step->output].bits) return false;
    return ohm_shape_equal(&values[node->input[0]].shape, &values[node->input[1]].shape);
}

/* The same row-major data under another shape: codes move only where the two layouts differ. */
static void relabel(const struct ohm_intnet *intnet, const struct ohm_step *step, const void *in, void *out) {
    int32_t input = intnet->network->nodes[step->node].input[0];
    struct layout from = layout_of(intnet, input), to = layout_of(intnet, step->output);
    size_t count = from.channels * from.area;
    for (size_t i = 0; i < count; i++) {
        size_t source = i % from.area * from.channels + i / from.area, target = i % to.area * to.channels + i / to.area;
        if (intnet->element == 1)
            ((uint8_t *)out)[target] = ((const uint8_t *)in)[source];
        else
            ((uint16_t *)out)[target] = ((const uint16_t *)in)[source];
    }
}

int ohm_int_step(const struct ohm_intnet *intnet, const struct ohm_step *step, const void *const *in, void *out, void *scratch) {
    const struct ohm_node *node = &intnet->network->nodes[step->node];
    const struct ohm_shape *x = &intnet->network->values[node->input[0]].shape, *y = &intnet->network->values[node->output].shape;
    bool quantised_both = intnet->quant[step->output].bits && intnet->quant[node->input[0]].bits;
    if (node->op == OHM_OP_MAX_POOL && quantised_both && x->rank == 4) {
        if (intnet->element == 1)
            max_pool_uint8_t(x, y, &node->window, in[0], out);
        else
            max_pool_uint16_t(x, y, &node->window, in[0], out);
        return OHM_OK;
    }
    if (node->op == OHM_OP_RELABEL && quantised_both) {
        relabel(intnet, step, in[0], out);
        return OHM_OK;
    }
    if (is_elementwise(intnet, step)) {
        elementwise(intnet, step, in, out);
        return OHM_OK;
    }
    return general_step(intnet, step, in, out, scratch);
}
