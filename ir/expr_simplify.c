/* Constructors of sums, products, powers, bits and floats.
 *
 * In: operands that are simplified already.  Out: the canonical node.  Integers follow polynomials
 * (expr_poly.c); floats round, so their sums stay as written (binary, from the left) and only
 * numbers fold. */
#include "ir/expr_internal.h"

#include <math.h>

const Expr *expr_to_float(ExprPool *pool, const Expr *e)
{
    if (e->type == EXPR_TYPE_FLOAT)
        return e;
    e = expr_to_int(pool, e);
    if (e->kind == EXPR_INT)
        return expr_float(pool, (double)e->value);
    return expr_intern(pool, EXPR_TO_FLOAT, EXPR_TYPE_FLOAT, &e, 1);
}

const Expr *expr_to_int(ExprPool *pool, const Expr *e)
{
    if (e->type != EXPR_TYPE_BOOL)
        return e;
    if (e->kind == EXPR_BOOL)
        return expr_int(pool, e->value);
    const Expr *args[] = {e, expr_int(pool, 1), expr_int(pool, 0)};
    return expr_intern(pool, EXPR_WHERE, EXPR_TYPE_INT, args, 3);
}

static bool is_float(const Expr *e)
{
    return e->type == EXPR_TYPE_FLOAT;
}

static bool too_large(const Expr *a, const Expr *b)
{
    return a->size > SIMPLIFY_LIMIT || b->size > SIMPLIFY_LIMIT;
}

/* As given, but in canonical order: constants last in sums, first in products. */
static const Expr *plain_pair(ExprPool *pool, ExprKind kind, ExprType type, const Expr *a,
                              const Expr *b)
{
    const Expr *args[] = {a, b};
    expr_sort(args, 2);
    if (kind == EXPR_MUL && (args[1]->kind == EXPR_INT || args[1]->kind == EXPR_FLOAT)) {
        const Expr *number = args[1];
        args[1] = args[0];
        args[0] = number;
    }
    return expr_intern(pool, kind, type, args, 2);
}

static const Expr *float_pair(ExprPool *pool, ExprKind kind, const Expr *a, const Expr *b)
{
    a = expr_to_float(pool, a);
    b = expr_to_float(pool, b);
    if (a->kind == EXPR_FLOAT && b->kind == EXPR_FLOAT)
        return expr_float(pool, kind == EXPR_ADD ? a->fvalue + b->fvalue : a->fvalue * b->fvalue);
    return plain_pair(pool, kind, EXPR_TYPE_FLOAT, a, b);
}

const Expr *expr_add(ExprPool *pool, const Expr *a, const Expr *b)
{
    if (is_float(a) || is_float(b))
        return float_pair(pool, EXPR_ADD, a, b);
    a = expr_to_int(pool, a);
    b = expr_to_int(pool, b);
    if (expr_is_value(a, 0))
        return b;
    if (expr_is_value(b, 0))
        return a;
    Poly p, q;
    poly_from(a, &p);
    poly_from(b, &q);
    if (too_large(a, b) || !poly_add(&p, &q, 1))
        return plain_pair(pool, EXPR_ADD, EXPR_TYPE_INT, a, b);
    return poly_expr(pool, &p);
}

const Expr *expr_mul(ExprPool *pool, const Expr *a, const Expr *b)
{
    if (is_float(a) || is_float(b))
        return float_pair(pool, EXPR_MUL, a, b);
    a = expr_to_int(pool, a);
    b = expr_to_int(pool, b);
    if (expr_is_value(a, 1))
        return b;
    if (expr_is_value(b, 1))
        return a;
    Poly p, q, r;
    poly_from(a, &p);
    poly_from(b, &q);
    if (too_large(a, b) || !poly_mul(&p, &q, &r))
        return plain_pair(pool, EXPR_MUL, EXPR_TYPE_INT, a, b);
    return poly_expr(pool, &r);
}

const Expr *expr_neg(ExprPool *pool, const Expr *a)
{
    return expr_mul(pool, a, is_float(a) ? expr_float(pool, -1) : expr_int(pool, -1));
}

const Expr *expr_sub(ExprPool *pool, const Expr *a, const Expr *b)
{
    if (a == b && !is_float(a))
        return expr_int(pool, 0);
    return expr_add(pool, a, expr_neg(pool, b));
}

const Expr *expr_product(ExprPool *pool, const Expr *const *args, int n)
{
    const Expr *e = expr_int(pool, 1);
    for (int i = 0; i < n; i++)
        e = expr_mul(pool, e, args[i]);
    return e;
}

static const Expr *sum(ExprPool *pool, const Expr *const *args, int n)
{
    const Expr *e = n ? args[0] : expr_int(pool, 0);
    for (int i = 1; i < n; i++)
        e = expr_add(pool, e, args[i]);
    return e;
}

/* ---- powers and bits ------------------------------------------------------------------------- */
static const Expr *power(ExprPool *pool, const Expr *a, const Expr *b)
{
    const Expr *args[] = {a, b};
    int64_t     n;
    if (is_float(a) || is_float(b)) {
        args[0] = expr_to_float(pool, a);
        args[1] = expr_to_float(pool, b);
        if (args[0]->kind == EXPR_FLOAT && args[1]->kind == EXPR_FLOAT)
            return expr_float(pool, pow(args[0]->fvalue, args[1]->fvalue));
        return expr_intern(pool, EXPR_POW, EXPR_TYPE_FLOAT, args, 2);
    }
    args[0] = expr_to_int(pool, a);
    args[1] = expr_to_int(pool, b);
    if (!expr_is_int(args[1], &n) || n > POLY_DEGREE * 8)
        return expr_intern(pool, EXPR_POW, EXPR_TYPE_INT, args, 2);
    if (n < 0) { /* a fraction, as in Python */
        const Expr *inverse[] = {expr_int(pool, 1), power(pool, a, expr_int(pool, -n))};
        return expr_make(pool, EXPR_TRUEDIV, NULL, inverse, 2);
    }
    if (n > 4 && args[0]->kind != EXPR_INT)
        return expr_intern(pool, EXPR_POW, EXPR_TYPE_INT, args, 2);
    const Expr *e = expr_int(pool, 1);
    for (int64_t i = 0; i < n; i++)
        e = expr_mul(pool, e, args[0]);
    /* Too large a number stays a power. */
    return args[0]->kind == EXPR_INT && e->kind != EXPR_INT
               ? expr_intern(pool, EXPR_POW, EXPR_TYPE_INT, args, 2)
               : e;
}

static const Expr *shift(ExprPool *pool, ExprKind kind, const Expr *a, const Expr *b)
{
    const Expr *args[] = {expr_to_int(pool, a), expr_to_int(pool, b)};
    int64_t     n;
    if (!expr_is_int(args[1], &n) || n < 0 || n > 62)
        return expr_intern(pool, kind, EXPR_TYPE_INT, args, 2);
    const Expr *scale = expr_int(pool, INT64_C(1) << n);
    return kind == EXPR_LSHIFT ? expr_mul(pool, args[0], scale)
                               : expr_floordiv(pool, args[0], scale);
}

static const Expr *bits(ExprPool *pool, ExprKind kind, const Expr *a, const Expr *b)
{
    bool is_bool = a->type == EXPR_TYPE_BOOL && b->type == EXPR_TYPE_BOOL;
    if (is_bool && kind != EXPR_BITXOR) {
        const Expr *args[] = {a, b};
        return expr_logic(pool, kind == EXPR_BITAND ? EXPR_AND : EXPR_OR, args, 2);
    }
    if (is_bool)
        return expr_cmp(pool, EXPR_NE, a, b);
    a = expr_to_int(pool, a);
    b = expr_to_int(pool, b);
    if (a == b)
        return kind == EXPR_BITXOR ? expr_int(pool, 0) : a;
    if (a->kind != EXPR_INT || b->kind != EXPR_INT)
        return plain_pair(pool, kind, EXPR_TYPE_INT, a, b);
    if (kind == EXPR_BITAND)
        return expr_int(pool, a->value & b->value);
    return expr_int(pool, kind == EXPR_BITOR ? a->value | b->value : a->value ^ b->value);
}

/* ---- floats ---------------------------------------------------------------------------------- */
static const Expr *true_division(ExprPool *pool, const Expr *a, const Expr *b)
{
    const Expr *args[] = {expr_to_float(pool, a), expr_to_float(pool, b)};
    if (args[0]->kind == EXPR_FLOAT && args[1]->kind == EXPR_FLOAT && args[1]->fvalue != 0)
        return expr_float(pool, args[0]->fvalue / args[1]->fvalue);
    return expr_intern(pool, EXPR_TRUEDIV, EXPR_TYPE_FLOAT, args, 2);
}

static double rounded(ExprKind kind, double x)
{
    switch (kind) {
    case EXPR_TRUNC:
        return trunc(x);
    case EXPR_CEIL:
        return ceil(x);
    case EXPR_FLOOR:
        return floor(x);
    default:
        return nearbyint(x);
    }
}

static const Expr *rounding(ExprPool *pool, ExprKind kind, const Expr *a)
{
    if (!is_float(a))
        return expr_to_int(pool, a);
    if (a->kind == EXPR_FLOAT && fabs(a->fvalue) < 0x1p62)
        return expr_int(pool, (int64_t)rounded(kind, a->fvalue));
    if (a->kind == EXPR_TO_FLOAT) {
        ExprRange r = expr_range(a->args[0]);
        /* Larger integers are rounded on the way to double. */
        if (r.min >= -(INT64_C(1) << 53) && r.max <= INT64_C(1) << 53)
            return a->args[0];
    }
    return expr_intern(pool, kind, EXPR_TYPE_INT, &a, 1);
}

static const Expr *call(ExprPool *pool, const char *name, const Expr *const *args, int n)
{
    bool         is_const = n <= 8;
    double       numbers[8], value;
    const Expr **floats = ARENA_ARRAY(pool->arena, const Expr *, n);
    for (int i = 0; i < n; i++) {
        floats[i] = expr_to_float(pool, args[i]);
        is_const = is_const && floats[i]->kind == EXPR_FLOAT;
        if (is_const)
            numbers[i] = floats[i]->fvalue;
    }
    if (is_const && expr_call_value(name, numbers, n, &value) && !isnan(value))
        return expr_float(pool, value);
    return expr_intern_call(pool, name, EXPR_TYPE_FLOAT, floats, n);
}

static const Expr *where(ExprPool *pool, const Expr *cond, const Expr *a, const Expr *b)
{
    cond = expr_truth(pool, cond);
    ExprType type = EXPR_TYPE_INT;
    if (is_float(a) || is_float(b)) {
        type = EXPR_TYPE_FLOAT;
        a = expr_to_float(pool, a);
        b = expr_to_float(pool, b);
    } else if (a->type == EXPR_TYPE_BOOL && b->type == EXPR_TYPE_BOOL) {
        type = EXPR_TYPE_BOOL;
    } else {
        a = expr_to_int(pool, a);
        b = expr_to_int(pool, b);
    }
    if (cond->kind == EXPR_BOOL)
        return cond->value ? a : b;
    if (a == b)
        return a;
    const Expr *args[] = {cond, a, b};
    return expr_intern(pool, EXPR_WHERE, type, args, 3);
}

const Expr *expr_make(ExprPool *pool, ExprKind kind, const char *name, const Expr *const *args,
                      int n)
{
    switch (kind) {
    case EXPR_INT:
    case EXPR_FLOAT:
    case EXPR_BOOL:
    case EXPR_SYMBOL:
        return NULL; /* atoms have constructors of their own */
    case EXPR_ADD:
        return sum(pool, args, n);
    case EXPR_MUL:
        return expr_product(pool, args, n);
    case EXPR_FLOORDIV:
        return expr_floordiv(pool, args[0], args[1]);
    case EXPR_MOD:
        return expr_mod(pool, args[0], args[1]);
    case EXPR_MAX:
    case EXPR_MIN:
        return expr_extremum(pool, kind, args, n);
    case EXPR_POW:
        return power(pool, args[0], args[1]);
    case EXPR_LSHIFT:
    case EXPR_RSHIFT:
        return shift(pool, kind, args[0], args[1]);
    case EXPR_BITAND:
    case EXPR_BITOR:
    case EXPR_BITXOR:
        return bits(pool, kind, args[0], args[1]);
    case EXPR_EQ:
    case EXPR_NE:
    case EXPR_LT:
    case EXPR_LE:
        return expr_cmp(pool, kind, args[0], args[1]);
    case EXPR_AND:
    case EXPR_OR:
        return expr_logic(pool, kind, args, n);
    case EXPR_NOT:
        return expr_not(pool, args[0]);
    case EXPR_WHERE:
        return where(pool, args[0], args[1], args[2]);
    case EXPR_TRUEDIV:
        return true_division(pool, args[0], args[1]);
    case EXPR_TO_FLOAT:
        return expr_to_float(pool, args[0]);
    case EXPR_TRUNC:
    case EXPR_CEIL:
    case EXPR_FLOOR:
    case EXPR_ROUND:
        return rounding(pool, kind, args[0]);
    case EXPR_CALL:
        return call(pool, name, args, n);
    }
    return NULL;
}
