/* Measurements of a machine as an HDF5 file. */
#include "h5_columns.h"
#include "ohmtally/bench.h"
#include "ohmtally/status.h"

#define COLUMN(type, member, kind, unit, about)                                                                                                      \
    {                                                                                                                                                \
#member, OHM_COLUMN_##kind, offsetof(struct type, member), 1, {                                                                              \
            unit, about                                                                                                                              \
        }                                                                                                                                            \
    }
#define KERNEL(...) COLUMN(ohm_bench_kernel, __VA_ARGS__)
#define LAYER(...) COLUMN(ohm_bench_layer, __VA_ARGS__)
#define PRODUCT(...) COLUMN(ohm_bench_product, __VA_ARGS__)
#define STEP(...) COLUMN(ohm_bench_step, __VA_ARGS__)

static const struct ohm_column kernel_columns[] = {
    KERNEL(kernel, STRING, "", "implementation of the vertical counters"),
    KERNEL(density, DOUBLE, "1", "share of 128 rows driven in a step"),
    KERNEL(clip, DOUBLE, "1/s", "conversions through a clipping 5-bit ADC"),
    KERNEL(table, DOUBLE, "1/s", "conversions through a 5-bit code table per column"),
    KERNEL(excess, DOUBLE, "1/s", "conversions looked at for clipping only"),
    KERNEL(lists, DOUBLE, "1/s", "pairs of position and row put into lists"),
    KERNEL(logic, DOUBLE, "1/s", "full adders of 512 columns in registers"),
    KERNEL(share, DOUBLE, "1", "of that rate used by clip, one full adder per driven row"),
};
static const struct ohm_column layer_columns[] = {
    LAYER(kernel, STRING, "", "implementation of the vertical counters"),
    LAYER(mode, STRING, "", "what the ADC does"),
    LAYER(evaluation, STRING, "", "how the simulation did it"),
    LAYER(seconds, DOUBLE, "s", "CPU seconds of one core for the reference layer"),
    LAYER(conversions, INT64, "1", "conversions of the hardware"),
    LAYER(evaluated, INT64, "1", "of these, carried out one by one"),
    LAYER(rate, DOUBLE, "1/s", "conversions of the hardware per second"),
    LAYER(popcount, DOUBLE, "1", "ratio to an and-and-popcount loop"),
};
static const struct ohm_column product_columns[] = {
    PRODUCT(way, STRING, "", "how the integer product was computed"),
    PRODUCT(largest, INT32, "1", "largest magnitude of the weights"),
    PRODUCT(rate, DOUBLE, "1/s", "multiply-adds"),
};
static const struct ohm_column step_columns[] = {
    STEP(point, STRING, "", "design"),
    STEP(layer, STRING, "", "layer, or a step between layers"),
    STEP(kind, STRING, "", "conv, depthwise, grouped, linear, or what the step is"),
    STEP(evaluation, STRING, "", "how the simulation did it"),
    STEP(seconds, DOUBLE, "s", "CPU seconds an image"),
    STEP(conversions, DOUBLE, "1", "conversions of the hardware an image"),
    STEP(evaluated, DOUBLE, "1", "of these, carried out one by one"),
};

static int write_group(hid_t file, const char *name, const struct ohm_table *table, const void *rows, int32_t nrow) {
    hid_t group;
    if (!nrow) return OHM_OK;
    OHM_TRY(ohm_h5_group_create(file, name, &group));
    int status = ohm_table_write(group, table, rows, nrow);
    H5Gclose(group);
    return status;
}

static int write_all(hid_t file, const struct ohm_bench *bench) {
    static const struct ohm_table kernels = OHM_TABLE(kernel_columns, struct ohm_bench_kernel),
                                  layers = OHM_TABLE(layer_columns, struct ohm_bench_layer),
                                  products = OHM_TABLE(product_columns, struct ohm_bench_product),
                                  steps = OHM_TABLE(step_columns, struct ohm_bench_step);
    OHM_TRY(ohm_h5_set_string(file, "format", "ohmtally bench"));
    OHM_TRY(ohm_h5_set_string(file, "cpu", bench->cpu));
    OHM_TRY(ohm_h5_set_string(file, "kernel", bench->kernel));
    OHM_TRY(ohm_h5_set_double(file, "popcount_conversions_per_second", bench->popcount));
    OHM_TRY(write_group(file, "kernels", &kernels, bench->kernels, bench->nkernel));
    OHM_TRY(write_group(file, "layer", &layers, bench->layers, bench->nlayer));
    OHM_TRY(write_group(file, "product", &products, bench->products, bench->nproduct));
    return write_group(file, "network", &steps, bench->steps, bench->nstep);
}

int ohm_bench_write(const char *path, const struct ohm_bench *bench) {
    struct ohm_h5_out out;
    OHM_TRY(ohm_h5_create(path, &out));
    int status = write_all(out.file, bench);
    if (!status) status = ohm_h5_publish(&out);
    ohm_h5_discard(&out);
    return status;
}
