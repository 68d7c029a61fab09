/* Symbolic scalars: sizes, strides, offsets, loop indices, guards.
 *
 * Expressions are immutable and hash-consed in a pool: equal expressions are the same pointer, so
 * `==` compares. Every constructor simplifies with what is known of the symbols' ranges: ints fold,
 * sums and products are kept in one canonical order, `(768*i + j) // 768` is `i` where 0 <= j <
 * 768.  Integer arithmetic is int64 and exact: an overflow while folding leaves the expression
 * unfolded (evaluation then reports it).
 *
 * One AST serves three grammars (export_format.md 3.6, 3.7): srepr prefix text, infix text of range
 * keys and IR text, and Python guard text. */
#ifndef AOTC_IR_EXPR_H
#define AOTC_IR_EXPR_H

#include "ir/base/arena.h"
#include "ir/base/error.h"
#include "ir/base/text.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct ExprPool ExprPool;
typedef struct Expr     Expr;
typedef struct Symbol   Symbol;
struct Scalar;

typedef enum ExprKind {
    EXPR_INT,
    EXPR_FLOAT,
    EXPR_BOOL,
    EXPR_SYMBOL,
    /* integers (n-ary: ADD MUL MAX MIN AND OR; args in canonical order; float operands give a
       float) */
    EXPR_ADD,
    EXPR_MUL,
    EXPR_FLOORDIV, /* toward -inf */
    EXPR_MOD,      /* sign of the divisor, as in Python */
    EXPR_MAX,
    EXPR_MIN,
    EXPR_POW,
    EXPR_LSHIFT,
    EXPR_RSHIFT,
    EXPR_BITAND,
    EXPR_BITOR,
    EXPR_BITXOR,
    /* relations and logic: type is bool */
    EXPR_EQ,
    EXPR_NE,
    EXPR_LT,
    EXPR_LE,
    EXPR_AND,
    EXPR_OR,
    EXPR_NOT,
    EXPR_WHERE, /* cond, a, b */
    /* between types and on floats */
    EXPR_TRUEDIV,
    EXPR_TO_FLOAT,
    EXPR_TRUNC, /* to int */
    EXPR_CEIL,
    EXPR_FLOOR,
    EXPR_ROUND, /* half to even, to int */
    EXPR_CALL,  /* float function by name: sqrt cos sin tan exp log log2 tanh … */
} ExprKind;

typedef enum ExprType { EXPR_TYPE_INT, EXPR_TYPE_FLOAT, EXPR_TYPE_BOOL } ExprType;

struct Expr {
    ExprKind           kind;
    ExprType           type;
    int                n;    /* operands */
    int                size; /* nodes in the tree, saturating: bounds the work of the simplifier */
    uint32_t           hash;
    int                id;     /* order of creation in the pool */
    int64_t            value;  /* INT, BOOL */
    double             fvalue; /* FLOAT */
    Symbol            *symbol; /* SYMBOL */
    const char        *name;   /* CALL */
    const Expr *const *args;
};

typedef enum SymbolKind {
    SYM_SIZE,     /* backed: solved from input sizes, or an int/float/bool input */
    SYM_UNBACKED, /* set during the run (item, nonzero) */
    SYM_INDEX,    /* loop variable: 0 <= v < bound */
    SYM_SCALAR,   /* value of a Scalar used as index (indirect access): 0 <= v < bound */
} SymbolKind;

struct Symbol {
    const char    *name; /* unique in the pool: s0, u0, i12, t5 */
    SymbolKind     kind;
    ExprType       type;
    int64_t        min, max; /* inclusive; saturated to INT64_MIN/MAX when open */
    const Expr    *bound;    /* INDEX, SCALAR: exclusive upper bound, may be symbolic; else NULL */
    struct Scalar *scalar;   /* SCALAR: what computes it */
    int            id;       /* position among the pool's symbols; order of printing in sums */
    double         hint;     /* example value of the export, NAN when none */
    const Expr    *self;     /* the expression that is this symbol */
};

typedef struct ExprRange {
    int64_t min, max; /* inclusive, saturating: INT64_MIN and INT64_MAX stand for open ends */
} ExprRange;

ExprPool *expr_pool_create(Arena *arena);
Arena    *expr_pool_arena(ExprPool *pool);

/* Returns the symbol of that name; makes it with an open range ([0,inf) for SYM_SIZE) if it is new.
 */
Symbol *expr_symbol_named(ExprPool *pool, const char *name, SymbolKind kind, ExprType type);
/* The existing symbol or NULL. */
Symbol *expr_symbol_find(ExprPool *pool, const char *name);
/* A fresh loop variable `<prefix><n>` with 0 <= v < bound. */
Symbol *expr_symbol_index(ExprPool *pool, const char *prefix, const Expr *bound);
Symbol *expr_symbol_scalar(ExprPool *pool, struct Scalar *scalar, const Expr *bound);

const Expr *expr_int(ExprPool *pool, int64_t value);
const Expr *expr_float(ExprPool *pool, double value);
const Expr *expr_bool(ExprPool *pool, bool value);
const Expr *expr_sym(ExprPool *pool, Symbol *symbol);
const Expr *expr_add(ExprPool *pool, const Expr *a, const Expr *b);
const Expr *expr_sub(ExprPool *pool, const Expr *a, const Expr *b);
const Expr *expr_neg(ExprPool *pool, const Expr *a);
const Expr *expr_mul(ExprPool *pool, const Expr *a, const Expr *b);
const Expr *expr_floordiv(ExprPool *pool, const Expr *a, const Expr *b);
const Expr *expr_ceildiv(ExprPool *pool, const Expr *a, const Expr *b);
const Expr *expr_mod(ExprPool *pool, const Expr *a, const Expr *b);
const Expr *expr_max(ExprPool *pool, const Expr *a, const Expr *b);
const Expr *expr_min(ExprPool *pool, const Expr *a, const Expr *b);
/* Any kind, operands given: for the parsers and for rare kinds; name is for CALL. Simplifies like
 * the others. */
const Expr *expr_make(ExprPool *pool, ExprKind kind, const char *name, const Expr *const *args,
                      int n);
const Expr *expr_cmp(ExprPool *pool, ExprKind kind, const Expr *a, const Expr *b); /* EQ NE LT LE */
const Expr *expr_product(ExprPool *pool, const Expr *const *args, int n); /* 1 when n == 0 */

bool      expr_is_int(const Expr *e, int64_t *value); /* constant? value may be NULL */
bool      expr_is_value(const Expr *e, int64_t value);
bool      expr_is_const(const Expr *e); /* holds no symbol */
bool      expr_contains(const Expr *e, const Symbol *symbol);
bool      expr_contains_kind(const Expr *e, SymbolKind kind);
ExprRange expr_range(const Expr *e);
/* True only when it holds for all values that the symbols' ranges allow. */
bool      expr_prove_eq(ExprPool *pool, const Expr *a, const Expr *b);
bool      expr_prove_le(ExprPool *pool, const Expr *a, const Expr *b);
bool      expr_prove_lt(ExprPool *pool, const Expr *a, const Expr *b);
/* Does every value of e and of its parts, in any order of adding up, fit int32_t?  with_scalars:
 * symbols of indirect indices count by their bounds, else they never fit. */
bool      expr_fits_int32(const Expr *e, bool with_scalars);

/* Replaces symbols: from[i] by to[i]; simplifies again. */
const Expr *expr_subst(ExprPool *pool, const Expr *e, Symbol *const *from, const Expr *const *to,
                       int n);
/* e == coeff * symbol + rest with neither holding the symbol; false when e is not of that form. */
bool        expr_linear(ExprPool *pool, const Expr *e, const Symbol *symbol, const Expr **coeff,
                        const Expr **rest);
/* Calls visit for every distinct symbol in e. */
void        expr_symbols(const Expr *e, void (*visit)(void *cx, Symbol *symbol), void *cx);

/* Infix text as in IR dumps: `2*s39 + -3`, `(i0 // 4) % 3`, `max(s0, 1)`; deterministic. */
void        expr_print(Text *text, const Expr *e);
const char *expr_text(Arena *arena, const Expr *e);

/* Numbers given by `lookup` (false: unknown symbol). E_VALUE on overflow, division by zero, unknown
 * symbol. A result of type bool is 0 or 1; float results go to *fvalue (either pointer may be
 * NULL). */
Error *expr_eval(Arena *arena, const Expr                                                    *e,
                 bool (*lookup)(void *cx, const Symbol *symbol, int64_t *i, double *f), void *cx,
                 int64_t *value, double *fvalue);

/* The three grammars. Unknown symbol names become symbols of kind SYM_SIZE (or SYM_UNBACKED for
 * names starting with u or zuf), typed int unless the text says otherwise (z… names are float).
 * E_FORMAT says column and what was expected; E_UNSUPPORTED names an unknown function head; depth
 * is limited to 200. */
Error *expr_parse_srepr(ExprPool *pool, const char *text, const Expr **out);
Error *expr_parse_infix(ExprPool *pool, const char *text, const Expr **out);
/* Same as infix for a prefix of *cursor (IR text): stops at the first character that cannot go on;
 * advances *cursor. */
Error *expr_parse_infix_at(ExprPool *pool, const char **cursor, const Expr **out);
/* What expr_print() wrote, node for node: nothing is simplified, every symbol has to exist, and a
 * `%` that is an operator has a space behind it (`%x` is a name of the text around). */
Error *expr_parse_exact_at(ExprPool *pool, const char **cursor, const Expr **out);
/* Guard text; paths such as L['x'].size()[0] are resolved by the caller: kind is "size", "stride",
 * "storage_offset" or "value", path the text inside ("L['x']"), dim the index or -1.  resolve
 * returns NULL when it does not know the path. */
Error *expr_parse_guard(ExprPool *pool, const char *text,
                        const Expr *(*resolve)(void *cx, const char *path, const char *kind,
                                               int dim),
                        void *cx, const Expr **out);

#endif
