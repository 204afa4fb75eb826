#include "ohmtally/memory.h"
#include "ohmtally/status.h"
#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define ALIGN ((size_t)64)
#define BLOCK_BYTES ((size_t)1 << 16) /* small pieces share blocks of this size */
#define FIRST_BYTES ((size_t)1 << 12) /* the first of which are smaller: many arenas hold little */

static void fail_alloc(size_t bytes) {
    ohm_fail(OHM_E_MEMORY, "out of memory: %zu bytes asked for; use fewer ranks per node or a smaller run.batch", bytes);
}

void *ohm_alloc(size_t bytes) {
    size_t align = bytes >= OHM_LARGE_BYTES ? OHM_PAGE_BYTES : ALIGN, rounded = (bytes + align - 1) & ~(align - 1);
    if (rounded < bytes) rounded = SIZE_MAX & ~(align - 1);
    if (!rounded) rounded = align;
    void *memory = aligned_alloc(align, rounded);
    if (!memory) {
        fail_alloc(bytes);
        return NULL;
    }
    return memset(memory, 0, rounded);
}

void *ohm_alloc_array(size_t count, size_t size) {
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) bytes = SIZE_MAX / 2;
    return ohm_alloc(bytes);
}

void *ohm_alloc_sparse(size_t count, size_t size) {
    char *memory = calloc(count ? count : 1, size);
    if (!memory) {
        fail_alloc(count * size);
        return NULL;
    }
#ifdef MADV_NOHUGEPAGE /* a huge page is written to almost everywhere */
    const uintptr_t from = ((uintptr_t)memory + OHM_PAGE_BYTES - 1) & ~(OHM_PAGE_BYTES - 1);
    const uintptr_t to = ((uintptr_t)memory + count * size) & ~(OHM_PAGE_BYTES - 1);
    if (count * size >= OHM_LARGE_BYTES) madvise(memory + (from - (uintptr_t)memory), to - from, MADV_NOHUGEPAGE);
#endif
    return memory;
}

void ohm_memory_return(void) {
#ifdef M_MMAP_THRESHOLD
    mallopt(M_MMAP_THRESHOLD, (int)OHM_LARGE_BYTES);
#endif
}

void ohm_memory_trim(void) {
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}

struct block {
    struct block *next;
    unsigned char *start, *free, *end; /* data of this block: [start, end), unused from free on */
};

struct ohm_arena {
    struct block *blocks; /* the newest shared block first */
    size_t bytes;
};

struct ohm_arena *ohm_arena_new(void) {
    return ohm_alloc(sizeof(struct ohm_arena));
}

void ohm_arena_free(struct ohm_arena *arena) {
    if (!arena) return;
    for (struct block *block = arena->blocks, *next; block; block = next) {
        next = block->next;
        free(block->start);
        free(block);
    }
    free(arena);
}

static struct block *block_new(struct ohm_arena *arena, size_t bytes) {
    struct block *block = ohm_alloc(sizeof *block);
    unsigned char *data = block ? ohm_alloc(bytes) : NULL;
    if (!data) {
        free(block);
        return NULL;
    }
    *block = (struct block){.start = data, .free = data, .end = data + bytes};
    arena->bytes += bytes;
    return block;
}

/* Size of the next block for pieces like one of `least` bytes: as much again as the arena holds. */
static size_t shared_bytes(const struct ohm_arena *arena, size_t least) {
    size_t bytes = FIRST_BYTES;
    while (bytes < BLOCK_BYTES && (bytes < least || bytes < arena->bytes)) bytes *= 2;
    return bytes;
}

void *ohm_arena_alloc(struct ohm_arena *arena, size_t bytes) {
    if (bytes > SIZE_MAX / 4) return ohm_alloc(bytes); /* fails and says so */
    size_t rounded = bytes ? (bytes + ALIGN - 1) & ~(ALIGN - 1) : ALIGN;
    struct block *top = arena->blocks;
    if (top && (size_t)(top->end - top->free) >= rounded) {
        void *piece = top->free;
        top->free += rounded;
        return piece;
    }
    int large = rounded > BLOCK_BYTES / 4;
    struct block *block = block_new(arena, large ? rounded : shared_bytes(arena, rounded));
    if (!block) return NULL;
    void *piece = block->free;
    block->free += rounded;
    if (large && top) { /* keep the shared block in front: it still has room */
        block->next = top->next;
        top->next = block;
    } else {
        block->next = top;
        arena->blocks = block;
    }
    return piece;
}

void *ohm_arena_array(struct ohm_arena *arena, size_t count, size_t size) {
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) bytes = SIZE_MAX / 2;
    return ohm_arena_alloc(arena, bytes);
}

char *ohm_arena_string(struct ohm_arena *arena, const char *text) {
    size_t length = strlen(text);
    char *copy = ohm_arena_alloc(arena, length + 1);
    return copy ? memcpy(copy, text, length + 1) : NULL;
}

char *ohm_arena_format(struct ohm_arena *arena, const char *format, ...) {
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    char *text = length < 0 ? NULL : ohm_arena_alloc(arena, (size_t)length + 1);
    if (text) vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    return text;
}

size_t ohm_arena_bytes(const struct ohm_arena *arena) {
    return arena->bytes;
}

void ohm_arena_large(const struct ohm_arena *arena, void (*see)(void *context, void *piece, size_t bytes), void *context) {
    for (struct block *block = arena->blocks; block; block = block->next)
        if ((size_t)(block->end - block->start) >= OHM_LARGE_BYTES) see(context, block->start, (size_t)(block->end - block->start));
}
