/* Max and average pooling over the windows of each channel plane. */
#include "float_op.h"
#include <float.h>

struct span { /* taps of one window along one axis that lie inside the input: first, first + step, ... below end */
    int64_t first, end, step;
    int64_t padded; /* taps inside the input or its explicit padding */
};

static struct span span_of(const struct ohm_window *window, int axis, int64_t position, int64_t length) {
    const int64_t start = position * window->stride[axis] - window->pad_before[axis], step = window->dilation[axis];
    const int64_t stop = start + window->kernel[axis] * step, limit = length + window->pad_after[axis];
    struct span span = {.first = start < 0 ? start + (-start + step - 1) / step * step : start, .end = stop < length ? stop : length, .step = step};
    span.padded = ((stop < limit ? stop : limit) - start + step - 1) / step;
    return span;
}

static int64_t span_count(struct span span) {
    return span.end > span.first ? (span.end - span.first + span.step - 1) / span.step : 0;
}

static float window_max(const float *x, int64_t width, struct span rows, struct span columns) {
    float best = -FLT_MAX;
    for (int64_t i = rows.first; i < rows.end; i += rows.step)
        for (int64_t j = columns.first; j < columns.end; j += columns.step)
            if (x[i * width + j] > best) best = x[i * width + j];
    return best;
}

static float window_sum(const float *x, int64_t width, struct span rows, struct span columns) {
    float sum = 0;
    for (int64_t i = rows.first; i < rows.end; i += rows.step)
        for (int64_t j = columns.first; j < columns.end; j += columns.step) sum += x[i * width + j];
    return sum;
}

void float_max_pool(const struct float_call *call) {
    const struct ohm_shape *in = float_in_shape(call, 0), *out = float_out_shape(call);
    const int64_t height = in->dim[2], width = in->dim[3], planes = (int64_t)in->dim[0] * in->dim[1];
    const float *x = call->in[0];
    float *y = call->out;
    for (int64_t plane = 0; plane < planes; plane++, x += height * width)
        for (int64_t i = 0; i < out->dim[2]; i++) {
            struct span rows = span_of(&call->node->window, 0, i, height);
            for (int64_t j = 0; j < out->dim[3]; j++) *y++ = window_max(x, width, rows, span_of(&call->node->window, 1, j, width));
        }
}

/* Divides by the taps inside the input, or (count_include_pad) inside the padded input; ceil_mode's overhang never counts. */
void float_average_pool(const struct float_call *call) {
    const struct ohm_shape *in = float_in_shape(call, 0), *out = float_out_shape(call);
    const int64_t height = in->dim[2], width = in->dim[3], planes = (int64_t)in->dim[0] * in->dim[1];
    const float *x = call->in[0];
    float *y = call->out;
    for (int64_t plane = 0; plane < planes; plane++, x += height * width)
        for (int64_t i = 0; i < out->dim[2]; i++) {
            struct span rows = span_of(&call->node->window, 0, i, height);
            for (int64_t j = 0; j < out->dim[3]; j++) {
                struct span columns = span_of(&call->node->window, 1, j, width);
                int64_t taps = call->node->count_include_pad ? rows.padded * columns.padded : span_count(rows) * span_count(columns);
                *y++ = taps ? window_sum(x, width, rows, columns) / (float)taps : 0;
            }
        }
}
