/* The tables of a result as its writer and its reader share them. Internal to io. */
#ifndef OHM_IO_RESULT_TABLE_H
#define OHM_IO_RESULT_TABLE_H
#include "h5_columns.h"
#include "ohmtally/result.h"

enum ohm_baseline { /* places in ohm_layer_row.baseline */
#define X(name, cells, about) BASELINE_##name,
                    OHM_BASELINE_LIST(X)
#undef X
};

struct ohm_image_record { /* a row of <point>/images as it is stored */
    int64_t index, outputs_digest;
    int32_t label, best[5];
    int8_t correct;
};
struct ohm_layer_record { /* a row of <point>/layers */
    struct ohm_layer_row row;
    double energy_pj, area_um2;
};
extern const struct ohm_table ohm_image_table, ohm_layer_table, ohm_isolated_table; /* the last: of struct ohm_isolated_row */

/* Rows as records; NULL with a recorded failure; free with free(). */
struct ohm_image_record *ohm_image_records(const struct ohm_image_row *rows, int64_t nrow);
struct ohm_layer_record *ohm_layer_records(const struct ohm_layer_row *rows, int32_t nrow);

struct ohm_scores {
    int64_t labelled, top1, top5;
};
struct ohm_scores ohm_image_scores(const struct ohm_image_record *records, int64_t nrecord);

#endif
