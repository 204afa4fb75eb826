/* Running the operators between the layers, and the ends of the network. */
#include "ohmtally/float_forward.h"
#include "ohmtally/status.h"
#include "plan.h"

static int64_t padded_floats(int64_t count) {
    return (count * (int64_t)sizeof(float) + 63) / 64 * 64;
}

static int64_t value_count(const struct ohm_intnet *intnet, int32_t value) {
    return ohm_shape_count(&intnet->network->values[value].shape);
}

int64_t plan_scratch(const struct ohm_intnet *intnet, const struct ohm_step *step, const struct ohm_step_plan *plan) {
    const struct ohm_node *node = &intnet->network->nodes[step->node];
    if (plan->way == WAY_REORDER) return value_count(intnet, step->output) * intnet->element;
    if (plan->way != WAY_GENERAL) return 0;
    int64_t bytes = padded_floats(value_count(intnet, step->output)) + padded_floats(ohm_float_op_scratch(intnet->network, node));
    for (int32_t i = 0; i < node->ninput; i++)
        if (intnet->quant[node->input[i]].bits) bytes += padded_floats(value_count(intnet, node->input[i]));
    return bytes;
}

static void clamp_all(float *x, int64_t count, float lo, float hi) {
    if (isinf(lo) && isinf(hi)) return;
    for (int64_t i = 0; i < count; i++) x[i] = clamp_real(x[i], lo, hi);
}

/* The definition of every operator: float on dequantised inputs. */
static int run_general(const struct ohm_intnet *intnet, const struct ohm_step *step, const void *const *in, void *out, void *scratch) {
    const struct ohm_node *node = &intnet->network->nodes[step->node];
    const float *real[OHM_STEP_INPUTS];
    uint8_t *room = scratch;
    for (int32_t i = 0; i < node->ninput; i++) {
        const int32_t value = node->input[i];
        real[i] = intnet->network->values[value].constant ? intnet->network->values[value].constant : in[i];
        if (!intnet->quant[value].bits) continue;
        float *copy = (float *)(void *)room;
        convert_dequantize(intnet, value, in[i], copy);
        real[i] = copy;
        room += padded_floats(value_count(intnet, value));
    }
    const bool quantized = intnet->quant[step->output].bits > 0;
    float *result = quantized ? (float *)(void *)room : out;
    room += padded_floats(value_count(intnet, step->output));
    int status = ohm_float_op(intnet->network, node, real, result, (float *)(void *)room);
    if (quantized)
        convert_quantize(intnet, step->output, result, step->lo, step->hi, out);
    else
        clamp_all(result, value_count(intnet, step->output), step->lo, step->hi);
    return status;
}

static void run_copy(const struct ohm_intnet *intnet, const struct ohm_step *step, const void *in, void *out) {
    if (in == out) return;
    memcpy(out, in, ohm_int_value_bytes(intnet, step->output));
}

static void run_reorder(const struct ohm_intnet *intnet, const struct ohm_step *step, const void *in, void *out, void *scratch) {
    const struct ohm_node *node = &intnet->network->nodes[step->node];
    const struct ohm_shape *from = &intnet->network->values[node->input[0]].shape, *to = &intnet->network->values[step->output].shape;
    const int64_t count = ohm_shape_count(to);
    const void *row_major = in;
    if (is_spatial(from)) {
        void *target = is_spatial(to) ? scratch : out;
        convert_transpose(in, count / from->dim[1], from->dim[1], intnet->element, target);
        row_major = target;
    }
    if (is_spatial(to)) convert_transpose(row_major, to->dim[1], count / to->dim[1], intnet->element, out);
}

int ohm_int_step(const struct ohm_intnet *intnet, const struct ohm_step *step, const void *const *in, void *out, void *scratch) {
    const struct ohm_step_plan *plan = &intnet->plans[step - intnet->steps];
    switch (plan->way) {
    case WAY_LAYER:
        return OHM_OK;
    case WAY_GENERAL:
        return run_general(intnet, step, in, out, scratch);
    case WAY_COPY:
        run_copy(intnet, step, in[0], out);
        return OHM_OK;
    case WAY_REORDER:
        run_reorder(intnet, step, in[0], out, scratch);
        return OHM_OK;
    default:
        native_run(
            &(struct native_call){.intnet = intnet, .step = step, .plan = plan, .node = &intnet->network->nodes[step->node], .in = in, .out = out});
        return OHM_OK;
    }
}

void ohm_int_input(const struct ohm_intnet *intnet, const float *input, void *stored) {
    convert_quantize(intnet, intnet->network->input, input, -INFINITY, INFINITY, stored);
}

void ohm_int_dequantize(const struct ohm_intnet *intnet, int32_t value, const void *stored, float *real) {
    if (intnet->quant[value].bits)
        convert_dequantize(intnet, value, stored, real);
    else
        memcpy(real, stored, (size_t)value_count(intnet, value) * sizeof *real);
}
