/* Included once per element size, with ELEMENT and NAME. */

OHM_CLONES
static void NAME(rescale)(const struct ohm_rescale *rescale, int64_t npos, const int64_t *restrict y, ELEMENT *restrict out) {
    const int64_t *restrict offset = rescale->offset;
    const float *restrict multiplier = rescale->multiplier;
    const int32_t n = rescale->n, zero = rescale->zero;
    const float lo = (float)(rescale->lo - zero), hi = (float)(rescale->hi - zero);
    for (int64_t p = 0; p < npos; p++, y += n, out += n)
        for (int32_t i = 0; i < n; i++) {
            float code = rintf((float)(y[i] + offset[i]) * multiplier[i]);
            code = code > lo ? code : lo;
            code = code < hi ? code : hi;
            out[i] = (ELEMENT)((int32_t)code + zero);
        }
}
