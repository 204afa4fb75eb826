/* A counter on rank 0 that every rank raises by one-sided messages. */
#include "ohmtally/parallel.h"
#include "ohmtally/status.h"
#include <mpi.h>
#include <stdlib.h>

struct ohm_claims {
    MPI_Win window; /* one int64_t on rank 0: the next number */
    MPI_Request asking;
    int64_t one, answer; /* of the claim under way */
    bool alone;
};

/* The next number is asked for while the last one is being worked on: over a network rank 0 may answer only when it comes to MPI itself, and nobody
 * should have to wait for that. */
static void ask(struct ohm_claims *claims) {
    MPI_Rget_accumulate(&claims->one, 1, MPI_INT64_T, &claims->answer, 1, MPI_INT64_T, 0, 0, 1, MPI_INT64_T, MPI_SUM, claims->window,
                        &claims->asking);
}

int ohm_claims_open(const struct ohm_world *world, struct ohm_claims **opened) {
    struct ohm_claims *claims = calloc(1, sizeof *claims);
    int64_t *counter;
    *opened = NULL;
    OHM_TRY(ohm_world_agree(world, claims ? OHM_OK : ohm_fail(OHM_E_MEMORY, "no memory to share work among %d ranks", world->size)));
    claims->one = 1;
    claims->alone = world->size == 1;
    *opened = claims;
    if (claims->alone) return OHM_OK;
    MPI_Win_allocate(world->rank ? 0 : sizeof *counter, sizeof *counter, MPI_INFO_NULL, MPI_COMM_WORLD, &counter, &claims->window);
    MPI_Win_lock(MPI_LOCK_EXCLUSIVE, world->rank, 0, claims->window);
    if (!world->rank) *counter = 0;
    MPI_Win_unlock(world->rank, claims->window);
    MPI_Barrier(MPI_COMM_WORLD); /* nobody asks before it is 0 */
    MPI_Win_lock_all(MPI_MODE_NOCHECK, claims->window);
    ask(claims);
    return OHM_OK;
}

int64_t ohm_claims_next(struct ohm_claims *claims) {
    if (claims->alone) return claims->answer++;
    MPI_Wait(&claims->asking, MPI_STATUS_IGNORE);
    int64_t mine = claims->answer;
    ask(claims);
    return mine;
}

void ohm_claims_close(struct ohm_claims *claims) {
    if (!claims) return;
    if (!claims->alone) {
        MPI_Wait(&claims->asking, MPI_STATUS_IGNORE);
        MPI_Win_unlock_all(claims->window);
        MPI_Win_free(&claims->window);
    }
    free(claims);
}
