/* Numbers: the value of an expression where every symbol has one.
 *
 * In: an expression and a lookup.  Out: an int64 or a double, or E_VALUE (overflow, division by
 * zero, unknown symbol). */
#include "ir/expr_internal.h"

#include <inttypes.h>
#include <math.h>

typedef struct Number {
    int64_t i; /* int and bool */
    double  f; /* float */
} Number;

typedef struct Eval {
    Arena *arena;
    bool (*lookup)(void *cx, const Symbol *symbol, int64_t *i, double *f);
    void *cx;
} Eval;

static Error *eval(const Eval *v, const Expr *e, Number *out);

static Error *bad_value(const Eval *v, const char *why, const Expr *e)
{
    return error_new(v->arena, E_VALUE, (Where){0}, "%s in `%s`", why, expr_text(v->arena, e));
}

static Error *eval_symbol(const Eval *v, const Expr *e, Number *out)
{
    Number n = {0, 0};
    if (!v->lookup || !v->lookup(v->cx, e->symbol, &n.i, &n.f))
        return error_new(v->arena, E_VALUE, (Where){0}, "symbol %s has no value", e->symbol->name);
    *out = n;
    return NULL;
}

static bool power(int64_t base, int64_t exponent, int64_t *out)
{
    int64_t r = 1;
    if (exponent < 0)
        return false;
    if (base == 0 || base == 1 || base == -1) {
        *out = exponent == 0 || base == 1 ? 1 : base == 0 ? 0 : exponent % 2 ? -1 : 1;
        return true;
    }
    for (; exponent > 0; exponent--)
        if (__builtin_mul_overflow(r, base, &r))
            return false;
    *out = r;
    return true;
}

static bool shift_left(int64_t a, int64_t n, int64_t *out)
{
    if (a == 0 && n >= 0) {
        *out = 0;
        return true;
    }
    return n >= 0 && n < 63 && !__builtin_mul_overflow(a, INT64_C(1) << n, out);
}

/* Two int operands; false: no int64 result. */
static bool apply_int(ExprKind kind, int64_t a, int64_t b, int64_t *out)
{
    switch (kind) {
    case EXPR_ADD:
        return !__builtin_add_overflow(a, b, out);
    case EXPR_MUL:
        return !__builtin_mul_overflow(a, b, out);
    case EXPR_FLOORDIV:
        if (b == 0 || (a == INT64_MIN && b == -1))
            return false;
        *out = floordiv_i64(a, b);
        return true;
    case EXPR_MOD:
        if (b == 0)
            return false;
        *out = b == -1 ? 0 : a - floordiv_i64(a, b) * b;
        return true;
    case EXPR_MAX:
        *out = a > b ? a : b;
        return true;
    case EXPR_MIN:
        *out = a < b ? a : b;
        return true;
    case EXPR_POW:
        return power(a, b, out);
    case EXPR_LSHIFT:
        return shift_left(a, b, out);
    case EXPR_RSHIFT:
        *out = b > 63 ? (a < 0 ? -1 : 0) : b < 0 ? 0 : a >> b;
        return b >= 0;
    case EXPR_BITAND:
        *out = a & b;
        return true;
    case EXPR_BITOR:
        *out = a | b;
        return true;
    case EXPR_BITXOR:
        *out = a ^ b;
        return true;
    default:
        return false;
    }
}

static double apply_float(ExprKind kind, double a, double b)
{
    switch (kind) {
    case EXPR_ADD:
        return a + b;
    case EXPR_MUL:
        return a * b;
    case EXPR_TRUEDIV:
        return a / b;
    case EXPR_POW:
        return pow(a, b);
    case EXPR_MAX:
        return b > a ? b : a;
    case EXPR_MIN:
        return b < a ? b : a;
    default:
        return NAN;
    }
}

static Error *eval_fold(const Eval *v, const Expr *e, Number *out)
{
    Number acc, x;
    TRY(eval(v, e->args[0], &acc));
    for (int i = 1; i < e->n; i++) {
        TRY(eval(v, e->args[i], &x));
        if (e->type == EXPR_TYPE_FLOAT) {
            if (e->kind == EXPR_TRUEDIV && x.f == 0)
                return bad_value(v, "division by zero", e);
            acc.f = apply_float(e->kind, acc.f, x.f);
            continue;
        }
        if ((e->kind == EXPR_FLOORDIV || e->kind == EXPR_MOD) && x.i == 0)
            return bad_value(v, "division by zero", e);
        if (!apply_int(e->kind, acc.i, x.i, &acc.i))
            return bad_value(v, "overflow", e);
    }
    *out = acc;
    return NULL;
}

static bool compare(ExprKind kind, int order, bool unordered)
{
    switch (kind) {
    case EXPR_EQ:
        return !unordered && order == 0;
    case EXPR_NE:
        return unordered || order != 0;
    case EXPR_LT:
        return !unordered && order < 0;
    default:
        return !unordered && order <= 0;
    }
}

static Error *eval_relation(const Eval *v, const Expr *e, Number *out)
{
    Number a, b;
    TRY(eval(v, e->args[0], &a));
    TRY(eval(v, e->args[1], &b));
    if (e->args[0]->type == EXPR_TYPE_FLOAT)
        out->i = compare(e->kind, (a.f > b.f) - (a.f < b.f), isnan(a.f) || isnan(b.f));
    else
        out->i = compare(e->kind, (a.i > b.i) - (a.i < b.i), false);
    return NULL;
}

/* Operands stand in canonical order, not in the order written: one that decides makes an error of
 * another harmless, as in `n != 0 and 8 % n == 0`. */
static Error *eval_logic(const Eval *v, const Expr *e, Number *out)
{
    Error *failed = NULL;
    bool   neutral = e->kind == EXPR_AND;
    for (int i = 0; i < e->n; i++) {
        Number x;
        Error *error = eval(v, e->args[i], &x);
        if (error) {
            failed = failed ? failed : error;
        } else if ((x.i != 0) != neutral) {
            out->i = !neutral;
            return NULL;
        }
    }
    out->i = neutral;
    return failed;
}

static Error *eval_rounding(const Eval *v, const Expr *e, Number *out)
{
    Number x;
    TRY(eval(v, e->args[0], &x));
    double r = e->kind == EXPR_TRUNC   ? trunc(x.f)
               : e->kind == EXPR_CEIL  ? ceil(x.f)
               : e->kind == EXPR_FLOOR ? floor(x.f)
                                       : nearbyint(x.f);
    if (!(r >= -0x1p63 && r < 0x1p63))
        return bad_value(v, "overflow", e);
    out->i = (int64_t)r;
    return NULL;
}

static Error *eval_call(const Eval *v, const Expr *e, Number *out)
{
    double args[16];
    if (e->n > 16)
        return bad_value(v, "too many operands", e);
    for (int i = 0; i < e->n; i++) {
        Number x;
        TRY(eval(v, e->args[i], &x));
        args[i] = x.f;
    }
    if (!expr_call_value(e->name, args, e->n, &out->f))
        return bad_value(v, "unknown function", e);
    return NULL;
}

static Error *eval(const Eval *v, const Expr *e, Number *out)
{
    Number x = {0, 0};
    *out = x;
    switch (e->kind) {
    case EXPR_INT:
    case EXPR_BOOL:
        out->i = e->value;
        return NULL;
    case EXPR_FLOAT:
        out->f = e->fvalue;
        return NULL;
    case EXPR_SYMBOL:
        return eval_symbol(v, e, out);
    case EXPR_EQ:
    case EXPR_NE:
    case EXPR_LT:
    case EXPR_LE:
        return eval_relation(v, e, out);
    case EXPR_AND:
    case EXPR_OR:
        return eval_logic(v, e, out);
    case EXPR_NOT:
        TRY(eval(v, e->args[0], &x));
        out->i = !x.i;
        return NULL;
    case EXPR_WHERE:
        TRY(eval(v, e->args[0], &x));
        return eval(v, e->args[x.i ? 1 : 2], out);
    case EXPR_TO_FLOAT:
        TRY(eval(v, e->args[0], &x));
        out->f = (double)x.i;
        return NULL;
    case EXPR_TRUNC:
    case EXPR_CEIL:
    case EXPR_FLOOR:
    case EXPR_ROUND:
        return eval_rounding(v, e, out);
    case EXPR_CALL:
        return eval_call(v, e, out);
    default:
        return eval_fold(v, e, out);
    }
}

Error *expr_eval(Arena *arena, const Expr                                                    *e,
                 bool (*lookup)(void *cx, const Symbol *symbol, int64_t *i, double *f), void *cx,
                 int64_t *value, double *fvalue)
{
    Eval   v = {arena, lookup, cx};
    Number n;
    TRY(eval(&v, e, &n));
    bool is_float = e->type == EXPR_TYPE_FLOAT;
    if (value)
        *value = is_float ? (fabs(n.f) < 0x1p63 ? (int64_t)n.f : 0) : n.i;
    if (fvalue)
        *fvalue = is_float ? n.f : (double)n.i;
    return NULL;
}
