/* Which kernels this CPU can run, and which one is used. */
#include "ohmtally/kernel.h"
#include "ohmtally/status.h"
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
static int has_avx2(void) {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("popcnt");
}

static int has_avx512(void) {
    return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512vbmi2") &&
           __builtin_cpu_supports("avx512vpopcntdq") && __builtin_cpu_supports("gfni");
}
#endif

const struct ohm_kernel *const *ohm_kernels(void) {
    static const struct ohm_kernel *list[5];
    if (list[0]) return list;
    int n = 1;
    list[n++] = &ohm_kernel_portable;
#if defined(__x86_64__)
    if (has_avx2()) list[n++] = &ohm_kernel_avx2;
    if (has_avx512()) list[n++] = &ohm_kernel_avx512;
#endif
    list[0] = &ohm_kernel_reference;
    return list;
}

const struct ohm_kernel *ohm_kernel_chosen(void) {
    const struct ohm_kernel *const *list = ohm_kernels();
    const char *wanted = getenv("OHM_KERNEL");
    const struct ohm_kernel *best = NULL;
    char names[128] = "";
    for (; *list; list++) {
        best = *list;
        if (wanted && !strcmp(wanted, best->name)) return best;
        strcat(strcat(names, " "), best->name);
    }
    if (!wanted || !*wanted) return best;
    ohm_fail(OHM_E_USAGE, "OHM_KERNEL=%s: no such kernel on this machine; it can run:%s", wanted, names);
    return NULL;
}
