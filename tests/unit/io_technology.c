/* The technology file: the shipped one against ISAAC's published sums, how one is found, and what mistakes say. */
#include "ohmtally/job.h"
#include "ohmtally/price.h"
#include "ohmtally/status.h"
#include "ohmtally/text.h"
#include "suite.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct ohm_technology shipped(void) {
    struct ohm_technology technology = {0};
    ohm_fail_clear();
    if (ohm_technology_read("nowhere/job.yml", "isaac-32nm", &technology)) fprintf(stderr, "\n%s\n", ohm_fail_text());
    return technology;
}

static const struct ohm_array isaac = {.law = OHM_ADC_SABERI, .adc_bits = 8, .cell_bits = 2, .rows = 128, .columns = 128};

static void values(void) {
    struct ohm_technology t = shipped();
    CU_ASSERT_STRING_EQUAL(t.name, "isaac-32nm");
    CU_ASSERT_PTR_NOT_NULL(strstr(t.source, "ISAAC"));
    CU_ASSERT(t.node_nm == 32 && t.array_rows == 128 && t.array_columns == 128 && t.adcs_per_array == 1);
    CU_ASSERT(t.read_ns == 100 && t.adc_rate_gsps == 1.28 && t.pipeline_steps == 6);
    CU_ASSERT_DOUBLE_EQUAL(t.adc_rate_gsps * t.read_ns, t.array_columns, 1e-9);                      /* the ADC keeps up with the array */
    CU_ASSERT_EQUAL(16 * ohm_price_step_ns(&t, &isaac, 128, false) + ohm_price_tail_ns(&t), 2200.0); /* 22 cycles of 100 ns */
    CU_ASSERT_DOUBLE_EQUAL(ohm_adc_energy_pj(&t, OHM_ADC_WALDEN, 8), ohm_adc_energy_pj(&t, OHM_ADC_SABERI, 8), 0.001);
}

/* Table I: an IMA of 8 arrays draws 16 + 4 + 0.01 + 2.4 + 0.2 + 1.24 + 0.23 mW. One 100 ns step of it at full load, with its ADCs at the
 * table's 1.2 GS/s. */
static void ima_power(void) {
    struct ohm_technology t = shipped();
    double step_ns = 100, samples = 8 * 1.2 * step_ns;
    struct ohm_tally step = {.conversions = (int64_t)samples,
                             .row_drives = 8 * 128,
                             .cells_driven = 8 * 128 * 128,
                             .cell_levels = 8 * 128 * 128 * 3,
                             .sampled = 8 * 128,
                             .shift_adds = (int64_t)samples,
                             .input_register_bytes = (2048 + 2048) / 16,
                             .output_register_bytes = 256};
    struct ohm_energy energy;
    ohm_price_energy(&t, &isaac, &step, &energy);
    CU_ASSERT_DOUBLE_EQUAL(energy.adc / step_ns, 16, 0.01);
    CU_ASSERT_DOUBLE_EQUAL(energy.dac / step_ns, 4, 0.001);
    CU_ASSERT_DOUBLE_EQUAL(energy.sample_hold / step_ns, 0.01, 1e-6);
    CU_ASSERT_DOUBLE_EQUAL(energy.array / step_ns, 2.4, 0.001);
    CU_ASSERT_DOUBLE_EQUAL(energy.shift_add / step_ns, 0.2, 0.001);
    CU_ASSERT_DOUBLE_EQUAL(energy.input_register / step_ns, 1.24, 0.001);
    CU_ASSERT_DOUBLE_EQUAL(energy.output_register / step_ns, 0.23, 0.001);
    CU_ASSERT_DOUBLE_EQUAL(ohm_energy_total_pj(&energy) / step_ns, 24.08, 0.01);
    CU_ASSERT_DOUBLE_EQUAL(energy.adc / samples, 1.667, 0.001);
}

/* Table I: 12 IMAs 0.157 mm2, tile 0.372 mm2. */
static void tile_area(void) {
    struct ohm_technology t = shipped();
    struct ohm_area arrays, tile;
    ohm_price_area(&t, &isaac, 96, 0, &arrays);
    ohm_price_area(&t, &isaac, 96, 1, &tile);
    CU_ASSERT_DOUBLE_EQUAL(ohm_area_total_um2(&arrays) * 1e-6, 0.157, 0.0011); /* the table's own parts add up to 0.158 */
    CU_ASSERT_DOUBLE_EQUAL(ohm_area_total_um2(&tile) * 1e-6, 0.372, 0.001);
    CU_ASSERT_DOUBLE_EQUAL(tile.adc * 1e-6, 12 * 0.0096, 0.00001);
    CU_ASSERT_DOUBLE_EQUAL(ohm_area_total_um2(&tile) - ohm_area_total_um2(&arrays), 215000, 500);
    CU_ASSERT_DOUBLE_EQUAL(t.buffer_pj_per_bit * 256, 20.45, 0.01);
    CU_ASSERT_DOUBLE_EQUAL(t.router_pj_per_bit * 256, 20.74, 0.01);
}

/* ISAAC, Tables I and IV. GOPS/s/mm2 is not among them: 41.29 TOPS over the chip's 85.4 mm2 are 483.5, the paper prints 478.95. */
static void chip_peak(void) {
    struct ohm_technology t = shipped();
    struct ohm_peak peak;
    ohm_price_peak(&t, &isaac, 16, &peak);
    CU_ASSERT_DOUBLE_EQUAL(peak.gops, 41287.68, 0.001); /* 8 x 128 x 128 / 8 products in 1.6 us, 2 operations each, 12 x 168 times */
    CU_ASSERT_DOUBLE_EQUAL(peak.tile_mw, 330, 0.5);
    CU_ASSERT_DOUBLE_EQUAL(peak.tile_mm2, 0.372, 0.001);
    CU_ASSERT_DOUBLE_EQUAL(peak.chip_w, 65.8, 0.05);
    CU_ASSERT_DOUBLE_EQUAL(peak.chip_mm2, 85.4, 0.05);
    CU_ASSERT_DOUBLE_EQUAL(peak.gops / peak.chip_w, 627.5, 0.3);
    struct ohm_peak bytes;
    ohm_price_peak(&t, &isaac, 8, &bytes); /* half the cells per weight, half the steps */
    CU_ASSERT_DOUBLE_EQUAL(bytes.gops, 4 * peak.gops, 0.001);
    CU_ASSERT_EQUAL(bytes.chip_w, peak.chip_w);
}

static void found_in_order(void) {
    char folder[] = "/tmp/ohm_technology_XXXXXX", path[256], *found = NULL;
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/mine.yml", folder);
    FILE *file = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    fclose(file);
    setenv("OHMTALLY_TECHNOLOGY", folder, 1);
    CU_ASSERT_EQUAL(ohm_technology_find("nowhere/job.yml", "mine", &found), OHM_OK);
    CU_ASSERT_STRING_EQUAL(found, path);
    free(found);
    unsetenv("OHMTALLY_TECHNOLOGY");
    char job[256];
    snprintf(job, sizeof job, "%s/job.yml", folder);
    CU_ASSERT_EQUAL(ohm_technology_find(job, "mine.yml", &found), OHM_OK); /* beside the job */
    CU_ASSERT_STRING_EQUAL(found, path);
    free(found);
    ohm_fail_clear();
    CU_ASSERT_EQUAL(ohm_technology_find(job, "mine", &found), OHM_E_USAGE);
    CU_ASSERT_PTR_NULL(found);
    CU_ASSERT_PTR_NOT_NULL(strstr(ohm_fail_text(), "no 'mine.yml' in $OHMTALLY_TECHNOLOGY"));
    ohm_fail_clear();
    CU_ASSERT_EQUAL(ohm_technology_find(job, "./other.yml", &found), OHM_E_USAGE);
    CU_ASSERT_PTR_NOT_NULL(strstr(ohm_fail_text(), "there is no file './other.yml'"));
    ohm_fail_clear();
    unlink(path);
    rmdir(folder);
}

/* The shipped text with `from` replaced by `to`. */
static int parse_changed(const char *from, const char *to) {
    char *path, *text, changed[16384];
    size_t size;
    struct ohm_technology technology;
    ohm_fail_clear();
    CU_ASSERT_EQUAL_FATAL(ohm_technology_find("nowhere/job.yml", "isaac-32nm", &path), OHM_OK);
    CU_ASSERT_EQUAL_FATAL(ohm_file_read(path, &text, &size), OHM_OK);
    char *at = strstr(text, from);
    CU_ASSERT_PTR_NOT_NULL_FATAL(at);
    snprintf(changed, sizeof changed, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    free(text);
    free(path);
    return ohm_technology_parse("t.yml", changed, strlen(changed), &technology);
}

static void mistakes(void) {
    static const struct {
        const char *from, *to, *fragment;
    } cases[] = {
        {"  read_ns: 100 ", "  reed_ns: 100 ", "unknown key 'technology.reed_ns'; did you mean 'read_ns'?"},
        {"  read_ns: 100 ", "  #", "t.yml: technology.read_ns is missing; add it (one crossbar read"},
        {"  read_ns: 100 ", "  read_ns: 0 ", "technology.read_ns must be a number > 0, not '0'"},
        {"  read_ns: 100 ", "  read_ns: [100] ", "technology.read_ns must be a number > 0, not a list"},
        {"  bus_pj_per_bit: 0.054 ", "  bus_pj_per_bit: -1 ", "technology.bus_pj_per_bit must be a number >= 0, not '-1'"},
        {"  name: isaac-32nm", "  name: ''", "technology.name must be a text of 1..63 bytes"},
        {"  name: isaac-32nm", "", "t.yml: technology.name is missing"},
        {"technology:", "technologie:", "t.yml: a technology file has one section, 'technology:'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int status = parse_changed(cases[i].from, cases[i].to);
        bool right = status == OHM_E_USAGE && strstr(ohm_fail_text(), cases[i].fragment);
        if (!right) fprintf(stderr, "\nexpected: %s\n     got: %d %s\n", cases[i].fragment, status, ohm_fail_text());
        CU_ASSERT(right);
    }
    CU_ASSERT_EQUAL(parse_changed("  bus_pj_per_bit: 0.054 ", "  bus_pj_per_bit: 0 "), OHM_OK);
    ohm_fail_clear();
}

int main(void) {
    static const struct suite_test tests[] = {
        {"values", values},           {"an IMA's power", ima_power},      {"a tile's area", tile_area},
        {"a chip's peak", chip_peak}, {"found in order", found_in_order}, {"mistakes", mistakes},
    };
    return SUITE_RUN("io_technology", tests);
}
