/* Names and meanings of the operators, straight from OHM_OP_LIST. */
#include "ohmtally/network.h"

static const char *const texts[OHM_OP_COUNT] = {
#define X(name, text, about) [name] = text,
    OHM_OP_LIST(X)
#undef X
};
static const char *const abouts[OHM_OP_COUNT] = {
#define X(name, text, about) [name] = about,
    OHM_OP_LIST(X)
#undef X
};

const char *ohm_op_text(enum ohm_op op) {
    return (unsigned)op < OHM_OP_COUNT ? texts[op] : "?";
}

const char *ohm_op_about(enum ohm_op op) {
    return (unsigned)op < OHM_OP_COUNT ? abouts[op] : "?";
}
