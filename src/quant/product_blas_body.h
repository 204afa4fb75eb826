/* Included once per precision, with REAL, GEMM, PART_BITS (of an activation multiplied at a time) and NAME. */

/* Bits shift .. shift + PART_BITS - 1 of rows x columns activations (row length stride) as REAL. */
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

/* y = (add ? y : 0) + sums * 2^shift, y rows of length stride */
OHM_CLONES
static void NAME(collect)(const REAL *restrict sum, int32_t shift, bool add, int64_t rows, int64_t columns, int64_t stride, int64_t *restrict y) {
    for (int64_t p = 0; p < rows; p++, sum += columns, y += stride) {
        if (add)
            for (int64_t n = 0; n < columns; n++) y[n] += (int64_t)sum[n] * ((int64_t)1 << shift);
        else
            for (int64_t n = 0; n < columns; n++) y[n] = (int64_t)sum[n] * ((int64_t)1 << shift);
    }
}

/* One group, up to BLOCK_POSITIONS positions. w [krows][ncols]; x and y point at the group's part of the first position. */
static void NAME(product_block)(const struct ohm_layer *layer, const struct ohm_packed *packed, const REAL *w, int32_t element, int64_t npos,
                                const void *x, int64_t *y, REAL *scratch) {
    const int64_t krows = layer->krows, ncols = layer->ncols, outputs = ohm_layer_outputs(layer);
    REAL *sums = scratch + npos * krows;
    for (int32_t shift = 0; shift < 8 * element; shift += PART_BITS) {
        NAME(widen)(x, element, shift, npos, krows, ohm_layer_inputs(layer), scratch);
        for (int32_t b = 0; b < packed->nblock; b++) {
            const int32_t first = packed->first[b], rows = packed->first[b + 1] - first;
            GEMM(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)npos, (int)ncols, rows, 1, scratch + first, (int)krows, w + first * ncols,
                 (int)ncols, 0, sums, (int)ncols);
            NAME(collect)(sums, shift, shift || b, npos, ncols, outputs, y);
        }
    }
}

static void NAME(product)(const struct ohm_layer *layer, const struct ohm_packed *packed, const REAL *w, int32_t element, int64_t npos, const void *x,
                          int64_t *y, REAL *scratch) {
    const int64_t krows = layer->krows, ncols = layer->ncols, inputs = ohm_layer_inputs(layer), outputs = ohm_layer_outputs(layer);
    for (int64_t p = 0; p < npos; p += BLOCK_POSITIONS)
        for (int64_t g = 0; g < layer->groups; g++) NAME(product_block)
    (layer, packed, w + g * krows * ncols, element, npos - p < BLOCK_POSITIONS ? npos - p : BLOCK_POSITIONS,
     (const uint8_t *)x + (p * inputs + g * krows) * element, y + p * outputs + g * ncols, scratch);
}
