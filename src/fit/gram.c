/* Second moments of a layer's inputs, tile by tile. */
#include "ohmtally/gram.h"
#include "ohmtally/blas.h"
#include "ohmtally/memory.h"
#include <cblas.h>
#include <stdlib.h>

#define TILE 192 /* rows and columns of a unit of work */

struct ohm_gram *ohm_gram_new(const struct ohm_layer *layer) {
    const size_t groups = (size_t)layer->groups, krows = (size_t)layer->krows, ncols = (size_t)layer->ncols;
    struct ohm_gram *gram = ohm_alloc(sizeof *gram);
    if (!gram) return NULL;
    *gram = (struct ohm_gram){.groups = layer->groups, .krows = layer->krows, .ncols = layer->ncols};
    gram->h = ohm_alloc_array(groups * krows, krows * sizeof(double));
    gram->x = ohm_alloc_array(groups * krows, sizeof(double));
    gram->p = ohm_alloc_array(groups * krows, ncols * sizeof(double));
    gram->t = ohm_alloc_array(groups * ncols, sizeof(double));
    if (gram->h && gram->x && gram->p && gram->t) return gram;
    ohm_gram_free(gram);
    return NULL;
}

void ohm_gram_free(struct ohm_gram *gram) {
    if (!gram) return;
    free(gram->h);
    free(gram->x);
    free(gram->p);
    free(gram->t);
    free(gram);
}

static int32_t tiles_of(int32_t n) {
    return (n + TILE - 1) / TILE;
}

static int32_t extent(int32_t tile, int32_t n) {
    return n - tile * TILE < TILE ? n - tile * TILE : TILE;
}

/* Tile (i, j) of one group: of h where j <= i, else of p. */
static void add_tile(struct ohm_gram *gram, int64_t npos, const double *x, const double *t, int32_t group, int32_t i, int32_t j) {
    const int32_t krows = gram->krows, inputs = gram->groups * krows, outputs = gram->groups * gram->ncols, left = tiles_of(krows);
    const double *rows = x + (size_t)group * (size_t)krows + (size_t)i * TILE;
    double *h = gram->h + ((size_t)group * (size_t)krows + (size_t)i * TILE) * (size_t)krows;
    double *p = gram->p + ((size_t)group * (size_t)krows + (size_t)i * TILE) * (size_t)gram->ncols;
    if (j < left && j <= i)
        cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, extent(i, krows), extent(j, krows), (int)npos, 1, rows, inputs,
                    x + (size_t)group * (size_t)krows + (size_t)j * TILE, inputs, 1, h + (size_t)j * TILE, krows);
    else if (j >= left)
        cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, extent(i, krows), extent(j - left, gram->ncols), (int)npos, 1, rows, inputs,
                    t + (size_t)group * (size_t)gram->ncols + (size_t)(j - left) * TILE, outputs, 1, p + (size_t)(j - left) * TILE, gram->ncols);
}

static void add_sums(int64_t npos, int32_t n, const double *values, double *sums) {
    for (int64_t at = 0; at < npos; at++)
        for (int32_t i = 0; i < n; i++) sums[i] += values[at * n + i];
}

void ohm_gram_add(struct ohm_gram *gram, int64_t npos, const double *x, const double *t) {
    const int32_t down = tiles_of(gram->krows), across = down + tiles_of(gram->ncols);
    ohm_blas_single();
#pragma omp parallel for collapse(3) schedule(dynamic)
    for (int32_t group = 0; group < gram->groups; group++)
        for (int32_t i = 0; i < down; i++)
            for (int32_t j = 0; j < across; j++) add_tile(gram, npos, x, t, group, i, j);
    add_sums(npos, gram->groups * gram->krows, x, gram->x);
    add_sums(npos, gram->groups * gram->ncols, t, gram->t);
    gram->count += npos;
}

void ohm_gram_arrays(struct ohm_gram *gram, void (*see)(void *context, double *values, size_t count), void *context) {
    const size_t inputs = (size_t)gram->groups * (size_t)gram->krows;
    see(context, gram->h, inputs * (size_t)gram->krows);
    see(context, gram->x, inputs);
    see(context, gram->p, inputs * (size_t)gram->ncols);
    see(context, gram->t, (size_t)gram->groups * (size_t)gram->ncols);
}

/* One row of a group, its part right of the diagonal excepted. */
static void close_row(const struct ohm_gram *gram, int32_t group, int32_t r) {
    const size_t krows = (size_t)gram->krows, ncols = (size_t)gram->ncols;
    const double count = (double)gram->count, *x = gram->x + (size_t)group * krows, *t = gram->t + (size_t)group * ncols;
    double *h = gram->h + ((size_t)group * krows + (size_t)r) * krows, *p = gram->p + ((size_t)group * krows + (size_t)r) * ncols;
    for (int32_t j = 0; j <= r; j++) h[j] = h[j] / count - x[r] * x[j];
    for (size_t n = 0; n < ncols; n++) p[n] = p[n] / count - x[r] * t[n];
}

void ohm_gram_close(struct ohm_gram *gram) {
    const int64_t krows = gram->krows;
    for (int64_t i = 0; i < gram->groups * krows; i++) gram->x[i] /= (double)gram->count;
    for (int64_t i = 0; i < (int64_t)gram->groups * gram->ncols; i++) gram->t[i] /= (double)gram->count;
#pragma omp parallel for schedule(dynamic, 16)
    for (int64_t i = 0; i < gram->groups * krows; i++) close_row(gram, (int32_t)(i / krows), (int32_t)(i % krows));
    for (int64_t g = 0; g < gram->groups; g++)
        for (int64_t r = 0; r < krows; r++)
            for (int64_t j = 0; j < r; j++) gram->h[(g * krows + j) * krows + r] = gram->h[(g * krows + r) * krows + j];
}
