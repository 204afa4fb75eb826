/* Result files: what stands in them, that it stands there whole or not at all, and what the report makes of it. */
#include "../../src/io/h5.h"
#include "ohmtally/log.h"
#include "ohmtally/result.h"
#include "ohmtally/status.h"
#include "ohmtally/text.h"
#include "suite.h"
#define FOLDER "/tmp/ohm-result-XXXXXX"
#include "folder.h"
#include <dirent.h>
#include <math.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NIMAGE = 10, NLAYER = 2 };

/* Names in the folder that hold `part`. */
static int names_with(const char *part) {
    int found = 0;
    DIR *listing = opendir(folder);
    for (struct dirent *entry; (entry = readdir(listing));) found += strstr(entry->d_name, part) != NULL;
    closedir(listing);
    return found;
}

/* Ten images: classes 0 to 9 in order of label; image 8 is corrupt, image 9 has no label; the first nright are right, two more in the top 5. */
static void images_make(int nright, struct ohm_image_row rows[NIMAGE]) {
    for (int32_t i = 0; i < NIMAGE; i++) {
        rows[i] = (struct ohm_image_row){
            .index = i, .label = i, .best = {i, 90, 91, 92, 93}, .correct = 1, .outputs_digest = 0xfedcba9876543210u + (uint64_t)i};
        if (i >= nright)
            rows[i] =
                (struct ohm_image_row){.index = i, .label = i, .best = {80, 81, 82, 83, i < nright + 2 ? i : 84}, .correct = i < nright + 2 ? 2 : 0};
    }
    rows[8].correct = -2;
    rows[9].correct = rows[9].label = -1;
    for (int k = 0; k < 5; k++) rows[8].best[k] = -1;
}

/* Two layers with numbers of which every sum is known: see the report's test. */
static void layers_make(int64_t crossbars, double price, struct ohm_layer_row rows[NLAYER]) {
    rows[0] = (struct ohm_layer_row){
        .name = "conv1", .kind = "conv", .evaluation = "counters", .groups = 1, .rows = 27, .columns = 16, .positions = 784, .adc_bits = 8};
    rows[1] = (struct ohm_layer_row){
        .name = "fc \xc3\xa4", .kind = "linear", .evaluation = "product", .groups = 1, .rows = 96, .columns = 10, .positions = 1, .adc_bits = 8};
    for (int i = 0; i < NLAYER; i++) {
        rows[i].tally.conversions = 1000;
        rows[i].tally.clipped = 1 + 2 * i;
        rows[i].store.crossbars = crossbars;
        for (int k = 0; k < 4; k++) rows[i].baseline[k] = 10 * (k + 1);
        rows[i].energy.adc = 1e6 * price;
        rows[i].energy.bus = 5e5 * price;
        for (int law = 0; law < OHM_ADC_LAWS; law++) {
            rows[i].adc_pj[law] = 1e6 * price * (law + 1);
            rows[i].adc_um2[law] = 5e5 * price * (law + 1);
        }
        rows[i].leakage_pj = 2e5 * price;
        rows[i].latency_ns = (i + 1) * 100.0 * price;
        rows[i].area.adc = 5e5 * price;
        rows[i].area.tile_bus = 1.5e6 * price;
        rows[i].sqnr_db = INFINITY;
    }
}

static const struct ohm_point_info float_info = {
    .name = "float", .design = "float", .title = "float network", .source = "", .departures = "", .options = "", .adc_range = "", .corrupt = 1};
static struct ohm_point_info design_info(const char *name, double price) {
    return (struct ohm_point_info){.name = name,
                                   .design = "isaac",
                                   .title = "a title",
                                   .source = "a paper",
                                   .departures = "none",
                                   .options = "cell_bits=2",
                                   .adc_range = "unit",
                                   .adc_bits = 8,
                                   .array_rows = 128,
                                   .array_columns = 64,
                                   .priced = true,
                                   .seconds = 1.5,
                                   .corrupt = 1,
                                   .costs = {.latency_ns = 250 * price,
                                             .latency_serial_ns = 300 * price,
                                             .interval_ns = 200 * price,
                                             .images_per_s = 5e6 / price,
                                             .area_mm2 = 4 * price,
                                             .busiest_share = 0.75,
                                             .tiles = 2,
                                             .arrays = 9,
                                             .bottleneck = "fc",
                                             .busiest = "conv1"}};
}

static const struct ohm_run_info run_info = {
    "r1", "0.1.0", "gcc", "-O3",     "hdf5", "host", "portable", "cpu", "2026-01-02T03:04:05Z", "job: text\n", "ohmtally run job.yml", 2, 3, 16,
    7,    10,      12.5,  "a = 1\n", NULL,   NULL,   0,          0};
static const char *const used[] = {"network.file = nets/a.onnx", "run.seed = 7"};

/* A whole result with a float point, two designs of 4 and 1 crossbars per layer, the second three times as dear. */
static int result_make(const char *path, bool with_float) {
    struct ohm_result *result;
    struct ohm_image_row images[NIMAGE];
    struct ohm_layer_row layers[NLAYER];
    struct ohm_point_info a = design_info("a", 1), b = design_info("b", 3);
    OHM_TRY(ohm_result_create(path, &result));
    images_make(6, images);
    int status = with_float ? ohm_result_add(result, &float_info, images, NIMAGE, NULL, 0) : OHM_OK;
    layers_make(4, 1, layers);
    if (!status) status = ohm_result_add(result, &a, images, NIMAGE, layers, NLAYER);
    images_make(5, images);
    layers_make(1, 3, layers);
    if (!status) status = ohm_result_add(result, &b, images, NIMAGE, layers, NLAYER);
    if (!status) return ohm_result_finish(result, &run_info, used, 2);
    ohm_result_abandon(result);
    return status;
}

static void wilson_known_figures(void) {
    double low, high;
    ohm_wilson(8, 10, &low, &high);
    CU_ASSERT_DOUBLE_EQUAL(low, 0.490162, 1e-6);
    CU_ASSERT_DOUBLE_EQUAL(high, 0.943318, 1e-6);
    ohm_wilson(0, 10, &low, &high);
    CU_ASSERT(low == 0);
    CU_ASSERT_DOUBLE_EQUAL(high, 0.277533, 1e-6); /* z^2 / (n + z^2) */
    ohm_wilson(10, 10, &low, &high);
    CU_ASSERT(high == 1);
    CU_ASSERT_DOUBLE_EQUAL(low, 0.722467, 1e-6);
    ohm_wilson(0, 0, &low, &high);
    CU_ASSERT(low == 0 && high == 1);
}

static int64_t int_attribute(hid_t at, const char *name) {
    int64_t value = -999;
    CU_ASSERT_EQUAL(ohm_h5_get_int64(at, name, &value), OHM_OK);
    return value;
}

static void stored_values(void) {
    hid_t file, group, data;
    struct ohm_arena *arena = ohm_arena_new();
    const char *text, **strings;
    int64_t counts[NLAYER], digests[NIMAGE];
    int32_t best[NIMAGE][5];
    int8_t correct[NIMAGE];
    double real;
    CU_ASSERT_EQUAL_FATAL(result_make(in_folder("r.h5"), true), OHM_OK);
    CU_ASSERT_EQUAL_FATAL(ohm_h5_open(in_folder("r.h5"), &file), OHM_OK);
    CU_ASSERT(!ohm_h5_read_strings(file, "points", 3, arena, &strings) && !strcmp(strings[0], "float") && !strcmp(strings[2], "b"));
    CU_ASSERT_EQUAL_FATAL(ohm_h5_group_open(file, "a", &group), OHM_OK);
    CU_ASSERT_EQUAL(int_attribute(group, "images_scored"), 9);
    CU_ASSERT_EQUAL(int_attribute(group, "images_labelled"), 8);
    CU_ASSERT_EQUAL(int_attribute(group, "images_corrupt"), 1);
    CU_ASSERT_EQUAL(int_attribute(group, "top1"), 6);
    CU_ASSERT_EQUAL(int_attribute(group, "top5"), 8);
    CU_ASSERT_EQUAL(int_attribute(group, "array_columns"), 64);
    CU_ASSERT(!ohm_h5_get_double(group, "top1_low", &real) && fabs(real - 0.409275) < 1e-6); /* 6 of 8 */
    CU_ASSERT(!ohm_h5_get_string(group, "departures", arena, &text) && !strcmp(text, "none"));
    CU_ASSERT_EQUAL_FATAL(ohm_h5_group_open(group, "images", &data), OHM_OK);
    CU_ASSERT_EQUAL(ohm_h5_read(data, "best", H5T_NATIVE_INT32, 2, (const hsize_t[]){NIMAGE, 5}, best), OHM_OK);
    CU_ASSERT_EQUAL(ohm_h5_read(data, "correct", H5T_NATIVE_INT8, 1, (const hsize_t[]){NIMAGE}, correct), OHM_OK);
    CU_ASSERT_EQUAL(ohm_h5_read(data, "outputs_digest", H5T_NATIVE_INT64, 1, (const hsize_t[]){NIMAGE}, digests), OHM_OK);
    CU_ASSERT(best[3][0] == 3 && best[7][4] == 7 && best[8][0] == -1);
    CU_ASSERT(correct[5] == 1 && correct[6] == 2 && correct[8] == -1 && correct[9] == -1);
    CU_ASSERT_EQUAL((uint64_t)digests[1], 0xfedcba9876543211u);
    H5Gclose(data);
    CU_ASSERT_EQUAL_FATAL(ohm_h5_group_open(group, "layers", &data), OHM_OK);
    CU_ASSERT_EQUAL(ohm_h5_read(data, "clipped", H5T_NATIVE_INT64, 1, (const hsize_t[]){NLAYER}, counts), OHM_OK);
    CU_ASSERT(counts[0] == 1 && counts[1] == 3);
    CU_ASSERT_EQUAL(ohm_h5_read(data, "baseline_slc32", H5T_NATIVE_INT64, 1, (const hsize_t[]){NLAYER}, counts), OHM_OK);
    CU_ASSERT_EQUAL(counts[0], 40);
    CU_ASSERT(!ohm_h5_read_strings(data, "name", NLAYER, arena, &strings) && !strcmp(strings[1], "fc \xc3\xa4"));
    H5Gclose(data);
    H5Gclose(group);
    H5Fclose(file);
    ohm_arena_free(arena);
}

struct described {
    int datasets, bare;
};
static herr_t look(hid_t object, const char *name, const H5O_info_t *info, void *context) {
    struct described *seen = context;
    if (info->type != H5O_TYPE_DATASET) return 0;
    hid_t dataset = H5Dopen2(object, name, H5P_DEFAULT);
    seen->datasets++;
    seen->bare += !ohm_h5_has_attribute(dataset, "unit") || !ohm_h5_has_attribute(dataset, "about");
    H5Dclose(dataset);
    return 0;
}

static void every_data_set_described(void) {
    hid_t file;
    struct described seen = {0};
    CU_ASSERT_EQUAL_FATAL(ohm_h5_open(in_folder("r.h5"), &file), OHM_OK);
    H5Ovisit2(file, H5_INDEX_NAME, H5_ITER_NATIVE, look, &seen, H5O_INFO_BASIC);
    H5Fclose(file);
    /* points, used; per point 5 of images; per design's layers 7 of its shape, the counts, energies and areas with their sums and by law, 4
     * baselines, and adc_bits, copies, buffer_bytes, sqnr_db, weight_error, held_error, leakage and 4 of time */
    CU_ASSERT_EQUAL(seen.datasets,
                    2 + 3 * 5 + 2 * (7 + OHM_TALLY_COUNT + OHM_STORE_COUNT + OHM_ENERGY_COUNT + 1 + OHM_AREA_COUNT + 1 + 2 * OHM_ADC_LAWS + 4 + 18));
    CU_ASSERT_EQUAL(seen.bare, 0);
}

static void digest_depends_on_integers_only(void) {
    struct ohm_image_row images[NIMAGE];
    struct ohm_layer_row layers[NLAYER];
    images_make(6, images);
    layers_make(4, 1, layers);
    uint64_t first = ohm_point_digest(images, NIMAGE, layers, NLAYER);
    CU_ASSERT(first != 0);
    layers[0].sqnr_db = 12;
    layers[1].energy.adc *= 2;
    layers[1].copies = 3;
    layers[1].codes[7] = 3;
    layers[1].adc_step[0] = 3;
    layers[1].sqnr_isolated_db = 3;
    CU_ASSERT_EQUAL(ohm_point_digest(images, NIMAGE, layers, NLAYER), first);
    images[9].best[4]++;
    CU_ASSERT_NOT_EQUAL(ohm_point_digest(images, NIMAGE, layers, NLAYER), first);
    images[9].best[4]--;
    images[0].outputs_digest ^= (uint64_t)1 << 63;
    CU_ASSERT_NOT_EQUAL(ohm_point_digest(images, NIMAGE, layers, NLAYER), first);
    images[0].outputs_digest ^= (uint64_t)1 << 63;
    for (int k = 0; k < OHM_TALLY_COUNT; k++) {
        bool of_hardware = strcmp(ohm_tally_name(k), "evaluated") != 0;
        ohm_tally_counts(&layers[1].tally)[k]++;
        CU_ASSERT_EQUAL(ohm_point_digest(images, NIMAGE, layers, NLAYER) != first, of_hardware);
        ohm_tally_counts(&layers[1].tally)[k]--;
    }
    layers[0].baseline[3]++;
    CU_ASSERT_NOT_EQUAL(ohm_point_digest(images, NIMAGE, layers, NLAYER), first);
    layers[0].baseline[3]--;
    CU_ASSERT_EQUAL(ohm_point_digest(images, NIMAGE, layers, NLAYER), first);
}

static void files_repeat_byte_for_byte(void) {
    char *a, *b;
    size_t na, nb;
    CU_ASSERT_EQUAL(result_make(in_folder("one.h5"), true), OHM_OK);
    sleep(1); /* times, if any were stored, would differ now */
    CU_ASSERT_EQUAL(result_make(in_folder("two.h5"), true), OHM_OK);
    CU_ASSERT_EQUAL_FATAL(ohm_file_read(in_folder("one.h5"), &a, &na), OHM_OK);
    CU_ASSERT_EQUAL_FATAL(ohm_file_read(in_folder("two.h5"), &b, &nb), OHM_OK);
    CU_ASSERT(na == nb && !memcmp(a, b, na));
    free(a);
    free(b);
}

static void abandoned_leaves_nothing(void) {
    struct ohm_result *result;
    struct ohm_image_row images[NIMAGE];
    images_make(6, images);
    CU_ASSERT_EQUAL_FATAL(ohm_result_create(in_folder("gone.h5"), &result), OHM_OK);
    CU_ASSERT_EQUAL(ohm_result_add(result, &float_info, images, NIMAGE, NULL, 0), OHM_OK);
    CU_ASSERT_EQUAL(names_with("gone.h5"), 1);
    CU_ASSERT(access(in_folder("gone.h5"), F_OK));
    ohm_result_abandon(result);
    CU_ASSERT_EQUAL(names_with("gone.h5"), 0);
    ohm_result_abandon(NULL);
}

static void bad_places_are_refused_at_once(void) {
    struct ohm_result *result;
    CU_ASSERT_EQUAL(ohm_result_create(in_folder("none/r.h5"), &result), OHM_E_IO);
    CU_ASSERT_PTR_NULL(result);
    CU_ASSERT(strstr(ohm_fail_text(), "none/r.h5") && strstr(ohm_fail_text(), "No such file or directory") && strstr(ohm_fail_text(), "folder"));
    ohm_fail_clear();
    CU_ASSERT_EQUAL(ohm_result_create("/dev/full/r.h5", &result), OHM_E_IO);
    ohm_fail_clear();
    CU_ASSERT_EQUAL(ohm_result_create(folder, &result), OHM_E_IO);
    CU_ASSERT(strstr(ohm_fail_text(), "not a regular file") != NULL);
    ohm_fail_clear();
    CU_ASSERT_EQUAL(ohm_result_create("/proc/r.h5", &result), OHM_E_IO); /* no one may write there, root included */
    CU_ASSERT(strstr(ohm_fail_text(), "/proc/r.h5") != NULL);
    ohm_fail_clear();
}

static void reserved_names_are_refused(void) {
    struct ohm_result *result;
    struct ohm_image_row images[NIMAGE];
    struct ohm_point_info info = design_info("run", 1);
    images_make(6, images);
    CU_ASSERT_EQUAL_FATAL(ohm_result_create(in_folder("name.h5"), &result), OHM_OK);
    CU_ASSERT_EQUAL(ohm_result_add(result, &info, images, NIMAGE, NULL, 0), OHM_E_USAGE);
    ohm_fail_clear();
    ohm_result_abandon(result);
}

/* In a process of its own that may write `most` bytes per file, as on a full disk. Exit 0: refused with a clear line and nothing left behind. */
static int full_disk_child(const char *path, rlim_t most) {
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &(struct rlimit){most, most});
    int status = result_make(path, true);
    if (status != OHM_E_IO) return 1;
    if (!strstr(ohm_fail_text(), "full.h5: cannot write its")) return 2;
    return names_with("full.h5.partial") ? 3 : 0;
}

static void full_disk_keeps_the_old_file(void) {
    struct stat whole;
    char *text;
    size_t bytes;
    CU_ASSERT_EQUAL_FATAL(stat(in_folder("r.h5"), &whole), 0);
    FILE *old = fopen(in_folder("full.h5"), "w");
    fputs("precious", old);
    fclose(old);
    const rlim_t limits[] = {100, 4096, (rlim_t)whole.st_size / 2, (rlim_t)whole.st_size - 1}; /* in create, in add, in finish */
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        int state = -1;
        pid_t child = fork();
        if (child == 0) exit(full_disk_child(in_folder("full.h5"), limits[i])); /* with the library's own clean-up at exit */
        waitpid(child, &state, 0);
        CU_ASSERT(WIFEXITED(state) && WEXITSTATUS(state) == 0);
        if (state) fprintf(stderr, "limit %lld: state %d\n", (long long)limits[i], state);
    }
    CU_ASSERT_EQUAL_FATAL(ohm_file_read(in_folder("full.h5"), &text, &bytes), OHM_OK);
    CU_ASSERT_STRING_EQUAL(text, "precious");
    free(text);
}

static void report_numbers(void) {
    struct ohm_report *report;
    CU_ASSERT_EQUAL_FATAL(ohm_report_read(in_folder("r.h5"), &report), OHM_OK);
    CU_ASSERT_EQUAL_FATAL(report->npoint, 3);
    CU_ASSERT_STRING_EQUAL(report->network, "nets/a.onnx");
    CU_ASSERT(report->images == 10 && report->ranks == 2 && report->threads == 3 && report->seconds == 12.5);
    const struct ohm_report_point *a = &report->points[1], *b = &report->points[2];
    CU_ASSERT(!report->points[0].priced && a->priced && b->priced);
    CU_ASSERT(a->scored == 9 && a->labelled == 8 && a->corrupt == 1 && a->top1 == 6 && a->top5 == 8);
    CU_ASSERT_EQUAL(a->agree, 9);
    CU_ASSERT_EQUAL(b->agree, 8); /* image 5 differs; 6, 7 and 9 are wrong in the same way; 8 is corrupt */
    CU_ASSERT(a->crossbars == 8 && b->crossbars == 2 && a->conversions == 2000 && a->clipped == 4);
    CU_ASSERT(a->baseline[0] == 20 && a->baseline[3] == 80);
    CU_ASSERT_DOUBLE_EQUAL(a->energy_pj, 3e6, 1e-3);
    CU_ASSERT(b->costs.latency_ns == 750 && b->costs.latency_serial_ns == 900 && b->costs.interval_ns == 600);
    CU_ASSERT(b->costs.area_mm2 == 12 && b->costs.tiles == 2 && b->costs.arrays == 9 && b->costs.busiest_share == 0.75);
    CU_ASSERT_STRING_EQUAL(b->costs.bottleneck, "fc");
    CU_ASSERT_STRING_EQUAL(b->costs.busiest, "conv1");
    CU_ASSERT_DOUBLE_EQUAL(b->leakage_pj, 1.2e6, 1e-3);
    for (int law = 0; law < OHM_ADC_LAWS; law++) { /* what is not the converters' stays */
        CU_ASSERT_DOUBLE_EQUAL(a->law_energy_pj[law], 1e6 + 2e6 * (law + 1), 1e-3);
        CU_ASSERT_DOUBLE_EQUAL(a->law_area_um2[law], 3e6 + 1e6 * (law + 1), 1e-3);
    }
    ohm_report_free(report);
}

/* The words of the line of `text` that starts with `start`, single spaces between them. */
static const char *words_of_line(const char *text, const char *start) {
    static char words[512];
    size_t used_bytes = 0;
    const char *line = text;
    while (line && strncmp(line, start, strlen(start))) line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL;
    for (; line && *line && *line != '\n' && used_bytes + 1 < sizeof words; line++)
        if (*line != ' ' || (used_bytes && words[used_bytes - 1] != ' ')) words[used_bytes++] = *line;
    words[used_bytes] = 0;
    return words;
}

static char *report_text(const char *path) {
    struct ohm_report *report;
    char *text = NULL;
    size_t bytes;
    CU_ASSERT_EQUAL_FATAL(ohm_report_read(path, &report), OHM_OK);
    FILE *out = open_memstream(&text, &bytes);
    ohm_report_print(report, out);
    fclose(out);
    ohm_report_free(report);
    return text;
}

static void report_table(void) {
    char *text = report_text(in_folder("r.h5"));
    CU_ASSERT_STRING_EQUAL(words_of_line(text, "float"), "float 75.00 [40.9, 92.9] 100.00 100.00");
    CU_ASSERT_STRING_EQUAL(words_of_line(text, "a "),
                           "a 75.00 [40.9, 92.9] 100.00 100.00 8 unit 0.200 8 1.000 4.00 1.000 3.000 1.000 250.0 1.000 200.0");
    CU_ASSERT_STRING_EQUAL(words_of_line(text, "b "),
                           "b 62.50 [30.6, 86.3] 87.50 88.89 8 unit 0.200 2 0.250 12.00 3.000 9.000 3.000 750.0 3.000 600.0");
    CU_ASSERT(strstr(text, "mm2") && strstr(text, "uJ") && strstr(text, " ns") && strstr(text, "1 corrupt image"));
    CU_ASSERT_STRING_EQUAL(words_of_line(strstr(text, "pipeline of layers,"), "b "), "b 9 2 1.667e+06 900.0 1.200 75.00 fc, conv1");
    CU_ASSERT_STRING_EQUAL(words_of_line(strstr(text, "each ADC law"), "b "),
                           "b 9.000 3.000 12.00 3.000 15.000 3.000 15.00 3.000 21.000 3.000 18.00 3.000 27.000 3.000 21.00 3.000");
    CU_ASSERT_STRING_EQUAL(words_of_line(strstr(text, "other mappings"), "b "), "b 2 20 10.000 40 20.000 60 30.000 80 40.000");
    free(text);
    CU_ASSERT_EQUAL(result_make(in_folder("bare.h5"), false), OHM_OK);
    text = report_text(in_folder("bare.h5"));
    CU_ASSERT_STRING_EQUAL(words_of_line(text, "a "), "a 75.00 [40.9, 92.9] 100.00 - 8 unit 0.200 8 1.000 4.00 1.000 3.000 1.000 250.0 1.000 200.0");
    free(text);
}

static void foreign_files_are_refused(void) {
    struct ohm_report *report;
    struct ohm_h5_out out;
    CU_ASSERT_EQUAL(ohm_report_read(in_folder("absent.h5"), &report), OHM_E_IO);
    ohm_fail_clear();
    CU_ASSERT_EQUAL(ohm_report_read(in_folder("full.h5"), &report), OHM_E_INPUT); /* eight letters */
    ohm_fail_clear();
    CU_ASSERT_EQUAL_FATAL(ohm_h5_create(in_folder("other.h5"), &out), OHM_OK);
    CU_ASSERT_EQUAL(ohm_h5_publish(&out), OHM_OK);
    CU_ASSERT_EQUAL(ohm_report_read(in_folder("other.h5"), &report), OHM_E_INPUT);
    CU_ASSERT(strstr(ohm_fail_text(), "not a result file") != NULL);
    ohm_fail_clear();
}

static void many_images_are_deflated(void) {
    enum { MANY = 50000 };
    struct ohm_result *result;
    struct ohm_report *report;
    struct stat info;
    struct ohm_image_row *images = ohm_alloc_array(MANY, sizeof *images);
    for (int32_t i = 0; i < MANY; i++)
        images[i] = (struct ohm_image_row){.index = i, .label = i % 1000, .best = {i % 1000, 1, 2, 3, 4}, .correct = 1};
    CU_ASSERT_EQUAL_FATAL(ohm_result_create(in_folder("many.h5"), &result), OHM_OK);
    CU_ASSERT_EQUAL(ohm_result_add(result, &float_info, images, MANY, NULL, 0), OHM_OK);
    CU_ASSERT_EQUAL(ohm_result_finish(result, &run_info, used, 2), OHM_OK);
    CU_ASSERT(!stat(in_folder("many.h5"), &info) && info.st_size < 400000); /* of 2.25 MB */
    CU_ASSERT_EQUAL_FATAL(ohm_report_read(in_folder("many.h5"), &report), OHM_OK);
    CU_ASSERT_EQUAL(report->points[0].agree, MANY);
    ohm_report_free(report);
    free(images);
}

static void folder_remove(void) {
    DIR *listing = opendir(folder);
    for (struct dirent *entry; (entry = readdir(listing));)
        if (entry->d_name[0] != '.') unlink(in_folder(entry->d_name));
    closedir(listing);
    rmdir(folder);
}

int main(void) {
    static const struct suite_test tests[] = {
        {"the Wilson interval gives known figures", wilson_known_figures},
        {"stored values read back", stored_values},
        {"every data set has a unit and a meaning", every_data_set_described},
        {"the digest depends on every integer and on nothing else", digest_depends_on_integers_only},
        {"files repeat byte for byte", files_repeat_byte_for_byte},
        {"an abandoned result leaves nothing", abandoned_leaves_nothing},
        {"bad places are refused at once", bad_places_are_refused_at_once},
        {"reserved names are refused", reserved_names_are_refused},
        {"a full disk is reported and keeps the old file", full_disk_keeps_the_old_file},
        {"the report's numbers", report_numbers},
        {"the report's table", report_table},
        {"foreign files are refused", foreign_files_are_refused},
        {"long tables are deflated", many_images_are_deflated},
    };
    if (!mkdtemp(folder)) return 1;
    int failed = SUITE_RUN("result file", tests);
    folder_remove();
    return failed;
}
