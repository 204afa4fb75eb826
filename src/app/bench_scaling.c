/* Costs of a run's parts on one core, and what the model of scaling.h makes of them for many ranks. */
#include "bench.h"
#include "keep.h"
#include "ohmtally/scaling.h"
#include "ohmtally/status.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MOST_COUNTS 64   /* numbers of ranks in a table */
#define TURNS 3          /* the shortest counts */
#define LAYERS_AT_ONCE 4 /* built between agreements by a rank of one thread */
#define AGREEMENTS 16    /* of a point beside these, one-sided windows included */

struct costing {
    struct study *study;
    struct ohm_scaling_job job;
    struct ohm_scaling_point *points; /* [npoint] */
    struct loader loader;
    int32_t n; /* images in the loader */
    int64_t images;
};

/* CPU seconds of the shortest of several passes over the images, each. */
static int time_images(struct costing *costing, const struct ohm_engine *engine, float *const *outputs, double *seconds) {
    const float *const *inputs = (const float *const *)costing->loader.inputs;
    struct ohm_tally *tally = engine ? ohm_alloc_array((size_t)engine->intnet->nlayer, sizeof *tally) : NULL;
    uint64_t *digests = ohm_alloc_array((size_t)costing->n, sizeof *digests);
    struct ohm_batch *batch = NULL;
    int status = digests && (tally || !engine) ? OHM_OK : OHM_E_MEMORY;
    if (!status && engine) status = ohm_batch_new(engine, costing->n, &batch);
    for (int turn = 0; !status && turn < TURNS; turn++) {
        const double began = study_cpu_seconds();
        status = engine ? ohm_engine_run(engine, batch, costing->n, inputs, outputs, digests, tally, NULL)
                        : ohm_float_batch(costing->study->content.network, costing->n, inputs, outputs);
        const double took = (study_cpu_seconds() - began) / costing->n;
        if (!turn || took < *seconds) *seconds = took;
    }
    ohm_batch_free(batch);
    free(digests);
    free(tally);
    return status;
}

static int time_sample(struct costing *costing, const struct ohm_engine *engine, double *seconds) {
    struct ohm_batch *batch = NULL;
    double *power = ohm_alloc_array(2 * (size_t)engine->intnet->nlayer, sizeof *power);
    int status = power ? ohm_batch_new(engine, 1, &batch) : OHM_E_MEMORY;
    const double began = study_cpu_seconds();
    if (!status) status = ohm_engine_noise(engine, batch, costing->loader.inputs[0], power);
    *seconds = study_cpu_seconds() - began;
    ohm_batch_free(batch);
    free(power);
    return status;
}

/* A file that does not stay, in the folder for such files. */
static int temporary(struct ohm_arena *arena, const char *what, char **path) {
    const char *folder = getenv("TMPDIR");
    *path = (char *)ohm_arena_format(arena, "%s/ohmtally-%s-%ld", folder ? folder : "/tmp", what, (long)getpid());
    return *path ? OHM_OK : OHM_E_MEMORY;
}

/* The rows of all images and the layers into a result. */
static int time_write(struct costing *costing, const struct ohm_layer_row *layers, double *seconds) {
    const struct ohm_point_info info = {.name = "point",
                                        .entry = "point",
                                        .options = "",
                                        .swept = "",
                                        .design = "integer",
                                        .title = "",
                                        .source = "",
                                        .departures = "",
                                        .adc_range = ""};
    struct ohm_image_row *rows = ohm_alloc_array((size_t)costing->images, sizeof *rows);
    struct ohm_result *result = NULL;
    char *path = NULL, *kept = NULL;
    int status = rows ? temporary(costing->study->job->arena, "result.h5", &path) : OHM_E_MEMORY;
    if (!status) status = temporary(costing->study->job->arena, "point.h5", &kept);
    const double began = study_cpu_seconds();
    if (!status) status = ohm_result_create(path, &result);
    if (!status) status = ohm_result_add(result, &info, rows, costing->images, layers, layers ? costing->study->content.intnet->nlayer : 0);
    if (!status) status = ohm_result_save_point(result, info.name, kept);
    *seconds = study_cpu_seconds() - began;
    if (!status) unlink(kept);
    ohm_result_abandon(result);
    free(rows);
    return status;
}

static int cost_point(struct costing *costing, const struct point *point, float *const *outputs, struct ohm_scaling_point *cost) {
    struct study *study = costing->study;
    struct ohm_engine *engine = NULL;
    struct ohm_shared shared = {0};
    struct ohm_layer_row *layers = NULL;
    const bool crossbars = point->exact || point->design;
    const double began = study_cpu_seconds();
    if (crossbars) OHM_TRY(point_engine(study, point, &shared, &engine));
    *cost = (struct ohm_scaling_point){.name = point->name, .build_s = study_cpu_seconds() - began, .agreements = AGREEMENTS};
    int status = time_images(costing, engine, outputs, &cost->image_s);
    if (!status && engine) status = time_sample(costing, engine, &cost->sample_s);
    if (engine) cost->samples = (int32_t)study_samples(study, SQNR_IMAGES);
    if (engine) cost->agreements += study->content.intnet->nlayer / LAYERS_AT_ONCE + 1;
    if (!status && engine) status = point_layers(study, point, engine, NULL, NULL, 0, study->job->arena, &layers, NULL);
    if (!status) status = time_write(costing, layers, &cost->write_s);
    point_engine_free(engine, &shared);
    return status;
}

/* The first images, as often as they are needed for a batch; what loading one takes goes to every point. */
static int cost_points(struct costing *costing) {
    struct study *study = costing->study;
    const struct ohm_network *network = study->content.network;
    const size_t nclass = (size_t)ohm_shape_count(&network->values[network->output].shape);
    float **outputs = ohm_alloc_array((size_t)costing->n, sizeof *outputs), *values = ohm_alloc_array((size_t)costing->n * nclass, sizeof *values);
    double load_s = 0;
    int status = outputs && values ? OHM_OK : OHM_E_MEMORY;
    for (int32_t i = 0; !status && i < costing->n; i++) outputs[i] = values + (size_t)i * nclass;
    for (int turn = 0; !status && turn < TURNS; turn++) {
        const double began = study_cpu_seconds();
        status = loader_read(&costing->loader, 0, costing->n);
        const double took = (study_cpu_seconds() - began) / costing->n;
        if (!turn || took < load_s) load_s = took;
    }
    if (!status && !costing->loader.inputs[0]) status = ohm_fail(OHM_E_INPUT, "the first image is corrupt; let images.first begin behind it");
    for (int p = 0; !status && p < study->npoint; p++) {
        status = cost_point(costing, &study->points[p], outputs, &costing->points[p]);
        costing->points[p].image_s += load_s;
    }
    free(outputs);
    free(values);
    return status;
}

/* Units as they would be, in a journal. */
static int cost_journal(struct costing *costing) {
    const int32_t nlayer = costing->study->content.intnet->nlayer;
    struct ohm_image_row *rows = ohm_alloc_array((size_t)costing->job.batch, sizeof *rows);
    struct ohm_tally *tally = ohm_alloc_array((size_t)nlayer, sizeof *tally);
    const struct ohm_journal_batch batch = {2, 0, 0, costing->job.batch, nlayer, rows, tally};
    struct ohm_journal *journal = NULL;
    char *path = NULL;
    enum { APPENDED = 200 };
    int status = rows && tally ? temporary(costing->study->job->arena, "journal", &path) : OHM_E_MEMORY;
    if (!status) status = ohm_journal_create(path, 0, &journal);
    const double began = study_cpu_seconds();
    for (int k = 0; !status && k < APPENDED; k++) status = ohm_journal_append(journal, &batch);
    costing->job.append_s = (study_cpu_seconds() - began) / APPENDED;
    ohm_journal_close(journal);
    if (journal) unlink(path);
    free(rows);
    free(tally);
    return status;
}

/* Of the hashes, that of the list of images grows with it. */
static int cost_identity(struct costing *costing) {
    struct study *study = costing->study;
    const char *text;
    uint64_t digest;
    double began = study_cpu_seconds();
    OHM_TRY(identity_text(study->job, study, study->job->arena, &text));
    costing->job.identity_s = study_cpu_seconds() - began;
    began = study_cpu_seconds();
    OHM_TRY(ohm_image_set_digest(study->images, &digest));
    const double more = (double)costing->images / (double)ohm_image_set_count(study->images) - 1;
    costing->job.identity_s += (study_cpu_seconds() - began) * (more > 0 ? more : 0);
    return OHM_OK;
}

static void cost_loading(struct costing *costing) {
    const struct study *study = costing->study;
    costing->job.network_s = study->took.network_s;
    costing->job.open_s = study->took.open_s;
    costing->job.calibration = study->calibration ? ohm_image_set_count(study->calibration) : 0;
    costing->job.calibrate_s = costing->job.calibration ? study->took.calibrate_s / (double)costing->job.calibration : 0;
    costing->job.range_bytes = study->took.range_bytes;
    costing->job.quantize_s = study->took.quantize_s;
}

static int measure(struct costing *costing) {
    struct study *study = costing->study;
    const int64_t there = ohm_image_set_count(study->images);
    const int32_t batch = study_batch(study);
    costing->images = study->job->predict.images ? study->job->predict.images : there;
    costing->n = there < batch ? (int32_t)there : batch;
    costing->points = ohm_arena_array(study->job->arena, (size_t)study->npoint, sizeof *costing->points);
    if (!costing->points) return OHM_E_MEMORY;
    costing->job.images = costing->images;
    costing->job.batch = batch;
    costing->job.npoint = study->npoint;
    costing->job.points = costing->points;
    costing->job.row_bytes = sizeof(struct ohm_image_row);
    costing->job.image_bytes = (double)study->preprocess.height * study->preprocess.width * study->preprocess.channels;
    costing->job.network_bytes = 0;
    for (int32_t i = 0; i < study->content.intnet->nlayer; i++) {
        const struct ohm_layer *layer = &study->content.intnet->layers[i];
        costing->job.network_bytes += sizeof(float) * (double)layer->groups * layer->krows * layer->ncols;
    }
    OHM_TRY(loader_open(&costing->loader, study, study->images, study->job->images.packed != NULL, costing->n));
    int status = cost_points(costing);
    loader_close(&costing->loader);
    if (!status) status = cost_journal(costing);
    if (!status) status = cost_identity(costing);
    if (!status) cost_loading(costing);
    return status;
}

static struct ohm_scaling_machine machine_of(const struct ohm_job *job) {
    return (struct ohm_scaling_machine){.cores = job->predict.cores,
                                        .nodes = job->predict.nodes,
                                        .latency_s = job->predict.latency_us * 1e-6,
                                        .message_s = job->predict.message_us * 1e-6,
                                        .bytes_per_s = job->predict.link_gb_s * 1e9,
                                        .file_bytes_per_s = job->predict.file_gb_s * 1e9,
                                        .files_per_s = job->predict.files_s};
}

static void print_costs(const struct costing *costing) {
    const struct ohm_scaling_job *job = &costing->job;
    const struct ohm_job *given = costing->study->job;
    printf("\nmeasured, CPU seconds of one core: network %.3f, images listed %.3f, inputs hashed %.3f, an image of calibration %.4f (of %lld), "
           "quantised "
           "%.3f, a unit of %d images into the journal %.6f\n",
           job->network_s, job->open_s, job->identity_s, job->calibrate_s, (long long)job->calibration, job->quantize_s, job->batch, job->append_s);
    printf("%-18s %10s %10s %10s %10s\n", "point", "engine s", "image s", "SQNR s", "result s");
    for (int32_t p = 0; p < job->npoint; p++)
        printf("%-18s %10.3f %10.5f %10.3f %10.3f\n", job->points[p].name, job->points[p].build_s, job->points[p].image_s, job->points[p].sample_s,
               job->points[p].write_s);
    printf("given: %d cores a node%s, latency %g us, %g us of rank 0 a message, links of %g GB/s, a file system of %g GB/s and %g files/s\n",
           given->predict.cores, given->predict.nodes ? ", no more nodes than predict.nodes" : "", given->predict.latency_us,
           given->predict.message_us, given->predict.link_gb_s, given->predict.file_gb_s, given->predict.files_s);
}

/* The largest part but for the work on images that cannot be done away with. */
static const char *limit(const struct ohm_scaling_time *time, double ideal) {
    const double *parts = (const double *)time; /* doubles only */
    int most = OHM_SCALING_images;
    double longest = time->images - ideal;
    for (int k = 0; k < OHM_SCALING_PARTS; k++)
        if (k != OHM_SCALING_images && parts[k] > longest) {
            longest = parts[k];
            most = k;
        }
    return most == OHM_SCALING_images ? "images: units do not come out even, claims, or reading" : ohm_scaling_abouts[most];
}

static int print_row(const struct costing *costing, int32_t ranks, double *one) {
    const struct ohm_scaling_machine machine = machine_of(costing->study->job);
    struct ohm_scaling_time time;
    OHM_TRY(ohm_scaling_time(&machine, &costing->job, ranks, &time));
    const double total = ohm_scaling_total(&time), ideal = ohm_scaling_ideal(&machine, &costing->job, ranks);
    if (*one <= 0) {
        struct ohm_scaling_time alone;
        OHM_TRY(ohm_scaling_time(&machine, &costing->job, 1, &alone));
        *one = ohm_scaling_total(&alone);
    }
    printf("%8d %10.2f %9.1f %7.1f", ranks, total, *one / total, 100 * *one / total / ranks);
#define X(name, about) printf(" %9.3f", time.name);
    OHM_SCALING_LIST(X)
#undef X
    printf("  %s\n", limit(&time, ideal));
    return OHM_OK;
}

/* The numbers of ranks, each good. */
static int read_counts(const struct ohm_job *job, int32_t counts[MOST_COUNTS], int32_t *ncount) {
    const char *text = job->predict.ranks;
    *ncount = 0;
    for (char *end; *(text += strspn(text, " ,\t")); text = end) {
        errno = 0;
        const long count = strtol(text, &end, 10);
        if (end == text || errno || count < 1 || count > 10000000 || (*end && !strchr(" ,\t", *end)))
            return ohm_fail(OHM_E_USAGE, "%s: predict.ranks: '%s' does not begin with a number of ranks from 1 to 10000000", job->path, text);
        if (*ncount == MOST_COUNTS) return ohm_fail(OHM_E_USAGE, "%s: predict.ranks has more than %d numbers", job->path, MOST_COUNTS);
        counts[(*ncount)++] = (int32_t)count;
    }
    return *ncount ? OHM_OK : ohm_fail(OHM_E_USAGE, "%s: predict.ranks is empty; give numbers such as 1 64 1024", job->path);
}

int bench_scaling_check(const struct study *study) {
    int32_t counts[MOST_COUNTS], ncount;
    return study->job->predict.ranks ? read_counts(study->job, counts, &ncount) : OHM_OK;
}

int bench_scaling(struct study *study) {
    struct costing costing = {.study = study};
    int32_t counts[MOST_COUNTS], ncount;
    double one = 0;
    if (!study->job->predict.ranks) return OHM_OK;
    OHM_TRY(read_counts(study->job, counts, &ncount));
    OHM_TRY(measure(&costing));
    print_costs(&costing);
    printf("\npredicted seconds of `ohmtally run` on %lld images, ranks of one thread\n%8s %10s %9s %7s", (long long)costing.images, "ranks", "total",
           "speed-up", "%");
#define X(name, about) printf(" %9s", #name);
    OHM_SCALING_LIST(X)
#undef X
    printf("  what costs most beside the images\n");
    for (int32_t k = 0; k < ncount; k++) OHM_TRY(print_row(&costing, counts[k], &one));
    return OHM_OK;
}
