/* Which image files a folder holds. */
#include "image_internal.h"
#include "ohmtally/status.h"
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

/* A growing array of strings that belong to the arena. */
struct strings {
    const char **items;
    int64_t count, room;
};

static int strings_add(struct strings *strings, const char *item) {
    if (!item) return OHM_E_MEMORY;
    if (strings->count == strings->room) {
        int64_t room = strings->room ? 2 * strings->room : 64;
        const char **items = realloc(strings->items, (size_t)room * sizeof *items);
        if (!items) return ohm_fail(OHM_E_MEMORY, "no memory to list %lld images", (long long)room);
        strings->items = items;
        strings->room = room;
    }
    strings->items[strings->count++] = item;
    return OHM_OK;
}

static int by_bytes(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Moves the strings, sorted, into the arena. */
static int strings_settle(const struct strings *strings, struct ohm_arena *arena, const char ***items, int64_t *count) {
    *count = strings->count;
    *items = ohm_arena_array(arena, (size_t)strings->count, sizeof **items);
    if (!*items) return OHM_E_MEMORY;
    if (!strings->count) return OHM_OK;
    memcpy(*items, strings->items, (size_t)strings->count * sizeof **items);
    qsort(*items, (size_t)strings->count, sizeof **items, by_bytes);
    return OHM_OK;
}

static bool is_image_name(const char *name) {
    const char *dot = strrchr(name, '.');
    return dot && (!strcasecmp(dot, ".jpg") || !strcasecmp(dot, ".jpeg") || !strcasecmp(dot, ".png"));
}

/* Adds the images of root/below ("" for root itself) and, where folders is given, the names of the folders in it. */
static int scan(const char *root, const char *below, struct ohm_arena *arena, struct strings *images, struct strings *folders) {
    const char *path = *below ? ohm_arena_format(arena, "%s/%s", root, below) : root;
    DIR *folder = path ? opendir(path) : NULL;
    if (!path) return OHM_E_MEMORY;
    if (!folder) return ohm_fail(OHM_E_IO, "%s: cannot open the image folder: %s", path, strerror(errno));
    int status = OHM_OK;
    for (struct dirent *entry = readdir(folder); entry && !status; entry = readdir(folder)) {
        struct stat info;
        if (entry->d_name[0] == '.') continue;
        if (is_image_name(entry->d_name))
            status = strings_add(images, ohm_arena_format(arena, "%s%s%s", below, *below ? "/" : "", entry->d_name));
        else if (folders && !fstatat(dirfd(folder), entry->d_name, &info, 0) && S_ISDIR(info.st_mode))
            status = strings_add(folders, ohm_arena_string(arena, entry->d_name));
    }
    closedir(folder);
    return status;
}

int ohm_image_list_read(const char *folder, struct ohm_arena *arena, struct ohm_image_list *list) {
    struct strings images = {0}, folders = {0};
    int status = scan(folder, "", arena, &images, &folders);
    for (int64_t i = 0; i < folders.count && !status; i++) status = scan(folder, folders.items[i], arena, &images, NULL);
    if (!status && !images.count) status = ohm_fail(OHM_E_INPUT, "%s: no .jpg, .jpeg or .png file in this folder or its sub-folders", folder);
    if (!status) status = strings_settle(&images, arena, &list->names, &list->count);
    if (!status) status = strings_settle(&folders, arena, &list->folders, &list->nfolder);
    free(images.items);
    free(folders.items);
    return status;
}
