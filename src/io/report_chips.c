/* Accuracy over the chips of a design, and whether two points differ on the same images by more than chance. */
#include "report_parts.h"
#include <math.h>
#include <string.h>

struct over_chips {
    int64_t n;
    double mean, spread, worst, best;
};
/* From point `first` of an entry on; spread: standard deviation of the chips (n - 1). */
static struct over_chips look_at_chips(const struct ohm_report *report, int32_t first) {
    struct over_chips chips = {.worst = INFINITY, .best = -INFINITY};
    double squares = 0;
    for (int pass = 0; pass < 2; pass++)
        for (int32_t i = first; i < report->npoint; i++) {
            const struct ohm_report_point *point = &report->points[i];
            double top1 = ohm_report_top1(point);
            if (strcmp(point->entry, report->points[first].entry)) continue;
            if (pass) squares += (top1 - chips.mean) * (top1 - chips.mean);
            if (pass) continue;
            chips.n++;
            chips.mean += (top1 - chips.mean) / (double)chips.n;
            chips.worst = top1 < chips.worst ? top1 : chips.worst;
            chips.best = top1 > chips.best ? top1 : chips.best;
        }
    if (chips.n > 1) chips.spread = sqrt(squares / (double)(chips.n - 1));
    return chips;
}

void ohm_report_chips(const struct ohm_report *report, int name, FILE *out) {
    bool any = false;
    for (int32_t i = 0; i < report->npoint; i++) any = any || (report->points[i].chips > 1 && report->points[i].labelled);
    if (!any) return;
    fprintf(out, "\nOver chips: top-1 in %%, each chip on all images\n%-*s  %5s  %7s %7s %7s %7s\n", name, "design", "chips", "mean", "spread",
            "worst", "best");
    for (int32_t i = 0; i < report->npoint; i++) {
        const struct ohm_report_point *point = &report->points[i];
        if (point->chips < 2 || point->chip || !point->labelled) continue;
        struct over_chips chips = look_at_chips(report, i);
        fprintf(out, "%-*s  %5lld  %7.2f %7.2f %7.2f %7.2f\n", name, point->entry, (long long)chips.n, chips.mean, chips.spread, chips.worst,
                chips.best);
    }
}

/* Labelled images that only a, or only b, has right; false where they are not of the same images. */
static bool compare(const struct ohm_report_point *a, const struct ohm_report_point *b, int64_t *only_a, int64_t *only_b) {
    *only_a = *only_b = 0;
    if (!a || !b || a == b || a->nimage != b->nimage) return false;
    for (int64_t i = 0; i < a->nimage; i++) {
        if (a->correct[i] < 0 || b->correct[i] < 0) continue;
        *only_a += a->correct[i] == 1 && b->correct[i] != 1;
        *only_b += a->correct[i] != 1 && b->correct[i] == 1;
    }
    return true;
}

static void print_difference(const struct ohm_report_point *base, const struct ohm_report_point *point, FILE *out) {
    int64_t lost, gained;
    if (compare(base, point, &lost, &gained))
        fprintf(out, "  %6lld %6lld %9.2g", (long long)lost, (long long)gained, ohm_mcnemar(lost, gained));
    else
        fprintf(out, "  %6s %6s %9s", "-", "-", "-");
}

void ohm_report_differences(const struct ohm_report *report, int name, FILE *out) {
    const struct ohm_report_point *integer = NULL, *first = NULL, *before = NULL;
    for (int32_t i = 0; i < report->npoint; i++) {
        const struct ohm_report_point *point = &report->points[i];
        if (!strcmp(point->name, "integer")) integer = point;
        if (point->priced && !first) first = point;
    }
    if (!first || !first->labelled) return;
    fprintf(out,
            "\nMcNemar's paired test of top-1, exact: images lost and gained, and the probability of such a difference by chance\n"
            "%-*s  %23s  %23s  %23s\n",
            name, "point", "against integer", "against the first design", "against the point above");
    for (int32_t i = 0; i < report->npoint; i++) {
        const struct ohm_report_point *point = &report->points[i];
        if (!point->priced) continue;
        fprintf(out, "%-*s", name, point->name);
        print_difference(integer, point, out);
        print_difference(first, point, out);
        print_difference(before, point, out);
        fputc('\n', out);
        before = point;
    }
}
