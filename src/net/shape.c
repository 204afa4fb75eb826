/* Shapes: counting, comparing, printing. */
#include "ohmtally/network.h"
#include <stdio.h>
#include <string.h>

int64_t ohm_shape_count(const struct ohm_shape *shape) {
    int64_t count = 1;
    for (int32_t d = 0; d < shape->rank; d++)
        if (__builtin_mul_overflow(count, (int64_t)shape->dim[d], &count)) return INT64_MAX; /* a shape no one can hold */
    return count;
}

bool ohm_shape_equal(const struct ohm_shape *a, const struct ohm_shape *b) {
    return a->rank == b->rank && !memcmp(a->dim, b->dim, (size_t)a->rank * sizeof a->dim[0]);
}

const char *ohm_shape_text(const struct ohm_shape *shape, char buffer[96]) {
    size_t used = 0;
    if (!shape->rank) return strcpy(buffer, "scalar");
    for (int32_t d = 0; d < shape->rank; d++) used += (size_t)snprintf(buffer + used, 96 - used, "%s%d", d ? "x" : "", shape->dim[d]);
    return buffer;
}
