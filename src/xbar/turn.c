/* Matrices turned in pieces: column by column every access would miss the cache. */
#include "ohmtally/clones.h"
#include "program.h"
#include <string.h>

/* 8 x 8 bytes: byte j of row[i] <-> byte i of row[j]. */
static inline __attribute__((always_inline)) void turn_8x8(uint64_t row[8]) {
#define SWAP(a, b, shift, mask)                                                                                                                      \
    do {                                                                                                                                             \
        uint64_t differ_ = ((a) >> (shift) ^ (b)) & (mask);                                                                                          \
        (b) ^= differ_;                                                                                                                              \
        (a) ^= differ_ << (shift);                                                                                                                   \
    } while (0)
    for (int i = 0; i < 4; i++) SWAP(row[i], row[i + 4], 32, 0x00000000FFFFFFFFull);
    for (int i = 0; i < 8; i += 4)
        for (int j = 0; j < 2; j++) SWAP(row[i + j], row[i + j + 2], 16, 0x0000FFFF0000FFFFull);
    for (int i = 0; i < 8; i += 2) SWAP(row[i], row[i + 1], 8, 0x00FF00FF00FF00FFull);
#undef SWAP
}

/* to[i * OHM_CHUNK + p] = from[p * inputs + i] for 8 positions and up to 8 inputs. */
static inline void turn_bytes(const uint8_t *from, size_t inputs, size_t n, uint8_t *to) {
    uint64_t row[8] = {0};
    for (size_t p = 0; p < 8; p++) memcpy(&row[p], from + p * inputs, n);
    turn_8x8(row);
    for (size_t i = 0; i < n; i++) memcpy(to + i * OHM_CHUNK, &row[i], 8);
}

static void turn_all_bytes(size_t npos, size_t inputs, const uint8_t *x, uint8_t *turned) {
    size_t whole = npos / 8 * 8, even = inputs / 8 * 8;
    for (size_t first = 0; first < even; first += 64) /* a cache line of every position, whose columns stay near */
        for (size_t p = 0; p < whole; p += 8)
            for (size_t i = first; i < even && i < first + 64; i += 8) turn_bytes(x + p * inputs + i, inputs, 8, turned + i * OHM_CHUNK + p);
    for (size_t p = 0; even < inputs && p < whole; p += 8) turn_bytes(x + p * inputs + even, inputs, inputs - even, turned + even * OHM_CHUNK + p);
    for (size_t p = whole; p < npos; p++)
        for (size_t i = 0; i < inputs; i++) turned[i * OHM_CHUNK + p] = x[p * inputs + i];
}

void ohm_turn_values(const struct ohm_program *program, int32_t npos, const void *x, uint8_t *turned) {
    size_t inputs = (size_t)(program->groups * program->krows);
    const uint16_t *from = x;
    uint16_t *to = (uint16_t *)(void *)turned;
    if (program->element == 1)
        turn_all_bytes((size_t)npos, inputs, x, turned);
    else
        for (size_t first = 0; first < inputs; first += 32)
            for (size_t p = 0; p < (size_t)npos; p++)
                for (size_t i = first; i < inputs && i < first + 32; i++) to[i * OHM_CHUNK + p] = from[p * inputs + i];
}

#define PIECE 16 /* outputs and positions */
#define TURN_SUMS(verb, SUM)                                                                                                                         \
    OHM_CLONES static void verb(size_t npos, size_t outputs, const SUM *restrict sums, SUM *restrict y) {                                            \
        for (size_t first = 0; first < outputs; first += PIECE)                                                                                      \
            for (size_t p = 0; p < npos; p++)                                                                                                        \
                for (size_t n = first; n < outputs && n < first + PIECE; n++) y[p * outputs + n] += sums[n * OHM_CHUNK + p];                         \
    }
TURN_SUMS(turn_narrow, int32_t)
TURN_SUMS(turn_wide, int64_t)

void ohm_turn_sums(const struct ohm_program *program, int32_t npos, const void *sums, void *y) {
    size_t outputs = (size_t)(program->groups * program->ncols);
    if (program->narrow)
        turn_narrow((size_t)npos, outputs, sums, y);
    else
        turn_wide((size_t)npos, outputs, sums, y);
}
