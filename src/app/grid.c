/* Which rank holds which layers. */
#include "grid.h"
#include "ohmtally/cut.h"
#include "ohmtally/log.h"
#include "ohmtally/status.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int grid_check(const struct study *study) {
    const int32_t *grid = study->job->run.grid;
    const int64_t ranks = (int64_t)grid[0] * grid[1];
    const struct ohm_intnet *intnet = study->content.intnet;
    if (ranks && ranks != study->world.size)
        return ohm_fail(OHM_E_USAGE, "%s: run.grid is %dx%d, which takes %lld ranks, but there are %d; start as many, or let it be auto",
                        study->job->path, grid[0], grid[1], (long long)ranks, study->world.size);
    if (intnet && grid[1] > intnet->nlayer)
        return ohm_fail(OHM_E_USAGE, "%s: run.grid has %d stages, but the network has %d layers; give it fewer", study->job->path, grid[1],
                        intnet->nlayer);
    return OHM_OK;
}

void grid_share(const struct study *study, int64_t n, int64_t *first, int64_t *end) {
    const struct grid *grid = study->grid;
    const int size = grid ? grid->groups : study->world.size, place = grid ? grid->group : study->world.rank;
    *first = ohm_partition_first(n, size, place);
    *end = ohm_partition_first(n, size, place + 1);
}

/* Steps into stages by what they take; a limit that cannot be kept to gives way to the nearest that can. */
static int cut(struct grid *grid, const int64_t *crossing, int64_t most_bytes) {
    const int32_t nstep = grid->intnet->nstep;
    const int64_t least = ohm_cut_least(grid->bytes, nstep, grid->stages);
    const struct ohm_cut_steps steps = {nstep, grid->cost, grid->bytes, crossing, most_bytes > least ? most_bytes : least};
    OHM_TRY(ohm_cut_stages(&steps, grid->stages, grid->first));
    grid->part = (struct ohm_engine_part){grid->first[grid->stage], grid->first[grid->stage + 1], grid_bring, grid_pass, grid_stepped, grid};
    return OHM_OK;
}

/* First by what they should take, evenly in memory where that is scarce; then by what they do take in these stages. */
static int cut_twice(struct study *study, const struct point *point, struct grid *grid) {
    const struct ohm_intnet *intnet = grid->intnet;
    int64_t *crossing = ohm_alloc_array((size_t)intnet->nstep, sizeof *crossing);
    grid->cost = ohm_alloc_array((size_t)intnet->nstep, sizeof *grid->cost);
    grid->bytes = ohm_alloc_array((size_t)intnet->nstep, sizeof *grid->bytes);
    grid->first = ohm_alloc_array((size_t)grid->stages + 1, sizeof *grid->first);
    int status = crossing && grid->cost && grid->bytes && grid->first ? OHM_OK : OHM_E_MEMORY;
    for (int32_t s = 0; !status && s < intnet->nstep; s++) crossing[s] = (int64_t)ohm_cut_bytes(intnet, s);
    if (!status) grid_predict(intnet, grid->cost, grid->bytes);
    if (!status) status = cut(grid, crossing, grid->most_bytes == INT64_MAX ? INT64_MAX : 0);
    status = ohm_world_agree(&grid->world, status);
    if (!status) status = grid_measure(study, point, grid->cost, grid->bytes);
    if (!status) status = ohm_world_agree(&grid->world, cut(grid, crossing, grid->most_bytes));
    free(crossing);
    return status;
}

int grid_enter(struct study *study, const struct point *point, int32_t room, struct grid *grid) {
    const struct ohm_world *world = &study->world;
    float least = (float)room; /* ranks with fewer threads take less at once; whole numbers of this size are exact */
    *grid = (struct grid){.world = *world, .intnet = study->content.intnet, .point = point->name};
    study->grid = NULL;
    OHM_TRY(grid_check(study));
    OHM_TRY(grid_choose(study, point, &grid->stages, &grid->most_bytes));
    if (grid->stages < 2) return OHM_OK;
    study->grid = grid;
    grid->groups = world->size / grid->stages;
    grid->stage = world->rank / grid->groups;
    grid->group = world->rank % grid->groups;
    ohm_world_least(world, &least, 1);
    grid->room = (int32_t)least;
    OHM_TRY(ohm_world_split(world, grid->stage, &grid->peers));
    return cut_twice(study, point, grid);
}

void grid_leave(struct study *study) {
    struct grid *grid = study->grid;
    if (!grid) return;
    ohm_world_leave(&grid->peers);
    free(grid->first);
    free(grid->cost);
    free(grid->bytes);
    study->grid = NULL;
}

/* What a result tells of a layer. */
struct fact {
    int32_t layer;
    char way[40];
    int64_t bytes;
    double weight_error, held_error;
    struct ohm_store store;
    int64_t plane_full[OHM_PLANES], plane_held[OHM_PLANES];
};

static void take_facts(const struct ohm_engine *engine, struct fact *facts, size_t *n) {
    for (int32_t i = 0; i < engine->intnet->nlayer; i++) {
        const struct ohm_engine_layer *layer = &engine->layers[i];
        if (!layer->way) continue;
        struct fact *fact = &facts[(*n)++];
        memset(fact, 0, sizeof *fact);
        fact->layer = i;
        snprintf(fact->way, sizeof fact->way, "%s", layer->way);
        fact->bytes = grid_layer_bytes(layer);
        fact->weight_error = layer->weight_error;
        fact->held_error = layer->held_error;
        fact->store = layer->store;
        memcpy(fact->plane_full, layer->plane_full, sizeof fact->plane_full);
        memcpy(fact->plane_held, layer->plane_held, sizeof fact->plane_held);
    }
}

static int give_facts(const struct fact *facts, size_t n, struct ohm_engine *engine) {
    for (size_t k = 0; k < n; k++) {
        struct ohm_engine_layer *layer = &engine->layers[facts[k].layer];
        layer->way = ohm_arena_string(engine->arena, facts[k].way);
        if (!layer->way) return OHM_E_MEMORY;
        layer->weight_error = facts[k].weight_error;
        layer->held_error = facts[k].held_error;
        layer->store = facts[k].store;
        memcpy(layer->plane_full, facts[k].plane_full, sizeof layer->plane_full);
        memcpy(layer->plane_held, facts[k].plane_held, sizeof layer->plane_held);
    }
    return OHM_OK;
}

/* "isaac: 2 groups of images x 2 stages of layers, ..." */
static void say(const struct grid *grid, const struct fact *facts, size_t n) {
    char shares[256] = "", bytes[256] = "";
    int64_t all = 0;
    for (int32_t s = 0; s < grid->intnet->nstep; s++) all += grid->cost[s];
    for (int32_t k = 0; k < grid->stages; k++) {
        int64_t cost = 0, held = 0;
        for (int32_t s = grid->first[k]; s < grid->first[k + 1]; s++) {
            cost += grid->cost[s];
            for (size_t i = 0; i < n; i++)
                if (facts[i].layer == grid->intnet->steps[s].layer) held += facts[i].bytes;
        }
        const size_t a = strlen(shares), b = strlen(bytes);
        snprintf(shares + a, sizeof shares - a, "%s%.0f", k ? ", " : "", 100.0 * (double)cost / (double)all);
        snprintf(bytes + b, sizeof bytes - b, "%s%.1f", k ? ", " : "", (double)held / 1048576);
    }
    ohm_log("%s: %d group%s of images x %d stages of layers, which take %s %% of the time and %s MiB", grid->point, grid->groups,
            grid->groups > 1 ? "s" : "", grid->stages, shares, bytes);
}

int grid_say_work(const struct study *study) {
    const struct grid *grid = study->grid;
    char text[256] = "";
    if (!grid) return OHM_OK;
    double *worked = ohm_alloc_array((size_t)grid->stages, sizeof *worked);
    OHM_TRY(ohm_world_agree(&grid->world, worked ? OHM_OK : OHM_E_MEMORY));
    if (grid->group == 0) worked[grid->stage] = grid->worked_s;
    ohm_world_join(&grid->world, worked, (size_t)grid->stages);
    for (int32_t k = 0; k < grid->stages; k++) {
        const size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, "%s%.2f", k ? ", " : "", worked[k]);
    }
    ohm_log("%s: in %.2f s the first group's stages worked %s CPU s", grid->point, grid->lasted_s, text);
    free(worked);
    return OHM_OK;
}

int grid_gather(struct study *study, struct ohm_engine *engine) {
    struct grid *grid = study->grid;
    if (!grid) return OHM_OK;
    struct fact *facts = ohm_alloc_array((size_t)grid->intnet->nlayer, sizeof *facts);
    void *all = NULL;
    size_t n = 0, bytes = 0;
    int status = ohm_world_agree(&grid->world, facts ? OHM_OK : OHM_E_MEMORY);
    if (!status && grid->group == 0) take_facts(engine, facts, &n);
    if (!status) status = ohm_world_gather(&grid->world, facts, n * sizeof *facts, &all, &bytes);
    if (!status && grid->world.rank == 0) {
        status = give_facts(all, bytes / sizeof *facts, engine);
        if (!grid->said && !grid->taken) say(grid, all, bytes / sizeof *facts);
        grid->said = !grid->taken;
    }
    free(all);
    free(facts);
    return ohm_world_agree(&grid->world, status);
}
