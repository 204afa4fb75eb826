/* What designs share that keep every bit plane of the weights' magnitudes, and either sign, in arrays of its own (internal to this layer): weights on
 * a grid, rows that move down to empty the top planes (squeeze-out), planes -> arrays, release of the empty ones.
 *
 *   block   what one set of arrays holds: a patch of the matrix, one sign
 *   plane   cell_bits bits of the magnitudes; 0 is the least significant
 *   flag    a row's shift, stored beside the arrays */
#ifndef OHM_DESIGN_PLANES_H
#define OHM_DESIGN_PLANES_H
#include "designs.h"
#include "ohmtally/grid.h"

enum planes_option {
    PLANES_WINDOW,
    PLANES_SQUEEZE,
    PLANES_POLICY,
    PLANES_CELL_BITS,
    PLANES_SCOPE,
    PLANES_QUANTIZER,
    PLANES_TERMS,
    PLANES_SCALE,
    PLANES_NOPTION /* a design's own options follow */
};
enum planes_policy { PLANES_TRUNCATE, PLANES_ROUND, PLANES_LOSSLESS };
enum planes_scope { PLANES_SCOPE_TILE, PLANES_SCOPE_ROW };
enum planes_quantizer { PLANES_QUANTIZER_WINDOW, PLANES_QUANTIZER_UNIFORM, PLANES_QUANTIZER_POWER, PLANES_QUANTIZER_ADDITIVE };
extern const char *const planes_policies[], *const planes_cells[], *const planes_scopes[], *const planes_quantizers[], *const planes_scales[];
#define PLANES_OPTIONS                                                                                                                               \
    {"window", 3, 1, 16, NULL, "S: a weight's ones lie within this many consecutive bits (quantizer window)"},                                       \
        {"squeeze", 0, 0, 15, NULL, "x: top planes to be vacated; rows move down and their inputs are delayed"},                                     \
        {"policy", PLANES_TRUNCATE, 0,                                                                                                               \
         2,        planes_policies, "what happens to low bits of a row that moves: truncate, round, or move only when none is lost (lossless)"},     \
        {"cell_bits", 0, 0, 2, planes_cells, "bits per cell: 1, 2 or 4; planes and shifts come in this unit"},                                       \
        {"flag_scope", PLANES_SCOPE_TILE, 0, 1, planes_scopes, "a row's shift is chosen per tile and sign, or shared by the whole matrix row"},      \
        {"quantizer",                                                                                                                                \
         PLANES_QUANTIZER_WINDOW,                                                                                                                    \
         0,                                                                                                                                          \
         3,                                                                                                                                          \
         planes_quantizers,                                                                                                                          \
         "magnitudes: window (ones within S bits), uniform (all), power (of two), additive (sums of powers of two)"},                                \
        {"terms", 2, 1, 4, NULL, "powers of two in a magnitude at most (quantizer additive)"}, {                                                     \
        "scale", OHM_GRID_MAXIMUM, 0, 1, planes_scales, "scale of the weights: by the largest weight, or by the least squared error"                 \
    }

#define PLANES_DEPARTURES                                                                                                                            \
    "the rounding rule onto the S-window grid, its scale (maximum or error) and that it may be per output; a differential pair of arrays for the "   \
    "sign; the loss policy of the squeeze (truncate or round; the described trigger alone is `lossless`); a row's shift per tile and sign "          \
    "(flag_scope); block-diagonal depth-wise layers; multi-level cells. Quantizers for comparison: `uniform` is plain rounding, `power` a power of " \
    "two, `additive` sums of powers of two in the manner of APoT (Li et al., ICLR 2020), restricted to the bit planes: no base or exponents of its " \
    "own, no training."

/* ---- of a setting (planes_setting.c) ---- */
#define PLANES_SHIFTED_BITS 30 /* a column's and a row's shift and a cell's bits together at most (ohm_plan_finish) */
int planes_configure(const char *design, const struct ohm_design_setting *setting);
int32_t planes_cell_bits(const struct ohm_design_setting *setting);
int32_t planes_count(const struct ohm_design_setting *setting);
void planes_constrain(const struct ohm_design_setting *setting, const struct ohm_layer *layer, struct ohm_weights *weights);

/* ---- placing (planes.c) ---- */
struct planes_line { /* a row of a block */
    int32_t shift;
    uint32_t flagged; /* OR of the magnitudes that share the row's flag */
    uint32_t held;    /* OR of what the row stores in this block */
};
struct planes_block {
    struct ohm_patch patch;
    int32_t sign;
    struct planes_line *lines; /* [ngroup * nrow] */
    uint64_t *bits;            /* [ngroup * nrow][planes * cell_bits][words of ncol] */
};
struct planes;
/* Where a design departs from "rows in order, all read together". */
struct planes_rules {
    int32_t rows_per_read; /* rows of a block that are read together at most: a turn */
    bool per_plane;        /* every plane has rows and turns of its own; otherwise those of a block share them */
    /* OPTIONAL: rows of group g (of the patch) that arrays of a plane drive, in the order of their word lines; returns how many. plane -1: all
     * planes. Adds to the plan's index_bits what storing this takes. */
    int32_t (*arrange)(const struct planes *planes, const struct planes_block *block, int32_t g, int32_t plane, int32_t *rows);
    /* OPTIONAL: block of rows for every row of a group's matrix that has several, at most array_rows rows in each. */
    int (*deal)(struct planes *planes, int32_t group, int32_t nblock, int32_t *block_of);
};
struct planes { /* a layer being placed */
    const struct ohm_design_setting *setting;
    const struct ohm_layer *layer;
    const int32_t *w;
    struct ohm_plan *plan;
    const struct planes_rules *rules;
    int32_t count, cell_bits, keep;            /* planes, bits of one, bits left to rows that move */
    uint32_t *together;                        /* [groups * krows] OR of a matrix row's magnitudes; NULL where flags are per block */
    int32_t *row_at, *first;                   /* dealt rows: [groups][krows] rows block by block, [groups][nblock + 1]; NULL: in order */
    struct ohm_column *columns[2][OHM_PLANES]; /* [groups * ncols] of a sign and plane, made when first used */
    uint16_t *m;                               /* scratch: a row's magnitudes */
    struct planes_block block;                 /* scratch */
    int32_t *order, *start;                    /* scratch: rows of a block's groups as arranged, where each group's begin */
};
int planes_place(const struct ohm_design_setting *setting, const struct ohm_layer *layer, const int32_t *w, struct ohm_plan *plan,
                 const struct planes_rules *rules);
/* What a matrix row stores in columns column .. of its group, one sign. */
struct planes_line planes_line(struct planes *planes, int32_t group, int32_t row, int32_t column, int32_t ncol, int32_t sign);
static inline bool planes_holds(const struct planes *planes, uint32_t magnitudes, int32_t plane) {
    return magnitudes >> plane * planes->cell_bits & ((1u << planes->cell_bits) - 1);
}

#endif
