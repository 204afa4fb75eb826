/* Products by 16-bit multiply-add of pairs of rows: packing, blocks of rows and columns. The kernels are in product_avx2.c and its like.
 *
 * One-byte codes are widened to 16 bits. Two-byte codes become x - 2^15, and y starts from 2^15 times the sum of its weights. A pair of products is
 * below 2^31 with weights of at most 2^15 - 1. 32-bit outputs add up modulo 2^32, where only the end result has to fit; 64-bit ones add up blocks of
 * rows that each fit 32 bits. */
#include "product_int16.h"
#include "ways.h"
#include <stdlib.h>
#include <string.h>

#define LARGEST 32767
#define ZERO_CODE 32768 /* what is subtracted from two-byte codes */

struct int16_packed {
    const struct int16_kernel *kernel;
    int64_t padded;  /* columns of a group, to whole vectors */
    int32_t nblock;  /* of rows */
    int32_t *first;  /* [nblock + 1] rows */
    int64_t *before; /* [nblock + 1] rows before a block, those padded to pairs included */
    int16_t *w;      /* [block][group][panel][pair][column][2] */
    int64_t *offset; /* [groups * ncols], two-byte codes only */
};

#if defined(__x86_64__)
static bool runs_here(const struct int16_kernel *kernel) {
    if (kernel == &int16_avx2) return __builtin_cpu_supports("avx2");
    const bool wide = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw");
    return kernel == &int16_avx512 ? wide : wide && __builtin_cpu_supports("avx512vnni");
}
#endif

/* The best one that this processor has, or the one forced; NULL when there is none. */
static const struct int16_kernel *choose(const char *forced) {
#if defined(__x86_64__)
    static const struct int16_kernel *const kernels[] = {&int16_vnni, &int16_avx512, &int16_avx2};
    const char *wanted = strncmp(forced, "int16-", 6) ? "" : forced + 6;
    for (int i = 0; i < 3; i++)
        if (runs_here(kernels[i]) && (!*wanted || !strcmp(wanted, kernels[i]->name))) return kernels[i];
#endif
    return NULL;
}

static bool suits(const struct weights *weights) {
    return !weights->shape.interleaved && weights->largest <= LARGEST && choose(weights->forced);
}

static void pack_block(const struct weights *weights, const struct int16_packed *packed, int32_t block, int64_t g) {
    const int64_t krows = weights->shape.krows, ncols = weights->shape.ncols, first = packed->first[block];
    const int64_t rows = packed->first[block + 1] - first, even = packed->before[block + 1] - packed->before[block];
    int16_t *to = packed->w + (packed->before[block] * weights->shape.groups + g * even) * packed->padded;
    for (int64_t c = 0; c < packed->padded; c += packed->kernel->columns) {
        const int64_t width = packed->padded - c < packed->kernel->columns ? packed->padded - c : packed->kernel->columns;
        for (int64_t r = 0; r < even; r += 2)
            for (int64_t n = c; n < c + width; n++)
                for (int64_t odd = 0; odd < 2; odd++, to++)
                    if (n < ncols && r + odd < rows) *to = (int16_t)weights->w[(g * krows + first + r + odd) * ncols + n];
    }
}

static void make_offset(const struct weights *weights, int64_t *offset) {
    const int64_t krows = weights->shape.krows, ncols = weights->shape.ncols;
    for (int64_t row = 0; row < weights->shape.groups * krows; row++)
        for (int64_t n = 0; n < ncols; n++) offset[row / krows * ncols + n] += (int64_t)weights->w[row * ncols + n] * ZERO_CODE;
}

/* Blocks of about equal, even length; shorter ones only where the sums would not fit. */
static int make_blocks(const struct weights *weights, struct int16_packed *packed) {
    const int32_t krows = weights->shape.krows, most_rows = packed->kernel->rows;
    const int32_t parts = (krows + most_rows - 1) / most_rows, rows = ((krows + parts - 1) / parts + 1) & ~1;
    const int64_t most_sum =
        weights->fits ? INT64_MAX : INT32_MAX / (weights->shape.element == 1 ? UINT8_MAX : 2 * ZERO_CODE); /* codes of both signs */
    packed->nblock = cut_blocks(weights, rows, most_sum, packed->first);
    for (int32_t b = 0; b < packed->nblock; b++) packed->before[b + 1] = packed->before[b] + ((packed->first[b + 1] - packed->first[b] + 1) & ~1);
    return packed->nblock ? OHM_OK : OHM_E_MEMORY;
}

static int pack(const struct weights *weights, void **result, size_t *bytes) {
    const struct ohm_product_shape *shape = &weights->shape;
    struct int16_packed *packed = *result = ohm_alloc(sizeof *packed);
    if (!packed) return OHM_E_MEMORY;
    packed->kernel = choose(weights->forced);
    packed->padded = (shape->ncols + packed->kernel->vector - 1) / packed->kernel->vector * packed->kernel->vector;
    packed->first = ohm_alloc_array((size_t)shape->krows + 1, sizeof *packed->first);
    packed->before = ohm_alloc_array((size_t)shape->krows + 1, sizeof *packed->before);
    if (!packed->first || !packed->before) return OHM_E_MEMORY;
    OHM_TRY(make_blocks(weights, packed));
    *bytes = (size_t)packed->before[packed->nblock] * (size_t)shape->groups * (size_t)packed->padded * sizeof *packed->w;
    packed->w = ohm_alloc(*bytes);
    if (shape->element == 2) packed->offset = ohm_alloc_array((size_t)shape->groups * (size_t)shape->ncols, sizeof *packed->offset);
    if (!packed->w || (shape->element == 2 && !packed->offset)) return OHM_E_MEMORY;
    for (int32_t b = 0; b < packed->nblock; b++)
        for (int64_t g = 0; g < shape->groups; g++) pack_block(weights, packed, b, g);
    if (packed->offset) make_offset(weights, packed->offset);
    return OHM_OK;
}

static void release(void *memory) {
    struct int16_packed *packed = memory;
    if (!packed) return;
    free(packed->first);
    free(packed->before);
    free(packed->w);
    free(packed->offset);
    free(packed);
}

/* Elements from one position's widened codes to the next: an odd number of cache lines, so that the positions of a tile do not meet in the same sets.
 */
static int64_t wide_stride(const struct int16_packed *packed) {
    int64_t most = 0;
    for (int32_t b = 0; b < packed->nblock; b++) {
        const int64_t rows = packed->before[b + 1] - packed->before[b];
        most = rows > most ? rows : most;
    }
    return (((most + 31) / 32) | 1) * 32;
}

static size_t wide_bytes(const struct int16_packed *packed, int32_t npos) {
    return (size_t)npos * (size_t)wide_stride(packed) * sizeof(int16_t);
}

static size_t scratch_bytes(const struct ohm_product *product, int32_t npos) {
    const size_t sums = product->fits ? 0 : (size_t)npos * (size_t)product->shape.ncols * sizeof(int32_t);
    return wide_bytes(product->packed, npos) + sums;
}

/* One block of rows of one group. y points at the group's first column. */
static void run_block(const struct ohm_product *product, int32_t block, int64_t g, int32_t npos, const void *x, bool add, int32_t *y,
                      int64_t y_stride, int16_t *wide) {
    const struct int16_packed *packed = product->packed;
    const struct int16_kernel *kernel = packed->kernel;
    const int32_t first = packed->first[block], rows = packed->first[block + 1] - first;
    const int64_t even = packed->before[block + 1] - packed->before[block];
    const int16_t *w = packed->w + (packed->before[block] * product->shape.groups + g * even) * packed->padded;
    const uint8_t *from = (const uint8_t *)x + (g * product->shape.krows + first) * product->shape.element;
    kernel->widen(product->shape.element, npos, rows, from, inputs_of(product), wide, wide_stride(packed));
    struct int16_panel panel = {
        .npos = npos, .pairs = (int32_t)(even / 2), .add = add, .x = wide, .x_stride = wide_stride(packed), .y_stride = y_stride};
    for (int32_t c = 0; c < product->shape.ncols; c += kernel->columns) {
        panel.ncols = product->shape.ncols - c < kernel->columns ? product->shape.ncols - c : kernel->columns;
        panel.w = w + c * even;
        panel.y = y + c;
        kernel->panel(&panel);
    }
}

static void run(const struct ohm_product *product, int32_t npos, const void *x, int32_t *y, void *scratch) {
    const struct int16_packed *packed = product->packed;
    const int64_t outputs = outputs_of(product);
    for (int64_t p = 0; p < npos && packed->offset; p++)
        for (int64_t n = 0; n < outputs; n++) y[p * outputs + n] = (int32_t)packed->offset[n];
    for (int64_t g = 0; g < product->shape.groups; g++)
        for (int32_t b = 0; b < packed->nblock; b++)
            run_block(product, b, g, npos, x, packed->offset || b, y + g * product->shape.ncols, outputs, scratch);
}

OHM_CLONES
static void collect(int64_t npos, int64_t ncols, const int32_t *restrict sum, int64_t *restrict y, int64_t y_stride) {
    for (int64_t p = 0; p < npos; p++)
        for (int64_t n = 0; n < ncols; n++) y[p * y_stride + n] += sum[p * ncols + n];
}

static void run_wide(const struct ohm_product *product, int32_t npos, const void *x, int64_t *y, void *scratch) {
    const struct int16_packed *packed = product->packed;
    const int64_t outputs = outputs_of(product), ncols = product->shape.ncols;
    int32_t *sums = (int32_t *)((uint8_t *)scratch + wide_bytes(packed, npos));
    for (int64_t p = 0; p < npos; p++)
        for (int64_t n = 0; n < outputs; n++) y[p * outputs + n] = packed->offset ? packed->offset[n] : 0;
    for (int64_t g = 0; g < product->shape.groups; g++)
        for (int32_t b = 0; b < packed->nblock; b++) {
            run_block(product, b, g, npos, x, false, sums, ncols, scratch);
            collect(npos, ncols, sums, y + g * ncols, outputs);
        }
}

static void *weights_of(const void *packed) {
    return ((const struct int16_packed *)packed)->w;
}

const struct way way_int16 = {.name = "int16",
                              .suits = suits,
                              .pack = pack,
                              .weights = weights_of,
                              .release = release,
                              .scratch = scratch_bytes,
                              .run = run,
                              .run_wide = run_wide};
