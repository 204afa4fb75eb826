/* The integer product that stands for all conversions proved equal to their counts. */
#include "ohmtally/status.h"
#include "program.h"
#include <stdlib.h>
#include <string.h>

/* Takes a direct column's cells out of the weights w [groups * krows][ncols] again; what its flip adds digitally stays. */
static void take_out(const struct ohm_plan *plan, const struct ohm_use *use, int32_t c, int32_t *w) {
    const struct ohm_column *column = &use->columns[c];
    const struct ohm_tile *tile = &plan->tiles[use->tile];
    int32_t coefficient = ohm_column_coefficient(column);
    for (int32_t r = 0; r < use->nrow; r++) {
        if (ohm_plan_strays(plan, &use->rows[r], column)) continue;
        int32_t cell = (int32_t)ohm_tile_get(tile, use->row0 + r, use->column0 + c);
        w[(size_t)use->rows[r].input * (size_t)plan->ncols + (size_t)(column->output % plan->ncols)] -=
            coefficient * cell * (1 << use->rows[r].shift);
    }
}

int ohm_program_make_product(struct ohm_program *program, const struct ohm_program_request *request, const uint8_t *kinds) {
    const struct ohm_plan *plan = request->plan;
    size_t count = (size_t)plan->groups * (size_t)plan->krows * (size_t)plan->ncols, ncolumn = (size_t)plan->ncolumn;
    bool direct = memchr(kinds, COLUMN_DIRECT, ncolumn) != NULL;
    bool any = memchr(kinds, COLUMN_PROVED, ncolumn) || memchr(kinds, COLUMN_CORRECTED, ncolumn);
    if (!any) return OHM_OK;
    int32_t *own = direct || !request->held ? ohm_alloc_array(count, sizeof *own) : NULL;
    if (!own && (direct || !request->held)) return OHM_E_MEMORY;
    if (own && request->held) memcpy(own, request->held, count * sizeof *own);
    if (own && !request->held) ohm_plan_decode(plan, own);
    for (int32_t u = 0; direct && u < plan->nuse; u++)
        for (int32_t c = 0; c < plan->uses[u].ncol; c++)
            if (*kinds++ == COLUMN_DIRECT) take_out(plan, &plan->uses[u], c, own);
    struct ohm_product_shape shape = {plan->groups, plan->krows, plan->ncols, program->element, program->interleaved};
    const int32_t *place = program->interleaved ? NULL : program->place; /* the first group's stands for all */
    int status = ohm_product_new(&shape, own ? own : request->held, place, &program->product);
    free(own);
    return status;
}
