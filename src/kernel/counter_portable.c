/* Vertical counters with 128-bit compiler vectors: no instruction beyond the base architecture. */
#include <stdint.h>
typedef uint64_t V __attribute__((vector_size(16), may_alias));
#define V_WORDS 2
#define LOAD(p) (*(const V *)(p))
#define STORE(p, v) (*(V *)(p) = (v))
#define ZERO ((V){0})
#define XOR(a, b) ((a) ^ (b))
#define AND(a, b) ((a) & (b))
#define OR(a, b) ((a) | (b))
#define XOR3(a, b, c) ((a) ^ (b) ^ (c))
#define MAJ(a, b, c) (((a) & (b)) | ((c) & ((a) ^ (b))))
#define ONES(v) ((int64_t)(__builtin_popcountll((v)[0]) + __builtin_popcountll((v)[1])))
#include "ohmtally/kernel.h"

#include "transpose_body.h" /* what the counter needs of this vector comes first */

#include "counter_body.h"

#include "combine_body.h"
#include "masks_body.h"

const struct ohm_kernel ohm_kernel_portable = {
    .name = "portable", .bit_masks = bit_masks_plain, .emit = emit_plain, .clip = clip, .table = table, .combine = combine, .scale_add = scale_add};
