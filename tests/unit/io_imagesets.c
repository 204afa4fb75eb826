/* Image sets: listing, labels, slices, every complaint, packing; and, where the shared data is present, the reference pixels. */
#include "ohmtally/images.h"
#include "ohmtally/status.h"
#include "pictures.h"
#include "suite.h"

static const struct ohm_image_options plain = {.channels = 3};
static char folder[64];

static const char *in_folder(const char *name) {
    static char paths[4][512];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

/* Six flat images in folder/i, so that label files can stand beside it. */
static void folder_start(void) {
    strcpy(folder, folder_make());
    static const char *const names[] = {"b.PNG", "a.png", "d.Png", "C.png", "e.png", "ae.png"};
    for (unsigned i = 0; i < 6; i++) {
        char name[32];
        snprintf(name, sizeof name, "i/%s", names[i]);
        pattern_put(folder, name, 12, 16, i);
    }
    text_put(folder, "i/readme.txt", "not an image");
    pattern_put(folder, "i/.hidden.png", 3, 3, 0);
}

static struct ohm_image_options flat(const char *labels) {
    struct ohm_image_options options = plain;
    options.folder = in_folder("i");
    options.labels = labels;
    return options;
}

/* The set opens; its names and labels are as listed (label -2 ends; labels NULL: not looked at). */
static void expect_set(const struct ohm_image_options *options, int32_t nclass, int64_t count, const char *const *names, const int32_t *labels) {
    struct ohm_image_set *set;
    ohm_fail_clear();
    int status = ohm_image_set_open(options, nclass, &set);
    if (status) printf("[%s] ", ohm_fail_text());
    CU_ASSERT_EQUAL_FATAL(status, OHM_OK);
    CU_ASSERT_EQUAL_FATAL(ohm_image_set_count(set), count);
    for (int64_t i = 0; i < count; i++) {
        CU_ASSERT_STRING_EQUAL(ohm_image_set_name(set, i), names[i]);
        CU_ASSERT_EQUAL(ohm_image_set_label(set, i), labels[i]);
    }
    ohm_image_set_close(set);
}

/* The set does not open, and the line says so with these words. */
static void expect_failure(const struct ohm_image_options *options, int32_t nclass, int status, const char *words) {
    struct ohm_image_set *set;
    ohm_fail_clear();
    CU_ASSERT_EQUAL(ohm_image_set_open(options, nclass, &set), status);
    CU_ASSERT_PTR_NULL(set);
    if (!strstr(ohm_fail_text(), words)) printf("[\"%s\" lacks \"%s\"] ", ohm_fail_text(), words);
    CU_ASSERT_PTR_NOT_NULL(strstr(ohm_fail_text(), words));
}

static void label_forms(void) {
    static const char *const sorted[] = {"C.png", "a.png", "ae.png", "b.PNG", "d.Png", "e.png"};
    static const char *const given[] = {"e.png", "a.png", "ae.png", "b.PNG", "d.Png", "C.png"};
    folder_start();
    struct ohm_image_options options = flat(NULL);
    expect_set(&options, 10, 6, sorted, (const int32_t[]){-1, -1, -1, -1, -1, -1});
    text_put(folder, "index.txt", "e.png 4\na.png\t1\r\n\n  ae.png   9\nb.PNG 3\nd.Png 7\nC.png 2\n");
    options = flat(in_folder("index.txt"));
    expect_set(&options, 10, 6, given, (const int32_t[]){4, 1, 9, 3, 7, 2});
    options.labels_from = 1;
    expect_set(&options, 9, 6, given, (const int32_t[]){3, 0, 8, 2, 6, 1});
    text_put(folder, "wnid.txt", "e.png n03\na.png n01\nae.png n03\nb.PNG n02\nd.Png n01\nC.png n09");
    options = flat(in_folder("wnid.txt"));
    expect_set(&options, 4, 6, given, (const int32_t[]){2, 0, 2, 1, 0, 3});
    text_put(folder, "classes.txt", "n09 tench, Tinca tinca\nn03 x\nn00\nn01 goldfish\nn02 a b c\n");
    options.classes = in_folder("classes.txt");
    expect_set(&options, 5, 6, given, (const int32_t[]){1, 3, 1, 4, 3, 0});
    text_put(folder, "order.txt", "5\n4\n3\n2\n1\n1\n");
    options = flat(in_folder("order.txt"));
    options.labels_from = 1;
    expect_set(&options, 5, 6, sorted, (const int32_t[]){4, 3, 2, 1, 0, 0});
    options.first = 1;
    options.count = 3;
    expect_set(&options, 5, 3, sorted + 1, (const int32_t[]){3, 2, 1});
    options.count = 0;
    options.first = 4;
    expect_set(&options, 5, 2, sorted + 4, (const int32_t[]){0, 0});
    folder_remove(folder);
}

static void sub_folders(void) {
    static const char *const names[] = {"n01-x/b.png", "n01/a.png", "n01/c.png", "n05/a.png"};
    strcpy(folder, folder_make());
    pattern_put(folder, "n05/a.png", 8, 8, 0);
    pattern_put(folder, "n01/c.png", 8, 8, 0);
    pattern_put(folder, "n01/a.png", 8, 8, 0);
    pattern_put(folder, "n01-x/b.png", 8, 8, 0);
    struct ohm_image_options options = plain;
    options.folder = folder;
    expect_set(&options, 3, 4, names, (const int32_t[]){1, 0, 0, 2});
    expect_failure(&options, 2, OHM_E_INPUT, "n05: class n05 is number 2 counted from 0, but the network has 2 classes");
    text_put(folder, "classes.txt", "n05\nn77\nn01-x\nn01\n");
    options.classes = in_folder("classes.txt");
    expect_set(&options, 4, 4, names, (const int32_t[]){2, 3, 3, 0});
    text_put(folder, "classes.txt", "n05\nn77\nn01\n");
    expect_failure(&options, 4, OHM_E_INPUT, "class n01-x is not in");
    text_put(folder, "classes.txt", "n05\nn77\nn05\n");
    expect_failure(&options, 4, OHM_E_INPUT, "class n05 stands there twice");
    options.classes = NULL;
    mkdir(in_folder("n03"), 0700);
    expect_failure(&options, 0, OHM_E_INPUT, "1 of its 4 sub-folders hold no image");
    pattern_put(folder, "top.png", 8, 8, 0);
    expect_failure(&options, 0, OHM_E_INPUT, "both in sub-folders and beside them (top.png)");
    text_put(folder, "labels.txt", "top.png 1\nn05/a.png 0\nn01/a.png 0\nn01/c.png 1\nn01-x/b.png 2\n");
    options.labels = in_folder("labels.txt");
    expect_set(&options, 3, 5, (const char *const[]){"top.png", "n05/a.png", "n01/a.png", "n01/c.png", "n01-x/b.png"},
               (const int32_t[]){1, 0, 0, 1, 2});
    folder_remove(folder);
}

static void label_complaints(void) {
    static const struct {
        const char *text, *words;
        int32_t from;
    } cases[] = {
        {"a.png 1\nzz.png 2\n", "labels.txt:2: label without image: no zz.png in", 0},
        {"a.png 1\nb.PNG 2\n", "labels.txt: image without label: ", 0},
        {"a.png 1\n\na.png 2\n", "labels.txt:3: image a.png was labelled on line 1 already", 0},
        {"a.png 1\nb.PNG 10\n", "labels.txt:2: class 10 is number 10 counted from 0, but the network has 10 classes", 0},
        {"a.png 1\nb.PNG 0\n", "labels.txt:2: class 0, but the first class is 1", 1},
        {"a.png -1\n", "labels.txt:1: class -1, but the first class is 0", 0},
        {"a.png 99999999999\n", "labels.txt:1: class 99999999999 is number", 0},
        {"a.png 1\nb.PNG n01\n", "labels.txt:2: \"n01\" is not a class index", 0},
        {"a.png 1\nb.PNG\n", "labels.txt:2: one word", 0},
        {"1\n2 3\n3\n4\n5\n6\n", "labels.txt:2: more than one word", 0},
        {"1\n2\n", "labels.txt: 2 labels for the 6 images", 0},
        {"n01\n", "labels.txt:1: \"n01\" is neither", 0},
        {" \n\n", "labels.txt: empty", 0},
    };
    folder_start();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        text_put(folder, "labels.txt", cases[i].text);
        struct ohm_image_options options = flat(in_folder("labels.txt"));
        options.labels_from = cases[i].from;
        expect_failure(&options, 10, OHM_E_INPUT, cases[i].words);
    }
    file_put(folder, "labels.txt", "a\0b", 3);
    struct ohm_image_options options = flat(in_folder("labels.txt"));
    expect_failure(&options, 10, OHM_E_INPUT, "labels.txt: not a text file");
    options.labels = in_folder("none.txt");
    expect_failure(&options, 10, OHM_E_IO, "none.txt: cannot open");
    folder_remove(folder);
}

static void open_complaints(void) {
    folder_start();
    struct ohm_image_options options = flat(NULL), wrong;
    options.folder = in_folder("nowhere");
    expect_failure(&options, 0, OHM_E_IO, "nowhere: cannot open the image folder");
    mkdir(in_folder("empty"), 0700);
    options.folder = in_folder("empty");
    expect_failure(&options, 0, OHM_E_INPUT, "empty: no .jpg, .jpeg or .png file");
    options = flat(NULL);
    options.first = 6;
    expect_failure(&options, 0, OHM_E_INPUT, "images 6 to 6 are wanted, but it holds 6");
    options.first = 2;
    options.count = 5;
    expect_failure(&options, 0, OHM_E_INPUT, "images 2 to 6 are wanted, but it holds 6");
    expect_failure(&plain, 0, OHM_E_USAGE, "either a folder or a packed file");
    wrong = flat(NULL);
    wrong.packed = "x.h5";
    expect_failure(&wrong, 0, OHM_E_USAGE, "either a folder or a packed file");
    wrong = flat(NULL);
    wrong.channels = 2;
    expect_failure(&wrong, 0, OHM_E_USAGE, "channels must be 1 or 3");
    wrong = flat(NULL);
    wrong.crop_height = 5;
    expect_failure(&wrong, 0, OHM_E_USAGE, "crop 5 x 0");
    wrong = flat(NULL);
    wrong.labels_from = 2;
    expect_failure(&wrong, 0, OHM_E_USAGE, "labels_from must be 0 or 1");
    wrong = plain;
    wrong.packed = in_folder("none.h5");
    expect_failure(&wrong, 0, OHM_E_IO, "none.h5: cannot open");
    text_put(folder, "text.h5", "no HDF5");
    wrong.packed = in_folder("text.h5");
    expect_failure(&wrong, 0, OHM_E_INPUT, "text.h5: not an HDF5 file");
    folder_remove(folder);
}

/* Crop offsets of both rules, from a picture whose bytes tell their place. */
static void crops(void) {
    static const struct {
        int32_t height, width;
        bool floor_down;
        int32_t top, left;
    } cases[] = {{12, 16, false, 0, 0}, {11, 15, false, 0, 0}, {9, 13, false, 2, 2}, {9, 13, true, 1, 1}, {7, 11, false, 2, 2}, {8, 12, true, 2, 2}};
    uint8_t pixels[12 * 16 * 3];
    folder_start();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ohm_image_options options = flat(NULL);
        struct ohm_image_set *set;
        options.crop_height = cases[i].height;
        options.crop_width = cases[i].width;
        options.crop_floor = cases[i].floor_down;
        CU_ASSERT_EQUAL_FATAL(ohm_image_set_open(&options, 0, &set), OHM_OK);
        CU_ASSERT_EQUAL(ohm_image_set_read(set, 1, pixels), OHM_OK);
        CU_ASSERT_EQUAL(pixels[0], pattern(cases[i].top, cases[i].left, 0, 1));
        CU_ASSERT_EQUAL(pixels[3 * cases[i].height * cases[i].width - 1],
                        pattern(cases[i].top + cases[i].height - 1, cases[i].left + cases[i].width - 1, 2, 1));
        ohm_image_set_close(set);
    }
    folder_remove(folder);
}

/* Resize 24, crop 20 of pictures of different sizes; one cut JPEG, one too small after no resize. */
static void read_complaints(void) {
    struct ohm_image_set *set;
    uint8_t pixels[32 * 32 * 3];
    folder_start();
    uint8_t *picture = pattern_make(30, 30, 3, 0);
    struct encoded jpeg = jpeg_make(picture, 30, 30, TJPF_RGB, TJSAMP_420, 0);
    file_put(folder, "i/B-cut.JPEG", jpeg.bytes, jpeg.size / 2);
    file_put(folder, "i/f.jpeg", jpeg.bytes, jpeg.size);
    struct ohm_image_options options = flat(NULL);
    CU_ASSERT_EQUAL_FATAL(ohm_image_set_open(&options, 0, &set), OHM_OK);
    int32_t height, width, channels;
    ohm_image_set_size(set, &height, &width, &channels);
    CU_ASSERT(height == 12 && width == 16 && channels == 3); /* of the first that can be read */
    CU_ASSERT_EQUAL(ohm_image_set_read(set, 0, pixels), OHM_E_INPUT);
    CU_ASSERT_PTR_NOT_NULL(strstr(ohm_fail_text(), "B-cut.JPEG: damaged JPEG: "));
    ohm_fail_clear();
    CU_ASSERT_EQUAL(ohm_image_set_read(set, 7, pixels), OHM_E_INPUT);
    CU_ASSERT_PTR_NOT_NULL(strstr(ohm_fail_text(), "f.jpeg: 30 x 30 (height x width), but the set's first image is 12 x 16"));
    ohm_fail_clear();
    ohm_image_set_close(set);
    options.crop_height = options.crop_width = 20;
    CU_ASSERT_EQUAL_FATAL(ohm_image_set_open(&options, 0, &set), OHM_OK);
    CU_ASSERT_EQUAL(ohm_image_set_read(set, 1, pixels), OHM_E_INPUT);
    CU_ASSERT_PTR_NOT_NULL(strstr(ohm_fail_text(), "C.png: 12 x 16 (height x width, after resize) is smaller than the crop 20 x 20"));
    ohm_fail_clear();
    CU_ASSERT_EQUAL(ohm_image_set_read(set, 7, pixels), OHM_OK);
    ohm_image_set_close(set);
    options.resize = 24;
    CU_ASSERT_EQUAL_FATAL(ohm_image_set_open(&options, 0, &set), OHM_OK);
    CU_ASSERT_EQUAL(ohm_image_set_read(set, 1, pixels), OHM_OK);
    ohm_image_set_close(set);
    free(jpeg.bytes);
    free(picture);
    folder_remove(folder);
}

/* Every image of `packed` equals that of `direct`, the corrupt one apart. */
static void compare_sets(struct ohm_image_set *direct, struct ohm_image_set *packed, int64_t corrupt) {
    uint8_t a[20 * 20 * 3], b[20 * 20 * 3];
    CU_ASSERT_EQUAL_FATAL(ohm_image_set_count(direct), ohm_image_set_count(packed));
    for (int64_t i = 0; i < ohm_image_set_count(direct); i++) {
        CU_ASSERT_STRING_EQUAL(ohm_image_set_name(direct, i), ohm_image_set_name(packed, i));
        CU_ASSERT_EQUAL(ohm_image_set_label(direct, i), ohm_image_set_label(packed, i));
        int expected = i == corrupt ? OHM_E_INPUT : OHM_OK;
        CU_ASSERT_EQUAL(ohm_image_set_read(direct, i, a), expected);
        CU_ASSERT_EQUAL(ohm_image_set_read(packed, i, b), expected);
        if (expected) {
            ohm_fail_clear();
            continue;
        }
        CU_ASSERT_EQUAL(memcmp(a, b, sizeof a), 0);
    }
}

static void pack_round_trip(void) {
    struct ohm_image_set *direct, *packed;
    int64_t ncorrupt;
    folder_start();
    text_put(folder, "i/z.jpg", "\xff\xd8 broken");
    text_put(folder, "labels.txt", "3\n1\n2\n5\n8\n0\n9\n");
    struct ohm_image_options options = flat(in_folder("labels.txt"));
    options.resize = 24;
    options.crop_height = options.crop_width = 20;
    CU_ASSERT_EQUAL_FATAL(ohm_image_set_open(&options, 10, &direct), OHM_OK);
    CU_ASSERT_EQUAL(ohm_image_set_pack(direct, in_folder("set.h5"), &ncorrupt), OHM_OK);
    CU_ASSERT_EQUAL(ncorrupt, 1);
    CU_ASSERT_EQUAL(ohm_image_set_pack(direct, in_folder("again.h5"), &ncorrupt), OHM_OK);
    char command[1100];
    snprintf(command, sizeof command, "cmp -s %s %s", in_folder("set.h5"), in_folder("again.h5"));
    CU_ASSERT_EQUAL(system(command), 0); /* reproducible to the byte */

    struct ohm_image_options from_pack = {.packed = in_folder("set.h5"), .channels = 3};
    CU_ASSERT_EQUAL_FATAL(ohm_image_set_open(&from_pack, 10, &packed), OHM_OK);
    compare_sets(direct, packed, 6);
    ohm_image_set_close(packed);
    from_pack.resize = 24; /* said again: it was done already */
    from_pack.crop_height = from_pack.crop_width = 20;
    CU_ASSERT_EQUAL_FATAL(ohm_image_set_open(&from_pack, 10, &packed), OHM_OK);
    compare_sets(direct, packed, 6);
    ohm_image_set_close(packed);
    from_pack.resize = 32;
    expect_failure(&from_pack, 10, OHM_E_INPUT, "set.h5: packed with resize 24, but resize 32 is asked for");
    from_pack.resize = 0;
    expect_failure(&from_pack, 9, OHM_E_INPUT, "set.h5: labels[6] is 9, but the network has 9 classes");
    from_pack.crop_height = 21;
    expect_failure(&from_pack, 10, OHM_E_INPUT, "smaller than the crop 21 x 20");
    from_pack.crop_height = 20;
    from_pack.channels = 1;
    expect_failure(&from_pack, 10, OHM_E_INPUT, "colour");
    from_pack.channels = 3;
    from_pack.labels = "labels.txt";
    expect_failure(&from_pack, 10, OHM_E_USAGE, "a packed file holds its labels");
    ohm_fail_clear();
    CU_ASSERT_EQUAL(ohm_image_set_pack(direct, in_folder("no/such/set.h5"), &ncorrupt), OHM_E_IO);
    CU_ASSERT_PTR_NOT_NULL(strstr(ohm_fail_text(), "no/such/set.h5"));
    ohm_image_set_close(direct);
    folder_remove(folder);
}

int main(void) {
    static const struct suite_test tests[] = {
        {"label files", label_forms},
        {"labels from sub-folders", sub_folders},
        {"complaints about labels", label_complaints},
        {"complaints on opening", open_complaints},
        {"crop offsets", crops},
        {"complaints on reading", read_complaints},
        {"packing and reading back", pack_round_trip},
    };
    return SUITE_RUN("io image sets", tests);
}
