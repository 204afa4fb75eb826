/* The fitted network against the float one on calibration images that the fit has not seen: what settings are chosen by. */
#include "fit.h"
#include "ohmtally/log.h"
#include <stdlib.h>
#include <string.h>

#define TOGETHER 16

enum { FLOAT, REFERENCE, FITTED, NETWORKS };
static const char *const names[] = {"float", "reference", "fitted"};

struct checking {
    struct fit *fit;
    struct ohm_image_set *images;
    struct loader loader;
    struct ohm_batch *batch;
    float *values, *outputs[TOGETHER];
    int32_t nclass;
    int64_t hits[NETWORKS], agreed[NETWORKS], scored, readable;
    int64_t count;
    double *squares; /* [count][NETWORKS]: of the float logits, then of each one's difference to them */
};

static int run_network(struct checking *c, int network, int32_t n) {
    const float *const *inputs = (const float *const *)c->loader.inputs;
    for (int32_t i = 0; i < n; i++) c->outputs[i] = c->values + ((size_t)network * TOGETHER + (size_t)i) * (size_t)c->nclass;
    if (network == FLOAT) return ohm_float_batch(c->fit->study->content.network, n, inputs, c->outputs);
    return ohm_engine_run(network == FITTED ? &c->fit->mixed : c->fit->reference, c->batch, n, inputs, c->outputs, NULL, NULL, NULL);
}

static void count_image(struct checking *c, int64_t image, int32_t i) {
    const int32_t label = ohm_image_set_label(c->images, image);
    const float *reals[NETWORKS];
    int32_t best[NETWORKS][5];
    if (!c->loader.inputs[i]) return;
    c->readable++;
    c->scored += label != OHM_NO_LABEL;
    for (int k = 0; k < NETWORKS; k++) {
        double square = 0;
        reals[k] = c->values + ((size_t)k * TOGETHER + (size_t)i) * (size_t)c->nclass;
        ohm_top5(reals[k], c->nclass, best[k]);
        c->hits[k] += label != OHM_NO_LABEL && best[k][0] == label;
        c->agreed[k] += best[k][0] == best[FLOAT][0];
        for (int32_t n = 0; n < c->nclass; n++) {
            double off = (double)reals[k][n] - (k == FLOAT ? 0 : (double)reals[FLOAT][n]);
            square += off * off;
        }
        c->squares[image * NETWORKS + k] = square;
    }
}

static int check_share(struct checking *c) {
    const struct ohm_world *world = &c->fit->study->world;
    const int64_t end = ohm_partition_first(c->count, world->size, world->rank + 1);
    for (int64_t at = ohm_partition_first(c->count, world->size, world->rank), n; at < end && !ohm_world_alarmed(world); at += n) {
        n = end - at < TOGETHER ? end - at : TOGETHER;
        OHM_TRY(loader_read(&c->loader, at, (int32_t)n));
        for (int k = 0; k < NETWORKS; k++) OHM_TRY(run_network(c, k, (int32_t)n));
        for (int32_t i = 0; i < n; i++) count_image(c, at + i, i);
    }
    return OHM_OK;
}

static int open_check(struct checking *c) {
    const struct fit *fit = c->fit;
    const struct ohm_engine *engines[] = {fit->reference, &fit->mixed};
    struct ohm_image_options options = fit->study->job->quantize.calibration;
    const struct ohm_network *network = fit->study->content.network;
    c->nclass = (int32_t)ohm_shape_count(&network->values[network->output].shape);
    options.first += fit->total;
    options.count = fit->study->job->fit.check;
    OHM_TRY(ohm_image_set_open(&options, c->nclass, &c->images));
    c->count = ohm_image_set_count(c->images);
    c->values = ohm_alloc_array((size_t)NETWORKS * TOGETHER, (size_t)c->nclass * sizeof *c->values);
    c->squares = ohm_alloc_array((size_t)c->count, NETWORKS * sizeof *c->squares);
    if (!c->values || !c->squares) return OHM_E_MEMORY;
    OHM_TRY(ohm_batch_new_for(engines, 2, TOGETHER, &c->batch));
    return loader_open(&c->loader, fit->study, c->images, options.packed != NULL, TOGETHER);
}

static void report(struct checking *c) {
    double power[NETWORKS] = {0};
    for (int64_t i = 0; i < c->count; i++)
        for (int k = 0; k < NETWORKS; k++) power[k] += c->squares[i * NETWORKS + k];
    ohm_log("check on %lld images that the fit has not seen:", (long long)c->readable);
    for (int k = 0; k < NETWORKS; k++)
        ohm_log("  %-9s  top-1 %6.2f %% of %lld  agrees with float %6.2f %%  logits' error %.3e", names[k],
                c->scored ? 100.0 * (double)c->hits[k] / (double)c->scored : 0, (long long)c->scored,
                c->readable ? 100.0 * (double)c->agreed[k] / (double)c->readable : 0,
                k == FLOAT || !(power[FLOAT] > 0) ? 0 : power[k] / power[FLOAT]);
}

int fit_check(struct fit *fit) {
    struct ohm_world *world = &fit->study->world;
    struct checking c = {.fit = fit};
    if (!fit->study->job->fit.check) return OHM_OK;
    int status = ohm_world_agree(world, open_check(&c));
    if (!status) {
        status = check_share(&c);
        if (status) ohm_world_alarm(world);
        status = ohm_world_agree(world, status);
    }
    if (!status) {
        ohm_world_join(world, c.squares, (size_t)c.count * NETWORKS);
        ohm_world_sum(world, c.hits, NETWORKS);
        ohm_world_sum(world, c.agreed, NETWORKS);
        ohm_world_sum(world, &c.scored, 1);
        ohm_world_sum(world, &c.readable, 1);
        report(&c);
    }
    loader_close(&c.loader);
    ohm_batch_free(c.batch);
    ohm_image_set_close(c.images);
    free(c.values);
    free(c.squares);
    return status;
}
