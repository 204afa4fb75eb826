/* Tallies, stores and their prices. */
#include "numbered.h"
#include "ohmtally/price.h"
#include "suite.h"
#include <stddef.h>
#include <string.h>

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
    CU_ASSERT_STRING_EQUAL(ohm_technology_key(OHM_TECHNOLOGY_COUNT - 1), "link_mm2");
    CU_ASSERT_STRING_EQUAL(ohm_technology_unit(0), "nm");
    CU_ASSERT(strlen(ohm_technology_about(OHM_TECHNOLOGY_COUNT - 1)) > 0);
    CU_ASSERT_PTR_EQUAL(ohm_technology_field(&technology, OHM_TECHNOLOGY_COUNT - 1), &technology.link_mm2);
    CU_ASSERT_PTR_EQUAL(ohm_technology_field(&technology, OHM_TECHNOLOGY_POSITIVE - 1), &technology.cell_on_off);
    CU_ASSERT_EQUAL(OHM_ENERGY_COUNT, 11);
    CU_ASSERT_EQUAL(OHM_AREA_COUNT, 11);
    CU_ASSERT_STRING_EQUAL(ohm_energy_name(0), "adc");
    CU_ASSERT(strlen(ohm_energy_about(OHM_ENERGY_COUNT - 1)) > 0);
}

static struct ohm_array array_of(int32_t rows, int32_t columns) {
    return (struct ohm_array){.law = OHM_ADC_SABERI, .adc_bits = 8, .cell_bits = 2, .rows = rows, .columns = columns};
}

static double total(const struct ohm_technology *technology, const struct ohm_tally *tally, int32_t rows, int32_t columns) {
    struct ohm_array array = array_of(rows, columns);
    struct ohm_energy energy;
    ohm_price_energy(technology, &array, tally, &energy);
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
        CU_ASSERT(price >= 0); /* more work never takes less energy */
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
    struct ohm_array array = array_of(128, 128);
    struct ohm_tally tally;
    for (int i = 0; i < OHM_TALLY_COUNT; i++) ohm_tally_counts(&tally)[i] = 2;
    struct ohm_energy e;
    ohm_price_energy(&t, &array, &tally, &e);
    CU_ASSERT_DOUBLE_EQUAL(e.adc, 2 * ohm_adc_energy_pj(&t, OHM_ADC_SABERI, 8), 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(e.array, 1e-3 * t.cell_read_fj * (2.0 / 3 + (2 - 2.0 / 3) / t.cell_on_off), 1e-12); /* 2 cells, 2 of 6 levels */
    CU_ASSERT_DOUBLE_EQUAL(e.dac, 2 * t.row_drive_pj, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(e.sample_hold, 2 * t.sample_hold_pj, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(e.shift_add, 2 * t.shift_add_pj, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(e.partial_add, 2 * t.partial_add_pj, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(e.input_register, 2 * t.input_register_pj_per_byte, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(e.output_register, 2 * t.output_register_pj_per_byte, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(e.buffer, 2 * t.buffer_pj_per_bit, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(e.bus, 2 * t.bus_pj_per_bit, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(e.router, 2 * t.router_pj_per_bit, 1e-12);
}

/* Cells in the lowest state still conduct, those in the top state cell_on_off times as much, and the two add up. */
static void cells_conduct_by_level(void) {
    struct ohm_technology t = {.array_rows = 128, .array_columns = 128, .cell_read_fj = 2, .cell_on_off = 10};
    for (int cell_bits = 1; cell_bits <= 4; cell_bits *= 2) {
        struct ohm_array array = {.cell_bits = cell_bits, .adc_bits = 8, .rows = 128, .columns = 128};
        int64_t top = (1 << cell_bits) - 1;
        struct ohm_tally low = {.cells_driven = 1000}, high = {.cells_driven = 1000, .cell_levels = 1000 * top}, both = low;
        struct ohm_energy off, on, mixed;
        ohm_tally_add(&both, &high);
        ohm_price_energy(&t, &array, &low, &off);
        ohm_price_energy(&t, &array, &high, &on);
        ohm_price_energy(&t, &array, &both, &mixed);
        CU_ASSERT_DOUBLE_EQUAL(on.array, 2, 1e-12);
        CU_ASSERT_DOUBLE_EQUAL(off.array, 0.2, 1e-12);
        CU_ASSERT_DOUBLE_EQUAL(mixed.array, 2.2, 1e-12);
    }
}

static double area_of(const struct ohm_technology *technology, int32_t rows, int32_t columns, double arrays, double tiles) {
    struct ohm_array array = array_of(rows, columns);
    struct ohm_area area;
    ohm_price_area(technology, &array, arrays, tiles, &area);
    return ohm_area_total_um2(&area);
}

static void array_size_scales(void) {
    struct ohm_technology t = numbered();
    struct ohm_tally drive = {.row_drives = 1}, other = {.conversions = 5, .bus_bits = 3, .cells_driven = 7, .cell_levels = 9};
    CU_ASSERT_DOUBLE_EQUAL(total(&t, &drive, 64, 256), 2 * t.row_drive_pj, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(total(&t, &other, 64, 256), total(&t, &other, 128, 128), 1e-12);
    double one = area_of(&t, 128, 128, 1, 0);
    CU_ASSERT_DOUBLE_EQUAL(area_of(&t, 256, 128, 1, 0) + area_of(&t, 128, 256, 1, 0), 3 * one + t.array_um2, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(area_of(&t, 256, 256, 1, 0), 2 * one + 2 * t.array_um2, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(area_of(&t, 128, 128, 96, 0), 96 * one, 1e-9);
    double tile = t.tile_buffer_um2 + t.tile_bus_um2 + t.tile_router_um2 + t.tile_digital_um2;
    CU_ASSERT_DOUBLE_EQUAL(area_of(&t, 256, 256, 0, 3), 3 * tile, 1e-9);
}

static void whole_tiles(void) {
    struct ohm_technology t = {.array_rows = 128, .array_columns = 128, .arrays_per_tile = 96};
    struct ohm_array array = array_of(128, 128), tall = array_of(256, 64);
    CU_ASSERT_EQUAL(ohm_price_tiles(&t, &array, 0), 0);
    CU_ASSERT_EQUAL(ohm_price_tiles(&t, &array, 1), 1);
    CU_ASSERT_EQUAL(ohm_price_tiles(&t, &array, 96), 1);
    CU_ASSERT_EQUAL(ohm_price_tiles(&t, &array, 97), 2);
    CU_ASSERT_EQUAL(ohm_price_tiles(&t, &tall, 48), 1); /* the same word lines */
    CU_ASSERT_EQUAL(ohm_price_tiles(&t, &tall, 49), 2);
    CU_ASSERT_DOUBLE_EQUAL(ohm_price_tile_share(&t, &array, 24), 0.25, 1e-12);
}

static void step_time(void) {
    struct ohm_technology t = {
        .array_rows = 128, .array_columns = 128, .read_ns = 100, .adc_rate_gsps = 1.28, .adcs_per_array = 1, .pipeline_steps = 6};
    struct ohm_array array = array_of(128, 128), wide = array_of(128, 256), narrow = array_of(128, 64);
    CU_ASSERT_EQUAL(ohm_price_step_ns(&t, &array, 128, false), 100.0); /* ISAAC, Sec. V: 128 samples in one read, exactly */
    CU_ASSERT_EQUAL(ohm_price_step_ns(&t, &wide, 256, false), 100.0);  /* twice the converters */
    CU_ASSERT_EQUAL(ohm_price_step_ns(&t, &narrow, 64, false), 100.0); /* two arrays share a converter */
    CU_ASSERT_EQUAL(ohm_price_step_ns(&t, &array, 40, false), 100.0);
    CU_ASSERT_EQUAL(ohm_price_step_ns(&t, &array, 128, true), 200.0);
    CU_ASSERT_DOUBLE_EQUAL(ohm_price_step_ns(&t, &array, 64, true), 150, 1e-9);
    CU_ASSERT_EQUAL(16 * ohm_price_step_ns(&t, &array, 128, false) + ohm_price_tail_ns(&t), 2200.0); /* ISAAC: 22 cycles for 16 bits */
    t.adc_rate_gsps = 1.2;                                                                           /* Table I: the converters are the slower part */
    CU_ASSERT_DOUBLE_EQUAL(ohm_price_step_ns(&t, &array, 128, false), 106.667, 0.001);
    t.adc_rate_gsps = 2.1; /* FORMS: 4 converters an array */
    t.adcs_per_array = 4;
    t.read_ns = 10;
    CU_ASSERT_DOUBLE_EQUAL(ohm_price_step_ns(&t, &array, 128, false), 15.24, 0.005);
    CU_ASSERT_DOUBLE_EQUAL(ohm_price_step_ns(&t, &array, 125, false), 15.24, 0.005); /* the last round is not full */
}

static void leakage(void) {
    struct ohm_technology t = {.array_columns = 128, .array_rows = 128, .adcs_per_array = 1};
    struct ohm_array array = array_of(128, 128), coarse = array;
    t.leakage_adc_uw_per_bit = 25;
    t.leakage_array_uw = 100;
    t.leakage_tile_uw = 400;
    coarse.adc_bits = 4;
    CU_ASSERT_DOUBLE_EQUAL(ohm_price_leakage_uw(&t, &array, 96, 1), 96 * 300 + 400, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(ohm_price_leakage_uw(&t, &coarse, 96, 1), 96 * 200 + 400, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(ohm_price_leakage_uw(&t, &array, 0, 0.5), 200, 1e-9);
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
        {"cells conduct by their level", cells_conduct_by_level},
        {"whole tiles", whole_tiles},
        {"a step's time", step_time},
        {"leakage", leakage},
        {"8-bit ISAAC: 0.25 conversions per MAC", isaac_converts_a_quarter_per_mac},
    };
    return SUITE_RUN("cost_price", tests);
}
