/* Groups of a block-diagonal layer that share an array: on the bit lines of one the cells of the others' rows are 0 as programmed, but not when they
 * are stuck or leak. */
#include "ohmtally/plan.h"
#include "ohmtally/status.h"
#include <stdlib.h>
#include <string.h>

struct entry {
    const struct ohm_use *use;
};

static int by_tile_turn_row(const void *left, const void *right) {
    const struct ohm_use *a = ((const struct entry *)left)->use, *b = ((const struct entry *)right)->use;
    if (a->tile != b->tile) return a->tile < b->tile ? -1 : 1;
    if (a->turn != b->turn) return a->turn < b->turn ? -1 : 1;
    return (a->row0 > b->row0) - (a->row0 < b->row0);
}

/* End of the uses from entry i on that are read together; *joinable: their rows and columns each lie side by side. */
static int32_t read_together(const struct entry *entries, int32_t n, int32_t i, bool *joinable) {
    int32_t end = i + 1;
    *joinable = true;
    for (; end < n && entries[end].use->tile == entries[i].use->tile && entries[end].use->turn == entries[i].use->turn; end++) {
        const struct ohm_use *before = entries[end - 1].use, *use = entries[end].use;
        *joinable = *joinable && use->row0 == before->row0 + before->nrow && use->column0 == before->column0 + before->ncol;
    }
    *joinable = *joinable && end > i + 1;
    return end;
}

/* A flipped column counts the driven rows of its own group only: that is digital, and here it can only be said of a whole group. */
static int unflip(struct ohm_plan *plan, const struct ohm_use *use, struct ohm_column *column) {
    if (!column->flip) return OHM_OK;
    bool whole = use->nrow == plan->krows;
    for (int32_t r = 0; r < use->nrow; r++) whole = whole && !use->rows[r].shift;
    if (!whole) return ohm_fail(OHM_E_INTERNAL, "plan: a flipped column of part of a group, read together with other groups");
    if (!plan->input_weight) plan->input_weight = ohm_arena_array(plan->arena, (size_t)(plan->groups * plan->ncols), sizeof *plan->input_weight);
    if (!plan->input_weight) return OHM_E_MEMORY;
    plan->input_weight[column->output] += (int64_t)column->sign * ((1 << plan->tiles[use->tile].cell_bits) - 1) * (1 << column->shift);
    column->flip = false;
    column->sign = (int8_t)-column->sign;
    return OHM_OK;
}

/* The same rows as those of the joined use before: arrays driven alike share them. */
static bool same_rows(const struct entry *a, const struct entry *b, int32_t n) {
    for (int32_t i = 0; a && i < n; i++)
        if (a[i].use->rows != b[i].use->rows || a[i].use->nrow != b[i].use->nrow) return false;
    return a != NULL;
}

/* Entries 0 .. n-1 as one use. rows: of the joined use before when it is driven alike, or NULL. */
static int join(struct ohm_plan *plan, const struct entry *entries, int32_t n, const struct ohm_row *shared, struct ohm_use *joined) {
    int32_t nrow = 0, ncol = 0;
    for (int32_t i = 0; i < n; i++) {
        nrow += entries[i].use->nrow;
        ncol += entries[i].use->ncol;
    }
    struct ohm_row *rows = shared ? NULL : ohm_arena_array(plan->arena, (size_t)nrow, sizeof *rows);
    struct ohm_column *columns = ohm_arena_array(plan->arena, (size_t)ncol, sizeof *columns);
    if ((!rows && !shared) || !columns) return OHM_E_MEMORY;
    *joined = *entries[0].use;
    joined->row_cells = entries[0].use->ncol;
    joined->nrow = joined->ncol = 0;
    for (int32_t i = 0; i < n; i++) {
        const struct ohm_use *use = entries[i].use;
        if (rows) memcpy(rows + joined->nrow, use->rows, (size_t)use->nrow * sizeof *rows);
        memcpy(columns + joined->ncol, use->columns, (size_t)use->ncol * sizeof *columns);
        for (int32_t c = 0; c < use->ncol; c++) OHM_TRY(unflip(plan, use, &columns[joined->ncol + c]));
        joined->nrow += use->nrow;
        joined->ncol += use->ncol;
    }
    joined->rows = shared ? shared : rows;
    joined->columns = columns;
    return OHM_OK;
}

static int join_all(struct ohm_plan *plan, struct entry *entries, struct ohm_use *uses) {
    int32_t nuse = 0, before_n = 0;
    const struct entry *before = NULL; /* of the joined use before */
    plan->ncolumn = 0;
    for (int32_t i = 0, end; i < plan->nuse; i = end) {
        bool joinable;
        end = read_together(entries, plan->nuse, i, &joinable);
        for (int32_t k = i; !joinable && k < end; k++) uses[nuse++] = *entries[k].use;
        if (!joinable) before = NULL;
        if (!joinable) continue;
        bool alike = before_n == end - i && same_rows(before, entries + i, end - i);
        OHM_TRY(join(plan, entries + i, end - i, alike ? uses[nuse - 1].rows : NULL, &uses[nuse]));
        nuse++;
        before = entries + i;
        before_n = end - i;
    }
    memcpy(plan->uses, uses, (size_t)nuse * sizeof *uses);
    plan->nuse = nuse;
    for (int32_t u = 0; u < nuse; u++) plan->ncolumn += plan->uses[u].ncol;
    return OHM_OK;
}

int ohm_plan_join(struct ohm_plan *plan) {
    struct entry *entries = ohm_alloc_array((size_t)plan->nuse, sizeof *entries);
    struct ohm_use *uses = ohm_alloc_array((size_t)plan->nuse, sizeof *uses);
    bool any = false;
    int status = entries && uses ? OHM_OK : OHM_E_MEMORY;
    for (int32_t u = 0; !status && u < plan->nuse; u++) entries[u] = (struct entry){&plan->uses[u]};
    if (!status) qsort(entries, (size_t)plan->nuse, sizeof *entries, by_tile_turn_row);
    for (int32_t i = 0, end; !status && i < plan->nuse; i = end) {
        bool joinable;
        end = read_together(entries, plan->nuse, i, &joinable);
        any = any || joinable;
    }
    if (any) status = join_all(plan, entries, uses);
    free(entries);
    free(uses);
    return status;
}
