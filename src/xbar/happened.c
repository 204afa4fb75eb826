/* What happened in a block of positions: the counts that follow the inputs' values, and those that are the same for every position. */
#include "ohmtally/clones.h"
#include "ohmtally/status.h"
#include "ones.h"
#include "program.h"
#include <stdlib.h>
#include <string.h>

#define POSITIONS 4095 /* whose 1 bits 16-bit sums hold, of 16-bit inputs, too */

OHM_CLONES static int64_t weigh(size_t n, const uint16_t *restrict ones, const int32_t *restrict weight) {
    int64_t sum = 0;
    for (size_t i = 0; i < n; i++) sum += (int64_t)ones[i] * weight[i];
    return sum;
}

/* ones[i] = 1 bits of inputs first + i of all positions. Vectors shorter than what is counted at a time are counted side by side. */
static void count_ones(const struct ohm_program *program, size_t npos, size_t inputs, size_t first, const uint8_t *x, uint16_t *ones) {
    const size_t element = (size_t)program->element, beside = inputs < OHM_ONES_TOGETHER ? OHM_ONES_TOGETHER / inputs : 1, row = beside * inputs;
    const size_t nrow = npos / beside, n = row - first < OHM_ONES_TOGETHER ? row - first : OHM_ONES_TOGETHER;
    memset(ones, 0, n * sizeof *ones);
    ohm_ones_add(program->kernel, program->element, nrow, row, n, x + first * element, ones);
    ohm_ones_add(program->kernel, program->element, 1, row, npos % beside * inputs, x + nrow * row * element, ones);
    for (size_t k = 1; k < beside; k++)
        for (size_t i = 0; i < inputs; i++) ones[i] = (uint16_t)(ones[i] + ones[k * inputs + i]);
}

/* Word lines driven, and what their cells conducted: a 1 bit drives its rows once, whatever the shift. */
static void count_driven(const struct ohm_program *program, int32_t npos, const uint8_t *x, struct ohm_tally *tally) {
    const size_t inputs = (size_t)(program->groups * program->krows);
    uint16_t ones[OHM_ONES_TOGETHER];
    for (size_t first = 0; first < inputs; first += OHM_ONES_TOGETHER) {
        const size_t n = inputs - first < OHM_ONES_TOGETHER ? inputs - first : OHM_ONES_TOGETHER;
        count_ones(program, (size_t)npos, inputs, first, x, ones);
        tally->row_drives += weigh(n, ones, program->rows_of + first);
        tally->cells_driven += weigh(n, ones, program->cells_of + first);
        tally->cell_levels += weigh(n, ones, program->levels_of + first);
    }
}

/* All bits that drive the rows of a read, each where its step is. */
static uint32_t steps_driven(const struct ohm_program *program, const struct reading *reading, const uint8_t *x) {
    uint32_t bits = 0;
    if (program->element == 1)
        for (int32_t r = 0; r < reading->nrow; r++) bits |= (uint32_t)x[reading->place[r]] << reading->shift[r];
    else
        for (int32_t r = 0; r < reading->nrow; r++) bits |= (uint32_t)((const uint16_t *)(const void *)x)[reading->place[r]] << reading->shift[r];
    return bits;
}

/* Reads of one position, of which those without a driven row are left out. */
static void count_reads(const struct ohm_program *program, const uint8_t *x, int32_t *steps, struct ohm_tally *tally) {
    int64_t most = 0;
    for (int32_t i = 0; i < program->nreading; i++) {
        const struct reading *reading = &program->readings[i];
        uint32_t bits = steps_driven(program, reading, x);
        steps[i] = program->skip == OHM_SKIP_ZERO ? __builtin_popcount(bits) : ohm_bit_length((int64_t)bits);
        ohm_tally_reads(reading->columns, reading->arrays, reading->contributions, steps[i], tally);
    }
    for (int32_t l = 0; l < program->nlane; l++) {
        int64_t sum = 0;
        for (int32_t i = program->lane_first[l]; i < program->lane_first[l + 1]; i++) sum += steps[program->lane_read[i]];
        most = sum > most ? sum : most;
    }
    tally->steps += most;
}

void ohm_tally_reads(int64_t columns, int64_t arrays, int64_t contributions, int64_t steps, struct ohm_tally *tally) {
    tally->conversions += columns * steps;
    tally->sampled += columns * steps;
    tally->shift_adds += columns * steps;
    tally->array_reads += arrays * steps;
    tally->output_register_bytes += 2 * contributions * steps; /* 16-bit sums rewritten in every step */
}

void ohm_tally_positions(const struct ohm_program *program, int32_t npos, const void *x, int32_t *steps, struct ohm_tally *tally) {
    struct ohm_tally all = program->per_position;
    int64_t *counts = ohm_tally_counts(&all);
    size_t vector = (size_t)(program->groups * program->krows) * (size_t)program->element;
    for (int i = 0; i < OHM_TALLY_COUNT; i++) counts[i] *= npos;
    for (int32_t p = 0; p < npos; p += POSITIONS)
        count_driven(program, npos - p < POSITIONS ? npos - p : POSITIONS, (const uint8_t *)x + (size_t)p * vector, &all);
    for (int32_t p = 0; p < npos && program->nreading; p++) count_reads(program, (const uint8_t *)x + (size_t)p * vector, steps, &all);
    ohm_tally_add(tally, &all);
}

/* Sum of the levels of a row's cells in a use. */
static int32_t row_levels(const struct ohm_tile *tile, const struct ohm_use *use, int32_t row) {
    int32_t sum = 0;
    for (int32_t plane = 0; plane < tile->cell_bits; plane++)
        for (int32_t from = use->column0 / 64 * 64, end = use->column0 + use->ncol; from < end; from += 64) {
            uint64_t bits = *ohm_tile_word(tile, plane, use->row0 + row, from);
            if (from < use->column0) bits &= ~0ull << (use->column0 - from);
            if (end - from < 64) bits &= (1ull << (end - from)) - 1;
            sum += __builtin_popcountll(bits) << plane;
        }
    return sum;
}

static int count_rows(struct ohm_program *program, const struct ohm_plan *plan) {
    size_t inputs = (size_t)(plan->groups * plan->krows);
    program->rows_of = ohm_arena_array(program->arena, inputs, sizeof *program->rows_of);
    program->cells_of = ohm_arena_array(program->arena, inputs, sizeof *program->cells_of);
    program->levels_of = ohm_arena_array(program->arena, inputs, sizeof *program->levels_of);
    if (!program->rows_of || !program->cells_of || !program->levels_of) return OHM_E_MEMORY;
    for (int32_t u = 0; u < plan->nuse; u++) {
        const struct ohm_use *use = &plan->uses[u];
        for (int32_t r = 0; r < use->nrow; r++) {
            int32_t at = ohm_program_place(program, use->rows[r].input);
            program->rows_of[at]++;
            program->cells_of[at] += use->row_cells ? use->row_cells : use->ncol;
            program->levels_of[at] += row_levels(&plan->tiles[use->tile], use, r);
        }
    }
    return OHM_OK;
}

/* A read of the schedule with its rows as places in x. */
static int make_reading(struct ohm_program *program, const struct ohm_plan *plan, const struct ohm_schedule *schedule, const struct ohm_read *read,
                        struct reading *reading) {
    int32_t n = 0;
    for (int32_t i = 0; i < read->nuse; i++) n += plan->uses[schedule->uses[read->first + i]].nrow;
    *reading = (struct reading){.arrays = read->arrays,
                                .columns = read->columns,
                                .contributions = read->contributions,
                                .place = ohm_arena_array(program->arena, (size_t)n, sizeof *reading->place),
                                .shift = ohm_arena_array(program->arena, (size_t)n, sizeof *reading->shift)};
    if (!reading->place || !reading->shift) return OHM_E_MEMORY;
    for (int32_t i = 0; i < read->nuse; i++) {
        const struct ohm_use *use = &plan->uses[schedule->uses[read->first + i]];
        for (int32_t r = 0; r < use->nrow; r++, reading->nrow++) {
            reading->place[reading->nrow] = ohm_program_place(program, use->rows[r].input);
            reading->shift[reading->nrow] = (uint8_t)use->rows[r].shift;
        }
    }
    return OHM_OK;
}

/* Bus words and additions between arrays: one partial sum per array and output, however many turns it took. */
static int64_t partial_sums(const struct ohm_plan *plan) {
    int64_t sums = 0;
    for (int32_t u = 0; u < plan->nuse; u++) sums += plan->uses[u].turn == 0 ? ohm_use_contributions(&plan->uses[u]) : 0;
    return sums;
}

/* What every position costs whatever its values. */
static void count_per_position(struct ohm_program *program, const struct ohm_plan *plan, const struct ohm_schedule *schedule) {
    int64_t rows = plan->store.rows_used, sums = partial_sums(plan), outputs = (int64_t)plan->groups * plan->ncols;
    struct ohm_tally *tally = &program->per_position;
    *tally = (struct ohm_tally){.positions = 1,
                                .partial_adds = sums > outputs ? sums - outputs : 0,
                                .input_register_bytes = 2 * rows * ((program->input_bits + 7) / 8), /* written once, read once */
                                .buffer_bits = ((int64_t)plan->groups * plan->krows + outputs) * program->input_bits,
                                .bus_bits = rows * program->input_bits + sums * 16};
    if (program->nreading) return;
    for (int32_t i = 0; i < schedule->nread; i++) {
        const struct ohm_read *read = &schedule->reads[i];
        ohm_tally_reads(read->columns, read->arrays, read->contributions, read->steps, tally);
    }
    tally->steps = ohm_schedule_steps(schedule);
}

int ohm_program_count(struct ohm_program *program, const struct ohm_plan *plan, const struct ohm_schedule *schedule) {
    OHM_TRY(count_rows(program, plan));
    program->skip = plan->skip;
    if (plan->skip != OHM_SKIP_NONE && ohm_program_silent(program)) {
        program->readings = ohm_arena_array(program->arena, (size_t)schedule->nread, sizeof *program->readings);
        if (!program->readings) return OHM_E_MEMORY;
        for (int32_t i = 0; i < schedule->nread; i++)
            OHM_TRY(make_reading(program, plan, schedule, &schedule->reads[i], &program->readings[program->nreading++]));
        program->nlane = schedule->nlane;
        program->lane_first = schedule->lane_first;
        program->lane_read = schedule->lane_read;
    }
    count_per_position(program, plan, schedule);
    return OHM_OK;
}
