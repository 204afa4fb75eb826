/* Shift-and-add of finished column sums; plain loops that the compiler vectorises for each instruction set. */
#include <stdint.h>
#include <string.h>

static void combine(int32_t n, const int32_t *restrict coefficient, const int32_t *restrict acc, int32_t shift, int64_t *restrict y) {
    for (int32_t i = 0; i < n; i++) y[i] += ((int64_t)coefficient[i] * acc[i]) * ((int64_t)1 << shift);
}

static void scale_add(int32_t n, int64_t factor, const int32_t *restrict acc, int64_t *restrict y) {
    for (int32_t i = 0; i < n; i++) y[i] += factor * acc[i];
}

static void combine_narrow(int32_t n, const int32_t *restrict coefficient, const int32_t *restrict acc, int32_t shift, int32_t *restrict y) {
    for (int32_t i = 0; i < n; i++) y[i] = (int32_t)((uint32_t)y[i] + ((uint32_t)coefficient[i] * (uint32_t)acc[i] << shift));
}

static void scale_add_narrow(int32_t n, int32_t factor, const int32_t *restrict acc, int32_t *restrict y) {
    for (int32_t i = 0; i < n; i++) y[i] = (int32_t)((uint32_t)y[i] + (uint32_t)factor * (uint32_t)acc[i]);
}

static int64_t count_ones(size_t bytes, const void *values) {
    const uint8_t *from = values;
    int64_t sum = 0;
    for (; bytes >= 8; bytes -= 8, from += 8) {
        uint64_t word;
        memcpy(&word, from, 8);
        sum += __builtin_popcountll(word);
    }
    for (; bytes; bytes--, from++) sum += __builtin_popcount(*from);
    return sum;
}

/* The functions of the file that includes this; what differs in name is given. */
#define KERNEL(text, masks, places, adders, conductances, noisy)                                                                                     \
    {                                                                                                                                                \
        .name = text, .bit_masks = masks, .emit = places, .clip = clip, .clip_onto = clip_onto, .table_onto = table_onto, .integers = integers,      \
        .excess = excess, .table = table, .held = conductances, .held_noisy = noisy, .combine = combine, .combine_narrow = combine_narrow,           \
        .scale_add = scale_add, .scale_add_narrow = scale_add_narrow, .full_adders = adders, .ones = count_ones                                      \
    }
