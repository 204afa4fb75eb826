/* Every weight by itself on a grid: a whole number whose magnitude is on it (grid.h), of either sign. No structure: alone or after any other
 * constraint an exact projection. */
#include "ohmtally/status.h"
#include "sets.h"
#include <stdlib.h>

enum { BITS, OF_GRID };
#define BITS_OPTION                                                                                                                                  \
    { "bits", 0, 0, 16, NULL, "bits of a magnitude; 0: quantize.weight_bits" }

static struct ohm_grid grid_of(const struct ohm_design_setting *setting) {
    int32_t bits = setting->option[BITS] ? (int32_t)setting->option[BITS] : setting->weight_bits;
    return (struct ohm_grid){.bits = bits, .window = bits};
}

/* ---- narrowing ---- */
/* Magnitudes of the grid, ascending from 0; how many. */
static int32_t list_magnitudes(const struct ohm_grid *grid, int32_t *magnitude) {
    int32_t n = 0;
    for (int32_t m = 0; m <= ohm_grid_top(grid); m++)
        if (ohm_grid_nearest(grid, (float)m) == m) magnitude[n++] = m;
    return n;
}

static bool list_has(const struct ohm_level_list *list, double value) {
    return ohm_level_nearest(list, value) == value;
}

static int narrow_list(struct ohm_levels *levels, int32_t i, const int32_t *magnitude, int32_t nmagnitude) {
    struct ohm_level_list *list = &levels->list[i];
    double *value = ohm_arena_array(levels->arena, 2 * (size_t)nmagnitude, sizeof *value);
    int32_t n = 0;
    if (!value) return OHM_E_MEMORY;
    for (int32_t k = nmagnitude - 1; k > 0; k--)
        if (list_has(list, -magnitude[k])) value[n++] = -magnitude[k];
    for (int32_t k = 0; k < nmagnitude; k++)
        if (list_has(list, magnitude[k])) value[n++] = magnitude[k];
    if (n) *list = (struct ohm_level_list){.n = n, .value = value, .lo = value[0], .hi = value[n - 1]};
    return n ? OHM_OK : OHM_E_USAGE;
}

int grid_narrow(const char *name, const struct ohm_grid *grid, struct ohm_levels *levels) {
    int32_t *magnitude = ohm_alloc_array((size_t)ohm_grid_top(grid) + 1, sizeof *magnitude);
    if (!magnitude) return OHM_E_MEMORY;
    int32_t n = list_magnitudes(grid, magnitude);
    int status = OHM_OK;
    for (int32_t i = 0; !status && i < levels->nlist; i++) status = narrow_list(levels, i, magnitude, n);
    free(magnitude);
    if (status == OHM_E_USAGE)
        return ohm_fail(status, "%s: an earlier constraint leaves weights of which no value is on this grid; put the grid before it", name);
    return status;
}

/* ---- the sets ---- */
static int configure_window(const struct ohm_design_setting *setting) {
    int32_t bits = grid_of(setting).bits;
    if (setting->option[OF_GRID] <= bits) return OHM_OK;
    return ohm_fail(OHM_E_USAGE, "window: window %d is larger than the magnitudes' %d bits; use at most that many", (int)setting->option[OF_GRID],
                    bits);
}

static int configure_additive(const struct ohm_design_setting *setting) {
    int32_t bits = grid_of(setting).bits;
    if (setting->option[OF_GRID] <= bits) return OHM_OK;
    return ohm_fail(OHM_E_USAGE, "additive: %d terms are more than the magnitudes' %d bits; use at most that many", (int)setting->option[OF_GRID],
                    bits);
}

static int narrow_window(const struct ohm_design_setting *setting, const struct ohm_matrix *matrix, const double *v, struct ohm_levels *levels) {
    struct ohm_grid grid = grid_of(setting);
    grid.window = (int32_t)setting->option[OF_GRID];
    return grid_narrow("window", &grid, levels);
}

static int narrow_uniform(const struct ohm_design_setting *setting, const struct ohm_matrix *matrix, const double *v, struct ohm_levels *levels) {
    struct ohm_grid grid = grid_of(setting);
    return grid_narrow("uniform", &grid, levels);
}

static int narrow_power(const struct ohm_design_setting *setting, const struct ohm_matrix *matrix, const double *v, struct ohm_levels *levels) {
    struct ohm_grid grid = grid_of(setting);
    grid.window = 1;
    return grid_narrow("power", &grid, levels);
}

static int narrow_additive(const struct ohm_design_setting *setting, const struct ohm_matrix *matrix, const double *v, struct ohm_levels *levels) {
    struct ohm_grid grid = grid_of(setting);
    grid.terms = (int32_t)setting->option[OF_GRID];
    return grid_narrow("additive", &grid, levels);
}

static const struct ohm_design_option of_bits[] = {BITS_OPTION, {0}};
static const struct ohm_design_option of_window[] = {
    BITS_OPTION, {"window", 3, 1, 16, NULL, "S: a weight's ones lie within this many consecutive bits"}, {0}};
static const struct ohm_design_option of_additive[] = {BITS_OPTION, {"terms", 2, 1, 4, NULL, "powers of two in a magnitude at most"}, {0}};

const struct ohm_constraint ohm_constraint_window = {
    .name = "window",
    .title = "S-window: the ones of a magnitude within a few consecutive bits",
    .source =
        "SME, Liu et al., ICCD 2021 (arXiv 2103.01705): at most 3 consecutive bits of a weight are non-zero, as described in BWQ (TCAD 2024, Sec. "
        "VI-B); the grid that follows from it [inferred]; exact projection",
    .options = of_window,
    .configure = configure_window,
    .narrow = narrow_window,
};
const struct ohm_constraint ohm_constraint_uniform = {
    .name = "uniform",
    .title = "Whole numbers of a magnitude's bits",
    .source = "Plain rounding; exact projection",
    .options = of_bits,
    .narrow = narrow_uniform,
};
const struct ohm_constraint ohm_constraint_power = {
    .name = "power",
    .title = "Powers of two and 0",
    .source = "INQ, Zhou et al., ICLR 2017 (arXiv 1702.03044): powers of two; here all of the magnitude's bits; exact projection",
    .options = of_bits,
    .narrow = narrow_power,
};
const struct ohm_constraint ohm_constraint_additive = {
    .name = "additive",
    .title = "Sums of a few powers of two",
    .source = "In the manner of APoT, Li et al., ICLR 2020 (arXiv 1909.13144), restricted to the bit planes: no base or exponents of its own; exact "
              "projection",
    .options = of_additive,
    .configure = configure_additive,
    .narrow = narrow_additive,
};
