/* Packed sets: written once by ohm_image_set_pack, read one image at a time. */
#include "h5.h"
#include "image_internal.h"
#include "ohmtally/log.h"
#include "ohmtally/status.h"
#include <stdlib.h>
#include <string.h>

enum { DEFLATE = 6, SIDE_MAX = 65535 };

/* Shape and type of /images: [total][height][width][channels] bytes. */
static int images_open(struct ohm_image_set *set, int64_t *total) {
    const char *path = set->options.packed;
    hsize_t dims[4];
    OHM_TRY(ohm_h5_dims(set->file, "images", 4, dims));
    OHM_TRY(ohm_h5_dataset_open(set->file, "images", &set->dataset));
    hid_t type = H5Dget_type(set->dataset);
    bool bytes = H5Tequal(type, H5T_NATIVE_UINT8) > 0;
    H5Tclose(type);
    if (!bytes) return ohm_fail(OHM_E_INPUT, "%s: images: must be unsigned bytes, 0 to 255", path);
    if (!dims[0] || !dims[1] || !dims[2] || dims[0] > INT32_MAX || dims[1] > SIDE_MAX || dims[2] > SIDE_MAX || (dims[3] != 1 && dims[3] != 3))
        return ohm_fail(OHM_E_INPUT, "%s: images: shape %llu x %llu x %llu x %llu, expected [image][height][width][1 or 3]", path,
                        (unsigned long long)dims[0], (unsigned long long)dims[1], (unsigned long long)dims[2], (unsigned long long)dims[3]);
    *total = (int64_t)dims[0];
    set->stored_height = (int32_t)dims[1];
    set->stored_width = (int32_t)dims[2];
    set->stored_channels = (int32_t)dims[3];
    return set->options.channels == 1 && set->stored_channels == 3 ? ohm_picture_grey_only(path) : OHM_OK;
}

/* Names, labels and flags of all images, then the slice of them. Each of the three may be missing. */
static int entries_read(struct ohm_image_set *set, int64_t total, int32_t nclass) {
    hsize_t dims = (hsize_t)total;
    int64_t first;
    const char **names = NULL;
    int32_t *labels = ohm_arena_array(set->arena, dims, sizeof *labels);
    int8_t *corrupt = ohm_arena_array(set->arena, dims, sizeof *corrupt);
    struct ohm_image_entry *entries = ohm_arena_array(set->arena, dims, sizeof *entries);
    if (!labels || !corrupt || !entries) return OHM_E_MEMORY;
    for (int64_t i = 0; i < total; i++) labels[i] = OHM_NO_LABEL;
    if (ohm_h5_has(set->file, "labels")) OHM_TRY(ohm_h5_read(set->file, "labels", H5T_NATIVE_INT32, 1, &dims, labels));
    if (ohm_h5_has(set->file, "corrupt")) OHM_TRY(ohm_h5_read(set->file, "corrupt", H5T_NATIVE_INT8, 1, &dims, corrupt));
    if (ohm_h5_has(set->file, "names")) OHM_TRY(ohm_h5_read_strings(set->file, "names", dims, set->arena, &names));
    for (int64_t i = 0; i < total; i++) {
        entries[i].name = names ? names[i] : ohm_arena_format(set->arena, "image %lld", (long long)i);
        entries[i].label = labels[i];
        if (!entries[i].name) return OHM_E_MEMORY;
        if (labels[i] < OHM_NO_LABEL || (nclass && labels[i] >= nclass))
            return ohm_fail(OHM_E_INPUT, "%s: labels[%lld] is %d, but the network has %d classes", set->options.packed, (long long)i, labels[i],
                            nclass);
    }
    OHM_TRY(ohm_image_slice(&set->options, total, &first, &set->count));
    set->entries = entries + first;
    set->corrupt = corrupt + first;
    return OHM_OK;
}

/* A resize done before packing is not done again, and another one than asked for is an error. A file that does not say how it was made holds
 * finished images when they have the size of the crop. */
static int resize_settle(struct ohm_image_set *set) {
    struct ohm_image_options *options = &set->options;
    bool finished = set->stored_height == options->crop_height && set->stored_width == options->crop_width;
    int64_t done = 0;
    if (!options->resize) return OHM_OK;
    bool known = ohm_h5_has_attribute(set->file, "resize");
    if (known) OHM_TRY(ohm_h5_get_int64(set->file, "resize", &done));
    if (known && done != options->resize && (done || finished))
        return ohm_fail(OHM_E_INPUT, "%s: packed with resize %lld, but resize %d is asked for; pack the images again, or leave resize out",
                        options->packed, (long long)done, options->resize);
    if (known ? done != 0 : finished) options->resize = 0;
    return OHM_OK;
}

int ohm_image_packed_open(struct ohm_image_set *set, int32_t nclass) {
    int64_t total = 0;
    OHM_TRY(ohm_h5_open(set->options.packed, &set->file));
    OHM_TRY(images_open(set, &total));
    OHM_TRY(entries_read(set, total, nclass));
    OHM_TRY(resize_settle(set));
    struct ohm_picture stored = {.height = set->stored_height, .width = set->stored_width};
    return ohm_image_fit_size(&set->options, set->options.packed, &stored, &set->height, &set->width);
}

int ohm_image_packed_read(struct ohm_image_set *set, int64_t index, struct ohm_picture *picture) {
    if (set->corrupt[index])
        return ohm_fail(OHM_E_INPUT, "%s: image %s was corrupt when it was packed", set->options.packed, set->entries[index].name);
    size_t points = (size_t)set->stored_height * (size_t)set->stored_width, stored = (size_t)set->stored_channels;
    picture->channels = set->options.channels;
    OHM_TRY(ohm_picture_alloc(set->options.packed, set->stored_height, set->stored_width, picture));
    int status = ohm_h5_read_slab(set->dataset, H5T_NATIVE_UINT8, (hsize_t)(set->options.first + index), picture->pixels);
    if (status) {
        free(picture->pixels);
        picture->pixels = NULL;
    } else if (picture->channels == 3 && stored == 1) { /* grey stands at the front; spread it from the back */
        for (size_t i = points; i-- > 0;) memset(picture->pixels + 3 * i, picture->pixels[i], 3);
    }
    return status;
}

/* How the images were made, for the reader of the file and for resize_settle. */
static int attributes_write(const struct ohm_image_set *set, hid_t file) {
    const struct ohm_image_options *options = &set->options;
    OHM_TRY(ohm_h5_set_string(file, "about", "images decoded, resized and cropped by ohmtally pack"));
    OHM_TRY(ohm_h5_set_int64(file, "resize", options->resize));
    OHM_TRY(ohm_h5_set_int64(file, "crop_height", options->crop_height));
    OHM_TRY(ohm_h5_set_int64(file, "crop_width", options->crop_width));
    return ohm_h5_set_string(file, "crop_offset", options->crop_floor ? "floor((n - crop) / 2)" : "(n - crop) / 2, half to even");
}

/* Decodes every image into the file; flags[i] = 1 and zeros where that fails. */
static int images_write(struct ohm_image_set *set, hid_t dataset, int8_t *flags, int64_t *ncorrupt) {
    size_t bytes = (size_t)set->height * (size_t)set->width * (size_t)set->options.channels;
    uint8_t *pixels = ohm_alloc(bytes);
    int status = pixels ? OHM_OK : OHM_E_MEMORY;
    struct ohm_progress progress;
    ohm_progress_start(&progress, "pack", set->count);
    for (int64_t i = 0; i < set->count && !status; i++) {
        status = ohm_image_set_read(set, i, pixels);
        if (status == OHM_E_INPUT) {
            ohm_warn("%s; kept its place, flagged as corrupt", ohm_fail_text());
            ohm_fail_clear();
            memset(pixels, 0, bytes);
            flags[i] = 1;
            ++*ncorrupt;
            status = OHM_OK;
        }
        if (!status) status = ohm_h5_write_slab(dataset, H5T_NATIVE_UINT8, (hsize_t)i, pixels);
        ohm_progress_step(&progress, i + 1);
    }
    ohm_progress_end(&progress, set->count);
    free(pixels);
    return status;
}

/* The four data sets. */
static int pack_into(struct ohm_image_set *set, hid_t file, struct ohm_arena *arena, int64_t *ncorrupt) {
    hsize_t count = (hsize_t)set->count, dims[] = {count, (hsize_t)set->height, (hsize_t)set->width, (hsize_t)set->options.channels};
    hsize_t chunk[] = {1, dims[1], dims[2], dims[3]};
    int8_t *flags = ohm_arena_array(arena, count, sizeof *flags);
    int32_t *labels = ohm_arena_array(arena, count, sizeof *labels);
    const char **names = ohm_arena_array(arena, count, sizeof *names);
    if (!flags || !labels || !names) return OHM_E_MEMORY;
    for (hsize_t i = 0; i < count; i++) {
        labels[i] = set->entries[i].label;
        names[i] = set->entries[i].name;
    }
    hid_t dataset;
    OHM_TRY(attributes_write(set, file));
    OHM_TRY(ohm_h5_dataset_create(file, "images", H5T_NATIVE_UINT8, 4, dims, chunk, DEFLATE,
                                  (struct ohm_h5_about){"pixel value", "[image][height][width][channel], RGB or grey"}, &dataset));
    int status = images_write(set, dataset, flags, ncorrupt);
    H5Dclose(dataset);
    OHM_TRY(status);
    OHM_TRY(ohm_h5_write(file, "labels", H5T_NATIVE_INT32, 1, &count, labels, (struct ohm_h5_about){"class", "counted from 0; -1: no label"}));
    OHM_TRY(ohm_h5_write_strings(file, "names", count, names, (struct ohm_h5_about){NULL, "file names below the image folder"}));
    return ohm_h5_write(file, "corrupt", H5T_NATIVE_INT8, 1, &count, flags, (struct ohm_h5_about){NULL, "1: could not be decoded; its pixels are 0"});
}

int ohm_image_set_pack(struct ohm_image_set *set, const char *path, int64_t *ncorrupt) {
    struct ohm_h5_out out;
    *ncorrupt = 0;
    OHM_TRY(ohm_h5_create_large(path, &out));
    struct ohm_arena *arena = ohm_arena_new();
    int status = arena ? pack_into(set, out.file, arena, ncorrupt) : OHM_E_MEMORY;
    ohm_arena_free(arena);
    if (!status) return ohm_h5_publish(&out);
    ohm_h5_discard(&out);
    return status;
}
