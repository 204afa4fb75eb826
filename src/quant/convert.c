/* Between real values in row-major order and stored codes. */
#include "plan.h"

#define BLOCK 256 /* elements of one channel converted together */

#define BODY "convert_body.h"
#include "each_element.h"

/* A value as channels x plane: one channel where the storage is row-major anyway. */
static void planes_of(const struct ohm_shape *shape, int64_t *channels, int64_t *plane) {
    *channels = is_spatial(shape) ? shape->dim[1] : 1;
    *plane = ohm_shape_count(shape) / *channels;
}

void convert_quantize(const struct ohm_intnet *intnet, int32_t value, const float *real, float lo, float hi, void *stored) {
    const struct coder coder = coder_of(&intnet->quant[value]);
    int64_t channels, plane;
    planes_of(&intnet->network->values[value].shape, &channels, &plane);
    if (intnet->element == 1)
        quantize_u8(real, channels, plane, coder, lo, hi, stored);
    else
        quantize_u16(real, channels, plane, coder, lo, hi, stored);
}

void convert_dequantize(const struct ohm_intnet *intnet, int32_t value, const void *stored, float *real) {
    const struct coder coder = coder_of(&intnet->quant[value]);
    int64_t channels, plane;
    planes_of(&intnet->network->values[value].shape, &channels, &plane);
    if (intnet->element == 1)
        dequantize_u8(stored, channels, plane, coder, real);
    else
        dequantize_u16(stored, channels, plane, coder, real);
}

void convert_transpose(const void *from, int64_t rows, int64_t columns, int32_t size, void *to) {
    if (size == 1)
        transpose_u8(from, rows, columns, to);
    else
        transpose_u16(from, rows, columns, to);
}
