/* How often each input of a block of positions has a 1 bit. Private to xbar. */
#ifndef OHM_XBAR_ONES_H
#define OHM_XBAR_ONES_H
#include "ohmtally/kernel.h"

#define OHM_ONES_TOGETHER 1024 /* inputs that are counted at a time, at most */

/* ones[i] += 1 bits of x[row * stride + i], over all rows; x and stride in elements of 1 or 2 bytes, n <= OHM_ONES_TOGETHER. Sums must stay below
 * 65536. The counts are the same with every kernel. */
void ohm_ones_add(const struct ohm_kernel *kernel, int32_t element, size_t nrow, size_t stride, size_t n, const void *x, uint16_t *ones);

#endif
