/* Files, groups, errors and attributes; the data sets are in h5_dataset.c. */
#include "h5.h"
#include "ohmtally/status.h"
#include "ohmtally/text.h"
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CAUSE_BYTES = 200, MEMORY_STEP = 1 << 20 };

/* Upward walk: entry 0 is the innermost call, where the cause is. */
static herr_t keep_innermost(unsigned n, const H5E_error2_t *error, void *cause) {
    if (n == 0) snprintf(cause, CAUSE_BYTES, "%s", error->desc ? error->desc : "");
    return 0;
}

int ohm_h5_fail(int status, hid_t at, const char *name, const char *what) {
    char cause[CAUSE_BYTES] = "", file[512] = "(HDF5 file)";
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_innermost, cause);
    if (at >= 0) H5Fget_name(at, file, sizeof file);
    return ohm_fail(status, "%s: %s: cannot %s%s%s", file, name, what, cause[0] ? ": " : "", cause);
}

static void library_quiet(void) {
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

/* Leaves *out as one that holds no file. */
static void names_free(struct ohm_h5_out *out) {
    free(out->path);
    free(out->temporary);
    *out = (struct ohm_h5_out){.file = H5I_INVALID_HID};
}

/* Makes the empty temporary file with plain calls, whose errors are clearer than the library's. */
static int temporary_create(const struct ohm_h5_out *out) {
    struct stat info;
    if (!stat(out->path, &info) && !S_ISREG(info.st_mode))
        return ohm_fail(OHM_E_IO, "%s: exists and is not a regular file; choose another name", out->path);
    int descriptor = open(out->temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (descriptor < 0) return ohm_fail(OHM_E_IO, "%s: cannot create it: %s; its folder must exist and be writable", out->path, strerror(errno));
    close(descriptor);
    return OHM_OK;
}

/* Format version 1.8: metadata with check sums, attributes of any length. */
static hid_t file_create(const char *path, bool in_memory) {
    hid_t creation = H5Pcreate(H5P_FILE_CREATE), access = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_obj_track_times(creation, false);        /* of the root group */
    H5Pset_fclose_degree(access, H5F_CLOSE_STRONG); /* closing the file is the end, even with an object left open after a failure */
    H5Pset_libver_bounds(access, H5F_LIBVER_V18, H5F_LIBVER_V18);
    if (in_memory) H5Pset_fapl_core(access, MEMORY_STEP, false);
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, creation, access);
    H5Pclose(creation);
    H5Pclose(access);
    return file;
}

static int create(const char *path, bool in_memory, struct ohm_h5_out *out) {
    library_quiet();
    *out = (struct ohm_h5_out){.file = H5I_INVALID_HID, .path = strdup(path), .in_memory = in_memory};
    if (!out->path || asprintf(&out->temporary, "%s.partial-%ld", path, (long)getpid()) < 0) {
        out->temporary = NULL; /* asprintf leaves it undefined */
        names_free(out);
        return ohm_fail(OHM_E_MEMORY, "%s: no memory for a file name", path);
    }
    int status = temporary_create(out);
    if (!status) {
        out->file = file_create(out->temporary, in_memory);
        if (out->file >= 0) return OHM_OK;
        status = ohm_h5_fail(OHM_E_IO, H5I_INVALID_HID, path, "create the file");
        unlink(out->temporary);
    }
    names_free(out);
    return status;
}

int ohm_h5_create(const char *path, struct ohm_h5_out *out) {
    return create(path, true, out);
}

int ohm_h5_create_large(const char *path, struct ohm_h5_out *out) {
    return create(path, false, out);
}

static int path_sync(const char *path) {
    int descriptor = open(path, O_RDONLY), failed = descriptor < 0 || fsync(descriptor);
    if (descriptor >= 0) close(descriptor);
    return failed;
}

/* All of buffer to an open file. */
static int bytes_write(int descriptor, const void *data, size_t bytes) {
    const char *buffer = data;
    while (bytes) {
        ssize_t written = write(descriptor, buffer, bytes);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return -1;
        buffer += written;
        bytes -= (size_t)written;
    }
    return 0;
}

int ohm_h5_save(struct ohm_h5_out *out) {
    if (H5Fflush(out->file, H5F_SCOPE_GLOBAL) < 0) return ohm_h5_fail(OHM_E_IO, out->file, "file", "finish writing; is the disk full");
    if (!out->in_memory) return OHM_OK;
    void *handle = NULL; /* the memory itself: the image that the library hands out has a flag reset but not the check sum over it (1.10.8) */
    ssize_t bytes = H5Fget_file_image(out->file, NULL, 0);
    if (bytes <= 0 || H5Fget_vfd_handle(out->file, H5P_DEFAULT, &handle) < 0) return ohm_h5_fail(OHM_E_IO, out->file, "file", "collect its bytes");
    const char *image = *(char **)handle;
    unsigned char seal[OHM_H5_SEAL_BYTES];
    ohm_h5_seal_make(image, (size_t)bytes, seal);
    int descriptor = open(out->temporary, O_WRONLY | O_TRUNC | O_CLOEXEC);
    int failed = descriptor < 0 || bytes_write(descriptor, image, (size_t)bytes) || bytes_write(descriptor, seal, sizeof seal), cause = errno;
    if (descriptor >= 0 && close(descriptor) && !failed) {
        failed = 1;
        cause = errno;
    }
    return failed ? ohm_fail(OHM_E_IO, "%s: cannot write its %lld bytes: %s; make room on the disk or choose another folder", out->path,
                             (long long)bytes, strerror(cause))
                  : OHM_OK;
}

int ohm_h5_publish(struct ohm_h5_out *out) {
    int status = ohm_h5_save(out);
    if (H5Fclose(out->file) < 0 && !status) status = ohm_h5_fail(OHM_E_IO, H5I_INVALID_HID, out->path, "close the file; is the disk full");
    out->file = H5I_INVALID_HID;
    if (!status && (path_sync(out->temporary) || rename(out->temporary, out->path)))
        status = ohm_fail(OHM_E_IO, "%s: cannot put the finished file in place: %s", out->path, strerror(errno));
    if (status)
        unlink(out->temporary);
    else
        path_sync(dirname(out->path)); /* best effort: some file systems cannot sync a folder */
    names_free(out);
    return status;
}

void ohm_h5_discard(struct ohm_h5_out *out) {
    if (!out->temporary) return;
    H5Fclose(out->file);
    unlink(out->temporary);
    names_free(out);
}

int ohm_h5_open(const char *path, hid_t *file) {
    library_quiet();
    *file = H5I_INVALID_HID;
    if (access(path, R_OK)) return ohm_fail(OHM_E_IO, "%s: cannot open: %s", path, strerror(errno));
    OHM_TRY(ohm_h5_seal_check(path));
    hid_t how = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_file_locking(how, false, true); /* locks fail on some cluster file systems, and a reader needs none */
    *file = H5Fopen(path, H5F_ACC_RDONLY, how);
    H5Pclose(how);
    return *file < 0 ? ohm_fail(OHM_E_INPUT, "%s: not an HDF5 file, or a damaged one", path) : OHM_OK;
}

int ohm_h5_group_create(hid_t at, const char *name, hid_t *group) {
    hid_t creation = H5Pcreate(H5P_GROUP_CREATE);
    H5Pset_obj_track_times(creation, false);
    *group = H5Gcreate2(at, name, H5P_DEFAULT, creation, H5P_DEFAULT);
    H5Pclose(creation);
    return *group < 0 ? ohm_h5_fail(OHM_E_IO, at, name, "create the group") : OHM_OK;
}

int ohm_h5_group_open(hid_t at, const char *name, hid_t *group) {
    *group = H5Gopen2(at, name, H5P_DEFAULT);
    return *group < 0 ? ohm_h5_fail(OHM_E_INPUT, at, name, "open the group") : OHM_OK;
}

bool ohm_h5_has(hid_t at, const char *name) {
    return H5Lexists(at, name, H5P_DEFAULT) > 0;
}

bool ohm_h5_has_attribute(hid_t at, const char *name) {
    return H5Aexists(at, name) > 0;
}

static int attribute_write(hid_t at, const char *name, hid_t type, const void *value) {
    hid_t space = H5Screate(H5S_SCALAR);
    hid_t attribute = H5Acreate2(at, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    bool failed = attribute < 0 || H5Awrite(attribute, type, value) < 0;
    int status = failed ? ohm_h5_fail(OHM_E_IO, at, name, "write the attribute") : OHM_OK;
    if (attribute >= 0) H5Aclose(attribute);
    H5Sclose(space);
    return status;
}

/* Of variable length: the kind that h5py hands out as str. */
int ohm_h5_set_string(hid_t at, const char *name, const char *value) {
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, H5T_VARIABLE);
    H5Tset_cset(type, H5T_CSET_UTF8);
    int status = attribute_write(at, name, type, &value);
    H5Tclose(type);
    return status;
}

int ohm_h5_set_int64(hid_t at, const char *name, int64_t value) {
    return attribute_write(at, name, H5T_NATIVE_INT64, &value);
}

int ohm_h5_set_double(hid_t at, const char *name, double value) {
    return attribute_write(at, name, H5T_NATIVE_DOUBLE, &value);
}

/* Opens a scalar attribute of the given class; a larger one would overrun the caller's value. */
static int attribute_open(hid_t at, const char *name, bool text, hid_t *attribute) {
    *attribute = H5Aopen(at, name, H5P_DEFAULT);
    if (*attribute < 0) return ohm_h5_fail(OHM_E_INPUT, at, name, "open the attribute");
    hid_t space = H5Aget_space(*attribute), type = H5Aget_type(*attribute);
    bool fits = H5Sget_simple_extent_npoints(space) == 1 && (H5Tget_class(type) == H5T_STRING) == text;
    H5Sclose(space);
    H5Tclose(type);
    if (fits) return OHM_OK;
    H5Aclose(*attribute);
    return ohm_h5_fail(OHM_E_INPUT, at, name, text ? "read the attribute as one string" : "read the attribute as one number");
}

static int number_read(hid_t at, const char *name, hid_t type, void *value) {
    hid_t attribute;
    OHM_TRY(attribute_open(at, name, false, &attribute));
    int status = H5Aread(attribute, type, value) < 0 ? ohm_h5_fail(OHM_E_INPUT, at, name, "read the attribute") : OHM_OK;
    H5Aclose(attribute);
    return status;
}

int ohm_h5_get_int64(hid_t at, const char *name, int64_t *value) {
    return number_read(at, name, H5T_NATIVE_INT64, value);
}

int ohm_h5_get_double(hid_t at, const char *name, double *value) {
    return number_read(at, name, H5T_NATIVE_DOUBLE, value);
}

int ohm_h5_get_string(hid_t at, const char *name, struct ohm_arena *arena, const char **value) {
    hid_t attribute;
    OHM_TRY(attribute_open(at, name, true, &attribute));
    hid_t type = H5Aget_type(attribute);
    int status = OHM_OK;
    if (H5Tis_variable_str(type) > 0) {
        char *text = NULL;
        if (H5Aread(attribute, type, &text) < 0) status = ohm_h5_fail(OHM_E_INPUT, at, name, "read the attribute");
        *value = status ? NULL : ohm_arena_string(arena, text ? text : "");
        H5free_memory(text);
    } else {
        char *text = ohm_arena_alloc(arena, H5Tget_size(type) + 1); /* zeroed: ends the string */
        if (text && H5Aread(attribute, type, text) < 0) status = ohm_h5_fail(OHM_E_INPUT, at, name, "read the attribute");
        *value = text;
    }
    H5Tclose(type);
    H5Aclose(attribute);
    return status ? status : *value ? OHM_OK : OHM_E_MEMORY;
}
