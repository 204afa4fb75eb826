/* Vertical counters with 256-bit vectors. */
#if defined(__x86_64__)
#include <stdint.h>
typedef uint64_t V __attribute__((vector_size(32), may_alias));
#define V_WORDS 4
#define LOAD(p) (*(const V *)(p))
#define STORE(p, v) (*(V *)(p) = (v))
#define ZERO ((V){0})
#define XOR(a, b) ((a) ^ (b))
#define AND(a, b) ((a) & (b))
#define OR(a, b) ((a) | (b))
#define XOR3(a, b, c) ((a) ^ (b) ^ (c))
#define MAJ(a, b, c) (((a) & (b)) | ((c) & ((a) ^ (b))))
#define ONES(v) ((int64_t)(__builtin_popcountll((v)[0]) + __builtin_popcountll((v)[1]) + __builtin_popcountll((v)[2]) + __builtin_popcountll((v)[3])))
#include "ohmtally/kernel.h"

#include "transpose_body.h" /* what the counter needs of this vector comes first */

#include "counter_body.h"

#include "combine_body.h"
#include "masks_body.h"

const struct ohm_kernel ohm_kernel_avx2 = {
    .name = "avx2", .bit_masks = bit_masks_plain, .emit = emit_plain, .clip = clip, .table = table, .combine = combine, .scale_add = scale_add};
#endif
