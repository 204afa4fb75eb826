/* Hashes of inputs, by which a later run knows that it has the same. Layer: io. */
#ifndef OHMTALLY_DIGEST_H
#define OHMTALLY_DIGEST_H
#include "ohmtally/network.h"
#include <stdint.h>

/* Of a file's contents (xxHash64). OHM_E_IO with the path. */
int ohm_file_digest(const char *path, uint64_t *digest);
/* Of the constants in memory: weights that stand in files beside the network's own. */
uint64_t ohm_constants_digest(const struct ohm_network *network);

#endif
