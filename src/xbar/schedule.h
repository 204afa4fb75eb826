/* The order in which a plan's arrays are read (internal to xbar): arrays in parallel, the turns of an array one after another. */
#ifndef OHM_XBAR_SCHEDULE_H
#define OHM_XBAR_SCHEDULE_H
#include "ohmtally/plan.h"

/* One turn of one or more arrays that are driven by the same rows. */
struct ohm_read {
    int32_t first, nuse;                    /* uses[first ..] of the schedule: those of the first of its arrays, which name all its rows */
    int32_t steps;                          /* when none is skipped */
    int64_t arrays, columns, contributions; /* contributions: runs of columns that add to the same output */
};
struct ohm_schedule {
    int32_t nread, nlane;
    struct ohm_read *reads;
    int32_t *uses;      /* [nuse of the plan] by array, then turn */
    int32_t *use_steps; /* [nuse] steps of the turn a use belongs to */
    /* What arrays do, each sequence once: lane l makes the reads lane_read[lane_first[l]] .. lane_read[lane_first[l + 1] - 1]. */
    int32_t *lane_first, *lane_read;
};
/* settled: an array without a driven row reads 0, so that a turn ends with the last step that may drive one; otherwise every turn takes the layer's
 * most steps. Memory from arena. */
int ohm_schedule_make(const struct ohm_plan *plan, int32_t input_bits, bool settled, struct ohm_arena *arena, struct ohm_schedule *schedule);
/* Steps of the busiest array, when none is skipped. */
int64_t ohm_schedule_steps(const struct ohm_schedule *schedule);
/* Runs of columns that add to the same output. */
int64_t ohm_use_contributions(const struct ohm_use *use);

#endif
