/* From the command line to a network ready for its evaluation points. */
#include "keep.h"
#include "ohmtally/equalise.h"
#include "ohmtally/log.h"
#include "ohmtally/onnx.h"
#include "ohmtally/status.h"
#include "ohmtally/text.h"
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

int study_threads(const struct ohm_world *world) {
    const char *asked = getenv("OMP_NUM_THREADS");
    cpu_set_t cpus;
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    int mine = sched_getaffinity(0, sizeof cpus, &cpus) ? 1 : CPU_COUNT(&cpus), share = mine;
    if (asked && atoi(asked) > 0) return atoi(asked);
    if (mine >= online) share = mine / world->local_size; /* not bound: the ranks of this node share its cores */
    return share > 1 ? share : 1;
}

double study_cpu_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* In a sweep, what a design cannot have makes a point without result; otherwise it is an error of the job. */
static int excuse(const struct study *study, struct point *point, int status) {
    struct ohm_failure failure = {0};
    if (!status || !study->sweeping || !point->options_read) return status;
    ohm_fail_take(&failure);
    point->failed = ohm_arena_string(study->job->arena, failure.text);
    return point->failed ? OHM_OK : OHM_E_MEMORY;
}

/* The point of a design's entry, and as many more as the job wants chips of it. */
static int add_points(struct study *study, int32_t design) {
    const struct ohm_job *job = study->job;
    const struct ohm_job_design *entry = &job->designs[design];
    struct point *first = &study->points[study->npoint];
    OHM_TRY(excuse(study, first, point_make(job, entry, first)));
    first->place = design + 2;
    first->noise.adc.per_array = (int32_t)(ohm_price_adcs(&study->technology, job->same.array_columns) + 0.5);
    if (!first->failed && ohm_noise_any(&first->noise)) first->chips = job->run.trials;
    for (int32_t chip = 0; chip < first->chips; chip++, study->npoint++) {
        struct point *point = &study->points[study->npoint];
        *point = *first;
        point->noise.trial = (uint32_t)chip;
        if (first->chips > 1) point->name = ohm_arena_format(job->arena, "%s.chip%d", entry->name, chip);
        if (!point->name) return OHM_E_MEMORY;
    }
    return OHM_OK;
}

static int make_points(struct study *study) {
    const struct ohm_job *job = study->job;
    study->points = ohm_arena_array(job->arena, (size_t)job->ndesign * (size_t)job->run.trials + 2, sizeof *study->points);
    if (!study->points) return OHM_E_MEMORY;
    study->points[0].name = study->points[0].entry = "float";
    study->points[1].name = study->points[1].entry = "integer";
    study->points[1].exact = true;
    study->points[1].place = 1;
    study->npoint = 2;
    for (int32_t i = 0; i < job->ndesign; i++) OHM_TRY(add_points(study, i));
    for (int32_t i = 0; i < study->npoint; i++) study->points[i].index = i;
    return OHM_OK;
}

int study_parse(struct study *study, const struct arguments *arguments, const char *text, size_t size) {
    const char *path = arguments->words[0];
    OHM_TRY(ohm_job_parse(path, text, size, arguments->set, (size_t)arguments->nset, &study->job));
    OHM_TRY(ohm_technology_read(path, study->job->same.technology, &study->technology));
    if (study->job->adc.per_array)
        study->technology.adcs_per_array = study->job->adc.per_array * study->technology.array_columns / study->job->same.array_columns;
    study->sweeping = arguments->sweeping;
    OHM_TRY(make_points(study));
    return ohm_kernel_chosen() ? OHM_OK : OHM_E_USAGE;
}

int study_find_design(const struct study *study, const char *key, const char *name, const struct point **point) {
    const char *names[OHM_JOB_MOST_DESIGNS];
    size_t count = 0;
    for (int p = 2; p < study->npoint; p++) {
        *point = &study->points[p];
        if (!name || !strcmp(name, (*point)->entry)) return OHM_OK;
        if (!(*point)->noise.trial) names[count++] = (*point)->entry; /* of several chips, the first */
    }
    const char *near = ohm_text_nearest(name, names, count);
    return ohm_fail(OHM_E_USAGE, "%s: %s: the job has no design named '%s'%s%s%s", study->job->path, key, name, near ? "; did you mean '" : "",
                    near ? near : "", near ? "'?" : "");
}

int study_open(struct study *study, const struct ohm_world *world, const struct arguments *arguments) {
    size_t size = 0;
    *study = (struct study){.world = *world};
    int status = arguments->nword < 1 ? ohm_fail(OHM_E_USAGE, "no job file given; `ohmtally list example` prints one with every key") : OHM_OK;
    if (!status && world->rank == 0) status = ohm_file_read(arguments->words[0], &study->job_text, &size);
    OHM_TRY(ohm_world_agree(world, status));
    OHM_TRY(ohm_world_share(world, &study->job_text, &size));
    study->job_size = size;
    return ohm_world_agree(world, study_parse(study, arguments, study->job_text, size));
}

static bool ends_with(const char *text, const char *end) {
    size_t n = strlen(text), m = strlen(end);
    return n >= m && !strcasecmp(text + n - m, end);
}

static int load_onnx(struct study *study) {
    struct ohm_network *raw = NULL;
    OHM_TRY(ohm_onnx_read(study->job->network.file, NULL, &raw));
    int status = ohm_network_fold(raw, &study->content.network);
    ohm_network_free(raw);
    if (status || !study->job->quantize.equalise) return status;
    int32_t sets;
    OHM_TRY(ohm_network_equalise(study->content.network, &sets));
    if (!sets) ohm_warn("quantize.equalise: no layer hands its channels on to another without a Clip, Concat or the like: nothing to equalise");
    return OHM_OK;
}

static int open_images(struct study *study) {
    const struct ohm_job *job = study->job;
    const struct ohm_network *network = study->content.network;
    int32_t nclass = (int32_t)ohm_shape_count(&network->values[network->output].shape);
    struct ohm_preprocess *p = &study->preprocess;
    OHM_TRY(ohm_image_set_open(&job->images, nclass, &study->images));
    if (job->quantize.has_calibration) OHM_TRY(ohm_image_set_open(&job->quantize.calibration, 0, &study->calibration));
    ohm_image_set_size(study->images, &p->height, &p->width, &p->channels);
    p->bgr = job->network.pixels == OHM_PIXELS_BGR;
    p->nhwc = job->network.nhwc;
    p->scale = job->network.scale;
    memcpy(p->mean, job->network.mean, sizeof p->mean);
    memcpy(p->std, job->network.std, sizeof p->std);
    OHM_TRY(ohm_preprocess_check(p, network));
    if (!study->calibration) return OHM_OK;
    int32_t h, w, c;
    ohm_image_set_size(study->calibration, &h, &w, &c);
    if (h != p->height || w != p->width || c != p->channels)
        return ohm_fail(OHM_E_INPUT, "calibration images are %dx%d, but the images to score are %dx%d; give them the same resize and crop", h, w,
                        p->height, p->width);
    return OHM_OK;
}

/* This rank's share of the calibration images into ranges. */
static int see_images(struct study *study, struct ohm_ranges *ranges) {
    struct loader loader;
    int64_t n = ohm_image_set_count(study->calibration), end = ohm_partition_first(n, study->world.size, study->world.rank + 1);
    int32_t batch = study_batch(study);
    int status = loader_open(&loader, study, study->calibration, study->job->quantize.calibration.packed != NULL, batch);
    for (int64_t first = ohm_partition_first(n, study->world.size, study->world.rank); !status && first < end && !ohm_world_alarmed(&study->world);
         first += batch) {
        int32_t count = end - first < batch ? (int32_t)(end - first) : batch;
        status = stop_status();
        if (!status) status = loader_read(&loader, first, count);
        if (!status) status = ohm_calibrate_batch(study->content.network, count, (const float *const *)loader.inputs, ranges);
    }
    loader_close(&loader);
    if (status) ohm_world_alarm(&study->world);
    return status;
}

static int calibrate(struct study *study) {
    const struct ohm_job *job = study->job;
    const struct ohm_network *network = study->content.network;
    struct ohm_ranges *ranges = NULL;
    double began = ohm_seconds(), worked = study_cpu_seconds();
    int status = OHM_OK;
    if (!study->calibration)
        status =
            ohm_fail(OHM_E_USAGE, "%s: no calibration images: add quantize.calibration with a folder or packed file (training images, a few hundred)",
                     job->path);
    if (!status && !(ranges = ohm_ranges_new(network))) status = OHM_E_MEMORY;
    status = ohm_world_agree(&study->world, status);
    if (!status) status = ohm_world_agree(&study->world, see_images(study, ranges));
    if (!status) {
        study->took.calibrate_s = study_cpu_seconds() - worked;
        study->took.range_bytes = (double)ranges->nobserved * OHM_RANGE_BINS * sizeof *ranges->counts;
        ohm_world_least(&study->world, ranges->least, (size_t)ranges->nvalue);
        ohm_world_most(&study->world, ranges->most, (size_t)ranges->nvalue);
        status = ohm_world_sum_sparse(&study->world, ranges->counts, (size_t)ranges->nobserved * OHM_RANGE_BINS);
    }
    if (!status) {
        static const enum ohm_range_rule rules[] = {OHM_RULE_MINMAX, OHM_RULE_PERCENTILE, OHM_RULE_SQUARED_ERROR};
        struct ohm_quantize_options options = {job->quantize.activation_bits, rules[job->quantize.range], job->quantize.percentile};
        worked = study_cpu_seconds();
        status = ohm_quantize(network, ranges, &options, &study->content.intnet);
        study->took.quantize_s = study_cpu_seconds() - worked;
        ohm_log("calibrated on %lld images in %.1f s", (long long)ohm_image_set_count(study->calibration), ohm_seconds() - began);
    }
    ohm_ranges_free(ranges);
    return ohm_world_agree(&study->world, status);
}

/* Mapping needs no ranges: every tensor gets scale 1. */
static int placeholder_ranges(struct study *study) {
    const struct ohm_network *network = study->content.network;
    int32_t bits = study->job->quantize.activation_bits;
    struct ohm_quant *quant = ohm_alloc_array((size_t)network->nvalue, sizeof *quant);
    if (!quant) return OHM_E_MEMORY;
    for (int32_t v = 0; v < network->nvalue; v++) quant[v] = (struct ohm_quant){1.0f, 0, bits};
    int status = ohm_quantize_given(network, bits, quant, &study->content.intnet);
    free(quant);
    return status;
}

/* The integer network as a file, on request: rank 0 writes it. */
static int save_network(struct study *study) {
    const struct ohm_job *job = study->job;
    const struct ohm_intnet *intnet = study->content.intnet;
    if (!job->network.save || study->world.rank) return OHM_OK;
    struct ohm_network_file content = study->content;
    content.weight_bits = job->quantize.weight_bits;
    snprintf(content.provenance, sizeof content.provenance, "symmetric rounding of %s to %d bits, %s scales", job->network.file,
             job->quantize.weight_bits, job->quantize.per_channel ? "per-channel" : "per-layer");
    content.weights = ohm_alloc_array((size_t)intnet->nlayer, sizeof *content.weights);
    int status = content.weights ? OHM_OK : OHM_E_MEMORY;
    for (int32_t i = 0; !status && i < intnet->nlayer; i++) {
        content.weights[i] = ohm_weights_new(&intnet->layers[i]);
        if (!content.weights[i]) status = OHM_E_MEMORY;
        if (!status)
            ohm_weights_uniform(&intnet->layers[i], (1 << (job->quantize.weight_bits - 1)) - 1, job->quantize.per_channel, content.weights[i]);
    }
    if (!status) status = ohm_network_file_write(job->network.save, &content);
    for (int32_t i = 0; content.weights && i < intnet->nlayer; i++) ohm_weights_free(content.weights[i]);
    free(content.weights);
    return status;
}

void pieces_add(void *context, void *data, size_t bytes) {
    struct pieces *pieces = context;
    struct ohm_piece *grown = realloc(pieces->list, (size_t)(pieces->n + 1) * sizeof *grown);
    if (!grown) {
        pieces->status = ohm_fail(OHM_E_MEMORY, "out of memory");
        return;
    }
    pieces->list = grown;
    grown[pieces->n++] = (struct ohm_piece){data, bytes};
}

/* On one rank of a node at a time. */
static int load_network(void *context, struct ohm_piece **list, int32_t *n) {
    struct study *study = context;
    struct pieces pieces = {0};
    const char *file = study->job->network.file;
    OHM_TRY(ends_with(file, ".h5") ? ohm_network_file_read(file, &study->content) : load_onnx(study));
    ohm_arena_large(study->content.network->arena, pieces_add, &pieces);
    *list = pieces.list;
    *n = pieces.n;
    return pieces.status;
}

/* A saved integer network was made for certain bits. */
static int check_saved(const struct study *study) {
    const char *file = study->job->network.file;
    if (study->job->quantize.equalise)
        return ohm_fail(OHM_E_USAGE, "%s is quantised already; quantize.equalise needs the float network (.onnx)", file);
    if (study->content.intnet->activation_bits != study->job->quantize.activation_bits)
        return ohm_fail(OHM_E_USAGE, "%s holds %d-bit activations; set quantize.activation_bits to that", file,
                        study->content.intnet->activation_bits);
    if (study->content.weight_bits != study->job->quantize.weight_bits)
        return ohm_fail(OHM_E_USAGE, "%s holds %d-bit weights; set quantize.weight_bits to that", file, study->content.weight_bits);
    return OHM_OK;
}

/* With the network there: settings of single layers. */
static int fit_points(struct study *study) {
    for (int p = 0; p < study->npoint; p++) {
        struct point *point = &study->points[p];
        if (!point->failed) OHM_TRY(excuse(study, point, point_set_layers(study->job, study->content.intnet, point)));
    }
    return OHM_OK;
}

int study_load(struct study *study, bool with_images) {
    bool saved = ends_with(study->job->network.file, ".h5");
    double worked = study_cpu_seconds();
    int status = ohm_node_load(&study->world, load_network, study, &study->shared);
    if (!status && saved) status = check_saved(study);
    study->took.network_s = study_cpu_seconds() - worked;
    if (!status && with_images) status = open_images(study);
    study->took.open_s = study_cpu_seconds() - worked - study->took.network_s;
    OHM_TRY(ohm_world_agree(&study->world, status));
    if (!saved && with_images) OHM_TRY(calibrate(study));
    if (!saved && !with_images) status = placeholder_ranges(study);
    if (!status) status = fit_points(study);
    if (!status && with_images && !saved) status = save_network(study);
    return ohm_world_agree(&study->world, status);
}

void study_take_loaded(struct study *study, struct study *from) {
    study->content = from->content;
    study->preprocess = from->preprocess;
    study->images = from->images;
    study->calibration = from->calibration;
    study->shared = from->shared;
    from->content = (struct ohm_network_file){0};
    from->images = from->calibration = NULL;
    from->shared = (struct ohm_shared){0};
}

int study_fit_points(struct study *study) {
    return ohm_world_agree(&study->world, fit_points(study));
}

void study_close(struct study *study) {
    ohm_image_set_close(study->images);
    ohm_image_set_close(study->calibration);
    ohm_node_unshare(&study->shared);
    ohm_network_file_free(&study->content);
    ohm_job_free(study->job);
    free(study->job_text);
}

const char *study_cpu(struct ohm_arena *arena) {
    char line[256], *colon;
    FILE *file = fopen("/proc/cpuinfo", "r");
    const char *model = "unknown";
    while (file && fgets(line, sizeof line, file))
        if (!strncmp(line, "model name", 10) && (colon = strchr(line, ':'))) {
            line[strcspn(line, "\n")] = 0;
            model = ohm_arena_string(arena, colon + 2);
            break;
        }
    if (file) fclose(file);
    return model;
}
