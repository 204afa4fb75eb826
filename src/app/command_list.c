#include "app.h"
#include "ohmtally/constraint.h"
#include "ohmtally/onnx.h"
#include "ohmtally/status.h"
#include <stdio.h>
#include <string.h>

static void list_options(const struct ohm_design_option *option) {
    for (; option->key; option++) {
        if (option->choices)
            printf("    %-12s default %-9s %s\n", option->key, option->choices[option->fallback], option->about);
        else
            printf("    %-12s default %-9lld %s\n", option->key, (long long)option->fallback, option->about);
    }
}

static void list_designs(void) {
    puts("designs (keys of an entry of `designs:`; adc_bits and adc_range may be given too):");
    for (const struct ohm_design *const *design = ohm_designs; *design; design++) {
        printf("\n  %-8s %s\n           source: %s\n           departures: %s\n", (*design)->name, (*design)->title, (*design)->source,
               (*design)->departures);
        list_options((*design)->options);
    }
}

static void list_constraints(void) {
    puts("\nconstraints (sets that weights can be fitted to, one after another):");
    for (const struct ohm_constraint *const *constraint = ohm_constraints; *constraint; constraint++) {
        printf("\n  %-8s %s\n           source: %s\n", (*constraint)->name, (*constraint)->title, (*constraint)->source);
        list_options((*constraint)->options);
    }
}

int command_list(const struct ohm_world *world, const struct arguments *arguments) {
    if (arguments->nword > 1 || (arguments->nword == 1 && strcmp(arguments->words[0], "example")))
        return ohm_fail(OHM_E_USAGE, "list takes no arguments but `example`");
    if (world->rank) return OHM_OK;
    if (arguments->nword) {
        ohm_job_write_example(stdout);
        return OHM_OK;
    }
    list_designs();
    list_constraints();
    fputs("\nkernels on this machine (OHM_KERNEL forces one; the last is the default):\n ", stdout);
    for (const struct ohm_kernel *const *kernel = ohm_kernels(); *kernel; kernel++) printf(" %s", (*kernel)->name);
    fputs("\n\nONNX operators (opset 7 to 18):\n ", stdout);
    for (const char *const *name = ohm_onnx_operators(); *name; name++) printf(" %s", *name);
    puts("");
    return OHM_OK;
}
