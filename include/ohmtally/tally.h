/* What the hardware did, in whole numbers. Sums over images, threads and ranks are of integers, so a tally does not depend on how the
 * work was split. Prices come at the end (technology.h). Layer: cost. */
#ifndef OHMTALLY_TALLY_H
#define OHMTALLY_TALLY_H
#include <stdint.h>

/* name, unit, meaning */
#define OHM_TALLY_LIST(X)                                                                                                                            \
    X(positions, "1", "output positions computed (input vectors applied to the layer)")                                                              \
    X(conversions, "1", "analogue-to-digital conversions")                                                                                           \
    X(clipped, "1", "conversions whose value lay outside the ADC's codes")                                                                           \
    X(array_reads, "1", "crossbar activations: one array, one input bit step")                                                                       \
    X(row_drives, "1", "word lines driven high: one row of one array, one step with a 1 bit")                                                        \
    X(cells_driven, "1", "cells in use on a word line driven high, summed over steps")                                                               \
    X(cell_levels, "1", "conductance levels of these cells (0 .. 2^cell_bits - 1), summed over steps: what they conducted")                          \
    X(sampled, "1", "bit lines sampled and held")                                                                                                    \
    X(shift_adds, "1", "shift-and-add operations on codes")                                                                                          \
    X(partial_adds, "1", "digital additions of partial sums of different arrays")                                                                    \
    X(input_register_bytes, "B", "bytes written to and read from input registers")                                                                   \
    X(output_register_bytes, "B", "bytes written to output registers, running sums included")                                                        \
    X(buffer_bits, "bit", "bits moved between eDRAM buffer and arrays (inputs read, outputs written)")                                               \
    X(bus_bits, "bit", "bits moved over the tile bus")                                                                                               \
    X(router_bits, "bit", "bits of the layer's input brought through routers to the tiles that hold its rows")                                       \
    X(steps, "1", "reads of the layer's slowest array, position by position: its schedule as it was run")

/* What the simulation did for it: says nothing of the hardware, and a result's digest leaves it out. */
#define OHM_EFFORT_LIST(X) X(evaluated, "1", "conversions that the simulation carried out one by one; the others are proved equal to their counts")

struct ohm_tally {
#define X(name, unit, about) int64_t name;
    OHM_TALLY_LIST(X)
    OHM_EFFORT_LIST(X)
#undef X
};
#define OHM_TALLY_COUNT ((int)(sizeof(struct ohm_tally) / sizeof(int64_t)))
void ohm_tally_add(struct ohm_tally *sum, const struct ohm_tally *more);
/* The counts as an array of OHM_TALLY_COUNT int64 in list order (for reductions and files), and their names and units. */
int64_t *ohm_tally_counts(struct ohm_tally *tally);
const char *ohm_tally_name(int index);
const char *ohm_tally_unit(int index);
const char *ohm_tally_about(int index);

/* What a layer occupies; fixed when it is mapped. */
#define OHM_STORE_LIST(X)                                                                                                                            \
    X(crossbars, "1", "arrays allocated")                                                                                                            \
    X(crossbars_full, "1", "arrays the mapping would take with nothing released")                                                                    \
    X(cells, "1", "cells of the allocated arrays that hold a weight's digit")                                                                        \
    X(cells_on, "1", "of these, cells not in the lowest conductance state")                                                                          \
    X(rows_used, "1", "word lines in use, summed over arrays")                                                                                       \
    X(columns_used, "1", "bit lines in use, summed over arrays")                                                                                     \
    X(index_bits, "bit", "index storage the design needs beside the cells (row flags, flip bits, ...)")                                              \
    X(turns, "1", "row groups the array with the most of them reads one after another")                                                              \
    X(steps_per_position, "1", "reads of the slowest array for one position when none is skipped")                                                   \
    X(columns_read, "1", "bit lines converted in a read of the array with the most of them")                                                         \
    X(serial, "1", "1: conversions take place between reads; 0: during the next read")
struct ohm_store {
#define X(name, unit, about) int64_t name;
    OHM_STORE_LIST(X)
#undef X
};
#define OHM_STORE_COUNT ((int)(sizeof(struct ohm_store) / sizeof(int64_t)))
#define OHM_PLANES 16 /* bit planes (slices of a weight) at most */
int64_t *ohm_store_counts(struct ohm_store *store);
const char *ohm_store_name(int index);
const char *ohm_store_unit(int index);
const char *ohm_store_about(int index);

#endif
