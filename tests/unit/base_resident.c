/* What memory is really taken from the system, and given back. */
#include "ohmtally/memory.h"
#include "resident.h"
#include "suite.h"

#define MIB ((int64_t)1 << 20)

/* Large pieces of falling size: without ohm_memory_return the allocator keeps whatever is smaller than the first. */
static void test_large_pieces_go_back(void) {
    const int64_t before = resident_bytes();
    void *small[8];
    for (size_t i = 0; i < 8; i++) {
        char *large = ohm_alloc((8 - i) * 2 * (size_t)MIB);
        CU_ASSERT_PTR_NOT_NULL_FATAL(large);
        small[i] = ohm_alloc(1000); /* lies behind it */
        free(large);
    }
    if (resident_is_own()) CU_ASSERT(resident_bytes() - before < MIB);
    for (size_t i = 0; i < 8; i++) free(small[i]);
}

static void test_small_pieces_go_back(void) {
    enum { N = 16000 };
    static void *small[N];
    for (int i = 0; i < N; i++) small[i] = ohm_alloc(1000);
    const int64_t before = resident_bytes();
    for (int i = 0; i < N - 1; i++) free(small[i]); /* the last one holds the heap's end where it is */
    ohm_memory_trim();
    if (resident_is_own()) CU_ASSERT(before - resident_bytes() > 14 * MIB);
    free(small[N - 1]);
}

static void test_sparse(void) {
    const size_t count = (size_t)64 * MIB / sizeof(int64_t), stride = count / 16;
    const int64_t before = resident_bytes();
    int64_t *values = ohm_alloc_sparse(count, sizeof *values), sum = 0;
    CU_ASSERT_PTR_NOT_NULL_FATAL(values);
    for (size_t i = 0; i < count; i += stride) values[i] = 1;
    for (size_t i = 0; i < count; i++) sum += values[i]; /* reading takes nothing */
    CU_ASSERT_EQUAL(sum, 16);
    if (resident_is_own()) CU_ASSERT(resident_bytes() - before < MIB);
    free(values);
    values = ohm_alloc_sparse(0, sizeof *values);
    CU_ASSERT_PTR_NOT_NULL(values);
    free(values);
}

/* Networks, plans and programs come in hundreds, most of them small. */
static void test_small_arena(void) {
    struct ohm_arena *arena = ohm_arena_new();
    ohm_arena_alloc(arena, 100);
    CU_ASSERT(ohm_arena_bytes(arena) <= 4096);
    for (int i = 0; i < 2000; i++) ohm_arena_alloc(arena, 100);
    CU_ASSERT(ohm_arena_bytes(arena) >= 200000 && ohm_arena_bytes(arena) < 400000);
    ohm_arena_free(arena);
}

int main(void) {
    const struct suite_test tests[] = {{"large pieces go back", test_large_pieces_go_back},
                                       {"small pieces go back", test_small_pieces_go_back},
                                       {"sparse", test_sparse},
                                       {"small arena", test_small_arena}};
    ohm_memory_return();
    return SUITE_RUN("base resident", tests);
}
