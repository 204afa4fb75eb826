/* What is chosen on images says nothing of these images afterwards: they must not be those that are scored. */
#include "app.h"
#include <string.h>

static bool same_text(const char *a, const char *b) {
    return a && b && !strcmp(a, b);
}

int study_check_apart(const struct ohm_job *job, const char *key, int64_t count) {
    const struct ohm_image_options *here = &job->quantize.calibration, *scored = &job->images;
    if (!job->quantize.has_calibration)
        return ohm_fail(OHM_E_USAGE, "%s: %s needs quantize.calibration: it must not choose on the images that are scored", job->path, key);
    if (!same_text(here->folder, scored->folder) && !same_text(here->packed, scored->packed)) return OHM_OK;
    if ((scored->count && here->first >= scored->first + scored->count) || (count && scored->first >= here->first + count)) return OHM_OK;
    return ohm_fail(OHM_E_USAGE,
                    "%s: %s reaches into the images that are scored, which must not be chosen by; limit it, or change quantize.calibration",
                    job->path, key);
}
