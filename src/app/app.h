/* What the commands share. One file per command; nobody else knows this layer. */
#ifndef OHM_APP_APP_H
#define OHM_APP_APP_H
#include "ohmtally/engine.h"
#include "ohmtally/fitted_file.h"
#include "ohmtally/images.h"
#include "ohmtally/job.h"
#include "ohmtally/network_file.h"
#include "ohmtally/parallel.h"
#include "ohmtally/result.h"
#include "ohmtally/status.h"
#include <pthread.h>
#include <stdatomic.h>

struct arguments {
    bool why;                 /* --why */
    const char *const *words; /* what follows the command, options removed */
    int nword;
    const char *const *set; /* values of --set */
    int nset;
    const char *command_line;
    const char *task; /* of --task; NULL: none */
    bool sweeping;    /* set holds one combination of a sweep: one that a design cannot have is not an error of the job */
};
int command_run(const struct ohm_world *world, const struct arguments *arguments);
int command_plan(const struct ohm_world *world, const struct arguments *arguments);
int command_pack(const struct ohm_world *world, const struct arguments *arguments);
int command_report(const struct ohm_world *world, const struct arguments *arguments);
int command_bench(const struct ohm_world *world, const struct arguments *arguments);
int command_search(const struct ohm_world *world, const struct arguments *arguments);
int command_fit(const struct ohm_world *world, const struct arguments *arguments);
int command_merge(const struct ohm_world *world, const struct arguments *arguments);
int command_list(const struct ohm_world *world, const struct arguments *arguments);

/* One evaluation point: float, integer, or a design with its settings. */
struct point {
    const char *name, *entry;        /* entry: the job's name for it; chips of an entry have names of their own */
    int32_t chips;                   /* of the entry; this one is noise.trial */
    int32_t place;                   /* of its entry: 0 float, 1 integer, then the job's designs */
    const char *swept;               /* values of a sweep that it depends on; NULL: none */
    int32_t index;                   /* in the list of all points of the run */
    bool options_read;               /* its options are good one by one */
    const char *failed;              /* why they are not together, in a sweep; NULL: they are */
    const struct ohm_design *design; /* NULL: float or integer */
    bool exact;                      /* integer */
    struct ohm_design_setting setting;
    struct ohm_design_setting *layer_settings; /* [nlayer]: setting with what `layers` says; there once the network is loaded */
    struct ohm_layer_option *layer_options;
    int32_t nlayer_option;
    const char *weights;                           /* fitted file; NULL: none */
    struct ohm_adc adc;                            /* without calibrated ranges */
    struct ohm_noise noise;                        /* ADCs per array are the study's to fill in */
    const char *adc_levels, *adc_codes, *measured; /* files; NULL: none */
    char options[512];
};
/* design_point.c: a design entry of the job; then, with the network there, the settings of its layers. */
int point_make(const struct ohm_job *job, const struct ohm_job_design *entry, struct point *point);
int point_set_layers(struct ohm_job *job, const struct ohm_intnet *intnet, struct point *point);
/* point_noise.c: a key of a design's entry, where it is one of device or adc errors (*known); then what these contradict, and files they name. */
int point_set_noise(const struct ohm_job *job, struct point *point, const struct ohm_key_value *option, bool *known);
int point_check_noise(const struct ohm_job *job, const struct ohm_job_design *entry, struct point *point);
/* One option of one layer's setting; what a layer cannot have of its own is refused. */
int point_set_layer(const struct point *point, struct ohm_design_setting *setting, const char *key, const char *value);

struct keeping; /* keep.h */
struct grid;    /* grid.h */

/* Everything of a run that does not change from point to point. */
struct study {
    struct ohm_world world;
    struct ohm_job *job;
    char *job_text;
    size_t job_size;
    struct ohm_technology technology;
    struct ohm_network_file content; /* network, integer network */
    struct ohm_preprocess preprocess;
    struct ohm_image_set *images, *calibration; /* calibration NULL: none */
    struct point *points;                       /* [npoint]: float, integer, designs */
    int npoint;
    bool sweeping; /* the job is one combination of a sweep */
    int threads;
    struct {
        double network_s, open_s, calibrate_s, quantize_s; /* CPU seconds of loading on this rank */
        double range_bytes;                                /* of the calibration's histograms */
    } took;
    struct ohm_shared shared; /* the network's weights */
    struct keeping *keeping;  /* of a run: finished batches; NULL: of other commands */
    struct grid *grid;        /* of the point at hand; NULL: every rank has all layers */
};
/* Collective: reads the job (path) on rank 0, shares it, parses it and the technology on every rank, checks every design. */
int study_open(struct study *study, const struct ohm_world *world, const struct arguments *arguments);
/* The same of a text that is there, on this rank alone; the text stays the caller's. */
int study_parse(struct study *study, const struct arguments *arguments, const char *text, size_t size);
/* The first point of the design's entry that `key` of the job names; name NULL: of the job's first. */
int study_find_design(const struct study *study, const char *key, const char *name, const struct point **point);
/* The first `count` (0: all) of quantize.calibration, of which `key` of the job speaks, are there and none of those to be scored. */
int study_check_apart(const struct ohm_job *job, const char *key, int64_t count);
/* Collective: reads the network; with_images: opens the images and calibrates; otherwise placeholder ranges (mapping needs none). */
int study_load(struct study *study, bool with_images);
/* What study_load has loaded goes over from another study of the same network and images; study_fit_points (collective) then does the rest. */
void study_take_loaded(struct study *study, struct study *from);
int study_fit_points(struct study *study);
void study_close(struct study *study);
double study_cpu_seconds(void); /* of all threads of this process */
/* Threads each rank uses: OMP_NUM_THREADS, or the cores it may use shared with the ranks that may use the same. */
int study_threads(const struct ohm_world *world);
/* Collective: says where ranks run and warns where threads share cores; rank 0 gets the names of all hosts (binding.c). */
int binding_say(const struct ohm_world *world, int threads, struct ohm_arena *arena, char **hosts);
/* Adds a piece to a growing list (for ohm_node_share); context: struct pieces. */
struct pieces {
    struct ohm_piece *list;
    int32_t n;
    int status;
};
void pieces_add(void *pieces, void *data, size_t bytes);
const char *study_cpu(struct ohm_arena *arena); /* the processor's name */

/* Images a rank works on together. */
int32_t study_batch(const struct study *study);

/* Images [first, first + n) of a set as network inputs. */
struct loading { /* the batch being read */
    int64_t first;
    int32_t n;
    float *values, **inputs;
};
struct loader {
    const struct study *study;
    struct ohm_image_set *set;
    bool packed; /* read by one thread */
    int32_t room;
    uint8_t *pixels;
    float *values;
    float **inputs; /* [room] of the batch that is ready; NULL where the image is corrupt */
    struct loading next;
    atomic_int taken; /* images of next that somebody reads or has read */
    bool ahead;       /* thread runs */
    pthread_t thread;
    pthread_mutex_t lock; /* of failure */
    struct ohm_failure failure;
};
size_t loader_bytes(const struct study *study); /* per image */
int loader_open(struct loader *loader, const struct study *study, struct ohm_image_set *set, bool packed, int32_t room);
/* The first images of the calibration set (of the scored images where there is none), at most `most`, one at a time: for what is measured beside
 * the scoring. */
int64_t study_samples(const struct study *study, int64_t most);
int loader_open_samples(struct loader *loader, const struct study *study, int64_t most, int64_t *count);
/* samples.c. Calls see for each sample that can be read of this rank's share, one at a time; batch: of one image, for the engines. */
#define SQNR_IMAGES 8 /* samples that the SQNR of each layer is taken over */
typedef int see_sample(void *context, struct ohm_batch *batch, int64_t image, const float *input);
int each_sample(struct study *study, const struct ohm_engine *const *engines, int32_t nengine, int64_t most, see_sample *see, void *context);
/* Of n samples in their order, whoever measured them: no float reduction. Sample k has signal and noise at power[k * stride]. */
double samples_decibels(const double *power, int64_t n, size_t stride);
/* Begins to read a batch while the one that is ready stays as it is; loader_finish makes it the one that is ready. One at a time. */
void loader_start(struct loader *loader, int64_t first, int32_t n);
int loader_finish(struct loader *loader);
int loader_read(struct loader *loader, int64_t first, int32_t n); /* both */
void loader_close(struct loader *loader);                         /* once or more */

/* Collective: one point over all images; rank 0 gets rows and layers (arena), the others NULL. */
struct evaluation {
    struct ohm_point_info info;
    struct ohm_image_row *rows;
    int64_t nrow;
    struct ohm_layer_row *layers;
    int32_t nlayer;
};
int evaluate_point(struct study *study, const struct point *point, struct ohm_arena *arena, struct evaluation *evaluation);

/* isolated.c: the same of a design's layers each on its own. */
int evaluate_isolated(struct study *study, const struct point *point, struct ohm_arena *arena, struct evaluation *evaluation);
/* What is known of the point, and of its rows that are there. */
void evaluation_describe(const struct point *point, double seconds, struct evaluation *evaluation);

/* Fitted files that points name are there and fit; before any image is scored. Collective. */
int point_check_fitted(const struct study *study);
/* The engine of a point. Collective: one copy of the weights on each node. */
int point_engine(struct study *study, const struct point *point, struct ohm_shared *shared, struct ohm_engine **engine);
/* An engine of the point's design whose counts can be observed: its ADCs give every count. noise: what its cells are like; NULL: ideal. Collective.
 */
int point_observer(struct study *study, const struct point *point, const struct ohm_noise *noise, struct ohm_shared *shared,
                   struct ohm_engine **engine);
/* why.c: what each layer of a point loses, on the first calibration images. Collective; nothing unless the job asks for it. */
struct losses { /* [nlayer] each, from an arena; NULL: not measured */
    double *isolated_db, *chained_db;
    int64_t (*codes)[OHM_CODE_BINS];
};
int point_why(struct study *study, const struct point *point, const struct ohm_engine *engine, struct ohm_arena *arena, struct losses *losses);
/* The plans of a point on this rank alone, layers without stores_only laid out for running, too. Any ADC range but calibrated. */
int point_samples(struct study *study, const struct point *point, const bool *skip, struct ohm_engine **engine); /* some layers of it alone */
int point_plans(struct study *study, const struct point *point, const bool *stores_only, struct ohm_engine **engine);
/* Frees it and what it shared. NULL is fine. */
void point_engine_free(struct ohm_engine *engine, struct ohm_shared *shared);
/* Layer rows from an engine and its tallies (images: scored images the tallies are over; 0: none, schedules are static); with their prices,
 * and what the whole costs, unless costs is NULL. */
int point_layers(const struct study *study, const struct point *point, const struct ohm_engine *engine, const struct ohm_tally *tally,
                 const double *sqnr_db, int64_t images, struct ohm_arena *arena, struct ohm_layer_row **rows, struct ohm_point_costs *costs);
/* The prices of filled rows. */
int point_costs(const struct study *study, const struct point *point, int64_t images, struct ohm_arena *arena, struct ohm_layer_row *rows,
                struct ohm_point_costs *costs);

#endif
