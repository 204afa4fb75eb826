/* Agreement, sums, sharing and gathering over the ranks of an mpirun (three, as CTest starts it; any number works). */
#include "ohmtally/memory.h"
#include "ohmtally/parallel.h"
#include "ohmtally/status.h"
#include "resident.h"
#include "suite.h"
#include <stdio.h>
#include <string.h>
#include <time.h>

static struct ohm_world world;

static void test_agree(void) {
    char expected[64];
    CU_ASSERT_EQUAL(ohm_world_agree(&world, OHM_OK), OHM_OK);
    int last = world.size - 1, status = OHM_OK;
    snprintf(expected, sizeof expected, "rank %d has no disk", last);
    if (world.rank == last) status = ohm_fail(OHM_E_IO, "%s", expected);
    CU_ASSERT_EQUAL(ohm_world_agree(&world, status), OHM_E_IO); /* every rank learns of it */
    CU_ASSERT_STRING_EQUAL(ohm_fail_text(), expected);
    ohm_fail_clear();
    status = ohm_fail(world.rank == 0 ? OHM_E_INPUT : OHM_E_MEMORY, "rank %d", world.rank);
    CU_ASSERT_EQUAL(ohm_world_agree(&world, status), OHM_E_INPUT); /* of several, the lowest rank's */
    CU_ASSERT_STRING_EQUAL(ohm_fail_text(), "rank 0");
    ohm_fail_clear();
}

static void test_sums(void) {
    int64_t values[3] = {world.rank, 1, world.rank * -((int64_t)1 << 40)};
    float low[2] = {(float)world.rank, -1}, high[2] = {(float)world.rank, 5};
    ohm_world_sum(&world, values, 3);
    ohm_world_least(&world, low, 2);
    ohm_world_most(&world, high, 2);
    int64_t all = (int64_t)world.size * (world.size - 1) / 2;
    CU_ASSERT(values[0] == all && values[1] == world.size && values[2] == -(all << 40));
    CU_ASSERT(low[0] == 0 && low[1] == -1 && high[0] == (float)(world.size - 1) && high[1] == 5);
}

/* Each rank has something in blocks of its own, in one of all, and in the last, short one; what is 0 everywhere takes no memory. */
static void test_sparse_sums(void) {
    const size_t count = (size_t)64 * 1024 * 1024 / sizeof(int64_t) - 100, own = count / 64;
    int64_t *values = ohm_alloc_sparse(count, sizeof *values), all = (int64_t)world.size * (world.size + 1) / 2, wrong = 0;
    CU_ASSERT_PTR_NOT_NULL_FATAL(values);
    const int64_t before = resident_bytes();
    values[(size_t)(world.rank + 1) * own] = 7 + world.rank;
    values[5] = values[count - 1] = world.rank + 1;
    CU_ASSERT_EQUAL(ohm_world_sum_sparse(&world, values, count), OHM_OK);
    for (int rank = 0; rank < world.size; rank++) {
        wrong += values[(size_t)(rank + 1) * own] != 7 + rank;
        values[(size_t)(rank + 1) * own] = 0;
    }
    CU_ASSERT(values[5] == all && values[count - 1] == all);
    values[5] = values[count - 1] = 0;
    for (size_t i = 0; i < count; i++) wrong += values[i] != 0;
    CU_ASSERT_EQUAL(wrong, 0);
    if (resident_is_own()) CU_ASSERT(resident_bytes() - before < 16 << 20);
    free(values);
}

static void test_share_and_gather(void) {
    char *data = NULL;
    size_t size = 0, total = 0;
    if (world.rank == 0) {
        data = strdup("a job");
        size = 5;
    }
    CU_ASSERT_EQUAL(ohm_world_share(&world, &data, &size), OHM_OK);
    CU_ASSERT(size == 5 && !strcmp(data, "a job"));
    free(data);
    char mine[8];
    void *all;
    memset(mine, 'a' + world.rank, sizeof mine);
    CU_ASSERT_EQUAL(ohm_world_gather(&world, mine, (size_t)world.rank, &all, &total), OHM_OK); /* rank r sends r bytes, rank 0 none */
    if (world.rank == 0) {
        size_t at = 0, wrong = 0;
        CU_ASSERT_EQUAL(total, (size_t)world.size * (size_t)(world.size - 1) / 2);
        for (int rank = 0; rank < world.size; rank++)
            for (int k = 0; k < rank; k++) wrong += ((char *)all)[at++] != 'a' + rank;
        CU_ASSERT_EQUAL(wrong, 0);
    }
    free(all);
}

static void test_alarm_of_the_last(void) {
    if (world.rank == world.size - 1) ohm_world_alarm(&world);
    bool heard = world.rank == world.size - 1;
    for (time_t end = time(NULL) + 20; !heard && time(NULL) < end;) heard = ohm_world_alarmed(&world);
    CU_ASSERT(heard);
    ohm_world_agree(&world, OHM_OK);
}

static void test_alarm(void) {
    CU_ASSERT(!ohm_world_alarmed(&world));
    ohm_world_agree(&world, OHM_OK);
    test_alarm_of_the_last();
}

/* Alarms of two ranks are taken back, whenever they arrive; a later one is heard again. */
static void test_calm(void) {
    if (world.rank < 2) ohm_world_alarm(&world);
    ohm_world_calm(&world); /* also takes back the alarm of the test before */
    for (time_t end = time(NULL) + 1; time(NULL) <= end;) CU_ASSERT_FATAL(!ohm_world_alarmed(&world));
    ohm_world_agree(&world, OHM_OK);
    test_alarm_of_the_last();
    ohm_world_calm(&world);
    CU_ASSERT(!ohm_world_alarmed(&world));
}

static void test_partition(void) {
    for (int64_t n = 0; n < 30; n++)
        for (int size = 1; size < 12; size++) {
            int64_t least = n, most = 0;
            CU_ASSERT(ohm_partition_first(n, size, 0) == 0 && ohm_partition_first(n, size, size) == n);
            for (int rank = 0; rank < size; rank++) {
                int64_t own = ohm_partition_first(n, size, rank + 1) - ohm_partition_first(n, size, rank);
                least = own < least ? own : least;
                most = own > most ? own : most;
            }
            CU_ASSERT(least >= 0 && most - least <= 1);
        }
}

int main(int argc, char **argv) {
    const struct suite_test tests[] = {
        {"agree", test_agree}, {"sums", test_sums}, {"sparse sums", test_sparse_sums}, {"share and gather", test_share_and_gather},
        {"alarm", test_alarm}, {"calm", test_calm}, {"partition", test_partition}};
    if (ohm_world_start(&argc, &argv, &world)) return 1;
    int64_t failed = SUITE_RUN("par", tests);
    ohm_world_sum(&world, &failed, 1); /* a failure on any rank is a failure of all */
    ohm_world_end(&world);
    return failed != 0;
}
