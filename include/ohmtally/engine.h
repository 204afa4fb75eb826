/* A network on a design, ready to run: programs or exact weights for every matrix layer, and what follows each. Built once, then const; all threads
 * share it. Layer: eval (knows no MPI, no files). Uses OpenMP threads; results do not depend on their number. */
#ifndef OHMTALLY_ENGINE_H
#define OHMTALLY_ENGINE_H
#include "ohmtally/crossbar.h"
#include "ohmtally/design.h"
#include "ohmtally/float_forward.h"
#include "ohmtally/product.h"
#include "ohmtally/quantize.h"

/* Pixel bytes -> the network's float input: (byte * scale - mean[c]) / std[c], c in the network's channel order. */
struct ohm_preprocess {
    int32_t height, width, channels;
    bool bgr, nhwc;
    float scale, mean[3], std[3];
};
int ohm_preprocess_check(const struct ohm_preprocess *preprocess, const struct ohm_network *network); /* sizes agree with the network's input */
void ohm_preprocess_image(const struct ohm_preprocess *preprocess, const uint8_t *pixels, float *input);

/* One of program and product is there. Layers know nothing of each other: a copy of an engine whose layers are picked from several engines of one
 * network is an engine too, as long as those live; it is not freed. */
struct ohm_engine_layer {
    struct ohm_program *program; /* on crossbars */
    struct ohm_product *product; /* exact */
    bool narrow;                 /* sums are int32_t */
    struct ohm_rescale rescale;
    const char *way;    /* how it is evaluated: ohm_program_way, "product" for exact ones */
    struct ohm_adc adc; /* on crossbars: as asked for, with its calibrated ranges; without converters */
    struct ohm_store store;
    int64_t plane_full[OHM_PLANES], plane_held[OHM_PLANES]; /* as in the plan */
    double weight_error;                                    /* relative RMS of the held against the float weights */
    double held_error;                                      /* of the held against given weights; 0 without these */
};
struct ohm_batch;
/* Consecutive steps of a network, of which an engine holds the layers and no others. Every run begins behind the steps before them, whose values are
 * brought, and ends before those behind them, for which values are passed on (cut.h); layers that are not held have their ADC and nothing else. */
struct ohm_engine_part {
    int32_t first, end;                                                   /* steps first .. end - 1 */
    int (*bring)(void *context, struct ohm_batch *batch, int32_t n);      /* values and digests of images 0 .. n - 1; not for step 0 */
    int (*pass)(void *context, const struct ohm_batch *batch, int32_t n); /* not for the last step */
    void (*stepped)(void *context, int32_t step);                         /* after each step, from the calling thread */
    void *context;
};

struct ohm_engine {
    struct ohm_arena *arena;
    const struct ohm_intnet *intnet;
    const struct ohm_engine_part *part; /* NULL: the whole network */
    int32_t adc_bits;
    struct ohm_engine_layer *layers; /* [nlayer] */
    int64_t *observed;               /* while observing: [nlayer][OHM_ADC_CLASSES][largest + 1] */
    int32_t largest;
};

struct ohm_engine_request {
    const struct ohm_intnet *intnet;
    const bool *skip;                   /* [nlayer] layers that are not built: for engines whose layers are picked; NULL: none */
    const struct ohm_engine_part *part; /* the only steps whose layers are built and run; must outlive the engine; NULL: all */
    /* On crossbars: */
    const struct ohm_design *design;           /* NULL: the exact integer network */
    const struct ohm_design_setting *settings; /* [nlayer] */
    const struct ohm_adc *adc;                 /* [nlayer] */
    enum ohm_evaluate evaluate;
    const struct ohm_noise *noise; /* NULL: ideal devices */
    const bool *stores_only; /* [nlayer] layers that are placed and counted but not laid out for running; NULL: none. Such an engine does not run */
    /* Either: */
    struct ohm_weights *const *given; /* [nlayer] integer weights, in range of the design; NULL, or NULL for a layer: made from the float ones */
    const float *const *bias;         /* [nlayer] in the place of the network's; NULL, or NULL for a layer: the network's */
    /* The exact network: */
    int32_t weight_bits;
    bool per_channel;
    /* Called, if not NULL, from one thread after every few layers (engine NULL: there is none), with the outcome so far; what it returns ends the
     * building when it is a failure. For ranks that build the same engine together. */
    int (*built)(void *context, const struct ohm_engine *engine, int32_t first, int32_t end, int status);
    void *context;
};
int ohm_engine_build(const struct ohm_engine_request *request, struct ohm_engine **engine);
/* The large pieces of memory that hold the weights of layers first .. end - 1; they are never written again. */
void ohm_engine_large(const struct ohm_engine *engine, int32_t first, int32_t end, void (*see)(void *context, void *piece, size_t bytes),
                      void *context);
void ohm_engine_free(struct ohm_engine *engine);
size_t ohm_engine_bytes(const struct ohm_engine *engine);

/* Buffers for batches of up to n images; one per process, reused. */
int ohm_batch_new(const struct ohm_engine *engine, int32_t n, struct ohm_batch **batch);
/* For these engines of one network and any engine whose layers are picked from theirs. */
int ohm_batch_new_for(const struct ohm_engine *const *engines, int32_t nengine, int32_t n, struct ohm_batch **batch);
void ohm_batch_free(struct ohm_batch *batch);
/* Number in its set of the first image of the runs to come; 0 before the first call. Noise of reads is drawn by it. */
void ohm_batch_first(struct ohm_batch *batch, int64_t first);
/* Of images 0, 1, ... over the layer outputs so far; those left out of a run (inputs NULL) are not counted. */
uint64_t *ohm_batch_digests(const struct ohm_batch *batch);
/* Looks at a run, image by image, from one thread at a time; either function may be NULL. */
struct ohm_engine_watch {
    void (*before_layer)(void *context, int32_t layer, const void *input); /* the layer's input as stored */
    void (*after_layer)(void *context, int32_t layer, const void *output); /* its output as stored */
    void *context;
};
/* Runs n images: inputs[i] float input of image i (NULL: skipped), outputs[i] its logits, digests[i] a hash over all layer outputs (XXH3, 64 bits,
 * seeded with the hash of the layers before, 0 before the first). tally [nlayer] grows. outputs, digests, tally and watch may be NULL. An engine of
 * some steps (part) reads inputs only to see which images there are, unless it has the first step, and gives outputs and digests only with the
 * last. */
int ohm_engine_run(const struct ohm_engine *engine, struct ohm_batch *batch, int32_t n, const float *const *inputs, float *const *outputs,
                   uint64_t *digests, struct ohm_tally *tally, const struct ohm_engine_watch *watch);

/* Counts seen by the ADCs on one image, added to engine->observed (allocated by the first call), for calibrated ranges. The engine must be
 * lossless and evaluate all conversions. */
int ohm_engine_observe(struct ohm_engine *engine, struct ohm_batch *batch, const float *input);
/* Of one layer alone, on an image's input as stored. */
int ohm_engine_observe_layer(struct ohm_engine *engine, int32_t layer, const void *input);
static inline size_t ohm_engine_bins(const struct ohm_engine *engine) { /* per layer */
    return (size_t)OHM_ADC_CLASSES * ((size_t)engine->largest + 1);
}

/* The float network on n images in parallel; inputs[i] NULL: skipped. */
int ohm_float_batch(const struct ohm_network *network, int32_t n, const float *const *inputs, float *const *outputs);
/* The same, adding every tensor's values to ranges. */
int ohm_calibrate_batch(const struct ohm_network *network, int32_t n, const float *const *inputs, struct ohm_ranges *ranges);
/* A batch step by step: the storage of a value of image i (NULL: none), and steps first .. end - 1 of the integer network on images 0 .. n - 1,
 * whose values that these steps read have been put there. */
void *ohm_batch_value(const struct ohm_intnet *intnet, const struct ohm_batch *batch, int32_t value, int32_t image);
int ohm_engine_advance(const struct ohm_engine *engine, struct ohm_batch *batch, int32_t n, int32_t first, int32_t end);
/* The first of these steps: puts the inputs that are not NULL where the network's first steps look; how many there are. */
int32_t ohm_batch_input(const struct ohm_engine *engine, struct ohm_batch *batch, int32_t n, const float *const *inputs);
/* One layer of images 0 .. n - 1 on the inputs that are stored. tally [nlayer] grows; NULL is fine. */
void ohm_engine_layer(const struct ohm_engine *engine, struct ohm_batch *batch, int32_t layer, int32_t n, struct ohm_tally *tally);
/* Layers first .. end - 1 each on its own: on the inputs that exact, the integer network's engine, gives it. tally [nlayer] and lost [nlayer] grow;
 * digests [n] gets the sum of a hash of every such layer's outputs, which sums over layers make one of the image; 0 where inputs[i] is NULL. batch:
 * made for both engines. */
#define OHM_ISOLATED_BITS 20
struct ohm_isolated {           /* of a layer, over images; sums of whole numbers only */
    int64_t outputs, differing; /* numbers compared; not as the exact layer's */
    int64_t signal, noise; /* mean squares of an image's outputs, and of what they are off, in 2^-20: of codes less the zero point (beyond 8 bits, of
                            * the upper 8), or of real values */
    int64_t digest_low, digest_high; /* sums of the halves of hashes of outputs */
};
int ohm_engine_isolated(const struct ohm_engine *engine, const struct ohm_engine *exact, struct ohm_batch *batch, int32_t n,
                        const float *const *inputs, int32_t first, int32_t end, uint64_t *digests, struct ohm_tally *tally,
                        struct ohm_isolated *lost);
/* Signal and noise power of every layer's output on one image, float network against engine: power [nlayer][2] doubles (written, not added). */
int ohm_engine_noise(const struct ohm_engine *engine, struct ohm_batch *batch, const float *input, double *power);
/* What every layer's output loses on one image: power [nlayer][4] doubles (written): signal and noise against exact's layer on the same inputs, then
 * against exact's own run. exact: the integer network's engine; observing: as for ohm_engine_observe, counts what the ADCs see on the way (NULL:
 * nothing). batch: made for engine and exact. */
int ohm_engine_why(const struct ohm_engine *engine, struct ohm_batch *batch, const struct ohm_engine *exact, struct ohm_engine *observing,
                   const float *input, double *power);

#endif
