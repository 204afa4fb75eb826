/* Resize and crop. The resize is a triangle filter widened by the reduction (so it averages, "antialiased"), done as two one-dimensional
 * passes, columns first, each with weights in 22-bit fixed point and a result rounded to a byte: the arithmetic of Pillow's BILINEAR. */
#include "image_internal.h"
#include "ohmtally/status.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    PRECISION = 32 - 8 - 2, /* a sum of 8-bit pixels times weights that add to 1 stays within int32 */
    SIDE_MAX = 65535
};

/* Output sample i is the sum of input samples first[i] .. first[i]+count[i]-1 times weights[i * stride ...]. */
struct taps {
    int32_t *first, *count, *weights;
    int32_t stride;
};

static int taps_make(int32_t in, int32_t out, struct ohm_arena *arena, struct taps *taps) {
    double scale = (double)in / out, widen = scale < 1 ? 1 : scale; /* half the triangle's base, in input samples */
    taps->stride = (int32_t)ceil(widen) * 2 + 1;
    taps->first = ohm_arena_array(arena, (size_t)out, sizeof(int32_t));
    taps->count = ohm_arena_array(arena, (size_t)out, sizeof(int32_t));
    taps->weights = ohm_arena_array(arena, (size_t)out * (size_t)taps->stride, sizeof(int32_t));
    double *exact = ohm_arena_array(arena, (size_t)taps->stride, sizeof(double));
    if (!taps->first || !taps->count || !taps->weights || !exact) return OHM_E_MEMORY;
    for (int32_t i = 0; i < out; i++) {
        double centre = (i + 0.5) * scale, inverse = 1 / widen, sum = 0;
        int32_t first = (int32_t)(centre - widen + 0.5), last = (int32_t)(centre + widen + 0.5); /* truncation, also of a negative start */
        if (first < 0) first = 0;
        if (last > in) last = in;
        for (int32_t k = 0; k < last - first; k++) {
            double distance = fabs((k + first - centre + 0.5) * inverse);
            exact[k] = distance < 1 ? 1 - distance : 0;
            sum += exact[k];
        }
        taps->first[i] = first;
        taps->count[i] = last - first;
        for (int32_t k = 0; k < last - first; k++) taps->weights[i * taps->stride + k] = (int32_t)(0.5 + exact[k] / sum * (1 << PRECISION));
    }
    return OHM_OK;
}

static uint8_t to_byte(int32_t sum) {
    int32_t value = sum >> PRECISION;
    return value < 0 ? 0 : value > 255 ? 255 : (uint8_t)value;
}

/* [height][width][channels] -> [height][new_width][channels] */
static void resize_rows(const uint8_t *in, int32_t height, int32_t width, int32_t channels, const struct taps *taps, int32_t new_width,
                        uint8_t *out) {
    for (int32_t y = 0; y < height; y++) {
        const uint8_t *row = in + (size_t)y * width * channels;
        for (int32_t x = 0; x < new_width; x++) {
            const int32_t *weights = taps->weights + (size_t)x * taps->stride;
            for (int32_t c = 0; c < channels; c++) {
                const uint8_t *sample = row + (size_t)taps->first[x] * channels + c;
                int32_t sum = 1 << (PRECISION - 1);
                for (int32_t k = 0; k < taps->count[x]; k++) sum += sample[(size_t)k * channels] * weights[k];
                *out++ = to_byte(sum);
            }
        }
    }
}

/* [height][row] -> [new_height][row], row = width * channels bytes; sums[row] is scratch */
static void resize_columns(const uint8_t *in, size_t row, const struct taps *taps, int32_t new_height, int32_t *sums, uint8_t *out) {
    for (int32_t y = 0; y < new_height; y++) {
        for (size_t x = 0; x < row; x++) sums[x] = 1 << (PRECISION - 1);
        for (int32_t k = 0; k < taps->count[y]; k++) {
            const uint8_t *line = in + (size_t)(taps->first[y] + k) * row;
            int32_t weight = taps->weights[(size_t)y * taps->stride + k];
            for (size_t x = 0; x < row; x++) sums[x] += line[x] * weight;
        }
        for (size_t x = 0; x < row; x++) out[(size_t)y * row + x] = to_byte(sums[x]);
    }
}

static int resize(struct ohm_arena *arena, const uint8_t *in, int32_t height, int32_t width, int32_t channels, int32_t new_height, int32_t new_width,
                  uint8_t *out) {
    struct taps taps;
    size_t row = (size_t)new_width * channels;
    if (new_width != width) {
        uint8_t *middle = new_height == height ? out : ohm_arena_array(arena, (size_t)height, row);
        if (!middle) return OHM_E_MEMORY;
        OHM_TRY(taps_make(width, new_width, arena, &taps));
        resize_rows(in, height, width, channels, &taps, new_width, middle);
        in = middle;
    }
    if (new_height != height) {
        int32_t *sums = ohm_arena_array(arena, row, sizeof *sums);
        if (!sums) return OHM_E_MEMORY;
        OHM_TRY(taps_make(height, new_height, arena, &taps));
        resize_columns(in, row, &taps, new_height, sums, out);
    } else if (in != out) {
        memcpy(out, in, (size_t)height * row);
    }
    return OHM_OK;
}

int ohm_image_resize(const uint8_t *in, int32_t height, int32_t width, int32_t channels, int32_t new_height, int32_t new_width, uint8_t *out) {
    struct ohm_arena *arena = ohm_arena_new();
    int status = arena ? resize(arena, in, height, width, channels, new_height, new_width, out) : OHM_E_MEMORY;
    ohm_arena_free(arena);
    return status;
}

/* The size after the shortest side has become `side`; the other side is cut to a whole number, as torchvision does. */
static int resized_size(int32_t side, const char *name, const struct ohm_picture *picture, int32_t *height, int32_t *width) {
    *height = picture->height;
    *width = picture->width;
    if (!side) return OHM_OK;
    bool tall = picture->height > picture->width;
    int64_t longer = tall ? picture->height : picture->width, shorter = tall ? picture->width : picture->height;
    double other = (double)(side * longer) / (double)shorter;
    if (other > SIDE_MAX)
        return ohm_fail(OHM_E_INPUT, "%s: %d x %d (height x width) is too narrow for resize %d", name, picture->height, picture->width, side);
    *height = tall ? (int32_t)other : side;
    *width = tall ? side : (int32_t)other;
    return OHM_OK;
}

int ohm_image_fit_size(const struct ohm_image_options *options, const char *name, const struct ohm_picture *picture, int32_t *height,
                       int32_t *width) {
    OHM_TRY(resized_size(options->resize, name, picture, height, width));
    if (!options->crop_height) return OHM_OK;
    if (*height < options->crop_height || *width < options->crop_width)
        return ohm_fail(OHM_E_INPUT, "%s: %d x %d (height x width, after resize) is smaller than the crop %d x %d; set resize, or a smaller crop",
                        name, *height, *width, options->crop_height, options->crop_width);
    *height = options->crop_height;
    *width = options->crop_width;
    return OHM_OK;
}

/* Where a centred crop starts: half the rest; of two equally near places the even one, unless floor is asked for. */
static int32_t crop_offset(int32_t rest, bool floor_down) {
    int32_t half = rest / 2;
    return !floor_down && rest % 2 ? half + half % 2 : half;
}

int ohm_image_fit(const struct ohm_image_options *options, const char *name, const struct ohm_picture *picture, int32_t height, int32_t width,
                  uint8_t *out) {
    int32_t channels = picture->channels, full_height, full_width;
    OHM_TRY(resized_size(options->resize, name, picture, &full_height, &full_width));
    const uint8_t *full = picture->pixels;
    uint8_t *resized = NULL;
    if (full_height != picture->height || full_width != picture->width) {
        resized = ohm_alloc_array((size_t)full_height * full_width, (size_t)channels);
        int status = resized ? ohm_image_resize(full, picture->height, picture->width, channels, full_height, full_width, resized) : OHM_E_MEMORY;
        if (status) {
            free(resized);
            return status;
        }
        full = resized;
    }
    size_t top = (size_t)crop_offset(full_height - height, options->crop_floor), left = (size_t)crop_offset(full_width - width, options->crop_floor);
    for (int32_t y = 0; y < height; y++)
        memcpy(out + (size_t)y * width * channels, full + ((top + y) * full_width + left) * channels, (size_t)width * channels);
    free(resized);
    return OHM_OK;
}
