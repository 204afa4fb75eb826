/* Operators that walk over shapes: broadcasting, concatenation, means, padding, softmax, local response normalisation. */
#include "float_op.h"
#include <math.h>
#include <string.h>

/* Steps the index of the leading `rank` dimensions, last one fastest; the caller counts the steps. */
static void index_step(int32_t *index, const int32_t *dim, int32_t rank) {
    for (int32_t d = rank - 1; d >= 0; d--) {
        if (++index[d] < dim[d]) return;
        index[d] = 0;
    }
}

/* Element strides of a shape seen as `out` by broadcasting: 0 where a dimension is repeated. */
static void broadcast_strides(const struct ohm_shape *shape, const struct ohm_shape *out, int64_t stride[OHM_MAX_RANK]) {
    int64_t step = 1;
    for (int32_t d = out->rank - 1, s = shape->rank - 1; d >= 0; d--, s--) {
        stride[d] = s < 0 || shape->dim[s] == 1 ? 0 : step;
        if (s >= 0) step *= shape->dim[s];
    }
}

static int64_t index_offset(const int32_t *index, const int64_t *stride, int32_t rank) {
    int64_t offset = 0;
    for (int32_t d = 0; d < rank; d++) offset += index[d] * stride[d];
    return offset;
}

/* count results from a (step sa) and b (step sb), each step 0 or 1 */
static void binary_run(enum ohm_op op, const float *a, int64_t sa, const float *b, int64_t sb, float *y, int64_t count) {
    if (op == OHM_OP_ADD)
        for (int64_t i = 0; i < count; i++) y[i] = a[i * sa] + b[i * sb];
    else if (op == OHM_OP_SUB)
        for (int64_t i = 0; i < count; i++) y[i] = a[i * sa] - b[i * sb];
    else
        for (int64_t i = 0; i < count; i++) y[i] = a[i * sa] * b[i * sb];
}

void float_binary(const struct float_call *call) {
    const struct ohm_shape *out = float_out_shape(call), *a = float_in_shape(call, 0), *b = float_in_shape(call, 1);
    const enum ohm_op op = call->node->op;
    const int64_t count = ohm_shape_count(out);
    if (ohm_shape_equal(a, b)) {
        binary_run(op, call->in[0], 1, call->in[1], 1, call->out, count);
        return;
    }
    int64_t stride_a[OHM_MAX_RANK] = {0}, stride_b[OHM_MAX_RANK] = {0};
    broadcast_strides(a, out, stride_a);
    broadcast_strides(b, out, stride_b);
    const int32_t last = out->rank - 1; /* at least 0: two scalars are equal shapes */
    const int64_t run = out->dim[last];
    int32_t index[OHM_MAX_RANK] = {0};
    for (int64_t done = 0; done < count; done += run) {
        binary_run(op, call->in[0] + index_offset(index, stride_a, last), stride_a[last], call->in[1] + index_offset(index, stride_b, last),
                   stride_b[last], call->out + done, run);
        index_step(index, out->dim, last);
    }
}

void float_concat(const struct float_call *call) {
    const struct ohm_shape *out = float_out_shape(call);
    const int32_t axis = call->node->axis;
    int64_t outer = 1, inner = 1;
    for (int32_t d = 0; d < axis; d++) outer *= out->dim[d];
    for (int32_t d = axis + 1; d < out->rank; d++) inner *= out->dim[d];
    float *y = call->out;
    for (int64_t o = 0; o < outer; o++)
        for (int32_t k = 0; k < call->node->ninput; k++) {
            const int64_t piece = float_in_shape(call, k)->dim[axis] * inner;
            memcpy(y, call->in[k] + o * piece, (size_t)piece * sizeof *y);
            y += piece;
        }
}

/* Sums in row-major input order, then divides. The output is the input's shape with 1 in the averaged dimensions. */
void float_reduce_mean(const struct float_call *call) {
    const struct ohm_shape *in = float_in_shape(call, 0), *out = float_out_shape(call);
    const int64_t count = ohm_shape_count(in), results = ohm_shape_count(out);
    const float *x = call->in[0];
    float *y = call->out;
    int64_t stride[OHM_MAX_RANK] = {0};
    broadcast_strides(out, in, stride);
    const int32_t last = in->rank - 1;
    const int64_t run = in->rank ? in->dim[last] : 1;
    int32_t index[OHM_MAX_RANK] = {0};
    memset(y, 0, (size_t)results * sizeof *y);
    for (int64_t done = 0; done < count; done += run) {
        float *sum = y + index_offset(index, stride, last);
        if (in->rank && stride[last]) {
            for (int64_t i = 0; i < run; i++) sum[i] += x[done + i];
        } else {
            float total = *sum;
            for (int64_t i = 0; i < run; i++) total += x[done + i];
            *sum = total;
        }
        index_step(index, in->dim, last);
    }
    const float terms = (float)(count / results);
    for (int64_t i = 0; i < results; i++) y[i] /= terms;
}

void float_pad(const struct float_call *call) {
    const struct ohm_node *node = call->node;
    const struct ohm_shape *in = float_in_shape(call, 0), *out = float_out_shape(call);
    const int64_t count = ohm_shape_count(in), results = ohm_shape_count(out);
    for (int64_t i = 0; i < results; i++) call->out[i] = node->lo;
    int64_t stride[OHM_MAX_RANK], step = 1, origin = 0;
    for (int32_t d = out->rank - 1; d >= 0; d--) {
        stride[d] = step;
        origin += node->pad_before[d] * step;
        step *= out->dim[d];
    }
    const int32_t last = in->rank - 1;
    const int64_t run = in->rank ? in->dim[last] : 1;
    int32_t index[OHM_MAX_RANK] = {0};
    for (int64_t done = 0; done < count; done += run) {
        memcpy(call->out + origin + index_offset(index, stride, last), call->in[0] + done, (size_t)run * sizeof(float));
        index_step(index, in->dim, last);
    }
}

void float_softmax(const struct float_call *call) {
    const struct ohm_shape *shape = float_out_shape(call);
    int64_t outer = 1, length = 1, inner = 1;
    for (int32_t d = 0; d < shape->rank; d++) *(d < call->node->axis ? &outer : d < call->node->axis_end ? &length : &inner) *= shape->dim[d];
    for (int64_t o = 0; o < outer; o++)
        for (int64_t i = 0; i < inner; i++) {
            const float *x = call->in[0] + o * length * inner + i;
            float *y = call->out + o * length * inner + i, most = x[0], sum = 0;
            for (int64_t k = 1; k < length; k++) most = x[k * inner] > most ? x[k * inner] : most;
            for (int64_t k = 0; k < length; k++) sum += y[k * inner] = expf(x[k * inner] - most);
            for (int64_t k = 0; k < length; k++) y[k * inner] /= sum;
        }
}

/* y = x / (bias + alpha / size * sum of squares over `size` neighbouring channels) ^ beta */
void float_lrn(const struct float_call *call) {
    const struct ohm_node *node = call->node;
    const struct ohm_shape *shape = float_out_shape(call);
    const int64_t channels = shape->dim[1], inner = ohm_shape_count(shape) / shape->dim[0] / channels;
    const int64_t before = (node->size - 1) / 2, after = node->size - 1 - before;
    for (int64_t n = 0; n < shape->dim[0]; n++)
        for (int64_t c = 0; c < channels; c++) {
            const float *x = call->in[0] + n * channels * inner;
            float *y = call->out + (n * channels + c) * inner;
            int64_t first = c > before ? c - before : 0, end = c + after + 1 < channels ? c + after + 1 : channels;
            memset(y, 0, (size_t)inner * sizeof *y);
            for (int64_t k = first; k < end; k++)
                for (int64_t i = 0; i < inner; i++) y[i] += x[k * inner + i] * x[k * inner + i];
            for (int64_t i = 0; i < inner; i++) y[i] = x[c * inner + i] / powf(node->bias + node->alpha / (float)node->size * y[i], node->beta);
        }
}
