/* The ranks of a world as MPI knows them. Private to the par layer. */
#ifndef OHM_PAR_NODE_H
#define OHM_PAR_NODE_H
#include "ohmtally/parallel.h"
#include <mpi.h>

/* Between ohm_world_start and ohm_world_end. */
MPI_Comm ohm_world_ranks(const struct ohm_world *world);
MPI_Comm ohm_world_node(const struct ohm_world *world); /* those on this rank's node */

#endif
