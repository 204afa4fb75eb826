#include "ohmtally/blas.h"
#include <pthread.h>

void openblas_set_num_threads(int count) __attribute__((weak)); /* other BLAS libraries do not have it */

static void set_single(void) {
    if (openblas_set_num_threads) openblas_set_num_threads(1);
}

void ohm_blas_single(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, set_single);
}
