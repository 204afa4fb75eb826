/* SoBS-X: SME's arrays, read a few rows at a time; rows are grouped so that those read together take equally long, and reads overlap conversions. */
#include "ohmtally/status.h"
#include "planes.h"
#include <stdlib.h>

enum { ROWS_PER_READ = PLANES_NOPTION, WORKLOAD, SORT, SKIP, PIPELINE };
enum { CYCLES, PLANE_ROWS };
static const char *const workload_choices[] = {"cycles", "plane_rows", NULL};
static const char *const switch_choices[] = {"off", "on", NULL};
#define X(name, word, about) word,
static const char *const skip_choices[] = {OHM_SKIP_LIST(X) NULL};
#undef X
static const struct ohm_design_option options[] = {
    PLANES_OPTIONS,
    {"rows_per_read", 16, 1, 4096, NULL, "word lines driven together at most: an array's rows are read in turns of this many"},
    {"workload", CYCLES, 0, 1, workload_choices,
     "what is balanced: input cycles of rows read together (cycles), or non-empty rows of each plane over arrays (plane_rows)"},
    {"sort", 1, 0, 1, switch_choices, "rows with equal input cycles are read together; off: rows in order"},
    {"skip", OHM_SKIP_NONE, 0, 2, skip_choices,
     "reads left out: none, those after the turn's highest input bit (leading), all without a 1 bit (zero)"},
    {"pipeline", 1, 0, 1, switch_choices, "the next read overlaps the conversions of this one"},
    {0},
};

static int32_t rows_per_read(const struct ohm_design_setting *setting) {
    return (int32_t)setting->option[ROWS_PER_READ];
}

static int configure(const struct ohm_design_setting *setting) {
    if (rows_per_read(setting) > setting->array_rows)
        return ohm_fail(OHM_E_USAGE, "sobsx: rows_per_read %d is more than an array's %d rows; use at most that many", rows_per_read(setting),
                        setting->array_rows);
    return planes_configure("sobsx", setting);
}

static int32_t lossless_bits(const struct ohm_design_setting *setting) {
    return design_count_bits(rows_per_read(setting), planes_cell_bits(setting));
}

/* Index bits of a choice and order of n rows out of nrow: their numbers where they are sorted, one bit for each of the nrow rows where they are not.
 */
static int64_t order_bits(bool sorted, int32_t n, int32_t nrow) {
    int32_t bits = 0;
    while (1 << bits < nrow) bits++;
    return sorted ? (int64_t)n * bits : nrow;
}

/* Longest first: the rows that begin turns 1, 2, ... then are the shortest possible ones, and with them the sum over turns of the longest row. */
static int32_t arrange(const struct planes *p, const struct planes_block *block, int32_t g, int32_t plane, int32_t *rows) {
    const struct planes_line *lines = block->lines + (size_t)g * (size_t)block->patch.nrow;
    bool sorted = p->setting->option[SORT], whole_rows = plane < 0 && p->together; /* whole matrix rows are reordered before the network runs */
    int32_t n = 0, longest = 0, nrow = block->patch.nrow;
    for (int32_t r = 0; r < nrow; r++) longest = lines[r].shift > longest ? lines[r].shift : longest;
    for (int32_t shift = longest; shift >= 0; shift--) {
        for (int32_t r = 0; r < nrow; r++) {
            bool driven = plane < 0 ? lines[r].flagged != 0 : planes_holds(p, lines[r].held, plane);
            if (driven && (!sorted || lines[r].shift == shift)) rows[n++] = r;
        }
        if (!sorted) break;
    }
    if (!whole_rows) p->plan->store.index_bits += order_bits(sorted, n, nrow);
    return n;
}

struct work {
    int32_t row, plane_rows;
};

static int more_work_first(const void *left, const void *right) {
    const struct work *a = left, *b = right;
    return a->plane_rows != b->plane_rows ? (a->plane_rows < b->plane_rows ? 1 : -1) : (a->row > b->row) - (a->row < b->row);
}

/* Non-empty rows that a matrix row makes in all arrays of its block, both signs. */
static int32_t plane_rows(struct planes *p, int32_t group, int32_t row) {
    int32_t sum = 0;
    for (int32_t column = 0, ncol; column < p->layer->ncols; column += ncol) {
        ncol = p->layer->ncols - column < p->setting->array_columns ? p->layer->ncols - column : p->setting->array_columns;
        for (int32_t sign = -1; sign <= 1; sign += 2) {
            uint32_t held = planes_line(p, group, row, column, ncol, sign).held;
            for (int32_t plane = 0; plane < p->count; plane++) sum += planes_holds(p, held, plane);
        }
    }
    return sum;
}

/* Every row, those with the most work first, goes to the block that has the least work so far and room. */
static int deal(struct planes *p, int32_t group, int32_t nblock, int32_t *block_of) {
    int32_t krows = p->layer->krows;
    struct work *work = ohm_alloc_array((size_t)krows, sizeof *work);
    int64_t *load = ohm_alloc_array((size_t)nblock, sizeof *load);
    int32_t *rows = ohm_alloc_array((size_t)nblock, sizeof *rows);
    bool enough = work && load && rows;
    for (int32_t row = 0; enough && row < krows; row++) work[row] = (struct work){row, plane_rows(p, group, row)};
    if (enough) qsort(work, (size_t)krows, sizeof *work, more_work_first);
    for (int32_t i = 0; enough && i < krows; i++) {
        int32_t best = -1;
        for (int32_t b = 0; b < nblock; b++)
            if (rows[b] < p->setting->array_rows && (best < 0 || load[b] < load[best])) best = b;
        block_of[work[i].row] = best;
        load[best] += work[i].plane_rows;
        rows[best]++;
    }
    free(work);
    free(load);
    free(rows);
    return enough ? OHM_OK : OHM_E_MEMORY;
}

static int place(const struct ohm_design_setting *setting, const struct ohm_layer *layer, const int32_t *w, struct ohm_plan *plan) {
    bool per_plane = setting->option[WORKLOAD] == PLANE_ROWS;
    struct planes_rules rules = {rows_per_read(setting), per_plane, arrange, per_plane ? deal : NULL};
    plan->skip = (enum ohm_skip)setting->option[SKIP];
    plan->serial = !setting->option[PIPELINE];
    return planes_place(setting, layer, w, plan, &rules);
}

const struct ohm_design ohm_design_sobsx = {
    .name = "sobsx",
    .title = "SoBS-X: SME with rows read in balanced turns, and a pipeline",
    .source = "Liu et al., TCAD 2023 (doi 10.1109/TCAD.2022.3172907), known here from its abstract only",
    .departures =
        "All but the words \"workload grouping\" and \"pipeline\" is inferred. Turns: rows_per_read is not known (9 rows in BWQ's harness, 8 or 16 "
        "in FORMS); it limits what a bit line adds up, so groups of a block-diagonal array are read together. Grouping, first reading (cycles): "
        "rows that are empty in all planes of a tile are left out, or, with flag_scope row, rows empty in the whole matrix row; the others are "
        "sorted by input cycles, longest first. Second reading (plane_rows): a plane's array drives its own non-empty rows only, and rows are dealt "
        "to arrays so that these are balanced, longest first. A row order is free where whole matrix rows are reordered (cycles with flag_scope "
        "row); otherwise it costs index bits: the number of every row driven, or one bit per row where they are not sorted. Skipped reads are not "
        "in the paper's abstract. No training onto the grid (the paper's is by ADMM). As in sme: " PLANES_DEPARTURES,
    .options = options,
    .configure = configure,
    .place = place,
    .lossless_bits = lossless_bits,
    .cell_bits = planes_cell_bits,
    .driven_rows = rows_per_read,
    .constrain = planes_constrain,
};
