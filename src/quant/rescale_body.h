/* Included once per element size, with ELEMENT and NAME. */

#define RESCALE(verb, SUM)                                                                                                                           \
    OHM_CLONES static void NAME(verb)(const struct ohm_rescale *rescale, const SUM *restrict offset, int64_t npos, const SUM *restrict y,            \
                                      ELEMENT *restrict out) {                                                                                       \
        const float *restrict multiplier = rescale->multiplier;                                                                                      \
        const int32_t n = rescale->n, zero = rescale->zero;                                                                                          \
        const float lo = (float)(rescale->lo - zero), hi = (float)(rescale->hi - zero);                                                              \
        for (int64_t p = 0; p < npos; p++, y += n, out += n)                                                                                         \
            for (int32_t i = 0; i < n; i++) {                                                                                                        \
                float code = (float)(y[i] + offset[i]) * multiplier[i];                                                                              \
                code = code > lo ? code : lo;                                                                                                        \
                code = code < hi ? code : hi;                                                                                                        \
                out[i] = (ELEMENT)(nearest(code) + zero);                                                                                            \
            }                                                                                                                                        \
    }
RESCALE(rescale, int64_t)
RESCALE(rescale_narrow, int32_t)
#undef RESCALE
