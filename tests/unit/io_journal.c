/* The journal: what was appended comes back, whatever happens to the end of the file or to single bits of it, and nothing else ever does. */
#include "ohmtally/journal.h"
#include "ohmtally/status.h"
#include "ohmtally/text.h"
#include "suite.h"
#define DRAW_SEED 0x243f6a8885a308d3u
#include "draw.h"
#define FOLDER "/tmp/ohm-journal-XXXXXX"
#include "folder.h"
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NBATCH = 24, MOST_ROWS = 9, NLAYER = 3, IDENTITY = 4711 };

/* Batch k, every number of it a function of k. */
struct sample {
    struct ohm_image_row rows[MOST_ROWS];
    struct ohm_tally tally[NLAYER];
    struct ohm_journal_batch batch;
};
static void make(int k, struct sample *sample) {
    memset(sample, 0, sizeof *sample);
    sample->batch = (struct ohm_journal_batch){k / 10, k % 2, 100 * k, 1 + k % MOST_ROWS, k % 3 ? NLAYER : 0, sample->rows, sample->tally};
    for (int i = 0; i < sample->batch.nrow; i++)
        sample->rows[i] = (struct ohm_image_row){
            .index = 100 * k + i, .label = k, .best = {i, k}, .correct = i % 3, .outputs_digest = 0x9e3779b97f4a7c15u * (unsigned)(k + 1)};
    for (int i = 0; i < NLAYER; i++) sample->tally[i].conversions = ((int64_t)k << 40) + i;
}

static void write_all(const char *path) {
    struct ohm_journal *journal;
    struct sample sample;
    CU_ASSERT_EQUAL_FATAL(ohm_journal_create(path, IDENTITY, &journal), OHM_OK);
    for (int k = 0; k < NBATCH; k++) {
        make(k, &sample);
        CU_ASSERT_EQUAL(ohm_journal_append(journal, &sample.batch), OHM_OK);
    }
    CU_ASSERT_EQUAL(ohm_journal_sync(journal), OHM_OK);
    ohm_journal_close(journal);
}

struct seen {
    const char *path;
    int count, wrong;
    int64_t ends[NBATCH]; /* where each begins */
};
/* Entries come in order; each is read back and compared to what was written. */
static int see(void *context, const struct ohm_journal_entry *entry) {
    struct seen *seen = context;
    struct ohm_journal_batch batch;
    struct sample sample;
    void *buffer;
    if (seen->count == NBATCH) return ohm_fail(OHM_E_INTERNAL, "more batches than were written");
    make(seen->count, &sample);
    seen->ends[seen->count++] = entry->offset;
    OHM_TRY(ohm_journal_read(seen->path, entry, &batch, &buffer));
    seen->wrong += entry->point != sample.batch.point || entry->trial != sample.batch.trial || entry->first != sample.batch.first ||
                   entry->nrow != sample.batch.nrow || batch.nrow != sample.batch.nrow || batch.nlayer != sample.batch.nlayer ||
                   memcmp(batch.rows, sample.rows, (size_t)batch.nrow * sizeof *batch.rows) != 0 ||
                   memcmp(batch.tally, sample.tally, (size_t)batch.nlayer * sizeof *batch.tally) != 0;
    free(buffer);
    return OHM_OK;
}

static struct seen read_all(const char *path) {
    struct seen seen = {.path = path};
    CU_ASSERT_EQUAL(ohm_journal_scan(path, IDENTITY, see, &seen), OHM_OK);
    CU_ASSERT_EQUAL(seen.wrong, 0);
    return seen;
}

static void test_comes_back(void) {
    const char *path = in_folder("whole");
    write_all(path);
    CU_ASSERT_EQUAL(read_all(path).count, NBATCH);
    struct seen none = {.path = path};
    CU_ASSERT_EQUAL(ohm_journal_scan(path, IDENTITY + 1, see, &none), OHM_OK); /* of another job */
    CU_ASSERT_EQUAL(none.count, 0);
    struct ohm_journal *journal;
    CU_ASSERT_EQUAL(ohm_journal_create(path, IDENTITY, &journal), OHM_E_IO); /* never over what is there */
    ohm_fail_clear();
    CU_ASSERT_EQUAL(read_all(path).count, NBATCH);
}

static void put(const char *path, const char *bytes, size_t size) {
    FILE *file = fopen(path, "wb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT_EQUAL(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

/* Cut anywhere, exactly the batches that lie wholly before the cut are there. */
static void test_every_cut(void) {
    const char *path = in_folder("cut");
    char *bytes;
    size_t size;
    write_all(path);
    struct seen whole = read_all(path);
    CU_ASSERT_EQUAL_FATAL(ohm_file_read(path, &bytes, &size), OHM_OK);
    for (size_t cut = 0; cut <= size; cut += 1 + draw(40)) {
        int expected = 0;
        put(path, bytes, cut);
        for (int k = 0; k < NBATCH; k++) expected += (k + 1 < NBATCH ? whole.ends[k + 1] : (int64_t)size) <= (int64_t)cut;
        CU_ASSERT_EQUAL(read_all(path).count, expected);
    }
    free(bytes);
}

/* Flipped bits, and stretches of other bytes: batches before the damage come back as they were, none behind it, never a wrong one. */
static void test_damage(void) {
    const char *path = in_folder("damaged");
    char *bytes;
    size_t size;
    write_all(path);
    struct seen whole = read_all(path);
    CU_ASSERT_EQUAL_FATAL(ohm_file_read(path, &bytes, &size), OHM_OK);
    char *damaged = malloc(size);
    CU_ASSERT_PTR_NOT_NULL_FATAL(damaged);
    for (int round = 0; round < 800; round++) {
        size_t at = draw((uint32_t)size), length = round % 2 ? 1 : 1 + draw(64);
        int before = 0;
        memcpy(damaged, bytes, size);
        for (size_t i = at; i < at + length && i < size; i++) damaged[i] ^= (char)(1 + draw(255));
        put(path, damaged, size);
        for (int k = 0; k + 1 < NBATCH; k++) before += whole.ends[k + 1] <= (int64_t)at;
        CU_ASSERT_EQUAL(read_all(path).count, at < (size_t)whole.ends[0] ? 0 : before);
    }
    free(damaged);
    free(bytes);
}

static void test_not_a_journal(void) {
    char noise[4096];
    for (int round = 0; round < 200; round++) {
        for (size_t i = 0; i < sizeof noise; i++) noise[i] = (char)draw(256);
        memcpy(noise, "OHMJ", 4);
        put(in_folder("noise"), noise, draw(sizeof noise));
        CU_ASSERT_EQUAL(read_all(in_folder("noise")).count, 0);
    }
    struct seen seen = {.path = folder};
    CU_ASSERT_EQUAL(ohm_journal_scan(folder, IDENTITY, see, &seen), OHM_E_IO);
    ohm_fail_clear();
    CU_ASSERT_EQUAL(ohm_journal_scan(in_folder("absent"), IDENTITY, see, &seen), OHM_E_IO);
    ohm_fail_clear();
}

/* The disk is full at some moment: one line, and what was appended before is all there. */
static void test_full_disk(void) {
    for (rlim_t limit = 200; limit < 8000; limit += 777) {
        const char *path = in_folder("full");
        unlink(path);
        pid_t child = fork();
        if (!child) {
            struct ohm_journal *journal;
            struct sample sample;
            int k = 0;
            signal(SIGXFSZ, SIG_IGN);
            setrlimit(RLIMIT_FSIZE, &(struct rlimit){limit, limit});
            if (ohm_journal_create(path, IDENTITY, &journal)) _exit(100);
            for (; make(k, &sample), ohm_journal_append(journal, &sample.batch) == OHM_OK; k++)
                ;
            _exit(ohm_fail_status() == OHM_E_IO && strstr(ohm_fail_text(), "--resume") ? k : 101);
        }
        int outcome = 0;
        struct stat info;
        waitpid(child, &outcome, 0);
        CU_ASSERT(WIFEXITED(outcome) && WEXITSTATUS(outcome) < NBATCH);
        struct seen seen = read_all(path);
        CU_ASSERT_EQUAL(seen.count, WEXITSTATUS(outcome));
        CU_ASSERT(!stat(path, &info) && info.st_size <= (off_t)limit);
    }
}

int main(void) {
    const struct suite_test tests[] = {{"comes back", test_comes_back},
                                       {"every cut", test_every_cut},
                                       {"damage", test_damage},
                                       {"not a journal", test_not_a_journal},
                                       {"full disk", test_full_disk}};
    if (!mkdtemp(folder)) return 1;
    int failed = SUITE_RUN("journal", tests);
    const char *const names[] = {"whole", "cut", "damaged", "noise", "full"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) unlink(in_folder(names[i]));
    rmdir(folder);
    return failed;
}
