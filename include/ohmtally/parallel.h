/* All MPI of the computation. Errors are values: no rank leaves alone; every phase ends in one ohm_world_agree, after which either all ranks go on or
 * all hold the first cause. Sums over ranks are of integers only. Layer: par. */
#ifndef OHMTALLY_PARALLEL_H
#define OHMTALLY_PARALLEL_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ohm_world {
    int rank, size;
    int local_size; /* ranks on this node */
    int part;       /* 0: all ranks of the run; otherwise some of them (ohm_world_split) */
};
/* Collective. Works without mpirun as one rank. */
int ohm_world_start(int *argc, char ***argv, struct ohm_world *world);
void ohm_world_end(struct ohm_world *world);
/* Collective: ranks that give the same colour become a world of their own, in their order, for everything below but alarms, which go to all ranks of
 * the run. ohm_world_leave is collective over the part; NULL and a part that never came to be (size 0) are fine. */
int ohm_world_split(const struct ohm_world *world, int colour, struct ohm_world *part);
void ohm_world_leave(struct ohm_world *part);
/* Not collective: the lowest rank of the run on this rank's node, as the node's name. */
int ohm_world_node_first(const struct ohm_world *world);

/* Collective. status: this rank's outcome (its failure is recorded, status.h). OHM_OK when all ranks succeeded; otherwise every rank records the
 * failure of the lowest failing rank and returns its status. */
int ohm_world_agree(const struct ohm_world *world, int status);
/* Not collective, world of all ranks only: tells the others that this rank has failed, so that they stop their loops and come to the next agreement.
 */
void ohm_world_alarm(const struct ohm_world *world);
/* Not collective, cheap: whether another rank has raised the alarm. */
bool ohm_world_alarmed(const struct ohm_world *world);
/* Collective: takes all alarms back, for work that goes on after a failure that was agreed upon. */
void ohm_world_calm(const struct ohm_world *world);

/* Collective. Rank 0's bytes to all; size too. *data is malloc'ed on the other ranks, with a 0 behind it. */
int ohm_world_share(const struct ohm_world *world, char **data, size_t *size);
/* Collective, in place, result on every rank. */
void ohm_world_sum(const struct ohm_world *world, int64_t *values, size_t count);
/* Of values that one rank has each and the others hold as 0, the bit patterns to every rank: no number is rounded. */
static inline void ohm_world_join(const struct ohm_world *world, double *values, size_t count) {
    ohm_world_sum(world, (int64_t *)(void *)values, count);
}
/* The same as ohm_world_sum for an array most of which is 0 on all ranks: such parts are neither sent nor written to (memory.h, ohm_alloc_sparse). */
int ohm_world_sum_sparse(const struct ohm_world *world, int64_t *values, size_t count);
void ohm_world_least(const struct ohm_world *world, float *values, size_t count);
void ohm_world_most(const struct ohm_world *world, float *values, size_t count);
/* Collective. Each rank's bytes, one after another in rank order, on rank 0 (malloc'ed; NULL elsewhere). */
int ohm_world_gather(const struct ohm_world *world, const void *mine, size_t bytes, void **all, size_t *total);

/* Read-only memory of which every rank of a node holds an equal copy becomes one copy: the pages are replaced where they lie, so that no pointer
 * changes. Pieces begin on a page (ohm_alloc of OHM_LARGE_BYTES or more). */
struct ohm_piece {
    void *data;
    size_t bytes;
};
struct ohm_shared { /* the pages that were replaced */
    struct ohm_piece *pieces;
    int32_t npiece;
};
/* Collective. Where the copies differ, or the system does not help, everything stays as it is: sharing is never needed for a result. Adds to *shared.
 */
void ohm_node_share(const struct ohm_world *world, const struct ohm_piece *pieces, int32_t npiece, struct ohm_shared *shared);
/* Collective. The ranks of a node load what all hold one after another, each giving up its copy before the next loads, in OHM_NODE_TURNS turns at
 * most: where there are more ranks, a part of them at a time. load returns this rank's pieces (malloc'ed list). The result is this rank's status:
 * agree afterwards. */
#define OHM_NODE_TURNS 8
static inline int ohm_node_together(int ranks) { /* of a node, in a turn */
    return (ranks + OHM_NODE_TURNS - 1) / OHM_NODE_TURNS;
}
int ohm_node_load(const struct ohm_world *world, int (*load)(void *context, struct ohm_piece **pieces, int32_t *npiece), void *context,
                  struct ohm_shared *shared);
/* Not collective. Before the memory is freed: gives the pages back to this process alone (their contents are lost). */
void ohm_node_unshare(struct ohm_shared *shared);

/* The numbers 0, 1, 2, ..., each handed to the rank that asks next: a rank that is slow, or has other work, takes fewer.
 * Where messages need rank 0's help (no network with remote memory access), it gives it whenever it asks itself. */
struct ohm_claims;
int ohm_claims_open(const struct ohm_world *world, struct ohm_claims **claims); /* collective */
int64_t ohm_claims_next(struct ohm_claims *claims);                             /* not collective; never ends: the caller knows how many there are */
void ohm_claims_close(struct ohm_claims *claims);                               /* collective; NULL (on all ranks) is fine */
/* What one claim should be worth when `left` are left for so many ranks: `most`, and less towards the end, so that a rank that takes the last one
 * late does not keep the others waiting for long (guided self-scheduling, Polychronopoulos and Kuck 1987): half of what all ranks may hold at a time,
 * since a rank that works on one has claimed the next one and asked for another. */
#define OHM_CLAIMS_AHEAD 3
int64_t ohm_claims_share(int64_t left, int ranks, int64_t most);

/* Messages along a chain of ranks, each from the one before to the one behind, with at most OHM_CHAIN_DEPTH of them under way in each link, so that
 * ranks work at the same time. Every rank ends what it sends, and takes what is sent to it until that ends, also after a failure: so nobody waits for
 * ever. Not collective; one chain at a time. */
#define OHM_CHAIN_DEPTH 2
struct ohm_chain;
/* Ranks of the run before and behind, -1: none; bytes: the longest message. */
int ohm_chain_open(int before, int behind, size_t bytes, struct ohm_chain **chain);
/* Room for the next message, as soon as there is some; then sent (bytes > 0). */
void *ohm_chain_room(struct ohm_chain *chain);
void ohm_chain_send(struct ohm_chain *chain, size_t bytes);
/* The next message, good until the next call; NULL: they have ended, or there is none before. */
const void *ohm_chain_receive(struct ohm_chain *chain);
/* Moves what is under way (an MPI without threads of its own does so only when it is called). */
void ohm_chain_poll(struct ohm_chain *chain);
/* Ends what is sent, takes what is still sent, frees. NULL is fine. */
void ohm_chain_close(struct ohm_chain *chain);
/* Frees one that no rank has used. NULL is fine. */
void ohm_chain_free(struct ohm_chain *chain);

/* Rank r owns units first[r] .. first[r + 1] - 1 of n: known to every rank, differing by at most one unit. */
int64_t ohm_partition_first(int64_t n, int size, int rank);

#endif
