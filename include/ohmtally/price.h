/* What counts cost: energy, area and time of one layer, and a chip's peak. Pure functions of a technology and of numbers. Layer: cost. */
#ifndef OHMTALLY_PRICE_H
#define OHMTALLY_PRICE_H
#include "ohmtally/technology.h"
#include <stdbool.h>

/* The arrays priced, as far as prices depend on them. */
struct ohm_array {
    enum ohm_adc_law law;
    int adc_bits, cell_bits;
    int32_t rows, columns;
};

/* component, meaning: what actions cost */
#define OHM_ENERGY_LIST(X)                                                                                                                           \
    X(adc, "conversions")                                                                                                                            \
    X(array, "current through driven cells")                                                                                                         \
    X(dac, "word line drivers")                                                                                                                      \
    X(sample_hold, "sample-and-hold")                                                                                                                \
    X(shift_add, "shift-and-add")                                                                                                                    \
    X(partial_add, "partial sums")                                                                                                                   \
    X(input_register, "input registers")                                                                                                             \
    X(output_register, "output registers")                                                                                                           \
    X(buffer, "eDRAM buffer")                                                                                                                        \
    X(bus, "tile bus")                                                                                                                               \
    X(router, "routers")
struct ohm_energy { /* pJ */
#define X(name, about) double name;
    OHM_ENERGY_LIST(X)
#undef X
};
#define OHM_ENERGY_COUNT ((int)(sizeof(struct ohm_energy) / sizeof(double)))
const char *ohm_energy_name(int index);
const char *ohm_energy_about(int index);
double ohm_energy_total_pj(const struct ohm_energy *energy);
/* Prices a tally; linear in its counts. A driven cell takes cell_read_fj in the top state and 1 / cell_on_off of it in the lowest, in proportion
 * to its level between; a row drive scales with the columns (its word line's length); the rest does not depend on the array's size. */
void ohm_price_energy(const struct ohm_technology *technology, const struct ohm_array *array, const struct ohm_tally *tally,
                      struct ohm_energy *energy);

/* component, meaning; those named tile_ are shared by the arrays of a tile */
#define OHM_AREA_LIST(X)                                                                                                                             \
    X(adc, "converters")                                                                                                                             \
    X(array, "cells")                                                                                                                                \
    X(dac, "word line drivers")                                                                                                                      \
    X(sample_hold, "sample-and-hold")                                                                                                                \
    X(shift_add, "shift-and-add")                                                                                                                    \
    X(input_register, "input registers")                                                                                                             \
    X(output_register, "output registers")                                                                                                           \
    X(tile_buffer, "eDRAM buffers of tiles")                                                                                                         \
    X(tile_bus, "buses of tiles")                                                                                                                    \
    X(tile_router, "router shares of tiles")                                                                                                         \
    X(tile_digital, "activation, pooling, shift-and-add and output registers of tiles")
struct ohm_area { /* um2 */
#define X(name, about) double name;
    OHM_AREA_LIST(X)
#undef X
};
#define OHM_AREA_COUNT ((int)(sizeof(struct ohm_area) / sizeof(double)))
double ohm_area_total_um2(const struct ohm_area *area);
/* `arrays` arrays, and `tiles` tiles, which may be a share of one. Cells scale with rows x columns; row drivers and input registers with rows;
 * ADCs, sample-and-hold, shift-and-add and output registers with columns. */
void ohm_price_area(const struct ohm_technology *technology, const struct ohm_array *array, double arrays, double tiles, struct ohm_area *area);
/* Tiles that arrays fill, as a share: a tile brings inputs to arrays_per_tile x array_rows word lines. Rounded up: whole tiles. */
double ohm_price_tile_share(const struct ohm_technology *technology, const struct ohm_array *array, int64_t arrays);
int64_t ohm_price_tiles(const struct ohm_technology *technology, const struct ohm_array *array, int64_t arrays);

double ohm_price_adcs(const struct ohm_technology *technology, int32_t array_columns); /* of an array of so many columns */
/* ns of one step: a read, and the conversions of `columns` bit lines of an array on its ADCs. Serial: the next read waits for the conversions;
 * otherwise they take place during the next read. */
double ohm_price_step_ns(const struct ohm_technology *technology, const struct ohm_array *array, int64_t columns, bool serial);
/* ns from the last step until its output is stored. */
double ohm_price_tail_ns(const struct ohm_technology *technology);
/* Standing power in uW of arrays with their ADCs, and of tiles. */
double ohm_price_leakage_uw(const struct ohm_technology *technology, const struct ohm_array *array, double arrays, double tiles);

/* A chip with every array at work in every step. */
struct ohm_peak {
    double gops; /* multiplications and additions, 10^9 / s */
    double tile_mw, chip_w, tile_mm2, chip_mm2;
};
/* Operands (weights and inputs) of operand_bits; array: of the technology's size. */
void ohm_price_peak(const struct ohm_technology *technology, const struct ohm_array *array, int operand_bits, struct ohm_peak *peak);

/* Crossbars a layer would take under mappings papers compare against: groups matrices of krows x ncols weights on rows x columns arrays, one
 * polarity; cells = cells per weight, side by side. Groups small enough share arrays block-diagonally: floor(rows / krows) of them, or fewer
 * where columns run out. Bit planes in arrays of their own (SME's inter-crossbar mapping) take bits * the count at cells = 1. All > 0. */
int64_t ohm_baseline_crossbars(int32_t groups, int32_t krows, int32_t ncols, int32_t rows, int32_t columns, int32_t cells);
/* name, cells per weight, meaning */
#define OHM_BASELINE_LIST(X)                                                                                                                         \
    X(slc8, 8, "8-bit weights, 1-bit cells side by side")                                                                                            \
    X(isaac16, 8, "16-bit weights, 2-bit cells (ISAAC)")                                                                                             \
    X(slc16, 16, "16-bit weights, 1-bit cells side by side")                                                                                         \
    X(slc32, 32, "32-bit weights, 1-bit cells side by side")

#endif
