/* Measured levels and codes of an ADC, from CSV. */
#include "ohmtally/job.h"
#include "ohmtally/memory.h"
#include "ohmtally/status.h"
#include "ohmtally/text.h"
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Cuts "a, b, c" at its commas, blanks removed; false when there are not three. */
static bool cut_line(char *line, char *fields[3]) {
    int n = 0;
    for (char *at = line, *end; at && n < 3; at = end, n++) {
        end = strchr(at, ',');
        if (end) *end++ = 0;
        while (isspace((unsigned char)*at)) at++;
        for (size_t length = strlen(at); length && isspace((unsigned char)at[length - 1]); length--) at[length - 1] = 0;
        fields[n] = at;
        if (n == 2 && end) return false;
    }
    return n == 3;
}

static int take_line(const char *path, int number, char *line, int32_t code, float *mean, float *spread) {
    char *fields[3];
    int64_t given;
    double values[2];
    if (!cut_line(line, fields) || ohm_text_int64(fields[0], &given) || ohm_text_double(fields[1], &values[0]) ||
        ohm_text_double(fields[2], &values[1]) || values[1] < 0 || fabs(values[0]) > 1e6 || values[1] > 1e6)
        return ohm_fail(OHM_E_INPUT, "%s:%d: a line of an ADC's table is 'code, mean, spread', such as 1, 0.48, 0.05", path, number);
    if (given != code)
        return ohm_fail(OHM_E_INPUT, "%s:%d: code %d expected, not %lld; give all codes in order", path, number, code, (long long)given);
    *mean = (float)values[0];
    *spread = (float)values[1];
    return OHM_OK;
}

/* Of codes first .. 2^bits - 1. */
static int take_lines(const char *path, char *text, int32_t bits, int32_t first, float *mean, float *spread) {
    int32_t top = (1 << bits) - 1, n = top + 1 - first, taken = 0;
    int number = 1;
    for (char *line = text, *next; line; line = next, number++) {
        next = strchr(line, '\n');
        if (next) *next++ = 0;
        while (isspace((unsigned char)*line)) line++;
        if (!*line || *line == '#' || (!taken && isalpha((unsigned char)*line))) continue;
        if (taken == n)
            return ohm_fail(OHM_E_INPUT, "%s:%d: an ADC of %d bits has %d lines here, for codes %d .. %d; this line is one too many", path, number,
                            bits, n, first, top);
        OHM_TRY(take_line(path, number, line, first + taken, &mean[taken], &spread[taken]));
        taken++;
    }
    return taken == n ? OHM_OK
                      : ohm_fail(OHM_E_INPUT, "%s: %d lines, but an ADC of %d bits has %d (codes %d .. %d)", path, taken, bits, n, first, top);
}

/* mean and spread [2^bits - first] */
static int read_table(const char *job_path, const char *file, int32_t bits, int32_t first, struct ohm_arena *arena, float **mean, float **spread) {
    size_t n = ((size_t)1 << bits) - (size_t)first, size;
    char *path = ohm_path_beside(job_path, file), *text = NULL;
    *mean = ohm_arena_array(arena, n, sizeof **mean);
    *spread = ohm_arena_array(arena, n, sizeof **spread);
    int status = *mean && *spread && path ? ohm_file_read(path, &text, &size) : OHM_E_MEMORY;
    if (!status) status = take_lines(path, text, bits, first, *mean, *spread);
    free(text);
    free(path);
    return status;
}

int ohm_adc_levels_read(const char *job_path, const char *file, int32_t bits, struct ohm_arena *arena, const struct ohm_adc_levels **out) {
    struct ohm_adc_levels *levels = ohm_arena_alloc(arena, sizeof *levels);
    float *mean, *spread;
    if (!levels) return OHM_E_MEMORY;
    OHM_TRY(read_table(job_path, file, bits, 1, arena, &mean, &spread));
    *levels = (struct ohm_adc_levels){(1 << bits) - 1, mean, spread};
    *out = levels;
    return OHM_OK;
}

int ohm_adc_codes_read(const char *job_path, const char *file, int32_t bits, struct ohm_arena *arena, const struct ohm_adc_codes **out) {
    struct ohm_adc_codes *codes = ohm_arena_alloc(arena, sizeof *codes);
    float *mean, *spread;
    bool any = false;
    if (!codes) return OHM_E_MEMORY;
    OHM_TRY(read_table(job_path, file, bits, 0, arena, &mean, &spread));
    for (int32_t k = 0; k < 1 << bits; k++) any = any || spread[k] > 0;
    *codes = (struct ohm_adc_codes){1 << bits, mean, any ? spread : NULL};
    *out = codes;
    return OHM_OK;
}
