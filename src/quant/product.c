#include "ohmtally/quantize.h"
#include "ohmtally/status.h"
#include <cblas.h>
#include <stdlib.h>
#include <string.h>

extern void openblas_set_num_threads(int n) __attribute__((weak));

static int64_t input_value(int32_t element, const void *x, size_t place) {
    return element == 1 ? ((const uint8_t *)x)[place] : ((const uint16_t *)x)[place];
}

void ohm_layer_product_plain(const struct ohm_layer *layer, const int32_t *w, int32_t element, int64_t npos, const void *x, int64_t *y) {
    size_t groups = (size_t)layer->groups, krows = (size_t)layer->krows, ncols = (size_t)layer->ncols;
    for (size_t p = 0; p < (size_t)npos; p++)
        for (size_t g = 0; g < groups; g++)
            for (size_t n = 0; n < ncols; n++) {
                int64_t sum = 0;
                for (size_t r = 0; r < krows; r++) sum += input_value(element, x, (p * groups + g) * krows + r) * w[(g * krows + r) * ncols + n];
                y[(p * groups + g) * ncols + n] = sum;
            }
}

struct ohm_packed {
    double *real;   /* [groups][krows][ncols], NULL for narrow layers */
    int32_t *whole; /* the same as integers, for narrow layers */
};

/* One output per group: BLAS calls of a few numbers each would cost more than the arithmetic. */
static bool narrow(const struct ohm_layer *layer) {
    return layer->groups > 1 && layer->ncols <= 4;
}

struct ohm_packed *ohm_layer_pack(const struct ohm_layer *layer, const int32_t *w) {
    size_t count = (size_t)ohm_layer_inputs(layer) * (size_t)layer->ncols;
    struct ohm_packed *packed = ohm_alloc(sizeof *packed);
    if (!packed) return NULL;
    if (openblas_set_num_threads) openblas_set_num_threads(1);
    if (narrow(layer))
        packed->whole = ohm_alloc_array(count, sizeof *packed->whole);
    else
        packed->real = ohm_alloc_array(count, sizeof *packed->real);
    if (!packed->whole && !packed->real) {
        free(packed);
        return NULL;
    }
    if (packed->whole) memcpy(packed->whole, w, count * sizeof *w);
    for (size_t i = 0; packed->real && i < count; i++) packed->real[i] = w[i];
    return packed;
}

void ohm_layer_packed_free(struct ohm_packed *packed) {
    if (!packed) return;
    free(packed->real);
    free(packed->whole);
    free(packed);
}

size_t ohm_layer_product_scratch(const struct ohm_layer *layer, int64_t npos) {
    return narrow(layer) ? 64 : (size_t)npos * (size_t)(ohm_layer_inputs(layer) + ohm_layer_outputs(layer)) * sizeof(double);
}

void ohm_layer_product(const struct ohm_layer *layer, const struct ohm_packed *packed, int32_t element, int64_t npos, const void *x, int64_t *y,
                       void *scratch) {
    int inputs = ohm_layer_inputs(layer), outputs = ohm_layer_outputs(layer);
    if (packed->whole) {
        ohm_layer_product_plain(layer, packed->whole, element, npos, x, y);
        return;
    }
    double *real = scratch, *sums = real + (size_t)npos * (size_t)inputs;
    for (size_t i = 0; i < (size_t)npos * (size_t)inputs; i++) real[i] = element == 1 ? ((const uint8_t *)x)[i] : ((const uint16_t *)x)[i];
    for (int g = 0; g < layer->groups; g++)
        cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)npos, layer->ncols, layer->krows, 1.0, real + (size_t)g * (size_t)layer->krows,
                    inputs, packed->real + (size_t)g * (size_t)layer->krows * (size_t)layer->ncols, layer->ncols, 0.0,
                    sums + (size_t)g * (size_t)layer->ncols, outputs);
    for (size_t i = 0; i < (size_t)npos * (size_t)outputs; i++) y[i] = (int64_t)sums[i];
}
