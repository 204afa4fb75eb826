/* A result being written, as the files that write it share it. Internal to io. */
#ifndef OHM_IO_RESULT_FILE_H
#define OHM_IO_RESULT_FILE_H
#include "h5.h"
#include "ohmtally/result.h"

struct ohm_result {
    struct ohm_h5_out out;
    struct ohm_arena *arena;
    const char *names[OHM_MANY_POINTS];
    int32_t npoint;
    const char *taken_path; /* file that the last point was taken from, still open; NULL: none */
    hid_t taken;
};

/* Puts the name into names[npoint]; npoint counts it once the point stands in the file. */
int ohm_result_name(struct ohm_result *result, const char *name);
/* Data set "failed" of /run. */
int ohm_result_write_failed(hid_t group, const char *const *failed, int32_t nfailed);
/* The last steps: the list of points, closing, the final name. Frees. */
int ohm_result_publish(struct ohm_result *result);
/* A group with all that is in it (result_point.c). */
int ohm_result_copy_group(hid_t from, hid_t to, const char *name);

#endif
