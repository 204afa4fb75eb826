/* The definition in plain loops; every other kernel must give the same integers. */
#include "combine_body.h"
#include "ohmtally/kernel.h"
#include <string.h>

static void bit_masks(int32_t n, int32_t element, const void *values, int32_t nbit, uint64_t *mask) {
    int32_t words = (n + 63) / 64;
    memset(mask, 0, (size_t)nbit * (size_t)words * sizeof *mask);
    for (int32_t r = 0; r < n; r++) {
        uint32_t value = element == 1 ? ((const uint8_t *)values)[r] : ((const uint16_t *)values)[r];
        for (int32_t k = 0; k < nbit; k++) mask[k * words + r / 64] |= (uint64_t)(value >> k & 1) << (r % 64);
    }
}

static int32_t emit(const uint64_t *mask, int32_t words, uint16_t *out) {
    int32_t n = 0;
    for (int32_t r = 0; r < words * 64; r++)
        if (mask[r / 64] >> (r % 64) & 1) out[n++] = (uint16_t)r;
    return n;
}

/* Sum over the driven rows of the cell values of column c. */
static int32_t column_count(const struct ohm_cells *cells, int32_t chunk, const struct ohm_lists *lists, int32_t list, int32_t c) {
    int32_t count = 0;
    for (int32_t i = lists->first[list]; i < lists->first[list + 1]; i++)
        for (int32_t plane = 0; plane < cells->cell_bits; plane++) {
            const uint64_t *row = cells->words + ohm_cells_index(cells, chunk, plane, lists->row[i]);
            count += (int32_t)(row[c / 64] >> (c % 64) & 1) << plane;
        }
    return count;
}

static void clip(const struct ohm_cells *cells, int32_t chunk, const struct ohm_lists *lists, int32_t step0, int32_t step1, int32_t adc_bits,
                 int32_t *acc, int64_t *clipped) {
    int32_t top = (int32_t)(((int64_t)1 << adc_bits) - 1);
    for (int32_t p = 0; p < lists->npos; p++)
        for (int32_t c = 0; c < OHM_CHUNK; c++) {
            int32_t sum = 0;
            for (int32_t t = step0; t < step1; t++) {
                int32_t count = column_count(cells, chunk, lists, p * lists->nstep + t, c);
                *clipped += count > top;
                sum += (count > top ? top : count) << (t - step0);
            }
            acc[p * OHM_CHUNK + c] = sum;
        }
}

/* Integers in the place of bit planes and back: the definition of the planes. */
static void integers(int32_t npos, int32_t nplane, int32_t held, int32_t bias, const uint64_t *total, int32_t *acc) {
    for (int32_t p = 0; p < npos; p++)
        for (int32_t c = 0; c < OHM_CHUNK; c++) {
            uint32_t sum = 0;
            for (int32_t k = 0; k < held; k++) sum |= (uint32_t)(total[(p * nplane + k) * OHM_CHUNK_WORDS + c / 64] >> (c % 64) & 1) << k;
            acc[p * OHM_CHUNK + c] = (int32_t)sum - bias;
        }
}

/* Position p's sums of own planes onto its total. */
static void add_onto(const struct ohm_goal *goal, int32_t p, const int32_t *sum, int32_t own) {
    const struct ohm_onto *onto = goal->onto;
    uint64_t *total = goal->total + p * onto->nplane * OHM_CHUNK_WORDS;
    int32_t before[OHM_CHUNK];
    integers(1, onto->nplane, onto->held, 0, total, before);
    memset(total, 0, (size_t)onto->after * OHM_CHUNK_WORDS * sizeof *total);
    for (int32_t c = 0; c < OHM_CHUNK; c++) {
        const int64_t now = before[c] + ((onto->complement ? ((int64_t)1 << own) - 1 - sum[c] : sum[c]) << onto->shift);
        for (int32_t k = 0; k < onto->after; k++) total[k * OHM_CHUNK_WORDS + c / 64] |= (uint64_t)(now >> k & 1) << (c % 64);
    }
}

static struct ohm_lists lists_of(const struct ohm_lists *lists, int32_t p) {
    struct ohm_lists one = *lists;
    one.npos = 1;
    one.first += p * lists->nstep;
    one.driven += p * lists->nstep;
    return one;
}

static void clip_onto(const struct ohm_cells *cells, int32_t chunk, int32_t nchunk, const struct ohm_lists *lists, int32_t step0, int32_t step1,
                      int32_t adc_bits, const struct ohm_goal *goals, int64_t *clipped) {
    for (int32_t p = 0; p < lists->npos; p++) {
        const struct ohm_lists one = lists_of(lists, p);
        int32_t sum[OHM_CHUNK];
        for (int32_t k = 0; k < nchunk; k++) {
            clip(cells, chunk + k, &one, step0, step1, adc_bits, sum, clipped);
            add_onto(&goals[k], p, sum, ohm_clip_planes(cells, step1 - step0, adc_bits));
        }
    }
}

static void excess(const struct ohm_cells *cells, int32_t chunk, const struct ohm_lists *lists, int32_t step0, int32_t step1, int32_t adc_bits,
                   int32_t *acc, uint8_t *found, int64_t *clipped) {
    int32_t top = (int32_t)(((int64_t)1 << adc_bits) - 1);
    for (int32_t p = 0; p < lists->npos; p++) {
        int32_t sum[OHM_CHUNK] = {0};
        found[p] = 0;
        for (int32_t c = 0; c < OHM_CHUNK; c++)
            for (int32_t t = step0; t < step1; t++) {
                int32_t count = column_count(cells, chunk, lists, p * lists->nstep + t, c);
                if (count <= top) continue;
                found[p] = 1;
                ++*clipped;
                sum[c] += (count - top) << (t - step0);
            }
        if (found[p]) memcpy(acc + p * OHM_CHUNK, sum, sizeof sum);
    }
}

static void table(const struct ohm_cells *cells, int32_t chunk, const struct ohm_lists *lists, int32_t step0, int32_t step1,
                  const struct ohm_adc_table *adc, int32_t ncol, int32_t *acc, int64_t *clipped) {
    for (int32_t p = 0; p < lists->npos; p++)
        for (int32_t c = 0; c < OHM_CHUNK; c++) {
            int32_t sum = 0;
            for (int32_t t = step0; c < ncol && t < step1; t++) {
                int32_t count = column_count(cells, chunk, lists, p * lists->nstep + t, c) + (adc->offset ? adc->offset[c] : 0);
                *clipped += adc->outside[count];
                sum += adc->value[count] * (1 << (t - step0));
            }
            acc[p * OHM_CHUNK + c] = sum;
        }
}

static void table_onto(const struct ohm_cells *cells, int32_t chunk, const struct ohm_lists *lists, int32_t step0, int32_t step1,
                       const struct ohm_adc_table *adc, int32_t ncol, const struct ohm_goal *goal, int64_t *clipped) {
    const struct ohm_adc_slices *slices = adc->slices;
    const int32_t steps = (int32_t)(((int64_t)1 << (step1 - step0)) - 1);
    for (int32_t p = 0; p < lists->npos; p++) {
        const struct ohm_lists one = lists_of(lists, p);
        int32_t sum[OHM_CHUNK];
        table(cells, chunk, &one, step0, step1, adc, ncol, sum, clipped);
        for (int32_t c = 0; c < OHM_CHUNK; c++) sum[c] = c < ncol && slices->step[c] ? (sum[c] - slices->lo[c] * steps) / slices->step[c] : 0;
        add_onto(goal, p, sum, step1 - step0 + slices->width);
    }
}

const struct ohm_kernel ohm_kernel_reference = KERNEL("reference", bit_masks, emit, NULL, NULL, NULL);
