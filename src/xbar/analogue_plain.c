/* Held conductances as they are defined, conversion by conversion: slow, and what everything faster is compared with. */
#include "converters.h"
#include "multiply_plain.h"
#include "ohmtally/draw.h"
#include "ohmtally/kernel.h"
#include "vary.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct plain {
    const struct ohm_plan *plan;
    const struct ohm_adc *adc;
    const struct ohm_reads *reads;
    struct ohm_draws draws, code_draws, telegraph;
    int32_t input_bits, element;
    const void *x;
    size_t base;              /* of the position's inputs */
    uint32_t image, position; /* addresses */
    int64_t outside;
};

static bool before(const struct ohm_column *a, const struct ohm_column *b) {
    if (a->shift != b->shift) return a->shift < b->shift;
    if (a->sign != b->sign) return a->sign < b->sign;
    if (a->output != b->output) return a->output < b->output;
    return a < b;
}

/* Number of a conversion: uses driven by the same rows come together, in chunks of OHM_CHUNK numbers; in these by shift, sign and output. */
static uint32_t number_of(const struct ohm_plan *plan, int32_t u, int32_t c) {
    uint32_t number = 0;
    for (int32_t first = 0, end; first < plan->nuse; first = end) {
        uint32_t ncol = 0, smaller = 0;
        for (end = first; end < plan->nuse && plan->uses[end].rows == plan->uses[first].rows && plan->uses[end].nrow == plan->uses[first].nrow; end++)
            for (int32_t i = 0; i < plan->uses[end].ncol; i++, ncol++)
                smaller += u >= first && before(&plan->uses[end].columns[i], &plan->uses[u].columns[c]);
        if (u < end) return number + smaller;
        number += (ncol + OHM_CHUNK - 1) / OHM_CHUNK * OHM_CHUNK;
    }
    return number;
}

static float deviate(const struct plain *plain, struct ohm_draws draws, int32_t t, uint32_t number) {
    uint32_t words[4];
    uint32_t place = number % OHM_DRAW_HALVES;
    ohm_draw(draws, plain->image, plain->position, (uint32_t)plain->reads->layer * 32 + (uint32_t)t, number / OHM_DRAW_HALVES * 16 + place % 32 / 2,
             words);
    return ohm_draw_small()[words[place / 32] >> (place % 2 * 16) & 0xffff];
}

/* What the second state adds to the cell of row r, if it is in it. */
static int32_t swing_of(const struct plain *plain, const struct ohm_tile *tile, size_t cell, int32_t r, uint32_t number) {
    uint32_t words[4], bit = number % OHM_DRAW_HALVES;
    if (!tile->swing) return 0;
    ohm_draw(plain->telegraph, plain->image, (uint32_t)plain->reads->layer, number / OHM_DRAW_HALVES, (uint32_t)r, words);
    return words[bit / 32] >> bit % 32 & 1 ? tile->swing[cell] : 0;
}

/* One conversion: what it adds, in units of ohm_adc_unit. */
static int64_t convert(struct plain *plain, const struct ohm_use *use, int32_t c, int32_t t, int32_t sum, int32_t rows, uint32_t number) {
    const struct ohm_noise *noise = plain->reads->noise;
    const struct ohm_converters *converters = plain->adc->converters;
    size_t instance = converters ? ohm_converters_index(converters, use->tile, use->column0 + c) : 0;
    float one = (float)(1 << plain->plan->fraction), top = (float)((1 << plain->adc->bits) - 1), v = (float)sum;
    int32_t lo, step;
    ohm_adc_step(plain->adc, use->columns[c].adc_class, &lo, &step);
    if (ohm_noise_of_reads(noise)) {
        float leak = (float)ohm_level_leak(noise, plain->plan->tiles[use->tile].cell_bits) * one * (float)rows;
        float thermal = (float)noise->adc.thermal * ((float)step / (OHM_ADC_ONE / one)), level = v + leak;
        float variance = (float)ohm_level_growth(noise, plain->plan->tiles[use->tile].cell_bits) * one * (level > 0 ? level : 0) + thermal * thermal;
        v = v + deviate(plain, plain->draws, t, number) * sqrtf(variance);
    }
    float u = (v * (OHM_ADC_ONE / one) - (float)lo) / (float)step;
    if (converters) u = u * converters->gain[instance] + converters->offset[instance];
    float code = rintf(u);
    plain->outside += code < 0 || code > top;
    int64_t given = code < 0 ? 0 : (int64_t)(code > top ? top : code);
    if (converters && converters->levels) {
        given = 0;
        for (int32_t k = 0; k < converters->top; k++) given += converters->levels[instance * (size_t)converters->top + (size_t)k] <= u;
    }
    const struct ohm_adc_codes *codes = noise->adc.codes;
    if (codes) {
        float spread = codes->spread ? codes->spread[given] : 0, z = codes->spread ? deviate(plain, plain->code_draws, t, number) : 0;
        given = ohm_converters_given(codes->mean[given], spread, z, (1 << plain->adc->bits) - 1);
    }
    return ohm_adc_unit(plain->adc) == 1 ? given : given * step + lo;
}

static int64_t column_sum(struct plain *plain, int32_t u, int32_t c, uint32_t number) {
    const struct ohm_use *use = &plain->plan->uses[u];
    const struct ohm_tile *tile = &plain->plan->tiles[use->tile];
    int64_t sum = 0;
    for (int32_t t = 0; t < plain->input_bits + plain->plan->max_shift; t++) {
        int32_t held = 0, rows = 0;
        for (int32_t r = 0; r < use->nrow; r++) {
            int32_t k = t - use->rows[r].shift;
            if (k < 0 || k >= plain->input_bits || !(ohm_plain_input(plain->element, plain->x, plain->base + (size_t)use->rows[r].input) >> k & 1))
                continue;
            size_t cell = (size_t)(use->row0 + r) * (size_t)tile->ncol + (size_t)(use->column0 + c);
            held += tile->held[cell] + swing_of(plain, tile, cell, r, number);
            rows++;
        }
        int64_t added = convert(plain, use, c, t, held, rows, number);
        if (use->columns[c].flip) added = (int64_t)((1 << tile->cell_bits) - 1) * rows * ohm_adc_unit(plain->adc) - added;
        sum += use->columns[c].sign * added * ((int64_t)1 << (t + use->columns[c].shift));
    }
    return sum;
}

int64_t ohm_plan_multiply_plain_at(const struct ohm_plan *plan, const struct ohm_adc *adc, const struct ohm_reads *reads,
                                   const struct ohm_occasion *occasion, int32_t input_bits, int32_t element, int32_t npos, const void *x,
                                   int64_t *y) {
    struct plain plain = {.plan = plan, .adc = adc, .reads = reads, .input_bits = input_bits, .element = element, .x = x};
    size_t inputs = (size_t)(plan->groups * plan->krows), outputs = (size_t)(plan->groups * plan->ncols);
    plain.draws = ohm_draws_of(reads->noise->seed, reads->noise->trial, OHM_DRAW_READ);
    plain.telegraph = ohm_draws_of(reads->noise->seed, reads->noise->trial, OHM_DRAW_TELEGRAPH);
    plain.code_draws = ohm_draws_of(reads->noise->seed, reads->noise->trial, OHM_DRAW_CODE);
    uint32_t *number = ohm_alloc_array((size_t)plan->ncolumn, sizeof *number), *next = number;
    memset(y, 0, (size_t)npos * outputs * sizeof *y);
    if (!number) return -1;
    for (int32_t u = 0; u < plan->nuse; u++)
        for (int32_t c = 0; c < plan->uses[u].ncol; c++) *next++ = number_of(plan, u, c);
    for (int32_t p = 0; p < npos; p++) {
        next = number;
        plain.base = (size_t)p * inputs;
        plain.image = (uint32_t)occasion->image[(occasion->first + p) / occasion->positions];
        plain.position = (uint32_t)((occasion->first + p) % occasion->positions);
        for (int32_t u = 0; u < plan->nuse; u++)
            for (int32_t c = 0; c < plan->uses[u].ncol; c++)
                y[(size_t)p * outputs + (size_t)plan->uses[u].columns[c].output] += column_sum(&plain, u, c, *next++);
        ohm_plain_digital(plan, adc, element, x, (size_t)p, y);
    }
    free(number);
    return plain.outside;
}
