/* ADC tables, count by count, into the rows that the counters read (struct ohm_adc_slices). */
#include "ohmtally/kernel.h"
#include "ohmtally/memory.h"
#include "ohmtally/status.h"
#include <stdbool.h>
#include <stdlib.h>

#define BLOCK 8
#define MOST_RISE 3

static int64_t common_divisor(int64_t a, int64_t b) {
    while (b) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* Value between neighbouring codes, 0 when all values are equal; false when some rise is negative or too large. */
static bool find_step(const int32_t *value, int32_t n, int32_t *step) {
    int64_t divisor = 0, most = 0;
    int sign = 0;
    *step = 0;
    for (int32_t i = 1; i < n; i++) {
        int64_t rise = (int64_t)value[i] - value[i - 1];
        if (!rise) continue;
        if (!sign) sign = rise < 0 ? -1 : 1;
        if (rise * sign < 0) return false;
        divisor = common_divisor(rise * sign, divisor);
        most = rise * sign > most ? rise * sign : most;
    }
    if (!sign) return true;
    if (divisor > INT32_MAX || most / divisor > MOST_RISE) return false;
    *step = (int32_t)divisor * sign;
    return true;
}

static int32_t code_at(const struct ohm_adc_table *adc, int32_t start, int32_t step, int32_t count) {
    return step ? (int32_t)(((int64_t)adc->value[start + count] - adc->value[start]) / step) : 0;
}

static int32_t column_start(const struct ohm_adc_table *adc, int32_t c) {
    return adc->offset ? adc->offset[c] : 0;
}

/* What slices are being made; the arrays are those of *slices. */
struct making {
    const struct ohm_adc_table *adc;
    struct ohm_adc_slices *slices;
    int32_t *step, *lo;
    uint8_t *parts, *code_bits;
};

static void earliest(int32_t *first, int32_t block) {
    if (block < *first) *first = block;
}

/* Adds what column c needs to the parts and the code bits. */
static void measure_column(const struct making *making, int32_t c) {
    struct ohm_adc_slices *slices = making->slices;
    int32_t start = column_start(making->adc, c), before = 0;
    const uint8_t *outside = making->adc->outside + start;
    for (int32_t i = 0; i < making->adc->ncount; i++) {
        int32_t code = code_at(making->adc, start, making->step[c], i), block = i / BLOCK;
        if (outside[i]) earliest(&slices->first_outside, block);
        if (i % BLOCK && outside[i] != outside[i - 1]) {
            earliest(&slices->first_turn, block);
            making->parts[block] |= OHM_SLICE_TURN;
        }
        if (i % BLOCK && code - before > 1) {
            earliest(&slices->first_twice, block);
            making->parts[block] |= OHM_SLICE_TWICE;
        }
        if (ohm_bit_length(code) > making->code_bits[block]) making->code_bits[block] = (uint8_t)ohm_bit_length(code);
        before = code;
    }
}

/* Steps of all columns and which parts their tables need; false when one does not fit the form. */
static bool measure(const struct making *making) {
    const struct ohm_adc_table *adc = making->adc;
    int32_t nblock = making->slices->nblock;
    for (int32_t c = 0; c < OHM_CHUNK; c++) {
        int32_t start = column_start(adc, c);
        making->lo[c] = adc->value[start];
        if (c && start == column_start(adc, c - 1)) {
            making->step[c] = making->step[c - 1];
            continue;
        }
        if (!find_step(adc->value + start, adc->ncount, &making->step[c])) return false;
        measure_column(making, c);
    }
    for (int32_t block = 1; block < nblock; block++)
        if (making->code_bits[block] < making->code_bits[block - 1]) making->code_bits[block] = making->code_bits[block - 1];
    return true;
}

static void lay_out_rows(struct ohm_adc_slices *slices) {
    slices->width = slices->code_bits[slices->nblock - 1];
    slices->nrow = BLOCK;
    if (slices->first_turn < slices->nblock) {
        slices->turn = slices->nrow;
        slices->nrow += BLOCK;
    }
    if (slices->first_twice < slices->nblock) {
        slices->twice = slices->nrow;
        slices->nrow += BLOCK;
    }
    slices->base = slices->nrow;
    slices->nrow += (slices->width + 3) / 4 * 4; /* kernels read these by fours */
}

static void set_bits(uint64_t *block_rows, int32_t row, int32_t nbit, int32_t value, int32_t c) {
    for (int32_t k = 0; k < nbit; k++) block_rows[(row + k) * OHM_CHUNK_WORDS + c / 64] |= (uint64_t)(value >> k & 1) << (c % 64);
}

static void fill_column(const struct ohm_adc_table *adc, const struct ohm_adc_slices *slices, int32_t c, uint64_t *rows) {
    int32_t start = column_start(adc, c), before = 0;
    for (int32_t i = 0; i < adc->ncount; i++) {
        uint64_t *here = rows + (size_t)(i / BLOCK) * (size_t)slices->nrow * OHM_CHUNK_WORDS;
        int32_t code = code_at(adc, start, slices->step[c], i), n = i % BLOCK, rise = code - before;
        if (n) {
            set_bits(here, n, 1, rise & 1, c);
            if (slices->twice) set_bits(here, slices->twice + n, 1, rise >> 1, c);
            if (slices->turn) set_bits(here, slices->turn + n, 1, adc->outside[start + i] != adc->outside[start + i - 1], c);
        } else {
            set_bits(here, 0, 1, adc->outside[start + i], c);
            set_bits(here, slices->base, slices->width, code, c);
        }
        before = code;
    }
}

int ohm_adc_slices_make(struct ohm_arena *arena, const struct ohm_adc_table *adc, const struct ohm_adc_slices **out) {
    struct ohm_adc_slices *slices = ohm_arena_alloc(arena, sizeof *slices);
    int32_t nblock = (adc->ncount + BLOCK - 1) / BLOCK;
    struct making making = {.adc = adc,
                            .slices = slices,
                            .step = ohm_arena_array(arena, OHM_CHUNK, sizeof *making.step),
                            .lo = ohm_arena_array(arena, OHM_CHUNK, sizeof *making.lo),
                            .parts = ohm_arena_array(arena, (size_t)nblock, 1),
                            .code_bits = ohm_arena_array(arena, (size_t)nblock, 1)};
    *out = NULL;
    if (!slices || !making.step || !making.lo || !making.parts || !making.code_bits) return OHM_E_MEMORY;
    *slices = (struct ohm_adc_slices){.nblock = nblock,
                                      .first_outside = nblock,
                                      .first_turn = nblock,
                                      .first_twice = nblock,
                                      .parts = making.parts,
                                      .code_bits = making.code_bits,
                                      .step = making.step,
                                      .lo = making.lo};
    if (!measure(&making)) return OHM_OK;
    lay_out_rows(slices);
    uint64_t *rows = ohm_arena_array(arena, (size_t)nblock * (size_t)slices->nrow * OHM_CHUNK_WORDS, sizeof *rows);
    if (!rows) return OHM_E_MEMORY;
    for (int32_t c = 0; c < OHM_CHUNK; c++) fill_column(adc, slices, c, rows);
    slices->rows = rows;
    *out = slices;
    return OHM_OK;
}
