/* The arithmetic of quantize.h, checked against figures worked out by hand and against its definition in plain loops. */
#include "net_random.h"
#include "ohmtally/float_forward.h"
#include "ohmtally/quantize.h"
#include "ohmtally/status.h"
#include "suite.h"
#include <math.h>

static uint64_t state = 12345;
static int32_t draw(int32_t below) {
    return (int32_t)((random_next(&state) + 1.0f) * 0.5f * (float)below) % below;
}

/* Symmetric rounding to |w| <= 127: scale = max / 127, halves to even. */
static void test_uniform_weights(void) {
    float w[2][3] = {{1.27f, -0.005f, 0.015f}, {0, 0, 0}};
    struct ohm_layer layer = {.groups = 1, .krows = 3, .ncols = 2, .weight = &w[0][0]};
    struct ohm_weights *weights = ohm_weights_new(&layer);
    ohm_weights_uniform(&layer, 127, true, weights);
    CU_ASSERT_EQUAL(weights->w[0 * 2 + 0], 127);
    CU_ASSERT_EQUAL(weights->w[2 * 2 + 0], (int32_t)rintf(0.015f / (1.27f / 127)));
    CU_ASSERT_EQUAL(weights->w[0 * 2 + 1], 0);
    CU_ASSERT_EQUAL(weights->scale[0], 1.27f / 127);
    CU_ASSERT_EQUAL(weights->scale[1], 1.27f / 127 * 0x1p-20f); /* an all-zero column keeps its bias fine-grained */
    ohm_weights_uniform(&layer, 127, false, weights);
    CU_ASSERT_EQUAL(weights->scale[0], weights->scale[1]); /* one scale per layer */
    const float zeros[6] = {0};
    layer.weight = zeros;
    ohm_weights_uniform(&layer, 127, true, weights);
    CU_ASSERT(weights->scale[0] == 1 && weights->scale[1] == 1);
    ohm_weights_free(weights);
}

/* Scale and zero point of ranges seen: input in [-1, 3] at 2 bits has step 4/3 and zero rint(0.75) = 1. */
static void test_range_to_scale(void) {
    struct ohm_network *net = ohm_network_new();
    int32_t x = net_input(net, SHAPE(1, 2)), w = random_constant(net, &state, SHAPE(3, 2)), in[] = {x, w};
    CU_ASSERT_FATAL(net_append(net, ohm_node_of(OHM_OP_LINEAR), in, 2, NULL) >= 0);
    struct ohm_ranges *ranges = ohm_ranges_new(net);
    float seen[2] = {-1, 3}, out[3] = {0, 1, 2};
    ohm_ranges_see(ranges, -1, x, seen, 2);
    ohm_ranges_see(ranges, 0, net->output, out, 3);
    struct ohm_quantize_options options = {2, OHM_RULE_MINMAX, 0};
    struct ohm_intnet *intnet = NULL;
    CU_ASSERT_FATAL(!ohm_quantize(net, ranges, &options, &intnet));
    CU_ASSERT_EQUAL(intnet->quant[x].scale, 4.0f / 3.0f);
    CU_ASSERT_EQUAL(intnet->quant[x].zero, 1);
    CU_ASSERT_EQUAL(intnet->quant[net->output].bits, 0); /* logits stay real */
    float probe[2] = {2.0f, -5.0f};                      /* 2 / (4/3) = 1.5 -> 2, + 1 = 3; -5 clamps to 0 */
    uint8_t stored[64];
    ohm_int_input(intnet, probe, stored);
    CU_ASSERT_EQUAL(stored[0], 3);
    CU_ASSERT_EQUAL(stored[1], 0);
    ohm_intnet_free(intnet);
    ohm_ranges_free(ranges);
    ohm_network_free(net);
}

/* Halves to even, bias, zero point term and clamp of one output: acc = y - z_x colsum + b. */
static void test_rescale_by_hand(void) {
    struct ohm_network *net = ohm_network_new();
    int32_t x = net_input(net, SHAPE(1, 2)), w = random_constant(net, &state, SHAPE(1, 2)), in[] = {x, w}, relu[1];
    relu[0] = net_append(net, ohm_node_of(OHM_OP_LINEAR), in, 2, NULL);
    int32_t behind = net_append(net, ohm_node_of(OHM_OP_RELU), relu, 1, NULL), w2 = random_constant(net, &state, SHAPE(1, 1)), in2[] = {behind, w2};
    net_append(net, ohm_node_of(OHM_OP_LINEAR), in2, 2, NULL);
    struct ohm_quant *quant = ohm_alloc_array((size_t)net->nvalue, sizeof *quant);
    quant[x] = (struct ohm_quant){0.5f, 3, 8};
    quant[behind] = (struct ohm_quant){0.25f, 0, 8};
    struct ohm_intnet *intnet = NULL;
    CU_ASSERT_FATAL(!ohm_quantize_given(net, 8, quant, &intnet));
    CU_ASSERT_EQUAL_FATAL(intnet->nlayer, 2);
    struct ohm_layer layer = intnet->layers[0];
    CU_ASSERT_EQUAL(layer.output, behind);           /* the Relu is part of the layer */
    float scale[1] = {0.125f}, bias[1] = {0.34375f}; /* bias / (0.125 * 0.5) = 5.5 -> 6 */
    int64_t colsum[1] = {4}, y[3] = {6 + 6, 8, 2000};
    layer.bias = bias;
    struct ohm_rescale rescale;
    CU_ASSERT_FATAL(!ohm_rescale_make(intnet, &layer, scale, colsum, 1, intnet->arena, &rescale));
    CU_ASSERT_EQUAL(rescale.offset[0], 6 - 3 * 4);
    CU_ASSERT_EQUAL(rescale.multiplier[0], 0.25f); /* 0.125 * 0.5 / 0.25 */
    layer.out_h = 3;
    uint8_t out[64];
    int32_t narrow[3] = {6 + 6, 8, 2000};
    CU_ASSERT_EQUAL(rescale.largest_offset, 6);
    for (int form = 0; form < 2; form++) {
        ohm_rescale_apply(intnet, &layer, &rescale, 0, 3, form, form ? (void *)narrow : y, out);
        CU_ASSERT_EQUAL(out[0], 2); /* (12 - 6) / 4 = 1.5 -> 2 */
        CU_ASSERT_EQUAL(out[1], 0); /* (8 - 6) / 4 = 0.5 -> 0 */
        CU_ASSERT_EQUAL(out[2], 255);
    }
    CU_ASSERT_FATAL(!ohm_rescale_make(intnet, &layer, scale, colsum, 256, intnet->arena, &rescale));
    CU_ASSERT_EQUAL(rescale.offset[0], 256 * (6 - 3 * 4));
    CU_ASSERT_EQUAL(rescale.multiplier[0], 0.25f / 256);
    free(quant);
    ohm_intnet_free(intnet);
    ohm_network_free(net);
}

/* The fast order holds the same values, each at the place it names; dense, grouped and depth-wise. */
static void check_taps(const struct ohm_intnet *intnet, struct ohm_layer layer, const uint8_t *stored, int32_t first, int32_t n,
                       const uint8_t *plain) {
    int32_t taps = layer.window.kernel[0] * layer.window.kernel[1], inputs = layer.in_c * taps, wrong = 0;
    for (layer.groups = 1; layer.groups <= layer.in_c; layer.groups++) {
        if (layer.in_c % layer.groups) continue;
        layer.krows = inputs / layer.groups;
        layer.ncols = 1 + draw(2);
        uint8_t *x = ohm_alloc_array((size_t)(n * inputs), 2);
        int32_t *place = ohm_layer_places(&layer);
        ohm_layer_gather_taps(intnet, &layer, stored, first, n, x);
        for (int32_t p = 0; p < n; p++)
            for (int32_t r = 0; r < inputs; r++)
                wrong +=
                    memcmp(x + (p * inputs + place[r]) * intnet->element, plain + (p * inputs + r) * intnet->element, (size_t)intnet->element) != 0;
        free(x);
        free(place);
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

/* Input vectors in (channel, kh, kw) order with the zero point in the padding, on random geometry. */
static void test_gather(void) {
    for (int i = 0; i < 300; i++) {
        struct ohm_layer layer = {.conv = true, .input = 0, .in_c = 1 + draw(9), .in_h = 1 + draw(9), .in_w = 1 + draw(9)};
        struct ohm_window *w = &layer.window;
        struct ohm_quant quant = {1, draw(200), 8};
        struct ohm_intnet intnet = {.quant = &quant, .element = 1 + draw(2)};
        for (int d = 0; d < 2; d++) {
            w->kernel[d] = 1 + draw(4);
            w->stride[d] = 1 + draw(3);
            w->dilation[d] = 1 + draw(2);
            w->pad_before[d] = draw(3);
            w->pad_after[d] = draw(3) + w->dilation[d] * (w->kernel[d] - 1); /* never an empty output */
        }
        layer.out_h = (layer.in_h + w->pad_before[0] + w->pad_after[0] - w->dilation[0] * (w->kernel[0] - 1) - 1) / w->stride[0] + 1;
        layer.out_w = (layer.in_w + w->pad_before[1] + w->pad_after[1] - w->dilation[1] * (w->kernel[1] - 1) - 1) / w->stride[1] + 1;
        int32_t taps = w->kernel[0] * w->kernel[1], inputs = layer.in_c * taps, positions = layer.out_h * layer.out_w, first = draw(positions),
                wrong = 0;
        layer.groups = 1;
        layer.krows = inputs;
        uint8_t *stored = ohm_alloc_array((size_t)(layer.in_c * layer.in_h * layer.in_w), 2), *x = ohm_alloc_array((size_t)(positions * inputs), 2);
        for (int32_t k = 0; k < layer.in_c * layer.in_h * layer.in_w * intnet.element; k++) stored[k] = (uint8_t)draw(256);
        ohm_layer_gather(&intnet, &layer, stored, first, positions - first, x);
        for (int32_t p = first; p < positions; p++)
            for (int32_t r = 0; r < inputs; r++) {
                int32_t c = r / taps, row = p / layer.out_w * w->stride[0] - w->pad_before[0] + r % taps / w->kernel[1] * w->dilation[0];
                int32_t column = p % layer.out_w * w->stride[1] - w->pad_before[1] + r % w->kernel[1] * w->dilation[1], expected = quant.zero;
                bool inside = row >= 0 && row < layer.in_h && column >= 0 && column < layer.in_w;
                size_t from = ((size_t)row * (size_t)layer.in_w + (size_t)column) * (size_t)layer.in_c + (size_t)c,
                       to = (size_t)((p - first) * inputs + r);
                if (inside) expected = intnet.element == 1 ? stored[from] : ((uint16_t *)(void *)stored)[from];
                wrong += (intnet.element == 1 ? x[to] : ((uint16_t *)(void *)x)[to]) != expected;
            }
        CU_ASSERT_EQUAL(wrong, 0);
        check_taps(&intnet, layer, stored, first, positions - first, x);
        free(stored);
        free(x);
    }
}

/* Ranges do not depend on the order in which images were seen; the percentile rule cuts the share asked for. */
static void test_ranges(void) {
    struct ohm_network *net = ohm_network_new();
    int32_t x = net_input(net, SHAPE(1, 1000)), w = random_constant(net, &state, SHAPE(1, 1000)), in[] = {x, w};
    net_append(net, ohm_node_of(OHM_OP_LINEAR), in, 2, NULL);
    float data[1000], zero[1] = {1};
    for (int i = 0; i < 1000; i++) data[i] = (float)(i + 1); /* 1 .. 1000 */
    struct ohm_ranges *a = ohm_ranges_new(net), *b = ohm_ranges_new(net), *c = ohm_ranges_new(net);
    ohm_ranges_see(a, -1, x, data, 1000);
    ohm_ranges_see(b, -1, x, data + 400, 600);
    ohm_ranges_see(c, -1, x, data, 400);
    ohm_ranges_merge(b, c);
    CU_ASSERT(!memcmp(a->counts, b->counts, (size_t)a->nobserved * OHM_RANGE_BINS * 8));
    CU_ASSERT_EQUAL(a->least[x], b->least[x]);
    CU_ASSERT_EQUAL(a->most[x], 1000);
    ohm_ranges_see(a, 0, net->output, zero, 1);
    struct ohm_intnet *intnet = NULL;
    struct ohm_quantize_options options = {8, OHM_RULE_PERCENTILE, 90};
    CU_ASSERT_FATAL(!ohm_quantize(net, a, &options, &intnet));
    CU_ASSERT_DOUBLE_EQUAL(intnet->quant[x].scale * 255, 900, 8); /* bins are 1/128 wide at most */
    ohm_intnet_free(intnet);
    options = (struct ohm_quantize_options){2, OHM_RULE_SQUARED_ERROR, 0};
    CU_ASSERT_FATAL(!ohm_quantize(net, a, &options, &intnet));
    CU_ASSERT(intnet->quant[x].scale * 3 < 1000 &&
              intnet->quant[x].scale * 3 > 800); /* uniform data, 4 codes 0, s, 2s, 3s: optimum at 7/8 of the span */
    ohm_intnet_free(intnet);
    ohm_ranges_free(a);
    ohm_ranges_free(b);
    ohm_ranges_free(c);
    ohm_network_free(net);
}

static void test_top5(void) {
    float logits[7] = {1, 5, 5, -2, 0, 5, 3};
    int32_t best[5];
    ohm_top5(logits, 7, best);
    CU_ASSERT(best[0] == 1 && best[1] == 2 && best[2] == 5 && best[3] == 6 && best[4] == 0);
    ohm_top5(logits, 2, best);
    CU_ASSERT(best[0] == 1 && best[1] == 0 && best[2] == -1);
}

int main(void) {
    const struct suite_test tests[] = {{"uniform weights", test_uniform_weights},
                                       {"range to scale", test_range_to_scale},
                                       {"rescale by hand", test_rescale_by_hand},
                                       {"gather", test_gather},
                                       {"ranges", test_ranges},
                                       {"top 5", test_top5}};
    return SUITE_RUN("quant semantics", tests);
}
