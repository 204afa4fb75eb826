/* What crosses a cut, and where to cut. */
#include "ohmtally/cut.h"
#include "ohmtally/status.h"
#include <stdlib.h>
#include <string.h>

/* Whether the value is there before the step. */
static bool made_before(const struct ohm_intnet *intnet, int32_t value, int32_t step) {
    if (value == intnet->network->input) return true;
    for (int32_t s = 0; s < step; s++)
        if (intnet->steps[s].output == value) return true;
    return false;
}

/* Whether values share storage, and one before this has been seen already. */
static bool seen_before(const struct ohm_intnet *intnet, int32_t step, int32_t s, int32_t k) {
    int32_t slot = intnet->slot[intnet->network->nodes[intnet->steps[s].node].input[k]];
    for (int32_t t = step; t <= s; t++) {
        const struct ohm_node *node = &intnet->network->nodes[intnet->steps[t].node];
        for (int32_t i = 0; i < (t == s ? k : node->ninput); i++)
            if (intnet->slot[node->input[i]] == slot && made_before(intnet, node->input[i], step)) return true;
    }
    return false;
}

void ohm_cut_values(const struct ohm_intnet *intnet, int32_t step, void (*see)(void *context, int32_t value, size_t bytes), void *context) {
    for (int32_t s = step; s < intnet->nstep; s++) {
        const struct ohm_node *node = &intnet->network->nodes[intnet->steps[s].node];
        for (int32_t k = 0; k < node->ninput; k++) {
            int32_t value = node->input[k];
            if (intnet->slot[value] < 0 || !made_before(intnet, value, step) || seen_before(intnet, step, s, k)) continue;
            see(context, value, ohm_int_value_bytes(intnet, value));
        }
    }
    if (made_before(intnet, intnet->network->output, step)) /* nothing reads it */
        see(context, intnet->network->output, ohm_int_value_bytes(intnet, intnet->network->output));
}

static void add_bytes(void *context, int32_t value, size_t bytes) {
    *(size_t *)context += bytes;
}

size_t ohm_cut_bytes(const struct ohm_intnet *intnet, int32_t step) {
    size_t bytes = 0;
    ohm_cut_values(intnet, step, add_bytes, &bytes);
    return bytes;
}

struct moving {
    const struct ohm_intnet *intnet;
    const struct ohm_batch *batch;
    int32_t image;
    unsigned char *to;
    const unsigned char *from;
};

static void save_value(void *context, int32_t value, size_t bytes) {
    struct moving *moving = context;
    memcpy(moving->to, ohm_batch_value(moving->intnet, moving->batch, value, moving->image), bytes);
    moving->to += bytes;
}

static void load_value(void *context, int32_t value, size_t bytes) {
    struct moving *moving = context;
    memcpy(ohm_batch_value(moving->intnet, moving->batch, value, moving->image), moving->from, bytes);
    moving->from += bytes;
}

void ohm_cut_save(const struct ohm_intnet *intnet, const struct ohm_batch *batch, int32_t step, int32_t first, int32_t n, void *state) {
    struct moving moving = {.intnet = intnet, .batch = batch, .to = state};
    for (moving.image = first; moving.image < first + n; moving.image++) ohm_cut_values(intnet, step, save_value, &moving);
}

void ohm_cut_load(const struct ohm_intnet *intnet, const struct ohm_batch *batch, int32_t step, int32_t first, int32_t n, const void *state) {
    struct moving moving = {.intnet = intnet, .batch = batch, .from = state};
    for (moving.image = first; moving.image < first + n; moving.image++) ohm_cut_values(intnet, step, load_value, &moving);
}

/* Whether so many stages of at most this cost hold all steps. */
static bool enough(const struct ohm_cut_steps *steps, int32_t nstage, int64_t most) {
    int64_t cost = 0, bytes = 0;
    int32_t stages = 1;
    for (int32_t s = 0; s < steps->n; s++) {
        if (steps->cost[s] > most || steps->bytes[s] > steps->most_bytes) return false;
        if (cost + steps->cost[s] > most || bytes + steps->bytes[s] > steps->most_bytes) {
            stages++;
            cost = bytes = 0;
        }
        cost += steps->cost[s];
        bytes += steps->bytes[s];
    }
    return stages <= nstage;
}

static int64_t least_slowest(const struct ohm_cut_steps *steps, int32_t nstage) {
    int64_t low = 0, high = 0; /* high is enough */
    for (int32_t s = 0; s < steps->n; s++) high += steps->cost[s];
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (enough(steps, nstage, middle))
            high = middle;
        else
            low = middle + 1;
    }
    return high;
}

int64_t ohm_cut_least(const int64_t *amount, int32_t nstep, int32_t nstage) {
    return least_slowest(&(struct ohm_cut_steps){.n = nstep, .cost = amount, .bytes = amount, .most_bytes = INT64_MAX}, nstage);
}

/* moved [nstage + 1][n + 1]: the least that crosses when steps before the second index are in so many stages of cost `most` at most; from: where
 * the last of these begins. -1: cannot be. */
static void fill(const struct ohm_cut_steps *steps, int32_t nstage, int64_t most, int64_t *moved, int32_t *from) {
    const size_t row = (size_t)steps->n + 1;
    for (size_t i = 0; i < ((size_t)nstage + 1) * row; i++) moved[i] = -1;
    moved[0] = 0;
    for (int32_t k = 1; k <= nstage; k++)
        for (int32_t end = k; end <= steps->n; end++) {
            int64_t cost = 0, bytes = 0, *best = &moved[(size_t)k * row + (size_t)end];
            for (int32_t first = end - 1; first >= k - 1; first--) {
                cost += steps->cost[first];
                bytes += steps->bytes[first];
                if (cost > most || bytes > steps->most_bytes) break;
                const int64_t before = moved[((size_t)k - 1) * row + (size_t)first], all = before + (first ? steps->crossing[first] : 0);
                if (before < 0 || (*best >= 0 && all >= *best)) continue;
                *best = all;
                from[(size_t)k * row + (size_t)end] = first;
            }
        }
}

int ohm_cut_stages(const struct ohm_cut_steps *steps, int32_t nstage, int32_t *first) {
    const size_t row = (size_t)steps->n + 1, places = ((size_t)nstage + 1) * row;
    int64_t *moved = ohm_alloc_array(places, sizeof *moved);
    int32_t *from = ohm_alloc_array(places, sizeof *from);
    const int status = moved && from ? OHM_OK : OHM_E_MEMORY;
    if (!status) {
        fill(steps, nstage, least_slowest(steps, nstage), moved, from);
        first[nstage] = steps->n;
        for (int32_t k = nstage; k > 0; k--) first[k - 1] = from[(size_t)k * row + (size_t)first[k]];
    }
    free(moved);
    free(from);
    return status;
}
