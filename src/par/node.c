/* One copy of what all ranks of a node read.
 *
 * The lowest rank of the node writes its copy into a file that lives in memory only; the others open it through /proc (same user, same node) and map
 * it over their own copies. A hash says beforehand that the copies are equal. In containers that number processes on their own, /proc may hold
 * another process, and another file, under those numbers: only the very file is taken. */
#include "node.h"
#include "ohmtally/memory.h"
#include "ohmtally/parallel.h"
#include "ohmtally/status.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

struct offer { /* by the lowest rank of the node */
    int process, file;
    dev_t device; /* of the file, with inode */
    ino_t inode;
    uint64_t hash, bytes;
};

static size_t whole_pages(size_t bytes) {
    return bytes / OHM_PAGE_BYTES * OHM_PAGE_BYTES;
}

static struct offer describe(const struct ohm_piece *pieces, int32_t npiece) {
    struct offer offer = {.process = (int)getpid(), .file = -1};
    for (int32_t i = 0; i < npiece; i++) {
        offer.hash = XXH64(pieces[i].data, whole_pages(pieces[i].bytes), offer.hash);
        offer.bytes += whole_pages(pieces[i].bytes);
    }
    return offer;
}

static bool write_all(int file, const void *data, size_t bytes) {
    const char *from = data;
    while (bytes) {
        ssize_t written = write(file, from, bytes);
        if (written <= 0) return false;
        from += written;
        bytes -= (size_t)written;
    }
    return true;
}

/* A file in memory with all pieces one after another, or -1. */
static int make_file(const struct ohm_piece *pieces, int32_t npiece) {
    int file = memfd_create("ohmtally", MFD_CLOEXEC);
    bool good = file >= 0;
    for (int32_t i = 0; good && i < npiece; i++) good = write_all(file, pieces[i].data, whole_pages(pieces[i].bytes));
    if (file >= 0 && !good) {
        close(file);
        file = -1;
    }
    return file;
}

static int open_file(const struct offer *offer) {
    char path[64];
    struct stat found;
    snprintf(path, sizeof path, "/proc/%d/fd/%d", offer->process, offer->file);
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0) return -1;
    if (!fstat(file, &found) && found.st_dev == offer->device && found.st_ino == offer->inode) return file;
    close(file);
    return -1;
}

/* Maps the file over the pieces. A mapping that fails leaves the process's own pages in place. */
static void replace(int file, const struct ohm_piece *pieces, int32_t npiece, struct ohm_shared *shared) {
    off_t at = 0;
    for (int32_t i = 0; i < npiece; i++) {
        size_t bytes = whole_pages(pieces[i].bytes);
        if (mmap(pieces[i].data, bytes, PROT_READ, MAP_SHARED | MAP_FIXED, file, at) != MAP_FAILED)
            shared->pieces[shared->npiece++] = (struct ohm_piece){pieces[i].data, bytes};
        at += (off_t)bytes;
    }
}

static bool make_room(struct ohm_shared *shared, int32_t npiece) {
    struct ohm_piece *grown = realloc(shared->pieces, (size_t)(shared->npiece + npiece + 1) * sizeof *grown);
    if (grown) shared->pieces = grown;
    return grown != NULL;
}

/* The offer of the node's lowest rank, which alone has its file open; the others' part is to look whether their copies equal it. */
static struct offer make_offer(MPI_Comm node, int rank, const struct offer *mine, const struct ohm_piece *pieces, int32_t npiece) {
    struct offer offer = *mine;
    struct stat made;
    if (rank == 0 && npiece) offer.file = make_file(pieces, npiece);
    if (offer.file >= 0 && !fstat(offer.file, &made)) {
        offer.device = made.st_dev;
        offer.inode = made.st_ino;
    }
    MPI_Bcast(&offer, (int)sizeof offer, MPI_BYTE, 0, node);
    return offer;
}

/* Opens the file offered if this copy is equal to it; -1 otherwise. */
static int accept(const struct offer *offer, const struct offer *mine, int rank, int32_t npiece, struct ohm_shared *shared) {
    if (offer->file < 0 || offer->hash != mine->hash || offer->bytes != mine->bytes || !make_room(shared, npiece)) return -1;
    return rank == 0 ? offer->file : open_file(offer);
}

void ohm_node_share(const struct ohm_world *world, const struct ohm_piece *pieces, int32_t npiece, struct ohm_shared *shared) {
    int rank, size = world->local_size, good, all;
    MPI_Comm node = ohm_world_node(world);
    MPI_Comm_rank(node, &rank);
    if (size > 1) {
        struct offer mine = describe(pieces, npiece), offer = make_offer(node, rank, &mine, pieces, npiece);
        int file = accept(&offer, &mine, rank, npiece, shared);
        good = file >= 0;
        MPI_Allreduce(&good, &all, 1, MPI_INT, MPI_MIN, node); /* after it the file has been opened by all */
        if (all) replace(file, pieces, npiece, shared);
        if (file >= 0) close(file);
    }
}

int ohm_node_load(const struct ohm_world *world, int (*load)(void *context, struct ohm_piece **pieces, int32_t *npiece), void *context,
                  struct ohm_shared *shared) {
    int rank, size = world->local_size, status = OHM_OK;
    struct ohm_piece *pieces = NULL;
    int32_t npiece = 0;
    struct offer mine = {.file = -1}, offer = mine;
    MPI_Comm node = ohm_world_node(world);
    MPI_Comm_rank(node, &rank);
    const int together = ohm_node_together(size);
    for (int turn = 0; turn * together < size; turn++) {
        if (turn == rank / together) {
            status = load(context, &pieces, &npiece);
            if (status) npiece = 0;
            if (size > 1) mine = describe(pieces, npiece);
        }
        if (turn == 0 && size > 1) offer = make_offer(node, rank, &mine, pieces, npiece);
        if (turn == rank / together && npiece) {
            int file = accept(&offer, &mine, rank, npiece, shared);
            if (file >= 0) replace(file, pieces, npiece, shared);
            if (file >= 0 && rank) close(file);
        }
        MPI_Barrier(node);
    }
    if (rank == 0 && offer.file >= 0) close(offer.file);
    free(pieces);
    return status;
}

void ohm_node_unshare(struct ohm_shared *shared) {
    for (int32_t i = 0; i < shared->npiece; i++)
        if (mmap(shared->pieces[i].data, shared->pieces[i].bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
            MAP_FAILED)
            abort(); /* the allocator would write to pages that other processes read */
    free(shared->pieces);
    *shared = (struct ohm_shared){0};
}
