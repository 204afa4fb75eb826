/* Included once per precision, with REAL, GEMM, PART_BITS (of a code multiplied at a time) and NAME; undefines them. */

/* Bits shift .. shift + PART_BITS - 1 of rows x columns codes (row length stride) as REAL. */
OHM_CLONES
static void NAME(widen)(const void *x, int32_t element, int32_t shift, int64_t rows, int64_t columns, int64_t stride, REAL *restrict wide) {
    for (int64_t p = 0; p < rows; p++, wide += columns) {
        const uint8_t *restrict bytes = (const uint8_t *)x + p * stride;
        const uint16_t *restrict words = (const uint16_t *)x + p * stride;
        if (element == 1)
            for (int64_t r = 0; r < columns; r++) wide[r] = (REAL)(int32_t)bytes[r];
        else
            for (int64_t r = 0; r < columns; r++) wide[r] = (REAL)(words[r] >> shift & ((1 << PART_BITS) - 1));
    }
}

/* y = (add ? y : 0) + sums * 2^shift, y rows of length stride. Every sum on the way is one of some of the terms, so that it fits where y does. */
OHM_CLONES
static void NAME(collect)(const REAL *restrict sum, int32_t shift, bool add, int64_t rows, int64_t columns, int64_t stride, int32_t *restrict y) {
    for (int64_t p = 0; p < rows; p++, sum += columns, y += stride)
        for (int64_t n = 0; n < columns; n++) y[n] = (add ? y[n] : 0) + (int32_t)sum[n] * (1 << shift);
}

OHM_CLONES
static void NAME(collect_wide)(const REAL *restrict sum, int32_t shift, bool add, int64_t rows, int64_t columns, int64_t stride,
                               int64_t *restrict y) {
    for (int64_t p = 0; p < rows; p++, sum += columns, y += stride)
        for (int64_t n = 0; n < columns; n++) y[n] = (add ? y[n] : 0) + (int64_t)sum[n] * ((int64_t)1 << shift);
}

/* y or y_wide is written, the other is NULL. */
static void NAME(product)(const struct ohm_product *product, const struct blas_packed *packed, const REAL *w, int64_t npos, const void *x, int32_t *y,
                          int64_t *y_wide, REAL *scratch) {
    const int64_t krows = product->shape.krows, ncols = product->shape.ncols, outputs = outputs_of(product);
    const int32_t element = product->shape.element;
    REAL *sums = scratch + npos * krows;
    for (int64_t g = 0; g < product->shape.groups; g++, w += krows * ncols)
        for (int32_t shift = 0; shift < 8 * element; shift += PART_BITS) {
            NAME(widen)((const uint8_t *)x + g * krows * element, element, shift, npos, krows, inputs_of(product), scratch);
            for (int32_t b = 0; b < packed->nblock; b++) {
                const int32_t first = packed->first[b], rows = packed->first[b + 1] - first;
                GEMM(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)npos, (int)ncols, rows, 1, scratch + first, (int)krows, w + first * ncols,
                     (int)ncols, 0, sums, (int)ncols);
                if (y)
                    NAME(collect)(sums, shift, shift || b, npos, ncols, outputs, y + g * ncols);
                else
                    NAME(collect_wide)(sums, shift, shift || b, npos, ncols, outputs, y_wide + g * ncols);
            }
        }
}
#undef REAL
#undef GEMM
#undef PART_BITS
#undef NAME
