/* Products by oneDNN's matmul of unsigned codes with signed bytes.
 *
 * On processors without 8-bit dot products its kernels add pairs of products in 16 bits with saturation. Whether they do is found out by trying
 * (product_dnnl_probe.c); where they do, only weights that cannot saturate are multiplied, and only when the way is forced. Weights above one byte
 * are split exactly, w = 2 (w >> 1) + (w & 1), into two matrices side by side. */
#ifdef OHM_DNNL
#include "product_dnnl.h"
#include "product_dnnl_api.h"
#include <omp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define LARGEST_BYTE 127
#define LARGEST_SPLIT 255
#define LARGEST_ANYWHERE 64 /* 2 * 255 * 64 < 2^15 */
#define SIZES 5
static const int32_t sizes[SIZES] = {OHM_PRODUCT_POSITIONS, 64, 16, 4, 1}; /* of the positions of a primitive; others are put together of these */

struct dnnl_packed {
    bool split;
    int32_t columns; /* of the matrices, side by side */
    size_t scratchpad;
    dnnl_primitive_desc_t description[SIZES];
    dnnl_primitive_t matmul[SIZES];
    int32_t groups;
    uint8_t *data;    /* of all groups */
    dnnl_memory_t *w; /* [groups] in data */
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

static bool is_split(const struct weights *weights) {
    return weights->largest > LARGEST_BYTE;
}

static bool suits(const struct weights *weights) {
    if (weights->shape.interleaved || weights->shape.element != 1 || weights->largest > LARGEST_SPLIT || !weights->fits || !engine()) return false;
    const int64_t byte = is_split(weights) ? (weights->largest + 1) / 2 : weights->largest;
    return (!strcmp(weights->forced, way_dnnl.name) && byte <= LARGEST_ANYWHERE) || dnnl_is_exact();
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

static bool execute(dnnl_primitive_t primitive, int count, const dnnl_exec_arg_t *args) {
    dnnl_stream_t stream = NULL;
    const bool done = !dnnl_stream_create(&stream, engine(), dnnl_stream_default_flags) && !dnnl_primitive_execute(primitive, stream, count, args) &&
                      !dnnl_stream_wait(stream);
    if (stream) dnnl_stream_destroy(stream);
    return done;
}

/* bytes [krows][columns] into the layout of the primitives. */
static bool reorder(const struct dnnl_packed *packed, int64_t krows, int8_t *bytes, uint8_t *data, dnnl_memory_t *w) {
    const layout to = dnnl_primitive_desc_query_md(packed->description[0], dnnl_query_weights_md, 0);
    dnnl_memory_desc_t from;
    if (!layout_new((dnnl_dims_t){krows, packed->columns}, dnnl_s8, (dnnl_dims_t){packed->columns, 1}, &from)) return false;
    dnnl_primitive_desc_t description = NULL;
    dnnl_primitive_t primitive = NULL;
    dnnl_memory_t plain = NULL;
    const bool done = !dnnl_memory_create(w, to, engine(), data) && !dnnl_memory_create(&plain, layout_of(&from), engine(), bytes) &&
                      !dnnl_reorder_primitive_desc_create(&description, layout_of(&from), engine(), to, engine(), NULL) &&
                      !dnnl_primitive_create(&primitive, description) &&
                      execute(primitive, 2, (dnnl_exec_arg_t[]){{DNNL_ARG_FROM, plain}, {DNNL_ARG_TO, *w}});
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
            bytes[r * columns + n] = (int8_t)(split ? w >> 1 : w);
            if (split) bytes[r * columns + ncols + n] = (int8_t)(w & 1);
        }
}

/* Bytes of one group's weights in the layout of the primitives. */
static size_t group_bytes(const struct dnnl_packed *packed) {
    return round_up(dnnl_memory_desc_get_size(dnnl_primitive_desc_query_md(packed->description[0], dnnl_query_weights_md, 0)));
}

static int pack(const struct weights *weights, void **result, size_t *bytes) {
    struct dnnl_packed *packed = *result = ohm_alloc(sizeof *packed);
    if (!packed) return OHM_E_MEMORY;
    packed->split = is_split(weights);
    packed->columns = weights->shape.ncols * (packed->split ? 2 : 1);
    packed->w = ohm_alloc_array((size_t)weights->shape.groups, sizeof(dnnl_memory_t));
    int8_t *plain = ohm_alloc_array((size_t)weights->shape.krows, (size_t)packed->columns);
    int status = packed->w && plain ? OHM_OK : OHM_E_MEMORY;
    const int threads = stay_single();
    if (!status && !make_matmuls(weights, packed)) status = DECLINED;
    if (!status) *bytes = (size_t)weights->shape.groups * group_bytes(packed);
    if (!status && !(packed->data = ohm_alloc(*bytes))) status = OHM_E_MEMORY;
    for (int32_t g = 0; !status && g < weights->shape.groups; g++, packed->groups++) {
        to_bytes(weights, g, packed->split, plain);
        if (!reorder(packed, weights->shape.krows, plain, packed->data + (size_t)g * group_bytes(packed), &packed->w[g])) status = DECLINED;
    }
    omp_set_num_threads(threads);
    free(plain);
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
    free(packed->w);
    free(packed->data);
    free(packed);
}

static size_t scratch_bytes(const struct ohm_product *product, int32_t npos) {
    const struct dnnl_packed *packed = product->packed;
    return round_up(packed->scratchpad) + (packed->split ? (size_t)npos * (size_t)packed->columns * sizeof(int32_t) : 0);
}

static bool multiply(const struct dnnl_packed *packed, int size, dnnl_memory_t w, const uint8_t *x, int32_t *y, void *scratch) {
    const dnnl_primitive_desc_t of = packed->description[size];
    dnnl_memory_t from = NULL, to = NULL, pad = NULL;
    const bool done = !dnnl_memory_create(&from, dnnl_primitive_desc_query_md(of, dnnl_query_src_md, 0), engine(), (void *)(uintptr_t)x) &&
                      !dnnl_memory_create(&to, dnnl_primitive_desc_query_md(of, dnnl_query_dst_md, 0), engine(), y) &&
                      !dnnl_memory_create(&pad, dnnl_primitive_desc_query_md(of, dnnl_query_scratchpad_md, 0), engine(), scratch) &&
                      execute(packed->matmul[size], 4,
                              (dnnl_exec_arg_t[]){{DNNL_ARG_SRC, from}, {DNNL_ARG_WEIGHTS, w}, {DNNL_ARG_DST, to}, {DNNL_ARG_SCRATCHPAD, pad}});
    if (from) dnnl_memory_destroy(from);
    if (to) dnnl_memory_destroy(to);
    if (pad) dnnl_memory_destroy(pad);
    return done;
}

OHM_CLONES
static void join(int64_t npos, int64_t ncols, const int32_t *restrict sums, int32_t *restrict y, int64_t y_stride) {
    for (int64_t p = 0; p < npos; p++)
        for (int64_t n = 0; n < ncols; n++) y[p * y_stride + n] = 2 * sums[2 * p * ncols + n] + sums[(2 * p + 1) * ncols + n];
}

static void run(const struct ohm_product *product, int32_t npos, const void *x, int32_t *y, void *scratch) {
    const struct dnnl_packed *packed = product->packed;
    const int64_t inputs = inputs_of(product), outputs = outputs_of(product), ncols = product->shape.ncols;
    int32_t *sums = (int32_t *)((uint8_t *)scratch + round_up(packed->scratchpad));
    const int threads = stay_single();
    for (int64_t g = 0; g < packed->groups; g++) {
        int32_t p = 0;
        for (int size = 0; size < SIZES; size++)
            for (; npos - p >= sizes[size]; p += sizes[size]) {
                int32_t *to = packed->split ? sums + (int64_t)p * packed->columns : y + p * outputs + g * ncols;
                const uint8_t *from = (const uint8_t *)x + p * inputs + g * product->shape.krows;
                if (!multiply(packed, size, packed->w[g], from, to, scratch)) abort(); /* no memory for its few bookkeeping bytes */
            }
        if (packed->split) join(npos, ncols, sums, y + g * ncols, outputs);
    }
    omp_set_num_threads(threads);
}

const struct way way_dnnl = {
    .name = "dnnl", .suits = suits, .pack = pack, .weights = weights_of, .release = release, .scratch = scratch_bytes, .run = run};
#endif
