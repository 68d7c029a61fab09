/* Errors: made in an arena, wrapped on the way up, printed as the lines a user sees.
 *
 *   aotc: cannot lower aten.grid_sampler_2d.default
 *     node    %grid  f32[1,3,s0,s1]  in mlp.pt2, models/model.json
 *     python  model.py:41  out = F.grid_sample(x, grid)
 *     while   running pass lower-loops (9 of 14)
 *     help    no row for this op in ir/ops/
 *
 * A wrapped error has the context as its message and the wrapped one as its cause: the innermost
 * message is the headline. */
#include "ir/base/error.h"

#include "ir/base/text.h"

#include <stdbool.h>
#include <string.h>

Error *error_new(Arena *arena, ErrorCode code, Where where, const char *format, ...)
{
    Error  *error = ARENA_NEW(arena, Error);
    va_list args;
    va_start(args, format);
    error->message = arena_vprintf(arena, format, args);
    va_end(args);
    error->code = code;
    error->where = where;
    return error;
}

Error *error_wrap(Arena *arena, Error *error, const char *format, ...)
{
    if (!error)
        return NULL;
    Error  *outer = ARENA_NEW(arena, Error);
    va_list args;
    va_start(args, format);
    outer->message = arena_vprintf(arena, format, args);
    va_end(args);
    outer->code = error->code;
    outer->where = error->where;
    outer->cause = error;
    return outer;
}

const char *error_code_name(ErrorCode code)
{
    static const char *const names[] = {
        [E_NONE] = "E_NONE",           [E_FORMAT] = "E_FORMAT", [E_UNSUPPORTED] = "E_UNSUPPORTED",
        [E_LIMIT] = "E_LIMIT",         [E_VALUE] = "E_VALUE",   [E_IO] = "E_IO",
        [E_TOOLCHAIN] = "E_TOOLCHAIN", [E_USAGE] = "E_USAGE",   [E_INTERNAL] = "E_INTERNAL",
    };
    if ((unsigned)code >= sizeof names / sizeof names[0])
        return "E_UNKNOWN";
    return names[code];
}

static const char *first(const char *a, const char *b)
{
    return a ? a : b;
}

/* Context that a wrapper added wins over what the inner error knew. */
static Where merged_where(const Error *error)
{
    Where where = {0};
    for (; error; error = error->cause) {
        const Where *w = &error->where;
        where = (Where){first(where.file, w->file), first(where.path, w->path),
                        first(where.node, w->node), first(where.op, w->op),
                        first(where.type, w->type), first(where.python, w->python)};
    }
    return where;
}

static void put_place(Text *text, const Where *where)
{
    if (where->file)
        text_printf(text, "in %s", where->file);
    if (where->path)
        text_printf(text, "%sat %s", where->file ? " " : "", where->path);
}

static void put_where(Text *text, const Where *where, const char *message)
{
    if (where->op && !strstr(message, where->op))
        text_printf(text, "  op      %s\n", where->op);
    bool has_place = where->file || where->path;
    if (where->node || where->type) {
        text_printf(text, "  node    %s%s", where->node ? "%" : "", where->node ? where->node : "");
        if (where->type)
            text_printf(text, "%s%s", where->node ? "  " : "", where->type);
        if (has_place)
            text_put(text, "  ");
        put_place(text, where);
        text_putc(text, '\n');
    } else if (has_place) {
        text_put(text, "  where   ");
        put_place(text, where);
        text_putc(text, '\n');
    }
    if (where->python)
        text_printf(text, "  python  %s\n", where->python);
}

/* The context nearest to the mistake comes first. */
static void put_while(Text *text, const Error *error, int depth)
{
    if (!error->cause || depth > 64)
        return;
    put_while(text, error->cause, depth + 1);
    text_printf(text, "  while   %s\n", error->message);
}

char *error_text(Arena *arena, const Error *error)
{
    const Error *inner = error;
    const char  *help = error->help;
    while (inner->cause) {
        inner = inner->cause;
        help = first(help, inner->help);
    }
    const char *message = inner->message ? inner->message : error_code_name(error->code);
    Where       where = merged_where(error);
    Text        text = text_new(arena);
    text_printf(&text, "aotc: %s\n", message);
    put_where(&text, &where, message);
    put_while(&text, error, 0);
    if (help)
        text_printf(&text, "  help    %s\n", help);
    return text.data;
}
