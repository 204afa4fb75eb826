/* Where ranks and threads run: said at the start, with a warning where threads would share cores. */
#include "app.h"
#include "ohmtally/log.h"
#include "ohmtally/status.h"
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct place { /* of a rank */
    char host[256];
    cpu_set_t cores;
    int32_t threads, online;
};

static struct place my_place(int threads) {
    struct place place = {.threads = threads, .online = (int32_t)sysconf(_SC_NPROCESSORS_ONLN)};
    gethostname(place.host, sizeof place.host - 1);
    if (sched_getaffinity(0, sizeof place.cores, &place.cores)) CPU_ZERO(&place.cores);
    return place;
}

static bool first_of_host(const struct place *places, int rank) {
    for (int other = 0; other < rank; other++)
        if (!strcmp(places[other].host, places[rank].host)) return false;
    return true;
}

/* The ranks of one host: their threads against the cores that they may use together, and each rank's against its own. */
static void check_host(const struct place *places, int size, int rank) {
    cpu_set_t together;
    int threads = 0, ranks = 0;
    CPU_ZERO(&together);
    for (int other = rank; other < size; other++) {
        if (strcmp(places[other].host, places[rank].host)) continue;
        const int own = CPU_COUNT(&places[other].cores);
        CPU_OR(&together, &together, &places[other].cores);
        threads += places[other].threads;
        ranks++;
        if (own && places[other].threads > own) {
            ohm_warn("%s: a rank is bound to %d core%s for its %d threads; give mpirun --bind-to none, or --map-by slot:PE=%d", places[rank].host,
                     own, own > 1 ? "s" : "", places[other].threads, places[other].threads);
            return;
        }
    }
    if (threads > CPU_COUNT(&together))
        ohm_warn("%s: %d ranks with %d threads in all share %d cores; set OMP_NUM_THREADS or use fewer ranks", places[rank].host, ranks, threads,
                 CPU_COUNT(&together));
}

static void say(const struct place *places, int size) {
    int hosts = 0, least = INT32_MAX, most = 0;
    bool bound = false;
    for (int rank = 0; rank < size; rank++) {
        const int own = CPU_COUNT(&places[rank].cores);
        least = own < least ? own : least;
        most = own > most ? own : most;
        bound = bound || own < places[rank].online;
        hosts += first_of_host(places, rank);
    }
    char cores[64];
    snprintf(cores, sizeof cores, least == most ? "%d" : "%d to %d", least, most);
    ohm_log("on %d node%s; %s: %s core%s a rank", hosts, hosts > 1 ? "s" : "", bound ? "bound" : "not bound", cores, most > 1 ? "s" : "");
    for (int rank = 0; rank < size; rank++)
        if (first_of_host(places, rank)) check_host(places, size, rank);
}

/* Each host once, in rank order. */
static char *list_hosts(const struct place *places, int size, struct ohm_arena *arena) {
    size_t used = 0;
    char *hosts = ohm_arena_alloc(arena, (size_t)size * sizeof places->host + 1);
    for (int rank = 0; hosts && rank < size; rank++)
        if (first_of_host(places, rank)) used += (size_t)sprintf(hosts + used, "%s%s", used ? " " : "", places[rank].host);
    return hosts;
}

int binding_say(const struct ohm_world *world, int threads, struct ohm_arena *arena, char **hosts) {
    const struct place mine = my_place(threads);
    void *all;
    size_t bytes;
    *hosts = NULL;
    OHM_TRY(ohm_world_gather(world, &mine, sizeof mine, &all, &bytes));
    if (!world->rank) {
        say(all, world->size);
        *hosts = list_hosts(all, world->size, arena);
    }
    free(all);
    return ohm_world_agree(world, world->rank || *hosts ? OHM_OK : OHM_E_MEMORY);
}
