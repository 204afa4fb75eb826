/* Conductances in level steps (internal to xbar). */
#ifndef OHM_XBAR_VARY_H
#define OHM_XBAR_VARY_H
#include "ohmtally/kernel.h"
#include "ohmtally/plan.h"

/* Of the variance of a read with conductance, both in level steps: read_noise^2, and bandwidth (4 k temperature + 2 q read_volts) / read_volts^2 of a
 * conductor of one level step (Johnson and shot noise, as in PytorX). */
double ohm_level_growth(const struct ohm_noise *noise, int32_t cell_bits);
double ohm_level_siemens(const struct ohm_noise *noise, int32_t cell_bits); /* of a level step */
/* After drift; zero, top: conductances of level 0 and of the largest level; word: the cell's draw. */
double ohm_level_drifted(const struct ohm_noise *noise, double log_time, double zero, double top, double g, uint32_t word);
/* Fewer bits of fraction where bit lines may add up more than 15 bits. */
int ohm_plan_fit(struct ohm_plan *plan);
#define OHM_PLAN_ROUNDING OHM_MAX_ROWS                                   /* room left in 15-bit sums for what rounding adds */
double ohm_level_zero(const struct ohm_noise *noise, int32_t cell_bits); /* what level 0 conducts */
double ohm_level_leak(const struct ohm_noise *noise, int32_t cell_bits); /* what of it is taken off every cell before the ADC */

#endif
