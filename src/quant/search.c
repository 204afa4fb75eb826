/* The least-squared-error range: the ends are tried on a geometric grid below the extremes, one end after the other. */
#include "choose.h"
#include <math.h>

#define TRIALS 72       /* per end; the smallest trial is 0.94^71 = 1.2 % of the extreme */
#define TRIAL_STEP 0.94 /* between trials */

struct grid { /* representable values: step * k, bottom .. top */
    double step, bottom, top;
};

/* Integral over x from 0 to t of the squared rounding error: step^3 / 12 per step, and the rest of the last one. */
static double rounding_integral(const struct grid *grid, double t) {
    const double whole = rint(t / grid->step), rest = t - whole * grid->step;
    return (whole * grid->step * grid->step * grid->step) / 12 + rest * rest * rest / 3;
}

/* The same with clipping at both ends. */
static double error_integral(const struct grid *grid, double t) {
    if (t > grid->top) return rounding_integral(grid, grid->top) + (t - grid->top) * (t - grid->top) * (t - grid->top) / 3;
    if (t < grid->bottom) return rounding_integral(grid, grid->bottom) + (t - grid->bottom) * (t - grid->bottom) * (t - grid->bottom) / 3;
    return rounding_integral(grid, t);
}

static double point_error(const struct grid *grid, double x) {
    double nearest = rint(x / grid->step) * grid->step;
    nearest = nearest > grid->top ? grid->top : nearest < grid->bottom ? grid->bottom : nearest;
    return (x - nearest) * (x - nearest);
}

static double total_error(const struct bin *bins, int32_t nbin, struct interval range, int32_t bits) {
    const double levels = (double)((1 << bits) - 1), step = (range.hi - range.lo) / levels, zero = rint(-range.lo / step);
    const struct grid grid = {.step = step, .bottom = -zero * step, .top = (levels - zero) * step};
    double sum = 0;
    for (int32_t i = 0; i < nbin; i++) {
        const double width = bins[i].to - bins[i].from;
        const double mean =
            width > 0 ? (error_integral(&grid, bins[i].to) - error_integral(&grid, bins[i].from)) / width : point_error(&grid, bins[i].from);
        sum += bins[i].count * mean;
    }
    return sum;
}

/* Replaces *end (range.lo or range.hi) by the best trial between `extreme` and 0; of equally good ones the widest. */
static void search_end(const struct bin *bins, int32_t nbin, int32_t bits, struct interval *range, double *end, double extreme) {
    double best = 0, least = INFINITY, trial = extreme;
    for (int i = 0; i < TRIALS && extreme != 0; i++, trial *= TRIAL_STEP) {
        *end = trial;
        double error = total_error(bins, nbin, *range, bits);
        if (error < least) {
            least = error;
            best = trial;
        }
    }
    *end = best;
}

struct interval search_least_error(const struct bin *bins, int32_t nbin, struct interval all, int32_t bits) {
    struct interval range = all;
    search_end(bins, nbin, bits, &range, &range.hi, all.hi);
    if (all.lo < 0) {
        search_end(bins, nbin, bits, &range, &range.lo, all.lo);
        search_end(bins, nbin, bits, &range, &range.hi, all.hi);
    }
    return range;
}
