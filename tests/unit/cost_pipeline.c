/* The pipeline of layers against closed forms, and replication against every other way to spend a budget. */
#define DRAW_SEED 1
#include "draw.h"
#include "ohmtally/pipeline.h"
#include "suite.h"
#include <math.h>
#include <string.h>

#define MOST 4
static const int64_t once[MOST] = {1, 1, 1, 1};
static const struct ohm_feed half_of_first = {0, 0.5}, all_of_first = {0, 1};

static struct ohm_pipeline run(const struct ohm_stage *stages, int32_t nstage, const int64_t *copies, struct ohm_stage_time *times) {
    struct ohm_pipeline pipeline;
    ohm_pipeline_run(stages, nstage, copies, times, &pipeline);
    return pipeline;
}

static struct ohm_stage stage(double image_ns, const struct ohm_feed *feeds, int32_t nfeed) {
    return (struct ohm_stage){.image_ns = image_ns, .tail_ns = 6, .positions = 10, .arrays = 1, .area_um2 = 1, .feeds = feeds, .nfeed = nfeed};
}

static void equal_stages(void) {
    struct ohm_stage stages[] = {stage(100, NULL, 0), stage(100, &half_of_first, 1)};
    struct ohm_stage_time times[2];
    struct ohm_pipeline pipeline = run(stages, 2, once, times);
    CU_ASSERT_EQUAL(times[1].start_ns, 50.0 + 6);
    CU_ASSERT_EQUAL(pipeline.latency_ns, 50.0 + 6 + 100 + 6);
    CU_ASSERT_EQUAL(pipeline.serial_ns, 2 * 106.0);
    CU_ASSERT_EQUAL(pipeline.interval_ns, 100.0);
    CU_ASSERT_EQUAL(pipeline.bottleneck, 0);
    stages[1].feeds = &all_of_first; /* fully connected: layer after layer */
    CU_ASSERT_EQUAL(run(stages, 2, once, times).latency_ns, pipeline.serial_ns);
    CU_ASSERT_EQUAL(times[1].start_ns, 106.0);
}

/* A fast stage behind a slow one ends one position after the last input, and no sooner. */
static void fast_consumer_waits(void) {
    struct ohm_stage stages[] = {stage(1000, NULL, 0), stage(10, &half_of_first, 1)};
    struct ohm_stage_time times[2];
    struct ohm_pipeline pipeline = run(stages, 2, once, times);
    CU_ASSERT_EQUAL(times[1].start_ns, 506.0);
    CU_ASSERT_EQUAL(times[1].finish_ns, 1000.0 + 6 + 1);
    CU_ASSERT_EQUAL(pipeline.latency_ns, 1000.0 + 6 + 1 + 6);
    CU_ASSERT_EQUAL(pipeline.interval_ns, 1000.0);
}

/* 0 -> 1 -> 2, and 0 -> 2: the shortcut is not what stage 2 waits for. */
static void residual_branch(void) {
    const struct ohm_feed both[] = {{0, 0.1}, {1, 0.5}};
    struct ohm_stage stages[] = {stage(100, NULL, 0), stage(100, &half_of_first, 1), stage(100, both, 2)};
    struct ohm_stage_time times[3];
    CU_ASSERT_EQUAL(run(stages, 3, once, times).latency_ns, 50.0 + 6 + 50 + 6 + 100 + 6);
    stages[1].image_ns = 1; /* now it is the last output of the first, one position in each of the others later */
    stages[2].image_ns = 10;
    CU_ASSERT_DOUBLE_EQUAL(run(stages, 3, once, times).latency_ns, 100 + 6 + 0.1 + 6 + 1 + 6, 1e-9);
}

static void copies_shorten(void) {
    struct ohm_stage stages[] = {stage(100, NULL, 0), stage(400, &all_of_first, 1)};
    struct ohm_stage_time times[2];
    struct ohm_pipeline one = run(stages, 2, once, times), two = run(stages, 2, (int64_t[]){1, 2}, times);
    CU_ASSERT_EQUAL(two.interval_ns, one.interval_ns / 2);
    CU_ASSERT_EQUAL(two.latency_ns, one.latency_ns - 200);
    struct ohm_pipeline three = run(stages, 2, (int64_t[]){1, 3}, times); /* 10 positions on 3 copies: 4, 3 and 3 */
    CU_ASSERT_DOUBLE_EQUAL(three.latency_ns, 106 + 4 * 40 + 6, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(three.interval_ns, 400.0 / 3, 1e-9);
    CU_ASSERT_EQUAL(run(stages, 2, (int64_t[]){1, 4}, times).bottleneck, 0); /* the first of equals */
}

/* Random stages, each fed by some of those before it. */
#define WEB 6
struct web {
    struct ohm_stage stages[WEB];
    struct ohm_feed feeds[WEB][WEB];
    int64_t copies[WEB];
};
static void draw_web(struct web *web) {
    for (int32_t i = 0; i < WEB; i++) {
        web->stages[i] = stage(10.0 * (1 + draw(30)), web->feeds[i], 0);
        web->stages[i].positions = 1 + draw(20);
        web->copies[i] = 1 + draw(4);
        for (int32_t k = 0; k < i; k++)
            if (draw(2)) web->feeds[i][web->stages[i].nfeed++] = (struct ohm_feed){k, draw(11) / 10.0};
    }
}

/* Less to do in a stage, or inputs that suffice earlier, never take longer; and a pipeline is never slower than layer after layer. */
static void less_work_is_faster(void) {
    static struct web web;
    struct ohm_stage_time times[WEB];
    for (int trial = 0; trial < 500; trial++) {
        draw_web(&web);
        struct ohm_pipeline before = run(web.stages, WEB, web.copies, times);
        CU_ASSERT(before.latency_ns <= before.serial_ns + 1e-9 && before.interval_ns <= before.latency_ns);
        struct ohm_stage *changed = &web.stages[draw(WEB)];
        changed->image_ns *= draw(10) / 10.0;
        struct ohm_pipeline after = run(web.stages, WEB, web.copies, times);
        CU_ASSERT(after.latency_ns <= before.latency_ns && after.serial_ns < before.serial_ns && after.interval_ns <= before.interval_ns);
        for (int32_t k = 0; k < changed->nfeed; k++) web.feeds[changed - web.stages][k].lead *= 0.5;
        CU_ASSERT(run(web.stages, WEB, web.copies, times).latency_ns <= after.latency_ns);
    }
}

static void nothing_to_do(void) {
    struct ohm_stage stages[] = {{.image_ns = 0, .positions = 0, .arrays = 0}};
    struct ohm_stage_time times[1];
    int64_t copies[1];
    struct ohm_pipeline pipeline = run(stages, 1, once, times);
    CU_ASSERT(pipeline.latency_ns == 0 && pipeline.interval_ns == 0 && pipeline.bottleneck == -1);
    CU_ASSERT(ohm_pipeline_replicate(stages, 1, &(struct ohm_budget){.arrays = 1000}, copies));
    CU_ASSERT_EQUAL(copies[0], 1);
    stages[0].image_ns = 5; /* takes no arrays: copies would have no end */
    CU_ASSERT(ohm_pipeline_replicate(stages, 1, &(struct ohm_budget){.arrays = 1000}, copies));
    CU_ASSERT_EQUAL(copies[0], 1);
}

struct spent {
    double arrays, area, interval;
};
static struct spent spend(const struct ohm_stage *stages, int32_t nstage, const int64_t *copies) {
    struct spent spent = {0};
    for (int32_t i = 0; i < nstage; i++) {
        spent.arrays += (double)(copies[i] * stages[i].arrays);
        spent.area += (double)copies[i] * stages[i].area_um2;
        spent.interval = fmax(spent.interval, stages[i].image_ns / (double)copies[i]);
    }
    return spent;
}
static bool within(struct spent spent, const struct ohm_budget *budget) {
    return (!budget->arrays || spent.arrays <= (double)budget->arrays) && (!(budget->area_um2 > 0) || spent.area <= budget->area_um2);
}

/* The shortest interval over all copies within the budget, and the fewest arrays it takes. */
static struct spent brute_force(const struct ohm_stage *stages, const struct ohm_budget *budget) {
    struct spent best = {.interval = INFINITY};
    int64_t copies[3];
    for (copies[0] = 1; copies[0] <= 24; copies[0]++)
        for (copies[1] = 1; copies[1] <= 24; copies[1]++)
            for (copies[2] = 1; copies[2] <= 24; copies[2]++) {
                struct spent spent = spend(stages, 3, copies);
                if (!within(spent, budget) || spent.interval > best.interval) continue;
                if (spent.interval < best.interval || spent.arrays < best.arrays) best = spent;
            }
    return best;
}

static void replication_is_optimal(void) {
    for (int trial = 0; trial < 200; trial++) {
        struct ohm_stage stages[3];
        struct ohm_budget budget = {0};
        int64_t copies[3];
        for (int i = 0; i < 3; i++) {
            stages[i] = stage((double)(1 + draw(12)) * 10, NULL, 0);
            stages[i].arrays = 1 + (int64_t)(draw(5));
            stages[i].area_um2 = 0.5 * (double)(1 + draw(6));
        }
        if (trial % 3 != 1) budget.arrays = 3 + (int64_t)(draw(22));
        if (trial % 3 != 0) budget.area_um2 = 1 + 0.5 * (double)(draw(22));
        struct spent best = brute_force(stages, &budget);
        bool fits = ohm_pipeline_replicate(stages, 3, &budget, copies);
        struct spent got = spend(stages, 3, copies);
        CU_ASSERT_EQUAL(fits, isfinite(best.interval));
        if (!fits) {
            CU_ASSERT(!memcmp(copies, once, sizeof copies));
            continue;
        }
        CU_ASSERT(within(got, &budget));
        CU_ASSERT_DOUBLE_EQUAL(got.interval, best.interval, 1e-12);
        CU_ASSERT_EQUAL(got.arrays, best.arrays);
    }
}

static void large_budgets(void) {
    struct ohm_stage stages[] = {stage(100, NULL, 0), stage(300, NULL, 0), stage(200, NULL, 0)};
    int64_t copies[3];
    CU_ASSERT(ohm_pipeline_replicate(stages, 3, &(struct ohm_budget){.arrays = 600000000}, copies));
    CU_ASSERT(copies[0] == 100000000 && copies[1] == 300000000 && copies[2] == 200000000);
    CU_ASSERT(ohm_pipeline_replicate(stages, 3, &(struct ohm_budget){0}, copies));
    CU_ASSERT(!memcmp(copies, once, sizeof copies));
}

int main(void) {
    static const struct suite_test tests[] = {
        {"two stages", equal_stages},
        {"a fast stage waits for a slow one", fast_consumer_waits},
        {"a residual branch", residual_branch},
        {"copies halve the interval", copies_shorten},
        {"less work is never slower", less_work_is_faster},
        {"nothing to do", nothing_to_do},
        {"replication is optimal", replication_is_optimal},
        {"large budgets", large_budgets},
    };
    return SUITE_RUN("cost_pipeline", tests);
}
