/* HDF5 with our error lines: every call that fails leaves "file: object: what" and the library's own cause, and the library prints nothing.
 * Object times are off, so equal contents give equal bytes. Serial driver; one thread at a time. Internal to io. */
#ifndef OHM_IO_H5_H
#define OHM_IO_H5_H
#include "ohmtally/memory.h"
#include <hdf5.h>
#include <stdbool.h>
#include <stdint.h>

/* A file being written: it appears under its name only when complete.
 * It is put together in memory and written by us, because the library cannot recover from a write that fails (a full disk): it can no longer close
 * the file and crashes at exit. For contents that may not fit into memory there is _large, without that protection. */
struct ohm_h5_out {
    hid_t file;
    char *path, *temporary; /* temporary: path + ".partial-<process>" */
    bool in_memory;
};
int ohm_h5_create(const char *path, struct ohm_h5_out *out);
int ohm_h5_create_large(const char *path, struct ohm_h5_out *out);
int ohm_h5_save(struct ohm_h5_out *out);     /* brings the temporary file up to date, so that a full disk shows now */
int ohm_h5_publish(struct ohm_h5_out *out);  /* saves, closes, syncs, renames; on failure the temporary file is removed */
void ohm_h5_discard(struct ohm_h5_out *out); /* closes and removes what was not published; fine after publish and on a zeroed struct */
/* Read-only, without file locks; close with H5Fclose. A file put together in memory carries a seal, which is checked first. */
int ohm_h5_open(const char *path, hid_t *file);

#define OHM_H5_SEAL_BYTES 16 /* behind the contents; see h5_seal.c */
void ohm_h5_seal_make(const void *contents, size_t bytes, unsigned char seal[OHM_H5_SEAL_BYTES]);
int ohm_h5_seal_check(const char *path); /* fails when a seal is there and does not fit */

/* `at` is a file or group. The caller closes *group with H5Gclose. */
int ohm_h5_group_create(hid_t at, const char *name, hid_t *group);
int ohm_h5_group_open(hid_t at, const char *name, hid_t *group);
bool ohm_h5_has(hid_t at, const char *name); /* link of that name (one level) */

/* Data sets. type is a native memory type (H5T_NATIVE_INT64 ...), also used in the file; dims[rank]. unit and about become attributes; NULL: none.
 * Long data sets are deflated and carry check sums. Readers refuse integers where real numbers are expected, and the reverse. */
struct ohm_h5_about {
    const char *unit, *about;
};
int ohm_h5_write(hid_t at, const char *name, hid_t type, int rank, const hsize_t *dims, const void *data, struct ohm_h5_about about);
int ohm_h5_write_strings(hid_t at, const char *name, hsize_t count, const char *const *strings, struct ohm_h5_about about);
/* An empty data set of the given chunk and deflate level, to be filled by ohm_h5_write_slab; close with H5Dclose. */
int ohm_h5_dataset_create(hid_t at, const char *name, hid_t type, int rank, const hsize_t *dims, const hsize_t *chunk, unsigned deflate,
                          struct ohm_h5_about about, hid_t *dataset);
/* Entry `index` of the first dimension: all of the others. */
int ohm_h5_write_slab(hid_t dataset, hid_t type, hsize_t index, const void *data);
int ohm_h5_read_slab(hid_t dataset, hid_t type, hsize_t index, void *data);

int ohm_h5_dataset_open(hid_t at, const char *name, hid_t *dataset);                                /* close with H5Dclose */
int ohm_h5_dims(hid_t at, const char *name, int rank, hsize_t *dims);                               /* fails when the rank differs */
int ohm_h5_read(hid_t at, const char *name, hid_t type, int rank, const hsize_t *dims, void *data); /* fails when the shape differs */
int ohm_h5_read_strings(hid_t at, const char *name, hsize_t count, struct ohm_arena *arena, const char ***strings);

/* Attributes of a file, group or data set. Readers fail when the attribute is missing; ask ohm_h5_has_attribute first. */
int ohm_h5_set_string(hid_t at, const char *name, const char *value);
int ohm_h5_set_int64(hid_t at, const char *name, int64_t value);
int ohm_h5_set_double(hid_t at, const char *name, double value);
bool ohm_h5_has_attribute(hid_t at, const char *name);
int ohm_h5_get_string(hid_t at, const char *name, struct ohm_arena *arena, const char **value);
int ohm_h5_get_int64(hid_t at, const char *name, int64_t *value);
int ohm_h5_get_double(hid_t at, const char *name, double *value);

/* Records "file: object name: cannot `what`: cause" and returns status. at may be negative (file unknown). */
int ohm_h5_fail(int status, hid_t at, const char *name, const char *what);

#endif
