/* Both networks over the images up to a layer, and what the layer's fit needs of them at sampled positions: of the fitted network its inputs, of the
 * reference its sums. */
#include "fit.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define TOGETHER 8 /* images at a time */

struct sampling {
    struct fit *fit;
    int32_t index, step, each; /* layer, its step, positions of an image */
    const struct ohm_layer *layer;
    struct ohm_gram *gram;
    int64_t *colsum; /* of the reference's weights */
    double *x, *t;   /* [TOGETHER * each] rows */
};

static int32_t step_of(const struct ohm_intnet *intnet, int32_t layer) {
    int32_t s = 0;
    while (intnet->steps[s].layer != layer) s++;
    return s;
}

/* The j-th of `each` positions: one of its share of all, drawn by its address. */
static int64_t position_of(const struct sampling *s, int64_t image, int32_t j) {
    const int64_t all = ohm_layer_positions(s->layer), first = all * j / s->each, end = all * (j + 1) / s->each;
    const int64_t address[] = {s->index, image, j};
    return first + (int64_t)(XXH64(address, sizeof address, 0) % (uint64_t)(end - first));
}

static double code_at(const struct ohm_intnet *intnet, const void *x, size_t i) {
    return intnet->element == 1 ? ((const uint8_t *)x)[i] : ((const uint16_t *)x)[i];
}

/* Inputs of one image's positions, minus the zero point. */
static int sample_inputs(const struct sampling *s, int64_t image, const void *stored, double *x) {
    const struct ohm_intnet *intnet = s->fit->study->content.intnet;
    const size_t inputs = (size_t)ohm_layer_inputs(s->layer);
    const double zero = intnet->quant[s->layer->input].zero;
    void *codes = ohm_alloc_array(inputs, (size_t)intnet->element);
    for (int32_t j = 0; codes && j < s->each; j++) {
        ohm_layer_gather(intnet, s->layer, stored, position_of(s, image, j), 1, codes);
        for (size_t i = 0; i < inputs; i++) x[(size_t)j * inputs + i] = code_at(intnet, codes, i) - zero;
    }
    free(codes);
    return codes ? OHM_OK : OHM_E_MEMORY;
}

/* The reference's sums there, without its bias. */
static int sample_targets(const struct sampling *s, int64_t image, const void *stored, double *t) {
    const struct ohm_intnet *intnet = s->fit->study->content.intnet;
    const struct ohm_product *product = s->fit->reference->layers[s->index].product;
    const size_t vector = (size_t)ohm_layer_inputs(s->layer) * (size_t)intnet->element, outputs = (size_t)ohm_layer_outputs(s->layer);
    const int64_t zero = intnet->quant[s->layer->input].zero;
    unsigned char *codes = ohm_alloc_array((size_t)s->each, vector);
    int64_t *sums = ohm_alloc_array((size_t)s->each, outputs * sizeof *sums);
    void *scratch = ohm_alloc(ohm_product_scratch(product, s->each));
    bool good = codes && sums && scratch;
    for (int32_t j = 0; good && j < s->each; j++)
        ohm_layer_gather_taps(intnet, s->layer, stored, position_of(s, image, j), 1, codes + (size_t)j * vector);
    if (good) ohm_product_run_wide(product, s->each, codes, sums, scratch);
    for (size_t i = 0; good && i < (size_t)s->each * outputs; i++) t[i] = rint((double)(sums[i] - zero * s->colsum[i % outputs]) / OHM_TARGET_STEPS);
    free(codes);
    free(sums);
    free(scratch);
    return good ? OHM_OK : OHM_E_MEMORY;
}

/* Runs n images of one network from where they are kept to the layer, keeping them at step `keep` on the way. */
static int reach(const struct sampling *s, struct kept *kept, struct ohm_batch *batch, const int64_t *images, int32_t n, int32_t keep) {
    const struct ohm_intnet *intnet = s->fit->study->content.intnet;
    for (int32_t i = 0; i < n; i++) kept_load(intnet, kept, images[i], batch, i);
    OHM_TRY(ohm_engine_advance(kept->engine, batch, n, kept->step, keep));
    for (int32_t i = 0; keep > kept->step && i < n; i++) OHM_TRY(kept_save(intnet, kept, keep, images[i], batch, i));
    return ohm_engine_advance(kept->engine, batch, n, keep, s->step);
}

static int sample_batch(struct sampling *s, struct ohm_batch *wanted, struct ohm_batch *held, const int64_t *images, int32_t n, int32_t keep) {
    struct fit *fit = s->fit;
    const size_t inputs = (size_t)ohm_layer_inputs(s->layer), outputs = (size_t)ohm_layer_outputs(s->layer), each = (size_t)s->each;
    struct ohm_failure failure = {0};
    OHM_TRY(reach(s, &fit->wanted, wanted, images, n, keep));
    OHM_TRY(reach(s, &fit->held, held, images, n, keep));
#pragma omp parallel for schedule(dynamic)
    for (int32_t i = 0; i < n; i++) {
        int64_t image = fit->first + images[i];
        int status = sample_targets(s, image, ohm_batch_value(fit->reference->intnet, wanted, s->layer->input, i), s->t + (size_t)i * each * outputs);
        if (!status) status = sample_inputs(s, image, ohm_batch_value(fit->mixed.intnet, held, s->layer->input, i), s->x + (size_t)i * each * inputs);
        if (status) {
#pragma omp critical(fit_failure)
            ohm_fail_take(&failure);
        }
    }
    OHM_TRY(ohm_fail_give(&failure));
    ohm_gram_add(s->gram, n * (int64_t)s->each, s->x, s->t);
    return OHM_OK;
}

#define EXACT 0x1p53 /* whole numbers up to this are doubles */

/* Sums of products with the targets, over all ranks, must be exact. */
static int check_sums(const struct sampling *s) {
    const struct fit *fit = s->fit;
    const struct ohm_intnet *intnet = fit->study->content.intnet;
    const double target = 2.0 * (double)ohm_product_bound(fit->reference->layers[s->index].product, intnet->activation_bits) / OHM_TARGET_STEPS;
    if (target * (double)(1 << intnet->activation_bits) * (double)(fit->total * s->each) <= EXACT) return OHM_OK;
    return ohm_fail(OHM_E_USAGE,
                    "layer '%s': sums over %lld images of %d positions may be inexact; use fewer images, positions or bits of activations",
                    s->layer->name, (long long)fit->total, s->each);
}

static int sample_images(struct sampling *s) {
    struct fit *fit = s->fit;
    const struct ohm_intnet *intnet = fit->study->content.intnet;
    const size_t budget = ((size_t)fit->study->job->fit.memory_mb << 20) / 2 / (size_t)fit->total;
    const int32_t keep = kept_step(intnet, &fit->held, s->step, budget);
    struct ohm_batch *wanted = NULL, *held = NULL;
    int64_t images[TOGETHER];
    int status = ohm_batch_new(fit->reference, TOGETHER, &wanted);
    if (!status) status = ohm_batch_new(&fit->mixed, TOGETHER, &held);
    for (int64_t next = 0; !status && next < fit->nimage && !ohm_world_alarmed(&fit->study->world);) {
        int32_t n = 0;
        for (; next < fit->nimage && n < TOGETHER; next++)
            if (fit->readable[next]) images[n++] = next;
        status = sample_batch(s, wanted, held, images, n, keep);
    }
    ohm_batch_free(wanted);
    ohm_batch_free(held);
    if (!status) fit->wanted.step = fit->held.step = keep;
    return status;
}

int fit_sample(struct fit *fit, int32_t i, struct ohm_gram *gram, double *target_unit) {
    const struct ohm_intnet *intnet = fit->study->content.intnet;
    const struct ohm_layer *layer = &intnet->layers[i];
    const int32_t most = fit->study->job->fit.positions;
    const int64_t positions = ohm_layer_positions(layer);
    struct sampling s = {.fit = fit, .index = i, .layer = layer, .gram = gram, .step = step_of(intnet, i)};
    struct ohm_weights *fine = ohm_weights_new(layer);
    s.each = positions < most ? (int32_t)positions : most;
    s.x = ohm_alloc_array((size_t)TOGETHER * (size_t)s.each, (size_t)ohm_layer_inputs(layer) * sizeof(double));
    s.t = ohm_alloc_array((size_t)TOGETHER * (size_t)s.each, (size_t)ohm_layer_outputs(layer) * sizeof(double));
    s.colsum = ohm_alloc_array((size_t)ohm_layer_outputs(layer), sizeof *s.colsum);
    int status = fine && s.x && s.t && s.colsum ? OHM_OK : OHM_E_MEMORY;
    if (!status) {
        ohm_weights_uniform(layer, OHM_REFERENCE_LIMIT, true, fine); /* as the reference engine's */
        ohm_layer_colsum(layer, fine->w, s.colsum);
        for (int32_t n = 0; n < ohm_layer_outputs(layer); n++) target_unit[n] = (double)fine->scale[n] * OHM_TARGET_STEPS;
    }
    ohm_weights_free(fine);
    if (!status) status = check_sums(&s);
    if (!status) status = sample_images(&s);
    free(s.x);
    free(s.t);
    free(s.colsum);
    return status;
}
