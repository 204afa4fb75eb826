/* Broken job and technology files: any bytes give a job or a message, never a crash, and in little time. */
#include "ohmtally/job.h"
#include "ohmtally/memory.h"
#include "ohmtally/status.h"
#include "ohmtally/text.h"
#include "suite.h"
#include <stdio.h>
#include <string.h>

#define ROUNDS 8000
#define MOST_SIZE 65536

static uint64_t state;

static uint32_t draw(uint32_t below) { /* xorshift64*: the same sequence everywhere */
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return (uint32_t)((state * 0x2545F4914F6CDD1Du) >> 33) % below;
}

static const char *const pieces[] = {"{",
                                     "}",
                                     "[",
                                     "]",
                                     ": ",
                                     "\n",
                                     "- ",
                                     "  ",
                                     "&a",
                                     "*a",
                                     "!!str",
                                     "---\n",
                                     "...\n",
                                     "\"",
                                     "'",
                                     "\\",
                                     "|\n",
                                     ">\n",
                                     "? ",
                                     "#",
                                     ",",
                                     "none",
                                     "~",
                                     "-1",
                                     "1e999",
                                     "99999999999999999999",
                                     "nan",
                                     "\xff",
                                     "\xef\xbb\xbf",
                                     "\xc3\xa9",
                                     "%YAML 9.9\n",
                                     "designs:",
                                     "=",
                                     "0x10"};

static size_t mutate(char *text, size_t size) {
    for (uint32_t change = 0, changes = 1 + draw(6); change < changes; change++) {
        size_t at = draw((uint32_t)size + 1), length;
        switch (draw(5)) {
        case 0: /* a byte changes */
            if (at < size) text[at] = (char)draw(256);
            break;
        case 1: /* a stretch goes */
            length = draw(40);
            if (at + length > size) length = size - at;
            memmove(text + at, text + at + length, size - at - length);
            size -= length;
            break;
        case 2: { /* a telling piece comes in */
            const char *piece = pieces[draw(sizeof pieces / sizeof pieces[0])];
            length = strlen(piece);
            if (size + length > MOST_SIZE) break;
            memmove(text + at + length, text + at, size - at);
            memcpy(text + at, piece, length);
            size += length;
            break;
        }
        case 3: /* a stretch is copied elsewhere */
            length = draw(200);
            if (at + length > size || size + length > MOST_SIZE) break;
            memcpy(text + size, text + at, length);
            size += length;
            break;
        default: /* the end is cut off */
            if (draw(8) == 0) size = at;
        }
    }
    return size;
}

/* Runs `try` on mutations of a text; counts successes and failures to show that both are reached. */
static void fuzz_text(const char *original, size_t size, int (*try)(const char *text, size_t size)) {
    char *text = malloc(MOST_SIZE);
    int good = 0, bad = 0;
    CU_ASSERT_FATAL(text && size < MOST_SIZE / 2);
    state = 0x9E3779B97F4A7C15u;
    for (int round = 0; round < ROUNDS; round++) {
        memcpy(text, original, size);
        size_t changed = mutate(text, size);
        char *exact = malloc(changed + 1); /* no room behind, so that a sanitizer sees a read too far */
        CU_ASSERT_PTR_NOT_NULL_FATAL(exact);
        memcpy(exact, text, changed);
        ohm_fail_clear();
        int status = try(exact, changed);
        if (status ? status != OHM_E_USAGE || !*ohm_fail_text() : *ohm_fail_text() != 0) CU_FAIL("a failure without a message, or the reverse");
        if (status)
            bad++;
        else
            good++;
        free(exact);
    }
    CU_ASSERT(good > ROUNDS / 50 && bad > ROUNDS / 50);
    printf("%d accepted, %d refused ... ", good, bad);
    ohm_fail_clear();
    free(text);
}

static void fuzz_file(const char *name, int (*try)(const char *text, size_t size)) {
    const char *source = getenv("OHM_SOURCE");
    char path[4096], *original;
    size_t size;
    snprintf(path, sizeof path, "%s/jobs/%s", source ? source : ".", name);
    CU_ASSERT_EQUAL_FATAL(ohm_file_read(path, &original, &size), OHM_OK);
    fuzz_text(original, size, try);
    free(original);
}

static int try_job(const char *text, size_t size) {
    struct ohm_job *job;
    int status = ohm_job_parse("fuzz.yml", text, size, NULL, 0, &job);
    ohm_job_free(job);
    return status;
}

static int try_technology(const char *text, size_t size) {
    struct ohm_technology technology;
    return ohm_technology_parse("fuzz.yml", text, size, &technology);
}

/* The text as an override of a small job, up to its first zero byte. */
static int try_override(const char *text, size_t size) {
    static const char job_text[] = "network: {file: a}\nimages: {folder: b}\ndesigns: [{design: isaac}]\n";
    char *set = malloc(size + 32);
    struct ohm_job *job;
    static const char *const starts[] = {"designs.0.adc_bits=", "run=", "network.mean=", "", "images.crop=["};
    int length = snprintf(set, 32, "%s", starts[draw(5)]);
    memcpy(set + length, text, size);
    set[(size_t)length + size] = 0;
    const char *sets[] = {set};
    int status = ohm_job_parse("fuzz.yml", job_text, strlen(job_text), sets, 1, &job);
    ohm_job_free(job);
    free(set);
    return status;
}

static void fuzz_job(void) {
    fuzz_file("example.yml", try_job);
}

static void fuzz_technology(void) {
    fuzz_file("technology/isaac-32nm.yml", try_technology);
}

static int try_layers(const char *text, size_t size) {
    struct ohm_arena *arena = ohm_arena_new();
    struct ohm_layer_option *list;
    int32_t n;
    int status = ohm_layer_options_parse("fuzz.yml", text, size, arena, &list, &n);
    for (int32_t i = 0; !status && i < n; i++)
        if (!list[i].where || !list[i].layer || !list[i].key || !list[i].value) CU_FAIL("an option without its parts");
    ohm_arena_free(arena);
    return status;
}

static void fuzz_layers(void) {
    static const char layers[] = "layers:\n  conv1: {squeeze: 2, window: 3}\n  /b_1/Conv:\n    squeeze: 0\n";
    fuzz_text(layers, strlen(layers), try_layers);
}

static void fuzz_override(void) {
    char text[64];
    state = 0xD1B54A32D192ED03u;
    for (int round = 0; round < ROUNDS; round++) {
        size_t size = 0;
        for (uint32_t i = draw(6); i > 0; i--)
            size += (size_t)snprintf(text + size, sizeof text - size, "%s", pieces[draw(sizeof pieces / sizeof pieces[0])]);
        ohm_fail_clear();
        int status = try_override(text, size < sizeof text ? size : sizeof text - 1);
        if (status && status != OHM_E_USAGE) CU_FAIL("an override fails otherwise than by a message");
    }
    ohm_fail_clear();
}

/* Input that is cheap to write and would be dear to read. */
static void hostile_sizes(void) {
    size_t size = (size_t)1 << 20;
    char *text = malloc(size);
    static const char *const units[] = {"[", "{a: ", "- ", "? ", "a: 1\n", "[a,", "&a [", "\"", "#", " ", "\n", "a", "- a\n", "{design: a},"};
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    for (size_t u = 0; u < sizeof units / sizeof units[0]; u++) {
        size_t length = strlen(units[u]);
        for (size_t at = 0; at < size; at++) text[at] = units[u][at % length];
        ohm_fail_clear();
        CU_ASSERT_EQUAL(try_job(text, size), OHM_E_USAGE);
        CU_ASSERT(strlen(ohm_fail_text()) > 0);
    }
    ohm_fail_clear();
    free(text);
}

int main(void) {
    static const struct suite_test tests[] = {
        {"mutated jobs", fuzz_job},       {"mutated technologies", fuzz_technology}, {"files of layers", fuzz_layers},
        {"odd overrides", fuzz_override}, {"hostile sizes", hostile_sizes},
    };
    return SUITE_RUN("io_job_fuzz", tests);
}
