/* The vertical counter, once, for every vector width. The including file defines
 *   V            vector of V_WORDS 64-bit words
 *   LOAD(p) STORE(p, v) ZERO  XOR(a,b) AND(a,b) OR(a,b)  XOR3(a,b,c)  MAJ(a,b,c)  ONES(v) (number of 1 bits, int64_t)
 *   ANY(v) (whether there is any)
 *   transpose(planes, nplane, out)  planes [nplane][OHM_CHUNK_WORDS] of 64-bit words -> out [OHM_CHUNK] int32
 * A count of 512 columns is a stack of bit planes c[0], c[1], ... (weights 1, 2, 4 ...). Sixteen driven rows go through fifteen carry-save adders
 * (full adders across rows), which leave at most one carry of weight 16 to ripple upwards. */
#include "ohmtally/kernel.h"
#include <stdbool.h>
#include <string.h>

#define MAX_PLANES 14 /* 512 rows of 4-bit cells: counts to 7680 */
#define ROW_PLANES 10 /* bits of OHM_MAX_ROWS */
#define MAX_SUM_PLANES 32

#define FULL_ADD(sum, carry, a, b, c)                                                                                                                \
    do {                                                                                                                                             \
        V fa_ = (a), fb_ = (b), fc_ = (c);                                                                                                           \
        (sum) = XOR3(fa_, fb_, fc_);                                                                                                                 \
        (carry) = MAJ(fa_, fb_, fc_);                                                                                                                \
    } while (0)

/* Adds carry into plane; what is carried on is returned. */
static inline V half_add(V *plane, V carry) {
    V old = *plane;
    *plane = XOR(old, carry);
    return AND(old, carry);
}

/* Adds carry into planes[from..to-1]. */
static inline void ripple(V *planes, int32_t from, int32_t to, V carry) {
    for (int32_t k = from; k < to; k++) carry = half_add(&planes[k], carry);
}

/* Eight rows into one, two and four; the carry of weight 8 is returned. */
static inline __attribute__((always_inline)) V add_eight(const uint64_t *base, const uint16_t *row, V *one, V *two, V *four) {
    V a, b, c, d, carry;
#define ROW(j) LOAD(base + (size_t)row[j] * OHM_CHUNK_WORDS)
    FULL_ADD(*one, a, *one, ROW(0), ROW(1));
    FULL_ADD(*one, b, *one, ROW(2), ROW(3));
    FULL_ADD(*two, c, *two, a, b);
    FULL_ADD(*one, a, *one, ROW(4), ROW(5));
    FULL_ADD(*one, b, *one, ROW(6), ROW(7));
    FULL_ADD(*two, d, *two, a, b);
    FULL_ADD(*four, carry, *four, c, d);
    return carry;
}

/* Four rows; the carry of weight 4. */
static inline __attribute__((always_inline)) V add_four(const uint64_t *base, const uint16_t *row, V *one, V *two) {
    V a, b, carry;
    FULL_ADD(*one, a, *one, ROW(0), ROW(1));
    FULL_ADD(*one, b, *one, ROW(2), ROW(3));
    FULL_ADD(*two, carry, *two, a, b);
#undef ROW
    return carry;
}

/* planes[0..nplane-1] = counts over the listed rows of one cell plane, `base` being word `offset` of the plane's row 0. n is a multiple of 4, nplane
 * >= 4 a constant, so that the planes stay in registers. */
static inline __attribute__((always_inline)) void count_rows_in(const uint64_t *base, const uint16_t *row, int32_t n, const int32_t nplane,
                                                                V *planes) {
    V one = ZERO, two = ZERO, four = ZERO, eight = ZERO, e, f, carry, high[MAX_PLANES];
#define RIPPLE _Pragma("GCC unroll 16") for (int32_t k = 4; k < nplane; k++) carry = half_add(&high[k], carry)
    _Pragma("GCC unroll 16") for (int32_t k = 4; k < nplane; k++) high[k] = ZERO;
    for (; n >= 16; n -= 16, row += 16) {
        e = add_eight(base, row, &one, &two, &four);
        f = add_eight(base, row + 8, &one, &two, &four);
        FULL_ADD(eight, carry, eight, e, f);
        RIPPLE;
    }
    if (n & 8) {
        carry = half_add(&eight, add_eight(base, row, &one, &two, &four));
        RIPPLE;
        row += 8;
    }
    if (n & 4) {
        carry = half_add(&eight, half_add(&four, add_four(base, row, &one, &two)));
        RIPPLE;
    }
#undef RIPPLE
    planes[0] = one;
    planes[1] = two;
    planes[2] = four;
    planes[3] = eight;
    _Pragma("GCC unroll 16") for (int32_t k = 4; k < nplane; k++) planes[k] = high[k];
}

/* The same for any nplane; planes beyond it may be written up to MAX_PLANES, with 0. */
static inline void count_rows(const uint64_t *base, const uint16_t *row, int32_t n, int32_t nplane, V *planes) {
    switch (nplane) {
    case 1 ... 4:
        count_rows_in(base, row, n, 4, planes);
        break;
    case 5:
        count_rows_in(base, row, n, 5, planes);
        break;
    case 6:
        count_rows_in(base, row, n, 6, planes);
        break;
    case 7:
        count_rows_in(base, row, n, 7, planes);
        break;
    case 8:
        count_rows_in(base, row, n, 8, planes);
        break;
    default:
        count_rows_in(base, row, n, ROW_PLANES, planes);
        break;
    }
}

/* Counts of one list over all cell planes; returns the number of planes that can be non-zero. word: offset of the V inside a chunk row. */
static int32_t count_list(const struct ohm_cells *cells, int32_t chunk, const struct ohm_lists *lists, int32_t list, int32_t word, V *planes) {
    int32_t first = lists->first[list], n = lists->first[list + 1] - first, driven = lists->driven[list];
    if (!driven) return 0;
    int32_t one_plane = ohm_bit_length(driven), nplane = ohm_bit_length(driven * ((1 << cells->cell_bits) - 1));
    const uint64_t *base = cells->words + ohm_cells_index(cells, chunk, 0, 0) + word;
    if (one_plane > ROW_PLANES) __builtin_unreachable();
    count_rows(base, lists->row + first, n, one_plane, planes);
    for (int32_t k = one_plane; k < nplane; k++) planes[k] = ZERO;
    for (int32_t plane = 1; plane < cells->cell_bits; plane++) {
        V more[MAX_PLANES], carry = ZERO;
        count_rows(base + (size_t)plane * ((size_t)cells->nrow + 1) * OHM_CHUNK_WORDS, lists->row + first, n, one_plane, more);
        for (int32_t k = 0; k < one_plane; k++) FULL_ADD(planes[plane + k], carry, planes[plane + k], more[k], carry);
        ripple(planes, plane + one_plane, nplane, carry);
    }
    return nplane;
}

/* sum[t ..] += code planes << t. Before step t the sum is below 2^t * largest code, so nothing ripples beyond plane t + width. */
static inline void add_code(V *sum, int32_t t, int32_t width, const V *code, int32_t nplane) {
    V carry = ZERO;
    int32_t k = 0;
    for (; k < nplane; k++) FULL_ADD(sum[t + k], carry, sum[t + k], code[k], carry);
    for (; k < width; k++) carry = half_add(&sum[t + k], carry);
    sum[t + width] = carry;
}

/* Limits planes to adc_bits (all ones where larger); returns how many columns were larger. */
static inline int64_t clip_planes(V *planes, int32_t nplane, int32_t adc_bits) {
    V over = planes[adc_bits];
    for (int32_t k = adc_bits + 1; k < nplane; k++) over = OR(over, planes[k]);
    for (int32_t k = 0; k < adc_bits; k++) planes[k] = OR(planes[k], over);
    return ANY(over) ? ONES(over) : 0;
}

#define PARTS (OHM_CHUNK_WORDS / V_WORDS) /* vectors of a chunk */
struct sums {
    V plane[MAX_SUM_PLANES + 1];
};

/* One position, nchunk chunks: planes of the clipped sums, vector by vector. All vectors of a list follow each other, so that branches on its length
 * are foreseen. width, the bits of the largest code, is a constant where that pays. */
static inline __attribute__((always_inline)) void clip_words(const struct ohm_cells *cells, int32_t chunk, int32_t nchunk,
                                                             const struct ohm_lists *lists, int32_t list0, int32_t nstep, int32_t adc_bits,
                                                             const int32_t width, struct sums *sums, int64_t *clipped) {
    for (int32_t i = 0; i < nchunk * PARTS; i++) _Pragma("GCC unroll 16") for (int32_t k = 0; k < width; k++) STORE(&sums[i].plane[k], ZERO);
    for (int32_t t = 0; t < nstep; t++)
        for (int32_t i = 0; i < nchunk * PARTS; i++) {
            V planes[MAX_PLANES], carry = ZERO, *sum = sums[i].plane + t;
            int32_t nplane = count_list(cells, chunk + i / PARTS, lists, list0 + t, i % PARTS * V_WORDS, planes);
            if (!nplane) {
                sum[width] = ZERO;
                continue;
            }
            if (nplane > adc_bits) *clipped += clip_planes(planes, nplane, adc_bits);
            for (int32_t k = nplane; k < width; k++) planes[k] = ZERO;
            _Pragma("GCC unroll 8") for (int32_t k = 0; k < width; k++) FULL_ADD(sum[k], carry, sum[k], planes[k], carry);
            sum[width] = carry; /* nothing there yet: before step t the sum is below 2^t * largest code */
        }
}

/* clip_words with the usual widths as constants. */
static inline void clip_sums(const struct ohm_cells *cells, int32_t chunk, int32_t nchunk, const struct ohm_lists *lists, int32_t list0,
                             int32_t nstep, int32_t adc_bits, int32_t width, struct sums *sums, int64_t *clipped) {
    switch (width) {
#define WIDTH(w)                                                                                                                                     \
    case w:                                                                                                                                          \
        clip_words(cells, chunk, nchunk, lists, list0, nstep, adc_bits, w, sums, clipped);                                                           \
        break;
        WIDTH(4)
        WIDTH(5)
        WIDTH(6)
        WIDTH(7)
        WIDTH(8)
#undef WIDTH
    default:
        clip_words(cells, chunk, nchunk, lists, list0, nstep, adc_bits, width, sums, clipped);
    }
}

static void clip(const struct ohm_cells *cells, int32_t chunk, const struct ohm_lists *lists, int32_t step0, int32_t step1, int32_t adc_bits,
                 int32_t *acc, int64_t *clipped) {
    int32_t nstep = step1 - step0, nsum = ohm_clip_planes(cells, nstep, adc_bits);
    uint64_t out[MAX_SUM_PLANES][OHM_CHUNK_WORDS] __attribute__((aligned(64)));
    struct sums sums[PARTS];
    for (int32_t p = 0; p < lists->npos; p++) {
        clip_sums(cells, chunk, 1, lists, p * lists->nstep + step0, nstep, adc_bits, nsum - nstep, sums, clipped);
        for (int32_t i = 0; i < PARTS; i++)
            for (int32_t k = 0; k < nsum; k++) STORE(&out[k][i * V_WORDS], sums[i].plane[k]);
        transpose(out, nsum, acc + (size_t)p * OHM_CHUNK);
    }
}

/* The planes of one position's sums onto those of its total. */
static inline void add_onto(const struct ohm_onto *onto, const V *sum, int32_t nsum, uint64_t *total) {
    const V flip = onto->complement ? ~ZERO : ZERO;
    const int32_t end = onto->shift + nsum;
    V carry = ZERO;
    uint64_t *to = total + (size_t)onto->held * OHM_CHUNK_WORDS;
    for (int32_t k = onto->held; k < onto->shift; k++, to += OHM_CHUNK_WORDS) STORE(to, ZERO);
    to = total + (size_t)onto->shift * OHM_CHUNK_WORDS;
    int32_t k = onto->shift;
    for (; k < end && k < onto->held; k++, to += OHM_CHUNK_WORDS) {
        V old = LOAD(to), new;
        FULL_ADD(new, carry, old, XOR(*sum, flip), carry);
        sum++;
        STORE(to, new);
    }
    for (; k < end; k++, to += OHM_CHUNK_WORDS) {
        V new = XOR(*sum, flip);
        sum++;
        STORE(to, XOR(new, carry));
        carry = AND(new, carry);
    }
    for (; k < onto->held; k++, to += OHM_CHUNK_WORDS) {
        V old = LOAD(to);
        STORE(to, XOR(old, carry));
        carry = AND(old, carry);
    }
    for (; k < onto->after; k++, to += OHM_CHUNK_WORDS) {
        STORE(to, carry);
        carry = ZERO;
    }
}

static void clip_onto(const struct ohm_cells *cells, int32_t chunk, int32_t nchunk, const struct ohm_lists *lists, int32_t step0, int32_t step1,
                      int32_t adc_bits, const struct ohm_goal *goals, int64_t *clipped) {
    int32_t nstep = step1 - step0, nsum = ohm_clip_planes(cells, nstep, adc_bits);
    struct sums sums[OHM_TOGETHER * PARTS];
    for (int32_t p = 0; p < lists->npos; p++) {
        clip_sums(cells, chunk, nchunk, lists, p * lists->nstep + step0, nstep, adc_bits, nsum - nstep, sums, clipped);
        for (int32_t i = 0; i < nchunk * PARTS; i++) {
            const struct ohm_goal *goal = &goals[i / PARTS];
            const size_t at = (size_t)p * (size_t)goal->onto->nplane * OHM_CHUNK_WORDS + (size_t)(i % PARTS * V_WORDS);
            add_onto(goal->onto, sums[i].plane, nsum, goal->total + at);
        }
    }
}

static void integers(int32_t npos, int32_t nplane, int32_t held, int32_t bias, const uint64_t *total, int32_t *acc) {
    for (int32_t p = 0; p < npos; p++, total += (size_t)nplane * OHM_CHUNK_WORDS, acc += OHM_CHUNK) {
        transpose((const uint64_t(*)[OHM_CHUNK_WORDS])total, held, acc);
        for (int32_t c = 0; bias && c < OHM_CHUNK; c++) acc[c] -= bias;
    }
}

/* planes := count - (2^adc_bits - 1) where over, 0 elsewhere: 2^adc_bits is taken from the upper planes, then 1 is added. */
static inline void keep_excess(V *planes, int32_t nplane, int32_t adc_bits, V over) {
    V borrow = over;
    for (int32_t k = adc_bits; k < nplane; k++) {
        planes[k] = XOR(planes[k], borrow);
        borrow = AND(planes[k], borrow);
    }
    V carry = over;
    for (int32_t k = 0; k < nplane; k++) {
        V old = planes[k];
        planes[k] = AND(XOR(old, carry), over);
        carry = AND(old, carry);
    }
}

/* One position, columns word .. word + V_WORDS - 1 of the chunk: planes of the sums into sum (cleared at the first find); whether there was any. */
static inline bool excess_word(const struct ohm_cells *cells, int32_t chunk, const struct ohm_lists *lists, int32_t list0, int32_t nstep,
                               int32_t adc_bits, int32_t word, int32_t width, V *sum, int64_t *clipped) {
    bool found = false;
    for (int32_t t = 0; t < nstep; t++) {
        V planes[MAX_PLANES];
        if (ohm_bit_length(lists->driven[list0 + t] * ((1 << cells->cell_bits) - 1)) <= adc_bits) continue;
        int32_t nplane = count_list(cells, chunk, lists, list0 + t, word, planes);
        V over = planes[adc_bits];
        for (int32_t k = adc_bits + 1; k < nplane; k++) over = OR(over, planes[k]);
        if (!ANY(over)) continue;
        for (int32_t k = 0; !found && k <= nstep + width; k++) sum[k] = ZERO;
        found = true;
        *clipped += ONES(over);
        keep_excess(planes, nplane, adc_bits, over);
        add_code(sum, t, width, planes, nplane);
    }
    return found;
}

static void excess(const struct ohm_cells *cells, int32_t chunk, const struct ohm_lists *lists, int32_t step0, int32_t step1, int32_t adc_bits,
                   int32_t *acc, uint8_t *found, int64_t *clipped) {
    int32_t width = ohm_bit_length(cells->nrow * ((1 << cells->cell_bits) - 1)), nsum = step1 - step0 + width;
    uint64_t out[MAX_SUM_PLANES][OHM_CHUNK_WORDS] __attribute__((aligned(64)));
    for (int32_t p = 0; p < lists->npos; p++) {
        found[p] = 0;
        for (int32_t word = 0; word < OHM_CHUNK_WORDS; word += V_WORDS) {
            V sum[MAX_SUM_PLANES + 1];
            if (!excess_word(cells, chunk, lists, p * lists->nstep + step0, step1 - step0, adc_bits, word, width, sum, clipped)) continue;
            for (int32_t k = 0; !found[p] && k < nsum; k++) memset(out[k], 0, sizeof out[k]);
            found[p] = 1;
            for (int32_t k = 0; k < nsum; k++) STORE(&out[k][word], sum[k]);
        }
        if (found[p]) transpose(out, nsum, acc + (size_t)p * OHM_CHUNK);
    }
}

#define CHAINS 6 /* independent, so that latency is hidden and nothing leaves the registers */
static int64_t full_adders(int64_t rounds, const uint64_t *seed, uint64_t *kept) {
    V sum[CHAINS], carry[CHAINS], x = LOAD(seed), all = ZERO;
    for (int32_t i = 0; i < CHAINS; i++) sum[i] = carry[i] = LOAD(seed + (size_t)i * V_WORDS);
    for (int64_t r = 0; r < rounds; r++)
        for (int32_t i = 0; i < CHAINS; i++) FULL_ADD(sum[i], carry[i], sum[i], carry[i], x);
    for (int32_t i = 0; i < CHAINS; i++) all = XOR3(all, sum[i], carry[i]);
    STORE(kept, all);
    return rounds * CHAINS * V_WORDS / OHM_CHUNK_WORDS;
}
