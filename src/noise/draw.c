#include "ohmtally/draw.h"
#include <Random123/philox.h>

static philox4x32_ctr_t block(uint32_t a, uint32_t b, uint32_t c, uint32_t d, uint32_t key0, uint32_t key1) {
    philox4x32_ctr_t counter = {{a, b, c, d}};
    philox4x32_key_t key = {{key0, key1}};
    return philox4x32(counter, key);
}

struct ohm_draws ohm_draws_of(uint64_t seed, uint32_t trial, enum ohm_draw_purpose purpose) {
    philox4x32_ctr_t made = block((uint32_t)seed, (uint32_t)(seed >> 32), trial, (uint32_t)purpose, 0, 0);
    return (struct ohm_draws){{made.v[0], made.v[1]}};
}

void ohm_draw(struct ohm_draws draws, uint32_t a, uint32_t b, uint32_t c, uint32_t d, uint32_t words[4]) {
    philox4x32_ctr_t made = block(a, b, c, d, draws.key[0], draws.key[1]);
    for (int i = 0; i < 4; i++) words[i] = made.v[i];
}

uint64_t ohm_draw_below(double share) {
    return share >= 1 ? (uint64_t)1 << 32 : share <= 0 ? 0 : (uint64_t)(share * 4294967296.0 + 0.5);
}
