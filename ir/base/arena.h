/* Bump allocator: everything of one compile lives in one arena, owned by aotc/, and is freed at
 * once.
 *
 * In: sizes.  Out: zeroed memory, aligned to 16 bytes.  Never NULL: when the system is out of
 * memory the handler given to arena_create() is called and must not return.  Not thread safe. */
#ifndef AOTC_IR_BASE_ARENA_H
#define AOTC_IR_BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

typedef struct Arena Arena;

typedef struct ArenaMark {
    void  *chunk;
    size_t used;
} ArenaMark;

/* out_of_memory NULL: abort() is called. */
Arena *arena_create(void (*out_of_memory)(size_t bytes));
void   arena_destroy(Arena *arena);

void *arena_alloc(Arena *arena, size_t bytes);
void *arena_memdup(Arena *arena, const void *data, size_t bytes);
char *arena_strdup(Arena *arena, const char *text);
char *arena_strndup(Arena *arena, const char *text, size_t n);
char *arena_printf(Arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
char *arena_vprintf(Arena *arena, const char *format, va_list args);

/* Scratch: what was allocated since the mark is given back. */
ArenaMark arena_mark(Arena *arena);
void      arena_release(Arena *arena, ArenaMark mark);

/* Bytes handed out since creation (for --stats). */
size_t arena_used(const Arena *arena);

#define ARENA_NEW(arena, type) ((type *)arena_alloc((arena), sizeof(type)))
#define ARENA_ARRAY(arena, type, n) ((type *)arena_alloc_array((arena), (size_t)(n), sizeof(type)))

/* n * bytes, with the product checked. */
void *arena_alloc_array(Arena *arena, size_t n, size_t bytes);

/* A growing array in an arena: `VEC(Node *) nodes = {0}; VEC_PUSH(arena, nodes, n);` */
#define VEC(type)                                                                                  \
    struct {                                                                                       \
        type *items;                                                                               \
        int   n, cap;                                                                              \
    }
#define VEC_PUSH(arena, vec, item)                                                                 \
    do {                                                                                           \
        if ((vec).n == (vec).cap)                                                                  \
            (vec).items =                                                                          \
                arena_grow((arena), (vec).items, (vec).n, &(vec).cap, sizeof *(vec).items);        \
        (vec).items[(vec).n++] = (item);                                                           \
    } while (0)
void *arena_grow(Arena *arena, void *items, int n, int *cap, size_t item_bytes);

#endif
