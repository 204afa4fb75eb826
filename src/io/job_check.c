/* Values that contradict each other. */
#include "job_reader.h"
#include "ohmtally/status.h"

/* Where to send the reader for a matter of a section and, when it is written there, a key. */
static const char *where_is(const struct ohm_job_reader *reader, const char *section, const char *key) {
    const struct ohm_yaml_node *node = ohm_job_node(reader, section), *value = ohm_yaml_find(node, key);
    return value ? value->where : node ? node->where : reader->job->path;
}

static int check_images(const struct ohm_job_reader *reader, const char *section, const struct ohm_image_options *images) {
    if (images->folder && images->packed)
        return ohm_fail(OHM_E_USAGE, "%s: %s.folder and %s.packed are both given; keep one", where_is(reader, section, "packed"), section, section);
    if (!images->folder && !images->packed)
        return ohm_fail(OHM_E_USAGE, "%s: %s has neither folder nor packed; say where the images are", where_is(reader, section, "folder"), section);
    int32_t crop = images->crop_height > images->crop_width ? images->crop_height : images->crop_width;
    if (images->resize && crop > images->resize)
        return ohm_fail(OHM_E_USAGE, "%s: %s.crop (%d) is larger than %s.resize (%d), the shortest side", where_is(reader, section, "crop"), section,
                        crop, section, images->resize);
    return OHM_OK;
}

/* A list for the channels of another kind of image. */
static int check_channels(const struct ohm_job_reader *reader, const char *key) {
    const struct ohm_yaml_node *list = ohm_yaml_find(ohm_job_node(reader, "network"), key);
    int channels = reader->job->network.channels;
    if (list && list->kind == OHM_YAML_SEQUENCE && list->count != channels)
        return ohm_fail(OHM_E_USAGE, "%s: network.%s has %d numbers, but the network has %d channel%s (network.channels)", list->where, key,
                        list->count, channels, channels > 1 ? "s" : "");
    return OHM_OK;
}

int ohm_job_check(const struct ohm_job_reader *reader) {
    const struct ohm_job *job = reader->job;
    if (job->run.isolated && job->run.why)
        return ohm_fail(OHM_E_USAGE, "%s: run.why measures what layers do to one another, run.mode isolated each on its own; leave one out",
                        where_is(reader, "run", "why"));
    if (job->run.isolated && job->run.grid[1] > 1)
        return ohm_fail(OHM_E_USAGE, "%s: run.mode isolated takes all layers on every rank: give run.grid one stage, such as %dx1, or leave it out",
                        where_is(reader, "run", "grid"), job->run.grid[0] * job->run.grid[1]);
    OHM_TRY(check_channels(reader, "mean"));
    OHM_TRY(check_channels(reader, "std"));
    OHM_TRY(check_images(reader, "images", &job->images));
    return job->quantize.has_calibration ? check_images(reader, "quantize.calibration", &job->quantize.calibration) : OHM_OK;
}
