/* Work handed out one-sidedly: each number once, whoever asks; a slow rank gets less. */
#include "ohmtally/parallel.h"
#include "ohmtally/status.h"
#include "suite.h"
#include <time.h>

static struct ohm_world world;

enum { MANY = 2000 };

/* How often each number below MANY was handed out, to anybody; this rank stops when it gets one beyond, and naps pause_us after each. */
static int64_t take_all(int64_t *times, long pause_us) {
    struct ohm_claims *claims;
    int64_t mine = 0;
    CU_ASSERT_EQUAL_FATAL(ohm_claims_open(&world, &claims), OHM_OK);
    for (int64_t number; (number = ohm_claims_next(claims)) < MANY; mine++) {
        times[number]++;
        if (pause_us) nanosleep(&(struct timespec){0, pause_us * 1000}, NULL);
    }
    ohm_claims_close(claims);
    return mine;
}

static void test_each_once(void) {
    for (int round = 0; round < 3; round++) { /* a new set begins at 0 again */
        int64_t times[MANY] = {0}, wrong = 0;
        take_all(times, 0);
        ohm_world_sum(&world, times, MANY);
        for (int i = 0; i < MANY; i++) wrong += times[i] != 1;
        CU_ASSERT_EQUAL(wrong, 0);
    }
}

/* On one node; over a network without remote memory access rank 0 would have to be quick. */
static void test_the_slow_take_less(void) {
    int64_t times[MANY] = {0}, taken[16] = {0};
    if (world.size > 16 || world.local_size < world.size) return;
    taken[world.rank] = take_all(times, world.rank ? 100 : 5000);
    ohm_world_sum(&world, taken, 16);
    for (int rank = 1; rank < world.size; rank++) CU_ASSERT(taken[rank] > 3 * taken[0]);
}

static void test_closed_unused(void) {
    struct ohm_claims *claims;
    CU_ASSERT_EQUAL_FATAL(ohm_claims_open(&world, &claims), OHM_OK);
    ohm_claims_close(claims);
    ohm_claims_close(NULL);
}

int main(int argc, char **argv) {
    const struct suite_test tests[] = {
        {"each once", test_each_once}, {"the slow take less", test_the_slow_take_less}, {"closed unused", test_closed_unused}};
    if (ohm_world_start(&argc, &argv, &world)) return 1;
    int64_t failed = SUITE_RUN("par claims", tests);
    ohm_world_sum(&world, &failed, 1);
    ohm_world_end(&world);
    return failed != 0;
}
