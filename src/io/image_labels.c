/* From a list of images and what the user says about labels to one class per image. A label file is in one of three forms, told by its first
 * line: "name index", "name wnid", or "index" alone (one per image, in sorted order). Without a label file, sub-folders are the classes. */
#include "image_internal.h"
#include "ohmtally/status.h"
#include "ohmtally/text.h"
#include <stdlib.h>
#include <string.h>

/* One line that is not blank: its last word, and what stands before it (NULL: nothing). */
struct line {
    const char *name, *label;
    int64_t number; /* counted from 1 */
};
struct lines {
    const char *path;
    struct line *items;
    int64_t count;
};

/* Ends text at its last non-blank letter; returns its first. */
static char *trim(char *text) {
    char *end = text + strlen(text);
    while (end > text && strchr(" \t\r", end[-1])) *--end = 0;
    return text + strspn(text, " \t\r");
}

static int lines_read(const char *path, struct ohm_arena *arena, struct lines *lines) {
    char *file;
    size_t size;
    OHM_TRY(ohm_file_read(path, &file, &size));
    bool binary = memchr(file, 0, size) != NULL;
    char *text = binary ? NULL : ohm_arena_string(arena, file);
    free(file);
    if (binary) return ohm_fail(OHM_E_INPUT, "%s: not a text file", path);
    if (!text) return OHM_E_MEMORY;
    int64_t room = 1;
    for (const char *c = text; *c; c++) room += *c == '\n';
    *lines = (struct lines){.path = path, .items = ohm_arena_array(arena, (size_t)room, sizeof *lines->items)};
    if (!lines->items) return OHM_E_MEMORY;
    int64_t number = 0;
    for (char *rest = text, *start; (start = strsep(&rest, "\n"));) {
        char *line = trim(start);
        number++;
        if (!*line) continue;
        char *gap = strpbrk(line, " \t") ? line + strlen(line) : NULL;
        while (gap && !strchr(" \t", gap[-1])) gap--;
        const char *label = gap ? gap : line;
        if (gap) gap[-1] = 0;
        lines->items[lines->count++] = (struct line){.name = gap ? trim(line) : NULL, .label = label, .number = number};
    }
    return lines->count ? OHM_OK : ohm_fail(OHM_E_INPUT, "%s: empty", path);
}

/* Words with their place, sorted by word. */
struct class {
    const char *wnid;
    int32_t index;
};
struct classes {
    struct class *items;
    int64_t count;
};

static int by_wnid(const void *a, const void *b) {
    return strcmp(((const struct class *)a)->wnid, ((const struct class *)b)->wnid);
}

/* A classes file: the first word of each line, in class order. */
static int classes_read(const char *path, struct ohm_arena *arena, struct classes *classes) {
    struct lines lines;
    OHM_TRY(lines_read(path, arena, &lines));
    classes->items = ohm_arena_array(arena, (size_t)lines.count, sizeof *classes->items);
    if (!classes->items) return OHM_E_MEMORY;
    for (int64_t i = 0; i < lines.count; i++) {
        const char *line = lines.items[i].name ? lines.items[i].name : lines.items[i].label;
        const char *wnid = ohm_arena_format(arena, "%.*s", (int)strcspn(line, " \t"), line);
        if (!wnid) return OHM_E_MEMORY;
        classes->items[classes->count++] = (struct class){.wnid = wnid, .index = (int32_t)i};
    }
    qsort(classes->items, (size_t)classes->count, sizeof *classes->items, by_wnid);
    for (int64_t i = 1; i < classes->count; i++)
        if (!by_wnid(&classes->items[i - 1], &classes->items[i]))
            return ohm_fail(OHM_E_INPUT, "%s: class %s stands there twice", path, classes->items[i].wnid);
    return OHM_OK;
}

/* Without a classes file: the different words in sorted order are classes 0, 1, ... */
static int classes_collect(const struct line *lines, int64_t count, struct ohm_arena *arena, struct classes *classes) {
    classes->items = ohm_arena_array(arena, (size_t)count, sizeof *classes->items);
    if (!classes->items) return OHM_E_MEMORY;
    for (int64_t i = 0; i < count; i++) classes->items[i].wnid = lines[i].label;
    qsort(classes->items, (size_t)count, sizeof *classes->items, by_wnid);
    classes->count = 0;
    for (int64_t i = 0; i < count; i++)
        if (!i || by_wnid(&classes->items[classes->count - 1], &classes->items[i])) {
            classes->items[classes->count] = (struct class){.wnid = classes->items[i].wnid, .index = (int32_t)classes->count};
            classes->count++;
        }
    return OHM_OK;
}

/* How the words at the ends of lines become classes. */
struct reading {
    const struct ohm_image_options *options;
    int32_t nclass;
    bool wnid;
    struct classes classes;
};

static bool is_index(const char *word) {
    int64_t value;
    return !ohm_text_int64(word, &value);
}

static int reading_start(const struct ohm_image_options *options, int32_t nclass, const struct line *lines, int64_t count, bool wnid,
                         struct ohm_arena *arena, struct reading *reading) {
    *reading = (struct reading){.options = options, .nclass = nclass, .wnid = wnid};
    if (!wnid) return OHM_OK;
    return options->classes ? classes_read(options->classes, arena, &reading->classes) : classes_collect(lines, count, arena, &reading->classes);
}

/* where: "path:line" or a folder, for the message */
static int reading_class(const struct reading *reading, const char *where, const char *word, int32_t *label) {
    int64_t index;
    if (reading->wnid) {
        struct class key = {.wnid = word}, *found = NULL;
        if (reading->classes.count) found = bsearch(&key, reading->classes.items, (size_t)reading->classes.count, sizeof key, by_wnid);
        if (!found) return ohm_fail(OHM_E_INPUT, "%s: class %s is not in %s", where, word, reading->options->classes);
        index = found->index;
    } else {
        if (ohm_text_int64(word, &index)) return ohm_fail(OHM_E_INPUT, "%s: \"%s\" is not a class index, as the first line has one", where, word);
        index -= reading->options->labels_from;
    }
    if (index < 0) return ohm_fail(OHM_E_INPUT, "%s: class %s, but the first class is %d (labels_from)", where, word, reading->options->labels_from);
    if (index > INT32_MAX || (reading->nclass && index >= reading->nclass))
        return ohm_fail(OHM_E_INPUT, "%s: class %s is number %lld counted from 0, but the network has %d classes", where, word, (long long)index,
                        reading->nclass);
    *label = (int32_t)index;
    return OHM_OK;
}

static int by_name(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Lines "name label": the set is in the lines' order; every image and every line needs its partner. */
static int match_names(const struct reading *reading, const struct lines *lines, const struct ohm_image_list *list, struct ohm_arena *arena,
                       struct ohm_image_entry *entries) {
    const struct line **used = ohm_arena_array(arena, (size_t)list->count, sizeof *used); /* by image of the list */
    if (!used) return OHM_E_MEMORY;
    for (int64_t i = 0; i < lines->count; i++) {
        const struct line *line = &lines->items[i];
        const char *where = ohm_arena_format(arena, "%s:%lld", lines->path, (long long)line->number);
        if (!where) return OHM_E_MEMORY;
        if (!line->name) return ohm_fail(OHM_E_INPUT, "%s: one word; the first line has a name and a class", where);
        const char **image = bsearch(&line->name, list->names, (size_t)list->count, sizeof *list->names, by_name);
        if (!image) return ohm_fail(OHM_E_INPUT, "%s: label without image: no %s in %s", where, line->name, reading->options->folder);
        const struct line **before = &used[image - list->names];
        if (*before) return ohm_fail(OHM_E_INPUT, "%s: image %s was labelled on line %lld already", where, line->name, (long long)(*before)->number);
        *before = line;
        entries[i].name = *image;
        OHM_TRY(reading_class(reading, where, line->label, &entries[i].label));
    }
    for (int64_t i = 0; i < list->count; i++)
        if (!used[i]) return ohm_fail(OHM_E_INPUT, "%s: image without label: %s/%s", lines->path, reading->options->folder, list->names[i]);
    return OHM_OK;
}

/* Lines "index": line i is image i of the sorted list. */
static int match_order(const struct reading *reading, const struct lines *lines, const struct ohm_image_list *list, struct ohm_arena *arena,
                       struct ohm_image_entry *entries) {
    if (lines->count != list->count)
        return ohm_fail(OHM_E_INPUT, "%s: %lld labels for the %lld images of %s; one line per image, in sorted order", lines->path,
                        (long long)lines->count, (long long)list->count, reading->options->folder);
    for (int64_t i = 0; i < lines->count; i++) {
        const struct line *line = &lines->items[i];
        const char *where = ohm_arena_format(arena, "%s:%lld", lines->path, (long long)line->number);
        if (!where) return OHM_E_MEMORY;
        if (line->name) return ohm_fail(OHM_E_INPUT, "%s: more than one word; the first line has a class index alone", where);
        entries[i].name = list->names[i];
        OHM_TRY(reading_class(reading, where, line->label, &entries[i].label));
    }
    return OHM_OK;
}

static int from_file(const struct ohm_image_options *options, int32_t nclass, const struct ohm_image_list *list, struct ohm_arena *arena,
                     struct ohm_image_entry *entries) {
    struct lines lines;
    struct reading reading;
    OHM_TRY(lines_read(options->labels, arena, &lines));
    const struct line *first = &lines.items[0];
    bool wnid = !is_index(first->label);
    if (wnid && !first->name)
        return ohm_fail(OHM_E_INPUT, "%s:%lld: \"%s\" is neither \"name class\" nor a class index", lines.path, (long long)first->number,
                        first->label);
    OHM_TRY(reading_start(options, nclass, lines.items, lines.count, wnid, arena, &reading));
    return (first->name ? match_names : match_order)(&reading, &lines, list, arena, entries);
}

/* An image's class is the sub-folder it is in. */
static int from_folders(const struct ohm_image_options *options, int32_t nclass, const struct ohm_image_list *list, struct ohm_arena *arena,
                        struct ohm_image_entry *entries) {
    struct reading reading;
    struct line *folders = ohm_arena_array(arena, (size_t)list->count, sizeof *folders);
    if (!folders) return OHM_E_MEMORY;
    int64_t different = 0; /* sub-folders seen; the images of one stand together in the sorted list */
    for (int64_t i = 0; i < list->count; i++) {
        const char *slash = strchr(list->names[i], '/');
        if (!slash)
            return ohm_fail(OHM_E_INPUT, "%s: images both in sub-folders and beside them (%s); without a label file use one way", options->folder,
                            list->names[i]);
        folders[i].label = ohm_arena_format(arena, "%.*s", (int)(slash - list->names[i]), list->names[i]);
        if (!folders[i].label) return OHM_E_MEMORY;
        different += !i || strcmp(folders[i].label, folders[i - 1].label);
    }
    if (!options->classes && different != list->nfolder) /* an empty folder would move the classes behind it */
        return ohm_fail(OHM_E_INPUT, "%s: %lld of its %lld sub-folders hold no image; remove them, or give a classes file", options->folder,
                        (long long)(list->nfolder - different), (long long)list->nfolder);
    OHM_TRY(reading_start(options, nclass, folders, list->count, true, arena, &reading));
    for (int64_t i = 0; i < list->count; i++) {
        const char *where = ohm_arena_format(arena, "%s/%s", options->folder, folders[i].label);
        if (!where) return OHM_E_MEMORY;
        entries[i].name = list->names[i];
        OHM_TRY(reading_class(&reading, where, folders[i].label, &entries[i].label));
    }
    return OHM_OK;
}

int ohm_image_labels_match(const struct ohm_image_options *options, int32_t nclass, const struct ohm_image_list *list, struct ohm_arena *arena,
                           struct ohm_image_entry **entries) {
    *entries = ohm_arena_array(arena, (size_t)list->count, sizeof **entries);
    if (!*entries) return OHM_E_MEMORY;
    if (options->labels) return from_file(options, nclass, list, arena, *entries);
    bool in_folders = false;
    for (int64_t i = 0; i < list->count; i++) in_folders = in_folders || strchr(list->names[i], '/');
    if (in_folders) return from_folders(options, nclass, list, arena, *entries);
    for (int64_t i = 0; i < list->count; i++) (*entries)[i] = (struct ohm_image_entry){.name = list->names[i], .label = OHM_NO_LABEL};
    return OHM_OK;
}
