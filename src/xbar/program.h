/* A plan laid out for the kernels (internal to xbar).
 *
 * Every column of the plan is of one of three kinds (proof.c). What the proved and the corrected ones would give without an ADC, together with flips
 * and offsets, is one integer product; the kernels only see the corrected and the direct ones. Where nothing is proved there is no product. */
#ifndef OHM_XBAR_PROGRAM_H
#define OHM_XBAR_PROGRAM_H
#include "ohmtally/crossbar.h"
#include "ohmtally/draw.h"
#include "ohmtally/held.h"
#include "ohmtally/product.h"
#include "schedule.h"

enum column_kind {
    COLUMN_PROVED,    /* no count can be changed by the ADC: product only */
    COLUMN_CORRECTED, /* product; steps whose count may be clipped are looked at, and what the ADC takes away is subtracted */
    COLUMN_DIRECT     /* every conversion evaluated */
};
struct run { /* consecutive columns of a chunk with consecutive outputs */
    int32_t column, n, output;
};
struct chunk {
    int32_t ncol, nrun;
    struct run *runs;
    int32_t *coefficient; /* [OHM_CHUNK] sign 2^shift; negative for flipped columns of positive sign, all negated where the sums are corrections;
                           * where a stack's total of codes begins, times the step of their tables */
    int32_t *offset;      /* [OHM_CHUNK] where the column's ADC table starts: table * counts per table */
    /* Of those tables; chunks with the same offsets share them. */
    const struct ohm_adc_slices *slices;
    /* In a stack: */
    int32_t total; /* onto which its sums go */
    struct ohm_onto onto;
    bool begins;          /* a total, whose columns are this chunk's; of the first block: */
    int32_t bias, planes; /* what is to be taken off the total, and how many planes it has */
    /* Of held conductances, [OHM_CHUNK / OHM_PART]. */
    struct transfer *transfer;
    struct held_part *held;
};
struct held_part { /* what a kernel needs to know of a part; cells NULL: none does it */
    struct ohm_held held;
    float still;
    int32_t quiet; /* as in struct ohm_held_reads */
};
struct scratch;
/* Columns driven by the same rows, of any number of tiles. */
struct block {
    struct ohm_list_rows rows;
    int32_t *shift; /* [nrow], NULL when all 0 */
    int32_t steps;  /* of its turn, when none is skipped */
    struct ohm_cells cells;
    struct chunk *chunks; /* [cells.nchunk] */
    int16_t *held;        /* conductances [nchunk][OHM_CHUNK / OHM_PART][nrow + 1][OHM_PART], row nrow 0; NULL: cells hold levels */
    int16_t *swing;       /* likewise: what second states add; NULL: none */
    uint32_t conversion;  /* number of its first column among all conversions: the address of draws; every chunk takes OHM_CHUNK numbers */
    int32_t nstack;       /* blocks from here on with the same columns, whose sums are added up as bit planes; 0: not the first of such a stack */
    int64_t *constant;    /* [groups * ncols] what the lowest values of the stack's tables add up to; NULL: nothing */
    /* Flipped columns: y[output0 + i] += flip[i] * (weighted sum of the driven inputs); NULL when none is flipped. */
    int32_t output0, noutput;
    int64_t *flip;
    /* Turned form (few rows, few columns; depth-wise layers): positions take the place of columns, and each column's cells are the list of rows. */
    int32_t ncol;
    int32_t *output, *coefficient; /* [ncol], columns in order of ADC table, then output */
    int32_t *table;                /* [ncol] */
    struct ohm_lists lists;        /* npos = ncol */
};
struct reading { /* one turn of arrays driven by the same rows, where how long it takes depends on the inputs */
    int32_t nrow;
    int32_t *place; /* [nrow] of each row's input in x */
    uint8_t *shift; /* [nrow] */
    int64_t arrays, columns, contributions;
};
struct analogue { /* what reads are like (analogue.c) */
    int32_t fraction;
    uint32_t layer;
    struct ohm_draws draws;
    bool noisy, two_states;
    uint32_t conversions;                 /* numbered so far */
    const float *levels;                  /* of all converters; NULL: ideal */
    const float *code_mean, *code_spread; /* [2^bits] measured codes; NULL: none */
    struct ohm_draws code_draws, telegraph;
    float thermal; /* LSB */
    float unit;    /* 1/256 steps of 2^-fraction */
    float growth;  /* of the variance with the sum, in 2^-fraction */
    float leak;    /* per driven row, in 2^-fraction */
    bool restless; /* a read without a driven row may give something */
};
struct ohm_program {
    struct ohm_arena *arena;
    const struct ohm_kernel *kernel;
    int32_t groups, krows, ncols, weight_bias;
    int32_t input_bits, max_shift, element;
    const int64_t *input_weight; /* [groups * ncols] or NULL, as in the plan */
    struct analogue *analogue;   /* NULL: cells hold levels */
    bool turned, narrow, interleaved;
    bool corrected;       /* the columns of the blocks are corrected ones; otherwise direct ones: never both in one program */
    const int32_t *place; /* [groups * krows] of the request; only while building */
    int32_t nblock;
    struct block *blocks;
    struct ohm_product *product; /* NULL: none */
    struct ohm_adc adc;
    int32_t unit;
    bool tabled;                                /* conversions by table; otherwise by clipping, with unit 1 */
    int32_t ntable;                             /* ADC classes, or converters by kinds of classes */
    int32_t harmless;                           /* rows that may be driven without any count leaving a unit ADC's codes */
    struct ohm_adc_table table;                 /* all tables; clipping ADCs need none */
    const struct ohm_adc_slices **table_slices; /* [ntable] of one table alone, for the turned form */
    int32_t step_limit;                         /* steps per kernel call, so that sums fit int32 */
    int32_t max_rows, max_columns;              /* over blocks, for scratch */
    size_t max_total;                           /* words of a stack's planes for one position */
    struct ohm_tally per_position;              /* what every position costs whatever its values */
    /* What a 1 bit of every input costs, in the order of x [groups * krows]: rows driven, their cells in use, the levels of these. */
    int32_t *rows_of, *cells_of, *levels_of;
    /* Only where reads are skipped: the turns that differ, and the sequences of them that arrays make. */
    enum ohm_skip skip;
    int32_t nreading, nlane, *lane_first, *lane_read;
    struct reading *readings;
};
static inline int32_t ohm_program_place(const struct ohm_program *program, int32_t i) { /* where input i of the plan lies in x */
    return program->place ? program->place[i] : i;
}
#define OHM_TURNED_POSITIONS OHM_CHUNK
#define OHM_PLAIN_POSITIONS 64
#define OHM_HELD_POSITIONS 128 /* of conductances, which take 16 times a level's room and come from further away */

/* groups.c: uses driven by the same rows for as many steps; together: wherever in the plan they are, otherwise neighbours only. */
struct use_group {
    int32_t n, ncol, steps; /* uses, columns of them all */
    const int32_t *uses;    /* [n] */
};
struct use_groups {
    int32_t n;
    struct use_group *group;
    int32_t *uses, *column_at; /* [nuse]: of all groups; where a use's columns begin among those of the plan */
};
int use_groups_make(const struct ohm_plan *plan, const struct ohm_schedule *schedule, bool together, struct use_groups *groups);
void use_groups_free(struct use_groups *groups);

/* columns.c: one block's columns in kernel order. */
struct column_source {
    const struct ohm_use *use;
    const struct ohm_column *column;
    int32_t index; /* inside the use */
    int32_t table;
    int32_t piece; /* of the outputs (columns.c) */
};
int32_t ohm_column_coefficient(const struct ohm_column *column); /* of the code */
int ohm_program_place_columns(struct ohm_program *program, struct block *block, const struct ohm_plan *plan, struct column_source *sources,
                              int32_t ncol);
int ohm_program_turn(struct ohm_program *program, struct block *block, const struct ohm_plan *plan, struct column_source *sources, int32_t ncol);

/* proof.c: kind of every column, use by use; *bound: no output's magnitude can be larger (in cell steps). malloc'ed, NULL with a recorded failure. */
uint8_t *ohm_program_prove(const struct ohm_program *program, const struct ohm_plan *plan, enum ohm_evaluate evaluate, int64_t *bound);
/* product.c: the product of all columns that are not direct; none where all are. */
int ohm_program_make_product(struct ohm_program *program, const struct ohm_program_request *request, const uint8_t *kinds);

/* happened.c: lays out what ohm_tally_positions needs; what npos positions x did; the reads of `steps` steps. */
int ohm_program_count(struct ohm_program *program, const struct ohm_plan *plan, const struct ohm_schedule *schedule);
void ohm_tally_positions(const struct ohm_program *program, int32_t npos, const void *x, int32_t *steps, struct ohm_tally *tally);
void ohm_tally_reads(int64_t columns, int64_t arrays, int64_t contributions, int64_t steps, struct ohm_tally *tally);

bool ohm_program_silent(const struct ohm_program *program); /* program.c: a read without a driven row adds 0, always */
/* tables.c: count -> value for every ADC class or converter; then, with the columns placed, the form that kernels read. */
int ohm_program_make_tables(struct ohm_program *program, const struct ohm_plan *plan);
int ohm_program_slice_tables(struct ohm_program *program);
int32_t ohm_program_table(const struct ohm_program *program, const struct ohm_use *use, int32_t c); /* of column c of a use */

/* analogue.c: held conductances and the ADCs that see their sums; one block of positions. */
int ohm_analogue_make(struct ohm_program *program, const struct ohm_program_request *request);
int ohm_analogue_place(struct ohm_program *program, struct block *block, const struct ohm_plan *plan, const struct column_source *sources,
                       int32_t ncol);
void ohm_analogue_multiply(const struct ohm_program *program, const struct block *block, const struct ohm_occasion *occasion, int32_t npos,
                           const void *x, void *y, struct scratch *s, struct ohm_tally *tally);

/* held.c: whether the program's kernel does a part of ncol columns by itself, an ideal ADC's; and the part in steps step .. end - 1, all positions
 * (image, position). */
void ohm_held_choose(const struct ohm_program *program, const struct block *block, int32_t part, int32_t ncol, float still, struct held_part *held);
void ohm_held_multiply(const struct ohm_program *program, const struct block *block, int32_t part, int32_t step, int32_t end, const uint32_t (*at)[2],
                       int32_t *acc, struct scratch *s, int64_t *clipped);

/* telegraph.c: a part's conductances [nrow + 1][OHM_PART] while an image is read. */
const int16_t *ohm_telegraph_cells(const struct ohm_program *program, const struct block *block, int32_t part, uint32_t image, struct scratch *s);

/* Scratch memory of one call (scratch.c). */
struct scratch {
    struct ohm_lists lists;
    int32_t *acc;    /* [npos][OHM_CHUNK], or [columns][OHM_CHUNK] when turned */
    uint64_t *words; /* turned: bit planes of the inputs */
    uint8_t *turned; /* [inputs][OHM_CHUNK] values: x with positions fastest */
    void *sums;      /* turned: [outputs][OHM_CHUNK], as y but with positions fastest */
    uint8_t *found;  /* [npos] */
    uint64_t *total; /* [totals][npos][nplane][OHM_CHUNK_WORDS] of a stack */
    int32_t *steps;  /* [nreading] */
    void *product;
    struct { /* a part's cells in an image's states */
        const struct block *block;
        int32_t part;
        uint32_t image;
        int16_t *cells; /* [max_rows + 1][OHM_PART], the last row 0 */
    } swung;
};
void ohm_scratch_lay_out(const struct ohm_program *program, int32_t npos, void *memory, struct scratch *scratch);

/* stack.c: blocks that hold different rows of the same columns, in stacks; one stack's sums over positions that fit the caches together. */
int ohm_program_make_stacks(struct ohm_program *program);
int32_t ohm_stack_positions(const struct ohm_program *program); /* at most OHM_PLAIN_POSITIONS; OHM_HELD_POSITIONS of conductances */
void ohm_stack_multiply(const struct ohm_program *program, const struct block *first, int32_t npos, const void *x, void *y, struct scratch *s,
                        struct ohm_tally *tally);

/* digital.c: what the sums begin with (offset encoding: every output of a group loses weight_bias times the group's input sum), and what the digital
 * side adds for flipped columns. Only where no product does it. */
void ohm_start_sums(const struct ohm_program *program, int32_t npos, const void *x, void *y);
void ohm_add_flips(const struct ohm_program *program, const struct block *block, int32_t npos, const void *x, void *y);

/* turned.c */
void ohm_turned_multiply(const struct ohm_program *program, int32_t npos, const void *x, void *y, struct scratch *s, struct ohm_tally *tally);
void ohm_turned_observe(const struct ohm_program *program, int32_t npos, const void *x, struct scratch *s, int64_t *histogram);
/* turn.c: both between positions slowest and positions fastest, in pieces that stay in the cache. */
void ohm_turn_values(const struct ohm_program *program, int32_t npos, const void *x, uint8_t *turned);
void ohm_turn_sums(const struct ohm_program *program, int32_t npos, const void *sums, void *y); /* y += */
/* multiply.c: one position's sums of a chunk over to its outputs; base: place of the position's first sum. */
void ohm_combine_chunk(const struct ohm_program *program, const struct chunk *chunk, const int32_t *acc, int32_t step, void *y, size_t base);
/* One kernel call through the clipping ADC or the tables. */
void ohm_program_convert(const struct ohm_program *program, const struct ohm_cells *cells, int32_t chunk, int32_t ncol,
                         const struct ohm_adc_table *table, const struct ohm_lists *lists, int32_t step0, int32_t step1, int32_t *acc,
                         int64_t *clipped);
/* observe.c */
void ohm_observe_chunk(const struct ohm_program *program, const struct ohm_cells *cells, int32_t chunk, const struct ohm_lists *lists, int32_t ncol,
                       const int32_t *offset, int32_t *acc, int64_t *histogram);

#endif
