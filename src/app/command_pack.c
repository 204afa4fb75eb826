#include "app.h"
#include "ohmtally/log.h"
#include "ohmtally/status.h"
#include <string.h>

static int pack(const struct ohm_image_options *options, const char *out) {
    struct ohm_image_set *set;
    int64_t corrupt = 0;
    OHM_TRY(ohm_image_set_open(options, 0, &set));
    int64_t count = ohm_image_set_count(set);
    int status = ohm_image_set_pack(set, out, &corrupt);
    ohm_image_set_close(set);
    if (!status) ohm_log("%s: %lld images, %lld corrupt", out, (long long)count, (long long)corrupt);
    return status;
}

int command_pack(const struct ohm_world *world, const struct arguments *arguments) {
    bool calibration = arguments->nword == 3 && !strcmp(arguments->words[2], "calibration");
    if (arguments->nword != 2 && !calibration)
        return ohm_fail(OHM_E_USAGE, "pack needs a job and the file to write: ohmtally pack JOB.yml OUT.h5 [calibration]");
    struct study study;
    int status = study_open(&study, world, arguments);
    if (!status && calibration && !study.job->quantize.has_calibration)
        status = ohm_fail(OHM_E_USAGE, "%s has no quantize.calibration to pack", arguments->words[0]);
    if (!status && world->rank == 0) status = pack(calibration ? &study.job->quantize.calibration : &study.job->images, arguments->words[1]);
    status = ohm_world_agree(world, status);
    study_close(&study);
    return status;
}
