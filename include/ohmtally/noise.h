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
    X(stuck_off, 1, "share of cells stuck at level 0 (most resistance)")                                                                             \
    X(variation, 2, "programming: standard deviation of a cell's conductance, as variation_law says")                                                \
    X(on_off, 1e9, "ratio of the largest conductance to that of level 0; 0: level 0 does not conduct")                                               \
    X(read_noise, 10, "standard deviation of a read of one cell a level step above 0, in level steps; variance grows with conductance")              \
    X(drift_time, 1e12, "seconds since programming, in units of the time at which it was verified; 0: no drift")                                     \
    X(drift, 1, "exponent of the loss of conductance, time ^ -drift")                                                                                \
    X(drift_spread, 1, "standard deviation of the exponent between cells")                                                                           \
    X(drift_target, 1, "drift_law: target: the conductance drifted to, as a share of the largest")                                                   \
    X(telegraph, 1, "random telegraph noise: what a cell's second state adds to its conductance, as a share")                                        \
    X(telegraph_us, 1000, "and in microsiemens beside that")                                                                                         \
    X(bandwidth, 1e12, "hertz of a read: thermal and shot noise of its current, of a variance in proportion to conductance; 0: none")

/* Wires (wires.h). A job's key is wire_ and this; largest value, meaning. In ohm; NeuroSim's 32 nm wires and 4 F x 12 F cells: 1.47 a row's step
 * along the bit line, 4.40 a column's step along the word line. */
#define OHM_WIRE_LIST(X)                                                                                                                             \
    X(row, 100, "ohm of a word line from one cell to the next")                                                                                      \
    X(column, 100, "ohm of a bit line from one cell to the next")                                                                                    \
    X(driver, 1e4, "ohm of a word line's driver")                                                                                                    \
    X(sense, 1e4, "ohm of what senses a bit line")
#define OHM_LEAST_OHM 100 /* on_ohm */
#define OHM_MOST_OHM 1e9
#define OHM_MOST_KELVIN 1000
#define OHM_LEAST_VOLTS 0.001 /* of a read */
#define OHM_MOST_VOLTS 100

/* Converters: static errors, drawn for every ADC on its own. key of a job's section `adc`, largest value, meaning. LSB: the difference between
 * neighbouring codes. */
#define OHM_ADC_ERROR_LIST(X)                                                                                                                        \
    X(gain_error, 1, "standard deviation of the ADCs' gain, as a share")                                                                             \
    X(offset_error, 1000, "of their offset, comparator included, in LSB")                                                                            \
    X(dnl, 10, "of the width of a code in LSB, first and last level in place")                                                                       \
    X(mismatch, 1, "of a SAR converter's unit capacitor, as a share; one of 2^k units has 2^(k/2) times as much")
#define OHM_ADC_LEVEL_BITS 12 /* dnl, mismatch and measured levels: for ADCs of at most so many bits */

/* Levels as measured: where code 1, 2 .. begins, in LSB above the middle of code 0, and the standard deviation of that between ADCs. */
struct ohm_adc_levels {
    int32_t n; /* 2^bits - 1 */
    const float *mean, *spread;
};
/* Codes as measured: what is given in place of code 0, 1 .. on average, and the standard deviation of that from conversion to conversion, in LSB. */
struct ohm_adc_codes {
    int32_t n; /* 2^bits */
    const float *mean;
    const float *spread; /* NULL: none */
};

/* name, word in a job, meaning: how `variation` s acts on a conductance g in level steps; z normal, cell by cell. */
#define OHM_VARIATION_LIST(X)                                                                                                                        \
    X(OHM_VARIATION_LOGNORMAL, "lognormal", "g exp(s z) (Chen et al., DATE 2017)")                                                                   \
    X(OHM_VARIATION_PROPORTIONAL, "proportional", "g (1 + s z) (NeuroSim)")                                                                          \
    X(OHM_VARIATION_NORMAL, "normal", "g + s z times the largest level: the same for all states")
enum ohm_variation {
#define X(name, word, about) name,
    OHM_VARIATION_LIST(X)
#undef X
};

/* Likewise: what becomes of a conductance g, v the cell's exponent. NeuroSim's retention is the last two; conductances stay between those of level 0
 * and of the largest level. */
#define OHM_DRIFT_LIST(X)                                                                                                                            \
    X(OHM_DRIFT_LOSS, "loss", "g time ^ -v")                                                                                                         \
    X(OHM_DRIFT_RANDOM, "random", "g time ^ (v s), s -1, 0 or 1, as likely each, cell by cell")                                                      \
    X(OHM_DRIFT_TARGET, "target", "g time ^ (v s), s 1 below drift_target, -1 above")
enum ohm_drift {
#define X(name, word, about) name,
    OHM_DRIFT_LIST(X)
#undef X
};

/* A device as measured: levels lie evenly between two conductances; programming leaves a normal error of standard deviation sum_k spread_us[k] G^k (0
 * where negative). In microsiemens. */
struct ohm_measured_device {
    double least_us, most_us, spread_us[4];
};

struct ohm_noise {
    uint64_t seed;
    uint32_t trial; /* chip: static draws differ from chip to chip */
    struct {
#define X(key, most, about) double key;
        OHM_DEVICE_LIST(X)
#undef X
        enum ohm_variation law;
        enum ohm_drift drift_law;
        double temperature, read_volts;             /* kelvin; for bandwidth */
        const struct ohm_measured_device *measured; /* in place of variation, on_off and on_ohm; NULL: none */
        double on_ohm;                              /* a cell's resistance at its largest level; for wires and bandwidth */
        bool leaks; /* what level 0 conducts on average is not taken off before the ADC (by a unit column or the other column of a pair) */
    } device;
    struct {
#define X(member, most, about) double member;
        OHM_WIRE_LIST(X)
#undef X
    } wire;
    struct {
#define X(key, most, about) double key;
        OHM_ADC_ERROR_LIST(X)
#undef X
        const struct ohm_adc_levels *levels; /* NULL: ideal ones */
        const struct ohm_adc_codes *codes;   /* likewise */
        int32_t per_array;                   /* ADCs of an array */
        double thermal;                      /* standard deviation of a conversion, LSB */
        bool interleaved;                    /* neighbouring columns have different ones; otherwise each has a block of columns */
    } adc;
};
static inline bool ohm_noise_of_cells(const struct ohm_noise *noise) { /* do cells hold another level than was programmed? */
    return noise->device.stuck_on > 0 || noise->device.stuck_off > 0;
}
static inline bool ohm_noise_of_reads(const struct ohm_noise *noise) { /* does a conversion come out differently the next time? */
    return noise->device.read_noise > 0 || noise->device.bandwidth > 0 || noise->adc.thermal > 0 || (noise->adc.codes && noise->adc.codes->spread);
}
static inline bool ohm_noise_of_wires(const struct ohm_noise *noise) { /* do wires resist? */
    return noise->wire.row > 0 || noise->wire.column > 0 || noise->wire.driver > 0 || noise->wire.sense > 0;
}
static inline bool ohm_noise_of_telegraph(const struct ohm_noise *noise) { /* do cells have two states? */
    return noise->device.telegraph > 0 || noise->device.telegraph_us > 0;
}
static inline bool ohm_noise_of_sums(const struct ohm_noise *noise) { /* is what a bit line adds up no whole number of levels? */
    return ohm_noise_of_reads(noise) || ohm_noise_of_wires(noise) || ohm_noise_of_telegraph(noise) || noise->device.variation > 0 ||
           noise->device.measured || noise->device.drift_time > 0 || (noise->device.leaks && noise->device.on_off > 0);
}
static inline bool ohm_noise_of_levels(const struct ohm_noise *noise) {
    return noise->adc.dnl > 0 || noise->adc.mismatch > 0 || noise->adc.levels;
}
static inline bool ohm_noise_of_adcs(const struct ohm_noise *noise) {
    return noise->adc.gain_error > 0 || noise->adc.offset_error > 0 || noise->adc.codes || ohm_noise_of_levels(noise);
}
static inline bool ohm_noise_any(const struct ohm_noise *noise) { /* does anything differ from chip to chip? */
    return ohm_noise_of_cells(noise) || ohm_noise_of_adcs(noise) || ohm_noise_of_sums(noise);
}

#endif
