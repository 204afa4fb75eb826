/* Weights whose digits lie side by side in a row of cells -> bits by plane (internal to this layer). */
#ifndef OHM_DESIGN_DIGIT_BITS_H
#define OHM_DESIGN_DIGIT_BITS_H
#include <stdint.h>

struct digits { /* digit j of w is bits j * bits .. of w + bias */
    int32_t bits, count, bias;
};
/* Bit `plane` of digit j of weight c -> bit (c * count + j) % 64 of words[(c * count + j) / 64]. */
void digit_bits_pack(const struct digits *digits, const int32_t *w, int32_t n, int32_t plane, uint64_t *words);
void digit_bits_sum(const struct digits *digits, const int32_t *w, int32_t n, int32_t *sums); /* sums [count][n] += the digits */

#endif
