/* The file's first bytes say JPEG or PNG; its name does not matter. */
#include "image_internal.h"
#include "ohmtally/status.h"
#include <stdlib.h>
#include <string.h>

enum { PIXELS_MAX = 100000000 }; /* a damaged header must not ask for all memory */

int ohm_picture_alloc(const char *name, int64_t height, int64_t width, struct ohm_picture *picture) {
    if (height < 1 || width < 1 || height > PIXELS_MAX / width)
        return ohm_fail(OHM_E_INPUT, "%s: %lld x %lld pixels: damaged, or over the limit of %d pixels", name, (long long)height, (long long)width,
                        PIXELS_MAX);
    picture->height = (int32_t)height;
    picture->width = (int32_t)width;
    picture->pixels = malloc((size_t)height * (size_t)width * (size_t)picture->channels);
    return picture->pixels ? OHM_OK : ohm_fail(OHM_E_MEMORY, "%s: no memory for %lld x %lld pixels", name, (long long)height, (long long)width);
}

int ohm_picture_grey_only(const char *name) {
    return ohm_fail(OHM_E_INPUT, "%s: a colour image, but the network takes one channel; convert the images to grey", name);
}

int ohm_image_decode(const char *name, const uint8_t *bytes, size_t size, int32_t channels, uint8_t **pixels, int32_t *height, int32_t *width) {
    static const uint8_t jpeg[] = {0xff, 0xd8}, png[] = {0x89, 'P', 'N', 'G'};
    struct ohm_picture picture = {.channels = channels};
    int status;
    if (size >= sizeof jpeg && !memcmp(bytes, jpeg, sizeof jpeg))
        status = ohm_image_decode_jpeg(name, bytes, size, &picture);
    else if (size >= sizeof png && !memcmp(bytes, png, sizeof png))
        status = ohm_image_decode_png(name, bytes, size, &picture);
    else
        status = ohm_fail(OHM_E_INPUT, "%s: neither JPEG nor PNG (%zu bytes)", name, size);
    if (status) {
        free(picture.pixels);
        picture = (struct ohm_picture){0};
    }
    *pixels = picture.pixels;
    *height = picture.height;
    *width = picture.width;
    return status;
}
