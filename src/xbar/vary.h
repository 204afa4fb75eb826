/* Conductances in level steps (internal to xbar). */
#ifndef OHM_XBAR_VARY_H
#define OHM_XBAR_VARY_H
#include "ohmtally/kernel.h"
#include "ohmtally/noise.h"

#define OHM_PLAN_ROUNDING OHM_MAX_ROWS                                         /* room left in 15-bit sums for what rounding adds */
double ohm_level_zero(const struct ohm_noise *noise, int32_t cell_bits);       /* what level 0 conducts */
double ohm_level_leak(const struct ohm_noise *noise, int32_t cell_bits);       /* what of it is taken off every cell before the ADC */

#endif
