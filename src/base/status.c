#include "ohmtally/status.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static _Thread_local struct ohm_failure first;

int ohm_fail(int status, const char *format, ...) {
    if (first.status) return status; /* later failures are consequences of the first */
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(first.text, sizeof first.text, format, arguments);
    va_end(arguments);
    for (char *c = first.text; *c; c++) /* one line, whatever a file's name or content held */
        if (*c == '\n' || *c == '\r') *c = ' ';
    first.status = status;
    return status;
}

const char *ohm_fail_text(void) {
    return first.status ? first.text : "";
}

int ohm_fail_status(void) {
    return first.status;
}

void ohm_fail_clear(void) {
    first.status = OHM_OK;
    first.text[0] = 0;
}

void ohm_fail_take(struct ohm_failure *failure) {
    if (first.status && !failure->status) *failure = first;
    ohm_fail_clear();
}

int ohm_fail_give(const struct ohm_failure *failure) {
    if (!failure->status) return OHM_OK;
    return ohm_fail(failure->status, "%s", failure->text);
}
