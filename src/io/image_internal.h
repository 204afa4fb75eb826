/* What the image_*.c files share: folder list -> labels -> decode -> fit (resize and crop), and the set that holds it together. */
#ifndef OHM_IO_IMAGE_INTERNAL_H
#define OHM_IO_IMAGE_INTERNAL_H
#include "ohmtally/images.h"
#include "ohmtally/memory.h"
#include <hdf5.h>
#include <stddef.h>

/* A folder's image files and those of its direct sub-folders, as paths relative to it, bytewise sorted. */
struct ohm_image_list {
    const char **names;
    int64_t count;
    const char **folders; /* sub-folders, sorted; hidden ones left out */
    int64_t nfolder;
};
int ohm_image_list_read(const char *folder, struct ohm_arena *arena, struct ohm_image_list *list);

struct ohm_image_entry {
    const char *name;
    int32_t label;
};
/* Labels the list as the options say: entries[list->count] in the set's order, in the arena. */
int ohm_image_labels_match(const struct ohm_image_options *options, int32_t nclass, const struct ohm_image_list *list, struct ohm_arena *arena,
                           struct ohm_image_entry **entries);

/* A decoded picture; pixels is malloc'ed. */
struct ohm_picture {
    uint8_t *pixels; /* [height][width][channels] */
    int32_t height, width, channels;
};
/* Each decodes to picture->channels (1 or 3) channels, set by the caller; name is for messages. */
int ohm_image_decode_jpeg(const char *name, const uint8_t *bytes, size_t size, struct ohm_picture *picture);
int ohm_image_decode_png(const char *name, const uint8_t *bytes, size_t size, struct ohm_picture *picture);
/* Checks the size a file claims, then allocates the pixels. */
int ohm_picture_alloc(const char *name, int64_t height, int64_t width, struct ohm_picture *picture);
int ohm_picture_grey_only(const char *name); /* fails: a colour picture where one channel is wanted */

/* What the picture becomes under the options' resize and crop; fails when it is smaller than the crop. */
int ohm_image_fit_size(const struct ohm_image_options *options, const char *name, const struct ohm_picture *picture, int32_t *height, int32_t *width);
/* Does it: out is [height][width][channels] as ohm_image_fit_size said. */
int ohm_image_fit(const struct ohm_image_options *options, const char *name, const struct ohm_picture *picture, int32_t height, int32_t width,
                  uint8_t *out);

struct ohm_image_set {
    struct ohm_arena *arena;
    struct ohm_image_options options; /* its strings belong to the arena */
    struct ohm_image_entry *entries;  /* [count], the slice */
    int64_t count;
    int32_t height, width; /* of every image that comes out */
    hid_t file, dataset;   /* packed sets; else negative */
    int32_t stored_height, stored_width, stored_channels;
    const int8_t *corrupt; /* [count], packed sets */
};
int ohm_image_packed_open(struct ohm_image_set *set, int32_t nclass);
int ohm_image_packed_read(struct ohm_image_set *set, int64_t index, struct ohm_picture *picture);
/* Cuts the slice options.first, options.count out of `total` entries. */
int ohm_image_slice(const struct ohm_image_options *options, int64_t total, int64_t *first, int64_t *count);

#endif
