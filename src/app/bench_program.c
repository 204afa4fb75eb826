/* How long a program takes on given inputs. */
#include "bench.h"
#include "ohmtally/status.h"
#include <stdlib.h>

struct work {
    const struct bench_program *what;
    uint8_t *y;
    void *scratch;
    struct ohm_tally tally;
};

static void run_program(void *context) {
    struct work *work = context;
    const struct bench_program *what = work->what;
    int32_t together = ohm_program_positions(what->program);
    size_t sum = ohm_program_narrow(what->program) ? sizeof(int32_t) : sizeof(int64_t);
    work->tally = (struct ohm_tally){0};
    for (int32_t p = 0; p < what->npos; p += together)
        ohm_program_multiply(what->program, what->npos - p < together ? what->npos - p : together, what->x + (size_t)p * what->vector,
                             work->y + (size_t)p * what->outputs * sum, work->scratch, &work->tally);
}

int bench_program(const struct bench_program *what, double least, double *seconds, struct ohm_tally *tally) {
    struct work work = {.what = what, .y = ohm_alloc_array((size_t)what->npos * what->outputs, sizeof(int64_t))};
    work.scratch = ohm_alloc(ohm_program_scratch(what->program, ohm_program_positions(what->program)));
    int status = work.y && work.scratch ? OHM_OK : OHM_E_MEMORY;
    if (!status) *seconds = bench_time(run_program, &work, least);
    if (!status && tally) *tally = work.tally;
    free(work.y);
    free(work.scratch);
    return status;
}
