/* Simplifications that change no bit of any result.
 *
 *   x * 1, x / 1, x - 0.0          ->  x          (x + 0.0 is not: -0.0 + 0.0 is 0.0)
 *   select(c, x, x)                ->  x
 *   not(not(c)), not(eq(a, b))     ->  c, ne(a, b)
 *   pow(x, 2)                      ->  mul(x, x)  as PyTorch computes it
 *   add(index(i), index(j)) : i64  ->  index(i + j) */
#include "ir/scalar_internal.h"

#include <math.h>

static bool is_zero(const Scalar *a)
{
    return scalar_is_int_value(a, 0);
}

static bool is_one(const Scalar *a)
{
    return scalar_is_int_value(a, 1) || scalar_is_float_value(a, 1);
}

static bool is_exact_dtype(DType d)
{
    return !dtype_is_float(d) && !dtype_info(d)->is_complex;
}

/* ---- arithmetic ------------------------------------------------------------------------------ */
static Scalar *sums(ScalarPool *pool, ScalarOp op, DType dtype, Scalar *a, Scalar *b)
{
    if (is_zero(b) || scalar_is_float_value(b, op == S_SUB ? 0.0 : -0.0))
        return a;
    if (op == S_ADD && (is_zero(a) || scalar_is_float_value(a, -0.0)))
        return b;
    bool cancels = op == S_SUB && a == b && is_exact_dtype(dtype) && dtype != DT_BOOL;
    return cancels ? scalar_int(pool, dtype, 0) : NULL;
}

static Scalar *products(Scalar *a, Scalar *b)
{
    if (is_one(b))
        return a;
    if (is_one(a))
        return b;
    return is_zero(b) ? b : is_zero(a) ? a : NULL;
}

/* aten/src/ATen/native/cpu/PowKernel.cpp takes these exponents apart in the same way. */
static Scalar *powers(ScalarPool *pool, DType dtype, Scalar *a, Scalar *b)
{
    if (b->op != S_CONST)
        return NULL;
    double e = dtype_is_float(b->dtype) ? b->f : (double)b->i;
    if (e == 0)
        return scalar_int(pool, dtype, 1);
    if (e == 1)
        return a;
    if (e == 2)
        return scalar_2(pool, S_MUL, a, a);
    if (e == 3)
        return scalar_2(pool, S_MUL, scalar_2(pool, S_MUL, a, a), a);
    if (!dtype_is_float(dtype))
        return NULL;
    if (e == 0.5)
        return scalar_1(pool, S_SQRT, a);
    if (e == -0.5)
        return scalar_1(pool, S_RSQRT, a);
    if (e == -1)
        return scalar_1(pool, S_RECIPROCAL, a);
    return e == -2 ? scalar_1(pool, S_RECIPROCAL, scalar_2(pool, S_MUL, a, a)) : NULL;
}

/* The integer expression that an i64 scalar is, or NULL. */
static const Expr *index_of(ScalarPool *pool, const Scalar *a)
{
    if (a->dtype != DT_I64)
        return NULL;
    if (a->op == S_CONST)
        return expr_int(scalar_pool_exprs(pool), a->i);
    return a->op == S_INDEX && a->index->type == EXPR_TYPE_INT ? a->index : NULL;
}

static Scalar *index_arithmetic(ScalarPool *pool, ScalarOp op, const Scalar *a, const Scalar *b)
{
    ExprPool   *exprs = scalar_pool_exprs(pool);
    const Expr *x = index_of(pool, a), *y = index_of(pool, b), *e = NULL;
    if (!x || !y)
        return NULL;
    bool divides = expr_is_int(y, NULL) && !expr_is_value(y, 0);
    switch (op) {
    case S_ADD:
        e = expr_add(exprs, x, y);
        break;
    case S_SUB:
        e = expr_sub(exprs, x, y);
        break;
    case S_MUL:
        e = expr_mul(exprs, x, y);
        break;
    case S_FLOORDIV:
        e = divides ? expr_floordiv(exprs, x, y) : NULL;
        break;
    case S_MOD:
        e = divides ? expr_mod(exprs, x, y) : NULL;
        break;
    default:
        break;
    }
    return e ? scalar_index(pool, DT_I64, e) : NULL;
}

/* ---- truth ----------------------------------------------------------------------------------- */
static Scalar *index_relation(ScalarPool *pool, ScalarOp op, const Scalar *a, const Scalar *b)
{
    const Expr *x = index_of(pool, a), *y = index_of(pool, b), *e;
    if (!x || !y)
        return NULL;
    bool     swaps = op == S_GT || op == S_GE;
    ExprKind kind = op == S_EQ                 ? EXPR_EQ
                    : op == S_NE               ? EXPR_NE
                    : op == S_LT || op == S_GT ? EXPR_LT
                                               : EXPR_LE;
    e = expr_cmp(scalar_pool_exprs(pool), kind, swaps ? y : x, swaps ? x : y);
    return e->kind == EXPR_BOOL ? scalar_int(pool, DT_BOOL, e->value) : NULL;
}

static Scalar *relations(ScalarPool *pool, ScalarOp op, Scalar *a, Scalar *b)
{
    if (a == b && is_exact_dtype(a->dtype))
        return scalar_int(pool, DT_BOOL, op == S_EQ || op == S_LE || op == S_GE);
    if (a->dtype == DT_BOOL && (op == S_EQ || op == S_NE) && b->op == S_CONST)
        return (b->i != 0) == (op == S_EQ) ? a : scalar_1(pool, S_NOT, a);
    return index_relation(pool, op, a, b);
}

static Scalar *conjunctions(ScalarPool *pool, ScalarOp op, Scalar *a, Scalar *b)
{
    if (a->dtype != DT_BOOL || b->dtype != DT_BOOL)
        return NULL;
    if (a == b)
        return op == S_XOR ? scalar_int(pool, DT_BOOL, 0) : a;
    if (b->op == S_CONST && a->op != S_CONST) {
        Scalar *swap = a;
        a = b;
        b = swap;
    }
    if (a->op != S_CONST)
        return NULL;
    if (op == S_XOR)
        return a->i ? scalar_1(pool, S_NOT, b) : b;
    return (a->i != 0) == (op == S_AND) ? b : a;
}

static Scalar *negations(ScalarPool *pool, Scalar *a)
{
    if (a->op == S_NOT && a->in[0]->dtype == DT_BOOL)
        return a->in[0];
    if (a->op == S_EQ || a->op == S_NE)
        return scalar_2(pool, a->op == S_EQ ? S_NE : S_EQ, a->in[0], a->in[1]);
    if (a->op != S_LT && a->op != S_LE && a->op != S_GT && a->op != S_GE)
        return NULL;
    if (!is_exact_dtype(a->in[0]->dtype)) /* a NaN is neither less nor not less */
        return NULL;
    ScalarOp opposite = a->op == S_LT ? S_GE : a->op == S_LE ? S_GT : a->op == S_GT ? S_LE : S_LT;
    return scalar_2(pool, opposite, a->in[0], a->in[1]);
}

static Scalar *selects(ScalarPool *pool, Scalar *c, Scalar *a, Scalar *b)
{
    if (c->op == S_CONST)
        return c->i ? a : b;
    if (a == b)
        return a;
    if (c->op == S_NOT && c->in[0]->dtype == DT_BOOL)
        return scalar_select(pool, c->in[0], b, a);
    if (a->dtype != DT_BOOL || a->op != S_CONST || b->op != S_CONST)
        return NULL;
    return a->i ? c : scalar_1(pool, S_NOT, c); /* the arms differ */
}

static Scalar *units(ScalarPool *pool, ScalarOp op, DType dtype, Scalar *a)
{
    switch (op) {
    case S_NOT:
        return negations(pool, a);
    case S_NEG: /* a second change of sign */
        return a->op == S_NEG ? a->in[0] : NULL;
    case S_ABS:
        return a->op == S_ABS ? a : NULL;
    case S_BITNOT:
        return a->op == S_BITNOT ? a->in[0] : NULL;
    case S_CEIL:
    case S_FLOOR:
    case S_TRUNC:
    case S_ROUND:
        return is_exact_dtype(a->dtype) ? a : NULL;
    case S_ISNAN:
    case S_ISINF:
        return is_exact_dtype(a->dtype) ? scalar_int(pool, DT_BOOL, 0) : NULL;
    case S_BITCAST:
        return a->dtype == dtype ? a : NULL;
    default:
        return NULL;
    }
}

static Scalar *pairs(ScalarPool *pool, ScalarOp op, DType dtype, Scalar *a, Scalar *b)
{
    switch (op) {
    case S_ADD:
    case S_SUB:
        return sums(pool, op, dtype, a, b);
    case S_MUL:
        return products(a, b);
    case S_DIV:
        return is_one(b) ? a : NULL;
    case S_FLOORDIV:
    case S_TRUNCDIV:
        return scalar_is_int_value(b, 1) && dtype != DT_BOOL ? a : NULL;
    case S_POW:
        return powers(pool, dtype, a, b);
    case S_MAXIMUM:
    case S_MINIMUM:
    case S_FMAX:
    case S_FMIN:
    case S_BITAND:
    case S_BITOR:
        return a == b ? a : NULL;
    case S_SHL:
    case S_SHR:
        return is_zero(b) ? a : NULL;
    case S_EQ:
    case S_NE:
    case S_LT:
    case S_LE:
    case S_GT:
    case S_GE:
        return relations(pool, op, a, b);
    case S_AND:
    case S_OR:
    case S_XOR:
        return conjunctions(pool, op, a, b);
    default:
        return NULL;
    }
}

Scalar *scalar_apply_rules(ScalarPool *pool, ScalarOp op, DType dtype, Scalar *const *in)
{
    if (op == S_SELECT)
        return selects(pool, in[0], in[1], in[2]);
    if (scalar_op_arity(op) == 1)
        return units(pool, op, dtype, in[0]);
    if (scalar_op_arity(op) != 2)
        return NULL;
    Scalar *simple = pairs(pool, op, dtype, in[0], in[1]);
    return simple ? simple : index_arithmetic(pool, op, in[0], in[1]);
}
