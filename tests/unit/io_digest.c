/* Hashes of inputs: equal for equal inputs wherever they lie, different for every difference that a result could show. */
#include "ohmtally/digest.h"
#include "ohmtally/images.h"
#include "ohmtally/status.h"
#include "pictures.h"
#include "suite.h"

static uint64_t images(const char *where, const char *labels, int64_t first) {
    struct ohm_image_options options = {.folder = where, .labels = labels, .channels = 3, .first = first};
    struct ohm_image_set *set;
    uint64_t digest = 0;
    CU_ASSERT_EQUAL_FATAL(ohm_image_set_open(&options, 0, &set), OHM_OK);
    CU_ASSERT_EQUAL(ohm_image_set_digest(set, &digest), OHM_OK);
    ohm_image_set_close(set);
    return digest;
}

static const char *beside(const char *folder, const char *name) {
    static char path[2][512];
    static int turn;
    char *here = path[turn++ % 2];
    snprintf(here, sizeof path[0], "%s/%s", folder, name);
    return here;
}

static void image_sets(void) {
    const char *folder = folder_make();
    for (unsigned i = 0; i < 3; i++) {
        static const char *const names[] = {"a/x.png", "a/y.png", "a/z.png", "b/x.png", "b/y.png", "b/z.png", "c/x.png", "c/y.png", "c/w.png"};
        for (unsigned k = 0; k < 3; k++) pattern_put(folder, names[3 * k + i], 12, 16, i);
    }
    text_put(folder, "labels.txt", "x.png 1\ny.png 2\nz.png 3\n");
    text_put(folder, "others.txt", "x.png 1\ny.png 2\nz.png 4\n");
    const uint64_t first = images(beside(folder, "a"), NULL, 0);
    CU_ASSERT_EQUAL(images(beside(folder, "b"), NULL, 0), first); /* elsewhere, the same */
    CU_ASSERT_NOT_EQUAL(images(beside(folder, "c"), NULL, 0), first);
    CU_ASSERT_NOT_EQUAL(images(beside(folder, "a"), NULL, 1), first);
    const uint64_t labelled = images(beside(folder, "a"), beside(folder, "labels.txt"), 0);
    CU_ASSERT_NOT_EQUAL(labelled, first);
    CU_ASSERT_NOT_EQUAL(images(beside(folder, "a"), beside(folder, "others.txt"), 0), labelled);
    pattern_put(folder, "b/y.png", 13, 16, 1); /* another size of file */
    CU_ASSERT_NOT_EQUAL(images(beside(folder, "b"), NULL, 0), first);
    uint64_t a, b;
    CU_ASSERT_EQUAL(ohm_file_digest(beside(folder, "labels.txt"), &a), OHM_OK);
    CU_ASSERT_EQUAL(ohm_file_digest(beside(folder, "others.txt"), &b), OHM_OK);
    CU_ASSERT_NOT_EQUAL(a, b);
    text_put(folder, "others.txt", "x.png 1\ny.png 2\nz.png 3\n");
    CU_ASSERT_EQUAL(ohm_file_digest(beside(folder, "others.txt"), &b), OHM_OK);
    CU_ASSERT_EQUAL(a, b);
    CU_ASSERT_EQUAL(ohm_file_digest(beside(folder, "absent"), &a), OHM_E_IO);
    CU_ASSERT_PTR_NOT_NULL(strstr(ohm_fail_text(), "absent"));
    ohm_fail_clear();
    folder_remove(folder);
}

static uint64_t constants(float last) {
    struct ohm_network *network = ohm_network_new();
    const float values[4] = {1, 2, 3, last};
    const struct ohm_shape shape = {.rank = 1, .dim = {4}};
    CU_ASSERT(ohm_network_add_value(network, "w", &shape, values) >= 0 && ohm_network_add_value(network, "x", &shape, NULL) >= 0);
    const uint64_t digest = ohm_constants_digest(network);
    ohm_network_free(network);
    return digest;
}

static void weights(void) {
    CU_ASSERT_EQUAL(constants(4), constants(4));
    CU_ASSERT_NOT_EQUAL(constants(4), constants(5));
}

int main(void) {
    static const struct suite_test tests[] = {{"image sets and files", image_sets}, {"weights", weights}};
    return SUITE_RUN("digest", tests);
}
