/* Scratch memory of a program's calls. */
#include "program.h"

static size_t rounded(size_t bytes) {
    return (bytes + 63) & ~(size_t)63;
}

/* With memory == NULL only measures. */
static size_t lay_out(const struct ohm_program *program, int32_t npos, unsigned char *memory, struct scratch *s) {
    int32_t most = program->analogue ? OHM_HELD_POSITIONS : OHM_PLAIN_POSITIONS;
    size_t at = 0, together = (size_t)(npos < most ? npos : most);
    size_t nstep = (size_t)(program->input_bits + program->max_shift);
#define PIECE(pointer, bytes)                                                                                                                        \
    do {                                                                                                                                             \
        if (memory) (pointer) = (void *)(memory + at);                                                                                               \
        at += rounded(bytes);                                                                                                                        \
    } while (0)
    if (program->product) PIECE(s->product, ohm_product_scratch(program->product, npos));
    PIECE(s->steps, (size_t)program->nreading * sizeof *s->steps);
    if (program->nblock && !program->turned) {
        PIECE(s->lists.first, (together * nstep + 1) * sizeof *s->lists.first);
        PIECE(s->lists.driven, together * nstep * sizeof *s->lists.driven);
        PIECE(s->lists.row, ohm_lists_room(program->max_rows, (int32_t)together, (int32_t)nstep) * sizeof *s->lists.row);
        PIECE(s->acc, together * OHM_CHUNK * sizeof *s->acc);
        PIECE(s->found, together);
        if (program->analogue && program->analogue->two_states)
            PIECE(s->swung.cells, ((size_t)program->max_rows + 1) * OHM_PART * sizeof *s->swung.cells);
        PIECE(s->total, program->max_total * (size_t)ohm_stack_positions(program) * sizeof *s->total);
    } else if (program->nblock) {
        PIECE(s->acc, (size_t)program->max_columns * OHM_CHUNK * sizeof *s->acc);
        PIECE(s->words, ohm_cells_words(program->max_rows, 1, 1) * sizeof *s->words);
        PIECE(s->turned, (size_t)(program->groups * program->krows) * OHM_CHUNK * (size_t)program->element);
        PIECE(s->sums, (size_t)(program->groups * program->ncols) * OHM_CHUNK * (program->narrow ? sizeof(int32_t) : sizeof(int64_t)));
    }
#undef PIECE
    return at;
}

void ohm_scratch_lay_out(const struct ohm_program *program, int32_t npos, void *memory, struct scratch *scratch) {
    scratch->swung.block = NULL;
    lay_out(program, npos, memory, scratch);
}

size_t ohm_program_scratch(const struct ohm_program *program, int32_t npos) {
    struct scratch s;
    return lay_out(program, npos, NULL, &s);
}
