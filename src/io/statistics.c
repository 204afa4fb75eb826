/* What a share of hits among some images says of all images, and of two classifiers. */
#include "ohmtally/result.h"
#include <math.h>

void ohm_wilson(int64_t hits, int64_t n, double *low, double *high) {
    const double z = 1.959963984540054; /* 97.5 % quantile of the normal distribution */
    *low = 0;
    *high = 1;
    if (n <= 0) return;
    double count = (double)n, share = (double)hits / count, scale = 1 + z * z / count;
    double centre = (share + z * z / (2 * count)) / scale;
    double half = z / scale * sqrt(share * (1 - share) / count + z * z / (4 * count * count));
    if (hits > 0) *low = centre - half;
    if (hits < n) *high = centre + half;
}

double ohm_mcnemar(int64_t lost, int64_t gained) {
    int64_t n = lost + gained, fewer = lost < gained ? lost : gained;
    double tail = 0;
    for (int64_t k = 0; k <= fewer; k++)
        tail += exp(lgamma((double)n + 1) - lgamma((double)k + 1) - lgamma((double)(n - k) + 1) - (double)n * 0.69314718055994530942);
    return 2 * tail < 1 ? 2 * tail : 1;
}
