/* floordiv and mod of integer polynomials.
 *
 * In: a and b with a = b*q + r.  Out: q + r' // b' and its partner for mod, reduced until nothing
 * more applies:
 *
 *   terms that b divides leave            (i*s0 + j) // s0           ->  i + j // s0
 *   a rest inside [0, b) vanishes         j // s0 with j < s0        ->  0
 *   a common factor g and a tail < g go   (8*j + k) // 48, k < 8     ->  j // 6
 *   nested digits                         (x // 4) // 3, (x % 12) // 4 -> x // 12, (x // 4) % 3
 *
 * A divisor that may be zero counts as positive: where it is zero there is no value to keep. */
#include "ir/expr_internal.h"

enum { MAX_DEPTH = 40, MAX_STEPS = 64 };

typedef struct Division {
    ExprPool *pool;
    bool      is_mod;
    Poly      d;        /* divisor */
    Poly      q, r;     /* a == d*q + r */
    int64_t   c;        /* the divisor when it is a number, else 0 */
    bool      positive; /* the divisor is */
} Division;

static const Expr *divide(ExprPool *pool, bool is_mod, const Expr *a, const Expr *b)
{
    return is_mod ? expr_mod(pool, a, b) : expr_floordiv(pool, a, b);
}

/* ---- d*q leaves the rest --------------------------------------------------------------------- */
static const Term *lead_of(const Poly *d)
{
    for (int i = 0; i < d->n; i++)
        if (d->terms[i].n)
            return &d->terms[i];
    return &d->terms[0];
}

/* The multiple of c taken from a coefficient: toward zero, so that a sign stays; a plain number
 * becomes >= 0. */
static bool multiple_in(const Division *v, const Term *t, Term *quotient)
{
    if (!v->c)
        return term_divides(lead_of(&v->d), t, quotient);
    *quotient = *t;
    quotient->coeff = t->n ? t->coeff / v->c : floordiv_i64(t->coeff, v->c);
    return quotient->coeff != 0;
}

static bool take_multiples(Division *v)
{
    Poly q = v->q, r = v->r;
    for (int step = 0; step < MAX_STEPS; step++) {
        Term t;
        int  i = 0;
        while (i < r.n && !multiple_in(v, &r.terms[i], &t))
            i++;
        if (i == r.n) {
            v->q = q;
            v->r = r;
            return true;
        }
        Poly part = v->d;
        if (!poly_add_term(&q, &t, 1) || !poly_mul_term(&part, &t) || !poly_add(&r, &part, -1))
            return false;
    }
    return false;
}

static bool rest_vanishes(const Division *v)
{
    return v->r.n == 0 || poly_within(v->pool, &v->r, &v->d);
}

/* All values of the rest lie in one [k*c, (k+1)*c). */
static bool take_whole_range(Division *v)
{
    ExprRange range = poly_range(&v->r);
    if (!v->c || range.min == INT64_MIN || range.max == INT64_MAX)
        return false;
    int64_t k = floordiv_i64(range.min, v->c);
    Term    one = {.coeff = 1};
    Poly    part;
    poly_int(&part, v->c);
    return k == floordiv_i64(range.max, v->c) && poly_add_term(&v->q, &one, k) &&
           poly_add(&v->r, &part, -k);
}

/* ---- reductions to a smaller division -------------------------------------------------------- */
/* r == g*a + tail with 0 <= tail < g: then r // (g*b) is a // b and r % (g*b) is g*(a % b) + tail.
 */
static bool split_by_factor(const Division *v, const Term *g, Poly *a, Poly *tail)
{
    a->n = tail->n = 0;
    for (int i = 0; i < v->r.n; i++) {
        const Term *t = &v->r.terms[i];
        Term        q;
        if (term_divides(g, t, &q)) {
            if (!poly_add_term(a, &q, 1))
                return false;
        } else if (!t->n && !g->n) {
            Term low = {.coeff = t->coeff - floordiv_i64(t->coeff, g->coeff) * g->coeff};
            q = (Term){.coeff = floordiv_i64(t->coeff, g->coeff)};
            if (!poly_add_term(a, &q, 1) || !poly_add_term(tail, &low, 1))
                return false;
        } else if (!poly_add_term(tail, t, 1)) {
            return false;
        }
    }
    if (!tail->n)
        return true;
    Poly limit = {.n = 1, .terms = {*g}};
    return v->positive && a->n && poly_within(v->pool, tail, &limit);
}

static bool divided_by(const Poly *p, const Term *g, Poly *out)
{
    out->n = 0;
    for (int i = 0; i < p->n; i++) {
        Term q;
        if (!term_divides(g, &p->terms[i], &q) || !poly_add_term(out, &q, 1))
            return false;
    }
    return true;
}

static Term content_of(const Poly *d)
{
    Term g = d->terms[0];
    if (g.coeff < 0)
        g.coeff = g.coeff == INT64_MIN ? 1 : -g.coeff;
    for (int i = 1; i < d->n; i++)
        term_gcd(&g, &d->terms[i], &g);
    return g;
}

static const Expr *with_quotient(Division *v, const Expr *rest)
{
    return v->is_mod || !v->q.n ? rest : expr_add(v->pool, poly_expr(v->pool, &v->q), rest);
}

static const Expr *reduce_factor(Division *v)
{
    Term content = content_of(&v->d);
    for (int i = 0; i < v->r.n; i++) {
        Term g;
        Poly a, tail, d;
        term_gcd(&v->r.terms[i], &content, &g);
        if ((g.coeff == 1 && !g.n) || !split_by_factor(v, &g, &a, &tail) ||
            !divided_by(&v->d, &g, &d))
            continue;
        const Expr *small =
            divide(v->pool, v->is_mod, poly_expr(v->pool, &a), poly_expr(v->pool, &d));
        if (!v->is_mod)
            return with_quotient(v, small);
        return expr_add(v->pool, expr_mul(v->pool, term_expr(v->pool, &g), small),
                        poly_expr(v->pool, &tail));
    }
    return NULL;
}

static bool is_positive(const Expr *e)
{
    return expr_range(e).min >= 0;
}

static const Expr *only_atom(const Poly *p)
{
    bool one = p->n == 1 && p->terms[0].n == 1 && p->terms[0].coeff == 1;
    return one ? p->terms[0].atoms[0] : NULL;
}

/* (x // c + y) // d is (x + c*y) // (c*d). */
static const Expr *join_floordiv(Division *v)
{
    ExprPool   *pool = v->pool;
    const Expr *d = poly_expr(pool, &v->d);
    for (int i = 0; i < v->r.n && v->positive && !v->is_mod; i++) {
        Poly        term = {.n = 1, .terms = {v->r.terms[i]}}, y = v->r;
        const Expr *atom = only_atom(&term);
        if (!atom || atom->kind != EXPR_FLOORDIV || !is_positive(atom->args[1]))
            continue;
        if (v->r.n > 1 && atom->args[1]->kind != EXPR_INT)
            continue;
        y.terms[i] = y.terms[--y.n];
        const Expr *c = atom->args[1];
        const Expr *x = expr_add(pool, atom->args[0], expr_mul(pool, c, poly_expr(pool, &y)));
        const Expr *cd = expr_mul(pool, c, d);
        if (expr_range(cd).min < 0)
            continue;
        return with_quotient(v, expr_floordiv(pool, x, cd));
    }
    return NULL;
}

/* (x % (a*d)) // d is (x // d) % a. */
static const Expr *digit_of_mod(Division *v)
{
    const Expr *atom = only_atom(&v->r);
    if (v->is_mod || !atom || atom->kind != EXPR_MOD || !v->positive || !is_positive(atom->args[1]))
        return NULL;
    Poly m, a;
    poly_from(atom->args[1], &m);
    if (v->d.n != 1 || !divided_by(&m, &v->d.terms[0], &a))
        return NULL;
    const Expr *x = expr_floordiv(v->pool, atom->args[0], poly_expr(v->pool, &v->d));
    return with_quotient(v, expr_mod(v->pool, x, poly_expr(v->pool, &a)));
}

/* x % m counts as x where d divides m. */
static const Expr *mod_of_mod(Division *v)
{
    if (!v->is_mod || v->d.n != 1)
        return NULL;
    for (int i = 0; i < v->r.n; i++) {
        Term t = v->r.terms[i];
        Poly m, q, x;
        if (t.n != 1 || t.atoms[0]->kind != EXPR_MOD)
            continue;
        poly_from(t.atoms[0]->args[1], &m);
        poly_from(t.atoms[0]->args[0], &x);
        Poly r = v->r;
        if (!divided_by(&m, &v->d.terms[0], &q) || !poly_add_term(&r, &t, -1) ||
            !poly_add(&r, &x, t.coeff))
            continue;
        return expr_mod(v->pool, poly_expr(v->pool, &r), poly_expr(v->pool, &v->d));
    }
    return NULL;
}

static const Expr *finish(Division *v, const Expr *a, const Expr *b)
{
    ExprPool   *pool = v->pool;
    const Expr *r = poly_expr(pool, &v->r);
    if (r != a)
        return with_quotient(v, divide(pool, v->is_mod, r, b));
    const Expr *args[] = {r, b};
    return expr_intern(pool, v->is_mod ? EXPR_MOD : EXPR_FLOORDIV, EXPR_TYPE_INT, args, 2);
}

static const Expr *divide_polys(Division *v, const Expr *a, const Expr *b)
{
    poly_from(a, &v->r);
    poly_from(b, &v->d);
    v->q.n = 0;
    poly_is_const(&v->d, &v->c);
    v->positive = expr_range(b).min >= 0;
    bool split = take_multiples(v);
    if (split && (rest_vanishes(v) || take_whole_range(v)))
        return poly_expr(v->pool, v->is_mod ? &v->r : &v->q);
    if (v->d.n > 1) { /* dividing by a sum: only where it comes out even */
        v->q.n = 0;
        poly_from(a, &v->r);
    }
    const Expr *e = reduce_factor(v);
    if (!e)
        e = digit_of_mod(v);
    if (!e)
        e = join_floordiv(v);
    if (!e)
        e = mod_of_mod(v);
    return e ? e : finish(v, a, b);
}

static const Expr *fold(ExprPool *pool, bool is_mod, int64_t a, int64_t b)
{
    int64_t q = floordiv_i64(a, b);
    return expr_int(pool, is_mod ? a - q * b : q);
}

static const Expr *simplify_division(ExprPool *pool, bool is_mod, const Expr *a, const Expr *b)
{
    const Expr *args[] = {a, b}, *plain;
    ExprKind    kind = is_mod ? EXPR_MOD : EXPR_FLOORDIV;
    int64_t     x, y = 0;
    bool        is_number = expr_is_int(b, &y);
    if ((is_number && (y == 0 || y == INT64_MIN)) || a->size > SIMPLIFY_LIMIT ||
        b->size > SIMPLIFY_LIMIT || pool->depth >= MAX_DEPTH)
        return expr_intern(pool, kind, EXPR_TYPE_INT, args, 2);
    if (is_number && y == 1)
        return is_mod ? expr_int(pool, 0) : a;
    if (expr_is_value(a, 0) || a == b)
        return expr_int(pool, !is_mod && a == b);
    if (is_number && expr_is_int(a, &x) && x != INT64_MIN)
        return fold(pool, is_mod, x, y);
    if (is_number && y < 0) { /* a // -c is -a // c, a % -c is -(-a % c) */
        plain = divide(pool, is_mod, expr_neg(pool, a), expr_int(pool, -y));
        return is_mod ? expr_neg(pool, plain) : plain;
    }
    Division v = {.pool = pool, .is_mod = is_mod};
    return divide_polys(&v, a, b);
}

static const Expr *division(ExprPool *pool, bool is_mod, const Expr *a, const Expr *b)
{
    pool->depth++;
    const Expr *e = simplify_division(pool, is_mod, expr_to_int(pool, a), expr_to_int(pool, b));
    pool->depth--;
    return e;
}

static const Expr *float_division(ExprPool *pool, const char *name, const Expr *a, const Expr *b)
{
    const Expr *args[] = {expr_to_float(pool, a), expr_to_float(pool, b)};
    return expr_make(pool, EXPR_CALL, name, args, 2);
}

const Expr *expr_floordiv(ExprPool *pool, const Expr *a, const Expr *b)
{
    if (a->type == EXPR_TYPE_FLOAT || b->type == EXPR_TYPE_FLOAT)
        return float_division(pool, "float_floordiv", a, b);
    return division(pool, false, a, b);
}

const Expr *expr_mod(ExprPool *pool, const Expr *a, const Expr *b)
{
    if (a->type == EXPR_TYPE_FLOAT || b->type == EXPR_TYPE_FLOAT)
        return float_division(pool, "float_mod", a, b);
    return division(pool, true, a, b);
}

/* (a + b - 1) // b where b is positive; -(-a // b) is the same for any sign. */
const Expr *expr_ceildiv(ExprPool *pool, const Expr *a, const Expr *b)
{
    if (expr_range(b).min < 0 || a->type == EXPR_TYPE_FLOAT || b->type == EXPR_TYPE_FLOAT)
        return expr_neg(pool, expr_floordiv(pool, expr_neg(pool, a), b));
    const Expr *up = expr_sub(pool, b, expr_int(pool, 1));
    return expr_floordiv(pool, expr_add(pool, a, up), b);
}
