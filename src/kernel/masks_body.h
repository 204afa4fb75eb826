/* Bit masks of byte or 16-bit values by 8 x 8 bit transpositions; plain 64-bit arithmetic. */
#include "places.h"
#include <string.h>

/* Byte j of the result collects bit j of the eight bytes of x. */
static inline uint64_t transpose_byte_bits(uint64_t x) {
    uint64_t s = (x ^ (x >> 7)) & 0x00AA00AA00AA00AAull;
    x ^= s ^ (s << 7);
    s = (x ^ (x >> 14)) & 0x0000CCCC0000CCCCull;
    x ^= s ^ (s << 14);
    s = (x ^ (x >> 28)) & 0x00000000F0F0F0F0ull;
    return x ^ s ^ (s << 28);
}

static void bit_masks_plain(int32_t n, int32_t element, const void *values, int32_t nbit, uint64_t *mask) {
    int32_t words = (n + 63) / 64;
    memset(mask, 0, (size_t)nbit * (size_t)words * sizeof *mask);
    for (int32_t r = 0; r < n; r += 8) {
        int32_t here = n - r < 8 ? n - r : 8;
        uint64_t low = 0, high = 0;
        if (element == 1)
            memcpy(&low, (const uint8_t *)values + r, (size_t)here);
        else
            for (int32_t j = 0; j < here; j++) {
                uint16_t value = ((const uint16_t *)values)[r + j];
                low |= (uint64_t)(value & 255) << (8 * j);
                high |= (uint64_t)(value >> 8) << (8 * j);
            }
        low = transpose_byte_bits(low);
        high = transpose_byte_bits(high);
        for (int32_t k = 0; k < nbit; k++) mask[k * words + r / 64] |= ((k < 8 ? low >> (8 * k) : high >> (8 * (k - 8))) & 255) << (r % 64);
    }
}

/* Few ones are looked for one by one; more, byte by byte: eight places are written, of which as many count as the byte has ones. */
static int32_t emit_plain(const uint64_t *mask, int32_t words, uint16_t *out) {
    typedef uint16_t eight __attribute__((vector_size(16)));
    int32_t n = 0;
    for (int32_t w = 0; w < words; w++) {
#ifdef __POPCNT__ /* counting costs more than it saves otherwise */
        if (__builtin_popcountll(mask[w]) < 6) {
            for (uint64_t rest = mask[w]; rest; rest &= rest - 1) out[n++] = (uint16_t)(w * 64 + __builtin_ctzll(rest));
            continue;
        }
#endif
        for (int32_t byte = 0; byte < 8; byte++) {
            uint32_t bits = mask[w] >> (8 * byte) & 255;
            eight places;
            memcpy(&places, ohm_byte_places[bits], sizeof places);
            places += (uint16_t)(w * 64 + 8 * byte);
            memcpy(out + n, &places, sizeof places);
#ifdef __POPCNT__
            n += __builtin_popcount(bits);
#else
            n += ohm_byte_ones[bits];
#endif
        }
    }
    return n;
}
