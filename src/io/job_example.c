/* The schema as a job that a person can read, and that parses. */
#include "job_schema.h"
#include "ohmtally/memory.h"
#include <string.h>

#define COMMENT_COLUMN 36

static void write_key(FILE *file, struct ohm_arena *arena, const struct ohm_key *key, int indent) {
    const char *value = key->example ? key->example : key->fallback, *expects = ohm_key_expects(arena, key);
    int column = fprintf(file, "%*s%s: %s", indent, "", key->name, value);
    fprintf(file, "%*s# %s (%s; ", column < COMMENT_COLUMN ? COMMENT_COLUMN - column : 1, "", key->about, expects ? expects : "");
    if (key->inherited)
        fputs("default: as in images)\n", file);
    else if (key->fallback)
        fprintf(file, "default %s)\n", key->fallback);
    else
        fputs("required)\n", file);
}

static void write_section(FILE *file, struct ohm_arena *arena, const struct ohm_section *section) {
    const char *dot = strchr(section->name, '.'); /* at most one: a section inside the one before */
    int indent = dot ? 2 : 0;
    fprintf(file, "%s%*s%s: # %s%s\n", dot ? "" : "\n", indent, "", dot ? dot + 1 : section->name, section->about,
            section->optional ? "; may be left out" : "");
    for (int k = 0; k < section->nkey; k++) write_key(file, arena, &section->keys[k], indent + 2);
}

void ohm_job_write_example(FILE *file) {
    struct ohm_arena *arena = ohm_arena_new();
    if (!arena) return;
    fputs("# Every key of a job: its meaning (what it takes; its default). Keys may be left out where a default is named.\n"
          "# An unknown key is an error. Any value can be set on the command line: --set quantize.weight_bits=6, --set designs.0.adc_bits=5\n"
          "# Input files are relative to this file's folder; network.save, run.output, search.output and fit.output to the working directory.\n",
          file);
    for (int s = 0; s < ohm_job_nsection; s++) write_section(file, arena, &ohm_job_sections[s]);
    fputs("\n" OHM_JOB_DESIGNS ": # one evaluation each; 'name' (default: the design and its keys) must be unique; other keys belong to the design.\n"
          "# Of every design, instead of the job's: adc_bits, adc_range, weight_bits, the keys of device, and adc_gain_error, adc_offset_error, "
          "adc_dnl,\n"
          "# adc_mismatch, adc_thermal, adc_levels, adc_codes; layers: a file with options of single layers\n"
          "#   layers: {conv1: {squeeze: 2}}\n"
          "# and weights: a file made by ohmtally fit, whose weights and biases take the place of the network's\n"
          "  - {design: isaac, cell_bits: 2}\n"
          "  - {design: sme, window: 3, squeeze: 2, policy: truncate, name: sme-x2}\n"
          "  - {design: sobsx, squeeze: 2, rows_per_read: 16, skip: zero, name: sobsx-x2}\n",
          file);
    fputs("\n" OHM_JOB_SWEEP
          ": # lists of values that keys take in turn, each combination a job: all in one result, or shares of them with `run --task k/n`;\n"
          "# keys of quantize, same and adc, run.seed, and designs.NAME.OPTION. Points that do not depend on a key are evaluated once; may be left "
          "out\n"
          "  mode: product                     # product: every combination; zip: first values together, second values together, ... (default "
          "product)\n"
          "  adc.bits: [6, 8]\n"
          "  designs.sme-x2.squeeze: [1, 2]\n",
          file);
    ohm_arena_free(arena);
}
