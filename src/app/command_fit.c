/* ohmtally fit: layer after layer in network order, inputs taken from the network as fitted so far. */
#include "fit.h"
#include "ohmtally/log.h"
#include <omp.h>
#include <stdlib.h>
#include <string.h>

/* The numbers are whole: as integers their sum over ranks is exact. */
static void sum_over_ranks(void *context, double *values, size_t count) {
    const struct ohm_world *world = context;
    if (world->size == 1) return;
    int64_t *whole = (int64_t *)(void *)values;
    for (size_t i = 0; i < count; i++) {
        double value;
        memcpy(&value, &values[i], sizeof value);
        int64_t number = (int64_t)value;
        memcpy(&whole[i], &number, sizeof number);
    }
    ohm_world_sum(world, whole, count);
    for (size_t i = 0; i < count; i++) {
        int64_t number;
        memcpy(&number, &whole[i], sizeof number);
        double value = (double)number;
        memcpy(&values[i], &value, sizeof value);
    }
}

/* A layer's results as each rank has them: zeros where another rank has them. */
struct solved {
    struct ohm_weights *weights;
    float *bias;
    struct ohm_fit_output *outputs;
};

/* Whether the sets tie no columns together but those of one array. */
static bool columns_apart(const struct ohm_constraint_use *uses, int32_t nuse) {
    static const char *const apart[] = {"window", "uniform", "power", "additive", "polarity", "nm"}; /* every column by itself */
    for (int32_t u = 0; u < nuse; u++) {
        bool found = false;
        for (size_t i = 0; i < sizeof apart / sizeof *apart; i++) found |= !strcmp(uses[u].constraint->name, apart[i]);
        for (int o = 0; uses[u].constraint->options[o].key; o++) /* squeeze: by tile, unless a whole row has one shift */
            found |= !strcmp(uses[u].constraint->options[o].key, "flag_scope") && uses[u].setting.option[o] == 0;
        if (!found) return false;
    }
    return true;
}

static int solve(struct fit *fit, int32_t i, struct ohm_gram *gram, const double *target_unit, struct solved *solved) {
    const struct ohm_intnet *intnet = fit->study->content.intnet;
    const struct ohm_layer *layer = &intnet->layers[i];
    struct ohm_constraint_use uses[OHM_MOST_CONSTRAINTS];
    struct ohm_fit_request request = {.layer = layer,
                                      .gram = gram,
                                      .target_unit = target_unit,
                                      .input_scale = intnet->quant[layer->input].scale,
                                      .uses = uses,
                                      .columns = layer->ncols,
                                      .rank = fit->study->world.rank,
                                      .nrank = fit->study->world.size,
                                      .options = &fit->options};
    OHM_TRY(fit_uses(fit, i, uses, &request.nuse));
    if (columns_apart(uses, request.nuse)) request.columns = fit->entry->setting.array_columns;
    return ohm_fit_layer(&request, solved->weights, solved->bias, solved->outputs);
}

/* Collective: every rank gets all. Bit patterns are summed: all but one rank hold zeros. */
static int share(const struct fit *fit, const struct ohm_layer *layer, const struct solved *solved) {
    const size_t outputs = (size_t)ohm_layer_outputs(layer), count = outputs * (size_t)layer->krows;
    int64_t *room = ohm_alloc_array(count + 2 * outputs, sizeof *room);
    int32_t bits;
    OHM_TRY(ohm_world_agree(&fit->study->world, room ? OHM_OK : OHM_E_MEMORY));
    for (size_t k = 0; k < count; k++) room[k] = solved->weights->w[k];
    for (size_t n = 0; n < outputs; n++) {
        memcpy(&bits, &solved->weights->scale[n], sizeof bits);
        room[count + n] = bits;
        memcpy(&bits, &solved->bias[n], sizeof bits);
        room[count + outputs + n] = bits;
    }
    ohm_world_sum(&fit->study->world, room, count + 2 * outputs);
    for (size_t k = 0; k < count; k++) solved->weights->w[k] = (int32_t)room[k];
    for (size_t n = 0; n < outputs; n++) {
        bits = (int32_t)room[count + n];
        memcpy(&solved->weights->scale[n], &bits, sizeof bits);
        bits = (int32_t)room[count + outputs + n];
        memcpy(&solved->bias[n], &bits, sizeof bits);
    }
    free(room);
    ohm_world_sum(&fit->study->world, (int64_t *)(void *)solved->outputs, outputs * sizeof *solved->outputs / sizeof(int64_t));
    return OHM_OK;
}

static void fill_row(const struct ohm_layer *layer, const struct ohm_fit_output *outputs, struct ohm_fitted_row *row) {
    double power = 0;
    for (int32_t n = 0; n < ohm_layer_outputs(layer); n++) {
        power += outputs[n].power;
        row->before += outputs[n].before;
        row->after += outputs[n].after;
        if (outputs[n].primal > row->primal) row->primal = outputs[n].primal;
    }
    if (!(power > 0)) power = 1;
    row->before /= power;
    row->after /= power;
}

static int fit_layer(struct fit *fit, int32_t i) {
    struct ohm_world *world = &fit->study->world;
    const struct ohm_layer *layer = &fit->study->content.intnet->layers[i];
    const size_t outputs = (size_t)ohm_layer_outputs(layer);
    struct ohm_fitted_row *row = &fit->file.rows[i];
    struct solved solved = {ohm_weights_new(layer), ohm_alloc_array(outputs, sizeof(float)), ohm_alloc_array(outputs, sizeof *solved.outputs)};
    struct ohm_gram *gram = ohm_gram_new(layer);
    double *target_unit = ohm_alloc_array(outputs, sizeof *target_unit), began = ohm_seconds();
    fit->file.weights[i] = solved.weights;
    fit->file.bias[i] = solved.bias;
    int status = solved.weights && solved.bias && solved.outputs && gram && target_unit ? fit_sample(fit, i, gram, target_unit) : OHM_E_MEMORY;
    if (status) ohm_world_alarm(world);
    status = ohm_world_agree(world, status);
    double sampled = ohm_seconds();
    if (!status) {
        ohm_gram_arrays(gram, sum_over_ranks, world);
        ohm_world_sum(world, &gram->count, 1);
        row->positions = gram->count;
        ohm_gram_close(gram);
        status = ohm_world_agree(world, solve(fit, i, gram, target_unit, &solved));
    }
    ohm_gram_free(gram);
    free(target_unit);
    if (!status) status = share(fit, layer, &solved);
    if (!status) fill_row(layer, solved.outputs, row);
    free(solved.outputs);
    if (!status) status = ohm_world_agree(world, fit_set_layer(fit, i));
    row->seconds = ohm_seconds() - began;
    if (!status)
        ohm_log("%3d/%d %-32s %5d x %4d x %-4d error %.2e -> %.2e  primal %.1e  %.1f + %.1f s", i + 1, fit->file.nlayer, layer->name, layer->groups,
                layer->krows, layer->ncols, row->before, row->after, row->primal, sampled - began, row->seconds - (sampled - began));
    return status;
}

static int fit_layers(struct fit *fit) {
    for (int32_t i = 0; i < fit->resumed; i++) OHM_TRY(ohm_world_agree(&fit->study->world, fit_set_layer(fit, i)));
    for (int32_t i = fit->resumed; i < fit->file.nlayer; i++) {
        OHM_TRY(fit_layer(fit, i));
        OHM_TRY(ohm_world_agree(&fit->study->world, fit_save(fit)));
    }
    return OHM_OK;
}

int command_fit(const struct ohm_world *world, const struct arguments *arguments) {
    struct study study;
    struct fit fit = {.study = &study};
    double began = ohm_seconds();
    int status = study_open(&study, world, arguments);
    if (!status) status = fit_plan(&fit);
    status = ohm_world_agree(world, status);
    study.threads = study_threads(world);
    omp_set_num_threads(study.threads);
    if (!status) status = study_load(&study, true);
    if (!status) status = fit_open(&fit);
    if (!status) status = fit_resume(&fit);
    if (!status) status = fit_layers(&fit);
    if (!status) status = ohm_world_agree(world, fit_publish(&fit));
    if (!status) status = fit_check(&fit);
    if (!status) ohm_log("weights: %s (%.1f s)", study.job->fit.output, ohm_seconds() - began);
    fit_close(&fit);
    study_close(&study);
    return ohm_world_agree(world, status);
}
