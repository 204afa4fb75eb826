/* SME: S-window weights, one array per bit plane and sign, squeeze-out of the top planes. */
#include "planes.h"

static const struct ohm_design_option options[] = {PLANES_OPTIONS, {0}};

static int configure(const struct ohm_design_setting *setting) {
    return planes_configure("sme", setting);
}

static int32_t lossless_bits(const struct ohm_design_setting *setting) {
    return design_count_bits(setting->array_rows, planes_cell_bits(setting));
}

static int place(const struct ohm_design_setting *setting, const struct ohm_layer *layer, const int32_t *w, struct ohm_plan *plan) {
    struct planes_rules all_rows = {.rows_per_read = setting->array_rows};
    return planes_place(setting, layer, w, plan, &all_rows);
}

const struct ohm_design ohm_design_sme = {
    .name = "sme",
    .title = "SME: S-window weights, inter-crossbar bit planes, squeeze-out",
    .source = "Liu et al., ICCD 2021 (arXiv 2103.01705), known here from its abstract and from the description in BWQ (TCAD 2024, Sec. VI-B)",
    .departures = "Inferred, not from the paper's text: " PLANES_DEPARTURES,
    .options = options,
    .configure = configure,
    .place = place,
    .lossless_bits = lossless_bits,
    .cell_bits = planes_cell_bits,
    .constrain = planes_constrain,
};
