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
/* The comparisons are so that a NaN becomes the least code. */
static inline int32_t coder_code(struct coder coder, float real) {
    float code = rintf(real / coder.scale);
    code = code > coder.least ? code : coder.least;
    code = code < coder.most ? code : coder.most;
    return (int32_t)code + coder.zero;
}
static inline float coder_real(struct coder coder, int32_t code) {
    return (float)(code - coder.zero) * coder.scale;
}
static inline float clamp_real(float x, float lo, float hi) {
    x = x > lo ? x : lo;
    return x < hi ? x : hi;
}

/* Quantised rank-4 values are stored channels last; this is where that differs from row-major. */
static inline bool is_spatial(const struct ohm_shape *shape) {
    return shape->rank == 4 && shape->dim[1] > 1 && (int64_t)shape->dim[2] * shape->dim[3] > 1;
}

#endif
