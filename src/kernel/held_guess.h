/* Small deviates (draw.h) nearly: lines, and how far off they are (internal to kernel). With j = min(i, 65535 - i), the place of deviate i counted
 * from the nearer end, line j / 32 is that of j < 1024, and line 32 + j / 1024 that of the others; how far j is into the line's stretch, as a share
 * of 2^16, is at: |deviate i| OHM_GUESS_ONE = base - slope at / 2^16 +- off       (off: of the line as computed with 16-bit multiplications, and
 * 2^-13 of it) */
#ifndef OHM_KERNEL_HELD_GUESS_H
#define OHM_KERNEL_HELD_GUESS_H
#include <stdint.h>

#define OHM_GUESS_ONE 8192
struct guess {
    uint16_t base[64], slope[64], off[64];
} __attribute__((aligned(64)));
const struct guess *ohm_held_guess(void); /* of the process; any thread */

#endif
