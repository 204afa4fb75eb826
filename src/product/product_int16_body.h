/* Included once per instruction set, with V (a vector of LANES 32-bit sums), VECTORS per panel, MOST_POSITIONS of a register tile, and ZERO, LOAD,
 * BROADCAST (of a pair), ADD_PAIRS, LOADU, STOREU, ADD, add_part (the vector that is cut by the edge of y). */

#define COLUMNS (LANES * VECTORS)
#define MOST_ROWS (PANEL_WEIGHTS / COLUMNS)
static void widen(int32_t element, int32_t npos, int32_t rows, const void *x, int64_t inputs, int16_t *restrict wide, int64_t stride) {
    for (int64_t p = 0; p < npos; p++, wide += stride) {
        const uint8_t *restrict bytes = (const uint8_t *)x + p * inputs;
        const uint16_t *restrict words = (const uint16_t *)x + p * inputs;
        if (element == 1)
            for (int32_t r = 0; r < rows; r++) wide[r] = bytes[r];
        else
            for (int32_t r = 0; r < rows; r++) wide[r] = (int16_t)(words[r] ^ 0x8000);
        if (rows % 2) wide[rows] = 0;
    }
}

/* The register tile. npos and nvec are constants where this is inlined, so that the sums stay in registers. */
static inline __attribute__((always_inline)) void tile(const struct int16_panel *panel, const int npos, const int nvec, const int16_t *x,
                                                       int32_t *y) {
    const int64_t stride = panel->x_stride * (int64_t)sizeof *x;
    const int16_t *w = panel->w;
    const char *three[(MOST_POSITIONS + 2) / 3]; /* one pointer for three positions: base plus once or twice the stride are addresses */
#pragma GCC unroll 4
    for (int i = 0; i < (npos + 2) / 3; i++) three[i] = (const char *)x + 3 * i * stride;
    V sum[MOST_POSITIONS][VECTORS];
#pragma GCC unroll 12
    for (int p = 0; p < npos; p++)
#pragma GCC unroll 2
        for (int v = 0; v < nvec; v++) sum[p][v] = ZERO;
    for (int32_t k = 0; k < panel->pairs; k++, w += nvec * LANES * 2) {
        V column[VECTORS];
#pragma GCC unroll 2
        for (int v = 0; v < nvec; v++) column[v] = LOAD(w + v * LANES * 2);
#pragma GCC unroll 12
        for (int p = 0; p < npos; p++) {
            const V pair = BROADCAST(three[p / 3] + p % 3 * stride);
#pragma GCC unroll 2
            for (int v = 0; v < nvec; v++) sum[p][v] = ADD_PAIRS(sum[p][v], pair, column[v]);
        }
#pragma GCC unroll 4
        for (int i = 0; i < (npos + 2) / 3; i++) three[i] += 2 * sizeof *x;
    }
#pragma GCC unroll 12
    for (int p = 0; p < npos; p++, y += panel->y_stride)
#pragma GCC unroll 2
        for (int v = 0; v < nvec; v++) {
            const int32_t left = panel->ncols - v * LANES;
            if (left < LANES)
                add_part(y + v * LANES, left, panel->add, sum[p][v]);
            else
                STOREU(y + v * LANES, panel->add ? ADD(LOADU(y + v * LANES), sum[p][v]) : sum[p][v]);
        }
}

#define TILE(n)                                                                                                                                      \
    case n:                                                                                                                                          \
        if (panel->ncols > LANES)                                                                                                                    \
            tile(panel, n, 2, x, y);                                                                                                                 \
        else                                                                                                                                         \
            tile(panel, n, 1, x, y);                                                                                                                 \
        break;

/* Positions are shared out evenly among as few tiles as can be: the last one is not a thin one. */
static void run_panel(const struct int16_panel *panel) {
    const int32_t ntile = (panel->npos + MOST_POSITIONS - 1) / MOST_POSITIONS;
    for (int32_t t = 0; t < ntile; t++) {
        const int64_t p = (int64_t)panel->npos * t / ntile, next = (int64_t)panel->npos * (t + 1) / ntile;
        const int16_t *x = panel->x + p * panel->x_stride;
        int32_t *y = panel->y + p * panel->y_stride;
        switch (next - p) {
            TILE(1)
            TILE(2)
            TILE(3)
            TILE(4)
            TILE(5)
            TILE(6)
#if MOST_POSITIONS > 6
            TILE(7)
            TILE(8)
            TILE(9)
            TILE(10)
            TILE(11)
            TILE(12)
#endif
        }
    }
}

#define KERNEL(isa)                                                                                                                                  \
    { .name = isa, .vector = LANES, .columns = COLUMNS, .rows = MOST_ROWS, .widen = widen, .panel = run_panel }
