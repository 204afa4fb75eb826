/* Real value -> code, against rounding and clamping as they are defined. */
#include "../../src/quant/element.h"
#include "net_random.h"
#include "suite.h"

static uint64_t state = 7;

static void test_nearest(void) {
    int32_t wrong = 0;
    for (int32_t k = -(1 << 22); k < 1 << 22; k++) { /* whole numbers, what lies next to them, and halves */
        const float x = (float)k, half = x + 0.5F;
        wrong += nearest(x) != k || nearest(half) != (int32_t)rintf(half);
        wrong += nearest(nextafterf(x, half)) != (int32_t)rintf(nextafterf(x, half)) ||
                 nearest(nextafterf(half, x)) != (int32_t)rintf(nextafterf(half, x));
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT_EQUAL(nearest(0x1p22F), 1 << 22);
    CU_ASSERT_EQUAL(nearest(-0.0F), 0);
    CU_ASSERT_EQUAL(nearest(1e-45F), 0);
}

static int32_t defined(const struct ohm_quant *quant, float x, float lo, float hi) {
    x = x > lo ? x : lo;
    x = x < hi ? x : hi;
    const float top = (float)((1U << quant->bits) - 1), code = rintf(x / quant->scale) + (float)quant->zero;
    if (isnan(code) || code < 0) return 0;
    return (int32_t)(code > top ? top : code);
}

static void test_codes(void) {
    static const float special[] = {0, -0.0F, 1, -1, 0.5F, 0.25F, 1e30F, -1e30F, 1e-40F, INFINITY, -INFINITY, NAN};
    static const float bounds[][2] = {{-INFINITY, INFINITY}, {0, INFINITY}, {0, 6}, {-0.3F, 0.7F}, {2, -2}, {1e30F, INFINITY}, {-INFINITY, -1e30F}};
    int32_t wrong = 0;
    for (int32_t i = 0; i < 3000; i++) {
        const int32_t bits = 1 + i % 16;
        const struct ohm_quant quant = {.scale = 0.25F * (i % 3 ? 1 : 1 + random_next(&state) / 2),
                                        .zero = (int32_t)((random_next(&state) + 1) / 2 * (float)((1 << bits) - 1)),
                                        .bits = bits};
        const float *bound = bounds[i % 7];
        const struct coder coder = coder_of(&quant), within = coder_within(coder, bound[0], bound[1]);
        for (int32_t k = 0; k < 200; k++) {
            const float x = k < 12 ? special[k] : k < 100 ? (float)(k - 56) * 0.125F : random_next(&state) * quant.scale * (float)(1 << bits);
            wrong += coder_code(coder, x) != defined(&quant, x, -INFINITY, INFINITY);
            wrong += coder_code(within, x) != coder_code(coder, clamp_real(x, bound[0], bound[1]));
            if (!isnan(x)) wrong += coder_code(within, x) != defined(&quant, x, bound[0], bound[1]);
        }
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

int main(void) {
    const struct suite_test tests[] = {{"nearest", test_nearest}, {"codes", test_codes}};
    return SUITE_RUN("quant element", tests);
}
