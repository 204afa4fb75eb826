/* Real networks: logits against those of an independent implementation, for the images kept with them. */
#include "hdf5.h"
#include "ohmtally/float_forward.h"
#include "ohmtally/onnx.h"
#include "ohmtally/status.h"
#include "suite.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { SIDE = 224, CLASSES = 1000, IMAGES = 4 };

struct reference {
    const char *network, *set;
    float mean[3], scale[3]; /* of the channels in the network's order: (x - mean) * scale */
    bool bgr;
};
static const struct reference references[] = {
    {"resnet50_keras_w16", "val1300", {103.939F, 116.779F, 123.68F}, {1, 1, 1}, true},
    {"resnet50_keras_w16", "val127", {103.939F, 116.779F, 123.68F}, {1, 1, 1}, true},
    {"mobilenet_v2_google_hybrid", "val1300", {127.5F, 127.5F, 127.5F}, {1 / 127.5F, 1 / 127.5F, 1 / 127.5F}, false},
    {"mobilenet_v2_google_hybrid", "val127", {127.5F, 127.5F, 127.5F}, {1 / 127.5F, 1 / 127.5F, 1 / 127.5F}, false},
    {"squeezenet_1.1", "val1300", {123.675F, 116.28F, 103.53F}, {1 / 58.395F, 1 / 57.12F, 1 / 57.375F}, false},
    {"squeezenet_1.1", "val127", {123.675F, 116.28F, 103.53F}, {1 / 58.395F, 1 / 57.12F, 1 / 57.375F}, false},
};

static bool read_reference(const char *path, uint8_t *pixels, float *logits) {
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    if (file < 0) return false;
    hid_t p = H5Dopen2(file, "pixels", H5P_DEFAULT), l = H5Dopen2(file, "logits", H5P_DEFAULT);
    hid_t space = H5Dget_space(l), memory;
    hsize_t start[2] = {0, 0}, count[2] = {IMAGES, CLASSES};
    memory = H5Screate_simple(2, count, NULL);
    bool good = H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL) >= 0 &&
                H5Dread(p, H5T_NATIVE_UINT8, H5S_ALL, H5S_ALL, H5P_DEFAULT, pixels) >= 0 &&
                H5Dread(l, H5T_NATIVE_FLOAT, memory, space, H5P_DEFAULT, logits) >= 0;
    H5Sclose(memory);
    H5Sclose(space);
    H5Dclose(l);
    H5Dclose(p);
    H5Fclose(file);
    return good;
}

/* pixels [y][x][rgb] to input [c][y][x] */
static void prepare(const struct reference *reference, const uint8_t *pixels, float *input) {
    for (int c = 0; c < 3; c++)
        for (int i = 0; i < SIDE * SIDE; i++)
            input[c * SIDE * SIDE + i] = (pixels[3 * i + (reference->bgr ? 2 - c : c)] - reference->mean[c]) * reference->scale[c];
}

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Largest difference of the logits, relative to the largest logit, over the images. */
static float compare(const struct reference *reference, const struct ohm_network *network, const uint8_t *pixels, const float *logits,
                     double *per_image) {
    static float input[3 * SIDE * SIDE], output[CLASSES];
    struct ohm_float_work *work = ohm_float_work_new(network);
    CU_ASSERT_PTR_NOT_NULL_FATAL(work);
    CU_ASSERT_EQUAL_FATAL(ohm_shape_count(&network->values[network->input].shape), 3 * SIDE * SIDE);
    CU_ASSERT_EQUAL_FATAL(ohm_shape_count(&network->values[network->output].shape), CLASSES);
    float worst = 0;
    double start = seconds();
    for (int n = 0; n < IMAGES; n++) {
        float most = 0, difference = 0;
        prepare(reference, pixels + (size_t)n * SIDE * SIDE * 3, input);
        CU_ASSERT_EQUAL(ohm_float_forward(network, work, input, output, NULL, NULL), OHM_OK);
        for (int k = 0; k < CLASSES; k++) {
            most = fmaxf(most, fabsf(logits[n * CLASSES + k]));
            difference = fmaxf(difference, fabsf(logits[n * CLASSES + k] - output[k]));
        }
        worst = fmaxf(worst, difference / most);
    }
    *per_image = (seconds() - start) / IMAGES;
    ohm_float_work_free(work);
    return worst;
}

static void test_logits(void) {
    static uint8_t pixels[IMAGES * SIDE * SIDE * 3];
    static float logits[IMAGES * CLASSES];
    for (size_t i = 0; i < sizeof references / sizeof references[0]; i++) {
        const struct reference *reference = &references[i];
        char path[512];
        struct ohm_network *network, *folded;
        double plain_time, folded_time;
        snprintf(path, sizeof path, "%s/data/reference/%s_%s.h5", suite_shared(), reference->network, reference->set);
        CU_ASSERT_FATAL(read_reference(path, pixels, logits));
        snprintf(path, sizeof path, "%s/data/networks/%s.onnx", suite_shared(), reference->network);
        if (ohm_onnx_read(path, NULL, &network)) CU_FAIL_FATAL("a network could not be read");
        CU_ASSERT_EQUAL_FATAL(ohm_network_fold(network, &folded), OHM_OK);
        float plain_error = compare(reference, network, pixels, logits, &plain_time);
        float folded_error = compare(reference, folded, pixels, logits, &folded_time);
        printf("\n  %s on %s: error %.1e, folded %.1e of the largest logit; %.3f s per image ", reference->network, reference->set,
               (double)plain_error, (double)folded_error, folded_time);
        CU_ASSERT(plain_error <= 1e-3F);
        CU_ASSERT(folded_error <= 1e-3F);
        ohm_network_free(network);
        ohm_network_free(folded);
    }
}

/* The small networks only load: their reference is an accuracy, which needs all their images. */
static void test_small(void) {
    static const char *const names[] = {"cifar10_pretrainedResnet", "mnist_lenet_caffe"};
    for (int i = 0; i < 2; i++) {
        char path[512];
        struct ohm_network *network;
        snprintf(path, sizeof path, "%s/data/small/%s.onnx", suite_shared(), names[i]);
        CU_ASSERT_EQUAL_FATAL(ohm_onnx_read(path, NULL, &network), OHM_OK);
        CU_ASSERT_EQUAL(ohm_shape_count(&network->values[network->output].shape), 10);
        ohm_network_free(network);
    }
}

int main(void) {
    struct stat info;
    char path[512];
    snprintf(path, sizeof path, "%s/data/networks", suite_shared() ? suite_shared() : "");
    if (!suite_shared() || stat(path, &info)) {
        printf("skipped: no real networks (the folder named by OHM_SHARED is absent)\n");
        return 77;
    }
    static const struct suite_test tests[] = {{"logits", test_logits}, {"small", test_small}};
    return SUITE_RUN("onnx_network", tests);
}
