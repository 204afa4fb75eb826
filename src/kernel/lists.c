/* Lists of driven rows: built once per (position, step) and used for every chunk of columns. */
#include "ohmtally/kernel.h"
#include "places.h"
#include <string.h>

#define MAX_WORDS (OHM_MAX_ROWS / 64)
#define MAX_BITS 16

uint16_t ohm_byte_places[256][8];
uint8_t ohm_byte_ones[256];

__attribute__((constructor)) static void fill_places(void) {
    for (uint32_t bits = 0; bits < 256; bits++)
        for (uint32_t rest = bits; rest; rest &= rest - 1) ohm_byte_places[bits][ohm_byte_ones[bits]++] = (uint16_t)__builtin_ctz(rest);
}

/* The rows driven at step t: bit t - s of the rows with shift s. mask is room for them. */
static const uint64_t *step_mask(const struct ohm_list_rows *rows, const uint64_t *bits, int32_t nbit, int32_t t, int32_t words, uint64_t *mask) {
    if (!rows->max_shift) return bits + t * words;
    memset(mask, 0, (size_t)words * sizeof *mask);
    for (int32_t s = 0; s <= rows->max_shift; s++) {
        if (t - s < 0 || t - s >= nbit) continue;
        for (int32_t w = 0; w < words; w++) mask[w] |= bits[(t - s) * words + w] & rows->shifted[s * words + w];
    }
    return mask;
}

static const void *row_values(const struct ohm_list_rows *rows, int32_t element, const uint8_t *vector, void *room) {
    if (!rows->input) return vector + (size_t)rows->input0 * (size_t)element;
    if (element == 1)
        for (int32_t r = 0; r < rows->nrow; r++) ((uint8_t *)room)[r] = vector[rows->input[r]];
    else
        for (int32_t r = 0; r < rows->nrow; r++) ((uint16_t *)room)[r] = ((const uint16_t *)vector)[rows->input[r]];
    return room;
}

void ohm_lists_build(const struct ohm_kernel *kernel, const struct ohm_list_rows *rows, int32_t npos, int32_t nbit, int32_t element,
                     const void *values, int32_t stride, int32_t ignored, struct ohm_lists *lists) {
    int32_t words = (rows->nrow + 63) / 64, nstep = nbit + rows->max_shift, end = 0;
    uint64_t bits[MAX_BITS * MAX_WORDS], shifted[MAX_WORDS];
    uint16_t room[OHM_MAX_ROWS], pad[OHM_LIST_PAD];
    for (int32_t i = 0; i < OHM_LIST_PAD; i++) pad[i] = (uint16_t)rows->nrow;
    lists->npos = npos;
    lists->nstep = nstep;
    lists->first[0] = 0;
    for (int32_t p = 0; p < npos; p++) {
        const uint8_t *vector = (const uint8_t *)values + (size_t)p * (size_t)stride * (size_t)element;
        kernel->bit_masks(rows->nrow, element, row_values(rows, element, vector, room), nbit, bits);
        for (int32_t t = 0; t < nstep; t++) {
            const uint64_t *mask = step_mask(rows, bits, nbit, t, words, shifted);
            int32_t list = p * nstep + t, n = 0;
            if (!ignored || kernel->ones((size_t)words * sizeof *mask, mask) > ignored) n = kernel->emit(mask, words, lists->row + end);
            lists->driven[list] = (int16_t)n;
            memcpy(lists->row + end + n, pad, sizeof pad); /* as far as needed; the next list begins over the rest */
            end = (end + n + OHM_LIST_PAD - 1) / OHM_LIST_PAD * OHM_LIST_PAD;
            lists->first[list + 1] = end;
        }
    }
}
