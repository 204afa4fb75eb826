/* Block-max weight masking: of every block of consecutive weights of a row only the largest stays. Exact (largest: with the largest gain). */
#include "removal.h"

enum { SIZE, ALONG };
enum { ALONG_ROW, ALONG_COLUMN };
static const char *const directions[] = {"row", "column", NULL};
static const struct ohm_design_option options[] = {
    {"size", 8, 1, 1024, NULL, "weights of a block, of which one stays"},
    {"along", ALONG_ROW, 0, 1, directions, "blocks run along a row of the array (one input), or along a column (one output)"},
    {0}};

static int narrow(const struct ohm_design_setting *setting, const struct ohm_matrix *matrix, const double *v, struct ohm_levels *levels) {
    int32_t size = (int32_t)setting->option[SIZE];
    bool row = setting->option[ALONG] == ALONG_ROW;
    struct removal removal = {1, 1, row ? 1 : size, row ? size : 1, .keep = 1};
    return removal_narrow("blockmax", &removal, matrix, v, levels);
}

const struct ohm_constraint ohm_constraint_blockmax = {
    .name = "blockmax",
    .title = "Block-max masking: one weight of every block of a row stays",
    .source = "DARB, Ren et al., AAAI 2020 (arXiv 1911.08020), known here from its abstract: block-max weight masking; one size for all rows, not by "
              "each row's density; which way a row runs is the option `along` [inferred]; exact projection",
    .options = options,
    .narrow = narrow,
};
