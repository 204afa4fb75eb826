/* Writing a result: point by point into a partial file, which takes its name when all is in. */
#include "ohmtally/log.h"
#include "ohmtally/status.h"
#include "result_file.h"
#include "result_table.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static uint64_t point_digest(const struct ohm_image_record *images, int64_t nimage, const struct ohm_layer_record *layers, int32_t nlayer) {
    XXH64_state_t state;
    XXH64_reset(&state, 0);
    ohm_table_digest(&ohm_image_table, images, nimage, true, &state);
    ohm_table_digest(&ohm_layer_table, layers, nlayer, true, &state);
    return XXH64_digest(&state);
}

uint64_t ohm_point_digest(const struct ohm_image_row *images, int64_t nimage, const struct ohm_layer_row *layers, int32_t nlayer) {
    struct ohm_image_record *image_records = ohm_image_records(images, nimage);
    struct ohm_layer_record *layer_records = ohm_layer_records(layers, nlayer);
    uint64_t digest = image_records && layer_records ? point_digest(image_records, nimage, layer_records, nlayer) : 0;
    free(image_records);
    free(layer_records);
    return digest;
}

int ohm_result_create(const char *path, struct ohm_result **result) {
    struct ohm_result *made = ohm_alloc(sizeof *made);
    *result = NULL;
    if (!made) return OHM_E_MEMORY;
    made->arena = ohm_arena_new();
    int status = made->arena ? ohm_h5_create(path, &made->out) : OHM_E_MEMORY;
    if (!status) status = ohm_h5_set_string(made->out.file, "format", "ohmtally result");
    if (!status) status = ohm_h5_set_int64(made->out.file, "version", OHM_RESULT_VERSION);
    if (!status) status = ohm_h5_save(&made->out);
    if (status)
        ohm_result_abandon(made);
    else
        *result = made;
    return status;
}

/* Text and number attributes by name. */
struct text_attribute {
    const char *name, *value;
};
struct number_attribute {
    const char *name;
    int64_t value;
};
static int texts_write(hid_t at, const struct text_attribute *texts, size_t count) {
    for (size_t i = 0; i < count; i++) OHM_TRY(ohm_h5_set_string(at, texts[i].name, texts[i].value ? texts[i].value : ""));
    return OHM_OK;
}
static int numbers_write(hid_t at, const struct number_attribute *numbers, size_t count) {
    for (size_t i = 0; i < count; i++) OHM_TRY(ohm_h5_set_int64(at, numbers[i].name, numbers[i].value));
    return OHM_OK;
}
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int cost_attributes(hid_t group, const struct ohm_point_costs *costs) {
    const struct text_attribute texts[] = {{"bottleneck", costs->bottleneck}, {"busiest", costs->busiest}};
    const struct number_attribute numbers[] = {{"tiles", costs->tiles}, {"arrays", costs->arrays}};
    OHM_TRY(texts_write(group, texts, COUNT(texts)));
    OHM_TRY(numbers_write(group, numbers, COUNT(numbers)));
#define X(name, about) OHM_TRY(ohm_h5_set_double(group, #name, costs->name));
    OHM_POINT_COST_LIST(X)
#undef X
    return OHM_OK;
}

static int point_attributes(hid_t group, const struct ohm_point_info *info, int64_t nimage, struct ohm_scores scores, uint64_t digest) {
    char hex[17];
    double low, high;
    snprintf(hex, sizeof hex, "%016" PRIx64, digest);
    ohm_wilson(scores.top1, scores.labelled, &low, &high);
    const struct text_attribute texts[] = {{"design", info->design},
                                           {"title", info->title},
                                           {"source", info->source},
                                           {"departures", info->departures},
                                           {"options", info->options},
                                           {"swept", info->swept},
                                           {"adc_range", info->adc_range},
                                           {"digest", hex},
                                           {"entry", info->entry ? info->entry : info->name}};
    const struct number_attribute numbers[] = {{"images_scored", nimage - info->corrupt},
                                               {"images_labelled", scores.labelled},
                                               {"images_corrupt", info->corrupt},
                                               {"top1", scores.top1},
                                               {"top5", scores.top5},
                                               {"priced", info->priced},
                                               {"adc_bits", info->adc_bits},
                                               {"array_rows", info->array_rows},
                                               {"array_columns", info->array_columns},
                                               {"chip", info->chip},
                                               {"chips", info->chips ? info->chips : 1}};
    OHM_TRY(texts_write(group, texts, COUNT(texts)));
    OHM_TRY(numbers_write(group, numbers, COUNT(numbers)));
    if (info->isolated) OHM_TRY(ohm_h5_set_string(group, "mode", "isolated"));
    if (info->priced) OHM_TRY(cost_attributes(group, &info->costs));
    OHM_TRY(ohm_h5_set_double(group, "top1_low", low));
    OHM_TRY(ohm_h5_set_double(group, "top1_high", high));
    return ohm_h5_set_double(group, "seconds", info->seconds);
}

/* A group below a point with one table in it. */
static int table_group(hid_t point, const char *name, const struct ohm_table *table, const void *records, int64_t nrecord) {
    hid_t group;
    OHM_TRY(ohm_h5_group_create(point, name, &group));
    int status = ohm_table_write(group, table, records, nrecord);
    H5Gclose(group);
    return status;
}

static int point_write(hid_t file, const struct ohm_point_info *info, const struct ohm_image_record *images, int64_t nimage,
                       const struct ohm_layer_record *layers, int32_t nlayer) {
    hid_t point;
    OHM_TRY(ohm_h5_group_create(file, info->name, &point));
    int status = point_attributes(point, info, nimage, ohm_image_scores(images, nimage), point_digest(images, nimage, layers, nlayer));
    if (!status) status = table_group(point, "images", &ohm_image_table, images, nimage);
    if (!status && nlayer) status = table_group(point, "layers", &ohm_layer_table, layers, nlayer);
    if (!status && info->isolated) status = table_group(point, "isolated", &ohm_isolated_table, info->isolated, nlayer);
    H5Gclose(point);
    return status;
}

int ohm_result_name(struct ohm_result *result, const char *name) {
    if (result->npoint == OHM_MANY_POINTS) return ohm_fail(OHM_E_UNSUPPORTED, "%s: more than %d points", result->out.path, OHM_MANY_POINTS);
    if (!strcmp(name, "run") || !strcmp(name, "points"))
        return ohm_fail(OHM_E_USAGE, "design name '%s' has a meaning of its own in result files; give the design another 'name'", name);
    result->names[result->npoint] = ohm_arena_string(result->arena, name);
    return result->names[result->npoint] ? OHM_OK : OHM_E_MEMORY;
}

int ohm_result_add(struct ohm_result *result, const struct ohm_point_info *info, const struct ohm_image_row *images, int64_t nimage,
                   const struct ohm_layer_row *layers, int32_t nlayer) {
    OHM_TRY(ohm_result_name(result, info->name));
    struct ohm_image_record *image_records = ohm_image_records(images, nimage);
    struct ohm_layer_record *layer_records = ohm_layer_records(layers, nlayer);
    int status = image_records && layer_records ? point_write(result->out.file, info, image_records, nimage, layer_records, nlayer) : OHM_E_MEMORY;
    free(image_records);
    free(layer_records);
    if (!status) result->npoint++;
    return status;
}

static int run_write(hid_t file, const struct ohm_run_info *run, const char *const *used, int32_t nused) {
    const struct text_attribute texts[] = {
        {"revision", run->revision},   {"version", run->version}, {"compiler", run->compiler}, {"flags", run->flags},
        {"libraries", run->libraries}, {"hosts", run->hosts},     {"kernel", run->kernel},     {"cpu", run->cpu},
        {"started", run->started},     {"job", run->job_text},    {"command", run->command},   {"identity", run->identity}};
    const struct number_attribute numbers[] = {
        {"ranks", run->ranks}, {"threads", run->threads}, {"batch", run->batch}, {"seed", run->seed}, {"images", run->images}};
    hid_t group;
    OHM_TRY(ohm_h5_group_create(file, "run", &group));
    int status = texts_write(group, texts, COUNT(texts));
    if (!status) status = numbers_write(group, numbers, COUNT(numbers));
    if (!status) status = ohm_h5_set_double(group, "seconds", run->seconds);
    if (!status)
        status =
            ohm_h5_write_strings(group, "used", (hsize_t)nused, used, (struct ohm_h5_about){"", "key = value of every setting of the job in force"});
    if (!status && run->nplan)
        status = ohm_h5_write_strings(group, "plan", (hsize_t)run->nplan, run->plan, (struct ohm_h5_about){"", "names of all points of the job"});
    if (!status && run->nfailed) status = ohm_result_write_failed(group, run->failed, run->nfailed);
    H5Gclose(group);
    return status;
}

int ohm_result_write_failed(hid_t group, const char *const *failed, int32_t nfailed) {
    return ohm_h5_write_strings(group, "failed", (hsize_t)nfailed, failed, (struct ohm_h5_about){"", "name: why, of every point that failed"});
}

int ohm_result_publish(struct ohm_result *result) {
    int status = ohm_h5_write_strings(result->out.file, "points", (hsize_t)result->npoint, result->names,
                                      (struct ohm_h5_about){"", "names of the evaluation points (groups of this file), in order"});
    if (!status) status = ohm_h5_publish(&result->out);
    ohm_result_abandon(result);
    return status;
}

int ohm_result_finish(struct ohm_result *result, const struct ohm_run_info *run, const char *const *used, int32_t nused) {
    int status = run_write(result->out.file, run, used, nused);
    if (!status) return ohm_result_publish(result);
    ohm_result_abandon(result);
    return status;
}

void ohm_result_abandon(struct ohm_result *result) {
    if (!result) return;
    ohm_h5_discard(&result->out);
    if (result->taken_path) H5Fclose(result->taken);
    ohm_arena_free(result->arena);
    free(result);
}
