/* From levels to conductances: what level 0 conducts, programming variation, drift. In level steps, one step the difference of neighbouring levels.
 */
#include "vary.h"
#include "ohmtally/draw.h"
#include "ohmtally/plan.h"
#include "ohmtally/status.h"
#include <math.h>
#include <stdlib.h>

#define FINEST 8 /* bits of the fraction */
#define LEVELS (1 << OHM_MAX_CELL_BITS)
#define UNDECIDED INT16_MIN

struct varying {
    const struct ohm_noise *noise;
    struct ohm_draws variation, drift;
    bool drifts; /* cell by cell */
    bool rises;  /* a cell's conductance rises with its word of variation, and follows no other */
    double zero, leak, top, log_time;
    /* What cells of each level become for 2^bits ranges of words: the same for all words of the range, or UNDECIDED. NULL: not yet known. */
    int32_t bits;
    int16_t *table[LEVELS];
};

/* The spread of a conductance of g level steps, in level steps. */
static double measured_spread(const struct varying *v, double g) {
    const struct ohm_measured_device *device = v->noise->device.measured;
    double step = (device->most_us - device->least_us) / v->top, us = g * step, spread = 0;
    for (int k = 3; k >= 0; k--) spread = spread * us + device->spread_us[k];
    return spread > 0 ? spread / step : 0;
}

static double vary(const struct varying *v, double g, uint32_t variation, uint32_t drift) {
    double s = v->noise->device.variation, z = s > 0 || v->noise->device.measured ? ohm_draw_normal(variation) : 0;
    if (v->noise->device.measured) g += measured_spread(v, g) * z;
    if (s > 0) switch (v->noise->device.law) {
        case OHM_VARIATION_LOGNORMAL:
            g *= ohm_draw_exp(s * z);
            break;
        case OHM_VARIATION_PROPORTIONAL:
            g *= 1 + s * z;
            break;
        case OHM_VARIATION_NORMAL:
            g += s * z * v->top;
            break;
        }
    if (g < 0) g = 0; /* no conductance is negative */
    if (v->noise->device.drift_time > 0) g = ohm_level_drifted(v->noise, v->log_time, v->zero, v->top + v->zero, g, drift);
    return g - v->leak;
}

static int16_t fixed(double g) {
    double steps = rint(g * (1 << FINEST));
    return (int16_t)(steps > INT16_MAX ? INT16_MAX : steps < -INT16_MAX ? -INT16_MAX : steps);
}

/* Where a conductance that rises with the word rounds to the same at both ends of a range, and not just so, it does in between. */
static int make_table(struct varying *v, uint32_t level) {
    int32_t n = 1 << v->bits;
    double last = vary(v, level + v->zero, 0, 0) * (1 << FINEST);
    int16_t *table = v->table[level] = ohm_alloc_array((size_t)n, sizeof *table);
    if (!table) return OHM_E_MEMORY;
    for (int32_t i = 0; i < n; i++) {
        double first = last;
        last = vary(v, level + v->zero, i + 1 < n ? (uint32_t)(i + 1) << (32 - v->bits) : UINT32_MAX, 0) * (1 << FINEST);
        table[i] = rint(first - 1e-6) == rint(last + 1e-6) ? fixed(first / (1 << FINEST)) : UNDECIDED;
    }
    return OHM_OK;
}

/* Columns c .. c + 63 of a row: the words of 16 blocks. */
static int vary_columns(struct varying *v, uint32_t layer, uint32_t array, struct ohm_tile *tile, int32_t r, int32_t c) {
    int16_t *to = tile->held + (size_t)r * (size_t)tile->ncol + (size_t)c;
    uint16_t halves[OHM_DRAW_HALVES] = {0};
    if (v->noise->device.variation > 0 || v->noise->device.measured)
        ohm_draw_halves(v->variation, layer, array, (uint32_t)r, (uint32_t)c / 64, halves);
    for (int32_t i = 0; i < 64 && c + i < tile->ncol; i++) {
        const uint16_t *half = halves + 32 * (i % 4) + 2 * (i / 4);
        uint32_t word = half[0] | (uint32_t)half[1] << 16, level = ohm_tile_get(tile, r, c + i);
        if (!v->table[level]) OHM_TRY(make_table(v, level));
        to[i] = v->table[level][word >> (32 - v->bits)];
        if (to[i] == UNDECIDED) to[i] = fixed(vary(v, level + v->zero, word, 0));
    }
    return OHM_OK;
}

/* Four columns at a time, whatever the conductances follow. */
static void vary_row(const struct varying *v, uint32_t layer, uint32_t array, struct ohm_tile *tile, int32_t r) {
    for (int32_t c = 0; c < tile->ncol; c += 4) {
        uint32_t variation[4] = {0}, drift[4] = {0};
        if (v->noise->device.variation > 0 || v->noise->device.measured)
            ohm_draw(v->variation, layer, array, (uint32_t)r, (uint32_t)c / 4, variation);
        if (v->drifts) ohm_draw(v->drift, layer, array, (uint32_t)r, (uint32_t)c / 4, drift);
        for (int32_t k = 0; k < 4 && c + k < tile->ncol; k++)
            tile->held[(size_t)r * (size_t)tile->ncol + (size_t)(c + k)] =
                fixed(vary(v, ohm_tile_get(tile, r, c + k) + v->zero, variation[k], drift[k]));
    }
}

static int vary_tile(struct varying *v, uint32_t layer, uint32_t array, struct ohm_tile *tile) {
    for (int32_t r = 0; r < tile->nrow; r++)
        if (v->rises)
            for (int32_t c = 0; c < tile->ncol; c += 64) OHM_TRY(vary_columns(v, layer, array, tile, r, c));
        else
            vary_row(v, layer, array, tile, r);
    return OHM_OK;
}

/* Ranges enough that few cells are undecided, and few against the cells. */
static int32_t table_bits(const struct ohm_plan *plan) {
    int64_t cells = 0;
    for (int32_t t = 0; t < plan->ntile; t++) cells += (int64_t)plan->tiles[t].nrow * plan->tiles[t].ncol;
    int32_t bits = ohm_bit_length(cells / 64);
    return bits < 6 ? 6 : bits > 14 ? 14 : bits;
}

/* The most that a bit line adds up, of either sign, in 2^-fraction. */
static int64_t largest_sum(const struct ohm_plan *plan) {
    int64_t most = 0;
    for (int32_t u = 0; u < plan->nuse; u++) {
        const struct ohm_use *use = &plan->uses[u];
        const struct ohm_tile *tile = &plan->tiles[use->tile];
        for (int32_t c = use->column0; c < use->column0 + use->ncol; c++) {
            int64_t above = 0, below = 0;
            for (int32_t r = use->row0; r < use->row0 + use->nrow; r++) {
                size_t at = (size_t)r * (size_t)tile->ncol + (size_t)c;
                int32_t g = tile->held[at], highest = g + (tile->swing ? tile->swing[at] : 0);
                above += highest > 0 ? highest : 0;
                below += g < 0 ? g : 0;
            }
            most = above > most ? above : most;
            most = -below > most ? -below : most;
        }
    }
    return most;
}

/* Nearest whole numbers to cells / 2^bits, halves to even. */
static void shorten(int16_t *cells, size_t n, int32_t bits) {
    for (size_t i = 0; cells && i < n; i++) cells[i] = (int16_t)rint((double)cells[i] / (1 << bits));
}

int ohm_plan_fit(struct ohm_plan *plan) {
    int32_t lost = 0;
    /* Rounding to fewer bits may add half a step a row. */
    for (int64_t most = largest_sum(plan); (most >> lost) + OHM_PLAN_ROUNDING > INT16_MAX;) lost++;
    if (lost > plan->fraction) return ohm_fail(OHM_E_UNSUPPORTED, "bit lines add up more than 15 bits of level steps; use fewer rows or cell bits");
    plan->fraction -= lost;
    for (int32_t t = 0; lost && t < plan->ntile; t++) {
        size_t n = (size_t)plan->tiles[t].nrow * (size_t)plan->tiles[t].ncol;
        shorten(plan->tiles[t].held, n, lost);
        shorten(plan->tiles[t].swing, n, lost);
    }
    return OHM_OK;
}

int ohm_plan_vary(struct ohm_plan *plan, const struct ohm_noise *noise, int32_t layer) {
    int32_t cell_bits = plan->ntile ? plan->tiles[0].cell_bits : 1;
    struct varying v = {.noise = noise,
                        .variation = ohm_draws_of(noise->seed, noise->trial, OHM_DRAW_VARIATION),
                        .drift = ohm_draws_of(noise->seed, noise->trial, OHM_DRAW_DRIFT),
                        .zero = ohm_level_zero(noise, cell_bits),
                        .leak = ohm_level_leak(noise, cell_bits),
                        .top = (1 << cell_bits) - 1,
                        .log_time = noise->device.drift_time > 0 ? ohm_draw_log(noise->device.drift_time) : 0,
                        .drifts = noise->device.drift_time > 0 && (noise->device.drift_spread > 0 || noise->device.drift_law == OHM_DRIFT_RANDOM),
                        .rises = !(noise->device.drift_time > 0) || (noise->device.drift_law == OHM_DRIFT_LOSS && !(noise->device.drift_spread > 0)),
                        .bits = table_bits(plan)};
    int status = OHM_OK;
    for (int32_t t = 0; !status && t < plan->ntile; t++) {
        struct ohm_tile *tile = &plan->tiles[t];
        tile->held = ohm_arena_array(plan->arena, (size_t)tile->nrow * (size_t)tile->ncol, sizeof *tile->held);
        status = tile->held ? vary_tile(&v, (uint32_t)layer, (uint32_t)t, tile) : OHM_E_MEMORY;
    }
    for (int32_t level = 0; level < LEVELS; level++) free(v.table[level]);
    OHM_TRY(status);
    plan->fraction = FINEST;
    return ohm_plan_fit(plan);
}
