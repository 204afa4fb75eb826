/* One column per group, as in depth-wise layers. Interleaved codes: element-wise over groups; otherwise a sum per group. */
#include "product_depth.h"
#include "ways.h"
#include <stdlib.h>
#include <string.h>

struct depth_packed {
    int32_t *w;     /* [krows][groups] where the codes are interleaved, else [groups][krows] */
    int16_t *pairs; /* for depth_avx2, or NULL: [block of groups][pair of rows][group][2] */
};

static bool suits(const struct weights *weights) {
    return weights->shape.ncols == 1 && (weights->shape.interleaved || weights->shape.groups > 1);
}

static bool pairs_suit(const struct weights *weights) {
#if defined(__x86_64__)
    return weights->shape.interleaved && weights->shape.element == 1 && weights->shape.groups >= DEPTH_GROUPS && weights->fits &&
           weights->largest <= INT16_MAX && __builtin_cpu_supports("avx2");
#else
    return false;
#endif
}

static int16_t *pack_pairs(const struct weights *weights, size_t *bytes) {
    const int64_t krows = weights->shape.krows, groups = weights->shape.groups, even = (krows + 1) / 2 * 2;
    *bytes = (size_t)((groups + DEPTH_GROUPS - 1) / DEPTH_GROUPS * DEPTH_GROUPS * even) * sizeof(int16_t);
    int16_t *pairs = ohm_alloc(*bytes), *to = pairs;
    for (int64_t block = 0; pairs && block < groups; block += DEPTH_GROUPS)
        for (int64_t r = 0; r < even; r += 2)
            for (int64_t i = 0; i < DEPTH_GROUPS; i++)
                for (int64_t row = r; row < r + 2; row++, to++)
                    if (row < krows) *to = (int16_t)weights->w[(depth_first(groups, block) + i) * krows + row];
    return pairs;
}

static int pack(const struct weights *weights, void **result, size_t *bytes) {
    const size_t krows = (size_t)weights->shape.krows, groups = (size_t)weights->shape.groups;
    struct depth_packed *packed = *result = ohm_alloc(sizeof *packed);
    if (!packed) return OHM_E_MEMORY;
    if (pairs_suit(weights)) {
        packed->pairs = pack_pairs(weights, bytes);
        return packed->pairs ? OHM_OK : OHM_E_MEMORY;
    }
    *bytes = krows * groups * sizeof *packed->w;
    packed->w = ohm_alloc(*bytes);
    if (!packed->w) return OHM_E_MEMORY;
    for (size_t g = 0; g < groups; g++)
        for (size_t r = 0; r < krows; r++) packed->w[weights->shape.interleaved ? r * groups + g : g * krows + r] = weights->w[g * krows + r];
    return OHM_OK;
}

static void release(void *memory) {
    struct depth_packed *packed = memory;
    if (!packed) return;
    free(packed->w);
    free(packed->pairs);
    free(packed);
}

static size_t no_scratch(const struct ohm_product *product, int32_t npos) {
    return 0;
}

/* 32-bit sums are unsigned: they wrap around, only the end result has to fit. */
#define SUM uint32_t
#define CODE uint8_t
#define NAME(verb) verb##_u8
#include "product_depth_body.h"
#define CODE uint16_t
#define NAME(verb) verb##_u16
#include "product_depth_body.h"
#undef SUM
#define SUM int64_t
#define CODE uint8_t
#define NAME(verb) verb##_wide_u8
#include "product_depth_body.h"
#define CODE uint16_t
#define NAME(verb) verb##_wide_u16
#include "product_depth_body.h"

static void run(const struct ohm_product *product, int32_t npos, const void *x, int32_t *y, void *scratch) {
    const struct depth_packed *packed = product->packed;
#if defined(__x86_64__)
    if (packed->pairs) {
        depth_avx2(product->shape.groups, product->shape.krows, packed->pairs, npos, x, y);
        return;
    }
#endif
    if (product->shape.element == 1)
        depth_u8(product, npos, x, (uint32_t *)y);
    else
        depth_u16(product, npos, x, (uint32_t *)y);
}

static void run_wide(const struct ohm_product *product, int32_t npos, const void *x, int64_t *y, void *scratch) {
    if (product->shape.element == 1)
        depth_wide_u8(product, npos, x, y);
    else
        depth_wide_u16(product, npos, x, y);
}

static void *weights_of(const void *packed) {
    const struct depth_packed *depth = packed;
    return depth->pairs ? (void *)depth->pairs : depth->w;
}

const struct way way_depth = {.name = "depth",
                              .suits = suits,
                              .pack = pack,
                              .weights = weights_of,
                              .release = release,
                              .scratch = no_scratch,
                              .run = run,
                              .run_wide = run_wide};
