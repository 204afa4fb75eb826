/* Wires that resist: what is left of the read voltage across every cell of an array (IR drop).
 *
 * Word line i is driven at its column 0, bit line j is sensed, at 0 V, at its row 0; a segment of `row` ohm lies before each cell of a word line, the
 * first of them behind the driver's own resistance, and one of `column` ohm before each cell of a bit line, the first behind the sensing circuit's.
 * Word lines that are not driven are held at 0 V. Cells are linear, so that the currents are sums over the driven rows, but a row's share of a bit
 * line's current depends on all cells of the array. It is taken to be conductance times the voltage across the cell while all rows are driven: exact
 * for that input, and where only one kind of line resists; results/noise.md has the error for others, against an exact solution of all nodes. Unused
 * rows and columns of an array lie beyond the used ones, and are taken to be cut off. Layer: xbar. Not collective, no threads. */
#ifndef OHMTALLY_WIRES_H
#define OHMTALLY_WIRES_H
#include <stdint.h>

struct ohm_wires {
    double row, column, driver, sense; /* resistances, 0 or more, in units of 1 / the unit of conductances */
};

/* share [nrow][ncol] (0 .. 1) from the cells' conductances g [nrow][ncol], 0 or more. Word lines and bit lines are solved in turn, each with the
 * others' voltages held, until none will move by 1e-6 any more: the same bits on every machine. OHM_E_MEMORY; OHM_E_UNSUPPORTED where that takes too
 * long, as with wires that resist more than cells. */
int ohm_wires_share(const struct ohm_wires *wires, int32_t nrow, int32_t ncol, const double *g, double *share);

#endif
