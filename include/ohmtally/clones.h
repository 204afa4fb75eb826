/* Loops compiled for several instruction sets, chosen when the program is loaded; there is no contraction (CMakeLists.txt), so all give the same
 * bits. (The sanitizers do not get along with the mechanism, and only glibc on x86 has it.) */
#ifndef OHMTALLY_CLONES_H
#define OHMTALLY_CLONES_H
#include <stdint.h> /* any header of the C library says whether it is glibc */

#if defined(__x86_64__) && defined(__GLIBC__) && __GNUC__ >= 12 && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__)
#define OHM_CLONES __attribute__((target_clones("default", "avx2", "arch=x86-64-v4")))
#else
#define OHM_CLONES
#endif

#endif
