/* The designs there are (internal to this layer). A new one: its file, a line here, a line in list.c. */
#ifndef OHM_DESIGN_DESIGNS_H
#define OHM_DESIGN_DESIGNS_H
#include "ohmtally/design.h"

extern const struct ohm_design ohm_design_isaac, ohm_design_sme;

#endif
