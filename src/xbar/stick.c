/* Stuck cells: level 0 or the largest level, whatever was programmed. */
#include "ohmtally/draw.h"
#include "ohmtally/plan.h"

#define COLUMNS 64 /* of a word of the tile */

/* Bit c: column column0 + c of a row of an array is stuck, and at the largest level. */
struct stuck {
    uint64_t any, on;
};
static struct stuck draw_columns(struct ohm_draws draws, uint64_t on, uint64_t any, uint32_t layer, uint32_t array, uint32_t row, int32_t column0,
                                 int32_t ncol) {
    struct stuck stuck = {0, 0};
    for (int32_t c = 0; c < ncol; c += 4) {
        uint32_t words[4];
        ohm_draw(draws, layer, array, row, (uint32_t)(column0 + c) / 4, words);
        for (int32_t k = 0; k < 4; k++) {
            stuck.on |= (uint64_t)(words[k] < on) << (c + k);
            stuck.any |= (uint64_t)(words[k] < any) << (c + k);
        }
    }
    uint64_t inside = ncol < COLUMNS ? ((uint64_t)1 << ncol) - 1 : ~(uint64_t)0;
    return (struct stuck){stuck.any & inside, stuck.on & inside};
}

void ohm_plan_stick(struct ohm_plan *plan, const struct ohm_noise *noise, int32_t layer) {
    struct ohm_draws draws = ohm_draws_of(noise->seed, noise->trial, OHM_DRAW_STUCK);
    uint64_t on = ohm_draw_below(noise->device.stuck_on), any = on + ohm_draw_below(noise->device.stuck_off);
    for (int32_t t = 0; t < plan->ntile; t++) {
        struct ohm_tile *tile = &plan->tiles[t];
        for (int32_t r = 0; r < tile->nrow; r++)
            for (int32_t c = 0; c < tile->ncol; c += COLUMNS) {
                int32_t ncol = tile->ncol - c < COLUMNS ? tile->ncol - c : COLUMNS;
                struct stuck stuck = draw_columns(draws, on, any, (uint32_t)layer, (uint32_t)t, (uint32_t)r, c, ncol);
                for (int32_t plane = 0; plane < tile->cell_bits; plane++) {
                    uint64_t *word = ohm_tile_word(tile, plane, r, c);
                    *word = (*word & ~stuck.any) | stuck.on;
                }
            }
    }
}
