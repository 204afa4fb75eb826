/* Running a plan: the bit-serial crossbar product common to all designs, through an ADC.
 *
 *   for step t = 0 .. input_bits + max_shift - 1, every column c of every use:
 *     count(t, c) = sum over driven rows r of bit(x[r], t - shift[r]) cell[r][c];  code = ADC(count)
 *     y[output(c)] += sign 2^(t + shift(c)) code          (flip: code := (2^cell_bits - 1) ones(t) - code)
 * then y[n] -= weight_bias * sum of the inputs. Integers throughout; in units of 1 / ohm_adc.unit. Layer: xbar. Not collective, no threads inside: a
 * program is const and shared, scratch and tallies are per thread. */
#ifndef OHMTALLY_CROSSBAR_H
#define OHMTALLY_CROSSBAR_H
#include "ohmtally/kernel.h"
#include "ohmtally/plan.h"

enum ohm_adc_range { OHM_ADC_UNIT, OHM_ADC_FULL, OHM_ADC_CALIBRATED };
#define OHM_ADC_CLASSES 16
#define OHM_ADC_ONE 256 /* fixed-point units per cell step of an ADC that is not `unit` */

/* b bits give codes 0 .. 2^b - 1; code = clamp(rint((count - lo) / step)), halves to even; code * step + lo is added. lo and step in 1/256 cell
 * steps. */
struct ohm_adc {
    int32_t bits; /* 1..16 */
    enum ohm_adc_range range;
    int32_t largest;                                    /* largest count an array can give: rows * (2^cell_bits - 1) */
    int32_t lo[OHM_ADC_CLASSES], step[OHM_ADC_CLASSES]; /* calibrated only */
    const struct ohm_converters *converters;            /* each with errors of its own; NULL: all ideal */
};
int ohm_adc_range_parse(const char *text, enum ohm_adc_range *range); /* 0, or OHM_E_USAGE naming the choices */
const char *ohm_adc_range_text(enum ohm_adc_range range);
/* 1 where codes are counts (range unit, or no range with a step above one cell step); OHM_ADC_ONE otherwise. The choice does not change a bit of what
 * follows: sums in 1/256 are exact multiples, and the multiplier behind them is divided by a power of two. */
int32_t ohm_adc_unit(const struct ohm_adc *adc);
void ohm_adc_step(const struct ohm_adc *adc, int32_t adc_class, int32_t *lo, int32_t *step); /* of any range mode, in 1/256 */
int32_t ohm_adc_code(const struct ohm_adc *adc, int32_t adc_class, int32_t count);           /* the definition */
bool ohm_adc_silent(const struct ohm_adc *adc);                                              /* a count of 0 adds 0: its read may be skipped */
bool ohm_adc_outside(const struct ohm_adc *adc, int32_t adc_class, int32_t count);           /* beyond the codes' range by more than half a step */

/* The ADCs of a layer's arrays, each with its own static errors (noise.h), as a code for every count. With u = (count - lo) / step of the ideal
 * range, in floats and in this order:
 *
 *   v = (1 + gain) u + offset;   code = how many of the levels T[1] .. T[2^bits - 1] lie at or below v
 *
 * where T[k] = k - 1/2 plus what follows, added up:
 *
 *   dnl       code widths 1 + N(0, dnl^2), then a line through the first and the last level is taken off (a resistor string: a Brownian bridge)
 *   mismatch  successive approximation: capacitors C_i = 2^i + N(0, mismatch^2 2^i) and one ideal unit to end; level of k:
 *             2^bits sum_i bit_i(k) C_i / total - 1/2, as far as the decisions before it let it be reached (CrossSim, adc.sar; no amplifier gain, no
 *             split array)
 *   levels    mean + N(0, spread^2) of the measured table
 *
 * and without any of these the code is rint(v), clamped. Drawn per ADC: address layer, array, ADC. Measured codes come last: in place of code k,
 * rint(mean[k] + spread[k] z) is given, clamped; z a small normal deviate (draw.h) of the conversion. */
struct ohm_converters;
/* Of a finished plan (adc's bits, range, largest; its converters are not looked at). columns: bit lines of a whole array, which share its ADCs. */
int ohm_converters_make(const struct ohm_noise *noise, const struct ohm_adc *adc, const struct ohm_plan *plan, int32_t layer, int32_t columns,
                        struct ohm_converters **converters);
void ohm_converters_free(struct ohm_converters *converters); /* NULL is fine */
/* Of bit line `column` of an array; outside: v lies beyond the codes by more than half an LSB. */
int32_t ohm_converters_code(const struct ohm_converters *converters, int32_t tile, int32_t column, int32_t adc_class, int32_t count, bool *outside);

/* Calibrates lo = 0 and step of a class from counts seen (histogram [largest + 1]): by percentile (kept share in %, <= 0: least squared error). */
void ohm_adc_calibrate(struct ohm_adc *adc, int32_t adc_class, const int64_t *histogram, double percentile);
/* Widens the steps of calibrated classes until they differ by powers of two, so that planes are added up by shifts alone (as in CrossSim): the widest
 * stays, but for rounding up to what can be halved so often; no class clips more than before. lo is 0. */
void ohm_adc_align(struct ohm_adc *adc);

/* Which conversions are carried out one by one. A conversion proved to give its count need not be: at plan time, by the cells of its column; at run
 * time, by the number of rows driven in its step (semantics.md, "What may be skipped"). The result is the same to the last bit. */
enum ohm_evaluate {
    OHM_EVALUATE_NEEDED, /* those that are not proved, where that is cheaper (a static cost model decides per layer) */
    OHM_EVALUATE_ALL
};

/* Conversions of held conductances (ohm_plan_vary). With s the sum of the driven rows' conductances (in level steps), n the number of rows driven and
 * z a small normal deviate (draw.h), drawn for every conversion:
 *   v = s + z sqrt(read_noise^2 max(s + leak n, 0) + (thermal step)^2);   code = ADC(v), ideal or with the errors above
 * (read_noise^2 and what bandwidth, temperature and read_volts add to it: src/xbar/vary.h)
 * Read noise of cells that is normal, independent, and of a variance in proportion to conductance adds up to just this: one draw a conversion, as
 * exact in distribution as z is (draw.h: 65,536 values up to 4.33). leak: what of level 0's conductance has been taken off s per row (0 where it
 * stays). In floats, in the order written in analogue.c. */
struct ohm_reads {
    const struct ohm_noise *noise;
    int32_t layer;
};
/* Which images and positions the inputs of a call are: input p is position (first + p) % positions of image image[(first + p) / positions], as
 * numbered in the set. What is drawn for a read is addressed by these. */
struct ohm_occasion {
    int64_t first, positions;
    const int64_t *image;
};

struct ohm_program; /* a plan laid out for the kernels; keeps nothing of the plan */
struct ohm_program_request {
    const struct ohm_plan *plan;
    const struct ohm_adc *adc;
    const struct ohm_kernel *kernel;
    int32_t input_bits, element; /* element: bytes of an input value, 1 or 2 */
    enum ohm_evaluate evaluate;
    /* Where the inputs lie in x: input i at place[i], a permutation inside each group (NULL: in order); or, interleaved (ncols == 1 only), row r of
     * group g at place[g * krows + r] = r * groups + g. */
    const int32_t *place; /* [groups * krows] */
    bool interleaved;
    const int32_t *held;           /* ohm_plan_decode of the plan where the caller has it already; NULL: worked out here */
    const struct ohm_reads *reads; /* of a plan with held conductances; else NULL */
    int64_t offset;                /* largest magnitude that will be added to a sum; INT64_MAX: sums in the wide form always */
};
int ohm_program_build(const struct ohm_program_request *request, struct ohm_program **program);
void ohm_program_free(struct ohm_program *program);
size_t ohm_program_bytes(const struct ohm_program *program);
/* Calls see for its large pieces of memory (memory.h), which are never written again. */
void ohm_program_large(const struct ohm_program *program, void (*see)(void *context, void *piece, size_t bytes), void *context);
int32_t ohm_program_positions(const struct ohm_program *program);            /* positions per call that suit the caches */
size_t ohm_program_scratch(const struct ohm_program *program, int32_t npos); /* bytes, 64-byte aligned memory */
/* Whether the sums are int32_t (they and the request's offset fit) instead of int64_t. */
bool ohm_program_narrow(const struct ohm_program *program);
/* How it is evaluated: static text, "counters", "product", "product, corrections", "product,
 * counters" or "conductances". */
const char *ohm_program_way(const struct ohm_program *program);

/* y [npos][groups * ncols] (int32_t or int64_t) = product of x [npos][groups * krows] (elements of 1 or 2 bytes) with the plan, as the hardware would
 * give it. tally grows by what was done. */
void ohm_program_multiply(const struct ohm_program *program, int32_t npos, const void *x, void *y, void *scratch, struct ohm_tally *tally);
/* The same where reads are noisy; occasion NULL: image 0, positions from 0 on. */
void ohm_program_multiply_at(const struct ohm_program *program, const struct ohm_occasion *occasion, int32_t npos, const void *x, void *y,
                             void *scratch, struct ohm_tally *tally);
/* Adds the counts every column sees to histogram [OHM_ADC_CLASSES][largest + 1] (for ADC calibration). Needs a program that evaluates all. */
void ohm_program_observe(const struct ohm_program *program, int32_t npos, const void *x, void *scratch, int64_t *histogram);

/* The definition in plain loops over the plan, for tests: y [npos][outputs]; returns the number of conversions outside the codes
 * (-1: no memory). */
int64_t ohm_plan_multiply_plain_at(const struct ohm_plan *plan, const struct ohm_adc *adc, const struct ohm_reads *reads,
                                   const struct ohm_occasion *occasion, int32_t input_bits, int32_t element, int32_t npos, const void *x, int64_t *y);
int64_t ohm_plan_multiply_plain(const struct ohm_plan *plan, const struct ohm_adc *adc, int32_t input_bits, int32_t element, int32_t npos,
                                const void *x, int64_t *y);

#endif
