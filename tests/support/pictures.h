/* Pictures and folders for the image tests: encoded in memory, written to a temporary folder that is removed at the end. */
#ifndef OHM_TEST_PICTURES_H
#define OHM_TEST_PICTURES_H
#include <ftw.h>
#include <png.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <turbojpeg.h>
#include <unistd.h>

struct encoded {
    unsigned char *bytes; /* free with free() */
    size_t size;
};

/* A smooth but uneven test pattern; value of channel c at (y, x). */
static inline uint8_t pattern(int32_t y, int32_t x, int32_t c, unsigned seed) {
    return (uint8_t)(20 + y + 2 * x + 25 * c + 9 * (int32_t)(seed % 7));
}
static inline uint8_t *pattern_make(int32_t height, int32_t width, int32_t channels, unsigned seed) {
    uint8_t *pixels = malloc((size_t)height * width * channels);
    for (int32_t y = 0; y < height; y++)
        for (int32_t x = 0; x < width; x++)
            for (int32_t c = 0; c < channels; c++) pixels[((size_t)y * width + x) * channels + c] = pattern(y, x, c, seed);
    return pixels;
}

/* pixel_format: TJPF_RGB, TJPF_GRAY or TJPF_CMYK (written as YCCK) */
static inline struct encoded jpeg_make(const uint8_t *pixels, int32_t height, int32_t width, int pixel_format, int sampling, int flags) {
    struct encoded out = {0};
    unsigned char *jpeg = NULL;
    unsigned long size = 0;
    tjhandle handle = tjInitCompress();
    if (!tjCompress2(handle, pixels, width, 0, height, pixel_format, &jpeg, &size, sampling, 95, flags)) {
        out = (struct encoded){malloc(size), size};
        memcpy(out.bytes, jpeg, size);
    }
    tjFree(jpeg);
    tjDestroy(handle);
    return out;
}

static inline void png_collect(png_structp png, png_bytep data, size_t size) {
    struct encoded *out = png_get_io_ptr(png);
    out->bytes = realloc(out->bytes, out->size + size);
    memcpy(out->bytes + out->size, data, size);
    out->size += size;
}
static inline void png_flushed(png_structp png) {
}
/* rows are packed as the type says; palette (3 bytes each of ncolour, may be NULL) for PNG_COLOR_TYPE_PALETTE */
static inline struct encoded png_make(const uint8_t *rows, size_t row, uint32_t height, uint32_t width, int depth, int type, const uint8_t *palette,
                                      int ncolour, int interlace) {
    struct encoded out = {0};
    png_color colours[256];
    png_bytep pointers[256];
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    png_set_write_fn(png, &out, png_collect, png_flushed);
    png_set_IHDR(png, info, width, height, depth, type, interlace, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    for (int i = 0; i < ncolour; i++) colours[i] = (png_color){palette[3 * i], palette[3 * i + 1], palette[3 * i + 2]};
    if (palette) png_set_PLTE(png, info, colours, ncolour);
    for (uint32_t y = 0; y < height; y++) pointers[y] = (png_bytep)(rows + y * row);
    png_set_rows(png, info, pointers);
    png_write_png(png, info, PNG_TRANSFORM_IDENTITY, NULL);
    png_destroy_write_struct(&png, &info);
    return out;
}

/* A new folder; the name is kept until the next call. */
static inline const char *folder_make(void) {
    static char path[64];
    strcpy(path, "/tmp/ohm_images_XXXXXX");
    return mkdtemp(path);
}
static inline int remove_one(const char *path, const struct stat *info, int kind, struct FTW *place) {
    return remove(path);
}
static inline void folder_remove(const char *path) {
    nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}
/* Writes size bytes to folder/name, making a sub-folder in name when there is one. */
static inline void file_put(const char *folder, const char *name, const void *bytes, size_t size) {
    char path[512];
    const char *slash = strchr(name, '/');
    if (slash) {
        snprintf(path, sizeof path, "%s/%.*s", folder, (int)(slash - name), name);
        mkdir(path, 0700);
    }
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    if (!file) abort();
    fwrite(bytes, 1, size, file);
    fclose(file);
}
static inline void text_put(const char *folder, const char *name, const char *text) {
    file_put(folder, name, text, strlen(text));
}
/* A colour PNG of the pattern, so that what is read back is known exactly. */
static inline void pattern_put(const char *folder, const char *name, int32_t height, int32_t width, unsigned seed) {
    uint8_t *pixels = pattern_make(height, width, 3, seed);
    struct encoded png = png_make(pixels, (size_t)width * 3, (uint32_t)height, (uint32_t)width, 8, PNG_COLOR_TYPE_RGB, NULL, 0, PNG_INTERLACE_NONE);
    file_put(folder, name, png.bytes, png.size);
    free(png.bytes);
    free(pixels);
}
#endif
