/* Sums of conductances instead of counts: 16-bit additions of the driven rows for 128 columns at a time, then noise and ADC in floats. Every
 * operation is one IEEE operation per column, so that vectors of any width give the same bits. */
#include "converters.h"
#include "ohmtally/clones.h"
#include "ohmtally/status.h"
#include "program.h"
#include "vary.h"
#include <math.h>
#include <string.h>

#define PARTS (OHM_CHUNK / OHM_PART)

/* How sums of a part's columns become codes. */
struct transfer {
    float lo[OHM_PART], step[OHM_PART]; /* of the ADC's range, in 1/256 */
    float gain[OHM_PART], offset[OHM_PART];
    float still[OHM_PART];                       /* variance that does not depend on the sum, in (2^-fraction)^2 */
    const float *levels[OHM_PART];               /* [top]; NULL: ideal */
    int32_t top, scale[OHM_PART], low[OHM_PART]; /* value = code scale + low */
    bool erring, any_levels;
    bool idle; /* a sum of 0 gives code 0: steps in which no row is driven need no look */
};

/* Codes need not live as long as the program. */
static int keep_codes(struct ohm_program *program, const struct ohm_adc_codes *codes) {
    size_t n = (size_t)codes->n;
    float *copy = ohm_arena_array(program->arena, 2 * n, sizeof *copy);
    if (!copy) return OHM_E_MEMORY;
    memcpy(copy, codes->mean, n * sizeof *copy);
    program->analogue->code_mean = copy;
    if (!codes->spread) return OHM_OK;
    memcpy(copy + n, codes->spread, n * sizeof *copy);
    program->analogue->code_spread = copy + n;
    return OHM_OK;
}

int ohm_analogue_make(struct ohm_program *program, const struct ohm_program_request *request) {
    const struct ohm_noise *noise = request->reads->noise;
    int32_t cell_bits = request->plan->ntile ? request->plan->tiles[0].cell_bits : 1, fraction = request->plan->fraction;
    float one = (float)(1 << fraction);
    program->analogue = ohm_arena_alloc(program->arena, sizeof *program->analogue);
    if (!program->analogue) return OHM_E_MEMORY;
    *program->analogue = (struct analogue){.fraction = fraction,
                                           .layer = (uint32_t)request->reads->layer,
                                           .draws = ohm_draws_of(noise->seed, noise->trial, OHM_DRAW_READ),
                                           .code_draws = ohm_draws_of(noise->seed, noise->trial, OHM_DRAW_CODE),
                                           .telegraph = ohm_draws_of(noise->seed, noise->trial, OHM_DRAW_TELEGRAPH),
                                           .two_states = ohm_noise_of_telegraph(noise),
                                           .noisy = ohm_noise_of_reads(noise),
                                           .restless = noise->adc.thermal > 0 || (noise->adc.codes && noise->adc.codes->spread),
                                           .unit = (float)OHM_ADC_ONE / one,
                                           .growth = (float)ohm_level_growth(noise, cell_bits) * one,
                                           .leak = (float)ohm_level_leak(noise, cell_bits) * one,
                                           .thermal = (float)noise->adc.thermal};
    return noise->adc.codes ? keep_codes(program, noise->adc.codes) : OHM_OK;
}

static void set_transfer(const struct ohm_program *program, const struct column_source *source, int32_t c, struct transfer *transfer) {
    const struct ohm_converters *converters = program->adc.converters;
    const struct analogue *analogue = program->analogue;
    size_t adc = converters ? ohm_converters_index(converters, source->use->tile, source->use->column0 + source->index) : 0;
    int32_t lo, step;
    ohm_adc_step(&program->adc, source->column->adc_class, &lo, &step);
    float thermal = analogue->thermal * ((float)step / analogue->unit);
    transfer->lo[c] = (float)lo;
    transfer->step[c] = (float)step;
    transfer->gain[c] = converters ? converters->gain[adc] : 1;
    transfer->offset[c] = converters ? converters->offset[adc] : 0;
    transfer->still[c] = thermal * thermal;
    transfer->scale[c] = program->unit == 1 ? 1 : step;
    transfer->low[c] = program->unit == 1 ? 0 : lo;
    transfer->erring = converters != NULL || analogue->two_states;
    transfer->idle = transfer->idle && !converters && lo == 0 && !analogue->restless;
    transfer->any_levels = converters && converters->levels;
}

/* Levels outlive the converters. */
static int keep_levels(struct ohm_program *program, const struct column_source *source, int32_t c, struct transfer *transfer) {
    const struct ohm_converters *converters = program->adc.converters;
    if (!converters || !converters->levels) return OHM_OK;
    size_t n = (size_t)converters->ntile * (size_t)converters->per_array * (size_t)converters->top;
    if (!program->analogue->levels) {
        float *copy = ohm_arena_array(program->arena, n, sizeof *copy);
        if (!copy) return OHM_E_MEMORY;
        memcpy(copy, converters->levels, n * sizeof *copy);
        program->analogue->levels = copy;
    }
    size_t adc = ohm_converters_index(converters, source->use->tile, source->use->column0 + source->index);
    transfer->levels[c] = program->analogue->levels + adc * (size_t)converters->top;
    return OHM_OK;
}

static void place_column(const struct ohm_tile *tile, const int16_t *from, const struct column_source *source, int16_t *to) {
    const struct ohm_use *use = source->use;
    for (int32_t r = 0; r < use->nrow; r++)
        to[r * OHM_PART] = from[(size_t)(use->row0 + r) * (size_t)tile->ncol + (size_t)(use->column0 + source->index)];
}

int ohm_analogue_place(struct ohm_program *program, struct block *block, const struct ohm_plan *plan, const struct column_source *sources,
                       int32_t ncol) {
    size_t nrow = (size_t)block->rows.nrow + 1, parts = (size_t)block->cells.nchunk * PARTS;
    block->held = ohm_arena_array(program->arena, parts * nrow * OHM_PART, sizeof *block->held);
    struct transfer *transfers = ohm_arena_array(program->arena, parts, sizeof *transfers);
    struct held_part *held = ohm_arena_array(program->arena, parts, sizeof *held);
    if (program->analogue->two_states) block->swing = ohm_arena_array(program->arena, parts * nrow * OHM_PART, sizeof *block->swing);
    if (!block->held || !transfers || !held || (program->analogue->two_states && !block->swing)) return OHM_E_MEMORY;
    block->conversion = program->analogue->conversions;
    program->analogue->conversions += (uint32_t)block->cells.nchunk * OHM_CHUNK;
    for (size_t k = 0; k < parts; k++) {
        transfers[k].top = (1 << program->adc.bits) - 1;
        transfers[k].idle = true;
        for (int32_t c = 0; c < OHM_PART; c++) transfers[k].step[c] = 1; /* of columns that are not there */
    }
    for (int32_t k = 0; k < block->cells.nchunk; k++) {
        block->chunks[k].transfer = transfers + (size_t)k * PARTS;
        block->chunks[k].held = held + (size_t)k * PARTS;
    }
    for (int32_t i = 0; i < ncol; i++) {
        const struct ohm_tile *tile = &plan->tiles[sources[i].use->tile];
        size_t place = (size_t)(i / OHM_PART) * nrow * OHM_PART + (size_t)i % OHM_PART;
        place_column(tile, tile->held, &sources[i], block->held + place);
        if (block->swing) place_column(tile, tile->swing, &sources[i], block->swing + place);
        set_transfer(program, &sources[i], i % OHM_PART, &transfers[i / OHM_PART]);
        OHM_TRY(keep_levels(program, &sources[i], i % OHM_PART, &transfers[i / OHM_PART]));
    }
    for (int32_t c = 0; c < ncol; c += OHM_PART)
        ohm_held_choose(program, block, c / OHM_PART, ncol - c < OHM_PART ? ncol - c : OHM_PART, transfers[c / OHM_PART].still[0],
                        &held[c / OHM_PART]);
    return OHM_OK;
}

typedef int16_t lanes __attribute__((vector_size(64)));
#define VECTORS (OHM_PART * 2 / 64)

/* sum = of the n rows of cells [..][OHM_PART] */
OHM_CLONES static void add_rows(const int16_t *cells, const uint16_t *row, int32_t n, int16_t *sum) {
    lanes a[VECTORS] = {{0}};
    for (int32_t i = 0; i < n; i++) {
        const lanes *from = (const lanes *)(const void *)(cells + (size_t)row[i] * OHM_PART);
        for (int k = 0; k < VECTORS; k++) a[k] += from[k];
    }
    memcpy(sum, a, sizeof a);
}

/* v, one deviate a column: [0 .. ncol) */
OHM_CLONES static void add_noise(int32_t ncol, const int16_t *restrict sum, float growth, float leak, const float *restrict still,
                                 const uint16_t *restrict words, const float *restrict small, float *restrict v) {
    for (int32_t c = 0; c < ncol; c++) {
        float s = (float)sum[c], level = s + leak;
        float variance = growth * (level > 0 ? level : 0) + still[c];
        v[c] = s + small[words[c]] * sqrtf(variance);
    }
}

OHM_CLONES static void only_sums(int32_t ncol, const int16_t *restrict sum, float *restrict v) {
    for (int32_t c = 0; c < ncol; c++) v[c] = (float)sum[c];
}

/* acc += code << shift; returns the conversions outside the codes. */
OHM_CLONES static int32_t convert(int32_t ncol, const struct transfer *transfer, float unit, int32_t shift, const float *restrict v,
                                  int32_t *restrict acc) {
    const int32_t top = transfer->top;
    int32_t outside = 0;
    for (int32_t c = 0; c < ncol; c++) {
        float u = (v[c] * unit - transfer->lo[c]) / transfer->step[c] * transfer->gain[c] + transfer->offset[c];
        int32_t code = (int32_t)rintf(u), kept = code > 0 ? code : 0;
        kept = kept < top ? kept : top;
        outside += code != kept;
        acc[c] += kept << shift;
    }
    return outside;
}

/* The same where an ideal ADC's step is one level step and its range begins at 0: the factor is a power of two, and so is every other operation. */
OHM_CLONES static int32_t convert_unit(int32_t ncol, int32_t top, float factor, int32_t shift, const float *restrict v, int32_t *restrict acc) {
    int32_t outside = 0;
    for (int32_t c = 0; c < ncol; c++) {
        int32_t code = (int32_t)rintf(v[c] * factor), kept = code > 0 ? code : 0;
        kept = kept < top ? kept : top;
        outside += code != kept;
        acc[c] += kept << shift;
    }
    return outside;
}

static int32_t convert_by_levels(int32_t ncol, const struct transfer *transfer, float unit, int32_t shift, const float *v, int32_t *acc) {
    float top = (float)transfer->top;
    int32_t outside = 0;
    for (int32_t c = 0; c < ncol; c++) {
        float u = (v[c] * unit - transfer->lo[c]) / transfer->step[c] * transfer->gain[c] + transfer->offset[c], code = rintf(u);
        outside += code < 0 || code > top;
        acc[c] += ohm_converters_search(transfer->levels[c], transfer->top, u) << shift;
    }
    return outside;
}

/* Codes as measured; words: the conversions'. */
static int32_t convert_by_codes(int32_t ncol, const struct transfer *transfer, const struct analogue *analogue, int32_t shift, const float *v,
                                const uint16_t *words, int32_t *acc) {
    const float top = (float)transfer->top, *small = ohm_draw_small();
    int32_t outside = 0;
    for (int32_t c = 0; c < ncol; c++) {
        float u = (v[c] * analogue->unit - transfer->lo[c]) / transfer->step[c] * transfer->gain[c] + transfer->offset[c], rounded = rintf(u);
        int32_t code = rounded > 0 ? rounded < top ? (int32_t)rounded : transfer->top : 0;
        if (transfer->any_levels) code = ohm_converters_search(transfer->levels[c], transfer->top, u);
        float spread = analogue->code_spread ? analogue->code_spread[code] : 0, z = analogue->code_spread ? small[words[c]] : 0;
        outside += rounded < 0 || rounded > top;
        acc[c] += ohm_converters_given(analogue->code_mean[code], spread, z, transfer->top) << shift;
    }
    return outside;
}

/* One part of a chunk: steps step0 .. step1 - 1 of one position. */
static int32_t part_steps(const struct ohm_program *program, const struct block *block, int32_t part, const int16_t *cells, int32_t ncol,
                          const struct ohm_lists *lists, int32_t p, int32_t step0, int32_t step1, const uint32_t at[2], int32_t *acc) {
    const struct analogue *analogue = program->analogue;
    const struct transfer *transfer = &block->chunks[part / PARTS].transfer[part % PARTS];
    int16_t sum[OHM_PART] __attribute__((aligned(64)));
    uint16_t words[OHM_PART] __attribute__((aligned(64)));
    float v[OHM_PART] __attribute__((aligned(64)));
    int32_t outside = 0;
    memset(acc, 0, OHM_PART * sizeof *acc);
    for (int32_t t = step0; t < step1; t++) {
        int32_t list = p * lists->nstep + t, first = lists->first[list];
        if (transfer->idle && !lists->driven[list]) continue;
        add_rows(cells, lists->row + first, lists->first[list + 1] - first, sum);
        if (analogue->noisy) {
            ohm_draw_halves(analogue->draws, at[0], at[1], analogue->layer * 32 + (uint32_t)t, block->conversion / OHM_PART + (uint32_t)part, words);
            add_noise(ncol, sum, analogue->growth, analogue->leak * (float)lists->driven[list], transfer->still, words, ohm_draw_small(), v);
        } else
            only_sums(ncol, sum, v);
        if (analogue->code_mean) {
            if (analogue->code_spread)
                ohm_draw_halves(analogue->code_draws, at[0], at[1], analogue->layer * 32 + (uint32_t)t, block->conversion / OHM_PART + (uint32_t)part,
                                words);
            outside += convert_by_codes(ncol, transfer, analogue, t - step0, v, words, acc);
        } else
            outside += program->unit == 1 && !transfer->erring
                           ? convert_unit(ncol, transfer->top, analogue->unit / OHM_ADC_ONE, t - step0, v, acc)
                           : (transfer->any_levels ? convert_by_levels : convert)(ncol, transfer, analogue->unit, t - step0, v, acc);
    }
    for (int32_t c = 0; c < ncol; c++) acc[c] = acc[c] * transfer->scale[c] + transfer->low[c] * ((1 << (step1 - step0)) - 1);
    return outside;
}

/* Any part, all positions. */
static void multiply_part(const struct ohm_program *program, const struct block *block, int32_t part, int32_t ncol, int32_t step, int32_t end,
                          const uint32_t (*at)[2], int32_t *acc, struct scratch *s, int64_t *clipped) {
    if (block->chunks[part / PARTS].held[part % PARTS].held.cells)
        ohm_held_multiply(program, block, part, step, end, at, acc, s, clipped);
    else
        for (int32_t p = 0; p < s->lists.npos; p++)
            *clipped += part_steps(program, block, part, ohm_telegraph_cells(program, block, part, at[p][0], s), ncol, &s->lists, p, step, end, at[p],
                                   acc + (size_t)p * OHM_CHUNK);
}

/* One chunk, all positions: part by part, so that a part's cells stay in the cache. */
static void multiply_chunk(const struct ohm_program *program, const struct block *block, int32_t k, const uint32_t (*at)[2], void *y,
                           struct scratch *s, struct ohm_tally *tally) {
    const struct chunk *chunk = &block->chunks[k];
    const struct ohm_lists *lists = &s->lists;
    size_t outputs = (size_t)(program->groups * program->ncols);
    for (int32_t step = 0, end; step < lists->nstep; step = end) {
        end = step + program->step_limit < lists->nstep ? step + program->step_limit : lists->nstep;
        for (int32_t part = 0; part * OHM_PART < chunk->ncol; part++) {
            int32_t left = chunk->ncol - part * OHM_PART, ncol = left < OHM_PART ? left : OHM_PART;
            multiply_part(program, block, k * PARTS + part, ncol, step, end, at, s->acc + (size_t)part * OHM_PART, s, &tally->clipped);
        }
        for (int32_t p = 0; p < lists->npos; p++) ohm_combine_chunk(program, chunk, s->acc + (size_t)p * OHM_CHUNK, step, y, (size_t)p * outputs);
    }
}

void ohm_analogue_multiply(const struct ohm_program *program, const struct block *block, const struct ohm_occasion *occasion, int32_t npos,
                           const void *x, void *y, struct scratch *s, struct ohm_tally *tally) {
    uint32_t at[OHM_HELD_POSITIONS][2];
    ohm_lists_build(program->kernel, &block->rows, npos, program->input_bits, program->element, x, program->groups * program->krows, 0, &s->lists);
    for (int32_t p = 0; p < npos; p++) {
        int64_t place = occasion->first + p;
        at[p][0] = (uint32_t)occasion->image[place / occasion->positions];
        at[p][1] = (uint32_t)(place % occasion->positions);
    }
    for (int32_t k = 0; k < block->cells.nchunk; k++) {
        tally->evaluated += (int64_t)block->chunks[k].ncol * npos * block->steps;
        multiply_chunk(program, block, k, (const uint32_t(*)[2])at, y, s, tally);
    }
}
