/* Text buffer in an arena; always NUL-terminated. */
#ifndef AOTC_IR_BASE_TEXT_H
#define AOTC_IR_BASE_TEXT_H

#include "ir/base/arena.h"

typedef struct Text {
    Arena *arena;
    char  *data; /* "" when empty */
    size_t n, cap;
} Text;

Text text_new(Arena *arena);
void text_put(Text *text, const char *s);
void text_putn(Text *text, const char *s, size_t n);
void text_putc(Text *text, char c);
void text_printf(Text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_indent(Text *text, int levels); /* 4 spaces a level */

/* Checked size arithmetic for sizes that come from files: false when the result does not fit. */
_Bool mul_size(size_t a, size_t b, size_t *out);
_Bool add_size(size_t a, size_t b, size_t *out);

#endif
