/* Bit planes of magnitudes: what arrays hold against a plain account of squeeze-out, which arrays are released, which settings fit. */
#include "suite.h"
#define DRAW_SEED 0xC2B2AE3D27D4EB4Full
#include "drawn_layer.h"

static uint32_t magnitude(int32_t w, int32_t sign) {
    return w * sign > 0 ? (uint32_t)(w * sign) : 0;
}

/* What is held of weight (group, row, column): sme.md C, weight by weight. */
static int32_t expected_weight(const struct drawn *d, int32_t group, int32_t row, int32_t column) {
    const int32_t *w = d->w + (group * d->layer.krows + row) * d->layer.ncols;
    int32_t cell = d->design->cell_bits(&d->setting), planes = (d->setting.weight_bits + cell - 1) / cell, sign = w[column] < 0 ? -1 : 1;
    int32_t keep = (planes - (int32_t)ohm_design_value(d->design, &d->setting, "squeeze")) * cell, shift = 0;
    int64_t policy = ohm_design_value(d->design, &d->setting, "policy");
    bool whole = ohm_design_value(d->design, &d->setting, "flag_scope");
    uint32_t together = 0, m = magnitude(w[column], sign);
    for (int32_t c = 0; c < d->layer.ncols; c++)
        if (whole || c / d->setting.array_columns == column / d->setting.array_columns)
            together |= whole ? (uint32_t)abs(w[c]) : magnitude(w[c], sign);
    while (together >> shift >> keep) shift += cell;
    if (policy == 2 && (together & ((1u << shift) - 1))) shift = 0;
    uint32_t most = shift ? (1u << keep) - 1 : UINT32_MAX, moved = (m + (policy == 1 && shift ? 1u << shift >> 1 : 0)) >> shift;
    return sign * (int32_t)((moved < most ? moved : most) << shift);
}

static void check_arrays(const struct ohm_plan *plan, const struct drawn *d) {
    int64_t full = 0, held = 0, by_plane[OHM_PLANES] = {0};
    for (int32_t k = 0; k < OHM_PLANES; k++) {
        full += plan->plane_full[k];
        held += plan->plane_held[k];
        CU_ASSERT(plan->plane_held[k] <= plan->plane_full[k]);
    }
    CU_ASSERT_EQUAL(full, plan->store.crossbars_full);
    CU_ASSERT_EQUAL(held, plan->store.crossbars);
    bool *seen = ohm_alloc_array((size_t)plan->ntile, sizeof *seen);
    for (int32_t u = 0; u < plan->nuse; u++) {
        const struct ohm_use *use = &plan->uses[u];
        CU_ASSERT(plan->tiles[use->tile].nrow <= d->setting.array_rows && plan->tiles[use->tile].ncol <= d->setting.array_columns);
        if (!seen[use->tile]) by_plane[use->columns[0].adc_class]++;
        seen[use->tile] = true;
        for (int32_t c = 0; c < use->ncol; c++) {
            CU_ASSERT_EQUAL(use->columns[c].adc_class, use->columns[0].adc_class);
            CU_ASSERT_EQUAL(use->columns[c].shift, use->columns[c].adc_class * plan->tiles[use->tile].cell_bits);
        }
    }
    CU_ASSERT(!memcmp(by_plane, plan->plane_held, sizeof by_plane));
    for (int32_t t = 0; t < plan->ntile; t++) {
        uint64_t any = 0;
        for (int32_t i = 0; i < plan->tiles[t].cell_bits * plan->tiles[t].nrow * plan->tiles[t].words; i++) any |= plan->tiles[t].bits[i];
        CU_ASSERT(any != 0); /* an empty array would have been released */
    }
    free(seen);
}

static void check_layer(const char *design) {
    struct drawn d = drawn_layer(ohm_design_find(design));
    struct ohm_plan *plan = drawn_plan(&d);
    int32_t *held = ohm_alloc_array((size_t)(d.layer.groups * d.layer.krows * d.layer.ncols), sizeof *held);
    ohm_plan_decode(plan, held);
    for (int32_t i = 0; i < d.layer.groups * d.layer.krows; i++)
        for (int32_t c = 0; c < d.layer.ncols; c++)
            CU_ASSERT_EQUAL(held[i * d.layer.ncols + c], expected_weight(&d, i / d.layer.krows, i % d.layer.krows, c));
    check_arrays(plan, &d);
    free(held);
    ohm_plan_free(plan);
    drawn_free(&d);
}

static void test_sme(void) {
    for (int i = 0; i < 600; i++) check_layer("sme");
}

static void test_sobsx(void) {
    for (int i = 0; i < 600; i++) check_layer("sobsx");
}

/* Every magnitude's bit alone and all together, both signs, at every size of magnitude and cell, squeeze and policy: what is accepted can be placed
 * and multiplies as the weights held; what is not is refused with a reason. */
static void check_setting(struct drawn *d, int32_t *refused) {
    if (d->design->configure(&d->setting)) {
        struct ohm_failure failure = {0};
        ohm_fail_take(&failure);
        CU_ASSERT(strstr(failure.text, "use a smaller squeeze") || strstr(failure.text, "use at most"));
        ++*refused;
        return;
    }
    struct ohm_plan *plan = drawn_plan(d);
    int32_t held[36];
    int64_t exact[2], plain[2];
    ohm_plan_decode(plan, held);
    struct ohm_adc adc = drawn_adc(d, d->design->lossless_bits(&d->setting), OHM_ADC_UNIT);
    ohm_layer_product_plain(&d->layer, held, 2, 1, d->x, exact);
    CU_ASSERT_EQUAL(ohm_plan_multiply_plain(plan, &adc, d->bits, 2, 1, d->x, plain), 0);
    CU_ASSERT(!memcmp(plain, exact, sizeof exact));
    if (ohm_design_value(d->design, &d->setting, "policy") == 2) CU_ASSERT(!memcmp(held, d->w, sizeof held));
    ohm_plan_free(plan);
}

static void test_every_size(void) {
    static const char *const cells[] = {"1", "2", "4"}, *const policies[] = {"truncate", "round", "lossless"};
    int32_t w[36], refused = 0;
    uint16_t x[18];
    struct drawn d = {.design = ohm_design_find("sme"), .w = w, .x = x, .bits = 16, .element = 2, .npos = 1};
    d.layer = (struct ohm_layer){.name = "bits", .groups = 1, .krows = 18, .ncols = 2};
    for (int32_t r = 0; r < 18; r++) x[r] = (uint16_t)(65535 - 1000 * r);
    ohm_log_enable(false);
    for (int32_t bits = 4; bits <= 16; bits++)
        for (uint32_t squeeze = 0; squeeze < 16; squeeze++)
            for (int32_t i = 0; i < 9; i++) {
                for (int32_t r = 0; r < 18; r++) {
                    w[2 * r] = (r < bits ? 1 << r : (1 << bits) - 1) * (r == 17 ? -1 : 1);
                    w[2 * r + 1] = -(w[2 * r] / 2);
                }
                d.setting = (struct ohm_design_setting){.array_rows = 8, .array_columns = 8, .activation_bits = 16, .weight_bits = bits};
                ohm_design_defaults(d.design, &d.setting);
                drawn_set(&d, "cell_bits", cells[i % 3]);
                drawn_set(&d, "policy", policies[i / 3]);
                drawn_set_number(&d, "squeeze", squeeze);
                check_setting(&d, &refused);
            }
    int32_t too_deep = 0; /* squeezes that leave no plane, and the one whose sums would be shifted by 31 bits */
    for (int32_t bits = 4; bits <= 16; bits++)
        for (int32_t cell = 1; cell <= 4; cell *= 2) too_deep += 3 * (16 - (bits + cell - 1) / cell);
    CU_ASSERT_EQUAL(refused, too_deep + 1);
}

static void check_refused(const char *key, const char *value, int32_t weight_bits, const char *says) {
    struct drawn d = {.design = ohm_design_find("sme")};
    struct ohm_failure failure = {0};
    d.setting = (struct ohm_design_setting){.array_rows = 128, .array_columns = 128, .activation_bits = 8, .weight_bits = weight_bits};
    ohm_design_defaults(d.design, &d.setting);
    drawn_set(&d, "quantizer", strcmp(key, "terms") ? "window" : "additive");
    drawn_set(&d, key, value);
    CU_ASSERT_EQUAL(d.design->configure(&d.setting), OHM_E_USAGE);
    ohm_fail_take(&failure);
    CU_ASSERT_PTR_NOT_NULL(strstr(failure.text, says));
}

static void test_refused(void) {
    check_refused("window", "9", 8, "window 9 is larger than quantize.weight_bits 8");
    check_refused("terms", "4", 3, "4 terms are more than quantize.weight_bits 3");
    check_refused("squeeze", "8", 8, "squeeze 8 would leave none of the 8 planes");
}

int main(void) {
    const struct suite_test tests[] = {{"sme: 600 random layers", test_sme},
                                       {"sobsx: 600 random layers", test_sobsx},
                                       {"every size of magnitude", test_every_size},
                                       {"settings refused", test_refused}};
    return SUITE_RUN("design planes", tests);
}
