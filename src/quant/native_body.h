/* Included once per element size, with ELEMENT and NAME. */

static void NAME(run_table)(const struct native_call *call) {
    const ELEMENT *restrict x = call->in[0], *restrict table = call->plan->table[0];
    ELEMENT *restrict y = call->out;
    const int64_t count = count_out(call);
    for (int64_t i = 0; i < count; i++) y[i] = table[x[i]];
}

struct NAME(binary) {
    const ELEMENT *a, *b;
    struct coder coder_a, coder_b, coder_y;
    int64_t count;
    ELEMENT *y;
};
#define BINARY(verb, operator)                                                                                                                       \
    OHM_CLONES static void NAME(verb)(const struct NAME(binary) * call) {                                                                            \
        const struct NAME(binary) k = *call;                                                                                                         \
        const ELEMENT *restrict a = k.a, *restrict b = k.b;                                                                                          \
        ELEMENT *restrict y = k.y;                                                                                                                   \
        for (int64_t i = 0; i < k.count; i++)                                                                                                        \
            y[i] = (ELEMENT)coder_code(k.coder_y, coder_real(k.coder_a, a[i]) operator coder_real(k.coder_b, b[i]));                                 \
    }
BINARY(add, +)
BINARY(subtract, -)
BINARY(multiply, *)
#undef BINARY

static void NAME(run_binary)(const struct native_call *call) {
    const struct NAME(binary) binary = {.a = call->in[0],
                                        .b = call->in[1],
                                        .coder_a = coder_in(call, 0),
                                        .coder_b = coder_in(call, 1),
                                        .coder_y = coder_within(coder_out(call), call->step->lo, call->step->hi),
                                        .count = count_out(call),
                                        .y = call->out};
    if (call->node->op == OHM_OP_ADD)
        NAME(add)(&binary);
    else if (call->node->op == OHM_OP_SUB)
        NAME(subtract)(&binary);
    else
        NAME(multiply)(&binary);
}

static void NAME(run_concat)(const struct native_call *call) {
    const struct plane plane = plane_of(call);
    const int64_t positions = plane.out_h * plane.out_w, channels = count_out(call) / positions;
    ELEMENT *y = call->out;
    for (int32_t k = 0; k < call->node->ninput; k++) {
        const int64_t part = call->intnet->network->values[call->node->input[k]].shape.dim[1];
        const ELEMENT *restrict table = call->plan->table[k];
        for (int64_t p = 0; p < positions; p++) {
            const ELEMENT *restrict x = (const ELEMENT *)call->in[k] + p * part;
            ELEMENT *restrict to = y + p * channels;
            if (table)
                for (int64_t c = 0; c < part; c++) to[c] = table[x[c]];
            else
                memcpy(to, x, (size_t)part * sizeof *to);
        }
        y += part;
    }
}

OHM_CLONES
static void NAME(raise)(ELEMENT *restrict y, const ELEMENT *restrict x, int64_t count) {
    for (int64_t c = 0; c < count; c++) y[c] = x[c] > y[c] ? x[c] : y[c];
}

/* Padding never wins: it is not looked at. */
static void NAME(run_max_pool)(const struct native_call *call) {
    const struct plane plane = plane_of(call);
    const struct ohm_window *window = &call->plan->window;
    const ELEMENT *x = call->in[0];
    ELEMENT *y = call->out;
    for (int64_t p = 0; p < plane.out_h * plane.out_w; p++, y += plane.channels) {
        const int64_t top = p / plane.out_w * window->stride[0] - window->pad_before[0];
        const int64_t left = p % plane.out_w * window->stride[1] - window->pad_before[1];
        memset(y, 0, (size_t)plane.channels * sizeof *y);
        for (int32_t i = 0; i < window->kernel[0]; i++) {
            const int64_t row = top + i * window->dilation[0];
            if (row < 0 || row >= plane.in_h) continue;
            for (int32_t j = 0; j < window->kernel[1]; j++) {
                const int64_t column = left + j * window->dilation[1];
                if (column >= 0 && column < plane.in_w) NAME(raise)(y, x + (row * plane.in_w + column) * plane.channels, plane.channels);
            }
        }
    }
}

/* sum[c] += real value of x[c]: each channel's sum grows tap by tap, in row-major order. */
OHM_CLONES
static void NAME(accumulate)(float *restrict sum, const ELEMENT *restrict x, int64_t count, struct coder coder) {
    for (int64_t c = 0; c < count; c++) sum[c] += coder_real(coder, x[c]);
}

OHM_CLONES
static void NAME(divide)(const float *restrict sum, float taps, int64_t count, struct coder coder, float lo, float hi, ELEMENT *restrict y) {
    for (int64_t c = 0; c < count; c++) y[c] = (ELEMENT)coder_code(coder, clamp_real(taps > 0 ? sum[c] / taps : 0, lo, hi));
}

/* One output position, channels first .. first + count - 1. */
static void NAME(average_at)(const struct native_call *call, const struct plane *plane, int64_t p, int64_t first, int64_t count) {
    const struct ohm_window *window = &call->plan->window;
    const ELEMENT *x = (const ELEMENT *)call->in[0] + first;
    float sum[AVERAGE_BLOCK] = {0};
    const int64_t top = p / plane->out_w * window->stride[0] - window->pad_before[0];
    const int64_t left = p % plane->out_w * window->stride[1] - window->pad_before[1];
    int64_t rows = 0, columns = 0, inside = 0; /* taps within the padded input; within the input */
    for (int32_t j = 0; j < window->kernel[1]; j++) columns += left + j * window->dilation[1] < plane->in_w + window->pad_after[1];
    for (int32_t i = 0; i < window->kernel[0]; i++) {
        const int64_t row = top + i * window->dilation[0];
        rows += row < plane->in_h + window->pad_after[0];
        if (row < 0 || row >= plane->in_h) continue;
        for (int32_t j = 0; j < window->kernel[1]; j++) {
            const int64_t column = left + j * window->dilation[1];
            if (column < 0 || column >= plane->in_w) continue;
            inside++;
            NAME(accumulate)(sum, x + (row * plane->in_w + column) * plane->channels, count, coder_in(call, 0));
        }
    }
    const float taps = (float)(call->plan->count_padding ? rows * columns : inside);
    NAME(divide)(sum, taps, count, coder_out(call), call->step->lo, call->step->hi, (ELEMENT *)call->out + p * plane->channels + first);
}

static void NAME(run_average)(const struct native_call *call) {
    const struct plane plane = plane_of(call);
    for (int64_t p = 0; p < plane.out_h * plane.out_w; p++)
        for (int64_t first = 0; first < plane.channels; first += AVERAGE_BLOCK) {
            const int64_t rest = plane.channels - first;
            NAME(average_at)(call, &plane, p, first, rest < AVERAGE_BLOCK ? rest : AVERAGE_BLOCK);
        }
}

static void NAME(run)(const struct native_call *call) {
    switch (call->plan->way) {
    case WAY_TABLE:
        NAME(run_table)(call);
        break;
    case WAY_BINARY:
        NAME(run_binary)(call);
        break;
    case WAY_CONCAT:
        NAME(run_concat)(call);
        break;
    case WAY_MAX_POOL:
        NAME(run_max_pool)(call);
        break;
    case WAY_AVERAGE:
        NAME(run_average)(call);
        break;
    default:
        break; /* not native: step.c */
    }
}
