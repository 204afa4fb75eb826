/* Whether a matrix lies in the set of a constraint, from the sets' definitions, with whatever options the last use of that name has. */
#ifndef OHM_TEST_CONSTRAINT_MEMBERS_H
#define OHM_TEST_CONSTRAINT_MEMBERS_H
#include "projected.h"

static inline const struct ohm_constraint_use *member_use(const struct projected *p, const char *name) {
    for (int32_t i = p->nuse - 1; i >= 0; i--)
        if (!strcmp(p->uses[i].constraint->name, name)) return &p->uses[i];
    CU_FAIL_FATAL("no such use");
    return NULL;
}

static inline int32_t member_option(const struct projected *p, const char *name, const char *key) {
    const struct ohm_constraint_use *use = member_use(p, name);
    for (int32_t i = 0; use->constraint->options[i].key; i++)
        if (!strcmp(use->constraint->options[i].key, key)) return (int32_t)use->setting.option[i];
    CU_FAIL_FATAL("no such option");
    return 0;
}

static inline double member_at(const struct projected *p, const double *z, int32_t row, int32_t column) {
    return z[row * p->matrix.ncols + column];
}

/* Whether magnitudes that share a shift fit `keep` bits under some shift, a multiple of a cell's bits, with no bit lost. */
static inline bool member_shifts(uint32_t together, int32_t keep, int32_t cell, int32_t squeezed) {
    for (int32_t shift = 0; shift <= squeezed * cell; shift += cell)
        if (together % (1u << shift) == 0 && together >> shift < 1u << keep) return true;
    return false;
}

static inline bool member_of_squeeze(const struct projected *p, const double *z) {
    int32_t cell = 1 << member_option(p, "squeeze", "cell_bits"), squeezed = member_option(p, "squeeze", "squeeze");
    int32_t wide = member_option(p, "squeeze", "flag_scope") ? p->matrix.ncols : member_use(p, "squeeze")->setting.array_columns;
    int32_t keep = ((member_use(p, "squeeze")->setting.weight_bits + cell - 1) / cell - squeezed) * cell;
    for (int32_t r = 0; r < p->matrix.krows; r++)
        for (int32_t first = 0; first < p->matrix.ncols; first += wide) {
            uint32_t together[2] = {0};
            for (int32_t c = first; c < first + wide && c < p->matrix.ncols; c++) {
                double value = member_at(p, z, r, c);
                if (value != rint(value)) return false;
                together[value < 0] |= (uint32_t)fabs(value);
            }
            if (member_option(p, "squeeze", "flag_scope")) together[0] = together[1] |= together[0];
            if (!member_shifts(together[0], keep, cell, squeezed) || !member_shifts(together[1], keep, cell, squeezed)) return false;
        }
    return true;
}

static inline bool member_of_polarity(const struct projected *p, const double *z) {
    int32_t size = member_option(p, "polarity", "size"), array_rows = member_use(p, "polarity")->setting.array_rows;
    for (int32_t c = 0; c < p->matrix.ncols; c++)
        for (int32_t r = 1; r < p->matrix.krows; r++)
            for (int32_t before = r - 1; before >= 0 && before / array_rows == r / array_rows; before--) {
                bool together = before % array_rows / size == r % array_rows / size;
                if (together && member_at(p, z, r, c) * member_at(p, z, before, c) < 0) return false;
            }
    return true;
}

/* ---- removal ---- */
struct member_part { /* of a matrix */
    int32_t row, nrow, column, ncol;
};

static inline int32_t member_nonzero(const struct projected *p, const double *z, struct member_part part) {
    int32_t n = 0;
    for (int32_t r = part.row; r < part.row + part.nrow && r < p->matrix.krows; r++)
        for (int32_t c = part.column; c < part.column + part.ncol && c < p->matrix.ncols; c++) n += member_at(p, z, r, c) != 0;
    return n;
}

/* At least `share` percent, rounded down, of the units of `part` are 0. */
static inline bool member_has_removed(const struct projected *p, const double *z, struct member_part part, int32_t rows, int32_t columns,
                                      int32_t share) {
    int32_t units = 0, zero = 0;
    for (int32_t r = part.row; r < part.row + part.nrow && r < p->matrix.krows; r += rows)
        for (int32_t c = part.column; c < part.column + part.ncol && c < p->matrix.ncols; c += columns, units++)
            zero += !member_nonzero(p, z, (struct member_part){r, rows, c, columns});
    return zero >= units * share / 100;
}

static inline bool member_of_nm(const struct projected *p, const double *z) {
    int32_t m = member_option(p, "nm", "m");
    for (int32_t r = 0; r < p->matrix.krows; r += m)
        for (int32_t c = 0; c < p->matrix.ncols; c++)
            if (member_nonzero(p, z, (struct member_part){r, m, c, 1}) > member_option(p, "nm", "n")) return false;
    return true;
}

static inline bool member_of_blockmax(const struct projected *p, const double *z) {
    int32_t size = member_option(p, "blockmax", "size"), down = member_option(p, "blockmax", "along") ? size : 1, across = size / down;
    for (int32_t r = 0; r < p->matrix.krows; r += down)
        for (int32_t c = 0; c < p->matrix.ncols; c += across)
            if (member_nonzero(p, z, (struct member_part){r, down, c, across}) > 1) return false;
    return true;
}

static inline bool member_of_rows(const struct projected *p, const double *z) {
    return member_has_removed(p, z, (struct member_part){0, p->matrix.krows, 0, p->matrix.ncols}, 1, member_use(p, "rows")->setting.array_columns,
                              member_option(p, "rows", "share"));
}

static inline bool member_of_columns(const struct projected *p, const double *z) {
    return member_has_removed(p, z, (struct member_part){0, p->matrix.krows, 0, p->matrix.ncols}, member_use(p, "columns")->setting.array_rows, 1,
                              member_option(p, "columns", "share"));
}

static inline bool member_of_filters(const struct projected *p, const double *z) {
    return member_has_removed(p, z, (struct member_part){0, p->matrix.krows, 0, p->matrix.ncols}, p->matrix.krows, 1,
                              member_option(p, "filters", "share"));
}

static inline bool member_of_block(const struct projected *p, const double *z) {
    int32_t rows = member_option(p, "block", "rows"), columns = member_option(p, "block", "columns");
    for (int32_t r = 0; r < p->matrix.krows; r += rows)
        for (int32_t c = 0; c < p->matrix.ncols; c += columns)
            if (!member_has_removed(p, z, (struct member_part){r, rows, c, columns}, 1, columns, member_option(p, "block", "segments"))) return false;
    return member_has_removed(p, z, (struct member_part){0, p->matrix.krows, 0, p->matrix.ncols}, p->matrix.krows, 1,
                              member_option(p, "block", "filters"));
}

/* In at least `share` percent of the blocks, rounded down, all weights that are not 0 for another reason (held) have one magnitude. */
static inline bool member_of_unify_but(const struct projected *p, const double *z, const bool *held) {
    int32_t rows = member_option(p, "unify", "rows"), columns = member_option(p, "unify", "columns"), blocks = 0, unified = 0;
    for (int32_t r = 0; r < p->matrix.krows; r += rows)
        for (int32_t c = 0; c < p->matrix.ncols; c += columns, blocks++) {
            double least = INFINITY, most = -INFINITY;
            for (int32_t i = r; i < r + rows && i < p->matrix.krows; i++)
                for (int32_t k = c; k < c + columns && k < p->matrix.ncols; k++) {
                    if (held && held[i * p->matrix.ncols + k]) continue;
                    least = fmin(least, fabs(member_at(p, z, i, k)));
                    most = fmax(most, fabs(member_at(p, z, i, k)));
                }
            unified += least >= most;
        }
    return unified >= blocks * member_option(p, "unify", "share") / 100;
}

static inline bool member_of_unify(const struct projected *p, const double *z) {
    return member_of_unify_but(p, z, NULL);
}

/* ---- patterns of 3 x 3 kernels ---- */
/* Masks of the taps that are not 0. */
static inline void member_masks(const struct projected *p, const double *z, bool used[512]) {
    for (int32_t r = 0; r < p->matrix.krows; r += 9)
        for (int32_t c = 0; c < p->matrix.ncols; c++) {
            int32_t mask = 0;
            for (int32_t tap = 0; tap < 9; tap++) mask |= (member_at(p, z, r + tap, c) != 0) << tap;
            used[mask] = true;
        }
}

/* Whether `patterns` patterns of so many taps are enough for all masks: the largest mask has to be in one of them, and all of those are tried. */
static inline bool member_covered(const bool used[512], int32_t patterns, int32_t entries) {
    int32_t largest = 0;
    for (int32_t mask = 1; mask < 512; mask++)
        if (used[mask] && __builtin_popcount((uint32_t)mask) > __builtin_popcount((uint32_t)largest)) largest = mask;
    if (!largest || !patterns) return !largest;
    for (int32_t pattern = 1; pattern < 512; pattern++) {
        bool left[512];
        if (__builtin_popcount((uint32_t)pattern) != entries || (largest & ~pattern)) continue;
        for (int32_t mask = 0; mask < 512; mask++) left[mask] = used[mask] && (mask & ~pattern);
        if (member_covered(left, patterns - 1, entries)) return true;
    }
    return false;
}

static inline bool member_of_pattern(const struct projected *p, const double *z) {
    struct member_part whole = {0, p->matrix.krows, 0, p->matrix.ncols};
    bool used[512] = {false};
    member_masks(p, z, used);
    return member_has_removed(p, z, whole, 9, 1, member_option(p, "pattern", "connectivity")) &&
           member_covered(used, member_option(p, "pattern", "patterns"), member_option(p, "pattern", "entries"));
}

#endif
