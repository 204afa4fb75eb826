/* The lists of tally.h as arrays: names, units and meanings by index. */
#include "ohmtally/tally.h"

struct entry {
    const char *name, *unit, *about;
};
#define X(name, unit, about) {#name, unit, about},
static const struct entry tally_entries[] = {OHM_TALLY_LIST(X) OHM_EFFORT_LIST(X)};
static const struct entry store_entries[] = {OHM_STORE_LIST(X)};
#undef X

void ohm_tally_add(struct ohm_tally *sum, const struct ohm_tally *more) {
#define X(name, unit, about) sum->name += more->name;
    OHM_TALLY_LIST(X)
    OHM_EFFORT_LIST(X)
#undef X
}

int64_t *ohm_tally_counts(struct ohm_tally *tally) {
    return (int64_t *)tally; /* int64_t members only, so without padding */
}

const char *ohm_tally_name(int index) {
    return tally_entries[index].name;
}

const char *ohm_tally_unit(int index) {
    return tally_entries[index].unit;
}

const char *ohm_tally_about(int index) {
    return tally_entries[index].about;
}

int64_t *ohm_store_counts(struct ohm_store *store) {
    return (int64_t *)store;
}

const char *ohm_store_name(int index) {
    return store_entries[index].name;
}

const char *ohm_store_unit(int index) {
    return store_entries[index].unit;
}

const char *ohm_store_about(int index) {
    return store_entries[index].about;
}
