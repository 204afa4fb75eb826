/* What `ohmtally bench` measured, as tables, and the file it goes to. Layer: io. */
#ifndef OHMTALLY_BENCH_H
#define OHMTALLY_BENCH_H
#include <stdint.h>

struct ohm_bench_kernel { /* 128 rows x 512 columns, 1-bit cells, lists of driven rows given */
    const char *kernel;
    double density;     /* share of the rows driven in a step */
    double clip, table; /* conversions per second: 5-bit clipping ADC, 5-bit code table per column */
    double excess;      /* the same looked at for clipping only */
    double lists;       /* (position, row) pairs per second put into lists */
    double logic;       /* full adders of 512 columns per second in registers alone */
    double share;       /* of that rate used by clip, one full adder a driven row taken as the least */
};
struct ohm_bench_layer { /* the reference layer of kernels.md, whole: 3x3, 256 -> 256 channels, 14 x 14 positions */
    const char *kernel, *mode, *evaluation;
    double seconds; /* CPU seconds of one core */
    int64_t conversions, evaluated;
    double rate;     /* conversions of the hardware per second */
    double popcount; /* ratio of that rate to the and-and-popcount loop's */
};
struct ohm_bench_product { /* u8 times signed integers, 256 x 1024 x 1024 */
    const char *way;
    int32_t largest; /* magnitude of the weights */
    double rate;     /* multiply-adds per second */
};
struct ohm_bench_step { /* one layer of a whole network */
    const char *point, *layer, *kind, *evaluation;
    double seconds; /* CPU seconds an image */
    double conversions, evaluated;
};
struct ohm_bench {
    const char *cpu, *kernel;
    double popcount; /* conversions per second of the and-and-popcount loop, 128 rows */
    int32_t nkernel, nlayer, nproduct, nstep;
    struct ohm_bench_kernel *kernels;
    struct ohm_bench_layer *layers;
    struct ohm_bench_product *products;
    struct ohm_bench_step *steps;
};
/* Writes groups kernels, layer, product and (with steps) network, one data set per member. Appears only when complete. */
int ohm_bench_write(const char *path, const struct ohm_bench *bench);

#endif
