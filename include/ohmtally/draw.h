/* Addressed randomness: a draw is a function of where it is used, not of when. Seed, trial and purpose make a key; layer, array, row and column (or
 * image, position, step and column) make a counter; Philox4x32-10 (Salmon et al., SC 2011; Random123) makes 128 bits of the two. So the same job
 * draws the same numbers for any ranks, threads, batch, kernel and order, and designs and settings of one job are compared on the same draws. Integer
 * arithmetic and IEEE additions, multiplications, divisions and square roots alone: the same bits on every machine. Layer: noise. No state; any
 * thread. */
#ifndef OHMTALLY_DRAW_H
#define OHMTALLY_DRAW_H
#include <stdint.h>

/* What a draw is for. Numbers are part of what a seed means: they are never given to something else. */
enum ohm_draw_purpose {
    OHM_DRAW_STUCK = 1, /* address: layer, array, row, column / 4; one of four words per column */
    /* address: layer, array, ADC of the array, code or bit; the first word */
    OHM_DRAW_ADC_GAIN = 2,
    OHM_DRAW_ADC_OFFSET = 3,
    OHM_DRAW_ADC_DNL = 4,
    OHM_DRAW_ADC_MISMATCH = 5,
    OHM_DRAW_ADC_LEVEL = 6,
    OHM_DRAW_VARIATION = 7,      /* address: layer, array, row, column / 4 */
    OHM_DRAW_DRIFT = 8,          /* likewise */
    OHM_DRAW_READ = 9,           /* address: image, position, layer * 32 + step, 16 * (conversion / 128) + conversion % 32 / 2; see ohm_draw_halves */
    OHM_DRAW_CODE = 10,          /* likewise */
    OHM_DRAW_TELEGRAPH = 11,     /* address: image, layer, conversion / 128, row; a bit per conversion: the cells' states */
    OHM_DRAW_TELEGRAPH_CELL = 12 /* address: layer, array, row, column / 4: how amplitudes are rounded */
};

struct ohm_draws {
    uint32_t key[2];
};
/* Streams of different seeds, trials and purposes are independent (keys are the first half of a Philox block of the three). */
struct ohm_draws ohm_draws_of(uint64_t seed, uint32_t trial, enum ohm_draw_purpose purpose);
/* Four words of 32 independent uniform bits at an address. */
void ohm_draw(struct ohm_draws draws, uint32_t a, uint32_t b, uint32_t c, uint32_t d, uint32_t words[4]);

/* The standard normal deviate of a word: the inverse of the normal distribution (Wichura, AS 241, 1988; relative error 1e-15) at (word + 1/2) / 2^32.
 * Odd: the deviate of ~word is minus that of word; at most 6.34 in magnitude. */
double ohm_draw_normal(uint32_t word);
/* exp(x), |x| <= 700, and ln(x), x > 0: the same bits on every machine; relative error 1e-15. */
double ohm_draw_exp(double x);
double ohm_draw_log(double x);

/* For draws by the million: the deviates of 2^16 equally likely words (the inverse distribution at their middles, scaled so that their variance is 1;
 * at most 4.33 in magnitude). */
#define OHM_DRAW_SMALL 65536
const float *ohm_draw_small(void); /* [OHM_DRAW_SMALL] */
/* The words of 16 blocks at address a, b, c, 16 part + i in halves: halves[32 k + 2 i] and [32 k + 2 i + 1] are the low and the high half of word k.
 */
#define OHM_DRAW_HALVES 128
void ohm_draw_halves(struct ohm_draws draws, uint32_t a, uint32_t b, uint32_t c, uint32_t part, uint16_t halves[OHM_DRAW_HALVES]);
/* The same at c, c + 1 .. c + n - 1: halves [n][OHM_DRAW_HALVES]. */
void ohm_draw_many(struct ohm_draws draws, uint32_t a, uint32_t b, uint32_t c, int32_t n, uint32_t part, uint16_t *halves);

/* Words below this have the given share (0 .. 1) of all words, to the nearest 2^-32. */
uint64_t ohm_draw_below(double share);

#endif
