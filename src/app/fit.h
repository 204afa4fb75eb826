/* What the parts of `ohmtally fit` share, each in its file fit_<part>.c; command_fit.c runs them. */
#ifndef OHM_APP_FIT_H
#define OHM_APP_FIT_H
#include "app.h"
#include "ohmtally/cut.h"
#include "ohmtally/fit.h"

/* A network's activations on this rank's images, kept where a step of the network begins. */
struct kept {
    const struct ohm_engine *engine;
    int32_t step;          /* the values that steps from here on read are kept */
    unsigned char **state; /* [nimage] these values one after another */
};
struct fit {
    struct study *study;
    const struct point *entry; /* the design whose set the weights must lie in */
    struct ohm_fit_options options;
    const char *constraint; /* in words */

    struct ohm_image_set *images;
    int64_t total, first, nimage;               /* images of all ranks, this rank's: first .. first + nimage - 1 */
    bool *readable;                             /* [nimage] */
    struct ohm_engine *reference, mixed, **own; /* finely rounded; that with fitted layers, from own[layer] */
    struct kept wanted, held;                   /* activations of the two */
    struct ohm_fitted file;
    const char *partial; /* what there is of it meanwhile */
    double saved_s;      /* when that was written */
    int32_t resumed;     /* layers taken from there */
};

/* fit_plan.c: the design and the set, checked before the network is there. */
int fit_plan(struct fit *fit);
/* The set of one layer. */
int fit_uses(const struct fit *fit, int32_t layer, struct ohm_constraint_use uses[OHM_MOST_CONSTRAINTS], int32_t *nuse);
/* fit_kept.c */
void kept_load(const struct ohm_intnet *intnet, const struct kept *kept, int64_t image, const struct ohm_batch *batch, int32_t place);
int kept_save(const struct ohm_intnet *intnet, struct kept *kept, int32_t step, int64_t image, const struct ohm_batch *batch, int32_t place);
void kept_free(struct kept *kept, int64_t nimage);
/* The last step from kept->step to `step` at which so many bytes an image are enough; kept->step where there is none. */
int32_t kept_step(const struct ohm_intnet *intnet, const struct kept *kept, int32_t step, size_t bytes);
/* fit_sample.c: runs both networks to layer i and adds up its moments over this rank's images. */
int fit_sample(struct fit *fit, int32_t i, struct ohm_gram *gram, double *target_unit);
/* fit_network.c. Collective: opens the images, builds both networks. */
int fit_open(struct fit *fit);
int fit_set_layer(struct fit *fit, int32_t i); /* the fitted network's layer from fit->file */
/* fit_file.c: what decides the result in words and as a digest; layers that an earlier, unfinished fit of the same settings has left. Collective. */
int fit_resume(struct fit *fit);
/* Rank 0: writes what there is, from time to time, or under the final name in the end. */
int fit_save(struct fit *fit);
int fit_publish(struct fit *fit);
/* fit_check.c. Collective: top-1, agreement and error of the logits on fit.check images behind those of the fit. */
int fit_check(struct fit *fit);
void fit_close(struct fit *fit);

#endif
