/* Gemm, MatMul and BatchNormalization: their constants are brought into the network's layout here, computed in double, rounded once. */
#include "onnx_reader.h"
#include <math.h>

/* w[N][K] = scale * b, where b is [K][N] or (transposed) [N][K]; shares b's data when nothing changes. */
static int linear_weights(const struct onnx_call *call, const struct onnx_tensor *b, bool transposed, float scale, struct onnx_tensor *w) {
    const int32_t n = b->shape.dim[transposed ? 0 : 1], k = b->shape.dim[transposed ? 1 : 0];
    const struct ohm_shape shape = {.rank = 2, .dim = {n, k}};
    *w = onnx_floats(b->name, shape, b->floats);
    if (transposed && scale == 1) return OHM_OK;
    float *data = ohm_arena_array(call->reader->network->arena, (size_t)n * (size_t)k, sizeof *data);
    if (!data) return OHM_E_MEMORY;
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < k; j++) data[i * k + j] = (float)((double)scale * b->floats[transposed ? i * k + j : j * n + i]);
    w->floats = data;
    return OHM_OK;
}

/* Whether a constant C of Gemm adds the same to every row; then *bias is beta * C for n outputs. */
static int linear_bias(const struct onnx_call *call, const struct onnx_tensor *c, float beta, int32_t n, bool *is_bias, struct onnx_tensor *bias) {
    const int32_t rank = c->shape.rank, last = rank ? c->shape.dim[rank - 1] : 1;
    *is_bias = ohm_shape_count(&c->shape) == last && (last == 1 || last == n);
    if (!*is_bias) return OHM_OK;
    const struct ohm_shape shape = {.rank = 1, .dim = {n}};
    float *data = ohm_arena_array(call->reader->network->arena, (size_t)n, sizeof *data);
    if (!data) return OHM_E_MEMORY;
    for (int32_t i = 0; i < n; i++) data[i] = (float)((double)beta * c->floats[last == 1 ? 0 : i]);
    *bias = onnx_floats(c->name, shape, data);
    return OHM_OK;
}

/* y = product + beta * c for a C that is no bias: its own nodes. */
static int add_matrix(struct onnx_call *call, struct onnx_tensor *product, struct onnx_tensor *c, float beta) {
    const struct ohm_node add = ohm_node_of(OHM_OP_ADD), mul = ohm_node_of(OHM_OP_MUL);
    struct onnx_tensor scaled, scale;
    if (beta != 1) {
        float *factor = ohm_arena_array(call->reader->network->arena, 1, sizeof *factor);
        if (!factor) return OHM_E_MEMORY;
        *factor = beta;
        OHM_TRY(onnx_part(call, "scaled", &scaled));
        OHM_TRY(onnx_part(call, "beta", &scale));
        scale.kind = ONNX_FLOATS;
        scale.floats = factor;
        struct onnx_tensor *in[2] = {c, &scale};
        OHM_TRY(onnx_emit(call, &mul, in, 2, &scaled));
        c = &scaled;
    }
    struct onnx_tensor *in[2] = {product, c};
    return onnx_emit(call, &add, in, 2, call->out);
}

int onnx_convert_Gemm(struct onnx_call *call) {
    struct onnx_tensor *a, *b, *c = NULL, flipped, w, bias;
    int64_t trans_a, trans_b;
    float alpha, beta;
    bool is_bias = false;
    const struct ohm_node linear = ohm_node_of(OHM_OP_LINEAR);
    OHM_TRY(onnx_need(call, 0, "A", &a));
    OHM_TRY(onnx_need_floats(call, 1, "B", &b));
    if (onnx_has(call, 2)) c = call->in[2];
    OHM_TRY(onnx_attribute_integer(call, "transA", 0, &trans_a));
    OHM_TRY(onnx_attribute_integer(call, "transB", 0, &trans_b));
    OHM_TRY(onnx_attribute_float(call, "alpha", 1, &alpha));
    OHM_TRY(onnx_attribute_float(call, "beta", 1, &beta));
    if (a->shape.rank != 2 || b->shape.rank != 2) return onnx_call_fail(call, OHM_E_INPUT, "A and B must have two dimensions");
    if (trans_a) {
        OHM_TRY(onnx_part(call, "A", &flipped));
        OHM_TRY(onnx_permute(call, a, (const int32_t[]){1, 0}, &flipped));
        a = &flipped;
    }
    OHM_TRY(linear_weights(call, b, trans_b != 0, alpha, &w));
    if (c && c->kind == ONNX_FLOATS) OHM_TRY(linear_bias(call, c, beta, w.shape.dim[0], &is_bias, &bias));
    struct onnx_tensor *in[3] = {a, &w, &bias};
    if (!c || is_bias) return onnx_emit(call, &linear, in, is_bias ? 3 : 2, call->out);
    struct onnx_tensor product;
    OHM_TRY(onnx_part(call, "product", &product));
    OHM_TRY(onnx_emit(call, &linear, in, 2, &product));
    return add_matrix(call, &product, c, beta);
}

int onnx_convert_MatMul(struct onnx_call *call) {
    struct onnx_tensor *a, *b, w;
    const struct ohm_node linear = ohm_node_of(OHM_OP_LINEAR);
    OHM_TRY(onnx_need(call, 0, "A", &a));
    OHM_TRY(onnx_need_floats(call, 1, "B", &b));
    struct onnx_tensor matrix = *b; /* K x N, or K as K x 1 */
    if (b->shape.rank == 1) matrix.shape = (struct ohm_shape){.rank = 2, .dim = {b->shape.dim[0], 1}};
    if (matrix.shape.rank != 2 || a->shape.rank < 1)
        return onnx_call_fail(call, OHM_E_UNSUPPORTED, "B has %d dimensions; a matrix or a vector is supported", b->shape.rank);
    OHM_TRY(linear_weights(call, &matrix, false, 1, &w));
    struct onnx_tensor *in[2] = {a, &w};
    if (b->shape.rank == 2) return onnx_emit(call, &linear, in, 2, call->out);
    struct onnx_tensor product;
    OHM_TRY(onnx_part(call, "product", &product));
    OHM_TRY(onnx_emit(call, &linear, in, 2, &product));
    struct ohm_shape shape = product.shape;
    shape.rank--; /* a vector on the right leaves no column dimension */
    return onnx_relabel(call, &product, &shape, call->out);
}

int onnx_convert_BatchNormalization(struct onnx_call *call) {
    static const char *const what[] = {"data", "scale", "B", "mean", "var"};
    struct onnx_tensor *x, *t[5];
    float epsilon;
    int64_t training, spatial;
    OHM_TRY(onnx_need(call, 0, what[0], &x));
    for (int32_t k = 1; k < 5; k++) {
        OHM_TRY(onnx_need_floats(call, k, what[k], &t[k]));
        if (t[k]->shape.rank != 1 || t[k]->shape.dim[0] != t[1]->shape.dim[0])
            return onnx_call_fail(call, OHM_E_INPUT, "scale, B, mean and var must be vectors of one length");
    }
    OHM_TRY(onnx_attribute_float(call, "epsilon", 1e-5F, &epsilon));
    OHM_TRY(onnx_attribute_integer(call, "training_mode", 0, &training));
    OHM_TRY(onnx_attribute_integer(call, "spatial", 1, &spatial));
    if (training || !spatial) return onnx_call_fail(call, OHM_E_UNSUPPORTED, "only inference with one scale per channel is supported");
    const int32_t channels = t[1]->shape.dim[0];
    float *scale = ohm_arena_array(call->reader->network->arena, (size_t)channels, sizeof *scale);
    float *shift = ohm_arena_array(call->reader->network->arena, (size_t)channels, sizeof *shift);
    struct onnx_tensor a = onnx_floats(t[1]->name, t[1]->shape, scale), b = onnx_floats(t[2]->name, t[1]->shape, shift);
    if (!scale || !shift) return OHM_E_MEMORY;
    for (int32_t c = 0; c < channels; c++) {
        const double factor = t[1]->floats[c] / sqrt((double)t[4]->floats[c] + epsilon);
        scale[c] = (float)factor;
        shift[c] = (float)(t[2]->floats[c] - t[3]->floats[c] * factor);
    }
    struct onnx_tensor *in[3] = {x, &a, &b};
    const struct ohm_node node = ohm_node_of(OHM_OP_AFFINE);
    return onnx_emit(call, &node, in, 3, call->out);
}
