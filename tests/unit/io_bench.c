/* Bench files, read back with the HDF5 library alone, as anybody else would: what stands in them, and that they stand there whole or not at all. */
#include "ohmtally/bench.h"
#include "ohmtally/status.h"
#include "suite.h"
#define FOLDER "/tmp/ohm-bench-XXXXXX"
#include "folder.h"
#include <dirent.h>
#include <hdf5.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int names_in_folder(void) {
    int found = 0;
    DIR *listing = opendir(folder);
    for (struct dirent *entry; (entry = readdir(listing));) found += entry->d_name[0] != '.';
    closedir(listing);
    return found;
}

/* Four tables of different lengths; every number is another. */
static const struct ohm_bench_kernel kernels[] = {{"portable", 0.1, 1e9, 2e9, 3e9, 4e9, 5e9, 0.5}, {"avx2", 0.35, 6e9, 7e9, 8e9, 9e9, 1e10, 0.75}};
static const struct ohm_bench_layer layers[] = {{"portable", "clipping 5 bits", "product, corrections", 0.25, 3221225472, 70000000000, 4e9, 1.5},
                                                {"avx2", "lossless 8 bits", "product", 0.125, 3221225472, 0, 8e9, 3},
                                                {"avx2", "code tables", "counters", 0.5, 5, 6, 7, 8}};
static const struct ohm_bench_product products[] = {{"dnnl", 64, 1e11}, {"int16", 127, 2e11}, {"blas", 255, 3e11}, {"plain", 70000, 4e11}};
static const struct ohm_bench_step steps[] = {{"isaac", "conv1 \xc3\xa4", "conv", "counters", 0.001, 1.5e6, 2.5e5},
                                              {"isaac", "between", "pools, adds, digests", "", 0.002, 0, 0},
                                              {"sme-x1", "fc", "linear", "product", 0.003, 4096, 0},
                                              {"sme-x1", "load", "decode, resize, crop", "", 0.004, 0, 0},
                                              {"sme-x1", "fc2", "linear", "product, counters", 0.005, 7, 3}};
#define COUNT(array) ((int32_t)(sizeof(array) / sizeof((array)[0])))

static struct ohm_bench make_bench(int32_t nstep) {
    return (struct ohm_bench){.cpu = "A CPU \xc2\xae at 2 GHz",
                              .kernel = "avx2",
                              .popcount = 1.25e9,
                              .nkernel = COUNT(kernels),
                              .nlayer = COUNT(layers),
                              .nproduct = COUNT(products),
                              .nstep = nstep,
                              .kernels = (struct ohm_bench_kernel *)(uintptr_t)kernels,
                              .layers = (struct ohm_bench_layer *)(uintptr_t)layers,
                              .products = (struct ohm_bench_product *)(uintptr_t)products,
                              .steps = nstep ? (struct ohm_bench_step *)(uintptr_t)steps : NULL};
}

/* Number of entries of a data set with one dimension; -1: not there. */
static int64_t length(hid_t file, const char *name) {
    hsize_t n = 0;
    hid_t set = H5Dopen2(file, name, H5P_DEFAULT);
    if (set < 0) return -1;
    hid_t space = H5Dget_space(set);
    int64_t result = H5Sget_simple_extent_ndims(space) == 1 && H5Sget_simple_extent_dims(space, &n, NULL) == 1 ? (int64_t)n : -1;
    H5Sclose(space);
    H5Dclose(set);
    return result;
}
static double number(hid_t file, const char *name, int32_t index) {
    double values[16] = {0};
    hid_t set = H5Dopen2(file, name, H5P_DEFAULT);
    CU_ASSERT_FATAL(set >= 0 && length(file, name) <= 16);
    CU_ASSERT(H5Dread(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
    H5Dclose(set);
    return values[index];
}
/* The bytes of a string type of any kind, of a data set or an attribute. */
static void keep_text(hid_t type, const void *read, int32_t index, char text[128]) {
    if (H5Tis_variable_str(type) > 0)
        snprintf(text, 128, "%s", ((char *const *)read)[index]);
    else
        snprintf(text, 128, "%.*s", (int)H5Tget_size(type), (const char *)read + (size_t)index * H5Tget_size(type));
}
static const char *string(hid_t file, const char *name, int32_t index) {
    static char text[128], room[16 * 512];
    hid_t set = H5Dopen2(file, name, H5P_DEFAULT);
    CU_ASSERT_FATAL(set >= 0 && length(file, name) <= 16);
    hid_t type = H5Dget_type(set);
    CU_ASSERT_FATAL(H5Tget_class(type) == H5T_STRING && H5Tget_size(type) <= 512);
    CU_ASSERT(H5Dread(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, room) >= 0);
    keep_text(type, room, index, text);
    H5Tclose(type);
    H5Dclose(set);
    return text;
}
static const char *attribute(hid_t at, const char *name) {
    static char text[128], room[512];
    text[0] = 0;
    hid_t found = H5Aopen(at, name, H5P_DEFAULT);
    if (found < 0) return text;
    hid_t type = H5Aget_type(found);
    CU_ASSERT_FATAL(H5Tget_class(type) == H5T_STRING && H5Tget_size(type) <= sizeof room);
    CU_ASSERT(H5Aread(found, type, room) >= 0);
    keep_text(type, room, 0, text);
    H5Tclose(type);
    H5Aclose(found);
    return text;
}
static bool integers(hid_t file, const char *name) {
    hid_t set = H5Dopen2(file, name, H5P_DEFAULT), type = H5Dget_type(set);
    bool result = H5Tget_class(type) == H5T_INTEGER;
    H5Tclose(type);
    H5Dclose(set);
    return result;
}

static hid_t write_and_open(const char *name, int32_t nstep) {
    struct ohm_bench bench = make_bench(nstep);
    CU_ASSERT_EQUAL_FATAL(ohm_bench_write(in_folder(name), &bench), OHM_OK);
    hid_t file = H5Fopen(in_folder(name), H5F_ACC_RDONLY, H5P_DEFAULT);
    CU_ASSERT_FATAL(file >= 0);
    return file;
}

static int count_links(hid_t group, const char *name, const H5L_info_t *info, void *context) {
    (void)group;
    (void)name;
    (void)info;
    ++*(int *)context;
    return 0;
}

/* Every member of the structs is a data set as long as its table, with its unit and meaning. */
static void test_data_sets(void) {
    static const struct {
        const char *group, *names[12];
        int32_t n;
    } groups[] = {{"kernels", {"kernel", "density", "clip", "table", "excess", "lists", "logic", "share"}, COUNT(kernels)},
                  {"layer", {"kernel", "mode", "evaluation", "seconds", "conversions", "evaluated", "rate", "popcount"}, COUNT(layers)},
                  {"product", {"way", "largest", "rate"}, COUNT(products)},
                  {"network", {"point", "layer", "kind", "evaluation", "seconds", "conversions", "evaluated"}, COUNT(steps)}};
    hid_t file = write_and_open("whole.h5", COUNT(steps));
    int links = 0;
    H5Literate(file, H5_INDEX_NAME, H5_ITER_NATIVE, NULL, count_links, &links);
    CU_ASSERT_EQUAL(links, 4);
    for (int g = 0; g < 4; g++) {
        int sets = 0, found = 0;
        hid_t group = H5Gopen2(file, groups[g].group, H5P_DEFAULT);
        CU_ASSERT_FATAL(group >= 0);
        H5Literate(group, H5_INDEX_NAME, H5_ITER_NATIVE, NULL, count_links, &found);
        for (; groups[g].names[sets]; sets++) {
            CU_ASSERT_EQUAL(length(group, groups[g].names[sets]), groups[g].n);
            hid_t set = H5Dopen2(group, groups[g].names[sets], H5P_DEFAULT);
            CU_ASSERT(H5Aexists(set, "unit") > 0);
            CU_ASSERT(strlen(attribute(set, "about")) > 3);
            H5Dclose(set);
        }
        CU_ASSERT_EQUAL(found, sets);
        H5Gclose(group);
    }
    H5Fclose(file);
}

static void test_values(void) {
    hid_t file = write_and_open("whole.h5", COUNT(steps));
    double popcount = 0;
    CU_ASSERT_STRING_EQUAL(attribute(file, "format"), "ohmtally bench");
    CU_ASSERT_STRING_EQUAL(attribute(file, "cpu"), "A CPU \xc2\xae at 2 GHz");
    CU_ASSERT_STRING_EQUAL(attribute(file, "kernel"), "avx2");
    hid_t one = H5Aopen(file, "popcount_conversions_per_second", H5P_DEFAULT);
    CU_ASSERT(one >= 0 && H5Aread(one, H5T_NATIVE_DOUBLE, &popcount) >= 0 && popcount == 1.25e9);
    H5Aclose(one);
    for (int32_t i = 0; i < COUNT(kernels); i++) {
        CU_ASSERT_STRING_EQUAL(string(file, "kernels/kernel", i), kernels[i].kernel);
        CU_ASSERT_EQUAL(number(file, "kernels/density", i), kernels[i].density);
        CU_ASSERT_EQUAL(number(file, "kernels/clip", i), kernels[i].clip);
        CU_ASSERT_EQUAL(number(file, "kernels/table", i), kernels[i].table);
        CU_ASSERT_EQUAL(number(file, "kernels/excess", i), kernels[i].excess);
        CU_ASSERT_EQUAL(number(file, "kernels/lists", i), kernels[i].lists);
        CU_ASSERT_EQUAL(number(file, "kernels/logic", i), kernels[i].logic);
        CU_ASSERT_EQUAL(number(file, "kernels/share", i), kernels[i].share);
    }
    for (int32_t i = 0; i < COUNT(layers); i++) {
        CU_ASSERT_STRING_EQUAL(string(file, "layer/kernel", i), layers[i].kernel);
        CU_ASSERT_STRING_EQUAL(string(file, "layer/mode", i), layers[i].mode);
        CU_ASSERT_STRING_EQUAL(string(file, "layer/evaluation", i), layers[i].evaluation);
        CU_ASSERT_EQUAL(number(file, "layer/seconds", i), layers[i].seconds);
        CU_ASSERT_EQUAL(number(file, "layer/conversions", i), (double)layers[i].conversions);
        CU_ASSERT_EQUAL(number(file, "layer/evaluated", i), (double)layers[i].evaluated);
        CU_ASSERT_EQUAL(number(file, "layer/rate", i), layers[i].rate);
        CU_ASSERT_EQUAL(number(file, "layer/popcount", i), layers[i].popcount);
    }
    for (int32_t i = 0; i < COUNT(products); i++) {
        CU_ASSERT_STRING_EQUAL(string(file, "product/way", i), products[i].way);
        CU_ASSERT_EQUAL(number(file, "product/largest", i), products[i].largest);
        CU_ASSERT_EQUAL(number(file, "product/rate", i), products[i].rate);
    }
    for (int32_t i = 0; i < COUNT(steps); i++) {
        CU_ASSERT_STRING_EQUAL(string(file, "network/point", i), steps[i].point);
        CU_ASSERT_STRING_EQUAL(string(file, "network/layer", i), steps[i].layer);
        CU_ASSERT_STRING_EQUAL(string(file, "network/kind", i), steps[i].kind);
        CU_ASSERT_STRING_EQUAL(string(file, "network/evaluation", i), steps[i].evaluation);
        CU_ASSERT_EQUAL(number(file, "network/seconds", i), steps[i].seconds);
        CU_ASSERT_EQUAL(number(file, "network/conversions", i), steps[i].conversions);
        CU_ASSERT_EQUAL(number(file, "network/evaluated", i), steps[i].evaluated);
    }
    CU_ASSERT(integers(file, "layer/conversions") && integers(file, "layer/evaluated") && integers(file, "product/largest"));
    CU_ASSERT(!integers(file, "network/conversions") && !integers(file, "layer/rate"));
    H5Fclose(file);
}

static void test_without_network(void) {
    hid_t file = write_and_open("machine.h5", 0);
    CU_ASSERT(H5Lexists(file, "network", H5P_DEFAULT) == 0);
    CU_ASSERT_EQUAL(length(file, "kernels/kernel"), COUNT(kernels));
    CU_ASSERT_EQUAL(length(file, "layer/mode"), COUNT(layers));
    CU_ASSERT_EQUAL(length(file, "product/way"), COUNT(products));
    H5Fclose(file);
}

/* Equal measurements give equal bytes; a file of that name is replaced. */
static void test_same_bytes(void) {
    static char bytes[2][1 << 20];
    size_t size[2] = {0, 0};
    struct ohm_bench bench = make_bench(0);
    CU_ASSERT_EQUAL(ohm_bench_write(in_folder("same.h5"), &bench), OHM_OK);
    bench = make_bench(COUNT(steps));
    const char *const names[2] = {"same.h5", "whole.h5"};
    for (int i = 0; i < 2; i++) {
        CU_ASSERT_EQUAL(ohm_bench_write(in_folder(names[i]), &bench), OHM_OK);
        FILE *file = fopen(in_folder(names[i]), "rb");
        CU_ASSERT_PTR_NOT_NULL_FATAL(file);
        size[i] = fread(bytes[i], 1, sizeof bytes[i], file);
        fclose(file);
    }
    CU_ASSERT(size[0] > 1000 && size[0] == size[1] && !memcmp(bytes[0], bytes[1], size[0]));
}

static void check_refused(const char *path) {
    struct ohm_bench bench = make_bench(COUNT(steps));
    int before = names_in_folder();
    ohm_fail_clear();
    CU_ASSERT_EQUAL(ohm_bench_write(path, &bench), OHM_E_IO);
    CU_ASSERT_PTR_NOT_NULL(strstr(ohm_fail_text(), path));
    CU_ASSERT_EQUAL(names_in_folder(), before);
    ohm_fail_clear();
}

static void test_unwritable(void) {
    check_refused(in_folder("nowhere/out.h5"));
    mkdir(in_folder("taken"), 0777);
    check_refused(in_folder("taken"));
    rmdir(in_folder("taken"));
    if (!access("/dev/full", W_OK)) check_refused("/dev/full");
}

/* The disk is full after 2000 bytes: an earlier file stays as it was. */
static void test_full_disk(void) {
    FILE *file = fopen(in_folder("keep.h5"), "w");
    fputs("precious", file);
    fclose(file);
    int before = names_in_folder(), status = 0;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &(struct rlimit){2000, 2000});
        struct ohm_bench bench = make_bench(COUNT(steps));
        int result = ohm_bench_write(in_folder("keep.h5"), &bench);
        exit(result == OHM_E_IO && strstr(ohm_fail_text(), "keep.h5") ? 0 : 1); /* with the library's own clean-up at exit */
    }
    CU_ASSERT(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CU_ASSERT_EQUAL(names_in_folder(), before);
    char text[16] = "";
    file = fopen(in_folder("keep.h5"), "r");
    CU_ASSERT(fread(text, 1, sizeof text - 1, file) == 8 && !strcmp(text, "precious"));
    fclose(file);
}

int main(void) {
    const struct suite_test tests[] = {{"data sets", test_data_sets},    {"values and attributes", test_values}, {"no network", test_without_network},
                                       {"equal bytes", test_same_bytes}, {"unwritable places", test_unwritable}, {"a full disk", test_full_disk}};
    if (!mkdtemp(folder)) return 1;
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    int failed = SUITE_RUN("io bench", tests);
    const char *const made[] = {"whole.h5", "machine.h5", "same.h5", "keep.h5"};
    for (int i = 0; i < 4; i++) unlink(in_folder(made[i]));
    return rmdir(folder) || failed;
}
