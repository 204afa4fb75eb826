/* Ranks as groups of images x stages of layers. A rank is (stage, group); it holds the layers of its stage, whose steps follow those of the stage
 * before and precede those of the stage behind, of the same group. Batches of images go from stage to stage: the first claims and loads them, the
 * last scores and keeps them. Ranks of a stage are neighbours in number, and so mostly on one node, which holds their layers once. A study without
 * grid (NULL, for all functions that take one): every rank has all layers. */
#ifndef OHM_APP_GRID_H
#define OHM_APP_GRID_H
#include "keep.h"

struct grid {
    struct ohm_world world; /* all ranks */
    const struct ohm_intnet *intnet;
    int32_t groups, stages, group, stage; /* rank = stage * groups + group */
    struct ohm_world peers;               /* the ranks of this stage */
    int32_t *first;                       /* [stages + 1]: steps */
    int64_t *cost, *bytes;                /* [nstep]: what they were cut by */
    int64_t most_bytes;                   /* of a stage's layers */
    int32_t room;                         /* images of a batch, on all ranks alike */
    struct ohm_engine_part part;          /* this rank's */
    const char *point;                    /* whose layers they are */
    bool said;                            /* how they are cut */
    int64_t *taken, clock;                /* [nstep] ns while costs are measured, NULL otherwise; CPU time at the last look */

    double worked_s, lasted_s; /* CPU and wall time of the last phase; while it is under way, when it began */
    struct ohm_chain *chain;   /* while a phase is under way; the batch at hand: */
    struct unit unit;
    const float *const *inputs;   /* [unit.n]: NULL where an image is corrupt; behind the first stage nothing else is to be read from it */
    const float **seen;           /* [room]: inputs behind the first stage */
    struct ohm_tally *tally;      /* [nlayer]: of this and earlier stages */
    const unsigned char *brought; /* digests and values from the stage before, not yet in a batch; NULL: none */
};

/* grid.c. Whether run.grid is one for so many ranks and, once the network is there, for so many layers. */
int grid_check(const struct study *study);
/* Collective: chooses stages for the layers of a point; study->grid is grid, or NULL where one stage is best. Batches of room images. */
int grid_enter(struct study *study, const struct point *point, int32_t room, struct grid *grid);
void grid_leave(struct study *study); /* collective */
/* Collective: rank 0 gets what all stages know of their layers into its own engine, which then describes them all, and says who holds what. */
int grid_gather(struct study *study, struct ohm_engine *engine);
/* Collective, after the images: says how long stages worked. */
int grid_say_work(const struct study *study);
/* This rank's share of n images that are measured beside the scoring: those of its group. */
void grid_share(const struct study *study, int64_t n, int64_t *first, int64_t *end);
static inline int64_t grid_layer_bytes(const struct ohm_engine_layer *layer) {
    return (int64_t)(layer->program ? ohm_program_bytes(layer->program) : ohm_product_bytes(layer->product));
}
static inline bool grid_is_first(const struct grid *grid) {
    return !grid || grid->stage == 0;
}
static inline bool grid_is_last(const struct grid *grid) {
    return !grid || grid->stage == grid->stages - 1;
}

/* grid_choose.c. Collective: stages for the layers of a point, as the job says or as memory allows, and what each may hold. */
int grid_choose(struct study *study, const struct point *point, int32_t *stages, int64_t *most_bytes);
/* grid_cost.c: what each step takes, cost and bytes [nstep], the same on all ranks. From the network alone (in units of their own), or, collective,
 * in ns and bytes from an engine of the point in the stages at hand. */
void grid_predict(const struct ohm_intnet *intnet, int64_t *cost, int64_t *bytes);
int grid_measure(struct study *study, const struct point *point, int64_t *cost, int64_t *bytes);
void grid_clock(struct grid *grid, int32_t step); /* while measuring: the time since the last look is this step's (-1: nobody's) */

/* grid_messages.c. Collective: a phase in which all ranks of a group run the same batches, of up to room images, in the same order through engines of
 * their parts; messages in the order of the runs. A rank that fails goes to the end of the phase at once; others then fail where they wait for it. */
int grid_open(struct grid *grid, int32_t room);
void grid_close(struct grid *grid);
/* First stage: the batch whose run comes next. */
void grid_show(struct grid *grid, const struct unit *unit, const float *const *inputs, struct ohm_tally *tally);
/* Behind the first stage: runs every batch that comes until there are no more, also after a failure or a signal, which go to all ranks at once; tally
 * [nlayer] is that of the batch on the way. */
int grid_units(struct study *study, struct ohm_tally *tally, int (*run)(void *context, const struct unit *unit), void *context);
/* The functions of grid->part. */
int grid_bring(void *grid, struct ohm_batch *batch, int32_t n);
int grid_pass(void *grid, const struct ohm_batch *batch, int32_t n);
void grid_stepped(void *grid, int32_t step);

#endif
