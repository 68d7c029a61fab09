/* One recursive descent for the three grammars: srepr calls, infix text, Python guards.
 *
 * In: `Add(Mul(Integer(2), Symbol('s0')), Integer(-3))`, `2*s0 + -3`, `2*L['x'].size()[0] - 3 > 1`.
 * Out: an expression, or E_FORMAT with the column, E_UNSUPPORTED with the function or path, E_LIMIT
 * when nested deeper than MAX_NESTING.  Precedence is Python's.  srepr differs in that a bare name
 * is no symbol; guards in that a name starts a path which the caller resolves; exact text is infix
 * text whose nodes are taken as they stand. */
#include "ir/expr_internal.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_NESTING = 200, MAX_NAME = 128, MAX_OPERANDS = 10000, MAX_OPERATORS = 4000 };

typedef enum Grammar { GRAMMAR_SREPR, GRAMMAR_INFIX, GRAMMAR_GUARD, GRAMMAR_EXACT } Grammar;

typedef struct Parser {
    ExprPool   *pool;
    Grammar     grammar;
    const char *start;
    const char *p;
    int         depth;
    int         n_operators; /* a chain of them nests to the left */
    const Expr *(*resolve)(void *cx, const char *path, const char *kind, int dim);
    void *cx;
} Parser;

static Error *parse_or(Parser *s, const Expr **out);
static Error *parse_unary(Parser *s, const Expr **out);

/* ---- errors and small tokens ----------------------------------------------------------------- */
static Error *fail(Parser *s, ErrorCode code, const char *what)
{
    int column = (int)(s->p - s->start) + 1;
    int from = column > 60 ? column - 60 : 0;
    return error_new(s->pool->arena, code, (Where){0}, "%s at column %d of `%s%.100s`", what,
                     column, from ? "…" : "", s->start + from);
}

static Error *expected(Parser *s, const char *what)
{
    return fail(s, E_FORMAT, arena_printf(s->pool->arena, "expected %s", what));
}

static void skip_space(Parser *s)
{
    while (*s->p == ' ' || *s->p == '\t' || *s->p == '\n' || *s->p == '\r')
        s->p++;
}

static bool is_name_start(char c)
{
    return isalpha((unsigned char)c) || c == '_';
}

static bool is_name_char(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* Steps over the text when it comes next (after spaces, which stay when it does not). */
static bool take(Parser *s, const char *text)
{
    const char *before = s->p;
    skip_space(s);
    size_t n = strlen(text);
    bool   is_word = is_name_start(*text);
    if (!strncmp(s->p, text, n) && !(is_word && is_name_char(s->p[n]))) {
        s->p += n;
        return true;
    }
    s->p = before;
    return false;
}

static Error *need(Parser *s, const char *text)
{
    if (take(s, text))
        return NULL;
    skip_space(s);
    return expected(s, arena_printf(s->pool->arena, "`%s`", text));
}

static Error *read_name(Parser *s, char *name)
{
    size_t n = 0;
    while (is_name_char(s->p[n]))
        n++;
    if (!n || n >= MAX_NAME)
        return expected(s, "a name");
    memcpy(name, s->p, n);
    name[n] = 0;
    s->p += n;
    return NULL;
}

/* 'text' or "text", without escapes. */
static Error *read_string(Parser *s, char *text, size_t size)
{
    skip_space(s);
    char        quote = *s->p;
    const char *end = quote == '\'' || quote == '"' ? strchr(s->p + 1, quote) : NULL;
    if (!end || (size_t)(end - s->p) > size)
        return expected(s, "a quoted text");
    size_t n = (size_t)(end - s->p) - 1;
    memcpy(text, s->p + 1, n);
    text[n] = 0;
    s->p = end + 1;
    return NULL;
}

/* ---- nodes ----------------------------------------------------------------------------------- */
static bool is_exact(const Parser *s)
{
    return s->grammar == GRAMMAR_EXACT;
}

/* The node is NULL where operands do not fit (exact text only). */
static Error *checked(Parser *s, const Expr *node, const Expr **out)
{
    *out = node;
    return node ? NULL : fail(s, E_FORMAT, "operands of another type before this");
}

/* a OP b.  is_chain: a is what came of the same operators before, without parentheses: exact sums
 * of integers, and what else has many operands, take one more. */
static Error *join(Parser *s, ExprKind kind, bool is_chain, const Expr *a, const Expr *b,
                   const Expr **out)
{
    const Expr *args[2] = {a, b};
    if (!is_exact(s))
        return checked(s, expr_make(s->pool, kind, NULL, args, 2), out);
    bool is_flat = kind == EXPR_AND || kind == EXPR_OR ||
                   ((kind == EXPR_ADD || kind == EXPR_MUL) && a->type == EXPR_TYPE_INT);
    if (is_chain && is_flat && a->kind == kind)
        return checked(s, expr_exact_append(s->pool, a, b), out);
    return checked(s, expr_exact(s->pool, kind, args, 2), out);
}

/* ---- atoms ----------------------------------------------------------------------------------- */
static Error *parse_number(Parser *s, bool negative, const Expr **out)
{
    char  *end;
    size_t digits = strspn(s->p, "0123456789");
    char   next = s->p[digits];
    errno = 0;
    if (next == '.' || next == 'e' || next == 'E') {
        double value = strtod(s->p, &end);
        *out = expr_float(s->pool, negative ? -value : value);
        s->p = end;
        return NULL;
    }
    unsigned long long value = strtoull(s->p, &end, 10);
    if (errno || value > (uint64_t)INT64_MAX + negative)
        return fail(s, E_LIMIT, "integer beyond 64 bits");
    *out = expr_int(s->pool, negative ? (int64_t)(0 - value) : (int64_t)value);
    s->p = end;
    return NULL;
}

static const Expr *symbol_of(ExprPool *pool, const char *name, const ExprType *type)
{
    bool     is_unbacked = name[0] == 'u' || !strncmp(name, "zuf", 3);
    ExprType t = type ? *type : name[0] == 'z' ? EXPR_TYPE_FLOAT : EXPR_TYPE_INT;
    return expr_symbol_named(pool, name, is_unbacked ? SYM_UNBACKED : SYM_SIZE, t)->self;
}

static const Expr *constant_of(ExprPool *pool, const char *name)
{
    if (!strcmp(name, "True") || !strcmp(name, "true"))
        return expr_bool(pool, true);
    if (!strcmp(name, "False") || !strcmp(name, "false"))
        return expr_bool(pool, false);
    if (!strcmp(name, "int_oo"))
        return expr_int(pool, INT64_MAX);
    if (!strcmp(name, "oo") || !strcmp(name, "inf"))
        return expr_float(pool, INFINITY);
    return !strcmp(name, "nan") ? expr_float(pool, NAN) : NULL;
}

/* ---- calls ----------------------------------------------------------------------------------- */
typedef struct Call {
    char name[MAX_NAME];
    char text[MAX_NAME]; /* a quoted operand: Symbol('s0'), Float('0.5') */
    bool has_text, is_integer, is_real, is_boolean;
    VEC(const Expr *) args;
} Call;

/* integer=True, precision=53: only the kind of a symbol matters. */
static bool take_keyword(Parser *s, Call *call)
{
    skip_space(s);
    size_t n = 0;
    while (is_name_char(s->p[n]))
        n++;
    if (!n || s->p[n] != '=' || s->p[n + 1] == '=')
        return false;
    bool is_true = !strncmp(s->p + n + 1, "True", 4);
    call->is_integer |= is_true && n == 7 && !strncmp(s->p, "integer", n);
    call->is_real |= is_true && n == 4 && !strncmp(s->p, "real", n);
    call->is_boolean |= is_true && n == 7 && !strncmp(s->p, "boolean", n);
    s->p += n + 1;
    while (is_name_char(*s->p) || *s->p == '-')
        s->p++;
    return true;
}

static Error *parse_operand(Parser *s, Call *call)
{
    skip_space(s);
    if (take_keyword(s, call))
        return NULL;
    if (*s->p == '\'' || *s->p == '"') {
        call->has_text = true;
        return read_string(s, call->text, sizeof call->text);
    }
    const Expr *e;
    TRY(parse_or(s, &e));
    if (call->args.n >= MAX_OPERANDS)
        return fail(s, E_LIMIT, "too many operands");
    VEC_PUSH(s->pool->arena, call->args, e);
    return NULL;
}

static Error *build_text_call(Parser *s, const Call *call, const Expr **out)
{
    if (!strcmp(call->name, "Symbol") && call->text[0]) {
        ExprType type = call->is_boolean                     ? EXPR_TYPE_BOOL
                        : call->is_real && !call->is_integer ? EXPR_TYPE_FLOAT
                                                             : EXPR_TYPE_INT;
        bool     stated = call->is_integer || call->is_real || call->is_boolean;
        *out = symbol_of(s->pool, call->text, stated ? &type : NULL);
        return NULL;
    }
    char  *end;
    double value = strtod(call->text, &end);
    if (strcmp(call->name, "Float") || end == call->text || *end)
        return expected(s, "Symbol('name') or Float('number')");
    *out = expr_float(s->pool, value);
    return NULL;
}

static Error *parse_call(Parser *s, const char *name, const Expr **out)
{
    const char *at = s->p;
    Call        call = {0};
    memcpy(call.name, name, strlen(name) + 1);
    TRY(need(s, "("));
    if (!take(s, ")")) {
        do
            TRY(parse_operand(s, &call));
        while (take(s, ","));
        TRY(need(s, ")"));
    }
    if (call.has_text)
        return build_text_call(s, &call, out);
    *out = is_exact(s) ? expr_exact_named(s->pool, name, call.args.items, call.args.n)
                       : expr_build_named(s->pool, name, call.args.items, call.args.n);
    if (*out)
        return NULL;
    s->p = at;
    return fail(
        s, E_UNSUPPORTED,
        arena_printf(s->pool->arena, "function %s of %d operands is not known", name, call.args.n));
}

/* ---- guard paths: L['x'].size()[0] ----------------------------------------------------------- */
static Error *read_index(Parser *s, int *index)
{
    skip_space(s);
    char *end;
    long  value = strtol(s->p, &end, 10);
    if (end == s->p || value < 0 || value > 1000)
        return expected(s, "an index >= 0");
    s->p = end;
    *index = (int)value;
    return NULL;
}

static Error *skip_subscript(Parser *s)
{
    char quote = 0;
    for (s->p++; *s->p; s->p++) {
        if (quote) {
            quote = *s->p == quote ? 0 : quote;
        } else if (*s->p == '\'' || *s->p == '"') {
            quote = *s->p;
        } else if (*s->p == '[') {
            return expected(s, "a plain subscript");
        } else if (*s->p == ']') {
            s->p++;
            return NULL;
        }
    }
    return expected(s, "`]`");
}

/* `size()[0]`, `size(0)`, `shape[0]`: the text after the path's last dot. */
static Error *parse_property(Parser *s, const char *name, const char **kind, int *dim)
{
    *dim = -1;
    *kind = !strcmp(name, "shape") ? "size" : arena_strdup(s->pool->arena, name);
    if (strcmp(name, "shape")) {
        TRY(need(s, "("));
        if (!take(s, ")")) {
            TRY(read_index(s, dim));
            TRY(need(s, ")"));
        }
    }
    if (!strcmp(name, "storage_offset") || *dim >= 0)
        return NULL;
    TRY(need(s, "["));
    TRY(read_index(s, dim));
    return need(s, "]");
}

static bool is_property(const char *name)
{
    return !strcmp(name, "size") || !strcmp(name, "stride") || !strcmp(name, "shape") ||
           !strcmp(name, "storage_offset");
}

static Error *resolve_path(Parser *s, const char *from, const char *to, const char *kind, int dim,
                           const Expr **out)
{
    char *path = arena_strndup(s->pool->arena, from, (size_t)(to - from));
    *out = s->resolve ? s->resolve(s->cx, path, kind, dim) : NULL;
    if (!*out && !strcmp(kind, "value")) {
        Symbol *symbol = expr_symbol_find(s->pool, path);
        *out = symbol ? symbol->self : constant_of(s->pool, path);
    }
    if (*out)
        return NULL;
    s->p = from;
    return fail(s, E_UNSUPPORTED,
                arena_printf(s->pool->arena, "cannot resolve %s of %s", kind, path));
}

static Error *parse_path(Parser *s, const Expr **out)
{
    const char *from = s->p, *to;
    char        name[MAX_NAME];
    bool        has_subscript = false;
    TRY(read_name(s, name));
    for (to = s->p;; to = s->p) {
        if (*s->p == '[') {
            has_subscript = true;
            TRY(skip_subscript(s));
        } else if (*s->p == '.' && is_name_start(s->p[1])) {
            s->p++;
            TRY(read_name(s, name));
            if (is_property(name)) {
                const char *kind;
                int         dim;
                TRY(parse_property(s, name, &kind, &dim));
                return resolve_path(s, from, to, kind, dim, out);
            }
        } else {
            break;
        }
    }
    if (*s->p != '(')
        return resolve_path(s, from, to, "value", -1, out);
    if (has_subscript || to - from >= MAX_NAME)
        return fail(s, E_UNSUPPORTED, "this method is not known");
    memcpy(name, from, (size_t)(to - from));
    name[to - from] = 0;
    return parse_call(s, name, out);
}

/* ---- operators ------------------------------------------------------------------------------- */
static Error *parse_name(Parser *s, const Expr **out)
{
    char   name[MAX_NAME];
    size_t n = 0;
    if (s->grammar == GRAMMAR_GUARD)
        return parse_path(s, out);
    while (is_name_char(s->p[n]) || (s->p[n] == '.' && is_name_start(s->p[n + 1])))
        n++;
    if (n >= MAX_NAME)
        return fail(s, E_LIMIT, "name too long");
    if (s->p[n] == '(') {
        memcpy(name, s->p, n);
        name[n] = 0;
        s->p += n;
        return parse_call(s, name, out);
    }
    const char *at = s->p;
    TRY(read_name(s, name));
    *out = constant_of(s->pool, name);
    if (*out)
        return NULL;
    static const char *const reserved[] = {"None", "and", "or", "not", "is", "in", "if", "else"};
    bool                     is_reserved = s->grammar == GRAMMAR_SREPR;
    for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++)
        is_reserved |= !strcmp(name, reserved[i]);
    if (is_reserved) {
        s->p = at;
        return expected(s, s->grammar == GRAMMAR_SREPR ? "a call or a constant" : "an operand");
    }
    if (!is_exact(s)) {
        *out = symbol_of(s->pool, name, NULL);
        return NULL;
    }
    Symbol *symbol = expr_symbol_find(s->pool, name);
    if (symbol) {
        *out = symbol->self;
        return NULL;
    }
    s->p = at;
    return expected(s, "a symbol that is declared");
}

static Error *parse_primary(Parser *s, const Expr **out)
{
    skip_space(s);
    if (isdigit((unsigned char)*s->p) || (*s->p == '.' && isdigit((unsigned char)s->p[1])))
        return parse_number(s, false, out);
    if (is_name_start(*s->p))
        return parse_name(s, out);
    if (*s->p != '(')
        return expected(s, "an operand");
    s->p++;
    TRY(parse_or(s, out));
    return need(s, ")");
}

static Error *parse_power(Parser *s, const Expr **out)
{
    TRY(parse_primary(s, out));
    if (!take(s, "**"))
        return NULL;
    const Expr *args[2] = {*out, NULL};
    if (++s->depth > MAX_NESTING)
        return fail(s, E_LIMIT, "nested too deeply");
    TRY(parse_unary(s, &args[1])); /* right to left, and binds less than the sign of its exponent */
    s->depth--;
    return join(s, EXPR_POW, false, args[0], args[1], out);
}

static Error *parse_unary(Parser *s, const Expr **out)
{
    int n_signs = 0;
    if (take(s, "-int_oo")) {
        *out = expr_int(s->pool, INT64_MIN);
        return NULL;
    }
    while (take(s, "-"))
        n_signs++;
    if (n_signs) {
        skip_space(s);
        size_t digits = strspn(s->p, "0123456789");
        size_t space = strspn(s->p + digits, " ");
        /* -9223372036854775808 has no positive partner. */
        if (n_signs == 1 && digits && strncmp(s->p + digits + space, "**", 2)) {
            TRY(parse_number(s, true, out));
            return NULL;
        }
    } else {
        take(s, "+");
    }
    TRY(parse_power(s, out));
    if (n_signs && is_exact(s) && (*out)->kind != EXPR_FLOAT) /* only -inf is written so */
        return fail(s, E_FORMAT, "a sign before something that is no number");
    for (; n_signs > 0; n_signs--)
        *out = is_exact(s) ? expr_float(s->pool, -(*out)->fvalue) : expr_neg(s->pool, *out);
    return NULL;
}

typedef struct Operator {
    const char *text;
    int         level; /* higher binds tighter */
    int         kind;  /* ExprKind, or -1 for minus */
} Operator;

/* Longer texts first. Relations, not, and, or are above these. */
static const Operator operators[] = {
    {"<<", 3, EXPR_LSHIFT}, {">>", 3, EXPR_RSHIFT}, {"//", 5, EXPR_FLOORDIV}, {"+", 4, EXPR_ADD},
    {"-", 4, -1},           {"*", 5, EXPR_MUL},     {"/", 5, EXPR_TRUEDIV},   {"%", 5, EXPR_MOD},
    {"&", 2, EXPR_BITAND},  {"^", 1, EXPR_BITXOR},  {"|", 0, EXPR_BITOR},
};

static const Operator *take_operator(Parser *s, int least)
{
    const char *before = s->p;
    skip_space(s);
    if (!strncmp(s->p, "->", 2) || !strncmp(s->p, "**", 2)) {
        s->p = before;
        return NULL;
    }
    for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++) {
        const Operator *op = &operators[i];
        size_t          n = strlen(op->text);
        if (strncmp(s->p, op->text, n))
            continue;
        if (is_exact(s) && *op->text == '%' && s->p[n] != ' ')
            break;
        if (op->level < least)
            break;
        s->p += n;
        return op;
    }
    s->p = before;
    return NULL;
}

static Error *parse_binary(Parser *s, int least, const Expr **out)
{
    TRY(parse_unary(s, out));
    const Operator *op;
    const Expr     *chain = NULL;
    while ((op = take_operator(s, least))) {
        const Expr *args[2] = {*out, NULL};
        if (++s->n_operators > MAX_OPERATORS)
            return fail(s, E_LIMIT, "too many operators");
        TRY(parse_binary(s, op->level + 1, &args[1]));
        if (op->kind >= 0) {
            TRY(join(s, (ExprKind)op->kind, chain == args[0], args[0], args[1], out));
        } else if (is_exact(s)) {
            return fail(s, E_FORMAT, "a difference, which is written as a sum,");
        } else {
            *out = expr_sub(s->pool, args[0], args[1]);
        }
        chain = *out;
    }
    return NULL;
}

static bool take_relation(Parser *s, ExprKind *kind, bool *swapped)
{
    *swapped = false;
    if (take(s, "=="))
        *kind = EXPR_EQ;
    else if (take(s, "!="))
        *kind = EXPR_NE;
    else if (take(s, "<="))
        *kind = EXPR_LE;
    else if ((*swapped = take(s, ">=")))
        *kind = EXPR_LE;
    else if (take(s, "<"))
        *kind = EXPR_LT;
    else if ((*swapped = take(s, ">")))
        *kind = EXPR_LT;
    else
        return false;
    return true;
}

/* a < b < c is a < b and b < c. */
static Error *parse_relation(Parser *s, const Expr **out)
{
    const Expr *left, *right, *both[2] = {NULL, NULL};
    ExprKind    kind;
    bool        swapped;
    TRY(parse_binary(s, 0, &left));
    *out = left;
    while (take_relation(s, &kind, &swapped)) {
        TRY(parse_binary(s, 0, &right));
        if (is_exact(s)) {
            TRY(join(s, kind, false, swapped ? right : left, swapped ? left : right, out));
            left = *out;
            continue;
        }
        both[1] =
            swapped ? expr_cmp(s->pool, kind, right, left) : expr_cmp(s->pool, kind, left, right);
        both[0] = both[0] ? expr_logic(s->pool, EXPR_AND, both, 2) : both[1];
        *out = both[0];
        left = right;
    }
    return NULL;
}

static Error *parse_not(Parser *s, const Expr **out)
{
    bool negate = false;
    while (take(s, "not"))
        negate = !negate;
    TRY(parse_relation(s, out));
    if (negate && is_exact(s))
        return checked(s, expr_exact(s->pool, EXPR_NOT, out, 1), out);
    if (negate)
        *out = expr_not(s->pool, *out);
    return NULL;
}

static Error *parse_and(Parser *s, const Expr **out)
{
    TRY(parse_not(s, out));
    for (bool is_chain = false; take(s, "and"); is_chain = true) {
        const Expr *args[2] = {*out, NULL};
        TRY(parse_not(s, &args[1]));
        TRY(join(s, EXPR_AND, is_chain, args[0], args[1], out));
    }
    return NULL;
}

static Error *parse_or(Parser *s, const Expr **out)
{
    if (++s->depth > MAX_NESTING)
        return fail(s, E_LIMIT, "nested too deeply");
    TRY(parse_and(s, out));
    for (bool is_chain = false; take(s, "or"); is_chain = true) {
        const Expr *args[2] = {*out, NULL};
        TRY(parse_and(s, &args[1]));
        TRY(join(s, EXPR_OR, is_chain, args[0], args[1], out));
    }
    s->depth--;
    return NULL;
}

/* ---- entries --------------------------------------------------------------------------------- */
static Error *parse_whole(Parser *s, const Expr **out)
{
    TRY(parse_or(s, out));
    skip_space(s);
    return *s->p ? expected(s, "an operator or the end") : NULL;
}

Error *expr_parse_srepr(ExprPool *pool, const char *text, const Expr **out)
{
    Parser s = {.pool = pool, .grammar = GRAMMAR_SREPR, .start = text, .p = text};
    return parse_whole(&s, out);
}

Error *expr_parse_infix(ExprPool *pool, const char *text, const Expr **out)
{
    Parser s = {.pool = pool, .grammar = GRAMMAR_INFIX, .start = text, .p = text};
    return parse_whole(&s, out);
}

Error *expr_parse_infix_at(ExprPool *pool, const char **cursor, const Expr **out)
{
    Parser s = {.pool = pool, .grammar = GRAMMAR_INFIX, .start = *cursor, .p = *cursor};
    TRY(parse_or(&s, out));
    *cursor = s.p;
    return NULL;
}

Error *expr_parse_exact_at(ExprPool *pool, const char **cursor, const Expr **out)
{
    Parser s = {.pool = pool, .grammar = GRAMMAR_EXACT, .start = *cursor, .p = *cursor};
    TRY(parse_or(&s, out));
    *cursor = s.p;
    return NULL;
}

Error *expr_parse_guard(ExprPool *pool, const char *text,
                        const Expr *(*resolve)(void *cx, const char *path, const char *kind,
                                               int dim),
                        void *cx, const Expr **out)
{
    Parser s = {.pool = pool,
                .grammar = GRAMMAR_GUARD,
                .start = text,
                .p = text,
                .resolve = resolve,
                .cx = cx};
    TRY(parse_whole(&s, out));
    *out = expr_truth(pool, *out);
    return NULL;
}
