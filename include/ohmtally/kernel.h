/* The loops that take the time. They know words, bits and bytes; nothing of designs or networks.
 *
 * A *block* is a set of crossbar columns driven by the same rows: 0/1 cells packed row-major, one bit per column, 512 columns (8 words) to a
 * chunk, so that adding up the driven rows gives the counts of 512 columns at once (bit-sliced "vertical" counters; carry-save adders).
 * Every implementation gives the same integers as `reference`. Chosen once per process by CPU features, or by the environment variable
 * OHM_KERNEL = reference | portable | avx2 | avx512. Layer: kernel. No threads inside; const data may be shared. */
#ifndef OHMTALLY_KERNEL_H
#define OHMTALLY_KERNEL_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OHM_CHUNK_WORDS 8
#define OHM_CHUNK 512    /* columns of a chunk */
#define OHM_MAX_ROWS 512 /* driven rows of a block */
#define OHM_MAX_CELL_BITS 4
#define OHM_COUNT_BITS 13                             /* of the largest count */
static inline int32_t ohm_bit_length(int64_t value) { /* of value >= 0; 0 for 0 */
    return value ? 64 - __builtin_clzll((uint64_t)value) : 0;
}
#define OHM_LIST_PAD 4 /* lists are padded to a multiple of this with the empty row */

struct ohm_cells {
    int32_t nrow, cell_bits, nchunk;
    const uint64_t *words; /* [nchunk][cell_bits][nrow + 1][OHM_CHUNK_WORDS], 64-byte aligned; row nrow is all zero (for padding lists) */
};
static inline size_t ohm_cells_words(int32_t nrow, int32_t cell_bits, int32_t nchunk) {
    return (size_t)nchunk * (size_t)cell_bits * ((size_t)nrow + 1) * OHM_CHUNK_WORDS;
}
static inline size_t ohm_cells_index(const struct ohm_cells *cells, int32_t chunk, int32_t plane, int32_t row) {
    return (((size_t)chunk * (size_t)cells->cell_bits + (size_t)plane) * ((size_t)cells->nrow + 1) + (size_t)row) * OHM_CHUNK_WORDS;
}

/* Which rows are driven at each step of each position: entries [first[i], first[i + 1]) of row, i = position * nstep + step; padded to a
 * multiple of OHM_LIST_PAD with row nrow; driven[i] is the number before padding. Lists of at most `ignored` rows are left empty (driven 0). */
struct ohm_lists {
    int32_t npos, nstep;
    int32_t *first;  /* [npos * nstep + 1] */
    int16_t *driven; /* [npos * nstep] */
    uint16_t *row;   /* room: ohm_lists_room() entries */
};

static inline size_t ohm_lists_room(int32_t nrow, int32_t npos, int32_t nstep) {
    return (size_t)npos * (size_t)nstep * ((size_t)nrow + OHM_LIST_PAD) + 32; /* emit writes up to 32 entries beyond its last */
}

/* count -> what the ADC adds, and whether the count lies outside its codes. Table form serves every deterministic ADC. */
struct ohm_adc_table {
    int32_t ncount;         /* counts 0 .. ncount - 1 of one table */
    const int32_t *value;   /* [tables][ncount], any fixed-point unit */
    const uint8_t *outside; /* [tables][ncount] 0 or 1 */
    const int32_t *offset;  /* [OHM_CHUNK]: where the table of each column starts; NULL: all columns use the first */
    /* What ohm_adc_slices_make gave for the above; NULL: look-ups one by one, several times slower. */
    const struct ohm_adc_slices *slices;
};

/* An ADC table in the bit-sliced form of the counts, one row of OHM_CHUNK bits per fact, so that 512 columns, each with a table of its own, are
 * converted at once: value = lo + step * code; inside a block of 8 counts the code starts at a base and rises by 0..3 from one count to the next. */
enum { OHM_SLICE_TURN = 1, OHM_SLICE_TWICE = 2 };
struct ohm_adc_slices {
    int32_t nblock, width;             /* blocks of 8 counts; bits of the largest code */
    int32_t nrow, turn, twice, base;   /* rows of a block, and the first of each part */
    int32_t first_outside, first_turn; /* first block with such a bit; nblock: none, then the part is missing */
    int32_t first_twice;
    const uint64_t *rows;     /* [nblock][nrow][OHM_CHUNK_WORDS], 64-byte aligned. 0: count 8h of block h is outside; 1..7: bit 0 of the rise to
                               * count 8h + 1..7; twice + 1..7: bit 1 of it; turn + 1..7: outside changes there; base + k: bit k of 8h's code */
    const uint8_t *parts;     /* [nblock] OHM_SLICE_: where the part's rows are not all 0 */
    const uint8_t *code_bits; /* [nblock] bits of the largest code up to the end of the block */
    const int32_t *step, *lo; /* [OHM_CHUNK] */
};
struct ohm_arena;
/* Slices of all OHM_CHUNK columns; *out is NULL when some column's values do not have that form. */
int ohm_adc_slices_make(struct ohm_arena *arena, const struct ohm_adc_table *adc, const struct ohm_adc_slices **out);

/* Bits of a column's sum over nstep steps, each count clipped: it is less than 2 to this. */
static inline int32_t ohm_clip_planes(const struct ohm_cells *cells, int32_t nstep, int32_t adc_bits) {
    int32_t width = ohm_bit_length(cells->nrow * ((1 << cells->cell_bits) - 1));
    return nstep + (width < adc_bits ? width : adc_bits);
}
/* How sums go onto the bit planes of a total to which other columns have contributed, and more will. */
struct ohm_onto {
    int32_t nplane;  /* planes that a total has room for, at most 31 */
    int32_t held;    /* planes it has so far: those beyond are 0, and have not been written */
    int32_t after;   /* planes it has then: hold all that has been added; at least held, and shift + the planes of a sum */
    int32_t shift;   /* sums weigh 2^shift */
    bool complement; /* not a sum of n planes is added but 2^n - 1 - sum: where it counts negatively, the constant being taken off in the end */
};
struct ohm_goal {
    const struct ohm_onto *onto;
    uint64_t *total; /* [npos][nplane][OHM_CHUNK_WORDS], 64-byte aligned, plane k the bits of weight 2^k */
};
#define OHM_TOGETHER 8

struct ohm_held;
struct ohm_held_reads;
struct ohm_kernel {
    const char *name;
    /* mask[k][w]: bit r of the (64-bit word w of) mask k is bit k of value[r]; k < nbit, r < n, words = (n + 63) / 64. element: 1 or 2 bytes. */
    void (*bit_masks)(int32_t n, int32_t element, const void *values, int32_t nbit, uint64_t *mask);
    /* Positions of the 1 bits of mask[0 .. words - 1], ascending, into out; returns how many. May write up to 32 entries beyond them. */
    int32_t (*emit)(const uint64_t *mask, int32_t words, uint16_t *out);
    /* acc[p][c] = sum over steps t = step0 .. step1 - 1 of 2^(t - step0) * min(count(p, t, c), 2^adc_bits - 1), for the 512 columns of one chunk;
     * count = sum over driven rows of the cell's value. *clipped grows by the number of (p, t, c) whose count was larger.
     * Needs (2^(step1-step0) - 1) * min(2^adc_bits - 1, nrow * (2^cell_bits - 1)) < 2^31. */
    void (*clip)(const struct ohm_cells *cells, int32_t chunk, const struct ohm_lists *lists, int32_t step0, int32_t step1, int32_t adc_bits,
                 int32_t *acc, int64_t *clipped);
    /* The same sums of nchunk chunks, at most OHM_TOGETHER, kept as bit planes, for outputs that are continued in other columns and blocks: each
     * added to its goal's total in turn. */
    void (*clip_onto)(const struct ohm_cells *cells, int32_t chunk, int32_t nchunk, const struct ohm_lists *lists, int32_t step0, int32_t step1,
                      int32_t adc_bits, const struct ohm_goal *goals, int64_t *clipped);
    /* The same with codes in the place of counts: those of adc, whose slices are there, as in table below; nstep + slices->width planes. The first
     * ncol columns of the chunk mean something. */
    void (*table_onto)(const struct ohm_cells *cells, int32_t chunk, const struct ohm_lists *lists, int32_t step0, int32_t step1,
                       const struct ohm_adc_table *adc, int32_t ncol, const struct ohm_goal *goal, int64_t *clipped);
    /* acc[p][c] = what the first `held` of such planes say, less bias. */
    void (*integers)(int32_t npos, int32_t nplane, int32_t held, int32_t bias, const uint64_t *total, int32_t *acc);
    /* What clip takes away: acc[p][c] = sum over the same steps of 2^(t - step0) * max(0, count - (2^adc_bits - 1)). Most positions have nothing to
     * take away: found[p] says whether any column of position p has, and acc[p] is written only then. Steps whose driven rows cannot bring any count
     * above the codes are passed over. Needs (2^(step1-step0) - 1) * nrow * (2^cell_bits - 1) < 2^31. */
    void (*excess)(const struct ohm_cells *cells, int32_t chunk, const struct ohm_lists *lists, int32_t step0, int32_t step1, int32_t adc_bits,
                   int32_t *acc, uint8_t *found, int64_t *clipped);
    /* The same as clip with acc += 2^(t - step0) * table.value[offset + count]; *clipped counts outside. Only the first ncol columns of the chunk are
     * converted; acc of the others is 0. Needs (2^(step1-step0) - 1) * |value| < 2^30 for every entry and driven * (2^cell_bits - 1) < ncount. */
    void (*table)(const struct ohm_cells *cells, int32_t chunk, const struct ohm_lists *lists, int32_t step0, int32_t step1,
                  const struct ohm_adc_table *adc, int32_t ncol, int32_t *acc, int64_t *clipped);
    /* The same for conductances (held.h): code = sum / 2^fraction, rounded to the nearest, halves to even, and clamped; acc[p][c] for the
     * OHM_PART bit lines of a part. *clipped grows by the number of codes that were clamped. Needs (2^(step1-step0) - 1) * (2^bits - 1) < 2^31. NULL:
     * has no form of its own. */
    void (*held)(const struct ohm_held *held, const struct ohm_lists *lists, int32_t step0, int32_t step1, int32_t *acc, int64_t *clipped);
    /* The same with noise of reads. */
    void (*held_noisy)(const struct ohm_held *held, const struct ohm_held_reads *reads, const struct ohm_lists *lists, int32_t step0, int32_t step1,
                       int32_t *acc, int64_t *clipped);
    /* y[i] += coefficient[i] * acc[i] * 2^shift; the narrow form for sums known to end up within 32 bits (modulo 2^32 on the way) */
    void (*combine)(int32_t n, const int32_t *coefficient, const int32_t *acc, int32_t shift, int64_t *y);
    void (*combine_narrow)(int32_t n, const int32_t *coefficient, const int32_t *acc, int32_t shift, int32_t *y);
    /* y[i] += factor * acc[i] */
    void (*scale_add)(int32_t n, int64_t factor, const int32_t *acc, int64_t *y);
    void (*scale_add_narrow)(int32_t n, int32_t factor, const int32_t *acc, int32_t *y); /* modulo 2^32 */
    /* For measurements: full adders in registers, `rounds` times; how many of 512 columns that was (NULL in the reference). seed and *kept keep the
     * compiler honest. */
    int64_t (*full_adders)(int64_t rounds, const uint64_t *seed, uint64_t *kept);
    /* Number of 1 bits. */
    int64_t (*ones)(size_t bytes, const void *values);
};

extern const struct ohm_kernel ohm_kernel_reference, ohm_kernel_portable;
#if defined(__x86_64__)
extern const struct ohm_kernel ohm_kernel_avx2, ohm_kernel_avx512;
#endif
/* All kernels this CPU can run, NULL-terminated, best last. */
const struct ohm_kernel *const *ohm_kernels(void);
/* The one in use; NULL with a recorded OHM_E_USAGE failure when OHM_KERNEL names none that can run here. */
const struct ohm_kernel *ohm_kernel_chosen(void);

/* Builds the lists from bit masks: row r is driven at step t when bit t - shift[r] of its value is 1. shift may be NULL (all 0); values
 * [npos][stride] elements; input[r] is the place of row r's value, or rows are consecutive from input0 when input is NULL. */
struct ohm_list_rows {
    int32_t nrow, max_shift;
    const int32_t *input; /* [nrow] or NULL */
    int32_t input0;
    const uint64_t *shifted; /* [max_shift + 1][(nrow + 63) / 64]: rows with that shift; NULL when max_shift is 0 */
};
void ohm_lists_build(const struct ohm_kernel *kernel, const struct ohm_list_rows *rows, int32_t npos, int32_t nbit, int32_t element,
                     const void *values, int32_t stride, int32_t ignored, struct ohm_lists *lists);

#endif
