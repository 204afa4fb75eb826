/* What each step of a network takes, to cut it into stages that take equally long. */
#include "grid.h"
#include <string.h>

/* In units of a multiply-add of an integer product: of bringing an input into a vector, of an output, of an element of any other operator. */
#define COST_INPUT 4
#define COST_OUTPUT 20
#define COST_ELEMENT 60

static int64_t predicted(const struct ohm_intnet *intnet, const struct ohm_step *step) {
    if (step->layer < 0) return COST_ELEMENT * ohm_shape_count(&intnet->network->values[step->output].shape);
    const struct ohm_layer *layer = &intnet->layers[step->layer];
    const int64_t inputs = ohm_layer_inputs(layer), outputs = ohm_layer_outputs(layer);
    return ohm_layer_positions(layer) * (inputs * layer->ncols + COST_INPUT * inputs + COST_OUTPUT * outputs);
}

int grid_costs(struct study *study, const struct point *point, int64_t *cost) {
    const struct ohm_intnet *intnet = study->content.intnet;
    for (int32_t s = 0; s < intnet->nstep; s++) cost[s] = predicted(intnet, &intnet->steps[s]);
    return OHM_OK;
}
