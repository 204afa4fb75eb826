/* What the columns of a result are: names, units, meanings and where they come from. */
#include "result_table.h"

#define IMAGE(name, type, width, unit, about)                                                                                                        \
    {                                                                                                                                                \
#name, OHM_COLUMN_##type, offsetof(struct ohm_image_record, name), width, {                                                                  \
            unit, about                                                                                                                              \
        }                                                                                                                                            \
    }
static const struct ohm_column image_columns[] = {
    IMAGE(index, INT64, 1, "1", "number of the image in the set, in the set's order"),
    IMAGE(label, INT32, 1, "class", "counted from 0; -1: no label"),
    IMAGE(best, INT32, 5, "class", "the five best classes, best first; -1: fewer classes, or a corrupt image"),
    IMAGE(correct, INT8, 1, "1", "1: top-1, 2: within top-5, 0: neither, -1: unlabelled or corrupt"),
    IMAGE(outputs_digest, INT64, 1, "1", "hash of all integer outputs of the image's run (64 bits, to be read as unsigned); 0 in float"),
};
const struct ohm_table ohm_image_table = OHM_TABLE(image_columns, struct ohm_image_record);

#define AT(member) offsetof(struct ohm_layer_record, row.member)
#define LAYER(name, type, unit, about)                                                                                                               \
    {                                                                                                                                                \
#name, OHM_COLUMN_##type, AT(name), 1, {                                                                                                     \
            unit, about                                                                                                                              \
        }                                                                                                                                            \
    }
#define TALLY(name, unit, about) {#name, OHM_COLUMN_INT64, AT(tally.name), 1, {unit, about "; sum over the scored images"}},
#define EFFORT(name, unit, about) {#name, OHM_COLUMN_BESIDE, AT(tally.name), 1, {unit, about "; sum over the scored images"}},
#define STORE(name, unit, about) {#name, OHM_COLUMN_INT64, AT(store.name), 1, {unit, about}},
#define ENERGY(name, about) {"energy_" #name "_pj", OHM_COLUMN_DOUBLE, AT(energy.name), 1, {"pJ", about "; mean per image"}},
#define AREA(name, about) {"area_" #name "_um2", OHM_COLUMN_DOUBLE, AT(area.name), 1, {"um2", about}},
#define LAW_ENERGY(law, word, about)                                                                                                                 \
    {"energy_adc_" word "_pj", OHM_COLUMN_DOUBLE, AT(adc_pj[law]), 1, {"pJ", "conversions by this ADC law: " about "; mean per image"}},
#define LAW_AREA(law, word, about) {"area_adc_" word "_um2", OHM_COLUMN_DOUBLE, AT(adc_um2[law]), 1, {"um2", "converters by this ADC law: " about}},
#define SUM(name, unit, about)                                                                                                                       \
    {                                                                                                                                                \
#name, OHM_COLUMN_DOUBLE, offsetof(struct ohm_layer_record, name), 1, {                                                                      \
            unit, about                                                                                                                              \
        }                                                                                                                                            \
    }
#define BASELINE(name, cells, about) {"baseline_" #name, OHM_COLUMN_INT64, AT(baseline[BASELINE_##name]), 1, {"1", "crossbars with " about}},
static const struct ohm_column layer_columns[] = {
    LAYER(name, STRING, "", "name of the layer in the network"),
    LAYER(kind, STRING, "", "conv, depthwise, grouped or linear"),
    LAYER(evaluation, STRING, "", "how the simulation did it: counters (every conversion), an integer product (all proved), corrections to it"),
    LAYER(groups, INT32, "1", "weight matrices of the layer"),
    LAYER(rows, INT32, "1", "rows of each: inputs of one output"),
    LAYER(columns, INT32, "1", "columns of each: outputs"),
    {"positions_per_image", OHM_COLUMN_INT64, AT(positions), 1, {"1", "output positions of one image"}},
    OHM_TALLY_LIST(TALLY) OHM_EFFORT_LIST(EFFORT) OHM_STORE_LIST(STORE){
        "plane_full", OHM_COLUMN_INT64, AT(plane_full), OHM_PLANES, {"1", "arrays of each bit plane, the lowest first, with nothing released"}},
    {"plane_held", OHM_COLUMN_INT64, AT(plane_held), OHM_PLANES, {"1", "of these, arrays allocated; all 0 where bit planes share arrays"}},
    LAYER(adc_bits, INT32, "bit", "resolution of the converters"),
    LAYER(copies, BESIDE, "1", "copies of the layer's arrays"),
    LAYER(buffer_bytes, INT64, "B", "input values kept while the layer runs"),
    OHM_BASELINE_LIST(BASELINE) LAYER(sqnr_db, DOUBLE, "dB", "signal to quantisation noise of the layer's output against the float network"),
    LAYER(sqnr_isolated_db, DOUBLE, "dB",
          "signal to noise of the layer's output against the exact integer layer on the same inputs; NaN: not measured"),
    LAYER(sqnr_chained_db, DOUBLE, "dB", "signal to noise of the layer's output against the integer network's; NaN: not measured"),
    {"adc_lo", OHM_COLUMN_BESIDE, AT(adc_lo), OHM_ADC_RANGES, {"1/256 cell step", "middle of code 0, for each class of columns"}},
    {"adc_step",
     OHM_COLUMN_BESIDE,
     AT(adc_step),
     OHM_ADC_RANGES,
     {"1/256 cell step", "between codes, for each class of columns; 0: no such columns"}},
    {"codes", OHM_COLUMN_BESIDE, AT(codes), OHM_CODE_BINS, {"1", "conversions of the sample images by sixteenths of the codes; 0: not measured"}},
    LAYER(weight_error, DOUBLE, "1", "relative root mean square of held minus float weights"),
    LAYER(held_error, DOUBLE, "1", "relative root mean square of held minus fitted weights; 0 without fitted ones"),
    OHM_ENERGY_LIST(ENERGY) SUM(energy_pj, "pJ", "sum of the energies by component, without leakage; mean per image"),
    {"energy_leakage_pj", OHM_COLUMN_DOUBLE, AT(leakage_pj), 1, {"pJ", "standing power of arrays and tiles from one image to the next"}},
    OHM_ADC_LAW_LIST(LAW_ENERGY) LAYER(latency_ns, DOUBLE, "ns", "one image through one copy of the layer"),
    LAYER(start_ns, DOUBLE, "ns", "first step of an image that finds the pipeline empty"),
    LAYER(end_ns, DOUBLE, "ns", "last output of that image"),
    LAYER(busy, DOUBLE, "1", "share of the time between images in which an array of the layer is read, on average"),
    OHM_AREA_LIST(AREA) SUM(area_um2, "um2", "all copies of the arrays with their periphery, and a share of the tiles"),
    OHM_ADC_LAW_LIST(LAW_AREA)};
const struct ohm_table ohm_layer_table = OHM_TABLE(layer_columns, struct ohm_layer_record);

#define ISOLATED(name, about)                                                                                                                        \
    {                                                                                                                                                \
#name, OHM_COLUMN_BESIDE, offsetof(struct ohm_isolated_row, name), 1, {                                                                      \
            "1", about                                                                                                                               \
        }                                                                                                                                            \
    }
static const struct ohm_column isolated_columns[] = {
    ISOLATED(outputs, "outputs of the layer on the exact integer network's inputs, over the scored images"),
    ISOLATED(differing, "of these, not as those of the exact layer"),
    ISOLATED(digest, "hash of all of them (64 bits, to be read as unsigned)"),
};
const struct ohm_table ohm_isolated_table = OHM_TABLE(isolated_columns, struct ohm_isolated_row);

struct ohm_image_record *ohm_image_records(const struct ohm_image_row *rows, int64_t nrow) {
    struct ohm_image_record *records = ohm_alloc_array((size_t)nrow, sizeof *records);
    for (int64_t i = 0; records && i < nrow; i++) {
        const struct ohm_image_row *row = &rows[i];
        records[i] = (struct ohm_image_record){
            .index = row->index,
            .outputs_digest = (int64_t)row->outputs_digest,
            .label = row->label,
            .best = {row->best[0], row->best[1], row->best[2], row->best[3], row->best[4]},
            .correct = row->correct < 0 ? -1 : (int8_t)row->correct,
        };
    }
    return records;
}

struct ohm_layer_record *ohm_layer_records(const struct ohm_layer_row *rows, int32_t nrow) {
    struct ohm_layer_record *records = ohm_alloc_array((size_t)nrow, sizeof *records);
    for (int32_t i = 0; records && i < nrow; i++)
        records[i] = (struct ohm_layer_record){rows[i], ohm_energy_total_pj(&rows[i].energy), ohm_area_total_um2(&rows[i].area)};
    return records;
}

struct ohm_scores ohm_image_scores(const struct ohm_image_record *records, int64_t nrecord) {
    struct ohm_scores scores = {0};
    for (int64_t i = 0; i < nrecord; i++) {
        scores.labelled += records[i].correct >= 0;
        scores.top1 += records[i].correct == 1;
        scores.top5 += records[i].correct == 1 || records[i].correct == 2;
    }
    return scores;
}
