#include "ohmtally/text.h"
#include "ohmtally/status.h"
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define LONGEST 64 /* longer words are no typing slips */

/* Levenshtein distance; both words at most LONGEST long. */
static size_t edit_distance(const char *a, const char *b) {
    size_t la = strlen(a), lb = strlen(b), row[LONGEST + 1];
    for (size_t j = 0; j <= lb; j++) row[j] = j;
    for (size_t i = 1; i <= la; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= lb; j++) {
            size_t change = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            size_t least = row[j] < row[j - 1] ? row[j] + 1 : row[j - 1] + 1;
            row[j] = change < least ? change : least;
        }
    }
    return row[lb];
}

const char *ohm_text_nearest(const char *word, const char *const *names, size_t count) {
    const char *best = NULL;
    size_t length = strlen(word), least = length / 2 + 1;
    if (length > LONGEST) return NULL;
    for (size_t i = 0; i < count; i++) {
        if (strlen(names[i]) > LONGEST) continue;
        size_t distance = edit_distance(word, names[i]);
        if (distance < least) {
            least = distance;
            best = names[i];
        }
    }
    return best;
}

int ohm_text_int64(const char *text, int64_t *value) {
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (end == text || *end || errno) return -1;
    *value = number;
    return 0;
}

int ohm_text_double(const char *text, double *value) {
    static locale_t c_locale; /* a decimal comma in the user's locale must not change a job */
    if (!c_locale) c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    char *end;
    errno = 0;
    double number = strtod_l(text, &end, c_locale);
    if (end == text || *end || !isfinite(number)) return -1;
    *value = number;
    return 0;
}

int ohm_file_read(const char *path, char **data, size_t *size) {
    struct stat info;
    *data = NULL;
    FILE *file = fopen(path, "rb");
    if (!file) return ohm_fail(OHM_E_IO, "%s: cannot open: %s", path, strerror(errno));
    if (fstat(fileno(file), &info) || !S_ISREG(info.st_mode)) {
        fclose(file);
        return ohm_fail(OHM_E_IO, "%s: not a regular file", path);
    }
    size_t bytes = (size_t)info.st_size;
    char *content = malloc(bytes + 1);
    size_t got = content ? fread(content, 1, bytes, file) : 0;
    fclose(file);
    if (!content) return ohm_fail(OHM_E_MEMORY, "%s: no memory for its %zu bytes", path, bytes);
    if (got != bytes) {
        free(content);
        return ohm_fail(OHM_E_IO, "%s: read %zu of %zu bytes", path, got, bytes);
    }
    content[bytes] = 0;
    *data = content;
    *size = bytes;
    return OHM_OK;
}

char *ohm_path_beside(const char *base, const char *name) {
    const char *slash = strrchr(base, '/');
    if (name[0] == '/' || !slash) return strdup(name);
    size_t folder = (size_t)(slash - base) + 1, length = strlen(name);
    char *path = malloc(folder + length + 1);
    if (!path) return NULL;
    memcpy(path, base, folder);
    memcpy(path + folder, name, length + 1);
    return path;
}
