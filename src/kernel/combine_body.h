/* Shift-and-add of finished column sums; plain loops that the compiler vectorises for each instruction set. */
#include <stdint.h>

static void combine(int32_t n, const int32_t *restrict coefficient, const int32_t *restrict acc, int32_t shift, int64_t *restrict y) {
    for (int32_t i = 0; i < n; i++) y[i] += ((int64_t)coefficient[i] * acc[i]) * ((int64_t)1 << shift);
}

static void scale_add(int32_t n, int64_t factor, const int32_t *restrict acc, int64_t *restrict y) {
    for (int32_t i = 0; i < n; i++) y[i] += factor * acc[i];
}
