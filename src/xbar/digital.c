/* What the digital side adds to the codes: offset encoding's input sums, and what flipped columns stand for. */
#include "ohmtally/clones.h"
#include "program.h"

/* Sum of n neighbouring inputs, or of every step-th. */
OHM_CLONES static int64_t sum_bytes(const uint8_t *x, size_t n, size_t step) {
    uint32_t sum = 0; /* n is at most 2^24 */
    if (step == 1)
        for (size_t i = 0; i < n; i++) sum += x[i];
    else
        for (size_t i = 0; i < n; i++) sum += x[i * step];
    return sum;
}

static int64_t sum_inputs(const struct ohm_program *program, const void *x, size_t first, size_t n, size_t step) {
    const uint16_t *words = (const uint16_t *)x + first;
    int64_t sum = 0;
    if (program->element == 1) return sum_bytes((const uint8_t *)x + first, n, step);
    for (size_t i = 0; i < n; i++) sum += words[i * step];
    return sum;
}

/* n sums all set to value. */
static void fill(const struct ohm_program *program, void *y, size_t at, size_t n, int64_t value) {
    if (program->narrow)
        for (size_t i = 0; i < n; i++) ((int32_t *)y)[at + i] = (int32_t)(uint32_t)value;
    else
        for (size_t i = 0; i < n; i++) ((int64_t *)y)[at + i] = value;
}

void ohm_start_sums(const struct ohm_program *program, int32_t npos, const void *x, void *y) {
    size_t krows = (size_t)program->krows, ncols = (size_t)program->ncols, groups = (size_t)program->groups;
    size_t step = program->interleaved ? groups : 1, stride = program->interleaved ? 1 : krows;
    for (size_t p = 0; p < (size_t)npos; p++)
        for (size_t g = 0; g < groups; g++) {
            int64_t sum = program->weight_bias || program->input_weight ? sum_inputs(program, x, p * groups * krows + g * stride, krows, step) : 0;
            fill(program, y, (p * groups + g) * ncols, ncols, -(int64_t)program->weight_bias * program->unit * sum);
            for (size_t n = g * ncols; program->input_weight && n < (g + 1) * ncols; n++)
                fill(program, y, p * groups * ncols + n, 1, (program->input_weight[n] - program->weight_bias) * program->unit * sum);
        }
}

/* Sum of the block's driven inputs, each times 2^shift, of the position whose inputs begin at `base`. */
static int64_t driven_sum(const struct ohm_program *program, const struct block *block, const void *x, size_t base) {
    int64_t sum = 0;
    if (!block->rows.input && !block->shift) return sum_inputs(program, x, base + (size_t)block->rows.input0, (size_t)block->rows.nrow, 1);
    for (int32_t r = 0; r < block->rows.nrow; r++) {
        size_t place = base + (size_t)(block->rows.input ? block->rows.input[r] : block->rows.input0 + r);
        int64_t value = program->element == 1 ? ((const uint8_t *)x)[place] : ((const uint16_t *)x)[place];
        sum += value << (block->shift ? block->shift[r] : 0);
    }
    return sum;
}

OHM_CLONES static void add_narrow(int32_t n, const int64_t *restrict flip, int64_t sum, int32_t *restrict y) {
    for (int32_t i = 0; i < n; i++) y[i] = (int32_t)((uint32_t)y[i] + (uint32_t)flip[i] * (uint32_t)sum);
}
OHM_CLONES static void add_wide(int32_t n, const int64_t *restrict flip, int64_t sum, int64_t *restrict y) {
    for (int32_t i = 0; i < n; i++) y[i] += flip[i] * sum;
}

void ohm_add_flips(const struct ohm_program *program, const struct block *block, int32_t npos, const void *x, void *y) {
    size_t outputs = (size_t)(program->groups * program->ncols), inputs = (size_t)(program->groups * program->krows);
    if (!block->flip) return;
    for (size_t p = 0; p < (size_t)npos; p++) {
        int64_t sum = driven_sum(program, block, x, p * inputs);
        size_t at = p * outputs + (size_t)block->output0;
        if (sum && program->narrow)
            add_narrow(block->noutput, block->flip, sum, (int32_t *)y + at);
        else if (sum)
            add_wide(block->noutput, block->flip, sum, (int64_t *)y + at);
    }
}
