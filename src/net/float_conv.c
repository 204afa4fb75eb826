/* Convolution and linear layers: im2col in strips of output rows + sgemm; depth-wise ones directly. */
#include "float_op.h"
#include "ohmtally/blas.h"
#include <cblas.h>
#include <string.h>

#define STRIP_FLOATS ((int64_t)1 << 19) /* im2col matrix of about 2 MB: stays in the second-level cache while sgemm reads it */

struct conv { /* one convolution, dimensions as numbers */
    int64_t groups, batch;
    int64_t channels, height, width; /* input channels of one group */
    int64_t outputs, rows, columns;  /* output channels of one group */
    int64_t depth;                   /* channels * kh * kw: length of one dot product */
    const struct ohm_window *window;
};

static struct conv conv_of(const struct ohm_network *network, const struct ohm_node *node) {
    const struct ohm_shape *x = &network->values[node->input[0]].shape, *y = &network->values[node->output].shape;
    const struct ohm_window *window = &node->window;
    struct conv conv = {.groups = node->groups,
                        .batch = x->dim[0],
                        .height = x->dim[2],
                        .width = x->dim[3],
                        .rows = y->dim[2],
                        .columns = y->dim[3],
                        .window = window};
    conv.channels = x->dim[1] / node->groups;
    conv.outputs = y->dim[1] / node->groups;
    conv.depth = conv.channels * window->kernel[0] * window->kernel[1];
    return conv;
}

/* 1 x 1 with stride 1 and no padding: the input is the matrix. */
static bool conv_is_plain(const struct conv *conv) {
    const struct ohm_window *w = conv->window;
    for (int axis = 0; axis < 2; axis++)
        if (w->kernel[axis] != 1 || w->stride[axis] != 1 || w->pad_before[axis] || w->pad_after[axis]) return false;
    return true;
}

static bool conv_is_depthwise(const struct conv *conv) {
    return conv->channels == 1 && conv->groups > 1;
}

/* Output rows per strip. */
static int64_t conv_strip(const struct conv *conv) {
    int64_t rows = STRIP_FLOATS / (conv->depth * conv->columns);
    return rows < 1 ? 1 : rows > conv->rows ? conv->rows : rows;
}

int64_t float_conv_scratch(const struct ohm_network *network, const struct ohm_node *node) {
    struct conv conv = conv_of(network, node);
    if (conv_is_plain(&conv) || conv_is_depthwise(&conv)) return 0;
    return conv_strip(&conv) * conv.columns * conv.depth;
}

/* Output columns [*first, *end) whose tap at kernel column kx lies inside the input. */
static void valid_columns(const struct conv *conv, int64_t kx, int64_t *first, int64_t *end) {
    const struct ohm_window *w = conv->window;
    int64_t offset = kx * w->dilation[1] - w->pad_before[1], stride = w->stride[1];
    *first = offset < 0 ? (-offset + stride - 1) / stride : 0;
    *end = conv->width > offset ? (conv->width - offset + stride - 1) / stride : 0;
    if (*end > conv->columns) *end = conv->columns;
    if (*first > *end) *first = *end;
}

/* One row of the im2col matrix for one output row: line[columns] = x[offset + column * stride], 0 outside. */
static void gather_line(const float *x, int64_t offset, int64_t stride, int64_t first, int64_t end, int64_t columns, float *line) {
    for (int64_t i = 0; i < first; i++) line[i] = 0;
    if (stride == 1)
        memcpy(line + first, x + first + offset, (size_t)(end - first) * sizeof *line);
    else
        for (int64_t i = first; i < end; i++) line[i] = x[i * stride + offset];
    for (int64_t i = end; i < columns; i++) line[i] = 0;
}

/* matrix [depth][rows of the strip * columns] from x [channels][height][width] */
static void im2col(const struct conv *conv, const float *x, int64_t first_row, int64_t end_row, float *matrix) {
    const struct ohm_window *w = conv->window;
    for (int64_t c = 0; c < conv->channels; c++, x += conv->height * conv->width)
        for (int64_t ky = 0; ky < w->kernel[0]; ky++)
            for (int64_t kx = 0; kx < w->kernel[1]; kx++) {
                int64_t first, end, offset = kx * w->dilation[1] - w->pad_before[1];
                valid_columns(conv, kx, &first, &end);
                for (int64_t row = first_row; row < end_row; row++, matrix += conv->columns) {
                    int64_t iy = row * w->stride[0] + ky * w->dilation[0] - w->pad_before[0];
                    if (iy < 0 || iy >= conv->height || first == end)
                        memset(matrix, 0, (size_t)conv->columns * sizeof *matrix);
                    else
                        gather_line(x + iy * conv->width, offset, w->stride[1], first, end, conv->columns, matrix);
                }
            }
}

static void bias_fill(float *y, const float *bias, int64_t outputs, int64_t positions) {
    for (int64_t m = 0; m < outputs; m++)
        for (int64_t p = 0; p < positions; p++) y[m * positions + p] = bias ? bias[m] : 0;
}

/* y [outputs][positions] += w [outputs][depth] x */
static void conv_group(const struct conv *conv, const float *x, const float *w, float *y, float *scratch) {
    int64_t positions = conv->rows * conv->columns, strip = conv_is_plain(conv) ? conv->rows : conv_strip(conv);
    for (int64_t row = 0; row < conv->rows; row += strip) {
        int64_t end = row + strip < conv->rows ? row + strip : conv->rows, count = (end - row) * conv->columns;
        const float *matrix = x;
        if (!conv_is_plain(conv)) {
            im2col(conv, x, row, end, scratch);
            matrix = scratch;
        }
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)conv->outputs, (int)count, (int)conv->depth, 1.0F, w, (int)conv->depth, matrix,
                    (int)count, 1.0F, y + row * conv->columns, (int)positions);
    }
}

/* One output row of one depth-wise channel: y[columns] += taps of x; the inner loops run over columns, so they vectorise. */
static void depthwise_row(const struct conv *conv, const float *x, const float *w, int64_t row, float *restrict y) {
    const struct ohm_window *window = conv->window;
    for (int64_t ky = 0; ky < window->kernel[0]; ky++) {
        int64_t iy = row * window->stride[0] + ky * window->dilation[0] - window->pad_before[0];
        if (iy < 0 || iy >= conv->height) continue;
        for (int64_t kx = 0; kx < window->kernel[1]; kx++) {
            const float weight = w[ky * window->kernel[1] + kx];
            const int64_t stride = window->stride[1], offset = iy * conv->width + kx * window->dilation[1] - window->pad_before[1];
            int64_t first, end;
            valid_columns(conv, kx, &first, &end);
            if (stride == 1)
                for (int64_t i = first; i < end; i++) y[i] += weight * x[i + offset];
            else if (stride == 2)
                for (int64_t i = first; i < end; i++) y[i] += weight * x[2 * i + offset];
            else
                for (int64_t i = first; i < end; i++) y[i] += weight * x[stride * i + offset];
        }
    }
}

void float_conv(const struct float_call *call) {
    struct conv conv = conv_of(call->network, call->node);
    const int64_t positions = conv.rows * conv.columns, plane = conv.height * conv.width;
    const float *x = call->in[0], *bias = call->node->ninput > 2 ? call->in[2] : NULL;
    float *y = call->out;
    ohm_blas_single();
    for (int64_t n = 0; n < conv.batch; n++)
        for (int64_t g = 0; g < conv.groups; g++, x += conv.channels * plane, y += conv.outputs * positions) {
            const float *w = call->in[1] + g * conv.outputs * conv.depth;
            bias_fill(y, bias ? bias + g * conv.outputs : NULL, conv.outputs, positions);
            if (!conv_is_depthwise(&conv)) {
                conv_group(&conv, x, w, y, call->scratch);
                continue;
            }
            for (int64_t m = 0; m < conv.outputs; m++)
                for (int64_t row = 0; row < conv.rows; row++)
                    depthwise_row(&conv, x, w + m * conv.depth, row, y + m * positions + row * conv.columns);
        }
}

/* y [R][N] = x [R][K] w[N][K]' + b */
void float_linear(const struct float_call *call) {
    const struct ohm_shape *w = float_in_shape(call, 1);
    const int64_t outputs = w->dim[0], depth = w->dim[1], rows = ohm_shape_count(float_in_shape(call, 0)) / depth;
    float *y = call->out;
    ohm_blas_single();
    for (int64_t r = 0; r < rows; r++)
        for (int64_t n = 0; n < outputs; n++) y[r * outputs + n] = call->node->ninput > 2 ? call->in[2][n] : 0;
    if (rows == 1)
        cblas_sgemv(CblasRowMajor, CblasNoTrans, (int)outputs, (int)depth, 1.0F, call->in[1], (int)depth, call->in[0], 1, 1.0F, y, 1);
    else
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)rows, (int)outputs, (int)depth, 1.0F, call->in[0], (int)depth, call->in[1],
                    (int)depth, 1.0F, y, (int)outputs);
}
