/* The counter's operations on compiler vectors of V_BYTES bytes, for instruction sets without anything better. */
#include <stdint.h>

typedef uint64_t V __attribute__((vector_size(V_BYTES), may_alias));
#define V_WORDS (V_BYTES / 8)
#define LOAD(p) (*(const V *)(p))
#define STORE(p, v) (*(V *)(p) = (v))
#define ZERO ((V){0})
#define XOR(a, b) ((a) ^ (b))
#define AND(a, b) ((a) & (b))
#define OR(a, b) ((a) | (b))
#define XOR3(a, b, c) ((a) ^ (b) ^ (c))
#define MAJ(a, b, c) (((a) & (b)) | ((c) & ((a) ^ (b))))
#define AND_OR(a, b, c) (((a) & (b)) | (c))
#define ANY(v) any(v)
#define ONES(v) ones(v)

static inline int64_t ones(V v) {
    int64_t sum = 0;
    for (int w = 0; w < V_WORDS; w++) sum += __builtin_popcountll(v[w]);
    return sum;
}

static inline int any(V v) {
    uint64_t all = 0;
    for (int w = 0; w < V_WORDS; w++) all |= v[w];
    return all != 0;
}
