/* Bit lines of conductances: driven rows are added 16 bits at a time, and codes are made in 16 bits, too. */
#include "ohmtally/held.h"
#include <string.h>

typedef int16_t held_lanes __attribute__((vector_size(V_BYTES), may_alias));
typedef uint16_t held_sums __attribute__((vector_size(V_BYTES), may_alias));
#define HELD_VECTORS (OHM_PART * 2 / V_BYTES)

/* a = start + the n rows */
static inline void held_rows(const int16_t *cells, const uint16_t *row, int32_t n, int16_t start, held_lanes *a) {
    for (int32_t k = 0; k < HELD_VECTORS; k++) a[k] = (held_lanes){0} + start;
    for (int32_t i = 0; i < n; i++) {
        const held_lanes *from = (const held_lanes *)(const void *)(cells + (size_t)row[i] * OHM_PART);
        for (int32_t k = 0; k < HELD_VECTORS; k++) a[k] += from[k];
    }
}

/* Codes of what lies outside; returns how many. */
static inline int32_t held_clamp(int32_t ncol, int16_t top, int16_t *code) {
    int16_t outside = 0; /* at most OHM_PART */
    for (int32_t c = 0; c < ncol; c++) {
        int16_t kept = code[c] > 0 ? code[c] : 0;
        kept = kept < top ? kept : top;
        outside = (int16_t)(outside + (code[c] != kept));
        code[c] = kept;
    }
    return outside;
}

static void held(const struct ohm_held *held, const struct ohm_lists *lists, int32_t step0, int32_t step1, int32_t *acc, int64_t *clipped) {
    const int32_t f = held->fraction, bits = held->bits < 15 ? held->bits : 15, stretch = 16 - bits;
    /* Half a step less one is added first; then odd whole parts need one more for halves to go to even. */
    const int16_t start = (int16_t)(f ? (1 << f >> 1) - 1 : 0), odd = f ? 1 : 0;
    for (int32_t p = 0; p < lists->npos; p++) {
        int32_t *to = acc + (size_t)p * OHM_CHUNK;
        memset(to, 0, OHM_PART * sizeof *to);
        for (int32_t t0 = step0, t1; t0 < step1; t0 = t1) {
            held_lanes a[HELD_VECTORS];
            held_sums sum[HELD_VECTORS] = {{0}};
            uint16_t sums[OHM_PART];
            t1 = step1 - t0 < stretch ? step1 : t0 + stretch;
            for (int32_t t = t0; t < t1; t++) {
                int32_t list = p * lists->nstep + t;
                if (!lists->driven[list]) continue;
                held_rows(held->cells, lists->row + lists->first[list], lists->driven[list], start, a);
                for (int32_t k = 0; k < HELD_VECTORS; k++) a[k] = (a[k] + ((a[k] >> f) & odd)) >> f;
                if (!held->inside) *clipped += held_clamp(held->ncol, (int16_t)((1 << bits) - 1), (int16_t *)a);
                for (int32_t k = 0; k < HELD_VECTORS; k++) sum[k] += (held_sums)a[k] << (t - t0);
            }
            memcpy(sums, sum, sizeof sums);
            for (int32_t c = 0; c < OHM_PART; c++) to[c] += (int32_t)sums[c] << (t0 - step0);
        }
    }
}
