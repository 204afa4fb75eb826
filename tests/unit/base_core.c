/* Failures, memory, text. */
#include "ohmtally/memory.h"
#include "ohmtally/status.h"
#include "ohmtally/text.h"
#include "suite.h"
#include <stdio.h>
#include <string.h>

static void test_first_failure_is_kept(void) {
    ohm_fail_clear();
    CU_ASSERT_STRING_EQUAL(ohm_fail_text(), "");
    CU_ASSERT_EQUAL(ohm_fail(OHM_E_IO, "%s: gone\nsecond line", "a.txt"), OHM_E_IO);
    CU_ASSERT_EQUAL(ohm_fail(OHM_E_MEMORY, "a consequence"), OHM_E_MEMORY);
    CU_ASSERT_EQUAL(ohm_fail_status(), OHM_E_IO);
    CU_ASSERT_STRING_EQUAL(ohm_fail_text(), "a.txt: gone second line"); /* always one line */
    struct ohm_failure carried = {0};
    ohm_fail_take(&carried);
    CU_ASSERT_EQUAL(ohm_fail_status(), OHM_OK);
    ohm_fail(OHM_E_INPUT, "later");
    ohm_fail_take(&carried); /* the first stays */
    CU_ASSERT_EQUAL(ohm_fail_give(&carried), OHM_E_IO);
    CU_ASSERT_STRING_EQUAL(ohm_fail_text(), "a.txt: gone second line");
    ohm_fail_clear();
    carried = (struct ohm_failure){0};
    CU_ASSERT_EQUAL(ohm_fail_give(&carried), OHM_OK);
}

static void test_arena(void) {
    struct ohm_arena *arena = ohm_arena_new();
    unsigned char *pieces[400];
    for (size_t i = 0; i < 400; i++) { /* small and large mixed: none may overlap another */
        size_t bytes = i % 7 == 0 ? 70000 : i * 3;
        pieces[i] = ohm_arena_alloc(arena, bytes);
        CU_ASSERT_PTR_NOT_NULL_FATAL(pieces[i]);
        CU_ASSERT_EQUAL((uintptr_t)pieces[i] % 64, 0);
        size_t nonzero = 0;
        for (size_t k = 0; k < bytes; k++) nonzero += pieces[i][k] != 0;
        CU_ASSERT_EQUAL(nonzero, 0);
        memset(pieces[i], (int)(i % 255) + 1, bytes);
    }
    for (size_t i = 0; i < 400; i++) {
        size_t bytes = i % 7 == 0 ? 70000 : i * 3, wrong = 0;
        for (size_t k = 0; k < bytes; k++) wrong += pieces[i][k] != i % 255 + 1;
        CU_ASSERT_EQUAL(wrong, 0);
    }
    CU_ASSERT_STRING_EQUAL(ohm_arena_format(arena, "%d-%s", 7, "x"), "7-x");
    CU_ASSERT_PTR_NULL(ohm_arena_array(arena, SIZE_MAX / 2, 8)); /* overflow is a failure, not a small piece */
    CU_ASSERT_EQUAL(ohm_fail_status(), OHM_E_MEMORY);
    ohm_fail_clear();
    ohm_arena_free(arena);
}

static void test_nearest(void) {
    static const char *const names[] = {"weight_bits", "activation_bits", "scale"};
    CU_ASSERT_STRING_EQUAL(ohm_text_nearest("weigth_bits", names, 3), "weight_bits");
    CU_ASSERT_STRING_EQUAL(ohm_text_nearest("scal", names, 3), "scale");
    CU_ASSERT_PTR_NULL(ohm_text_nearest("zzzzzz", names, 3));
    CU_ASSERT_PTR_NULL(ohm_text_nearest("", names, 3));
}

static void test_numbers(void) {
    int64_t whole;
    double real;
    CU_ASSERT(!ohm_text_int64("-12", &whole) && whole == -12);
    CU_ASSERT(ohm_text_int64("12x", &whole) && ohm_text_int64("", &whole) && ohm_text_int64("99999999999999999999", &whole));
    CU_ASSERT(!ohm_text_double("1e-3", &real) && real == 1e-3);
    CU_ASSERT(ohm_text_double("nan", &real) && ohm_text_double("1,5", &real) && ohm_text_double("1e999", &real));
}

static void test_paths(void) {
    char *path = ohm_path_beside("jobs/a.yml", "net.onnx"), *data;
    size_t size;
    CU_ASSERT_STRING_EQUAL(path, "jobs/net.onnx");
    free(path);
    path = ohm_path_beside("a.yml", "net.onnx");
    CU_ASSERT_STRING_EQUAL(path, "net.onnx");
    free(path);
    path = ohm_path_beside("jobs/a.yml", "/net.onnx");
    CU_ASSERT_STRING_EQUAL(path, "/net.onnx");
    free(path);
    CU_ASSERT_EQUAL(ohm_file_read("/nonexistent/file", &data, &size), OHM_E_IO);
    CU_ASSERT_PTR_NOT_NULL(strstr(ohm_fail_text(), "/nonexistent/file"));
    ohm_fail_clear();
    CU_ASSERT_EQUAL(ohm_file_read("/", &data, &size), OHM_E_IO);
    ohm_fail_clear();
}

int main(void) {
    const struct suite_test tests[] = {{"first failure is kept", test_first_failure_is_kept},
                                       {"arena", test_arena},
                                       {"nearest", test_nearest},
                                       {"numbers", test_numbers},
                                       {"paths", test_paths}};
    return SUITE_RUN("base", tests);
}
