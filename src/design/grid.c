/* Nearest magnitudes of a grid, and weights put there piece by piece. */
#include "ohmtally/grid.h"
#include "ohmtally/clones.h"
#include <math.h>
#include <string.h>

#define PIECE 128   /* weights of one output at a time */
#define TOGETHER 16 /* outputs at a time: a matrix row of them is a line of the cache */

int32_t ohm_grid_top(const struct ohm_grid *grid) {
    int32_t ones = grid->terms ? grid->terms : grid->window;
    return ((1 << ones) - 1) << (grid->bits - ones);
}

int32_t ohm_grid_span(const struct ohm_grid *grid) {
    if (grid->terms) return grid->terms == 1 ? 1 : grid->bits;
    return grid->window;
}

static inline int32_t bits_of(float v) {
    int32_t bits;
    memcpy(&bits, &v, sizeof bits);
    return bits;
}

static inline float float_of(int32_t bits) {
    float v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

/* v < 2^22 2^shift to the nearest multiple of 2^shift, halves to even: the last place of 1.5 * 2^23 * 2^shift is 2^shift. */
static inline float nearest_multiple(float v, int32_t shift) {
    float large = float_of((127 + 23 + shift) << 23 | 0x400000);
    return (v + large) - large;
}

/* v = f 2^exponent with f in [0.5, 1) keeps its `window` highest bits; a result beyond them is the next power of two, which is on the grid. */
static inline void nearest_window(int32_t window, float top, int32_t n, const float *restrict v, float *restrict level) {
    for (int32_t i = 0; i < n; i++) {
        int32_t shift = (bits_of(v[i]) >> 23) - 126 - window;
        float m = nearest_multiple(v[i], shift > 0 ? shift : 0);
        level[i] = m < top ? m : top;
    }
}

/* The largest power of two in the rest, term by term, and for the last term the nearest one: between p and 2 p the levels of t terms are p + those of
 * t - 1 terms, and 2 p. */
static inline void nearest_terms(int32_t terms, float top, int32_t n, const float *restrict v, float *restrict level) {
    memset(level, 0, (size_t)n * sizeof *level);
    for (int32_t term = 1; term < terms; term++)
        for (int32_t i = 0; i < n; i++) {
            float rest = v[i] - level[i];
            level[i] += rest >= 1 ? float_of(bits_of(rest) & 0x7f800000) : 0.0f;
        }
    for (int32_t i = 0; i < n; i++) {
        float rest = v[i] - level[i], power = float_of(bits_of(rest) & 0x7f800000);
        float m = rest < 1 ? nearest_multiple(v[i], 0) : level[i] + (rest >= 1.5f * power ? 2 * power : power);
        level[i] = v[i] < top ? m : top;
    }
}

static inline void nearest(const struct ohm_grid *grid, int32_t n, const float *restrict v, float *restrict level) {
    float top = (float)ohm_grid_top(grid);
    if (grid->terms)
        nearest_terms(grid->terms, top, n, v, level);
    else
        nearest_window(grid->window, top, n, v, level);
}

int32_t ohm_grid_nearest(const struct ohm_grid *grid, float v) {
    float level, top = (float)ohm_grid_top(grid), limited = v < top ? v : top; /* nearest_multiple has a limit */
    nearest(grid, 1, &limited, &level);
    return (int32_t)level;
}

static inline void scaled(int32_t n, const float *restrict w, float scale, float *restrict v) {
    for (int32_t i = 0; i < n; i++) v[i] = fabsf(w[i]) / scale;
}

OHM_CLONES
static void round_piece(const struct ohm_grid *grid, int32_t n, const float *restrict w, float scale, int32_t *restrict m) {
    float v[PIECE], level[PIECE];
    scaled(n, w, scale, v);
    nearest(grid, n, v, level);
    for (int32_t i = 0; i < n; i++) m[i] = (int32_t)copysignf(level[i], w[i]);
}

#define LANES 8
/* Sum of (|w| / scale - magnitude)^2, in an order of its own: lane by lane, the lanes then one after another. */
OHM_CLONES
static double piece_error(const struct ohm_grid *grid, int32_t n, const float *restrict w, float scale) {
    float v[PIECE] = {0}, level[PIECE] = {0};
    double lane[LANES] = {0}, sum = 0;
    scaled(n, w, scale, v);
    nearest(grid, n, v, level);
    for (int32_t i = 0; i < n; i += LANES)
        for (int32_t k = 0; k < LANES; k++) lane[k] += (double)(v[i + k] - level[i + k]) * (double)(v[i + k] - level[i + k]);
    for (int32_t k = 0; k < LANES; k++) sum += lane[k];
    return sum;
}

/* Floats of one sign are ordered as their bits are, and whole numbers are compared many at a time. */
OHM_CLONES
static float largest(const float *w, size_t count) {
    int32_t most = 0;
    for (size_t i = 0; i < count; i++) {
        int32_t bits = bits_of(w[i]) & INT32_MAX;
        most = bits > most ? bits : most;
    }
    return float_of(most);
}

/* Shares of the maximum's scale: eight to an octave, three octaves. A window's levels repeat from octave to octave; a uniform grid of few bits gains
 * from clipping far outliers. */
#define SHARES 25
static float share(int32_t i) {
    return (1.0f - (float)(i % 8) / 16) / (float)(1 << i / 8);
}

static void add_errors(const struct ohm_grid *grid, const float *w, int32_t n, float scale, float least, double error[SHARES]) {
    for (int32_t first = 0; first < n; first += PIECE)
        for (int32_t i = 0; i < SHARES; i++) {
            float candidate = fmaxf(scale * share(i), least);
            error[i] += piece_error(grid, n - first < PIECE ? n - first : PIECE, w + first, candidate) * candidate * candidate;
        }
}

static float least_error(const double error[SHARES], float scale, float least) {
    int32_t best = 0; /* ties go to the larger scale */
    for (int32_t i = 1; i < SHARES; i++)
        if (error[i] < error[best]) best = i;
    return fmaxf(scale * share(best), least);
}

static void choose_scales(const struct ohm_grid *grid, enum ohm_grid_scale rule, bool per_channel, const struct ohm_layer *layer, float *scale) {
    size_t krows = (size_t)layer->krows;
    int32_t outputs = ohm_layer_outputs(layer);
    float top = (float)ohm_grid_top(grid), all = largest(layer->weight, (size_t)outputs * krows), least = all * OHM_LEAST_SCALE_SHARE / top;
    bool by_error = rule == OHM_GRID_SQUARED_ERROR;
    double error[SHARES] = {0};
    for (int32_t n = 0; n < outputs; n++) {
        const float *w = layer->weight + (size_t)n * krows;
        scale[n] = fmaxf((per_channel ? largest(w, krows) : all) / top, least);
        if (!(scale[n] > 0)) scale[n] = 1;
        if (by_error) add_errors(grid, w, layer->krows, scale[n], least, error);
        if (!by_error || !per_channel) continue;
        scale[n] = least_error(error, scale[n], least);
        memset(error, 0, sizeof error);
    }
    if (!by_error || per_channel) return;
    float whole = least_error(error, scale[0], least);
    for (int32_t n = 0; n < outputs; n++) scale[n] = whole;
}

/* Rows first .. of outputs n0 .. of one group, turned from [output][row] into [row][output]. */
static void round_block(const struct ohm_grid *grid, const struct ohm_layer *layer, const float *scale, int32_t n0, int32_t nout, int32_t first,
                        int32_t *w) {
    int32_t m[TOGETHER][PIECE], nrow = layer->krows - first < PIECE ? layer->krows - first : PIECE;
    for (int32_t j = 0; j < nout; j++) round_piece(grid, nrow, layer->weight + (size_t)(n0 + j) * (size_t)layer->krows + first, scale[n0 + j], m[j]);
    for (int32_t r = 0; r < nrow; r++) {
        int32_t *row = w + (size_t)(first + r) * (size_t)layer->ncols;
        for (int32_t j = 0; j < nout; j++) row[j] = m[j][r];
    }
}

void ohm_grid_weights(const struct ohm_grid *grid, enum ohm_grid_scale rule, bool per_channel, const struct ohm_layer *layer,
                      struct ohm_weights *weights) {
    choose_scales(grid, rule, per_channel, layer, weights->scale);
    for (int32_t g = 0; g < layer->groups; g++)
        for (int32_t first = 0; first < layer->krows; first += PIECE)
            for (int32_t n = 0; n < layer->ncols; n += TOGETHER) {
                int32_t nout = layer->ncols - n < TOGETHER ? layer->ncols - n : TOGETHER;
                int32_t *w = weights->w + (size_t)g * (size_t)layer->krows * (size_t)layer->ncols + n;
                round_block(grid, layer, weights->scale, g * layer->ncols + n, nout, first, w);
            }
}
