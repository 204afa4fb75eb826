/* Parts of the comparison table that have files of their own. Internal to io. */
#ifndef OHM_IO_REPORT_PARTS_H
#define OHM_IO_REPORT_PARTS_H
#include "ohmtally/result.h"

static inline double ohm_report_top1(const struct ohm_report_point *point) { /* %; 0 without labels */
    return point->labelled ? 100.0 * (double)point->top1 / (double)point->labelled : 0;
}
/* name: width of the column of names. Nothing is printed where no entry has several chips. */
void ohm_report_chips(const struct ohm_report *report, int name, FILE *out);
/* Paired tests of every design against the integer network, against the first design and against the entry before it. */
void ohm_report_differences(const struct ohm_report *report, int name, FILE *out);

#endif
