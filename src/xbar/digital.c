/* What the digital side adds to the codes: offset encoding's input sums, and what flipped columns stand for. */
#include "ohmtally/clones.h"
#include "program.h"
#include <string.h>

OHM_CLONES static int64_t sum_bytes(const uint8_t *x, size_t n) {
    uint32_t sum = 0; /* n is at most 2^24 */
    for (size_t i = 0; i < n; i++) sum += x[i];
    return sum;
}

/* Sum of n neighbouring inputs. */
static int64_t sum_inputs(const struct ohm_program *program, const void *x, size_t first, size_t n) {
    const uint16_t *words = (const uint16_t *)x + first;
    int64_t sum = 0;
    if (program->element == 1) return sum_bytes((const uint8_t *)x + first, n);
    for (size_t i = 0; i < n; i++) sum += words[i];
    return sum;
}

/* n sums all set to value. */
static void fill(const struct ohm_program *program, void *y, size_t at, size_t n, int64_t value) {
    if (program->narrow)
        for (size_t i = 0; i < n; i++) ((int32_t *)y)[at + i] = (int32_t)(uint32_t)value;
    else
        for (size_t i = 0; i < n; i++) ((int64_t *)y)[at + i] = value;
}

/* What an output's input sum is multiplied by. */
static int64_t input_factor(const struct ohm_program *program, size_t output) {
    return ((program->input_weight ? program->input_weight[output] : 0) - program->weight_bias) * program->unit;
}

/* Inputs of all groups side by side, one output each: the sums of one position, in their places. */
#define ADD_INPUTS(verb, SUM, ELEMENT)                                                                                                               \
    OHM_CLONES static void verb(size_t groups, size_t krows, const ELEMENT *restrict x, SUM *restrict y) {                                           \
        for (size_t g = 0; g < groups; g++) y[g] = 0;                                                                                                \
        for (size_t r = 0; r < krows; r++, x += groups)                                                                                              \
            for (size_t g = 0; g < groups; g++) y[g] += x[g];                                                                                        \
    }
ADD_INPUTS(add_bytes, int32_t, uint8_t)
ADD_INPUTS(add_words, int32_t, uint16_t)
ADD_INPUTS(add_bytes_wide, int64_t, uint8_t)
ADD_INPUTS(add_words_wide, int64_t, uint16_t)

static void start_interleaved(const struct ohm_program *program, const void *x, void *y, size_t p) {
    const size_t groups = (size_t)program->groups, krows = (size_t)program->krows, at = p * groups * krows;
    const uint8_t *bytes = (const uint8_t *)x + at;
    const uint16_t *words = (const uint16_t *)x + at;
    int32_t *narrow = (int32_t *)y + p * groups;
    int64_t *wide = (int64_t *)y + p * groups;
    if (program->narrow) {
        program->element == 1 ? add_bytes(groups, krows, bytes, narrow) : add_words(groups, krows, words, narrow);
        for (size_t g = 0; g < groups; g++) narrow[g] = (int32_t)((uint32_t)narrow[g] * (uint32_t)input_factor(program, g));
    } else {
        program->element == 1 ? add_bytes_wide(groups, krows, bytes, wide) : add_words_wide(groups, krows, words, wide);
        for (size_t g = 0; g < groups; g++) wide[g] *= input_factor(program, g);
    }
}

static void start_grouped(const struct ohm_program *program, const void *x, void *y, size_t p) {
    const size_t krows = (size_t)program->krows, ncols = (size_t)program->ncols, groups = (size_t)program->groups;
    for (size_t g = 0; g < groups; g++) {
        const int64_t sum = sum_inputs(program, x, (p * groups + g) * krows, krows);
        size_t n = g * ncols, at = p * groups * ncols;
        if (!program->input_weight) fill(program, y, at + n, ncols, input_factor(program, n) * sum);
        for (; program->input_weight && n < (g + 1) * ncols; n++) fill(program, y, at + n, 1, input_factor(program, n) * sum);
    }
}

void ohm_start_sums(const struct ohm_program *program, int32_t npos, const void *x, void *y) {
    const size_t outputs = (size_t)(program->groups * program->ncols);
    if (!program->weight_bias && !program->input_weight) {
        memset(y, 0, (size_t)npos * outputs * (program->narrow ? sizeof(int32_t) : sizeof(int64_t)));
        return;
    }
    for (size_t p = 0; p < (size_t)npos; p++)
        if (program->interleaved)
            start_interleaved(program, x, y, p);
        else
            start_grouped(program, x, y, p);
}

/* Sum of the block's driven inputs, each times 2^shift, of the position whose inputs begin at `base`. */
static int64_t driven_sum(const struct ohm_program *program, const struct block *block, const void *x, size_t base) {
    int64_t sum = 0;
    if (!block->rows.input && !block->shift) return sum_inputs(program, x, base + (size_t)block->rows.input0, (size_t)block->rows.nrow);
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
