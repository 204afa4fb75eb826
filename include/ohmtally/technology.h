/* Prices: pJ per action, um2 per part, ns per step. The only place where they appear. Filled from jobs/technology/<name>.yml by io.
 * Sources of the shipped numbers are in those files. What is made of them: price.h. Layer: cost. */
#ifndef OHMTALLY_TECHNOLOGY_H
#define OHMTALLY_TECHNOLOGY_H
#include "ohmtally/tally.h"

/* enum name, word in a job, meaning */
#define OHM_ADC_LAW_LIST(X)                                                                                                                          \
    X(OHM_ADC_SABERI, "saberi", "linear reference, memory and clock, capacitive DAC 2^bits: ISAAC's scaling rule")                                   \
    X(OHM_ADC_SURVEY, "survey", "regression over the best published converters at the technology's rate and node")                                   \
    X(OHM_ADC_WALDEN, "walden", "a fixed energy per conversion step, 2^bits steps")                                                                  \
    X(OHM_ADC_FORMS, "forms", "the 4-bit converter of FORMS, scaled with bits as saberi")
enum ohm_adc_law {
#define X(name, word, about) name,
    OHM_ADC_LAW_LIST(X)
#undef X
        OHM_ADC_LAWS
};
const char *ohm_adc_law_text(enum ohm_adc_law law);
int ohm_adc_law_parse(const char *text, enum ohm_adc_law *law); /* failure (OHM_E_USAGE) names the known ones */

/* key in the file (technology.<key>), unit, meaning; all double, all required, all >= 0; the first OHM_TECHNOLOGY_POSITIVE > 0
 * (they divide or enter a logarithm) */
#define OHM_TECHNOLOGY_POSITIVE 8
#define OHM_TECHNOLOGY_LIST(X)                                                                                                                       \
    X(node_nm, "nm", "feature size, for the survey law")                                                                                             \
    X(array_rows, "1", "rows of the array the per-array prices are for")                                                                             \
    X(array_columns, "1", "columns of that array")                                                                                                   \
    X(read_ns, "ns", "one crossbar read")                                                                                                            \
    X(adc_rate_gsps, "GS/s", "conversion rate of one ADC")                                                                                           \
    X(adcs_per_array, "1", "ADCs per array; wider arrays get more in proportion")                                                                    \
    X(arrays_per_tile, "1", "arrays that share a tile's parts")                                                                                      \
    X(cell_on_off, "1", "conductance of a cell in the top state over that in the lowest")                                                            \
    X(pipeline_steps, "1", "further steps of read_ns from the last conversion until the output is stored")                                           \
    X(adc_walden_fj, "fJ", "figure of merit per conversion step, for the walden law")                                                                \
    X(cell_read_fj, "fJ", "one driven cell in the top state for one read")                                                                           \
    X(row_drive_pj, "pJ", "one word line driven (1-bit DAC)")                                                                                        \
    X(sample_hold_pj, "pJ", "one bit line sampled")                                                                                                  \
    X(shift_add_pj, "pJ", "one shift-and-add")                                                                                                       \
    X(partial_add_pj, "pJ", "one addition of partial sums")                                                                                          \
    X(input_register_pj_per_byte, "pJ", "input register access")                                                                                     \
    X(output_register_pj_per_byte, "pJ", "output register access")                                                                                   \
    X(buffer_pj_per_bit, "pJ", "eDRAM buffer access")                                                                                                \
    X(bus_pj_per_bit, "pJ", "tile bus")                                                                                                              \
    X(router_pj_per_bit, "pJ", "router between tiles")                                                                                               \
    X(leakage_adc_uw_per_bit, "uW", "standing power of one ADC per bit of its resolution")                                                           \
    X(leakage_array_uw, "uW", "standing power of one array's other parts")                                                                           \
    X(leakage_tile_uw, "uW", "standing power of one tile's shared parts")                                                                            \
    X(array_um2, "um2", "one array")                                                                                                                 \
    X(dac_um2, "um2", "row drivers of one array")                                                                                                    \
    X(sample_hold_um2, "um2", "sample-and-hold of one array")                                                                                        \
    X(shift_add_um2, "um2", "shift-and-add per array")                                                                                               \
    X(input_register_um2, "um2", "input register per array")                                                                                         \
    X(output_register_um2, "um2", "output register per array")                                                                                       \
    X(tile_buffer_um2, "um2", "eDRAM buffer of a tile")                                                                                              \
    X(tile_bus_um2, "um2", "bus of a tile")                                                                                                          \
    X(tile_router_um2, "um2", "a tile's share of its router")                                                                                        \
    X(tile_digital_um2, "um2", "activation, pooling, shift-and-add and output registers of a tile")                                                  \
    X(tiles_per_chip, "1", "tiles of a chip, for its peak")                                                                                          \
    X(adc_rated_gsps, "GS/s", "rate at which the converters' peak power is stated")                                                                  \
    X(tile_peak_mw, "mW", "power of one tile's shared parts at full load")                                                                           \
    X(link_mw, "mW", "chip-to-chip links of one chip")                                                                                               \
    X(link_mm2, "mm2", "area of these links")

struct ohm_technology {
    char name[64];
    char source[256];
#define X(name, unit, about) double name;
    OHM_TECHNOLOGY_LIST(X)
#undef X
};
#define X(name, unit, about) +1
enum { OHM_TECHNOLOGY_COUNT = 0 OHM_TECHNOLOGY_LIST(X) };
#undef X
/* Key names, units and meanings in list order with pointers to the fields, for the reader and for reports. */
const char *ohm_technology_key(int index);
const char *ohm_technology_unit(int index);
const char *ohm_technology_about(int index);
double *ohm_technology_field(struct ohm_technology *technology, int index);

/* Energy of one conversion in pJ and area in um2 at `bits` (1..16).
 * saberi: 0.194894 b + 4.19992e-4 2^b pJ, 81.7269 b + 2.13353 2^b um2, at 32 nm and 1.2 GS/s whatever the technology says.
 * survey: at the technology's node and rate; below 4 bits, where it has no data, the price of 4 bits.
 * walden: adc_walden_fj 2^b; it says nothing of area, which is then saberi's.
 * forms: 0.226 pJ and 284 um2 at 4 bits; other resolutions in saberi's ratio to 4 bits. */
double ohm_adc_energy_pj(const struct ohm_technology *technology, enum ohm_adc_law law, int bits);
double ohm_adc_area_um2(const struct ohm_technology *technology, enum ohm_adc_law law, int bits);

#endif
