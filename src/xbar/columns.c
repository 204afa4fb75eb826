/* The columns of a block in the order the kernels like: by shift, sign and output, so that shift-and-add runs over long stretches. Where every output
 * has the same shifts and signs, outputs are taken in pieces of powers of two first, so that chunks hold the same outputs (stack.c). */
#include "ohmtally/status.h"
#include "program.h"
#include <stdlib.h>
#include <string.h>

static int by_shift_output(const void *left, const void *right) {
    const struct column_source *one = left, *other = right;
    const struct ohm_column *a = one->column, *b = other->column;
    if (one->piece != other->piece) return one->piece < other->piece ? -1 : 1;
    if (a->shift != b->shift) return a->shift < b->shift ? -1 : 1;
    if (a->sign != b->sign) return a->sign < b->sign ? -1 : 1;
    if (a->output != b->output) return a->output < b->output ? -1 : 1;
    return (a > b) - (a < b);
}

static int by_table_output(const void *left, const void *right) {
    const struct column_source *one = left, *other = right;
    const struct ohm_column *a = one->column, *b = other->column;
    if (one->table != other->table) return one->table < other->table ? -1 : 1;
    if (a->output != b->output) return a->output < b->output ? -1 : 1;
    return (a->shift > b->shift) - (a->shift < b->shift);
}

int32_t ohm_column_coefficient(const struct ohm_column *column) {
    int32_t value = column->sign * (1 << column->shift);
    return column->flip ? -value : value;
}

/* The piece that output o of n lies in, all of them powers of two from a chunk's size down to `least`, and one of what is left: its first output. */
static int32_t piece_of(int32_t o, int32_t n, int32_t least) {
    int32_t first = 0;
    for (int32_t size = OHM_CHUNK; size >= least; size /= 2)
        for (; first + size <= n; first += size)
            if (o < first + size) return first;
    return first;
}

/* As many shifts and signs of every output: a piece of some size fills whole chunks with them. */
static void cut_pieces(struct column_source *sources, int32_t ncol) {
    int32_t first = INT32_MAX, last = 0, least = OHM_CHUNK;
    for (int32_t c = 0; c < ncol; c++) {
        first = sources[c].column->output < first ? sources[c].column->output : first;
        last = sources[c].column->output > last ? sources[c].column->output : last;
    }
    const int32_t n = last - first + 1;
    if (ncol % n) return;
    for (int32_t times = ncol / n; least > 1 && times % 2 == 0; times /= 2) least /= 2;
    for (int32_t c = 0; c < ncol; c++) sources[c].piece = piece_of(sources[c].column->output - first, n, least);
}

static int fill_chunk(struct ohm_program *program, struct chunk *chunk, const struct column_source *sources, int32_t ncol) {
    chunk->ncol = ncol;
    chunk->coefficient = ohm_arena_array(program->arena, OHM_CHUNK, sizeof *chunk->coefficient);
    chunk->runs = ohm_arena_array(program->arena, (size_t)ncol, sizeof *chunk->runs);
    chunk->offset = ohm_arena_array(program->arena, OHM_CHUNK, sizeof *chunk->offset);
    if (!chunk->coefficient || !chunk->runs || !chunk->offset) return OHM_E_MEMORY;
    for (int32_t c = 0; c < ncol; c++) {
        const struct ohm_column *column = sources[c].column;
        struct run *last = chunk->nrun ? &chunk->runs[chunk->nrun - 1] : NULL;
        chunk->coefficient[c] = ohm_column_coefficient(column) * (program->corrected ? -1 : 1);
        chunk->offset[c] = sources[c].table * program->table.ncount;
        if (last && last->output + last->n == column->output)
            last->n++;
        else
            chunk->runs[chunk->nrun++] = (struct run){c, 1, column->output};
    }
    return OHM_OK;
}

/* How many columns from c on are neighbours in one use, so that they can be copied as words. */
static int32_t stretch(const struct column_source *sources, int32_t c, int32_t end) {
    int32_t n = 1;
    while (c + n < end && sources[c + n].use == sources[c].use && sources[c + n].index == sources[c].index + n) n++;
    return n;
}

/* n <= 64 bits of a row of words from bit position `at`. */
static uint64_t take_bits(const uint64_t *row, int32_t at, int32_t n) {
    uint64_t bits = row[at / 64] >> (at % 64);
    if (at % 64 + n > 64) bits |= row[at / 64 + 1] << (64 - at % 64);
    return n < 64 ? bits & ((1ull << n) - 1) : bits;
}

static void put_bits(uint64_t *row, int32_t at, int32_t n, uint64_t bits) {
    row[at / 64] |= bits << (at % 64);
    if (at % 64 + n > 64) row[at / 64 + 1] |= bits >> (64 - at % 64);
}

/* n neighbouring columns of a tile to place .. of a chunk, all driven rows and cell planes. */
static void copy_columns(const struct ohm_cells *cells, uint64_t *words, int32_t chunk, int32_t place, int32_t n, const struct ohm_tile *tile,
                         const struct column_source *source) {
    int32_t from = source->use->column0 + source->index;
    for (int32_t plane = 0; plane < cells->cell_bits; plane++)
        for (int32_t r = 0; r < cells->nrow; r++) {
            const uint64_t *row = ohm_tile_word(tile, plane, source->use->row0 + r, 0);
            uint64_t *to = words + ohm_cells_index(cells, chunk, plane, r);
            for (int32_t done = 0, part; done < n; done += part) {
                part = n - done < 64 ? n - done : 64;
                put_bits(to, place + done, part, take_bits(row, from + done, part));
            }
        }
}

int ohm_program_place_columns(struct ohm_program *program, struct block *block, const struct ohm_plan *plan, struct column_source *sources,
                              int32_t ncol) {
    int32_t nrow = block->rows.nrow, cell_bits = plan->tiles[sources[0].use->tile].cell_bits, nchunk = (ncol + OHM_CHUNK - 1) / OHM_CHUNK;
    if (!program->analogue) cut_pieces(sources, ncol); /* noise is drawn by where a column is */
    qsort(sources, (size_t)ncol, sizeof *sources, by_shift_output);
    uint64_t *words = ohm_arena_array(program->arena, ohm_cells_words(nrow, cell_bits, nchunk), sizeof *words);
    block->chunks = ohm_arena_array(program->arena, (size_t)nchunk, sizeof *block->chunks);
    if (!words || !block->chunks) return OHM_E_MEMORY;
    block->cells = (struct ohm_cells){nrow, cell_bits, nchunk, words};
    for (int32_t k = 0; k < nchunk; k++) {
        int32_t first = k * OHM_CHUNK, end = first + OHM_CHUNK < ncol ? first + OHM_CHUNK : ncol;
        OHM_TRY(fill_chunk(program, &block->chunks[k], sources + first, end - first));
        for (int32_t c = first, n; c < end && !program->analogue; c += n) {
            n = stretch(sources, c, end);
            copy_columns(&block->cells, words, k, c - first, n, &plan->tiles[sources[c].use->tile], &sources[c]);
        }
    }
    return program->analogue ? ohm_analogue_place(program, block, plan, sources, ncol) : OHM_OK;
}

/* Appends the rows of one column at one step: bit plane t - shift of each row whose cell is not 0, as often as the cell's value says. */
static int32_t list_column(const struct block *block, const struct ohm_tile *tile, const struct column_source *source, int32_t t, int32_t nbit,
                           uint16_t *out) {
    int32_t n = 0;
    for (int32_t r = 0; r < block->rows.nrow; r++) {
        int32_t k = t - (block->shift ? block->shift[r] : 0);
        if (k < 0 || k >= nbit) continue;
        uint32_t value = ohm_tile_get(tile, source->use->row0 + r, source->use->column0 + source->index);
        for (; value; value--) out[n++] = (uint16_t)(k * block->rows.nrow + r);
    }
    return n;
}

int ohm_program_turn(struct ohm_program *program, struct block *block, const struct ohm_plan *plan, struct column_source *sources, int32_t ncol) {
    struct ohm_arena *arena = program->arena;
    int32_t nrow = block->rows.nrow, nbit = program->input_bits, nstep = nbit + program->max_shift, nlist = ncol * nstep, end = 0;
    int32_t weight = (1 << plan->tiles[sources[0].use->tile].cell_bits) - 1;
    int32_t rows = nrow * (weight > nbit ? weight : nbit); /* at least as many as the largest count */
    qsort(sources, (size_t)ncol, sizeof *sources, by_table_output);
    block->ncol = ncol;
    block->cells = (struct ohm_cells){rows, 1, 1, NULL};
    block->output = ohm_arena_array(arena, (size_t)ncol, sizeof *block->output);
    block->coefficient = ohm_arena_array(arena, (size_t)ncol, sizeof *block->coefficient);
    block->table = ohm_arena_array(arena, (size_t)ncol, sizeof *block->table);
    block->lists = (struct ohm_lists){ncol, nstep, ohm_arena_array(arena, (size_t)nlist + 1, 4), ohm_arena_array(arena, (size_t)nlist, 2), NULL};
    uint16_t *row = ohm_alloc_array((size_t)nlist * (size_t)(nrow * weight + OHM_LIST_PAD), sizeof *row);
    if (!block->output || !block->coefficient || !block->table || !block->lists.first || !block->lists.driven || !row) {
        free(row);
        return OHM_E_MEMORY;
    }
    for (int32_t c = 0; c < ncol; c++) {
        block->output[c] = sources[c].column->output;
        block->coefficient[c] = ohm_column_coefficient(sources[c].column);
        block->table[c] = sources[c].table;
        for (int32_t t = 0; t < nstep; t++) {
            int32_t n = list_column(block, &plan->tiles[sources[c].use->tile], &sources[c], t, nbit, row + end);
            block->lists.driven[c * nstep + t] = (int16_t)n;
            for (end += n; end % OHM_LIST_PAD; end++) row[end] = (uint16_t)rows;
            block->lists.first[c * nstep + t + 1] = end;
        }
    }
    block->lists.row = ohm_arena_array(arena, (size_t)end, sizeof *row);
    if (block->lists.row) memcpy(block->lists.row, row, (size_t)end * sizeof *row);
    free(row);
    return block->lists.row ? OHM_OK : OHM_E_MEMORY;
}
