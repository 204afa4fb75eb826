/* Random telegraph noise: cells with two states, drawn for every image. */
#include "ohmtally/clones.h"
#include "ohmtally/draw.h"
#include "ohmtally/status.h"
#include "program.h"
#include "vary.h"
#include <math.h>
#include <string.h>

/* What the second state adds to a conductance g: p = b g + a, at most g. */
static double swing_of(double g, double b, double a) {
    double p = b * g + a;
    return 2 * p < g ? g * p / (g - p) : g;
}

struct telegraph {
    struct ohm_draws cells;
    uint32_t layer;
    double b, a, leak; /* a in level steps */
};

/* In 2^-fraction, rounded up or, with as much chance as keeps the mean, down: amplitudes are a few of these, and many cells have the same. most: all
 * of them up. */
static void fill_tile(const struct telegraph *telegraph, struct ohm_tile *tile, uint32_t array, double one, bool most) {
    for (int32_t r = 0; r < tile->nrow; r++)
        for (int32_t c = 0; c < tile->ncol; c++) {
            size_t at = (size_t)r * (size_t)tile->ncol + (size_t)c;
            double exact = swing_of(fmax(tile->held[at] / one + telegraph->leak, 0), telegraph->b, telegraph->a) * one,
                   room = INT16_MAX - tile->held[at];
            uint32_t words[4] = {0};
            if (!most) ohm_draw(telegraph->cells, telegraph->layer, array, (uint32_t)r, (uint32_t)c / 4, words);
            double whole = most ? ceil(exact) : floor(exact + (words[c % 4] + 0.5) / 4294967296.0);
            tile->swing[at] = (int16_t)fmin(fmin(whole, room), INT16_MAX);
        }
}

int ohm_plan_telegraph(struct ohm_plan *plan, const struct ohm_noise *noise, int32_t layer) {
    int32_t cell_bits = plan->ntile ? plan->tiles[0].cell_bits : 1;
    struct telegraph telegraph = {.cells = ohm_draws_of(noise->seed, noise->trial, OHM_DRAW_TELEGRAPH_CELL),
                                  .layer = (uint32_t)layer,
                                  .b = noise->device.telegraph,
                                  .a = noise->device.telegraph_us * 1e-6 / ohm_level_siemens(noise, cell_bits),
                                  .leak = ohm_level_leak(noise, cell_bits)};
    for (int pass = 0; pass < 2; pass++) { /* the first finds a fraction that has room for all */
        for (int32_t t = 0; t < plan->ntile; t++) {
            struct ohm_tile *tile = &plan->tiles[t];
            if (!tile->swing) tile->swing = ohm_arena_array(plan->arena, (size_t)tile->nrow * (size_t)tile->ncol, sizeof *tile->swing);
            if (!tile->swing) return OHM_E_MEMORY;
            fill_tile(&telegraph, tile, (uint32_t)t, 1 << plan->fraction, pass == 0);
        }
        OHM_TRY(ohm_plan_fit(plan));
    }
    return OHM_OK;
}

OHM_CLONES static void swing_row(const uint32_t words[4], const int16_t *restrict held, const int16_t *restrict swing, int16_t *restrict cells) {
    for (int k = 0; k < 4; k++)
        for (int i = 0; i < 32; i++) cells[32 * k + i] = (int16_t)(held[32 * k + i] + (words[k] >> i & 1 ? swing[32 * k + i] : 0));
}

const int16_t *ohm_telegraph_cells(const struct ohm_program *program, const struct block *block, int32_t part, uint32_t image, struct scratch *s) {
    const size_t place = (size_t)part * ((size_t)block->rows.nrow + 1) * OHM_PART;
    const uint32_t number = block->conversion / OHM_PART + (uint32_t)part;
    if (!block->swing) return block->held + place;
    if (s->swung.block == block && s->swung.part == part && s->swung.image == image) return s->swung.cells;
    for (int32_t r = 0; r < block->rows.nrow; r++) {
        uint32_t words[4];
        size_t row = (size_t)r * OHM_PART;
        ohm_draw(program->analogue->telegraph, image, program->analogue->layer, number, (uint32_t)r, words);
        swing_row(words, block->held + place + row, block->swing + place + row, s->swung.cells + row);
    }
    memset(s->swung.cells + (size_t)block->rows.nrow * OHM_PART, 0, OHM_PART * sizeof *s->swung.cells);
    s->swung.block = block;
    s->swung.part = part;
    s->swung.image = image;
    return s->swung.cells;
}
