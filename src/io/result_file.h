/* A result being written, as the files that write it share it. Internal to io. */
#ifndef OHM_IO_RESULT_FILE_H
#define OHM_IO_RESULT_FILE_H
#include "h5.h"
#include "ohmtally/result.h"

#define OHM_MANY_POINTS 4096

struct ohm_result {
    struct ohm_h5_out out;
    struct ohm_arena *arena;
    const char *names[OHM_MANY_POINTS];
    int32_t npoint;
};

/* Puts the name into names[npoint]; npoint counts it once the point stands in the file. */
int ohm_result_name(struct ohm_result *result, const char *name);

#endif
