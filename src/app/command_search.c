/* ohmtally search: a design's options layer by layer, for the fewest crossbars within a loss of top-1. */
#include "ohmtally/log.h"
#include "ohmtally/status.h"
#include "search.h"
#include <omp.h>

void search_close(struct search *search) {
    loader_close(&search->loader);
    ohm_image_set_close(search->images);
    ohm_batch_free(search->batch);
    for (int32_t k = 0; k < search->ncandidate; k++) point_engine_free(search->candidates[k].engine, &search->candidates[k].shared);
    point_engine_free(search->exact, &search->exact_shared);
}

/* Collective, once the network is there. */
static int search_run(struct search *search) {
    double began = ohm_seconds();
    OHM_TRY(point_check_fitted(search->study));
    OHM_TRY(search_build(search));
    OHM_TRY(search_check_budgets(search));
    ohm_log("%d layers with %d candidates each, built in %.1f s", search->nlayer, search->ncandidate, ohm_seconds() - began);
    OHM_TRY(search_open_images(search));
    OHM_TRY(search_sensitivities(search));
    return search_choose(search);
}

int command_search(const struct ohm_world *world, const struct arguments *arguments) {
    struct study study;
    struct search search = {.study = &study};
    struct search_files files = {0};
    double began = ohm_seconds();
    int status = study_open(&study, world, arguments);
    if (!status) status = search_plan(&search);
    if (!status && world->rank == 0) status = search_files_open(&search, &files);
    status = ohm_world_agree(world, status);
    study.threads = study_threads(world);
    omp_set_num_threads(study.threads);
    if (!status) status = study_load(&study, true);
    if (!status) status = search_run(&search);
    if (!status && world->rank == 0) {
        search_print(&search);
        status = search_files_write(&search, &files);
    }
    status = ohm_world_agree(world, status);
    if (!status) ohm_log("layers: %s (%.1f s)", study.job->search.output, ohm_seconds() - began);
    search_files_close(&files);
    search_close(&search);
    study_close(&study);
    return ohm_world_agree(world, status);
}
