/* Parts of the ranks as worlds of their own; messages along a chain arrive once and in order, and a rank that gives up holds nobody. */
#include "ohmtally/parallel.h"
#include "ohmtally/status.h"
#include "suite.h"
#include <string.h>
#include <unistd.h>

static struct ohm_world world;

enum { MESSAGES = 200, LONGEST = 300000 };

static size_t length_of(int64_t number) {
    return sizeof number + (size_t)(number * 7919 % (LONGEST - (int64_t)sizeof number));
}

static void fill(unsigned char *message, int64_t number) {
    memset(message, (int)(number % 251), length_of(number));
    memcpy(message, &number, sizeof number);
}

static bool is_good(const unsigned char *message, int64_t number) {
    static unsigned char wanted[LONGEST];
    fill(wanted, number);
    return !memcmp(message, wanted, length_of(number));
}

static struct ohm_chain *open_chain(void) {
    struct ohm_chain *chain;
    CU_ASSERT_EQUAL_FATAL(ohm_chain_open(world.rank - 1, world.rank + 1 < world.size ? world.rank + 1 : -1, LONGEST, &chain), OHM_OK);
    return chain;
}

static void send_on(struct ohm_chain *chain, int64_t number) {
    if (world.rank + 1 == world.size) return;
    fill(ohm_chain_room(chain), number);
    ohm_chain_send(chain, length_of(number));
    ohm_chain_poll(chain);
}

static void nap(void) {
    usleep((useconds_t)(world.rank * 300));
}

/* Later ranks are slower: what is under way is held back, and nothing is lost. Twice: a second chain does not meet the first one's messages. */
static void test_in_order(void) {
    for (int round = 0; round < 2; round++) {
        struct ohm_chain *chain = open_chain();
        int64_t wrong = 0, n = 0;
        for (; !world.rank && n < MESSAGES; n++) send_on(chain, n + round);
        for (const void *message; world.rank && (message = ohm_chain_receive(chain)); n++) {
            wrong += !is_good(message, n + round);
            nap();
            send_on(chain, n + round);
        }
        CU_ASSERT(n == MESSAGES && wrong == 0);
        CU_ASSERT(!ohm_chain_receive(chain) || world.rank == 0);
        ohm_chain_close(chain);
    }
}

/* Every rank in turn stops after a few messages and closes; all come to the end. */
static void test_one_gives_up(void) {
    for (int quitter = 0; quitter < world.size; quitter++) {
        struct ohm_chain *chain = open_chain();
        int64_t n = 0, most = world.rank == quitter ? 5 : MESSAGES;
        for (; !world.rank && n < most; n++) send_on(chain, n);
        for (; world.rank && n < most && ohm_chain_receive(chain); n++) send_on(chain, n);
        CU_ASSERT_EQUAL(n, world.rank >= quitter ? 5 : MESSAGES); /* those before are not held back */
        ohm_chain_close(chain);
    }
}

static void test_too_long(void) {
    struct ohm_chain *chain;
    CU_ASSERT_EQUAL(ohm_chain_open(-1, -1, (size_t)1 << 31, &chain), OHM_E_UNSUPPORTED);
    CU_ASSERT_PTR_NULL(chain);
    ohm_fail_clear();
    ohm_chain_close(NULL);
}

/* Odd and even ranks: sums, gathering, agreement and claims are their own. */
static void test_parts(void) {
    for (int round = 0; round < 20; round++) { /* numbers of parts are used again */
        struct ohm_world part;
        struct ohm_claims *claims;
        CU_ASSERT_EQUAL_FATAL(ohm_world_split(&world, world.rank % 2, &part), OHM_OK);
        int64_t sum = world.rank, expected = 0, one = 1;
        for (int r = world.rank % 2; r < world.size; r += 2) expected += r;
        ohm_world_sum(&part, &sum, 1);
        ohm_world_sum(&part, &one, 1);
        CU_ASSERT(sum == expected && one == part.size && part.rank == world.rank / 2);
        CU_ASSERT(part.local_size <= part.size && part.local_size <= world.local_size);
        int status = world.rank == 0 ? ohm_fail(OHM_E_INPUT, "rank 0") : OHM_OK;
        CU_ASSERT_EQUAL(ohm_world_agree(&part, status), world.rank % 2 ? OHM_OK : OHM_E_INPUT);
        ohm_fail_clear();
        CU_ASSERT_EQUAL_FATAL(ohm_claims_open(&part, &claims), OHM_OK);
        int64_t taken = 0;
        while (ohm_claims_next(claims) < 10) taken++;
        ohm_world_sum(&part, &taken, 1);
        CU_ASSERT_EQUAL(taken, 10);
        ohm_claims_close(claims);
        ohm_world_leave(&part);
        ohm_world_leave(&part);
    }
    CU_ASSERT(ohm_world_node_first(&world) <= world.rank);
}

int main(int argc, char **argv) {
    const struct suite_test tests[] = {
        {"in order", test_in_order}, {"one gives up", test_one_gives_up}, {"too long", test_too_long}, {"parts", test_parts}};
    if (ohm_world_start(&argc, &argv, &world)) return 1;
    alarm(120); /* a rank left waiting is a failure, not a stall */
    int64_t failed = SUITE_RUN("par chain", tests);
    ohm_world_sum(&world, &failed, 1);
    ohm_world_end(&world);
    return failed != 0;
}
