/* The table ADC, once, for every vector width. Goes on from counter_body.h and further needs
 *   AND_OR(a,b,c)  (a & b) | c      ANY(v)  whether a bit of v is 1
 * Look-ups column by column would cost several times the counting. Instead the tables are read bit-sliced (struct ohm_adc_slices): the upper planes
 * of a count say which block of 8 counts it lies in, and that block's rows are taken over for its columns; the lower three planes say how far into
 * the block it lies, which is the number of rises to add to the base. */
#include <stdbool.h>

#define GROUP_BLOCKS 8 /* blocks are looked at in groups of 64 counts; a group that no column's count lies in is passed over */

/* What the tables say about the blocks that the columns' counts lie in; one plane per row of struct ohm_adc_slices. */
struct taken {
    bool some; /* false: nothing taken yet */
    V rise[8], turn[8], twice[8], base[16];
};

/* is[i] = columns of `some` whose planes from..to-1 read i */
static inline void decode(const V *planes, int32_t from, int32_t to, V some, V *is) {
    is[0] = some;
    for (int32_t k = to - 1, n = 1; k >= from; k--, n *= 2)
        for (int32_t i = n - 1; i >= 0; i--) {
            V old = is[i];
            is[2 * i + 1] = AND(old, planes[k]);
            is[2 * i] = AND(old, ~planes[k]);
        }
}

static inline V group_columns(const V *planes, int32_t nplane, int32_t group) {
    V is = ~ZERO;
    for (int32_t k = 6; k < nplane; k++) is = AND(is, group >> (k - 6) & 1 ? planes[k] : ~planes[k]);
    return is;
}

/* out[k] |= row k of block i for the columns where is[i], i < n; out starts at 0 unless there is some. n_row is a constant, so that the rows stay in
 * registers. part 0 takes every block; another part is missing from most, and only the blocks that have it are read. */
static inline __attribute__((always_inline)) void take_rows(const uint64_t *rows, size_t stride, const V *is, int32_t n, bool some, V *out,
                                                            const int32_t n_row, const uint8_t *has, const uint8_t part) {
    V taken[8];
    for (int32_t k = 0; k < n_row; k++) taken[k] = some ? out[k] : ZERO;
    for (int32_t i = 0; i < n; i++, rows += stride) {
        if (part && !(has[i] & part)) continue;
        V here = is[i];
        for (int32_t k = 0; k < n_row; k++) taken[k] = AND_OR(LOAD(rows + k * OHM_CHUNK_WORDS), here, taken[k]);
    }
    for (int32_t k = 0; k < n_row; k++) out[k] = taken[k];
}

/* Rows of blocks block .. block + n - 1; none of the list's counts lies beyond block last. */
static inline void take_group(const struct ohm_adc_slices *slices, int32_t word, int32_t block, int32_t n, int32_t last, const V *is,
                              struct taken *taken) {
    size_t stride = (size_t)slices->nrow * OHM_CHUNK_WORDS;
    const uint64_t *rows = slices->rows + (size_t)block * stride + word;
    const uint8_t *has = slices->parts + block;
    bool some = taken->some;
    take_rows(rows, stride, is, n, some, taken->rise, 8, has, 0);
    if (last >= slices->first_turn) take_rows(rows + slices->turn * OHM_CHUNK_WORDS, stride, is, n, some, taken->turn, 8, has, OHM_SLICE_TURN);
    if (last >= slices->first_twice) take_rows(rows + slices->twice * OHM_CHUNK_WORDS, stride, is, n, some, taken->twice, 8, has, OHM_SLICE_TWICE);
    for (int32_t k = 0; k < slices->code_bits[last]; k += 4)
        take_rows(rows + (slices->base + k) * OHM_CHUNK_WORDS, stride, is, n, some, taken->base + k, 4, has, 0);
    taken->some = true;
}

static inline void take_blocks(const struct ohm_adc_slices *slices, int32_t word, const V *planes, int32_t nplane, int32_t last,
                               struct taken *taken) {
    V is[GROUP_BLOCKS];
    taken->some = false;
    if (nplane <= 6) {
        decode(planes, 3, nplane, ~ZERO, is);
        take_group(slices, word, 0, last + 1, last, is, taken);
        return;
    }
    for (int32_t block = 0; block <= last; block += GROUP_BLOCKS) {
        V some = group_columns(planes, nplane, block / GROUP_BLOCKS);
        if (!ANY(some)) continue;
        decode(planes, 3, 6, some, is);
        take_group(slices, word, block, last - block + 1 < GROUP_BLOCKS ? last - block + 1 : GROUP_BLOCKS, last, is, taken);
    }
}

/* sum[0..2] = how many of rise[1..7] lie at or below the count inside the block; at[n]: columns that are n or further into it. */
static inline void add_rises(const V *rise, const V *at, V *sum) {
    V one, two, a, b, c;
    FULL_ADD(one, a, AND(rise[1], at[1]), AND(rise[2], at[2]), AND(rise[3], at[3]));
    FULL_ADD(two, b, AND(rise[4], at[4]), AND(rise[5], at[5]), AND(rise[6], at[6]));
    FULL_ADD(sum[0], c, one, two, AND(rise[7], at[7]));
    FULL_ADD(sum[1], sum[2], a, b, c);
}

/* at[n] = columns whose count is n or more beyond the start of its block */
static inline void find_places(const V *planes, int32_t nplane, V *at) {
    V low = nplane > 0 ? planes[0] : ZERO, middle = nplane > 1 ? planes[1] : ZERO, high = nplane > 2 ? planes[2] : ZERO;
    V some = OR(low, middle), both = AND(low, middle);
    at[1] = OR(some, high);
    at[2] = OR(middle, high);
    at[3] = OR(both, high);
    at[4] = high;
    at[5] = AND(some, high);
    at[6] = AND(middle, high);
    at[7] = AND(both, high);
}

/* The codes of the counts in planes[0..nplane-1], none of them beyond block last; *outside: columns whose count lies outside their codes.
 * Returns the number of code planes. */
static inline int32_t convert_planes(const struct ohm_adc_slices *slices, int32_t word, const V *planes, int32_t nplane, int32_t last, V *code,
                                     V *outside) {
    int32_t ncode = slices->code_bits[last], nrise = 3, k = 0;
    struct taken taken;
    V at[8], more[3], rises[5], carry = ZERO;
    take_blocks(slices, word, planes, nplane, last, &taken);
    find_places(planes, nplane, at);
    add_rises(taken.rise, at, rises);
    if (last >= slices->first_twice) {
        add_rises(taken.twice, at, more);
        rises[3] = rises[4] = ZERO;
        for (int32_t i = 0; i < 3; i++) FULL_ADD(rises[i + 1], carry, rises[i + 1], more[i], carry);
        rises[4] = carry;
        carry = ZERO;
        nrise = 5;
    }
    for (; k < nrise && k < ncode; k++) FULL_ADD(code[k], carry, taken.base[k], rises[k], carry);
    for (; k < ncode; k++) {
        code[k] = XOR(taken.base[k], carry);
        carry = AND(taken.base[k], carry);
    }
    *outside = taken.rise[0];
    if (last >= slices->first_turn)
        for (int32_t n = 1; n < 8; n++) *outside = XOR(*outside, AND(taken.turn[n], at[n]));
    return ncode;
}

/* acc = lo * (2^steps - 1) + step * acc, what the codes stand for; modulo 2^32 on the way. */
static inline void scale_codes(const struct ohm_adc_slices *slices, int32_t steps, int32_t ncol, int32_t *restrict acc) {
    uint32_t weight = (uint32_t)(((uint64_t)1 << steps) - 1);
    const int32_t *restrict step = slices->step, *restrict lo = slices->lo;
    for (int32_t c = 0; c < ncol; c++) acc[c] = (int32_t)((uint32_t)acc[c] * (uint32_t)step[c] + (uint32_t)lo[c] * weight);
    memset(acc + ncol, 0, (size_t)(OHM_CHUNK - ncol) * sizeof *acc);
}

/* One position, columns word .. word + V_WORDS - 1 of the chunk: planes of the sums of codes. used: columns whose counts outside are counted. */
static inline void table_word(const struct ohm_cells *cells, int32_t chunk, const struct ohm_lists *lists, int32_t list0, int32_t nstep,
                              const struct ohm_adc_slices *slices, int32_t word, V used, V *sum, int64_t *clipped) {
    const int32_t width = slices->width, weight = (1 << cells->cell_bits) - 1;
    for (int32_t k = 0; k < width; k++) sum[k] = ZERO;
    for (int32_t t = 0; t < nstep; t++) {
        V planes[MAX_PLANES], code[16], outside;
        int32_t last = lists->driven[list0 + t] * weight / 8, nplane = count_list(cells, chunk, lists, list0 + t, word, planes);
        int32_t ncode = convert_planes(slices, word, planes, nplane, last, code, &outside);
        if (last >= slices->first_outside) *clipped += ONES(AND(outside, used));
        add_code(sum, t, width, code, ncode);
    }
}

/* The first ncol columns as bits. */
static inline void mark_used(int32_t ncol, uint64_t *used) {
    for (int32_t w = 0; w < OHM_CHUNK_WORDS; w++) used[w] = ncol >= (w + 1) * 64 ? ~0ull : ncol <= w * 64 ? 0 : (1ull << (ncol % 64)) - 1;
}

static void table_sliced(const struct ohm_cells *cells, int32_t chunk, const struct ohm_lists *lists, int32_t step0, int32_t step1,
                         const struct ohm_adc_slices *slices, int32_t ncol, int32_t *acc, int64_t *clipped) {
    const int32_t nsum = step1 - step0 + slices->width;
    uint64_t out[MAX_SUM_PLANES][OHM_CHUNK_WORDS] __attribute__((aligned(64))), used[OHM_CHUNK_WORDS] __attribute__((aligned(64)));
    mark_used(ncol, used);
    for (int32_t p = 0; p < lists->npos; p++) {
        for (int32_t word = 0; word < OHM_CHUNK_WORDS; word += V_WORDS) {
            V sum[MAX_SUM_PLANES + 1];
            table_word(cells, chunk, lists, p * lists->nstep + step0, step1 - step0, slices, word, LOAD(&used[word]), sum, clipped);
            for (int32_t k = 0; k < nsum; k++) STORE(&out[k][word], sum[k]);
        }
        transpose(out, nsum, acc + (size_t)p * OHM_CHUNK);
        scale_codes(slices, step1 - step0, ncol, acc + (size_t)p * OHM_CHUNK);
    }
}

static void table_onto(const struct ohm_cells *cells, int32_t chunk, const struct ohm_lists *lists, int32_t step0, int32_t step1,
                       const struct ohm_adc_table *adc, int32_t ncol, const struct ohm_goal *goal, int64_t *clipped) {
    const int32_t nstep = step1 - step0;
    uint64_t used[OHM_CHUNK_WORDS] __attribute__((aligned(64))), *total = goal->total;
    mark_used(ncol, used);
    for (int32_t p = 0; p < lists->npos; p++, total += (size_t)goal->onto->nplane * OHM_CHUNK_WORDS)
        for (int32_t word = 0; word < OHM_CHUNK_WORDS; word += V_WORDS) {
            V sum[MAX_SUM_PLANES + 1];
            table_word(cells, chunk, lists, p * lists->nstep + step0, nstep, adc->slices, word, LOAD(&used[word]), sum, clipped);
            add_onto(goal->onto, sum, nstep + adc->slices->width, total + word);
        }
}

/* Any values, one look-up per column and step. */
static void table_looked_up(const struct ohm_cells *cells, int32_t chunk, const struct ohm_lists *lists, int32_t step0, int32_t step1,
                            const struct ohm_adc_table *adc, int32_t ncol, int32_t *acc, int64_t *clipped) {
    uint64_t out[MAX_PLANES][OHM_CHUNK_WORDS] __attribute__((aligned(64)));
    int32_t count[OHM_CHUNK] __attribute__((aligned(64)));
    for (int32_t p = 0; p < lists->npos; p++) {
        int32_t *sum = acc + (size_t)p * OHM_CHUNK;
        memset(sum, 0, OHM_CHUNK * sizeof *sum);
        for (int32_t t = step0; t < step1; t++) {
            int32_t nplane = 0;
            for (int32_t word = 0; word < OHM_CHUNK_WORDS; word += V_WORDS) {
                V planes[MAX_PLANES];
                nplane = count_list(cells, chunk, lists, p * lists->nstep + t, word, planes);
                for (int32_t k = 0; k < nplane; k++) STORE(&out[k][word], planes[k]);
            }
            transpose(out, nplane, count);
            int32_t outside = 0;
            for (int32_t c = 0; adc->offset && c < ncol; c++) count[c] += adc->offset[c];
            for (int32_t c = 0; c < ncol; c++) {
                sum[c] += adc->value[count[c]] * (1 << (t - step0));
                outside += adc->outside[count[c]];
            }
            *clipped += outside;
        }
    }
}

static void table(const struct ohm_cells *cells, int32_t chunk, const struct ohm_lists *lists, int32_t step0, int32_t step1,
                  const struct ohm_adc_table *adc, int32_t ncol, int32_t *acc, int64_t *clipped) {
    if (adc->slices)
        table_sliced(cells, chunk, lists, step0, step1, adc->slices, ncol, acc, clipped);
    else
        table_looked_up(cells, chunk, lists, step0, step1, adc, ncol, acc, clipped);
}
