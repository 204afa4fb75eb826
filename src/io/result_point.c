/* Whole points from file to file. */
#include "ohmtally/status.h"
#include "result_file.h"
#include <stdlib.h>
#include <string.h>

struct copying {
    hid_t to;
    int status;
};

/* Of a value whose type is as in memory: a number, an array of them, or a string of variable length. */
static int write_copy(hid_t from, hid_t to, const char *name, hid_t type, hid_t space) {
    const bool text = H5Tis_variable_str(type) > 0;
    hid_t attribute = H5Acreate2(to, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    hssize_t count = H5Sget_simple_extent_npoints(space);
    void *value = attribute < 0 || count < 0 ? NULL : ohm_alloc_array((size_t)count, H5Tget_size(type));
    bool good = value && H5Aread(from, type, value) >= 0 && H5Awrite(attribute, type, value) >= 0;
    int status = good ? OHM_OK : ohm_h5_fail(OHM_E_IO, to, name, "copy the attribute");
    if (good && text) H5Dvlen_reclaim(type, space, H5P_DEFAULT, value);
    free(value);
    if (attribute >= 0) H5Aclose(attribute);
    return status;
}

static herr_t copy_attribute(hid_t from, const char *name, const H5A_info_t *info, void *context) {
    struct copying *copying = context;
    hid_t attribute = H5Aopen(from, name, H5P_DEFAULT);
    if (attribute < 0) {
        copying->status = ohm_h5_fail(OHM_E_INPUT, from, name, "open the attribute");
        return -1;
    }
    hid_t type = H5Aget_type(attribute), space = H5Aget_space(attribute);
    copying->status = write_copy(attribute, copying->to, name, type, space);
    H5Sclose(space);
    H5Tclose(type);
    H5Aclose(attribute);
    return copying->status ? -1 : 0;
}

static herr_t copy_member(hid_t from, const char *name, const H5L_info_t *info, void *context) {
    struct copying *copying = context;
    H5O_info_t object;
    if (H5Oget_info_by_name(from, name, &object, H5P_DEFAULT) < 0)
        copying->status = ohm_h5_fail(OHM_E_INPUT, from, name, "look at it");
    else if (object.type == H5O_TYPE_GROUP)
        copying->status = ohm_result_copy_group(from, copying->to, name);
    else if (H5Ocopy(from, name, copying->to, name, H5P_DEFAULT, H5P_DEFAULT) < 0)
        copying->status = ohm_h5_fail(OHM_E_IO, copying->to, name, "copy it");
    return copying->status ? -1 : 0;
}

/* Member by member: the library's own copy of a group with many attributes crashes on their strings (1.10.8). */
int ohm_result_copy_group(hid_t from, hid_t to, const char *name) {
    struct copying copying = {.status = OHM_OK};
    hid_t group;
    OHM_TRY(ohm_h5_group_open(from, name, &group));
    int status = ohm_h5_group_create(to, name, &copying.to);
    if (!status) {
        hsize_t start = 0;
        if (H5Aiterate2(group, H5_INDEX_NAME, H5_ITER_INC, &start, copy_attribute, &copying) < 0 ||
            H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, NULL, copy_member, &copying) < 0)
            status = copying.status ? copying.status : ohm_h5_fail(OHM_E_INPUT, from, name, "list it");
        H5Gclose(copying.to);
    }
    H5Gclose(group);
    return status;
}

int ohm_result_save_point(const struct ohm_result *result, const char *name, const char *path) {
    struct ohm_h5_out out;
    OHM_TRY(ohm_h5_create(path, &out));
    int status = ohm_result_copy_group(result->out.file, out.file, name);
    if (!status) status = ohm_h5_publish(&out);
    ohm_h5_discard(&out);
    return status;
}

/* Files are checked as a whole when they are opened: one that holds many points is opened once. */
static int open_taken(struct ohm_result *result, const char *path) {
    if (result->taken_path && !strcmp(result->taken_path, path)) return OHM_OK;
    if (result->taken_path) H5Fclose(result->taken);
    result->taken_path = NULL;
    OHM_TRY(ohm_h5_open(path, &result->taken));
    if ((result->taken_path = ohm_arena_string(result->arena, path))) return OHM_OK;
    H5Fclose(result->taken);
    return OHM_E_MEMORY;
}

int ohm_result_take_point(struct ohm_result *result, const char *path, const char *name) {
    OHM_TRY(ohm_result_name(result, name));
    OHM_TRY(open_taken(result, path));
    OHM_TRY(ohm_result_copy_group(result->taken, result->out.file, name));
    result->npoint++;
    return OHM_OK;
}

bool ohm_result_has_point(const char *path, const char *name) {
    hid_t file;
    bool there = ohm_h5_open(path, &file) == OHM_OK;
    if (there) {
        there = ohm_h5_has(file, name);
        H5Fclose(file);
    }
    ohm_fail_clear();
    return there;
}

static const char *identity_read(hid_t file, struct ohm_arena *arena) {
    const char *identity = NULL;
    hid_t run;
    if (ohm_h5_group_open(file, "run", &run)) return NULL;
    if (ohm_h5_has_attribute(run, "identity") && ohm_h5_get_string(run, "identity", arena, &identity)) identity = NULL;
    H5Gclose(run);
    return identity;
}

const char *ohm_result_identity(const char *path, struct ohm_arena *arena) {
    const char *identity = NULL;
    hid_t file;
    if (!ohm_h5_open(path, &file)) {
        identity = identity_read(file, arena);
        H5Fclose(file);
    }
    ohm_fail_clear();
    return identity;
}
