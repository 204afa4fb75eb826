/* Measured devices. */
#include "ohmtally/job.h"
#include "ohmtally/memory.h"
#include "ohmtally/status.h"
#include "ohmtally/text.h"
#include "yaml_tree.h"
#include <stdlib.h>
#include <string.h>

static int take_number(const struct ohm_yaml_node *node, const char *what, double *value) {
    if (node->kind == OHM_YAML_SCALAR && !ohm_text_double(node->text, value) && *value > -1e9 && *value < 1e9) return OHM_OK;
    return ohm_fail(OHM_E_USAGE, "%s: device.%s must be a number", node->where, what);
}

static int take_spread(const struct ohm_yaml_node *node, double spread[4]) {
    if (node->kind != OHM_YAML_SEQUENCE || node->count != 4)
        return ohm_fail(OHM_E_USAGE, "%s: device.spread_us must be a list of 4 numbers, the coefficients of 1, G, G^2 and G^3", node->where);
    for (int k = 0; k < 4; k++) OHM_TRY(take_number(ohm_yaml_at(node, k), "spread_us", &spread[k]));
    return OHM_OK;
}

static int take_node(const struct ohm_yaml_node *node, struct ohm_measured_device *device, int *seen) {
    if (!strcmp(node->key, "name") || !strcmp(node->key, "source")) return OHM_OK; /* for the reader */
    ++*seen;
    if (!strcmp(node->key, "least_us")) return take_number(node, node->key, &device->least_us);
    if (!strcmp(node->key, "most_us")) return take_number(node, node->key, &device->most_us);
    if (!strcmp(node->key, "spread_us")) return take_spread(node, device->spread_us);
    return ohm_fail(OHM_E_USAGE, "%s: unknown key 'device.%s'; known here: name, source, least_us, most_us, spread_us", node->where, node->key);
}

static int take_tree(const char *path, const struct ohm_yaml_node *root, struct ohm_measured_device *device) {
    const struct ohm_yaml_node *section = ohm_yaml_find(root, "device");
    int seen = 0;
    if (!section || section->kind != OHM_YAML_MAPPING || root->count != 1)
        return ohm_fail(OHM_E_USAGE, "%s: a device file has one section, 'device:'", path);
    for (const struct ohm_yaml_node *node = section->first; node; node = node->next) OHM_TRY(take_node(node, device, &seen));
    if (seen != 3) return ohm_fail(OHM_E_USAGE, "%s: device.least_us, most_us and spread_us are all needed", path);
    if (!(device->least_us >= 0 && device->least_us < device->most_us))
        return ohm_fail(OHM_E_USAGE, "%s: device.least_us must be 0 or more, and below most_us", path);
    return OHM_OK;
}

int ohm_device_read(const char *job_path, const char *file, struct ohm_arena *arena, const struct ohm_measured_device **out) {
    struct ohm_measured_device *device = ohm_arena_alloc(arena, sizeof *device);
    struct ohm_arena *parsing = ohm_arena_new();
    struct ohm_yaml_node *root = NULL;
    char *path = ohm_path_beside(job_path, file), *text = NULL;
    size_t size;
    int status = device && parsing && path ? ohm_file_read(path, &text, &size) : OHM_E_MEMORY;
    if (!status) status = ohm_yaml_parse(parsing, path, text, size, &root);
    if (!status) status = take_tree(path, root, device);
    if (!status) *out = device;
    ohm_arena_free(parsing);
    free(text);
    free(path);
    return status;
}
