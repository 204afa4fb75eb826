/* The result file: HDF5, self-describing, opens in h5py or HDFView without this program. Version OHM_RESULT_VERSION of its layout:
 *
 *   /                       attributes: format "ohmtally result", version (int)
 *   /run                    attributes, strings: revision, version, compiler, flags, libraries, hosts, kernel, cpu, started (ISO 8601 UTC), job (file
 *                           text), command; integers: ranks, threads, seed, batch, images; doubles: seconds
 *                           identity ("key = value" lines: all that decides the result)
 *   /run/used               strings "key = value", every value of the job in force
 *   /run/plan, /run/failed  strings: names of all points of the job, of which this file may hold a share; "name: why" of those that failed
 *   /points                 strings: names of the evaluation points in order: "float", "integer", then the designs
 *   /<point>                attributes: design, title, source, departures, options, swept (values of a sweep's keys), digest (16 hex digits over the
 *                           integer data sets of this group), seconds, images_scored, images_labelled (of these), images_corrupt, top1 (count),
 *                           top5 (count), top1_low, top1_high (95 % Wilson interval as fractions of images_labelled), priced (0, 1), adc_bits,
 *                           adc_range, array_rows, array_columns, entry (the job's name of the design), chip, chips (of the entry); where priced also
 *                           those of OHM_POINT_COST_LIST, tiles, arrays (int), bottleneck, busiest (names of layers)
 *                           mode "isolated" where layers ran on the exact integer network's inputs, each on its own: no label counts then
 *   /<point>/isolated/      in that mode, row = layer: outputs (compared over all images), differing (from the exact layer's), digest (of all
 * outputs)
 *   /<point>/images/index, label (int32, -1 none), best (int32 [n][5]), correct (int8: 1 top-1, 2 within top-5, 0 neither, -1 unlabelled or corrupt),
 *                           outputs_digest (uint64 as int64: hash of all integer outputs of the image's run; 0 for float)
 *   /<point>/layers/        one data set per column, row = layer: name, kind, evaluation, groups, rows, columns, positions_per_image, every count of
 *                           tally.h, every count of store.h, plane_full, plane_held ([n][16]), adc_bits, copies, buffer_bytes, baseline_<name>,
 *                           sqnr_db (against float), sqnr_isolated_db, sqnr_chained_db, codes, adc_lo, adc_step ([n][16]), weight_error,
 *                           held_error, energy_<component>_pj, energy_pj (their sum), energy_leakage_pj (not in the sum), energy_adc_<law>_pj
 *                           (energy_adc_pj under each ADC law), latency_ns, start_ns, end_ns, busy, area_<component>_um2, area_um2 (their sum),
 *                           area_adc_<law>_um2; /float has no layers, prices of /integer are 0
 *
 * Every data set carries attributes `unit` and `about`. Wall times and host names are attributes only: data sets are the same bytes for any ranks and
 * threads. Layer: io. Rank 0 only. */
#ifndef OHMTALLY_RESULT_H
#define OHMTALLY_RESULT_H
#include "ohmtally/memory.h"
#include "ohmtally/price.h"
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define OHM_RESULT_VERSION 2

#define OHM_CODE_BINS 16
#define OHM_ADC_RANGES 16

struct ohm_image_row {
    int64_t index;
    int32_t label;
    int32_t best[5];
    int32_t correct; /* 1 top-1, 2 within top-5, 0 neither, -1 unlabelled, -2 corrupt */
    uint64_t outputs_digest;
};
struct ohm_layer_row {
    const char *name, *kind; /* kind: "conv", "depthwise", "linear" */
    const char *evaluation;  /* as ohm_program_way */
    int32_t groups, rows, columns;
    int64_t positions;      /* per image */
    struct ohm_tally tally; /* over all scored images */
    struct ohm_store store;
    int64_t plane_full[OHM_PLANES], plane_held[OHM_PLANES]; /* arrays by bit plane before and after empty ones were released */
    int32_t adc_bits;
    double sqnr_db;
    double sqnr_isolated_db;                                  /* against the exact integer layer on the same inputs; NaN: not measured */
    double sqnr_chained_db;                                   /* against the integer network from the same image; NaN: not measured */
    int64_t adc_lo[OHM_ADC_RANGES], adc_step[OHM_ADC_RANGES]; /* of each class of columns in 1/256 cell steps; step 0: no such columns */
    int64_t codes[OHM_CODE_BINS];                             /* conversions of the sample images by sixteenths of the ADC's codes; 0: not measured */
    double weight_error;                                      /* relative root mean square of held minus float weights */
    double held_error;                                        /* of held minus fitted weights; 0 without fitted ones */
    int64_t copies;                                           /* of the layer; area and leakage are of all of them, store of one */
    int64_t buffer_bytes;                                     /* input values kept while the layer runs */
    struct ohm_energy energy;                                 /* pJ, mean per image */
    double leakage_pj;                                        /* standing power during an interval; not in energy */
    struct ohm_area area;                                     /* um2, with the layer's share of the tiles */
    double adc_pj[OHM_ADC_LAWS];                              /* energy.adc under each law */
    double adc_um2[OHM_ADC_LAWS];                             /* area.adc under each law */
    double latency_ns;                                        /* one image through one copy */
    double start_ns, end_ns;                                  /* first step, last output of one image through the empty pipeline */
    double busy;                                              /* share of an interval in which an array of the layer is read, on average */
    int64_t baseline[4];
};
/* attribute, meaning */
#define OHM_POINT_COST_LIST(X)                                                                                                                       \
    X(latency_ns, "one image through the empty pipeline")                                                                                            \
    X(latency_serial_ns, "one image, layer after layer")                                                                                             \
    X(interval_ns, "between images in steady state: the slowest layer")                                                                              \
    X(images_per_s, "images in a second of steady state")                                                                                            \
    X(area_mm2, "arrays with their periphery and whole tiles")                                                                                       \
    X(busiest_share, "share of an interval in which the arrays of the busiest layer are read")
struct ohm_point_costs { /* of a whole network on a design */
#define X(name, about) double name;
    OHM_POINT_COST_LIST(X)
#undef X
    int64_t tiles, arrays;            /* arrays: of all copies */
    const char *bottleneck, *busiest; /* layers: the slowest stage; that whose arrays are read most of the time */
};
struct ohm_isolated_row { /* a layer on the exact integer network's inputs */
    int64_t outputs, differing, digest;
};
struct ohm_point_info { /* attributes of a point */
    const char *name, *design, *title, *source, *departures, *options, *swept, *adc_range;
    const char *entry; /* the job's name for the design; NULL: name */
    int32_t adc_bits, array_rows, array_columns;
    int32_t chip, chips; /* which of the chips evaluated of this entry; chips 0 and 1: there is one */
    bool priced;         /* false for float and integer */
    double seconds;
    int64_t corrupt;
    struct ohm_point_costs costs;            /* where priced */
    const struct ohm_isolated_row *isolated; /* [nlayer] where layers ran on exact inputs, each on its own; NULL: one after another */
};
struct ohm_run_info {
    const char *revision, *version, *compiler, *flags, *libraries, *hosts, *kernel, *cpu, *started, *job_text, *command;
    int32_t ranks, threads, batch;
    int64_t seed, images;
    double seconds;
    const char *identity;      /* lines "key = value": everything the result depends on */
    const char *const *plan;   /* [nplan] names of all points of the job, those of other tasks and failed ones included */
    const char *const *failed; /* [nfailed] "name: why" */
    int32_t nplan, nfailed;
};

struct ohm_result; /* being written: path + ".partial-<process>" until finished */
/* OHM_E_IO with the reason and remedy when the folder is absent or not writable: at once, before the work. */
#define OHM_MANY_POINTS 4096 /* of a file at most */
int ohm_result_create(const char *path, struct ohm_result **result);
/* Adds one point, in memory; the disk comes with save_point and finish. After a failure only abandon makes sense. */
int ohm_result_add(struct ohm_result *result, const struct ohm_point_info *info, const struct ohm_image_row *images, int64_t nimage,
                   const struct ohm_layer_row *layers, int32_t nlayer);
/* A point that was added, as a file of its own that is there whole or not at all; and such a file's point into a result, the same bytes of every data
 * set as if it had been added. */
int ohm_result_save_point(const struct ohm_result *result, const char *name, const char *path);
int ohm_result_take_point(struct ohm_result *result, const char *path, const char *name);
bool ohm_result_has_point(const char *path, const char *name); /* whether a file is there, undamaged, with that point; records no failure */
/* Attribute identity of a result's /run in arena; NULL when there is no such file or it has none. Records no failure. */
const char *ohm_result_identity(const char *path, struct ohm_arena *arena);
/* Joins results of one job: the points of all files, in the order of the plan, under out. Refuses results of different jobs (naming the difference)
 * and files that hold different results of one point. */
int ohm_result_merge(const char *out, const char *const *paths, int32_t npath);
/* Writes /run, closes, fsyncs, renames to the final name and frees. On failure nothing stands under the final name that was not there before. */
int ohm_result_finish(struct ohm_result *result, const struct ohm_run_info *run, const char *const *used, int32_t nused);
void ohm_result_abandon(struct ohm_result *result); /* removes the partial file; NULL is fine */

/* Digest over the integer data sets as they are written, in their order (xxHash64, hex). */
uint64_t ohm_point_digest(const struct ohm_image_row *images, int64_t nimage, const struct ohm_layer_row *layers, int32_t nlayer);

/* 95 % Wilson score interval of a share of hits among n, as fractions; 0 .. 1 when n is 0. */
void ohm_wilson(int64_t hits, int64_t n, double *low, double *high);

/* McNemar's test of two classifiers on the same images, in its exact form: the two-sided probability that of lost + gained images on which they
 * differ (only the first right, only the second right) so few or fewer fall to one side by chance. 1 when none differ. */
double ohm_mcnemar(int64_t lost, int64_t gained);

/* Reading back, for `report`. */
struct ohm_report_layer { /* what a layer loses */
    const char *name, *kind;
    int64_t conversions, clipped, codes[OHM_CODE_BINS];
    double sqnr_isolated_db, sqnr_chained_db;
};
struct ohm_report_weights { /* relative root mean square by which held weights are off, in the layer where it is most */
    double trained, fitted; /* off these */
};
struct ohm_report_point {
    char name[256], entry[256], design[32], digest[17], adc_range[16];
    int64_t chip, chips;
    int8_t *correct; /* [scored + corrupt] as in the file */
    int64_t nimage;
    struct ohm_report_layer *layers; /* [nlayer] */
    int64_t nlayer;
    int64_t scored, labelled, corrupt, top1, top5, agree; /* agree: top-1 class equals float's; -1 without a float point */
    int32_t adc_bits;
    bool priced;
    bool isolated; /* layers each on its own: no top-1 */
    int64_t crossbars, baseline[4], conversions, clipped;
    double energy_pj, leakage_pj;                                   /* per image */
    double law_energy_pj[OHM_ADC_LAWS], law_area_um2[OHM_ADC_LAWS]; /* under each ADC law; energy without leakage */
    struct ohm_point_costs costs;
    bool has_weights; /* fitted ones */
    struct ohm_report_weights weights;
};
struct ohm_report {
    struct ohm_arena *arena;
    struct ohm_report_point *points;
    int32_t npoint;
    char path[1024], network[1024]; /* network: as the job named it */
    int64_t images, ranks, threads;
    double seconds;
    const char *identity;        /* of the job; NULL: not in the file */
    const char **plan, **failed; /* [nplan] names; [nfailed] "name: why" */
    int32_t nplan, nfailed;
};
int ohm_report_read(const char *path, struct ohm_report **report);
void ohm_report_free(struct ohm_report *report);
/* The comparison table as text: top-1 (with its 95 % Wilson interval), top-5, agreement with float, ADC, clipped conversions, crossbars, area,
 * energy, latency and interval, each also relative to the first priced point; then what the pipeline is like, energy and area under each ADC law,
 * and the crossbars of other mappings against each design's. */
void ohm_report_print(const struct ohm_report *report, FILE *out);
/* Of every point measured with run.why: its layers, those first that do most harm on their own. */
void ohm_report_why(const struct ohm_report *report, FILE *out);

#endif
