#include "app.h"
#include "ohmtally/status.h"
#include <stdio.h>

int command_report(const struct ohm_world *world, const struct arguments *arguments) {
    if (!arguments->nword) return ohm_fail(OHM_E_USAGE, "report needs at least one result file");
    for (int i = 0; world->rank == 0 && i < arguments->nword; i++) {
        struct ohm_report *report;
        OHM_TRY(ohm_report_read(arguments->words[i], &report));
        if (i) puts("");
        if (arguments->why)
            ohm_report_why(report, stdout);
        else
            ohm_report_print(report, stdout);
        ohm_report_free(report);
    }
    return OHM_OK;
}
