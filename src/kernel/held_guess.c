#include "held_guess.h"
#include "ohmtally/draw.h"
#include <math.h>
#include <pthread.h>

#define FINE 1024 /* places of the fine lines */

static struct guess guess;

/* The line as vectors compute it, at place j of a stretch of n. */
static double line(int32_t k, int32_t j, int32_t n) {
    return guess.base[k] - (uint16_t)((uint32_t)guess.slope[k] * (uint32_t)(j * (65536 / n)) >> 16);
}

/* The chord of n deviates from the lowest on, moved by half of the most that their magnitudes lie below it: these fall ever more slowly from the end
 * to the middle. */
static void make_line(const float *z, int32_t k, int32_t n) {
    double first = -z[0] * (double)OHM_GUESS_ONE, last = -z[n - 1] * (double)OHM_GUESS_ONE, below = 0, off = 0;
    guess.slope[k] = (uint16_t)rint((first - last) * n / (n - 1));
    guess.base[k] = (uint16_t)rint(first);
    for (int32_t j = 0; j < n; j++) below = fmax(below, line(k, j, n) + z[j] * (double)OHM_GUESS_ONE);
    guess.base[k] = (uint16_t)rint(first - below / 2);
    for (int32_t j = 0; j < n; j++) off = fmax(off, fabs(line(k, j, n) + z[j] * (double)OHM_GUESS_ONE));
    guess.off[k] = (uint16_t)ceil(16 * (off + first * 0x1p-13));
}

static void make(void) {
    const float *small = ohm_draw_small();
    for (int32_t k = 0; k < 32; k++) make_line(small + k * (FINE / 32), k, FINE / 32);
    for (int32_t k = 1; k < 32; k++) make_line(small + k * FINE, 32 + k, FINE);
}

const struct guess *ohm_held_guess(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make);
    return &guess;
}
