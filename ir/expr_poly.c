/* Integer polynomials over atoms: what sums and products are made canonical with.
 *
 * In: expressions.  Out: sums of monomials with like terms collected, terms and factors in
 * expr_order, the constant last; `(a + b)*s0` is `a*s0 + b*s0`, `x // d * d + x % d` is `x`. */
#include "ir/expr_internal.h"

#include <string.h>

int64_t gcd_i64(int64_t a, int64_t b)
{
    uint64_t x = a < 0 ? -(uint64_t)a : (uint64_t)a, y = b < 0 ? -(uint64_t)b : (uint64_t)b;
    while (y) {
        uint64_t r = x % y;
        x = y;
        y = r;
    }
    return x > INT64_MAX ? 1 : (int64_t)x;
}

int64_t floordiv_i64(int64_t a, int64_t b)
{
    int64_t q = a / b;
    return a % b && (a < 0) != (b < 0) ? q - 1 : q;
}

/* ---- terms ----------------------------------------------------------------------------------- */
static Term atom_term(const Expr *e)
{
    return (Term){.coeff = 1, .n = 1, .atoms = {e}};
}

static Term term_from(const Expr *e)
{
    if (e->kind == EXPR_INT)
        return (Term){.coeff = e->value};
    if (e->kind != EXPR_MUL || e->type != EXPR_TYPE_INT)
        return atom_term(e);
    Term t = {.coeff = 1};
    int  first = e->args[0]->kind == EXPR_INT;
    if (first)
        t.coeff = e->args[0]->value;
    if (e->n - first > POLY_DEGREE)
        return atom_term(e);
    for (int i = first; i < e->n; i++) {
        /* Products that could not be folded hold more than one number. */
        if (e->args[i]->kind == EXPR_INT)
            return atom_term(e);
        t.atoms[t.n++] = e->args[i];
    }
    return t;
}

static bool same_atoms(const Term *a, const Term *b)
{
    return a->n == b->n && !memcmp(a->atoms, b->atoms, (size_t)a->n * sizeof *a->atoms);
}

bool term_mul(const Term *a, const Term *b, Term *out)
{
    Term t = {0};
    if (a->n + b->n > POLY_DEGREE || __builtin_mul_overflow(a->coeff, b->coeff, &t.coeff))
        return false;
    int i = 0, j = 0;
    while (i < a->n || j < b->n) {
        bool from_a = j == b->n || (i < a->n && expr_order(a->atoms[i], b->atoms[j]) <= 0);
        t.atoms[t.n++] = from_a ? a->atoms[i++] : b->atoms[j++];
    }
    *out = t;
    return true;
}

bool term_divides(const Term *divisor, const Term *t, Term *quotient)
{
    if (divisor->coeff == 0 || divisor->n > t->n ||
        (divisor->coeff == -1 && t->coeff == INT64_MIN) || t->coeff % divisor->coeff)
        return false;
    Term q = {.coeff = t->coeff / divisor->coeff};
    int  j = 0;
    for (int i = 0; i < t->n; i++) {
        if (j < divisor->n && t->atoms[i] == divisor->atoms[j])
            j++;
        else
            q.atoms[q.n++] = t->atoms[i];
    }
    if (j < divisor->n)
        return false;
    *quotient = q;
    return true;
}

void term_gcd(const Term *a, const Term *b, Term *out)
{
    Term g = {.coeff = gcd_i64(a->coeff, b->coeff)};
    for (int i = 0, j = 0; i < a->n && j < b->n;) {
        int c = expr_order(a->atoms[i], b->atoms[j]);
        if (c == 0)
            g.atoms[g.n++] = a->atoms[i];
        i += c <= 0;
        j += c >= 0;
    }
    *out = g;
}

/* Higher degrees before their prefixes; the constant is last. */
static int term_order(const Term *a, const Term *b)
{
    for (int i = 0; i < a->n && i < b->n; i++) {
        int c = expr_order(a->atoms[i], b->atoms[i]);
        if (c)
            return c;
    }
    return b->n - a->n;
}

/* ---- polynomials ----------------------------------------------------------------------------- */
void poly_int(Poly *p, int64_t value)
{
    p->n = 0;
    if (value)
        p->terms[p->n++] = (Term){.coeff = value};
}

bool poly_is_const(const Poly *p, int64_t *value)
{
    if (p->n > 1 || (p->n == 1 && p->terms[0].n))
        return false;
    *value = p->n ? p->terms[0].coeff : 0;
    return true;
}

bool poly_add_term(Poly *p, const Term *term, int64_t scale)
{
    Term t = *term;
    if (__builtin_mul_overflow(t.coeff, scale, &t.coeff))
        return false;
    if (!t.coeff)
        return true;
    for (int i = 0; i < p->n; i++) {
        if (!same_atoms(&p->terms[i], &t))
            continue;
        if (__builtin_add_overflow(p->terms[i].coeff, t.coeff, &p->terms[i].coeff))
            return false;
        if (!p->terms[i].coeff)
            p->terms[i] = p->terms[--p->n];
        return true;
    }
    if (p->n == POLY_TERMS)
        return false;
    p->terms[p->n++] = t;
    return true;
}

bool poly_add(Poly *p, const Poly *q, int64_t scale)
{
    for (int i = 0; i < q->n; i++)
        if (!poly_add_term(p, &q->terms[i], scale))
            return false;
    return true;
}

bool poly_mul_term(Poly *p, const Term *term)
{
    if (!term->coeff) {
        p->n = 0;
        return true;
    }
    for (int i = 0; i < p->n; i++)
        if (!term_mul(&p->terms[i], term, &p->terms[i]))
            return false;
    return true;
}

bool poly_mul(const Poly *a, const Poly *b, Poly *out)
{
    out->n = 0;
    for (int i = 0; i < a->n; i++)
        for (int j = 0; j < b->n; j++) {
            Term t;
            if (!term_mul(&a->terms[i], &b->terms[j], &t) || !poly_add_term(out, &t, 1))
                return false;
        }
    return true;
}

void poly_from(const Expr *e, Poly *out)
{
    out->n = 0;
    bool ok = true;
    if (e->kind == EXPR_ADD && e->type == EXPR_TYPE_INT) {
        for (int i = 0; i < e->n && ok; i++) {
            Term t = term_from(e->args[i]);
            ok = poly_add_term(out, &t, 1);
        }
    } else {
        Term t = term_from(e);
        ok = poly_add_term(out, &t, 1);
    }
    if (!ok) {
        out->n = 1;
        out->terms[0] = atom_term(e);
    }
}

const Expr *term_expr(ExprPool *pool, const Term *term)
{
    const Expr *args[POLY_DEGREE + 1];
    int         n = 0;
    if (!term->n)
        return expr_int(pool, term->coeff);
    if (term->coeff != 1)
        args[n++] = expr_int(pool, term->coeff);
    for (int i = 0; i < term->n; i++)
        args[n++] = term->atoms[i];
    return n == 1 ? args[0] : expr_intern(pool, EXPR_MUL, EXPR_TYPE_INT, args, n);
}

/* ---- x // d * d + x % d ---------------------------------------------------------------------- */
static int64_t coeff_of(const Poly *p, const Term *t)
{
    for (int i = 0; i < p->n; i++)
        if (same_atoms(&p->terms[i], t))
            return p->terms[i].coeff;
    return 0;
}

static bool holds_all(const Poly *p, const Poly *part)
{
    for (int i = 0; i < part->n; i++)
        if (coeff_of(p, &part->terms[i]) != part->terms[i].coeff)
            return false;
    return true;
}

/* p holds m * (x % d): when it also holds m * d * (x // d), both are m * x. */
static bool join_one(ExprPool *pool, Poly *p, const Term *term, int at)
{
    const Expr *mod = term->atoms[at];
    Term        m = *term;
    m.n--;
    for (int k = at; k < m.n; k++)
        m.atoms[k] = m.atoms[k + 1];
    Poly d, q, part, sum;
    poly_from(mod->args[1], &d);
    poly_from(expr_floordiv(pool, mod->args[0], mod->args[1]), &q);
    if (!poly_mul(&d, &q, &part) || !poly_mul_term(&part, &m) || !part.n || !holds_all(p, &part))
        return false;
    poly_from(mod->args[0], &q);
    sum = *p;
    if (!poly_add(&sum, &part, -1) || !poly_add_term(&sum, term, -1) || !poly_mul_term(&q, &m) ||
        !poly_add(&sum, &q, 1))
        return false;
    *p = sum;
    return true;
}

static bool holds_kind(const Poly *p, ExprKind kind)
{
    for (int i = 0; i < p->n; i++)
        for (int k = 0; k < p->terms[i].n; k++)
            if (p->terms[i].atoms[k]->kind == kind)
                return true;
    return false;
}

static bool join_any(ExprPool *pool, Poly *p)
{
    for (int i = 0; i < p->n; i++)
        for (int k = 0; k < p->terms[i].n; k++) {
            Term term = p->terms[i];
            if (term.atoms[k]->kind == EXPR_MOD && join_one(pool, p, &term, k))
                return true;
        }
    return false;
}

static void sort_terms(Poly *p)
{
    for (int i = 1; i < p->n; i++) {
        Term t = p->terms[i];
        int  j = i;
        for (; j > 0 && term_order(&p->terms[j - 1], &t) > 0; j--)
            p->terms[j] = p->terms[j - 1];
        p->terms[j] = t;
    }
}

const Expr *poly_expr(ExprPool *pool, Poly *p)
{
    if (p->n > 1 && holds_kind(p, EXPR_MOD) && holds_kind(p, EXPR_FLOORDIV))
        while (join_any(pool, p))
            continue;
    sort_terms(p);
    const Expr *args[POLY_TERMS];
    for (int i = 0; i < p->n; i++)
        args[i] = term_expr(pool, &p->terms[i]);
    if (p->n == 0)
        return expr_int(pool, 0);
    return p->n == 1 ? args[0] : expr_intern(pool, EXPR_ADD, EXPR_TYPE_INT, args, p->n);
}
