/* The reference layer every figure is given for: 3x3 convolution, 256 -> 256 channels, 14 x 14 outputs, 8-bit weights in 8 one-bit planes, 8-bit
 * inputs with 21 % of their bits set, 128-row arrays. And the integer product it rests on. */
#include "bench.h"
#include "ohmtally/status.h"
#include <stdlib.h>
#include <string.h>

#define POSITIONS 196
#define ROWS 2304
#define OUTPUTS 256
#define NOISE_MODES 3

static int measure(struct ohm_arena *arena, const struct ohm_program_request *request, const char *mode, struct ohm_bench *bench) {
    struct bench_program what = {.npos = POSITIONS, .vector = ROWS, .outputs = OUTPUTS};
    struct ohm_program *program;
    struct ohm_tally tally;
    double seconds;
    uint8_t *x = ohm_arena_alloc(arena, POSITIONS * ROWS);
    if (!x) return OHM_E_MEMORY;
    bench_fill(x, POSITIONS * ROWS, BENCH_DENSITY);
    OHM_TRY(ohm_program_build(request, &program));
    what.program = program;
    what.x = x;
    int status = bench_program(&what, 0.1, &seconds, &tally);
    if (!status) {
        struct ohm_bench_layer *row = &bench->layers[bench->nlayer++];
        *row = (struct ohm_bench_layer){.kernel = request->kernel->name,
                                        .mode = mode,
                                        .evaluation = ohm_program_way(program),
                                        .seconds = seconds,
                                        .conversions = tally.conversions,
                                        .evaluated = tally.evaluated,
                                        .rate = (double)tally.conversions / seconds};
        row->popcount = row->rate / bench->popcount;
    }
    ohm_program_free(program);
    return status;
}

/* Weights as a trained layer's: sums of uniform numbers, so that small magnitudes are common. */
static int make_plan(struct ohm_plan **out) {
    struct ohm_layer layer = {.name = "reference", .groups = 1, .krows = ROWS, .ncols = OUTPUTS};
    const struct ohm_design *design = ohm_design_find("isaac");
    struct ohm_design_setting setting = {.array_rows = 128, .array_columns = 128, .activation_bits = 8, .weight_bits = 8, .per_channel = true};
    int32_t *w = ohm_alloc_array((size_t)ROWS * OUTPUTS, sizeof *w);
    struct ohm_plan *plan = w ? ohm_plan_new(1, ROWS, OUTPUTS) : NULL;
    uint64_t state = 3;
    int status = plan ? OHM_OK : OHM_E_MEMORY;
    for (size_t i = 0; w && i < (size_t)ROWS * OUTPUTS; i++) {
        uint64_t draw = bench_random(&state);
        w[i] = (int32_t)(draw % 64 + (draw >> 16) % 64 + (draw >> 32) % 64 + (draw >> 48) % 64) - 126;
    }
    if (!status) ohm_design_defaults(design, &setting);
    if (!status) status = ohm_design_set(design, &setting, "cell_bits", "1");
    if (!status) status = ohm_design_set(design, &setting, "flip", "off");
    if (!status) status = design->place(&setting, &layer, w, plan);
    if (!status) status = ohm_plan_finish(plan, 8);
    free(w);
    *out = plan;
    return status;
}

/* The layer with cells and reads that are not ideal, on the best kernel; the plan is changed. */
static int bench_noise(struct ohm_arena *arena, struct ohm_plan *plan, struct ohm_bench *bench) {
    static const struct {
        const char *mode;
        double variation, read_noise;
    } modes[NOISE_MODES] = {{"variation 10 %, 8 bits", 0.1, 0}, {"read noise 5 %, 8 bits", 0, 0.05}, {"both, 8 bits", 0.1, 0.05}};
    const struct ohm_kernel *const *best = ohm_kernels();
    while (best[1]) best++;
    for (int m = 0; m < NOISE_MODES; m++) {
        struct ohm_noise noise = {.seed = 1, .device = {.variation = modes[m].variation, .read_noise = modes[m].read_noise}};
        struct ohm_reads reads = {&noise, 0};
        struct ohm_adc adc = {.bits = 8, .range = OHM_ADC_UNIT, .largest = 128};
        struct ohm_program_request request = {.plan = plan, .adc = &adc, .kernel = *best, .input_bits = 8, .element = 1, .reads = &reads};
        OHM_TRY(ohm_plan_vary(plan, &noise, 0));
        OHM_TRY(measure(arena, &request, modes[m].mode, bench));
    }
    return OHM_OK;
}

int bench_layers(struct ohm_arena *arena, struct ohm_bench *bench) {
    static const struct {
        const char *mode;
        int32_t bits;
        enum ohm_adc_range range;
        enum ohm_evaluate evaluate;
    } modes[] = {{"lossless 8 bits, proved", 8, OHM_ADC_UNIT, OHM_EVALUATE_NEEDED},
                 {"clipping 6 bits, needed", 6, OHM_ADC_UNIT, OHM_EVALUATE_NEEDED},
                 {"clipping 5 bits, needed", 5, OHM_ADC_UNIT, OHM_EVALUATE_NEEDED},
                 {"clipping 5 bits, all", 5, OHM_ADC_UNIT, OHM_EVALUATE_ALL},
                 {"code tables 5 bits, all", 5, OHM_ADC_FULL, OHM_EVALUATE_ALL}};
    const int nmode = sizeof modes / sizeof modes[0];
    struct ohm_plan *plan;
    int32_t nkernel = 0;
    int status = make_plan(&plan);
    while (ohm_kernels()[nkernel]) nkernel++;
    bench->layers = ohm_arena_array(arena, (size_t)(nkernel * nmode + NOISE_MODES), sizeof *bench->layers);
    if (!bench->layers) status = OHM_E_MEMORY;
    for (int32_t k = 1; k < nkernel; k++)
        for (int m = 0; !status && m < nmode; m++) {
            struct ohm_adc adc = {.bits = modes[m].bits, .range = modes[m].range, .largest = 128};
            struct ohm_program_request request = {
                .plan = plan, .adc = &adc, .kernel = ohm_kernels()[k], .input_bits = 8, .element = 1, .evaluate = modes[m].evaluate};
            status = measure(arena, &request, modes[m].mode, bench);
        }
    if (!status) status = bench_noise(arena, plan, bench);
    ohm_plan_free(plan);
    return status;
}

struct product_work {
    struct ohm_product *product;
    int32_t npos;
    uint8_t *x;
    void *y, *scratch;
};

static void run_product(void *context) {
    struct product_work *work = context;
    ohm_product_run(work->product, work->npos, work->x, work->y, work->scratch);
}

int bench_products(struct ohm_arena *arena, struct ohm_bench *bench) {
    enum { M = 256, K = 1024, N = 1024 };
    static const int32_t largest[] = {64, 127, 255};
    struct ohm_product_shape shape = {1, K, N, 1, false};
    int32_t *w = ohm_arena_array(arena, K * N, sizeof *w);
    struct product_work work = {.npos = M, .x = ohm_arena_alloc(arena, M * K), .y = ohm_arena_array(arena, M * N, 4)};
    bench->products = ohm_arena_array(arena, 3, sizeof *bench->products);
    if (!w || !work.x || !work.y || !bench->products) return OHM_E_MEMORY;
    bench_fill(work.x, M * K, 0.5);
    for (int i = 0; i < 3; i++) {
        uint64_t state = 4;
        for (size_t k = 0; k < (size_t)K * N; k++) w[k] = (int32_t)(bench_random(&state) % (uint64_t)(2 * largest[i] + 1)) - largest[i];
        OHM_TRY(ohm_product_new(&shape, w, NULL, &work.product));
        work.scratch = ohm_arena_alloc(arena, ohm_product_scratch(work.product, M));
        double seconds = work.scratch ? bench_time(run_product, &work, 0.1) : 1;
        bench->products[bench->nproduct++] = (struct ohm_bench_product){ohm_product_way(work.product), largest[i], (double)M * K * N / seconds};
        ohm_product_free(work.product);
        if (!work.scratch) return OHM_E_MEMORY;
    }
    return OHM_OK;
}
