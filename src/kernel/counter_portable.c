/* Vertical counters with 128-bit compiler vectors: no instruction beyond the base architecture. */
#define V_BYTES 16
#include "vector_body.h"

#include "transpose_body.h" /* what the counter needs of this vector comes first */

#include "counter_body.h"

#include "table_body.h"

#include "combine_body.h"
#include "masks_body.h"

const struct ohm_kernel ohm_kernel_portable = {.name = "portable",
                                               .bit_masks = bit_masks_plain,
                                               .emit = emit_plain,
                                               .clip = clip,
                                               .clip_onto = clip_onto,
                                               .integers = integers,
                                               .excess = excess,
                                               .table = table,
                                               .combine = combine,
                                               .combine_narrow = combine_narrow,
                                               .scale_add = scale_add,
                                               .scale_add_narrow = scale_add_narrow,
                                               .full_adders = full_adders,
                                               .ones = count_ones};
