/* The ADC laws against the points their sources print. */
#include "ohmtally/status.h"
#include "ohmtally/technology.h"
#include "suite.h"
#include <math.h>
#include <string.h>

static const struct ohm_technology at_1200_ms = {.node_nm = 32, .adc_rate_gsps = 1.2, .adc_walden_fj = 10};

struct point {
    int bits;
    double energy_pj, area_um2, digit_pj, digit_um2; /* digit: one unit of the last digit printed */
};

static void check_points(enum ohm_adc_law law, const struct point *points, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const struct point *p = &points[i];
        CU_ASSERT_DOUBLE_EQUAL(ohm_adc_energy_pj(&at_1200_ms, law, p->bits), p->energy_pj, p->digit_pj / 2);
        if (p->area_um2 > 0) CU_ASSERT_DOUBLE_EQUAL(ohm_adc_area_um2(&at_1200_ms, law, p->bits), p->area_um2, p->digit_um2 / 2);
    }
}

static void saberi_points(void) {
    static const struct point points[] = {
        {4, 0.79, 361.04, 0.01, 0.01},   {5, 0.99, 476.91, 0.01, 0.01},  {6, 1.20, 626.91, 0.01, 0.01},   {7, 1.42, 845.18, 0.01, 0.01},
        {8, 1.667, 1200.0, 0.001, 0.01}, {9, 1.969, 1827.9, 0.001, 0.1}, {10, 2.379, 3002.0, 0.001, 0.1},
    };
    check_points(OHM_ADC_SABERI, points, sizeof points / sizeof points[0]);
    CU_ASSERT_DOUBLE_EQUAL(ohm_adc_energy_pj(&at_1200_ms, OHM_ADC_SABERI, 8) * 1.2, 2.0, 0.001); /* mW of ISAAC's ADC */
}

static void survey_points(void) {
    static const struct point points[] = {
        {4, 0.924, 0, 0.001, 0},    {5, 0.936, 0, 0.001, 0}, {6, 1.065, 0, 0.001, 0}, {7, 1.312, 0, 0.001, 0},
        {8, 1.849, 6313, 0.001, 1}, {9, 5.30, 0, 0.01, 0},   {10, 15.7, 0, 0.1, 0},
    };
    check_points(OHM_ADC_SURVEY, points, sizeof points / sizeof points[0]);
    struct ohm_technology slow = at_1200_ms;
    slow.adc_rate_gsps = 0.1;
    CU_ASSERT_DOUBLE_EQUAL(ohm_adc_energy_pj(&slow, OHM_ADC_SURVEY, 8), 1.714, 0.0005);
    CU_ASSERT_DOUBLE_EQUAL(ohm_adc_energy_pj(&slow, OHM_ADC_SURVEY, 9), 2.34, 0.005);
    CU_ASSERT_DOUBLE_EQUAL(ohm_adc_energy_pj(&slow, OHM_ADC_SURVEY, 10), 3.31, 0.005);
}

static void more_bits_never_cost_less(void) {
    for (int law = OHM_ADC_SABERI; law < OHM_ADC_LAWS; law++)
        for (int bits = 1; bits < 16; bits++) {
            CU_ASSERT(ohm_adc_energy_pj(&at_1200_ms, law, bits) > 0);
            CU_ASSERT(ohm_adc_area_um2(&at_1200_ms, law, bits) > 0);
            CU_ASSERT(ohm_adc_energy_pj(&at_1200_ms, law, bits + 1) >= ohm_adc_energy_pj(&at_1200_ms, law, bits));
            CU_ASSERT(ohm_adc_area_um2(&at_1200_ms, law, bits + 1) >= ohm_adc_area_um2(&at_1200_ms, law, bits));
        }
}

static void walden_doubles_per_bit(void) {
    CU_ASSERT_DOUBLE_EQUAL(ohm_adc_energy_pj(&at_1200_ms, OHM_ADC_WALDEN, 8), 2.56, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(ohm_adc_energy_pj(&at_1200_ms, OHM_ADC_WALDEN, 9), 5.12, 1e-12);
}

/* FORMS, Table III: 32 converters of 4 bits at 2.1 GS/s take 15.2 mW and 0.0091 mm2. */
static void forms_point(void) {
    CU_ASSERT_DOUBLE_EQUAL(ohm_adc_energy_pj(&at_1200_ms, OHM_ADC_FORMS, 4) * 2.1 * 32, 15.2, 0.05);
    CU_ASSERT_DOUBLE_EQUAL(ohm_adc_area_um2(&at_1200_ms, OHM_ADC_FORMS, 4) * 32e-6, 0.0091, 0.00005);
    for (int bits = 1; bits <= 16; bits++) { /* saberi's shape */
        double energy = ohm_adc_energy_pj(&at_1200_ms, OHM_ADC_SABERI, bits) / ohm_adc_energy_pj(&at_1200_ms, OHM_ADC_FORMS, bits);
        double area = ohm_adc_area_um2(&at_1200_ms, OHM_ADC_SABERI, bits) / ohm_adc_area_um2(&at_1200_ms, OHM_ADC_FORMS, bits);
        CU_ASSERT_DOUBLE_EQUAL(energy, 0.786 / 0.226, 0.003);
        CU_ASSERT_DOUBLE_EQUAL(area, 361.04 / 284, 0.001);
    }
}

static void names_go_both_ways(void) {
    for (int law = OHM_ADC_SABERI; law < OHM_ADC_LAWS; law++) {
        enum ohm_adc_law parsed = OHM_ADC_SABERI;
        CU_ASSERT_EQUAL(ohm_adc_law_parse(ohm_adc_law_text(law), &parsed), OHM_OK);
        CU_ASSERT_EQUAL((int)parsed, law);
    }
    enum ohm_adc_law law;
    ohm_fail_clear();
    CU_ASSERT_EQUAL(ohm_adc_law_parse("murmann", &law), OHM_E_USAGE);
    CU_ASSERT_PTR_NOT_NULL(strstr(ohm_fail_text(), "'murmann'; known: saberi survey walden forms"));
    ohm_fail_clear();
}

int main(void) {
    static const struct suite_test tests[] = {
        {"saberi: seven printed points", saberi_points},          {"survey: printed points at two rates", survey_points},
        {"walden doubles per bit", walden_doubles_per_bit},       {"forms: its one point, in saberi's shape", forms_point},
        {"more bits never cost less", more_bits_never_cost_less}, {"law names", names_go_both_ways},
    };
    return SUITE_RUN("cost_adc", tests);
}
