/* One activation: real value <-> code, and where it lies in memory. Private to the quant layer. */
#ifndef OHM_QUANT_ELEMENT_H
#define OHM_QUANT_ELEMENT_H
#include "ohmtally/clones.h"
#include "ohmtally/quantize.h"
#include <math.h>
#include <string.h>

struct coder {
    float scale;
    int32_t zero;
    float least, most; /* codes minus zero */
};
static inline struct coder coder_of(const struct ohm_quant *quant) {
    int32_t top = (int32_t)((1U << quant->bits) - 1);
    return (struct coder){.scale = quant->scale, .zero = quant->zero, .least = (float)-quant->zero, .most = (float)(top - quant->zero)};
}
/* rintf(x) for |x| <= 2^22, where 1.5 * 2^23 + x is rounded to a whole number, and floats are one apart, as are the integers with their bits. */
static inline int32_t nearest(float x) {
    const float shifted = x + 0x1.8p23F;
    int32_t bits;
    memcpy(&bits, &shifted, sizeof bits);
    return bits - 0x4B400000;
}
/* The comparisons are so that a NaN becomes the least code. The bounds are whole numbers: it is the same to clamp before rounding or after it. */
static inline int32_t coder_code(struct coder coder, float real) {
    float code = real / coder.scale;
    code = code > coder.least ? code : coder.least;
    code = code < coder.most ? code : coder.most;
    return nearest(code) + coder.zero;
}
static inline float coder_real(struct coder coder, int32_t code) {
    return (float)(code - coder.zero) * coder.scale;
}
static inline float clamp_real(float x, float lo, float hi) {
    x = x > lo ? x : lo;
    return x < hi ? x : hi;
}

/* For this coder the code of x is the other's of clamp_real(x, lo, hi): a larger x never has a smaller code. */
static inline struct coder coder_within(struct coder coder, float lo, float hi) {
    struct coder within = coder;
    within.least = (float)(coder_code(coder, lo) - coder.zero);
    within.most = (float)(coder_code(coder, hi) - coder.zero);
    return within;
}

/* Quantised rank-4 values are stored channels last; this is where that differs from row-major. */
static inline bool is_spatial(const struct ohm_shape *shape) {
    return shape->rank == 4 && shape->dim[1] > 1 && (int64_t)shape->dim[2] * shape->dim[3] > 1;
}

#endif
