/* max and min, relations, logic.
 *
 * In: operands.  Out: what the ranges decide is a constant; relations of integers get one form,
 * with like terms cancelled and common factors divided out:  2*s0 + 4 <= 2*s1  ->  s0 + 2 <= s1,
 * 3*s0 == 7  ->  False. */
#include "ir/expr_internal.h"

enum { MAX_PROVEN_ARGS = 8 };

/* ---- max and min ----------------------------------------------------------------------------- */
typedef struct Args {
    Arena *arena;
    VEC(const Expr *) list;
} Args;

static void put_flat(Args *out, ExprKind kind, const Expr *e)
{
    if (e->kind == kind) {
        for (int i = 0; i < e->n; i++)
            put_flat(out, kind, e->args[i]);
        return;
    }
    for (int i = 0; i < out->list.n; i++)
        if (out->list.items[i] == e)
            return;
    VEC_PUSH(out->arena, out->list, e);
}

/* a can go because of b. */
static bool is_dominated(ExprPool *pool, ExprKind kind, const Expr *a, const Expr *b)
{
    if (a->kind == EXPR_FLOAT && b->kind == EXPR_FLOAT)
        return kind == EXPR_MAX ? a->fvalue <= b->fvalue : a->fvalue >= b->fvalue;
    return kind == EXPR_MAX ? expr_prove_le(pool, a, b) : expr_prove_le(pool, b, a);
}

static void drop_dominated(ExprPool *pool, ExprKind kind, Args *args)
{
    for (int i = 0; i < args->list.n; i++)
        for (int j = 0; j < args->list.n; j++) {
            if (i == j || !is_dominated(pool, kind, args->list.items[i], args->list.items[j]))
                continue;
            for (int k = i + 1; k < args->list.n; k++)
                args->list.items[k - 1] = args->list.items[k];
            args->list.n--;
            i--;
            break;
        }
}

const Expr *expr_extremum(ExprPool *pool, ExprKind kind, const Expr *const *args, int n)
{
    Args flat = {.arena = pool->arena};
    bool is_float = false;
    for (int i = 0; i < n; i++)
        is_float |= args[i]->type == EXPR_TYPE_FLOAT;
    for (int i = 0; i < n; i++)
        put_flat(&flat, kind, is_float ? expr_to_float(pool, args[i]) : expr_to_int(pool, args[i]));
    if (!flat.list.n)
        return NULL;
    expr_sort(flat.list.items, flat.list.n);
    if (flat.list.n <= MAX_PROVEN_ARGS)
        drop_dominated(pool, kind, &flat);
    if (flat.list.n == 1)
        return flat.list.items[0];
    return expr_intern(pool, kind, is_float ? EXPR_TYPE_FLOAT : EXPR_TYPE_INT, flat.list.items,
                       flat.list.n);
}

const Expr *expr_max(ExprPool *pool, const Expr *a, const Expr *b)
{
    const Expr *args[] = {a, b};
    return expr_extremum(pool, EXPR_MAX, args, 2);
}

const Expr *expr_min(ExprPool *pool, const Expr *a, const Expr *b)
{
    const Expr *args[] = {a, b};
    return expr_extremum(pool, EXPR_MIN, args, 2);
}

/* ---- relations ------------------------------------------------------------------------------- */
static bool holds(ExprKind kind, int sign)
{
    switch (kind) {
    case EXPR_EQ:
        return sign == 0;
    case EXPR_NE:
        return sign != 0;
    case EXPR_LT:
        return sign < 0;
    default:
        return sign <= 0;
    }
}

static bool is_below(ExprPool *pool, const Poly *d, int64_t scale, int64_t plus)
{
    Poly p = {0};
    Term more = {.coeff = plus};
    return poly_add(&p, d, scale) && poly_add_term(&p, &more, 1) && poly_nonneg(pool, &p);
}

/* The truth of `d kind 0` from what is known of d; -1: open. */
static int decide(ExprPool *pool, ExprKind kind, const Poly *d)
{
    int64_t value;
    if (poly_is_const(d, &value))
        return holds(kind, value < 0 ? -1 : value > 0);
    if (is_below(pool, d, 1, -1)) /* d >= 1 */
        return holds(kind, 1);
    if (is_below(pool, d, -1, -1)) /* d <= -1 */
        return holds(kind, -1);
    if (kind == EXPR_LT && is_below(pool, d, 1, 0))
        return 0;
    if (kind == EXPR_LE && is_below(pool, d, -1, 0))
        return 1;
    return -1;
}

/* Divides by the gcd of the coefficients; the constant rounds as the relation allows. -1, or what
 * was decided. */
static int reduce(ExprKind kind, Poly *d)
{
    int64_t g = 0, k = 0;
    for (int i = 0; i < d->n; i++)
        if (d->terms[i].n)
            g = gcd_i64(g, d->terms[i].coeff);
        else
            k = d->terms[i].coeff;
    if (g <= 1 || k == INT64_MIN)
        return -1;
    if (k % g && (kind == EXPR_EQ || kind == EXPR_NE))
        return kind == EXPR_NE;
    int64_t rounded = kind == EXPR_LT ? floordiv_i64(k, g) : -floordiv_i64(-k, g);
    Poly    out = {0};
    for (int i = 0; i < d->n; i++) {
        Term t = d->terms[i];
        t.coeff = t.n ? t.coeff / g : rounded;
        poly_add_term(&out, &t, 1);
    }
    *d = out;
    return -1;
}

/* Terms with positive coefficients stand on the left, the others on the right; a constant where it
 * is positive, or alone. */
static bool put_sides(const Poly *d, Poly *left, Poly *right)
{
    int64_t k = 0;
    left->n = right->n = 0;
    for (int i = 0; i < d->n; i++) {
        const Term *t = &d->terms[i];
        if (!t->n)
            k = t->coeff;
        else if (!poly_add_term(t->coeff > 0 ? left : right, t, t->coeff > 0 ? 1 : -1))
            return false;
    }
    Term number = {.coeff = k};
    bool on_left = left->n && right->n ? k > 0 : !left->n;
    return poly_add_term(on_left ? left : right, &number, on_left ? 1 : -1);
}

static const Expr *int_relation(ExprPool *pool, ExprKind kind, const Expr *a, const Expr *b)
{
    const Expr *args[] = {a, b};
    Poly        d, q, left, right;
    if (kind == EXPR_LE && (expr_is_value(b, INT64_MAX) || expr_is_value(a, INT64_MIN)))
        return expr_bool(pool, true); /* how the export writes "no bound" */
    poly_from(a, &d);
    poly_from(b, &q);
    if (a->size > SIMPLIFY_LIMIT || b->size > SIMPLIFY_LIMIT || !poly_add(&d, &q, -1))
        return expr_intern(pool, kind, EXPR_TYPE_BOOL, args, 2);
    poly_from(poly_expr(pool, &d), &d); /* sorted and joined */
    int truth = decide(pool, kind, &d);
    if (truth < 0)
        truth = reduce(kind, &d);
    if (truth >= 0)
        return expr_bool(pool, truth);
    if ((kind == EXPR_EQ || kind == EXPR_NE) && d.terms[0].coeff < 0) {
        q = d;
        d.n = 0;
        if (!poly_add(&d, &q, -1))
            return expr_intern(pool, kind, EXPR_TYPE_BOOL, args, 2);
    }
    if (!put_sides(&d, &left, &right))
        return expr_intern(pool, kind, EXPR_TYPE_BOOL, args, 2);
    args[0] = poly_expr(pool, &left);
    args[1] = poly_expr(pool, &right);
    return expr_intern(pool, kind, EXPR_TYPE_BOOL, args, 2);
}

static const Expr *bool_relation(ExprPool *pool, ExprKind kind, const Expr *a, const Expr *b)
{
    const Expr *args[] = {a, b};
    bool        is_eq = kind == EXPR_EQ;
    if (a == b)
        return expr_bool(pool, is_eq);
    for (int i = 0; i < 2; i++)
        if (args[i]->kind == EXPR_BOOL)
            return args[i]->value == is_eq ? args[1 - i] : expr_not(pool, args[1 - i]);
    expr_sort(args, 2);
    return expr_intern(pool, kind, EXPR_TYPE_BOOL, args, 2);
}

static const Expr *float_relation(ExprPool *pool, ExprKind kind, const Expr *a, const Expr *b)
{
    const Expr *args[] = {expr_to_float(pool, a), expr_to_float(pool, b)};
    double      x = args[0]->fvalue, y = args[1]->fvalue;
    if (args[0]->kind == EXPR_FLOAT && args[1]->kind == EXPR_FLOAT) {
        if (x != x || y != y)
            return expr_bool(pool, kind == EXPR_NE);
        return expr_bool(pool, holds(kind, x < y ? -1 : x > y));
    }
    if (kind == EXPR_EQ || kind == EXPR_NE)
        expr_sort(args, 2);
    return expr_intern(pool, kind, EXPR_TYPE_BOOL, args, 2);
}

const Expr *expr_cmp(ExprPool *pool, ExprKind kind, const Expr *a, const Expr *b)
{
    if (a->type == EXPR_TYPE_FLOAT || b->type == EXPR_TYPE_FLOAT)
        return float_relation(pool, kind, a, b);
    bool is_equality = kind == EXPR_EQ || kind == EXPR_NE;
    if (is_equality && a->type == EXPR_TYPE_BOOL && b->type == EXPR_TYPE_BOOL)
        return bool_relation(pool, kind, a, b);
    return int_relation(pool, kind, expr_to_int(pool, a), expr_to_int(pool, b));
}

/* ---- logic ----------------------------------------------------------------------------------- */
const Expr *expr_truth(ExprPool *pool, const Expr *e)
{
    if (e->type == EXPR_TYPE_BOOL)
        return e;
    return expr_cmp(pool, EXPR_NE, e, expr_int(pool, 0));
}

const Expr *expr_not(ExprPool *pool, const Expr *a)
{
    a = expr_truth(pool, a);
    if (a->kind == EXPR_BOOL)
        return expr_bool(pool, !a->value);
    if (a->kind == EXPR_NOT)
        return a->args[0];
    if (a->kind == EXPR_EQ || a->kind == EXPR_NE)
        return expr_cmp(pool, a->kind == EXPR_EQ ? EXPR_NE : EXPR_EQ, a->args[0], a->args[1]);
    /* Not for floats: a NaN is neither less nor not less. */
    if ((a->kind == EXPR_LT || a->kind == EXPR_LE) && a->args[0]->type == EXPR_TYPE_INT)
        return expr_cmp(pool, a->kind == EXPR_LT ? EXPR_LE : EXPR_LT, a->args[1], a->args[0]);
    return expr_intern(pool, EXPR_NOT, EXPR_TYPE_BOOL, &a, 1);
}

const Expr *expr_logic(ExprPool *pool, ExprKind kind, const Expr *const *args, int n)
{
    Args flat = {.arena = pool->arena}, kept = {.arena = pool->arena};
    bool neutral = kind == EXPR_AND;
    for (int i = 0; i < n; i++)
        put_flat(&flat, kind, expr_truth(pool, args[i]));
    for (int i = 0; i < flat.list.n; i++) {
        const Expr *e = flat.list.items[i];
        if (e->kind == EXPR_BOOL && e->value != neutral)
            return e;
        if (e->kind == EXPR_BOOL)
            continue;
        const Expr *opposite = expr_not(pool, e);
        for (int j = 0; j < kept.list.n; j++)
            if (kept.list.items[j] == opposite)
                return expr_bool(pool, !neutral);
        VEC_PUSH(kept.arena, kept.list, e);
    }
    if (!kept.list.n)
        return expr_bool(pool, neutral);
    if (kept.list.n == 1)
        return kept.list.items[0];
    expr_sort(kept.list.items, kept.list.n);
    return expr_intern(pool, kind, EXPR_TYPE_BOOL, kept.list.items, kept.list.n);
}
