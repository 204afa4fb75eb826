/* The steps of reading a job, each in its file job_<step>.c; job.c runs them. Internal to io. */
#ifndef OHM_IO_JOB_READER_H
#define OHM_IO_JOB_READER_H
#include "job_schema.h"
#include "yaml_tree.h"

struct ohm_job_reader {
    struct ohm_job *job;
    struct ohm_arena *arena;    /* the job's */
    struct ohm_yaml_node *root; /* the file with the overrides in place */
    struct ohm_job_used *used;  /* room for most_used; nused of the job are filled */
    int most_used;
};

/* Puts the value of "section.key=value" into the tree. */
int ohm_job_override(struct ohm_job_reader *reader, const char *assignment);
/* Gives every key of every section its value, and refuses unknown ones. */
int ohm_job_bind(struct ohm_job_reader *reader);
/* The list of designs. */
int ohm_job_bind_designs(struct ohm_job_reader *reader);
/* The lists of a sweep; behind the designs, whose names it uses. */
int ohm_job_bind_sweep(struct ohm_job_reader *reader);
/* Values that are right alone but not together. */
int ohm_job_check(const struct ohm_job_reader *reader);

/* Converts node (never NULL) into the field of key; label = "section.key" for messages. */
int ohm_job_value(struct ohm_job_reader *reader, const struct ohm_key *key, const char *label, const struct ohm_yaml_node *node, void *field);
/* The node at "section.subsection", or NULL. */
struct ohm_yaml_node *ohm_job_node(const struct ohm_job_reader *reader, const char *section);
int ohm_job_use(struct ohm_job_reader *reader, const char *key, const char *value);

#endif
