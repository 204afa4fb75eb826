/* The lists of what clipping to signed bytes leaves over, and whether they pay. */
#ifdef OHM_DNNL
#include "product_excess.h"
#include <stdlib.h>
#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>
#define AMX_INT8 (1U << 25) /* of register d of leaf 7 */
#endif

#define LARGEST 255 /* a byte and at most 128 more */

bool excess_is_possible(const struct weights *weights) {
#if defined(__x86_64__)
    return weights->largest <= LARGEST && weights->shape.krows <= UINT16_MAX && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni");
#else
    return false;
#endif
}

/* 128 is no signed byte and takes two. */
static int32_t entries_of(int32_t w) {
    const int32_t excess = w - excess_clip(w);
    return excess > INT8_MAX ? 2 : excess != 0;
}

void excess_count(const struct weights *weights, uint32_t *first) {
    const int64_t krows = weights->shape.krows, ncols = weights->shape.ncols, outputs = weights->shape.groups * ncols;
    uint32_t *entries = first + 1;
    memset(first, 0, (size_t)(outputs + 1) * sizeof *first);
    for (int64_t row = 0; row < weights->shape.groups * krows; row++)
        for (int64_t n = 0; n < ncols; n++) entries[row / krows * ncols + n] += (uint32_t)entries_of(weights->w[row * ncols + n]);
    for (int64_t n = 0; n < outputs; n++) first[n + 1] = first[n] + (entries[n] + 3) / 4;
}

#if defined(__x86_64__)
/* Not every compiler's __builtin_cpu_supports knows AMX. */
static bool has_amx(void) {
    unsigned a, b, c, d;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && d & AMX_INT8;
}
#else
static bool has_amx(void) {
    return false;
}
#endif

/* In units of a dense column's weight, which takes 0.29 ns for 64 positions on a Zen 4 core. Four entries take 2.5 ns and a row of codes, turned,
 * 2.2 ns, but as much for fewer positions: half as much again is counted. Adding the sums takes what joining those of a second matrix does. AMX
 * multiplies dense columns several times as fast: lists are not thought to pay beside it (not measured). */
#define COST_OF_FOUR 12
#define COST_OF_ROW 12

bool excess_pays(const struct ohm_product_shape *shape, uint32_t fours) {
    return !has_amx() && COST_OF_FOUR * (int64_t)fours < (int64_t)shape->groups * shape->krows * (shape->ncols - COST_OF_ROW);
}

static size_t first_bytes(const struct ohm_product_shape *shape) {
    return round_up(((size_t)shape->groups * (size_t)shape->ncols + 1) * sizeof(uint32_t));
}

size_t excess_bytes(const struct ohm_product_shape *shape, uint32_t fours) {
    return first_bytes(shape) + round_up(fours * sizeof(struct excess_four));
}

int excess_write(const struct weights *weights, const uint32_t *first, void *lists) {
    const int64_t krows = weights->shape.krows, ncols = weights->shape.ncols, outputs = weights->shape.groups * ncols;
    struct excess_four *fours = (struct excess_four *)((uint8_t *)lists + first_bytes(&weights->shape));
    uint32_t *written = ohm_alloc_array((size_t)outputs, sizeof *written); /* entries of each column */
    if (!written) return OHM_E_MEMORY;
    memcpy(lists, first, (size_t)(outputs + 1) * sizeof *first);
    for (int64_t row = 0; row < weights->shape.groups * krows; row++)
        for (int64_t n = 0; n < ncols; n++) {
            const int64_t column = row / krows * ncols + n;
            const int32_t w = weights->w[row * ncols + n], entries = entries_of(w);
            int32_t rest = w - excess_clip(w);
            for (int32_t i = 0; i < entries; i++, written[column]++) {
                struct excess_four *four = fours + first[column] + written[column] / 4;
                const int32_t value = rest > INT8_MAX ? INT8_MAX : rest;
                four->row[written[column] % 4] = (uint16_t)(row % krows);
                four->value[written[column] % 4] = (int8_t)value;
                rest -= value;
            }
        }
    free(written);
    return OHM_OK;
}

struct excess excess_of(const struct ohm_product_shape *shape, const void *lists, int64_t group) {
    return (struct excess){.krows = shape->krows,
                           .ncols = shape->ncols,
                           .first = (const uint32_t *)lists + group * shape->ncols,
                           .fours = (const struct excess_four *)((const uint8_t *)lists + first_bytes(shape))};
}

size_t excess_scratch(int32_t krows) {
    return EXCESS_SUMS * sizeof(int32_t) + (size_t)((krows + EXCESS_ROWS - 1) / EXCESS_ROWS * EXCESS_SUMS);
}

void excess_add(const struct excess *excess, int32_t npos, const uint8_t *x, int64_t x_stride, int32_t *y, int64_t y_stride, void *scratch) {
#if defined(__x86_64__)
    int32_t *sums = scratch;
    for (int32_t p = 0; p < npos && excess->first[0] < excess->first[excess->ncols]; p += EXCESS_POSITIONS) {
        const int32_t here = npos - p < EXCESS_POSITIONS ? npos - p : EXCESS_POSITIONS;
        excess_add_avx512(excess, here, x + p * x_stride, x_stride, y + p * y_stride, y_stride, sums, (uint8_t *)(sums + EXCESS_SUMS));
    }
#endif
}
#endif
