/* From bytes to a network: decode the protobuf, check the versions, read the graph. */
#include "ohmtally/onnx.h"
#include "ohmtally/text.h"
#include "onnx_reader.h"
#include <stdlib.h>
#include <string.h>

static int find_opset(const Onnx__ModelProto *model, int64_t *opset) {
    *opset = model->ir_version < 3 ? 1 : 0; /* the first files had no opset */
    for (size_t i = 0; i < model->n_opset_import; i++) {
        const char *domain = model->opset_import[i]->domain;
        if (!domain || !*domain || !strcmp(domain, "ai.onnx")) *opset = model->opset_import[i]->version;
    }
    if (*opset < 1) return ohm_fail(OHM_E_INPUT, "no opset version of the standard operators; is this an ONNX network?");
    if (*opset > ONNX_OPSET_MOST)
        return ohm_fail(OHM_E_UNSUPPORTED, "opset %lld; export with opset %d to %d", (long long)*opset, ONNX_OPSET_LEAST, ONNX_OPSET_MOST);
    return OHM_OK;
}

static int read_model(struct onnx_reader *reader, const Onnx__ModelProto *model) {
    if (!model->graph) return ohm_fail(OHM_E_INPUT, "holds no graph; is this an ONNX network?");
    reader->graph = model->graph;
    OHM_TRY(find_opset(model, &reader->opset));
    OHM_TRY(onnx_graph_enter(reader));
    int32_t count, *order = ohm_arena_array(reader->arena, model->graph->n_node, sizeof *order);
    struct onnx_tensor *input;
    if (!order) return OHM_E_MEMORY;
    OHM_TRY(onnx_graph_order(reader, order, &count, &input));
    return onnx_graph_convert(reader, order, count, input);
}

static int parse(struct onnx_reader *reader, const void *data, size_t size) {
    reader->network = ohm_network_new();
    reader->arena = ohm_arena_new();
    if (!reader->network || !reader->arena) return OHM_E_MEMORY;
    if (!size || size > INT32_MAX) return ohm_fail(OHM_E_INPUT, "%zu bytes; an ONNX file has 1 byte to 2 GB", size);
    OHM_TRY(onnx_wire_check(data, size));
    Onnx__ModelProto *model = onnx__model_proto__unpack(NULL, size, data);
    if (!model) return ohm_fail(OHM_E_INPUT, "not an ONNX file, or truncated");
    int status = read_model(reader, model);
    onnx__model_proto__free_unpacked(model, NULL);
    return status;
}

/* Puts the path in front of whatever was recorded. */
static int fail_at(const char *path) {
    struct ohm_failure failure = {0};
    ohm_fail_take(&failure);
    return ohm_fail(failure.status, "%s: %s", path, failure.text);
}

int ohm_onnx_parse(const char *path, const void *data, size_t size, const struct ohm_onnx_options *options, struct ohm_network **network) {
    static const struct ohm_onnx_options defaults;
    struct onnx_reader reader = {.path = path, .options = options ? options : &defaults};
    *network = NULL;
    int status = parse(&reader, data, size);
    ohm_arena_free(reader.arena);
    if (status) {
        ohm_network_free(reader.network);
        return fail_at(path);
    }
    *network = reader.network;
    return OHM_OK;
}

int ohm_onnx_read(const char *path, const struct ohm_onnx_options *options, struct ohm_network **network) {
    char *data;
    size_t size;
    *network = NULL;
    OHM_TRY(ohm_file_read(path, &data, &size));
    int status = ohm_onnx_parse(path, data, size, options, network);
    free(data);
    return status;
}
