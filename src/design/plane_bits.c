#include "plane_bits.h"
#include "ohmtally/clones.h"
#include <string.h>

OHM_CLONES
uint32_t plane_bits_together(const int32_t *w, int32_t n) {
    uint32_t together = 0;
    for (int32_t c = 0; c < n; c++) together |= (uint32_t)(w[c] < 0 ? -w[c] : w[c]);
    return together;
}

OHM_CLONES
uint32_t plane_bits_magnitudes(const int32_t *restrict w, int32_t n, int32_t sign, uint16_t *restrict m) {
    uint32_t together = 0;
    for (int32_t c = 0; c < n; c++) {
        int32_t value = sign * w[c] > 0 ? sign * w[c] : 0;
        together |= (uint32_t)value;
        m[c] = (uint16_t)value;
    }
    return together;
}

OHM_CLONES
uint32_t plane_bits_squeeze(uint16_t *m, int32_t n, int32_t shift, uint32_t half, uint32_t most) {
    uint32_t together = 0;
    for (int32_t c = 0; c < n; c++) {
        uint32_t moved = (m[c] + half) >> shift;
        moved = moved < most ? moved : most;
        together |= moved;
        m[c] = (uint16_t)moved;
    }
    return together;
}

/* 8 x 8 bits of a word, [byte][bit], are exchanged across the diagonal: blocks of 1, 2 and 4 (Warren, Hacker's Delight, Sec. 7-3). */
static inline uint64_t turn_bits(uint64_t x) {
    uint64_t t = (x ^ x >> 7) & 0x00AA00AA00AA00AAull;
    x ^= t ^ t << 7;
    t = (x ^ x >> 14) & 0x0000CCCC0000CCCCull;
    x ^= t ^ t << 14;
    t = (x ^ x >> 28) & 0x00000000F0F0F0F0ull;
    return x ^ t ^ t << 28;
}

/* The same for 8 x 8 bytes of eight words: blocks of `shift` bits between words that are `apart`. */
static inline void turn_bytes(uint64_t x[8], int32_t apart, int32_t shift, uint64_t mask) {
    for (int32_t i = 0; i < 8; i++) {
        if (i & apart) continue;
        uint64_t t = (x[i] >> shift ^ x[i + apart]) & mask;
        x[i] ^= t << shift;
        x[i + apart] ^= t;
    }
}

/* Bits from .. of 64 magnitudes -> eight words. */
static inline void pack_byte(const uint16_t *m, int32_t from, uint64_t x[8]) {
    uint8_t low[64];
    for (int32_t c = 0; c < 64; c++) low[c] = (uint8_t)(m[c] >> from);
    memcpy(x, low, sizeof low);
    for (int32_t i = 0; i < 8; i++) x[i] = turn_bits(x[i]);
    turn_bytes(x, 4, 32, 0xFFFFFFFFull);
    turn_bytes(x, 2, 16, 0x0000FFFF0000FFFFull);
    turn_bytes(x, 1, 8, 0x00FF00FF00FF00FFull);
}

OHM_CLONES
void plane_bits_pack(uint16_t *m, int32_t n, int32_t nbit, uint64_t *bits) {
    int32_t words = (n + 63) / 64;
    memset(m + n, 0, (size_t)(words * 64 - n) * sizeof *m);
    for (int32_t word = 0; word < words; word++)
        for (int32_t from = 0; from < nbit; from += 8) {
            uint64_t x[8];
            pack_byte(m + 64 * word, from, x);
            for (int32_t k = from; k < nbit && k < from + 8; k++) bits[k * words + word] = x[k - from];
        }
}

void plane_bits_put(uint64_t *row, int32_t at, const uint64_t *from, int32_t n) {
    row += at / 64;
    at %= 64;
    for (; n > 0; n -= 64, from++, row++) {
        row[0] ^= *from << at;
        if (at + (n < 64 ? n : 64) > 64) row[1] ^= *from >> (64 - at);
    }
}
