/* The operators that networks spend time in, directly on channels-last codes: the same float operations in the same order as the general way. */
#include "plan.h"

struct plane { /* a pool's geometry */
    int64_t channels, in_h, in_w, out_h, out_w;
};
static struct plane plane_of(const struct native_call *call) {
    const struct ohm_shape *in = &call->intnet->network->values[call->node->input[0]].shape;
    const struct ohm_shape *out = &call->intnet->network->values[call->step->output].shape;
    return (struct plane){in->dim[1], in->dim[2], in->dim[3], out->dim[2], out->dim[3]};
}
static struct coder coder_in(const struct native_call *call, int32_t input) {
    return coder_of(&call->intnet->quant[call->node->input[input]]);
}
static struct coder coder_out(const struct native_call *call) {
    return coder_of(&call->intnet->quant[call->step->output]);
}
static int64_t count_out(const struct native_call *call) {
    return ohm_shape_count(&call->intnet->network->values[call->step->output].shape);
}

#define BODY "native_body.h"
#include "each_element.h"

void native_run(const struct native_call *call) {
    if (call->intnet->element == 1)
        run_u8(call);
    else
        run_u16(call);
}
