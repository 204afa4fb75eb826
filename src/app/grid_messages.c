/* Batches on their way from stage to stage: the images by number, what they have counted so far, digests, and the values that later steps read. */
#include "grid.h"
#include "ohmtally/cut.h"
#include "ohmtally/log.h"
#include "ohmtally/status.h"
#include <stdlib.h>
#include <string.h>

struct head {
    struct unit unit;
    int32_t real; /* images that are not corrupt */
};
static size_t whole_words(size_t bytes) {
    return (bytes + 7) / 8 * 8;
}
#define HEAD_BYTES whole_words(sizeof(struct head))

/* Head, a flag per image, tally, digests, values. */
static size_t message_bytes(const struct grid *grid, int32_t step, int32_t n, int32_t real) {
    return HEAD_BYTES + whole_words((size_t)n) + (size_t)grid->intnet->nlayer * sizeof(struct ohm_tally) +
           (size_t)real * (sizeof(uint64_t) + ohm_cut_bytes(grid->intnet, step));
}

static void free_phase(struct grid *grid) {
    free(grid->seen);
    grid->chain = NULL;
    grid->seen = NULL;
}

int grid_open(struct grid *grid, int32_t room) {
    if (!grid) return OHM_OK;
    const int step = grid->world.size / grid->stages, rank = grid->world.rank;
    size_t in = grid_is_first(grid) ? 0 : message_bytes(grid, grid->part.first, room, room);
    size_t out = grid_is_last(grid) ? 0 : message_bytes(grid, grid->part.end, room, room);
    grid->brought = NULL;
    grid_show(grid, &(struct unit){0}, NULL, NULL);
    grid->seen = ohm_alloc_array((size_t)room, sizeof *grid->seen);
    int status =
        grid->seen ? ohm_chain_open(grid_is_first(grid) ? -1 : rank - step, grid_is_last(grid) ? -1 : rank + step, in > out ? in : out, &grid->chain)
                   : OHM_E_MEMORY;
    status = ohm_world_agree(&grid->world, status);
    grid->worked_s = study_cpu_seconds();
    grid->lasted_s = ohm_seconds();
    if (!status) return OHM_OK;
    ohm_chain_free(grid->chain);
    free_phase(grid);
    return status;
}

void grid_close(struct grid *grid) {
    if (!grid) return;
    ohm_chain_close(grid->chain);
    grid->worked_s = study_cpu_seconds() - grid->worked_s;
    grid->lasted_s = ohm_seconds() - grid->lasted_s;
    free_phase(grid);
}

void grid_show(struct grid *grid, const struct unit *unit, const float *const *inputs, struct ohm_tally *tally) {
    if (!grid) return;
    grid->unit = *unit;
    grid->inputs = inputs;
    grid->tally = tally;
}

/* Whether there is another batch. */
static bool receive(struct grid *grid) {
    static const float there;
    const unsigned char *message = ohm_chain_receive(grid->chain);
    struct head head;
    if (!message) return false;
    memcpy(&head, message, sizeof head);
    message += HEAD_BYTES;
    for (int32_t i = 0; i < head.unit.n; i++) grid->seen[i] = message[i] ? &there : NULL;
    message += whole_words((size_t)head.unit.n);
    grid_show(grid, &head.unit, grid->seen, grid->tally);
    if (grid->tally) memcpy(grid->tally, message, (size_t)grid->intnet->nlayer * sizeof *grid->tally);
    grid->brought = message + (size_t)grid->intnet->nlayer * sizeof *grid->tally;
    return true;
}

int grid_bring(void *context, struct ohm_batch *batch, int32_t n) {
    struct grid *grid = context;
    if (!grid->brought && !receive(grid)) return ohm_fail(OHM_E_INTERNAL, "%s: the stage before has ended early", grid->point);
    memcpy(ohm_batch_digests(batch), grid->brought, (size_t)n * sizeof(uint64_t));
    ohm_cut_load(grid->intnet, batch, grid->part.first, 0, n, grid->brought + (size_t)n * sizeof(uint64_t));
    grid->brought = NULL;
    if (grid->taken) grid_clock(grid, -1);
    return OHM_OK;
}

int grid_pass(void *context, const struct ohm_batch *batch, int32_t n) {
    struct grid *grid = context;
    const struct head head = {grid->unit, n};
    unsigned char *start = ohm_chain_room(grid->chain), *to = start + HEAD_BYTES;
    memset(start, 0, message_bytes(grid, grid->part.end, grid->unit.n, 0));
    memcpy(start, &head, sizeof head);
    for (int32_t i = 0; i < grid->unit.n; i++) to[i] = grid->inputs[i] != NULL;
    to += whole_words((size_t)grid->unit.n);
    if (grid->tally) memcpy(to, grid->tally, (size_t)grid->intnet->nlayer * sizeof *grid->tally);
    to += (size_t)grid->intnet->nlayer * sizeof *grid->tally;
    memcpy(to, ohm_batch_digests(batch), (size_t)n * sizeof(uint64_t));
    ohm_cut_save(grid->intnet, batch, grid->part.end, 0, n, to + (size_t)n * sizeof(uint64_t));
    ohm_chain_send(grid->chain, message_bytes(grid, grid->part.end, grid->unit.n, n));
    return OHM_OK;
}

void grid_stepped(void *context, int32_t step) {
    struct grid *grid = context;
    if (grid->taken) grid_clock(grid, step);
    ohm_chain_poll(grid->chain);
}

int grid_units(struct study *study, struct ohm_tally *tally, int (*run)(void *context, const struct unit *unit), void *context) {
    struct grid *grid = study->grid;
    int status = OHM_OK, asked = OHM_OK;
    grid->tally = tally;
    while (receive(grid)) {
        const bool told = status || asked;
        if (!asked) asked = stop_status();
        if (!status) status = run(context, &grid->unit);
        grid->brought = NULL;
        if (!told && (status || asked)) ohm_world_alarm(&study->world);
    }
    return status ? status : asked;
}
