/* The exact integer product of a layer: the definition in plain loops, and a fast one by BLAS.
 *
 * Sums of integers in floating point are exact as long as no partial sum can reach 2^24 (float) or 2^53 (double), in whatever order they are added.
 * Small weights therefore go through single precision: activations as one or two bytes, and rows in blocks for which the weights held in any column
 * add up to less than 2^24 / 255. Large weights go through double precision. */
#include "element.h"
#include "ohmtally/status.h"
#include <cblas.h>
#include <pthread.h>
#include <stdlib.h>

#define NARROW 4            /* groups of fewer columns are multiplied without BLAS */
#define BLOCK_POSITIONS 256 /* positions converted together: they stay in the second-level cache */
#define LARGEST_SINGLE 1023 /* weights up to this: blocks of at least 64 rows */
#define SINGLE_SUM 65793    /* (2^24 - 1) / 255: largest sum of weights of one column in a block */
#define LARGEST_CODE 65535  /* 16-bit activations */
#define DOUBLE_SUM (INT64_C(1) << 53)

struct ohm_packed {         /* one of the three is there */
    float *single;          /* [groups][krows][ncols] */
    double *wide;           /* [groups][krows][ncols] */
    int32_t *narrow;        /* [groups][ncols][krows] */
    bool narrow_short;      /* no sum can reach 2^31 */
    int32_t nblock, *first; /* single, wide: rows first[b] .. first[b + 1] - 1 are one block */
};

void ohm_layer_product_plain(const struct ohm_layer *layer, const int32_t *w, int32_t element, int64_t npos, const void *x, int64_t *y) {
    const int64_t krows = layer->krows, ncols = layer->ncols, groups = layer->groups;
    for (int64_t p = 0; p < npos; p++)
        for (int64_t g = 0; g < groups; g++)
            for (int64_t n = 0; n < ncols; n++) {
                int64_t sum = 0;
                for (int64_t r = 0; r < krows; r++) {
                    const int64_t at = (p * groups + g) * krows + r;
                    const int64_t code = element == 1 ? ((const uint8_t *)x)[at] : ((const uint16_t *)x)[at];
                    sum += w[(g * krows + r) * ncols + n] * code;
                }
                y[(p * groups + g) * ncols + n] = sum;
            }
}

#define BODY "product_narrow_body.h"
#include "each_element.h"

#define REAL float
#define GEMM cblas_sgemm
#define PART_BITS 8
#define NAME(verb) verb##_single
#include "product_blas_body.h"
#undef REAL
#undef GEMM
#undef PART_BITS
#undef NAME
#define REAL double
#define GEMM cblas_dgemm
#define PART_BITS 16
#define NAME(verb) verb##_double
#include "product_blas_body.h"
#undef REAL
#undef GEMM
#undef PART_BITS
#undef NAME

static int64_t largest(const int32_t *w, int64_t count) {
    int64_t most = 0;
    for (int64_t i = 0; i < count; i++) most = llabs(w[i]) > most ? llabs(w[i]) : most;
    return most;
}

/* Cuts the rows into blocks whose columns each add up to at most `limit` in magnitude. sum [groups * ncols] is scratch, all zero. */
static void cut_blocks(const struct ohm_layer *layer, const int32_t *w, int64_t limit, int64_t *sum, struct ohm_packed *packed) {
    const int64_t krows = layer->krows, ncols = layer->ncols, outputs = ohm_layer_outputs(layer);
    for (int32_t r = 0; r < krows; r++) {
        bool full = false;
        for (int64_t n = 0; n < outputs; n++) {
            sum[n] += llabs(w[(n / ncols * krows + r) * ncols + n % ncols]);
            full = full || sum[n] > limit;
        }
        if (!full) continue;
        packed->first[++packed->nblock] = r;
        for (int64_t n = 0; n < outputs; n++) sum[n] = llabs(w[(n / ncols * krows + r) * ncols + n % ncols]);
    }
    packed->first[++packed->nblock] = layer->krows;
}

static int pack_wide(const struct ohm_layer *layer, const int32_t *w, struct ohm_packed *packed) {
    const int64_t count = (int64_t)layer->groups * layer->krows * layer->ncols;
    int64_t *sum = ohm_alloc_array((size_t)ohm_layer_outputs(layer), sizeof *sum);
    packed->first = ohm_alloc_array((size_t)layer->krows + 1, sizeof *packed->first);
    if (largest(w, count) <= LARGEST_SINGLE)
        packed->single = ohm_alloc_array((size_t)count, sizeof *packed->single);
    else
        packed->wide = ohm_alloc_array((size_t)count, sizeof *packed->wide);
    int status = sum && packed->first && (packed->single || packed->wide) ? OHM_OK : OHM_E_MEMORY;
    if (!status) cut_blocks(layer, w, packed->single ? SINGLE_SUM : (DOUBLE_SUM - 1) / LARGEST_CODE, sum, packed);
    for (int64_t i = 0; !status && packed->single && i < count; i++) packed->single[i] = (float)w[i];
    for (int64_t i = 0; !status && packed->wide && i < count; i++) packed->wide[i] = w[i];
    free(sum);
    return status;
}

static int pack_narrow(const struct ohm_layer *layer, const int32_t *w, struct ohm_packed *packed) {
    const int64_t krows = layer->krows, ncols = layer->ncols, count = layer->groups * krows * ncols;
    packed->narrow_short = largest(w, count) < INT32_MAX / LARGEST_CODE / krows;
    packed->narrow = ohm_alloc_array((size_t)count, sizeof *packed->narrow);
    for (int64_t i = 0; packed->narrow && i < count; i++)
        packed->narrow[i] = w[(i / (krows * ncols) * krows + i % krows) * ncols + i / krows % ncols];
    return packed->narrow ? OHM_OK : OHM_E_MEMORY;
}

struct ohm_packed *ohm_layer_pack(const struct ohm_layer *layer, const int32_t *w) {
    struct ohm_packed *packed = ohm_alloc(sizeof *packed);
    if (!packed) return NULL;
    if (!(layer->ncols < NARROW ? pack_narrow(layer, w, packed) : pack_wide(layer, w, packed))) return packed;
    ohm_layer_packed_free(packed);
    return NULL;
}

void ohm_layer_packed_free(struct ohm_packed *packed) {
    if (!packed) return;
    free(packed->single);
    free(packed->wide);
    free(packed->narrow);
    free(packed->first);
    free(packed);
}

size_t ohm_layer_product_scratch(const struct ohm_layer *layer, int64_t npos) {
    const int64_t together = npos < BLOCK_POSITIONS ? npos : BLOCK_POSITIONS;
    return layer->ncols < NARROW ? 0 : (size_t)together * ((size_t)layer->krows + (size_t)layer->ncols) * sizeof(double);
}

/* BLAS must not start threads of its own: ranks and threads share the cores. */
void openblas_set_num_threads(int count) __attribute__((weak)); /* other BLAS libraries do not have it */
static void set_single(void) {
    if (openblas_set_num_threads) openblas_set_num_threads(1);
}

void ohm_layer_product(const struct ohm_layer *layer, const struct ohm_packed *packed, int32_t element, int64_t npos, const void *x, int64_t *y,
                       void *scratch) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, set_single);
    if (packed->narrow && element == 1)
        product_narrow_u8(layer, packed, npos, x, y);
    else if (packed->narrow)
        product_narrow_u16(layer, packed, npos, x, y);
    else if (packed->single)
        product_single(layer, packed, packed->single, element, npos, x, y, scratch);
    else
        product_double(layer, packed, packed->wide, element, npos, x, y, scratch);
}
