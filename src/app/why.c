/* Why accuracy fell: what each layer of a point loses on sample images, and which codes its ADCs give there. */
#include "grid.h"
#include "ohmtally/status.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLES 8
#define POWERS 4 /* signal and noise alone, signal and noise in the chain */

struct measuring {
    struct study *study;
    const struct point *point;
    const struct ohm_engine *engine;
    struct ohm_engine *exact, *observer;
    struct ohm_shared exact_shared, observer_shared;
    const struct ohm_noise *cells;
    double *power; /* [samples][nlayer][POWERS] */
    int64_t samples;
};

static size_t layers_of(const struct measuring *m) {
    return (size_t)m->study->content.intnet->nlayer;
}

static int see(void *context, struct ohm_batch *batch, int64_t image, const float *input) {
    const struct measuring *m = context;
    ohm_batch_first(batch, image);
    return ohm_engine_why(m->engine, batch, m->exact, m->observer, input, m->power + (size_t)image * layers_of(m) * POWERS);
}

/* Codes of the counts seen, as the point's ADCs without errors would give them. */
static void count_codes(const struct measuring *m, size_t layer, const struct ohm_adc *adc, int64_t codes[OHM_CODE_BINS]) {
    size_t bins = ohm_engine_bins(m->observer), counts = (size_t)m->observer->largest + 1;
    for (size_t i = 0; m->observer->observed && i < bins; i++) {
        int64_t seen = m->observer->observed[layer * bins + i];
        if (!seen) continue;
        int64_t code = ohm_adc_code(adc, (int32_t)(i / counts), (int32_t)(i % counts)); /* columns were seen: the class has a step */
        codes[code * OHM_CODE_BINS >> adc->bits] += seen;
    }
}

static int collect(const struct measuring *m, struct ohm_arena *arena, struct losses *losses) {
    size_t nlayer = layers_of(m);
    losses->isolated_db = ohm_arena_array(arena, nlayer, sizeof *losses->isolated_db);
    losses->chained_db = ohm_arena_array(arena, nlayer, sizeof *losses->chained_db);
    losses->codes = ohm_arena_array(arena, nlayer, sizeof *losses->codes);
    if (!losses->isolated_db || !losses->chained_db || !losses->codes) return OHM_E_MEMORY;
    for (size_t i = 0; i < nlayer; i++) {
        losses->isolated_db[i] = samples_decibels(m->power + i * POWERS, m->samples, nlayer * POWERS);
        losses->chained_db[i] = samples_decibels(m->power + i * POWERS + 2, m->samples, nlayer * POWERS);
        count_codes(m, i, &m->engine->layers[i].adc, losses->codes[i]);
    }
    return OHM_OK;
}

/* Powers as bit patterns: all ranks but one hold zeros for an image. */
static int sum_up(struct measuring *m) {
    size_t counted = layers_of(m) * ohm_engine_bins(m->observer);
    int status = OHM_OK;
    if (!m->observer->observed && !(m->observer->observed = ohm_alloc_array(counted, sizeof *m->observer->observed))) status = OHM_E_MEMORY;
    OHM_TRY(ohm_world_agree(&m->study->world, status));
    ohm_world_join(&m->study->world, m->power, (size_t)m->samples * layers_of(m) * POWERS);
    ohm_world_sum(&m->study->world, m->observer->observed, counted);
    return OHM_OK;
}

static int measure(struct measuring *m) {
    OHM_TRY(point_engine(m->study, &m->study->points[1], &m->exact_shared, &m->exact));
    OHM_TRY(point_observer(m->study, m->point, m->cells, &m->observer_shared, &m->observer));
    OHM_TRY(ohm_world_agree(&m->study->world, m->power ? OHM_OK : OHM_E_MEMORY));
    const struct ohm_engine *engines[] = {m->engine, m->exact};
    OHM_TRY(ohm_world_agree(&m->study->world, each_sample(m->study, engines, 2, SAMPLES, see, m)));
    return sum_up(m);
}

int point_why(struct study *study, const struct point *point, const struct ohm_engine *engine, struct ohm_arena *arena, struct losses *losses) {
    if (!study->job->run.why || !point->design) return OHM_OK;
    struct measuring m = {.study = study, .point = point, .engine = engine, .samples = study_samples(study, SAMPLES)};
    struct ohm_noise cells = point->noise;
    cells.device.measured = NULL;
    cells.device.variation = cells.device.read_noise = cells.device.telegraph = cells.device.telegraph_us = cells.device.bandwidth =
        cells.device.drift_time = cells.device.on_off = 0;
    memset(&cells.wire, 0, sizeof cells.wire);
    memset(&cells.adc, 0, sizeof cells.adc); /* counts are of levels, before noise and any ADC */
    m.cells = &cells;
    m.power = ohm_alloc_array((size_t)m.samples * layers_of(&m) * POWERS, sizeof *m.power);
    int status = measure(&m);
    if (!status) status = collect(&m, arena, losses);
    point_engine_free(m.exact, &m.exact_shared);
    point_engine_free(m.observer, &m.observer_shared);
    free(m.power);
    return ohm_world_agree(&study->world, status);
}
