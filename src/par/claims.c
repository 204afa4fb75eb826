/* A counter on rank 0 that every rank raises by one-sided messages; where the MPI has none that work, ranks take turns by number. */
#include "node.h"
#include "ohmtally/log.h"
#include "ohmtally/parallel.h"
#include "ohmtally/status.h"
#include <stdlib.h>

struct ohm_claims {
    bool counted;   /* by the window; else by turns */
    MPI_Win window; /* one int64_t on rank 0: the next number */
    MPI_Request asking;
    int64_t one, answer; /* of the claim under way; by turns: the next number of this rank */
    int64_t turn;        /* ranks */
};

/* The next number is asked for while the last one is being worked on: over a network rank 0 may answer only when it comes to MPI itself, and nobody
 * should have to wait for that. */
static void ask(struct ohm_claims *claims) {
    MPI_Rget_accumulate(&claims->one, 1, MPI_INT64_T, &claims->answer, 1, MPI_INT64_T, 0, 0, 1, MPI_INT64_T, MPI_SUM, claims->window,
                        &claims->asking);
}

/* The counter at 0 on all ranks, or, agreed, on none: some networks' one-sided parts are found but do not start (Open MPI 4.1 with UCX over TCP). */
static bool make_window(const struct ohm_world *world, MPI_Win *window) {
    int64_t *counter;
    int failed;
    const MPI_Comm ranks = ohm_world_ranks(world);
    MPI_Comm_set_errhandler(ranks, MPI_ERRORS_RETURN);
    failed = MPI_Win_allocate(world->rank ? 0 : sizeof *counter, sizeof *counter, MPI_INFO_NULL, ranks, &counter, window) != MPI_SUCCESS;
    MPI_Comm_set_errhandler(ranks, MPI_ERRORS_ARE_FATAL);
    MPI_Allreduce(MPI_IN_PLACE, &failed, 1, MPI_INT, MPI_MAX, ranks);
    if (failed) return false;
    MPI_Win_lock(MPI_LOCK_EXCLUSIVE, world->rank, 0, *window);
    if (!world->rank) *counter = 0;
    MPI_Win_unlock(world->rank, *window);
    MPI_Barrier(ranks); /* nobody asks before it is 0 */
    return true;
}

int ohm_claims_open(const struct ohm_world *world, struct ohm_claims **opened) {
    static bool windows = true; /* once they have failed they will again */
    struct ohm_claims *claims = calloc(1, sizeof *claims);
    *opened = NULL;
    OHM_TRY(ohm_world_agree(world, claims ? OHM_OK : ohm_fail(OHM_E_MEMORY, "no memory to share work among %d ranks", world->size)));
    *claims = (struct ohm_claims){.one = 1, .answer = world->rank, .turn = world->size};
    *opened = claims;
    MPI_Allreduce(MPI_IN_PLACE, &windows, 1, MPI_C_BOOL, MPI_LAND, ohm_world_ranks(world)); /* they may have failed in a part of these ranks */
    if (world->size > 1 && windows) windows = claims->counted = make_window(world, &claims->window);
    if (world->size > 1 && !windows)
        ohm_warn(
            "one-sided messages of this MPI do not work here, so ranks take turns and a slow one holds the others (Open MPI: try OMPI_MCA_osc=^ucx)");
    if (!claims->counted) return OHM_OK;
    MPI_Win_lock_all(MPI_MODE_NOCHECK, claims->window);
    ask(claims);
    return OHM_OK;
}

int64_t ohm_claims_next(struct ohm_claims *claims) {
    if (claims->counted) MPI_Wait(&claims->asking, MPI_STATUS_IGNORE);
    const int64_t mine = claims->answer;
    if (claims->counted)
        ask(claims);
    else
        claims->answer += claims->turn;
    return mine;
}

void ohm_claims_close(struct ohm_claims *claims) {
    if (!claims) return;
    if (claims->counted) {
        MPI_Wait(&claims->asking, MPI_STATUS_IGNORE);
        MPI_Win_unlock_all(claims->window);
        MPI_Win_free(&claims->window);
    }
    free(claims);
}

int64_t ohm_claims_share(int64_t left, int ranks, int64_t most) {
    const int64_t parts = 2 * OHM_CLAIMS_AHEAD * (int64_t)ranks, share = ranks > 1 ? (left + parts - 1) / parts : left;
    return share < most ? share : most;
}
