/* Block-based structured pruning in two steps: inside every block the inputs that matter least to the block's outputs are removed, then, of what is
 * left, whole outputs.
 *
 * The paper's matrix is [outputs x inputs]: its columns inside a block are row segments of an array here, its rows are columns of the matrix. Each
 * step is exact by itself; one after the other they are not the nearest point of both together. */
#include "ohmtally/status.h"
#include "removal.h"

enum { ROWS, COLUMNS, SEGMENTS, FILTERS };
static const struct ohm_design_option options[] = {{"rows", 128, 1, 65536, NULL, "inputs of a block"},
                                                   {"columns", 16, 1, 65536, NULL, "outputs of a block"},
                                                   {"segments", 50, 0, 100, NULL, "percent of each block's inputs that are removed"},
                                                   {"filters", 0, 0, 100, NULL, "percent of all outputs that are removed then"},
                                                   {0}};

static int narrow(const struct ohm_design_setting *setting, const struct ohm_matrix *matrix, const double *v, struct ohm_levels *levels) {
    int32_t rows = (int32_t)setting->option[ROWS], columns = (int32_t)setting->option[COLUMNS];
    struct removal segments = {1, columns, rows, columns, -1, (int32_t)setting->option[SEGMENTS]};
    struct removal filters = {matrix->krows, 1, matrix->krows, matrix->ncols, -1, (int32_t)setting->option[FILTERS]};
    OHM_TRY(removal_narrow("block", &segments, matrix, v, levels));
    return removal_narrow("block", &filters, matrix, v, levels);
}

const struct ohm_constraint ohm_constraint_block = {
    .name = "block",
    .title = "Block-based structured pruning: inputs of each block, then whole outputs (two steps, each nearest by itself)",
    .source = "RTMobile, Dong et al., DAC 2020 (arXiv 2002.11474), known here from its abstract: row-based column block pruning, then column-based "
              "row pruning; how the steps choose [inferred]; each step is an exact projection, both together are not",
    .options = options,
    .narrow = narrow,
};
