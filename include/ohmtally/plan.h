/* A plan: how a design stores one layer's weights in crossbar tiles and uses them.
 *
 *   tile      one physical array: nrow x ncol cells of cell_bits bits, packed row-major as bit planes [plane][row][column words]
 *   row       {input, shift}: what drives a word line; the input is delayed by `shift` steps, i.e. multiplied by 2^shift
 *   column    {output, shift, sign, flip}: where a bit line's code goes: y[output] += sign 2^shift code; flip: the complement is stored, and code is
 *             replaced by (2^cell_bits - 1) ones - code
 *   use       a rectangle of a tile with its rows and columns; uses that share their driven rows share the `rows` pointer
 *   turn      uses of a tile with the same turn are read together; its turns are read one after another, all input steps of one before the next
 *   skip      reads that need not be made because no word line would be high; the schedule and the counts of what happened follow it
 *   weight_bias  offset encoding: y[n] -= weight_bias * sum of the inputs of n's group; input_weight, where there is one, adds y[n] +=
 *             input_weight[n] * that sum: digital as well
 * Inputs are numbered group * krows + r, outputs group * ncols + n. Designs build plans; everything else reads them. Layer: xbar. */
#ifndef OHMTALLY_PLAN_H
#define OHMTALLY_PLAN_H
#include "ohmtally/memory.h"
#include "ohmtally/noise.h"
#include "ohmtally/tally.h"
#include <stdbool.h>
#include <stdint.h>

struct ohm_tile {
    int32_t nrow, ncol, cell_bits, words; /* words: 64-bit words per row of a plane */
    uint64_t *bits;                       /* [cell_bits][nrow][words] */
    int16_t *held;                        /* [nrow][ncol] conductances in 2^-fraction level steps, where they are no levels; else NULL */
    int16_t *swing;                       /* likewise: what a cell's second state adds; NULL: cells have one */
};
struct ohm_row {
    int32_t input, shift;
};
struct ohm_column {
    int32_t output;
    int8_t shift, sign; /* sign +1 or -1 */
    bool flip;
    uint8_t adc_class; /* columns of one class share an ADC range (the bit slice they hold) */
};
/* enum name, word in a job, meaning. A read is only ever skipped where an array without a driven row gives 0 (ohm_adc_silent), so that skipping
 * never changes a result. */
#define OHM_SKIP_LIST(X)                                                                                                                             \
    X(OHM_SKIP_NONE, "none", "every turn takes input_bits + largest row shift steps")                                                                \
    X(OHM_SKIP_LEADING, "leading", "a turn ends with the highest 1 bit of its inputs; without any it is left out")                                   \
    X(OHM_SKIP_ZERO, "zero", "every step in which no row of the turn is driven is left out")
enum ohm_skip {
#define X(name, word, about) name,
    OHM_SKIP_LIST(X)
#undef X
};

struct ohm_use {
    int32_t tile, row0, nrow, column0, ncol;
    int32_t turn;                     /* 0.. */
    const struct ohm_row *rows;       /* [nrow] */
    const struct ohm_column *columns; /* [ncol] */
    int32_t row_cells;                /* cells in use on a row, where not all are: groups read together (ohm_plan_join); 0: ncol */
};
struct ohm_plan {
    struct ohm_arena *arena; /* owns everything */
    int32_t groups, krows, ncols;
    int32_t ntile, nuse;
    struct ohm_tile *tiles;
    struct ohm_use *uses;
    int32_t tile_room, use_room;
    int32_t weight_bias;
    int64_t *input_weight; /* [groups * ncols], NULL: all 0 */
    int32_t max_shift;     /* largest row shift */
    int64_t ncolumn;       /* columns of all uses */
    enum ohm_skip skip;    /* the design's to set */
    int32_t fraction;      /* of held conductances */
    bool serial;           /* a step's conversions begin only when its read has ended and end before the next: no overlap */
    /* The design's to set where its slices lie in arrays of their own: arrays by slice, before and after empty ones were released. */
    int64_t plane_full[OHM_PLANES], plane_held[OHM_PLANES];
    struct ohm_store store; /* crossbars_full and index_bits are the design's to set; max_shift, ncolumn and the rest are filled by ohm_plan_finish */
};

struct ohm_plan *ohm_plan_new(int32_t groups, int32_t krows, int32_t ncols); /* NULL with a recorded failure */
void ohm_plan_free(struct ohm_plan *plan);
/* Index of a new zeroed tile, or -1 with a recorded failure. Tile pointers move: address tiles by index. */
int32_t ohm_plan_add_tile(struct ohm_plan *plan, int32_t nrow, int32_t ncol, int32_t cell_bits);
static inline uint64_t *ohm_tile_word(const struct ohm_tile *tile, int32_t plane, int32_t row, int32_t column) {
    return tile->bits + ((size_t)plane * (size_t)tile->nrow + (size_t)row) * (size_t)tile->words + (size_t)column / 64;
}
/* Puts value into a cell that is still 0. */
static inline void ohm_tile_set(struct ohm_tile *tile, int32_t row, int32_t column, uint32_t value) {
    for (int32_t plane = 0; plane < tile->cell_bits; plane++)
        *ohm_tile_word(tile, plane, row, column) |= (uint64_t)(value >> plane & 1) << (column % 64);
}
static inline uint32_t ohm_tile_get(const struct ohm_tile *tile, int32_t row, int32_t column) {
    uint32_t value = 0;
    for (int32_t plane = 0; plane < tile->cell_bits; plane++)
        value |= (uint32_t)(*ohm_tile_word(tile, plane, row, column) >> (column % 64) & 1) << plane;
    return value;
}
/* rows and columns must outlive the plan (its arena is the place for them). */
int ohm_plan_add_use(struct ohm_plan *plan, const struct ohm_use *use);
/* Checks every index and fills the store counts. input_bits: bits of an input value. Failure is OHM_E_INTERNAL: a design's bug. */
int ohm_plan_finish(struct ohm_plan *plan, int32_t input_bits);
/* Whether a row of a use drives a column of another group: of uses that were joined only. Such a cell is no weight. */
static inline bool ohm_plan_strays(const struct ohm_plan *plan, const struct ohm_row *row, const struct ohm_column *column) {
    return row->input / plan->krows != column->output / plan->ncols;
}
/* The weights the plan really holds: w [groups][krows][ncols] in units of the integer grid. */
void ohm_plan_decode(const struct ohm_plan *plan, int32_t *w);

/* Cells whose state is not the one programmed (src/xbar/stick.c): puts stuck cells in place, whichever of an array's cells they are. layer: of the
 * network, part of each draw's address. Digital corrections (flips, offsets) know nothing of it, as in the hardware. */
void ohm_plan_stick(struct ohm_plan *plan, const struct ohm_noise *noise, int32_t layer);
/* Uses of one array that are read together, each with rows and columns of its own (block-diagonal layers), become one use with all of these, so that
 * cells of one group's rows on another's bit lines count: to be called where these cells may conduct. Arrays read in turns that do not lie together
 * stay as they are. Nothing else changes: the product is the same where such cells are 0. */
int ohm_plan_join(struct ohm_plan *plan);

/* Conductances of all cells (src/xbar/vary.c): levels with what devices make of them, in fixed point. fraction is the finest, at most 8 bits, at
 * which no bit line can add up more than 15 bits. After ohm_plan_stick and ohm_plan_join. */
int ohm_plan_vary(struct ohm_plan *plan, const struct ohm_noise *noise, int32_t layer);
/* What resisting wires leave of these conductances (src/xbar/wires.c, wires.h), array by array; in the same fixed point. */
int ohm_plan_wire(struct ohm_plan *plan, const struct ohm_noise *noise);
/* What a second state adds to each of these, last of all (src/xbar/telegraph.c): with p = telegraph G + telegraph_us, G p / (G - p), at most G. In
 * every image a cell is in it or not, as likely. PytorX has telegraph 0.0015 and telegraph_us 0.1662, in its forward passes. */
int ohm_plan_telegraph(struct ohm_plan *plan, const struct ohm_noise *noise, int32_t layer);

/* How a layer's matrices are cut into blocks of at most max_rows x max_columns weights: dense blocks, or several whole groups block-diagonally where
 * a group fits more than once. Calls place for each block. */
struct ohm_patch {
    int32_t group, ngroup;           /* groups in this block */
    int32_t row, nrow, column, ncol; /* the part of each group's matrix; the block is ngroup * nrow by ngroup * ncol */
};
int ohm_plan_cut(int32_t groups, int32_t krows, int32_t ncols, int32_t max_rows, int32_t max_columns,
                 int (*place)(void *context, const struct ohm_patch *patch), void *context);

#endif
