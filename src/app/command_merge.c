/* ohmtally merge: results of shares of one job, joined. */
#include "app.h"
#include "ohmtally/status.h"
#include <stdio.h>

/* Shows the table; a merge that leaves points out says so and is no full success. */
static int show(const char *path) {
    struct ohm_report *report;
    OHM_TRY(ohm_report_read(path, &report));
    ohm_report_print(report, stdout);
    const int32_t missing = report->nplan - report->npoint, nfailed = report->nfailed;
    ohm_report_free(report);
    return missing > 0 ? ohm_fail(OHM_E_PARTIAL, "%s: %d of the job's points have no result here, %d of them failed", path, missing, nfailed)
                       : OHM_OK;
}

int command_merge(const struct ohm_world *world, const struct arguments *arguments) {
    int status = arguments->nword < 2
                     ? ohm_fail(OHM_E_USAGE, "merge needs a file to write and results to join: ohmtally merge OUT.h5 IN.h5 [IN.h5 ...]")
                     : OHM_OK;
    if (!status && world->rank == 0) {
        status = ohm_result_merge(arguments->words[0], arguments->words + 1, arguments->nword - 1);
        if (!status) status = show(arguments->words[0]);
    }
    return ohm_world_agree(world, status);
}
