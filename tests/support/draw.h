/* Random test cases that are the same on every machine. The file that includes this says where its sequence begins: DRAW_SEED. */
#ifndef OHM_TEST_DRAW_H
#define OHM_TEST_DRAW_H
#include <stdint.h>

static uint64_t draw_state = DRAW_SEED;
static uint32_t draw(uint32_t below) { /* xorshift */
    draw_state ^= draw_state << 13;
    draw_state ^= draw_state >> 7;
    draw_state ^= draw_state << 17;
    return (uint32_t)(draw_state >> 33) % below;
}

#endif
