/* Kernel patterns and connectivity: of a 3 x 3 kernel (one channel of one filter) only the taps of one of a few patterns stay, all filters of a layer
 * choosing from the same dictionary, and a share of the kernels is removed.
 *
 * The dictionary: every kernel that stays votes for the taps that gain most by their levels; the patterns with most votes are in, of two the one with
 * the lower taps. A kernel with fewer taps worth keeping than a pattern has does not vote, unless too few patterns were voted for: then those that
 * fit no pattern yet are asked. Given the dictionary, patterns and kernels are chosen exactly; the dictionary itself is not the best one.
 * Where a pass takes taps from kernels that fitted a pattern before it, the choice is made again from what is left: so the result stays as it is
 * (alone or after others; what a constraint behind this one takes changes the votes).
 * Kernels of other sizes are removed or stay whole. */
#include "ohmtally/status.h"
#include "ranked.h"
#include "removal.h"
#include <stdlib.h>

enum { PATTERNS, ENTRIES, CONNECTIVITY };
#define TAPS 9
#define MASKS (1 << TAPS)
#define MOST_PATTERNS 126 /* 4 of 9 */
static const struct ohm_design_option options[] = {{"patterns", 8, 1, MOST_PATTERNS, NULL, "patterns in a layer's dictionary"},
                                                   {"entries", 4, 1, TAPS - 1, NULL, "taps of a pattern"},
                                                   {"connectivity", 0, 0, 100, NULL, "percent of the kernels that are removed"},
                                                   {0}};

struct kernel {
    double best, gain; /* with the taps of its own choice; with its pattern */
    bool stays;
    uint16_t own;     /* taps that gain most, `entries` of them */
    uint16_t worth;   /* those of them that gain anything */
    uint16_t pattern; /* of the dictionary */
};
struct work {
    const struct ohm_matrix *matrix;
    double *gain;           /* [krows][ncols] */
    struct kernel *kernels; /* [channel][column] */
    struct ranked *order;   /* scratch */
    int32_t nkernel, keep;  /* of the kernels, at most */
    int32_t entries, most;  /* patterns */
    uint16_t pattern[MOST_PATTERNS];
    int32_t npattern;
};

static double *tap_gain(const struct work *work, int32_t kernel, int32_t tap) {
    int32_t ncols = work->matrix->ncols;
    return work->gain + ((size_t)(kernel / ncols) * TAPS + (size_t)tap) * (size_t)ncols + (size_t)(kernel % ncols);
}

static double pattern_gain(const double *gain, uint16_t pattern) {
    double sum = 0;
    for (int32_t tap = 0; tap < TAPS; tap++)
        if (pattern >> tap & 1) sum += gain[tap];
    return sum;
}

static void read_kernel(const struct work *work, int32_t kernel, double gain[TAPS]) {
    for (int32_t tap = 0; tap < TAPS; tap++) gain[tap] = *tap_gain(work, kernel, tap);
}

/* ---- the dictionary ---- */
static void choose_own(const struct work *work, int32_t k) {
    struct kernel *kernel = &work->kernels[k];
    double gain[TAPS];
    read_kernel(work, k, gain);
    kernel->own = kernel->worth = 0;
    for (int32_t n = 0; n < work->entries; n++) {
        int32_t best = -1; /* ties go to the lower tap */
        for (int32_t tap = 0; tap < TAPS; tap++)
            if (!(kernel->own >> tap & 1) && (best < 0 || gain[tap] > gain[best])) best = tap;
        kernel->own |= (uint16_t)(1 << best);
        if (gain[best] > 0) kernel->worth |= (uint16_t)(1 << best);
    }
    kernel->best = pattern_gain(gain, kernel->own);
}

static bool fits(const struct work *work, uint16_t taps) {
    for (int32_t i = 0; i < work->npattern; i++)
        if (!(taps & ~work->pattern[i])) return true;
    return false;
}

/* Adds the patterns with most votes while there is room. */
static void add_patterns(struct work *work, int32_t votes[MASKS]) {
    while (work->npattern < work->most) {
        int32_t best = 0;
        for (int32_t mask = 1; mask < MASKS; mask++)
            if (votes[mask] > votes[best]) best = mask;
        if (!votes[best]) return;
        work->pattern[work->npattern++] = (uint16_t)best;
        votes[best] = 0;
    }
}

static void choose_patterns(struct work *work) {
    for (int32_t whole = 1; whole >= 0; whole--) {
        int32_t votes[MASKS] = {0};
        for (int32_t k = 0; k < work->nkernel; k++) {
            const struct kernel *kernel = &work->kernels[k];
            if (!kernel->stays) continue;
            if (whole ? kernel->worth == kernel->own : kernel->worth && !fits(work, kernel->worth)) votes[kernel->own]++;
        }
        add_patterns(work, votes);
    }
}

/* ---- kernels ---- */
/* The pattern of the dictionary with which a kernel gains most: its own taps where they are there, as sums of the same size may differ in their last
 * bits. */
static void choose_pattern(const struct work *work, int32_t k) {
    struct kernel *kernel = &work->kernels[k];
    double gain[TAPS];
    read_kernel(work, k, gain);
    kernel->pattern = 0;
    kernel->gain = 0;
    for (int32_t i = 0; i < work->npattern; i++) {
        double sum = pattern_gain(gain, work->pattern[i]);
        bool own = work->pattern[i] == kernel->own;
        if (!own && sum <= kernel->gain) continue;
        kernel->pattern = work->pattern[i];
        kernel->gain = sum < kernel->best ? sum : kernel->best;
        if (own) return;
    }
}

/* Those of the largest gain stay, with their own taps (best) or with a pattern. */
static void choose_kernels(const struct work *work, bool best) {
    for (int32_t k = 0; k < work->nkernel; k++) work->order[k] = (struct ranked){best ? work->kernels[k].best : work->kernels[k].gain, k};
    ranked_select(work->order, work->nkernel, work->keep);
    for (int32_t i = 0; i < work->nkernel; i++) work->kernels[work->order[i].index].stays = i < work->keep;
}

/* Taps without a place gain nothing any more; returns whether one of them did. */
static bool cut_taps(const struct work *work) {
    bool cut = false;
    for (int32_t k = 0; k < work->nkernel; k++) {
        struct kernel *kernel = &work->kernels[k];
        if (!kernel->stays) kernel->pattern = 0;
        for (int32_t tap = 0; tap < TAPS; tap++) {
            double *gain = tap_gain(work, k, tap);
            if (kernel->pattern >> tap & 1) continue;
            cut |= *gain > 0;
            *gain = 0;
        }
    }
    return cut;
}

/* One pass over all kernels. Those that vote are those that would stay with their own taps: they will, as others can only gain less. */
static bool choose(struct work *work) {
    work->npattern = 0;
    for (int32_t k = 0; k < work->nkernel; k++) choose_own(work, k);
    choose_kernels(work, true);
    choose_patterns(work);
    for (int32_t k = 0; k < work->nkernel; k++) choose_pattern(work, k);
    choose_kernels(work, false);
    return cut_taps(work);
}

static int prepare(struct work *work, const double *v, const struct ohm_levels *levels) {
    size_t count = (size_t)work->matrix->krows * (size_t)work->matrix->ncols;
    work->gain = ohm_alloc_array(count, sizeof *work->gain);
    work->kernels = ohm_alloc_array((size_t)work->nkernel, sizeof *work->kernels);
    work->order = ohm_alloc_array((size_t)work->nkernel, sizeof *work->order);
    if (!work->gain || !work->kernels || !work->order) return OHM_E_MEMORY;
    for (size_t i = 0; i < count; i++) {
        int32_t row = (int32_t)(i / (size_t)work->matrix->ncols), column = (int32_t)(i % (size_t)work->matrix->ncols);
        work->gain[i] = matrix_weight(work->matrix, row, column) * levels_gain(levels_at(levels, i), v[i]);
    }
    return OHM_OK;
}

static void remove_taps(const struct work *work, struct ohm_levels *levels, uint16_t zero) {
    for (int32_t k = 0; k < work->nkernel; k++)
        for (int32_t tap = 0; tap < TAPS; tap++)
            if (!(work->kernels[k].pattern >> tap & 1)) levels->which[tap_gain(work, k, tap) - work->gain] = zero;
}

static int narrow(const struct ohm_design_setting *setting, const struct ohm_matrix *matrix, const double *v, struct ohm_levels *levels) {
    int32_t connectivity = (int32_t)setting->option[CONNECTIVITY];
    if (matrix->taps != TAPS) {
        struct removal kernels = {matrix->taps, 1, matrix->krows, matrix->ncols, -1, connectivity};
        return removal_narrow("pattern", &kernels, matrix, v, levels);
    }
    struct work work = {.matrix = matrix, .nkernel = matrix->krows / TAPS * matrix->ncols};
    work.keep = work.nkernel - (int32_t)((int64_t)work.nkernel * connectivity / 100);
    work.entries = (int32_t)setting->option[ENTRIES];
    work.most = (int32_t)setting->option[PATTERNS];
    OHM_TRY(levels_check_zero(levels, "pattern"));
    int32_t zero = levels_zero(levels);
    int status = zero < 0 ? ohm_fail_status() : prepare(&work, v, levels);
    while (!status && choose(&work)) continue;
    if (!status) remove_taps(&work, levels, (uint16_t)zero);
    free(work.gain);
    free(work.kernels);
    free(work.order);
    return status;
}

const struct ohm_constraint ohm_constraint_pattern = {
    .name = "pattern",
    .title = "3 x 3 kernels of a few patterns, and kernels removed (the dictionary by votes; the rest nearest; other kernels: removed or whole)",
    .source = "PatDNN, Niu et al., ASPLOS 2020 (arXiv 2001.00138), and PCONV, Ma et al., AAAI 2020 (arXiv 1909.05073): a dictionary of the most "
              "frequent four-tap patterns, connectivity pruning; here each layer has its own dictionary and the middle tap is not forced [inferred]; "
              "not an exact projection: the dictionary is chosen by votes",
    .options = options,
    .narrow = narrow,
};
