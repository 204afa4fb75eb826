/* The invariants every design, layer type, kernel and ADC must keep (architecture.md, section 5): reading a plan back gives the weights it holds;
 * a lossless run equals the integer product with them; every kernel equals the plain definition. */
#include "ohmtally/crossbar.h"
#include "ohmtally/design.h"
#include "ohmtally/status.h"
#include "suite.h"
#define DRAW_SEED 0x9E3779B97F4A7C15ull
#include "draw.h"
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

static void set(struct drawn *d, const char *key, const char *value) {
    CU_ASSERT_EQUAL_FATAL(ohm_design_set(d->design, &d->setting, key, value), OHM_OK);
}

static void draw_options(struct drawn *d) {
    static const char *const cells[] = {"1", "2", "4"}, *const policies[] = {"truncate", "round", "lossless"};
    char number[16];
    ohm_design_defaults(d->design, &d->setting);
    set(d, "cell_bits", cells[draw(3)]);
    if (!strcmp(d->design->name, "isaac")) {
        set(d, "flip", draw(2) ? "on" : "off");
        return;
    }
    snprintf(number, sizeof number, "%u", 1 + draw((uint32_t)d->setting.weight_bits < 4 ? (uint32_t)d->setting.weight_bits : 4));
    set(d, "window", number);
    snprintf(number, sizeof number, "%u", draw(4));
    set(d, "squeeze", number);
    set(d, "policy", policies[draw(3)]);
    set(d, "flag_scope", draw(2) ? "tile" : "row");
}

/* A random layer (dense, grouped or depth-wise) with weights on the design's grid and random inputs. */
static struct drawn draw_layer(const struct ohm_design *design) {
    struct drawn d = {.design = design, .npos = 1 + (int32_t)draw(5)};
    do {
        d.setting = (struct ohm_design_setting){.array_rows = 8 << draw(4), .array_columns = 16 << draw(3), .activation_bits = 2 + (int32_t)draw(11)};
        d.setting.weight_bits = 3 + (int32_t)draw(6);
        d.setting.per_channel = draw(2);
        draw_options(&d);
        ohm_fail_clear();
    } while (design->configure(&d.setting));
    d.bits = d.setting.activation_bits;
    d.element = d.bits > 8 ? 2 : 1;
    int32_t kind = (int32_t)draw(3);
    d.layer = (struct ohm_layer){.name = "drawn", .groups = kind == 0 ? 1 : 1 + (int32_t)draw(12), .krows = kind == 2 ? 9 : 1 + (int32_t)draw(70)};
    d.layer.ncols = kind == 2 ? 1 : 1 + (int32_t)draw(40);
    size_t count = (size_t)(d.layer.groups * d.layer.krows * d.layer.ncols), inputs = (size_t)(d.npos * d.layer.groups * d.layer.krows);
    d.real = ohm_alloc_array(count, sizeof *d.real);
    for (size_t i = 0; i < count; i++) d.real[i] = ((float)draw(2001) - 1000.0f) * (draw(4) ? 0.001f : 0.0001f);
    d.layer.weight = d.real;
    struct ohm_weights *weights = ohm_weights_new(&d.layer);
    ohm_design_constrain(design, &d.setting, &d.layer, weights);
    d.w = weights->w;
    weights->w = NULL;
    ohm_weights_free(weights);
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

static void free_drawn(struct drawn *d) {
    free(d->w);
    free(d->real);
    free(d->x);
}

static struct ohm_plan *make_plan(const struct drawn *d) {
    struct ohm_plan *plan = ohm_plan_new(d->layer.groups, d->layer.krows, d->layer.ncols);
    CU_ASSERT_FATAL(plan && !d->design->place(&d->setting, &d->layer, d->w, plan) && !ohm_plan_finish(plan, d->bits));
    return plan;
}

static struct ohm_adc make_adc(const struct drawn *d, int32_t bits, enum ohm_adc_range range) {
    struct ohm_adc adc = {.bits = bits, .range = range, .largest = d->setting.array_rows * ((1 << d->design->cell_bits(&d->setting)) - 1)};
    for (int32_t k = 0; k < OHM_ADC_CLASSES; k++) { /* classes with different ranges, one of them with an offset */
        adc.step[k] = OHM_ADC_ONE + (int32_t)draw(1000);
        adc.lo[k] = k == 2 ? 300 : 0;
    }
    return adc;
}

/* Inputs in another order, as a layer's fast gather would have them. */
struct order {
    int32_t *place; /* [groups * krows] */
    bool interleaved;
    void *x;
};
static struct order draw_order(const struct drawn *d) {
    int32_t krows = d->layer.krows, groups = d->layer.groups, inputs = groups * krows, shift = (int32_t)draw((uint32_t)krows);
    struct order order = {ohm_alloc_array((size_t)inputs, 4), d->layer.ncols == 1 && draw(2), ohm_alloc_array((size_t)(d->npos * inputs), 2)};
    for (int32_t i = 0; i < inputs; i++)
        order.place[i] =
            order.interleaved ? i % krows * groups + i / krows : i / krows * krows + (i % krows * (krows > 1 ? krows - 1 : 1) + shift) % krows;
    for (int32_t p = 0; p < d->npos; p++)
        for (int32_t i = 0; i < inputs; i++)
            memcpy((uint8_t *)order.x + (p * inputs + order.place[i]) * d->element, (const uint8_t *)d->x + (p * inputs + i) * d->element,
                   (size_t)d->element);
    return order;
}

/* y of a program on one kernel; clipped and evaluated returned through the tally. */
static struct ohm_tally run(const struct drawn *d, const struct ohm_plan *plan, const struct ohm_adc *adc, const struct ohm_kernel *kernel,
                            enum ohm_evaluate evaluate, int64_t *y) {
    struct ohm_program *program = NULL;
    struct ohm_tally tally = {0};
    struct order order = draw_order(d);
    bool ordered = draw(2);
    size_t n = (size_t)(d->npos * d->layer.groups * d->layer.ncols);
    struct ohm_program_request request = {.plan = plan,
                                          .adc = adc,
                                          .kernel = kernel,
                                          .input_bits = d->bits,
                                          .element = d->element,
                                          .evaluate = evaluate,
                                          .place = ordered ? NULL : order.place,
                                          .interleaved = !ordered && order.interleaved,
                                          .offset = draw(2) ? INT64_MAX : 0};
    CU_ASSERT_FATAL(!ohm_program_build(&request, &program));
    if (request.offset) CU_ASSERT(!ohm_program_narrow(program));
    void *scratch = ohm_alloc(ohm_program_scratch(program, d->npos));
    int32_t *narrow = ohm_alloc_array(n, sizeof *narrow);
    bool is_narrow = ohm_program_narrow(program);
    ohm_program_multiply(program, d->npos, ordered ? d->x : order.x, is_narrow ? (void *)narrow : y, scratch, &tally);
    for (size_t i = 0; is_narrow && i < n; i++) y[i] = narrow[i];
    if (evaluate == OHM_EVALUATE_ALL) CU_ASSERT_EQUAL(tally.evaluated, tally.conversions);
    if (evaluate == OHM_EVALUATE_ALL) CU_ASSERT_STRING_EQUAL(ohm_program_way(program), "counters");
    CU_ASSERT(tally.evaluated <= tally.conversions);
    free(order.place);
    free(order.x);
    free(narrow);
    free(scratch);
    ohm_program_free(program);
    return tally;
}

/* What sme.md C says of the weights held: every squeezed row is a multiple of 2^s, policies bound the difference. */
static void check_decoded(const struct drawn *d, const int32_t *held) {
    size_t count = (size_t)(d->layer.groups * d->layer.krows * d->layer.ncols);
    int64_t squeeze = strcmp(d->design->name, "sme") ? 0 : ohm_design_value(d->design, &d->setting, "squeeze");
    int64_t policy = strcmp(d->design->name, "sme") ? 2 : ohm_design_value(d->design, &d->setting, "policy");
    for (size_t i = 0; i < count; i++) {
        int32_t given = abs(d->w[i]), got = abs(held[i]);
        if (squeeze == 0 || policy == 2) CU_ASSERT_EQUAL(held[i], d->w[i]);
        CU_ASSERT(held[i] == 0 || (held[i] > 0) == (d->w[i] > 0));
        if (policy == 0) CU_ASSERT(got <= given); /* truncation never grows a magnitude */
        CU_ASSERT(abs(given - got) < 1 << d->setting.weight_bits);
    }
}

/* Of one position: every array's bit lines in every step up to the last that may drive one of its rows, or of the layer's with an ADC that adds
 * something for a count of 0. */
static int64_t conversions(const struct ohm_plan *plan, bool silent, int32_t bits) {
    int64_t sum = 0;
    for (int32_t t = 0; t < plan->ntile; t++) {
        int64_t columns = 0, most = silent ? 0 : plan->max_shift;
        for (int32_t u = 0; u < plan->nuse; u++) {
            const struct ohm_use *use = &plan->uses[u];
            if (use->tile != t) continue;
            columns += use->ncol;
            for (int32_t r = 0; r < use->nrow; r++) most = use->rows[r].shift > most ? use->rows[r].shift : most;
        }
        sum += columns * (bits + most);
    }
    return sum;
}

static void check_layer(const struct ohm_design *design, bool with_reference) {
    struct drawn d = draw_layer(design);
    struct ohm_plan *plan = make_plan(&d);
    size_t weights = (size_t)(d.layer.groups * d.layer.krows * d.layer.ncols), n = (size_t)(d.npos * d.layer.groups * d.layer.ncols);
    int32_t *held = ohm_alloc_array(weights, sizeof *held);
    int64_t *exact = ohm_alloc_array(n, 8), *plain = ohm_alloc_array(n, 8), *got = ohm_alloc_array(n, 8);
    ohm_plan_decode(plan, held);
    check_decoded(&d, held);
    ohm_layer_product_plain(&d.layer, held, d.element, d.npos, d.x, exact);
    struct ohm_adc lossless = make_adc(&d, design->lossless_bits(&d.setting), OHM_ADC_UNIT);
    struct ohm_adc lossy = make_adc(&d, 1 + (int32_t)draw(5), (enum ohm_adc_range)draw(3));
    CU_ASSERT_EQUAL(ohm_plan_multiply_plain(plan, &lossless, d.bits, d.element, d.npos, d.x, plain), 0);
    CU_ASSERT(!memcmp(plain, exact, n * 8));
    int64_t outside = ohm_plan_multiply_plain(plan, &lossy, d.bits, d.element, d.npos, d.x, plain);
    static const enum ohm_evaluate evaluations[2] = {OHM_EVALUATE_ALL, OHM_EVALUATE_NEEDED};
    struct ohm_tally first[2] = {{0}, {0}};
    const struct ohm_kernel *const *start = ohm_kernels() + (with_reference ? 0 : 1); /* the reference kernel is slow */
    for (const struct ohm_kernel *const *kernel = start; *kernel; kernel++)
        for (int e = 0; e < 2; e++) {
            struct ohm_tally tally = run(&d, plan, &lossless, *kernel, evaluations[e], got);
            CU_ASSERT(!memcmp(got, exact, n * 8));
            CU_ASSERT_EQUAL(tally.clipped, 0);
            tally = run(&d, plan, &lossy, *kernel, evaluations[e], got);
            CU_ASSERT(!memcmp(got, plain, n * 8));
            CU_ASSERT_EQUAL(tally.clipped, outside);
            CU_ASSERT_EQUAL(tally.conversions, conversions(plan, ohm_adc_silent(&lossy), d.bits) * d.npos);
            if (kernel == start) first[e] = tally;
            CU_ASSERT(!memcmp(&tally, &first[e], sizeof tally)); /* no count depends on the kernel ... */
            tally.evaluated = first[0].evaluated;
            CU_ASSERT(!memcmp(&tally, &first[0], sizeof tally)); /* ... and none of the hardware's on what was evaluated */
        }
    free(held);
    free(exact);
    free(plain);
    free(got);
    ohm_plan_free(plan);
    free_drawn(&d);
}

static void test_isaac(void) {
    for (int i = 0; i < 250; i++) check_layer(ohm_design_find("isaac"), i % 10 == 0);
}

static void test_sme(void) {
    for (int i = 0; i < 250; i++) check_layer(ohm_design_find("sme"), i % 10 == 0);
}

/* sme.md, section C, worked example: 4 x 4, Nq = 8, S = 3, a = (3, 5, 2, 7). */
static const int32_t example[16] = {160, 20, 7, 56, 28, 10, 0, 96, 224, 64, 16, 14, 5, 48, 1, 24};
static const uint8_t inputs[4] = {3, 5, 2, 7};

static void run_example(const char *squeeze, const char *policy, int64_t y[4], struct ohm_store *store) {
    struct drawn d = {.design = ohm_design_find("sme"), .npos = 1, .element = 1, .bits = 8, .x = (void *)(uintptr_t)inputs};
    d.layer = (struct ohm_layer){.name = "example", .groups = 1, .krows = 4, .ncols = 4};
    d.w = (int32_t *)(uintptr_t)example;
    d.setting = (struct ohm_design_setting){.array_rows = 128, .array_columns = 128, .activation_bits = 8, .weight_bits = 8};
    ohm_design_defaults(d.design, &d.setting);
    set(&d, "squeeze", squeeze);
    set(&d, "policy", policy);
    struct ohm_plan *plan = make_plan(&d);
    struct ohm_adc adc = make_adc(&d, 8, OHM_ADC_UNIT);
    run(&d, plan, &adc, ohm_kernel_chosen(), OHM_EVALUATE_ALL, y);
    *store = plan->store;
    ohm_plan_free(plan);
}

static void test_worked_example(void) {
    static const struct {
        const char *squeeze, *policy;
        int64_t y[4];
        int64_t arrays, steps;
    } cases[] = {
        {"0", "truncate", {1103, 574, 60, 844}, 8, 8}, {"1", "truncate", {1103, 574, 57, 844}, 7, 9},  {"1", "round", {1103, 574, 63, 844}, 7, 9},
        {"1", "lossless", {1103, 574, 60, 844}, 8, 9}, {"2", "truncate", {1103, 574, 51, 840}, 6, 10}, {"3", "truncate", {1096, 552, 32, 832}, 5, 11},
        {"2", "round", {1103, 574, 63, 848}, 6, 10},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t y[4];
        struct ohm_store store;
        run_example(cases[i].squeeze, cases[i].policy, y, &store);
        CU_ASSERT(!memcmp(y, cases[i].y, sizeof y));
        CU_ASSERT_EQUAL(store.crossbars, cases[i].arrays); /* no negative weights: the other sign's arrays are all released */
        CU_ASSERT_EQUAL(store.steps_per_position, cases[i].steps);
    }
}

/* The 28 levels of (Nq, S) = (8, 3) and the number of levels of the others (sme.md A). */
static void test_window_levels(void) {
    static const int32_t expected[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224};
    static const int32_t levels[][2] = {{1, 9}, {2, 16}, {3, 28}, {4, 48}, {5, 80}, {8, 256}};
    for (size_t s = 0; s < sizeof levels / sizeof levels[0]; s++) {
        int32_t count = 0, last = -1, top = ((1 << levels[s][0]) - 1) << (8 - levels[s][0]);
        for (int32_t i = 0; i <= top * 16; i++) {
            float v = (float)i / 16;
            int32_t m = ohm_window_round(v, 8, levels[s][0]);
            CU_ASSERT(m >= last);
            CU_ASSERT_EQUAL(ohm_window_round((float)m, 8, levels[s][0]), m); /* idempotent */
            if (m != last && levels[s][0] == 3) CU_ASSERT_EQUAL(m, expected[count]);
            if (m != last) count++;
            last = m;
        }
        CU_ASSERT_EQUAL(count, levels[s][1]);
    }
}

/* An 8-bit ADC on 128 one-bit rows is lossless (codes 0 .. 255); seven bits have 128 codes and lose exactly the counts of 128. */
static void test_adc_edges(void) {
    struct ohm_adc adc = {.bits = 8, .range = OHM_ADC_FULL, .largest = 128};
    for (int32_t count = 0; count <= 128; count++) CU_ASSERT_EQUAL(ohm_adc_code(&adc, 0, count), count);
    adc = (struct ohm_adc){.bits = 7, .range = OHM_ADC_UNIT, .largest = 128};
    for (int32_t count = 0; count <= 128; count++) {
        CU_ASSERT_EQUAL(ohm_adc_code(&adc, 0, count), count > 127 ? 127 : count);
        CU_ASSERT_EQUAL(ohm_adc_outside(&adc, 0, count), count == 128);
    }
    adc = (struct ohm_adc){.bits = 2, .range = OHM_ADC_CALIBRATED, .largest = 128, .step = {512}}; /* step 2: 1 -> 0.5 -> 0, 3 -> 1.5 -> 2 */
    CU_ASSERT_EQUAL(ohm_adc_code(&adc, 0, 1), 0);
    CU_ASSERT_EQUAL(ohm_adc_code(&adc, 0, 3), 2);
    CU_ASSERT_EQUAL(ohm_adc_code(&adc, 0, 7), 3);
    CU_ASSERT(ohm_adc_outside(&adc, 0, 7)); /* 3.5 -> 4 > 3 */
}

int main(void) {
    const struct suite_test tests[] = {{"isaac: 250 random layers", test_isaac},
                                       {"sme: 250 random layers", test_sme},
                                       {"sme: worked example", test_worked_example},
                                       {"sme: window levels", test_window_levels},
                                       {"ADC edges", test_adc_edges}};
    return SUITE_RUN("design multiply", tests);
}
