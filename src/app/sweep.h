/* Jobs that differ in some keys, as one list of points. */
#ifndef OHM_APP_SWEEP_H
#define OHM_APP_SWEEP_H
#include "keep.h"

struct sweep_point {
    const char *name;    /* unique: the design's, and the values of the keys it depends on */
    const char *entry;   /* the same without the number of a chip */
    const char *swept;   /* "adc.bits=4 squeeze=2"; "" where there is nothing to say */
    int32_t combination; /* the first that has this point */
    int32_t place;       /* in that job's points */
    const char *failed;  /* why there is no result; NULL: nothing against it so far */
};
struct sweep {
    const struct study *base;      /* the job as it stands, not loaded */
    const struct arguments *given; /* what the command line says */
    struct sweep_point *points;    /* [npoint]: those of one loaded network after another */
    int32_t npoint;
    int32_t first, end; /* this run's share of them */
};
/* All points of the job, and the share of task k of n, "k/n" (NULL: all). Every combination is parsed: what is wrong with a job shows now, on every
 * rank alike; a combination that a design cannot be configured for is a point that has failed. Not collective. */
int sweep_plan(struct sweep *sweep, const struct study *base, const struct arguments *arguments, const char *task);
/* Where the result goes: run.output, with the task in its name. */
int sweep_output(const struct sweep *sweep, const char *task, const char **output);
/* Collective: makes study that of a combination, ready to evaluate. What is loaded stays where the network is the same. study: zeroed at first. */
int sweep_enter(const struct sweep *sweep, int32_t combination, struct study *study, int32_t *entered);
int32_t sweep_failures(const struct sweep *sweep); /* points of this share that failed */

#endif
