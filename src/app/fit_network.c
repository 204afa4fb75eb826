/* The two networks of a fit and the images they start from. */
#include "fit.h"
#include <stdlib.h>
#include <string.h>

#define READ_TOGETHER 8 /* images decoded at a time */

/* Input codes of this rank's images. */
static int read_images(struct fit *fit, struct loader *loader) {
    const struct ohm_intnet *intnet = fit->study->content.intnet;
    const size_t bytes = ohm_cut_bytes(intnet, 0);
    for (int64_t at = 0; at < fit->nimage && !ohm_world_alarmed(&fit->study->world); at += READ_TOGETHER) {
        int32_t n = fit->nimage - at < READ_TOGETHER ? (int32_t)(fit->nimage - at) : READ_TOGETHER;
        OHM_TRY(loader_read(loader, fit->first + at, n));
        for (int32_t i = 0; i < n; i++) {
            fit->readable[at + i] = loader->inputs[i] != NULL;
            if (!loader->inputs[i]) continue;
            fit->wanted.state[at + i] = ohm_alloc(bytes);
            fit->held.state[at + i] = ohm_alloc(bytes);
            if (!fit->wanted.state[at + i] || !fit->held.state[at + i]) return OHM_E_MEMORY;
            ohm_int_input(intnet, loader->inputs[i], fit->wanted.state[at + i]);
            memcpy(fit->held.state[at + i], fit->wanted.state[at + i], bytes);
        }
    }
    return OHM_OK;
}

static int open_images(struct fit *fit) {
    const struct study *study = fit->study;
    struct ohm_image_options options = study->job->quantize.calibration;
    struct loader loader = {0};
    options.count = study->job->fit.images;
    OHM_TRY(ohm_image_set_open(&options, 0, &fit->images));
    fit->total = ohm_image_set_count(fit->images);
    fit->first = ohm_partition_first(fit->total, study->world.size, study->world.rank);
    fit->nimage = ohm_partition_first(fit->total, study->world.size, study->world.rank + 1) - fit->first;
    fit->readable = ohm_arena_array(study->job->arena, (size_t)fit->nimage, sizeof *fit->readable);
    fit->wanted.state = ohm_alloc_array((size_t)fit->nimage, sizeof *fit->wanted.state);
    fit->held.state = ohm_alloc_array((size_t)fit->nimage, sizeof *fit->held.state);
    if (!fit->readable || !fit->wanted.state || !fit->held.state) return OHM_E_MEMORY;
    int status = loader_open(&loader, study, fit->images, options.packed != NULL, READ_TOGETHER);
    if (!status) status = read_images(fit, &loader);
    loader_close(&loader);
    return status;
}

static int build(struct fit *fit) {
    const struct ohm_intnet *intnet = fit->study->content.intnet;
    struct ohm_engine_request request = {.intnet = intnet, .weight_bits = OHM_REFERENCE_BITS, .per_channel = true};
    OHM_TRY(ohm_engine_build(&request, &fit->reference));
    fit->own = ohm_alloc_array((size_t)intnet->nlayer, sizeof *fit->own);
    fit->mixed = *fit->reference;
    fit->mixed.layers = ohm_arena_array(fit->study->job->arena, (size_t)intnet->nlayer, sizeof *fit->mixed.layers);
    if (!fit->own || !fit->mixed.layers) return OHM_E_MEMORY;
    memcpy(fit->mixed.layers, fit->reference->layers, (size_t)intnet->nlayer * sizeof *fit->mixed.layers);
    fit->wanted.engine = fit->reference;
    fit->held.engine = &fit->mixed;
    return OHM_OK;
}

/* Images that are not there show now and not after the fit. */
static int find_check(const struct fit *fit) {
    struct ohm_image_set *set;
    struct ohm_image_options options = fit->study->job->quantize.calibration;
    if (!fit->study->job->fit.check) return OHM_OK;
    options.first += fit->total;
    options.count = fit->study->job->fit.check;
    OHM_TRY(ohm_image_set_open(&options, 0, &set));
    ohm_image_set_close(set);
    return OHM_OK;
}

int fit_open(struct fit *fit) {
    int status = build(fit);
    if (!status) status = open_images(fit);
    if (!status) status = find_check(fit);
    if (status) ohm_world_alarm(&fit->study->world);
    OHM_TRY(ohm_world_agree(&fit->study->world, status));
    int64_t readable = 0;
    for (int64_t i = 0; i < fit->nimage; i++) readable += fit->readable[i];
    ohm_world_sum(&fit->study->world, &readable, 1);
    return readable ? OHM_OK : ohm_fail(OHM_E_INPUT, "none of the %lld images of the fit can be read", (long long)fit->total);
}

int fit_set_layer(struct fit *fit, int32_t i) {
    const struct ohm_intnet *intnet = fit->study->content.intnet;
    bool *skip = ohm_alloc_array((size_t)intnet->nlayer, sizeof *skip);
    if (!skip) return OHM_E_MEMORY;
    for (int32_t k = 0; k < intnet->nlayer; k++) skip[k] = k != i;
    struct ohm_engine_request request = {
        .intnet = intnet, .skip = skip, .given = fit->file.weights, .bias = (const float *const *)fit->file.bias, .weight_bits = 8};
    int status = ohm_engine_build(&request, &fit->own[i]);
    if (!status) fit->mixed.layers[i] = fit->own[i]->layers[i];
    free(skip);
    return status;
}

void fit_close(struct fit *fit) {
    const struct ohm_intnet *intnet = fit->study->content.intnet;
    for (int32_t i = 0; fit->own && i < intnet->nlayer; i++) ohm_engine_free(fit->own[i]);
    free(fit->own);
    ohm_engine_free(fit->reference);
    kept_free(&fit->wanted, fit->nimage);
    kept_free(&fit->held, fit->nimage);
    ohm_image_set_close(fit->images);
    ohm_fitted_free(&fit->file);
}
