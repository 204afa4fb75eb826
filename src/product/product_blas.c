/* Products by floating-point BLAS: any weights.
 *
 * Sums of integers in floating point are exact as long as no partial sum can reach 2^24 (float) or 2^53 (double), in whatever order they are added.
 * Small weights therefore go through single precision, codes as one or two bytes, and rows in blocks for which the positive (and the negative)
 * weights in any column add up to less than 2^24 / 255. Large weights go through double precision. */
#include "ohmtally/blas.h"
#include "ways.h"
#include <cblas.h>
#include <stdlib.h>

#define LARGEST_SINGLE 1023 /* weights up to this: blocks of at least 64 rows */
#define SINGLE_SUM 65793    /* (2^24 - 1) / 255 */
#define DOUBLE_SUM (((INT64_C(1) << 53) - 1) / 65535)

struct blas_packed {
    float *single; /* [groups][krows][ncols]; one of the two is there */
    double *wide;
    int32_t nblock, *first; /* of rows */
};

static bool suits(const struct weights *weights) {
    return !weights->shape.interleaved;
}

static int pack(const struct weights *weights, void **result, size_t *bytes) {
    ohm_blas_single();
    const size_t count = (size_t)weights->shape.groups * (size_t)weights->shape.krows * (size_t)weights->shape.ncols;
    const bool single = weights->largest <= LARGEST_SINGLE;
    struct blas_packed *packed = *result = ohm_alloc(sizeof *packed);
    if (!packed) return OHM_E_MEMORY;
    *bytes = count * (single ? sizeof *packed->single : sizeof *packed->wide);
    packed->first = ohm_alloc_array((size_t)weights->shape.krows + 1, sizeof *packed->first);
    if (single)
        packed->single = ohm_alloc(*bytes);
    else
        packed->wide = ohm_alloc(*bytes);
    if (!packed->first || (!packed->single && !packed->wide)) return OHM_E_MEMORY;
    packed->nblock = cut_blocks(weights, INT32_MAX, single ? SINGLE_SUM : DOUBLE_SUM, packed->first);
    for (size_t i = 0; single && i < count; i++) packed->single[i] = (float)weights->w[i];
    for (size_t i = 0; !single && i < count; i++) packed->wide[i] = weights->w[i];
    return packed->nblock ? OHM_OK : OHM_E_MEMORY;
}

static void release(void *memory) {
    struct blas_packed *packed = memory;
    if (!packed) return;
    free(packed->single);
    free(packed->wide);
    free(packed->first);
    free(packed);
}

static size_t scratch_bytes(const struct ohm_product *product, int32_t npos) {
    const struct blas_packed *packed = product->packed;
    return (size_t)npos * ((size_t)product->shape.krows + (size_t)product->shape.ncols) * (packed->single ? sizeof(float) : sizeof(double));
}

#define REAL float
#define GEMM cblas_sgemm
#define PART_BITS 8
#define NAME(verb) verb##_single
#include "product_blas_body.h"
#define REAL double
#define GEMM cblas_dgemm
#define PART_BITS 16
#define NAME(verb) verb##_double
#include "product_blas_body.h"

static void run(const struct ohm_product *product, int32_t npos, const void *x, int32_t *y, void *scratch) {
    const struct blas_packed *packed = product->packed;
    if (packed->single)
        product_single(product, packed, packed->single, npos, x, y, NULL, scratch);
    else
        product_double(product, packed, packed->wide, npos, x, y, NULL, scratch);
}

static void run_wide(const struct ohm_product *product, int32_t npos, const void *x, int64_t *y, void *scratch) {
    const struct blas_packed *packed = product->packed;
    if (packed->single)
        product_single(product, packed, packed->single, npos, x, NULL, y, scratch);
    else
        product_double(product, packed, packed->wide, npos, x, NULL, y, scratch);
}

static void *weights_of(const void *packed) {
    const struct blas_packed *blas = packed;
    return blas->single ? (void *)blas->single : blas->wide;
}

const struct way way_blas = {.name = "blas",
                             .suits = suits,
                             .pack = pack,
                             .weights = weights_of,
                             .release = release,
                             .scratch = scratch_bytes,
                             .run = run,
                             .run_wide = run_wide};
