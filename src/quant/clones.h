/* Loops the compiler vectorises for several instruction sets and the loader chooses from (internal to quant). Floats round the same in all of them:
 * no contraction, no reassociation. Sanitizers run before the loader's choice can, so they get the plain version only. */
#ifndef OHM_QUANT_CLONES_H
#define OHM_QUANT_CLONES_H

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__)
#define OHM_CLONES __attribute__((target_clones("default", "avx2", "avx512f")))
#else
#define OHM_CLONES
#endif

#endif
