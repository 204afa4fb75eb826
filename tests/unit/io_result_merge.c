/* Points from file to file: whole, unchanged, and only where they belong together. */
#include "../../src/io/h5.h"
#include "ohmtally/result.h"
#include "ohmtally/status.h"
#include "suite.h"
#define FOLDER "/tmp/ohm-merge-XXXXXX"
#include "folder.h"
#include <dirent.h>
#include <string.h>
#include <unistd.h>

enum { NIMAGE = 3 };
static const char *const plan[] = {"a", "b", "c", "d"};

static int add(struct ohm_result *result, const char *name, int64_t value) {
    struct ohm_image_row images[NIMAGE] = {{0}};
    struct ohm_layer_row layer = {.name = "conv1", .kind = "conv", .evaluation = "counters", .tally.conversions = value, .sqnr_db = 1.5};
    for (int i = 0; i < NIMAGE; i++)
        images[i] = (struct ohm_image_row){.index = i, .label = i, .best = {i}, .correct = 1, .outputs_digest = (uint64_t)value};
    struct ohm_point_info info = {.name = name,
                                  .design = "isaac",
                                  .title = "t",
                                  .source = "s",
                                  .departures = "",
                                  .options = "o",
                                  .adc_range = "unit",
                                  .swept = "adc.bits=4",
                                  .adc_bits = 4,
                                  .priced = true,
                                  .costs = {.bottleneck = "conv1", .busiest = "conv1", .area_mm2 = (double)value}};
    return ohm_result_add(result, &info, images, NIMAGE, &layer, 1);
}

/* A result of these points, NULL ends; values differ from point to point by name and by `more`. */
static void make(const char *file, const char *identity, const char *failed, int64_t more, const char *const *names) {
    static const char *const used[] = {"network.file = n"};
    struct ohm_result *result;
    struct ohm_run_info run = {.identity = identity, .plan = plan, .nplan = 4, .failed = &failed, .nfailed = failed != NULL, .images = NIMAGE};
    CU_ASSERT_EQUAL_FATAL(ohm_result_create(in_folder(file), &result), OHM_OK);
    for (; *names; names++) CU_ASSERT_EQUAL(add(result, *names, **names + more), OHM_OK);
    CU_ASSERT_EQUAL(ohm_result_finish(result, &run, used, 1), OHM_OK);
}
#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})

static struct ohm_report *read_report(const char *file) {
    struct ohm_report *report = NULL;
    CU_ASSERT_EQUAL(ohm_report_read(in_folder(file), &report), OHM_OK);
    CU_ASSERT_PTR_NOT_NULL_FATAL(report);
    return report;
}

static int merge(const char *out, const char *const *files) {
    char paths[4][512];
    const char *list[4];
    int32_t n = 0;
    for (; files[n]; n++) {
        strcpy(paths[n], in_folder(files[n]));
        list[n] = paths[n];
    }
    char target[512];
    strcpy(target, in_folder(out));
    return ohm_result_merge(target, list, n);
}

static void points_join_in_order(void) {
    make("whole.h5", "job = x\n", NULL, 0, NAMES("a", "b", "c", "d"));
    make("one.h5", "job = x\n", NULL, 0, NAMES("c", "a"));
    make("two.h5", "job = x\n", NULL, 0, NAMES("d", "b", "a"));
    CU_ASSERT_EQUAL(merge("joined.h5", NAMES("one.h5", "two.h5")), OHM_OK);
    struct ohm_report *whole = read_report("whole.h5"), *joined = read_report("joined.h5");
    CU_ASSERT(joined->npoint == 4 && joined->nplan == 4 && joined->nfailed == 0);
    for (int32_t p = 0; p < 4 && p < joined->npoint; p++) {
        CU_ASSERT_STRING_EQUAL(joined->points[p].name, plan[p]);
        CU_ASSERT_STRING_EQUAL(joined->points[p].digest, whole->points[p].digest);
        CU_ASSERT_EQUAL(joined->points[p].costs.area_mm2, whole->points[p].costs.area_mm2);
        CU_ASSERT_STRING_EQUAL(joined->points[p].costs.bottleneck, "conv1");
    }
    ohm_report_free(whole);
    ohm_report_free(joined);
}

static void what_does_not_belong_together(void) {
    static const char *const none[] = {"absent.h5", NULL};
    make("x.h5", "adc.bits = 4\nseed = 1\n", NULL, 0, NAMES("a"));
    make("y.h5", "adc.bits = 5\nseed = 1\n", NULL, 0, NAMES("b"));
    make("z.h5", "adc.bits = 4\nseed = 1\n", NULL, 7, NAMES("a"));
    CU_ASSERT_EQUAL(merge("no.h5", NAMES("x.h5", "y.h5")), OHM_E_INPUT);
    CU_ASSERT(strstr(ohm_fail_text(), "'adc.bits = 4' and 'adc.bits = 5'") != NULL);
    ohm_fail_clear();
    CU_ASSERT_EQUAL(merge("no.h5", NAMES("x.h5", "z.h5")), OHM_E_INPUT);
    CU_ASSERT(strstr(ohm_fail_text(), "different results of a") != NULL);
    ohm_fail_clear();
    CU_ASSERT_EQUAL(merge("no.h5", none), OHM_E_IO);
    ohm_fail_clear();
    CU_ASSERT(access(in_folder("no.h5"), F_OK));
}

/* A failure counts until some file has the point. */
static void failures(void) {
    make("f.h5", "job = x\n", "b: no memory", 0, NAMES("a"));
    make("g.h5", "job = x\n", "c: no such window", 0, NAMES("b"));
    CU_ASSERT_EQUAL(merge("fg.h5", NAMES("f.h5", "g.h5")), OHM_OK);
    struct ohm_report *report = read_report("fg.h5");
    CU_ASSERT(report->npoint == 2 && report->nfailed == 1);
    CU_ASSERT_STRING_EQUAL(report->failed[0], "c: no such window");
    ohm_report_free(report);
}

/* A point through a file of its own comes back with every attribute and data set. */
static void saved_points(void) {
    struct ohm_result *from, *to;
    char point[512], cut[512];
    strcpy(point, in_folder("point.h5"));
    CU_ASSERT_EQUAL_FATAL(ohm_result_create(in_folder("from.h5"), &from), OHM_OK);
    CU_ASSERT_EQUAL(add(from, "a", 5), OHM_OK);
    CU_ASSERT_EQUAL(ohm_result_save_point(from, "a", point), OHM_OK);
    CU_ASSERT(ohm_result_has_point(point, "a") && !ohm_result_has_point(point, "b") && !ohm_result_has_point(in_folder("absent"), "a"));
    CU_ASSERT_EQUAL_FATAL(ohm_result_create(in_folder("to.h5"), &to), OHM_OK);
    CU_ASSERT_EQUAL(ohm_result_take_point(to, point, "a"), OHM_OK);
    struct ohm_run_info run = {.identity = "job = x\n"};
    CU_ASSERT_EQUAL(ohm_result_finish(from, &run, NULL, 0), OHM_OK);
    CU_ASSERT_EQUAL(ohm_result_finish(to, &run, NULL, 0), OHM_OK);
    hid_t a, b;
    CU_ASSERT_EQUAL_FATAL(ohm_h5_open(in_folder("from.h5"), &a), OHM_OK);
    CU_ASSERT_EQUAL_FATAL(ohm_h5_open(in_folder("to.h5"), &b), OHM_OK);
    H5O_info_t first, second;
    for (const char *const *name = NAMES("a", "a/images", "a/layers", "a/images/index", "a/layers/name", "a/layers/conversions"); *name; name++) {
        CU_ASSERT_FATAL(H5Oget_info_by_name(a, *name, &first, H5P_DEFAULT) >= 0 && H5Oget_info_by_name(b, *name, &second, H5P_DEFAULT) >= 0);
        CU_ASSERT(first.num_attrs == second.num_attrs && first.type == second.type);
    }
    H5Fclose(a);
    H5Fclose(b);
    strcpy(cut, in_folder("point.h5"));
    CU_ASSERT_EQUAL(truncate(cut, 5000), 0);
    CU_ASSERT(!ohm_result_has_point(cut, "a"));
    CU_ASSERT_EQUAL(ohm_fail_status(), OHM_OK);
    CU_ASSERT_EQUAL(merge("old.h5", NAMES("to.h5")), OHM_OK);
    CU_ASSERT_PTR_NULL(ohm_result_identity(in_folder("absent"), NULL));
}

static void folder_remove(void) {
    DIR *listing = opendir(folder);
    for (struct dirent *entry; (entry = readdir(listing));)
        if (entry->d_name[0] != '.') unlink(in_folder(entry->d_name));
    closedir(listing);
    rmdir(folder);
}

int main(void) {
    static const struct suite_test tests[] = {{"points join in order", points_join_in_order},
                                              {"what does not belong together", what_does_not_belong_together},
                                              {"failures", failures},
                                              {"saved points", saved_points}};
    if (!mkdtemp(folder)) return 1;
    int failed = SUITE_RUN("merge", tests);
    folder_remove();
    return failed;
}
