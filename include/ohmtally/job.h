/* The job: everything that decides a result, from a YAML file plus --set overrides. No silent part: an unknown key is an error that names
 * the nearest known one, with file and line. Layer: io (YAML through libyaml). Not collective; it is read on one rank and parsed on all. */
#ifndef OHMTALLY_JOB_H
#define OHMTALLY_JOB_H
#include "ohmtally/images.h"
#include "ohmtally/noise.h"
#include "ohmtally/technology.h"
#include <stdio.h>

struct ohm_key_value { /* a design's own keys; the design checks them */
    const char *key, *value;
    int line; /* of the job file; 0: given by --set */
};
struct ohm_job_design {
    const char *design; /* "isaac", "sme" */
    const char *name;   /* unique, letters, digits and "._+=-" only; made from the options when absent: "sme-window=3-squeeze=2" */
    const struct ohm_key_value *options;
    int32_t noption;
    int line;
};
enum ohm_range { OHM_RANGE_MINMAX, OHM_RANGE_PERCENTILE, OHM_RANGE_SQUARED_ERROR };

enum ohm_resume { OHM_RESUME_ASK, OHM_RESUME_AUTO, OHM_RESUME_NEVER };

enum ohm_pixels { OHM_PIXELS_RGB, OHM_PIXELS_BGR, OHM_PIXELS_GREY };
struct ohm_job_used {
    const char *key, *value; /* "quantize.weight_bits", "8" */
};

/* A key of a sweep and the values it takes. */
struct ohm_job_axis {
    const char *key;           /* as for --set: "adc.bits", "designs.0.squeeze" */
    const char *option;        /* as in a point's name: "adc.bits", "squeeze" */
    const char *const *values; /* [nvalue], as YAML */
    int32_t nvalue;
    int32_t design; /* index of the entry it belongs to; -1: not of a design */
};

#define OHM_JOB_MOST_DESIGNS 1000

/* Keys, types, ranges and defaults are in the schema (src/io/job_schema.c); ohm_job_write_example prints them all. Input paths are resolved
 * against the job file's folder; run.output, search.output, fit.output and network.save are as given, hence relative to the working directory. */
struct ohm_job {
    struct ohm_arena *arena; /* owns everything */
    const char *path;
    struct {
        const char *file;       /* .onnx, or .h5 saved integer network */
        enum ohm_pixels pixels; /* "channels:", the network's channel order */
        int32_t channels;       /* from pixels: 3, or 1 for grey */
        float mean[3], std[3];  /* input value = (byte * scale - mean) / std, per channel in the network's order */
        float scale;
        bool nhwc;        /* layout of the network's input */
        const char *save; /* write the integer network here; NULL: do not */
    } network;
    struct ohm_image_options images; /* channels set from network */
    struct {
        int32_t activation_bits, weight_bits;
        bool per_channel; /* a weight scale per output channel, or one per layer */
        enum ohm_range range;
        double percentile;
        bool equalise;                        /* the folded network by equalise.h */
        bool has_calibration;                 /* section calibration: given; else the next field is zero */
        struct ohm_image_options calibration; /* resize, crop and crop_offset as in images unless given */
    } quantize;
    struct { /* what all designs of a comparison share */
        int32_t array_rows, array_columns;
        const char *technology; /* name of jobs/technology/<name>.yml, or a path */
        enum ohm_adc_law adc_law;
        int64_t crossbar_budget; /* arrays for copies of layers; 0: no such limit */
        double area_budget_mm2;  /* 0: no such limit; without either one copy each */
    } same;
    struct {                   /* defaults for every design */
        int32_t bits;          /* 0: as many as lossless conversion needs */
        const char *range;     /* "unit", "full", "calibrated" */
        const char *calibrate; /* "percentile", "squared_error" */
        double percentile;
        bool power_of_two;  /* calibrated steps of bit planes differ by powers of two */
        int32_t per_array;  /* 0: as the technology says */
        const char *levels; /* file of measured levels; NULL: none */
        const char *codes;  /* likewise of codes */
    } adc;
    const char *measured_device; /* file; NULL: none */
    struct ohm_noise noise; /* section device and errors of section adc; seed, levels and ADCs per array stand elsewhere. Designs may say otherwise */
    const struct ohm_job_design *designs;
    int32_t ndesign;
    struct {
        int64_t seed;
        int32_t batch;
        int32_t trials;     /* chips of every design with anything drawn */
        bool why;           /* measure what each layer does to accuracy */
        bool isolated;      /* layers of designs on exact inputs, each on its own */
        bool evaluate_all;  /* every conversion one by one; otherwise those that are not proved */
        const char *output; /* NULL: none */
        bool overwrite;
        enum ohm_resume resume; /* what becomes of what an earlier run left finished */
        int32_t grid[2];        /* groups of images, stages of layers; 0: as memory allows */
        int32_t memory_mb;      /* of a rank for its layers of a point; 0: half of what its node has free, shared by the stages there */
    } run;
    struct {                   /* of `ohmtally search`; all zero: no such section */
        const char *design;    /* name of an entry; NULL: the first with an option squeeze */
        const char *squeeze;   /* values of the option, with blanks between; NULL: designs are given */
        const char *window;    /* likewise; NULL: the entry's own */
        const char *designs;   /* names of entries, likewise; NULL: squeeze is given */
        double loss;           /* points of top-1 */
        const char *crossbars; /* numbers, with blanks between; NULL: none */
        int64_t samples;       /* >= 1 */
        int64_t first, images; /* of quantize.calibration; images: 0: all */
        const char *output;    /* NULL: none */
    } search;
    struct {                                  /* of `ohmtally fit`; output NULL: no such section */
        const char *design, *constraint;      /* name of an entry, NULL: the first; sets beside the entry's own, NULL: none */
        int64_t images;                       /* of quantize.calibration, from its first on; 0: all */
        int64_t check;                        /* images behind these that show what the fit is worth; 0: none */
        int32_t positions;                    /* per image and layer */
        double correct, damping, shrink, rho; /* struct ohm_fit_options */
        int32_t iterations, sweeps;
        bool scales, admm, refine, bias;
        int32_t memory_mb; /* for activations kept between layers, all ranks together */
        const char *output;
    } fit;
    struct {               /* of `ohmtally bench`; ranks NULL: no such section */
        const char *ranks; /* numbers, with blanks between */
        int64_t images;    /* 0: those of the job */
        int32_t cores, nodes;
        double latency_us, message_us, link_gb_s, file_gb_s, files_s; /* struct ohm_scaling_machine */
    } predict;
    struct {      /* jobs that differ in some keys, in one; without such a section one combination of no keys */
        bool zip; /* first values together, then second ones, ...; otherwise every combination, the last key changing fastest */
        const struct ohm_job_axis *axes;
        int32_t naxis, ncombination;
    } sweep;
    const struct ohm_job_used *used; /* every value in force, as written or defaulted, in schema order: goes into the result */
    int32_t nused;
};

/* Parses text (of file path). set[i] = "section.key=value", applied over the file with the value read as YAML; entries of designs are addressed
 * as designs.<index from 0>.<key>. Fails with OHM_E_USAGE and "path:line: what, what to do" ("--set key: ..." for an override).
 * Any bytes are safe. */
int ohm_job_parse(const char *path, const char *text, size_t size, const char *const *set, size_t nset, struct ohm_job **job);
void ohm_job_free(struct ohm_job *job); /* NULL is fine */
/* Which value of an axis a combination has. */
int32_t ohm_job_sweep_value(const struct ohm_job *job, int32_t combination, int32_t axis);
/* A job with every key, its type, default and meaning, made from the schema; jobs/example.yml is its output. */
void ohm_job_write_example(FILE *file);

/* An option of one layer, from the file that a design's key `layers` names:
 *   layers:
 *     conv1: {squeeze: 2, window: 3} */
struct ohm_layer_option {
    const char *where; /* "file:line", as it begins a message */
    const char *layer, *key, *value;
};
/* The options in file order, in arena. file is relative to the job's folder. OHM_E_USAGE with file and line for anything else than such entries. Any
 * bytes are safe. */
int ohm_layer_options_parse(const char *path, const char *text, size_t size, struct ohm_arena *arena, struct ohm_layer_option **list, int32_t *n);
int ohm_layer_options_read(const char *job_path, const char *file, struct ohm_arena *arena, struct ohm_layer_option **list, int32_t *n);

/* A measured device from a YAML file (jobs/devices/rram-milo.yml says what it holds), relative to the job's folder; memory from arena. OHM_E_USAGE
 * with file and line. */
int ohm_device_read(const char *job_path, const char *file, struct ohm_arena *arena, const struct ohm_measured_device **device);

/* Levels of an ADC as measured, from a CSV file of lines "code, mean, spread" for codes 1 .. 2^bits - 1 in order (a heading and lines that begin with
 * # are passed over): where the code begins, in LSB above the middle of code 0, and the standard deviation of that between ADCs. file is relative to
 * the job's folder; memory from arena. OHM_E_INPUT with file and line. */
int ohm_adc_levels_read(const char *job_path, const char *file, int32_t bits, struct ohm_arena *arena, const struct ohm_adc_levels **levels);
/* Codes as measured, from a file of the same form for codes 0 .. 2^bits - 1: the mean code given in their place, and its standard deviation from
 * conversion to conversion. */
int ohm_adc_codes_read(const char *job_path, const char *file, int32_t bits, struct ohm_arena *arena, const struct ohm_adc_codes **codes);

/* Where the technology named in a job is: the name as a path beside the job, then <name>.yml in $OHMTALLY_TECHNOLOGY, in technology/ and
 * jobs/technology/ of the job's folder and each folder above it, and in the source and installed folders compiled in. Caller frees *path.
 * Fails with OHM_E_USAGE and the places looked in. */
int ohm_technology_find(const char *job_path, const char *name, char **path);
/* Every key of OHM_TECHNOLOGY_LIST, name and source are required; unknown keys are errors. */
int ohm_technology_parse(const char *path, const char *text, size_t size, struct ohm_technology *technology);
/* Finds, reads and parses. */
int ohm_technology_read(const char *job_path, const char *name, struct ohm_technology *technology);

#endif
