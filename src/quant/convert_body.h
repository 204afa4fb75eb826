/* Included once per element size, with ELEMENT and NAME. */

/* real [channels][plane] -> stored [plane][channels] */
OHM_CLONES
static void NAME(quantize)(const float *restrict real, int64_t channels, int64_t plane, struct coder coder, float lo, float hi,
                           ELEMENT *restrict stored) {
    ELEMENT codes[BLOCK];
    for (int64_t first = 0; first < plane; first += BLOCK) {
        const int64_t count = plane - first < BLOCK ? plane - first : BLOCK;
        for (int64_t c = 0; c < channels; c++) {
            const float *x = real + c * plane + first;
            for (int64_t i = 0; i < count; i++) codes[i] = (ELEMENT)coder_code(coder, clamp_real(x[i], lo, hi));
            for (int64_t i = 0; i < count; i++) stored[(first + i) * channels + c] = codes[i];
        }
    }
}

OHM_CLONES
static void NAME(dequantize)(const ELEMENT *restrict stored, int64_t channels, int64_t plane, struct coder coder, float *restrict real) {
    ELEMENT codes[BLOCK];
    for (int64_t first = 0; first < plane; first += BLOCK) {
        const int64_t count = plane - first < BLOCK ? plane - first : BLOCK;
        for (int64_t c = 0; c < channels; c++) {
            float *x = real + c * plane + first;
            for (int64_t i = 0; i < count; i++) codes[i] = stored[(first + i) * channels + c];
            for (int64_t i = 0; i < count; i++) x[i] = coder_real(coder, codes[i]);
        }
    }
}

static void NAME(transpose)(const ELEMENT *restrict from, int64_t rows, int64_t columns, ELEMENT *restrict to) {
    for (int64_t c = 0; c < columns; c++)
        for (int64_t r = 0; r < rows; r++) to[c * rows + r] = from[r * columns + c];
}
