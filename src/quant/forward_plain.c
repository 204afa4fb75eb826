/* The integer network in plain loops, one instance: the truth that engines are compared to. */
#include "ohmtally/quantize.h"
#include "ohmtally/status.h"
#include <stdlib.h>
#include <string.h>

static int run_layer(const struct ohm_intnet *intnet, const struct ohm_layer *layer, const struct ohm_weights *weights, void **slots) {
    int64_t positions = ohm_layer_positions(layer), outputs = ohm_layer_outputs(layer);
    struct ohm_arena *arena = ohm_arena_new();
    struct ohm_rescale rescale;
    if (!arena) return OHM_E_MEMORY;
    void *x = ohm_arena_array(arena, (size_t)(positions * ohm_layer_inputs(layer)), (size_t)intnet->element);
    int64_t *y = ohm_arena_array(arena, (size_t)(positions * outputs), sizeof *y), *colsum = ohm_arena_array(arena, (size_t)outputs, sizeof *colsum);
    int status = x && y && colsum ? OHM_OK : OHM_E_MEMORY;
    for (int64_t i = 0; !status && i < (int64_t)layer->groups * layer->krows * layer->ncols; i++)
        colsum[i / ((int64_t)layer->krows * layer->ncols) * layer->ncols + i % layer->ncols] += weights->w[i];
    if (!status) status = ohm_rescale_make(intnet, layer, weights->scale, colsum, 1, arena, &rescale);
    if (!status) {
        ohm_layer_gather(intnet, layer, slots[intnet->slot[layer->input]], 0, positions, x);
        ohm_layer_product_plain(layer, weights->w, intnet->element, positions, x, y);
        ohm_rescale_apply(intnet, layer, &rescale, 0, positions, y, slots[intnet->slot[layer->output]]);
    }
    ohm_arena_free(arena);
    return status;
}

static int run_operator(const struct ohm_intnet *intnet, const struct ohm_step *step, void **slots, void *scratch) {
    const struct ohm_node *node = &intnet->network->nodes[step->node];
    const void *in[OHM_STEP_INPUTS];
    for (int32_t k = 0; k < node->ninput && k < OHM_STEP_INPUTS; k++)
        in[k] = intnet->slot[node->input[k]] < 0 ? NULL : slots[intnet->slot[node->input[k]]];
    return ohm_int_step(intnet, step, in, slots[intnet->slot[step->output]], scratch);
}

int ohm_int_forward(const struct ohm_intnet *intnet, const struct ohm_weights *const *weights, const float *input, float *output) {
    struct ohm_arena *arena = ohm_arena_new();
    void **slots = arena ? ohm_arena_array(arena, (size_t)intnet->nslot, sizeof *slots) : NULL, *scratch = NULL;
    int status = slots ? OHM_OK : OHM_E_MEMORY;
    for (int32_t s = 0; !status && s < intnet->nslot; s++)
        if (!(slots[s] = ohm_arena_alloc(arena, (size_t)intnet->slot_bytes[s]))) status = OHM_E_MEMORY;
    if (!status && !(scratch = ohm_arena_alloc(arena, (size_t)intnet->scratch_bytes))) status = OHM_E_MEMORY;
    if (!status) ohm_int_input(intnet, input, slots[intnet->slot[intnet->network->input]]);
    for (int32_t s = 0; !status && s < intnet->nstep; s++) {
        const struct ohm_step *step = &intnet->steps[s];
        status = step->layer >= 0 ? run_layer(intnet, &intnet->layers[step->layer], weights[step->layer], slots)
                                  : run_operator(intnet, step, slots, scratch);
    }
    if (!status) ohm_int_dequantize(intnet, intnet->network->output, slots[intnet->slot[intnet->network->output]], output);
    ohm_arena_free(arena);
    return status;
}
