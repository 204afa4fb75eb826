/* The whole integer network on one instance, in plain loops: what everything faster is compared with. And the ranking of its answers. */
#include "ohmtally/quantize.h"
#include "ohmtally/status.h"
#include <string.h>

/* One layer at once: all its input vectors, its sums, the next tensor. */
static int run_layer(const struct ohm_intnet *intnet, const struct ohm_layer *layer, const struct ohm_weights *weights, const void *in, void *out) {
    const int64_t positions = ohm_layer_positions(layer), inputs = ohm_layer_inputs(layer), outputs = ohm_layer_outputs(layer);
    struct ohm_arena *arena = ohm_arena_new();
    if (!arena) return OHM_E_MEMORY;
    void *x = ohm_arena_array(arena, (size_t)(positions * inputs), (size_t)intnet->element);
    int64_t *y = ohm_arena_array(arena, (size_t)(positions * outputs), sizeof *y);
    int64_t *colsum = ohm_arena_array(arena, (size_t)outputs, sizeof *colsum);
    struct ohm_rescale rescale;
    int status = x && y && colsum ? OHM_OK : OHM_E_MEMORY;
    if (!status) {
        ohm_layer_colsum(layer, weights->w, colsum);
        status = ohm_rescale_make(intnet, layer, weights->scale, colsum, 1, arena, &rescale);
    }
    if (!status) {
        ohm_layer_gather(intnet, layer, in, 0, positions, x);
        ohm_layer_product_plain(layer, weights->w, intnet->element, positions, x, y);
        ohm_rescale_apply(intnet, layer, &rescale, 0, positions, false, y, out);
    }
    ohm_arena_free(arena);
    return status;
}

static int run_step(const struct ohm_intnet *intnet, const struct ohm_weights *const *weights, const struct ohm_step *step, void *const *slots,
                    void *scratch) {
    const struct ohm_node *node = &intnet->network->nodes[step->node];
    const void *in[OHM_STEP_INPUTS] = {0};
    for (int32_t i = 0; i < node->ninput; i++) in[i] = intnet->slot[node->input[i]] < 0 ? NULL : slots[intnet->slot[node->input[i]]];
    void *out = slots[intnet->slot[step->output]];
    if (step->layer < 0) return ohm_int_step(intnet, step, in, out, scratch);
    return run_layer(intnet, &intnet->layers[step->layer], weights[step->layer], in[0], out);
}

int ohm_int_forward(const struct ohm_intnet *intnet, const struct ohm_weights *const *weights, const float *input, float *output) {
    struct ohm_arena *arena = ohm_arena_new();
    if (!arena) return OHM_E_MEMORY;
    void **slots = ohm_arena_array(arena, (size_t)intnet->nslot, sizeof *slots);
    void *scratch = ohm_arena_alloc(arena, (size_t)intnet->scratch_bytes);
    int status = slots && scratch ? OHM_OK : OHM_E_MEMORY;
    for (int32_t s = 0; !status && s < intnet->nslot; s++)
        if (!(slots[s] = ohm_arena_alloc(arena, (size_t)intnet->slot_bytes[s]))) status = OHM_E_MEMORY;
    if (!status) ohm_int_input(intnet, input, slots[intnet->slot[intnet->network->input]]);
    for (int32_t s = 0; !status && s < intnet->nstep; s++) status = run_step(intnet, weights, &intnet->steps[s], slots, scratch);
    if (!status) ohm_int_dequantize(intnet, intnet->network->output, slots[intnet->slot[intnet->network->output]], output);
    ohm_arena_free(arena);
    return status;
}

void ohm_top5(const float *logits, int32_t n, int32_t best[5]) {
    int32_t found = 0;
    for (int32_t c = 0; c < n; c++) {
        int32_t place = found;
        while (place > 0 && logits[c] > logits[best[place - 1]]) place--;
        if (place == 5) continue;
        if (found < 5) found++;
        memmove(&best[place + 1], &best[place], (size_t)(found - 1 - place) * sizeof *best);
        best[place] = c;
    }
    for (int32_t k = found; k < 5; k++) best[k] = -1;
}
