/* How many images a rank works on together. A few per thread fill the blocks of positions of even the smallest layers, and more than that bring no
 * speed: with large images a batch as long as the job allows would only take memory, which the ranks of a node have to share. */
#include "app.h"

#define THREAD_BYTES ((size_t)12 << 20) /* for the images of one thread, as they come and as they go through the layers */

static size_t image_bytes(const struct study *study) {
    const struct ohm_intnet *intnet = study->content.intnet; /* NULL: not calibrated yet */
    size_t bytes = loader_bytes(study);
    for (int32_t s = 0; intnet && s < intnet->nslot; s++) bytes += (size_t)intnet->slot_bytes[s];
    return bytes;
}

int32_t study_batch(const struct study *study) {
    const size_t fit = THREAD_BYTES / image_bytes(study), threads = (size_t)study->threads, wanted = (fit ? fit : 1) * threads;
    const size_t most = (size_t)study->job->run.batch, n = wanted < most ? wanted : most;
    return (int32_t)(n < threads ? n : n - n % threads); /* as many for every thread */
}
