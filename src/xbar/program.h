/* A plan laid out for the kernels (internal to xbar). */
#ifndef OHM_XBAR_PROGRAM_H
#define OHM_XBAR_PROGRAM_H
#include "ohmtally/crossbar.h"

struct run { /* consecutive columns of a chunk with consecutive outputs */
    int32_t column, n, output;
};
struct chunk {
    int32_t ncol, nrun;
    struct run *runs;
    int32_t *coefficient; /* [OHM_CHUNK] sign 2^shift; negative for flipped columns of positive sign */
    int32_t *offset;      /* [OHM_CHUNK] where the column's ADC table starts: class * counts per table */
    /* Of those tables; chunks with the same offsets share them. */
    const struct ohm_adc_slices *slices;
};
/* Columns driven by the same rows, of any number of tiles. */
struct block {
    struct ohm_list_rows rows;
    int32_t ntile;  /* arrays these rows drive */
    int32_t *shift; /* [nrow], NULL when all 0 */
    struct ohm_cells cells;
    struct chunk *chunks; /* [cells.nchunk] */
    /* Flipped columns: y[output0 + i] += flip[i] * (weighted sum of the driven inputs); NULL when none is flipped. */
    int32_t output0, noutput;
    int64_t *flip;
    /* Turned form (few rows, few columns; depth-wise layers): positions take the place of columns, and each column's cells are the list of rows. */
    int32_t ncol;
    int32_t *output, *coefficient; /* [ncol], columns in order of ADC class, then output */
    uint8_t *adc_class;            /* [ncol] */
    struct ohm_lists lists;        /* npos = ncol */
};
struct ohm_program {
    struct ohm_arena *arena;
    const struct ohm_kernel *kernel;
    int32_t groups, krows, ncols, weight_bias;
    int32_t input_bits, max_shift, element;
    bool turned;
    int32_t nblock;
    struct block *blocks;
    struct ohm_adc adc;
    int32_t unit;
    struct ohm_adc_table table; /* of all classes; unit ADCs need none */
    /* Of one class alone, for the turned form. */
    const struct ohm_adc_slices *class_slices[OHM_ADC_CLASSES];
    int32_t step_limit;            /* steps per kernel call, so that sums fit int32 */
    int32_t max_rows, max_columns; /* over blocks, for scratch */
    struct ohm_tally per_position; /* what every position costs whatever its values */
};
#define OHM_TURNED_POSITIONS OHM_CHUNK
#define OHM_PLAIN_POSITIONS 64

/* columns.c: one block's columns in kernel order. */
struct column_source {
    const struct ohm_use *use;
    const struct ohm_column *column;
    int32_t index; /* inside the use */
};
int ohm_program_place_columns(struct ohm_program *program, struct block *block, const struct ohm_plan *plan, struct column_source *sources,
                              int32_t ncol);
int ohm_program_turn(struct ohm_program *program, struct block *block, const struct ohm_plan *plan, struct column_source *sources, int32_t ncol);

#endif
