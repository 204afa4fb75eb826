/* Philox4x32-10 for many addresses that differ in their last word, laid out so that compilers use vectors; the same words as Random123's. */
#include "ohmtally/clones.h"
#include "ohmtally/draw.h"
#include <math.h>
#include <pthread.h>

#define LANES 16

/* Blocks at d .. d + LANES - 1. */
static inline __attribute__((always_inline)) void ten_rounds(struct ohm_draws draws, uint32_t a, uint32_t b, uint32_t c, uint32_t d,
                                                             uint32_t w[4][LANES]) {
    uint32_t key0 = draws.key[0], key1 = draws.key[1];
    for (uint32_t i = 0; i < LANES; i++) {
        w[0][i] = a;
        w[1][i] = b;
        w[2][i] = c;
        w[3][i] = d + i;
    }
    for (int round = 0; round < 10; round++, key0 += 0x9E3779B9u, key1 += 0xBB67AE85u)
        for (int i = 0; i < LANES; i++) {
            uint64_t first = (uint64_t)0xD2511F53u * w[0][i], second = (uint64_t)0xCD9E8D57u * w[2][i];
            w[0][i] = (uint32_t)(second >> 32) ^ w[1][i] ^ key0;
            w[2][i] = (uint32_t)(first >> 32) ^ w[3][i] ^ key1;
            w[1][i] = (uint32_t)second;
            w[3][i] = (uint32_t)first;
        }
}

OHM_CLONES void ohm_draw_halves(struct ohm_draws draws, uint32_t a, uint32_t b, uint32_t c, uint32_t d, int32_t n, uint16_t *words) {
    for (int32_t first = 0; first < n; first += LANES) {
        uint32_t w[4][LANES];
        int32_t some = n - first < LANES ? n - first : LANES;
        ten_rounds(draws, a, b, c, d + (uint32_t)first, w);
        for (int32_t i = 0; i < some; i++)
            for (int k = 0; k < 4; k++) {
                words[8 * (first + i) + 2 * k] = (uint16_t)w[k][i];
                words[8 * (first + i) + 2 * k + 1] = (uint16_t)(w[k][i] >> 16);
            }
    }
}

static float small[OHM_DRAW_SMALL];

static void make_small(void) {
    double squares = 0;
    for (uint32_t i = 0; i < OHM_DRAW_SMALL / 2; i++) {
        double z = ohm_draw_normal(i << 16 | 0x8000);
        squares += 2 * z * z;
    }
    double scale = sqrt(OHM_DRAW_SMALL / squares);
    for (uint32_t i = 0; i < OHM_DRAW_SMALL / 2; i++) {
        small[i] = (float)(scale * ohm_draw_normal(i << 16 | 0x8000));
        small[OHM_DRAW_SMALL - 1 - i] = -small[i]; /* no bias */
    }
}

const float *ohm_draw_small(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_small);
    return small;
}
