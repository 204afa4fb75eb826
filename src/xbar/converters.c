/* ADCs with static errors of their own, as tables of codes. */
#include "converters.h"
#include "ohmtally/draw.h"
#include "ohmtally/status.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* One ADC while its table is made. */
struct instance {
    const struct ohm_noise *noise;
    uint32_t layer, array, adc;
    int32_t bits;
    float gain, offset; /* of v = gain u + offset */
    float *levels;      /* [2^bits - 1] in rising order, which codes they belong to does not matter; NULL: ideal */
};

static int by_value(const void *left, const void *right) {
    const float *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

static double draw(const struct instance *instance, enum ohm_draw_purpose purpose, int32_t index) {
    uint32_t words[4];
    ohm_draw(ohm_draws_of(instance->noise->seed, instance->noise->trial, purpose), instance->layer, instance->array, instance->adc, (uint32_t)index,
             words);
    return ohm_draw_normal(words[0]);
}

/* Adds what widths drawn for the inner codes move the levels by, less the line through the first and the last. */
static void add_widths(const struct instance *instance, double sigma, int32_t top, double *level) {
    double moved = 0, all = 0;
    for (int32_t k = 1; k < top; k++) all += sigma * draw(instance, OHM_DRAW_ADC_DNL, k);
    for (int32_t k = 1; k <= top; k++) {
        if (top > 1) level[k] += moved - all * (k - 1) / (top - 1);
        moved += sigma * draw(instance, OHM_DRAW_ADC_DNL, k);
    }
}

/* Levels of codes in (first, first + 2^bit * 2) whose decisions lie between least and most: the decision of this bit, then those below it. */
static void decide(const double *capacitor, double scale, int32_t bit, int32_t first, double charge, double least, double most, double *reached) {
    double at = fmin(fmax((charge + capacitor[bit]) * scale - 0.5, least), most);
    reached[first + (1 << bit)] = at;
    if (!bit) return;
    decide(capacitor, scale, bit - 1, first, charge, least, at, reached);
    decide(capacitor, scale, bit - 1, first + (1 << bit), charge + capacitor[bit], at, most, reached);
}

/* Adds by how much the levels of a successive approximation with unequal capacitors lie elsewhere. */
static void add_mismatch(const struct instance *instance, double sigma, int32_t top, double *level, double *reached) {
    double capacitor[OHM_ADC_LEVEL_BITS], total = 1;
    for (int32_t i = 0; i < instance->bits; i++) {
        capacitor[i] = (1 << i) + sigma * sqrt(1 << i) * draw(instance, OHM_DRAW_ADC_MISMATCH, i);
        total += capacitor[i];
    }
    decide(capacitor, (double)(1 << instance->bits) / total, instance->bits - 1, 0, 0, -INFINITY, INFINITY, reached);
    for (int32_t k = 1; k <= top; k++) level[k] += reached[k] - (k - 0.5);
}

static int make_levels(struct instance *instance) {
    const struct ohm_adc_levels *measured = instance->noise->adc.levels;
    int32_t top = (1 << instance->bits) - 1;
    double *level = ohm_alloc_array((size_t)top + 1, sizeof *level), *reached = ohm_alloc_array((size_t)top + 1, sizeof *reached);
    for (int32_t k = 1; level && reached && k <= top; k++) {
        level[k] = k - 0.5;
        if (measured) level[k] = measured->mean[k - 1] + measured->spread[k - 1] * draw(instance, OHM_DRAW_ADC_LEVEL, k);
    }
    int status = level && reached ? OHM_OK : OHM_E_MEMORY;
    if (!status && instance->noise->adc.dnl > 0) add_widths(instance, instance->noise->adc.dnl, top, level);
    if (!status && instance->noise->adc.mismatch > 0) add_mismatch(instance, instance->noise->adc.mismatch, top, level, reached);
    for (int32_t k = 1; !status && k <= top; k++) instance->levels[k - 1] = (float)level[k];
    if (!status) qsort(instance->levels, (size_t)top, sizeof *instance->levels, by_value);
    free(level);
    free(reached);
    return status;
}

/* Where conversions have a spread, the table has their mean. */
static int32_t code_of(const struct instance *instance, float v) {
    const struct ohm_adc_codes *codes = instance->noise->adc.codes;
    int32_t top = (1 << instance->bits) - 1, code = v < 0 ? 0 : v > (float)top ? top : (int32_t)rintf(v);
    if (instance->levels) code = ohm_converters_search(instance->levels, top, v);
    return codes ? ohm_converters_given(codes->mean[code], 0, 0, top) : code;
}

static void fill_table(const struct instance *instance, int32_t lo, int32_t step, int32_t ncount, uint16_t *code, uint8_t *outside) {
    float top = (float)((1 << instance->bits) - 1);
    for (int32_t i = 0; i < ncount; i++) {
        float u = (float)(i * OHM_ADC_ONE - lo) / (float)step, v = u * instance->gain + instance->offset;
        code[i] = (uint16_t)code_of(instance, v);
        outside[i] = rintf(v) < 0 || rintf(v) > top;
    }
}

/* Kinds of classes by lo and step; at most OHM_ADC_CLASSES. */
static void find_kinds(const struct ohm_adc *adc, struct ohm_converters *converters, int32_t lo[OHM_ADC_CLASSES], int32_t step[OHM_ADC_CLASSES]) {
    for (int32_t k = 0; k < OHM_ADC_CLASSES; k++) {
        int32_t i = 0, own_lo, own_step;
        ohm_adc_step(adc, k, &own_lo, &own_step);
        if (!own_step) continue; /* no column of this class */
        while (i < converters->nkind && (lo[i] != own_lo || step[i] != own_step)) i++;
        lo[i] = own_lo;
        step[i] = own_step;
        converters->kind[k] = i;
        converters->nkind += i == converters->nkind;
    }
}

static int make_instances(const struct ohm_noise *noise, const struct ohm_adc *adc, int32_t layer, struct ohm_converters *converters,
                          const int32_t *lo, const int32_t *step) {
    size_t at = 0, n = (size_t)converters->ncount;
    for (int32_t i = 0; i < converters->ntile * converters->per_array; i++) {
        struct instance instance = {.noise = noise,
                                    .layer = (uint32_t)layer,
                                    .array = (uint32_t)(i / converters->per_array),
                                    .adc = (uint32_t)(i % converters->per_array),
                                    .bits = adc->bits,
                                    .levels = converters->levels ? converters->levels + (size_t)i * (size_t)converters->top : NULL};
        converters->gain[i] = instance.gain = (float)(1 + noise->adc.gain_error * draw(&instance, OHM_DRAW_ADC_GAIN, 0));
        converters->offset[i] = instance.offset = (float)(noise->adc.offset_error * draw(&instance, OHM_DRAW_ADC_OFFSET, 0));
        if (instance.levels) OHM_TRY(make_levels(&instance));
        for (int32_t k = 0; k < converters->nkind; k++, at += n)
            fill_table(&instance, lo[k], step[k], converters->ncount, converters->code + at, converters->outside + at);
    }
    return OHM_OK;
}

/* Room for all instances. */
static int make_room(struct ohm_converters *converters, bool levels) {
    size_t n = ohm_converters_tables(converters) * (size_t)converters->ncount, each = (size_t)converters->ntile * (size_t)converters->per_array;
    converters->code = ohm_arena_array(converters->arena, n, sizeof *converters->code);
    converters->outside = ohm_arena_array(converters->arena, n, 1);
    converters->gain = ohm_arena_array(converters->arena, each, sizeof *converters->gain);
    converters->offset = ohm_arena_array(converters->arena, each, sizeof *converters->offset);
    if (levels) converters->levels = ohm_arena_array(converters->arena, each * (size_t)converters->top, sizeof *converters->levels);
    return converters->code && converters->outside && converters->gain && converters->offset && (!levels || converters->levels) ? OHM_OK
                                                                                                                                : OHM_E_MEMORY;
}

int32_t ohm_plan_counts(const struct ohm_plan *plan, const struct ohm_adc *adc) {
    int32_t most = adc->largest;
    for (int32_t u = 0; u < plan->nuse; u++) {
        int32_t own = plan->uses[u].nrow * ((1 << plan->tiles[plan->uses[u].tile].cell_bits) - 1);
        if (own > most) most = own;
    }
    return most + 1;
}

int ohm_converters_make(const struct ohm_noise *noise, const struct ohm_adc *adc, const struct ohm_plan *plan, int32_t layer, int32_t columns,
                        struct ohm_converters **out) {
    struct ohm_arena *arena = ohm_arena_new();
    struct ohm_converters *made = arena ? ohm_arena_alloc(arena, sizeof *made) : NULL;
    int32_t lo[OHM_ADC_CLASSES], step[OHM_ADC_CLASSES];
    *out = NULL;
    if (!made) {
        ohm_arena_free(arena);
        return OHM_E_MEMORY;
    }
    *made = (struct ohm_converters){.arena = arena,
                                    .ntile = plan->ntile,
                                    .per_array = noise->adc.per_array < 1         ? 1
                                                 : noise->adc.per_array > columns ? columns
                                                                                  : noise->adc.per_array,
                                    .columns = columns,
                                    .interleaved = noise->adc.interleaved,
                                    .ncount = ohm_plan_counts(plan, adc),
                                    .top = (1 << adc->bits) - 1};
    find_kinds(adc, made, lo, step);
    int status = make_room(made, ohm_noise_of_levels(noise));
    if (!status) status = make_instances(noise, adc, layer, made, lo, step);
    if (status)
        ohm_converters_free(made);
    else
        *out = made;
    return status;
}

void ohm_converters_free(struct ohm_converters *converters) {
    if (converters) ohm_arena_free(converters->arena);
}

int32_t ohm_converters_code(const struct ohm_converters *converters, int32_t tile, int32_t column, int32_t adc_class, int32_t count, bool *outside) {
    size_t at = ohm_converters_table(converters, tile, column, adc_class) * (size_t)converters->ncount + (size_t)count;
    *outside = converters->outside[at];
    return converters->code[at];
}

bool ohm_converters_silent(const struct ohm_adc *adc) {
    const struct ohm_converters *converters = adc->converters;
    for (int32_t k = 0; k < OHM_ADC_CLASSES; k++) {
        int32_t lo, step;
        ohm_adc_step(adc, k, &lo, &step);
        for (size_t i = (size_t)converters->kind[k]; step && i < ohm_converters_tables(converters); i += (size_t)converters->nkind)
            if ((int64_t)converters->code[i * (size_t)converters->ncount] * step + lo) return false;
    }
    return true;
}
