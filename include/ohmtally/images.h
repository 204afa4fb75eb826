/* Images and labels: a folder of JPEG/PNG files, or an HDF5 data set made by `ohmtally pack`, behind one interface.
 * An image comes out as the bytes the network's preprocessing starts from: cropped, uint8, [height][width][channels].
 * Layer: io. Not collective: every rank opens the set and reads the images it owns. */
#ifndef OHMTALLY_IMAGES_H
#define OHMTALLY_IMAGES_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OHM_NO_LABEL (-1)

struct ohm_image_options {
    const char *folder;              /* folder of .jpg .jpeg .png (any case); or NULL */
    const char *packed;              /* HDF5 file made by pack; or NULL (exactly one of the two is given) */
    const char *labels;              /* text file; NULL with a folder: wnid sub-folders, or unlabelled when there are none */
    const char *classes;             /* "wnid words" per line, in class order, for wnid labels; NULL: sorted wnids found are classes 0, 1, ... */
    int32_t labels_from;             /* index of the first class in the label file: 0 or 1 */
    int32_t resize;                  /* shortest side before the crop; 0: none */
    int32_t crop_height, crop_width; /* 0: whole image (all must then have the same size) */
    bool crop_floor;                 /* offset floor((n - crop) / 2) instead of round half to even, as torchvision */
    int32_t channels;                /* 3 (grey is replicated, CMYK converted) or 1 (colour is an error) */
    int64_t first, count;            /* the slice used, in the set's order; count 0: to the end */
};

/* Label files, told apart by their first line: "name index" or "name wnid" (name as in the folder, or sub-folder/name), or "index" alone, one
 * line per image in sorted order. Packed sets carry their labels; what was resized before packing is not resized again. */
struct ohm_image_set;
/* Lists the set (sorted by name; with "name label" files, in the file's order), matches labels. Fails naming the file and line for: no such folder,
 * empty folder, label without image, image without label when a label file is given, class beyond nclass (nclass 0: not checked). */
int ohm_image_set_open(const struct ohm_image_options *options, int32_t nclass, struct ohm_image_set **set);
void ohm_image_set_close(struct ohm_image_set *set);
int64_t ohm_image_set_count(const struct ohm_image_set *set);
void ohm_image_set_size(const struct ohm_image_set *set, int32_t *height, int32_t *width, int32_t *channels);
int32_t ohm_image_set_label(const struct ohm_image_set *set, int64_t index); /* OHM_NO_LABEL: none */
const char *ohm_image_set_name(const struct ohm_image_set *set, int64_t index);
/* Decodes image `index` (0 = first of the slice) into pixels [height][width][channels]. Thread-safe for folders; for packed sets call from one
 * thread at a time. Fails with OHM_E_INPUT naming the file when it is corrupt or of the wrong size. */
int ohm_image_set_read(struct ohm_image_set *set, int64_t index, uint8_t *pixels);

/* A hash over what the set holds without reading the images: names and labels in order, and the sizes of files. */
int ohm_image_set_digest(const struct ohm_image_set *set, uint64_t *digest);

/* The pieces, for tests. Shortest side to `side`, triangle filter with antialiasing and 8-bit fixed-point passes as Pillow's BILINEAR does it. */
int ohm_image_resize(const uint8_t *in, int32_t height, int32_t width, int32_t channels, int32_t new_height, int32_t new_width, uint8_t *out);
/* Decodes a JPEG or PNG in memory to RGB or grey; *pixels is malloc'ed. */
int ohm_image_decode(const char *name, const uint8_t *bytes, size_t size, int32_t channels, uint8_t **pixels, int32_t *height, int32_t *width);

/* Writes the set as one HDF5 file: /images uint8 [n][h][w][c] (chunk 1 image, shuffle off, deflate), /labels int32 [n] (-1: none), /names strings,
 * /corrupt int8 [n]; attributes say what was done. Published atomically (temporary name, then rename). Corrupt images are reported, flagged and
 * keep their place; *ncorrupt counts them. */
int ohm_image_set_pack(struct ohm_image_set *set, const char *path, int64_t *ncorrupt);

#endif
