/* Which way computes a product, and what does not depend on the way. */
#include "ways.h"
#include <stdlib.h>
#include <string.h>

/* Best first. */
static const struct way *const all_ways[] = {
    &way_depth,
#ifdef OHM_DNNL
    &way_dnnl,
#endif
    &way_int16, &way_blas, &way_plain,
};
#define WAYS ((int)(sizeof all_ways / sizeof all_ways[0]))

static void measure(struct weights *weights, int64_t *positive, int64_t *negative) {
    const int64_t krows = weights->shape.krows, ncols = weights->shape.ncols;
    const int32_t *w = weights->w;
    for (int64_t g = 0; g < weights->shape.groups; g++) {
        memset(positive, 0, (size_t)ncols * sizeof *positive);
        memset(negative, 0, (size_t)ncols * sizeof *negative);
        for (int64_t r = 0; r < krows; r++)
            for (int64_t n = 0; n < ncols; n++, w++) {
                const int64_t magnitude = llabs(*w);
                weights->largest = magnitude > weights->largest ? magnitude : weights->largest;
                if (*w > 0)
                    positive[n] += magnitude;
                else
                    negative[n] += magnitude;
            }
        for (int64_t n = 0; n < ncols; n++) {
            weights->most = positive[n] > weights->most ? positive[n] : weights->most;
            weights->most = negative[n] > weights->most ? negative[n] : weights->most;
        }
    }
    weights->fits = weights->most <= INT32_MAX / largest_code(weights->shape.element);
}

int32_t cut_blocks(const struct weights *weights, int32_t most_rows, int64_t most_sum, int32_t *first) {
    const int64_t krows = weights->shape.krows, ncols = weights->shape.ncols, outputs = weights->shape.groups * ncols;
    int64_t(*sum)[2] = ohm_alloc_array((size_t)outputs, sizeof *sum);
    if (!sum) return 0;
    int32_t nblock = 0;
    for (int32_t r = 0; r < krows; r++) {
        bool full = r - first[nblock] == most_rows;
        for (int64_t n = 0; n < outputs && !full; n++) {
            const int64_t w = weights->w[(n / ncols * krows + r) * ncols + n % ncols];
            full = sum[n][w < 0] + llabs(w) > most_sum;
        }
        if (full && r > first[nblock]) {
            first[++nblock] = r;
            memset(sum, 0, (size_t)outputs * sizeof *sum);
        }
        for (int64_t n = 0; n < outputs; n++) {
            const int64_t w = weights->w[(n / ncols * krows + r) * ncols + n % ncols];
            sum[n][w < 0] += llabs(w);
        }
    }
    first[++nblock] = weights->shape.krows;
    free(sum);
    return nblock;
}

/* Row place[r] of the result is row r of w: in the order of the codes. */
static int32_t *in_order_of_codes(const struct ohm_product_shape *shape, const int32_t *w, const int32_t *place) {
    const size_t krows = (size_t)shape->krows, ncols = (size_t)shape->ncols;
    int32_t *ordered = ohm_alloc_array((size_t)shape->groups * krows, ncols * sizeof *ordered);
    for (size_t g = 0; ordered && g < (size_t)shape->groups; g++)
        for (size_t r = 0; r < krows; r++) {
            const size_t to = place ? (size_t)place[r] : r;
            memcpy(ordered + (g * krows + to) * ncols, w + (g * krows + r) * ncols, ncols * sizeof *w);
        }
    return ordered;
}

/* "int16-avx2" forces the way int16 (and its kernel avx2). */
static bool is_forced(const struct way *way, const char *forced) {
    const size_t length = strlen(way->name);
    return !strncmp(way->name, forced, length) && (!forced[length] || forced[length] == '-');
}

static int try_way(const struct way *way, const struct weights *weights, struct ohm_product *product) {
    if (!way->suits(weights)) return DECLINED;
    product->way = way;
    const int status = way->pack(weights, &product->packed, &product->bytes);
    if (status) {
        way->release(product->packed);
        product->packed = NULL;
        product->bytes = 0;
    }
    return status;
}

static int pack(const struct weights *weights, struct ohm_product *product) {
    int status = DECLINED;
    for (int i = 0; i < WAYS && status == DECLINED; i++)
        if (is_forced(all_ways[i], weights->forced)) status = try_way(all_ways[i], weights, product);
    for (int i = 0; i < WAYS && status == DECLINED; i++) status = try_way(all_ways[i], weights, product);
    return status;
}

static int known(const char *forced) {
    if (!*forced || !strcmp(forced, "dnnl") || !strncmp(forced, "dnnl-", 5)) return OHM_OK; /* dnnl may be left out of the build */
    for (int i = 0; i < WAYS; i++)
        if (is_forced(all_ways[i], forced)) return OHM_OK;
    return ohm_fail(OHM_E_USAGE, "OHM_PRODUCT=%s: no such way; there are plain, depth, int16, dnnl and blas", forced);
}

int ohm_product_new(const struct ohm_product_shape *shape, const int32_t *w, const int32_t *place, struct ohm_product **product) {
    const char *forced = getenv("OHM_PRODUCT");
    struct weights weights = {.shape = *shape, .forced = forced ? forced : ""};
    *product = NULL;
    OHM_TRY(known(weights.forced));
    if (shape->groups < 1 || shape->krows < 1 || shape->ncols < 1 || (shape->interleaved && shape->ncols != 1))
        return ohm_fail(OHM_E_INTERNAL, "product of shape %dx%dx%d", (int)shape->groups, (int)shape->krows, (int)shape->ncols);
    int32_t *ordered = in_order_of_codes(shape, w, place);
    int64_t *sums = ohm_alloc_array(2 * (size_t)shape->ncols, sizeof *sums);
    struct ohm_product *made = ohm_alloc(sizeof *made);
    int status = ordered && sums && made ? OHM_OK : OHM_E_MEMORY;
    if (!status) {
        weights.w = ordered;
        measure(&weights, sums, sums + shape->ncols);
        *made = (struct ohm_product){.shape = *shape, .most = weights.most, .fits = weights.fits};
        status = pack(&weights, made);
    }
    free(ordered);
    free(sums);
    if (status)
        free(made);
    else
        *product = made;
    return status;
}

void ohm_product_free(struct ohm_product *product) {
    if (!product) return;
    product->way->release(product->packed);
    free(product);
}

const char *ohm_product_way(const struct ohm_product *product) {
    return product->way->name;
}

size_t ohm_product_bytes(const struct ohm_product *product) {
    return product->bytes;
}

void ohm_product_large(const struct ohm_product *product, void (*see)(void *context, void *piece, size_t bytes), void *context) {
    if (product->bytes >= OHM_LARGE_BYTES) see(context, product->way->weights(product->packed), product->bytes);
}

static size_t narrow_bytes(const struct ohm_product *product, int32_t npos) {
    return product->fits ? round_up((size_t)npos * (size_t)outputs_of(product) * sizeof(int32_t)) : 0;
}

size_t ohm_product_scratch(const struct ohm_product *product, int32_t npos) {
    const int32_t together = npos < OHM_PRODUCT_POSITIONS ? npos : OHM_PRODUCT_POSITIONS;
    return narrow_bytes(product, together) + round_up(product->way->scratch(product, together));
}

int64_t ohm_product_bound(const struct ohm_product *product, int32_t bits) {
    int64_t bound;
    return __builtin_mul_overflow(product->most, (INT64_C(1) << bits) - 1, &bound) ? INT64_MAX : bound;
}

void ohm_product_run(const struct ohm_product *product, int32_t npos, const void *x, int32_t *y, void *scratch) {
    const int64_t inputs = inputs_of(product), outputs = outputs_of(product);
    for (int32_t p = 0; p < npos; p += OHM_PRODUCT_POSITIONS) {
        const int32_t here = npos - p < OHM_PRODUCT_POSITIONS ? npos - p : OHM_PRODUCT_POSITIONS;
        product->way->run(product, here, (const uint8_t *)x + p * inputs * product->shape.element, y + p * outputs, scratch);
    }
}

OHM_CLONES
static void widen(int64_t count, const int32_t *restrict narrow, int64_t *restrict y) {
    for (int64_t i = 0; i < count; i++) y[i] = narrow[i];
}

void ohm_product_run_wide(const struct ohm_product *product, int32_t npos, const void *x, int64_t *y, void *scratch) {
    const int64_t inputs = inputs_of(product), outputs = outputs_of(product);
    for (int32_t p = 0; p < npos; p += OHM_PRODUCT_POSITIONS) {
        const int32_t here = npos - p < OHM_PRODUCT_POSITIONS ? npos - p : OHM_PRODUCT_POSITIONS;
        const void *from = (const uint8_t *)x + p * inputs * product->shape.element;
        if (!product->fits) {
            product->way->run_wide(product, here, from, y + p * outputs, scratch);
            continue;
        }
        product->way->run(product, here, from, scratch, (uint8_t *)scratch + narrow_bytes(product, here));
        widen(here * outputs, scratch, y + p * outputs);
    }
}
