/* The list of technology.h as arrays, for the reader and for printing. */
#include "ohmtally/technology.h"
#include <stddef.h>

static const struct entry {
    const char *key, *unit, *about;
    size_t offset;
} entries[OHM_TECHNOLOGY_COUNT] = {
#define X(name, unit, about) {#name, unit, about, offsetof(struct ohm_technology, name)},
    OHM_TECHNOLOGY_LIST(X)
#undef X
};

const char *ohm_technology_key(int index) {
    return entries[index].key;
}

const char *ohm_technology_unit(int index) {
    return entries[index].unit;
}

const char *ohm_technology_about(int index) {
    return entries[index].about;
}

double *ohm_technology_field(struct ohm_technology *technology, int index) {
    return (double *)((char *)technology + entries[index].offset);
}
