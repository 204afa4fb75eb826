/* Bit planes to integers by swapping halves (8 x 8 byte, then 8 x 8 bit transpositions in 64-bit lanes), for vectors without special instructions.
 * Needs V, V_WORDS and element-wise & | ^ << >> on V (compiler vector types). */
#include "ohmtally/kernel.h"
#include <string.h>

#define SWAP_BITS(x, y, shift, mask)                                                                                                                 \
    do {                                                                                                                                             \
        V sw_ = (((x) >> (shift)) ^ (y)) & (mask);                                                                                                   \
        (y) ^= sw_;                                                                                                                                  \
        (x) ^= sw_ << (shift);                                                                                                                       \
    } while (0)

/* In every 64-bit lane: v[p] byte g -> v[g] byte p, then inside each v[g] bit j of byte p -> bit p of byte j. */
static inline void transpose_8x8(V v[8]) {
    for (int i = 0; i < 4; i++) SWAP_BITS(v[i], v[i + 4], 32, 0x00000000FFFFFFFFull);
    for (int i = 0; i < 8; i += 4)
        for (int j = 0; j < 2; j++) SWAP_BITS(v[i + j], v[i + j + 2], 16, 0x0000FFFF0000FFFFull);
    for (int i = 0; i < 8; i += 2) SWAP_BITS(v[i], v[i + 1], 8, 0x00FF00FF00FF00FFull);
    for (int i = 0; i < 8; i++) {
        V x = v[i], s;
        s = (x ^ (x >> 7)) & 0x00AA00AA00AA00AAull;
        x ^= s ^ (s << 7);
        s = (x ^ (x >> 14)) & 0x0000CCCC0000CCCCull;
        x ^= s ^ (s << 14);
        s = (x ^ (x >> 28)) & 0x00000000F0F0F0F0ull;
        v[i] = x ^ s ^ (s << 28);
    }
}

static void transpose(const uint64_t (*planes)[OHM_CHUNK_WORDS], int32_t nplane, int32_t *out) {
    uint8_t bytes[4][OHM_CHUNK] __attribute__((aligned(64))); /* [group of 8 planes][column] */
    int32_t groups = (nplane + 7) / 8;
    if (!groups) memset(out, 0, OHM_CHUNK * sizeof *out);
    for (int32_t g = 0; g < groups; g++)
        for (int32_t word = 0; word < OHM_CHUNK_WORDS; word += V_WORDS) {
            V v[8];
            for (int32_t k = 0; k < 8; k++) v[k] = g * 8 + k < nplane ? LOAD(&planes[g * 8 + k][word]) : ZERO;
            transpose_8x8(v);
            for (int32_t k = 0; k < 8; k++) {
                uint64_t lane[V_WORDS];
                memcpy(lane, &v[k], sizeof lane);
                for (int32_t w = 0; w < V_WORDS; w++) memcpy(&bytes[g][(word + w) * 64 + k * 8], &lane[w], 8);
            }
        }
    if (groups == 1)
        for (int32_t c = 0; c < OHM_CHUNK; c++) out[c] = bytes[0][c];
    if (groups == 2)
        for (int32_t c = 0; c < OHM_CHUNK; c++) out[c] = bytes[0][c] | bytes[1][c] << 8;
    if (groups == 3)
        for (int32_t c = 0; c < OHM_CHUNK; c++) out[c] = bytes[0][c] | bytes[1][c] << 8 | bytes[2][c] << 16;
    if (groups == 4)
        for (int32_t c = 0; c < OHM_CHUNK; c++)
            out[c] = (int32_t)((uint32_t)(bytes[0][c] | bytes[1][c] << 8 | bytes[2][c] << 16) | (uint32_t)bytes[3][c] << 24);
}
