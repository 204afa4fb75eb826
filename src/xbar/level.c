/* Conductances in level steps: their unit, what level 0 conducts, drift, noise of reads. */
#include "ohmtally/draw.h"
#include "vary.h"
#include <math.h>

#define BOLTZMANN 1.380649e-23 /* J / K */
#define CHARGE 1.602176634e-19 /* C */

double ohm_level_zero(const struct ohm_noise *noise, int32_t cell_bits) {
    const struct ohm_measured_device *measured = noise->device.measured;
    if (measured) return ((1 << cell_bits) - 1) * measured->least_us / (measured->most_us - measured->least_us);
    return noise->device.on_off > 1 ? ((1 << cell_bits) - 1) / (noise->device.on_off - 1) : 0;
}

double ohm_level_siemens(const struct ohm_noise *noise, int32_t cell_bits) {
    double steps = (1 << cell_bits) - 1 + ohm_level_zero(noise, cell_bits); /* of the largest level */
    return noise->device.measured ? noise->device.measured->most_us * 1e-6 / steps : 1 / (noise->device.on_ohm * steps);
}

double ohm_level_leak(const struct ohm_noise *noise, int32_t cell_bits) {
    if (noise->device.leaks) return 0;
    double kept = 1; /* a reference column drifts, too, where all cells drift alike */
    if (noise->device.drift_time > 0 && noise->device.drift_law == OHM_DRIFT_LOSS)
        kept = ohm_draw_exp(-noise->device.drift * ohm_draw_log(noise->device.drift_time));
    return ohm_level_zero(noise, cell_bits) * kept;
}

double ohm_level_growth(const struct ohm_noise *noise, int32_t cell_bits) {
    double volts = noise->device.read_volts, growth = noise->device.read_noise * noise->device.read_noise;
    if (!(noise->device.bandwidth > 0)) return growth;
    return growth + noise->device.bandwidth * (4 * BOLTZMANN * noise->device.temperature + 2 * CHARGE * volts) / (volts * volts) /
                        ohm_level_siemens(noise, cell_bits);
}

/* -1, 0, 1 by the word's low half, since its deviate is made of the high bits. */
static int random_direction(uint32_t word) {
    return (int)((word & 0xffff) * 3 >> 16) - 1;
}

double ohm_level_drifted(const struct ohm_noise *noise, double log_time, double zero, double top, double g, uint32_t word) {
    double spread = noise->device.drift_spread > 0 ? noise->device.drift_spread * ohm_draw_normal(word) : 0;
    double exponent = noise->device.drift + spread, target = noise->device.drift_target * top;
    if (noise->device.drift_law == OHM_DRIFT_LOSS) return g * ohm_draw_exp(-exponent * log_time);
    int direction = noise->device.drift_law == OHM_DRIFT_RANDOM ? random_direction(word) : (g < target) - (g > target);
    double drifted = direction ? g * ohm_draw_exp(direction * exponent * log_time) : g;
    return fmin(fmax(drifted, zero), top);
}
