/* Bit lines of conductances with 512-bit vectors, 32 to a vector. With noise, codes are guessed in 16 bits first, from deviates and a square root
 * that are nearly right; the few that lie so near to the next code that the guess may be wrong are worked out as they are defined. */
#if defined(__x86_64__)
#include "held_avx512.h"
#include "held_guess.h"
#include <immintrin.h>
#include <math.h>
#include <string.h>

typedef __m512i V;
#define VECTORS (OHM_PART / 32)
#define INLINE static inline __attribute__((always_inline))

/* a = start + the n rows */
INLINE void add_rows(const int16_t *cells, const uint16_t *row, int32_t n, V start, V a[VECTORS]) {
    for (int k = 0; k < VECTORS; k++) a[k] = start;
    for (int32_t i = 0; i < n; i++) {
        const int16_t *from = cells + (size_t)row[i] * OHM_PART;
        for (int k = 0; k < VECTORS; k++) a[k] = _mm512_add_epi16(a[k], _mm512_load_si512(from + 32 * k));
    }
}

/* Columns of vector k that are there. */
INLINE __mmask32 present(int32_t ncol, int k) {
    int32_t n = ncol - 32 * k;
    return n >= 32 ? ~0u : n <= 0 ? 0 : (1u << n) - 1;
}

/* Codes within 0 .. top; how many of the columns present were not. */
INLINE int32_t clamp(const __mmask32 shown[VECTORS], V top, V code[VECTORS]) {
    int32_t outside = 0;
    for (int k = 0; k < VECTORS; k++) {
        V kept = _mm512_min_epi16(_mm512_max_epi16(code[k], _mm512_setzero_si512()), top);
        outside += __builtin_popcount(_mm512_mask_cmpneq_epi16_mask(shown[k], kept, code[k]));
        code[k] = kept;
    }
    return outside;
}

/* to (= where first, else +=) sum << shift, 16 bits to 32 */
INLINE void widen(const V sum[VECTORS], int32_t shift, bool first, int32_t *to) {
    __m128i by = _mm_cvtsi32_si128(shift);
    for (int k = 0; k < VECTORS; k++)
        for (int half = 0; half < 2; half++) {
            V wide = _mm512_sll_epi32(_mm512_cvtepu16_epi32(half ? _mm512_extracti64x4_epi64(sum[k], 1) : _mm512_castsi512_si256(sum[k])), by);
            int32_t *at = to + 32 * k + 16 * half;
            _mm512_storeu_si512(at, first ? wide : _mm512_add_epi32(wide, _mm512_loadu_si512(at)));
        }
}

void ohm_held_avx512(const struct ohm_held *held, const struct ohm_lists *lists, int32_t step0, int32_t step1, int32_t *acc, int64_t *clipped) {
    const int32_t f = held->fraction, bits = held->bits < 15 ? held->bits : 15, stretch = 16 - bits;
    /* Half a step less one is added first; then odd whole parts need one more for halves to go to even. */
    const V start = _mm512_set1_epi16((short)(f ? (1 << f >> 1) - 1 : 0)), odd = _mm512_set1_epi16(f > 0),
            top = _mm512_set1_epi16((short)((1 << bits) - 1));
    const __m128i fraction = _mm_cvtsi32_si128(f);
    __mmask32 shown[VECTORS];
    int64_t outside = 0;
    for (int k = 0; k < VECTORS; k++) shown[k] = present(held->ncol, k);
    for (int32_t p = 0; p < lists->npos; p++)
        for (int32_t t0 = step0, t1; t0 < step1; t0 = t1) {
            V sum[VECTORS] = {_mm512_setzero_si512()}, a[VECTORS];
            for (int k = 0; k < VECTORS; k++) sum[k] = _mm512_setzero_si512();
            t1 = step1 - t0 < stretch ? step1 : t0 + stretch;
            for (int32_t t = t0; t < t1; t++) {
                int32_t list = p * lists->nstep + t;
                if (!lists->driven[list]) continue;
                add_rows(held->cells, lists->row + lists->first[list], lists->driven[list], start, a);
                for (int k = 0; k < VECTORS; k++) {
                    V up = _mm512_and_si512(_mm512_sra_epi16(a[k], fraction), odd);
                    a[k] = _mm512_sra_epi16(_mm512_add_epi16(a[k], up), fraction);
                }
                if (!held->inside) outside += clamp(shown, top, a);
                for (int k = 0; k < VECTORS; k++) sum[k] = _mm512_add_epi16(sum[k], _mm512_sll_epi16(a[k], _mm_cvtsi32_si128(t - t0)));
            }
            widen(sum, t0 - step0, t0 == step0, acc + (size_t)p * OHM_CHUNK);
        }
    *clipped += outside;
}

/* What a guess needs. n: what noise adds, s: the sum; sigma: standard deviation of n. Noise is in level steps / 2^q. */
struct guessing {
    V base[2], slope[2], off[2];
    __m512 growth, least;                    /* sigma^2 = growth max(level, 0) + least, in (level steps / 2^(q + 3))^2; nearly 0 for none */
    __m128i fraction, finer, coarser, spare; /* shifts of f, 16 - f, q - f and 16 - q bits */
    V half;                                  /* level step */
    V sure;                                  /* doubt whatever the deviate, in level steps / 2^16 */
    V top;                                   /* code */
    __mmask32 present[VECTORS];
};

static struct guessing make_guessing(const struct ohm_held *held, const struct ohm_held_reads *reads) {
    const struct guess *lines = ohm_held_guess();
    const int32_t f = held->fraction, q = held->calm ? 13 : 12, bits = held->bits < 15 ? held->bits : 15;
    const float one = ldexpf(1, 2 * (q + 3 - f));
    struct guessing g = {.growth = _mm512_set1_ps(reads->growth * one),
                         .least = _mm512_set1_ps(fmaxf(reads->still * one, 0x1p-20f)),
                         .fraction = _mm_cvtsi32_si128(f),
                         .finer = _mm_cvtsi32_si128(16 - f),
                         .coarser = _mm_cvtsi32_si128(q - f),
                         .spare = _mm_cvtsi32_si128(16 - q),
                         .half = _mm512_set1_epi16((short)(1 << (q - 1))),
                         /* Two truncations, sigma's (at most 4.34 / 8), and the definition's float operations: 8 / 2^f at most. */
                         .sure = _mm512_set1_epi16((short)((4 + (8 >> f)) << (16 - q))),
                         .top = _mm512_set1_epi16((short)((1 << bits) - 1))};
    for (int i = 0; i < 2; i++) {
        g.base[i] = _mm512_load_si512(lines->base + 32 * i);
        g.slope[i] = _mm512_load_si512(lines->slope + 32 * i);
        g.off[i] = _mm512_srl_epi16(_mm512_load_si512(lines->off + 32 * i), _mm_cvtsi32_si128(q - 12));
    }
    for (int k = 0; k < VECTORS; k++) g.present[k] = present(held->ncol, k);
    return g;
}

/* sigma of one half of the lanes, less at most one and 2^-13 of it. above: there are no levels below 0. */
INLINE V root(const struct guessing *g, bool above, V s, __m512 leak) {
    __m512 level = _mm512_cvtepi32_ps(s);
    if (!above) level = _mm512_add_ps(level, leak);
    __m512 square = _mm512_fmadd_ps(g->growth, level, g->least);
    if (!above) square = _mm512_max_ps(square, g->least);
    return _mm512_cvttps_epi32(_mm512_mul_ps(square, _mm512_rsqrt14_ps(square)));
}

/* sigma in level steps / 2^(q + 3). */
INLINE V deviation(const struct guessing *g, bool above, V s, __m512 leak) {
    V low = root(g, above, _mm512_madd_epi16(s, _mm512_set1_epi32(1)), leak), high = root(g, above, _mm512_srai_epi32(s, 16), leak);
    return _mm512_or_si512(low, _mm512_slli_epi32(high, 16));
}

#define LOOK_UP(table, index) _mm512_permutex2var_epi16((table)[0], index, (table)[1])

/* code = the guess, unclamped; lanes that it may be wrong for. */
INLINE __mmask32 guess_codes(const struct guessing *g, bool above, V s, V words, __m512 leak, V *code) {
    const V top = _mm512_set1_epi16((short)0x8000);
    V sigma = deviation(g, above, s, leak);
    V place = _mm512_ternarylogic_epi32(words, _mm512_srai_epi16(words, 15), top, 0xBE); /* (words ^ sign) | top: coarse lines come second */
    __mmask32 fine = _mm512_cmplt_epu16_mask(place, _mm512_set1_epi16((short)(0x8000 + 1024)));
    V index = _mm512_mask_srli_epi16(_mm512_srli_epi16(place, 10), fine, place, 5);
    V at = _mm512_mask_slli_epi16(_mm512_slli_epi16(place, 6), fine, place, 11);
    V z = _mm512_sub_epi16(LOOK_UP(g->base, index), _mm512_mulhi_epu16(at, LOOK_UP(g->slope, index)));
    V n = _mm512_mulhi_epu16(z, sigma); /* |noise| */
    V doubt = _mm512_add_epi16(_mm512_mulhi_epu16(sigma, LOOK_UP(g->off, index)), g->sure);
    n = _mm512_mask_add_epi16(_mm512_sub_epi16(g->half, n), _mm512_movepi16_mask(words), g->half, n);
    *code = _mm512_sra_epi16(_mm512_add_epi16(s, _mm512_sra_epi16(n, g->coarser)), g->fraction);
    V beyond = _mm512_abs_epi16(
        _mm512_add_epi16(_mm512_sll_epi16(s, g->finer), _mm512_sll_epi16(n, g->spare))); /* the code's beginning, level steps / 2^16 */
    return _mm512_cmple_epu16_mask(beyond, doubt);
}

/* A step with codes in doubt. */
struct step {
    V s[VECTORS], guess[VECTORS];
    __mmask32 doubt[VECTORS];
    int32_t t;
    float leak;
};

/* Codes of one step, clamped; returns how many were. *nstep grows where some are in doubt. */
INLINE int32_t noisy_codes(const struct guessing *g, bool above, float leak, const V s[VECTORS], const uint16_t *words, int32_t t, struct step *steps,
                           int32_t *nstep, V code[VECTORS]) {
    __mmask32 doubt[VECTORS], doubts = 0, beyond = 0;
    for (int k = 0; k < VECTORS; k++) {
        doubt[k] = guess_codes(g, above, s[k], _mm512_load_si512(words + 32 * k), _mm512_set1_ps(leak), &code[k]) & g->present[k];
        doubts |= doubt[k];
        beyond |= _mm512_mask_cmpgt_epu16_mask(g->present[k], code[k], g->top);
    }
    if (doubts) {
        struct step *step = &steps[(*nstep)++];
        for (int k = 0; k < VECTORS; k++) {
            step->s[k] = s[k];
            step->guess[k] = code[k];
            step->doubt[k] = doubt[k];
        }
        step->t = t;
        step->leak = leak;
    }
    return beyond ? clamp(g->present, g->top, code) : 0;
}

/* Codes in doubt as they are defined: acc += the difference, weighed by its step; returns how many more of them are clamped. */
static int32_t settle(const struct ohm_held *held, const struct ohm_held_reads *reads, const struct step *step, const uint16_t *words, int32_t step0,
                      int32_t *acc) {
    const float factor = 1.0f / (float)(1 << held->fraction), *small = ohm_draw_small();
    const int32_t top = (1 << held->bits) - 1;
    int32_t more = 0;
    for (int k = 0; k < VECTORS; k++)
        for (uint32_t rest = step->doubt[k]; rest; rest &= rest - 1) {
            int c = 32 * k + __builtin_ctz(rest), guess = ((const int16_t *)step->guess)[c];
            float sum = ((const int16_t *)step->s)[c], level = sum + step->leak, variance = reads->growth * (level > 0 ? level : 0) + reads->still;
            int code = (int)rintf((sum + small[words[c]] * sqrtf(variance)) * factor);
            int kept = code < 0 ? 0 : code > top ? top : code, guessed = guess < 0 ? 0 : guess > top ? top : guess;
            acc[c] += (kept - guessed) * (1 << (step->t - step0));
            more += (code != kept) - (guess != guessed);
        }
    return more;
}

typedef uint16_t step_words[OHM_DRAW_HALVES] __attribute__((aligned(64)));

/* Draws for steps t .. t1 - 1 of position p up to the last that has noise; returns where these end. */
static int32_t draw_steps(const struct ohm_held_reads *reads, const struct ohm_lists *lists, int32_t p, int32_t t, int32_t t1, step_words *words) {
    while (lists->driven[p * lists->nstep + t1 - 1] <= reads->quiet) t1--;
    ohm_draw_many(reads->draws, reads->at[p][0], reads->at[p][1], reads->first_step + (uint32_t)t, t1 - t, reads->part, *words);
    return t1;
}

/* sum = codes of steps t0 .. t1 - 1 of position p, t0 with weight 1, as guessed; returns how many were clamped. */
INLINE int32_t noisy_steps(const struct guessing *g, bool above, const struct ohm_held *held, const struct ohm_held_reads *reads,
                           const struct ohm_lists *lists, int32_t p, int32_t t0, int32_t t1, step_words *words, struct step *steps, int32_t *nstep,
                           V sum[VECTORS]) {
    int32_t outside = 0, drawn = t0;
    V s[VECTORS], code[VECTORS];
    for (int k = 0; k < VECTORS; k++) sum[k] = _mm512_setzero_si512();
    for (int32_t t = t0; t < t1; t++) {
        int32_t list = p * lists->nstep + t, driven = lists->driven[list];
        if (!driven && driven <= reads->quiet) continue;
        add_rows(held->cells, lists->row + lists->first[list], driven, _mm512_setzero_si512(), s);
        if (driven <= reads->quiet) {
            for (int k = 0; k < VECTORS; k++) code[k] = _mm512_sra_epi16(s[k], g->fraction);
            outside += clamp(g->present, g->top, code);
        } else {
            if (t >= drawn) drawn = draw_steps(reads, lists, p, t, t1, words + (t - t0));
            outside += noisy_codes(g, above, reads->leak * (float)driven, s, words[t - t0], t, steps, nstep, code);
        }
        for (int k = 0; k < VECTORS; k++) sum[k] = _mm512_add_epi16(sum[k], _mm512_sll_epi16(code[k], _mm_cvtsi32_si128(t - t0)));
    }
    return outside;
}

INLINE int64_t noisy(bool above, const struct ohm_held *held, const struct ohm_held_reads *reads, const struct ohm_lists *lists, int32_t step0,
                     int32_t step1, int32_t *acc) {
    const struct guessing g = make_guessing(held, reads);
    const int32_t stretch = 16 - (held->bits < 15 ? held->bits : 15);
    step_words words[16];
    struct step steps[16];
    int64_t outside = 0;
    for (int32_t p = 0; p < lists->npos; p++)
        for (int32_t t0 = step0, t1; t0 < step1; t0 = t1) {
            int32_t *to = acc + (size_t)p * OHM_CHUNK, nstep = 0;
            V sum[VECTORS];
            t1 = step1 - t0 < stretch ? step1 : t0 + stretch;
            outside += noisy_steps(&g, above, held, reads, lists, p, t0, t1, words, steps, &nstep, sum);
            widen(sum, t0 - step0, t0 == step0, to);
            for (int32_t i = 0; i < nstep; i++) outside += settle(held, reads, &steps[i], words[steps[i].t - t0], step0, to);
        }
    return outside;
}

static int64_t noisy_above(const struct ohm_held *held, const struct ohm_held_reads *reads, const struct ohm_lists *lists, int32_t step0,
                           int32_t step1, int32_t *acc) {
    return noisy(true, held, reads, lists, step0, step1, acc);
}

static int64_t noisy_anywhere(const struct ohm_held *held, const struct ohm_held_reads *reads, const struct ohm_lists *lists, int32_t step0,
                              int32_t step1, int32_t *acc) {
    return noisy(false, held, reads, lists, step0, step1, acc);
}

void ohm_held_noisy_avx512(const struct ohm_held *held, const struct ohm_held_reads *reads, const struct ohm_lists *lists, int32_t step0,
                           int32_t step1, int32_t *acc, int64_t *clipped) {
    *clipped += (held->above && reads->leak == 0 ? noisy_above : noisy_anywhere)(held, reads, lists, step0, step1, acc);
}
#endif
