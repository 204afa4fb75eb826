/* ohmtally: commands, options, and the one place where failures are printed. */
#include "keep.h"
#include "ohmtally/log.h"
#include "ohmtally/status.h"
#include "ohmtally/text.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name, *usage, *about;
    int (*run)(const struct ohm_world *world, const struct arguments *arguments);
} commands[] = {
    {"run", "run JOB.yml", "evaluate a network on its designs: accuracy, energy, latency, area -> HDF5 (use mpirun for more ranks)", command_run},
    {"plan", "plan JOB.yml", "map and price without images: crossbars, memory, predicted time", command_plan},
    {"pack", "pack JOB.yml OUT.h5 [calibration]", "decode the job's images (or its calibration images) once into one HDF5 file", command_pack},
    {"merge", "merge OUT.h5 IN.h5 [IN.h5 ...]", "join results of one job, such as those of `run --task`", command_merge},
    {"report", "report [--why] RESULT.h5 [RESULT.h5 ...]", "print the comparison table of result files; why: what each layer loses", command_report},
    {"bench", "bench [JOB.yml] [OUT.h5]", "measure this machine: conversions per second, the reference layer, a job's network layer by layer",
     command_bench},
    {"search", "search JOB.yml", "squeeze and window layer by layer: fewest crossbars within a loss of top-1, on calibration images", command_search},
    {"fit", "fit JOB.yml", "weights that fit a design's set: least squares on calibration images -> a file for a design's key weights", command_fit},
    {"list", "list [example]", "designs with their options, kernels, operators; `list example`: a job with every key explained", command_list},
};
#define NCOMMAND (sizeof commands / sizeof commands[0])

static void print_help(void) {
    puts("ohmtally: full-network evaluation of ReRAM crossbar accelerators\n");
    for (size_t i = 0; i < NCOMMAND; i++) printf("  ohmtally %-42s %s\n", commands[i].usage, commands[i].about);
    puts("\n  --set section.key=value   override one value of the job (may be repeated)\n  --resume                  run: go on from what an earlier "
         "run finished\n  --task k/n                run: the k-th of n shares of the job's points, into a result of its own (then merge)\n  "
         "--version, --help");
}

/* Splits the command line; words and set must have room for argc entries. */
static int read_arguments(int argc, char **argv, const char **words, const char **set, struct arguments *arguments) {
    for (int i = 2; i < argc; i++) {
        if (!strcmp(argv[i], "--set")) {
            if (++i >= argc) return ohm_fail(OHM_E_USAGE, "--set needs section.key=value behind it");
            set[arguments->nset++] = argv[i];
        } else if (!strcmp(argv[i], "--resume")) {
            set[arguments->nset++] = "run.resume=auto";
        } else if (!strcmp(argv[i], "--task")) {
            if (++i >= argc) return ohm_fail(OHM_E_USAGE, "--task needs k/n behind it, such as --task 3/8");
            arguments->task = argv[i];
        } else if (!strncmp(argv[i], "--set=", 6)) {
            set[arguments->nset++] = argv[i] + 6;
        } else if (!strcmp(argv[i], "--why")) {
            arguments->why = true;
        } else if (argv[i][0] == '-' && argv[i][1]) {
            return ohm_fail(OHM_E_USAGE, "unknown option '%s'; `ohmtally --help` shows all", argv[i]);
        } else {
            words[arguments->nword++] = argv[i];
        }
    }
    arguments->words = words;
    arguments->set = set;
    return OHM_OK;
}

static int run_command(const struct ohm_world *world, const char *name, const struct arguments *arguments) {
    const char *names[NCOMMAND];
    for (size_t i = 0; i < NCOMMAND; i++) {
        names[i] = commands[i].name;
        if (!strcmp(name, names[i])) return commands[i].run(world, arguments);
    }
    const char *near = ohm_text_nearest(name, names, NCOMMAND);
    return ohm_fail(OHM_E_USAGE, "unknown command '%s'%s%s%s; `ohmtally --help` shows all", name, near ? "; did you mean '" : "", near ? near : "",
                    near ? "'?" : "");
}

static char *join(int argc, char **argv) {
    size_t length = 1;
    for (int i = 0; i < argc; i++) length += strlen(argv[i]) + 1;
    char *line = calloc(length, 1);
    for (int i = 0; line && i < argc; i++) strcat(strcat(line, i ? " " : ""), argv[i]);
    return line;
}

int main(int argc, char **argv) {
    if (argc < 2 || !strcmp(argv[1], "--help") || !strcmp(argv[1], "help")) {
        print_help();
        return argc < 2 ? OHM_E_USAGE : OHM_OK;
    }
    if (!strcmp(argv[1], "--version")) {
        printf("ohmtally %s (%s), %s, %s\n", OHM_VERSION, OHM_REVISION, OHM_COMPILER, OHM_LIBRARIES);
        return OHM_OK;
    }
    ohm_memory_return();
    if (!strcmp(argv[1], "run")) stop_watch(); /* from the start: a signal may come while MPI starts */
    struct ohm_world world = {0, 1, 1, 0};
    struct arguments arguments = {0};
    const char **words = calloc((size_t)argc, sizeof *words), **set = calloc((size_t)argc, sizeof *set);
    char *line = join(argc, argv);
    int status = words && set && line ? ohm_world_start(&argc, &argv, &world) : OHM_E_MEMORY;
    if (status) return status;
    arguments.command_line = line;
    ohm_log_enable(world.rank == 0);
    status = read_arguments(argc, argv, words, set, &arguments);
    if (!status) status = run_command(&world, argv[1], &arguments);
    if (status && world.rank == 0) fprintf(stderr, "ohmtally: %s\n", ohm_fail_text());
    ohm_world_end(&world);
    free(words);
    free(set);
    free(line);
    return status;
}
