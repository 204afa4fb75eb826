/* Included once per element size, with ELEMENT and NAME. */

struct NAME(corner) { /* where an output position's window begins, before padding is taken off */
    int64_t top, left;
};
static struct NAME(corner) NAME(corner_of)(const struct ohm_layer *layer, int64_t p) {
    const struct ohm_window *window = &layer->window;
    return (struct NAME(corner)){p / layer->out_w * window->stride[0] - window->pad_before[0],
                                 p % layer->out_w * window->stride[1] - window->pad_before[1]};
}

/* Rows in the order of the weights: channels slowest, kernel positions fastest. */
static void NAME(gather)(const struct ohm_layer *layer, int32_t zero, const ELEMENT *stored, int64_t first, int64_t count, ELEMENT *x) {
    const struct ohm_window *window = &layer->window;
    for (int64_t p = first; p < first + count; p++) {
        const struct NAME(corner) corner = NAME(corner_of)(layer, p);
        for (int64_t c = 0; c < layer->in_c; c++)
            for (int32_t i = 0; i < window->kernel[0]; i++)
                for (int32_t j = 0; j < window->kernel[1]; j++) {
                    const int64_t row = corner.top + i * window->dilation[0], column = corner.left + j * window->dilation[1];
                    const bool inside = row >= 0 && row < layer->in_h && column >= 0 && column < layer->in_w;
                    *x++ = inside ? stored[(row * layer->in_w + column) * layer->in_c + c] : (ELEMENT)zero;
                }
    }
}

static inline void NAME(fill)(ELEMENT *x, int64_t count, int32_t zero) {
    for (int64_t i = 0; i < count; i++) x[i] = (ELEMENT)zero;
}

/* One kernel row of undilated taps is one stretch of memory, cut off where it leaves the input. */
static void NAME(copy_row)(const struct ohm_layer *layer, int32_t zero, const ELEMENT *line, int64_t left, ELEMENT *x) {
    const int64_t channels = layer->in_c, taps = layer->window.kernel[1];
    int64_t from = left < 0 ? -left : 0, end = layer->in_w - left < taps ? layer->in_w - left : taps;
    if (from > taps) from = taps;
    if (end < from) end = from;
    NAME(fill)(x, from * channels, zero);
    memcpy(x + from * channels, line + (left + from) * channels, (size_t)((end - from) * channels) * sizeof *x);
    NAME(fill)(x + end * channels, (taps - end) * channels, zero);
}

/* One kernel position of all channels: the group's channels lie together, `step` elements from group to group. */
static void NAME(copy_tap)(const struct ohm_layer *layer, int32_t zero, const ELEMENT *pixel, int64_t channels, int64_t step, ELEMENT *x) {
    for (int64_t c = 0; c < layer->in_c; c += channels, x += step)
        if (pixel)
            memcpy(x, pixel + c, (size_t)channels * sizeof *x);
        else
            NAME(fill)(x, channels, zero);
}

/* One output position; taps are `channels` elements apart, groups `step`. */
static void NAME(gather_position)(const struct ohm_layer *layer, int32_t zero, const ELEMENT *stored, struct NAME(corner) corner, int64_t channels,
                                  int64_t step, ELEMENT *x) {
    const struct ohm_window *window = &layer->window;
    for (int32_t i = 0; i < window->kernel[0]; i++) {
        const int64_t row = corner.top + i * window->dilation[0];
        const bool inside = row >= 0 && row < layer->in_h;
        const ELEMENT *line = inside ? stored + row * layer->in_w * layer->in_c : NULL;
        if (channels == layer->in_c && window->dilation[1] == 1) {
            if (inside)
                NAME(copy_row)(layer, zero, line, corner.left, x);
            else
                NAME(fill)(x, window->kernel[1] * channels, zero);
            x += window->kernel[1] * channels;
            continue;
        }
        for (int32_t j = 0; j < window->kernel[1]; j++, x += channels) {
            const int64_t column = corner.left + j * window->dilation[1];
            NAME(copy_tap)(layer, zero, inside && column >= 0 && column < layer->in_w ? line + column * layer->in_c : NULL, channels, step, x);
        }
    }
}

/* Kernel positions slowest, channels fastest: memory is copied in long stretches. */
static void NAME(gather_taps)(const struct ohm_layer *layer, int32_t zero, const ELEMENT *stored, int64_t first, int64_t count, ELEMENT *x) {
    const int64_t channels = ohm_layer_interleaved(layer) ? layer->in_c : layer->krows / taps_of(layer), inputs = layer->in_c * taps_of(layer);
    for (int64_t p = first; p < first + count; p++, x += inputs)
        NAME(gather_position)(layer, zero, stored, NAME(corner_of)(layer, p), channels, layer->krows, x);
}
