/* What the steps of `ohmtally search` share, each in its file search_<step>.c; command_search.c runs them. */
#ifndef OHM_APP_SEARCH_H
#define OHM_APP_SEARCH_H
#include "app.h"
#include "ohmtally/frontier.h"
#include <stdio.h>

#define SEARCH_MOST_VALUES 32 /* of a list of the job */

/* Options, and fitted weights where there are any, that any layer may take. Its engine has them in every layer; those of single layers are picked
 * from the candidates' engines. */
struct candidate {
    const struct point *from;     /* the design's entry */
    const char *squeeze, *window; /* NULL: what the entry says */
    const char *name;             /* "squeeze=2 window=3", or the entry's */
    struct point point;
    struct ohm_engine *engine;
    struct ohm_shared shared;
};

/* A network measured on the images of the search: float, integer, or on crossbars with a candidate for each layer. */
struct trial {
    const char *name;
    const int32_t *choice; /* [nlayer] candidates; NULL: float or integer */
    int32_t nmove;         /* moves along the frontier; -1: not on it */
    int64_t crossbars;
    double sensitivity; /* predicted: sum over layers */
    int64_t hits;       /* images of the true class */
    int64_t agreed;     /* images of the float network's class */
};

/* The layers that do the least predicted harm with so many crossbars. */
struct budget {
    int64_t crossbars;
    int32_t nmove; /* along the frontier */
    const struct trial *trial;
};

struct search {
    struct study *study;
    const struct point *entry; /* the design searched; of several candidates' entries, the first */
    struct candidate *candidates;
    int32_t ncandidate, nlayer, nclass;
    struct ohm_engine *exact;
    struct ohm_shared exact_shared;
    struct ohm_engine mixed; /* layers picked from exact and the candidates */
    struct ohm_batch *batch; /* for any of them */

    struct ohm_image_set *images; /* as quantize.calibration, search.images of them */
    struct loader loader;
    bool labelled;            /* true classes are the labels; else the float network's */
    int64_t first, end;       /* this rank's images */
    int32_t *float_best;      /* [end - first] class; -1: the image is corrupt */
    int64_t readable, scored; /* images of all ranks: not corrupt; of these with a true class */
    float **outputs;          /* [run.batch] */
    int64_t samples;          /* images of the sensitivities */
    int64_t *crossbars;       /* [nlayer][ncandidate] */
    double *sensitivity;      /* [nlayer][ncandidate] */
    struct ohm_frontier frontier;

    struct trial *trials; /* float, integer, each candidate in all layers, then along the frontier */
    int32_t ntrial;
    const struct trial *reference, *chosen; /* the first candidate in all layers: losses are against it */
    struct budget *budgets;                 /* of search.crossbars */
    int32_t nbudget;
};
#define SEARCH_FLOAT 0 /* places in trials */
#define SEARCH_INTEGER 1
#define SEARCH_UNIFORM 2

/* Before the network is there: the design and its candidates. */
int search_plan(struct search *search);
/* The values of a list such as "0 1 2", at most SEARCH_MOST_VALUES; refuses none, more, and twice the same. */
int search_split(const struct ohm_job *job, const char *key, const char *text, const char *values[SEARCH_MOST_VALUES], int32_t *count);
/* search_budgets.c: the numbers of crossbars asked for; whether layers can do with them; collective: tries the point of the frontier for each; which
 * of the trials these are, once they have their places. */
int search_plan_budgets(struct search *search);
int search_check_budgets(const struct search *search);
int search_try_budgets(struct search *search, int32_t *choice);
void search_find_budgets(struct search *search);
/* Collective: the candidates' engines and the exact one; crossbars of each layer. */
int search_build(struct search *search);
/* An engine with candidate choice[i] in layer i, exact where it is -1; good until the next call. */
const struct ohm_engine *search_mix(struct search *search, const int32_t *choice);
/* Collective: opens the images; afterwards the float network has been tried. */
int search_open_images(struct search *search);
/* Collective: the frontier's point after nmove moves as a trial, tried once. choice: room. */
int search_try_moves(struct search *search, int32_t nmove, int32_t *choice, const struct trial **trial);
int64_t search_crossbars(const struct search *search, const int32_t *choice);
/* Collective: adds a trial, measured unless the same choice was before; choice is copied. */
int search_try(struct search *search, const char *name, const int32_t *choice, int32_t nmove, const struct trial **trial);
/* Collective: how much each candidate alone in each layer changes the logits. */
int search_sensitivities(struct search *search);
/* Collective: tries uniform candidates and points of the frontier, and chooses. */
int search_choose(struct search *search);
double search_loss(const struct search *search, const struct trial *trial); /* points of top-1 against the reference */
void search_close(struct search *search);

#define SEARCH_MOST_FILES (2 + SEARCH_MOST_VALUES)
/* What is written, on rank 0: made before the work under other names, there in the end or not at all. */
struct search_files {
    char *path[SEARCH_MOST_FILES], *partial[SEARCH_MOST_FILES]; /* layers, frontier, then the layers of each budget */
    FILE *file[SEARCH_MOST_FILES];
};
int search_files_open(const struct search *search, struct search_files *files);
int search_files_write(const struct search *search, struct search_files *files);
void search_files_close(struct search_files *files); /* removes what is not finished */
void search_print(const struct search *search);

#endif
