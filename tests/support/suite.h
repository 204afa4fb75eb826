/* The few lines every CUnit program here shares: list the tests, run them, exit non-zero on any failure. */
#ifndef OHM_TEST_SUITE_H
#define OHM_TEST_SUITE_H
#include <CUnit/Basic.h>
#include <CUnit/CUnit.h>
#include <stdlib.h>

struct suite_test {
    const char *name;
    void (*run)(void);
};
static inline int suite_run(const char *name, const struct suite_test *tests, int count) {
    if (CU_initialize_registry() != CUE_SUCCESS) return 1;
    CU_pSuite suite = CU_add_suite(name, NULL, NULL);
    for (int i = 0; i < count; i++)
        if (!suite || !CU_add_test(suite, tests[i].name, tests[i].run)) return 1;
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    int failed = CU_get_number_of_failures() > 0;
    CU_cleanup_registry();
    return failed;
}
#define SUITE_RUN(name, tests) suite_run(name, tests, (int)(sizeof(tests) / sizeof((tests)[0])))
/* A folder of the real networks and images, or NULL where it is absent. */
static inline const char *suite_shared(void) {
    return getenv("OHM_SHARED");
}
#endif
