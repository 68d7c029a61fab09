/* Ranges by saturating interval arithmetic, and proofs that a polynomial is never negative.
 *
 * A proof replaces atoms by a bound, in the direction that the sign of their coefficient says,
 * until plain interval arithmetic settles it:  64*s0 - 1 - 64*i0 - i1  with i0 < s0, i1 < 64:  i1
 * -> 63, i0 -> s0 - 1,  0 >= 0. */
#include "ir/expr_internal.h"

#include <math.h>

enum { PROOF_STEPS = 48 };

static const ExprRange everything = {INT64_MIN, INT64_MAX};

/* ---- saturating arithmetic: INT64_MIN and INT64_MAX are infinite ----------------------------- */
static bool is_open(int64_t x)
{
    return x == INT64_MIN || x == INT64_MAX;
}

static int64_t sat(__int128 x)
{
    return x >= INT64_MAX ? INT64_MAX : x <= INT64_MIN ? INT64_MIN : (int64_t)x;
}

static int64_t sat_add(int64_t a, int64_t b)
{
    return is_open(a) ? a : is_open(b) ? b : sat((__int128)a + b);
}

static int64_t sat_mul(int64_t a, int64_t b)
{
    if (!a || !b)
        return 0;
    if (is_open(a) || is_open(b))
        return (a < 0) == (b < 0) ? INT64_MAX : INT64_MIN;
    return sat((__int128)a * b);
}

static int64_t sat_div(int64_t a, int64_t b)
{
    if (is_open(b))
        return a == 0 || (a > 0) == (b > 0) ? 0 : -1;
    if (is_open(a))
        return (a > 0) == (b > 0) ? INT64_MAX : INT64_MIN;
    return floordiv_i64(a, b);
}

static int64_t min64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t max64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static ExprRange corners(ExprRange a, ExprRange b, int64_t (*f)(int64_t, int64_t))
{
    int64_t w = f(a.min, b.min), x = f(a.min, b.max), y = f(a.max, b.min), z = f(a.max, b.max);
    return (ExprRange){min64(min64(w, x), min64(y, z)), max64(max64(w, x), max64(y, z))};
}

/* A lower end at INT64_MAX is a number, not infinity (and so for an upper end at INT64_MIN). */
static ExprRange range_add(ExprRange a, ExprRange b)
{
    bool low_open = a.min == INT64_MIN || b.min == INT64_MIN;
    bool high_open = a.max == INT64_MAX || b.max == INT64_MAX;
    return (ExprRange){low_open ? INT64_MIN : sat((__int128)a.min + b.min),
                       high_open ? INT64_MAX : sat((__int128)a.max + b.max)};
}

static bool is_extreme(ExprRange r)
{
    return r.min == INT64_MAX || r.max == INT64_MIN;
}

static ExprRange range_mul(ExprRange a, ExprRange b)
{
    return is_extreme(a) || is_extreme(b) ? everything : corners(a, b, sat_mul);
}

/* ---- ranges of expressions ------------------------------------------------------------------- */
static ExprRange symbol_range(const Symbol *s)
{
    ExprRange r = {s->min, s->max};
    if (s->type == EXPR_TYPE_BOOL)
        return (ExprRange){0, 1};
    if (s->type == EXPR_TYPE_FLOAT)
        return everything;
    if (s->bound)
        r.max = min64(r.max, sat_add(expr_range(s->bound).max, -1));
    if (r.max < r.min)
        r.max = r.min; /* an empty loop: nothing is ever evaluated */
    return r;
}

static ExprRange floordiv_range(const Expr *e)
{
    ExprRange a = expr_range(e->args[0]), b = expr_range(e->args[1]);
    if (b.min == 0)
        b.min = 1; /* a zero divisor has no value */
    if (b.max == 0)
        b.max = -1;
    if (b.max < b.min || (b.min < 0 && b.max > 0) || is_extreme(a) || is_extreme(b))
        return everything;
    return corners(a, b, sat_div);
}

static ExprRange mod_range(const Expr *e)
{
    ExprRange a = expr_range(e->args[0]), b = expr_range(e->args[1]);
    ExprRange r = {min64(0, sat_add(b.min, 1)), max64(0, sat_add(b.max, -1))};
    if (b.min >= 0 && a.min >= 0)
        r.max = min64(r.max, a.max);
    return r;
}

static ExprRange bits_range(const Expr *e)
{
    ExprRange a = expr_range(e->args[0]), b = expr_range(e->args[1]);
    if (a.min < 0 || b.min < 0)
        return everything;
    int64_t top = max64(a.max, b.max), all = 1;
    if (e->kind == EXPR_BITAND)
        return (ExprRange){0, min64(a.max, b.max)};
    while (all - 1 < top && all < INT64_MAX / 2)
        all *= 2;
    return (ExprRange){0, all - 1 < top ? INT64_MAX : all - 1};
}

static ExprRange shift_range(const Expr *e)
{
    ExprRange a = expr_range(e->args[0]), b = expr_range(e->args[1]);
    if (a.min < 0 || b.min < 0)
        return everything;
    return (ExprRange){0, e->kind == EXPR_RSHIFT ? a.max : INT64_MAX};
}

static ExprRange nary_range(const Expr *e)
{
    ExprRange r = expr_range(e->args[0]);
    for (int i = 1; i < e->n; i++) {
        ExprRange x = expr_range(e->args[i]);
        if (e->kind == EXPR_ADD)
            r = range_add(r, x);
        else if (e->kind == EXPR_MUL)
            r = range_mul(r, x);
        else if (e->kind == EXPR_MAX)
            r = (ExprRange){max64(r.min, x.min), max64(r.max, x.max)};
        else
            r = (ExprRange){min64(r.min, x.min), min64(r.max, x.max)};
    }
    return r;
}

static ExprRange rounded_range(const Expr *e)
{
    FloatRange f = expr_float_range(e->args[0]);
    if (isnan(f.min) || isnan(f.max))
        return everything;
    double lo = e->kind == EXPR_CEIL ? ceil(f.min) : floor(f.min);
    double hi = e->kind == EXPR_FLOOR ? floor(f.max) : ceil(f.max);
    if (e->kind == EXPR_TRUNC) {
        lo = trunc(f.min);
        hi = trunc(f.max);
    }
    /* 2^62: far from where the conversion overflows */
    return (ExprRange){lo > -0x1p62 && lo < 0x1p62 ? (int64_t)lo
                       : lo > 0                    ? (int64_t)0x1p62
                                                   : INT64_MIN,
                       hi < 0x1p62 && hi > -0x1p62 ? (int64_t)hi
                       : hi < 0                    ? -(int64_t)0x1p62
                                                   : INT64_MAX};
}

ExprRange expr_range(const Expr *e)
{
    if (e->type == EXPR_TYPE_BOOL)
        return e->kind == EXPR_BOOL ? (ExprRange){e->value, e->value} : (ExprRange){0, 1};
    if (e->type == EXPR_TYPE_FLOAT || e->size > SIMPLIFY_LIMIT)
        return everything;
    switch (e->kind) {
    case EXPR_INT:
        return (ExprRange){e->value, e->value};
    case EXPR_SYMBOL:
        return symbol_range(e->symbol);
    case EXPR_ADD:
    case EXPR_MUL:
    case EXPR_MAX:
    case EXPR_MIN:
        return nary_range(e);
    case EXPR_FLOORDIV:
        return floordiv_range(e);
    case EXPR_MOD:
        return mod_range(e);
    case EXPR_BITAND:
    case EXPR_BITOR:
    case EXPR_BITXOR:
        return bits_range(e);
    case EXPR_LSHIFT:
    case EXPR_RSHIFT:
        return shift_range(e);
    case EXPR_POW:
        return expr_range(e->args[0]).min >= 0 ? (ExprRange){0, INT64_MAX} : everything;
    case EXPR_WHERE: {
        ExprRange a = expr_range(e->args[1]), b = expr_range(e->args[2]);
        return (ExprRange){min64(a.min, b.min), max64(a.max, b.max)};
    }
    case EXPR_TRUNC:
    case EXPR_CEIL:
    case EXPR_FLOOR:
    case EXPR_ROUND:
        return rounded_range(e);
    default:
        return everything;
    }
}

static double open_double(int64_t x)
{
    return x == INT64_MAX ? INFINITY : x == INT64_MIN ? -INFINITY : (double)x;
}

static FloatRange float_product(FloatRange a, FloatRange b)
{
    FloatRange all = {-INFINITY, INFINITY};
    double     w = a.min * b.min, x = a.min * b.max, y = a.max * b.min, z = a.max * b.max;
    if (isnan(w) || isnan(x) || isnan(y) || isnan(z))
        return all;
    return (FloatRange){fmin(fmin(w, x), fmin(y, z)), fmax(fmax(w, x), fmax(y, z))};
}

FloatRange expr_float_range(const Expr *e)
{
    FloatRange all = {-INFINITY, INFINITY};
    if (e->type != EXPR_TYPE_FLOAT) {
        ExprRange r = expr_range(e);
        return (FloatRange){open_double(r.min), open_double(r.max)};
    }
    if (e->kind == EXPR_FLOAT)
        return (FloatRange){e->fvalue, e->fvalue};
    if (e->kind == EXPR_TO_FLOAT)
        return expr_float_range(e->args[0]);
    if (e->size > SIMPLIFY_LIMIT || e->n != 2)
        return all;
    if (e->kind != EXPR_ADD && e->kind != EXPR_MUL && e->kind != EXPR_TRUEDIV)
        return all;
    FloatRange a = expr_float_range(e->args[0]), b = expr_float_range(e->args[1]);
    if (e->kind == EXPR_MUL)
        return float_product(a, b);
    if (e->kind == EXPR_ADD) {
        FloatRange sum = {a.min + b.min, a.max + b.max};
        return isnan(sum.min) || isnan(sum.max) ? all : sum;
    }
    /* x / c: dividing rounds monotonically too, unlike multiplying with a rounded 1 / c. */
    if (b.min != b.max || !(b.min > 0) || isinf(b.min))
        return all;
    return (FloatRange){a.min / b.min, a.max / b.min};
}

/* ---- proofs ---------------------------------------------------------------------------------- */
static ExprRange term_range(const Term *t)
{
    ExprRange r = {t->coeff, t->coeff};
    for (int i = 0; i < t->n; i++)
        r = range_mul(r, expr_range(t->atoms[i]));
    return r;
}

ExprRange poly_range(const Poly *p)
{
    ExprRange r = {0, 0};
    for (int i = 0; i < p->n; i++)
        r = range_add(r, term_range(&p->terms[i]));
    return r;
}

typedef struct Proof {
    ExprPool *pool;
    int       steps; /* left */
} Proof;

static bool prove(Proof *proof, const Poly *p);

/* p == c * atom + rest; false when atom stands in a term twice. */
static bool split_by(const Poly *p, const Expr *atom, Poly *c, Poly *rest)
{
    c->n = rest->n = 0;
    for (int i = 0; i < p->n; i++) {
        Term by = {.coeff = 1, .n = 1, .atoms = {atom}}, q, again;
        if (!term_divides(&by, &p->terms[i], &q))
            rest->terms[rest->n++] = p->terms[i];
        else if (term_divides(&by, &q, &again))
            return false;
        else
            c->terms[c->n++] = q;
    }
    return true;
}

static bool try_bound(Proof *proof, const Poly *c, const Poly *rest, const Poly *bound)
{
    Poly p;
    return poly_mul(c, bound, &p) && poly_add(&p, rest, 1) && prove(proof, &p);
}

static bool try_expr(Proof *proof, const Poly *c, const Poly *rest, const Expr *bound, int64_t plus)
{
    Poly b;
    Term more = {.coeff = plus};
    poly_from(bound, &b);
    return poly_add_term(&b, &more, 1) && try_bound(proof, c, rest, &b);
}

static bool try_int(Proof *proof, const Poly *c, const Poly *rest, int64_t bound)
{
    Poly b;
    if (is_open(bound))
        return false;
    poly_int(&b, bound);
    return try_bound(proof, c, rest, &b);
}

/* x // a as an atom: a * p is c*x - c*(a-1) + a*rest (c >= 0) or c*x + a*rest (c <= 0), and p >= 0
 * exactly when a*p + a - 1 >= 0. */
static bool try_floordiv(Proof *proof, const Poly *c, const Poly *rest, const Expr *atom, bool up)
{
    Poly x, a, low, p, q;
    Term minus_one = {.coeff = -1};
    poly_from(atom->args[0], &x);
    poly_from(atom->args[1], &a);
    if (expr_range(atom->args[1]).min < 0) /* 0 has no value, so this says a >= 1 */
        return false;
    low = a;
    if (!poly_add_term(&low, &minus_one, 1) || (!up && !poly_add(&x, &low, -1)))
        return false;
    return poly_mul(c, &x, &p) && poly_mul(rest, &a, &q) && poly_add(&p, &q, 1) &&
           poly_add(&p, &low, 1) && prove(proof, &p);
}

static bool try_each(Proof *proof, const Poly *c, const Poly *rest, const Expr *atom, bool all)
{
    for (int i = 0; i < atom->n; i++)
        if (try_expr(proof, c, rest, atom->args[i], 0) != all)
            return !all;
    return all;
}

/* up: c <= 0, so the atom's upper bound counts. */
static bool try_atom(Proof *proof, const Poly *c, const Poly *rest, const Expr *atom, bool up)
{
    ExprRange r = expr_range(atom);
    switch (atom->kind) {
    case EXPR_SYMBOL:
        if (up && atom->symbol->bound)
            return try_expr(proof, c, rest, atom->symbol->bound, -1);
        break;
    case EXPR_MOD:
        if (up && expr_range(atom->args[1]).min >= 0 && try_expr(proof, c, rest, atom->args[1], -1))
            return true;
        if (up && expr_range(atom->args[1]).min >= 0 && expr_range(atom->args[0]).min >= 0)
            return try_expr(proof, c, rest, atom->args[0], 0);
        break;
    case EXPR_FLOORDIV:
        if (try_floordiv(proof, c, rest, atom, up))
            return true;
        break;
    case EXPR_MAX:
    case EXPR_MIN:
        if (try_each(proof, c, rest, atom, up == (atom->kind == EXPR_MAX)))
            return true;
        break;
    default:
        break;
    }
    return try_int(proof, c, rest, up ? r.max : r.min);
}

/* Loop variables first (their bounds hold the sizes), sizes last. */
static int class_of(const Expr *atom)
{
    if (atom->kind != EXPR_SYMBOL)
        return 1;
    return atom->symbol->bound ? 0 : 2;
}

static bool eliminate(Proof *proof, const Poly *p, const Expr *atom, bool *done)
{
    Poly c, rest;
    *done = false;
    if (!split_by(p, atom, &c, &rest))
        return false;
    ExprRange sign = poly_range(&c);
    if (sign.min < 0 && sign.max > 0)
        return false;
    /* A symbol's bound loses nothing that another order would keep; other atoms may be tried in
     * turn. */
    *done = atom->kind == EXPR_SYMBOL;
    return try_atom(proof, &c, &rest, atom, sign.min < 0);
}

static bool prove(Proof *proof, const Poly *p)
{
    if (poly_range(p).min >= 0)
        return true;
    for (int rank = 0; rank < 3; rank++)
        for (int i = 0; i < p->n; i++)
            for (int k = 0; k < p->terms[i].n; k++) {
                const Expr *atom = p->terms[i].atoms[k];
                if (class_of(atom) != rank)
                    continue;
                if (--proof->steps < 0)
                    return false;
                bool done;
                if (eliminate(proof, p, atom, &done))
                    return true;
                if (done)
                    return false;
            }
    return false;
}

bool poly_nonneg(ExprPool *pool, const Poly *p)
{
    Proof proof = {pool, PROOF_STEPS};
    return prove(&proof, p);
}

bool poly_within(ExprPool *pool, const Poly *p, const Poly *limit)
{
    Term minus_one = {.coeff = -1};
    Poly room = *limit;
    return poly_nonneg(pool, p) && poly_add(&room, p, -1) && poly_add_term(&room, &minus_one, 1) &&
           poly_nonneg(pool, &room);
}

static bool is_nonneg_difference(ExprPool *pool, const Expr *a, const Expr *b, int64_t plus)
{
    if (a->type != EXPR_TYPE_INT || b->type != EXPR_TYPE_INT || a->size > SIMPLIFY_LIMIT ||
        b->size > SIMPLIFY_LIMIT)
        return false;
    Poly p, q;
    Term more = {.coeff = plus};
    poly_from(b, &p);
    poly_from(a, &q);
    return poly_add(&p, &q, -1) && poly_add_term(&p, &more, 1) && poly_nonneg(pool, &p);
}

bool expr_prove_eq(ExprPool *pool, const Expr *a, const Expr *b)
{
    if (a == b)
        return true;
    if (a->type != EXPR_TYPE_INT || b->type != EXPR_TYPE_INT)
        return false;
    ExprRange x = expr_range(a), y = expr_range(b);
    if (x.max < y.min || y.max < x.min)
        return false;
    return expr_is_value(expr_sub(pool, a, b), 0) ||
           (expr_prove_le(pool, a, b) && expr_prove_le(pool, b, a));
}

bool expr_prove_le(ExprPool *pool, const Expr *a, const Expr *b)
{
    return a == b ? a->type == EXPR_TYPE_INT : is_nonneg_difference(pool, a, b, 0);
}

bool expr_prove_lt(ExprPool *pool, const Expr *a, const Expr *b)
{
    return is_nonneg_difference(pool, a, b, -1);
}

bool expr_fits_int32(const Expr *e, bool with_scalars)
{
    bool is_scalar = e->kind == EXPR_SYMBOL && e->symbol->kind == SYM_SCALAR;
    if (e->type == EXPR_TYPE_FLOAT || (is_scalar && !with_scalars))
        return false;
    if (e->type == EXPR_TYPE_INT) {
        ExprRange range = expr_range(e);
        if (range.min < INT32_MIN || range.max > INT32_MAX)
            return false;
    }
    double bound = e->kind == EXPR_MUL ? 1 : 0; /* of partial sums and products, in any order */
    for (int i = 0; i < e->n; i++) {
        if (!expr_fits_int32(e->args[i], with_scalars))
            return false;
        ExprRange range =
            e->args[i]->type == EXPR_TYPE_INT ? expr_range(e->args[i]) : (ExprRange){0, 1};
        double largest = (double)(range.max > -range.min ? range.max : -range.min);
        bound = e->kind == EXPR_MUL ? bound * (largest > 1 ? largest : 1) : bound + largest;
    }
    bool is_sum = e->kind == EXPR_ADD || e->kind == EXPR_MUL;
    return e->kind != EXPR_POW && e->kind != EXPR_LSHIFT && (!is_sum || bound < 2147483647.0);
}
