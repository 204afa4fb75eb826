/* The job: what a good one yields, and what every kind of mistake says. */
#include "ohmtally/job.h"
#include "ohmtally/memory.h"
#include "ohmtally/status.h"
#include "ohmtally/text.h"
#include "suite.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static const char full_text[] =
    "network:  {file: resnet50.onnx, channels: bgr, mean: [103.939, 116.779, 123.68], std: [1, 1, 1]}\n"
    "images:   {folder: val/, labels: /data/val.txt, labels_from: 1, resize: 256, crop: [224, 200], first: 5, count: 1000}\n"
    "quantize: {activation_bits: 7, weight_bits: 6, scale: layer, range: percentile,\n"
    "           calibration: {packed: train.h5, count: 64, resize: 250}}\n"
    "same:     {array_rows: 64, array_columns: 128, technology: isaac-32nm, adc_law: survey, crossbar_budget: 5000}\n"
    "adc:      {bits: lossless, range: calibrated}\n"
    "designs:\n"
    "  - {design: isaac, cell_bits: 2}\n"
    "  - {design: sme, window: 3, squeeze: 2, policy: truncate, name: sme-x2}\n"
    "run:      {seed: 3, batch: 4, output: results/resnet50.h5}\n";
static const char least_text[] = "network: {file: net.onnx}\nimages: {packed: set.h5}\ndesigns: [{design: isaac}]\n";

static struct ohm_job *parse(const char *text, const char *const *set, size_t nset) {
    struct ohm_job *job = NULL;
    ohm_fail_clear();
    if (ohm_job_parse("jobs/job.yml", text, strlen(text), set, nset, &job)) fprintf(stderr, "\n%s\n", ohm_fail_text());
    return job;
}

static const char *used(const struct ohm_job *job, const char *key) {
    for (int i = 0; i < job->nused; i++)
        if (!strcmp(job->used[i].key, key)) return job->used[i].value;
    return "(not used)";
}

static void full_job(void) {
    struct ohm_job *job = parse(full_text, NULL, 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(job);
    CU_ASSERT_STRING_EQUAL(job->network.file, "jobs/resnet50.onnx");
    CU_ASSERT(job->network.pixels == OHM_PIXELS_BGR && job->network.channels == 3 && !job->network.nhwc);
    CU_ASSERT_EQUAL(job->network.mean[2], 123.68f);
    CU_ASSERT_EQUAL(job->network.std[1], 1.0f);
    CU_ASSERT_EQUAL(job->network.scale, 1.0f);
    CU_ASSERT_PTR_NULL(job->network.save);
    CU_ASSERT_STRING_EQUAL(job->images.folder, "jobs/val/");
    CU_ASSERT_STRING_EQUAL(job->images.labels, "/data/val.txt");
    CU_ASSERT(!job->images.packed && !job->images.classes && job->images.labels_from == 1 && job->images.channels == 3);
    CU_ASSERT(job->images.resize == 256 && job->images.crop_height == 224 && job->images.crop_width == 200 && !job->images.crop_floor);
    CU_ASSERT(job->images.first == 5 && job->images.count == 1000);
    CU_ASSERT(job->quantize.activation_bits == 7 && job->quantize.weight_bits == 6 && !job->quantize.per_channel);
    CU_ASSERT(job->quantize.range == OHM_RANGE_PERCENTILE && job->quantize.percentile == 99.99 && job->quantize.has_calibration);
    CU_ASSERT_STRING_EQUAL(job->quantize.calibration.packed, "jobs/train.h5");
    CU_ASSERT(job->quantize.calibration.count == 64 && job->quantize.calibration.resize == 250 && job->quantize.calibration.channels == 3);
    CU_ASSERT(job->quantize.calibration.crop_height == 224 && job->quantize.calibration.crop_width == 200); /* inherited */
    CU_ASSERT(job->quantize.calibration.first == 0 && !job->quantize.calibration.labels);                   /* not inherited */
    CU_ASSERT(job->same.array_rows == 64 && job->same.array_columns == 128 && job->same.adc_law == OHM_ADC_SURVEY);
    CU_ASSERT(job->same.crossbar_budget == 5000 && job->same.area_budget_mm2 == 0);
    CU_ASSERT(job->adc.bits == 0 && job->adc.percentile == 99.99);
    CU_ASSERT_STRING_EQUAL(job->adc.range, "calibrated");
    CU_ASSERT_STRING_EQUAL(job->adc.calibrate, "percentile");
    CU_ASSERT_STRING_EQUAL(job->run.output, "results/resnet50.h5");
    CU_ASSERT(job->run.seed == 3 && job->run.batch == 4 && job->run.overwrite);
    ohm_job_free(job);
}

static void designs(void) {
    struct ohm_job *job = parse(full_text, NULL, 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(job);
    CU_ASSERT_EQUAL_FATAL(job->ndesign, 2);
    CU_ASSERT_STRING_EQUAL(job->designs[0].name, "isaac-cell_bits=2");
    CU_ASSERT_EQUAL(job->designs[0].line, 8);
    const struct ohm_job_design *sme = &job->designs[1];
    CU_ASSERT_STRING_EQUAL(sme->design, "sme");
    CU_ASSERT_STRING_EQUAL(sme->name, "sme-x2");
    CU_ASSERT_EQUAL_FATAL(sme->noption, 3);
    CU_ASSERT_STRING_EQUAL(sme->options[2].key, "policy");
    CU_ASSERT_STRING_EQUAL(sme->options[2].value, "truncate");
    CU_ASSERT_EQUAL(sme->options[2].line, 9);
    ohm_job_free(job);
}

static void defaults(void) {
    struct ohm_job *job = parse(least_text, NULL, 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(job);
    CU_ASSERT(job->network.pixels == OHM_PIXELS_RGB && job->network.mean[1] == 0 && job->network.std[2] == 1);
    CU_ASSERT(job->images.resize == 0 && job->images.crop_height == 0 && job->images.crop_width == 0 && job->images.count == 0);
    CU_ASSERT(job->quantize.activation_bits == 8 && job->quantize.weight_bits == 8 && job->quantize.per_channel);
    CU_ASSERT(!job->quantize.has_calibration && !job->quantize.calibration.folder);
    CU_ASSERT(job->same.array_rows == 128 && job->adc.bits == 8 && job->same.adc_law == OHM_ADC_SABERI);
    CU_ASSERT_STRING_EQUAL(job->adc.range, "unit");
    CU_ASSERT_STRING_EQUAL(job->designs[0].name, "isaac");
    CU_ASSERT(!job->run.output && job->run.seed == 1 && job->run.batch == 16);
    ohm_job_free(job);
}

static void used_values(void) {
    struct ohm_job *job = parse(full_text, NULL, 0), *least = parse(least_text, NULL, 0);
    CU_ASSERT_FATAL(job && least);
    CU_ASSERT_STRING_EQUAL(job->used[0].key, "network.file");
    CU_ASSERT_STRING_EQUAL(job->used[0].value, "resnet50.onnx"); /* as written: does not depend on where the job lies */
    CU_ASSERT_STRING_EQUAL(used(job, "network.mean"), "[103.939, 116.779, 123.68]");
    CU_ASSERT_STRING_EQUAL(used(job, "network.scale"), "1");
    CU_ASSERT_STRING_EQUAL(used(job, "images.crop"), "[224, 200]");
    CU_ASSERT_STRING_EQUAL(used(job, "quantize.calibration.crop"), "[224, 200]");
    CU_ASSERT_STRING_EQUAL(used(job, "quantize.calibration.resize"), "250");
    CU_ASSERT_STRING_EQUAL(used(job, "adc.bits"), "lossless");
    CU_ASSERT_STRING_EQUAL(used(job, "run.overwrite"), "true");
    CU_ASSERT_STRING_EQUAL(used(job, "designs.0.name"), "isaac-cell_bits=2");
    CU_ASSERT_STRING_EQUAL(used(job, "designs.1.window"), "3");
    CU_ASSERT_STRING_EQUAL(job->used[job->nused - 1].key, "designs.1.policy");
    CU_ASSERT_STRING_EQUAL(used(least, "quantize.calibration"), "none");
    CU_ASSERT_STRING_EQUAL(used(least, "images.count"), "all");
    ohm_job_free(job);
    ohm_job_free(least);
}

static void grey_and_layout(void) {
    struct ohm_job *job = parse("network: {file: /n.onnx, channels: grey, layout: nhwc, mean: [0.5], std: 0.25, scale: 0.00392156862745098}\n"
                                "images: {folder: /a, crop_offset: floor}\nquantize: {range: squared_error}\ndesigns:\n- design: crew\n",
                                NULL, 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(job);
    CU_ASSERT(job->network.channels == 1 && job->images.channels == 1 && job->network.nhwc && job->images.crop_floor);
    CU_ASSERT(job->network.mean[0] == 0.5f && job->network.std[2] == 0.25f);
    CU_ASSERT_DOUBLE_EQUAL(job->network.scale, 1 / 255.0, 1e-9);
    CU_ASSERT_EQUAL(job->quantize.range, OHM_RANGE_SQUARED_ERROR);
    CU_ASSERT_STRING_EQUAL(job->network.file, "/n.onnx");
    ohm_job_free(job);
}

static void overrides(void) {
    static const char *const set[] = {"quantize.weight_bits=4", "designs.0.adc_bits=5",  "network.mean=[1, 2, 3]", "images.folder=none",
                                      "images.packed=all.h5",   "designs.1.name=other",  "run.output=here.h5",     "quantize.calibration.count=all",
                                      "adc={bits: 6}",          "designs.0.equation=a=b"};
    struct ohm_job *job = parse(full_text, set, COUNT(set));
    CU_ASSERT_PTR_NOT_NULL_FATAL(job);
    CU_ASSERT(job->quantize.weight_bits == 4 && job->network.mean[0] == 1 && job->quantize.calibration.count == 0);
    CU_ASSERT(job->adc.bits == 6 && !strcmp(job->adc.range, "unit"));
    CU_ASSERT_STRING_EQUAL(job->designs[0].name, "isaac-cell_bits=2-adc_bits=5-equation=a=b");
    CU_ASSERT(job->designs[0].options[1].line == 0);
    CU_ASSERT_STRING_EQUAL(job->designs[1].name, "other");
    CU_ASSERT_PTR_NULL(job->images.folder);
    CU_ASSERT_STRING_EQUAL(job->images.packed, "jobs/all.h5");
    CU_ASSERT_STRING_EQUAL(job->run.output, "here.h5");
    CU_ASSERT_STRING_EQUAL(used(job, "designs.0.adc_bits"), "5");
    ohm_job_free(job);
    static const char *const alone[] = {"network.file=n.onnx", "images.folder=a", "designs=[{design: isaac}]"};
    CU_ASSERT_PTR_NOT_NULL((job = parse("", alone, COUNT(alone))));
    ohm_job_free(job);
}

static const struct mistake {
    const char *text, *set, *fragment; /* text NULL: full_text; set NULL: none */
} mistakes[] = {
    {"quantize:\n  weigth_bits: 4\n", NULL, "jobs/job.yml:2: unknown key 'quantize.weigth_bits'; did you mean 'weight_bits'?"},
    {"quantise: {}\n", NULL, "jobs/job.yml:1: unknown key 'quantise'; did you mean 'quantize'?"},
    {"\nbatch: 4\n", NULL, "jobs/job.yml:2: unknown key 'batch'; it belongs in section 'run'"},
    {"run: {xyzzyxyzzy: 1}\n", NULL,
     "job.yml:1: unknown key 'run.xyzzyxyzzy'; known here: seed, trials, why, batch, mode, evaluate, output, overwrite"},
    {"run: {seed: 1,\n\n seed: 2}\n", NULL, "job.yml:3: key 'seed' is given twice, first in line 1"},
    {"images: {folder: a}\ndesigns: [{design: isaac}]\n", NULL, "jobs/job.yml: network.file is missing"},
    {"\nnetwork: {channels: rgb}\n", NULL, "job.yml:2: network.file is missing"},
    {"network: {file: a}\nimages: 3\n", NULL, "job.yml:2: images must be a section with keys, not a single value"},
    {"network: {file: a}\nimages: {labels: b}\ndesigns: [{design: isaac}]\n", NULL, "job.yml:2: images has neither folder nor packed"},
    {"network: {file: a}\nimages: {folder: b}\n", NULL, "jobs/job.yml: there are no designs to evaluate"},
    {"network: {file: a}\nimages: {folder: b}\ndesigns: []\n", NULL, "job.yml:3: there are no designs to evaluate"},
    {"network: {file: a}\nimages: {folder: b}\ndesigns: {design: isaac}\n", NULL, "job.yml:3: designs must be a list"},
    {"network: {file: a}\nimages: {folder: b}\ndesigns:\n- isaac\n", NULL, "job.yml:4: designs.0 must be keys such as"},
    {"network: {file: a}\nimages: {folder: b}\ndesigns:\n- {name: x}\n", NULL, "job.yml:4: designs.0.design is missing"},
    {"network: {file: a}\nimages: {folder: b}\ndesigns:\n- {design: sme, window: [1, 2]}\n", NULL,
     "job.yml:4: designs.0.window must be a single value, not a list"},
    {"network: {file: a}\nimages: {folder: b}\ndesigns:\n- {design: sme, name: a/b}\n", NULL, "job.yml:4: design name 'a/b' may have letters"},
    {"network: {file: a}\nimages: {folder: b}\ndesigns:\n- {design: sme}\n- {design: forms}\n- {design: sme}\n", NULL,
     "job.yml:6: designs.2 has the same name 'sme' as designs.0 (line 4)"},
    {"[1, 2]\n", NULL, "job.yml:1: a job is made of sections such as"},
    {"", NULL, "jobs/job.yml: network.file is missing"},
    {"network: {file: a\n", NULL, "job.yml:2: not valid YAML"},
    {"a: 1\n---\nb: 2\n", NULL, "job.yml:2: a second document begins"},
    {"network: &n {file: a}\n", NULL, "job.yml:1: anchors (&name) are not supported"},
    {"network: *n\n", NULL, "job.yml:1: aliases (*name) are not supported"},
    {"network: !x {file: a}\n", NULL, "job.yml:1: tags (!name) are not supported"},
    {"network: {file: \"a\\0b\"}\n", NULL, "job.yml:1: a value contains a zero byte"},
    {"? [a, b]\n: 1\n", NULL, "job.yml:1: a key must be a single word"},
    {"a: [[[[[[[[[[1]]]]]]]]]]\n", NULL, "job.yml:1: sections or lists are nested too deeply"},
    {"\xff\xfe\xff", NULL, "job.yml: not a text file in UTF-8"},
    {NULL, "quantize.weight_bits=17", "--set quantize.weight_bits: quantize.weight_bits must be a whole number 2..16, not '17'"},
    {NULL, "quantize.weight_bits=8.5", "must be a whole number 2..16, not '8.5'"},
    {NULL, "quantize.weight_bits=[8]", "must be a whole number 2..16, not a list"},
    {NULL, "quantize.weigth_bits=8", "--set quantize.weigth_bits: unknown key 'quantize.weigth_bits'; did you mean 'weight_bits'?"},
    {NULL, "adc.bits=losless", "adc.bits must be a whole number 1..16, or lossless, not 'losless'; did you mean 'lossless'?"},
    {NULL, "adc.range=calibrate", "adc.range must be one of unit, full, calibrated, not 'calibrate'; did you mean 'calibrated'?"},
    {NULL, "same.adc_law=murmann", "same.adc_law must be one of saberi, survey, walden, forms, not 'murmann'"},
    {NULL, "network.std=[1, 0, 1]", "network.std must be a number or a list of 3 numbers > 0, not a list"},
    {NULL, "network.std=[1, 1]", "network.std must be a number or a list of 3"},
    {NULL, "network.std=[1]", "network.std has 1 numbers, but the network has 3 channels"},
    {NULL, "network.channels=grey", "job.yml:1: network.mean has 3 numbers, but the network has 1 channel (network.channels)"},
    {NULL, "network.mean=nan", "network.mean must be a number"},
    {NULL, "network.file=", "network.file must be a path, not ''"},
    {NULL, "images.crop=[1, 2, 3]", "images.crop must be a whole number or [height, width] 1..65536, or none, not a list"},
    {NULL, "images.crop=257", "--set images.crop: images.crop (257) is larger than images.resize (256)"},
    {NULL, "quantize.calibration.resize=100", "quantize.calibration.crop (224) is larger than quantize.calibration.resize (100)"},
    {NULL, "images.packed=b.h5", "--set images.packed: images.folder and images.packed are both given; keep one"},
    {NULL, "images.first=-1", "images.first must be a whole number >= 0, not '-1'"},
    {NULL, "images.labels_from=2", "images.labels_from must be a whole number 0..1, not '2'"},
    {NULL, "run.evaluate=some", "run.evaluate must be one of needed, all, not 'some'"},
    {NULL, "run.overwrite=yes", "run.overwrite must be one of false, true, not 'yes'"},
    {NULL, "run.seed=9223372036854775808", "run.seed must be a whole number"},
    {NULL, "designs.2.adc_bits=5", "--set designs.2.adc_bits: '2' is not an index of 'designs', which has entries 0..1"},
    {NULL, "designs.0=5", "--set designs.0: name a key of the entry"},
    {NULL, "designs.1.name=isaac-cell_bits=2", "has the same name 'isaac-cell_bits=2' as designs.0 (line 8)"},
    {NULL, "run.seed.more=5", "--set run.seed.more: 'seed' is a single value"},
    {NULL, "run.seed", "--set run.seed: must be section.key=value"},
    {NULL, "=5", "--set =5: must be section.key=value"},
    {NULL, "run.seed=[1", "--set run.seed:2: not valid YAML"},
};

static void each_mistake_is_named(void) {
    for (size_t i = 0; i < COUNT(mistakes); i++) {
        const struct mistake *m = &mistakes[i];
        const char *text = m->text ? m->text : full_text;
        struct ohm_job *job = NULL;
        ohm_fail_clear();
        int status = ohm_job_parse("jobs/job.yml", text, strlen(text), &m->set, m->set ? 1 : 0, &job);
        bool right = status == OHM_E_USAGE && !job && strstr(ohm_fail_text(), m->fragment) && !strchr(ohm_fail_text(), '\n');
        if (!right) fprintf(stderr, "\nexpected: %s\n     got: %d %s\n", m->fragment, status, ohm_fail_text());
        CU_ASSERT(right);
        ohm_job_free(job);
    }
    ohm_fail_clear();
}

/* Many designs: 1000 fit, 1001 do not. */
static void number_of_designs(void) {
    size_t room = 64 * (OHM_JOB_MOST_DESIGNS + 2), at;
    char *text = malloc(room);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    at = (size_t)snprintf(text, room, "network: {file: a}\nimages: {folder: b}\ndesigns:\n");
    for (int i = 0; i < OHM_JOB_MOST_DESIGNS; i++) at += (size_t)snprintf(text + at, room - at, "- {design: sme, squeeze: %d}\n", i);
    struct ohm_job *job = parse(text, NULL, 0);
    CU_ASSERT_PTR_NOT_NULL(job);
    if (job) CU_ASSERT_EQUAL(job->ndesign, OHM_JOB_MOST_DESIGNS);
    ohm_job_free(job);
    snprintf(text + at, room - at, "- {design: sme}\n");
    CU_ASSERT_EQUAL(ohm_job_parse("j.yml", text, strlen(text), NULL, 0, &job), OHM_E_USAGE);
    CU_ASSERT_PTR_NOT_NULL(strstr(ohm_fail_text(), "1001 designs are more than 1000"));
    ohm_fail_clear();
    free(text);
}

/* jobs/example.yml is what the schema writes; it parses, and has every key that is in force. */
static void example(void) {
    char *text = NULL, *committed = NULL;
    size_t size = 0, committed_size = 0;
    FILE *memory = open_memstream(&text, &size);
    ohm_job_write_example(memory);
    fclose(memory);
    const char *source = getenv("OHM_SOURCE");
    char path[4096];
    snprintf(path, sizeof path, "%s/jobs/example.yml", source ? source : ".");
    CU_ASSERT_EQUAL(ohm_file_read(path, &committed, &committed_size), OHM_OK);
    CU_ASSERT(committed && size == committed_size && !memcmp(text, committed, size)); /* else: write it anew */
    struct ohm_job *job = parse(text, NULL, 0);
    CU_ASSERT_PTR_NOT_NULL(job);
    for (int i = 0; job && i < job->nused; i++) {
        char key[128];
        snprintf(key, sizeof key, "%s: ", strrchr(job->used[i].key, '.') + 1);
        if (strncmp(job->used[i].key, "designs.", 8)) CU_ASSERT_PTR_NOT_NULL(strstr(text, key));
    }
    ohm_job_free(job);
    free(text);
    free(committed);
}

int main(void) {
    static const struct suite_test tests[] = {
        {"a full job", full_job},
        {"designs", designs},
        {"defaults", defaults},
        {"values in force", used_values},
        {"grey images, layout", grey_and_layout},
        {"overrides", overrides},
        {"each mistake is named", each_mistake_is_named},
        {"number of designs", number_of_designs},
        {"the example", example},
    };
    return SUITE_RUN("io_job", tests);
}
