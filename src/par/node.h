/* The ranks of one node. Private to the par layer. */
#ifndef OHM_PAR_NODE_H
#define OHM_PAR_NODE_H
#include <mpi.h>

MPI_Comm ohm_world_node(void); /* between ohm_world_start and ohm_world_end */

#endif
