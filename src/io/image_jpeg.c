/* JPEG through TurboJPEG, with the slow accurate inverse DCT and smooth chroma upsampling. A warning is a failure: the library warns
 * where data is missing or damaged and fills the rest with grey. */
#include "image_internal.h"
#include "ohmtally/status.h"
#include <stdlib.h>
#include <turbojpeg.h>

enum { FLAGS = TJFLAG_ACCURATEDCT | TJFLAG_STOPONWARNING | TJFLAG_LIMITSCANS };

/* Photoshop and those after it store CMYK inverted: 255 is no ink, so a channel is its ink byte times the black byte. */
static uint8_t ink(unsigned colour, unsigned black) {
    unsigned dark = (255 - colour) * black + 128; /* rounded division by 255 */
    return (uint8_t)(black - ((dark + (dark >> 8)) >> 8));
}

/* CMYK and YCCK files decode to CMYK, 4 bytes per pixel, and become RGB here. */
static int decode_cmyk(tjhandle handle, const char *name, const uint8_t *bytes, size_t size, struct ohm_picture *picture, bool *bad) {
    size_t pixels = (size_t)picture->height * (size_t)picture->width;
    uint8_t *cmyk = malloc(pixels * 4);
    if (!cmyk) return ohm_fail(OHM_E_MEMORY, "%s: no memory to decode it", name);
    *bad = tjDecompress2(handle, bytes, size, cmyk, picture->width, 0, picture->height, TJPF_CMYK, FLAGS) != 0;
    for (size_t i = 0; !*bad && i < pixels; i++)
        for (size_t c = 0; c < 3; c++) picture->pixels[3 * i + c] = ink(cmyk[4 * i + c], cmyk[4 * i + 3]);
    free(cmyk);
    return OHM_OK;
}

static int decode(tjhandle handle, const char *name, const uint8_t *bytes, size_t size, struct ohm_picture *picture) {
    int width = 0, height = 0, sampling, space = TJCS_GRAY, status = OHM_OK; /* a file without an image leaves them as they are */
    bool bad = tjDecompressHeader3(handle, bytes, size, &width, &height, &sampling, &space) != 0;
    if (!bad) {
        bool grey = space == TJCS_GRAY;
        if (picture->channels == 1 && !grey) return ohm_picture_grey_only(name);
        OHM_TRY(ohm_picture_alloc(name, height, width, picture));
        if (space == TJCS_CMYK || space == TJCS_YCCK)
            status = decode_cmyk(handle, name, bytes, size, picture, &bad);
        else
            bad = tjDecompress2(handle, bytes, size, picture->pixels, width, 0, height, picture->channels == 1 ? TJPF_GRAY : TJPF_RGB, FLAGS) != 0;
    }
    return bad ? ohm_fail(OHM_E_INPUT, "%s: damaged JPEG: %s", name, tjGetErrorStr2(handle)) : status;
}

int ohm_image_decode_jpeg(const char *name, const uint8_t *bytes, size_t size, struct ohm_picture *picture) {
    tjhandle handle = tjInitDecompress();
    if (!handle) return ohm_fail(OHM_E_MEMORY, "%s: no memory for the JPEG decoder", name);
    int status = decode(handle, name, bytes, size, picture);
    tjDestroy(handle);
    return status;
}
