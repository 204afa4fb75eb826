/* What a search leaves behind: the file of layers, the frontier as CSV, a table. */
#include "ohmtally/status.h"
#include "search.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int open_file(const struct ohm_job *job, struct search_files *files, int which, const char *stem, int length, const char *end) {
    if (asprintf(&files->path[which], "%.*s%s", length, stem, end) < 0 ||
        asprintf(&files->partial[which], "%s.partial-%ld", files->path[which], (long)getpid()) < 0)
        return ohm_fail(OHM_E_MEMORY, "out of memory");
    if (!job->run.overwrite && !access(files->path[which], F_OK))
        return ohm_fail(OHM_E_USAGE, "%s exists and run.overwrite is off; remove it or choose another search.output", files->path[which]);
    files->file[which] = fopen(files->partial[which], "w");
    if (files->file[which]) return OHM_OK;
    return ohm_fail(OHM_E_IO, "cannot write %s: %s; choose another search.output", files->path[which], strerror(errno));
}

/* The frontier and the budgets' layers are called after the file of layers. */
static int open_beside(const struct search *search, struct search_files *files, int length) {
    const struct ohm_job *job = search->study->job;
    char end[32];
    OHM_TRY(open_file(job, files, 1, job->search.output, length, ".csv"));
    for (int32_t b = 0; b < search->nbudget; b++) {
        snprintf(end, sizeof end, "-%lld.yml", (long long)search->budgets[b].crossbars);
        OHM_TRY(open_file(job, files, 2 + b, job->search.output, length, end));
    }
    return OHM_OK;
}

int search_files_open(const struct search *search, struct search_files *files) {
    const struct ohm_job *job = search->study->job;
    const char *path = job->search.output;
    if (!path) return ohm_fail(OHM_E_USAGE, "%s: search.output is not set: where should the layers go?", job->path);
    const char *slash = strrchr(path, '/'), *dot = strrchr(slash ? slash : path, '.');
    if (dot && !strcmp(dot, ".csv"))
        return ohm_fail(OHM_E_USAGE, "%s: search.output %s is the file of layers; give it a name that ends with .yml", job->path, path);
    OHM_TRY(open_file(job, files, 0, path, (int)strlen(path), ""));
    return open_beside(search, files, dot ? (int)(dot - path) : (int)strlen(path));
}

void search_files_close(struct search_files *files) {
    for (int i = 0; i < SEARCH_MOST_FILES; i++) {
        if (files->file[i]) {
            fclose(files->file[i]);
            unlink(files->partial[i]);
        }
        free(files->path[i]);
        free(files->partial[i]);
    }
}

static int publish(struct search_files *files, int which) {
    bool good = !fflush(files->file[which]) && !ferror(files->file[which]) && !fsync(fileno(files->file[which]));
    if (!good || rename(files->partial[which], files->path[which]))
        return ohm_fail(OHM_E_IO, "cannot write %s: %s", files->path[which], strerror(errno));
    fclose(files->file[which]);
    files->file[which] = NULL;
    return OHM_OK;
}

static const char *truth_text(const struct search *search) {
    return search->labelled ? "label" : "float"; /* what a class is compared with */
}

static double percent(const struct search *search, int64_t hits) {
    return 100.0 * (double)hits / (double)search->scored;
}

static void write_head(const struct search *search, const struct trial *trial, const char *allowed, FILE *file) {
    const struct ohm_job *job = search->study->job;
    const struct trial *reference = search->reference;
    fprintf(file, "# Options of single layers of design %s, found by `ohmtally search` for %s; the design's entry names this file: layers: <file>\n",
            search->entry->entry, job->network.file);
    fprintf(file, "# %lld crossbars, %.4f of the %lld with %s in every layer.\n", (long long)trial->crossbars,
            (double)trial->crossbars / (double)reference->crossbars, (long long)reference->crossbars, reference->name);
    fprintf(file, "# top-1 %.3f %% of %lld %s; loss %.3f points against %s in every layer (budget: %s); integer %.3f %%, float %.3f %%.\n",
            percent(search, trial->hits), (long long)search->scored,
            search->labelled ? "labelled calibration images" : "calibration images, the float network's classes as labels",
            search_loss(search, trial), reference->name, allowed, percent(search, search->trials[SEARCH_INTEGER].hits),
            percent(search, search->trials[SEARCH_FLOAT].hits));
    fprintf(file, "# The choice was made on these images: on others the loss can be larger. Sensitivities from %lld of them.\n",
            (long long)search->samples);
    if (job->search.designs) fputs("# Weights were those fitted for each choice in all layers: fit them again for this mixture.\n", file);
}

/* Single quotes: the only character to be doubled in them is their own. */
static void write_name(FILE *file, const char *name) {
    fputs("  '", file);
    for (; *name; name++) fputs(*name == '\'' ? "''" : (char[]){*name, 0}, file);
    fputs("': {", file);
}

static void write_layer(const struct search *search, const struct trial *trial, int32_t i, FILE *file) {
    const struct point *entry = search->entry;
    const struct ohm_design_setting *setting = &search->candidates[trial->choice[i]].point.layer_settings[i];
    const char *name = search->study->content.intnet->layers[i].name;
    write_name(file, name);
    fprintf(file, "squeeze: %lld", (long long)ohm_design_value(entry->design, setting, "squeeze"));
    if (ohm_design_has(entry->design, "window")) fprintf(file, ", window: %lld", (long long)ohm_design_value(entry->design, setting, "window"));
    for (int32_t o = 0; o < entry->nlayer_option; o++) { /* what the entry's own file of layers says beside */
        const struct ohm_layer_option *option = &entry->layer_options[o];
        if (!strcmp(option->layer, name) && strcmp(option->key, "squeeze") && strcmp(option->key, "window"))
            fprintf(file, ", %s: %s", option->key, option->value);
    }
    fputs("}\n", file);
}

static void write_layers(const struct search *search, const struct trial *trial, const char *allowed, FILE *file) {
    write_head(search, trial, allowed, file);
    fputs("layers:\n", file);
    for (int32_t i = 0; i < search->nlayer; i++) write_layer(search, trial, i, file);
}

/* Shares are fractions; the loss is in points of top-1. Figures of crossbars are empty where there are none. */
static void write_frontier(const struct search *search, FILE *file) {
    fputs("what,crossbars,crossbars_relative,sensitivity,truth,images,top1,top1_low,top1_high,agreement,loss_points,chosen\n", file);
    for (int32_t t = 0; t < search->ntrial; t++) {
        const struct trial *trial = &search->trials[t];
        double low, high;
        ohm_wilson(trial->hits, search->scored, &low, &high);
        fprintf(file, "%s,", trial->name);
        if (trial->choice)
            fprintf(file, "%lld,%.6f,%.9e", (long long)trial->crossbars, (double)trial->crossbars / (double)search->reference->crossbars,
                    trial->sensitivity);
        else
            fputs(",,", file);
        fprintf(file, ",%s,%lld,%.6f,%.6f,%.6f,%.6f,%.4f,%d\n", truth_text(search), (long long)search->scored,
                (double)trial->hits / (double)search->scored, low, high, (double)trial->agreed / (double)search->readable, search_loss(search, trial),
                trial == search->chosen);
    }
}

int search_files_write(const struct search *search, struct search_files *files) {
    char allowed[48];
    snprintf(allowed, sizeof allowed, "%g", search->study->job->search.loss);
    write_layers(search, search->chosen, allowed, files->file[0]);
    write_frontier(search, files->file[1]);
    for (int32_t b = 0; b < search->nbudget; b++) {
        snprintf(allowed, sizeof allowed, "%lld crossbars", (long long)search->budgets[b].crossbars);
        write_layers(search, search->budgets[b].trial, allowed, files->file[2 + b]);
        OHM_TRY(publish(files, 2 + b));
    }
    OHM_TRY(publish(files, 1));
    return publish(files, 0); /* last: it says that the search has ended */
}

static void print_row(const struct search *search, const struct trial *trial) {
    char interval[32];
    double low, high;
    ohm_wilson(trial->hits, search->scored, &low, &high);
    snprintf(interval, sizeof interval, "[%.1f, %.1f]", 100 * low, 100 * high);
    printf("%-22s  %6.2f %14s %7.2f %7.2f", trial->name, percent(search, trial->hits), interval, search_loss(search, trial),
           100.0 * (double)trial->agreed / (double)search->readable);
    if (trial->choice)
        printf("  %9lld %6.4f  %11.4e", (long long)trial->crossbars, (double)trial->crossbars / (double)search->reference->crossbars,
               trial->sensitivity);
    for (int32_t b = 0; b < search->nbudget; b++)
        if (search->budgets[b].trial == trial) printf("  within %lld", (long long)search->budgets[b].crossbars);
    puts(trial == search->chosen ? "  chosen" : "");
}

void search_print(const struct search *search) {
    printf("%-22s  %21s %7s %7s  %9s %6s  %11s\n", "point", "top-1 [95 % interval]", "loss", "agree", "crossbars", "ratio", "sensitivity");
    printf("%-22s  %21s %7s %7s  %9s %6s  %11s\n", "", search->labelled ? "% of labelled images" : "% of images", "points", "float %", "1", "",
           "predicted");
    for (int32_t t = 0; t < search->ntrial; t++) print_row(search, &search->trials[t]);
    printf("loss, ratio: against %s in every layer; budget %g points on %lld calibration images\n", search->reference->name,
           search->study->job->search.loss, (long long)search->scored);
    if (!search->labelled) puts("these images have no labels: top-1 is agreement with the float network's class");
    puts("top-1 need not fall steadily along the frontier: chosen are the fewest crossbars seen within the budget");
}
