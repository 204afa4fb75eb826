/* Included once per size of a code and of an output, with CODE, SUM (the type to add up in), OUTPUT and NAME; undefines CODE and NAME. */

OHM_CLONES
static void NAME(interleaved)(int64_t groups, int64_t krows, const int32_t *restrict w, int64_t npos, const CODE *restrict x, OUTPUT *restrict y) {
    for (int64_t p = 0; p < npos; p++, x += krows * groups, y += groups)
        for (int64_t g = 0; g < groups; g += TOGETHER) {
            const int64_t here = groups - g < TOGETHER ? groups - g : TOGETHER;
            SUM sum[TOGETHER] = {0};
            if (here == TOGETHER)
                for (int64_t r = 0; r < krows; r++)
                    for (int64_t i = 0; i < TOGETHER; i++) sum[i] += (SUM)w[r * groups + g + i] * x[r * groups + g + i];
            else
                for (int64_t r = 0; r < krows; r++)
                    for (int64_t i = 0; i < here; i++) sum[i] += (SUM)w[r * groups + g + i] * x[r * groups + g + i];
            for (int64_t i = 0; i < here; i++) y[g + i] = (OUTPUT)sum[i];
        }
}

OHM_CLONES
static void NAME(separate)(int64_t groups, int64_t krows, const int32_t *restrict w, int64_t npos, const CODE *restrict x, OUTPUT *restrict y) {
    for (int64_t p = 0; p < npos; p++)
        for (int64_t g = 0; g < groups; g++, x += krows) {
            SUM sum = 0;
            for (int64_t r = 0; r < krows; r++) sum += (SUM)w[g * krows + r] * x[r];
            *y++ = (OUTPUT)sum;
        }
}

static void NAME(depth)(const struct ohm_product *product, int64_t npos, const CODE *x, OUTPUT *y) {
    const struct ohm_product_shape *shape = &product->shape;
    if (shape->interleaved)
        NAME(interleaved)(shape->groups, shape->krows, product->packed, npos, x, y);
    else
        NAME(separate)(shape->groups, shape->krows, product->packed, npos, x, y);
}
#undef CODE
#undef NAME
