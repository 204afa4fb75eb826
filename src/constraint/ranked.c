/* The best of many without sorting them. */
#include "ranked.h"
#include <stdbool.h>

static bool before(const struct ranked *a, const struct ranked *b) {
    return a->gain > b->gain || (a->gain == b->gain && a->index < b->index);
}

static void swap(struct ranked *a, struct ranked *b) {
    struct ranked kept = *a;
    *a = *b;
    *b = kept;
}

void ranked_select(struct ranked *item, int32_t n, int32_t count) {
    for (int32_t lo = 0, hi = n - 1; lo < hi;) { /* all before lo come before all from lo on, all after hi behind */
        struct ranked pivot = item[lo + (hi - lo) / 2];
        int32_t i = lo, j = hi;
        while (i <= j) {
            while (before(&item[i], &pivot)) i++;
            while (before(&pivot, &item[j])) j--;
            if (i <= j) swap(&item[i++], &item[j--]);
        }
        if (count <= j)
            hi = j;
        else if (count >= i)
            lo = i;
        else
            return;
    }
}
