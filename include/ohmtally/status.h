/* Errors are values: every function that can fail returns an enum ohm_status (0 is success) and leaves one line that says
 * what went wrong, where, and what to do. The first failure since the last clear is kept; later ones (its consequences) are not.
 * The line is per thread. Only main() prints it, after the ranks have agreed (parallel.h). Layer: base. */
#ifndef OHMTALLY_STATUS_H
#define OHMTALLY_STATUS_H

/* name, process exit code, meaning */
#define OHM_STATUS_LIST(X)                                                                                                                           \
    X(OHM_OK, 0, "success")                                                                                                                          \
    X(OHM_E_USAGE, 2, "wrong command line or job file")                                                                                              \
    X(OHM_E_INPUT, 3, "an input file (network, images, labels) is wrong")                                                                            \
    X(OHM_E_IO, 4, "a file could not be read or written")                                                                                            \
    X(OHM_E_MEMORY, 5, "out of memory")                                                                                                              \
    X(OHM_E_UNSUPPORTED, 6, "valid input that this program does not cover")                                                                          \
    X(OHM_E_INTERNAL, 7, "a broken invariant: a bug in ohmtally")                                                                                    \
    X(OHM_E_PARTIAL, 8, "some points have no result; all others do")                                                                                 \
    X(OHM_STOPPED, 85, "stopped on request with what is finished kept: run again to go on (SLURM's RequeueExit)")

enum ohm_status {
#define X(name, code, about) name = code,
    OHM_STATUS_LIST(X)
#undef X
};

/* Records "text" (printf style, no newline) as this thread's first failure and returns status. */
int ohm_fail(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The recorded line, "" when there is none. Valid until the next clear on this thread. */
const char *ohm_fail_text(void);
int ohm_fail_status(void);
void ohm_fail_clear(void);

/* Carries a failure from a worker thread to the thread that started it. */
struct ohm_failure {
    int status; /* OHM_OK: none */
    char text[1024];
};
/* Moves this thread's failure (if any) into *failure, unless *failure already holds one; clears the thread's. Not itself thread-safe. */
void ohm_fail_take(struct ohm_failure *failure);
/* Records *failure as this thread's; returns its status. */
int ohm_fail_give(const struct ohm_failure *failure);

#define OHM_TRY(call)                                                                                                                                \
    do {                                                                                                                                             \
        int ohm_try_status_ = (call);                                                                                                                \
        if (ohm_try_status_) return ohm_try_status_;                                                                                                 \
    } while (0)

#endif
