/* Grids of magnitudes: their levels, the nearest of them, the scales of weights put there. */
#include "ohmtally/grid.h"
#include "suite.h"
#define DRAW_SEED 0xD1B54A32D192ED03ull
#include "draw.h"
#include <math.h>
#include <string.h>

static int32_t span_of(int32_t m) { /* bits from the highest 1 to the lowest */
    return m ? 32 - __builtin_clz((uint32_t)m) - __builtin_ctz((uint32_t)m) : 0;
}

static bool on_grid(const struct ohm_grid *grid, int32_t m) {
    if (m < 0 || m > ohm_grid_top(grid)) return false;
    return grid->terms ? __builtin_popcount((uint32_t)m) <= grid->terms : span_of(m) <= grid->window;
}

static int32_t zeros_of(int32_t m) {
    return m ? __builtin_ctz((uint32_t)m) : 32;
}

/* The nearest level by looking at all of them. */
static int32_t nearest_of_all(const struct ohm_grid *grid, float v) {
    int32_t best = 0;
    for (int32_t m = 1; m <= ohm_grid_top(grid); m++) {
        if (!on_grid(grid, m)) continue;
        float off = fabsf(v - (float)m), least = fabsf(v - (float)best);
        if (off < least || (off == least && zeros_of(m) > zeros_of(best))) best = m;
    }
    return best;
}

static void check_grid(const struct ohm_grid *grid) {
    int32_t top = ohm_grid_top(grid), widest = 0;
    for (int32_t i = 0; i <= 16 * (top + 2); i++) {
        int32_t m = ohm_grid_nearest(grid, (float)i / 16);
        CU_ASSERT_EQUAL(m, nearest_of_all(grid, (float)i / 16));
        if (m != top) CU_ASSERT_EQUAL(ohm_grid_nearest(grid, nextafterf((float)m, 0)), m);
        widest = span_of(m) > widest ? span_of(m) : widest;
    }
    for (int32_t m = 0; m <= top; m++)
        if (on_grid(grid, m)) CU_ASSERT_EQUAL(ohm_grid_nearest(grid, (float)m), m); /* a projection: what is on the grid stays */
    CU_ASSERT_EQUAL(ohm_grid_nearest(grid, 1e30f), top);
    CU_ASSERT(on_grid(grid, top));
    CU_ASSERT_EQUAL(ohm_grid_span(grid), widest);
}

static void test_nearest(void) {
    for (int32_t bits = 1; bits <= 8; bits++) {
        for (int32_t window = 1; window <= bits; window++) check_grid(&(struct ohm_grid){bits, window, 0});
        for (int32_t terms = 1; terms <= 4 && terms <= bits; terms++) check_grid(&(struct ohm_grid){bits, 0, terms});
    }
}

/* Sixteen bits: random values instead of all. */
static void test_sixteen_bits(void) {
    for (int32_t n = 1; n <= 16; n++) {
        struct ohm_grid window = {16, n, 0}, additive = {16, 0, n < 4 ? n : 4};
        for (int32_t i = 0; i < 40; i++) {
            float v = ldexpf((float)draw(1u << 24), -(int32_t)(8 + draw(16)));
            CU_ASSERT_EQUAL(ohm_grid_nearest(&window, v), nearest_of_all(&window, v));
            CU_ASSERT_EQUAL(ohm_grid_nearest(&additive, v), nearest_of_all(&additive, v));
        }
    }
}

static int32_t count_levels(const struct ohm_grid *grid) {
    int32_t count = 0;
    for (int32_t m = 0; m < 1 << grid->bits; m++) count += ohm_grid_nearest(grid, (float)m) == m;
    return count;
}

/* The 28 levels of (Nq, S) = (8, 3) and the number of levels of the others (sme.md A); sums of at most two of eight powers: 1 + 8 + 28. */
static void test_level_counts(void) {
    static const int32_t expected[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224};
    static const int32_t windows[][2] = {{1, 9}, {2, 16}, {3, 28}, {4, 48}, {5, 80}, {8, 256}}, terms[][2] = {{1, 9}, {2, 37}, {3, 93}, {4, 163}};
    for (size_t i = 0; i < sizeof windows / sizeof *windows; i++)
        CU_ASSERT_EQUAL(count_levels(&(struct ohm_grid){8, windows[i][0], 0}), windows[i][1]);
    for (size_t i = 0; i < sizeof terms / sizeof *terms; i++) CU_ASSERT_EQUAL(count_levels(&(struct ohm_grid){8, 0, terms[i][0]}), terms[i][1]);
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        CU_ASSERT_EQUAL(ohm_grid_nearest(&(struct ohm_grid){8, 3, 0}, (float)expected[i]), expected[i]);
}

struct drawn {
    struct ohm_layer layer;
    float *real;
    struct ohm_weights *weights;
};

/* Weights with a few far outliers, as trained layers have them. */
static struct drawn draw_layer(int32_t groups, int32_t krows, int32_t ncols) {
    size_t count = (size_t)(groups * krows * ncols);
    struct drawn d = {.layer = {.name = "drawn", .groups = groups, .krows = krows, .ncols = ncols}, .real = ohm_alloc_array(count, sizeof(float))};
    for (size_t i = 0; i < count; i++) {
        d.real[i] = (float)((int32_t)(draw(2001) + draw(2001) + draw(2001)) - 3000) * (draw(100) ? 1e-4f : 1e-3f);
        if (i / (size_t)krows % 7 == 3) d.real[i] = 0; /* outputs without weights */
    }
    d.layer.weight = d.real;
    d.weights = ohm_weights_new(&d.layer);
    CU_ASSERT_PTR_NOT_NULL_FATAL(d.weights);
    return d;
}

static void free_layer(struct drawn *d) {
    free(d->real);
    ohm_weights_free(d->weights);
}

static double squared_error(const struct drawn *d, int32_t n) {
    double sum = 0;
    const struct ohm_layer *layer = &d->layer;
    for (int32_t r = 0; r < layer->krows; r++) {
        int32_t w = d->weights->w[(n / layer->ncols * layer->krows + r) * layer->ncols + n % layer->ncols];
        double off = (double)d->real[n * layer->krows + r] - (double)d->weights->scale[n] * w;
        sum += off * off;
    }
    return sum;
}

/* Every weight is the nearest level of its scale, in its place, with its sign. */
static void check_weights(const struct drawn *d, const struct ohm_grid *grid) {
    const struct ohm_layer *layer = &d->layer;
    for (int32_t n = 0; n < layer->groups * layer->ncols; n++)
        for (int32_t r = 0; r < layer->krows; r++) {
            int32_t w = d->weights->w[(n / layer->ncols * layer->krows + r) * layer->ncols + n % layer->ncols];
            float real = d->real[n * layer->krows + r];
            CU_ASSERT_EQUAL(abs(w), ohm_grid_nearest(grid, fabsf(real) / d->weights->scale[n]));
            CU_ASSERT(w == 0 || (w < 0) == (real < 0));
        }
}

static float largest(const float *w, int32_t n) {
    float most = 0;
    for (int32_t i = 0; i < n; i++) most = fmaxf(most, fabsf(w[i]));
    return most;
}

static void check_scales(struct drawn *d, const struct ohm_grid *grid, bool per_channel) {
    const struct ohm_layer *layer = &d->layer;
    int32_t outputs = layer->groups * layer->ncols;
    float all = largest(d->real, outputs * layer->krows), top = (float)ohm_grid_top(grid);
    double by_maximum[200] = {0}, sum_maximum = 0, sum_error = 0;
    ohm_grid_weights(grid, OHM_GRID_MAXIMUM, per_channel, layer, d->weights);
    check_weights(d, grid);
    for (int32_t n = 0; n < outputs; n++) {
        float most = per_channel ? fmaxf(largest(d->real + n * layer->krows, layer->krows), all * OHM_LEAST_SCALE_SHARE) : all;
        CU_ASSERT_EQUAL(d->weights->scale[n], all > 0 ? most / top : 1.0f);
        sum_maximum += by_maximum[n] = squared_error(d, n);
    }
    ohm_grid_weights(grid, OHM_GRID_SQUARED_ERROR, per_channel, layer, d->weights);
    check_weights(d, grid);
    for (int32_t n = 0; n < outputs; n++) {
        double error = squared_error(d, n);
        sum_error += error;
        if (per_channel) CU_ASSERT(error <= by_maximum[n] * (1 + 1e-6));
        if (!per_channel) CU_ASSERT_EQUAL(d->weights->scale[n], d->weights->scale[0]);
        CU_ASSERT(all == 0 || d->weights->scale[n] >= all * OHM_LEAST_SCALE_SHARE / top);
    }
    CU_ASSERT(sum_error <= sum_maximum * (1 + 1e-6));
}

static void test_scales(void) {
    static const int32_t shapes[][3] = {{1, 300, 40}, {1, 129, 17}, {30, 9, 1}, {4, 20, 5}, {1, 1, 1}};
    static const struct ohm_grid grids[] = {{8, 3, 0}, {4, 4, 0}, {8, 1, 0}, {16, 16, 0}, {8, 0, 2}, {6, 0, 3}};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
        for (size_t g = 0; g < sizeof grids / sizeof *grids; g++) {
            struct drawn d = draw_layer(shapes[s][0], shapes[s][1], shapes[s][2]);
            check_scales(&d, &grids[g], false);
            check_scales(&d, &grids[g], true);
            free_layer(&d);
        }
}

/* Four bits and an outlier six times as large as the rest: clipping it costs less than rounding all others to its scale. */
static void test_outlier(void) {
    struct drawn d = draw_layer(1, 2000, 1);
    struct ohm_grid grid = {4, 4, 0};
    for (int32_t r = 0; r < 2000; r++) d.real[r] = (float)((int32_t)draw(2001) - 1000) * 1e-3f;
    d.real[7] = 6;
    ohm_grid_weights(&grid, OHM_GRID_MAXIMUM, false, &d.layer, d.weights);
    double by_maximum = squared_error(&d, 0);
    ohm_grid_weights(&grid, OHM_GRID_SQUARED_ERROR, false, &d.layer, d.weights);
    CU_ASSERT(squared_error(&d, 0) < by_maximum);
    CU_ASSERT(d.weights->scale[0] < 6.0f / 15);
    free_layer(&d);
    d = draw_layer(1, 50, 3);
    memset(d.real, 0, 150 * sizeof *d.real);
    ohm_grid_weights(&grid, OHM_GRID_SQUARED_ERROR, true, &d.layer, d.weights);
    for (int32_t n = 0; n < 3; n++) CU_ASSERT_EQUAL(d.weights->scale[n], 1.0f);
    check_weights(&d, &grid);
    free_layer(&d);
}

int main(void) {
    const struct suite_test tests[] = {{"nearest of all levels", test_nearest},
                                       {"nearest, sixteen bits", test_sixteen_bits},
                                       {"numbers of levels", test_level_counts},
                                       {"scales", test_scales},
                                       {"scales: outlier, no weights", test_outlier}};
    return SUITE_RUN("design grid", tests);
}
