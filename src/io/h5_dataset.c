/* Data sets, whole, by entry of the first dimension, and of strings. */
#include "h5.h"
#include "ohmtally/status.h"
#include <string.h>

enum { RANK_MAX = 8, LONG_BYTES = 1 << 14, CHUNK_BYTES = 1 << 18, DEFLATE = 4 };

/* An empty data set with the given creation properties. */
static int dataset_new(hid_t at, const char *name, hid_t type, int rank, const hsize_t *dims, hid_t creation, struct ohm_h5_about about,
                       hid_t *dataset) {
    hid_t space = H5Screate_simple(rank, dims, NULL);
    H5Pset_obj_track_times(creation, false);
    *dataset = H5Dcreate2(at, name, type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    H5Sclose(space);
    if (*dataset < 0) return ohm_h5_fail(OHM_E_IO, at, name, "create the data set");
    int status = about.unit ? ohm_h5_set_string(*dataset, "unit", about.unit) : OHM_OK;
    if (!status && about.about) status = ohm_h5_set_string(*dataset, "about", about.about);
    if (status) H5Dclose(*dataset);
    return status;
}

int ohm_h5_dataset_create(hid_t at, const char *name, hid_t type, int rank, const hsize_t *dims, const hsize_t *chunk, unsigned deflate,
                          struct ohm_h5_about about, hid_t *dataset) {
    hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    if (chunk) H5Pset_chunk(creation, rank, chunk);
    if (chunk && deflate) H5Pset_deflate(creation, deflate);
    int status = dataset_new(at, name, type, rank, dims, creation, about, dataset);
    H5Pclose(creation);
    return status;
}

/* Creation properties of a data set written at once. Long ones: chunks of whole entries of the first dimension, about CHUNK_BYTES each. */
static hid_t whole_layout(hid_t type, int rank, const hsize_t *dims) {
    hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    size_t entry = H5Tget_size(type);
    for (int d = 1; d < rank; d++) entry *= dims[d];
    if (rank < 1 || rank > RANK_MAX || dims[0] * entry < LONG_BYTES) return creation;
    hsize_t chunk[RANK_MAX], entries = entry < CHUNK_BYTES ? CHUNK_BYTES / entry : 1;
    memcpy(chunk, dims, (size_t)rank * sizeof *dims);
    if (chunk[0] > entries) chunk[0] = entries;
    H5Pset_chunk(creation, rank, chunk);
    if (H5Tget_class(type) != H5T_STRING) H5Pset_shuffle(creation);
    H5Pset_deflate(creation, DEFLATE);
    H5Pset_fletcher32(creation);
    return creation;
}

int ohm_h5_write(hid_t at, const char *name, hid_t type, int rank, const hsize_t *dims, const void *data, struct ohm_h5_about about) {
    hid_t dataset, creation = whole_layout(type, rank, dims);
    int status = dataset_new(at, name, type, rank, dims, creation, about, &dataset);
    H5Pclose(creation);
    OHM_TRY(status);
    if (H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) < 0)
        status = ohm_h5_fail(OHM_E_IO, at, name, "write the data set; is the disk full");
    if (H5Dclose(dataset) < 0 && !status) status = ohm_h5_fail(OHM_E_IO, at, name, "write the data set; is the disk full");
    return status;
}

/* The type of strings stored in `bytes` bytes each, zero padded. */
static hid_t string_type(size_t bytes) {
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, bytes);
    H5Tset_strpad(type, H5T_STR_NULLPAD);
    H5Tset_cset(type, H5T_CSET_UTF8);
    return type;
}

int ohm_h5_write_strings(hid_t at, const char *name, hsize_t count, const char *const *strings, struct ohm_h5_about about) {
    size_t longest = 1;
    for (hsize_t i = 0; i < count; i++) {
        size_t length = strlen(strings[i]);
        if (length > longest) longest = length;
    }
    struct ohm_arena *arena = ohm_arena_new();
    char *block = arena ? ohm_arena_array(arena, count, longest) : NULL;
    int status = block ? OHM_OK : OHM_E_MEMORY;
    if (block) {
        for (hsize_t i = 0; i < count; i++) memcpy(block + i * longest, strings[i], strlen(strings[i]));
        hid_t type = string_type(longest);
        status = ohm_h5_write(at, name, type, 1, &count, block, about);
        H5Tclose(type);
    }
    ohm_arena_free(arena);
    return status;
}

/* Memory and file spaces of entry `index`. Returns false when there is no such entry. */
static bool slab_spaces(hid_t dataset, hsize_t index, hid_t *memory, hid_t *file) {
    hsize_t dims[RANK_MAX], start[RANK_MAX] = {index};
    *file = H5Dget_space(dataset);
    *memory = H5I_INVALID_HID;
    int rank = H5Sget_simple_extent_ndims(*file);
    if (rank < 1 || rank > RANK_MAX) return false;
    H5Sget_simple_extent_dims(*file, dims, NULL);
    if (index >= dims[0]) return false;
    dims[0] = 1;
    *memory = H5Screate_simple(rank, dims, NULL);
    return *memory >= 0 && H5Sselect_hyperslab(*file, H5S_SELECT_SET, start, NULL, dims, NULL) >= 0;
}

static void slab_close(hid_t memory, hid_t file) {
    if (memory >= 0) H5Sclose(memory);
    if (file >= 0) H5Sclose(file);
}

int ohm_h5_write_slab(hid_t dataset, hid_t type, hsize_t index, const void *data) {
    hid_t memory, file;
    bool good = slab_spaces(dataset, index, &memory, &file) && H5Dwrite(dataset, type, memory, file, H5P_DEFAULT, data) >= 0;
    int status = good ? OHM_OK : ohm_h5_fail(OHM_E_IO, dataset, "data set", "write an entry");
    slab_close(memory, file);
    return status;
}

int ohm_h5_read_slab(hid_t dataset, hid_t type, hsize_t index, void *data) {
    hid_t memory, file;
    bool good = slab_spaces(dataset, index, &memory, &file) && H5Dread(dataset, type, memory, file, H5P_DEFAULT, data) >= 0;
    int status = good ? OHM_OK : ohm_h5_fail(OHM_E_INPUT, dataset, "data set", "read an entry");
    slab_close(memory, file);
    return status;
}

int ohm_h5_dataset_open(hid_t at, const char *name, hid_t *dataset) {
    *dataset = H5Dopen2(at, name, H5P_DEFAULT);
    return *dataset < 0 ? ohm_h5_fail(OHM_E_INPUT, at, name, "open the data set") : OHM_OK;
}

/* Shape of an open data set; fails when its rank is another. */
static int dataset_dims(hid_t dataset, hid_t at, const char *name, int rank, hsize_t *dims) {
    hid_t space = H5Dget_space(dataset);
    int found = H5Sget_simple_extent_ndims(space);
    if (found == rank) H5Sget_simple_extent_dims(space, dims, NULL);
    H5Sclose(space);
    return found == rank ? OHM_OK : ohm_h5_fail(OHM_E_INPUT, at, name, "use the data set: it has another number of dimensions than expected");
}

int ohm_h5_dims(hid_t at, const char *name, int rank, hsize_t *dims) {
    hid_t dataset;
    OHM_TRY(ohm_h5_dataset_open(at, name, &dataset));
    int status = dataset_dims(dataset, at, name, rank, dims);
    H5Dclose(dataset);
    return status;
}

/* Opens a data set of exactly this shape. */
static int shaped_open(hid_t at, const char *name, int rank, const hsize_t *dims, hid_t *dataset) {
    hsize_t found[RANK_MAX];
    OHM_TRY(ohm_h5_dataset_open(at, name, dataset));
    int status = dataset_dims(*dataset, at, name, rank, found);
    if (!status && memcmp(found, dims, (size_t)rank * sizeof *dims))
        status = ohm_h5_fail(OHM_E_INPUT, at, name, "use the data set: its shape does not fit the others");
    if (status) H5Dclose(*dataset);
    return status;
}

/* Real numbers are not read as integers (they would be cut) nor integers as real numbers (another quantity is meant). */
static bool types_agree(hid_t dataset, hid_t type) {
    hid_t stored = H5Dget_type(dataset);
    bool agree = (H5Tget_class(stored) == H5T_FLOAT) == (H5Tget_class(type) == H5T_FLOAT);
    H5Tclose(stored);
    return agree;
}

int ohm_h5_read(hid_t at, const char *name, hid_t type, int rank, const hsize_t *dims, void *data) {
    hid_t dataset;
    OHM_TRY(shaped_open(at, name, rank, dims, &dataset));
    int status = OHM_OK;
    if (!types_agree(dataset, type))
        status = ohm_h5_fail(OHM_E_INPUT, at, name, "use the data set: its type is another than expected");
    else if (H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) < 0)
        status = ohm_h5_fail(OHM_E_INPUT, at, name, "read the data set");
    H5Dclose(dataset);
    return status;
}

/* Variable-length strings, as h5py writes them: the library allocates, we copy. */
static int variable_read(hid_t dataset, hid_t type, hsize_t count, struct ohm_arena *arena, const char **strings) {
    char **found = ohm_arena_array(arena, count, sizeof *found);
    if (!found) return OHM_E_MEMORY;
    if (H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, found) < 0) return ohm_h5_fail(OHM_E_INPUT, dataset, "strings", "read the data set");
    int status = OHM_OK;
    for (hsize_t i = 0; i < count; i++) {
        strings[i] = ohm_arena_string(arena, found[i] ? found[i] : "");
        if (!strings[i]) status = OHM_E_MEMORY;
        H5free_memory(found[i]);
    }
    return status;
}

static int fixed_read(hid_t dataset, hsize_t count, size_t bytes, hid_t type, struct ohm_arena *arena, const char **strings) {
    char *block = ohm_arena_array(arena, count, bytes);
    if (!block) return OHM_E_MEMORY;
    if (H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, block) < 0) return ohm_h5_fail(OHM_E_INPUT, dataset, "strings", "read the data set");
    for (hsize_t i = 0; i < count; i++) {
        strings[i] = ohm_arena_format(arena, "%.*s", (int)bytes, block + i * bytes);
        if (!strings[i]) return OHM_E_MEMORY;
    }
    return OHM_OK;
}

int ohm_h5_read_strings(hid_t at, const char *name, hsize_t count, struct ohm_arena *arena, const char ***strings) {
    hid_t dataset;
    OHM_TRY(shaped_open(at, name, 1, &count, &dataset));
    hid_t type = H5Dget_type(dataset);
    const char **found = ohm_arena_array(arena, count, sizeof *found);
    int status = OHM_OK;
    if (H5Tget_class(type) != H5T_STRING)
        status = ohm_h5_fail(OHM_E_INPUT, at, name, "use the data set: it does not hold strings");
    else if (!found)
        status = OHM_E_MEMORY;
    else if (H5Tis_variable_str(type) > 0)
        status = variable_read(dataset, type, count, arena, found);
    else
        status = fixed_read(dataset, count, H5Tget_size(type), type, arena, found);
    H5Tclose(type);
    H5Dclose(dataset);
    *strings = found;
    return status;
}
