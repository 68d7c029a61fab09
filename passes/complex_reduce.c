/* Reductions and running reductions of complex numbers, said in real ones.
 *
 *   aten.var.correction(%x)             var(re) + var(im)
 *   aten.prod.default(%x)               halves are multiplied until one element is left
 *   aten.logcumsumexp.default(%x, 0)    log(exp(a) + exp(b)) of elements 1, 2, 4 … places apart
 *
 * In: the node at hand and the pairs of its arguments.  Out: real nodes before it. */
#include "passes/complex.h"

#include <string.h>

/* Products of a symbolic number of complex numbers have no tree. */
#define MAX_PRODUCT 65536

/* log(sum(exp(z - m))) + m with the largest real part m, or 0 where that is not finite */
static Error *rule_logsumexp(Complexify *c, Pair *results)
{
    const Arg *dim = cx_named(c, "dim"), *keep = cx_named(c, "keepdim");
    Pair       a = cx_operand(c, 0);
    if (c->b.error)
        return c->b.error;
    Value *m = BUILD(&c->b, "aten.amax.default", arg_value(a.re), *dim, arg_bool(c->graph, true));
    m = cx_where(c, cx_1(c, "aten.isfinite.default", m), m, cx_zero(c, m));
    Pair e = pair_function("exp")(c, (Pair){cx_sub(c, a.re, m), a.im});
    if (c->b.error)
        return c->b.error;
    e.re = BUILD(&c->b, "aten.sum.dim_IntList", arg_value(e.re), *dim, *keep);
    e.im = c->b.error ? NULL : BUILD(&c->b, "aten.sum.dim_IntList", arg_value(e.im), *dim, *keep);
    if (!c->b.error && keep->kind == ARG_BOOL && !keep->expr->value)
        m = BUILD(&c->b, "aten.sum.dim_IntList", arg_value(m),
                  *dim); /* of one element: the element */
    results[0] = pair_function("log")(c, e);
    results[0].re = cx_add(c, results[0].re, m);
    return c->b.error;
}

/* The variance is the sum of those of the parts. */
static Error *rule_var(Complexify *c, Pair *results)
{
    Pair  a = cx_operand(c, 0);
    Node *re = cx_with_first(c, a.re), *im = c->b.error ? NULL : cx_with_first(c, cx_im(c, a));
    if (c->b.error)
        return c->b.error;
    Value *x = re->results[0], *y = im->results[0];
    bool   is_std = !strncmp(c->node->schema->base, "std", 3);
    results[0].re = is_std ? cx_2(c, "aten.hypot.default", x, y) : cx_add(c, x, y);
    if (c->node->n_results > 1)
        results[1] = (Pair){re->results[1], im->results[1]};
    return c->b.error;
}

static Pair slice_pair(Complexify *c, Pair a, int dim, const Expr *from, const Expr *to)
{
    return (Pair){build_slice(&c->b, a.re, dim, from, to), build_slice(&c->b, a.im, dim, from, to)};
}

static Value *join(Complexify *c, Value *x, Value *y, int dim)
{
    Value *both[2] = {x, y};
    return c->b.error ? NULL
                      : BUILD(&c->b, "aten.cat.default", arg_values(c->graph, both, 2),
                              arg_int(c->graph, dim));
}

static Error *constant_size(Complexify *c, const Value *x, int dim, int64_t *size)
{
    if (!expr_is_int(x->type.sizes[dim], size) || *size > MAX_PRODUCT)
        return node_error(c->node, E_UNSUPPORTED, "a product of %s complex numbers",
                          expr_text(c->graph->ir->arena, x->type.sizes[dim]));
    return NULL;
}

/* Halves are multiplied until one element is left. */
static Error *product_over(Complexify *c, Pair *a, int dim)
{
    ExprPool *pool = c->graph->ir->exprs;
    int64_t   n;
    TRY(constant_size(c, a->re, dim, &n));
    if (n == 0)
        return node_error(c->node, E_UNSUPPORTED, "a product of no complex numbers");
    for (; n > 1 && !c->b.error; n = n - n / 2) {
        int64_t     half = n / 2;
        const Expr *zero = expr_int(pool, 0), *middle = expr_int(pool, half),
                   *end = expr_int(pool, 2 * half), *all = expr_int(pool, n);
        Pair low = slice_pair(c, *a, dim, zero, middle), high = slice_pair(c, *a, dim, middle, end);
        Pair p = pair_mul(c, low, high);
        if (n % 2) {
            Pair rest = slice_pair(c, *a, dim, end, all);
            p = (Pair){join(c, p.re, rest.re, dim), join(c, p.im, rest.im, dim)};
        }
        *a = p;
    }
    return c->b.error;
}

static Error *rule_prod(Complexify *c, Pair *results)
{
    Pair       a = cx_operand(c, 0);
    int        rank = c->b.error ? 0 : a.re->type.rank, dim = 0;
    const Arg *given = cx_named(c, "dim"), *keep = cx_named(c, "keepdim");
    a.im = cx_im(c, a);
    if (c->b.error)
        return c->b.error;
    if (!given) {
        const Expr *flat = expr_int(c->graph->ir->exprs, -1);
        a = (Pair){build_reshape(&c->b, a.re, &flat, 1), build_reshape(&c->b, a.im, &flat, 1)};
    } else if (rank) {
        TRY(shape_dim(c->node, "dim", rank, &dim));
    }
    if (given && !rank) {
        results[0] = a;
        return NULL;
    }
    if (c->b.error)
        return c->b.error;
    TRY(product_over(c, &a, dim));
    bool keeps = keep && keep->kind == ARG_BOOL && keep->expr->value;
    results[0] =
        keeps ? a : (Pair){build_squeeze(&c->b, a.re, dim), build_squeeze(&c->b, a.im, dim)};
    return c->b.error;
}

/* W. D. Hillis and G. L. Steele, "Data parallel algorithms", 1986: x[i] with x[i - 1], then x[i -
 * 2], x[i - 4] … */
static Error *run_along(Complexify *c, Pair (*join_pairs)(Complexify *c, Pair a, Pair b),
                        Pair       *results)
{
    ExprPool *pool = c->graph->ir->exprs;
    Pair      a = cx_operand(c, 0);
    int64_t   n;
    int       dim;
    a.im = cx_im(c, a);
    results[0] = a;
    if (c->b.error || !a.re->type.rank)
        return c->b.error;
    TRY(shape_dim(c->node, "dim", a.re->type.rank, &dim));
    TRY(constant_size(c, a.re, dim, &n));
    for (int64_t step = 1; step < n && !c->b.error; step *= 2) {
        const Expr *zero = expr_int(pool, 0), *from = expr_int(pool, step),
                   *end = expr_int(pool, n);
        Pair head = slice_pair(c, a, dim, zero, from);
        Pair before = slice_pair(c, a, dim, zero, expr_int(pool, n - step));
        Pair rest = join_pairs(c, slice_pair(c, a, dim, from, end), before);
        a = (Pair){join(c, head.re, rest.re, dim), join(c, head.im, rest.im, dim)};
    }
    results[0] = a;
    return c->b.error;
}

static Error *rule_cumprod(Complexify *c, Pair *results)
{
    return run_along(c, pair_mul, results);
}

static Error *rule_logcumsumexp(Complexify *c, Pair *results)
{
    return run_along(c, pair_log_add_exp, results);
}

ComplexRule complex_reduce_rule(const char *base)
{
    static const struct {
        const char *base;
        ComplexRule rule;
    } rules[] = {
        {"logsumexp", rule_logsumexp},
        {"prod", rule_prod},
        {"cumprod", rule_cumprod},
        {"logcumsumexp", rule_logcumsumexp},
        {"_logcumsumexp", rule_logcumsumexp},
        {"var", rule_var},
        {"std", rule_var},
        {"var_mean", rule_var},
        {"std_mean", rule_var},
    };
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (!strcmp(rules[i].base, base))
            return rules[i].rule;
    return NULL;
}
