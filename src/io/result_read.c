/* Reading a result back, as far as the report needs it. */
#include "ohmtally/status.h"
#include "result_table.h"
#include <stdlib.h>
#include <string.h>

/* The columns the report sums up: by name, so that files with more columns can be read too. */
struct seen_layer {
    int64_t crossbars, conversions, clipped, baseline[4];
    double energy_pj, leakage_pj, area_um2, chosen_pj, chosen_um2; /* chosen: converters under the job's ADC law */
    double law_pj[OHM_ADC_LAWS], law_um2[OHM_ADC_LAWS];
};
#define SEEN(column, type, member) {column, OHM_COLUMN_##type, offsetof(struct seen_layer, member), 1, {NULL, NULL}},
#define SEEN_BASELINE(name, cells, about) SEEN("baseline_" #name, INT64, baseline[BASELINE_##name])
#define SEEN_LAW(law, word, about) SEEN("energy_adc_" word "_pj", DOUBLE, law_pj[law]) SEEN("area_adc_" word "_um2", DOUBLE, law_um2[law])
static const struct ohm_column layer_columns[] = {
    SEEN("crossbars", INT64, crossbars) SEEN("conversions", INT64, conversions) SEEN("clipped", INT64, clipped) OHM_BASELINE_LIST(SEEN_BASELINE)
        SEEN("energy_pj", DOUBLE, energy_pj) SEEN("energy_leakage_pj", DOUBLE, leakage_pj) SEEN("area_um2", DOUBLE, area_um2)
            SEEN("energy_adc_pj", DOUBLE, chosen_pj) SEEN("area_adc_um2", DOUBLE, chosen_um2) OHM_ADC_LAW_LIST(SEEN_LAW)};
static const struct ohm_table layer_table = OHM_TABLE(layer_columns, struct seen_layer);

/* What was measured of layers: not in every file. */
#define LOST(column, type, width)                                                                                                                    \
    {                                                                                                                                                \
#column, OHM_COLUMN_##type, offsetof(struct ohm_report_layer, column), width, {                                                              \
            NULL, NULL                                                                                                                               \
        }                                                                                                                                            \
    }
static const struct ohm_column lost_columns[] = {LOST(name, STRING, 1),
                                                 LOST(kind, STRING, 1),
                                                 LOST(conversions, INT64, 1),
                                                 LOST(clipped, INT64, 1),
                                                 LOST(sqnr_isolated_db, DOUBLE, 1),
                                                 LOST(sqnr_chained_db, DOUBLE, 1),
                                                 LOST(codes, INT64, OHM_CODE_BINS)};
static const struct ohm_table lost_table = OHM_TABLE(lost_columns, struct ohm_report_layer);

struct seen_image {
    int32_t best[5];
    int8_t correct;
};
static const struct ohm_column image_columns[] = {{"best", OHM_COLUMN_INT32, offsetof(struct seen_image, best), 5, {NULL, NULL}},
                                                  {"correct", OHM_COLUMN_INT8, offsetof(struct seen_image, correct), 1, {NULL, NULL}}};
static const struct ohm_table image_table = OHM_TABLE(image_columns, struct seen_image);

/* Reads one table whole; *rows is malloc'ed. */
static int table_read(hid_t point, const char *name, const char *column, const struct ohm_table *table, void **rows, int64_t *nrow) {
    hid_t group;
    hsize_t count;
    *rows = NULL;
    *nrow = 0;
    OHM_TRY(ohm_h5_group_open(point, name, &group));
    int status = ohm_h5_dims(group, column, 1, &count);
    if (!status && !(*rows = ohm_alloc_array(count, table->stride))) status = OHM_E_MEMORY;
    if (!status) status = ohm_table_read(group, table, NULL, *rows, (int64_t)count);
    H5Gclose(group);
    if (!status) *nrow = (int64_t)count;
    return status;
}

struct images {
    struct seen_image *rows;
    int64_t count;
};

static int images_read(hid_t file, const char *name, struct images *images) {
    hid_t point;
    void *rows;
    OHM_TRY(ohm_h5_group_open(file, name, &point));
    int status = table_read(point, "images", "correct", &image_table, &rows, &images->count);
    images->rows = rows;
    H5Gclose(point);
    return status;
}

static int keep_correct(const struct images *images, struct ohm_arena *arena, struct ohm_report_point *point) {
    point->nimage = images->count;
    point->correct = ohm_arena_array(arena, (size_t)images->count, sizeof *point->correct);
    for (int64_t i = 0; point->correct && i < images->count; i++) point->correct[i] = images->rows[i].correct;
    return point->correct ? OHM_OK : OHM_E_MEMORY;
}

static int lost_read(hid_t group, struct ohm_arena *arena, struct ohm_report_point *point) {
    hid_t layers;
    if (!ohm_h5_has(group, "layers/codes")) return OHM_OK;
    OHM_TRY(ohm_h5_group_open(group, "layers", &layers));
    hsize_t count;
    int status = ohm_h5_dims(layers, "crossbars", 1, &count);
    if (!status && !(point->layers = ohm_arena_array(arena, count, sizeof *point->layers))) status = OHM_E_MEMORY;
    if (!status) status = ohm_table_read(layers, &lost_table, arena, point->layers, (int64_t)count);
    H5Gclose(layers);
    if (!status) point->nlayer = (int64_t)count;
    return status;
}

/* Images whose best class is the float network's; -1 when there is no float point over the same images. */
static int64_t agreement(const struct images *images, const struct images *truth) {
    int64_t agree = 0;
    if (!truth->rows || truth->count != images->count) return -1;
    for (int64_t i = 0; i < images->count; i++) agree += images->rows[i].best[0] >= 0 && images->rows[i].best[0] == truth->rows[i].best[0];
    return agree;
}

static int text_read(hid_t at, const char *name, struct ohm_arena *arena, char *text, size_t room) {
    const char *value;
    OHM_TRY(ohm_h5_get_string(at, name, arena, &value));
    snprintf(text, room, "%s", value);
    return OHM_OK;
}

static int costs_read(hid_t group, struct ohm_arena *arena, struct ohm_point_costs *costs) {
    OHM_TRY(ohm_h5_get_string(group, "bottleneck", arena, &costs->bottleneck));
    OHM_TRY(ohm_h5_get_string(group, "busiest", arena, &costs->busiest));
    OHM_TRY(ohm_h5_get_int64(group, "tiles", &costs->tiles));
    OHM_TRY(ohm_h5_get_int64(group, "arrays", &costs->arrays));
#define X(name, about) OHM_TRY(ohm_h5_get_double(group, #name, &costs->name));
    OHM_POINT_COST_LIST(X)
#undef X
    return OHM_OK;
}

static int chip_read(hid_t group, struct ohm_arena *arena, struct ohm_report_point *point) {
    snprintf(point->entry, sizeof point->entry, "%s", point->name);
    point->chips = 1;
    if (!ohm_h5_has_attribute(group, "chips")) return OHM_OK; /* an older file */
    OHM_TRY(text_read(group, "entry", arena, point->entry, sizeof point->entry));
    OHM_TRY(ohm_h5_get_int64(group, "chip", &point->chip));
    return ohm_h5_get_int64(group, "chips", &point->chips);
}

static int attributes_read(hid_t group, struct ohm_arena *arena, struct ohm_report_point *point) {
    int64_t adc_bits, priced;
    OHM_TRY(text_read(group, "design", arena, point->design, sizeof point->design));
    OHM_TRY(text_read(group, "digest", arena, point->digest, sizeof point->digest));
    OHM_TRY(text_read(group, "adc_range", arena, point->adc_range, sizeof point->adc_range));
    OHM_TRY(ohm_h5_get_int64(group, "images_scored", &point->scored));
    OHM_TRY(ohm_h5_get_int64(group, "images_labelled", &point->labelled));
    OHM_TRY(ohm_h5_get_int64(group, "images_corrupt", &point->corrupt));
    OHM_TRY(ohm_h5_get_int64(group, "top1", &point->top1));
    OHM_TRY(ohm_h5_get_int64(group, "top5", &point->top5));
    OHM_TRY(ohm_h5_get_int64(group, "adc_bits", &adc_bits));
    OHM_TRY(ohm_h5_get_int64(group, "priced", &priced));
    point->adc_bits = (int32_t)adc_bits;
    point->priced = priced != 0;
    point->isolated = ohm_h5_has_attribute(group, "mode");
    return point->priced ? costs_read(group, arena, &point->costs) : OHM_OK;
}

static int layers_read(hid_t group, struct ohm_report_point *point) {
    void *rows;
    int64_t count;
    if (!ohm_h5_has(group, "layers")) return OHM_OK;
    int status = table_read(group, "layers", "crossbars", &layer_table, &rows, &count);
    const struct seen_layer *layers = rows;
    for (int64_t i = 0; !status && i < count; i++) {
        point->crossbars += layers[i].crossbars;
        point->conversions += layers[i].conversions;
        point->clipped += layers[i].clipped;
        for (int k = 0; k < 4; k++) point->baseline[k] += layers[i].baseline[k];
        point->energy_pj += layers[i].energy_pj;
        point->leakage_pj += layers[i].leakage_pj;
        for (int law = 0; law < OHM_ADC_LAWS; law++) {
            point->law_energy_pj[law] += layers[i].energy_pj - layers[i].chosen_pj + layers[i].law_pj[law];
            point->law_area_um2[law] += layers[i].area_um2 - layers[i].chosen_um2 + layers[i].law_um2[law];
        }
    }
    free(rows);
    return status;
}

/* Of a point with fitted weights: how far the weights are from others, over all its layers the most. */
static int weights_read(hid_t group, struct ohm_arena *arena, struct ohm_report_point *point) {
    static const struct ohm_column columns[] = {{"weight_error", OHM_COLUMN_DOUBLE, offsetof(struct ohm_report_weights, trained), 1, {NULL, NULL}},
                                                {"held_error", OHM_COLUMN_DOUBLE, offsetof(struct ohm_report_weights, fitted), 1, {NULL, NULL}}};
    static const struct ohm_table table = OHM_TABLE(columns, struct ohm_report_weights);
    const char *options;
    void *rows;
    int64_t count;
    OHM_TRY(ohm_h5_get_string(group, "options", arena, &options));
    point->has_weights = strstr(options, "weights=") != NULL;
    if (!point->has_weights) return OHM_OK;
    int status = table_read(group, "layers", "held_error", &table, &rows, &count);
    const struct ohm_report_weights *layers = rows;
    for (int64_t i = 0; !status && i < count; i++) {
        if (layers[i].trained > point->weights.trained) point->weights.trained = layers[i].trained;
        if (layers[i].fitted > point->weights.fitted) point->weights.fitted = layers[i].fitted;
    }
    free(rows);
    return status;
}

static int point_read(hid_t file, const char *name, struct ohm_arena *arena, const struct images *truth, struct ohm_report_point *point) {
    hid_t group;
    struct images images = {NULL, 0};
    snprintf(point->name, sizeof point->name, "%s", name);
    OHM_TRY(ohm_h5_group_open(file, name, &group));
    int status = attributes_read(group, arena, point);
    if (!status) status = chip_read(group, arena, point);
    if (!status) status = layers_read(group, point);
    if (!status) status = lost_read(group, arena, point);
    if (!status) status = weights_read(group, arena, point);
    H5Gclose(group);
    if (!status) status = images_read(file, name, &images);
    if (!status) status = keep_correct(&images, arena, point);
    if (!status) point->agree = point->isolated ? -1 : agreement(&images, truth);
    free(images.rows);
    return status;
}

static int points_read(hid_t file, struct ohm_report *report) {
    hsize_t count;
    const char **names;
    struct images truth = {NULL, 0};
    OHM_TRY(ohm_h5_dims(file, "points", 1, &count));
    OHM_TRY(ohm_h5_read_strings(file, "points", count, report->arena, &names));
    report->npoint = (int32_t)count;
    report->points = ohm_arena_array(report->arena, count, sizeof *report->points);
    int status = report->points ? OHM_OK : OHM_E_MEMORY;
    for (hsize_t i = 0; i < count && !status; i++)
        if (!strcmp(names[i], "float")) status = images_read(file, names[i], &truth);
    for (hsize_t i = 0; i < count && !status; i++) status = point_read(file, names[i], report->arena, &truth, &report->points[i]);
    free(truth.rows);
    return status;
}

/* A list of /run that may be missing. */
static int list_read(hid_t group, const char *name, struct ohm_arena *arena, const char ***list, int32_t *n) {
    hsize_t count;
    if (!ohm_h5_has(group, name)) return OHM_OK;
    OHM_TRY(ohm_h5_dims(group, name, 1, &count));
    *n = (int32_t)count;
    return ohm_h5_read_strings(group, name, count, arena, list);
}

/* What the run was: the network's name stands among the settings. */
static int run_read(hid_t file, struct ohm_report *report) {
    static const char key[] = "network.file = ";
    hid_t group;
    hsize_t count;
    const char **used;
    OHM_TRY(ohm_h5_group_open(file, "run", &group));
    int status = ohm_h5_get_int64(group, "images", &report->images);
    if (!status) status = ohm_h5_get_int64(group, "ranks", &report->ranks);
    if (!status) status = ohm_h5_get_int64(group, "threads", &report->threads);
    if (!status) status = ohm_h5_get_double(group, "seconds", &report->seconds);
    if (!status) status = ohm_h5_dims(group, "used", 1, &count);
    if (!status) status = ohm_h5_read_strings(group, "used", count, report->arena, &used);
    if (!status && ohm_h5_has_attribute(group, "identity")) status = ohm_h5_get_string(group, "identity", report->arena, &report->identity);
    if (!status) status = list_read(group, "plan", report->arena, &report->plan, &report->nplan);
    if (!status) status = list_read(group, "failed", report->arena, &report->failed, &report->nfailed);
    for (hsize_t i = 0; !status && i < count; i++)
        if (!strncmp(used[i], key, strlen(key))) snprintf(report->network, sizeof report->network, "%s", used[i] + strlen(key));
    H5Gclose(group);
    return status;
}

static int report_fill(const char *path, hid_t file, struct ohm_report *report) {
    const char *format;
    int64_t version;
    snprintf(report->path, sizeof report->path, "%s", path);
    if (!ohm_h5_has_attribute(file, "format")) return ohm_fail(OHM_E_INPUT, "%s: not a result file of ohmtally", path);
    OHM_TRY(ohm_h5_get_string(file, "format", report->arena, &format));
    OHM_TRY(ohm_h5_get_int64(file, "version", &version));
    if (strcmp(format, "ohmtally result")) return ohm_fail(OHM_E_INPUT, "%s: holds '%s', not a result", path, format);
    if (version != OHM_RESULT_VERSION)
        return ohm_fail(OHM_E_UNSUPPORTED, "%s: layout version %lld; this program reads version %d", path, (long long)version, OHM_RESULT_VERSION);
    OHM_TRY(run_read(file, report));
    return points_read(file, report);
}

int ohm_report_read(const char *path, struct ohm_report **out) {
    hid_t file;
    *out = NULL;
    OHM_TRY(ohm_h5_open(path, &file));
    struct ohm_arena *arena = ohm_arena_new();
    struct ohm_report *report = arena ? ohm_arena_alloc(arena, sizeof *report) : NULL;
    int status = report ? OHM_OK : OHM_E_MEMORY;
    if (report) {
        report->arena = arena;
        status = report_fill(path, file, report);
    }
    H5Fclose(file);
    if (status)
        ohm_arena_free(arena);
    else
        *out = report;
    return status;
}

void ohm_report_free(struct ohm_report *report) {
    if (report) ohm_arena_free(report->arena);
}
