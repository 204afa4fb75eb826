/* The crossbar product as it is defined, over the plan itself: slow, short, and what everything faster is compared with. */
#include "multiply_plain.h"
#include <string.h>

int64_t ohm_plain_input(int32_t element, const void *x, size_t place) {
    return element == 1 ? ((const uint8_t *)x)[place] : ((const uint16_t *)x)[place];
}

/* What one bit line adds to its output over all steps; *outside grows by the conversions beyond the codes. */
static int64_t column_sum(const struct ohm_plan *plan, const struct ohm_use *use, int32_t c, const struct ohm_adc *adc, int32_t input_bits,
                          int32_t element, const void *x, size_t base, int64_t *outside) {
    const struct ohm_tile *tile = &plan->tiles[use->tile];
    const struct ohm_column *column = &use->columns[c];
    int64_t sum = 0, unit = ohm_adc_unit(adc);
    int32_t lo, step;
    ohm_adc_step(adc, column->adc_class, &lo, &step);
    for (int32_t t = 0; t < input_bits + plan->max_shift; t++) {
        int32_t count = 0, ones = 0;
        for (int32_t r = 0; r < use->nrow; r++) {
            int32_t k = t - use->rows[r].shift;
            if (k < 0 || k >= input_bits || !(ohm_plain_input(element, x, base + (size_t)use->rows[r].input) >> k & 1)) continue;
            count += (int32_t)ohm_tile_get(tile, use->row0 + r, use->column0 + c);
            ones++;
        }
        bool is_outside = ohm_adc_outside(adc, column->adc_class, count);
        int64_t code = ohm_adc_code(adc, column->adc_class, count);
        if (adc->converters) code = ohm_converters_code(adc->converters, use->tile, use->column0 + c, column->adc_class, count, &is_outside);
        int64_t added = unit == 1 ? code : code * step + lo;
        *outside += is_outside;
        if (column->flip) added = (int64_t)((1 << tile->cell_bits) - 1) * ones * unit - added;
        sum += column->sign * added * ((int64_t)1 << (t + column->shift));
    }
    return sum;
}

void ohm_plain_digital(const struct ohm_plan *plan, const struct ohm_adc *adc, int32_t element, const void *x, size_t p, int64_t *y) {
    size_t inputs = (size_t)(plan->groups * plan->krows), outputs = (size_t)(plan->groups * plan->ncols);
    for (size_t n = 0; n < outputs; n++)
        for (size_t r = 0; r < (size_t)plan->krows; r++) {
            size_t group = n / (size_t)plan->ncols;
            int64_t weight = (plan->input_weight ? plan->input_weight[n] : 0) - plan->weight_bias;
            y[p * outputs + n] += weight * ohm_adc_unit(adc) * ohm_plain_input(element, x, p * inputs + group * (size_t)plan->krows + r);
        }
}

int64_t ohm_plan_multiply_plain(const struct ohm_plan *plan, const struct ohm_adc *adc, int32_t input_bits, int32_t element, int32_t npos,
                                const void *x, int64_t *y) {
    size_t inputs = (size_t)(plan->groups * plan->krows), outputs = (size_t)(plan->groups * plan->ncols);
    int64_t outside = 0;
    memset(y, 0, (size_t)npos * outputs * sizeof *y);
    for (size_t p = 0; p < (size_t)npos; p++) {
        for (int32_t u = 0; u < plan->nuse; u++)
            for (int32_t c = 0; c < plan->uses[u].ncol; c++)
                y[p * outputs + (size_t)plan->uses[u].columns[c].output] +=
                    column_sum(plan, &plan->uses[u], c, adc, input_bits, element, x, p * inputs, &outside);
        ohm_plain_digital(plan, adc, element, x, p, y);
    }
    return outside;
}
