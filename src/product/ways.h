/* What the ways of computing a product have in common. Private to the product layer. */
#ifndef OHM_PRODUCT_WAYS_H
#define OHM_PRODUCT_WAYS_H
#include "ohmtally/clones.h"
#include "ohmtally/memory.h"
#include "ohmtally/product.h"
#include "ohmtally/status.h"

#define DECLINED (-1) /* a way that, tried, cannot do these weights: another one has to */

struct weights {
    struct ohm_product_shape shape;
    const int32_t *w;   /* [groups][krows][ncols], rows in the order of the codes */
    int64_t largest;    /* |w| */
    int64_t most;       /* largest sum in a column of its positive weights, or of its negative ones: no partial sum exceeds this times a code */
    bool fits;          /* no partial sum of largest codes leaves 32 bits */
    const char *forced; /* OHM_PRODUCT, "" when not set */
};

struct way {
    const char *name;
    bool (*suits)(const struct weights *weights);
    int (*pack)(const struct weights *weights, void **packed, size_t *bytes); /* 0, DECLINED or a recorded failure; *packed may be set in any case */
    void *(*weights)(const void *packed);                                     /* the memory that `bytes` counts: one piece of its own */
    void (*release)(void *packed);                                            /* NULL is fine */
    size_t (*scratch)(const struct ohm_product *product, int32_t npos);
    /* At most OHM_PRODUCT_POSITIONS positions. run: sums modulo 2^32. run_wide: only called for products that do not fit 32 bits. */
    void (*run)(const struct ohm_product *product, int32_t npos, const void *x, int32_t *y, void *scratch);
    void (*run_wide)(const struct ohm_product *product, int32_t npos, const void *x, int64_t *y, void *scratch);
};
extern const struct way way_plain, way_depth, way_int16, way_blas, way_dnnl;

struct ohm_product {
    struct ohm_product_shape shape;
    const struct way *way;
    void *packed;
    size_t bytes;
    int64_t most;
    bool fits;
};

static inline int64_t inputs_of(const struct ohm_product *product) {
    return (int64_t)product->shape.groups * product->shape.krows;
}
static inline int64_t outputs_of(const struct ohm_product *product) {
    return (int64_t)product->shape.groups * product->shape.ncols;
}
static inline int64_t largest_code(int32_t element) {
    return element == 1 ? UINT8_MAX : UINT16_MAX;
}
static inline size_t round_up(size_t bytes) {
    return (bytes + 63) & ~(size_t)63;
}

/* Cuts the rows into blocks of at most most_rows rows in each column of which the positive weights, and the negative ones, add up to at most most_sum
 * in magnitude (or that are single rows).
 * first [krows + 1] is written: rows first[b] .. first[b + 1] - 1 are block b. Their number, 0 when out of memory. */
int32_t cut_blocks(const struct weights *weights, int32_t most_rows, int64_t most_sum, int32_t *first);

#endif
