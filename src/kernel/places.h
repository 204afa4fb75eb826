/* ohm_byte_places[b]: the numbers of b's 1 bits, ascending, then anything. Filled when the program is loaded. */
#ifndef OHM_KERNEL_PLACES_H
#define OHM_KERNEL_PLACES_H
#include <stdint.h>
extern uint16_t ohm_byte_places[256][8];
extern uint8_t ohm_byte_ones[256]; /* how many they are */
#endif
