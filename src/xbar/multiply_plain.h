/* What the definitions of levels and of conductances share (internal to xbar). */
#ifndef OHM_XBAR_MULTIPLY_PLAIN_H
#define OHM_XBAR_MULTIPLY_PLAIN_H
#include "ohmtally/crossbar.h"

int64_t ohm_plain_input(int32_t element, const void *x, size_t place);
/* What the digital side adds to the sums of position p. */
void ohm_plain_digital(const struct ohm_plan *plan, const struct ohm_adc *adc, int32_t element, const void *x, size_t p, int64_t *y);

#endif
