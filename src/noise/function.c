/* Logarithm and exponential of our own, since libraries' last bits differ. */
#include "ohmtally/draw.h"
#include <math.h>

#define LN2 0.69314718055994530942

/* x = m 2^e with m near 1, ln(m) = 2 artanh((m - 1) / (m + 1)) as a series. */
double ohm_draw_log(double x) {
    int e;
    double m = frexp(x, &e);
    if (m < 0.70710678118654752) {
        m *= 2;
        e--;
    }
    double t = (m - 1) / (m + 1), square = t * t, sum = 0;
    for (int k = 23; k >= 1; k -= 2) sum = sum * square + 1.0 / k;
    return 2 * t * sum + e * LN2;
}

/* x = k ln 2 + r with |r| <= ln 2 / 2; ln 2 in two parts, so that r is exact. */
double ohm_draw_exp(double x) {
    double k = rint(x / LN2), r = x - k * 0.693147180369123816490 - k * 1.90821492927058770002e-10, sum = 1;
    for (int n = 14; n >= 1; n--) sum = 1 + sum * r / n;
    return ldexp(sum, (int)k);
}
