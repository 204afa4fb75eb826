/* PNG through libpng, from memory: any bit depth and colour type; 16 bits keep their high byte, alpha is dropped. */
#include "image_internal.h"
#include "ohmtally/status.h"
#include <png.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

struct source {
    const uint8_t *bytes;
    size_t left;
    char error[128];
};

static void on_error(png_structp png, png_const_charp text) {
    struct source *source = png_get_error_ptr(png);
    strncpy(source->error, text, sizeof source->error - 1);
    longjmp(png_jmpbuf(png), 1);
}

static void on_warning(png_structp png, png_const_charp text) {
}

static void on_read(png_structp png, png_bytep out, size_t count) {
    struct source *source = png_get_io_ptr(png);
    if (count > source->left) png_error(png, "the file ends too early");
    memcpy(out, source->bytes, count);
    source->bytes += count;
    source->left -= count;
}

/* Asks libpng for 8-bit grey (channels 1) or RGB (3) without alpha. */
static void plain_bytes(png_structp png, png_infop info, int32_t channels) {
    png_byte type = png_get_color_type(png, info);
    png_set_strip_16(png);
    png_set_packing(png);
    if (type == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(png);
    if (type == PNG_COLOR_TYPE_GRAY) png_set_expand_gray_1_2_4_to_8(png);
    png_set_strip_alpha(png);
    if (channels == 3 && !(type & PNG_COLOR_MASK_COLOR)) png_set_gray_to_rgb(png);
    png_set_interlace_handling(png);
    png_read_update_info(png, info);
}

/* Everything below is reached again by longjmp on an error; what must be freed hangs on picture and rows, owned by the caller. */
static int decode(png_structp png, png_infop info, const char *name, struct ohm_picture *picture, png_bytep **rows) {
    struct source *source = png_get_error_ptr(png);
    if (setjmp(png_jmpbuf(png))) return ohm_fail(OHM_E_INPUT, "%s: damaged PNG: %s", name, source->error);
    png_read_info(png, info);
    if (picture->channels == 1 && png_get_color_type(png, info) & PNG_COLOR_MASK_COLOR) return ohm_picture_grey_only(name);
    OHM_TRY(ohm_picture_alloc(name, png_get_image_height(png, info), png_get_image_width(png, info), picture));
    plain_bytes(png, info, picture->channels);
    size_t row = (size_t)picture->width * (size_t)picture->channels;
    if (png_get_rowbytes(png, info) != row) return ohm_fail(OHM_E_UNSUPPORTED, "%s: a kind of PNG that is not covered; convert it to RGB", name);
    *rows = malloc((size_t)picture->height * sizeof **rows);
    if (!*rows) return ohm_fail(OHM_E_MEMORY, "%s: no memory to decode it", name);
    for (int32_t y = 0; y < picture->height; y++) (*rows)[y] = picture->pixels + (size_t)y * row;
    png_read_image(png, *rows);
    png_read_end(png, NULL); /* the checksums behind the pixels */
    return OHM_OK;
}

int ohm_image_decode_png(const char *name, const uint8_t *bytes, size_t size, struct ohm_picture *picture) {
    struct source source = {.bytes = bytes, .left = size};
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &source, on_error, on_warning);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    png_bytep *rows = NULL;
    int status = OHM_OK;
    if (info) {
        png_set_read_fn(png, &source, on_read);
        status = decode(png, info, name, picture, &rows);
    } else {
        status = ohm_fail(OHM_E_MEMORY, "%s: no memory for the PNG decoder", name);
    }
    png_destroy_read_struct(&png, &info, NULL);
    free(rows);
    return status;
}
