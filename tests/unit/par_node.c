/* One copy of equal memory on a node: same addresses, same contents, one file behind them; and everything as it was where copies differ. Three ranks
 * of one node, or two on each of two, as CTest starts it; any number works that is the same on every node. And ranks that do not see each other's
 * processes, which have nothing to share. */
#include "ohmtally/memory.h"
#include "ohmtally/parallel.h"
#include "ohmtally/status.h"
#include "suite.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static struct ohm_world world;
static long *host; /* [world.size]: a number for the host of each rank */
static int seat;   /* of this rank among those of its host */
static bool apart; /* processes are numbered apart from those of rank 0: containers, or another host */
enum { PAGE = 4096 };

/* ---- memory with known contents ---- */

static unsigned char pattern(size_t i, int seed) {
    return (unsigned char)((i * 2654435761u >> 24) ^ (i >> 12) ^ (size_t)seed * 37);
}
static struct ohm_piece make(size_t bytes, int seed) {
    struct ohm_piece piece = {ohm_alloc(bytes), bytes};
    CU_ASSERT_PTR_NOT_NULL_FATAL(piece.data);
    for (size_t i = 0; i < bytes; i++) ((unsigned char *)piece.data)[i] = pattern(i, seed);
    return piece;
}
static size_t wrong(struct ohm_piece piece, size_t from, size_t to, int seed) {
    size_t n = 0;
    for (size_t i = from; i < to; i++) n += ((const unsigned char *)piece.data)[i] != pattern(i, seed);
    return n;
}
static size_t whole(size_t bytes) {
    return bytes / PAGE * PAGE;
}
static char *at(struct ohm_piece piece, size_t offset) {
    return (char *)piece.data + offset;
}

/* ---- what the system says of an address ---- */

struct mapping {
    char rights[5];
    unsigned long inode;
    bool ours; /* the file in memory that parallel.h speaks of */
};
/* Of the page at an address in a process; inode 0 where it is plain memory. */
static struct mapping mapping_of(long process, const void *address) {
    char path[64], line[512];
    struct mapping found = {"", 0, false};
    snprintf(path, sizeof path, "/proc/%ld/maps", process);
    FILE *maps = fopen(path, "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(maps);
    while (fgets(line, sizeof line, maps)) {
        unsigned long from, to;
        struct mapping here = {"", 0, strstr(line, "memfd:ohmtally") != NULL};
        if (sscanf(line, "%lx-%lx %4s %*s %*s %lu", &from, &to, here.rights, &here.inode) != 4) continue;
        if ((unsigned long)address >= from && (unsigned long)address < to) found = here;
    }
    fclose(maps);
    return found;
}
/* Pages of [0, bytes) of a piece that lie in a shared file, read-only. */
static size_t shared_pages(struct ohm_piece piece) {
    size_t n = 0;
    for (size_t i = 0; i < whole(piece.bytes); i += PAGE) {
        struct mapping here = mapping_of(getpid(), at(piece, i));
        n += here.ours && !strcmp(here.rights, "r--s");
    }
    return n;
}
/* Every rank's number to all. */
static void everybody(long mine, long *all) {
    void *gathered;
    size_t size;
    CU_ASSERT_EQUAL_FATAL(ohm_world_gather(&world, &mine, sizeof mine, &gathered, &size), OHM_OK);
    char *data = gathered;
    CU_ASSERT_EQUAL_FATAL(ohm_world_share(&world, &data, &size), OHM_OK);
    CU_ASSERT_EQUAL_FATAL(size, (size_t)world.size * sizeof mine);
    memcpy(all, data, size);
    free(data);
}
/* The address lies in one file on all ranks of this host, and in another one on every other host. Collective. */
static void check_files(const void *address) {
    const long mine = (long)mapping_of(getpid(), address).inode;
    long *file = calloc((size_t)world.size, sizeof *file);
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    everybody(mine, file);
    CU_ASSERT(mine != 0);
    for (int rank = 0; rank < world.size; rank++) CU_ASSERT_EQUAL(file[rank] == mine, host[rank] == host[world.rank]);
    free(file);
}

static bool one_node(void) {
    return world.local_size == world.size;
}
/* Whether anything is to be shared at all. */
static int32_t when_shared(int32_t n) {
    return world.local_size > 1 && !(one_node() && apart) ? n : 0;
}
static void wait_for_all(void) {
    CU_ASSERT_EQUAL(ohm_world_agree(&world, OHM_OK), OHM_OK);
}
static void check_writable(struct ohm_piece piece) {
    memset(piece.data, 'a' + world.rank, piece.bytes);
    wait_for_all(); /* nobody else's writing shows here */
    size_t n = 0;
    for (size_t i = 0; i < piece.bytes; i++) n += *at(piece, i) != 'a' + world.rank;
    CU_ASSERT_EQUAL(n, 0);
}
/* Gives the pages back, writes to all of them and frees them, as an engine's end does. */
static void give_back(struct ohm_shared *shared, struct ohm_piece *pieces, int32_t n) {
    ohm_node_unshare(shared);
    CU_ASSERT(shared->npiece == 0 && shared->pieces == NULL);
    for (int32_t i = 0; i < n; i++) {
        CU_ASSERT(!mapping_of(getpid(), pieces[i].data).ours);
        check_writable(pieces[i]);
        free(pieces[i].data);
    }
}

/* ---- sharing ---- */

static void find_seat(void) {
    char name[256] = "";
    long number = 5381;
    gethostname(name, sizeof name - 1);
    for (const char *c = name; *c; c++) number = (number * 33 + *c) & 0xffffffff;
    host = calloc((size_t)world.size, sizeof *host);
    everybody(number, host);
    for (int rank = 0; rank < world.rank; rank++) seat += host[rank] == number;
}

/* Then another file stands under the number of any that rank 0 will open. */
static void find_apart(void) {
    struct stat numbering;
    long *all = calloc((size_t)world.size, sizeof *all);
    CU_ASSERT_EQUAL_FATAL(stat("/proc/self/ns/pid", &numbering), 0);
    everybody((long)numbering.st_ino, all);
    for (int rank = 1; rank < world.size; rank++) apart = apart || all[rank] != all[0];
    free(all);
    for (int k = 0; apart && k < (seat ? 100 : 50); k++) CU_ASSERT(open("/proc/self/exe", O_RDONLY) >= 0);
}

static void test_hosts(void) { /* the first: the others need the seat */
    int beside = 0;
    find_seat();
    find_apart();
    for (int rank = 0; rank < world.size; rank++) beside += host[rank] == host[world.rank];
    CU_ASSERT_EQUAL(world.local_size, beside);
}

static void test_alignment(void) {
    const size_t bytes[] = {OHM_LARGE_BYTES, OHM_LARGE_BYTES + 1, 3 * OHM_LARGE_BYTES + 64, OHM_LARGE_BYTES - 1, 100};
    for (int i = 0; i < 5; i++) {
        char *piece = ohm_alloc(bytes[i]);
        size_t set = 0;
        CU_ASSERT_EQUAL((uintptr_t)piece % (i < 3 ? OHM_PAGE_BYTES : 64), 0);
        for (size_t k = 0; k < bytes[i]; k++) set += piece[k] != 0;
        CU_ASSERT_EQUAL(set, 0);
        free(piece);
    }
    CU_ASSERT_EQUAL(OHM_PAGE_BYTES, PAGE);
    CU_ASSERT(sysconf(_SC_PAGESIZE) <= PAGE);
}

static void test_equal_copies(void) {
    struct ohm_piece pieces[3] = {make(OHM_LARGE_BYTES, 1), make(3 * OHM_LARGE_BYTES, 2), make(OHM_LARGE_BYTES + PAGE, 3)};
    struct ohm_shared shared = {0};
    ohm_node_share(&world, pieces, 3, &shared);
    CU_ASSERT_EQUAL_FATAL(shared.npiece, when_shared(3));
    for (int32_t i = 0; i < 3; i++) {
        CU_ASSERT_EQUAL(wrong(pieces[i], 0, pieces[i].bytes, i + 1), 0);
        if (!shared.npiece) continue;
        CU_ASSERT(shared.pieces[i].data == pieces[i].data && shared.pieces[i].bytes == pieces[i].bytes);
        CU_ASSERT_EQUAL(shared_pages(pieces[i]), pieces[i].bytes / PAGE);
        check_files(pieces[i].data);
    }
    give_back(&shared, pieces, 3);
}

/* What stands behind the last whole page is each rank's own; a piece smaller than a page is left alone. */
static void test_tails(void) {
    const size_t bytes[] = {OHM_LARGE_BYTES + 100, OHM_LARGE_BYTES + 2 * PAGE - 1, OHM_LARGE_BYTES, PAGE - 1, OHM_LARGE_BYTES + 1};
    struct ohm_piece pieces[5];
    for (int i = 0; i < 5; i++) {
        pieces[i] = make(bytes[i], i);
        if (i == 3) { /* on a page, as a piece has to begin */
            free(pieces[i].data);
            pieces[i].data = aligned_alloc(PAGE, PAGE);
        }
        memset(at(pieces[i], whole(bytes[i])), 'A' + world.rank, bytes[i] - whole(bytes[i]));
    }
    struct ohm_shared shared = {0};
    ohm_node_share(&world, pieces, 5, &shared);
    CU_ASSERT_EQUAL_FATAL(shared.npiece, when_shared(4));
    for (int turn = 0; turn < 2; turn++)
        for (int i = 0; i < 5; i++) {
            size_t tail = whole(bytes[i]), others = 0;
            CU_ASSERT_EQUAL(wrong(pieces[i], 0, tail, i), 0);
            if (shared.npiece) CU_ASSERT_EQUAL(shared_pages(pieces[i]), tail / PAGE);
            for (size_t k = tail; k < bytes[i]; k++) others += *at(pieces[i], k) != (turn ? 'a' : 'A') + world.rank;
            CU_ASSERT_EQUAL(others, 0);
            memset(at(pieces[i], tail), 'a' + world.rank, bytes[i] - tail);
            wait_for_all();
        }
    give_back(&shared, pieces, 5);
}

enum difference { BYTE_FIRST, BYTE_LAST, SIZE, COUNT, CUT, NDIFFERENCE };

/* Copies that differ on one rank of a node, by one byte of one page, in size, number, or in how the same bytes are cut into pieces. */
static void test_one_differs(void) {
    for (int odd = 0; odd < world.local_size && world.local_size > 1; odd++)
        for (enum difference what = 0; what < NDIFFERENCE; what++) {
            bool other = seat == odd;
            size_t first = OHM_LARGE_BYTES + PAGE, second = 2 * OHM_LARGE_BYTES;
            if (other && what == SIZE) second += PAGE;
            struct ohm_piece both = make(first + second, 5), pieces[2] = {{both.data, first}, {at(both, first), second}};
            if (other && what == BYTE_FIRST) *at(pieces[0], 0) ^= 1;
            if (other && what == BYTE_LAST) *at(pieces[1], second - 1) ^= 64;
            if (other && what == CUT) {
                pieces[0].bytes -= PAGE;
                pieces[1] = (struct ohm_piece){at(both, first - PAGE), second + PAGE};
            }
            struct ohm_shared shared = {0};
            ohm_node_share(&world, pieces, other && what == COUNT ? 1 : 2, &shared);
            CU_ASSERT_EQUAL(shared.npiece, 0);
            CU_ASSERT(shared_pages(both) == 0);
            CU_ASSERT_EQUAL(wrong(both, 0, both.bytes, 5), other && (what == BYTE_FIRST || what == BYTE_LAST));
            check_writable(both);
            ohm_node_unshare(&shared);
            free(both.data);
        }
}

static void test_no_pieces(void) {
    struct ohm_shared shared = {0};
    ohm_node_share(&world, NULL, 0, &shared);
    CU_ASSERT_EQUAL(shared.npiece, 0);
    struct ohm_piece piece = make(OHM_LARGE_BYTES, 1);
    ohm_node_share(&world, &piece, seat ? 1 : 0, &shared); /* none on one rank */
    ohm_node_share(&world, &piece, seat ? 0 : 1, &shared);
    CU_ASSERT_EQUAL(shared.npiece, 0);
    check_writable(piece);
    free(piece.data);
    ohm_node_unshare(&shared);
    ohm_node_unshare(&shared); /* nothing to give back is fine */
    CU_ASSERT(shared.npiece == 0 && shared.pieces == NULL);
}

static void test_adds_up(void) {
    struct ohm_piece pieces[3] = {make(OHM_LARGE_BYTES, 1), make(OHM_LARGE_BYTES, world.rank), make(2 * OHM_LARGE_BYTES, 3)};
    struct ohm_shared shared = {0};
    for (int32_t i = 0; i < 3; i++) ohm_node_share(&world, &pieces[i], 1, &shared); /* the second is not equal */
    CU_ASSERT_EQUAL_FATAL(shared.npiece, when_shared(2));
    if (shared.npiece) CU_ASSERT(shared.pieces[0].data == pieces[0].data && shared.pieces[1].data == pieces[2].data);
    CU_ASSERT_EQUAL(wrong(pieces[1], 0, pieces[1].bytes, world.rank), 0);
    give_back(&shared, pieces, 3);
}

/* A rank of a node that is done (the one that made the file first) must not take anything from the others. */
static void test_unshare_alone(void) {
    for (int done = 0; done < world.local_size; done++) {
        struct ohm_piece piece = make(2 * OHM_LARGE_BYTES + 50, 7);
        struct ohm_shared shared = {0};
        ohm_node_share(&world, &piece, 1, &shared);
        CU_ASSERT_EQUAL(shared.npiece, when_shared(1));
        if (seat == done) {
            ohm_node_unshare(&shared);
            memset(piece.data, 0xEE, piece.bytes);
            free(piece.data);
        }
        wait_for_all();
        if (seat != done) {
            CU_ASSERT_EQUAL(wrong(piece, 0, piece.bytes, 7), 0);
            CU_ASSERT_EQUAL(shared_pages(piece), when_shared(1) ? whole(piece.bytes) / PAGE : 0);
        }
        wait_for_all();
        if (seat != done) {
            ohm_node_unshare(&shared);
            memset(piece.data, 0, piece.bytes);
            free(piece.data);
        }
    }
}

/* The way engines go: the large pieces of an arena, found in the same order on every rank. */
struct list {
    struct ohm_piece pieces[8];
    int32_t n;
};
static void add(void *context, void *piece, size_t bytes) {
    struct list *list = context;
    CU_ASSERT_FATAL(list->n < 8);
    list->pieces[list->n++] = (struct ohm_piece){piece, bytes};
}
static void test_arena(void) {
    struct ohm_arena *arena = ohm_arena_new();
    const size_t bytes[] = {100, OHM_LARGE_BYTES, 70000, OHM_LARGE_BYTES - 10, 3 * OHM_LARGE_BYTES + 1, OHM_LARGE_BYTES - 64, 20};
    char *start[7];
    struct list list = {.n = 0};
    for (int i = 0; i < 7; i++) {
        start[i] = ohm_arena_alloc(arena, bytes[i]);
        memset(start[i], 'a' + i, bytes[i]);
        *start[i] = bytes[i] < OHM_LARGE_BYTES - 10 ? (char)world.rank : 0; /* small ones are of no interest */
    }
    ohm_arena_large(arena, add, &list);
    CU_ASSERT_EQUAL_FATAL(list.n, 3);
    int seen = 0;
    for (int i = 0; i < 3; i++) {
        CU_ASSERT_EQUAL((uintptr_t)list.pieces[i].data % PAGE, 0);
        for (int k = 0; k < 7; k++) seen += list.pieces[i].data == start[k] && list.pieces[i].bytes >= bytes[k] && bytes[k] >= OHM_LARGE_BYTES - 10;
    }
    CU_ASSERT_EQUAL(seen, 3);
    struct ohm_shared shared = {0};
    ohm_node_share(&world, list.pieces, list.n, &shared);
    CU_ASSERT_EQUAL(shared.npiece, when_shared(3));
    size_t bad = 0;
    for (int i = 0; i < 7; i++)
        for (size_t k = 1; k < bytes[i]; k++) bad += start[i][k] != 'a' + i;
    CU_ASSERT_EQUAL(bad, 0);
    ohm_node_unshare(&shared);
    ohm_arena_free(arena);
}

/* ---- loading in turns ---- */

struct load {
    struct ohm_piece piece;   /* allocated beforehand, so that the others know where it is */
    char folder[64];          /* the same on every rank */
    int fails, differs;       /* rank; -1: none */
    long *process, *address;  /* [world.size] */
    int calls, met, unshared; /* others found inside; earlier ranks whose copy was still there */
};

static void note_turn(struct load *load) {
    char busy[96], log[96], who = (char)('0' + world.rank);
    snprintf(busy, sizeof busy, "%s/busy-%ld", load->folder, host[world.rank]);
    snprintf(log, sizeof log, "%s/log", load->folder);
    int file = open(busy, O_CREAT | O_EXCL | O_WRONLY, 0600);
    load->met += file < 0;
    nanosleep(&(struct timespec){0, 30000000}, NULL); /* long enough to be met */
    if (file >= 0) {
        close(file);
        unlink(busy);
    }
    file = open(log, O_CREAT | O_APPEND | O_WRONLY, 0600);
    load->met += write(file, &who, 1) != 1;
    close(file);
}

static int run_load(void *context, struct ohm_piece **pieces, int32_t *npiece) {
    struct load *load = context;
    load->calls++;
    bool good_before = load->fails < 0 && load->differs < 0;
    for (int rank = 0; good_before && one_node() && !apart && rank < world.rank; rank++)
        load->unshared += !mapping_of(load->process[rank], (const void *)load->address[rank]).ours; /* NOLINT: the other process's address */
    note_turn(load);
    *pieces = malloc(sizeof **pieces);
    **pieces = load->piece;
    *npiece = 1; /* a load that fails may have got this far */
    for (size_t i = 0; i < load->piece.bytes; i++) ((unsigned char *)load->piece.data)[i] = pattern(i, 4);
    if (load->differs == world.rank) *at(load->piece, 5 * PAGE) ^= 8;
    if (load->fails == world.rank) return ohm_fail(OHM_E_IO, "rank %d cannot read", world.rank);
    return OHM_OK;
}

static void start_load(struct load *load, int fails, int differs) {
    *load = (struct load){.fails = fails, .differs = differs};
    strcpy(load->folder, "/tmp/ohm-node-XXXXXX");
    if (world.rank == 0) CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(load->folder));
    char *data = world.rank == 0 ? strdup(load->folder) : NULL;
    size_t size = strlen(load->folder);
    CU_ASSERT_EQUAL_FATAL(ohm_world_share(&world, &data, &size), OHM_OK);
    memcpy(load->folder, data, size);
    free(data);
    load->piece = (struct ohm_piece){ohm_alloc(2 * OHM_LARGE_BYTES + 77), 2 * OHM_LARGE_BYTES + 77};
    load->process = calloc((size_t)world.size, sizeof(long));
    load->address = calloc((size_t)world.size, sizeof(long));
    everybody((long)getpid(), load->process);
    everybody((long)load->piece.data, load->address);
}

/* Every rank loaded once, and alone where the node has few; ends with everything freed. */
static void end_load(struct load *load, struct ohm_shared *shared) {
    char path[96], log[64] = "";
    CU_ASSERT_EQUAL(load->calls, 1);
    if (ohm_node_together(world.local_size) == 1) CU_ASSERT(load->met == 0 && load->unshared == 0);
    wait_for_all();
    if (world.rank == 0) {
        snprintf(path, sizeof path, "%s/log", load->folder);
        int file = open(path, O_RDONLY);
        CU_ASSERT_EQUAL(read(file, log, sizeof log - 1), world.size < 64 ? world.size : 63);
        close(file);
        for (int rank = 0; rank < world.size && rank < 10; rank++) CU_ASSERT_PTR_NOT_NULL(strchr(log, '0' + rank));
        unlink(path);
        CU_ASSERT_EQUAL(rmdir(load->folder), 0);
    }
    give_back(shared, &load->piece, 1);
    free(load->process);
    free(load->address);
}

static void test_load(void) {
    struct load load;
    struct ohm_shared shared = {0};
    start_load(&load, -1, -1);
    CU_ASSERT_EQUAL(ohm_node_load(&world, run_load, &load, &shared), OHM_OK);
    if (!apart || seat) CU_ASSERT_EQUAL(shared.npiece, when_shared(1)); /* the first offers its copy before it knows */
    CU_ASSERT_EQUAL(wrong(load.piece, 0, load.piece.bytes, 4), 0);
    CU_ASSERT_EQUAL(shared_pages(load.piece), (size_t)shared.npiece * (whole(load.piece.bytes) / PAGE));
    if (when_shared(1)) check_files(load.piece.data);
    end_load(&load, &shared);
}

/* The failing rank gets its status and keeps what it has; the others are done, with right contents, and do not wait for it. */
static void test_load_fails(void) {
    for (int fails = 0; fails < world.size; fails++) {
        struct load load;
        struct ohm_shared shared = {0};
        start_load(&load, fails, -1);
        int status = ohm_node_load(&world, run_load, &load, &shared);
        CU_ASSERT_EQUAL(status, world.rank == fails ? OHM_E_IO : OHM_OK);
        CU_ASSERT_EQUAL(wrong(load.piece, 0, load.piece.bytes, 4), 0);
        if (world.rank == fails) CU_ASSERT(shared.npiece == 0 && shared_pages(load.piece) == 0);
        CU_ASSERT_EQUAL(ohm_world_agree(&world, status), OHM_E_IO);
        CU_ASSERT_PTR_NOT_NULL(strstr(ohm_fail_text(), "cannot read"));
        ohm_fail_clear();
        end_load(&load, &shared);
    }
}

/* A rank that loaded something else keeps it. */
static void test_load_differs(void) {
    for (int differs = 0; differs < world.size && world.size > 1; differs++) {
        struct load load;
        struct ohm_shared shared = {0};
        start_load(&load, -1, differs);
        CU_ASSERT_EQUAL(ohm_node_load(&world, run_load, &load, &shared), OHM_OK);
        CU_ASSERT_EQUAL(wrong(load.piece, 0, load.piece.bytes, 4), world.rank == differs);
        if (world.rank == differs && seat > 0) CU_ASSERT(shared.npiece == 0 && shared_pages(load.piece) == 0);
        end_load(&load, &shared);
    }
}

static int load_nothing(void *context, struct ohm_piece **pieces, int32_t *npiece) {
    ++*(int *)context;
    CU_ASSERT(*pieces == NULL && *npiece == 0);
    return OHM_OK;
}
static void test_load_nothing(void) {
    int calls = 0;
    struct ohm_shared shared = {0};
    CU_ASSERT_EQUAL(ohm_node_load(&world, load_nothing, &calls, &shared), OHM_OK);
    CU_ASSERT(calls == 1 && shared.npiece == 0);
    ohm_node_unshare(&shared);
}

int main(int argc, char **argv) {
    const struct suite_test tests[] = {{"the ranks of a host are a node", test_hosts},
                                       {"large pieces begin on a page", test_alignment},
                                       {"equal copies become one", test_equal_copies},
                                       {"tails stay private", test_tails},
                                       {"one copy differs", test_one_differs},
                                       {"no pieces", test_no_pieces},
                                       {"several calls add up", test_adds_up},
                                       {"one rank gives back first", test_unshare_alone},
                                       {"an arena's large pieces", test_arena},
                                       {"loading in turns", test_load},
                                       {"a load fails", test_load_fails},
                                       {"a load differs", test_load_differs},
                                       {"nothing to load", test_load_nothing}};
    if (ohm_world_start(&argc, &argv, &world)) return 1;
    alarm(120); /* a rank left waiting is a failure, not a stall */
    int64_t failed = SUITE_RUN("par node", tests);
    ohm_world_sum(&world, &failed, 1); /* a failure on any rank is a failure of all */
    ohm_world_end(&world);
    free(host);
    return failed != 0;
}
