/* The pieces of image reading: resize, JPEG and PNG decoding, and the decoders on damaged bytes. Expected values are Pillow's. */
#include "ohmtally/images.h"
#include "ohmtally/status.h"
#include "pictures.h"
#include "suite.h"

struct decoded {
    uint8_t *pixels;
    int32_t height, width;
};

static int decode(const struct encoded *file, int32_t channels, struct decoded *out) {
    ohm_fail_clear();
    return ohm_image_decode("test-picture", file->bytes, file->size, channels, &out->pixels, &out->height, &out->width);
}

static int32_t largest_difference(const uint8_t *a, const uint8_t *b, size_t count) {
    int32_t largest = 0;
    for (size_t i = 0; i < count; i++)
        if (abs(a[i] - b[i]) > largest) largest = abs(a[i] - b[i]);
    return largest;
}

static void resize_as_pillow(void) {
    static const uint8_t grey[15] = {0, 37, 74, 111, 148, 185, 222, 3, 40, 77, 114, 151, 188, 225, 6}; /* 3 x 5 */
    static const struct {
        int32_t height, width;
        uint8_t pixels[28];
    } cases[] = {
        {2, 3, {85, 69, 105, 157, 140, 85}},
        {4, 7, {0, 21, 48, 74, 100, 127, 148, 116, 137, 117, 30, 56, 83, 104, 158, 179, 160, 72, 98, 84, 50, 114, 135, 162, 188, 214, 131, 6}},
        {2, 5, {69, 106, 47, 84, 121, 141, 178, 119, 156, 33}},
        {3, 2, {37, 111, 152, 52, 151, 144}},
        {1, 1, {105}},
    };
    uint8_t out[28];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CU_ASSERT_EQUAL(ohm_image_resize(grey, 3, 5, 1, cases[i].height, cases[i].width, out), OHM_OK);
        CU_ASSERT_EQUAL(memcmp(out, cases[i].pixels, (size_t)(cases[i].height * cases[i].width)), 0);
    }
    static const uint8_t rgb[24] = {0,   53,  106, 159, 212, 9,   62,  115, 168, 221, 18,  71,
                                    124, 177, 230, 27,  80,  133, 186, 239, 36,  89,  142, 195}; /* 2 x 4 x 3 */
    static const uint8_t small[9] = {72, 125, 139, 109, 162, 87, 146, 109, 124};
    CU_ASSERT_EQUAL(ohm_image_resize(rgb, 2, 4, 3, 1, 3, out), OHM_OK);
    CU_ASSERT_EQUAL(memcmp(out, small, sizeof small), 0);
}

static void resize_constant_and_identity(void) {
    uint8_t flat[40 * 31 * 3], out[90 * 90 * 3];
    const uint8_t values[] = {0, 1, 127, 254, 255};
    const int32_t sizes[][2] = {{40, 31}, {1, 1}, {7, 90}, {90, 7}, {39, 32}, {90, 90}};
    for (size_t v = 0; v < sizeof values; v++) {
        memset(flat, values[v], sizeof flat);
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
            size_t count = (size_t)(sizes[s][0] * sizes[s][1] * 3), same = 0;
            CU_ASSERT_EQUAL(ohm_image_resize(flat, 40, 31, 3, sizes[s][0], sizes[s][1], out), OHM_OK);
            for (size_t i = 0; i < count; i++) same += out[i] == values[v];
            CU_ASSERT_EQUAL(same, count);
        }
    }
    uint8_t *picture = pattern_make(40, 31, 3, 5);
    CU_ASSERT_EQUAL(ohm_image_resize(picture, 40, 31, 3, 40, 31, out), OHM_OK);
    CU_ASSERT_EQUAL(memcmp(out, picture, sizeof flat), 0);
    free(picture);
}

static void jpeg_kinds(void) {
    uint8_t *colour = pattern_make(33, 47, 3, 1), *plain = pattern_make(33, 47, 1, 1);
    size_t points = 33 * 47;
    struct decoded out;
    const int flags[] = {0, TJFLAG_PROGRESSIVE};
    for (int i = 0; i < 2; i++) {
        struct encoded jpeg = jpeg_make(colour, 33, 47, TJPF_RGB, TJSAMP_444, flags[i]);
        CU_ASSERT_EQUAL_FATAL(decode(&jpeg, 3, &out), OHM_OK);
        CU_ASSERT(out.height == 33 && out.width == 47);
        CU_ASSERT(largest_difference(out.pixels, colour, 3 * points) <= 8);
        free(out.pixels);
        CU_ASSERT_EQUAL(decode(&jpeg, 1, &out), OHM_E_INPUT);
        CU_ASSERT_PTR_NOT_NULL(strstr(ohm_fail_text(), "colour"));
        CU_ASSERT_PTR_NULL(out.pixels);
        free(jpeg.bytes);
    }
    struct encoded grey = jpeg_make(plain, 33, 47, TJPF_GRAY, TJSAMP_GRAY, 0);
    struct decoded three;
    CU_ASSERT_EQUAL_FATAL(decode(&grey, 1, &out), OHM_OK);
    CU_ASSERT_EQUAL_FATAL(decode(&grey, 3, &three), OHM_OK);
    CU_ASSERT(largest_difference(out.pixels, plain, points) <= 4);
    size_t replicated = 0;
    for (size_t i = 0; i < 3 * points; i++) replicated += three.pixels[i] == out.pixels[i / 3];
    CU_ASSERT_EQUAL(replicated, 3 * points);
    free(three.pixels);
    free(out.pixels);
    free(grey.bytes);
    free(colour);
    free(plain);
}

/* Ink 200 30 120 180 as stored (inverted) is RGB (141, 21, 85) in Pillow. */
static void jpeg_cmyk(void) {
    uint8_t ink[16 * 16 * 4];
    for (size_t i = 0; i < sizeof ink; i++) ink[i] = (const uint8_t[]){200, 30, 120, 180}[i % 4];
    struct encoded jpeg = jpeg_make(ink, 16, 16, TJPF_CMYK, TJSAMP_444, 0);
    struct decoded out;
    CU_ASSERT_EQUAL_FATAL(decode(&jpeg, 3, &out), OHM_OK);
    for (int i = 0; i < 256; i++) {
        CU_ASSERT(abs(out.pixels[3 * i] - 141) <= 2);
        CU_ASSERT(abs(out.pixels[3 * i + 1] - 21) <= 2);
        CU_ASSERT(abs(out.pixels[3 * i + 2] - 85) <= 2);
    }
    free(out.pixels);
    CU_ASSERT_EQUAL(decode(&jpeg, 1, &out), OHM_E_INPUT);
    free(jpeg.bytes);
}

static void png_kinds(void) {
    static const uint8_t palette[12] = {10, 20, 30, 200, 100, 50, 0, 0, 0, 255, 255, 255};
    /* each is one row of 4 points, written in both interlace modes; rgb: what comes out with 3 channels */
    static const struct {
        uint8_t row[32];
        size_t bytes;
        int depth, type;
        uint8_t rgb[12];
        bool grey;
    } kinds[] = {
        {{1, 2, 3, 4, 5, 6, 7, 8, 9, 250, 251, 252}, 12, 8, PNG_COLOR_TYPE_RGB, {1, 2, 3, 4, 5, 6, 7, 8, 9, 250, 251, 252}, false},
        {{1, 255, 0, 0, 2, 9, 3, 9, 4, 9, 5, 9, 6, 9, 7, 9, 8, 9, 9, 9, 10, 9, 11, 9},
         24,
         16,
         PNG_COLOR_TYPE_RGB,
         {1, 0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11},
         false},
        {{1, 2, 3, 0, 4, 5, 6, 255, 7, 8, 9, 99, 1, 1, 1, 1}, 16, 8, PNG_COLOR_TYPE_RGB_ALPHA, {1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 1, 1}, false},
        {{0, 1, 2, 3}, 4, 8, PNG_COLOR_TYPE_PALETTE, {10, 20, 30, 200, 100, 50, 0, 0, 0, 255, 255, 255}, false},
        {{0x1b}, 1, 2, PNG_COLOR_TYPE_PALETTE, {10, 20, 30, 200, 100, 50, 0, 0, 0, 255, 255, 255}, false},
        {{9, 8, 7, 255}, 4, 8, PNG_COLOR_TYPE_GRAY, {9, 9, 9, 8, 8, 8, 7, 7, 7, 255, 255, 255}, true},
        {{9, 200, 8, 0, 7, 0, 255, 255}, 8, 16, PNG_COLOR_TYPE_GRAY, {9, 9, 9, 8, 8, 8, 7, 7, 7, 255, 255, 255}, true},
        {{0x50}, 1, 1, PNG_COLOR_TYPE_GRAY, {0, 0, 0, 255, 255, 255, 0, 0, 0, 255, 255, 255}, true},
        {{0x1b}, 1, 2, PNG_COLOR_TYPE_GRAY, {0, 0, 0, 85, 85, 85, 170, 170, 170, 255, 255, 255}, true},
        {{9, 0, 8, 1, 7, 128, 255, 255}, 8, 8, PNG_COLOR_TYPE_GRAY_ALPHA, {9, 9, 9, 8, 8, 8, 7, 7, 7, 255, 255, 255}, true},
    };
    for (size_t i = 0; i < 2 * sizeof kinds / sizeof *kinds; i++) {
        size_t k = i / 2;
        bool indexed = kinds[k].type == PNG_COLOR_TYPE_PALETTE;
        struct decoded out;
        struct encoded png = png_make(kinds[k].row, kinds[k].bytes, 1, 4, kinds[k].depth, kinds[k].type, indexed ? palette : NULL, indexed ? 4 : 0,
                                      i % 2 ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE);
        CU_ASSERT_EQUAL_FATAL(decode(&png, 3, &out), OHM_OK);
        CU_ASSERT(out.height == 1 && out.width == 4 && !memcmp(out.pixels, kinds[k].rgb, 12));
        free(out.pixels);
        CU_ASSERT_EQUAL(decode(&png, 1, &out), kinds[k].grey ? OHM_OK : OHM_E_INPUT);
        for (int x = 0; kinds[k].grey && x < 4; x++) CU_ASSERT_EQUAL(out.pixels[x], kinds[k].rgb[3 * x]);
        free(out.pixels);
        free(png.bytes);
    }
}

/* Every proper beginning of a file must be refused, by name. */
static void truncated(void) {
    uint8_t *pixels = pattern_make(24, 24, 3, 2);
    struct encoded files[] = {jpeg_make(pixels, 24, 24, TJPF_RGB, TJSAMP_420, 0), jpeg_make(pixels, 24, 24, TJPF_RGB, TJSAMP_444, TJFLAG_PROGRESSIVE),
                              png_make(pixels, 72, 24, 24, 8, PNG_COLOR_TYPE_RGB, NULL, 0, PNG_INTERLACE_NONE)};
    for (size_t f = 0; f < 3; f++) {
        size_t accepted = 0, named = 0;
        for (size_t size = 0; size < files[f].size; size++) {
            struct encoded part = {malloc(size ? size : 1), size}; /* its own block, so that reading beyond it shows */
            struct decoded out;
            memcpy(part.bytes, files[f].bytes, size);
            accepted += !decode(&part, 3, &out);
            named += strstr(ohm_fail_text(), "test-picture") != NULL;
            free(out.pixels);
            free(part.bytes);
        }
        CU_ASSERT_EQUAL(accepted, 0);
        CU_ASSERT_EQUAL(named, files[f].size);
        free(files[f].bytes);
    }
    free(pixels);
}

static void other_bytes(void) {
    struct encoded files[] = {{(unsigned char *)"", 0}, {(unsigned char *)"GIF89a......", 12}, {(unsigned char *)"\xff", 1}};
    struct decoded out;
    for (size_t i = 0; i < 3; i++) {
        CU_ASSERT_EQUAL(decode(&files[i], 3, &out), OHM_E_INPUT);
        CU_ASSERT_PTR_NOT_NULL(strstr(ohm_fail_text(), "neither JPEG nor PNG"));
    }
}

/* Flipped, overwritten and cut bytes must end in a picture or a failure, never in a crash (run it with the sanitizers). */
static void damaged(void) {
    uint8_t *pixels = pattern_make(40, 40, 4, 3);
    struct encoded files[] = {jpeg_make(pixels, 40, 40, TJPF_RGB, TJSAMP_420, 0),
                              jpeg_make(pixels, 40, 40, TJPF_RGB, TJSAMP_422, TJFLAG_PROGRESSIVE),
                              jpeg_make(pixels, 40, 40, TJPF_CMYK, TJSAMP_444, 0),
                              jpeg_make(pixels, 40, 40, TJPF_GRAY, TJSAMP_GRAY, 0),
                              png_make(pixels, 120, 40, 40, 8, PNG_COLOR_TYPE_RGB, NULL, 0, PNG_INTERLACE_NONE),
                              png_make(pixels, 80, 40, 40, 16, PNG_COLOR_TYPE_GRAY, NULL, 0, PNG_INTERLACE_ADAM7)};
    int wrong = 0;
    srand(20);
    for (int round = 0; round < 60000; round++) {
        const struct encoded *file = &files[round % 6];
        struct encoded copy = {malloc(file->size), file->size};
        struct decoded out;
        memcpy(copy.bytes, file->bytes, file->size);
        for (int hits = 1 + rand() % 4; hits > 0; hits--) {
            size_t reach = rand() % 2 ? 64 : file->size; /* half of the hits fall on the headers */
            copy.bytes[2 + (size_t)rand() % (reach - 2)] = rand() % 2 ? (uint8_t)rand() : (uint8_t)(255 * (rand() % 2));
        }
        if (rand() % 4 == 0) copy.size = 1 + (size_t)rand() % copy.size;
        int status = decode(&copy, rand() % 2 ? 3 : 1, &out);
        wrong += status ? out.pixels != NULL || !*ohm_fail_text() : !out.pixels;
        free(out.pixels);
        free(copy.bytes);
    }
    CU_ASSERT_EQUAL(wrong, 0);
    for (int i = 0; i < 6; i++) free(files[i].bytes);
    free(pixels);
}

int main(void) {
    static const struct suite_test tests[] = {
        {"resize equals Pillow's", resize_as_pillow},
        {"resize: constant, identity", resize_constant_and_identity},
        {"JPEG: colour, grey", jpeg_kinds},
        {"JPEG: CMYK", jpeg_cmyk},
        {"PNG: all kinds", png_kinds},
        {"truncated files are refused", truncated},
        {"other files are refused", other_bytes},
        {"damaged files do no harm", damaged},
    };
    return SUITE_RUN("io images", tests);
}
