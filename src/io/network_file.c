/* Network files: writing, reading, and the integer weights. The graph is read in network_graph.c. */
#include "ohmtally/network_file.h"
#include "network_table.h"
#include "ohmtally/status.h"
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char format_text[] = "ohmtally network";

static int attributes_write(hid_t file, const struct ohm_network_file *content, uint64_t digest) {
    char hex[17];
    snprintf(hex, sizeof hex, "%016" PRIx64, digest);
    OHM_TRY(ohm_h5_set_string(file, "format", format_text));
    OHM_TRY(ohm_h5_set_int64(file, "version", OHM_NETWORK_FILE_VERSION));
    OHM_TRY(ohm_h5_set_int64(file, "activation_bits", content->intnet->activation_bits));
    OHM_TRY(ohm_h5_set_int64(file, "weight_bits", content->weight_bits));
    OHM_TRY(ohm_h5_set_int64(file, "input", content->network->input));
    OHM_TRY(ohm_h5_set_int64(file, "output", content->network->output));
    OHM_TRY(ohm_h5_set_string(file, "provenance", content->provenance));
    return ohm_h5_set_string(file, "digest", hex);
}

static int table_write(hid_t file, const char *name, const struct ohm_table *table, const void *rows, int64_t nrow) {
    hid_t group;
    OHM_TRY(ohm_h5_group_create(file, name, &group));
    int status = ohm_table_write(group, table, rows, nrow);
    H5Gclose(group);
    return status;
}

static int inputs_write(hid_t file, const struct ohm_network_records *records) {
    hid_t group;
    hsize_t count = (hsize_t)records->ninput;
    OHM_TRY(ohm_h5_group_open(file, "nodes", &group));
    int status = ohm_h5_write(group, "inputs", H5T_NATIVE_INT32, 1, &count, records->inputs,
                              (struct ohm_h5_about){"value", "inputs of all nodes, node after node"});
    H5Gclose(group);
    return status;
}

static int constants_write(hid_t file, const struct ohm_network *network) {
    hid_t group;
    OHM_TRY(ohm_h5_group_create(file, "constants", &group));
    int status = OHM_OK;
    for (int32_t v = 0; v < network->nvalue && !status; v++) {
        const struct ohm_value *value = &network->values[v];
        char name[16];
        hsize_t dims[OHM_MAX_RANK];
        if (!value->constant) continue;
        snprintf(name, sizeof name, "%d", v);
        for (int32_t d = 0; d < value->shape.rank; d++) dims[d] = (hsize_t)value->shape.dim[d];
        status = ohm_h5_write(group, name, H5T_NATIVE_FLOAT, value->shape.rank, dims, value->constant, (struct ohm_h5_about){"1", value->name});
    }
    H5Gclose(group);
    return status;
}

/* The two groups of per-layer arrays. */
struct layer_groups {
    hid_t weights, scales;
};
struct layer_shape {
    char name[16];
    hsize_t weights[3], outputs;
};
static struct layer_shape layer_shape(const struct ohm_intnet *intnet, int32_t i) {
    const struct ohm_layer *layer = &intnet->layers[i];
    struct layer_shape shape = {.weights = {(hsize_t)layer->groups, (hsize_t)layer->krows, (hsize_t)layer->ncols},
                                .outputs = (hsize_t)ohm_layer_outputs(layer)};
    snprintf(shape.name, sizeof shape.name, "%d", i);
    return shape;
}

static int weights_write(hid_t file, const struct ohm_network_file *content) {
    hid_t weights, scales;
    OHM_TRY(ohm_h5_group_create(file, "weights", &weights));
    int status = ohm_h5_group_create(file, "scales", &scales);
    for (int32_t i = 0; i < content->intnet->nlayer && !status; i++) {
        struct layer_shape shape = layer_shape(content->intnet, i);
        const char *layer = content->intnet->layers[i].name;
        status = ohm_h5_write(weights, shape.name, H5T_NATIVE_INT32, 3, shape.weights, content->weights[i]->w, (struct ohm_h5_about){"1", layer});
        if (!status)
            status =
                ohm_h5_write(scales, shape.name, H5T_NATIVE_FLOAT, 1, &shape.outputs, content->weights[i]->scale, (struct ohm_h5_about){"1", layer});
    }
    if (scales >= 0) H5Gclose(scales);
    H5Gclose(weights);
    return status;
}

static int all_write(hid_t file, const struct ohm_network_file *content, struct ohm_arena *arena) {
    struct ohm_network_records records;
    OHM_TRY(ohm_network_records_make(content, arena, &records));
    OHM_TRY(attributes_write(file, content, ohm_network_digest(content, &records)));
    OHM_TRY(table_write(file, "values", &ohm_value_table, records.values, records.nvalue));
    OHM_TRY(table_write(file, "nodes", &ohm_node_table, records.nodes, records.nnode));
    OHM_TRY(table_write(file, "layers", &ohm_layer_shape_table, records.layers, records.nlayer));
    OHM_TRY(inputs_write(file, &records));
    OHM_TRY(constants_write(file, content->network));
    return weights_write(file, content);
}

int ohm_network_file_write(const char *path, const struct ohm_network_file *content) {
    struct ohm_h5_out out;
    OHM_TRY(ohm_h5_create(path, &out));
    struct ohm_arena *arena = ohm_arena_new();
    int status = arena ? all_write(out.file, content, arena) : OHM_E_MEMORY;
    ohm_arena_free(arena);
    if (!status) return ohm_h5_publish(&out);
    ohm_h5_discard(&out);
    return status;
}

static int layer_check(const struct ohm_layer *layer, const struct ohm_weights *weights, int32_t bits) {
    int64_t outputs = ohm_layer_outputs(layer), count = outputs * layer->krows;
    int32_t most = (1 << (bits - 1)) - 1;
    for (int64_t i = 0; i < count; i++)
        if (weights->w[i] > most || weights->w[i] < -most - 1)
            return ohm_fail(OHM_E_INPUT, "/weights: layer '%s': weight %d does not fit into %d bits", layer->name, weights->w[i], bits);
    for (int64_t n = 0; n < outputs; n++)
        if (!isfinite(weights->scale[n]) || weights->scale[n] <= 0)
            return ohm_fail(OHM_E_INPUT, "/scales: layer '%s': scale %g of output %lld", layer->name, (double)weights->scale[n], (long long)n);
    return OHM_OK;
}

static int layers_read(struct layer_groups groups, struct ohm_network_file *content) {
    content->weights = ohm_alloc_array((size_t)content->intnet->nlayer, sizeof *content->weights);
    if (!content->weights) return OHM_E_MEMORY;
    for (int32_t i = 0; i < content->intnet->nlayer; i++) {
        struct layer_shape shape = layer_shape(content->intnet, i);
        struct ohm_weights *weights = content->weights[i] = ohm_weights_new(&content->intnet->layers[i]);
        if (!weights) return OHM_E_MEMORY;
        OHM_TRY(ohm_h5_read(groups.weights, shape.name, H5T_NATIVE_INT32, 3, shape.weights, weights->w));
        OHM_TRY(ohm_h5_read(groups.scales, shape.name, H5T_NATIVE_FLOAT, 1, &shape.outputs, weights->scale));
        OHM_TRY(layer_check(&content->intnet->layers[i], weights, content->weight_bits));
    }
    return OHM_OK;
}

static int weights_read(hid_t file, struct ohm_network_file *content) {
    int64_t bits;
    OHM_TRY(ohm_h5_get_int64(file, "weight_bits", &bits));
    if (bits < 2 || bits > 16) return ohm_fail(OHM_E_INPUT, "attribute weight_bits is %lld, not 2 to 16", (long long)bits);
    content->weight_bits = (int32_t)bits;
    struct layer_groups groups = {H5I_INVALID_HID, H5I_INVALID_HID};
    OHM_TRY(ohm_h5_group_open(file, "weights", &groups.weights));
    int status = ohm_h5_group_open(file, "scales", &groups.scales);
    if (!status) status = layers_read(groups, content);
    if (groups.scales >= 0) H5Gclose(groups.scales);
    H5Gclose(groups.weights);
    return status;
}

/* What was built is hashed as it would be written. */
static int digest_check(hid_t file, const struct ohm_network_file *content, struct ohm_arena *arena) {
    struct ohm_network_records records;
    const char *stored;
    char found[17];
    if (!ohm_h5_has_attribute(file, "digest")) return OHM_OK;
    OHM_TRY(ohm_h5_get_string(file, "digest", arena, &stored));
    OHM_TRY(ohm_network_records_make(content, arena, &records));
    snprintf(found, sizeof found, "%016" PRIx64, ohm_network_digest(content, &records));
    if (!strcmp(stored, found)) return OHM_OK;
    return ohm_fail(OHM_E_INPUT, "the contents have digest %s, not %s as stored: the file is damaged or was edited; make it again", found, stored);
}

static int all_read(hid_t file, struct ohm_arena *arena, struct ohm_network_file *content) {
    const char *format, *provenance;
    int64_t version;
    if (!ohm_h5_has_attribute(file, "format")) return ohm_fail(OHM_E_INPUT, "not a network file of ohmtally");
    OHM_TRY(ohm_h5_get_string(file, "format", arena, &format));
    if (strcmp(format, format_text)) return ohm_fail(OHM_E_INPUT, "holds '%s', not a network", format);
    OHM_TRY(ohm_h5_get_int64(file, "version", &version));
    if (version != OHM_NETWORK_FILE_VERSION)
        return ohm_fail(OHM_E_UNSUPPORTED, "layout version %lld; this program reads version %d", (long long)version, OHM_NETWORK_FILE_VERSION);
    OHM_TRY(ohm_h5_get_string(file, "provenance", arena, &provenance));
    snprintf(content->provenance, sizeof content->provenance, "%s", provenance);
    OHM_TRY(ohm_network_graph_read(file, content));
    OHM_TRY(weights_read(file, content));
    return digest_check(file, content, arena);
}

/* Puts the file's name in front of a line that lacks it. */
static int name_file(const char *path, int status) {
    struct ohm_failure failure = {.status = OHM_OK};
    if (!status || strstr(ohm_fail_text(), path)) return status;
    ohm_fail_take(&failure);
    return ohm_fail(status, "%s: %s", path, failure.text);
}

int ohm_network_file_read(const char *path, struct ohm_network_file *content) {
    hid_t file;
    *content = (struct ohm_network_file){0};
    OHM_TRY(ohm_h5_open(path, &file));
    struct ohm_arena *arena = ohm_arena_new();
    int status = arena ? all_read(file, arena, content) : OHM_E_MEMORY;
    ohm_arena_free(arena);
    H5Fclose(file);
    if (status) ohm_network_file_free(content);
    return name_file(path, status);
}

void ohm_network_file_free(struct ohm_network_file *content) {
    for (int32_t i = 0; content->weights && i < content->intnet->nlayer; i++) ohm_weights_free(content->weights[i]);
    free(content->weights);
    ohm_intnet_free(content->intnet);
    ohm_network_free(content->network);
    *content = (struct ohm_network_file){0};
}
