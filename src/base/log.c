#include "ohmtally/log.h"
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static bool speaking = true;
static bool line_open; /* a progress line stands unfinished on the terminal */

void ohm_log_enable(bool speak) {
    speaking = speak;
}

double ohm_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

void ohm_log(const char *format, ...) {
    if (!speaking) return;
    if (line_open) fputc('\n', stderr);
    line_open = false;
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

/* Settings are checked layer by layer, but one line says it all: by the hash of its text (FNV-1a), of as many warnings as anybody will read. */
static bool said_before(const char *text) {
    static uint64_t said[64];
    static int nsaid;
    uint64_t hash = 0xcbf29ce484222325U;
    for (; *text; text++) hash = (hash ^ (unsigned char)*text) * 0x100000001b3U;
    for (int i = 0; i < nsaid; i++)
        if (said[i] == hash) return true;
    if (nsaid < 64) said[nsaid++] = hash;
    return false;
}

void ohm_warn(const char *format, ...) {
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (speaking && !said_before(text)) ohm_log("warning: %s", text);
}

static void progress_show(struct ohm_progress *progress, int64_t done, bool last) {
    if (!speaking) return;
    double now = ohm_seconds(), spent = now - progress->start_s;
    int terminal = isatty(STDERR_FILENO);
    if (!last && now - progress->shown_s < (terminal ? 0.2 : 30.0)) return;
    progress->shown_s = now;
    double rate = spent > 0 ? (double)done / spent : 0;
    double left = rate > 0 ? (double)(progress->total - done) / rate : 0;
    if (terminal && line_open) fputs("\r\033[K", stderr);
    fprintf(stderr, "%-20s %lld/%lld images  %.1f/s", progress->what, (long long)done, (long long)progress->total, rate);
    if (last)
        fprintf(stderr, "  %.1f s", spent);
    else
        fprintf(stderr, "  %.0f s left", left);
    line_open = terminal && !last;
    if (!line_open) fputc('\n', stderr);
    fflush(stderr);
}

void ohm_progress_start(struct ohm_progress *progress, const char *what, int64_t total) {
    double now = ohm_seconds();
    *progress = (struct ohm_progress){.what = what, .total = total, .start_s = now, .shown_s = now};
}

void ohm_progress_step(struct ohm_progress *progress, int64_t done) {
    progress_show(progress, done, false);
}

void ohm_progress_end(struct ohm_progress *progress, int64_t done) {
    progress_show(progress, done, true);
}
