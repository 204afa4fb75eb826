/* Random layers of every kind under a design with random options, their weights on the design's grid, and inputs. The file that includes this says
 * where its sequence begins: DRAW_SEED. */
#ifndef OHM_TEST_DRAWN_LAYER_H
#define OHM_TEST_DRAWN_LAYER_H
#include "draw.h"
#include "ohmtally/crossbar.h"
#include "ohmtally/design.h"
#include "ohmtally/log.h"
#include "ohmtally/status.h"
#include "suite.h"
#include <stdio.h>
#include <string.h>

struct drawn {
    struct ohm_layer layer;
    struct ohm_design_setting setting;
    const struct ohm_design *design;
    int32_t *w;
    float *real;
    void *x;
    int32_t npos, element, bits;
};

static inline void drawn_set(struct drawn *d, const char *key, const char *value) {
    CU_ASSERT_EQUAL_FATAL(ohm_design_set(d->design, &d->setting, key, value), OHM_OK);
}

static inline void drawn_set_number(struct drawn *d, const char *key, uint32_t value) {
    char number[16];
    snprintf(number, sizeof number, "%u", value);
    drawn_set(d, key, number);
}

static inline void drawn_plane_options(struct drawn *d) {
    static const char *const policies[] = {"truncate", "round", "lossless"}, *const quantizers[] = {"window", "uniform", "power", "additive"};
    drawn_set_number(d, "window", 1 + draw((uint32_t)d->setting.weight_bits));
    drawn_set_number(d, "squeeze", draw(4));
    drawn_set(d, "policy", policies[draw(3)]);
    drawn_set(d, "flag_scope", draw(2) ? "tile" : "row");
    drawn_set(d, "quantizer", quantizers[draw(2) ? 0 : draw(4)]);
    drawn_set_number(d, "terms", 1 + draw(3));
    drawn_set(d, "scale", draw(2) ? "maximum" : "error");
}

static inline void drawn_options(struct drawn *d) {
    static const char *const cells[] = {"1", "2", "4"}, *const skips[] = {"none", "leading", "zero"};
    ohm_design_defaults(d->design, &d->setting);
    drawn_set(d, "cell_bits", cells[draw(3)]);
    if (!strcmp(d->design->name, "isaac")) {
        drawn_set(d, "flip", draw(2) ? "on" : "off");
        return;
    }
    drawn_plane_options(d);
    if (strcmp(d->design->name, "sobsx")) return;
    drawn_set_number(d, "rows_per_read", 1 + draw((uint32_t)d->setting.array_rows));
    drawn_set(d, "workload", draw(2) ? "cycles" : "plane_rows");
    drawn_set(d, "sort", draw(3) ? "on" : "off");
    drawn_set(d, "skip", skips[draw(3)]);
    drawn_set(d, "pipeline", draw(2) ? "on" : "off");
}

/* Weights of the layer on the design's grid. */
static inline int32_t *drawn_weights(const struct drawn *d) {
    struct ohm_weights *weights = ohm_weights_new(&d->layer);
    CU_ASSERT_PTR_NOT_NULL_FATAL(weights);
    ohm_design_constrain(d->design, &d->setting, &d->layer, weights);
    int32_t *w = weights->w;
    weights->w = NULL;
    ohm_weights_free(weights);
    return w;
}

/* A layer with weights on the design's grid and random inputs; wide: dense, and large enough for several arrays side by side and in a row; otherwise
 * dense, grouped or depth-wise. */
static inline struct drawn drawn_layer_of(const struct ohm_design *design, bool wide) {
    struct drawn d = {.design = design, .npos = 1 + (int32_t)draw(5)};
    ohm_log_enable(false); /* settings that lose bits are drawn on purpose */
    do {
        d.setting = (struct ohm_design_setting){.array_rows = 8 << draw(4), .array_columns = 16 << draw(3), .activation_bits = 2 + (int32_t)draw(11)};
        d.setting.weight_bits = 3 + (int32_t)draw(draw(4) ? 6 : 14);
        d.setting.per_channel = draw(2);
        drawn_options(&d);
        ohm_fail_clear();
    } while (design->configure(&d.setting));
    d.bits = d.setting.activation_bits;
    d.element = d.bits > 8 ? 2 : 1;
    int32_t kind = (int32_t)draw(3);
    d.layer = (struct ohm_layer){.name = "drawn", .groups = kind == 0 ? 1 : 1 + (int32_t)draw(12), .krows = kind == 2 ? 9 : 1 + (int32_t)draw(70)};
    d.layer.ncols = kind == 2 ? 1 : 1 + (int32_t)draw(40);
    if (wide) {
        const bool widest = draw(3) == 0;
        d.layer =
            (struct ohm_layer){.name = "wide", .groups = 1, .krows = 1 + (int32_t)draw(widest ? 40 : 100), .ncols = 32 * (1 + (int32_t)draw(9))};
        if (widest) d.layer.ncols += 512 - 32;
        if (draw(4) == 0) d.layer.ncols -= (int32_t)draw(32);
        d.npos = 2;
    }
    size_t count = (size_t)(d.layer.groups * d.layer.krows * d.layer.ncols), inputs = (size_t)(d.npos * d.layer.groups * d.layer.krows);
    d.real = ohm_alloc_array(count, sizeof *d.real);
    for (size_t i = 0; i < count; i++) d.real[i] = ((float)draw(2001) - 1000.0f) * (draw(4) ? 0.001f : 0.0001f);
    for (size_t row = 0; draw(2) && row < (size_t)d.layer.krows; row++) /* rows of one sign, rows of nothing, one after another */
        for (size_t i = row; i < count; i += (size_t)d.layer.krows)
            d.real[i] = row % 5 == 1 && d.real[i] < 0 ? -d.real[i] : row % 5 == 3 ? 0 : d.real[i];
    d.layer.weight = d.real;
    d.w = drawn_weights(&d);
    d.x = ohm_alloc_array(inputs, 2);
    for (size_t i = 0; i < inputs; i++) {
        uint32_t value = draw(3) ? draw(1u << d.bits) : 0;
        if (d.element == 1)
            ((uint8_t *)d.x)[i] = (uint8_t)value;
        else
            ((uint16_t *)d.x)[i] = (uint16_t)value;
    }
    return d;
}

static inline struct drawn drawn_layer(const struct ohm_design *design) {
    return drawn_layer_of(design, false);
}

static inline void drawn_free(struct drawn *d) {
    free(d->w);
    free(d->real);
    free(d->x);
}

static inline struct ohm_plan *drawn_plan(const struct drawn *d) {
    struct ohm_plan *plan = ohm_plan_new(d->layer.groups, d->layer.krows, d->layer.ncols);
    CU_ASSERT_FATAL(plan && !d->design->place(&d->setting, &d->layer, d->w, plan) && !ohm_plan_finish(plan, d->bits));
    return plan;
}

static inline struct ohm_adc drawn_adc(const struct drawn *d, int32_t bits, enum ohm_adc_range range) {
    struct ohm_adc adc = {.bits = bits, .range = range};
    adc.largest = ohm_design_driven_rows(d->design, &d->setting) * ((1 << d->design->cell_bits(&d->setting)) - 1);
    for (int32_t k = 0; k < OHM_ADC_CLASSES; k++) { /* classes with different ranges, one of them with an offset */
        adc.step[k] = OHM_ADC_ONE + (int32_t)draw(1000);
        adc.lo[k] = k == 2 ? 300 : 0;
    }
    return adc;
}

#endif
