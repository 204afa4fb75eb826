/* Memory by lifetime. An arena hands out zeroed, 64-byte aligned pieces and frees them all at once; what belongs together
 * (a network, an engine) lives in one arena. Layer: base. */
#ifndef OHMTALLY_MEMORY_H
#define OHMTALLY_MEMORY_H
#include <stddef.h>
#include <stdint.h>

/* Pieces of at least OHM_LARGE_BYTES begin on a page and stand alone, so that ranks of a node can share them (parallel.h). */
#define OHM_PAGE_BYTES ((size_t)4096)
#define OHM_LARGE_BYTES ((size_t)1 << 17)

/* Zeroed and 64-byte aligned; NULL with a recorded OHM_E_MEMORY failure. Free with free(). bytes == 0 gives a valid pointer. */
void *ohm_alloc(size_t bytes);
/* count * size with overflow check. */
void *ohm_alloc_array(size_t count, size_t size);

/* Zeroed as well, for large arrays most of which stays zero: pages that are never written to take no memory. Free with free(). */
void *ohm_alloc_sparse(size_t count, size_t size);
/* Large pieces that are freed go back to the system at once and do not wait for their like: other ranks of the node need them. To be called before
 * memory is allocated. */
void ohm_memory_return(void);
/* What small pieces leave behind goes back, too: for the end of work that took many. Takes milliseconds. */
void ohm_memory_trim(void);

struct ohm_arena; /* not thread-safe */
struct ohm_arena *ohm_arena_new(void);
void ohm_arena_free(struct ohm_arena *arena); /* NULL is fine */
void *ohm_arena_alloc(struct ohm_arena *arena, size_t bytes);
void *ohm_arena_array(struct ohm_arena *arena, size_t count, size_t size);
char *ohm_arena_string(struct ohm_arena *arena, const char *text);
char *ohm_arena_format(struct ohm_arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Calls see for every large piece, in an order that depends on the sequence of allocations only. */
void ohm_arena_large(const struct ohm_arena *arena, void (*see)(void *context, void *piece, size_t bytes), void *context);
size_t ohm_arena_bytes(const struct ohm_arena *arena); /* taken from the system so far */

#endif
