/* The points of a job with a sweep: every combination's, those that are the same once, in the order in which networks are loaded. */
#include "sweep.h"
#include "ohmtally/log.h"
#include "ohmtally/result.h"
#include "ohmtally/status.h"
#include "ohmtally/text.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_NAME 200 /* characters */

static const struct ohm_job *job_of(const struct sweep *sweep) {
    return sweep->base->job;
}

/* Whether the network itself, and not only what it is mapped onto, depends on a key. */
static bool of_network(const struct ohm_job_axis *axis) {
    return !strncmp(axis->key, "quantize.", strlen("quantize."));
}

/* Whether a design's entry says itself what the key would say for all: adc_bits for adc.bits, stuck_on for device.stuck_on. */
static bool overridden(struct ohm_arena *arena, const struct ohm_job_axis *axis, const struct ohm_job_design *entry) {
    const char *own = NULL;
    if (!strncmp(axis->key, "adc.", 4)) own = ohm_arena_format(arena, "adc_%s", axis->key + 4);
    if (!strncmp(axis->key, "device.", 7)) own = axis->key + 7;
    if (!strcmp(axis->key, "quantize.weight_bits")) own = "weight_bits";
    for (int32_t k = 0; own && k < entry->noption; k++)
        if (!strcmp(entry->options[k].key, own)) return true;
    return false;
}

/* place: of a point's entry. Network and images are not swept. */
static bool applies(const struct ohm_job *job, const struct ohm_job_axis *axis, int32_t place) {
    if (place == 0) return false;
    if (place == 1) return of_network(axis);
    return axis->design < 0 ? !overridden(job->arena, axis, &job->designs[place - 2]) : axis->design == place - 2;
}

static const char *value_of(const struct ohm_job *job, int32_t combination, int32_t axis) {
    return job->sweep.axes[axis].values[ohm_job_sweep_value(job, combination, axis)];
}

/* The combination's values of what the loaded network depends on, as one number. */
static int64_t group_of(const struct ohm_job *job, int32_t combination) {
    int64_t group = 0;
    for (int32_t i = 0; i < job->sweep.naxis; i++)
        if (of_network(&job->sweep.axes[i])) group = group * job->sweep.axes[i].nvalue + ohm_job_sweep_value(job, combination, i);
    return group;
}

static char *clean(char *name) {
    for (char *c = name; c && *c; c++)
        if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') || strchr("._+=-", *c))) *c = '_';
    return name;
}

/* found: the point with this place in the combination's list. Chips differ by the end of their name. */
static int name_point(const struct sweep *sweep, int32_t combination, int32_t index, const struct point *found, struct sweep_point *point) {
    const struct ohm_job *job = job_of(sweep);
    char *entry = ohm_arena_string(job->arena, found->place < 2 ? found->name : job->designs[found->place - 2].name);
    const char *swept = "";
    for (int32_t i = 0; entry && swept && i < job->sweep.naxis; i++) {
        const struct ohm_job_axis *axis = &job->sweep.axes[i];
        const char *value = value_of(job, combination, i);
        if (!applies(job, axis, found->place)) continue;
        entry = ohm_arena_format(job->arena, "%s-%s=%s", entry, axis->option, value);
        swept = ohm_arena_format(job->arena, "%s%s%s=%s", swept, *swept ? " " : "", axis->option, value);
    }
    const char *name = clean(entry);
    if (name && found->chips > 1) name = ohm_arena_format(job->arena, "%s.chip%d", entry, (int)found->noise.trial);
    *point = (struct sweep_point){.name = name, .entry = entry, .swept = swept, .combination = combination, .place = index};
    if (!name || !swept) return OHM_E_MEMORY;
    return strlen(name) <= MOST_NAME
               ? OHM_OK
               : ohm_fail(OHM_E_USAGE, "%s: a point of the sweep would be called %.60s...; give designs a short 'name'", job->path, name);
}

static bool known(const struct sweep *sweep, const char *name) {
    for (int32_t k = 0; k < sweep->npoint; k++)
        if (!strcmp(sweep->points[k].name, name)) return true;
    return false;
}

/* The command line with a combination's values behind it. */
static int vary(const struct sweep *sweep, int32_t combination, struct arguments *varied) {
    const struct ohm_job *job = job_of(sweep);
    const char **set = ohm_arena_array(job->arena, (size_t)(sweep->given->nset + job->sweep.naxis + 1), sizeof *set);
    *varied = *sweep->given;
    if (!set) return OHM_E_MEMORY;
    memcpy(set, sweep->given->set, (size_t)sweep->given->nset * sizeof *set);
    varied->set = set;
    varied->sweeping = job->sweep.naxis > 0;
    if (!job->sweep.naxis) return OHM_OK;
    set[varied->nset++] = "sweep=none"; /* names made from options change with them, and the sweep has been read */
    for (int32_t i = 0; i < job->sweep.naxis; i++) {
        const char *assignment = ohm_arena_format(job->arena, "%s=%s", job->sweep.axes[i].key, value_of(job, combination, i));
        if (!assignment) return OHM_E_MEMORY;
        set[varied->nset++] = assignment;
    }
    return OHM_OK;
}

/* The points of one combination that no other has. */
static int add_combination(struct sweep *sweep, int32_t combination) {
    struct study study = {0};
    struct arguments varied;
    OHM_TRY(vary(sweep, combination, &varied));
    int status = study_parse(&study, &varied, sweep->base->job_text, sweep->base->job_size);
    for (int32_t place = 0; !status && place < study.npoint; place++) {
        struct sweep_point point;
        status = name_point(sweep, combination, place, &study.points[place], &point);
        if (status || known(sweep, point.name)) continue;
        if (sweep->npoint == OHM_MANY_POINTS)
            status = ohm_fail(OHM_E_UNSUPPORTED, "%s: the sweep has more than %d points; split the job", job_of(sweep)->path, OHM_MANY_POINTS);
        if (!status && study.points[place].failed && !(point.failed = ohm_arena_string(job_of(sweep)->arena, study.points[place].failed)))
            status = OHM_E_MEMORY;
        if (!status) sweep->points[sweep->npoint++] = point;
    }
    study_close(&study);
    return status;
}

/* "k/n" */
static int read_task(const char *task, int32_t *k, int32_t *n) {
    char *slash = NULL, *end = NULL;
    long first = task ? strtol(task, &slash, 10) : 1, second = slash && *slash == '/' ? strtol(slash + 1, &end, 10) : 1;
    *k = (int32_t)first;
    *n = (int32_t)second;
    if (!task) return OHM_OK;
    if (slash != task && end && end != slash + 1 && !*end && first >= 1 && first <= second && second <= OHM_MANY_POINTS) return OHM_OK;
    return ohm_fail(OHM_E_USAGE, "--task %s: must be k/n with k from 1 to n, such as --task 3/8", task);
}

int sweep_plan(struct sweep *sweep, const struct study *base, const struct arguments *arguments, const char *task) {
    const struct ohm_job *job = base->job;
    const int32_t ncombination = job->sweep.ncombination;
    int32_t k, n;
    *sweep = (struct sweep){.base = base, .given = arguments};
    sweep->points = ohm_arena_array(job->arena, OHM_MANY_POINTS, sizeof *sweep->points);
    bool *added = ohm_arena_array(job->arena, (size_t)ncombination, sizeof *added);
    if (!sweep->points || !added) return OHM_E_MEMORY;
    OHM_TRY(read_task(task, &k, &n));
    for (int32_t c = 0; c < ncombination; c++)
        for (int32_t other = c; !added[c] && other < ncombination; other++) {
            if (group_of(job, other) != group_of(job, c)) continue;
            OHM_TRY(add_combination(sweep, other));
            if (other > c) added[other] = true; /* c leads its group and needs no mark */
        }
    sweep->first = (int32_t)ohm_partition_first(sweep->npoint, n, k - 1);
    sweep->end = (int32_t)ohm_partition_first(sweep->npoint, n, k);
    if (job->sweep.naxis) ohm_log("sweep: %d combinations, %d different points%s", ncombination, sweep->npoint, task ? "" : ", all in this run");
    if (task) ohm_log("task %s: points %d to %d of %d", task, sweep->first + 1, sweep->end, sweep->npoint);
    return OHM_OK;
}

int sweep_output(const struct sweep *sweep, const char *task, const char **output) {
    const struct ohm_job *job = job_of(sweep);
    int32_t k, n;
    *output = job->run.output;
    if (!task || !*output) return OHM_OK;
    OHM_TRY(read_task(task, &k, &n));
    const char *end = strrchr(*output, '.');
    if (!end || strcmp(end, ".h5")) end = *output + strlen(*output);
    *output = ohm_arena_format(job->arena, "%.*s.%d-of-%d%s", (int)(end - *output), *output, k, n, end);
    return *output ? OHM_OK : OHM_E_MEMORY;
}

/* Names of the sweep, and places in its list, to the points of a combination's job. */
static void number_points(const struct sweep *sweep, int32_t combination, struct study *study) {
    for (int32_t k = 0; k < sweep->npoint; k++) {
        if (sweep->points[k].combination != combination) continue;
        struct point *point = &study->points[sweep->points[k].place];
        point->name = sweep->points[k].name;
        point->entry = sweep->points[k].entry;
        point->swept = sweep->points[k].swept;
        point->index = k;
    }
}

int sweep_enter(const struct sweep *sweep, int32_t combination, struct study *study, int32_t *entered) {
    const struct ohm_job *job = job_of(sweep);
    struct study next = {.world = sweep->base->world, .threads = sweep->base->threads, .keeping = sweep->base->keeping};
    struct arguments varied;
    if (combination == *entered) return OHM_OK;
    int status = vary(sweep, combination, &varied);
    if (!status) status = study_parse(&next, &varied, sweep->base->job_text, sweep->base->job_size);
    status = ohm_world_agree(&sweep->base->world, status);
    if (!status) {
        number_points(sweep, combination, &next);
        if (*entered >= 0 && group_of(job, *entered) == group_of(job, combination)) {
            study_take_loaded(&next, study);
            status = study_fit_points(&next);
        } else {
            study_close(study); /* first, so that there are never two networks */
            *study = (struct study){0};
            status = study_load(&next, true);
        }
    }
    study_close(study);
    *study = next;
    *entered = combination;
    return status;
}

int32_t sweep_failures(const struct sweep *sweep) {
    int32_t count = 0;
    for (int32_t k = sweep->first; k < sweep->end; k++) count += sweep->points[k].failed != NULL;
    return count;
}
