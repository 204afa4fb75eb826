/* How far bit lines' currents are off by the approximation of wires.h, against the exact solution of all nodes; as tables in Markdown. Arrays of
 * equal sides, cells of one bit that conduct or do not at random, a resistance a segment of both lines, driven rows at random; in counts, i.e.
 * currents of a cell without wires. Usage: wires_error [rows ...] (default 64 128 256) */
#include "nodal.h"
#include "ohmtally/status.h"
#define DRAW_SEED 0xD1B54A32D192ED03ull
#include "draw.h"
#include <math.h>
#include <string.h>

#define ON_OHM 10000
#define INPUTS 8
#define MOST 512

static const double shares_driven[] = {1, 0.5, 0.1};
#define SHARES 3

struct errors {
    double lost, rms[SHARES], most, gated; /* lost: of the sum of all currents, all rows driven */
};

static double approximate(const double *g, const double *share, int32_t n, const double *x, int32_t column) {
    double sum = 0;
    for (int32_t r = 0; r < n; r++) sum += x[r] * g[r * n + column] * share[r * n + column];
    return sum;
}

static double root_mean_square(const double *g, const double *share, int32_t n, int32_t ninput, const double *x, const double *exact, double *most) {
    double square = 0;
    for (int32_t p = 0; p < ninput; p++)
        for (int32_t c = 0; c < n; c++) {
            double off = fabs(approximate(g, share, n, x + p * n, c) - exact[p * n + c]);
            square += off * off / ninput / n;
            *most = off > *most ? off : *most;
        }
    return sqrt(square);
}

/* Half the rows driven, the cells of the others cut off, as by a transistor each that the input opens. */
static double gated_error(const struct ohm_wires *wires, const double *g, const double *share, int32_t n, const double *x, double *exact,
                          double *open) {
    double most = 0;
    for (int32_t i = 0; i < n * n; i++) open[i] = g[i] * x[i / n];
    nodal_currents(wires, n, n, open, 1, x, exact);
    return root_mean_square(g, share, n, 1, x, exact, &most);
}

static int measure(int32_t n, double ohm, double conducting, struct errors *errors) {
    size_t cells = (size_t)n * (size_t)n;
    struct ohm_wires wires = {ohm / ON_OHM, ohm / ON_OHM, 0, 0};
    double *g = calloc(3 * cells + 2 * SHARES * INPUTS * (size_t)n, sizeof *g), *share = g + cells, *open = share + cells, *x = open + cells;
    if (!g) return ohm_fail(OHM_E_MEMORY, "out of memory");
    double *exact = x + SHARES * INPUTS * n, all = 0, seen = 0;
    for (size_t i = 0; i < cells; i++) g[i] = draw(1000) < 1000 * conducting;
    for (int32_t i = 0; i < SHARES * INPUTS * n; i++) x[i] = draw(1000) < 1000 * shares_driven[i / (INPUTS * n)];
    nodal_currents(&wires, n, n, g, SHARES * INPUTS, x, exact);
    int status = ohm_wires_share(&wires, n, n, g, share);
    for (int32_t k = 0; !status && k < SHARES; k++)
        errors->rms[k] = root_mean_square(g, share, n, INPUTS, x + k * INPUTS * n, exact + k * INPUTS * n, &errors->most);
    for (int32_t c = 0; c < n; c++) seen += exact[c];
    for (size_t i = 0; i < cells; i++) all += g[i];
    errors->lost = 1 - seen / all;
    if (!status) errors->gated = gated_error(&wires, g, share, n, x + INPUTS * n, exact, open);
    free(g);
    return status;
}

static int table(int32_t n) {
    static const double ohms[] = {0.1, 0.3, 1, 3, 10}, conductings[] = {0.1, 0.5};
    printf("\n| rows | ohm a segment | cells that conduct | current lost, all driven | RMS error in counts, all driven | half | a tenth | largest | "
           "half, "
           "others cut off |\n|---|---|---|---|---|---|---|---|---|\n");
    for (size_t o = 0; o < sizeof ohms / sizeof ohms[0]; o++)
        for (size_t k = 0; k < 2; k++) {
            struct errors e = {0};
            OHM_TRY(measure(n, ohms[o], conductings[k], &e));
            printf("| %d | %g | %g | %.1f %% | %.4f | %.4f | %.4f | %.3f | %.2f |\n", n, ohms[o], conductings[k], 100 * e.lost, e.rms[0], e.rms[1],
                   e.rms[2], e.most, e.gated);
        }
    return OHM_OK;
}

int main(int argc, char **argv) {
    static const char *const usual[] = {"64", "128", "256"};
    int count = argc > 1 ? argc - 1 : 3;
    for (int i = 0; i < count; i++) {
        long n = strtol(argc > 1 ? argv[i + 1] : usual[i], NULL, 10);
        if (n < 1 || n > MOST) {
            fprintf(stderr, "wires_error: rows are 1 to %d, not %s\n", MOST, argv[i + 1]);
            return 2;
        }
        if (table((int32_t)n)) {
            fprintf(stderr, "wires_error: %s\n", ohm_fail_text());
            return 1;
        }
    }
    return 0;
}
