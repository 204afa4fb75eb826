/* A folder of a test's own. The file that includes this makes it from the pattern FOLDER (mkdtemp) and removes it. */
#ifndef OHM_TEST_FOLDER_H
#define OHM_TEST_FOLDER_H
#include <stdio.h>

static char folder[] = FOLDER;

/* Good until the fourth call after this one. */
static const char *in_folder(const char *name) {
    static char path[4][512];
    static int turn;
    char *here = path[turn++ % 4];
    snprintf(here, sizeof path[0], "%s/%s", folder, name);
    return here;
}

#endif
