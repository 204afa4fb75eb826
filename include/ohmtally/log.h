/* Messages to a person, on standard error. Only the rank that called ohm_log_enable(true) speaks. Layer: base. */
#ifndef OHMTALLY_LOG_H
#define OHMTALLY_LOG_H
#include <stdbool.h>
#include <stdint.h>

void ohm_log_enable(bool speak);
void ohm_log(const char *format, ...) __attribute__((format(printf, 1, 2)));  /* one line of information */
void ohm_warn(const char *format, ...) __attribute__((format(printf, 1, 2))); /* the same with "warning: " in front, said once; main thread */

/* A progress line: redrawn in place on a terminal at most 5 times a second; in a log, one line every 30 seconds at most. */
struct ohm_progress {
    const char *what; /* e.g. "sme-x2" */
    int64_t total;
    double start_s, shown_s;
};
void ohm_progress_start(struct ohm_progress *progress, const char *what, int64_t total);
void ohm_progress_step(struct ohm_progress *progress, int64_t done); /* images finished so far: shows images/s and time left */
void ohm_progress_end(struct ohm_progress *progress, int64_t done);
double ohm_seconds(void); /* monotonic wall clock */

#endif
