#include "ohmtally/engine.h"
#include "ohmtally/status.h"

int ohm_preprocess_check(const struct ohm_preprocess *preprocess, const struct ohm_network *network) {
    const struct ohm_value *input = &network->values[network->input];
    char text[96];
    const int32_t *dim = input->shape.dim;
    bool image = input->shape.rank == 4 && dim[0] == 1;
    int32_t c = preprocess->nhwc ? dim[3] : dim[1], h = preprocess->nhwc ? dim[1] : dim[2], w = preprocess->nhwc ? dim[2] : dim[3];
    if (!image || c != preprocess->channels || h != preprocess->height || w != preprocess->width)
        return ohm_fail(
            OHM_E_INPUT,
            "the network's input '%s' is %s, but images come as %dx%dx%d (%s); set images.resize, images.crop and network.channels to match",
            input->name, ohm_shape_text(&input->shape, text), preprocess->channels, preprocess->height, preprocess->width,
            preprocess->nhwc ? "height, width, channels last: layout nhwc" : "channels, height, width");
    return OHM_OK;
}

void ohm_preprocess_image(const struct ohm_preprocess *preprocess, const uint8_t *pixels, float *input) {
    size_t area = (size_t)preprocess->height * (size_t)preprocess->width, channels = (size_t)preprocess->channels;
    for (size_t c = 0; c < channels; c++) {
        size_t from = preprocess->bgr ? channels - 1 - c : c;
        for (size_t i = 0; i < area; i++) {
            float value = ((float)pixels[i * channels + from] * preprocess->scale - preprocess->mean[c]) / preprocess->std[c];
            input[preprocess->nhwc ? i * channels + c : c * area + i] = value;
        }
    }
}
