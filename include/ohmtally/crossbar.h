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
};
int ohm_adc_range_parse(const char *text, enum ohm_adc_range *range); /* 0, or OHM_E_USAGE naming the choices */
const char *ohm_adc_range_text(enum ohm_adc_range range);
int32_t ohm_adc_unit(const struct ohm_adc *adc);                                             /* 1 for unit, OHM_ADC_ONE otherwise */
void ohm_adc_step(const struct ohm_adc *adc, int32_t adc_class, int32_t *lo, int32_t *step); /* of any range mode, in 1/256 */
int32_t ohm_adc_code(const struct ohm_adc *adc, int32_t adc_class, int32_t count);           /* the definition */
bool ohm_adc_outside(const struct ohm_adc *adc, int32_t adc_class, int32_t count);           /* beyond the codes' range by more than half a step */
/* Calibrates lo = 0 and step of a class from counts seen (histogram [largest + 1]): by percentile (kept share in %, <= 0: least squared error). */
void ohm_adc_calibrate(struct ohm_adc *adc, int32_t adc_class, const int64_t *histogram, double percentile);

struct ohm_program; /* a plan laid out for the kernels; keeps nothing of the plan */
int ohm_program_build(const struct ohm_plan *plan, const struct ohm_adc *adc, const struct ohm_kernel *kernel, int32_t input_bits, int32_t element,
                      struct ohm_program **program);
void ohm_program_free(struct ohm_program *program);
size_t ohm_program_bytes(const struct ohm_program *program);
int32_t ohm_program_positions(const struct ohm_program *program);            /* positions per call that suit the caches */
size_t ohm_program_scratch(const struct ohm_program *program, int32_t npos); /* bytes, 64-byte aligned memory */

/* y [npos][groups * ncols] = product of x [npos][groups * krows] (elements of 1 or 2 bytes) with the plan, as the hardware would give it. tally grows
 * by what was done. */
void ohm_program_multiply(const struct ohm_program *program, int32_t npos, const void *x, int64_t *y, void *scratch, struct ohm_tally *tally);
/* Adds the counts every column sees to histogram [OHM_ADC_CLASSES][largest + 1] (for ADC calibration). */
void ohm_program_observe(const struct ohm_program *program, int32_t npos, const void *x, void *scratch, int64_t *histogram);

/* The definition in plain loops over the plan, for tests: y [npos][outputs]; returns the number of conversions outside the codes. */
int64_t ohm_plan_multiply_plain(const struct ohm_plan *plan, const struct ohm_adc *adc, int32_t input_bits, int32_t element, int32_t npos,
                                const void *x, int64_t *y);

#endif
