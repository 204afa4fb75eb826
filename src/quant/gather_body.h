/* Included once per element size, with ELEMENT and NAME. */

/* Where channel c of kernel positions from .. from + count - 1 lies for output position p: inside the input, or the padding. */
static void NAME(find_taps)(const struct ohm_layer *layer, const ELEMENT *stored, const ELEMENT *padding, int64_t p, int64_t c, int32_t from,
                            int32_t count, const ELEMENT *tap[TAPS]) {
    const struct ohm_window *window = &layer->window;
    const int64_t top = p / layer->out_w * window->stride[0] - window->pad_before[0];
    const int64_t left = p % layer->out_w * window->stride[1] - window->pad_before[1];
    int32_t i = from / window->kernel[1], j = from % window->kernel[1];
    for (int32_t t = 0; t < count; t++) {
        const int64_t row = top + i * window->dilation[0], column = left + j * window->dilation[1];
        const bool inside = row >= 0 && row < layer->in_h && column >= 0 && column < layer->in_w;
        tap[t] = inside ? stored + (row * layer->in_w + column) * layer->in_c + c : padding;
        if (++j == window->kernel[1]) {
            j = 0;
            i++;
        }
    }
}

/* x[c * step + t] = tap[t][c], taps <= TAPS; inlined with constants where the kernel is a common one. */
static inline __attribute__((always_inline)) void NAME(interleave)(const ELEMENT *const *tap, int32_t taps, int64_t channels, int64_t step,
                                                                   ELEMENT *restrict x) {
    for (int64_t c = 0; c < channels; c++, x += step)
        for (int32_t t = 0; t < taps; t++) x[t] = tap[t][c];
}

/* One output position. */
static void NAME(gather_at)(const struct ohm_layer *layer, const ELEMENT *stored, const ELEMENT *padding, int64_t p, ELEMENT *x) {
    const int32_t taps = layer->window.kernel[0] * layer->window.kernel[1];
    const ELEMENT *tap[TAPS];
    for (int64_t c = 0; c < layer->in_c; c += CHANNELS)
        for (int32_t from = 0; from < taps; from += TAPS) {
            const int64_t channels = layer->in_c - c < CHANNELS ? layer->in_c - c : CHANNELS;
            const int32_t count = taps - from < TAPS ? taps - from : TAPS;
            ELEMENT *to = x + c * taps + from;
            NAME(find_taps)(layer, stored, padding, p, c, from, count, tap);
            if (taps == 1)
                memcpy(to, tap[0], (size_t)channels * sizeof *to);
            else if (taps == 9)
                NAME(interleave)(tap, 9, channels, 9, to);
            else if (taps == 25)
                NAME(interleave)(tap, 25, channels, 25, to);
            else
                NAME(interleave)(tap, count, channels, taps, to);
        }
}

static void NAME(gather)(const struct ohm_layer *layer, int32_t zero, const ELEMENT *stored, int64_t first, int64_t count, ELEMENT *x) {
    const int64_t inputs = (int64_t)layer->in_c * layer->window.kernel[0] * layer->window.kernel[1];
    ELEMENT padding[CHANNELS];
    for (int32_t c = 0; c < CHANNELS; c++) padding[c] = (ELEMENT)zero;
    for (int64_t p = first; p < first + count; p++, x += inputs) NAME(gather_at)(layer, stored, padding, p, x);
}
