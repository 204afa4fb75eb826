/* What all users of a BLAS need. Layer: base. */
#ifndef OHMTALLY_BLAS_H
#define OHMTALLY_BLAS_H

/* BLAS must not start threads of its own: ranks and threads share the cores. To be called before BLAS is; any number of times, from any thread. */
void ohm_blas_single(void);

#endif
