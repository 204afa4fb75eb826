/* The model of a run's time: parts add up, limits hold, nothing gets slower by a better machine. No messages: every rank does the same. */
#define DRAW_SEED 20261121
#include "draw.h"
#include "ohmtally/parallel.h"
#include "ohmtally/scaling.h"
#include "suite.h"
#include <math.h>

static const struct ohm_scaling_machine ideal = {.cores = 1, .bytes_per_s = INFINITY, .file_bytes_per_s = INFINITY, .files_per_s = INFINITY};
static const struct ohm_scaling_machine usual = {64, 0, 2e-6, 1e-6, 1e10, 5e9, 2000};
static const struct ohm_scaling_point points[] = {{"float", 0, 0.011, 0, 0.02, 0, 12}, {"isaac", 3, 0.029, 0.05, 0.04, 8, 30}};
static const struct ohm_scaling_job usual_job = {.network_s = 0.3,
                                                 .network_bytes = 1e8,
                                                 .open_s = 0.1,
                                                 .identity_s = 0.2,
                                                 .calibrate_s = 0.04,
                                                 .calibration = 128,
                                                 .range_bytes = 4e7,
                                                 .quantize_s = 0.5,
                                                 .append_s = 1e-4,
                                                 .row_bytes = 48,
                                                 .image_bytes = 150528,
                                                 .images = 5000,
                                                 .batch = 16,
                                                 .npoint = 2,
                                                 .points = points};

static struct ohm_scaling_time time_of(const struct ohm_scaling_machine *machine, const struct ohm_scaling_job *job, int32_t ranks) {
    struct ohm_scaling_time time;
    CU_ASSERT_EQUAL_FATAL(ohm_scaling_time(machine, job, ranks, &time), 0);
    return time;
}
static double total_of(const struct ohm_scaling_machine *machine, const struct ohm_scaling_job *job, int32_t ranks) {
    const struct ohm_scaling_time time = time_of(machine, job, ranks);
    return ohm_scaling_total(&time);
}
static bool near(double a, double b) {
    return fabs(a - b) <= 1e-9 * (fabs(a) + fabs(b)) + 1e-12;
}

/* One rank, no messages: all that is measured, added up by hand. */
static void test_one_rank(void) {
    const int64_t units = (5000 + 15) / 16;
    const double by_hand = 0.3 + 0.1 + 0.2 + 128 * 0.04 + 0.5 + 3 + 5000 * (0.011 + 0.029) + 2 * (double)units * 1e-4 + 8 * 0.05 + 0.02 + 0.04;
    CU_ASSERT(near(total_of(&ideal, &usual_job, 1), by_hand));
    CU_ASSERT(near(total_of(&usual, &usual_job, 1), by_hand + 1e8 / 5e9 + 2.0 / 2000)); /* and what its file system takes */
}

/* Where messages and files take no time: the work shared, what every rank does for itself, and at the end one image more; where there are too few
 * images to go round, the three that a rank takes ahead of the others. */
static void test_ideal_network(void) {
    struct ohm_scaling_job job = usual_job;
    job.append_s = 0;
    for (int32_t ranks = 1; ranks <= 8192; ranks = ranks * 3 / 2 + 1) {
        const struct ohm_scaling_time time = time_of(&ideal, &job, ranks);
        const double shared = ohm_scaling_ideal(&ideal, &job, ranks);
        CU_ASSERT(near(shared, 5000 * 0.040 / ranks));
        CU_ASSERT(time.images >= shared * (1 - 1e-12) && time.images <= shared + (ranks <= 5000 / OHM_CLAIMS_AHEAD ? 1 : 3) * 0.040 * (1 + 1e-9));
        CU_ASSERT(near(time.network + time.open, 0.6));
        CU_ASSERT(near(time.build, 3) && near(time.collect, 0.06));
        CU_ASSERT(near(time.calibrate, 0.5 + 0.04 * ((128 + ranks - 1) / ranks)));
        CU_ASSERT(time.messages == 0 && time.files == 0);
    }
}

/* More ranks never make the work on images longer by more than the unevenness of one unit; a run as a whole never gets faster than ranks times. */
static void test_more_ranks(void) {
    const double one = total_of(&usual, &usual_job, 1);
    double before = INFINITY;
    for (int32_t ranks = 1; ranks <= 20000; ranks = ranks * 5 / 4 + 1) {
        const struct ohm_scaling_time time = time_of(&usual, &usual_job, ranks);
        CU_ASSERT(time.images <= before + 0.040);
        CU_ASSERT(ohm_scaling_total(&time) >= one / ranks);
        CU_ASSERT(time.images >= ohm_scaling_ideal(&usual, &usual_job, ranks));
        before = time.images;
    }
}

/* Ranks beyond the cores bring nothing. */
static void test_shared_cores(void) {
    struct ohm_scaling_machine two = usual;
    two.cores = 2;
    two.nodes = 1;
    const double at_two = time_of(&two, &usual_job, 2).images;
    for (int32_t ranks = 3; ranks <= 32; ranks++) {
        const struct ohm_scaling_time time = time_of(&two, &usual_job, ranks);
        CU_ASSERT(time.images > at_two * 0.99 && time.images < at_two * 1.1);
        CU_ASSERT(near(time.build, 3.0 * ranks / 2));
        CU_ASSERT(near(ohm_scaling_ideal(&two, &usual_job, ranks), 100)); /* 5000 x 0.040 / 2 */
    }
}

/* Every time that is measured or given, made longer, makes the run longer or leaves it. */
static void test_monotone(void) {
    for (int trial = 0; trial < 60; trial++) {
        struct ohm_scaling_machine machine = usual;
        struct ohm_scaling_point own[2] = {points[0], points[1]};
        struct ohm_scaling_job job = usual_job;
        job.points = own;
        const int32_t ranks = 1 + (int32_t)draw(3000);
        double *const costs[] = {&machine.latency_s, &machine.message_s, &job.network_s,   &job.network_bytes, &job.open_s,    &job.identity_s,
                                 &job.calibrate_s,   &job.range_bytes,   &job.quantize_s,  &job.append_s,      &job.row_bytes, &job.image_bytes,
                                 &own[1].build_s,    &own[0].image_s,    &own[1].sample_s, &own[0].write_s,    &own[1].image_s};
        double *const rates[] = {&machine.bytes_per_s, &machine.file_bytes_per_s, &machine.files_per_s};
        const double before = total_of(&machine, &job, ranks);
        double *cost = costs[draw(sizeof costs / sizeof *costs)];
        const double kept = *cost;
        *cost *= 1 + 1e-3 * (double)(draw(100000));
        CU_ASSERT(total_of(&machine, &job, ranks) >= before * (1 - 1e-12));
        *cost = kept;
        *rates[draw(3)] *= 0.01;
        CU_ASSERT(total_of(&machine, &job, ranks) >= before * (1 - 1e-12));
    }
}

/* What must come to be the limit does: a counter that serves slowly, a file system that reads slowly. */
/* A node's ranks read the network in turns, and a node more changes that only through the file system. */
static void test_network(void) {
    const int32_t ranks[] = {1, 2, 8, 9, 16, 64, 65, 6400}, turns[] = {1, 2, 8, 5, 8, 8, 7, 8};
    struct ohm_scaling_machine machine = usual;
    machine.file_bytes_per_s = INFINITY;
    for (int k = 0; k < 8; k++) CU_ASSERT(near(time_of(&machine, &usual_job, ranks[k]).network, 0.3 * turns[k]));
}

static void test_limits(void) {
    struct ohm_scaling_machine machine = usual;
    machine.message_s = 0.5; /* longer than a unit takes on 1000 ranks */
    int64_t units = 0;
    for (int64_t left = 5000, n; left; left -= n, units++) n = ohm_claims_share(left, 1000, 16);
    const double counted = time_of(&machine, &usual_job, 1000).images / 2;
    CU_ASSERT(counted >= 0.5 * (double)units && counted <= 0.5 * (double)(units + 2000) + 1);
    machine = usual;
    machine.file_bytes_per_s = 1e7;
    CU_ASSERT(near(time_of(&machine, &usual_job, 1000).images, 2 * 5000 * 150528 / 1e7));
}

static void test_shares(void) {
    for (int ranks = 1; ranks < 50; ranks++)
        for (int64_t left = 1, before = 1; left < 2000; left++) {
            const int64_t n = ohm_claims_share(left, ranks, 16);
            CU_ASSERT(n >= 1 && n <= 16 && n <= left && n >= before);
            before = n;
        }
    CU_ASSERT_EQUAL(ohm_claims_share(1000, 1, 16), 16); /* alone: whole units to the end */
    CU_ASSERT_EQUAL(ohm_claims_share(5, 1, 16), 5);
    CU_ASSERT_EQUAL(ohm_claims_share(300, 10, 16), 5);
}

int main(void) {
    const struct suite_test tests[] = {{"one rank", test_one_rank},     {"an ideal network", test_ideal_network},
                                       {"more ranks", test_more_ranks}, {"shared cores", test_shared_cores},
                                       {"monotone", test_monotone},     {"network", test_network},
                                       {"limits", test_limits},         {"shares", test_shares}};
    return SUITE_RUN("par scaling", tests);
}
