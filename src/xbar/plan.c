#include "ohmtally/plan.h"
#include "ohmtally/status.h"
#include "schedule.h"
#include <string.h>

struct ohm_plan *ohm_plan_new(int32_t groups, int32_t krows, int32_t ncols) {
    struct ohm_arena *arena = ohm_arena_new();
    struct ohm_plan *plan = arena ? ohm_arena_alloc(arena, sizeof *plan) : NULL;
    if (!plan) {
        ohm_arena_free(arena);
        return NULL;
    }
    *plan = (struct ohm_plan){.arena = arena, .groups = groups, .krows = krows, .ncols = ncols};
    return plan;
}

void ohm_plan_free(struct ohm_plan *plan) {
    if (plan) ohm_arena_free(plan->arena);
}

/* Room for one more entry of `size` bytes; old blocks stay in the arena until the plan goes. */
static void *grow(struct ohm_plan *plan, void *entries, int32_t count, int32_t *room, size_t size) {
    if (count < *room) return entries;
    int32_t more = *room ? *room * 2 : 16;
    void *larger = ohm_arena_array(plan->arena, (size_t)more, size);
    if (!larger) return NULL;
    if (count) memcpy(larger, entries, (size_t)count * size);
    *room = more;
    return larger;
}

int32_t ohm_plan_add_tile(struct ohm_plan *plan, int32_t nrow, int32_t ncol, int32_t cell_bits) {
    struct ohm_tile *tiles = grow(plan, plan->tiles, plan->ntile, &plan->tile_room, sizeof *tiles);
    if (!tiles) return -1;
    plan->tiles = tiles;
    int32_t words = (ncol + 63) / 64;
    uint64_t *bits = ohm_arena_array(plan->arena, (size_t)cell_bits * (size_t)nrow * (size_t)words, sizeof *bits);
    if (!bits) return -1;
    tiles[plan->ntile] = (struct ohm_tile){.nrow = nrow, .ncol = ncol, .cell_bits = cell_bits, .words = words, .bits = bits};
    return plan->ntile++;
}

int ohm_plan_add_use(struct ohm_plan *plan, const struct ohm_use *use) {
    struct ohm_use *uses = grow(plan, plan->uses, plan->nuse, &plan->use_room, sizeof *uses);
    if (!uses) return OHM_E_MEMORY;
    plan->uses = uses;
    uses[plan->nuse++] = *use;
    return OHM_OK;
}

static int check_use(const struct ohm_plan *plan, int32_t u) {
    const struct ohm_use *use = &plan->uses[u];
    if (use->tile < 0 || use->tile >= plan->ntile) return ohm_fail(OHM_E_INTERNAL, "plan: use %d names tile %d of %d", u, use->tile, plan->ntile);
    const struct ohm_tile *tile = &plan->tiles[use->tile];
    int32_t row_shift = 0;
    if (use->turn < 0) return ohm_fail(OHM_E_INTERNAL, "plan: use %d has turn %d", u, use->turn);
    if (tile->cell_bits != plan->tiles[0].cell_bits)
        return ohm_fail(OHM_E_INTERNAL, "plan: cells of %d and of %d bits", plan->tiles[0].cell_bits, tile->cell_bits);
    if (use->row0 < 0 || use->nrow < 1 || use->row0 + use->nrow > tile->nrow || use->column0 < 0 || use->ncol < 1 ||
        use->column0 + use->ncol > tile->ncol)
        return ohm_fail(OHM_E_INTERNAL, "plan: use %d lies outside its tile", u);
    for (int32_t r = 0; r < use->nrow; r++)
        if (use->rows[r].input < 0 || use->rows[r].input >= plan->groups * plan->krows || use->rows[r].shift < 0 || use->rows[r].shift > 16)
            return ohm_fail(OHM_E_INTERNAL, "plan: use %d, row %d: bad input or shift", u, r);
        else if (use->rows[r].shift > row_shift)
            row_shift = use->rows[r].shift;
    for (int32_t c = 0; c < use->ncol; c++) {
        const struct ohm_column *column = &use->columns[c];
        if (column->output < 0 || column->output >= plan->groups * plan->ncols || column->shift < 0 || column->shift > 16 ||
            column->shift + row_shift + tile->cell_bits > 30 || (column->sign != 1 && column->sign != -1))
            return ohm_fail(OHM_E_INTERNAL, "plan: use %d, column %d: bad output, shift or sign", u, c);
    }
    return OHM_OK;
}

static int64_t cells_on(const struct ohm_tile *tile) {
    size_t plane_words = (size_t)tile->nrow * (size_t)tile->words;
    int64_t on = 0;
    for (size_t i = 0; i < plane_words; i++) {
        uint64_t any = 0;
        for (int32_t plane = 0; plane < tile->cell_bits; plane++) any |= tile->bits[(size_t)plane * plane_words + i];
        on += __builtin_popcountll(any);
    }
    return on;
}

/* Bit lines that a read of one array converts at most. */
static int64_t most_columns(const struct ohm_plan *plan, const struct ohm_schedule *schedule) {
    int64_t columns = 0, most = 0;
    for (int32_t i = 0; i < plan->nuse; i++) { /* by array, then turn */
        const struct ohm_use *use = &plan->uses[schedule->uses[i]], *before = i ? &plan->uses[schedule->uses[i - 1]] : NULL;
        columns = (before && before->tile == use->tile && before->turn == use->turn ? columns : 0) + use->ncol;
        if (columns > most) most = columns;
    }
    return most;
}

static int count_steps(struct ohm_plan *plan, int32_t input_bits) {
    struct ohm_schedule schedule;
    OHM_TRY(ohm_schedule_make(plan, input_bits, true, plan->arena, &schedule));
    plan->store.columns_read = most_columns(plan, &schedule);
    plan->store.serial = plan->serial;
    plan->store.steps_per_position = ohm_schedule_steps(&schedule);
    for (int32_t l = 0; l < schedule.nlane; l++) {
        int64_t turns = schedule.lane_first[l + 1] - schedule.lane_first[l];
        if (turns > plan->store.turns) plan->store.turns = turns;
    }
    return OHM_OK;
}

int ohm_plan_finish(struct ohm_plan *plan, int32_t input_bits) {
    struct ohm_store *store = &plan->store;
    plan->max_shift = 0;
    store->crossbars = plan->ntile;
    for (int32_t u = 0; u < plan->nuse; u++) {
        OHM_TRY(check_use(plan, u));
        const struct ohm_use *use = &plan->uses[u];
        for (int32_t r = 0; r < use->nrow; r++)
            if (use->rows[r].shift > plan->max_shift) plan->max_shift = use->rows[r].shift;
        store->cells += (int64_t)use->nrow * use->ncol;
        store->rows_used += use->nrow;
        store->columns_used += use->turn ? 0 : use->ncol; /* every turn converts the same bit lines */
        plan->ncolumn += use->ncol;
    }
    for (int32_t t = 0; t < plan->ntile; t++) store->cells_on += cells_on(&plan->tiles[t]); /* cells outside the uses are 0 */
    return count_steps(plan, input_bits);
}

/* Uses that decode_bits cannot read: complements, or cells that are no weights. */
static bool needs_look(const struct ohm_use *use) {
    if (use->row_cells) return true;
    for (int32_t c = 0; c < use->ncol; c++)
        if (use->columns[c].flip) return true;
    return false;
}

/* Adds what one driven row of a use holds to that row's weights w [ncols]: cell by cell. */
static void decode_cells(const struct ohm_plan *plan, const struct ohm_use *use, int32_t r, int32_t *w) {
    const struct ohm_tile *tile = &plan->tiles[use->tile];
    int32_t top = (1 << tile->cell_bits) - 1;
    for (int32_t c = 0; c < use->ncol; c++) {
        const struct ohm_column *column = &use->columns[c];
        if (ohm_plan_strays(plan, &use->rows[r], column)) continue;
        int32_t cell = (int32_t)ohm_tile_get(tile, use->row0 + r, use->column0 + c);
        if (column->flip) cell = top - cell;
        w[column->output % plan->ncols] += column->sign * cell * (1 << (column->shift + use->rows[r].shift));
    }
}

/* The same by the 1 bits alone: planes are sparse. */
static void decode_bits(const struct ohm_plan *plan, const struct ohm_use *use, int32_t r, int32_t *w) {
    const struct ohm_tile *tile = &plan->tiles[use->tile];
    int32_t end = use->column0 + use->ncol;
    for (int32_t plane = 0; plane < tile->cell_bits; plane++)
        for (int32_t from = use->column0 / 64 * 64; from < end; from += 64) {
            uint64_t bits = *ohm_tile_word(tile, plane, use->row0 + r, from);
            if (from < use->column0) bits &= ~0ull << (use->column0 - from);
            if (end - from < 64) bits &= (1ull << (end - from)) - 1;
            for (; bits; bits &= bits - 1) {
                const struct ohm_column *column = &use->columns[from + __builtin_ctzll(bits) - use->column0];
                w[column->output % plan->ncols] += column->sign * (1 << (plane + column->shift + use->rows[r].shift));
            }
        }
}

void ohm_plan_decode(const struct ohm_plan *plan, int32_t *w) {
    size_t count = (size_t)plan->groups * (size_t)plan->krows * (size_t)plan->ncols;
    for (size_t i = 0; i < count; i++) {
        size_t n = i / ((size_t)plan->krows * (size_t)plan->ncols) * (size_t)plan->ncols + i % (size_t)plan->ncols;
        w[i] = (plan->input_weight ? (int32_t)plan->input_weight[n] : 0) - plan->weight_bias;
    }
    for (int32_t u = 0; u < plan->nuse; u++) {
        bool look = needs_look(&plan->uses[u]);
        for (int32_t r = 0; r < plan->uses[u].nrow; r++) {
            int32_t *row = w + (size_t)plan->uses[u].rows[r].input * (size_t)plan->ncols; /* inputs are numbered group * krows + row */
            if (look)
                decode_cells(plan, &plan->uses[u], r, row);
            else
                decode_bits(plan, &plan->uses[u], r, row);
        }
    }
}

static int cut_dense(int32_t group, int32_t krows, int32_t ncols, int32_t max_rows, int32_t max_columns,
                     int (*place)(void *context, const struct ohm_patch *patch), void *context) {
    for (int32_t row = 0; row < krows; row += max_rows)
        for (int32_t column = 0; column < ncols; column += max_columns) {
            struct ohm_patch patch = {group, 1, row, krows - row, column, ncols - column};
            if (patch.nrow > max_rows) patch.nrow = max_rows;
            if (patch.ncol > max_columns) patch.ncol = max_columns;
            OHM_TRY(place(context, &patch));
        }
    return OHM_OK;
}

int ohm_plan_cut(int32_t groups, int32_t krows, int32_t ncols, int32_t max_rows, int32_t max_columns,
                 int (*place)(void *context, const struct ohm_patch *patch), void *context) {
    int32_t down = max_rows / krows, across = max_columns / ncols, fit = down < across ? down : across;
    if (fit < 1) fit = 1;
    for (int32_t group = 0; group < groups; group += fit) {
        if (fit == 1) {
            OHM_TRY(cut_dense(group, krows, ncols, max_rows, max_columns, place, context));
            continue;
        }
        struct ohm_patch patch = {group, groups - group < fit ? groups - group : fit, 0, krows, 0, ncols};
        OHM_TRY(place(context, &patch));
    }
    return OHM_OK;
}
