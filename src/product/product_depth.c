/* One column per group, as in depth-wise layers. Interleaved codes: element-wise over groups; otherwise a sum per group. */
#include "ways.h"
#include <stdlib.h>
#include <string.h>

#define TOGETHER 64 /* groups whose sums are held at a time */

static bool suits(const struct weights *weights) {
    return weights->shape.ncols == 1 && (weights->shape.interleaved || weights->shape.groups > 1);
}

/* [krows][groups] where the codes are interleaved, else [groups][krows] */
static int pack(const struct weights *weights, void **packed, size_t *bytes) {
    const size_t krows = (size_t)weights->shape.krows, groups = (size_t)weights->shape.groups;
    *bytes = krows * groups * sizeof(int32_t);
    int32_t *w = *packed = ohm_alloc(*bytes);
    if (!w) return OHM_E_MEMORY;
    for (size_t g = 0; g < groups; g++)
        for (size_t r = 0; r < krows; r++) w[weights->shape.interleaved ? r * groups + g : g * krows + r] = weights->w[g * krows + r];
    return OHM_OK;
}

static size_t no_scratch(const struct ohm_product *product, int32_t npos) {
    return 0;
}

/* 32-bit sums are unsigned: they wrap around, only the end result has to fit. */
#define OUTPUT int32_t
#define SUM uint32_t
#define CODE uint8_t
#define NAME(verb) verb##_u8
#include "product_depth_body.h"
#define CODE uint16_t
#define NAME(verb) verb##_u16
#include "product_depth_body.h"
#undef OUTPUT
#undef SUM
#define OUTPUT int64_t
#define SUM int64_t
#define CODE uint8_t
#define NAME(verb) verb##_wide_u8
#include "product_depth_body.h"
#define CODE uint16_t
#define NAME(verb) verb##_wide_u16
#include "product_depth_body.h"

static void run(const struct ohm_product *product, int32_t npos, const void *x, int32_t *y, void *scratch) {
    if (product->shape.element == 1)
        depth_u8(product, npos, x, y);
    else
        depth_u16(product, npos, x, y);
}

static void run_wide(const struct ohm_product *product, int32_t npos, const void *x, int64_t *y, void *scratch) {
    if (product->shape.element == 1)
        depth_wide_u8(product, npos, x, y);
    else
        depth_wide_u16(product, npos, x, y);
}

const struct way way_depth = {
    .name = "depth", .suits = suits, .pack = pack, .release = free, .scratch = no_scratch, .run = run, .run_wide = run_wide};
