/* Small text helpers. Layer: base. */
#ifndef OHMTALLY_TEXT_H
#define OHMTALLY_TEXT_H
#include <stddef.h>
#include <stdint.h>

/* The entry of names[0..count-1] nearest to word by edit distance, or NULL when none is near (more than half of word's letters differ). */
const char *ohm_text_nearest(const char *word, const char *const *names, size_t count);
/* Whole-string conversions; 0 on success, -1 when text is not entirely a number or is out of range. Locale-independent. */
int ohm_text_int64(const char *text, int64_t *value);
int ohm_text_double(const char *text, double *value); /* finite only */
/* Reads a whole file, adds a final 0 byte not counted in *size. Caller frees *data. Fails with OHM_E_IO and the path. */
int ohm_file_read(const char *path, char **data, size_t *size);
/* path of name relative to the folder of file "base" (or name itself when absolute); caller frees; NULL when out of memory */
char *ohm_path_beside(const char *base, const char *name);

#endif
