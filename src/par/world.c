#include "node.h"
#include "ohmtally/parallel.h"
#include "ohmtally/status.h"
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define TAG_ALARM 77
#define SPARSE_BLOCK 512        /* values: a page of memory */
#define PIECE ((size_t)1 << 30) /* MPI counts are int: large buffers go in pieces */

#define MOST_PARTS 8 /* worlds at a time */

static int raised;                                                                                /* alarms by this rank that nobody has taken back */
static struct { MPI_Comm ranks, node; /* all of them; those on this node */ } worlds[MOST_PARTS]; /* by part; ranks MPI_COMM_NULL: free */
static int node_first;                                                                            /* lowest rank of the run on this node */

MPI_Comm ohm_world_ranks(const struct ohm_world *world) {
    return worlds[world->part].ranks;
}

MPI_Comm ohm_world_node(const struct ohm_world *world) {
    return worlds[world->part].node;
}

int ohm_world_node_first(const struct ohm_world *world) {
    return node_first;
}

/* Fills in all but the part's number. */
static void describe(struct ohm_world *world) {
    MPI_Comm_split_type(worlds[world->part].ranks, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &worlds[world->part].node);
    MPI_Comm_rank(worlds[world->part].ranks, &world->rank);
    MPI_Comm_size(worlds[world->part].ranks, &world->size);
    MPI_Comm_size(worlds[world->part].node, &world->local_size);
}

int ohm_world_start(int *argc, char ***argv, struct ohm_world *world) {
    int given;
    if (MPI_Init_thread(argc, argv, MPI_THREAD_FUNNELED, &given)) return ohm_fail(OHM_E_INTERNAL, "MPI did not start");
    for (int i = 1; i < MOST_PARTS; i++) worlds[i].ranks = MPI_COMM_NULL;
    worlds[0].ranks = MPI_COMM_WORLD;
    world->part = 0;
    describe(world);
    node_first = world->rank;
    MPI_Bcast(&node_first, 1, MPI_INT, 0, worlds[0].node);
    return OHM_OK;
}

int ohm_world_split(const struct ohm_world *world, int colour, struct ohm_world *part) {
    int place = 1;
    *part = (struct ohm_world){0};
    while (place < MOST_PARTS && worlds[place].ranks != MPI_COMM_NULL) place++;
    OHM_TRY(ohm_world_agree(world, place < MOST_PARTS ? OHM_OK : ohm_fail(OHM_E_INTERNAL, "ranks are in %d parts at a time", place)));
    part->part = place;
    MPI_Comm_split(ohm_world_ranks(world), colour, world->rank, &worlds[place].ranks);
    describe(part);
    return OHM_OK;
}

void ohm_world_leave(struct ohm_world *part) {
    if (!part || !part->size) return;
    MPI_Comm_free(&worlds[part->part].node);
    MPI_Comm_free(&worlds[part->part].ranks);
    *part = (struct ohm_world){0};
}

/* Takes alarms that nobody read, so that MPI ends with no message under way. */
static void drain(void) {
    int waiting = 1;
    while (waiting) {
        MPI_Iprobe(MPI_ANY_SOURCE, TAG_ALARM, MPI_COMM_WORLD, &waiting, MPI_STATUS_IGNORE);
        if (waiting) MPI_Recv(NULL, 0, MPI_BYTE, MPI_ANY_SOURCE, TAG_ALARM, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    }
}

void ohm_world_end(struct ohm_world *world) {
    MPI_Barrier(MPI_COMM_WORLD);
    drain();
    MPI_Comm_free(&worlds[0].node);
    MPI_Finalize();
}

int ohm_world_agree(const struct ohm_world *world, int status) {
    int failing = status ? world->rank : INT_MAX, first;
    MPI_Allreduce(&failing, &first, 1, MPI_INT, MPI_MIN, ohm_world_ranks(world));
    if (first == INT_MAX) return OHM_OK;
    struct ohm_failure failure = {0};
    if (world->rank == first) {
        ohm_fail_take(&failure);
        if (!failure.status) failure.status = status; /* a failure without a line: still not a success */
    }
    MPI_Bcast(&failure, (int)sizeof failure, MPI_BYTE, first, ohm_world_ranks(world));
    ohm_fail_clear();
    return ohm_fail_give(&failure);
}

void ohm_world_alarm(const struct ohm_world *world) {
    raised++;
    for (int rank = 0; rank < world->size; rank++) {
        MPI_Request request;
        if (rank == world->rank) continue;
        MPI_Isend(NULL, 0, MPI_BYTE, rank, TAG_ALARM, MPI_COMM_WORLD, &request);
        MPI_Request_free(&request);
    }
}

bool ohm_world_alarmed(const struct ohm_world *world) {
    int waiting = 0;
    if (world->size > 1) MPI_Iprobe(MPI_ANY_SOURCE, TAG_ALARM, MPI_COMM_WORLD, &waiting, MPI_STATUS_IGNORE);
    return waiting;
}

void ohm_world_calm(const struct ohm_world *world) {
    int all = 0;
    MPI_Allreduce(&raised, &all, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    for (int i = world->size > 1 ? raised : all; i < all; i++)
        MPI_Recv(NULL, 0, MPI_BYTE, MPI_ANY_SOURCE, TAG_ALARM, MPI_COMM_WORLD, MPI_STATUS_IGNORE); /* under way, if not there */
    raised = 0;
}

static void broadcast(const struct ohm_world *world, void *data, size_t size) {
    for (size_t at = 0; at < size; at += PIECE)
        MPI_Bcast((char *)data + at, (int)(size - at < PIECE ? size - at : PIECE), MPI_BYTE, 0, ohm_world_ranks(world));
}

int ohm_world_share(const struct ohm_world *world, char **data, size_t *size) {
    uint64_t bytes = world->rank ? 0 : *size;
    int status = OHM_OK;
    MPI_Bcast(&bytes, 1, MPI_UINT64_T, 0, ohm_world_ranks(world));
    if (world->rank) {
        *data = malloc(bytes + 1);
        if (!*data) status = ohm_fail(OHM_E_MEMORY, "no memory for %llu bytes shared by rank 0", (unsigned long long)bytes);
    }
    OHM_TRY(ohm_world_agree(world, status));
    broadcast(world, *data, bytes);
    *size = bytes;
    if (world->rank) (*data)[bytes] = 0;
    return OHM_OK;
}

void ohm_world_sum(const struct ohm_world *world, int64_t *values, size_t count) {
    size_t most = PIECE / sizeof *values;
    for (size_t at = 0; world->size > 1 && at < count; at += most)
        MPI_Allreduce(MPI_IN_PLACE, values + at, (int)(count - at < most ? count - at : most), MPI_INT64_T, MPI_SUM, ohm_world_ranks(world));
}

static bool any(const int64_t *values, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (values[i]) return true;
    return false;
}

int ohm_world_sum_sparse(const struct ohm_world *world, int64_t *values, size_t count) {
    const size_t nblock = (count + SPARSE_BLOCK - 1) / SPARSE_BLOCK;
    if (world->size == 1) return OHM_OK;
    int64_t *used = calloc(nblock + 1, sizeof *used); /* ranks that have something in a block; 0 behind the last */
    int status = ohm_world_agree(world, used ? OHM_OK : ohm_fail(OHM_E_MEMORY, "no memory for sums over %d ranks", world->size));
    if (status) {
        free(used);
        return status;
    }
    for (size_t b = 0, at = 0; b < nblock; b++, at += SPARSE_BLOCK) used[b] = any(values + at, count - at < SPARSE_BLOCK ? count - at : SPARSE_BLOCK);
    ohm_world_sum(world, used, nblock);
    for (size_t b = 0, end; b < nblock; b = end + 1) {
        for (end = b; used[end];) end++;
        const size_t from = b * SPARSE_BLOCK, to = end * SPARSE_BLOCK < count ? end * SPARSE_BLOCK : count;
        if (end > b) ohm_world_sum(world, values + from, to - from);
    }
    free(used);
    return OHM_OK;
}

void ohm_world_least(const struct ohm_world *world, float *values, size_t count) {
    if (world->size > 1) MPI_Allreduce(MPI_IN_PLACE, values, (int)count, MPI_FLOAT, MPI_MIN, ohm_world_ranks(world));
}

void ohm_world_most(const struct ohm_world *world, float *values, size_t count) {
    if (world->size > 1) MPI_Allreduce(MPI_IN_PLACE, values, (int)count, MPI_FLOAT, MPI_MAX, ohm_world_ranks(world));
}

/* Rank 0's side of gather: takes each rank's bytes in rank order. */
static void receive_all(const struct ohm_world *world, const uint64_t *sizes, const void *mine, char *all) {
    size_t at = 0;
    for (int rank = 0; rank < world->size; rank++) {
        if (rank == 0) memcpy(all, mine, sizes[0]);
        for (size_t done = 0; rank && done < sizes[rank]; done += PIECE)
            MPI_Recv(all + at + done, (int)(sizes[rank] - done < PIECE ? sizes[rank] - done : PIECE), MPI_BYTE, rank, 0, ohm_world_ranks(world),
                     MPI_STATUS_IGNORE);
        at += sizes[rank];
    }
}

int ohm_world_gather(const struct ohm_world *world, const void *mine, size_t bytes, void **all, size_t *total) {
    uint64_t size = bytes, *sizes = malloc((size_t)world->size * sizeof *sizes);
    int status = sizes ? OHM_OK : ohm_fail(OHM_E_MEMORY, "no memory to gather from %d ranks", world->size);
    *all = NULL;
    *total = 0;
    OHM_TRY(ohm_world_agree(world, status));
    MPI_Gather(&size, 1, MPI_UINT64_T, sizes, 1, MPI_UINT64_T, 0, ohm_world_ranks(world));
    for (int rank = 0; !world->rank && rank < world->size; rank++) *total += sizes[rank];
    if (!world->rank && !(*all = malloc(*total + 1))) status = ohm_fail(OHM_E_MEMORY, "no memory to gather %zu bytes", *total);
    status = ohm_world_agree(world, status);
    if (!status && !world->rank) receive_all(world, sizes, mine, *all);
    for (size_t done = 0; !status && world->rank && done < bytes; done += PIECE)
        MPI_Send((const char *)mine + done, (int)(bytes - done < PIECE ? bytes - done : PIECE), MPI_BYTE, 0, 0, ohm_world_ranks(world));
    free(sizes);
    return status;
}

int64_t ohm_partition_first(int64_t n, int size, int rank) {
    int64_t each = n / size, more = n % size;
    return each * rank + (rank < more ? rank : more);
}
