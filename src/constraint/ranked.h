/* The best of many by what they gain (internal to this layer). */
#ifndef OHM_CONSTRAINT_RANKED_H
#define OHM_CONSTRAINT_RANKED_H
#include <stdint.h>

struct ranked {
    double gain;
    int32_t index;
};
/* The `count` items of largest gain come first, in no order; of equal gains the smaller index. Indices differ. */
void ranked_select(struct ranked *item, int32_t n, int32_t count);

#endif
