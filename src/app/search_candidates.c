/* Which options layers may take, and the engines that hold them. */
#include "ohmtally/status.h"
#include "search.h"
#include <string.h>

int search_split(const struct ohm_job *job, const char *key, const char *text, const char *values[SEARCH_MOST_VALUES], int32_t *count) {
    char *copy = ohm_arena_string(job->arena, text), *rest = NULL;
    if (!copy) return OHM_E_MEMORY;
    *count = 0;
    for (char *word = strtok_r(copy, " ,\t", &rest); word; word = strtok_r(NULL, " ,\t", &rest)) {
        if (*count == SEARCH_MOST_VALUES) return ohm_fail(OHM_E_USAGE, "%s: search.%s has more than %d values", job->path, key, SEARCH_MOST_VALUES);
        for (int32_t i = 0; i < *count; i++)
            if (!strcmp(values[i], word)) return ohm_fail(OHM_E_USAGE, "%s: search.%s has %s twice; keep one", job->path, key, word);
        values[(*count)++] = word;
    }
    return *count ? OHM_OK : ohm_fail(OHM_E_USAGE, "%s: search.%s is empty; give values such as 0 1 2", job->path, key);
}

/* The design named, else the first that can be squeezed. */
static int find_entry(struct search *search) {
    const struct study *study = search->study;
    const char *name = study->job->search.design;
    if (name) return study_find_design(study, "search.design", name, &search->entry);
    for (int p = 2; p < study->npoint; p++)
        if (ohm_design_has(study->points[p].design, "squeeze")) {
            search->entry = &study->points[p];
            return OHM_OK;
        }
    return ohm_fail(OHM_E_USAGE, "%s: no design of the job has an option squeeze; add one such as {design: sme}", study->job->path);
}

static int set_option(const struct search *search, struct ohm_design_setting *setting, const char *key, const char *value) {
    if (!value || !point_set_layer(search->entry, setting, key, value)) return OHM_OK;
    struct ohm_failure failure = {0};
    ohm_fail_take(&failure);
    return ohm_fail(OHM_E_USAGE, "%s: search.%s: %s", search->study->job->path, key, failure.text);
}

static int set_candidate(const struct search *search, const struct candidate *candidate, struct ohm_design_setting *setting) {
    OHM_TRY(set_option(search, setting, "window", candidate->window));
    return set_option(search, setting, "squeeze", candidate->squeeze);
}

static int add_candidate(struct search *search, const char *squeeze, const char *window) {
    struct ohm_arena *arena = search->study->job->arena;
    struct candidate *candidate = &search->candidates[search->ncandidate++];
    struct ohm_design_setting setting = search->entry->setting;
    candidate->from = search->entry;
    candidate->squeeze = squeeze;
    candidate->window = window;
    candidate->name = window ? ohm_arena_format(arena, "squeeze=%s window=%s", squeeze, window) : ohm_arena_format(arena, "squeeze=%s", squeeze);
    return candidate->name ? set_candidate(search, candidate, &setting) : OHM_E_MEMORY;
}

/* Every squeeze with every window, in one design. */
static int plan_values(struct search *search) {
    const struct ohm_job *job = search->study->job;
    const char *squeeze[SEARCH_MOST_VALUES], *window[SEARCH_MOST_VALUES] = {NULL};
    int32_t nsqueeze, nwindow = 1;
    OHM_TRY(find_entry(search));
    OHM_TRY(search_split(job, "squeeze", job->search.squeeze, squeeze, &nsqueeze));
    if (job->search.window) OHM_TRY(search_split(job, "window", job->search.window, window, &nwindow));
    search->candidates = ohm_arena_array(job->arena, (size_t)nsqueeze * (size_t)nwindow, sizeof *search->candidates);
    if (!search->candidates) return OHM_E_MEMORY;
    for (int32_t w = 0; w < nwindow; w++)
        for (int32_t s = 0; s < nsqueeze; s++) OHM_TRY(add_candidate(search, squeeze[s], window[w]));
    return OHM_OK;
}

static bool of_single_layers(const char *key) {
    return !strcmp(key, "squeeze") || !strcmp(key, "window");
}

/* Whether `other` says of each option what `one` says, but for those that a file of layers, or of weights, gives. */
static int check_options(const struct search *search, const struct ohm_job_design *one, const struct ohm_job_design *other) {
    for (int32_t i = 0; i < one->noption; i++) {
        const struct ohm_key_value *option = &one->options[i];
        bool same = of_single_layers(option->key) || !strcmp(option->key, "weights") || !strcmp(option->key, "layers");
        for (int32_t k = 0; k < other->noption; k++)
            same |= !strcmp(other->options[k].key, option->key) && !strcmp(other->options[k].value, option->value);
        if (!same)
            return ohm_fail(OHM_E_USAGE, "%s: search.designs: '%s' and '%s' differ in %s; they may in squeeze, window, layers and weights",
                            search->study->job->path, one->name, other->name, option->key);
    }
    return OHM_OK;
}

/* A mixture of candidates must be one design. */
static int check_alike(const struct search *search, const struct point *point) {
    const struct ohm_job *job = search->study->job;
    const struct ohm_job_design *first = &job->designs[search->entry->place - 2], *entry = &job->designs[point->place - 2];
    if (!ohm_design_has(point->design, "squeeze"))
        return ohm_fail(OHM_E_USAGE, "%s: search.designs: '%s' has no option squeeze", job->path, point->entry);
    if (point->design != search->entry->design)
        return ohm_fail(OHM_E_USAGE, "%s: search.designs: '%s' is of design %s and '%s' of %s; name entries of one design", job->path,
                        search->entry->entry, search->entry->design->name, point->entry, point->design->name);
    for (int32_t o = 0; o < point->nlayer_option; o++)
        if (!of_single_layers(point->layer_options[o].key))
            return ohm_fail(OHM_E_USAGE, "%s: search.designs: '%s' gives layers other options than squeeze and window", job->path, point->entry);
    OHM_TRY(check_options(search, first, entry));
    return check_options(search, entry, first);
}

/* Entries of the job as they are, fitted weights included. */
static int plan_designs(struct search *search) {
    const struct ohm_job *job = search->study->job;
    const char *names[SEARCH_MOST_VALUES];
    int32_t count;
    if (job->search.squeeze || job->search.window || job->search.design)
        return ohm_fail(OHM_E_USAGE, "%s: search.designs goes without search.design, squeeze and window; leave these out", job->path);
    OHM_TRY(search_split(job, "designs", job->search.designs, names, &count));
    search->candidates = ohm_arena_array(job->arena, (size_t)count, sizeof *search->candidates);
    if (!search->candidates) return OHM_E_MEMORY;
    for (int32_t i = 0; i < count; i++) {
        struct candidate *candidate = &search->candidates[search->ncandidate++];
        OHM_TRY(study_find_design(search->study, "search.designs", names[i], &candidate->from));
        candidate->name = candidate->from->entry;
        if (i == 0) search->entry = candidate->from;
        OHM_TRY(check_alike(search, candidate->from));
    }
    return OHM_OK;
}

int search_plan(struct search *search) {
    const struct ohm_job *job = search->study->job;
    if (!job->search.samples)
        return ohm_fail(OHM_E_USAGE, "%s: the job has no section search; add one such as search: {squeeze: 0 1 2 3, output: layers.yml}", job->path);
    if (!job->search.squeeze && !job->search.designs)
        return ohm_fail(OHM_E_USAGE, "%s: search has neither squeeze nor designs; give values such as squeeze: 0 1 2 3", job->path);
    OHM_TRY(study_check_apart(job, "search.images", job->search.images ? job->search.first + job->search.images : 0));
    OHM_TRY(search_plan_budgets(search));
    return job->search.designs ? plan_designs(search) : plan_values(search);
}

/* The entry's layers, each with the candidate's options; the entry has them once the network is there. */
static int make_point(struct search *search, struct candidate *candidate) {
    struct ohm_design_setting *settings = ohm_arena_array(search->study->job->arena, (size_t)search->nlayer, sizeof *settings);
    candidate->point = *candidate->from;
    candidate->point.name = candidate->name;
    candidate->point.layer_settings = settings;
    if (!settings) return OHM_E_MEMORY;
    for (int32_t i = 0; i < search->nlayer; i++) {
        settings[i] = candidate->from->layer_settings[i];
        OHM_TRY(set_candidate(search, candidate, &settings[i]));
    }
    return OHM_OK;
}

/* A file of layers tells them apart by name. */
static int check_names(const struct ohm_intnet *intnet) {
    for (int32_t i = 0; i < intnet->nlayer; i++)
        for (int32_t j = 0; j < i; j++)
            if (!strcmp(intnet->layers[i].name, intnet->layers[j].name))
                return ohm_fail(OHM_E_UNSUPPORTED, "two layers of the network are named '%s'; a search needs a name for each",
                                intnet->layers[i].name);
    return OHM_OK;
}

static int prepare(struct search *search) {
    const struct study *study = search->study;
    struct ohm_arena *arena = study->job->arena;
    size_t all = (size_t)search->nlayer * (size_t)search->ncandidate;
    search->mixed.layers = ohm_arena_array(arena, (size_t)search->nlayer, sizeof *search->mixed.layers);
    search->crossbars = ohm_arena_array(arena, all, sizeof *search->crossbars);
    if (!search->mixed.layers || !search->crossbars) return OHM_E_MEMORY;
    OHM_TRY(check_names(study->content.intnet));
    for (int32_t k = 0; k < search->ncandidate; k++) OHM_TRY(make_point(search, &search->candidates[k]));
    return OHM_OK;
}

/* Room for the layers of all engines. */
static int make_batch(struct search *search) {
    const struct ohm_engine *engines[SEARCH_MOST_VALUES * SEARCH_MOST_VALUES + 1] = {search->exact};
    for (int32_t k = 0; k < search->ncandidate; k++) engines[k + 1] = search->candidates[k].engine;
    return ohm_batch_new_for(engines, search->ncandidate + 1, search->study->job->run.batch, &search->batch);
}

int search_build(struct search *search) {
    struct study *study = search->study;
    search->nlayer = study->content.intnet->nlayer;
    OHM_TRY(ohm_world_agree(&study->world, prepare(search)));
    OHM_TRY(point_engine(study, &study->points[1], &search->exact_shared, &search->exact));
    for (int32_t k = 0; k < search->ncandidate; k++) {
        struct candidate *candidate = &search->candidates[k];
        OHM_TRY(point_engine(study, &candidate->point, &candidate->shared, &candidate->engine));
        for (int32_t i = 0; i < search->nlayer; i++) search->crossbars[i * search->ncandidate + k] = candidate->engine->layers[i].store.crossbars;
    }
    return ohm_world_agree(&study->world, make_batch(search));
}

const struct ohm_engine *search_mix(struct search *search, const int32_t *choice) {
    struct ohm_engine_layer *layers = search->mixed.layers;
    search->mixed = *search->exact;
    search->mixed.layers = layers;
    for (int32_t i = 0; i < search->nlayer; i++) layers[i] = (choice[i] < 0 ? search->exact : search->candidates[choice[i]].engine)->layers[i];
    return &search->mixed;
}
