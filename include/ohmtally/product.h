/* Exact products of unsigned codes with integer matrices: y[p][g][n] = sum over r of w[g][r][n] x[p][g][r], to the last bit on every machine.
 *
 * Every way of computing it gives the same integers; which one is used is decided when a product is made:
 *   plain   loops over rows, the definition's order; any weights, any codes
 *   depth   one column per group (depth-wise layers): element-wise over groups
 *   int16   own kernels on 16-bit multiply-add of pairs (AVX2, AVX-512), weights packed once, blocks of rows whose sums fit 32 bits
 *   dnnl    oneDNN's u8 x s8 matmul primitive with weights packed once; only where a probe with extreme values comes out exact
 *           (machines without 8-bit dot-product instructions saturate in between); magnitudes above 127 as two exact matrices
 *           (dnnl-split), or, where they are few and AVX-512 has byte dot products, clipped, and the rest from lists (dnnl-excess)
 *   blas    single or double precision BLAS on blocks of rows whose sums are exactly representable; any weights
 * OHM_PRODUCT = one of these names forces it, for tests and measurements; a forced way that cannot do a matrix exactly falls back to one
 * that can. int16-avx2, int16-avx512 and int16-vnni force one of the kernels that the processor has, dnnl-split and dnnl-excess one
 * of what dnnl does with large weights.
 *
 * Layer: product (above base and kernel). Not collective, no threads inside. A product is const once made and may be shared by threads;
 * scratch is per thread. */
#ifndef OHMTALLY_PRODUCT_H
#define OHMTALLY_PRODUCT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ohm_product_shape {
    int32_t groups, krows, ncols;
    int32_t element;  /* bytes of a code: 1 (uint8_t) or 2 (uint16_t) */
    bool interleaved; /* only with ncols == 1: x is [p][r][g] instead of [p][g][r] */
};
struct ohm_product;
/* w [groups][krows][ncols]; any int32 values. place: NULL, or [krows]: row r of every group meets x[.. place[r]] of its group (a permutation).
 * 0, or a recorded failure. */
int ohm_product_new(const struct ohm_product_shape *shape, const int32_t *w, const int32_t *place, struct ohm_product **product);
void ohm_product_free(struct ohm_product *product);
const char *ohm_product_way(const struct ohm_product *product); /* static: "plain", "depth", "int16", "dnnl", "blas" */
size_t ohm_product_bytes(const struct ohm_product *product);    /* memory of the packed weights */
/* Calls see for the packed weights if they are large (memory.h). They are never written again. */
void ohm_product_large(const struct ohm_product *product, void (*see)(void *context, void *piece, size_t bytes), void *context);
size_t ohm_product_scratch(const struct ohm_product *product, int32_t npos); /* bytes of 64-byte aligned scratch for npos positions */
/* Largest |y| for codes of at most 2^bits - 1; INT64_MAX where it does not fit. */
int64_t ohm_product_bound(const struct ohm_product *product, int32_t bits);
/* Whether sums of magnitude bound at most, and an offset added to them, stay within 32 bits. */
static inline bool ohm_sums_are_narrow(int64_t bound, int64_t offset) {
    return bound <= INT32_MAX && offset <= INT32_MAX - bound;
}
/* y [npos][groups * ncols] written (not added to). The 32-bit form needs ohm_product_bound(product, bits of the codes) <= INT32_MAX. */
void ohm_product_run(const struct ohm_product *product, int32_t npos, const void *x, int32_t *y, void *scratch);
void ohm_product_run_wide(const struct ohm_product *product, int32_t npos, const void *x, int64_t *y, void *scratch);
/* Positions per call that suit the caches. */
#define OHM_PRODUCT_POSITIONS 256

#endif
