/* Vertical counters with 256-bit vectors. */
#if defined(__x86_64__)
#define V_BYTES 32
#include "vector_body.h"

#include "transpose_body.h" /* what the counter needs of this vector comes first */

#include "counter_body.h"

#include "table_body.h"

#include "combine_body.h"
#include "masks_body.h"

const struct ohm_kernel ohm_kernel_avx2 = {
    .name = "avx2", .bit_masks = bit_masks_plain, .emit = emit_plain, .clip = clip, .table = table, .combine = combine, .scale_add = scale_add};
#endif
