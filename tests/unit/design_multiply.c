/* The invariants every design, layer type, kernel and ADC must keep (architecture.md, section 5): reading a plan back gives the weights it holds;
 * a lossless run equals the integer product with them; every kernel equals the plain definition. */
#include "suite.h"
#define DRAW_SEED 0x9E3779B97F4A7C15ull
#include "drawn_layer.h"
#include "ohmtally/crossbar.h"

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
    if (evaluate == OHM_EVALUATE_ALL && plan->skip == OHM_SKIP_NONE) CU_ASSERT_EQUAL(tally.evaluated, tally.conversions);
    if (evaluate == OHM_EVALUATE_ALL) CU_ASSERT_STRING_EQUAL(ohm_program_way(program), "counters");
    CU_ASSERT(tally.evaluated <= tally.conversions || plan->skip != OHM_SKIP_NONE); /* what the hardware skips may be evaluated */
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
    int64_t squeeze = ohm_design_value(d->design, &d->setting, "squeeze"), policy = ohm_design_value(d->design, &d->setting, "policy");
    for (size_t i = 0; i < count; i++) {
        int32_t given = abs(d->w[i]), got = abs(held[i]);
        if (squeeze == 0 || policy == 2) CU_ASSERT_EQUAL(held[i], d->w[i]);
        CU_ASSERT(held[i] == 0 || (held[i] > 0) == (d->w[i] > 0));
        if (policy == 0) CU_ASSERT(got <= given); /* truncation never grows a magnitude */
        CU_ASSERT(abs(given - got) < 1 << d->setting.weight_bits);
    }
}

/* Of one position: the bit lines of every array, turn after turn, in every step up to the last that may drive one of the turn's rows, or of the
 * layer's with an ADC that adds something for a count of 0. */
static int64_t conversions(const struct ohm_plan *plan, bool silent, int32_t bits) {
    int64_t sum = 0;
    for (int32_t u = 0; u < plan->nuse; u++) {
        int32_t most = silent ? 0 : plan->max_shift;
        for (int32_t v = 0; v < plan->nuse; v++) /* groups of one array are read together */
            for (int32_t r = 0; plan->uses[v].tile == plan->uses[u].tile && plan->uses[v].turn == plan->uses[u].turn && r < plan->uses[v].nrow; r++)
                most = plan->uses[v].rows[r].shift > most ? plan->uses[v].rows[r].shift : most;
        sum += (int64_t)plan->uses[u].ncol * (bits + most);
    }
    return sum;
}

static void check_drawn(struct drawn d, bool with_reference) {
    const struct ohm_design *design = d.design;
    struct ohm_plan *plan = drawn_plan(&d);
    size_t weights = (size_t)(d.layer.groups * d.layer.krows * d.layer.ncols), n = (size_t)(d.npos * d.layer.groups * d.layer.ncols);
    int32_t *held = ohm_alloc_array(weights, sizeof *held);
    int64_t *exact = ohm_alloc_array(n, 8), *plain = ohm_alloc_array(n, 8), *got = ohm_alloc_array(n, 8);
    ohm_plan_decode(plan, held);
    check_decoded(&d, held);
    ohm_layer_product_plain(&d.layer, held, d.element, d.npos, d.x, exact);
    struct ohm_adc lossless = drawn_adc(&d, design->lossless_bits(&d.setting), OHM_ADC_UNIT);
    struct ohm_adc lossy = drawn_adc(&d, 1 + (int32_t)draw(5), (enum ohm_adc_range)draw(3));
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
            int64_t most = conversions(plan, ohm_adc_silent(&lossy), d.bits) * d.npos;
            CU_ASSERT(plan->skip == OHM_SKIP_NONE ? tally.conversions == most : tally.conversions <= most);
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
    drawn_free(&d);
}

static void check_layer(const struct ohm_design *design, bool with_reference) {
    check_drawn(drawn_layer(design), with_reference);
}

/* Arrays side by side that are driven alike, and chunks of columns that are multiples of each other. */
static void test_wide(void) {
    static const char *const designs[] = {"isaac", "sme", "sme", "sobsx"};
    for (int i = 0; i < 50; i++) check_drawn(drawn_layer_of(ohm_design_find(designs[i % 4]), true), i % 10 == 0);
}

static void test_isaac(void) {
    for (int i = 0; i < 250; i++) check_layer(ohm_design_find("isaac"), i % 10 == 0);
}

static void test_sme(void) {
    for (int i = 0; i < 250; i++) check_layer(ohm_design_find("sme"), i % 10 == 0);
}

static void test_sobsx(void) {
    for (int i = 0; i < 200; i++) check_layer(ohm_design_find("sobsx"), i % 10 == 0);
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
    drawn_set(&d, "squeeze", squeeze);
    drawn_set(&d, "policy", policy);
    struct ohm_plan *plan = drawn_plan(&d);
    struct ohm_adc adc = drawn_adc(&d, 8, OHM_ADC_UNIT);
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
    const struct suite_test tests[] = {{"isaac: 250 random layers", test_isaac},     {"sme: 250 random layers", test_sme},
                                       {"sobsx: 200 random layers", test_sobsx},     {"all designs: 50 wide layers", test_wide},
                                       {"sme: worked example", test_worked_example}, {"ADC edges", test_adc_edges}};
    return SUITE_RUN("design multiply", tests);
}
