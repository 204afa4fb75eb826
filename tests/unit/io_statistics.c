/* McNemar's exact test and Wilson's interval against values worked out by hand. */
#include "ohmtally/result.h"
#include "suite.h"
#include <math.h>

static void test_mcnemar(void) {
    CU_ASSERT_EQUAL(ohm_mcnemar(0, 0), 1);
    CU_ASSERT_EQUAL(ohm_mcnemar(7, 7), 1);
    CU_ASSERT(fabs(ohm_mcnemar(5, 0) - 2.0 / 32) < 1e-12);                    /* 2 / 2^5 */
    CU_ASSERT(fabs(ohm_mcnemar(10, 2) - 2 * (1 + 12 + 66) / 4096.0) < 1e-12); /* 2 (C(12,0) + C(12,1) + C(12,2)) / 2^12 */
    CU_ASSERT(fabs(ohm_mcnemar(2, 10) - ohm_mcnemar(10, 2)) < 1e-15);         /* of either side */
    CU_ASSERT(fabs(ohm_mcnemar(59, 121) - 4.434449e-6) < 1e-11);              /* of 180, in whole numbers: 4.434449e-6 */
    CU_ASSERT(ohm_mcnemar(3000, 0) == 0 || ohm_mcnemar(3000, 0) < 1e-300);    /* no overflow on the way */
    CU_ASSERT(ohm_mcnemar(5000, 5000) == 1 && ohm_mcnemar(5200, 4800) < 1e-4);
}

static void test_wilson(void) {
    double low, high;
    ohm_wilson(0, 0, &low, &high);
    CU_ASSERT(low == 0 && high == 1);
    ohm_wilson(81, 263, &low, &high); /* Newcombe, Statistics in Medicine 17 (1998), table I: 0.2553, 0.3662 */
    CU_ASSERT(fabs(low - 0.2553) < 5e-5 && fabs(high - 0.3662) < 5e-5);
    ohm_wilson(0, 20, &low, &high); /* same table: 0, 0.1611 */
    CU_ASSERT(low == 0 && fabs(high - 0.1611) < 5e-5);
}

int main(void) {
    const struct suite_test tests[] = {{"McNemar", test_mcnemar}, {"Wilson", test_wilson}};
    return SUITE_RUN("io statistics", tests);
}
