/* Vertical counters with 128-bit compiler vectors: no instruction beyond the base architecture. */
#define V_BYTES 16
#include "vector_body.h"

#include "transpose_body.h" /* what the counter needs of this vector comes first */

#include "counter_body.h"

#include "table_body.h"

#include "combine_body.h"
#include "held_body.h"
#include "masks_body.h"

const struct ohm_kernel ohm_kernel_portable = KERNEL("portable", bit_masks_plain, emit_plain, full_adders, held, NULL);
