/* Parts of a block whose conductances a kernel turns into codes by itself: which these are, and how their noise is told. */
#include "ohmtally/held.h"
#include "program.h"
#include <math.h>

#define PARTS (OHM_CHUNK / OHM_PART)
#define FARTHEST 4.34 /* beyond every small deviate */

/* What sums of a part's columns can be, in 2^-fraction. */
struct reach {
    int32_t most, least, cell; /* of all rows together, of a single cell */
    int16_t bits;              /* that some cell has */
};

/* swing: what second states add, 0 or more; NULL: nothing. */
static struct reach find_reach(const int16_t *cells, const int16_t *swing, int32_t nrow) {
    struct reach reach = {0};
    int32_t above[OHM_PART] = {0}, below[OHM_PART] = {0};
    for (int32_t r = 0; r < nrow; r++)
        for (int32_t c = 0; c < OHM_PART; c++) {
            int32_t low = cells[r * OHM_PART + c], more = swing ? swing[r * OHM_PART + c] : 0, high = low + more;
            above[c] += high > 0 ? high : 0;
            below[c] += low < 0 ? low : 0;
            reach.cell = high > reach.cell ? high : reach.cell;
            reach.bits = (int16_t)(reach.bits | low | more);
        }
    for (int32_t c = 0; c < OHM_PART; c++) {
        reach.most = above[c] > reach.most ? above[c] : reach.most;
        reach.least = below[c] < reach.least ? below[c] : reach.least;
    }
    return reach;
}

/* Most rows that may be driven without noise moving any sum of whole levels by half a step. */
static int32_t quiet_rows(const struct analogue *analogue, const struct reach *reach, double still) {
    const double one = 1 << analogue->fraction, room = 0.499 * one / FARTHEST, row = analogue->growth * (reach->cell + analogue->leak);
    if (reach->bits & ((1 << analogue->fraction) - 1) || room * room < still) return analogue->restless ? -1 : 0;
    return row * OHM_MAX_ROWS <= room * room - still ? OHM_MAX_ROWS : (int32_t)((room * room - still) / row);
}

void ohm_held_choose(const struct ohm_program *program, const struct block *block, int32_t part, int32_t ncol, float still, struct held_part *held) {
    const struct analogue *analogue = program->analogue;
    const size_t place = (size_t)part * ((size_t)block->rows.nrow + 1) * OHM_PART;
    const double one = 1 << analogue->fraction;
    const int64_t step = 1 << analogue->fraction, top = (1 << program->adc.bits) - 1;
    *held = (struct held_part){.still = still};
    if (program->unit != 1 || program->adc.converters || analogue->code_mean) return;
    if (analogue->noisy ? !program->kernel->held_noisy : !program->kernel->held) return;
    const struct reach reach = find_reach(block->held + place, block->swing ? block->swing + place : NULL, block->rows.nrow);
    const double variance = analogue->growth * fmax(reach.most + analogue->leak * block->rows.nrow, 0) + still, noise = FARTHEST * sqrt(variance);
    if (variance > OHM_HELD_VARIANCE * one * one || reach.most + noise > INT16_MAX || reach.least - noise < -INT16_MAX) return;
    held->quiet = quiet_rows(analogue, &reach, still);
    held->held = (struct ohm_held){.cells = block->held + place,
                                   .ncol = ncol,
                                   .fraction = analogue->fraction,
                                   .bits = program->adc.bits,
                                   .above = reach.least >= 0,
                                   .calm = variance <= OHM_HELD_CALM * one * one,
                                   .inside = 2 * reach.most < (2 * top + 1) * step && 2 * reach.least > -step};
}

/* Positions of one image: their cells are in the same states. */
static void multiply_image(const struct ohm_program *program, const struct block *block, int32_t part, const struct ohm_lists *lists, int32_t step,
                           int32_t end, const uint32_t (*at)[2], int32_t *acc, struct scratch *s, int64_t *clipped) {
    const struct analogue *analogue = program->analogue;
    const struct held_part *known = &block->chunks[part / PARTS].held[part % PARTS];
    const struct ohm_held_reads reads = {.draws = analogue->draws,
                                         .at = at,
                                         .first_step = analogue->layer * 32,
                                         .part = block->conversion / OHM_PART + (uint32_t)part,
                                         .growth = analogue->growth,
                                         .leak = analogue->leak,
                                         .still = known->still,
                                         .quiet = known->quiet};
    struct ohm_held held = known->held;
    held.cells = ohm_telegraph_cells(program, block, part, at[0][0], s);
    if (analogue->noisy)
        program->kernel->held_noisy(&held, &reads, lists, step, end, acc, clipped);
    else
        program->kernel->held(&held, lists, step, end, acc, clipped);
}

void ohm_held_multiply(const struct ohm_program *program, const struct block *block, int32_t part, int32_t step, int32_t end, const uint32_t (*at)[2],
                       int32_t *acc, struct scratch *s, int64_t *clipped) {
    for (int32_t p = 0, next; p < s->lists.npos; p = next) {
        struct ohm_lists lists = s->lists;
        for (next = p + 1; next < s->lists.npos && (!block->swing || at[next][0] == at[p][0]);) next++;
        lists.npos = next - p;
        lists.first += p * lists.nstep;
        lists.driven += p * lists.nstep;
        multiply_image(program, block, part, &lists, step, end, at + p, acc + (size_t)p * OHM_CHUNK, s, clipped);
    }
}
