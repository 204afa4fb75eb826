#include "node.h"
#include "ohmtally/parallel.h"
#include "ohmtally/status.h"
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define TAG_ALARM 77
#define SPARSE_BLOCK 512        /* values: a page of memory */
#define PIECE ((size_t)1 << 30) /* MPI counts are int: large buffers go in pieces */

static int raised;                    /* alarms by this rank that nobody has taken back */
static MPI_Comm node = MPI_COMM_NULL; /* the ranks of this node, from start to end */

MPI_Comm ohm_world_node(void) {
    return node;
}

int ohm_world_start(int *argc, char ***argv, struct ohm_world *world) {
    int given;
    if (MPI_Init_thread(argc, argv, MPI_THREAD_FUNNELED, &given)) return ohm_fail(OHM_E_INTERNAL, "MPI did not start");
    MPI_Comm_rank(MPI_COMM_WORLD, &world->rank);
    MPI_Comm_size(MPI_COMM_WORLD, &world->size);
    MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node);
    MPI_Comm_size(node, &world->local_size);
    return OHM_OK;
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
    MPI_Comm_free(&node);
    MPI_Finalize();
}

int ohm_world_agree(const struct ohm_world *world, int status) {
    int failing = status ? world->rank : INT_MAX, first;
    MPI_Allreduce(&failing, &first, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD);
    if (first == INT_MAX) return OHM_OK;
    struct ohm_failure failure = {0};
    if (world->rank == first) {
        ohm_fail_take(&failure);
        if (!failure.status) failure.status = status; /* a failure without a line: still not a success */
    }
    MPI_Bcast(&failure, (int)sizeof failure, MPI_BYTE, first, MPI_COMM_WORLD);
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

static void broadcast(void *data, size_t size) {
    for (size_t at = 0; at < size; at += PIECE)
        MPI_Bcast((char *)data + at, (int)(size - at < PIECE ? size - at : PIECE), MPI_BYTE, 0, MPI_COMM_WORLD);
}

int ohm_world_share(const struct ohm_world *world, char **data, size_t *size) {
    uint64_t bytes = world->rank ? 0 : *size;
    int status = OHM_OK;
    MPI_Bcast(&bytes, 1, MPI_UINT64_T, 0, MPI_COMM_WORLD);
    if (world->rank) {
        *data = malloc(bytes + 1);
        if (!*data) status = ohm_fail(OHM_E_MEMORY, "no memory for %llu bytes shared by rank 0", (unsigned long long)bytes);
    }
    OHM_TRY(ohm_world_agree(world, status));
    broadcast(*data, bytes);
    *size = bytes;
    if (world->rank) (*data)[bytes] = 0;
    return OHM_OK;
}

void ohm_world_sum(const struct ohm_world *world, int64_t *values, size_t count) {
    size_t most = PIECE / sizeof *values;
    for (size_t at = 0; world->size > 1 && at < count; at += most)
        MPI_Allreduce(MPI_IN_PLACE, values + at, (int)(count - at < most ? count - at : most), MPI_INT64_T, MPI_SUM, MPI_COMM_WORLD);
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
    if (world->size > 1) MPI_Allreduce(MPI_IN_PLACE, values, (int)count, MPI_FLOAT, MPI_MIN, MPI_COMM_WORLD);
}

void ohm_world_most(const struct ohm_world *world, float *values, size_t count) {
    if (world->size > 1) MPI_Allreduce(MPI_IN_PLACE, values, (int)count, MPI_FLOAT, MPI_MAX, MPI_COMM_WORLD);
}

/* Rank 0's side of gather: takes each rank's bytes in rank order. */
static void receive_all(const struct ohm_world *world, const uint64_t *sizes, const void *mine, char *all) {
    size_t at = 0;
    for (int rank = 0; rank < world->size; rank++) {
        if (rank == 0) memcpy(all, mine, sizes[0]);
        for (size_t done = 0; rank && done < sizes[rank]; done += PIECE)
            MPI_Recv(all + at + done, (int)(sizes[rank] - done < PIECE ? sizes[rank] - done : PIECE), MPI_BYTE, rank, 0, MPI_COMM_WORLD,
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
    MPI_Gather(&size, 1, MPI_UINT64_T, sizes, 1, MPI_UINT64_T, 0, MPI_COMM_WORLD);
    for (int rank = 0; !world->rank && rank < world->size; rank++) *total += sizes[rank];
    if (!world->rank && !(*all = malloc(*total + 1))) status = ohm_fail(OHM_E_MEMORY, "no memory to gather %zu bytes", *total);
    status = ohm_world_agree(world, status);
    if (!status && !world->rank) receive_all(world, sizes, mine, *all);
    for (size_t done = 0; !status && world->rank && done < bytes; done += PIECE)
        MPI_Send((const char *)mine + done, (int)(bytes - done < PIECE ? bytes - done : PIECE), MPI_BYTE, 0, 0, MPI_COMM_WORLD);
    free(sizes);
    return status;
}

int64_t ohm_partition_first(int64_t n, int size, int rank) {
    int64_t each = n / size, more = n % size;
    return each * rank + (rank < more ? rank : more);
}
