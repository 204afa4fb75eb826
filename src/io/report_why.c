/* Where accuracy is lost: layers of a point, those first that do most harm on their own. */
#include "ohmtally/memory.h"
#include "ohmtally/status.h"
#include "report_parts.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN 15

static int by_harm(const void *left, const void *right) {
    const struct ohm_report_layer *a = *(const struct ohm_report_layer *const *)left, *b = *(const struct ohm_report_layer *const *)right;
    if (a->sqnr_isolated_db != b->sqnr_isolated_db) return a->sqnr_isolated_db < b->sqnr_isolated_db ? -1 : 1;
    return (a > b) - (a < b); /* in the network's order */
}

/* Share of the conversions in each sixteenth of the codes: '.' for none, 0 .. 9 for tenths, rounded down. */
static void draw_codes(const struct ohm_report_layer *layer, char shape[OHM_CODE_BINS + 1]) {
    int64_t all = 0;
    for (int k = 0; k < OHM_CODE_BINS; k++) all += layer->codes[k];
    for (int k = 0; k < OHM_CODE_BINS; k++) {
        int64_t tenths = all ? 10 * layer->codes[k] / all : 0;
        shape[k] = !layer->codes[k] ? '.' : (char)('0' + (tenths > 9 ? 9 : tenths));
    }
    shape[OHM_CODE_BINS] = 0;
}

static void print_layer(const struct ohm_report_layer *layer, int name, FILE *out) {
    char shape[OHM_CODE_BINS + 1];
    draw_codes(layer, shape);
    fprintf(out, "  %-*s  %-9s  %8.2f  %8.2f  %8.4f  %s\n", name, layer->name, layer->kind, layer->sqnr_isolated_db, layer->sqnr_chained_db,
            layer->conversions ? 100.0 * (double)layer->clipped / (double)layer->conversions : 0, shape);
}

static void print_point(const struct ohm_report_point *point, FILE *out) {
    const struct ohm_report_layer **order = ohm_alloc_array((size_t)point->nlayer, sizeof *order);
    size_t widest = strlen("layer");
    if (!order) return;
    for (int64_t i = 0; i < point->nlayer; i++) {
        order[i] = &point->layers[i];
        if (strlen(point->layers[i].name) > widest) widest = strlen(point->layers[i].name);
    }
    qsort(order, (size_t)point->nlayer, sizeof *order, by_harm);
    if (point->isolated)
        fprintf(out, "\n%s: layers on exact inputs, no top-1", point->name);
    else
        fprintf(out, "\n%s: top-1 %.2f %%", point->name, ohm_report_top1(point));
    fprintf(out, "\n  %-*s  %-9s  %8s  %8s  %8s  %s\n", (int)widest, "layer", "kind", "alone dB", "chain dB", "clipped%", "codes");
    for (int64_t i = 0; i < point->nlayer && i < SHOWN; i++) print_layer(order[i], (int)widest, out);
    if (point->nlayer > SHOWN) fprintf(out, "  and %lld more, each losing less\n", (long long)(point->nlayer - SHOWN));
    free(order);
}

void ohm_report_why(const struct ohm_report *report, FILE *out) {
    bool any = false;
    fprintf(out,
            "%s: layers in the order of the harm they do alone. alone: output against the exact integer layer on the same inputs;\n"
            "chain: against the integer network; codes: share of the conversions in each sixteenth of the ADC's codes, . none, 0 .. 9 tenths\n",
            report->path);
    for (int32_t i = 0; i < report->npoint; i++) {
        const struct ohm_report_point *point = &report->points[i];
        if (!point->nlayer || !point->priced || isnan(point->layers[0].sqnr_isolated_db)) continue;
        print_point(point, out);
        any = true;
    }
    if (!any) fprintf(out, "nothing was measured: run the job with --set run.why=true\n");
}
