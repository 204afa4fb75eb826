/* The table of all keys of a job. To add a setting: a field in struct ohm_job and a line here. */
#include "job_schema.h"
#include <stddef.h>

#define MOST_SIDE 65536               /* pixels */
#define MOST_COUNT 9007199254740992.0 /* 2^53: exact in the table's doubles */
#define MOST_RANKS 1e6
#define MOST_BUDGET 1e9    /* crossbars, mm2 */
#define LEAST_FACTOR 1e-30 /* divisors and factors that a float holds */
#define MOST_FACTOR 1e30
#define FIELD(member) offsetof(struct ohm_job, member)
#define IMAGE(member) offsetof(struct ohm_image_options, member)

static const struct ohm_word none_words[] = {{"none", 0}, {NULL, 0}};
static const struct ohm_word all_words[] = {{"all", 0}, {NULL, 0}};
static const struct ohm_word truth_words[] = {{"false", 0}, {"true", 1}, {NULL, 0}};
static const struct ohm_word pixel_words[] = {{"rgb", OHM_PIXELS_RGB}, {"bgr", OHM_PIXELS_BGR}, {"grey", OHM_PIXELS_GREY}, {NULL, 0}};
static const struct ohm_word layout_words[] = {{"nchw", 0}, {"nhwc", 1}, {NULL, 0}};
static const struct ohm_word offset_words[] = {{"round", 0}, {"floor", 1}, {NULL, 0}};
static const struct ohm_word scale_words[] = {{"layer", 0}, {"channel", 1}, {NULL, 0}};
static const struct ohm_word range_words[] = {
    {"minmax", OHM_RANGE_MINMAX}, {"percentile", OHM_RANGE_PERCENTILE}, {"squared_error", OHM_RANGE_SQUARED_ERROR}, {NULL, 0}};
static const struct ohm_word adc_law_words[] = {
#define X(name, word, about) {word, name},
    OHM_ADC_LAW_LIST(X)
#undef X
        {NULL, 0}};
static const struct ohm_word lossless_words[] = {{"lossless", 0}, {NULL, 0}};
static const struct ohm_word adc_range_words[] = {{"unit", 0}, {"full", 0}, {"calibrated", 0}, {NULL, 0}};
static const struct ohm_word sharing_words[] = {{"blocks", 0}, {"interleaved", 1}, {NULL, 0}};
static const struct ohm_word evaluate_words[] = {{"needed", 0}, {"all", 1}, {NULL, 0}};
static const struct ohm_word mode_words[] = {{"chained", 0}, {"isolated", 1}, {NULL, 0}};
static const struct ohm_word resume_words[] = {{"ask", OHM_RESUME_ASK}, {"auto", OHM_RESUME_AUTO}, {"never", OHM_RESUME_NEVER}, {NULL, 0}};
static const struct ohm_word auto_words[] = {{"auto", 0}, {NULL, 0}};
static const struct ohm_word calibrate_words[] = {{"percentile", 0}, {"squared_error", 0}, {NULL, 0}};

/* One row per key: name, kind, field, fallback, what is allowed, meaning, and .example where the fallback would not show much. */
#define NUMBER(key, type, at, otherwise, from, to, says, ...)                                                                                        \
    { .name = key, .kind = type, .offset = at, .fallback = otherwise, .least = from, .most = to, .about = says, __VA_ARGS__ }
#define STRING(key, type, at, otherwise, says, ...) NUMBER(key, type, at, otherwise, 0, 0, says, __VA_ARGS__)
#define WORD(key, type, at, otherwise, choices, says, ...) NUMBER(key, type, at, otherwise, 0, 0, says, .words = choices, __VA_ARGS__)

static const struct ohm_key network_keys[] = {
    STRING("file", OHM_KEY_INPUT, FIELD(network.file), NULL, "float network (.onnx) or a saved integer network (.h5)", .example = "resnet50.onnx"),
    WORD("channels", OHM_KEY_WORD_INT, FIELD(network.pixels), "rgb", pixel_words, "order of the network's input channels"),
    WORD("layout", OHM_KEY_WORD_BOOL, FIELD(network.nhwc), "nchw", layout_words, "order of the network's input dimensions"),
    NUMBER("scale", OHM_KEY_FLOAT, FIELD(network.scale), "1", LEAST_FACTOR, MOST_FACTOR, "input value = (byte * scale - mean) / std",
           .example = "0.00392156862745098"),
    NUMBER("mean", OHM_KEY_FLOAT3, FIELD(network.mean), "0", -MOST_FACTOR, MOST_FACTOR, "in the network's channel order",
           .example = "[0.485, 0.456, 0.406]"),
    NUMBER("std", OHM_KEY_FLOAT3, FIELD(network.std), "1", LEAST_FACTOR, MOST_FACTOR, "in the network's channel order",
           .example = "[0.229, 0.224, 0.225]"),
    STRING("save", OHM_KEY_TEXT, FIELD(network.save), "none", "write the integer network here (relative to the working directory)"),
};

/* The keys of a set of images, from another section where not given (inherits) or on their own. */
#define IMAGE_KEYS(inherits, all, folder_example, labels_example, count_example)                                                                     \
    STRING("folder", OHM_KEY_INPUT, IMAGE(folder), "none", "folder of .jpg, .jpeg and .png files", .example = folder_example),                       \
        STRING("packed", OHM_KEY_INPUT, IMAGE(packed), "none", "file made by ohmtally pack; give this or folder"),                                   \
        STRING("labels", OHM_KEY_INPUT, IMAGE(labels), "none", "class per image; without it wnid sub-folders", .example = labels_example),           \
        STRING("classes", OHM_KEY_INPUT, IMAGE(classes), "none", "wnids in class order; without it they are sorted"),                                \
        NUMBER("labels_from", OHM_KEY_INT32, IMAGE(labels_from), "0", 0, 1, "number of the first class in the labels file"),                         \
        NUMBER("resize", OHM_KEY_INT32, IMAGE(resize), "none", 0, MOST_SIDE, "shortest side in pixels before the crop", .words = none_words,         \
               .example = "256", .inherited = inherits),                                                                                             \
        NUMBER("crop", OHM_KEY_SIZE, IMAGE(crop_height), "none", 1, MOST_SIDE, "pixels cut from the centre", .words = none_words, .example = "224",  \
               .inherited = inherits),                                                                                                               \
        WORD("crop_offset", OHM_KEY_WORD_BOOL, IMAGE(crop_floor), "round", offset_words, "what becomes of half a pixel", .inherited = inherits),     \
        NUMBER("first", OHM_KEY_INT64, IMAGE(first), "0", 0, MOST_COUNT, "first image used, in the order of the set"),                               \
        NUMBER("count", OHM_KEY_INT64, IMAGE(count), all, 0, MOST_COUNT, "images used; 0 or all: to the end", .words = all_words,                    \
               .example = count_example)

static const struct ohm_key image_keys[] = {IMAGE_KEYS(false, "all", "val/", "val.txt", "1000")};
static const struct ohm_key calibration_keys[] = {IMAGE_KEYS(true, "128", "train/", NULL, NULL)};

static const struct ohm_key quantize_keys[] = {
    NUMBER("activation_bits", OHM_KEY_INT32, FIELD(quantize.activation_bits), "8", 2, 16, "bits of a layer's input"),
    NUMBER("weight_bits", OHM_KEY_INT32, FIELD(quantize.weight_bits), "8", 2, 16,
           "isaac: two's complement bits; sme, sobsx: magnitude bits beside the sign"),
    WORD("scale", OHM_KEY_WORD_BOOL, FIELD(quantize.per_channel), "channel", scale_words, "one weight scale per output channel or per layer"),
    WORD("range", OHM_KEY_WORD_INT, FIELD(quantize.range), "percentile", range_words, "how the range of activations is chosen"),
    NUMBER("percentile", OHM_KEY_DOUBLE, FIELD(quantize.percentile), "99.99", 50, 100, "of the values seen, for range: percentile"),
    WORD("equalise", OHM_KEY_WORD_BOOL, FIELD(quantize.equalise), "false", truth_words,
         "channels made alike across layers; the float network stays the same to the last bit"),
};

static const struct ohm_key same_keys[] = {
    NUMBER("array_rows", OHM_KEY_INT32, FIELD(same.array_rows), "128", 1, 4096, "word lines of a crossbar"),
    NUMBER("array_columns", OHM_KEY_INT32, FIELD(same.array_columns), "128", 1, 4096, "bit lines of a crossbar"),
    STRING("technology", OHM_KEY_TEXT, FIELD(same.technology), "isaac-32nm", "prices: a name in jobs/technology, or a path"),
    WORD("adc_law", OHM_KEY_WORD_INT, FIELD(same.adc_law), "saberi", adc_law_words, "how an ADC's price grows with its bits"),
    NUMBER("crossbar_budget", OHM_KEY_INT64, FIELD(same.crossbar_budget), "0", 0, MOST_BUDGET,
           "crossbars for all copies of layers, slow layers first; 0: one copy each"),
    NUMBER("area_budget_mm2", OHM_KEY_DOUBLE, FIELD(same.area_budget_mm2), "0", 0, MOST_BUDGET, "the same as area; 0: no limit of its own"),
};

static const struct ohm_key adc_keys[] = {
    NUMBER("bits", OHM_KEY_INT32, FIELD(adc.bits), "8", 1, 16, "resolution; lossless: what the largest sum needs", .words = lossless_words),
    WORD("range", OHM_KEY_WORD_TEXT, FIELD(adc.range), "unit", adc_range_words, "a code per unit of sum, the full range, or calibrated"),
    WORD("calibrate", OHM_KEY_WORD_TEXT, FIELD(adc.calibrate), "percentile", calibrate_words, "how range: calibrated chooses"),
    NUMBER("percentile", OHM_KEY_DOUBLE, FIELD(adc.percentile), "99.99", 50, 100, "of the sums seen, for calibrate: percentile"),
    WORD("power_of_two", OHM_KEY_WORD_BOOL, FIELD(adc.power_of_two), "false", truth_words,
         "range: calibrated: steps of bit planes differ by powers of two"),
    NUMBER("per_array", OHM_KEY_INT32, FIELD(adc.per_array), "0", 0, 4096, "ADCs of a crossbar; 0: as the technology says"),
    WORD("sharing", OHM_KEY_WORD_BOOL, FIELD(noise.adc.interleaved), "blocks", sharing_words, "columns of an ADC: neighbours, or every n-th"),
#define X(key, most, about) NUMBER(#key, OHM_KEY_DOUBLE, FIELD(noise.adc.key), "0", 0, most, about),
    OHM_ADC_ERROR_LIST(X)
#undef X
        NUMBER("thermal", OHM_KEY_DOUBLE, FIELD(noise.adc.thermal), "0", 0, 1000, "standard deviation of every conversion, in LSB"),
    STRING("levels", OHM_KEY_TEXT, FIELD(adc.levels), "none", "CSV of measured levels: code, mean, spread between ADCs, in LSB"),
    STRING("codes", OHM_KEY_TEXT, FIELD(adc.codes), "none", "CSV of measured codes: code, mean code given, spread between conversions, in LSB"),
};

static const struct ohm_word law_words[] = {
#define X(name, word, about) {word, name},
    OHM_VARIATION_LIST(X)
#undef X
        {NULL, 0}};
static const struct ohm_word drift_words[] = {
#define X(name, word, about) {word, name},
    OHM_DRIFT_LIST(X)
#undef X
        {NULL, 0}};
static const struct ohm_word leakage_words[] = {{"corrected", 0}, {"stays", 1}, {NULL, 0}};

static const struct ohm_key device_keys[] = {
    WORD("variation_law", OHM_KEY_WORD_INT, FIELD(noise.device.law), "lognormal", law_words, "what variation does to a conductance"),
    WORD("drift_law", OHM_KEY_WORD_INT, FIELD(noise.device.drift_law), "loss", drift_words,
         "where conductances go with time: down, up or down at random, to drift_target"),
    STRING("measured", OHM_KEY_TEXT, FIELD(measured_device), "none", "file of a measured device, in place of variation and on_off"),
    WORD("leakage", OHM_KEY_WORD_BOOL, FIELD(noise.device.leaks), "corrected", leakage_words,
         "what level 0 conducts on average is taken off before the ADC (unit column, pair), or stays in the sums"),
#define X(key, most, about) NUMBER(#key, OHM_KEY_DOUBLE, FIELD(noise.device.key), "0", 0, most, about),
    OHM_DEVICE_LIST(X)
#undef X
#define X(member, most, about) NUMBER("wire_" #member, OHM_KEY_DOUBLE, FIELD(noise.wire.member), "0", 0, most, about),
        OHM_WIRE_LIST(X)
#undef X
            NUMBER("on_ohm", OHM_KEY_DOUBLE, FIELD(noise.device.on_ohm), "10000", OHM_LEAST_OHM, OHM_MOST_OHM,
                   "ohm of a cell at its largest level, for wires and bandwidth; a measured device brings its own"),
    NUMBER("temperature", OHM_KEY_DOUBLE, FIELD(noise.device.temperature), "300", 0, OHM_MOST_KELVIN, "kelvin, for bandwidth"),
    NUMBER("read_volts", OHM_KEY_DOUBLE, FIELD(noise.device.read_volts), "0.2", OHM_LEAST_VOLTS, OHM_MOST_VOLTS, "across a cell, for bandwidth"),
};

static const struct ohm_key run_keys[] = {
    NUMBER("seed", OHM_KEY_INT64, FIELD(run.seed), "1", 0, MOST_COUNT, "of all that is drawn for `device` and `adc`"),
    NUMBER("trials", OHM_KEY_INT32, FIELD(run.trials), "1", 1, 1000, "chips evaluated of every design whose cells or ADCs are drawn"),
    WORD("why", OHM_KEY_WORD_BOOL, FIELD(run.why), "false", truth_words,
         "measure layer by layer what accuracy is lost to, for report --why; not the result"),
    NUMBER("batch", OHM_KEY_INT32, FIELD(run.batch), "16", 1, 65536, "most images worked on together; fewer where they are large: not the result"),
    WORD("mode", OHM_KEY_WORD_BOOL, FIELD(run.isolated), "chained", mode_words,
         "a layer's inputs: what the layers before it give, or those of the exact integer network; then designs have no top-1"),
    WORD("evaluate", OHM_KEY_WORD_BOOL, FIELD(run.evaluate_all), "needed", evaluate_words,
         "conversions carried out one by one: those not proved to be lossless, or all; time, not the result"),
    STRING("output", OHM_KEY_TEXT, FIELD(run.output), "none", "result file (relative to the working directory)", .example = "results/resnet50.h5"),
    WORD("overwrite", OHM_KEY_WORD_BOOL, FIELD(run.overwrite), "true", truth_words, "replace an output that exists"),
    WORD("resume", OHM_KEY_WORD_INT, FIELD(run.resume), "ask", resume_words,
         "what a run that was cut off left finished: ask: refuse without --resume; auto: go on from it; never: drop it"),
    NUMBER("grid", OHM_KEY_GRID, FIELD(run.grid), "auto", 1, MOST_RANKS,
           "ranks as groups of images x stages of layers; auto: stages only where memory does not hold all layers", .words = auto_words),
    NUMBER("memory_mb", OHM_KEY_INT32, FIELD(run.memory_mb), "0", 0, 1e9,
           "most memory of a rank for its layers of a point; 0: half of what its node has free, shared by the stages there"),
};

static const struct ohm_key search_keys[] = {
    STRING("design", OHM_KEY_TEXT, FIELD(search.design), "none", "name of the design searched; none: the first that has an option squeeze"),
    STRING("squeeze", OHM_KEY_TEXT, FIELD(search.squeeze), "none",
           "squeeze depths a layer may take, with blanks between; the loss is against the first", .example = "0 1 2 3"),
    STRING("window", OHM_KEY_TEXT, FIELD(search.window), "none", "windows a layer may take, likewise; none: what the design says"),
    STRING("designs", OHM_KEY_TEXT, FIELD(search.designs), "none",
           "in place of these: names of designs of which a layer may take squeeze, window and fitted weights, likewise"),
    NUMBER("loss", OHM_KEY_DOUBLE, FIELD(search.loss), "0.3", 0, 100, "points of top-1 that may be lost on the images"),
    STRING("crossbars", OHM_KEY_TEXT, FIELD(search.crossbars), "none",
           "numbers of crossbars; for each a file OUTPUT-NUMBER.yml of layers that take no more, at the least predicted harm"),
    NUMBER("samples", OHM_KEY_INT64, FIELD(search.samples), "64", 1, MOST_COUNT, "images for the sensitivity of the layers"),
    NUMBER("first", OHM_KEY_INT64, FIELD(search.first), "0", 0, MOST_COUNT,
           "first image used, from the first of quantize.calibration on; behind those of a fit"),
    NUMBER("images", OHM_KEY_INT64, FIELD(search.images), "all", 0, MOST_COUNT, "images for top-1, from that one on", .words = all_words),
    STRING("output", OHM_KEY_TEXT, FIELD(search.output), "none",
           "file of layers to write (relative to the working directory); the frontier goes beside it as .csv", .example = "results/layers.yml"),
};

static const struct ohm_key fit_keys[] = {
    STRING("design", OHM_KEY_TEXT, FIELD(fit.design), "none", "name of the design whose weights are fitted; none: the first"),
    STRING("constraint", OHM_KEY_TEXT, FIELD(fit.constraint), "none",
           "sets beside the design's own, such as polarity size=8, nm n=2 m=4; with commas between"),
    NUMBER("images", OHM_KEY_INT64, FIELD(fit.images), "256", 0, MOST_COUNT, "images, from the first of quantize.calibration on", .words = all_words),
    NUMBER("check", OHM_KEY_INT64, FIELD(fit.check), "0", 0, MOST_COUNT,
           "images behind these on which the fitted network is compared with the float one"),
    NUMBER("positions", OHM_KEY_INT32, FIELD(fit.positions), "64", 1, 65536, "output positions of a layer sampled in each image"),
    NUMBER("correct", OHM_KEY_DOUBLE, FIELD(fit.correct), "1", 0, 1, "share of earlier layers' error that weights are moved to correct"),
    NUMBER("damping", OHM_KEY_DOUBLE, FIELD(fit.damping), "0.01", 1e-9, 1e3, "added to the diagonal of the inputs' moments, in units of its mean"),
    NUMBER("shrink", OHM_KEY_DOUBLE, FIELD(fit.shrink), "0", 0, 1, "of the moments off the diagonal, less where positions are many to a row"),
    WORD("scales", OHM_KEY_WORD_BOOL, FIELD(fit.scales), "true", truth_words, "stage: search a scale per output"),
    WORD("admm", OHM_KEY_WORD_BOOL, FIELD(fit.admm), "true", truth_words, "stage: alternating direction method, finds the structure"),
    NUMBER("rho", OHM_KEY_DOUBLE, FIELD(fit.rho), "1", 1e-6, 1e6, "of admm, in units of the mean of the moments' diagonal"),
    NUMBER("iterations", OHM_KEY_INT32, FIELD(fit.iterations), "20", 1, 10000, "of admm at most"),
    WORD("refine", OHM_KEY_WORD_BOOL, FIELD(fit.refine), "true", truth_words, "stage: round rows in turn, passing errors on"),
    NUMBER("sweeps", OHM_KEY_INT32, FIELD(fit.sweeps), "4", 0, 1000, "stage: sweeps that move weights one at a time; 0: off"),
    WORD("bias", OHM_KEY_WORD_BOOL, FIELD(fit.bias), "true", truth_words, "stage: correct biases"),
    NUMBER("memory_mb", OHM_KEY_INT32, FIELD(fit.memory_mb), "320", 1, 1e6, "of activations kept between layers, all ranks together"),
    STRING("output", OHM_KEY_TEXT, FIELD(fit.output), NULL, "file to write (relative to the working directory); a design's entry names it as weights",
           .example = "results/fitted.h5"),
};

static const struct ohm_key predict_keys[] = {
    STRING("ranks", OHM_KEY_TEXT, FIELD(predict.ranks), "1 2 4 8 16 64 256 1024 4096 10000", "numbers of ranks, with blanks between"),
    NUMBER("images", OHM_KEY_INT64, FIELD(predict.images), "0", 0, 1e9, "images of the run; 0: those of the job"),
    NUMBER("cores", OHM_KEY_INT32, FIELD(predict.cores), "64", 1, 65536, "cores of a node, each with a rank of one thread"),
    NUMBER("nodes", OHM_KEY_INT32, FIELD(predict.nodes), "0", 0, 1e6, "nodes, whose cores further ranks share; 0: as many as needed"),
    NUMBER("latency_us", OHM_KEY_DOUBLE, FIELD(predict.latency_us), "2", 0, 1e6, "of a message between nodes"),
    NUMBER("message_us", OHM_KEY_DOUBLE, FIELD(predict.message_us), "1", 0, 1e6, "that rank 0 needs for each of many messages"),
    NUMBER("link_gb_s", OHM_KEY_DOUBLE, FIELD(predict.link_gb_s), "10", 1e-6, 1e6, "GB/s from node to node"),
    NUMBER("file_gb_s", OHM_KEY_DOUBLE, FIELD(predict.file_gb_s), "5", 1e-6, 1e6, "GB/s of the file system, for all nodes together"),
    NUMBER("files_s", OHM_KEY_DOUBLE, FIELD(predict.files_s), "2000", 1e-3, 1e9, "files made or removed in a second, in one folder"),
};

#define KEYS(table) table, sizeof(table) / sizeof(table[0])
const struct ohm_section ohm_job_sections[] = {
    {"network", 0, KEYS(network_keys), .about = "the network and how bytes of an image become its input"},
    {"images", FIELD(images), KEYS(image_keys), .about = "the images to classify"},
    {"quantize", 0, KEYS(quantize_keys), .about = "how the float network becomes an integer network"},
    {"quantize.calibration", FIELD(quantize.calibration), KEYS(calibration_keys), .optional = true, .inherits = "images",
     .about = "images from which the ranges of activations are taken; keys as in images"},
    {"same", 0, KEYS(same_keys), .about = "what all designs share, so that they can be compared"},
    {"adc", 0, KEYS(adc_keys), .about = "the converters, unless a design says otherwise"},
    {"device", 0, KEYS(device_keys), .about = "what cells are really like, unless a design says otherwise; 0: ideal"},
    {"run", 0, KEYS(run_keys), .about = "the run itself"},
    {"search", 0, KEYS(search_keys), .optional = true, .about = "for `ohmtally search`: options layer by layer, on the calibration images"},
    {"fit", 0, KEYS(fit_keys), .optional = true, .about = "for `ohmtally fit`: weights within a design's set that do what the trained ones do"},
    {"predict", 0, KEYS(predict_keys), .optional = true, .about = "for `ohmtally bench`: a cluster on which the job's time is predicted"},
};
const int ohm_job_nsection = sizeof ohm_job_sections / sizeof ohm_job_sections[0];
