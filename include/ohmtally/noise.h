/* What real devices add to a design: settings of the models. All off (0) by default; then nothing is drawn and nothing costs time. Layer: noise. */
#ifndef OHMTALLY_NOISE_H
#define OHMTALLY_NOISE_H
#include <stdbool.h>
#include <stdint.h>

/* Cells. key of a job's section `device`, largest value, meaning. Stuck cells are named by their state, since papers disagree on which is SA0: on is
 * the state of least resistance (largest level), off that of most (level 0). Measured shares of one chip (Chen et al., DATE 2017): on 0.0175,
 * off 0.0904. */
#define OHM_DEVICE_LIST(X)                                                                                                                           \
    X(stuck_on, 1, "share of cells stuck at their largest level (least resistance)")                                                                 \
    X(stuck_off, 1, "share of cells stuck at level 0 (most resistance)")

struct ohm_noise {
    uint64_t seed;
    uint32_t trial; /* chip: static draws differ from chip to chip */
    struct {
#define X(key, most, about) double key;
        OHM_DEVICE_LIST(X)
#undef X
    } device;
};
static inline bool ohm_noise_of_cells(const struct ohm_noise *noise) { /* do cells hold something else than what was programmed? */
    return noise->device.stuck_on > 0 || noise->device.stuck_off > 0;
}

#endif
