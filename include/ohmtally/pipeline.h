/* Layers as stages of a pipeline, as ISAAC runs them: a layer begins as soon as the first inputs it needs exist, and layers that take long are
 * stored in several copies. Pure functions of numbers; what a network is they do not know. Layer: cost. */
#ifndef OHMTALLY_PIPELINE_H
#define OHMTALLY_PIPELINE_H
#include <stdbool.h>
#include <stdint.h>

struct ohm_feed { /* an earlier stage whose output a stage reads */
    int32_t stage;
    double lead; /* share of its output that must exist before the first position can start, 0 .. 1 */
};
struct ohm_stage {
    double image_ns; /* all positions of an image, one after another, on one copy */
    double tail_ns;  /* from the end of a position's last step until its output is stored */
    int64_t positions;
    int64_t arrays;  /* of one copy */
    double area_um2; /* of one copy */
    const struct ohm_feed *feeds;
    int32_t nfeed;
};
struct ohm_stage_time { /* of one image through the empty pipeline */
    double start_ns;    /* first step */
    double finish_ns;   /* last step */
};
struct ohm_pipeline {
    double latency_ns;  /* one image through all stages, each beginning as early as it can */
    double serial_ns;   /* each stage after the one before */
    double interval_ns; /* between images in steady state */
    int32_t bottleneck; /* the first stage that sets the interval; -1: none takes any time */
};

/* What all copies of all stages together may take; 0: no limit of this kind. */
struct ohm_budget {
    int64_t arrays;
    double area_um2;
};
/* copies [nstage] with the shortest interval a budget allows, and no more of them than that interval takes; one each without a budget. The copies
 * of a stage share the positions of an image and of the next ones. False: already one copy of each is more than the budget. */
bool ohm_pipeline_replicate(const struct ohm_stage *stages, int32_t nstage, const struct ohm_budget *budget, int64_t *copies);

/* Stages in topological order. Outputs of a stage come evenly between its start and its finish, each tail_ns later; a stage that waits for inputs
 * is slowed down evenly. times [nstage]. */
void ohm_pipeline_run(const struct ohm_stage *stages, int32_t nstage, const int64_t *copies, struct ohm_stage_time *times,
                      struct ohm_pipeline *pipeline);

#endif
