/* Products by oneDNN's matmul of unsigned codes with signed bytes.
 *
 * On processors without 8-bit dot products its kernels add pairs of products in 16 bits with saturation. Whether they do is found out by trying
 * (product_dnnl_probe.c); where they do, only weights that cannot saturate are multiplied, and only when the way is forced. Weights above one byte
 * are split exactly, w = 2 (w >> 1) + (w & 1), into two matrices side by side; where they are few, they are clipped to bytes instead, and what that
 * leaves over is added from lists (product_excess.h). OHM_PRODUCT = dnnl-split or dnnl-excess forces one or the other. */
#ifdef OHM_DNNL
#include "product_dnnl.h"
#include "product_dnnl_api.h"
#include "product_excess.h"
#include <omp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define LARGEST_BYTE 127
#define LARGEST_SPLIT 255
#define LARGEST_ANYWHERE 64 /* 2 * 255 * 64 < 2^15 */
#define SIZES 5
static const int32_t sizes[SIZES] = {OHM_PRODUCT_POSITIONS, 64, 16, 4, 1}; /* of the positions of a primitive; others are put together of these */

/* What a thread multiplies with: idle ones are taken, and made only when there are none. */
struct handles {
    struct handles *next;
    dnnl_stream_t stream;
    dnnl_memory_t x[SIZES], y[SIZES], scratch[SIZES]; /* made when first used */
};

struct dnnl_packed {
    bool split, clipped;
    int32_t columns; /* of the matrices, side by side */
    size_t scratchpad;
    dnnl_primitive_desc_t description[SIZES];
    dnnl_primitive_t matmul[SIZES];
    int32_t groups;
    uint8_t *data;    /* of all groups, and the lists */
    dnnl_memory_t *w; /* [groups] in data */
    pthread_mutex_t lock;
    struct handles *idle; /* guarded by lock */
};

/* oneDNN asks OpenMP for the number of threads, and stays on this one when there is only one. */
static int stay_single(void) {
    const int before = omp_get_max_threads();
    omp_set_num_threads(1);
    return before;
}

static dnnl_engine_t shared_engine;
static void make_engine(void) {
    if (dnnl_engine_create(&shared_engine, dnnl_cpu, 0)) shared_engine = NULL;
}

/* Never freed: products may be made until the end. NULL when there is none. */
static dnnl_engine_t engine(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_engine);
    return shared_engine;
}

static bool is_forced(const struct weights *weights, const char *variant) {
    return !strncmp(weights->forced, way_dnnl.name, strlen(way_dnnl.name)) && !strcmp(weights->forced + strlen(way_dnnl.name), variant);
}

static bool suits(const struct weights *weights) {
    if (weights->shape.interleaved || weights->shape.element != 1 || weights->largest > LARGEST_SPLIT || !weights->fits || !engine()) return false;
    const int64_t byte = weights->largest > LARGEST_BYTE ? (weights->largest + 1) / 2 : weights->largest;
    return (byte <= LARGEST_ANYWHERE && (is_forced(weights, "") || is_forced(weights, "-split"))) || dnnl_is_exact();
}

static bool make_matmul(const struct weights *weights, struct dnnl_packed *packed, dnnl_primitive_attr_t attr, int size) {
    const int64_t krows = weights->shape.krows, ncols = packed->columns, outputs = packed->split ? ncols : weights->shape.groups * ncols;
    dnnl_memory_desc_t x, w, y;
    bool made = layout_new((dnnl_dims_t){sizes[size], krows}, dnnl_u8, (dnnl_dims_t){weights->shape.groups * krows, 1}, &x);
    made = layout_new((dnnl_dims_t){krows, ncols}, dnnl_s8, NULL, &w) && made;
    made = layout_new((dnnl_dims_t){sizes[size], ncols}, dnnl_s32, (dnnl_dims_t){outputs, 1}, &y) && made;
    /* All sizes read the weights in the layout that suits the first. */
    const layout packing = size ? dnnl_primitive_desc_query_md(packed->description[0], dnnl_query_weights_md, 0) : layout_of(&w);
    made = made && matmul_new(engine(), attr, layout_of(&x), packing, layout_of(&y), &packed->description[size]);
    made = made && !dnnl_primitive_create(&packed->matmul[size], packed->description[size]);
    layout_free(&x);
    layout_free(&w);
    layout_free(&y);
    if (!made) return false;
    const size_t scratchpad = dnnl_memory_desc_get_size(dnnl_primitive_desc_query_md(packed->description[size], dnnl_query_scratchpad_md, 0));
    packed->scratchpad = scratchpad > packed->scratchpad ? scratchpad : packed->scratchpad;
    return true;
}

static bool make_matmuls(const struct weights *weights, struct dnnl_packed *packed) {
    dnnl_primitive_attr_t attr = NULL;
    bool made = !dnnl_primitive_attr_create(&attr) && !dnnl_primitive_attr_set_scratchpad_mode(attr, dnnl_scratchpad_mode_user);
    for (int size = 0; size < SIZES; size++) made = made && make_matmul(weights, packed, attr, size);
    if (attr) dnnl_primitive_attr_destroy(attr);
    return made;
}

static struct handles *take_handles(struct dnnl_packed *packed) {
    pthread_mutex_lock(&packed->lock);
    struct handles *handles = packed->idle;
    if (handles) packed->idle = handles->next;
    pthread_mutex_unlock(&packed->lock);
    if (handles || !(handles = ohm_alloc(sizeof *handles))) return handles;
    if (!dnnl_stream_create(&handles->stream, engine(), dnnl_stream_default_flags)) return handles;
    free(handles);
    return NULL;
}

static void return_handles(struct dnnl_packed *packed, struct handles *handles) {
    pthread_mutex_lock(&packed->lock);
    handles->next = packed->idle;
    packed->idle = handles;
    pthread_mutex_unlock(&packed->lock);
}

static void free_handles(struct handles *handles) {
    for (struct handles *next; handles; handles = next) {
        next = handles->next;
        for (int size = 0; size < SIZES; size++) {
            if (handles->x[size]) dnnl_memory_destroy(handles->x[size]);
            if (handles->y[size]) dnnl_memory_destroy(handles->y[size]);
            if (handles->scratch[size]) dnnl_memory_destroy(handles->scratch[size]);
        }
        dnnl_stream_destroy(handles->stream);
        free(handles);
    }
}

static bool execute(const struct handles *handles, dnnl_primitive_t primitive, int count, const dnnl_exec_arg_t *args) {
    return !dnnl_primitive_execute(primitive, handles->stream, count, args) && !dnnl_stream_wait(handles->stream);
}

/* bytes [krows][columns] into the layout of the primitives. */
static bool reorder(const struct dnnl_packed *packed, const struct handles *handles, int64_t krows, int8_t *bytes, uint8_t *data, dnnl_memory_t *w) {
    const layout to = dnnl_primitive_desc_query_md(packed->description[0], dnnl_query_weights_md, 0);
    dnnl_memory_desc_t from;
    if (!layout_new((dnnl_dims_t){krows, packed->columns}, dnnl_s8, (dnnl_dims_t){packed->columns, 1}, &from)) return false;
    dnnl_primitive_desc_t description = NULL;
    dnnl_primitive_t primitive = NULL;
    dnnl_memory_t plain = NULL;
    const bool done = !dnnl_memory_create(w, to, engine(), data) && !dnnl_memory_create(&plain, layout_of(&from), engine(), bytes) &&
                      !dnnl_reorder_primitive_desc_create(&description, layout_of(&from), engine(), to, engine(), NULL) &&
                      !dnnl_primitive_create(&primitive, description) &&
                      execute(handles, primitive, 2, (dnnl_exec_arg_t[]){{DNNL_ARG_FROM, plain}, {DNNL_ARG_TO, *w}});
    layout_free(&from);
    if (plain) dnnl_memory_destroy(plain);
    if (primitive) dnnl_primitive_destroy(primitive);
    if (description) dnnl_primitive_desc_destroy(description);
    return done;
}

static void to_bytes(const struct weights *weights, int64_t g, bool split, int8_t *bytes) {
    const int64_t ncols = weights->shape.ncols, columns = split ? 2 * ncols : ncols;
    for (int64_t r = 0; r < weights->shape.krows; r++)
        for (int64_t n = 0; n < ncols; n++) {
            const int32_t w = weights->w[(g * weights->shape.krows + r) * ncols + n];
            bytes[r * columns + n] = (int8_t)(split ? w >> 1 : excess_clip(w));
            if (split) bytes[r * columns + ncols + n] = (int8_t)(w & 1);
        }
}

/* Bytes of one group's weights in the layout of the primitives. */
static size_t group_bytes(const struct dnnl_packed *packed) {
    return round_up(dnnl_memory_desc_get_size(dnnl_primitive_desc_query_md(packed->description[0], dnnl_query_weights_md, 0)));
}

/* What becomes of weights above one byte. first [groups * ncols + 1] is written where they are clipped. */
static void choose(const struct weights *weights, struct dnnl_packed *packed, uint32_t *first) {
    const uint32_t *fours = first + weights->shape.groups * weights->shape.ncols;
    const bool large = weights->largest > LARGEST_BYTE;
    if (large && !is_forced(weights, "-split") && excess_is_possible(weights) && dnnl_is_exact()) {
        excess_count(weights, first);
        packed->clipped = is_forced(weights, "-excess") || excess_pays(&weights->shape, *fours);
    }
    packed->split = large && !packed->clipped;
    packed->columns = weights->shape.ncols * (packed->split ? 2 : 1);
}

/* Bytes of the groups' weights, which come before the lists. */
static size_t dense_bytes(const struct ohm_product_shape *shape, const struct dnnl_packed *packed) {
    return (size_t)shape->groups * group_bytes(packed);
}

/* Of all groups into data. */
static int pack_bytes(const struct weights *weights, struct dnnl_packed *packed) {
    int8_t *plain = ohm_alloc_array((size_t)weights->shape.krows, (size_t)packed->columns);
    packed->w = ohm_alloc_array((size_t)weights->shape.groups, sizeof(dnnl_memory_t));
    struct handles *handles = take_handles(packed);
    int status = packed->w && plain && handles ? OHM_OK : OHM_E_MEMORY;
    for (int32_t g = 0; !status && g < weights->shape.groups; g++, packed->groups++) {
        to_bytes(weights, g, packed->split, plain);
        if (!reorder(packed, handles, weights->shape.krows, plain, packed->data + (size_t)g * group_bytes(packed), &packed->w[g])) status = DECLINED;
    }
    if (handles) return_handles(packed, handles);
    free(plain);
    return status;
}

static int pack_chosen(const struct weights *weights, struct dnnl_packed *packed, const uint32_t *first, size_t *bytes) {
    const struct ohm_product_shape *shape = &weights->shape;
    if (!make_matmuls(weights, packed)) return DECLINED;
    const size_t dense = dense_bytes(shape, packed);
    *bytes = dense + (packed->clipped ? excess_bytes(shape, first[shape->groups * shape->ncols]) : 0);
    if (!(packed->data = ohm_alloc(*bytes))) return OHM_E_MEMORY;
    OHM_TRY(pack_bytes(weights, packed));
    return packed->clipped ? excess_write(weights, first, packed->data + dense) : OHM_OK;
}

static int pack(const struct weights *weights, void **result, size_t *bytes) {
    struct dnnl_packed *packed = *result = ohm_alloc(sizeof *packed);
    if (!packed) return OHM_E_MEMORY;
    pthread_mutex_init(&packed->lock, NULL);
    uint32_t *first = ohm_alloc_array((size_t)weights->shape.groups * (size_t)weights->shape.ncols + 1, sizeof *first);
    int status = first ? OHM_OK : OHM_E_MEMORY;
    const int threads = stay_single();
    if (!status) choose(weights, packed, first);
    if (!status) status = pack_chosen(weights, packed, first, bytes);
    omp_set_num_threads(threads);
    free(first);
    return status;
}

static void *weights_of(const void *packed) {
    return ((const struct dnnl_packed *)packed)->data;
}

static void release(void *memory) {
    struct dnnl_packed *packed = memory;
    if (!packed) return;
    for (int size = 0; size < SIZES; size++) {
        if (packed->matmul[size]) dnnl_primitive_destroy(packed->matmul[size]);
        if (packed->description[size]) dnnl_primitive_desc_destroy(packed->description[size]);
    }
    for (int32_t g = 0; g < packed->groups; g++) dnnl_memory_destroy(packed->w[g]);
    free_handles(packed->idle);
    pthread_mutex_destroy(&packed->lock);
    free(packed->w);
    free(packed->data);
    free(packed);
}

static size_t scratch_bytes(const struct ohm_product *product, int32_t npos) {
    const struct dnnl_packed *packed = product->packed;
    const size_t sums = packed->split ? (size_t)npos * (size_t)packed->columns * sizeof(int32_t) : 0;
    return round_up(packed->scratchpad) + sums + (packed->clipped ? excess_scratch(product->shape.krows) : 0);
}

static bool point(dnnl_memory_t *memory, layout of, void *at) {
    return *memory ? !dnnl_memory_set_data_handle(*memory, at) : !dnnl_memory_create(memory, of, engine(), at);
}

static bool multiply(const struct dnnl_packed *packed, struct handles *handles, int size, dnnl_memory_t w, const uint8_t *x, int32_t *y,
                     void *scratch) {
    const dnnl_primitive_desc_t of = packed->description[size];
    return point(&handles->x[size], dnnl_primitive_desc_query_md(of, dnnl_query_src_md, 0), (void *)(uintptr_t)x) &&
           point(&handles->y[size], dnnl_primitive_desc_query_md(of, dnnl_query_dst_md, 0), y) &&
           point(&handles->scratch[size], dnnl_primitive_desc_query_md(of, dnnl_query_scratchpad_md, 0), scratch) &&
           execute(handles, packed->matmul[size], 4,
                   (dnnl_exec_arg_t[]){{DNNL_ARG_SRC, handles->x[size]},
                                       {DNNL_ARG_WEIGHTS, w},
                                       {DNNL_ARG_DST, handles->y[size]},
                                       {DNNL_ARG_SCRATCHPAD, handles->scratch[size]}});
}

/* Modulo 2^32: twice the sum of the halves may leave 32 bits where the end result does not. */
OHM_CLONES
static void join(int64_t npos, int64_t ncols, const uint32_t *restrict sums, int32_t *restrict y, int64_t y_stride) {
    for (int64_t p = 0; p < npos; p++)
        for (int64_t n = 0; n < ncols; n++) y[p * y_stride + n] = (int32_t)(2 * sums[2 * p * ncols + n] + sums[(2 * p + 1) * ncols + n]);
}

/* One group's product with its bytes, to y, whose positions are y_stride apart. */
static void multiply_bytes(const struct ohm_product *product, struct handles *handles, int64_t g, int32_t npos, const uint8_t *x, int32_t *y,
                           int64_t y_stride, void *scratch) {
    const struct dnnl_packed *packed = product->packed;
    int32_t p = 0;
    for (int size = 0; size < SIZES; size++)
        for (; npos - p >= sizes[size]; p += sizes[size])
            if (!handles || !multiply(packed, handles, size, packed->w[g], x + p * inputs_of(product), y + p * y_stride, scratch))
                abort(); /* no memory for its few bookkeeping bytes */
}

static void run(const struct ohm_product *product, int32_t npos, const void *x, int32_t *y, void *scratch) {
    struct dnnl_packed *packed = product->packed;
    struct handles *handles = take_handles(packed);
    const int64_t inputs = inputs_of(product), outputs = outputs_of(product), ncols = product->shape.ncols;
    void *rest = (uint8_t *)scratch + round_up(packed->scratchpad);
    const int threads = stay_single();
    for (int64_t g = 0; g < packed->groups; g++) {
        const uint8_t *from = (const uint8_t *)x + g * product->shape.krows;
        int32_t *to = y + g * ncols;
        multiply_bytes(product, handles, g, npos, from, packed->split ? rest : to, packed->split ? packed->columns : outputs, scratch);
        if (packed->split) join(npos, ncols, rest, to, outputs);
        if (packed->clipped) {
            const struct excess excess = excess_of(&product->shape, packed->data + dense_bytes(&product->shape, packed), g);
            excess_add(&excess, npos, from, inputs, to, outputs, rest);
        }
    }
    return_handles(packed, handles);
    omp_set_num_threads(threads);
}

const struct way way_dnnl = {
    .name = "dnnl", .suits = suits, .pack = pack, .weights = weights_of, .release = release, .scratch = scratch_bytes, .run = run};
#endif
