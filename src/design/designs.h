/* The designs there are (internal to this layer). A new one: its file, a line here, a line in list.c. */
#ifndef OHM_DESIGN_DESIGNS_H
#define OHM_DESIGN_DESIGNS_H
#include "ohmtally/design.h"

extern const struct ohm_design ohm_design_isaac, ohm_design_sme, ohm_design_sobsx;

/* Bits for the counts 0 .. rows (2^cell_bits - 1). */
static inline int32_t design_count_bits(int32_t rows, int32_t cell_bits) {
    return 32 - __builtin_clz((uint32_t)rows * ((1u << cell_bits) - 1));
}

#endif
