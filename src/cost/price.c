/* Counts become pJ, um2 and ns. */
#include "ohmtally/price.h"
#include <math.h>

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

double ohm_area_total_um2(const struct ohm_area *area) {
    double total = 0;
#define X(name, about) total += area->name;
    OHM_AREA_LIST(X)
#undef X
    return total;
}

/* How many times the priced array's rows and columns an array has. */
struct size_ratio {
    double rows, columns;
};
static struct size_ratio size_ratio(const struct ohm_technology *technology, const struct ohm_array *array) {
    return (struct size_ratio){array->rows / technology->array_rows, array->columns / technology->array_columns};
}

double ohm_price_adcs(const struct ohm_technology *technology, int32_t array_columns) {
    return technology->adcs_per_array * array_columns / technology->array_columns;
}

static double adcs_of(const struct ohm_technology *technology, const struct ohm_array *array) {
    return ohm_price_adcs(technology, array->columns);
}

/* Driven cells in units of one in the top state: conductance is linear in the level, and 1 / cell_on_off at level 0. */
static double full_cells(const struct ohm_technology *technology, const struct ohm_array *array, const struct ohm_tally *tally) {
    double full = (double)tally->cell_levels / ((1 << array->cell_bits) - 1);
    return full + ((double)tally->cells_driven - full) / technology->cell_on_off;
}

void ohm_price_energy(const struct ohm_technology *technology, const struct ohm_array *array, const struct ohm_tally *tally,
                      struct ohm_energy *energy) {
    *energy = (struct ohm_energy){
        .adc = (double)tally->conversions * ohm_adc_energy_pj(technology, array->law, array->adc_bits),
        .array = full_cells(technology, array, tally) * technology->cell_read_fj * 1e-3,
        .dac = (double)tally->row_drives * technology->row_drive_pj * size_ratio(technology, array).columns, /* a longer line is a larger load */
        .sample_hold = (double)tally->sampled * technology->sample_hold_pj,
        .shift_add = (double)tally->shift_adds * technology->shift_add_pj,
        .partial_add = (double)tally->partial_adds * technology->partial_add_pj,
        .input_register = (double)tally->input_register_bytes * technology->input_register_pj_per_byte,
        .output_register = (double)tally->output_register_bytes * technology->output_register_pj_per_byte,
        .buffer = (double)tally->buffer_bits * technology->buffer_pj_per_bit,
        .bus = (double)tally->bus_bits * technology->bus_pj_per_bit,
        .router = (double)tally->router_bits * technology->router_pj_per_bit,
    };
}

void ohm_price_area(const struct ohm_technology *technology, const struct ohm_array *array, double arrays, double tiles, struct ohm_area *area) {
    struct size_ratio ratio = size_ratio(technology, array);
    double by_row = arrays * ratio.rows, by_column = arrays * ratio.columns;
    *area = (struct ohm_area){
        .adc = arrays * adcs_of(technology, array) * ohm_adc_area_um2(technology, array->law, array->adc_bits),
        .array = by_row * ratio.columns * technology->array_um2,
        .dac = by_row * technology->dac_um2,
        .sample_hold = by_column * technology->sample_hold_um2,
        .shift_add = by_column * technology->shift_add_um2,
        .input_register = by_row * technology->input_register_um2,
        .output_register = by_column * technology->output_register_um2,
        .tile_buffer = tiles * technology->tile_buffer_um2,
        .tile_bus = tiles * technology->tile_bus_um2,
        .tile_router = tiles * technology->tile_router_um2,
        .tile_digital = tiles * technology->tile_digital_um2,
    };
}

double ohm_price_tile_share(const struct ohm_technology *technology, const struct ohm_array *array, int64_t arrays) {
    return (double)arrays * array->rows / (technology->arrays_per_tile * technology->array_rows);
}

int64_t ohm_price_tiles(const struct ohm_technology *technology, const struct ohm_array *array, int64_t arrays) {
    return (int64_t)ceil(ohm_price_tile_share(technology, array, arrays));
}

double ohm_price_step_ns(const struct ohm_technology *technology, const struct ohm_array *array, int64_t columns, bool serial) {
    double conversion_ns = ceil((double)columns / adcs_of(technology, array)) / technology->adc_rate_gsps;
    return serial ? technology->read_ns + conversion_ns : fmax(technology->read_ns, conversion_ns);
}

double ohm_price_tail_ns(const struct ohm_technology *technology) {
    return technology->pipeline_steps * technology->read_ns;
}

double ohm_price_leakage_uw(const struct ohm_technology *technology, const struct ohm_array *array, double arrays, double tiles) {
    double adcs_uw = adcs_of(technology, array) * array->adc_bits * technology->leakage_adc_uw_per_bit;
    return arrays * (technology->leakage_array_uw + adcs_uw) + tiles * technology->leakage_tile_uw;
}
