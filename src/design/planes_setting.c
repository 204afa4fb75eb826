/* Options of designs with bit planes: what they mean, what contradicts what. */
#include "ohmtally/log.h"
#include "ohmtally/status.h"
#include "planes.h"

const char *const planes_policies[] = {"truncate", "round", "lossless", NULL};
const char *const planes_cells[] = {"1", "2", "4", NULL};
const char *const planes_scopes[] = {"tile", "row", NULL};
const char *const planes_quantizers[] = {"window", "uniform", "power", "additive", NULL};
const char *const planes_scales[] = {"maximum", "error", NULL};

int32_t planes_cell_bits(const struct ohm_design_setting *setting) {
    return 1 << setting->option[PLANES_CELL_BITS];
}

int32_t planes_count(const struct ohm_design_setting *setting) {
    return (setting->weight_bits + planes_cell_bits(setting) - 1) / planes_cell_bits(setting);
}

static struct ohm_grid grid_of(const struct ohm_design_setting *setting) {
    struct ohm_grid grid = {.bits = setting->weight_bits, .window = setting->weight_bits};
    switch ((enum planes_quantizer)setting->option[PLANES_QUANTIZER]) {
    case PLANES_QUANTIZER_WINDOW:
        grid.window = (int32_t)setting->option[PLANES_WINDOW];
        break;
    case PLANES_QUANTIZER_UNIFORM:
        break;
    case PLANES_QUANTIZER_POWER:
        grid.window = 1;
        break;
    case PLANES_QUANTIZER_ADDITIVE:
        grid.terms = (int32_t)setting->option[PLANES_TERMS];
        break;
    }
    return grid;
}

static int check_grid(const char *design, const struct ohm_design_setting *setting) {
    struct ohm_grid grid = grid_of(setting);
    if (grid.window > grid.bits)
        return ohm_fail(OHM_E_USAGE, "%s: window %d is larger than quantize.weight_bits %d; use at most that many", design, grid.window, grid.bits);
    if (grid.terms > grid.bits)
        return ohm_fail(OHM_E_USAGE, "%s: %d terms are more than quantize.weight_bits %d; use at most that many", design, grid.terms, grid.bits);
    return OHM_OK;
}

/* A weight of bit length B that makes its row move loses bits where the shift, ceil((B - keep) / c) c, exceeds its lowest possible 1, B - span; B =
 * keep
 * + 1 is the first to (sme.md C: c = 1: x > Nq - S). */
static void warn_of_loss(const char *design, const struct ohm_design_setting *setting) {
    struct ohm_grid grid = grid_of(setting);
    int32_t cell = planes_cell_bits(setting), keep = (planes_count(setting) - (int32_t)setting->option[PLANES_SQUEEZE]) * cell;
    if (setting->option[PLANES_POLICY] != PLANES_LOSSLESS && keep < grid.bits && keep < ohm_grid_span(&grid) + cell - 1)
        ohm_warn("%s: squeeze %d leaves %d bits to magnitudes of %d significant ones: even the weights that make their rows move lose bits", design,
                 (int)setting->option[PLANES_SQUEEZE], keep, ohm_grid_span(&grid));
}

int planes_configure(const char *design, const struct ohm_design_setting *setting) {
    int32_t squeeze = (int32_t)setting->option[PLANES_SQUEEZE], count = planes_count(setting), cell = planes_cell_bits(setting);
    OHM_TRY(check_grid(design, setting));
    if (squeeze >= count)
        return ohm_fail(OHM_E_USAGE, "%s: squeeze %d would leave none of the %d planes; use at most %d", design, squeeze, count, count - 1);
    if (setting->option[PLANES_POLICY] == PLANES_LOSSLESS && (count + squeeze) * cell > PLANES_SHIFTED_BITS) /* a row that stays has its top plane */
        return ohm_fail(OHM_E_USAGE,
                        "%s: %d planes of %d bits and %d squeezed make %d bits, but sums are shifted by %d at most; use a smaller squeeze", design,
                        count, cell, squeeze, (count + squeeze) * cell, PLANES_SHIFTED_BITS);
    warn_of_loss(design, setting);
    return OHM_OK;
}

void planes_constrain(const struct ohm_design_setting *setting, const struct ohm_layer *layer, struct ohm_weights *weights) {
    struct ohm_grid grid = grid_of(setting);
    ohm_grid_weights(&grid, (enum ohm_grid_scale)setting->option[PLANES_SCALE], setting->per_channel, layer, weights);
}
