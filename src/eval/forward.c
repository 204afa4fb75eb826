/* One batch of images through an engine, layer by layer. The unit of work is a block of output positions, flattened over the images of the batch, so
 * that weights stay in cache while positions stream and small layers still fill a block. Threads take blocks of the whole batch, or, where it has
 * enough images for all, images of their own through all layers. */
#include "ohmtally/engine.h"
#include "ohmtally/status.h"
#include <omp.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

struct thread_room;
struct ohm_batch {
    int32_t room, nthread; /* images, threads */
    atomic_int *idle;      /* of a batch that is one thread's share: how many threads have finished theirs; NULL: all threads work on it */
    unsigned char **slot;  /* [nslot]: room instances each */
    struct thread_room *threads;
    int32_t *image;   /* images of the call that are really run (input not NULL) */
    int64_t first;    /* number of the call's first image in the set */
    int64_t *number;  /* of each image really run */
    uint64_t *digest; /* of each of these */
};

static int32_t block_positions(const struct ohm_engine_layer *built) {
    return built->program ? ohm_program_positions(built->program) : OHM_PRODUCT_POSITIONS;
}

#define GRAIN 16      /* positions: fewer do not fill the products' registers */
#define FEW_BLOCKS 16 /* a thread; with more, taking them as they come leaves little uneven */

/* How a layer's positions are cut into blocks, none larger than suits it: few blocks are as many for every thread and differ by a grain at most. */
struct cut {
    int64_t total, blocks, most;
    int64_t grains; /* of few blocks; 0: each but the last is the largest */
};

static struct cut cut_positions(int64_t total, int64_t most, int32_t nthread) {
    struct cut cut = {total, (total + most - 1) / most, most, 0};
    if (cut.blocks >= (int64_t)FEW_BLOCKS * nthread) return cut;
    cut.blocks = (cut.blocks + nthread - 1) / nthread * nthread;
    cut.grains = (total + GRAIN - 1) / GRAIN;
    return cut;
}

static int64_t block_begin(const struct cut *cut, int64_t block) {
    const int64_t begin = cut->grains ? cut->grains * block / cut->blocks * GRAIN : block * cut->most;
    return begin < cut->total ? begin : cut->total;
}

/* A layer whose blocks threads take as they come. */
struct work {
    const struct ohm_batch *batch;
    int32_t layer;
    struct cut cut;
    atomic_llong next; /* block that nobody has taken */
    atomic_bool open;  /* of a share's layer: threads that have finished theirs may come and take some */
    atomic_int inside; /* those that look at it */
};
struct thread_room {
    unsigned char *x; /* gathered input vectors */
    void *y;          /* sums, int32_t or int64_t */
    unsigned char *scratch;
    struct ohm_tally tally; /* of the layer under way */
    /* For images that the thread takes through all steps alone: */
    unsigned char **slot;      /* [nslot]: of the batch, from its own first image on */
    struct ohm_tally *tallies; /* [nlayer] */
    struct work work;
};

/* What a thread needs for any layer of the engines, for blocks of n images: small layers do not fill a block. */
struct thread_bytes {
    size_t x, y, scratch;
};
static void largest_bytes(const struct ohm_engine *engine, int32_t n, struct thread_bytes *most) {
    for (int32_t i = 0; i < engine->intnet->nlayer; i++) {
        const struct ohm_layer *layer = &engine->intnet->layers[i];
        const struct ohm_engine_layer *built = &engine->layers[i];
        if (!built->program && !built->product) continue; /* not of this part */
        const int64_t total = n * ohm_layer_positions(layer), block = block_positions(built);
        const int32_t npos = (int32_t)(total < block ? total : block);
        const size_t sum = built->narrow ? sizeof(int32_t) : sizeof(int64_t);
        size_t x = (size_t)npos * (size_t)ohm_layer_inputs(layer) * (size_t)engine->intnet->element;
        size_t y = (size_t)npos * (size_t)ohm_layer_outputs(layer) * sum;
        size_t s = built->program ? ohm_program_scratch(built->program, npos) : ohm_product_scratch(built->product, npos);
        if (x > most->x) most->x = x;
        if (y > most->y) most->y = y;
        if (s > most->scratch) most->scratch = s;
    }
}

int ohm_batch_new(const struct ohm_engine *engine, int32_t n, struct ohm_batch **batch) {
    return ohm_batch_new_for(&engine, 1, n, batch);
}

int ohm_batch_new_for(const struct ohm_engine *const *engines, int32_t nengine, int32_t n, struct ohm_batch **out) {
    const struct ohm_intnet *intnet = engines[0]->intnet;
    struct ohm_batch *batch = ohm_alloc(sizeof *batch);
    struct thread_bytes bytes = {64, 64, (size_t)intnet->scratch_bytes};
    for (int32_t k = 0; k < nengine; k++) largest_bytes(engines[k], n, &bytes);
    *out = batch;
    if (!batch) return OHM_E_MEMORY;
    *batch = (struct ohm_batch){.room = n, .nthread = omp_get_max_threads()};
    batch->slot = ohm_alloc_array((size_t)intnet->nslot + 1, sizeof *batch->slot); /* ends with NULL */
    batch->threads = ohm_alloc_array((size_t)batch->nthread, sizeof *batch->threads);
    batch->image = ohm_alloc_array((size_t)n, sizeof *batch->image);
    batch->digest = ohm_alloc_array((size_t)n, sizeof *batch->digest);
    batch->number = ohm_alloc_array((size_t)n, sizeof *batch->number);
    bool good = batch->slot && batch->threads && batch->image && batch->digest && batch->number;
    for (int32_t s = 0; good && s < intnet->nslot; s++) good = (batch->slot[s] = ohm_alloc_array((size_t)n, (size_t)intnet->slot_bytes[s])) != NULL;
    for (int32_t t = 0; good && t < batch->nthread; t++) {
        struct thread_room *thread = &batch->threads[t];
        thread->x = ohm_alloc(bytes.x);
        thread->y = ohm_alloc(bytes.y);
        thread->scratch = ohm_alloc(bytes.scratch);
        thread->slot = ohm_alloc_array((size_t)intnet->nslot, sizeof *thread->slot);
        thread->tallies = ohm_alloc_array((size_t)intnet->nlayer, sizeof *thread->tallies);
        good = thread->x && thread->y && thread->scratch && thread->slot && thread->tallies;
    }
    if (good) return OHM_OK;
    ohm_batch_free(batch);
    *out = NULL;
    return OHM_E_MEMORY;
}

void ohm_batch_free(struct ohm_batch *batch) {
    if (!batch) return;
    for (unsigned char **slot = batch->slot; slot && *slot; slot++) free(*slot);
    for (int32_t t = 0; batch->threads && t < batch->nthread; t++) {
        free(batch->threads[t].x);
        free(batch->threads[t].y);
        free(batch->threads[t].scratch);
        free(batch->threads[t].slot);
        free(batch->threads[t].tallies);
    }
    free(batch->slot);
    free(batch->threads);
    free(batch->image);
    free(batch->digest);
    free(batch->number);
    free(batch);
}

void ohm_batch_first(struct ohm_batch *batch, int64_t first) {
    batch->first = first;
}

static unsigned char *stored(const struct ohm_intnet *intnet, const struct ohm_batch *batch, int32_t value, int64_t image) {
    int32_t slot = intnet->slot[value];
    return slot < 0 ? NULL : batch->slot[slot] + (size_t)image * (size_t)intnet->slot_bytes[slot];
}

/* The input vectors of positions q .. end-1 of layer i: where they are stored if they lie there in order, otherwise gathered into x. */
static const unsigned char *input_vectors(const struct ohm_intnet *intnet, const struct ohm_batch *batch, int32_t i, int64_t q, int64_t end,
                                          unsigned char *x) {
    const struct ohm_layer *layer = &intnet->layers[i];
    const int64_t positions = ohm_layer_positions(layer);
    const size_t vector = (size_t)ohm_layer_inputs(layer) * (size_t)intnet->element;
    if (ohm_layer_gathered(layer) && q / positions == (end - 1) / positions)
        return stored(intnet, batch, layer->input, q / positions) + (size_t)(q % positions) * vector;
    for (int64_t at = q, n; at < end; at += n) {
        int64_t first = at % positions;
        n = positions - first < end - at ? positions - first : end - at;
        ohm_layer_gather_taps(intnet, layer, stored(intnet, batch, layer->input, at / positions), first, n, x + (size_t)(at - q) * vector);
    }
    return x;
}

/* Positions q .. end-1 (flattened over images) of one layer: inputs, product, rescaling. */
static void layer_block(const struct ohm_engine *engine, const struct ohm_batch *batch, int32_t i, int64_t q, int64_t end,
                        struct thread_room *thread) {
    const struct ohm_intnet *intnet = engine->intnet;
    const struct ohm_layer *layer = &intnet->layers[i];
    const struct ohm_engine_layer *built = &engine->layers[i];
    const int64_t positions = ohm_layer_positions(layer);
    const size_t sum = built->narrow ? sizeof(int32_t) : sizeof(int64_t), outputs = (size_t)ohm_layer_outputs(layer);
    const unsigned char *x = input_vectors(intnet, batch, i, q, end, thread->x);
    const struct ohm_occasion occasion = {q, positions, batch->number};
    if (built->program)
        ohm_program_multiply_at(built->program, &occasion, (int32_t)(end - q), x, thread->y, thread->scratch, &thread->tally);
    else if (built->narrow)
        ohm_product_run(built->product, (int32_t)(end - q), x, thread->y, thread->scratch);
    else
        ohm_product_run_wide(built->product, (int32_t)(end - q), x, thread->y, thread->scratch);
    for (int64_t at = q, n; at < end; at += n) {
        int64_t first = at % positions;
        n = positions - first < end - at ? positions - first : end - at;
        ohm_rescale_apply(intnet, layer, &built->rescale, first, n, built->narrow, (uint8_t *)thread->y + (size_t)(at - q) * outputs * sum,
                          stored(intnet, batch, layer->output, at / positions));
    }
}

/* Until none is left; what they count is the thread's tally. */
static void take_blocks(const struct ohm_engine *engine, struct work *work, struct thread_room *thread) {
    memset(&thread->tally, 0, sizeof thread->tally);
    for (int64_t k; (k = atomic_fetch_add(&work->next, 1)) < work->cut.blocks;) {
        const int64_t begin = block_begin(&work->cut, k), end = block_begin(&work->cut, k + 1);
        if (begin < end) layer_block(engine, work->batch, work->layer, begin, end, thread);
    }
}

/* A layer of one thread's images. */
static void share_layer(const struct ohm_engine *engine, struct ohm_batch *batch, int32_t i, int64_t total, struct ohm_tally *tally) {
    struct work *work = &batch->threads->work;
    const int32_t idle = atomic_load(batch->idle);
    work->batch = batch;
    work->layer = i;
    work->cut = cut_positions(total, block_positions(&engine->layers[i]), idle + 1);
    atomic_store(&work->next, 0);
    atomic_store(&work->open, idle > 0);
    take_blocks(engine, work, batch->threads);
    atomic_store(&work->open, false);
    while (atomic_load(&work->inside)) sched_yield();
    if (tally) ohm_tally_add(&tally[i], &batch->threads->tally);
}

/* Blocks of the others' layers, until none of the n threads has any images left. */
static void help(const struct ohm_engine *engine, const struct ohm_batch *batch, struct thread_room *thread, atomic_int *idle, int32_t n) {
    atomic_fetch_add(idle, 1);
    for (int32_t t = 0; atomic_load(idle) < n; t = (t + 1) % batch->nthread) {
        struct work *work = &batch->threads[t].work;
        if (t == 0) sched_yield();
        if (!atomic_load(&work->open)) continue;
        atomic_fetch_add(&work->inside, 1); /* from here on the work stays as it is, if it is still open */
        if (atomic_load(&work->open)) {
            take_blocks(engine, work, thread);
            ohm_tally_add(&thread->tallies[work->layer], &thread->tally);
        }
        atomic_fetch_sub(&work->inside, 1);
    }
}

void ohm_engine_layer(const struct ohm_engine *engine, struct ohm_batch *batch, int32_t i, int32_t n, struct ohm_tally *tally) {
    const int64_t total = n * ohm_layer_positions(&engine->intnet->layers[i]);
    if (batch->idle) {
        share_layer(engine, batch, i, total, tally);
        return;
    }
    struct work work = {.batch = batch, .layer = i, .cut = cut_positions(total, block_positions(&engine->layers[i]), batch->nthread)};
    for (int32_t t = 0; t < batch->nthread; t++) memset(&batch->threads[t].tally, 0, sizeof batch->threads[t].tally); /* there may be fewer */
#pragma omp parallel num_threads(batch->nthread)
    take_blocks(engine, &work, &batch->threads[omp_get_thread_num()]);
    for (int32_t t = 0; tally && t < batch->nthread; t++) ohm_tally_add(&tally[i], &batch->threads[t].tally);
}

/* An operator that is not a matrix layer: images in parallel. */
static int run_operator(const struct ohm_engine *engine, struct ohm_batch *batch, const struct ohm_step *step, int32_t n) {
    const struct ohm_intnet *intnet = engine->intnet;
    const struct ohm_node *node = &intnet->network->nodes[step->node];
    struct ohm_failure failure = {0};
#pragma omp parallel for num_threads(batch->nthread) schedule(dynamic)
    for (int32_t image = 0; image < n; image++) {
        const void *in[OHM_STEP_INPUTS];
        for (int32_t k = 0; k < node->ninput && k < OHM_STEP_INPUTS; k++) in[k] = stored(intnet, batch, node->input[k], image);
        if (ohm_int_step(intnet, step, in, stored(intnet, batch, step->output, image), batch->threads[omp_get_thread_num()].scratch)) {
#pragma omp critical(ohm_engine_failure)
            ohm_fail_take(&failure);
        }
    }
    return ohm_fail_give(&failure);
}

/* Chains a layer's stored output into each image's digest. Another hash is another line in what results depend on: src/app/identity.c. */
static void digest_layer(const struct ohm_intnet *intnet, const struct ohm_batch *batch, int32_t i, int32_t n, uint64_t *digest) {
    const int32_t value = intnet->layers[i].output;
    const size_t bytes = ohm_int_value_bytes(intnet, value);
#pragma omp parallel for num_threads(batch->nthread) schedule(static)
    for (int32_t image = 0; image < n; image++) digest[image] = XXH3_64bits_withSeed(stored(intnet, batch, value, image), bytes, digest[image]);
}

static int run_step(const struct ohm_engine *engine, struct ohm_batch *batch, const struct ohm_step *step, int32_t n, uint64_t *digest,
                    struct ohm_tally *tally, const struct ohm_engine_watch *watch) {
    if (step->layer < 0) return run_operator(engine, batch, step, n);
    const struct ohm_layer *layer = &engine->intnet->layers[step->layer];
    for (int32_t image = 0; watch && watch->before_layer && image < n; image++)
        watch->before_layer(watch->context, step->layer, stored(engine->intnet, batch, layer->input, image));
    ohm_engine_layer(engine, batch, step->layer, n, tally);
    digest_layer(engine->intnet, batch, step->layer, n, digest);
    for (int32_t image = 0; watch && watch->after_layer && image < n; image++)
        watch->after_layer(watch->context, step->layer, stored(engine->intnet, batch, layer->output, image));
    return OHM_OK;
}

int ohm_engine_advance(const struct ohm_engine *engine, struct ohm_batch *batch, int32_t n, int32_t first, int32_t end) {
    for (int32_t s = first; s < end; s++) OHM_TRY(run_step(engine, batch, &engine->intnet->steps[s], n, batch->digest, NULL, NULL));
    return OHM_OK;
}

void *ohm_batch_value(const struct ohm_intnet *intnet, const struct ohm_batch *batch, int32_t value, int32_t image) {
    return stored(intnet, batch, value, image);
}

uint64_t *ohm_batch_digests(const struct ohm_batch *batch) {
    return batch->digest;
}

static int32_t find_images(struct ohm_batch *batch, int32_t n, const float *const *inputs) {
    int32_t real = 0;
    for (int32_t i = 0; i < n; i++)
        if (inputs[i]) {
            batch->number[real] = batch->first + i;
            batch->image[real++] = i;
        }
    return real;
}

static void put_images(const struct ohm_intnet *intnet, struct ohm_batch *batch, int32_t real, const float *const *inputs) {
    memset(batch->digest, 0, (size_t)real * sizeof *batch->digest);
#pragma omp parallel for num_threads(batch->nthread) schedule(static)
    for (int32_t i = 0; i < real; i++) ohm_int_input(intnet, inputs[batch->image[i]], stored(intnet, batch, intnet->network->input, i));
}

int32_t ohm_batch_input(const struct ohm_engine *engine, struct ohm_batch *batch, int32_t n, const float *const *inputs) {
    const int32_t real = find_images(batch, n, inputs);
    put_images(engine->intnet, batch, real, inputs);
    return real;
}

#define SHARE 2 /* images of a thread: fewer do not fill the blocks of small layers */

/* Whether threads have as much to do each as the next when they share out the images; then they need not meet after every step. */
static bool shares_are_even(const struct ohm_batch *batch, int32_t n) {
    return batch->nthread > 1 && n % batch->nthread == 0 && n >= SHARE * batch->nthread;
}

/* Images first .. first + n - 1 through all steps, by one thread. */
static int run_share(const struct ohm_engine *engine, const struct ohm_batch *batch, int32_t t, int32_t first, int32_t n, atomic_int *idle) {
    const struct ohm_intnet *intnet = engine->intnet;
    struct thread_room *thread = &batch->threads[t];
    struct ohm_batch own = *batch;
    for (int32_t s = 0; s < intnet->nslot; s++) thread->slot[s] = batch->slot[s] + (size_t)first * (size_t)intnet->slot_bytes[s];
    memset(thread->tallies, 0, (size_t)intnet->nlayer * sizeof *thread->tallies);
    own.nthread = 1;
    own.idle = idle;
    own.slot = thread->slot;
    own.threads = thread;
    own.number += first;
    own.digest += first;
    for (int32_t s = 0; s < intnet->nstep; s++) OHM_TRY(run_step(engine, &own, &intnet->steps[s], n, own.digest, thread->tallies, NULL));
    return OHM_OK;
}

static int run_shares(const struct ohm_engine *engine, const struct ohm_batch *batch, int32_t n, struct ohm_tally *tally) {
    const int32_t each = n / batch->nthread;
    struct ohm_failure failure = {0};
    atomic_int idle = 0;
#pragma omp parallel num_threads(batch->nthread)
    {
        const int32_t member = omp_get_thread_num(), threads = omp_get_num_threads(); /* may be fewer */
        for (int32_t t = member; t < batch->nthread; t += threads)
            if (run_share(engine, batch, t, t * each, each, &idle)) {
#pragma omp critical(ohm_engine_failure)
                ohm_fail_take(&failure);
            }
        help(engine, batch, &batch->threads[member], &idle, threads);
    }
    for (int32_t t = 0; tally && t < batch->nthread; t++)
        for (int32_t i = 0; i < engine->intnet->nlayer; i++) ohm_tally_add(&tally[i], &batch->threads[t].tallies[i]);
    return ohm_fail_give(&failure);
}

int ohm_engine_run(const struct ohm_engine *engine, struct ohm_batch *batch, int32_t n, const float *const *inputs, float *const *outputs,
                   uint64_t *digests, struct ohm_tally *tally, const struct ohm_engine_watch *watch) {
    const struct ohm_intnet *intnet = engine->intnet;
    const struct ohm_engine_part *part = engine->part;
    const int32_t first = part ? part->first : 0, end = part ? part->end : intnet->nstep;
    const int32_t real = find_images(batch, n, inputs), output = intnet->network->output;
    uint64_t *digest = batch->digest;
    int status = OHM_OK;
    if (first)
        status = part->bring(part->context, batch, real);
    else
        put_images(intnet, batch, real, inputs);
    const bool shared = !part && !watch && shares_are_even(batch, real);
    if (shared) status = run_shares(engine, batch, real, tally);
    for (int32_t s = first; !shared && !status && s < end; s++) {
        status = run_step(engine, batch, &intnet->steps[s], real, digest, tally, watch);
        if (part && part->stepped) part->stepped(part->context, s);
    }
    if (end < intnet->nstep) return status ? status : part->pass(part->context, batch, real);
    size_t bytes = (size_t)ohm_shape_count(&intnet->network->values[output].shape) * sizeof(float);
    for (int32_t i = 0; !status && i < real; i++) {
        if (outputs) memcpy(outputs[batch->image[i]], stored(intnet, batch, output, i), bytes);
        if (digests) digests[batch->image[i]] = digest[i];
    }
    return status;
}
