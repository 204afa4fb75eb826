/* Fitted weights: writing and reading. */
#include "ohmtally/fitted_file.h"
#include "h5_columns.h"
#include "ohmtally/status.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char format_text[] = "ohmtally fitted weights";

struct record {
    const char *name;
    int32_t groups, rows, columns;
    bool done;
    struct ohm_fitted_row row;
};
#define RECORD(name, type, member, unit, about)                                                                                                      \
    {                                                                                                                                                \
        name, OHM_COLUMN_##type, offsetof(struct record, member), 1, {                                                                               \
            unit, about                                                                                                                              \
        }                                                                                                                                            \
    }
static const struct ohm_column columns[] = {
    RECORD("name", STRING, name, "", "of the layer"),
    RECORD("groups", INT32, groups, "1", "matrices of the layer"),
    RECORD("rows", INT32, rows, "1", "of a matrix"),
    RECORD("columns", INT32, columns, "1", "of a matrix"),
    RECORD("done", BOOL, done, "1", "1: fitted"),
    RECORD("positions", INT64, row.positions, "1", "sampled outputs that the fit was made on"),
    RECORD("error_before", DOUBLE, row.before, "1", "power of the outputs' error against the target's, weights rounded plainly"),
    RECORD("error_after", DOUBLE, row.after, "1", "the same as fitted"),
    RECORD("primal", DOUBLE, row.primal, "1", "|W - Z| / |Z| at the end of ADMM, largest of the layer's blocks"),
    RECORD("seconds", DOUBLE, row.seconds, "s", "time the layer's fit took"),
};
static const struct ohm_table table = OHM_TABLE(columns, struct record);

uint64_t ohm_fitted_network_digest(const struct ohm_intnet *intnet) {
    XXH64_state_t state;
    XXH64_reset(&state, 0);
    for (int32_t i = 0; i < intnet->nlayer; i++) {
        const struct ohm_layer *layer = &intnet->layers[i];
        const int32_t shape[] = {layer->groups, layer->krows, layer->ncols, layer->in_c, layer->in_h, layer->in_w, layer->out_h, layer->out_w};
        const size_t outputs = (size_t)ohm_layer_outputs(layer);
        XXH64_update(&state, layer->name, strlen(layer->name) + 1);
        XXH64_update(&state, shape, sizeof shape);
        XXH64_update(&state, &layer->window, sizeof layer->window);
        XXH64_update(&state, layer->weight, outputs * (size_t)layer->krows * sizeof(float));
        if (layer->bias) XXH64_update(&state, layer->bias, outputs * sizeof(float));
    }
    return XXH64_digest(&state);
}

uint64_t ohm_fitted_ranges_digest(const struct ohm_intnet *intnet) {
    XXH64_state_t state;
    XXH64_reset(&state, (uint64_t)intnet->activation_bits);
    for (int32_t s = 0; s < intnet->nstep; s++) {
        const struct ohm_quant *quant = &intnet->quant[intnet->steps[s].output];
        XXH64_update(&state, &quant->scale, sizeof quant->scale);
        XXH64_update(&state, &quant->zero, sizeof quant->zero);
        XXH64_update(&state, &quant->bits, sizeof quant->bits);
    }
    return XXH64_digest(&state);
}

int ohm_fitted_new(const struct ohm_intnet *intnet, struct ohm_fitted *fitted) {
    const size_t n = (size_t)intnet->nlayer;
    *fitted = (struct ohm_fitted){.nlayer = intnet->nlayer, .network = ohm_fitted_network_digest(intnet), .ranges = ohm_fitted_ranges_digest(intnet)};
    fitted->weights = ohm_alloc_array(n, sizeof *fitted->weights);
    fitted->bias = ohm_alloc_array(n, sizeof *fitted->bias);
    fitted->rows = ohm_alloc_array(n, sizeof *fitted->rows);
    if (fitted->weights && fitted->bias && fitted->rows) return OHM_OK;
    ohm_fitted_free(fitted);
    return OHM_E_MEMORY;
}

void ohm_fitted_free(struct ohm_fitted *fitted) {
    for (int32_t i = 0; fitted->weights && i < fitted->nlayer; i++) ohm_weights_free(fitted->weights[i]);
    for (int32_t i = 0; fitted->bias && i < fitted->nlayer; i++) free(fitted->bias[i]);
    free(fitted->weights);
    free(fitted->bias);
    free(fitted->rows);
    *fitted = (struct ohm_fitted){0};
}

/* The groups of per-layer arrays. */
struct arrays {
    hid_t weights, scales, biases;
};

static void arrays_close(const struct arrays *arrays) {
    if (arrays->weights >= 0) H5Gclose(arrays->weights);
    if (arrays->scales >= 0) H5Gclose(arrays->scales);
    if (arrays->biases >= 0) H5Gclose(arrays->biases);
}

static int arrays_open(hid_t file, int (*open)(hid_t at, const char *name, hid_t *group), struct arrays *arrays) {
    *arrays = (struct arrays){H5I_INVALID_HID, H5I_INVALID_HID, H5I_INVALID_HID};
    OHM_TRY(open(file, "weights", &arrays->weights));
    OHM_TRY(open(file, "scales", &arrays->scales));
    return open(file, "biases", &arrays->biases);
}

static void shape_of(const struct ohm_layer *layer, int32_t i, char name[16], hsize_t dims[3], hsize_t *outputs) {
    snprintf(name, 16, "%d", i);
    dims[0] = (hsize_t)layer->groups;
    dims[1] = (hsize_t)layer->krows;
    dims[2] = (hsize_t)layer->ncols;
    *outputs = (hsize_t)ohm_layer_outputs(layer);
}

static int layers_write(const struct arrays *arrays, const struct ohm_intnet *intnet, const struct ohm_fitted *fitted) {
    for (int32_t i = 0; i < fitted->nlayer; i++) {
        char name[16];
        hsize_t dims[3], outputs;
        if (!fitted->weights[i]) continue;
        shape_of(&intnet->layers[i], i, name, dims, &outputs);
        OHM_TRY(ohm_h5_write(arrays->weights, name, H5T_NATIVE_INT32, 3, dims, fitted->weights[i]->w,
                             (struct ohm_h5_about){"1", "fitted weights, in units of their output's scale"}));
        OHM_TRY(ohm_h5_write(arrays->scales, name, H5T_NATIVE_FLOAT, 1, &outputs, fitted->weights[i]->scale, (struct ohm_h5_about){"1", "scales"}));
        OHM_TRY(ohm_h5_write(arrays->biases, name, H5T_NATIVE_FLOAT, 1, &outputs, fitted->bias[i], (struct ohm_h5_about){"1", "biases"}));
    }
    return OHM_OK;
}

static int set_digest(hid_t file, const char *name, uint64_t digest) {
    char hex[17];
    snprintf(hex, sizeof hex, "%016" PRIx64, digest);
    return ohm_h5_set_string(file, name, hex);
}

static int records_write(hid_t file, const struct ohm_intnet *intnet, const struct ohm_fitted *fitted) {
    struct record *records = ohm_alloc_array((size_t)fitted->nlayer, sizeof *records);
    hid_t group;
    if (!records) return OHM_E_MEMORY;
    for (int32_t i = 0; i < fitted->nlayer; i++) {
        const struct ohm_layer *layer = &intnet->layers[i];
        records[i] = (struct record){layer->name, layer->groups, layer->krows, layer->ncols, fitted->weights[i] != NULL, fitted->rows[i]};
    }
    int status = ohm_h5_group_create(file, "layers", &group);
    if (!status) {
        status = ohm_table_write(group, &table, records, fitted->nlayer);
        H5Gclose(group);
    }
    free(records);
    return status;
}

static int all_write(hid_t file, const struct ohm_intnet *intnet, const struct ohm_fitted *fitted) {
    struct arrays arrays;
    OHM_TRY(ohm_h5_set_string(file, "format", format_text));
    OHM_TRY(ohm_h5_set_int64(file, "version", OHM_FITTED_FILE_VERSION));
    OHM_TRY(set_digest(file, "network", fitted->network));
    OHM_TRY(set_digest(file, "ranges", fitted->ranges));
    OHM_TRY(set_digest(file, "settings", fitted->settings));
    OHM_TRY(ohm_h5_set_string(file, "constraint", fitted->constraint));
    OHM_TRY(ohm_h5_set_string(file, "provenance", fitted->provenance));
    OHM_TRY(records_write(file, intnet, fitted));
    int status = arrays_open(file, ohm_h5_group_create, &arrays);
    if (!status) status = layers_write(&arrays, intnet, fitted);
    arrays_close(&arrays);
    return status;
}

int ohm_fitted_write(const char *path, const struct ohm_intnet *intnet, const struct ohm_fitted *fitted) {
    struct ohm_h5_out out;
    OHM_TRY(ohm_h5_create(path, &out));
    int status = all_write(out.file, intnet, fitted);
    if (!status) return ohm_h5_publish(&out);
    ohm_h5_discard(&out);
    return status;
}

static int layer_check(const struct ohm_layer *layer, const struct ohm_weights *weights, const float *bias) {
    const int64_t outputs = ohm_layer_outputs(layer);
    for (int64_t i = 0; i < outputs * layer->krows; i++)
        if (weights->w[i] > UINT16_MAX || weights->w[i] < -UINT16_MAX)
            return ohm_fail(OHM_E_INPUT, "/weights: layer '%s': weight %d is no weight of 16 bits", layer->name, weights->w[i]);
    for (int64_t n = 0; n < outputs; n++)
        if (!isfinite(weights->scale[n]) || weights->scale[n] <= 0 || !isfinite(bias[n]))
            return ohm_fail(OHM_E_INPUT, "/scales, /biases: layer '%s': scale %g and bias %g of output %lld", layer->name, (double)weights->scale[n],
                            (double)bias[n], (long long)n);
    return OHM_OK;
}

static int layer_read(const struct arrays *arrays, const struct ohm_layer *layer, int32_t i, struct ohm_fitted *fitted) {
    char name[16];
    hsize_t dims[3], outputs;
    shape_of(layer, i, name, dims, &outputs);
    struct ohm_weights *weights = fitted->weights[i] = ohm_weights_new(layer);
    float *bias = fitted->bias[i] = ohm_alloc_array(outputs, sizeof *bias);
    if (!weights || !bias) return OHM_E_MEMORY;
    OHM_TRY(ohm_h5_read(arrays->weights, name, H5T_NATIVE_INT32, 3, dims, weights->w));
    OHM_TRY(ohm_h5_read(arrays->scales, name, H5T_NATIVE_FLOAT, 1, &outputs, weights->scale));
    OHM_TRY(ohm_h5_read(arrays->biases, name, H5T_NATIVE_FLOAT, 1, &outputs, bias));
    return layer_check(layer, weights, bias);
}

static int layers_read(hid_t file, const struct ohm_intnet *intnet, const struct record *records, struct ohm_fitted *fitted) {
    struct arrays arrays;
    int status = arrays_open(file, ohm_h5_group_open, &arrays);
    for (int32_t i = 0; !status && i < intnet->nlayer; i++) {
        fitted->rows[i] = records[i].row;
        if (records[i].done) status = layer_read(&arrays, &intnet->layers[i], i, fitted);
    }
    arrays_close(&arrays);
    return status;
}

static int records_read(hid_t file, const struct ohm_intnet *intnet, struct ohm_arena *arena, struct ohm_fitted *fitted) {
    hid_t group;
    struct record *records = ohm_arena_array(arena, (size_t)intnet->nlayer, sizeof *records);
    if (!records) return OHM_E_MEMORY;
    OHM_TRY(ohm_h5_group_open(file, "layers", &group));
    int status = ohm_table_read(group, &table, arena, records, intnet->nlayer);
    H5Gclose(group);
    return status ? status : layers_read(file, intnet, records, fitted);
}

static int digest_read(hid_t file, const char *name, struct ohm_arena *arena, uint64_t *digest) {
    const char *hex;
    char *end;
    OHM_TRY(ohm_h5_get_string(file, name, arena, &hex));
    *digest = strtoull(hex, &end, 16);
    return *hex && !*end ? OHM_OK : ohm_fail(OHM_E_INPUT, "attribute %s is no digest", name);
}

static int attributes_read(hid_t file, struct ohm_arena *arena, struct ohm_fitted *fitted) {
    const char *format = "", *text;
    int64_t version;
    if (ohm_h5_has_attribute(file, "format")) OHM_TRY(ohm_h5_get_string(file, "format", arena, &format));
    if (strcmp(format, format_text)) return ohm_fail(OHM_E_INPUT, "not a file of fitted weights");
    OHM_TRY(ohm_h5_get_int64(file, "version", &version));
    if (version != OHM_FITTED_FILE_VERSION)
        return ohm_fail(OHM_E_UNSUPPORTED, "layout version %lld; this program reads version %d", (long long)version, OHM_FITTED_FILE_VERSION);
    OHM_TRY(digest_read(file, "network", arena, &fitted->network));
    OHM_TRY(digest_read(file, "ranges", arena, &fitted->ranges));
    OHM_TRY(digest_read(file, "settings", arena, &fitted->settings));
    OHM_TRY(ohm_h5_get_string(file, "constraint", arena, &text));
    snprintf(fitted->constraint, sizeof fitted->constraint, "%s", text);
    OHM_TRY(ohm_h5_get_string(file, "provenance", arena, &text));
    snprintf(fitted->provenance, sizeof fitted->provenance, "%s", text);
    return OHM_OK;
}

static int all_read(hid_t file, const struct ohm_intnet *intnet, bool check_ranges, struct ohm_arena *arena, struct ohm_fitted *fitted) {
    const uint64_t network = fitted->network, ranges = fitted->ranges;
    OHM_TRY(attributes_read(file, arena, fitted));
    if (fitted->network != network) return ohm_fail(OHM_E_INPUT, "fitted for another network: the layers or their trained weights differ");
    if (check_ranges && fitted->ranges != ranges)
        return ohm_fail(OHM_E_INPUT, "fitted for other ranges of activations: use the job's quantize section and calibration images of the fit");
    return records_read(file, intnet, arena, fitted);
}

int ohm_fitted_read(const char *path, const struct ohm_intnet *intnet, bool check_ranges, struct ohm_fitted *fitted) {
    hid_t file;
    struct ohm_failure failure = {0};
    *fitted = (struct ohm_fitted){0};
    OHM_TRY(ohm_h5_open(path, &file));
    struct ohm_arena *arena = ohm_arena_new();
    int status = arena ? ohm_fitted_new(intnet, fitted) : OHM_E_MEMORY;
    if (!status) status = all_read(file, intnet, check_ranges, arena, fitted);
    ohm_arena_free(arena);
    H5Fclose(file);
    if (status) ohm_fitted_free(fitted);
    if (!status || strstr(ohm_fail_text(), path)) return status;
    ohm_fail_take(&failure);
    return ohm_fail(status, "%s: %s", path, failure.text);
}
