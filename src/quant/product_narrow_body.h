/* Included once per element size, with ELEMENT and NAME. */

static inline __attribute__((always_inline)) int64_t NAME(dot)(const int32_t *w, const ELEMENT *x, int64_t krows) {
    int64_t sum = 0;
    for (int64_t r = 0; r < krows; r++) sum += (int64_t)w[r] * x[r];
    return sum;
}

static inline __attribute__((always_inline)) int32_t NAME(dot_short)(const int32_t *w, const ELEMENT *x, int64_t krows) {
    int32_t sum = 0;
    for (int64_t r = 0; r < krows; r++) sum += w[r] * x[r];
    return sum;
}

OHM_CLONES
static void NAME(product_narrow)(const struct ohm_layer *layer, const struct ohm_packed *packed, int64_t npos, const ELEMENT *x, int64_t *y) {
    const int64_t krows = layer->krows, ncols = layer->ncols, groups = layer->groups;
    for (int64_t p = 0; p < npos; p++)
        for (int64_t g = 0; g < groups; g++, x += krows)
            for (int64_t n = 0; n < ncols; n++) {
                const int32_t *column = packed->narrow + (g * ncols + n) * krows;
                if (!packed->narrow_short)
                    *y++ = NAME(dot)(column, x, krows);
                else
                    *y++ = krows == 9 ? NAME(dot_short)(column, x, 9) : NAME(dot_short)(column, x, krows);
            }
}
