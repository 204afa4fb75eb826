/* Are oneDNN's products exact here? Tried with the largest codes against bytes of every sign pattern that could saturate, in shapes that its kernels
 * treat differently: few and many rows, odd numbers of rows and columns, sums that single precision does not hold. */
#ifdef OHM_DNNL
#include "product_dnnl.h"
#include <pthread.h>
#include <stdlib.h>

#define PROBE_POSITIONS 85 /* one of each of the smaller sizes of primitives */

/* Positive and negative bytes in runs of 2^pattern rows, of the largest magnitude. A last pattern mixes them. */
static int32_t byte_at(int64_t row, int64_t column, int32_t pattern) {
    const int64_t run = pattern < 5 ? row >> pattern : row * 2654435761 >> 7;
    return (run + column) % 2 ? 127 : column % 3 ? -127 : -128;
}

static uint8_t code_at(int64_t position, int64_t row) {
    const int64_t kind = position % 3;
    return kind == 0 || (kind == 1 && row / 4 % 2) ? 255 : (uint8_t)((position * 31 + row * 17) % 256);
}

static bool is_right(const struct ohm_product *product, const struct weights *weights, int32_t npos, const uint8_t *x, const int32_t *y) {
    const int64_t krows = weights->shape.krows, ncols = weights->shape.ncols;
    for (int64_t p = 0; p < npos; p++)
        for (int64_t n = 0; n < ncols; n++) {
            int64_t sum = 0;
            for (int64_t r = 0; r < krows; r++) sum += weights->w[r * ncols + n] * x[p * krows + r];
            if (y[p * ncols + n] != sum) return false;
        }
    return true;
}

static bool shape_is_exact(int32_t krows, int32_t ncols, int32_t npos, int32_t pattern) {
    struct weights weights = {.shape = {1, krows, ncols, 1, false}, .largest = 127, .fits = true, .forced = ""};
    struct ohm_product product = {.shape = weights.shape, .way = &way_dnnl, .fits = true};
    int32_t *w = ohm_alloc_array((size_t)krows * (size_t)ncols, sizeof *w), *y = ohm_alloc_array((size_t)npos * (size_t)ncols, sizeof *y);
    uint8_t *x = ohm_alloc_array((size_t)npos, (size_t)krows);
    bool exact = w && x && y;
    for (int64_t i = 0; exact && i < (int64_t)krows * ncols; i++) w[i] = byte_at(i / ncols, i % ncols, pattern);
    for (int64_t i = 0; exact && i < (int64_t)npos * krows; i++) x[i] = code_at(i / krows, i % krows);
    weights.w = w;
    exact = exact && !way_dnnl.pack(&weights, &product.packed, &product.bytes);
    void *scratch = exact ? ohm_alloc(way_dnnl.scratch(&product, npos)) : NULL;
    if (scratch) way_dnnl.run(&product, npos, x, y, scratch);
    exact = scratch && is_right(&product, &weights, npos, x, y);
    way_dnnl.release(product.packed);
    free(scratch);
    free(w);
    free(x);
    free(y);
    return exact;
}

static bool exact;
static void probe(void) {
    static const int32_t shapes[][3] = {
        {64, 64, PROBE_POSITIONS}, {3, 5, PROBE_POSITIONS},         {1, 1, 1}, {37, 17, PROBE_POSITIONS}, {2305, 33, 21}, {4608, 64, 5},
        {576, 1, PROBE_POSITIONS}, {147, 64, OHM_PRODUCT_POSITIONS}};
    exact = true;
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
        for (int32_t pattern = 0; pattern < 6; pattern++) exact = exact && shape_is_exact(shapes[i][0], shapes[i][1], shapes[i][2], pattern);
}

bool dnnl_is_exact(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, probe);
    return exact;
}
#endif
