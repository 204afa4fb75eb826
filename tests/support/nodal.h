/* An array of cells with resisting wires, solved exactly: a node for every end of every cell, conductances between them, one sparse Cholesky
 * factorisation (SuiteSparse's CHOLMOD) and a solution for every input. What is approximate about wires is compared with this. Conventions as in
 * wires.h. */
#ifndef NODAL_H
#define NODAL_H
#include "ohmtally/wires.h"
#include <stdio.h>
#include <stdlib.h>
#include <suitesparse/cholmod.h>

/* A node: 0 or more: unknown; otherwise of known voltage. */
enum { NODAL_GROUND = -1, NODAL_SOURCE = -2 }; /* word line i's source: NODAL_SOURCE - i */
struct nodal {
    const struct ohm_wires *wires;
    int32_t nrow, ncol, nunknown;
    const double *g;
    cholmod_triplet *matrix;
};

/* A line without resistance is one node, or its own source or sense. */
static int32_t nodal_word(const struct nodal *n, int32_t i, int32_t j) {
    if (n->wires->row > 0) return i * n->ncol + j;
    return n->wires->driver > 0 ? i : NODAL_SOURCE - i;
}
static int32_t nodal_words(const struct nodal *n) {
    return n->wires->row > 0 ? n->nrow * n->ncol : n->wires->driver > 0 ? n->nrow : 0;
}
static int32_t nodal_bit(const struct nodal *n, int32_t i, int32_t j) {
    if (n->wires->column > 0) return nodal_words(n) + i * n->ncol + j;
    return n->wires->sense > 0 ? nodal_words(n) + j : NODAL_GROUND;
}
static int32_t nodal_bits(const struct nodal *n) {
    return n->wires->column > 0 ? n->nrow * n->ncol : n->wires->sense > 0 ? n->ncol : 0;
}

static void nodal_entry(cholmod_triplet *matrix, int32_t a, int32_t b, double value) {
    ((int *)matrix->i)[matrix->nnz] = a < b ? a : b;
    ((int *)matrix->j)[matrix->nnz] = a < b ? b : a;
    ((double *)matrix->x)[matrix->nnz++] = value;
}
static void nodal_connect(struct nodal *n, int32_t a, int32_t b, double conductance) {
    if (a >= 0) nodal_entry(n->matrix, a, a, conductance);
    if (b >= 0) nodal_entry(n->matrix, b, b, conductance);
    if (a >= 0 && b >= 0) nodal_entry(n->matrix, a, b, -conductance);
}
static void nodal_assemble(struct nodal *n) {
    const struct ohm_wires *w = n->wires;
    for (int32_t i = 0; i < n->nrow; i++)
        for (int32_t j = 0; j < n->ncol; j++) {
            nodal_connect(n, nodal_word(n, i, j), nodal_bit(n, i, j), n->g[i * n->ncol + j]);
            if (j && w->row > 0) nodal_connect(n, nodal_word(n, i, j - 1), nodal_word(n, i, j), 1 / w->row);
            if (i && w->column > 0) nodal_connect(n, nodal_bit(n, i - 1, j), nodal_bit(n, i, j), 1 / w->column);
        }
    for (int32_t i = 0; i < n->nrow; i++)
        if (w->driver + w->row > 0) nodal_connect(n, NODAL_SOURCE - i, nodal_word(n, i, 0), 1 / (w->driver + w->row));
    for (int32_t j = 0; j < n->ncol; j++)
        if (w->sense + w->column > 0) nodal_connect(n, NODAL_GROUND, nodal_bit(n, 0, j), 1 / (w->sense + w->column));
}

/* Currents that voltages x [ninput][nrow] drive into the unknown nodes. */
static cholmod_dense *nodal_driven(const struct nodal *n, int32_t ninput, const double *x, cholmod_common *common) {
    cholmod_dense *b = cholmod_zeros((size_t)n->nunknown, (size_t)ninput, CHOLMOD_REAL, common);
    for (int32_t p = 0; p < ninput; p++)
        for (int32_t i = 0; i < n->nrow; i++) {
            double *at = (double *)b->x + (size_t)p * b->d, volts = x[p * n->nrow + i];
            if (nodal_word(n, i, 0) >= 0) at[nodal_word(n, i, 0)] += volts / (n->wires->driver + n->wires->row);
            for (int32_t j = 0; j < n->ncol && nodal_word(n, i, j) < 0; j++)
                if (nodal_bit(n, i, j) >= 0) at[nodal_bit(n, i, j)] += volts * n->g[i * n->ncol + j];
        }
    return b;
}

/* current [ncol] from one input's node voltages. */
static void nodal_read(const struct nodal *n, const double *volts, const double *x, double *current) {
    for (int32_t j = 0; j < n->ncol; j++) {
        current[j] = 0;
        for (int32_t i = 0; i < n->nrow && nodal_bit(n, 0, j) < 0; i++)
            current[j] += n->g[i * n->ncol + j] * (nodal_word(n, i, j) < 0 ? x[i] : volts[nodal_word(n, i, j)]);
        if (nodal_bit(n, 0, j) >= 0) current[j] = volts[nodal_bit(n, 0, j)] / (n->wires->sense + n->wires->column);
    }
}

static void nodal_solve(struct nodal *n, int32_t ninput, const double *x, double *current) {
    cholmod_common common;
    cholmod_start(&common);
    size_t room = 9 * (size_t)n->nrow * (size_t)n->ncol + 2 * (size_t)(n->nrow + n->ncol);
    n->matrix = cholmod_allocate_triplet((size_t)n->nunknown, (size_t)n->nunknown, room, 1, CHOLMOD_REAL, &common);
    nodal_assemble(n);
    cholmod_sparse *matrix = cholmod_triplet_to_sparse(n->matrix, 0, &common);
    cholmod_factor *factor = cholmod_analyze(matrix, &common);
    cholmod_factorize(matrix, factor, &common);
    if (common.status != CHOLMOD_OK) {
        fprintf(stderr, "CHOLMOD: status %d\n", common.status);
        abort();
    }
    cholmod_dense *driven = nodal_driven(n, ninput, x, &common), *volts = cholmod_solve(CHOLMOD_A, factor, driven, &common);
    for (int32_t p = 0; p < ninput; p++)
        nodal_read(n, (double *)volts->x + (size_t)p * volts->d, x + (size_t)p * (size_t)n->nrow, current + (size_t)p * (size_t)n->ncol);
    cholmod_free_dense(&volts, &common);
    cholmod_free_dense(&driven, &common);
    cholmod_free_factor(&factor, &common);
    cholmod_free_sparse(&matrix, &common);
    cholmod_free_triplet(&n->matrix, &common);
    cholmod_finish(&common);
}

/* Bit lines' currents [ninput][ncol] for word-line voltages x [ninput][nrow]. */
static void nodal_currents(const struct ohm_wires *wires, int32_t nrow, int32_t ncol, const double *g, int32_t ninput, const double *x,
                           double *current) {
    struct nodal n = {.wires = wires, .nrow = nrow, .ncol = ncol, .g = g};
    n.nunknown = nodal_words(&n) + nodal_bits(&n);
    if (n.nunknown)
        nodal_solve(&n, ninput, x, current);
    else
        for (int32_t p = 0; p < ninput; p++) nodal_read(&n, NULL, x + (size_t)p * (size_t)nrow, current + (size_t)p * (size_t)ncol);
}

#endif
