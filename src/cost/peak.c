/* A chip's figures at full load, as papers state them. */
#include "ohmtally/price.h"

#define BITS_PER_BYTE 8

/* What one array does in one read at full load: every row driven, every cell in the top state, every bit line converted in the rated time. */
static struct ohm_tally full_step(const struct ohm_technology *technology, const struct ohm_array *array) {
    double samples = technology->adcs_per_array * technology->adc_rated_gsps * technology->read_ns;
    int64_t rows = array->rows, columns = array->columns;
    return (struct ohm_tally){
        .conversions = (int64_t)samples,
        .row_drives = rows,
        .cells_driven = rows * columns,
        .cell_levels = rows * columns * ((1 << array->cell_bits) - 1),
        .sampled = columns,
        .shift_adds = (int64_t)samples,
        .input_register_bytes = 2 * rows / BITS_PER_BYTE,                    /* a bit of every input written and read in every step */
        .output_register_bytes = columns * array->cell_bits / BITS_PER_BYTE, /* every sum, as wide as an operand, in every step */
    };
}

void ohm_price_peak(const struct ohm_technology *technology, const struct ohm_array *array, int operand_bits, struct ohm_peak *peak) {
    struct ohm_tally step = full_step(technology, array);
    struct ohm_energy energy;
    struct ohm_area area;
    double arrays = technology->arrays_per_tile, tiles = technology->tiles_per_chip;
    double products = (double)array->rows * array->columns * array->cell_bits / operand_bits; /* of one array in operand_bits steps */
    ohm_price_energy(technology, array, &step, &energy);
    ohm_price_area(technology, array, arrays, 1, &area);
    peak->gops = 2 * products / (operand_bits * technology->read_ns) * arrays * tiles;
    peak->tile_mw = arrays * ohm_energy_total_pj(&energy) / technology->read_ns + technology->tile_peak_mw;
    peak->chip_w = (tiles * peak->tile_mw + technology->link_mw) * 1e-3;
    peak->tile_mm2 = ohm_area_total_um2(&area) * 1e-6;
    peak->chip_mm2 = tiles * peak->tile_mm2 + technology->link_mm2;
}
