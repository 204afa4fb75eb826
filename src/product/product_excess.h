/* Weights beyond signed bytes: what clipping them to bytes leaves over, as lists, and its product with codes. Private to the oneDNN way. */
#ifndef OHM_PRODUCT_EXCESS_H
#define OHM_PRODUCT_EXCESS_H
#include "ways.h"

#define EXCESS_POSITIONS 64 /* taken together */
#define EXCESS_ROWS 16      /* turned together; so are as many columns of sums */
#define EXCESS_SUMS (EXCESS_ROWS * EXCESS_POSITIONS)

/* Four entries of a column, value[i] in row[i]; a column's last ones may be zeros in row 0. */
struct excess_four {
    uint16_t row[4];
    int8_t value[4];
};
/* Column n of a group has fours[first[n]] .. fours[first[n + 1] - 1]. */
struct excess {
    int32_t krows, ncols;
    const uint32_t *first; /* [ncols + 1] */
    const struct excess_four *fours;
};

/* The byte that stands for a weight in the dense product. */
static inline int32_t excess_clip(int32_t w) {
    return w > INT8_MAX ? INT8_MAX : w < INT8_MIN ? INT8_MIN : w;
}

/* Magnitudes of at most 255, and a processor that the kernel runs on. */
bool excess_is_possible(const struct weights *weights);
/* first [groups * ncols + 1] is written: the first four of every column, and the number of all. */
void excess_count(const struct weights *weights, uint32_t *first);
/* Are lists of so many fours faster than as many dense columns again? */
bool excess_pays(const struct ohm_product_shape *shape, uint32_t fours);

/* The lists of all groups: their bytes, and writing them to zeroed memory. 0, or a recorded failure. */
size_t excess_bytes(const struct ohm_product_shape *shape, uint32_t fours);
int excess_write(const struct weights *weights, const uint32_t *first, void *lists);
struct excess excess_of(const struct ohm_product_shape *shape, const void *lists, int64_t group);

/* y[p][n] += sum over a column's entries of value x[p][row], modulo 2^32. Strides are elements from one position to the next; scratch is aligned to
 * 64 bytes. Only where excess_is_possible. */
size_t excess_scratch(int32_t krows);
void excess_add(const struct excess *excess, int32_t npos, const uint8_t *x, int64_t x_stride, int32_t *y, int64_t y_stride, void *scratch);
/* The kernel, with AVX-512's dot products of bytes: 1 to EXCESS_POSITIONS positions. sums [EXCESS_SUMS], turned [krows, to whole EXCESS_ROWS]
 * [EXCESS_POSITIONS], both aligned to 64 bytes. */
void excess_add_avx512(const struct excess *excess, int32_t npos, const uint8_t *x, int64_t x_stride, int32_t *y, int64_t y_stride, int32_t *sums,
                       uint8_t *turned);

#endif
