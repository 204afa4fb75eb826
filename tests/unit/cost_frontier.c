/* The path of layer-wise choices against all combinations. Losses are small whole numbers, so that sums are exact and ties are frequent. */
#define DRAW_SEED 0x5f3c1
#include "draw.h"
#include "ohmtally/frontier.h"
#include "suite.h"
#include <stdbool.h>

#define LAYERS 4
#define CANDIDATES 4
#define CASES 400

struct test_case {
    int32_t nlayer, ncandidate;
    int64_t crossbars[LAYERS * CANDIDATES];
    double loss[LAYERS * CANDIDATES];
    struct ohm_arena *arena;
    struct ohm_frontier frontier;
};
struct sums {
    int64_t crossbars;
    double loss;
};

static void make_case(struct test_case *t) {
    uint32_t crossbars = 1 + draw(12), losses = 1 + draw(12);
    *t = (struct test_case){.nlayer = 1 + (int32_t)draw(LAYERS), .ncandidate = 1 + (int32_t)draw(CANDIDATES), .arena = ohm_arena_new()};
    for (int32_t i = 0; i < t->nlayer * t->ncandidate; i++) {
        t->crossbars[i] = draw(crossbars);
        t->loss[i] = draw(losses);
    }
    CU_ASSERT_FATAL(!ohm_frontier_make(t->nlayer, t->ncandidate, t->crossbars, t->loss, t->arena, &t->frontier));
}

static struct sums sum_of(const struct test_case *t, const int32_t *choice) {
    struct sums sums = {0, 0};
    for (int32_t i = 0; i < t->nlayer; i++) {
        sums.crossbars += t->crossbars[i * t->ncandidate + choice[i]];
        sums.loss += t->loss[i * t->ncandidate + choice[i]];
    }
    return sums;
}

static struct sums sum_after(const struct test_case *t, int32_t nmove) {
    int32_t choice[LAYERS];
    ohm_frontier_choice(&t->frontier, nmove, choice);
    return sum_of(t, choice);
}

/* The next combination, as digits of a number; false after the last. */
static bool next_choice(const struct test_case *t, int32_t *choice) {
    for (int32_t i = 0; i < t->nlayer; i++) {
        if (++choice[i] < t->ncandidate) return true;
        choice[i] = 0;
    }
    return false;
}

static bool dominates(struct sums a, struct sums b) {
    return a.crossbars <= b.crossbars && a.loss <= b.loss && (a.crossbars < b.crossbars || a.loss < b.loss);
}

/* Below the straight line from one point of the path to the next. */
static bool below(struct sums at, struct sums from, struct sums to) {
    return (at.loss - from.loss) * (double)(from.crossbars - to.crossbars) < (to.loss - from.loss) * (double)(from.crossbars - at.crossbars);
}

static void path_is_the_hull_of_all_combinations(void) {
    for (int c = 0; c < CASES; c++) {
        struct test_case t;
        int32_t choice[LAYERS] = {0};
        make_case(&t);
        do {
            struct sums other = sum_of(&t, choice), here = sum_after(&t, 0), next;
            CU_ASSERT(!dominates(other, here));
            for (int32_t m = 1; m <= t.frontier.nmove; m++, here = next) {
                next = sum_after(&t, m);
                CU_ASSERT(!dominates(other, next));
                CU_ASSERT(!below(other, here, next));
            }
        } while (next_choice(&t, choice));
        ohm_arena_free(t.arena);
    }
}

/* Every move saves crossbars and costs loss, each crossbar at least as much as the one before; the ends are the extremes. */
static void moves_grow_dearer(void) {
    for (int c = 0; c < CASES; c++) {
        struct test_case t;
        make_case(&t);
        double paid = 0;
        struct sums here = sum_after(&t, 0), least = {0, 0};
        for (int32_t i = 0; i < t.nlayer; i++) {
            int64_t fewest = t.crossbars[i * t.ncandidate];
            double smallest = t.loss[i * t.ncandidate];
            for (int32_t k = 1; k < t.ncandidate; k++) {
                fewest = t.crossbars[i * t.ncandidate + k] < fewest ? t.crossbars[i * t.ncandidate + k] : fewest;
                smallest = t.loss[i * t.ncandidate + k] < smallest ? t.loss[i * t.ncandidate + k] : smallest;
            }
            least = (struct sums){least.crossbars + fewest, least.loss + smallest};
        }
        CU_ASSERT_EQUAL(here.loss, least.loss);
        for (int32_t m = 1; m <= t.frontier.nmove; m++) {
            struct sums next = sum_after(&t, m);
            CU_ASSERT(next.crossbars < here.crossbars && next.loss > here.loss);
            double price = (next.loss - here.loss) / (double)(here.crossbars - next.crossbars);
            CU_ASSERT(price >= paid);
            paid = price;
            here = next;
        }
        CU_ASSERT_EQUAL(here.crossbars, least.crossbars);
        ohm_arena_free(t.arena);
    }
}

/* Equal candidates: the lower one; equal prices: the lower layer first. */
static void ties(void) {
    const int64_t crossbars[] = {4, 4, 2, 4, 2, 2};
    const double loss[] = {1, 1, 3, 1, 3, 3};
    struct ohm_arena *arena = ohm_arena_new();
    struct ohm_frontier frontier;
    CU_ASSERT_FATAL(!ohm_frontier_make(2, 3, crossbars, loss, arena, &frontier));
    CU_ASSERT_FATAL(frontier.nmove == 2);
    CU_ASSERT(frontier.start[0] == 0 && frontier.start[1] == 0);
    CU_ASSERT(frontier.moves[0].layer == 0 && frontier.moves[0].candidate == 2);
    CU_ASSERT(frontier.moves[1].layer == 1 && frontier.moves[1].candidate == 1);
    ohm_arena_free(arena);
}

int main(void) {
    static const struct suite_test tests[] = {
        {"the path is the hull of all combinations", path_is_the_hull_of_all_combinations},
        {"moves grow dearer", moves_grow_dearer},
        {"ties", ties},
    };
    return SUITE_RUN("cost_frontier", tests);
}
