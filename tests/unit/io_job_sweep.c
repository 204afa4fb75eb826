/* sweep: which lists a job may have, and which combinations they make. */
#include "ohmtally/job.h"
#include "ohmtally/memory.h"
#include "ohmtally/status.h"
#include "suite.h"
#include <stdio.h>
#include <string.h>

static const char head[] = "network: {file: n.onnx}\nimages: {folder: i}\n"
                           "designs: [{design: isaac, name: a}, {design: sme, name: b.c, squeeze: 1}, {design: sme, squeeze: 2}]\n";

static struct ohm_job *parse(const char *sweep) {
    char text[2048];
    struct ohm_job *job = NULL;
    snprintf(text, sizeof text, "%s%s", head, sweep);
    int status = ohm_job_parse("j.yml", text, strlen(text), NULL, 0, &job);
    CU_ASSERT(!status == !!job);
    return job;
}

static void no_sweep(void) {
    struct ohm_job *job = parse("");
    CU_ASSERT_PTR_NOT_NULL_FATAL(job);
    CU_ASSERT(job->sweep.naxis == 0 && job->sweep.ncombination == 1);
    ohm_job_free(job);
    job = parse("sweep:\n");
    CU_ASSERT_PTR_NOT_NULL_FATAL(job);
    CU_ASSERT_EQUAL(job->sweep.ncombination, 1);
    ohm_job_free(job);
}

static void product_and_zip(void) {
    struct ohm_job *job = parse("sweep: {adc.bits: [4, lossless, 6], designs.b.c.squeeze: [0, 1], designs.sme-squeeze=2.window: [3]}");
    CU_ASSERT_PTR_NOT_NULL_FATAL(job);
    CU_ASSERT(!job->sweep.zip && job->sweep.naxis == 3 && job->sweep.ncombination == 6);
    CU_ASSERT(job->sweep.axes[0].design == -1 && job->sweep.axes[1].design == 1 && job->sweep.axes[2].design == 2);
    CU_ASSERT_STRING_EQUAL(job->sweep.axes[0].values[1], "lossless");
    CU_ASSERT_STRING_EQUAL(job->sweep.axes[1].key, "designs.1.squeeze");
    CU_ASSERT_STRING_EQUAL(job->sweep.axes[1].option, "squeeze");
    bool seen[3][2] = {{false}};
    for (int32_t c = 0; c < 6; c++) seen[ohm_job_sweep_value(job, c, 0)][ohm_job_sweep_value(job, c, 1)] = true;
    for (int i = 0; i < 6; i++) CU_ASSERT(seen[i / 2][i % 2]);
    CU_ASSERT(ohm_job_sweep_value(job, 1, 0) == 0 && ohm_job_sweep_value(job, 1, 1) == 1); /* the last changes fastest */
    ohm_job_free(job);
    job = parse("sweep: {mode: zip, adc.bits: [4, 5], quantize.weight_bits: [6, 7]}");
    CU_ASSERT_PTR_NOT_NULL_FATAL(job);
    CU_ASSERT(job->sweep.zip && job->sweep.ncombination == 2);
    for (int32_t c = 0; c < 2; c++)
        for (int32_t i = 0; i < 2; i++) CU_ASSERT_EQUAL(ohm_job_sweep_value(job, c, i), c);
    bool used = false;
    for (int i = 0; i < job->nused; i++) used = used || (!strcmp(job->used[i].key, "sweep.adc.bits") && !strcmp(job->used[i].value, "[4, 5]"));
    CU_ASSERT(used);
    ohm_job_free(job);
}

static void each_mistake_is_named(void) {
    static const struct {
        const char *sweep, *said;
    } cases[] = {{"sweep: [4]", "must be keys with lists"},
                 {"sweep: {adc.bits: 4}", "must be a list of values"},
                 {"sweep: {adc.bits: []}", "an empty one"},
                 {"sweep: {bits: [4]}", "unknown key 'sweep.bits'"},
                 {"sweep: {mode: both, adc.bits: [4]}", "product, zip"},
                 {"sweep: {mode: [zip], adc.bits: [4]}", "product, zip"},
                 {"sweep: {images.count: [4]}", "cannot be swept"},
                 {"sweep: {network.file: [a, b]}", "cannot be swept"},
                 {"sweep: {quantize.calibration.count: [4]}", "cannot be swept"},
                 {"sweep: {run.batch: [4]}", "changes no result"},
                 {"sweep: {designs.x.squeeze: [1]}", "names no entry"},
                 {"sweep: {designs.a: [1]}", "names no entry"},
                 {"sweep: {designs.a.name: [x, y]}", "cannot be swept"},
                 {"sweep: {mode: zip, adc.bits: [4, 5], quantize.weight_bits: [6]}", "the same length"},
                 {"swep: {adc.bits: [4]}", "did you mean 'sweep'"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ohm_job *job = parse(cases[i].sweep);
        CU_ASSERT_PTR_NULL(job);
        if (!strstr(ohm_fail_text(), cases[i].said)) printf("[%s: %s] ", cases[i].sweep, ohm_fail_text());
        CU_ASSERT_PTR_NOT_NULL(strstr(ohm_fail_text(), cases[i].said));
        CU_ASSERT_PTR_NOT_NULL(strstr(ohm_fail_text(), "j.yml:"));
        ohm_fail_clear();
        ohm_job_free(job);
    }
}

/* Many long lists are refused before anybody multiplies them out. */
static void too_many(void) {
    char text[1024] = "sweep: {", list[200] = "[0";
    for (int i = 1; i < 50; i++) sprintf(list + strlen(list), ", %d", i);
    for (int k = 0; k < 4; k++) sprintf(text + strlen(text), "%sdesigns.a.k%d: %s]", k ? ", " : "", k, list);
    strcat(text, "}");
    CU_ASSERT_PTR_NULL(parse(text));
    CU_ASSERT_PTR_NOT_NULL(strstr(ohm_fail_text(), "more than 4096 combinations"));
    ohm_fail_clear();
}

int main(void) {
    static const struct suite_test tests[] = {
        {"no sweep", no_sweep}, {"product and zip", product_and_zip}, {"each mistake is named", each_mistake_is_named}, {"too many", too_many}};
    return SUITE_RUN("sweep", tests);
}
