/* Tallies, stores and their prices. */
#include "ohmtally/technology.h"
#include "suite.h"
#include <stddef.h>
#include <string.h>

/* Every price a different number, so that a swapped pair shows. */
static struct ohm_technology numbered(void) {
    struct ohm_technology technology = {0};
    for (int i = 0; i < OHM_TECHNOLOGY_COUNT; i++) *ohm_technology_field(&technology, i) = 1 + 0.37 * i;
    technology.node_nm = 32;
    technology.adc_rate_gsps = 1.2;
    technology.array_rows = technology.array_columns = 128;
    return technology;
}

static void tally_lists(void) {
    struct ohm_tally sum = {0}, more = {0};
    for (int i = 0; i < OHM_TALLY_COUNT; i++) ohm_tally_counts(&more)[i] = i + 1;
    CU_ASSERT_EQUAL(more.positions, 1);
    CU_ASSERT_EQUAL(more.evaluated, OHM_TALLY_COUNT);
    ohm_tally_add(&sum, &more);
    ohm_tally_add(&sum, &more);
    for (int i = 0; i < OHM_TALLY_COUNT; i++) CU_ASSERT_EQUAL(ohm_tally_counts(&sum)[i], 2 * (i + 1));
    CU_ASSERT_STRING_EQUAL(ohm_tally_name(1), "conversions");
    CU_ASSERT_STRING_EQUAL(ohm_tally_unit(OHM_TALLY_COUNT - 3), "bit");
    CU_ASSERT(strlen(ohm_tally_about(OHM_TALLY_COUNT - 1)) > 0);
    struct ohm_store store = {.index_bits = 7};
    CU_ASSERT_EQUAL(ohm_store_counts(&store)[offsetof(struct ohm_store, index_bits) / sizeof(int64_t)], 7);
    CU_ASSERT_STRING_EQUAL(ohm_store_name(0), "crossbars");
    CU_ASSERT_STRING_EQUAL(ohm_store_unit(6), "bit");
    CU_ASSERT(strlen(ohm_store_about(OHM_STORE_COUNT - 1)) > 0);
}

static void technology_lists(void) {
    struct ohm_technology technology = numbered();
    CU_ASSERT_STRING_EQUAL(ohm_technology_key(0), "node_nm");
    CU_ASSERT_STRING_EQUAL(ohm_technology_key(OHM_TECHNOLOGY_COUNT - 1), "tile_um2");
    CU_ASSERT_STRING_EQUAL(ohm_technology_unit(0), "nm");
    CU_ASSERT(strlen(ohm_technology_about(OHM_TECHNOLOGY_COUNT - 1)) > 0);
    CU_ASSERT_PTR_EQUAL(ohm_technology_field(&technology, OHM_TECHNOLOGY_COUNT - 1), &technology.tile_um2);
    CU_ASSERT_PTR_EQUAL(ohm_technology_field(&technology, OHM_TECHNOLOGY_POSITIVE - 1), &technology.adc_rate_gsps);
    CU_ASSERT_EQUAL(OHM_ENERGY_COUNT, 10);
    CU_ASSERT_STRING_EQUAL(ohm_energy_name(0), "adc");
    CU_ASSERT(strlen(ohm_energy_about(OHM_ENERGY_COUNT - 1)) > 0);
}

static double total(const struct ohm_technology *technology, const struct ohm_tally *tally, int32_t rows, int32_t columns) {
    struct ohm_energy energy;
    ohm_price_energy(technology, OHM_ADC_SABERI, 8, rows, columns, tally, &energy);
    return ohm_energy_total_pj(&energy);
}

/* The price of a sum is the sum of the prices, count by count. */
static void energy_is_linear(void) {
    struct ohm_technology technology = numbered();
    struct ohm_tally all = {0};
    double parts = 0;
    for (int i = 0; i < OHM_TALLY_COUNT; i++) {
        struct ohm_tally one = {0};
        ohm_tally_counts(&one)[i] = 1000 + 17 * i;
        ohm_tally_add(&all, &one);
        double price = total(&technology, &one, 128, 128);
        struct ohm_tally three = one;
        ohm_tally_add(&three, &one);
        ohm_tally_add(&three, &one);
        CU_ASSERT_DOUBLE_EQUAL(total(&technology, &three, 128, 128), 3 * price, 1e-9 * price);
        parts += price;
    }
    CU_ASSERT_DOUBLE_EQUAL(total(&technology, &all, 128, 128), parts, 1e-9 * parts);
}

static void each_count_has_its_price(void) {
    struct ohm_technology t = numbered();
    struct ohm_tally tally;
    for (int i = 0; i < OHM_TALLY_COUNT; i++) ohm_tally_counts(&tally)[i] = 2;
    struct ohm_energy e;
    ohm_price_energy(&t, OHM_ADC_SABERI, 8, 128, 128, &tally, &e);
    CU_ASSERT_DOUBLE_EQUAL(e.adc, 2 * ohm_adc_energy_pj(&t, OHM_ADC_SABERI, 8), 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(e.array, 2 * t.array_read_pj, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(e.dac, 2 * t.row_drive_pj, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(e.sample_hold, 2 * t.sample_hold_pj, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(e.shift_add, 2 * t.shift_add_pj, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(e.partial_add, 2 * t.partial_add_pj, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(e.input_register, 2 * t.input_register_pj_per_byte, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(e.output_register, 2 * t.output_register_pj_per_byte, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(e.buffer, 2 * t.buffer_pj_per_bit, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(e.bus, 2 * t.bus_pj_per_bit, 1e-12);
}

static void array_size_scales(void) {
    struct ohm_technology t = numbered();
    struct ohm_tally read = {.array_reads = 1}, drive = {.row_drives = 1}, other = {.conversions = 5, .bus_bits = 3};
    CU_ASSERT_DOUBLE_EQUAL(total(&t, &read, 64, 256), t.array_read_pj, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(total(&t, &read, 64, 64), t.array_read_pj / 4, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(total(&t, &drive, 64, 256), 2 * t.row_drive_pj, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(total(&t, &other, 64, 256), total(&t, &other, 128, 128), 1e-12);
    double rows2 = ohm_price_area_um2(&t, OHM_ADC_SABERI, 8, 256, 128, 1), columns2 = ohm_price_area_um2(&t, OHM_ADC_SABERI, 8, 128, 256, 1);
    double one = ohm_price_area_um2(&t, OHM_ADC_SABERI, 8, 128, 128, 1), both2 = ohm_price_area_um2(&t, OHM_ADC_SABERI, 8, 256, 256, 1);
    CU_ASSERT_DOUBLE_EQUAL(rows2 + columns2, 3 * one + t.array_um2, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(both2, 2 * one + 2 * t.array_um2, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(ohm_price_area_um2(&t, OHM_ADC_SABERI, 8, 128, 128, 96), 96 * one, 1e-9);
}

static void latency(void) {
    struct ohm_technology t = {.read_ns = 100, .pipeline_steps = 6};
    CU_ASSERT_EQUAL(ohm_price_latency_ns(&t, 1, 16), 2200.0); /* ISAAC: 22 cycles of 100 ns */
    CU_ASSERT_EQUAL(ohm_price_latency_ns(&t, 10, 8), 8600.0);
    CU_ASSERT_EQUAL(ohm_price_latency_ns(&t, 0, 8), 0.0);
}

/* ISAAC with 8-bit operands: 8 input bits and 4 cells of 2 bits per weight share a column's 128 rows. */
static void isaac_converts_a_quarter_per_mac(void) {
    int64_t macs = 128 * 32, conversions = 8 * 32 * 4;
    CU_ASSERT_EQUAL((double)conversions / (double)macs, 0.25);
}

int main(void) {
    static const struct suite_test tests[] = {
        {"tally and store lists", tally_lists},
        {"technology and energy lists", technology_lists},
        {"energy is linear in the counts", energy_is_linear},
        {"each count has its price", each_count_has_its_price},
        {"array size scales prices", array_size_scales},
        {"latency", latency},
        {"8-bit ISAAC: 0.25 conversions per MAC", isaac_converts_a_quarter_per_mac},
    };
    return SUITE_RUN("cost_price", tests);
}
