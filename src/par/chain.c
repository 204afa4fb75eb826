/* Messages of whole batches along a chain of ranks. Messages of no bytes say that there are no more. */
#include "ohmtally/memory.h"
#include "ohmtally/parallel.h"
#include "ohmtally/status.h"
#include <limits.h>
#include <mpi.h>
#include <stdlib.h>
#include <time.h>

#define TAG_CHAIN 78
#define NAP_NS 50000 /* between looks: little beside a batch, and whoever shares the core works meanwhile */

struct ohm_chain {
    int before, behind;
    size_t bytes;
    unsigned char *in[OHM_CHAIN_DEPTH], *out[OHM_CHAIN_DEPTH];
    MPI_Request receiving[OHM_CHAIN_DEPTH], sending[OHM_CHAIN_DEPTH];
    int next_in, next_out; /* in turns */
    bool expecting;        /* receives are posted */
    bool held;             /* in[next_in] is with the caller */
    bool ended;            /* nothing comes any more */
};

static int wait_for(MPI_Request *request) { /* bytes, of a receive */
    int done = 0, bytes = 0;
    MPI_Status status;
    for (MPI_Test(request, &done, &status); !done; MPI_Test(request, &done, &status)) nanosleep(&(struct timespec){0, NAP_NS}, NULL);
    MPI_Get_count(&status, MPI_BYTE, &bytes);
    return bytes;
}

static void expect(struct ohm_chain *chain, int i) {
    MPI_Irecv(chain->in[i], (int)chain->bytes, MPI_BYTE, chain->before, TAG_CHAIN, MPI_COMM_WORLD, &chain->receiving[i]);
}

void ohm_chain_free(struct ohm_chain *chain) {
    for (int i = 0; chain && i < OHM_CHAIN_DEPTH; i++) {
        free(chain->in[i]);
        free(chain->out[i]);
    }
    free(chain);
}

int ohm_chain_open(int before, int behind, size_t bytes, struct ohm_chain **opened) {
    struct ohm_chain *chain = ohm_alloc(sizeof *chain);
    bool good = chain != NULL;
    *opened = NULL;
    if (!chain) return OHM_E_MEMORY;
    *chain = (struct ohm_chain){.before = before, .behind = behind, .bytes = bytes, .ended = before < 0};
    for (int i = 0; i < OHM_CHAIN_DEPTH; i++) {
        chain->receiving[i] = chain->sending[i] = MPI_REQUEST_NULL;
        if (before >= 0) good = (chain->in[i] = ohm_alloc(bytes)) && good;
        if (behind >= 0) good = (chain->out[i] = ohm_alloc(bytes)) && good;
    }
    if (!good || bytes > INT_MAX) {
        ohm_chain_free(chain);
        return good ? ohm_fail(OHM_E_UNSUPPORTED, "a batch of %zu MB cannot be sent as one message; set run.batch to less", bytes >> 20)
                    : OHM_E_MEMORY;
    }
    *opened = chain;
    return OHM_OK;
}

void *ohm_chain_room(struct ohm_chain *chain) {
    wait_for(&chain->sending[chain->next_out]);
    return chain->out[chain->next_out];
}

void ohm_chain_send(struct ohm_chain *chain, size_t bytes) {
    MPI_Isend(chain->out[chain->next_out], (int)bytes, MPI_BYTE, chain->behind, TAG_CHAIN, MPI_COMM_WORLD, &chain->sending[chain->next_out]);
    chain->next_out = (chain->next_out + 1) % OHM_CHAIN_DEPTH;
}

/* Every receive that is posted gets a message of its own that says so: one left over would take the first message of the next chain. */
static void end(struct ohm_chain *chain) {
    chain->ended = true;
    for (int i = 0; i < OHM_CHAIN_DEPTH; i++) wait_for(&chain->receiving[i]);
}

const void *ohm_chain_receive(struct ohm_chain *chain) {
    if (chain->ended) return NULL;
    for (int i = 0; !chain->expecting && i < OHM_CHAIN_DEPTH; i++) expect(chain, i);
    chain->expecting = true;
    if (chain->held) {
        expect(chain, chain->next_in);
        chain->next_in = (chain->next_in + 1) % OHM_CHAIN_DEPTH;
    }
    chain->held = wait_for(&chain->receiving[chain->next_in]) > 0;
    if (!chain->held) end(chain);
    return chain->held ? chain->in[chain->next_in] : NULL;
}

void ohm_chain_poll(struct ohm_chain *chain) {
    int done;
    MPI_Testall(OHM_CHAIN_DEPTH, chain->sending, &done, MPI_STATUSES_IGNORE);
    for (int i = 0; i < OHM_CHAIN_DEPTH; i++) MPI_Request_get_status(chain->receiving[i], &done, MPI_STATUS_IGNORE);
}

void ohm_chain_close(struct ohm_chain *chain) {
    if (!chain) return;
    for (int i = 0; chain->behind >= 0 && i < OHM_CHAIN_DEPTH; i++) {
        ohm_chain_room(chain);
        ohm_chain_send(chain, 0);
    }
    while (ohm_chain_receive(chain)) continue;
    for (int i = 0; i < OHM_CHAIN_DEPTH; i++) wait_for(&chain->sending[i]);
    ohm_chain_free(chain);
}
