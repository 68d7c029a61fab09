/* Errors for reasons outside the program.  A function that can fail returns `Error *`; NULL is
 * success.
 *
 * Errors live in the arena of the compile.  Callers add context with error_wrap(), they do not
 * reword. */
#ifndef AOTC_IR_BASE_ERROR_H
#define AOTC_IR_BASE_ERROR_H

#include "ir/base/arena.h"

typedef enum ErrorCode {
    E_NONE,
    E_FORMAT,      /* a file is malformed */
    E_UNSUPPORTED, /* well formed, but not supported (yet) */
    E_LIMIT,       /* a size, depth or count beyond what is allowed */
    E_VALUE,       /* arguments of a node that PyTorch would refuse too */
    E_IO,          /* the operating system said no */
    E_TOOLCHAIN,   /* cc or nvcc is missing or failed */
    E_USAGE,       /* the command line */
    E_INTERNAL, /* the verifier found a broken invariant: our mistake, reported instead of crashing
                 */
} ErrorCode;

/* Any field may be NULL. */
typedef struct Where {
    const char *file; /* "mlp.pt2, models/model.json" */
    const char
        *path; /* JSON path, archive member or text position: "$.graph_module.graph.nodes[3]" */
    const char *node;   /* name of the node as exported */
    const char *op;     /* "aten.grid_sampler_2d.default" */
    const char *type;   /* printed type of the node's first result: "f32[1,3,s0,s1]" */
    const char *python; /* "model.py:41  out = F.grid_sample(x, grid)" */
} Where;

typedef struct Error Error;
struct Error {
    ErrorCode code;
    const char *
        message; /* what is wrong, with the values that show it; may have several lines (a table) */
    const char  *help; /* what the user can do, or NULL */
    Where        where;
    const Error *cause; /* what happened further in, or NULL */
};

#define TRY(expr)                                                                                  \
    do {                                                                                           \
        Error *try_error = (expr);                                                                 \
        if (try_error)                                                                             \
            return try_error;                                                                      \
    } while (0)

Error *error_new(Arena *arena, ErrorCode code, Where where, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* The same error with `format` as what was being done: printed as a "while" line. Keeps code and
 * where. */
Error *error_wrap(Arena *arena, Error *error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
const char *error_code_name(ErrorCode code); /* "E_FORMAT" */

/* The lines a user sees ("aotc: …", "  node …", "  python …", "  while …", "  help …"), in the
 * arena. */
char *error_text(Arena *arena, const Error *error);

#endif
