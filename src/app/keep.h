/* How a run survives: work in units that any rank may take, finished units kept in a journal, an agreed stop on a signal. */
#ifndef OHM_APP_KEEP_H
#define OHM_APP_KEEP_H
#include "app.h"
#include "ohmtally/journal.h"

/* shares.c: the images of a point that are still to be done, in units that the ranks claim one after another. Which rank takes a unit, and how long
 * units are, changes no result. */
struct unit {
    int64_t first;
    int32_t n;
    int64_t before; /* images in the units before it */
};
struct shares {
    struct ohm_claims *claims;
    struct unit *units; /* [nunit], the same on all ranks */
    int64_t nunit, images;
};
/* Collective. done [count] on rank 0: images that need no work (NULL: none); room: images this rank takes at once at most. */
int shares_open(struct shares *shares, const struct ohm_world *world, const uint8_t *done, int64_t count, int32_t room);
const struct unit *shares_next(struct shares *shares); /* NULL: all taken */
void shares_close(struct shares *shares);              /* collective; fine after a failed open on all ranks */
/* The units of a list of images for so many ranks: whole rooms at first, shorter towards the end so that ranks end together. malloc'ed. */
int shares_cut(const uint8_t *done, int64_t count, int32_t room, int ranks, struct unit **units, int64_t *nunit);

/* stop.c: from stop_watch on, SIGUSR1 and SIGTERM ask for a stop and do nothing else. */
void stop_watch(void);
int stop_status(void); /* OHM_OK, or OHM_STOPPED with its line once a signal has come */

/* identity.c: everything that decides a result, as lines "key = value": what the job says, hashes of its inputs, the program. Rank 0. loaded: a study
 * of the job, or of one combination of its sweep, with network and images. */
int identity_text(const struct ohm_job *job, const struct study *loaded, struct ohm_arena *arena, const char **text);
/* The first difference in words; NULL: none. */
const char *identity_difference(struct ohm_arena *arena, const char *before, const char *now);

/* keep_folder.c: the folder <output>.journal of a run. Rank 0 alone:
 *   job              the identity
 *   lock             held while a run writes here
 *   rank-<r>-<k>     journal of rank r of the k-th run
 *   point-<p>.h5     point p, finished */
struct keep_folder {
    char *path;
    int lock;        /* descriptor; negative: not held */
    char *identity;  /* of what is there; NULL: nothing */
    char **journals; /* paths of rank-* */
    int32_t njournal;
    int32_t run; /* the next k */
};
int keep_folder_look(const char *output, struct keep_folder *folder);   /* locks and lists what is there, if anything */
int keep_folder_make(struct keep_folder *folder, const char *identity); /* makes it, or empties it, for a run of this identity */
void keep_folder_remove(struct keep_folder *folder);
void keep_folder_close(struct keep_folder *folder);
int keep_folder_file(const char *path, const char *name, char **file); /* <path>/<name>, malloc'ed */

/* keep.c: what earlier runs of the job finished, and the journal of this one. */
enum kept_point { POINT_OPEN, POINT_IN_JOURNAL, POINT_IN_OUTPUT };
struct kept {
    int32_t journal;
    struct ohm_journal_entry entry;
};
struct keeping {
    struct ohm_world world;
    const struct ohm_job *job;
    const char *output;
    const char *const *names; /* [npoint]: of all points */
    int32_t npoint;
    struct keep_folder folder; /* rank 0 */
    struct kept *kept;         /* rank 0: [nkept] batches */
    int64_t nkept, kept_room;
    bool begun;                  /* rank 0: the folder is ours */
    uint8_t *points;             /* [npoint]: enum kept_point */
    struct ohm_journal *journal; /* this rank's */
    int64_t appended;
};
/* Collective, before anything takes time: refuses what stands in the way. keeping: world, job, output, names and npoint filled in. */
int keeping_look(struct keeping *keeping);
/* Collective, when network and images are there: takes over what was finished, or refuses to; begins the journal. identity: on rank 0. */
int keeping_begin(struct keeping *keeping, const char *identity);
/* Collective. status: the run's. After a success the journal is gone; otherwise it stays if there is anything in it. */
int keeping_end(struct keeping *keeping, int status);

/* Not collective: this rank has finished a batch. */
int keeping_add(struct keeping *keeping, const struct ohm_journal_batch *batch);
/* Rank 0: the rows of a point's (and trial's) images that are finished into rows [count], done [count] set to 1 for them, tally [nlayer] raised. */
int keeping_load(const struct keeping *keeping, int32_t point, int32_t trial, int64_t count, struct ohm_image_row *rows, uint8_t *done,
                 struct ohm_tally *tally, int32_t nlayer);
/* Rank 0: a finished point to and from its file. */
int keeping_save_point(const struct keeping *keeping, int32_t point, const struct ohm_result *result);
int keeping_take_point(const struct keeping *keeping, int32_t point, struct ohm_result *result);

#endif
