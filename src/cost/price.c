/* Counts become pJ, um2 and ns. */
#include "ohmtally/technology.h"

static const char *const energy_names[] = {
#define X(name, about) #name,
    OHM_ENERGY_LIST(X)
#undef X
};
static const char *const energy_abouts[] = {
#define X(name, about) about,
    OHM_ENERGY_LIST(X)
#undef X
};

const char *ohm_energy_name(int index) {
    return energy_names[index];
}

const char *ohm_energy_about(int index) {
    return energy_abouts[index];
}

double ohm_energy_total_pj(const struct ohm_energy *energy) {
    double total = 0;
#define X(name, about) total += energy->name;
    OHM_ENERGY_LIST(X)
#undef X
    return total;
}

/* How many times the priced array's rows and columns an array has. */
struct size_ratio {
    double rows, columns;
};
static struct size_ratio size_ratio(const struct ohm_technology *technology, int32_t rows, int32_t columns) {
    return (struct size_ratio){rows / technology->array_rows, columns / technology->array_columns};
}

void ohm_price_energy(const struct ohm_technology *technology, enum ohm_adc_law law, int adc_bits, int32_t rows, int32_t columns,
                      const struct ohm_tally *tally, struct ohm_energy *energy) {
    struct size_ratio ratio = size_ratio(technology, rows, columns);
    *energy = (struct ohm_energy){
        .adc = (double)tally->conversions * ohm_adc_energy_pj(technology, law, adc_bits),
        .array = (double)tally->array_reads * technology->array_read_pj * ratio.rows * ratio.columns,
        .dac = (double)tally->row_drives * technology->row_drive_pj * ratio.columns, /* a longer word line is a larger load */
        .sample_hold = (double)tally->sampled * technology->sample_hold_pj,
        .shift_add = (double)tally->shift_adds * technology->shift_add_pj,
        .partial_add = (double)tally->partial_adds * technology->partial_add_pj,
        .input_register = (double)tally->input_register_bytes * technology->input_register_pj_per_byte,
        .output_register = (double)tally->output_register_bytes * technology->output_register_pj_per_byte,
        .buffer = (double)tally->buffer_bits * technology->buffer_pj_per_bit,
        .bus = (double)tally->bus_bits * technology->bus_pj_per_bit,
    };
}

double ohm_price_area_um2(const struct ohm_technology *technology, enum ohm_adc_law law, int adc_bits, int32_t rows, int32_t columns,
                          int64_t crossbars) {
    struct size_ratio ratio = size_ratio(technology, rows, columns);
    double by_cell = technology->array_um2;
    double by_row = technology->dac_um2 + technology->input_register_um2 + technology->tile_um2;
    double by_column = technology->adcs_per_array * ohm_adc_area_um2(technology, law, adc_bits) + technology->sample_hold_um2 +
                       technology->shift_add_um2 + technology->output_register_um2;
    return (double)crossbars * (by_cell * ratio.rows * ratio.columns + by_row * ratio.rows + by_column * ratio.columns);
}

double ohm_price_latency_ns(const struct ohm_technology *technology, int64_t positions, int64_t steps) {
    if (!positions) return 0;
    return ((double)positions * (double)steps + technology->pipeline_steps) * technology->read_ns;
}
