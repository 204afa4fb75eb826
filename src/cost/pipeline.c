/* When stages run, and how many copies they get. */
#include "ohmtally/pipeline.h"
#include <math.h>

static double interval_of(const struct ohm_stage *stage, int64_t copies) {
    return stage->image_ns / (double)copies;
}

static double slowest(const struct ohm_stage *stages, int32_t nstage, const int64_t *copies) {
    double slow = 0;
    for (int32_t i = 0; i < nstage; i++) slow = fmax(slow, interval_of(&stages[i], copies[i]));
    return slow;
}

/* Whether a copy takes some of what the budget limits; otherwise there would be no end of copies. */
static bool counts(const struct ohm_stage *stage, const struct ohm_budget *budget) {
    return (budget->arrays && stage->arrays > 0) || (budget->area_um2 > 0 && stage->area_um2 > 0);
}

/* Whether the copies fit, with one more for every stage whose interval is `more`. */
static bool fits(const struct ohm_stage *stages, int32_t nstage, const struct ohm_budget *budget, const int64_t *copies, double more) {
    double arrays = 0, area = 0;
    for (int32_t i = 0; i < nstage; i++) {
        bool another = interval_of(&stages[i], copies[i]) == more;
        double count = (double)copies[i] + another;
        if (another && !counts(&stages[i], budget)) return false;
        arrays += count * (double)stages[i].arrays;
        area += count * stages[i].area_um2;
    }
    return (!budget->arrays || arrays <= (double)budget->arrays) && (!(budget->area_um2 > 0) || area <= budget->area_um2);
}

#define NO_INTERVAL -1.0

/* An interval that fits for sure: with w_i for one copy of stage i, sum w_i ceil(image_i / t) <= sum w_i (image_i / t + 1) = budget. */
static double sure_interval(double once, double work, double budget) {
    if (!(budget > 0)) return 0;
    return budget > once ? work / (budget - once) : INFINITY;
}

/* What a sure interval needs and hence the shortest one, too: from there few copies are left to be given. */
static void start(const struct ohm_stage *stages, int32_t nstage, const struct ohm_budget *budget, int64_t *copies) {
    double arrays = 0, arrays_work = 0, area = 0, area_work = 0;
    for (int32_t i = 0; i < nstage; i++) {
        arrays += (double)stages[i].arrays;
        arrays_work += (double)stages[i].arrays * stages[i].image_ns;
        area += stages[i].area_um2;
        area_work += stages[i].area_um2 * stages[i].image_ns;
    }
    double sure = fmax(sure_interval(arrays, arrays_work, (double)budget->arrays), sure_interval(area, area_work, budget->area_um2));
    for (int32_t i = 0; sure > 0 && i < nstage; i++) copies[i] = (int64_t)fmax(1, ceil(stages[i].image_ns / sure));
}

bool ohm_pipeline_replicate(const struct ohm_stage *stages, int32_t nstage, const struct ohm_budget *budget, int64_t *copies) {
    for (int32_t i = 0; i < nstage; i++) copies[i] = 1;
    if (!budget->arrays && !(budget->area_um2 > 0)) return true;
    if (!fits(stages, nstage, budget, copies, NO_INTERVAL)) return false;
    start(stages, nstage, budget, copies);
    for (double slow; (slow = slowest(stages, nstage, copies)) > 0 && fits(stages, nstage, budget, copies, slow);)
        for (int32_t i = 0; i < nstage; i++) copies[i] += interval_of(&stages[i], copies[i]) == slow; /* any shorter interval needs these, too */
    return true;
}

/* Positions that every copy computes one after another; 0 for none. */
static double turns_of(const struct ohm_stage *stage, int64_t copies) {
    return ceil((double)stage->positions / (double)copies);
}

static struct ohm_stage_time run_stage(const struct ohm_stage *stages, const struct ohm_stage *stage, double span_ns, double last_ns,
                                       const struct ohm_stage_time *times) {
    struct ohm_stage_time time = {0};
    double fed_ns = 0; /* the last input exists */
    for (const struct ohm_feed *feed = stage->feeds; feed < stage->feeds + stage->nfeed; feed++) {
        const struct ohm_stage_time *from = &times[feed->stage];
        double tail_ns = stages[feed->stage].tail_ns;
        time.start_ns = fmax(time.start_ns, from->start_ns + feed->lead * (from->finish_ns - from->start_ns) + tail_ns);
        fed_ns = fmax(fed_ns, from->finish_ns + tail_ns);
    }
    time.finish_ns = fmax(time.start_ns + span_ns, fed_ns + last_ns);
    return time;
}

void ohm_pipeline_run(const struct ohm_stage *stages, int32_t nstage, const int64_t *copies, struct ohm_stage_time *times,
                      struct ohm_pipeline *pipeline) {
    *pipeline = (struct ohm_pipeline){.bottleneck = -1};
    for (int32_t i = 0; i < nstage; i++) {
        const struct ohm_stage *stage = &stages[i];
        double position_ns = stage->positions ? stage->image_ns / (double)stage->positions : 0, interval_ns = interval_of(stage, copies[i]);
        double span_ns = position_ns * turns_of(stage, copies[i]);
        times[i] = run_stage(stages, stage, span_ns, position_ns, times);
        pipeline->latency_ns = fmax(pipeline->latency_ns, times[i].finish_ns + stage->tail_ns);
        pipeline->serial_ns += span_ns + stage->tail_ns;
        if (interval_ns > pipeline->interval_ns) {
            pipeline->interval_ns = interval_ns;
            pipeline->bottleneck = i;
        }
    }
}
