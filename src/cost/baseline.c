/* Crossbar counts of the mappings that papers compare against, from shapes alone. */
#include "ohmtally/price.h"

static int64_t ceil_div(int64_t a, int64_t b) {
    return (a + b - 1) / b;
}

int64_t ohm_baseline_crossbars(int32_t groups, int32_t krows, int32_t ncols, int32_t rows, int32_t columns, int32_t cells) {
    int64_t wide = (int64_t)ncols * cells; /* bit lines of one group */
    if (krows > rows || wide > columns) return groups * ceil_div(krows, rows) * ceil_div(wide, columns);
    int64_t by_rows = rows / krows, by_columns = columns / wide;
    return ceil_div(groups, by_rows < by_columns ? by_rows : by_columns);
}
