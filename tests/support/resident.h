/* How much memory this process has from the system, for tests of what takes none. */
#ifndef OHM_TEST_RESIDENT_H
#define OHM_TEST_RESIDENT_H
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Whether it says anything: the tools that watch memory give it out in their own way. */
static inline bool resident_is_own(void) {
    const char *loaded = getenv("LD_PRELOAD");
#ifdef __SANITIZE_ADDRESS__
    return false;
#endif
    return !loaded || !strstr(loaded, "vgpreload");
}
static inline int64_t resident_bytes(void) {
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file && fscanf(file, "%*d %ld", &pages) != 1) pages = 0;
    if (file) fclose(file);
    return (int64_t)pages * sysconf(_SC_PAGESIZE);
}
#endif
