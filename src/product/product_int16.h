/* The kernels of product_int16.c: one panel of packed 16-bit weights times all positions. Private to the product layer. */
#ifndef OHM_PRODUCT_INT16_H
#define OHM_PRODUCT_INT16_H
#include <stdbool.h>
#include <stdint.h>

#define PANEL_WEIGHTS 8192 /* of a block of rows, at most: 16 KiB stay in the first-level cache while the positions pass */

/* y[p][n] = (add ? y[p][n] : 0) + sum over k of w[k][n][0] x[p][2k] + w[k][n][1] x[p][2k+1], modulo 2^32 */
struct int16_panel {
    int32_t npos, pairs, ncols; /* ncols of y; the panel is padded with zero weights to whole vectors */
    bool add;
    const int16_t *x, *w; /* w [pairs][padded ncols][2], aligned */
    int32_t *y;
    int64_t x_stride, y_stride; /* from one position to the next, in elements */
};
struct int16_kernel {
    const char *name;
    int32_t vector, columns, rows; /* columns of one vector and of a whole panel; most rows of a block, even */
    /* Codes to 16 bits: [npos][rows] from x (row length inputs) to [npos][stride]; two bytes become themselves minus 2^15. A zero follows an odd
     * number of rows. */
    void (*widen)(int32_t element, int32_t npos, int32_t rows, const void *x, int64_t inputs, int16_t *wide, int64_t stride);
    void (*panel)(const struct int16_panel *panel);
};
extern const struct int16_kernel int16_avx2, int16_avx512, int16_vnni;

#endif
