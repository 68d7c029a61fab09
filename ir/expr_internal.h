/* What the files of the expression library share: the pool's nodes, and polynomials.
 *
 *   expr.c           pool, symbols, hash-consing, questions about expressions, substitution
 *   expr_poly.c      integer polynomials: the canonical form of sums and products
 *   expr_divide.c    floordiv and mod of polynomials
 *   expr_simplify.c  the constructors of sums, products, floats and bits
 *   expr_logic.c     max and min, relations, logic
 *   expr_names.c     functions by name, as the three grammars write them
 *   expr_prove.c     ranges and proofs
 *   expr_eval.c      numbers
 *   expr_print.c     infix text
 *   expr_parse.c     the three grammars
 *   expr_exact.c     nodes as printed, not simplified */
#ifndef AOTC_IR_EXPR_INTERNAL_H
#define AOTC_IR_EXPR_INTERNAL_H

#include "ir/expr.h"

/* Beyond this many nodes the simplifier keeps what it is given. */
enum { SIMPLIFY_LIMIT = 2000 };

/* Expr comes first: a pointer to one is a pointer to the other. */
typedef struct ExprNode {
    Expr             expr;
    ExprPool        *pool;
    struct ExprNode *next;    /* in its bucket */
    uint64_t         symbols; /* bit id % 64 of every symbol below: a quick "does not hold it" */
    uint64_t         stamp;   /* of the walk that came here last */
    const Expr      *image;   /* result of that walk */
} ExprNode;

typedef struct PrefixCount {
    const char *prefix;
    int         next;
} PrefixCount;

struct ExprPool {
    Arena     *arena;
    ExprNode **buckets;
    int        n_buckets; /* power of two */
    int        n_exprs;
    Symbol   **symbols; /* open addressing by name */
    int        symbols_cap, n_symbols;
    uint64_t   stamp;
    int        depth; /* of simplification inside simplification */
    VEC(PrefixCount) prefixes;
};

/* The node with exactly these operands, not simplified. args are copied. */
const Expr *expr_intern(ExprPool *pool, ExprKind kind, ExprType type, const Expr *const *args,
                        int n);
const Expr *expr_intern_call(ExprPool *pool, const char *name, ExprType type,
                             const Expr *const *args, int n);

/* Total order that does not depend on creation order: symbols by name (i2 before i10), then kinds.
 */
int  expr_order(const Expr *a, const Expr *b);
void expr_sort(const Expr **args, int n);

/* ---- polynomials with int64 coefficients over atoms (expressions that are no sum or product)
 * ------------------- */
enum { POLY_TERMS = 48, POLY_DEGREE = 8 };

typedef struct Term {
    int64_t     coeff;
    int         n;
    const Expr *atoms[POLY_DEGREE]; /* in expr_order, with repetition */
} Term;

typedef struct Poly {
    int  n;
    Term terms[POLY_TERMS];
} Poly;

/* These give false when a coefficient overflows or the polynomial gets too large: the caller keeps
 * what it had. */
void        poly_from(const Expr *e, Poly *out);
bool        poly_add_term(Poly *p, const Term *term, int64_t scale);
bool        poly_add(Poly *p, const Poly *q, int64_t scale);
bool        poly_mul_term(Poly *p, const Term *term);
bool        poly_mul(const Poly *a, const Poly *b, Poly *out);
bool        term_mul(const Term *a, const Term *b, Term *out);
bool        term_divides(const Term *divisor, const Term *t, Term *quotient);
/* Greatest common monomial; its coefficient is positive. */
void        term_gcd(const Term *a, const Term *b, Term *out);
bool        poly_is_const(const Poly *p, int64_t *value);
void        poly_int(Poly *p, int64_t value);
const Expr *poly_expr(ExprPool *pool, Poly *p); /* x // d * d + x % d becomes x */
const Expr *term_expr(ExprPool *pool, const Term *term);

ExprRange poly_range(const Poly *p);
bool      poly_nonneg(ExprPool *pool, const Poly *p);
/* 0 <= p < limit */
bool      poly_within(ExprPool *pool, const Poly *p, const Poly *limit);

int64_t floordiv_i64(int64_t a, int64_t b); /* b != 0, not INT64_MIN / -1 */
int64_t gcd_i64(int64_t a, int64_t b);      /* >= 0; 0 for 0, 0 */

/* Range of a float expression in float arithmetic, which rounds monotonically. */
typedef struct FloatRange {
    double min, max;
} FloatRange;
FloatRange expr_float_range(const Expr *e);

/* Builds from the head of a srepr call or the name of a Python function; NULL: unknown name or
 * wrong operands. */
const Expr *expr_build_named(ExprPool *pool, const char *name, const Expr *const *args, int n);
/* The value of a CALL for numbers; false: unknown name or wrong count. */
bool        expr_call_value(const char *name, const double *args, int n, double *out);

/* Nodes as they stand, for expr_parse_exact_at(); NULL where operands do not fit. */
const Expr *expr_exact(ExprPool *pool, ExprKind kind, const Expr *const *args, int n);
const Expr *expr_exact_named(ExprPool *pool, const char *name, const Expr *const *args, int n);
const Expr *expr_exact_append(ExprPool *pool, const Expr *chain, const Expr *last);

/* n-ary kinds by their own rules: MAX, MIN; AND, OR; NOT. */
const Expr *expr_extremum(ExprPool *pool, ExprKind kind, const Expr *const *args, int n);
const Expr *expr_logic(ExprPool *pool, ExprKind kind, const Expr *const *args, int n);
const Expr *expr_not(ExprPool *pool, const Expr *a);
const Expr *expr_truth(ExprPool *pool, const Expr *e); /* a number is true unless it is 0 */

const Expr *expr_to_float(ExprPool *pool, const Expr *e);
const Expr *expr_to_int(ExprPool *pool, const Expr *e); /* bool to 0 or 1 */

#endif
