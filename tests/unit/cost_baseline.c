/* Crossbar counts of whole networks under the mappings of the literature, from their layer shapes. */
#include "ohmtally/price.h"
#include "suite.h"

#define ARRAY 128
#define MOST_LAYERS 64

struct layer {
    int32_t groups, krows, ncols;
};
struct network {
    struct layer layers[MOST_LAYERS];
    int count;
};

static void put(struct network *n, int32_t groups, int32_t krows, int32_t ncols) {
    n->layers[n->count++] = (struct layer){groups, krows, ncols};
}

static struct network resnet18(void) {
    static const int32_t widths[] = {64, 128, 256, 512};
    struct network n = {.count = 0};
    int32_t in = 64;
    put(&n, 1, 3 * 7 * 7, 64);
    for (int stage = 0; stage < 4; stage++)
        for (int block = 0; block < 2; block++) {
            int32_t out = widths[stage];
            put(&n, 1, in * 9, out);
            put(&n, 1, out * 9, out);
            if (in != out) put(&n, 1, in, out);
            in = out;
        }
    put(&n, 1, 512, 1000);
    return n;
}

static struct network resnet50(void) {
    static const int32_t widths[] = {64, 128, 256, 512}, blocks[] = {3, 4, 6, 3};
    struct network n = {.count = 0};
    int32_t in = 64;
    put(&n, 1, 3 * 7 * 7, 64);
    for (int stage = 0; stage < 4; stage++)
        for (int block = 0; block < blocks[stage]; block++) {
            int32_t width = widths[stage];
            put(&n, 1, in, width);
            put(&n, 1, width * 9, width);
            put(&n, 1, width, 4 * width);
            if (block == 0) put(&n, 1, in, 4 * width);
            in = 4 * width;
        }
    put(&n, 1, 2048, 1000);
    return n;
}

static struct network mobilenet_v2(void) {
    static const int32_t rows[][3] = {{1, 16, 1}, {6, 24, 2},  {6, 32, 3}, {6, 64, 4},
                                      {6, 96, 3}, {6, 160, 3}, {6, 320, 1}}; /* expansion, out, repeats */
    struct network n = {.count = 0};
    int32_t in = 32;
    put(&n, 1, 3 * 3 * 3, 32);
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++)
        for (int i = 0; i < rows[r][2]; i++) {
            int32_t hidden = in * rows[r][0];
            if (hidden != in) put(&n, 1, in, hidden);
            put(&n, hidden, 9, 1); /* depth-wise */
            put(&n, 1, hidden, rows[r][1]);
            in = rows[r][1];
        }
    put(&n, 1, 320, 1280);
    put(&n, 1, 1280, 1000);
    return n;
}

static int64_t crossbars(const struct network *n, int32_t cells) {
    int64_t sum = 0;
    for (int i = 0; i < n->count; i++) {
        const struct layer *l = &n->layers[i];
        sum += ohm_baseline_crossbars(l->groups, l->krows, l->ncols, ARRAY, ARRAY, cells);
    }
    return sum;
}

static int64_t weights(const struct network *n) {
    int64_t sum = 0;
    for (int i = 0; i < n->count; i++) sum += (int64_t)n->layers[i].groups * n->layers[i].krows * n->layers[i].ncols;
    return sum;
}

struct expected {
    int64_t weights, planes8; /* planes8: 8 one-bit planes, each in arrays of its own */
#define X(name, cells, about) int64_t name;
    OHM_BASELINE_LIST(X)
#undef X
};

static void check(const struct network *n, const struct expected *e) {
    CU_ASSERT_EQUAL(weights(n), e->weights);
    CU_ASSERT_EQUAL(8 * crossbars(n, 1), e->planes8);
#define X(name, cells, about) CU_ASSERT_EQUAL(crossbars(n, cells), e->name);
    OHM_BASELINE_LIST(X)
#undef X
}

static void resnet18_counts(void) {
    struct network n = resnet18();
    check(&n, &(struct expected){.weights = 11678912, .slc32 = 22888, .slc16 = 11444, .isaac16 = 5724, .slc8 = 5724, .planes8 = 5816});
}

static void resnet50_counts(void) {
    struct network n = resnet50();
    check(&n, &(struct expected){.weights = 25502912, .slc32 = 49984, .slc16 = 24992, .isaac16 = 12504, .slc8 = 12504, .planes8 = 12608});
}

static void mobilenet_v2_counts(void) {
    struct network n = mobilenet_v2();
    check(&n, &(struct expected){.weights = 3469760, .slc32 = 9786, .slc16 = 4893, .isaac16 = 2526, .slc8 = 2526, .planes8 = 6528});
}

static void sharing_rules(void) {
    CU_ASSERT_EQUAL(ohm_baseline_crossbars(1, 1, 1, 128, 128, 1), 1);
    CU_ASSERT_EQUAL(ohm_baseline_crossbars(1, 129, 128, 128, 128, 1), 2);
    CU_ASSERT_EQUAL(ohm_baseline_crossbars(1, 129, 129, 128, 128, 1), 4);
    CU_ASSERT_EQUAL(ohm_baseline_crossbars(32, 9, 1, 128, 128, 1), 3);                                                    /* 14 by rows */
    CU_ASSERT_EQUAL(ohm_baseline_crossbars(32, 9, 1, 128, 128, 32), 8);                                                   /* 4 by columns */
    CU_ASSERT_EQUAL(ohm_baseline_crossbars(32, 9, 4, 128, 128, 32), 32);                                                  /* just one each */
    CU_ASSERT_EQUAL(ohm_baseline_crossbars(32, 9, 5, 128, 128, 32), 64);                                                  /* too wide: no sharing */
    CU_ASSERT_EQUAL(ohm_baseline_crossbars(32, 130, 1, 128, 128, 1), 64);                                                 /* too tall: no sharing */
    CU_ASSERT_EQUAL(ohm_baseline_crossbars(INT32_MAX, 129, INT32_MAX, 128, 128, 32), (int64_t)INT32_MAX * 2 * 536870912); /* no overflow */
}

int main(void) {
    static const struct suite_test tests[] = {
        {"ResNet-18", resnet18_counts},
        {"ResNet-50", resnet50_counts},
        {"MobileNet-v2", mobilenet_v2_counts},
        {"groups share arrays", sharing_rules},
    };
    return SUITE_RUN("cost_baseline", tests);
}
