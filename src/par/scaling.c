/* The model of scaling.h. */
#include "ohmtally/scaling.h"
#include "ohmtally/memory.h"
#include "ohmtally/parallel.h"
#include "ohmtally/status.h"
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

const char *const ohm_scaling_abouts[OHM_SCALING_PARTS] = {
#define X(name, about) about,
    OHM_SCALING_LIST(X)
#undef X
};

/* How many times longer a core's work takes where so many ranks work at once. */
static double slowness(const struct ohm_scaling_machine *machine, int64_t ranks) {
    const double cores = (double)machine->nodes * machine->cores;
    return machine->nodes && (double)ranks > cores ? (double)ranks / cores : 1;
}

static int32_t ranks_of_node(const struct ohm_scaling_machine *machine, int32_t ranks) {
    const int32_t nodes = machine->nodes ? machine->nodes : (ranks + machine->cores - 1) / machine->cores;
    return (ranks + nodes - 1) / nodes;
}

/* An agreement, or a sum of few numbers, over all ranks. */
static double agree_s(const struct ohm_scaling_machine *machine, int32_t ranks) {
    return 2 * ceil(log2(ranks)) * machine->latency_s;
}

/* n equal pieces of work, shared. */
static double shared_s(const struct ohm_scaling_machine *machine, int64_t n, double each_s, int32_t ranks) {
    const int64_t working = n < ranks ? n : ranks;
    return working ? (double)((n + ranks - 1) / ranks) * each_s * slowness(machine, working) : 0;
}

struct claimer {    /* a rank */
    double asked_s; /* for a unit: when it began the one before the last that it has been given */
    double free_s;  /* when it is through with those it has begun */
    int64_t given;  /* images of the unit it begins next; negative: none given yet */
};

/* The heap's first has asked before all others. */
static void sift_down(struct claimer *heap, int32_t n) {
    for (int32_t k = 0, child; (child = 2 * k + 1) < n; k = child) {
        if (child + 1 < n && heap[child + 1].asked_s < heap[child].asked_s) child++;
        if (heap[k].asked_s < heap[child].asked_s) return; /* who has just asked waits for others */
        const struct claimer swapped = heap[k];
        heap[k] = heap[child];
        heap[child] = swapped;
    }
}

/* As a run does it: while a unit is worked on the next one is loaded and the number of the one behind it is asked for; rank 0's counter serves one
 * claim after another, and units shrink with what is left. */
static double claim_images(const struct ohm_scaling_machine *machine, const struct ohm_scaling_job *job, double image_s, int32_t ranks,
                           struct claimer *heap) {
    const double slow = slowness(machine, ranks), message_s = ranks > 1 ? machine->message_s : 0, latency_s = ranks > 1 ? machine->latency_s : 0;
    double counter_s = 0, end_s = 0;
    for (int32_t r = 0; r < ranks; r++) heap[r] = (struct claimer){0, 0, -1};
    for (int64_t left = job->images, working = ranks; working; sift_down(heap, (int32_t)working)) {
        struct claimer *rank = &heap[0];
        const double arrived = rank->asked_s + latency_s;
        counter_s = (counter_s > arrived ? counter_s : arrived) + message_s;
        const double answer = counter_s + latency_s;
        rank->asked_s = answer > rank->free_s ? answer : rank->free_s;
        if (rank->given > 0) rank->free_s = rank->asked_s + ((double)rank->given * image_s + job->append_s) * slow;
        const bool through = !rank->given;
        rank->given = left ? ohm_claims_share(left, ranks, job->batch) : 0;
        left -= rank->given;
        if (!through) continue;
        end_s = rank->asked_s > end_s ? rank->asked_s : end_s;
        heap[0] = heap[--working];
    }
    return end_s;
}

static int images_s(const struct ohm_scaling_machine *machine, const struct ohm_scaling_job *job, int32_t ranks, double *seconds) {
    const double reading_s = (double)job->images * job->image_bytes / machine->file_bytes_per_s;
    *seconds = 0;
    for (int32_t p = 0; p < job->npoint; p++) {
        struct claimer *heap = ohm_alloc_array((size_t)ranks, sizeof *heap);
        if (!heap) return OHM_E_MEMORY;
        const double working_s = claim_images(machine, job, job->points[p].image_s, ranks, heap);
        *seconds += working_s > reading_s ? working_s : reading_s;
        free(heap);
    }
    return OHM_OK;
}

static double messages_s(const struct ohm_scaling_machine *machine, const struct ohm_scaling_job *job, int32_t ranks) {
    if (ranks == 1) return 0;
    double seconds = 2 * job->range_bytes / machine->bytes_per_s + agree_s(machine, ranks);
    for (int32_t p = 0; p < job->npoint; p++)
        seconds += job->points[p].agreements * agree_s(machine, ranks) + ranks * machine->message_s +
                   (double)job->images * job->row_bytes / machine->bytes_per_s;
    return seconds;
}

int ohm_scaling_time(const struct ohm_scaling_machine *machine, const struct ohm_scaling_job *job, int32_t ranks, struct ohm_scaling_time *time) {
    const double slow = slowness(machine, ranks);
    const int32_t together = ranks_of_node(machine, ranks), nodes = (ranks + together - 1) / together;
    const int32_t at_once = ohm_node_together(together), turns = (together + at_once - 1) / at_once; /* reading the network */
    *time = (struct ohm_scaling_time){
        .network = turns * job->network_s * slowness(machine, (int64_t)at_once * nodes) +
                   nodes * job->network_bytes / machine->file_bytes_per_s, /* a node's other ranks find it in memory */
        .open = job->open_s * slow + job->identity_s,
        .calibrate = shared_s(machine, job->calibration, job->calibrate_s, ranks) + job->quantize_s * slow,
        .messages = messages_s(machine, job, ranks),
        .files = 2 * ranks / machine->files_per_s,
    };
    for (int32_t p = 0; p < job->npoint; p++) {
        time->build += job->points[p].build_s * slow;
        time->samples += shared_s(machine, job->points[p].samples, job->points[p].sample_s, ranks);
        time->collect += job->points[p].write_s;
    }
    return images_s(machine, job, ranks, &time->images);
}

double ohm_scaling_total(const struct ohm_scaling_time *time) {
    double total = 0;
#define X(name, about) total += time->name;
    OHM_SCALING_LIST(X)
#undef X
    return total;
}

double ohm_scaling_ideal(const struct ohm_scaling_machine *machine, const struct ohm_scaling_job *job, int32_t ranks) {
    double work = 0;
    for (int32_t p = 0; p < job->npoint; p++) work += (double)job->images * job->points[p].image_s;
    return work / ranks * slowness(machine, ranks);
}
