/* The set: options checked, images listed and labelled, and one image after the other read, from a folder or a packed file. */
#include "image_internal.h"
#include "ohmtally/status.h"
#include "ohmtally/text.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int options_check(const struct ohm_image_options *options) {
    if (!options->folder == !options->packed) return ohm_fail(OHM_E_USAGE, "images: give either a folder or a packed file");
    if (options->packed && (options->labels || options->classes))
        return ohm_fail(OHM_E_USAGE, "%s: a packed file holds its labels; give no label or classes file with it", options->packed);
    if (options->channels != 1 && options->channels != 3) return ohm_fail(OHM_E_USAGE, "images: channels must be 1 or 3, not %d", options->channels);
    if (options->labels_from != 0 && options->labels_from != 1)
        return ohm_fail(OHM_E_USAGE, "images: labels_from must be 0 or 1, not %d", options->labels_from);
    if (options->resize < 0 || options->crop_height < 0 || options->crop_width < 0 || !options->crop_height != !options->crop_width)
        return ohm_fail(OHM_E_USAGE, "images: resize %d, crop %d x %d: give sizes above 0, or 0 for none", options->resize, options->crop_height,
                        options->crop_width);
    if (options->first < 0 || options->count < 0) return ohm_fail(OHM_E_USAGE, "images: first and count must not be negative");
    return OHM_OK;
}

/* The caller's strings may go; ours stay. */
static int options_copy(const struct ohm_image_options *options, struct ohm_arena *arena, struct ohm_image_options *copy) {
    *copy = *options;
    const char **strings[] = {&copy->folder, &copy->packed, &copy->labels, &copy->classes};
    for (size_t i = 0; i < sizeof strings / sizeof *strings; i++)
        if (*strings[i] && !(*strings[i] = ohm_arena_string(arena, *strings[i]))) return OHM_E_MEMORY;
    return OHM_OK;
}

int ohm_image_slice(const struct ohm_image_options *options, int64_t total, int64_t *first, int64_t *count) {
    *first = options->first;
    *count = options->count ? options->count : total - options->first;
    if (*count > 0 && *first <= total - *count) return OHM_OK;
    return ohm_fail(OHM_E_INPUT, "%s: images %lld to %lld are wanted, but it holds %lld; change first or count",
                    options->folder ? options->folder : options->packed, (long long)options->first,
                    (long long)options->first + (options->count ? options->count : 1) - 1, (long long)total);
}

/* The picture of image `index` of a folder, before resize and crop. */
static int folder_read(struct ohm_image_set *set, int64_t index, struct ohm_picture *picture) {
    char *bytes, path[4096];
    size_t size;
    if (snprintf(path, sizeof path, "%s/%s", set->options.folder, set->entries[index].name) >= (int)sizeof path)
        return ohm_fail(OHM_E_INPUT, "%s/%s: path too long", set->options.folder, set->entries[index].name);
    OHM_TRY(ohm_file_read(path, &bytes, &size));
    picture->channels = set->options.channels;
    int status = ohm_image_decode(path, (const uint8_t *)bytes, size, picture->channels, &picture->pixels, &picture->height, &picture->width);
    free(bytes);
    return status;
}

static int picture_read(struct ohm_image_set *set, int64_t index, struct ohm_picture *picture) {
    return set->options.packed ? ohm_image_packed_read(set, index, picture) : folder_read(set, index, picture);
}

/* Whole images: the first that can be decoded says the size of all. */
static int size_from_first(struct ohm_image_set *set) {
    for (int64_t i = 0; i < set->count; i++) {
        struct ohm_picture picture = {0};
        int status = folder_read(set, i, &picture);
        if (!status) status = ohm_image_fit_size(&set->options, set->entries[i].name, &picture, &set->height, &set->width);
        free(picture.pixels);
        if (status != OHM_E_INPUT) return status;
        ohm_fail_clear(); /* a corrupt image is reported when its turn comes */
    }
    return ohm_fail(OHM_E_INPUT, "%s: none of its %lld images can be decoded", set->options.folder, (long long)set->count);
}

static int folder_open(struct ohm_image_set *set, int32_t nclass) {
    struct ohm_image_list list;
    int64_t first;
    OHM_TRY(ohm_image_list_read(set->options.folder, set->arena, &list));
    OHM_TRY(ohm_image_labels_match(&set->options, nclass, &list, set->arena, &set->entries));
    OHM_TRY(ohm_image_slice(&set->options, list.count, &first, &set->count));
    set->entries += first;
    set->height = set->options.crop_height;
    set->width = set->options.crop_width;
    return set->height ? OHM_OK : size_from_first(set);
}

int ohm_image_set_open(const struct ohm_image_options *options, int32_t nclass, struct ohm_image_set **opened) {
    *opened = NULL;
    OHM_TRY(options_check(options));
    struct ohm_arena *arena = ohm_arena_new();
    struct ohm_image_set *set = arena ? ohm_arena_alloc(arena, sizeof *set) : NULL;
    if (!set) {
        ohm_arena_free(arena);
        return OHM_E_MEMORY;
    }
    set->arena = arena;
    set->file = set->dataset = H5I_INVALID_HID;
    int status = options_copy(options, arena, &set->options);
    if (!status) status = options->packed ? ohm_image_packed_open(set, nclass) : folder_open(set, nclass);
    if (status)
        ohm_image_set_close(set);
    else
        *opened = set;
    return status;
}

void ohm_image_set_close(struct ohm_image_set *set) {
    if (!set) return;
    if (set->dataset >= 0) H5Dclose(set->dataset);
    if (set->file >= 0) H5Fclose(set->file);
    ohm_arena_free(set->arena);
}

int64_t ohm_image_set_count(const struct ohm_image_set *set) {
    return set->count;
}

void ohm_image_set_size(const struct ohm_image_set *set, int32_t *height, int32_t *width, int32_t *channels) {
    *height = set->height;
    *width = set->width;
    *channels = set->options.channels;
}

int32_t ohm_image_set_label(const struct ohm_image_set *set, int64_t index) {
    return set->entries[index].label;
}

const char *ohm_image_set_name(const struct ohm_image_set *set, int64_t index) {
    return set->entries[index].name;
}

int ohm_image_set_read(struct ohm_image_set *set, int64_t index, uint8_t *pixels) {
    struct ohm_picture picture = {0};
    const char *name = set->entries[index].name;
    int32_t height, width;
    OHM_TRY(picture_read(set, index, &picture));
    int status = ohm_image_fit_size(&set->options, name, &picture, &height, &width);
    if (!status && (height != set->height || width != set->width))
        status = ohm_fail(OHM_E_INPUT, "%s: %d x %d (height x width), but the set's first image is %d x %d; set crop", name, height, width,
                          set->height, set->width);
    if (!status) status = ohm_image_fit(&set->options, name, &picture, height, width, pixels);
    free(picture.pixels);
    return status;
}
