/* N:M sparsity: at most n of m consecutive rows of a column are not 0. Exact. */
#include "ohmtally/status.h"
#include "removal.h"

enum { N, M };
static const struct ohm_design_option options[] = {
    {"n", 2, 1, 1024, NULL, "weights that are not 0, at most"}, {"m", 4, 1, 1024, NULL, "of so many consecutive rows of a column"}, {0}};

static int configure(const struct ohm_design_setting *setting) {
    if (setting->option[N] <= setting->option[M]) return OHM_OK;
    return ohm_fail(OHM_E_USAGE, "nm: n %d is larger than m %d", (int)setting->option[N], (int)setting->option[M]);
}

static int narrow(const struct ohm_design_setting *setting, const struct ohm_matrix *matrix, const double *v, struct ohm_levels *levels) {
    struct removal removal = {1, 1, (int32_t)setting->option[M], 1, .keep = (int32_t)setting->option[N]};
    return removal_narrow("nm", &removal, matrix, v, levels);
}

const struct ohm_constraint ohm_constraint_nm = {
    .name = "nm",
    .title = "N:M sparsity along the rows of a column",
    .source = "Mishra et al. 2021 (arXiv 2104.08378): 2:4 along the dimension that is summed over; here in the order channel, kernel row, kernel "
              "column [inferred]; exact projection",
    .options = options,
    .configure = configure,
    .narrow = narrow,
};
