/* HDF5: the functions of src/io/h5.h, packed sets that others wrote, the embedded data set, and the reference pixels where they are present. */
#include "../../src/io/h5.h"
#include "ohmtally/images.h"
#include "ohmtally/status.h"
#include "pictures.h"
#include "suite.h"

static char folder[64];

static const char *in_folder(const char *name) {
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void h5_write_and_read(void) {
    static const int64_t counts[6] = {1, -2, 3, INT64_MAX, INT64_MIN, 6};
    static const double prices[2] = {0.5, -1e300};
    static const char *const names[3] = {"isaac", "", "a longer name"};
    const struct ohm_h5_about about = {"pJ", "what it is"};
    struct ohm_h5_out out;
    hid_t file, group, dataset;
    strcpy(folder, folder_make());
    CU_ASSERT_EQUAL_FATAL(ohm_h5_create(in_folder("a.h5"), &out), OHM_OK);
    CU_ASSERT_EQUAL(ohm_h5_group_create(out.file, "g", &group), OHM_OK);
    CU_ASSERT_EQUAL(ohm_h5_write(group, "counts", H5T_NATIVE_INT64, 2, (const hsize_t[]){2, 3}, counts, about), OHM_OK);
    CU_ASSERT_EQUAL(ohm_h5_write(group, "prices", H5T_NATIVE_DOUBLE, 1, (const hsize_t[]){2}, prices, (struct ohm_h5_about){0}), OHM_OK);
    CU_ASSERT_EQUAL(ohm_h5_write_strings(group, "names", 3, names, about), OHM_OK);
    CU_ASSERT_EQUAL(ohm_h5_set_string(group, "text", "some words"), OHM_OK);
    CU_ASSERT_EQUAL(ohm_h5_set_string(group, "nothing", ""), OHM_OK);
    CU_ASSERT_EQUAL(ohm_h5_set_int64(group, "number", -7), OHM_OK);
    CU_ASSERT_EQUAL(ohm_h5_set_double(group, "real", 0.25), OHM_OK);
    H5Gclose(group);
    CU_ASSERT_NOT_EQUAL(access(in_folder("a.h5"), F_OK), 0); /* not before it is finished */
    CU_ASSERT_EQUAL(ohm_h5_publish(&out), OHM_OK);
    ohm_h5_discard(&out);

    struct ohm_arena *arena = ohm_arena_new();
    int64_t counts_back[6], number;
    double prices_back[2], real;
    const char **names_back, *text;
    hsize_t dims[2];
    CU_ASSERT_EQUAL_FATAL(ohm_h5_open(in_folder("a.h5"), &file), OHM_OK);
    CU_ASSERT_EQUAL_FATAL(ohm_h5_group_open(file, "g", &group), OHM_OK);
    CU_ASSERT(ohm_h5_has(group, "counts") && !ohm_h5_has(group, "none"));
    CU_ASSERT_EQUAL(ohm_h5_dims(group, "counts", 2, dims), OHM_OK);
    CU_ASSERT(dims[0] == 2 && dims[1] == 3);
    CU_ASSERT_EQUAL(ohm_h5_read(group, "counts", H5T_NATIVE_INT64, 2, dims, counts_back), OHM_OK);
    CU_ASSERT_EQUAL(memcmp(counts, counts_back, sizeof counts), 0);
    CU_ASSERT_EQUAL(ohm_h5_dataset_open(group, "counts", &dataset), OHM_OK);
    CU_ASSERT_EQUAL(ohm_h5_read_slab(dataset, H5T_NATIVE_INT64, 1, counts_back), OHM_OK);
    CU_ASSERT_EQUAL(memcmp(counts + 3, counts_back, 3 * sizeof *counts), 0);
    CU_ASSERT_EQUAL(ohm_h5_read_slab(dataset, H5T_NATIVE_INT64, 2, counts_back), OHM_E_INPUT);
    ohm_fail_clear();
    CU_ASSERT_EQUAL(ohm_h5_get_string(dataset, "unit", arena, &text), OHM_OK);
    CU_ASSERT_STRING_EQUAL(text, "pJ");
    H5Dclose(dataset);
    CU_ASSERT_EQUAL(ohm_h5_read(group, "prices", H5T_NATIVE_DOUBLE, 1, (const hsize_t[]){2}, prices_back), OHM_OK);
    CU_ASSERT_EQUAL(memcmp(prices, prices_back, sizeof prices), 0);
    CU_ASSERT_EQUAL(ohm_h5_read_strings(group, "names", 3, arena, &names_back), OHM_OK);
    for (int i = 0; i < 3; i++) CU_ASSERT_STRING_EQUAL(names[i], names_back[i]);
    CU_ASSERT(!ohm_h5_get_string(group, "text", arena, &text) && !strcmp(text, "some words"));
    CU_ASSERT(!ohm_h5_get_string(group, "nothing", arena, &text) && !*text);
    CU_ASSERT(!ohm_h5_get_int64(group, "number", &number) && number == -7);
    CU_ASSERT(!ohm_h5_get_double(group, "real", &real) && real == 0.25);
    CU_ASSERT_EQUAL(ohm_h5_get_int64(group, "text", &number), OHM_E_INPUT);
    CU_ASSERT_PTR_NOT_NULL(strstr(ohm_fail_text(), "a.h5: text: cannot read the attribute as one number"));
    ohm_fail_clear();
    CU_ASSERT_EQUAL(ohm_h5_read(group, "counts", H5T_NATIVE_INT64, 1, dims, counts_back), OHM_E_INPUT);
    CU_ASSERT_EQUAL(ohm_h5_read(group, "prices", H5T_NATIVE_DOUBLE, 1, (const hsize_t[]){3}, prices_back), OHM_E_INPUT);
    CU_ASSERT_EQUAL(ohm_h5_read_strings(group, "prices", 2, arena, &names_back), OHM_E_INPUT);
    CU_ASSERT_EQUAL(ohm_h5_group_open(file, "none", &dataset), OHM_E_INPUT);
    CU_ASSERT_PTR_NOT_NULL(strstr(ohm_fail_text(), "a.h5: counts: cannot use the data set"));
    ohm_fail_clear();
    H5Gclose(group);
    H5Fclose(file);
    ohm_arena_free(arena);
    folder_remove(folder);
}

static void h5_discard(void) {
    struct ohm_h5_out out;
    char temporary[512];
    strcpy(folder, folder_make());
    CU_ASSERT_EQUAL_FATAL(ohm_h5_create(in_folder("a.h5"), &out), OHM_OK);
    snprintf(temporary, sizeof temporary, "%s", out.temporary);
    CU_ASSERT_EQUAL(access(temporary, F_OK), 0);
    ohm_h5_discard(&out);
    CU_ASSERT_NOT_EQUAL(access(temporary, F_OK), 0);
    CU_ASSERT_EQUAL_FATAL(ohm_h5_create(in_folder("a.h5"), &out), OHM_OK);
    mkdir(in_folder("a.h5"), 0700); /* nothing can be put in its place */
    CU_ASSERT_EQUAL(ohm_h5_publish(&out), OHM_E_IO);
    CU_ASSERT_PTR_NOT_NULL(strstr(ohm_fail_text(), "a.h5: cannot put the finished file in place"));
    CU_ASSERT_NOT_EQUAL(access(temporary, F_OK), 0);
    ohm_fail_clear();
    folder_remove(folder);
}

/* A packed file as another program may write it: images only, or with 64-bit labels and strings of any length. */
static void foreign_start(const char *name, hid_t type, hsize_t channels, bool labelled) {
    uint8_t pixels[2 * 6 * 8 * 3];
    const int64_t labels[2] = {4, 2};
    const char *const names[2] = {"first", "the second"};
    const hsize_t dims[4] = {2, 6, 8, channels}, two = 2;
    struct ohm_h5_out out;
    for (size_t i = 0; i < sizeof pixels; i++) pixels[i] = (uint8_t)i;
    CU_ASSERT_EQUAL_FATAL(ohm_h5_create(in_folder(name), &out), OHM_OK);
    CU_ASSERT_EQUAL(ohm_h5_write(out.file, "images", type, 4, dims, pixels, (struct ohm_h5_about){0}), OHM_OK);
    if (labelled) {
        CU_ASSERT_EQUAL(ohm_h5_write(out.file, "labels", H5T_NATIVE_INT64, 1, &two, labels, (struct ohm_h5_about){0}), OHM_OK);
        hid_t any = H5Tcopy(H5T_C_S1);
        H5Tset_size(any, H5T_VARIABLE);
        CU_ASSERT_EQUAL(ohm_h5_write(out.file, "names", any, 1, &two, names, (struct ohm_h5_about){0}), OHM_OK);
        H5Tclose(any);
    }
    CU_ASSERT_EQUAL(ohm_h5_publish(&out), OHM_OK);
}

static void foreign_sets(void) {
    struct ohm_image_set *set;
    struct ohm_image_options options = {.channels = 3, .first = 1, .packed = in_folder("")};
    uint8_t pixels[6 * 8 * 3];
    strcpy(folder, folder_make());
    foreign_start("grey.h5", H5T_NATIVE_UINT8, 1, false);
    options.packed = in_folder("grey.h5");
    CU_ASSERT_EQUAL_FATAL(ohm_image_set_open(&options, 10, &set), OHM_OK);
    CU_ASSERT_EQUAL(ohm_image_set_count(set), 1);
    CU_ASSERT_EQUAL(ohm_image_set_label(set, 0), OHM_NO_LABEL);
    CU_ASSERT_STRING_EQUAL(ohm_image_set_name(set, 0), "image 1");
    CU_ASSERT_EQUAL(ohm_image_set_read(set, 0, pixels), OHM_OK);
    for (int i = 0; i < 6 * 8 * 3; i++) CU_ASSERT_EQUAL(pixels[i], 48 + i / 3);
    ohm_image_set_close(set);
    options.channels = 1;
    options.crop_height = options.crop_width = 4;
    CU_ASSERT_EQUAL_FATAL(ohm_image_set_open(&options, 10, &set), OHM_OK);
    CU_ASSERT_EQUAL(ohm_image_set_read(set, 0, pixels), OHM_OK);
    for (int i = 0; i < 16; i++) CU_ASSERT_EQUAL(pixels[i], 48 + (1 + i / 4) * 8 + 2 + i % 4);
    ohm_image_set_close(set);
    foreign_start("rgb.h5", H5T_NATIVE_UINT8, 3, true);
    options = (struct ohm_image_options){.channels = 3, .packed = in_folder("rgb.h5")};
    CU_ASSERT_EQUAL_FATAL(ohm_image_set_open(&options, 5, &set), OHM_OK);
    CU_ASSERT_STRING_EQUAL(ohm_image_set_name(set, 1), "the second");
    CU_ASSERT_EQUAL(ohm_image_set_label(set, 0), 4);
    ohm_image_set_close(set);
    foreign_start("signed.h5", H5T_NATIVE_INT8, 3, false);
    options.packed = in_folder("signed.h5");
    CU_ASSERT_EQUAL(ohm_image_set_open(&options, 5, &set), OHM_E_INPUT);
    CU_ASSERT_PTR_NOT_NULL(strstr(ohm_fail_text(), "signed.h5: images: must be unsigned bytes"));
    ohm_fail_clear();
    foreign_start("two.h5", H5T_NATIVE_UINT8, 2, false);
    options.packed = in_folder("two.h5");
    CU_ASSERT_EQUAL(ohm_image_set_open(&options, 5, &set), OHM_E_INPUT);
    CU_ASSERT_PTR_NOT_NULL(strstr(ohm_fail_text(), "two.h5: images: shape 2 x 6 x 8 x 2, expected"));
    ohm_fail_clear();
    folder_remove(folder);
}

static void embedded_set(void) {
    static const struct {
        const char *name;
        int64_t count;
    } files[] = {{"fashion_test1000.h5", 1000}, {"fashion_calibration200.h5", 200}};
    const char *source = getenv("OHM_SOURCE");
    for (size_t f = 0; source && f < 2; f++) {
        char path[512];
        struct ohm_image_set *set;
        int64_t classes[10] = {0};
        uint8_t pixels[28 * 28];
        snprintf(path, sizeof path, "%s/datasets/%s", source, files[f].name);
        struct ohm_image_options options = {.packed = path, .channels = 1, .resize = 0};
        CU_ASSERT_EQUAL_FATAL(ohm_image_set_open(&options, 10, &set), OHM_OK);
        CU_ASSERT_EQUAL_FATAL(ohm_image_set_count(set), files[f].count);
        for (int64_t i = 0; i < files[f].count; i++) {
            CU_ASSERT_EQUAL(ohm_image_set_read(set, i, pixels), OHM_OK);
            classes[ohm_image_set_label(set, i)]++;
        }
        for (int c = 0; c < 10; c++) CU_ASSERT_EQUAL(classes[c], files[f].count / 10);
        ohm_image_set_close(set);
    }
}

/* The first four images of a folder against the pixels another decoder and Pillow made of them. */
static void reference_pixels(void) {
    static const char *const networks[] = {"mobilenet_v2_google_hybrid", "resnet50_keras_w16", "squeezenet_1.1"};
    static const struct {
        const char *set, *folder;
        int32_t resize;
        bool crop_floor;
    } sets[] = {{"val127", "val127_orig", 256, false}, {"val1300", "val1300_227", 0, true}};
    enum { BYTES = 224 * 224 * 3 };
    static uint8_t expected[4 * BYTES], pixels[BYTES];
    const char *shared = suite_shared();
    for (size_t k = 0; k < 6; k++) {
        char reference[512], images[512], labels[600];
        struct ohm_image_set *set;
        hid_t file;
        snprintf(reference, sizeof reference, "%s/data/reference/%s_%s.h5", shared ? shared : "", networks[k / 2], sets[k % 2].set);
        snprintf(images, sizeof images, "%s/data/images/%s", shared ? shared : "", sets[k % 2].folder);
        snprintf(labels, sizeof labels, "%s/labels.txt", images);
        if (!shared || access(reference, R_OK) || access(labels, R_OK)) {
            printf("[skipped: no %s] ", shared ? reference : "OHM_SHARED");
            continue;
        }
        CU_ASSERT_EQUAL_FATAL(ohm_h5_open(reference, &file), OHM_OK);
        CU_ASSERT_EQUAL(ohm_h5_read(file, "pixels", H5T_NATIVE_UINT8, 4, (const hsize_t[]){4, 224, 224, 3}, expected), OHM_OK);
        H5Fclose(file);
        struct ohm_image_options options = {.folder = images,
                                            .labels = labels,
                                            .resize = sets[k % 2].resize,
                                            .crop_height = 224,
                                            .crop_width = 224,
                                            .crop_floor = sets[k % 2].crop_floor,
                                            .channels = 3};
        CU_ASSERT_EQUAL_FATAL(ohm_image_set_open(&options, 1000, &set), OHM_OK);
        for (size_t i = 0; i < 4; i++) {
            CU_ASSERT_EQUAL(ohm_image_set_read(set, (int64_t)i, pixels), OHM_OK);
            int largest = 0;
            for (size_t j = 0; j < BYTES; j++)
                if (abs(pixels[j] - expected[i * BYTES + j]) > largest) largest = abs(pixels[j] - expected[i * BYTES + j]);
            if (largest) printf("[%s: largest difference %d] ", ohm_image_set_name(set, (int64_t)i), largest);
            CU_ASSERT_EQUAL(largest, 0);
        }
        ohm_image_set_close(set);
    }
}

int main(void) {
    static const struct suite_test tests[] = {
        {"HDF5 functions", h5_write_and_read}, {"HDF5: nothing unfinished is left", h5_discard}, {"sets that others packed", foreign_sets},
        {"the embedded set", embedded_set},    {"reference pixels", reference_pixels},
    };
    return SUITE_RUN("io packed", tests);
}
