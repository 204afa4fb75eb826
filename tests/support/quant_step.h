/* One operator step of an integer network against its definition: dequantise -> float operator -> fused clamp -> quantise, bit for bit. */
#ifndef OHM_TEST_QUANT_STEP_H
#define OHM_TEST_QUANT_STEP_H
#include "net_random.h"
#include "ohmtally/float_forward.h"
#include "ohmtally/quantize.h"
#include "suite.h"
#include <math.h>

/* Random codes for one input, and what they stand for. */
static inline void *step_input(const struct ohm_intnet *intnet, int32_t value, uint64_t *state, struct ohm_arena *arena, float **real) {
    const int64_t count = ohm_shape_count(&intnet->network->values[value].shape);
    uint8_t *codes = ohm_arena_array(arena, (size_t)count, 2);
    const float levels = (float)(1U << intnet->quant[value].bits);
    for (int64_t i = 0; i < count; i++) {
        const uint32_t code = (uint32_t)((random_next(state) + 1.0F) * 0.5F * levels);
        if (intnet->element == 1)
            codes[i] = (uint8_t)code;
        else
            ((uint16_t *)(void *)codes)[i] = (uint16_t)code;
    }
    *real = ohm_arena_array(arena, (size_t)count, sizeof **real);
    ohm_int_dequantize(intnet, value, codes, *real);
    return codes;
}

static inline float step_expected(const struct ohm_quant *quant, float x, float lo, float hi) {
    x = fminf(fmaxf(x, lo), hi);
    if (!quant->bits) return x;
    const float q = fminf(fmaxf(rintf(x / quant->scale) + (float)quant->zero, 0), (float)((1 << quant->bits) - 1));
    return (q - (float)quant->zero) * quant->scale;
}

/* Number of elements that differ. All inputs must be quantised or constant. */
static inline int64_t step_differences(const struct ohm_intnet *intnet, const struct ohm_step *step, uint64_t *state) {
    const struct ohm_network *net = intnet->network;
    const struct ohm_node *node = &net->nodes[step->node];
    struct ohm_arena *arena = ohm_arena_new();
    const float *real[8];
    const void *stored[8] = {0};
    const int64_t count = ohm_shape_count(&net->values[step->output].shape);
    for (int32_t k = 0; k < node->ninput; k++) {
        float *copy = NULL;
        real[k] = net->values[node->input[k]].constant;
        if (real[k]) continue;
        stored[k] = step_input(intnet, node->input[k], state, arena, &copy);
        real[k] = copy;
    }
    float *expected = ohm_arena_array(arena, (size_t)count, sizeof *expected), *got = ohm_arena_array(arena, (size_t)count, sizeof *got);
    float *scratch = ohm_arena_array(arena, (size_t)ohm_float_op_scratch(net, node) + 16, sizeof *scratch);
    void *out = ohm_arena_array(arena, (size_t)count, sizeof(float)), *step_scratch = ohm_arena_alloc(arena, (size_t)intnet->scratch_bytes);
    CU_ASSERT_FATAL(!ohm_float_op(net, node, real, expected, scratch));
    CU_ASSERT_FATAL(!ohm_int_step(intnet, step, stored, out, step_scratch));
    ohm_int_dequantize(intnet, step->output, out, got);
    int64_t wrong = 0;
    for (int64_t i = 0; i < count; i++) wrong += got[i] != step_expected(&intnet->quant[step->output], expected[i], step->lo, step->hi);
    ohm_arena_free(arena);
    return wrong;
}

#endif
