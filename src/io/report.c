/* The comparison table as text. */
#include "ohmtally/result.h"
#include "report_parts.h"
#include <string.h>

/* A quantity in the unit that suits the largest of its column: the same unit and decimals in every row. */
struct scale {
    const char *unit;
    double factor;
    int decimals;
};
struct unit {
    const char *name;
    double factor; /* from the stored unit */
};
static const struct unit energy_units[] = {{"pJ", 1}, {"nJ", 1e-3}, {"uJ", 1e-6}, {"mJ", 1e-9}, {"J", 1e-12}};
static const struct unit time_units[] = {{"ns", 1}, {"us", 1e-3}, {"ms", 1e-6}, {"s", 1e-9}};
static const struct unit area_units[] = {{"mm2", 1}};

static struct scale scale_choose(const struct unit *units, int count, double largest) {
    int k = 0;
    while (k + 1 < count && largest * units[k + 1].factor >= 1) k++;
    double shown = largest * units[k].factor;
    return (struct scale){units[k].name, units[k].factor, shown < 1 ? 4 : shown < 10 ? 3 : shown < 100 ? 2 : 1};
}

struct layout {
    int name; /* width of the name column */
    struct scale area, energy, leakage, latency, serial, interval;
    const struct ohm_report_point *base; /* the first priced point; NULL: none */
};

static int name_width(const struct ohm_report *report) {
    size_t widest = strlen("integer");
    for (int32_t i = 0; i < report->npoint; i++)
        if (strlen(report->points[i].name) > widest) widest = strlen(report->points[i].name);
    return (int)widest;
}

static struct layout layout_of(const struct ohm_report *report) {
    struct layout layout = {.name = name_width(report)};
    struct ohm_report_point most = {.name = ""}; /* of each figure */
#define MOST(figure)                                                                                                                                 \
    if (point->figure > most.figure) most.figure = point->figure
    for (int32_t i = 0; i < report->npoint; i++) {
        const struct ohm_report_point *point = &report->points[i];
        if (!point->priced) continue;
        if (!layout.base) layout.base = point;
        MOST(costs.area_mm2);
        MOST(energy_pj);
        MOST(leakage_pj);
        MOST(costs.latency_ns);
        MOST(costs.latency_serial_ns);
        MOST(costs.interval_ns);
    }
#undef MOST
#define CHOOSE(units, largest) scale_choose(units, (int)(sizeof(units) / sizeof((units)[0])), largest)
    layout.area = CHOOSE(area_units, most.costs.area_mm2);
    layout.energy = CHOOSE(energy_units, most.energy_pj);
    layout.leakage = CHOOSE(energy_units, most.leakage_pj);
    layout.latency = CHOOSE(time_units, most.costs.latency_ns);
    layout.serial = CHOOSE(time_units, most.costs.latency_serial_ns);
    layout.interval = CHOOSE(time_units, most.costs.interval_ns);
#undef CHOOSE
    return layout;
}

static double percent(int64_t part, int64_t whole) {
    return 100.0 * (double)part / (double)whole;
}

static void print_ratio(FILE *out, double value, double base) {
    if (base > 0)
        fprintf(out, " %5.3f", value / base);
    else
        fprintf(out, " %5s", "-");
}

static void print_scaled(FILE *out, struct scale scale, double value) {
    fprintf(out, "  %7.*f", scale.decimals, value * scale.factor);
}

static void print_head(const struct layout *layout, FILE *out) {
    static const char *const format = "  %9s %5s  %7s %5s  %7s %5s  %7s %5s  %8s";
    fprintf(out, "%-*s  %21s %6s %7s", layout->name, "point", "top-1 [95 % interval]", "top-5", "agree");
    if (layout->base) {
        fprintf(out, "  %-13s %7s", "ADC", "clipped");
        fprintf(out, format, "crossbars", "", "area", "", "energy", "", "latency", "", "interval");
    }
    fprintf(out, "\n%-*s  %21s %6s %7s", layout->name, "", "% of labelled images", "%", "float %");
    if (layout->base) {
        fprintf(out, "  %-13s %7s", "bits range", "%");
        fprintf(out, format, "1", "ratio", layout->area.unit, "ratio", layout->energy.unit, "ratio", layout->latency.unit, "ratio",
                layout->interval.unit);
    }
    fputc('\n', out);
}

static void print_accuracy(const struct ohm_report_point *point, FILE *out) {
    char interval[32];
    double low, high;
    ohm_wilson(point->top1, point->labelled, &low, &high);
    snprintf(interval, sizeof interval, "[%.1f, %.1f]", 100 * low, 100 * high);
    if (point->labelled)
        fprintf(out, "  %6.2f %14s %6.2f", percent(point->top1, point->labelled), interval, percent(point->top5, point->labelled));
    else
        fprintf(out, "  %6s %14s %6s", "-", "", "-");
    if (point->agree >= 0 && point->scored)
        fprintf(out, " %7.2f", percent(point->agree, point->scored));
    else
        fprintf(out, " %7s", "-");
}

static void print_costs(const struct ohm_report_point *point, const struct layout *layout, FILE *out) {
    const struct ohm_report_point *base = layout->base;
    fprintf(out, "  %2d %-10s", point->adc_bits, point->adc_range);
    if (point->clipped)
        fprintf(out, " %7.3f", percent(point->clipped, point->conversions));
    else
        fprintf(out, " %7s", point->conversions ? "0" : "-"); /* exactly none, not few */
    fprintf(out, "  %9lld", (long long)point->crossbars);
    print_ratio(out, (double)point->crossbars, (double)base->crossbars);
    print_scaled(out, layout->area, point->costs.area_mm2);
    print_ratio(out, point->costs.area_mm2, base->costs.area_mm2);
    print_scaled(out, layout->energy, point->energy_pj);
    print_ratio(out, point->energy_pj, base->energy_pj);
    print_scaled(out, layout->latency, point->costs.latency_ns);
    print_ratio(out, point->costs.latency_ns, base->costs.latency_ns);
    fputc(' ', out);
    print_scaled(out, layout->interval, point->costs.interval_ns);
}

/* What the weights leave of the trained ones is the fit's doing; what the design does not hold of the fitted ones, its own. */
static void print_weights(const struct ohm_report *report, const struct layout *layout, FILE *out) {
    bool any = false;
    for (int32_t i = 0; i < report->npoint; i++) {
        const struct ohm_report_point *point = &report->points[i];
        if (!point->has_weights) continue;
        if (!any) fprintf(out, "\nFitted weights: relative RMS by which those held are off, in the layer where it is most\n");
        any = true;
        fprintf(out, "%-*s  off the fitted ones %.3g, off the trained ones %.3g\n", layout->name, point->name, point->weights.fitted,
                point->weights.trained);
    }
}

static void print_pipeline(const struct ohm_report *report, const struct layout *layout, FILE *out) {
    fprintf(out, "\nAs a pipeline of layers, with all their copies; leakage is not in the energy above\n%-*s  %9s %7s  %9s  %7s  %7s  %6s\n",
            layout->name, "point", "arrays", "tiles", "images/s", "serial", "leakage", "busy");
    fprintf(out, "%-*s  %9s %7s  %9s  %7s  %7s  %6s  slowest layer, busiest arrays\n", layout->name, "", "", "", "", layout->serial.unit,
            layout->leakage.unit, "%");
    for (int32_t i = 0; i < report->npoint; i++) {
        const struct ohm_report_point *point = &report->points[i];
        const struct ohm_point_costs *costs = &point->costs;
        if (!point->priced) continue;
        fprintf(out, "%-*s  %9lld %7lld  %9.4g", layout->name, point->name, (long long)costs->arrays, (long long)costs->tiles, costs->images_per_s);
        print_scaled(out, layout->serial, costs->latency_serial_ns);
        print_scaled(out, layout->leakage, point->leakage_pj);
        fprintf(out, "  %6.2f  %s, %s\n", 100 * costs->busiest_share, costs->bottleneck, costs->busiest);
    }
}

static void print_laws(const struct ohm_report *report, const struct layout *layout, FILE *out) {
    fprintf(out, "\nUnder each ADC law: energy in %s and area in %s, and ratios to %s\n%-*s", layout->energy.unit, layout->area.unit,
            layout->base->name, layout->name, "point");
    for (int law = 0; law < OHM_ADC_LAWS; law++) fprintf(out, "  %28s", ohm_adc_law_text((enum ohm_adc_law)law));
    fputc('\n', out);
    for (int32_t i = 0; i < report->npoint; i++) {
        const struct ohm_report_point *point = &report->points[i];
        if (!point->priced) continue;
        fprintf(out, "%-*s", layout->name, point->name);
        for (int law = 0; law < OHM_ADC_LAWS; law++) {
            print_scaled(out, layout->energy, point->law_energy_pj[law]);
            print_ratio(out, point->law_energy_pj[law], layout->base->law_energy_pj[law]);
            print_scaled(out, layout->area, point->law_area_um2[law] * 1e-6);
            print_ratio(out, point->law_area_um2[law], layout->base->law_area_um2[law]);
        }
        fputc('\n', out);
    }
}

static void print_baselines(const struct ohm_report *report, const struct layout *layout, FILE *out) {
    static const char *const names[] = {"8-bit SLC", "16-bit ISAAC", "16-bit SLC", "32-bit SLC"}; /* order of OHM_BASELINE_LIST */
    fprintf(out, "\nCrossbars of other mappings of the same layers, and how many times the point's own\n%-*s  %9s", layout->name, "point", "own");
    for (int k = 0; k < 4; k++) fprintf(out, "  %15s", names[k]);
    fputc('\n', out);
    for (int32_t i = 0; i < report->npoint; i++) {
        const struct ohm_report_point *point = &report->points[i];
        if (!point->priced) continue;
        fprintf(out, "%-*s  %9lld", layout->name, point->name, (long long)point->crossbars);
        for (int k = 0; k < 4; k++) {
            fprintf(out, "  %9lld", (long long)point->baseline[k]);
            print_ratio(out, (double)point->baseline[k], (double)point->crossbars);
        }
        fputc('\n', out);
    }
}

static void print_notes(const struct ohm_report *report, const struct layout *layout, FILE *out) {
    const struct ohm_report_point *point = report->points;
    if (layout->base)
        fprintf(
            out,
            "energy: of one image; latency: of one image through the pipeline of layers; interval: between images; area: with copies; ratio: to %s\n",
            layout->base->name);
    if (report->npoint && point->corrupt) fprintf(out, "%lld corrupt images are not scored\n", (long long)point->corrupt);
    for (int32_t i = 0; i < report->npoint; i++)
        if (report->points[i].isolated) {
            fprintf(out, "run.mode isolated: layers of designs on the exact integer network's inputs, each on its own, so that there is no top-1; "
                         "see --why\n");
            break;
        }
    if (report->npoint && point->labelled < point->scored)
        fprintf(out, "%lld of %lld images have a label\n", (long long)point->labelled, (long long)point->scored);
    for (int32_t i = 0; i < report->nfailed; i++) fprintf(out, "failed: %s\n", report->failed[i]);
    if (report->nplan > report->npoint + report->nfailed)
        fprintf(out, "%d of the job's %d points are not in this file\n", report->nplan - report->npoint - report->nfailed, report->nplan);
}

void ohm_report_print(const struct ohm_report *report, FILE *out) {
    struct layout layout = layout_of(report);
    fprintf(out, "%s: %s, %lld images, %lld rank%s x %lld thread%s, %.1f s\n\n", report->path,
            *report->network ? report->network : "(network not named)", (long long)report->images, (long long)report->ranks,
            report->ranks == 1 ? "" : "s", (long long)report->threads, report->threads == 1 ? "" : "s", report->seconds);
    print_head(&layout, out);
    for (int32_t i = 0; i < report->npoint; i++) {
        const struct ohm_report_point *point = &report->points[i];
        fprintf(out, "%-*s", layout.name, point->name);
        print_accuracy(point, out);
        if (point->priced) print_costs(point, &layout, out);
        fputc('\n', out);
    }
    print_notes(report, &layout, out);
    ohm_report_chips(report, layout.name, out);
    ohm_report_differences(report, layout.name, out);
    if (!layout.base) return;
    print_weights(report, &layout, out);
    print_pipeline(report, &layout, out);
    print_laws(report, &layout, out);
    print_baselines(report, &layout, out);
}
