/* The definition in plain loops: any weights, any codes, both layouts. */
#include "ways.h"
#include <stdlib.h>
#include <string.h>

static bool suits(const struct weights *weights) {
    return true;
}

static int pack(const struct weights *weights, void **packed, size_t *bytes) {
    *bytes = (size_t)weights->shape.groups * (size_t)weights->shape.krows * (size_t)weights->shape.ncols * sizeof(int32_t);
    *packed = ohm_alloc(*bytes);
    if (*packed) memcpy(*packed, weights->w, *bytes);
    return *packed ? OHM_OK : OHM_E_MEMORY;
}

static size_t no_scratch(const struct ohm_product *product, int32_t npos) {
    return 0;
}

static int64_t output(const struct ohm_product *product, const void *x, int64_t p, int64_t g, int64_t n) {
    const struct ohm_product_shape *shape = &product->shape;
    const int32_t *w = product->packed;
    int64_t sum = 0;
    for (int64_t r = 0; r < shape->krows; r++) {
        const int64_t at = p * inputs_of(product) + (shape->interleaved ? r * shape->groups + g : g * shape->krows + r);
        const int64_t code = shape->element == 1 ? ((const uint8_t *)x)[at] : ((const uint16_t *)x)[at];
        sum += w[(g * shape->krows + r) * shape->ncols + n] * code;
    }
    return sum;
}

static void run(const struct ohm_product *product, int32_t npos, const void *x, int32_t *y, void *scratch) {
    for (int64_t p = 0; p < npos; p++)
        for (int64_t g = 0; g < product->shape.groups; g++)
            for (int64_t n = 0; n < product->shape.ncols; n++) *y++ = (int32_t)output(product, x, p, g, n);
}

static void run_wide(const struct ohm_product *product, int32_t npos, const void *x, int64_t *y, void *scratch) {
    for (int64_t p = 0; p < npos; p++)
        for (int64_t g = 0; g < product->shape.groups; g++)
            for (int64_t n = 0; n < product->shape.ncols; n++) *y++ = output(product, x, p, g, n);
}

static void *weights_of(const void *packed) {
    return (void *)(uintptr_t)packed;
}

const struct way way_plain = {
    .name = "plain", .suits = suits, .pack = pack, .weights = weights_of, .release = free, .scratch = no_scratch, .run = run, .run_wide = run_wide};
