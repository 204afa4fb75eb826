/* How long a run takes on many ranks: a model with measured costs. Ranks have one thread each. Layer: par.
 *
 * A run is a sequence of parts after each of which all ranks wait for each other:
 *   network    read on every rank of a node, one rank after another, or a few at a time (parallel.h, ohm_node_load)
 *   open       images and labels listed, on every rank at once; hashes of the inputs, on rank 0
 *   calibrate  calibration images shared among the ranks; histograms summed over them; quantised on every rank
 *   build      engines of all points, on every rank at once
 *   images     units claimed from rank 0's counter one after another, the next one while the last is worked on: simulated claim by claim
 *   samples    a few images per point on which SQNR is measured, shared among the ranks
 *   collect    rank 0 writes rows and layers of each point
 *   messages   agreements and sums (a tree: 2 log2 P steps), rows to rank 0 one message after another
 *   files      a journal per rank in one folder, made and removed
 * Not in it: the start of the processes; what listing a folder of many files costs every rank (pack images); contention for a node's memory; ranks
 * that are slower than others (claims would even these out). */
#ifndef OHMTALLY_SCALING_H
#define OHMTALLY_SCALING_H
#include <stdint.h>

struct ohm_scaling_machine {
    int32_t cores;           /* of a node, and ranks on it */
    int32_t nodes;           /* 0: as many as the ranks need; else further ranks share the cores there are */
    double latency_s;        /* of a message */
    double message_s;        /* what rank 0 needs for each of many messages that come to it */
    double bytes_per_s;      /* of a node's link */
    double file_bytes_per_s; /* the file system serves, to all nodes together */
    double files_per_s;      /* made or removed in one folder */
};
struct ohm_scaling_point { /* seconds of one core */
    const char *name;
    double build_s;  /* the engine */
    double image_s;  /* one image, loading included */
    double sample_s; /* one image of SQNR */
    double write_s;  /* rows and layers of the point into the result */
    int32_t samples, agreements;
};
struct ohm_scaling_job { /* seconds of one core */
    double network_s, network_bytes;
    double open_s;       /* on every rank */
    double identity_s;   /* on rank 0 */
    double calibrate_s;  /* one image */
    int64_t calibration; /* images */
    double range_bytes;  /* of histograms that are summed */
    double quantize_s;   /* on every rank */
    double append_s;     /* a unit into the journal */
    double row_bytes;    /* of an image's row, sent to rank 0 */
    double image_bytes;  /* read from the file system */
    int64_t images;
    int32_t batch; /* images in a unit at most */
    int32_t npoint;
    const struct ohm_scaling_point *points;
};
/* name, what it is */
#define OHM_SCALING_LIST(X)                                                                                                                          \
    X(network, "the network read, ranks of a node in turns")                                                                                         \
    X(open, "images listed, inputs hashed")                                                                                                          \
    X(calibrate, "calibration")                                                                                                                      \
    X(build, "engines, the same on every rank")                                                                                                      \
    X(images, "images")                                                                                                                              \
    X(samples, "images of SQNR, of which there are few")                                                                                             \
    X(collect, "rank 0 writes the result")                                                                                                           \
    X(messages, "messages")                                                                                                                          \
    X(files, "journals made and removed in one folder")
struct ohm_scaling_time { /* seconds; the parts are the whole */
#define X(name, about) double name;
    OHM_SCALING_LIST(X)
#undef X
};
enum {
#define X(name, about) OHM_SCALING_##name,
    OHM_SCALING_LIST(X)
#undef X
        OHM_SCALING_PARTS
};
extern const char *const ohm_scaling_abouts[OHM_SCALING_PARTS];

/* ranks: 1 or more. OHM_E_MEMORY is the only failure. */
int ohm_scaling_time(const struct ohm_scaling_machine *machine, const struct ohm_scaling_job *job, int32_t ranks, struct ohm_scaling_time *time);
double ohm_scaling_total(const struct ohm_scaling_time *time);
/* The work on images alone, evenly over the cores there are. */
double ohm_scaling_ideal(const struct ohm_scaling_machine *machine, const struct ohm_scaling_job *job, int32_t ranks);

#endif
