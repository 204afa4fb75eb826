/* The units of least gain become 0. */
#include "removal.h"
#include "ohmtally/status.h"
#include "ranked.h"
#include <stdlib.h>

struct work {
    const struct removal *removal;
    const struct ohm_matrix *matrix;
    struct ohm_levels *levels;
    int32_t down, across; /* units of the matrix */
    double *gain;         /* [down][across] */
    struct ranked *units; /* scratch: of a group; index as in gain */
    uint16_t zero;        /* list */
};

static int32_t ceil_div(int32_t a, int32_t b) {
    return (a - 1) / b + 1;
}

static int32_t smaller(int32_t a, int32_t b) {
    return a < b ? a : b;
}

static void add_gains(const struct work *work, const double *v) {
    int32_t krows = work->matrix->krows, ncols = work->matrix->ncols;
    for (int32_t r = 0; r < krows; r++) {
        double *gain = work->gain + (size_t)(r / work->removal->unit_rows) * (size_t)work->across;
        size_t first = (size_t)r * (size_t)ncols;
        for (int32_t u = 0, c = 0; u < work->across; u++)
            for (int32_t end = smaller(ncols - c, work->removal->unit_columns) + c; c < end; c++)
                gain[u] += matrix_weight(work->matrix, r, c) * levels_gain(levels_at(work->levels, first + (size_t)c), v[first + (size_t)c]);
    }
}

static void remove_unit(const struct work *work, int32_t unit) {
    int32_t rows = work->removal->unit_rows, columns = work->removal->unit_columns, r = unit / work->across * rows, c = unit % work->across * columns;
    int32_t row_end = r + smaller(work->matrix->krows - r, rows), column_end = c + smaller(work->matrix->ncols - c, columns);
    for (; r < row_end; r++)
        for (int32_t n = c; n < column_end; n++) work->levels->which[(size_t)r * (size_t)work->matrix->ncols + (size_t)n] = work->zero;
}

/* A group of nrow x ncol units. */
static void narrow_group(const struct work *work, int32_t row, int32_t nrow, int32_t column, int32_t ncol) {
    int32_t n = 0, keep = work->removal->keep;
    for (int32_t r = row; r < row + nrow; r++)
        for (int32_t unit = r * work->across + column; unit < r * work->across + column + ncol; unit++)
            work->units[n++] = (struct ranked){work->gain[unit], unit};
    if (keep < 0) keep = n - (int32_t)((int64_t)n * work->removal->share / 100);
    if (keep >= n) return;
    ranked_select(work->units, n, keep);
    for (int32_t i = keep; i < n; i++) remove_unit(work, work->units[i].index);
}

int removal_narrow(const char *name, const struct removal *removal, const struct ohm_matrix *matrix, const double *v, struct ohm_levels *levels) {
    struct work work = {.removal = removal, .matrix = matrix, .levels = levels};
    OHM_TRY(levels_check_zero(levels, name));
    int32_t zero = levels_zero(levels);
    if (zero < 0) return ohm_fail_status();
    work.zero = (uint16_t)zero;
    work.down = ceil_div(matrix->krows, removal->unit_rows);
    work.across = ceil_div(matrix->ncols, removal->unit_columns);
    int32_t rows = smaller(work.down, ceil_div(removal->group_rows, removal->unit_rows));
    int32_t columns = smaller(work.across, ceil_div(removal->group_columns, removal->unit_columns));
    work.gain = ohm_alloc_array((size_t)work.down * (size_t)work.across, sizeof *work.gain);
    work.units = ohm_alloc_array((size_t)rows * (size_t)columns, sizeof *work.units);
    int status = work.gain && work.units ? OHM_OK : OHM_E_MEMORY;
    if (!status) add_gains(&work, v);
    for (int32_t r = 0; !status && r < work.down; r += rows)
        for (int32_t c = 0; c < work.across; c += columns) narrow_group(&work, r, smaller(rows, work.down - r), c, smaller(columns, work.across - c));
    free(work.gain);
    free(work.units);
    return status;
}
