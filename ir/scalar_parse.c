/* Text of operator bodies: calls of the scalar vocabulary.
 *
 *   select(gt(self, 0), self, mul(self, negative_slope))
 *
 * In: text, and a lookup for parameter names.  Out: a scalar, or E_FORMAT with the column.  A
 * number takes the dtype of the operands beside it, so does a constant parameter (`alpha`);
 * `f32(2)` and `cast(x, f32)` state one; true, false, inf, nan, pi are numbers.  Where a truth is
 * wanted another value counts as `ne(x, 0)`. */
#include "ir/scalar_internal.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_NESTING = 200, MAX_NAME = 64, MAX_ARGS = 3 };

typedef struct Parser {
    ScalarPool *pool;
    Arena      *arena;
    const char *start, *p;
    DType       dtype;
    Scalar *(*lookup)(void *cx, const char *name);
    void *cx;
    int   depth;
} Parser;

/* An operand; a number has no dtype before its neighbours are known. */
typedef struct Part {
    Scalar *scalar; /* NULL: a number */
    bool    is_int;
    int64_t i;
    double  f;
    bool    is_bool;
} Part;

static Error *parse(Parser *s, Part *out);

static Error *expected(Parser *s, const char *what)
{
    return error_new(s->arena, E_FORMAT, (Where){0}, "%s at column %d of `%.200s`", what,
                     (int)(s->p - s->start) + 1, s->start);
}

static void skip_space(Parser *s)
{
    while (isspace((unsigned char)*s->p))
        s->p++;
}

static bool take(Parser *s, char c)
{
    skip_space(s);
    if (*s->p != c)
        return false;
    s->p++;
    return true;
}

static bool is_name_char(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

static Error *read_name(Parser *s, char *name)
{
    skip_space(s);
    size_t n = *s->p == '%';
    while (is_name_char(s->p[n]))
        n++;
    if (!n || n >= MAX_NAME)
        return expected(s, "expected a name");
    memcpy(name, s->p, n);
    name[n] = 0;
    s->p += n;
    return NULL;
}

static Error *parse_number(Parser *s, Part *out)
{
    char     *end_f, *end_i;
    double    f = strtod(s->p, &end_f);
    long long i = strtoll(s->p, &end_i, 10);
    if (end_f == s->p)
        return expected(s, "expected a number");
    *out = (Part){.is_int = end_i == end_f, .i = i, .f = f};
    s->p = end_f;
    return NULL;
}

static bool is_constant_name(const char *name, Part *out)
{
    static const struct {
        const char *name;
        double      value;
    } names[] = {{"inf", INFINITY}, {"nan", NAN}, {"pi", 3.14159265358979323846}};
    if (!strcmp(name, "true") || !strcmp(name, "false")) {
        *out = (Part){.is_int = true, .is_bool = true, .i = name[0] == 't', .f = name[0] == 't'};
        return true;
    }
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (!strcmp(name, names[i].name)) {
            *out = (Part){.f = names[i].value};
            return true;
        }
    return false;
}

/* ---- dtypes of operands ---------------------------------------------------------------------- */
static Error *number_as(Parser *s, const Part *part, DType dtype, Scalar **out)
{
    bool is_exact = !dtype_is_float(dtype) && !dtype_info(dtype)->is_complex;
    if (!part->is_int && is_exact && dtype != DT_BOOL && part->f != trunc(part->f))
        return expected(s, "a fraction beside an integer operand");
    *out =
        part->is_int ? scalar_int(s->pool, dtype, part->i) : scalar_float(s->pool, dtype, part->f);
    return NULL;
}

/* What the operands from `first` on are: the dtype of one that is no number, then of a constant
 * parameter. */
static DType common_dtype(const Parser *s, const Part *parts, int first, int n)
{
    DType dtype = DT_NONE;
    bool  all_bool = true;
    for (int i = first; i < n; i++) {
        const Scalar *a = parts[i].scalar;
        all_bool = all_bool && parts[i].is_bool;
        if (a && a->op != S_CONST)
            return a->dtype;
        if (a && dtype == DT_NONE)
            dtype = a->dtype;
    }
    return dtype != DT_NONE ? dtype : all_bool ? DT_BOOL : s->dtype;
}

static Error *give_dtype(Parser *s, const Part *part, DType dtype, Scalar **out)
{
    if (!part->scalar)
        return number_as(s, part, dtype, out);
    *out = part->scalar;
    if (part->scalar->dtype == dtype)
        return NULL;
    if (part->scalar->op != S_CONST)
        return expected(s, arena_printf(s->arena, "operands are %s and %s", dtype_name(dtype),
                                        dtype_name(part->scalar->dtype)));
    *out = scalar_cast(s->pool, dtype, part->scalar);
    return NULL;
}

static Error *give_truth(Parser *s, const Part *part, Scalar **out)
{
    if (!part->scalar) {
        *out = scalar_int(s->pool, DT_BOOL, part->is_int ? part->i != 0 : part->f != 0);
        return NULL;
    }
    Scalar *a = part->scalar;
    *out = a->dtype == DT_BOOL ? a : scalar_2(s->pool, S_NE, a, scalar_int(s->pool, a->dtype, 0));
    return NULL;
}

/* ---- calls ----------------------------------------------------------------------------------- */
static bool find_op(const char *name, ScalarOp *op)
{
    for (ScalarOp i = 0; i < S_COUNT; i++)
        if (!strcmp(scalar_op_name(i), name)) {
            *op = i;
            return i > S_INDIRECT; /* those before have no text here */
        }
    return false;
}

static Error *build(Parser *s, ScalarOp op, const Part *parts, int n, Scalar **out)
{
    Scalar *in[MAX_ARGS];
    bool    is_logic = op == S_AND || op == S_OR || op == S_XOR || op == S_NOT;
    int     first = op == S_SELECT;
    DType   dtype = is_logic ? DT_BOOL : common_dtype(s, parts, first, n);
    for (int i = 0; i < n; i++)
        if (is_logic || i < first)
            TRY(give_truth(s, &parts[i], &in[i]));
        else
            TRY(give_dtype(s, &parts[i], dtype, &in[i]));
    if (op == S_RANDOM)
        dtype = DT_U32;
    *out = scalar_make(s->pool, op, scalar_op_result(op) == 'b' ? DT_BOOL : dtype, in, n);
    return NULL;
}

/* cast(x, f32), bitcast(x, i32); the opening parenthesis is read. */
static Error *parse_conversion(Parser *s, ScalarOp op, Scalar **out)
{
    Part    part;
    char    name[MAX_NAME];
    Scalar *a;
    TRY(parse(s, &part));
    if (!take(s, ','))
        return expected(s, "expected `,`");
    TRY(read_name(s, name));
    DType to = dtype_parse(name);
    if (to == DT_NONE)
        return expected(s, "expected a dtype");
    if (!take(s, ')'))
        return expected(s, "expected `)`");
    TRY(give_dtype(s, &part, part.scalar ? part.scalar->dtype : op == S_CAST ? to : s->dtype, &a));
    *out = scalar_make(s->pool, op, to, &a, 1);
    return NULL;
}

/* f32(2) */
static Error *parse_typed(Parser *s, DType dtype, Scalar **out)
{
    Part part;
    TRY(parse(s, &part));
    if (!take(s, ')'))
        return expected(s, "expected `)`");
    if (!part.scalar)
        return number_as(s, &part, dtype, out);
    *out = scalar_cast(s->pool, dtype, part.scalar);
    return NULL;
}

static Error *parse_call(Parser *s, const char *name, Scalar **out)
{
    ScalarOp op;
    Part     parts[MAX_ARGS];
    int      n = 0;
    if (!find_op(name, &op)) {
        DType dtype = dtype_parse(name);
        if (dtype != DT_NONE)
            return parse_typed(s, dtype, out);
        return expected(s, arena_printf(s->arena, "no scalar operation `%s`", name));
    }
    if (op == S_CAST || op == S_BITCAST)
        return parse_conversion(s, op, out);
    do {
        if (n == scalar_op_arity(op))
            return expected(s, arena_printf(s->arena, "too many operands of %s", name));
        TRY(parse(s, &parts[n++]));
    } while (take(s, ','));
    if (n != scalar_op_arity(op))
        return expected(s, arena_printf(s->arena, "too few operands of %s", name));
    if (!take(s, ')'))
        return expected(s, "expected `)`");
    return build(s, op, parts, n, out);
}

static Error *parse_name(Parser *s, Part *out)
{
    char        name[MAX_NAME];
    const char *at = s->p;
    TRY(read_name(s, name));
    if (*s->p == '(') {
        s->p++;
        *out = (Part){0};
        return parse_call(s, name, &out->scalar);
    }
    *out = (Part){.scalar = s->lookup ? s->lookup(s->cx, name) : NULL};
    if (out->scalar || is_constant_name(name, out))
        return NULL;
    s->p = at;
    return expected(s, arena_printf(s->arena, "unknown name `%s`", name));
}

static Error *parse(Parser *s, Part *out)
{
    skip_space(s);
    if (++s->depth > MAX_NESTING)
        return error_new(s->arena, E_LIMIT, (Where){0}, "scalar text is nested too deeply");
    if (*s->p == '-' && !strncmp(s->p + 1, "inf", 3) && !is_name_char(s->p[4])) {
        s->p += 4;
        *out = (Part){.f = -INFINITY};
    } else if (isdigit((unsigned char)*s->p) || *s->p == '-' || *s->p == '.') {
        TRY(parse_number(s, out));
    } else {
        TRY(parse_name(s, out));
    }
    s->depth--;
    return NULL;
}

Error *scalar_parse(ScalarPool *pool, const char *text, DType dtype,
                    Scalar *(*lookup)(void *cx, const char *name), void *cx, Scalar **out)
{
    Parser s = {.pool = pool,
                .arena = expr_pool_arena(scalar_pool_exprs(pool)),
                .start = text,
                .p = text,
                .dtype = dtype,
                .lookup = lookup,
                .cx = cx};
    Part   part;
    TRY(parse(&s, &part));
    skip_space(&s);
    if (*s.p)
        return expected(&s, "expected the end");
    *out = part.scalar;
    return *out ? NULL : number_as(&s, &part, part.is_bool ? DT_BOOL : dtype, out);
}
