/* Which option each layer should take when crossbars are to be saved at the least loss, as far as losses of layers add up. Layer: cost (numbers
 * only: knows no network, no design). */
#ifndef OHMTALLY_FRONTIER_H
#define OHMTALLY_FRONTIER_H
#include "ohmtally/memory.h"

/* One layer goes over to another candidate. */
struct ohm_frontier_move {
    int32_t layer, candidate;
};
/* A path from the choice of least loss to the one of fewest crossbars: after its first m moves, no other choice has a smaller sum of losses at as few
 * crossbars. Every layer moves along the lower convex hull of its (crossbars, loss), the moves of all layers are in order of the loss that a crossbar
 * saved costs. */
struct ohm_frontier {
    int32_t nlayer, nmove;
    const int32_t *start; /* [nlayer]: candidate of each layer before the first move */
    const struct ohm_frontier_move *moves;
};
/* crossbars, loss [nlayer][ncandidate], finite. Ties: fewer crossbars, lower candidate, lower layer. */
int ohm_frontier_make(int32_t nlayer, int32_t ncandidate, const int64_t *crossbars, const double *loss, struct ohm_arena *arena,
                      struct ohm_frontier *frontier);
/* choice [nlayer] after the first nmove moves. */
void ohm_frontier_choice(const struct ohm_frontier *frontier, int32_t nmove, int32_t *choice);

#endif
