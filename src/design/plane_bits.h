/* Weights of a matrix row -> magnitudes of one sign -> bits by plane: the loops that see every weight (internal to this layer). */
#ifndef OHM_DESIGN_PLANE_BITS_H
#define OHM_DESIGN_PLANE_BITS_H
#include <stdint.h>

uint32_t plane_bits_together(const int32_t *w, int32_t n);                                        /* OR of |w| */
uint32_t plane_bits_magnitudes(const int32_t *w, int32_t n, int32_t sign, uint16_t *m);           /* m = max(sign w, 0), below 2^16; their OR */
uint32_t plane_bits_squeeze(uint16_t *m, int32_t n, int32_t shift, uint32_t half, uint32_t most); /* m = min((m + half) >> shift, most); OR */
/* Bit k of magnitude c -> bit c % 64 of bits[k * words + c / 64], k < nbit <= 16, words = ceil(n / 64). m has room up to a multiple of 64. */
void plane_bits_pack(uint16_t *m, int32_t n, int32_t nbit, uint64_t *bits);
/* Bits 0 .. n-1 of from (the rest of its words is 0) flip those of a row of words from bit position `at` on: what is 0 becomes them. */
void plane_bits_put(uint64_t *row, int32_t at, const uint64_t *from, int32_t n);

#endif
