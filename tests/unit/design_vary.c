/* Conductances of cells to the last bit: as noise.h writes them, from the words at each cell's address. */
#include "suite.h"
#define DRAW_SEED 0xC3A5C85C97CB3127ull
#include "draw.h"
#include "ohmtally/draw.h"
#include "ohmtally/plan.h"
#include "ohmtally/status.h"
#include <math.h>

/* Up, down or neither by the word's low half; or towards the target. */
static double drifted(const struct ohm_noise *noise, double g, double log_time, double least, double most, uint32_t word) {
    double spread = noise->device.drift_spread > 0 ? noise->device.drift_spread * ohm_draw_normal(word) : 0,
           target = noise->device.drift_target * most;
    int direction = noise->device.drift_law == OHM_DRIFT_RANDOM ? (int)((word & 0xffff) * 3 >> 16) - 1 : (g < target) - (g > target);
    if (direction) g *= ohm_draw_exp(direction * (noise->device.drift + spread) * log_time);
    return fmin(fmax(g, least), most);
}

/* What a cell becomes as noise.h writes it, by the words at its address. */
static int16_t one_cell(const struct ohm_noise *noise, double g, double top, uint32_t variation, uint32_t drift) {
    double s = noise->device.variation, z = ohm_draw_normal(variation), zero = noise->device.on_off > 1 ? top / (noise->device.on_off - 1) : 0;
    double log_time = noise->device.drift_time > 0 ? ohm_draw_log(noise->device.drift_time) : 0;
    g += zero;
    if (s > 0 && noise->device.law == OHM_VARIATION_LOGNORMAL) g *= ohm_draw_exp(s * z);
    if (s > 0 && noise->device.law == OHM_VARIATION_PROPORTIONAL) g *= 1 + s * z;
    if (s > 0 && noise->device.law == OHM_VARIATION_NORMAL) g += s * z * top;
    if (g < 0) g = 0;
    if (log_time > 0 && noise->device.drift_law != OHM_DRIFT_LOSS) g = drifted(noise, g, log_time, zero, top + zero, drift);
    double spread = noise->device.drift_spread > 0 ? noise->device.drift_spread * ohm_draw_normal(drift) : 0;
    if (log_time > 0 && noise->device.drift_law == OHM_DRIFT_LOSS) g *= ohm_draw_exp(-(noise->device.drift + spread) * log_time);
    if (!noise->device.leaks)
        g -= zero * (log_time > 0 && noise->device.drift_law == OHM_DRIFT_LOSS ? ohm_draw_exp(-noise->device.drift * log_time) : 1);
    return (int16_t)fmin(fmax(rint(g * 256), -INT16_MAX), INT16_MAX);
}

/* Cell by cell to the last bit, in arrays small and large (which decides how many ranges of words are looked up). */
static void test_cells(void) {
    for (int i = 0; i < 60; i++) {
        int32_t rows = 1 + (int32_t)draw(i % 6 ? 20 : 700), columns = 1 + (int32_t)draw(i % 6 ? 150 : 400), bits = 1 + (int32_t)draw(4),
                layer = (int32_t)draw(60);
        struct ohm_noise noise = {.seed = draw(1000), .trial = draw(3), .device = {.variation = 0.1 * draw(5), .law = (enum ohm_variation)draw(3)}};
        if (draw(2)) noise.device.on_off = 2 + draw(60);
        noise.device.leaks = draw(3) == 0;
        noise.device.drift = 0.02;
        noise.device.drift_law = (enum ohm_drift)draw(3);
        noise.device.drift_target = 0.1 * draw(11);
        if (draw(3) == 0) noise.device.drift_time = 1000;
        if (draw(3) == 0) noise.device.drift_spread = 0.004;
        struct ohm_plan *plan = ohm_plan_new(1, rows, 1);
        struct ohm_draws variation = ohm_draws_of(noise.seed, noise.trial, OHM_DRAW_VARIATION),
                         drift = ohm_draws_of(noise.seed, noise.trial, OHM_DRAW_DRIFT);
        int32_t different = 0;
        CU_ASSERT_EQUAL_FATAL(ohm_plan_add_tile(plan, rows, columns, bits), 0);
        for (int32_t k = 0; k < rows * columns; k++) ohm_tile_set(&plan->tiles[0], k / columns, k % columns, draw(1u << bits));
        CU_ASSERT_FATAL(!ohm_plan_vary(plan, &noise, layer) && plan->fraction == 8);
        for (int32_t k = 0; k < rows * columns; k++) {
            uint32_t r = (uint32_t)(k / columns), c = (uint32_t)(k % columns), words[4], drifts[4];
            ohm_draw(variation, (uint32_t)layer, 0, r, c / 4, words);
            ohm_draw(drift, (uint32_t)layer, 0, r, c / 4, drifts);
            different += plan->tiles[0].held[k] !=
                         one_cell(&noise, ohm_tile_get(&plan->tiles[0], (int32_t)r, (int32_t)c), (1 << bits) - 1, words[c % 4], drifts[c % 4]);
        }
        CU_ASSERT_EQUAL(different, 0);
        ohm_plan_free(plan);
    }
}

int main(void) {
    const struct suite_test tests[] = {{"every cell", test_cells}};
    return SUITE_RUN("design vary", tests);
}
