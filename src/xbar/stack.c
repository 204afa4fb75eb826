/* Bit planes instead of integers, as long as possible. A matrix with more rows than an array has is cut into blocks of rows whose columns are the
 * same; and chunks of a block often hold the same outputs at another bit of the weights, or with the other sign. The clipped sums of all these are
 * added up as bit planes, so that planes become integers, and integers find their outputs, once per position instead of once per block and chunk. */
#include "ohmtally/clones.h"
#include "ohmtally/memory.h"
#include "ohmtally/status.h"
#include "program.h"
#include <stdlib.h>
#include <string.h>

#define TOTAL_WORDS ((size_t)1 << 15)  /* 256 KiB of planes stay in the second-level cache */
#define CACHED_WORDS ((size_t)3 << 10) /* of cells */
#define LEAST_POSITIONS 8              /* fewer would not pay for bringing in the cells */
#define MOST_PLANES 31

static bool same_outputs(const struct chunk *a, const struct chunk *b) {
    return a->ncol == b->ncol && a->nrun == b->nrun && !memcmp(a->runs, b->runs, (size_t)a->nrun * sizeof *a->runs);
}

/* Codes of tables stand for lo + step * code; sums of codes can go together where both are the same. */
static bool same_scale(const struct chunk *a, const struct chunk *b) {
    if (!a->slices || !b->slices || a->slices == b->slices) return a->slices == b->slices;
    return !memcmp(a->slices->step, b->slices->step, (size_t)a->ncol * sizeof *a->slices->step) &&
           !memcmp(a->slices->lo, b->slices->lo, (size_t)a->ncol * sizeof *a->slices->lo);
}

static bool same_columns(const struct block *a, const struct block *b) {
    if (a->cells.nchunk != b->cells.nchunk || a->cells.cell_bits != b->cells.cell_bits) return false;
    for (int32_t k = 0; k < a->cells.nchunk; k++)
        if (!same_outputs(&a->chunks[k], &b->chunks[k]) || !same_scale(&a->chunks[k], &b->chunks[k]) ||
            memcmp(a->chunks[k].coefficient, b->chunks[k].coefficient, OHM_CHUNK * sizeof *a->chunks[k].coefficient))
            return false;
    return true;
}

/* Whether every column of chunk weighs what base's does times one factor, a power of two or its negative. */
static bool is_multiple(const struct chunk *base, const struct chunk *chunk, struct ohm_onto *onto) {
    const int64_t factor = chunk->coefficient[0] / base->coefficient[0], size = llabs(factor);
    if (!factor || (size & (size - 1)) || !same_outputs(base, chunk) || !same_scale(base, chunk)) return false;
    for (int32_t c = 0; c < base->ncol; c++)
        if (chunk->coefficient[c] != factor * base->coefficient[c]) return false;
    *onto = (struct ohm_onto){.shift = ohm_bit_length(size) - 1, .complement = factor < 0};
    return true;
}

/* Gives every chunk its total; how many there are. Together: multiples of an earlier chunk go onto that one's. */
static int32_t assign_totals(struct block *block, bool together) {
    int32_t ntotal = 0;
    for (int32_t k = 0; k < block->cells.nchunk; k++) {
        struct chunk *chunk = &block->chunks[k], *base = together ? block->chunks : chunk;
        while (base < chunk && (!base->begins || !is_multiple(base, chunk, &chunk->onto))) base++;
        chunk->begins = base == chunk;
        chunk->total = chunk->begins ? ntotal++ : base->total;
        if (chunk->begins) chunk->onto = (struct ohm_onto){0};
    }
    return ntotal;
}

static void copy_totals(const struct block *from, struct block *to) {
    for (int32_t k = 0; k < from->cells.nchunk; k++) {
        to->chunks[k].onto = from->chunks[k].onto;
        to->chunks[k].total = from->chunks[k].total;
    }
}

/* A total of the blocks so far. */
struct total {
    int64_t most, bias; /* the largest it can be; what is to be taken off */
    int64_t lowest;     /* how often the lowest value of a table is in it */
    int32_t planes;
};

/* The block's chunks onto the totals; false when some total could leave its planes. spare: as many. */
static bool add_block(const struct ohm_program *program, struct block *block, int32_t ntotal, struct total *totals, struct total *spare) {
    const int32_t nstep = program->input_bits + block->rows.max_shift;
    const int64_t top = ((int64_t)1 << program->adc.bits) - 1, count = program->adc.largest < top ? program->adc.largest : top;
    const int64_t steps = ((int64_t)1 << nstep) - 1;
    memcpy(spare, totals, (size_t)ntotal * sizeof *spare);
    for (struct chunk *chunk = block->chunks; chunk < block->chunks + block->cells.nchunk; chunk++) {
        struct ohm_onto *onto = &chunk->onto;
        struct total *total = &spare[chunk->total];
        const int32_t own = program->tabled ? nstep + chunk->slices->width : ohm_clip_planes(&block->cells, nstep, program->adc.bits);
        const int64_t all = (((int64_t)1 << own) - 1) << onto->shift;
        total->most += onto->complement || program->tabled ? all : (steps * count) << onto->shift;
        total->bias += onto->complement ? all : 0;
        total->lowest += (onto->complement ? -steps : steps) * ((int64_t)1 << onto->shift);
        onto->held = total->planes;
        onto->after = ohm_bit_length(total->most | all); /* or one more than the most needs: sums are added with all their planes */
        if (onto->after < onto->held) onto->after = onto->held;
        total->planes = onto->after;
        if (onto->after > MOST_PLANES) return false;
    }
    memcpy(totals, spare, (size_t)ntotal * sizeof *spare);
    return true;
}

/* Whether sums of the block's codes can be told apart from the values they stand for. */
static bool has_codes(const struct block *block) {
    for (const struct chunk *chunk = block->chunks; chunk < block->chunks + block->cells.nchunk; chunk++)
        for (int32_t c = 0; c < chunk->ncol; c++)
            if (!chunk->slices || llabs((int64_t)chunk->coefficient[c] * chunk->slices->step[c]) > INT32_MAX) return false;
    return true;
}

/* Steps of codes go into the coefficients of totals, lowest values into a constant. */
static int scale_totals(struct ohm_program *program, struct block *first, const struct total *totals) {
    bool any = false;
    first->constant = ohm_arena_array(program->arena, (size_t)(program->groups * program->ncols), sizeof *first->constant);
    if (!first->constant) return OHM_E_MEMORY;
    for (struct chunk *chunk = first->chunks; chunk < first->chunks + first->cells.nchunk; chunk++) {
        for (const struct run *run = chunk->runs; chunk->begins && run < chunk->runs + chunk->nrun; run++)
            for (int32_t i = 0, c = run->column; i < run->n; i++, c++) {
                const int64_t lo = chunk->slices->lo[c];
                first->constant[run->output + i] += chunk->coefficient[c] * lo * totals[chunk->total].lowest;
                chunk->coefficient[c] *= chunk->slices->step[c];
                any = any || lo;
            }
    }
    if (!any) first->constant = NULL;
    return OHM_OK;
}

/* The stack from first on: what its chunks need to know once all is on the totals. */
static int finish_stack(struct ohm_program *program, struct block *first, int32_t ntotal, const struct total *totals) {
    int32_t nplane = 0;
    for (int32_t t = 0; t < ntotal; t++) nplane = totals[t].planes > nplane ? totals[t].planes : nplane;
    for (struct block *block = first; block < first + first->nstack; block++)
        for (int32_t k = 0; k < block->cells.nchunk; k++) block->chunks[k].onto.nplane = nplane;
    for (struct chunk *chunk = first->chunks; chunk < first->chunks + first->cells.nchunk; chunk++) {
        chunk->bias = (int32_t)totals[chunk->total].bias;
        chunk->planes = totals[chunk->total].planes;
    }
    const size_t words = (size_t)ntotal * (size_t)nplane * OHM_CHUNK_WORDS;
    program->max_total = words > program->max_total ? words : program->max_total;
    return program->tabled ? scale_totals(program, first, totals) : OHM_OK;
}

/* Block b and as many of those behind it as go onto the same totals. */
static int make_stack(struct ohm_program *program, int32_t b, struct total *totals, struct total *spare) {
    struct block *first = &program->blocks[b];
    int32_t ntotal = 0;
    bool fits = false;
    for (int together = 1; !fits && together >= 0; together--) {
        ntotal = assign_totals(first, together);
        memset(totals, 0, (size_t)ntotal * sizeof *totals);
        fits = add_block(program, first, ntotal, totals, spare);
    }
    if (!fits) return OHM_OK;
    int32_t end = b + 1;
    for (; end < program->nblock && same_columns(first, &program->blocks[end]); end++) {
        copy_totals(first, &program->blocks[end]);
        if (!add_block(program, &program->blocks[end], ntotal, totals, spare)) break;
    }
    if (end - b < 2 && ntotal == first->cells.nchunk) return OHM_OK; /* nothing to add up */
    first->nstack = end - b;
    return finish_stack(program, first, ntotal, totals);
}

int ohm_program_make_stacks(struct ohm_program *program) {
    int32_t most = 0, status = OHM_OK;
    if (program->analogue || program->turned || program->corrected) return OHM_OK;
    if (!program->tabled && program->step_limit < program->input_bits + program->max_shift) return OHM_OK;
    for (int32_t b = 0; b < program->nblock; b++) most = program->blocks[b].cells.nchunk > most ? program->blocks[b].cells.nchunk : most;
    struct total *totals = ohm_alloc_array(2 * (size_t)most, sizeof *totals);
    if (!totals) return OHM_E_MEMORY;
    for (int32_t b = 0; !status && b < program->nblock; b += program->blocks[b].nstack ? program->blocks[b].nstack : 1)
        if (!program->tabled || has_codes(&program->blocks[b])) status = make_stack(program, b, totals, totals + most);
    free(totals);
    return status;
}

int32_t ohm_stack_positions(const struct ohm_program *program) {
    if (program->analogue) return OHM_HELD_POSITIONS;
    size_t fit = program->max_total ? TOTAL_WORDS / program->max_total : OHM_PLAIN_POSITIONS;
    return fit > OHM_PLAIN_POSITIONS ? OHM_PLAIN_POSITIONS : fit < LEAST_POSITIONS ? LEAST_POSITIONS : (int32_t)fit;
}

/* Chunks whose cells stay in the first-level cache together. */
static int32_t chunks_together(const struct ohm_cells *cells) {
    const size_t fit = CACHED_WORDS / ohm_cells_words(cells->nrow, cells->cell_bits, 1);
    return fit > OHM_TOGETHER ? OHM_TOGETHER : fit < 1 ? 1 : (int32_t)fit;
}

static struct ohm_goal goal_of(const struct chunk *chunk, size_t words, const struct scratch *s) {
    return (struct ohm_goal){&chunk->onto, s->total + (size_t)chunk->total * words};
}

static void add_counts(const struct ohm_program *program, const struct block *block, size_t words, struct scratch *s, int64_t *clipped) {
    const int32_t together = chunks_together(&block->cells), nchunk = block->cells.nchunk;
    for (int32_t k = 0; k < nchunk; k += together) {
        const int32_t n = nchunk - k < together ? nchunk - k : together;
        struct ohm_goal goals[OHM_TOGETHER];
        for (int32_t i = 0; i < n; i++) goals[i] = goal_of(&block->chunks[k + i], words, s);
        program->kernel->clip_onto(&block->cells, k, n, &s->lists, 0, s->lists.nstep, program->adc.bits, goals, clipped);
    }
}

static void add_codes(const struct ohm_program *program, const struct block *block, size_t words, struct scratch *s, int64_t *clipped) {
    struct ohm_adc_table table = program->table;
    for (int32_t k = 0; k < block->cells.nchunk; k++) {
        const struct chunk *chunk = &block->chunks[k];
        const struct ohm_goal goal = goal_of(chunk, words, s);
        table.offset = chunk->offset;
        table.slices = chunk->slices;
        program->kernel->table_onto(&block->cells, k, &s->lists, 0, s->lists.nstep, &table, chunk->ncol, &goal, clipped);
    }
}

/* One block's sums onto the totals, each of `words`. */
static void add_sums(const struct ohm_program *program, const struct block *block, size_t words, struct scratch *s, struct ohm_tally *tally) {
    for (int32_t k = 0; k < block->cells.nchunk; k++) tally->evaluated += (int64_t)block->chunks[k].ncol * s->lists.npos * block->steps;
    if (program->tabled)
        add_codes(program, block, words, s, &tally->clipped);
    else
        add_counts(program, block, words, s, &tally->clipped);
}

OHM_CLONES static void add_constant(size_t n, const int64_t *restrict constant, int64_t *restrict y) {
    for (size_t i = 0; i < n; i++) y[i] += constant[i];
}

void ohm_stack_multiply(const struct ohm_program *program, const struct block *first, int32_t npos, const void *x, void *y, struct scratch *s,
                        struct ohm_tally *tally) {
    const int32_t nplane = first->chunks->onto.nplane;
    const size_t outputs = (size_t)(program->groups * program->ncols), words = (size_t)(npos * nplane) * OHM_CHUNK_WORDS;
    for (const struct block *block = first; block < first + first->nstack; block++) {
        ohm_lists_build(program->kernel, &block->rows, npos, program->input_bits, program->element, x, program->groups * program->krows, 0,
                        &s->lists);
        add_sums(program, block, words, s, tally);
    }
    for (const struct chunk *chunk = first->chunks; chunk < first->chunks + first->cells.nchunk; chunk++) {
        if (!chunk->begins) continue;
        program->kernel->integers(npos, nplane, chunk->planes, chunk->bias, goal_of(chunk, words, s).total, s->acc);
        for (int32_t p = 0; p < npos; p++) ohm_combine_chunk(program, chunk, s->acc + (size_t)p * OHM_CHUNK, 0, y, (size_t)p * outputs);
    }
    for (int32_t p = 0; first->constant && p < npos; p++) add_constant(outputs, first->constant, (int64_t *)y + (size_t)p * outputs);
}
