/* Resistance of word and bit lines. Given the voltages at the far ends of its cells a line is a ladder, which is solved from its open end to the
 * driven one and back, in sums and products of positive numbers alone. */
#include "ohmtally/wires.h"
#include "ohmtally/memory.h"
#include "ohmtally/plan.h"
#include "ohmtally/status.h"
#include "vary.h"
#include <math.h>
#include <stdlib.h>

#define SETTLED 1e-6 /* of the read voltage */
#define MOST_SWEEPS 2000

/* Lines of one kind: cell k of line l is at l * line + k * cell. */
struct lines {
    int32_t n, ncell;
    size_t line, cell;
    double first, other; /* segments */
    double source;       /* voltage behind the first */
    double *volts;       /* at the cells */
    double *factor;      /* 1 / (1 + segment * conductance from there on) */
};

static double segment(const struct lines *lines, int32_t k) {
    return k ? lines->other : lines->first;
}

static void prepare(struct lines *lines, const double *g) {
    for (int32_t l = 0; l < lines->n; l++) {
        double beyond = 0;
        for (int32_t k = lines->ncell - 1; k >= 0; k--) {
            size_t at = (size_t)l * lines->line + (size_t)k * lines->cell;
            double conductance = g[at] + beyond;
            lines->factor[at] = 1 / (1 + segment(lines, k) * conductance);
            beyond = conductance * lines->factor[at];
        }
    }
}

/* Solves one line; far: the voltages behind its cells. Returns the most that a voltage moved by. */
static double solve_line(const struct lines *lines, size_t start, const double *g, const double *far, double *current) {
    double beyond = 0, before = lines->source, moved = 0;
    for (int32_t k = lines->ncell - 1; k >= 0; k--) {
        size_t at = start + (size_t)k * lines->cell;
        current[k] = g[at] * far[at] + beyond;
        beyond = current[k] * lines->factor[at];
    }
    for (int32_t k = 0; k < lines->ncell; k++) {
        size_t at = start + (size_t)k * lines->cell;
        before = (before + segment(lines, k) * current[k]) * lines->factor[at];
        moved = fmax(moved, fabs(before - lines->volts[at]));
        lines->volts[at] = before;
    }
    return moved;
}

static double solve_lines(const struct lines *lines, const double *g, const double *far, double *current) {
    double moved = 0;
    for (int32_t l = 0; l < lines->n; l++) moved = fmax(moved, solve_line(lines, (size_t)l * lines->line, g, far, current));
    return moved;
}

static int settle(const struct lines *word, const struct lines *bit, const double *g, double *current) {
    double before = 0;
    for (int sweep = 0; sweep < MOST_SWEEPS; sweep++) {
        double words = solve_lines(word, g, bit->volts, current), moved = fmax(words, solve_lines(bit, g, word->volts, current));
        /* Moves shrink like a geometric series: what is still to come is moved^2 / (before - moved). */
        if (moved == 0 || (moved < before && moved * moved < SETTLED * (before - moved))) return OHM_OK;
        before = moved;
    }
    return ohm_fail(OHM_E_UNSUPPORTED, "wires resist too much against cells for the voltages of an array to be found; lower wire_row, wire_column, "
                                       "wire_driver or wire_sense, or raise on_ohm");
}

int ohm_wires_share(const struct ohm_wires *wires, int32_t nrow, int32_t ncol, const double *g, double *share) {
    size_t n = (size_t)nrow * (size_t)ncol, width = (size_t)ncol, longest = (size_t)(nrow > ncol ? nrow : ncol);
    double *work = ohm_alloc_array(4 * n + longest, sizeof *work);
    if (!work) return OHM_E_MEMORY;
    struct lines word = {nrow, ncol, width, 1, wires->driver + wires->row, wires->row, 1, work, work + n};
    struct lines bit = {ncol, nrow, 1, width, wires->sense + wires->column, wires->column, 0, work + 2 * n, work + 3 * n};
    prepare(&word, g);
    prepare(&bit, g);
    int status = settle(&word, &bit, g, work + 4 * n);
    for (size_t i = 0; !status && i < n; i++) share[i] = fmin(fmax(word.volts[i] - bit.volts[i], 0), 1);
    free(work);
    return status;
}

/* What is taken off for level 0 (a unit column, the other column of a pair) is attenuated like the cell it is taken off. */
static int attenuate(struct ohm_tile *tile, const struct ohm_wires *wires, double one, double leak) {
    size_t n = (size_t)tile->nrow * (size_t)tile->ncol;
    double *g = ohm_alloc_array(2 * n, sizeof *g), *share = g + n;
    if (!g) return OHM_E_MEMORY;
    for (size_t i = 0; i < n; i++) g[i] = fmax(tile->held[i] / one + leak, 0);
    int status = ohm_wires_share(wires, tile->nrow, tile->ncol, g, share);
    for (size_t i = 0; !status && i < n; i++) tile->held[i] = (int16_t)rint(tile->held[i] * share[i]);
    free(g);
    return status;
}

int ohm_plan_wire(struct ohm_plan *plan, const struct ohm_noise *noise) {
    int32_t cell_bits = plan->ntile ? plan->tiles[0].cell_bits : 1;
    double siemens = ohm_level_siemens(noise, cell_bits);
    struct ohm_wires wires = {noise->wire.row * siemens, noise->wire.column * siemens, noise->wire.driver * siemens, noise->wire.sense * siemens};
    double leak = ohm_level_leak(noise, cell_bits), one = 1 << plan->fraction;
    for (int32_t t = 0; t < plan->ntile; t++) OHM_TRY(attenuate(&plan->tiles[t], &wires, one, leak));
    return OHM_OK;
}
