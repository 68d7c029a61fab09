/* Bump allocator over a list of chunks.
 *
 * In: sizes.  Out: zeroed, 16-byte aligned pieces.  A chunk comes from calloc(), so only bytes that
 * were handed out before (and released since) are cleared again.  Under AddressSanitizer every
 * piece is fenced by 16 poisoned bytes. */
#include "ir/base/arena.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define ARENA_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_ASAN 1
#endif
#endif
#ifdef ARENA_ASAN
#include <sanitizer/asan_interface.h>
#define FENCE_BYTES 16
#else
#define FENCE_BYTES 0
#define ASAN_POISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#endif

enum {
    ALIGN_BYTES = 16,
    FIRST_CHUNK_BYTES = 64 << 10,
    LARGEST_CHUNK_BYTES =
        8 << 20, /* growth stops here; a larger piece gets a chunk of its own size */
};

typedef struct Chunk Chunk;
struct Chunk {
    Chunk *previous;
    size_t capacity;
    size_t used;
    size_t dirty; /* bytes from here on are still zero from calloc() */
    _Alignas(ALIGN_BYTES) unsigned char data[];
};

struct Arena {
    Chunk *chunk; /* the newest */
    size_t next_bytes;
    size_t handed_out;
    void (*out_of_memory)(size_t bytes);
};

static void *no_memory(const Arena *arena, size_t bytes)
{
    if (arena && arena->out_of_memory)
        arena->out_of_memory(bytes);
    abort();
}

Arena *arena_create(void (*out_of_memory)(size_t bytes))
{
    Arena *arena = calloc(1, sizeof *arena);
    if (!arena) {
        Arena nothing = {.out_of_memory = out_of_memory};
        return no_memory(&nothing, sizeof *arena);
    }
    arena->next_bytes = FIRST_CHUNK_BYTES;
    arena->out_of_memory = out_of_memory;
    return arena;
}

static void drop_chunk(Arena *arena)
{
    Chunk *chunk = arena->chunk;
    arena->chunk = chunk->previous;
    ASAN_UNPOISON_MEMORY_REGION(chunk->data, chunk->capacity);
    free(chunk);
}

void arena_destroy(Arena *arena)
{
    if (!arena)
        return;
    while (arena->chunk)
        drop_chunk(arena);
    free(arena);
}

static void add_chunk(Arena *arena, size_t bytes)
{
    size_t capacity = arena->next_bytes;
    if (capacity < bytes)
        capacity = bytes;
    Chunk *chunk = calloc(1, sizeof *chunk + capacity);
    if (!chunk) {
        no_memory(arena, bytes);
        return;
    }
    chunk->capacity = capacity;
    chunk->previous = arena->chunk;
    ASAN_POISON_MEMORY_REGION(chunk->data, capacity);
    arena->chunk = chunk;
    if (arena->next_bytes < LARGEST_CHUNK_BYTES)
        arena->next_bytes *= 2;
}

void *arena_alloc(Arena *arena, size_t bytes)
{
    if (bytes > SIZE_MAX / 4)
        return no_memory(arena, bytes);
    size_t step = (bytes + ALIGN_BYTES - 1) / ALIGN_BYTES * ALIGN_BYTES + FENCE_BYTES;
    if (!step)
        step = ALIGN_BYTES; /* distinct pointers, also for empty pieces */
    if (!arena->chunk || arena->chunk->capacity - arena->chunk->used < step)
        add_chunk(arena, step);
    Chunk         *chunk = arena->chunk;
    unsigned char *piece = chunk->data + chunk->used;
    ASAN_UNPOISON_MEMORY_REGION(piece, bytes);
    if (chunk->used < chunk->dirty) {
        size_t stale = chunk->dirty - chunk->used;
        memset(piece, 0, stale < bytes ? stale : bytes);
    }
    chunk->used += step;
    if (chunk->dirty < chunk->used)
        chunk->dirty = chunk->used;
    arena->handed_out += bytes;
    return piece;
}

void *arena_alloc_array(Arena *arena, size_t n, size_t bytes)
{
    size_t total;
    if (__builtin_mul_overflow(n, bytes, &total))
        return no_memory(arena, SIZE_MAX);
    return arena_alloc(arena, total);
}

void *arena_memdup(Arena *arena, const void *data, size_t bytes)
{
    void *copy = arena_alloc(arena, bytes);
    if (bytes)
        memcpy(copy, data, bytes);
    return copy;
}

char *arena_strndup(Arena *arena, const char *text, size_t n)
{
    n = strnlen(text, n);
    char *copy = arena_alloc(arena, n + 1);
    memcpy(copy, text, n);
    return copy;
}

char *arena_strdup(Arena *arena, const char *text)
{
    return arena_memdup(arena, text, strlen(text) + 1);
}

char *arena_vprintf(Arena *arena, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int   n = vsnprintf(NULL, 0, format, args);
    char *text = arena_alloc(arena, n < 0 ? 1 : (size_t)n + 1);
    if (n > 0)
        vsnprintf(text, (size_t)n + 1, format, again);
    va_end(again);
    return text;
}

char *arena_printf(Arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = arena_vprintf(arena, format, args);
    va_end(args);
    return text;
}

ArenaMark arena_mark(Arena *arena)
{
    return (ArenaMark){arena->chunk, arena->chunk ? arena->chunk->used : 0};
}

void arena_release(Arena *arena, ArenaMark mark)
{
    while (arena->chunk && arena->chunk != mark.chunk)
        drop_chunk(arena);
    if (!arena->chunk)
        return;
    arena->chunk->used = mark.used;
    ASAN_POISON_MEMORY_REGION(arena->chunk->data + mark.used, arena->chunk->capacity - mark.used);
}

size_t arena_used(const Arena *arena)
{
    return arena->handed_out;
}

void *arena_grow(Arena *arena, void *items, int n, int *cap, size_t item_bytes)
{
    int larger;
    if (__builtin_mul_overflow(*cap, 2, &larger))
        return no_memory(arena, SIZE_MAX);
    if (larger < 8)
        larger = 8;
    void *copy = arena_alloc_array(arena, (size_t)larger, item_bytes);
    if (n)
        memcpy(copy, items, (size_t)n * item_bytes);
    *cap = larger;
    return copy;
}
