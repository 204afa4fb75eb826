/* Unified blocks: the weights of a block share one magnitude, each with a sign of its own; so in a share of the blocks, those that lose least by it.
 *
 * The magnitude is one in units of the columns' scales: what is stored. Weights that can only be 0 have no part in it. Exact: a block's cost over its
 * magnitude lies on or above a parabola around the mean of its weights' magnitudes, so that the search ends a few levels away from it. (Where weights
 * may be any numbers it is that mean; exact unless an earlier list ends on one side before the other.) */
#include "ohmtally/status.h"
#include "ranked.h"
#include "sets.h"
#include <math.h>
#include <stdlib.h>

enum { ROWS, COLUMNS, SHARE };
static const struct ohm_design_option options[] = {{"rows", 4, 1, 65536, NULL, "rows of a block"},
                                                   {"columns", 4, 1, 65536, NULL, "columns of a block"},
                                                   {"share", 100, 0, 100, NULL, "percent of the blocks that are unified"},
                                                   {0}};

struct weight { /* of a block, one that can be something else than 0 */
    double v, counts;
    const struct ohm_level_list *list;
};
struct block {
    struct weight *weights;
    int32_t n;
    double mean, total, spread; /* cost is at least spread + total (magnitude - mean)^2 */
};
struct work {
    const struct ohm_matrix *matrix;
    const double *v;
    struct ohm_levels *levels;
    int32_t rows, columns, down, across; /* of a block; blocks */
    double *level;                       /* magnitudes of all lists that came in, ascending */
    int32_t nlevel;
    double *magnitude;     /* [blocks] */
    struct ranked *blocks; /* [blocks], least loss first */
    struct block block;    /* scratch */
};

static int32_t smaller(int32_t a, int32_t b) {
    return a < b ? a : b;
}

/* ---- one block ---- */
/* The magnitude a weight would have by itself, were all of them allowed; negative where its sign is not. */
static double own_magnitude(const struct weight *weight) {
    if (weight->list->lo >= 0) return weight->v;
    return weight->list->hi <= 0 ? -weight->v : fabs(weight->v);
}

/* Squared distance from the nearer of -magnitude and magnitude that the list has. */
static double squared(const struct weight *weight, double magnitude) {
    double least = INFINITY;
    for (int32_t sign = -1; sign <= 1; sign += 2) {
        double z = sign * magnitude, off = weight->v - z;
        if (ohm_level_nearest(weight->list, z) == z && off * off < least) least = off * off;
    }
    return least;
}

static double cost_of(const struct block *block, double magnitude) {
    double sum = 0;
    for (int32_t i = 0; i < block->n; i++) sum += block->weights[i].counts * squared(&block->weights[i], magnitude);
    return sum;
}

/* The block's weights and their mean, which is a magnitude exactly where they all have that one. Returns the cost of every weight's nearest level. */
static double read_block(struct work *work, int32_t index) {
    struct block *block = &work->block;
    int32_t row = index / work->across * work->rows, column = index % work->across * work->columns;
    int32_t row_end = row + smaller(work->rows, work->matrix->krows - row),
            column_end = column + smaller(work->columns, work->matrix->ncols - column);
    double first = 0, sum = 0, nearest = 0;
    block->n = 0;
    block->total = block->spread = 0;
    for (int32_t r = row; r < row_end; r++)
        for (int32_t c = column; c < column_end; c++) {
            size_t i = (size_t)r * (size_t)work->matrix->ncols + (size_t)c;
            struct weight weight = {work->v[i], matrix_weight(work->matrix, r, c), levels_at(work->levels, i)};
            if (weight.list->lo == 0 && weight.list->hi == 0) continue;
            if (!block->n) first = own_magnitude(&weight);
            sum += weight.counts * (own_magnitude(&weight) - first);
            double off = weight.v - ohm_level_nearest(weight.list, weight.v);
            nearest += weight.counts * off * off;
            block->total += weight.counts;
            block->weights[block->n++] = weight;
        }
    block->mean = block->n ? first + sum / block->total : 0;
    for (int32_t i = 0; i < block->n; i++) {
        double off = own_magnitude(&block->weights[i]) - block->mean;
        block->spread += block->weights[i].counts * off * off;
    }
    return nearest;
}

/* Any numbers: the mean, or what of it all may have. */
static double nearest_number(const struct block *block) {
    double magnitude = block->mean > 0 ? block->mean : 0;
    for (int32_t i = 0; i < block->n; i++) magnitude = fmin(magnitude, fmax(-block->weights[i].list->lo, block->weights[i].list->hi));
    return magnitude;
}

/* Levels away from the mean, the nearer first, until none can be better. */
static double nearest_level(const struct work *work, double *cost) {
    const struct block *block = &work->block;
    const struct ohm_level_list all = {.n = work->nlevel, .value = work->level};
    int32_t above = levels_at_most(&all, block->mean), below = above - 1;
    double best = 0;
    *cost = INFINITY;
    while (below >= 0 || above < work->nlevel) {
        double down = below < 0 ? INFINITY : block->mean - work->level[below];
        double up = above == work->nlevel ? INFINITY : work->level[above] - block->mean, off = fmin(down, up);
        if (block->spread + block->total * off * off >= *cost) break;
        double magnitude = down <= up ? work->level[below--] : work->level[above++], sum = cost_of(block, magnitude);
        if (sum >= *cost) continue;
        *cost = sum;
        best = magnitude;
    }
    return best;
}

/* Returns what unifying a block loses. */
static double choose_magnitude(struct work *work, int32_t index) {
    double nearest = read_block(work, index), cost = 0;
    bool any_number = true;
    for (int32_t i = 0; i < work->block.n; i++) any_number &= !work->block.weights[i].list->n;
    if (any_number) {
        work->magnitude[index] = nearest_number(&work->block);
        cost = cost_of(&work->block, work->magnitude[index]);
    } else {
        work->magnitude[index] = nearest_level(work, &cost);
    }
    return cost > nearest ? cost - nearest : 0;
}

/* ---- lists ---- */
static int by_size(const void *a, const void *b) {
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

/* Ascending, each once; how many. */
static int32_t sort_once(double *value, int32_t n) {
    int32_t kept = 0;
    qsort(value, (size_t)n, sizeof *value, by_size);
    for (int32_t i = 0; i < n; i++)
        if (!i || value[i] != value[kept - 1]) value[kept++] = value[i];
    return kept;
}

static int read_levels(struct work *work) {
    size_t count = 0;
    for (int32_t i = 0; i < work->levels->nlist; i++) count += (size_t)work->levels->list[i].n;
    work->level = ohm_alloc_array(count, sizeof *work->level);
    if (!work->level) return OHM_E_MEMORY;
    for (int32_t i = 0; i < work->levels->nlist; i++)
        for (int32_t k = 0; k < work->levels->list[i].n; k++) work->level[work->nlevel++] = fabs(work->levels->list[i].value[k]);
    work->nlevel = sort_once(work->level, work->nlevel);
    return OHM_OK;
}

/* Index of what list i has of -magnitude and magnitude; -1 with a recorded failure. */
static int32_t add_pair(struct ohm_levels *levels, int32_t i, double magnitude) {
    double *value = ohm_arena_array(levels->arena, 2, sizeof *value);
    int32_t n = 0;
    if (!value) return -1;
    if (magnitude > 0 && ohm_level_nearest(&levels->list[i], -magnitude) == -magnitude) value[n++] = -magnitude;
    if (ohm_level_nearest(&levels->list[i], magnitude) == magnitude) value[n++] = magnitude;
    return levels_add(levels, (struct ohm_level_list){.n = n, .value = value});
}

/* made [came]: lists of this magnitude, 0: not made. */
static int unify_block(struct work *work, int32_t index, int32_t *made) {
    int32_t row = index / work->across * work->rows, column = index % work->across * work->columns;
    int32_t row_end = row + smaller(work->rows, work->matrix->krows - row),
            column_end = column + smaller(work->columns, work->matrix->ncols - column);
    for (int32_t r = row; r < row_end; r++)
        for (int32_t c = column; c < column_end; c++) {
            uint16_t *which = &work->levels->which[(size_t)r * (size_t)work->matrix->ncols + (size_t)c];
            const struct ohm_level_list *list = &work->levels->list[*which];
            if (list->lo == 0 && list->hi == 0) continue;
            if (!made[*which]) {
                int32_t added = add_pair(work->levels, *which, work->magnitude[index]);
                if (added < 0) return ohm_fail_status();
                made[*which] = added;
            }
            *which = (uint16_t)made[*which];
        }
    return OHM_OK;
}

/* The first `count` blocks; those of one magnitude share their lists. */
static int unify_blocks(struct work *work, int32_t count) {
    size_t came = (size_t)work->levels->nlist;
    double *magnitudes = ohm_alloc_array((size_t)count, sizeof *magnitudes);
    for (int32_t i = 0; magnitudes && i < count; i++) magnitudes[i] = work->magnitude[work->blocks[i].index];
    int32_t n = magnitudes ? sort_once(magnitudes, count) : 0, *made = ohm_alloc_sparse((size_t)n * came, sizeof *made);
    const struct ohm_level_list all = {.n = n, .value = magnitudes};
    int status = magnitudes && made ? OHM_OK : OHM_E_MEMORY;
    for (int32_t i = 0; !status && i < count; i++) {
        int32_t index = work->blocks[i].index, at = levels_at_most(&all, work->magnitude[index]) - 1;
        status = unify_block(work, index, made + (size_t)at * came);
    }
    free(magnitudes);
    free(made);
    return status;
}

static int choose(struct work *work, int32_t nblock, int32_t count) {
    int32_t block_size = smaller(work->rows, work->matrix->krows) * smaller(work->columns, work->matrix->ncols);
    OHM_TRY(read_levels(work));
    work->magnitude = ohm_alloc_array((size_t)nblock, sizeof *work->magnitude);
    work->blocks = ohm_alloc_array((size_t)nblock, sizeof *work->blocks);
    work->block.weights = ohm_alloc_array((size_t)block_size, sizeof *work->block.weights);
    if (!work->magnitude || !work->blocks || !work->block.weights) return OHM_E_MEMORY;
    for (int32_t i = 0; i < nblock; i++) work->blocks[i] = (struct ranked){-choose_magnitude(work, i), i};
    ranked_select(work->blocks, nblock, count);
    for (int32_t i = 0; i < count; i++)
        if (work->blocks[i].gain == -INFINITY)
            return ohm_fail(OHM_E_USAGE, "unify: an earlier constraint leaves weights of a block no common magnitude; put unify before it");
    return unify_blocks(work, count);
}

static int narrow(const struct ohm_design_setting *setting, const struct ohm_matrix *matrix, const double *v, struct ohm_levels *levels) {
    struct work work = {.matrix = matrix, .v = v, .levels = levels};
    work.rows = (int32_t)setting->option[ROWS];
    work.columns = (int32_t)setting->option[COLUMNS];
    work.down = (matrix->krows - 1) / work.rows + 1;
    work.across = (matrix->ncols - 1) / work.columns + 1;
    int32_t nblock = work.down * work.across, count = (int32_t)((int64_t)nblock * setting->option[SHARE] / 100);
    int status = choose(&work, nblock, count);
    free(work.level);
    free(work.magnitude);
    free(work.blocks);
    free(work.block.weights);
    return status;
}

const struct ohm_constraint ohm_constraint_unify = {
    .name = "unify",
    .title = "Micro-structured unification: the weights of a block share one magnitude",
    .source = "Lin et al. 2021 (arXiv 2106.08301), known here from its abstract and a summary: weights of selected blocks share one absolute value; "
              "which blocks, their default shape, and that it is the stored magnitude [inferred]; exact projection",
    .options = options,
    .narrow = narrow,
};
