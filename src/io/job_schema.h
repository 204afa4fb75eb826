/* The schema: which sections and keys a job has, what values they take, and where the values go. Internal to io. */
#ifndef OHM_IO_JOB_SCHEMA_H
#define OHM_IO_JOB_SCHEMA_H
#include "ohmtally/job.h"

/* name, type of the field, value in a job */
#define OHM_KEY_LIST(X)                                                                                                                              \
    X(OHM_KEY_INT32, int32_t, "a whole number")                                                                                                      \
    X(OHM_KEY_INT64, int64_t, "a whole number")                                                                                                      \
    X(OHM_KEY_DOUBLE, double, "a number")                                                                                                            \
    X(OHM_KEY_FLOAT, float, "a number")                                                                                                              \
    X(OHM_KEY_FLOAT3, float[3], "a number or a list of 3 numbers")                                                                                   \
    X(OHM_KEY_SIZE, int32_t[2], "a whole number or [height, width]")                                                                                 \
    X(OHM_KEY_GRID, int32_t[2], "groups x stages as in 4x2, each")                                                                                   \
    X(OHM_KEY_TEXT, char *, "text")                                                                                                                  \
    X(OHM_KEY_INPUT, char *, "a path")                                                                                                               \
    X(OHM_KEY_WORD_INT, int, "one of")                                                                                                               \
    X(OHM_KEY_WORD_BOOL, bool, "one of")                                                                                                             \
    X(OHM_KEY_WORD_TEXT, char *, "one of")
enum ohm_key_kind {
#define X(name, type, text) name,
    OHM_KEY_LIST(X)
#undef X
};

struct ohm_word {
    const char *word; /* NULL ends a list */
    int value;
};

struct ohm_key {
    const char *name;
    enum ohm_key_kind kind;
    size_t offset;                /* of the field in its section's structure */
    const char *fallback;         /* value when not given; NULL: the key is required; "none": it may be absent */
    double least, most;           /* of numbers */
    const struct ohm_word *words; /* the choices; for numbers, words allowed beside them */
    const char *about, *example;  /* example: value in the example job, NULL: the fallback */
    bool inherited;               /* not given: taken from the same key of the section inherited from, given or default there */
};

struct ohm_section {
    const char *name; /* "quantize.calibration" stands inside quantize */
    size_t offset;    /* of its structure in struct ohm_job */
    const struct ohm_key *keys;
    int nkey;
    bool optional;        /* absent: its keys get no value at all; else defaults apply */
    const char *inherits; /* section for inherited keys */
    const char *about;
};
extern const struct ohm_section ohm_job_sections[];
extern const int ohm_job_nsection;
#define OHM_JOB_DESIGNS "designs" /* the one section that is a list and whose keys belong to the designs */
#define OHM_JOB_SWEEP "sweep"     /* its keys are those of other sections */

/* What a key takes, in words: "a whole number 2..16", "one of rgb, bgr, grey". NULL when out of memory. */
const char *ohm_key_expects(struct ohm_arena *arena, const struct ohm_key *key);

#endif
