/* A technology in which every price is a different number, so that a swapped pair shows. */
#ifndef OHM_TEST_NUMBERED_H
#define OHM_TEST_NUMBERED_H
#include "ohmtally/technology.h"

static inline struct ohm_technology numbered(void) {
    struct ohm_technology technology = {0};
    for (int i = 0; i < OHM_TECHNOLOGY_COUNT; i++) *ohm_technology_field(&technology, i) = 1 + 0.37 * i;
    technology.node_nm = 32;
    technology.adc_rate_gsps = 1.2;
    technology.array_rows = technology.array_columns = 128;
    return technology;
}

#endif
