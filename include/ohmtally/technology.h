/* Prices: pJ per action, um2 per part, ns per step. The only place where they appear. Filled from jobs/technology/<name>.yml by io.
 * Sources of the shipped numbers are in those files. Layer: cost. */
#ifndef OHMTALLY_TECHNOLOGY_H
#define OHMTALLY_TECHNOLOGY_H
#include "ohmtally/tally.h"

/* enum name, word in a job, meaning */
#define OHM_ADC_LAW_LIST(X)                                                                                                                          \
    X(OHM_ADC_SABERI, "saberi", "linear reference, memory and clock, capacitive DAC 2^bits: ISAAC's scaling rule")                                   \
    X(OHM_ADC_SURVEY, "survey", "regression over the best published converters at the technology's rate and node")                                   \
    X(OHM_ADC_WALDEN, "walden", "a fixed energy per conversion step, 2^bits steps")
enum ohm_adc_law {
#define X(name, word, about) name,
    OHM_ADC_LAW_LIST(X)
#undef X
};
const char *ohm_adc_law_text(enum ohm_adc_law law);
int ohm_adc_law_parse(const char *text, enum ohm_adc_law *law); /* failure (OHM_E_USAGE) names the known ones */

/* key in the file (technology.<key>), unit, meaning; all double, all required, all >= 0; the first OHM_TECHNOLOGY_POSITIVE > 0
 * (they divide or enter a logarithm) */
#define OHM_TECHNOLOGY_POSITIVE 5
#define OHM_TECHNOLOGY_LIST(X)                                                                                                                       \
    X(node_nm, "nm", "feature size, for the survey law")                                                                                             \
    X(array_rows, "1", "rows of the array the per-array prices are for")                                                                             \
    X(array_columns, "1", "columns of that array")                                                                                                   \
    X(read_ns, "ns", "one input step: crossbar read with the conversions of all its columns")                                                        \
    X(adc_rate_gsps, "GS/s", "conversion rate of one ADC")                                                                                           \
    X(pipeline_steps, "1", "further steps from the last conversion until the output is stored")                                                      \
    X(adcs_per_array, "1", "ADCs per array; wider arrays get more, so that a read stays read_ns")                                                    \
    X(adc_walden_fj, "fJ", "figure of merit per conversion step, for the walden law")                                                                \
    X(array_read_pj, "pJ", "one read of a full array")                                                                                               \
    X(row_drive_pj, "pJ", "one word line driven (1-bit DAC)")                                                                                        \
    X(sample_hold_pj, "pJ", "one bit line sampled")                                                                                                  \
    X(shift_add_pj, "pJ", "one shift-and-add")                                                                                                       \
    X(partial_add_pj, "pJ", "one addition of partial sums")                                                                                          \
    X(input_register_pj_per_byte, "pJ", "input register access")                                                                                     \
    X(output_register_pj_per_byte, "pJ", "output register access")                                                                                   \
    X(buffer_pj_per_bit, "pJ", "eDRAM buffer access")                                                                                                \
    X(bus_pj_per_bit, "pJ", "tile bus")                                                                                                              \
    X(array_um2, "um2", "one array")                                                                                                                 \
    X(dac_um2, "um2", "row drivers of one array")                                                                                                    \
    X(sample_hold_um2, "um2", "sample-and-hold of one array")                                                                                        \
    X(shift_add_um2, "um2", "shift-and-add per array")                                                                                               \
    X(input_register_um2, "um2", "input register per array")                                                                                         \
    X(output_register_um2, "um2", "output register per array")                                                                                       \
    X(tile_um2, "um2", "tile-level parts (buffer, bus, router share, functional units) per array")

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
 * walden: adc_walden_fj 2^b; it says nothing of area, which is then saberi's. */
double ohm_adc_energy_pj(const struct ohm_technology *technology, enum ohm_adc_law law, int bits);
double ohm_adc_area_um2(const struct ohm_technology *technology, enum ohm_adc_law law, int bits);

/* component, meaning */
#define OHM_ENERGY_LIST(X)                                                                                                                           \
    X(adc, "conversions")                                                                                                                            \
    X(array, "crossbar reads")                                                                                                                       \
    X(dac, "word line drivers")                                                                                                                      \
    X(sample_hold, "sample-and-hold")                                                                                                                \
    X(shift_add, "shift-and-add")                                                                                                                    \
    X(partial_add, "partial sums")                                                                                                                   \
    X(input_register, "input registers")                                                                                                             \
    X(output_register, "output registers")                                                                                                           \
    X(buffer, "eDRAM buffer")                                                                                                                        \
    X(bus, "tile bus")
struct ohm_energy { /* pJ */
#define X(name, about) double name;
    OHM_ENERGY_LIST(X)
#undef X
};
#define OHM_ENERGY_COUNT ((int)(sizeof(struct ohm_energy) / sizeof(double)))
const char *ohm_energy_name(int index);
const char *ohm_energy_about(int index);
double ohm_energy_total_pj(const struct ohm_energy *energy);
/* Prices a tally taken with ADCs of `adc_bits` on arrays of rows x columns. An array read scales with the cells, a row drive with the columns
 * (its word line's length); the rest does not depend on the array's size. Linear in the counts. */
void ohm_price_energy(const struct ohm_technology *technology, enum ohm_adc_law law, int adc_bits, int32_t rows, int32_t columns,
                      const struct ohm_tally *tally, struct ohm_energy *energy);
/* Area in um2 of `crossbars` arrays with their periphery. Cells scale with rows x columns; row drivers, input registers and the tile's parts
 * (which bring the inputs) with rows; ADCs, sample-and-hold, shift-and-add and output registers with columns. */
double ohm_price_area_um2(const struct ohm_technology *technology, enum ohm_adc_law law, int adc_bits, int32_t rows, int32_t columns,
                          int64_t crossbars);
/* ns for `positions` positions of `steps` steps each, one after another on one copy of the layer, then the pipeline's tail; 0 for no positions. */
double ohm_price_latency_ns(const struct ohm_technology *technology, int64_t positions, int64_t steps);

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
