/* Who is read when. */
#include "schedule.h"
#include "ohmtally/status.h"
#include <stdlib.h>

struct entry {
    int32_t tile, turn, use;
};

static int by_tile_and_turn(const void *a, const void *b) {
    const struct entry *x = a, *y = b;
    if (x->tile != y->tile) return x->tile < y->tile ? -1 : 1;
    if (x->turn != y->turn) return x->turn < y->turn ? -1 : 1;
    return x->use < y->use ? -1 : x->use > y->use;
}

static int32_t turn_end(const struct entry *entries, int32_t n, int32_t first) {
    int32_t end = first + 1;
    while (end < n && entries[end].tile == entries[first].tile && entries[end].turn == entries[first].turn) end++;
    return end;
}

/* Driven by the very rows of a read that is there already? */
static bool same_rows(const struct ohm_plan *plan, const struct ohm_schedule *schedule, const struct ohm_read *read, const struct entry *entries,
                      int32_t n) {
    if (read->nuse != n) return false;
    for (int32_t i = 0; i < n; i++) {
        const struct ohm_use *a = &plan->uses[schedule->uses[read->first + i]], *b = &plan->uses[entries[i].use];
        if (a->rows != b->rows || a->nrow != b->nrow) return false;
    }
    return true;
}

static int32_t steps_of(const struct ohm_plan *plan, const struct entry *entries, int32_t n, int32_t input_bits, bool settled) {
    int32_t most = settled ? 0 : plan->max_shift;
    for (int32_t i = 0; i < n && settled; i++) {
        const struct ohm_use *use = &plan->uses[entries[i].use];
        for (int32_t r = 0; r < use->nrow; r++)
            if (use->rows[r].shift > most) most = use->rows[r].shift;
    }
    return input_bits + most;
}

int64_t ohm_use_contributions(const struct ohm_use *use) {
    int64_t runs = 0;
    for (int32_t c = 0; c < use->ncol; c++) runs += c == 0 || use->columns[c].output != use->columns[c - 1].output;
    return runs;
}

int64_t ohm_schedule_steps(const struct ohm_schedule *schedule) {
    int64_t most = 0;
    for (int32_t l = 0; l < schedule->nlane; l++) {
        int64_t steps = 0;
        for (int32_t i = schedule->lane_first[l]; i < schedule->lane_first[l + 1]; i++) steps += schedule->reads[schedule->lane_read[i]].steps;
        most = steps > most ? steps : most;
    }
    return most;
}

/* What one array does; a lane that the array before had is not listed again. */
struct lanes {
    struct ohm_schedule *schedule;
    int32_t before, first; /* where the lane before and the one being made begin in lane_read */
    int32_t used;
};

static void end_lane(struct lanes *lanes) {
    struct ohm_schedule *schedule = lanes->schedule;
    int32_t n = lanes->used - lanes->first;
    bool same = n == lanes->first - lanes->before;
    for (int32_t i = 0; same && i < n; i++) same = schedule->lane_read[lanes->before + i] == schedule->lane_read[lanes->first + i];
    if (same)
        lanes->used = lanes->first;
    else {
        schedule->lane_first[++schedule->nlane] = lanes->used;
        lanes->before = lanes->first;
        lanes->first = lanes->used;
    }
}

static void fill(const struct ohm_plan *plan, const struct entry *entries, int32_t input_bits, bool settled, struct ohm_schedule *schedule) {
    struct lanes lanes = {schedule, 0, 0, 0};
    int32_t n = plan->nuse;
    for (int32_t i = 0; i < n; i++) schedule->uses[i] = entries[i].use;
    for (int32_t first = 0, end; first < n; first = end) {
        end = turn_end(entries, n, first);
        int32_t turn = lanes.used - lanes.first, known = -1;
        if (turn < lanes.first - lanes.before) known = schedule->lane_read[lanes.before + turn]; /* the same turn of the array before */
        if (known < 0 || !same_rows(plan, schedule, &schedule->reads[known], entries + first, end - first)) {
            known = schedule->nread++;
            schedule->reads[known] =
                (struct ohm_read){.first = first, .nuse = end - first, .steps = steps_of(plan, entries + first, end - first, input_bits, settled)};
        }
        schedule->reads[known].arrays++;
        for (int32_t i = first; i < end; i++) {
            const struct ohm_use *use = &plan->uses[entries[i].use];
            schedule->reads[known].columns += use->ncol;
            schedule->reads[known].contributions += ohm_use_contributions(use);
            schedule->use_steps[entries[i].use] = schedule->reads[known].steps;
        }
        schedule->lane_read[lanes.used++] = known;
        if (end == n || entries[end].tile != entries[first].tile) end_lane(&lanes);
    }
}

int ohm_schedule_make(const struct ohm_plan *plan, int32_t input_bits, bool settled, struct ohm_arena *arena, struct ohm_schedule *schedule) {
    size_t n = (size_t)plan->nuse;
    struct entry *entries = ohm_alloc_array(n, sizeof *entries);
    *schedule = (struct ohm_schedule){.reads = ohm_arena_array(arena, n, sizeof *schedule->reads),
                                      .uses = ohm_arena_array(arena, n, sizeof *schedule->uses),
                                      .use_steps = ohm_arena_array(arena, n, sizeof *schedule->use_steps),
                                      .lane_first = ohm_arena_array(arena, n + 1, sizeof *schedule->lane_first),
                                      .lane_read = ohm_arena_array(arena, n, sizeof *schedule->lane_read)};
    if (!entries || !schedule->reads || !schedule->uses || !schedule->use_steps || !schedule->lane_first || !schedule->lane_read) {
        free(entries);
        return OHM_E_MEMORY;
    }
    for (int32_t u = 0; u < plan->nuse; u++) entries[u] = (struct entry){plan->uses[u].tile, plan->uses[u].turn, u};
    qsort(entries, n, sizeof *entries, by_tile_and_turn);
    fill(plan, entries, input_bits, settled, schedule);
    free(entries);
    return OHM_OK;
}
