/* Text buffer that doubles in an arena, and checked size arithmetic.
 *
 * In: pieces of text.  Out: one NUL-terminated string, Text.data. */
#include "ir/base/text.h"

#include <stdio.h>
#include <string.h>

static char empty[1];

Text text_new(Arena *arena)
{
    return (Text){.arena = arena, .data = empty};
}

static void reserve(Text *text, size_t more)
{
    size_t needed = text->n + more + 1;
    if (needed <= text->cap)
        return;
    size_t cap = text->cap ? text->cap * 2 : 64;
    while (cap < needed)
        cap *= 2;
    char *data = arena_alloc(text->arena, cap);
    memcpy(data, text->data, text->n);
    text->data = data;
    text->cap = cap;
}

void text_putn(Text *text, const char *s, size_t n)
{
    if (!n)
        return;
    reserve(text, n);
    memcpy(text->data + text->n, s, n);
    text->n += n;
    text->data[text->n] = 0;
}

void text_put(Text *text, const char *s)
{
    text_putn(text, s, strlen(s));
}

void text_putc(Text *text, char c)
{
    text_putn(text, &c, 1);
}

void text_printf(Text *text, const char *format, ...)
{
    char    small[256]; /* most pieces fit; a longer one is formatted in the arena */
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(small, sizeof small, format, args);
    if (n >= 0 && (size_t)n < sizeof small)
        text_putn(text, small, (size_t)n);
    else
        text_put(text, arena_vprintf(text->arena, format, again));
    va_end(again);
    va_end(args);
}

void text_indent(Text *text, int levels)
{
    for (int i = 0; i < levels; i++)
        text_putn(text, "    ", 4);
}

_Bool mul_size(size_t a, size_t b, size_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}

_Bool add_size(size_t a, size_t b, size_t *out)
{
    return !__builtin_add_overflow(a, b, out);
}
