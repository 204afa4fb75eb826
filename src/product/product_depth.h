/* The vector kernel of product_depth.c. Private to the product layer. */
#ifndef OHM_PRODUCT_DEPTH_H
#define OHM_PRODUCT_DEPTH_H
#include <stdint.h>

#define DEPTH_GROUPS 16 /* of a block */

/* First group of a block. The last block ends with the last group and may overlap the one before, whose results it writes once more. */
static inline int64_t depth_first(int64_t groups, int64_t block) {
    return block + DEPTH_GROUPS < groups ? block : groups - DEPTH_GROUPS;
}

/* x [npos][krows][groups], w [block of groups][pair of rows][group][2], y [npos][groups] modulo 2^32; at least DEPTH_GROUPS groups. */
void depth_avx2(int64_t groups, int64_t krows, const int16_t *w, int64_t npos, const uint8_t *x, int32_t *y);

#endif
