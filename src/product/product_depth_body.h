/* Included once per size of a code and of an output, with CODE, SUM (the type to add up in) and NAME; undefines CODE and NAME. */

OHM_CLONES
static void NAME(interleaved)(int64_t groups, int64_t krows, const int32_t *restrict w, int64_t npos, const CODE *restrict x, SUM *restrict y) {
    for (int64_t p = 0; p < npos; p++, y += groups) {
        for (int64_t g = 0; g < groups; g++) y[g] = 0;
        for (int64_t r = 0; r < krows; r++, x += groups)
            for (int64_t g = 0; g < groups; g++) y[g] += (SUM)w[r * groups + g] * x[g];
    }
}

OHM_CLONES
static void NAME(separate)(int64_t groups, int64_t krows, const int32_t *restrict w, int64_t npos, const CODE *restrict x, SUM *restrict y) {
    for (int64_t p = 0; p < npos; p++)
        for (int64_t g = 0; g < groups; g++, x += krows) {
            SUM sum = 0;
            for (int64_t r = 0; r < krows; r++) sum += (SUM)w[g * krows + r] * x[r];
            *y++ = sum;
        }
}

static void NAME(depth)(const struct ohm_product *product, int64_t npos, const CODE *x, SUM *y) {
    const struct ohm_product_shape *shape = &product->shape;
    if (shape->interleaved)
        NAME(interleaved)(shape->groups, shape->krows, ((const struct depth_packed *)product->packed)->w, npos, x, y);
    else
        NAME(separate)(shape->groups, shape->krows, ((const struct depth_packed *)product->packed)->w, npos, x, y);
}
#undef CODE
#undef NAME
