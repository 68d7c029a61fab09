/* Loops as values: order of dims, re-indexing into another iteration space, loads. */
#include "passes/lower_internal.h"

#include <string.h>

/* ---- loads ----------------------------------------------------------------------------------- */

typedef struct LoadVisit {
    void (*visit)(void *cx, Scalar *load);
    void *cx;
} LoadVisit;

static void visit_load(void *user, Scalar *a)
{
    LoadVisit *v = user;
    if (a->op == S_LOAD)
        v->visit(v->cx, a);
}

static void find_index_scalar(void *user, Symbol *symbol)
{
    VEC(Scalar *) *roots = user;
    if (symbol->kind == SYM_SCALAR && roots->n < roots->cap)
        roots->items[roots->n++] = symbol->scalar;
}

/* What a loop computes: value, mask, and the scalars that its store index refers to. */
static int loop_roots(const Loop *loop, Scalar **roots, int cap)
{
    VEC(Scalar *) found = {roots, 0, cap};
    found.items[found.n++] = loop->value;
    if (loop->mask)
        found.items[found.n++] = loop->mask;
    if (loop->index)
        expr_symbols(loop->index, find_index_scalar, &found);
    return found.n;
}

void loop_for_each_load(const Loop *loop, void (*visit)(void *cx, Scalar *load), void *cx)
{
    Scalar   *roots[MAX_RANK + 4];
    LoadVisit v = {visit, cx};
    int       n = loop_roots(loop, roots, MAX_RANK + 4);
    scalar_walk(roots, n, visit_load, &v);
}

void loop_for_each_scalar(const Loop *loop, void (*visit)(void *cx, Scalar *scalar), void *cx)
{
    Scalar *roots[MAX_RANK + 4];
    int     n = loop_roots(loop, roots, MAX_RANK + 4);
    scalar_walk(roots, n, visit, cx);
}

void kernel_for_each_load(const Kernel *kernel, void (*visit)(void *cx, Scalar *load), void *cx)
{
    for (int s = 0; s < kernel->n_stages; s++)
        for (int l = 0; l < kernel->stages[s]->n_loops; l++)
            loop_for_each_load(kernel->stages[s]->loops[l], visit, cx);
}

typedef struct MainLoad {
    const Loop *loop;
    Scalar     *best;
    int         best_vars;
} MainLoad;

static void look_at_load(void *user, Scalar *load)
{
    MainLoad *m = user;
    int       n = 0;
    for (int d = 0; d < m->loop->n_dims; d++)
        n += expr_contains(load->index, m->loop->vars[d]);
    if (n > m->best_vars) {
        m->best_vars = n;
        m->best = load;
    }
}

Scalar *main_load(const Loop *loop)
{
    MainLoad m = {loop, NULL, 0};
    loop_for_each_load(loop, look_at_load, &m);
    return m.best;
}

/* ---- order of dims --------------------------------------------------------------------------- */

void loop_order_by(Ir *ir, Loop *loop, const Expr *index)
{
    const Expr *coeff[MAX_RANK], *rest;
    for (int d = 0; d < loop->n_dims; d++)
        if (!expr_linear(ir->exprs, index, loop->vars[d], &coeff[d], &rest))
            coeff[d] = NULL;
    for (int i = 1; i < loop->n_dims; i++)
        for (int j = i; j > 0; j--) {
            if (!coeff[j] || !coeff[j - 1] || expr_is_value(coeff[j], 0) ||
                expr_is_value(coeff[j - 1], 0) || !expr_prove_lt(ir->exprs, coeff[j - 1], coeff[j]))
                break;
#define SWAP(type, a, b)                                                                           \
    do {                                                                                           \
        type swap_tmp = (a);                                                                       \
        (a) = (b);                                                                                 \
        (b) = swap_tmp;                                                                            \
    } while (0)
            SWAP(const Expr *, coeff[j], coeff[j - 1]);
            SWAP(Symbol *, loop->vars[j], loop->vars[j - 1]);
            SWAP(const Expr *, loop->sizes[j], loop->sizes[j - 1]);
            SWAP(bool, loop->reduced[j], loop->reduced[j - 1]);
        }
}

/* ---- re-indexing ----------------------------------------------------------------------------- */

static int expr_divisions(const Expr *e)
{
    int n = e->kind == EXPR_FLOORDIV || e->kind == EXPR_MOD;
    for (int i = 0; i < e->n; i++)
        n += expr_divisions(e->args[i]);
    return n;
}

static void count_scalar_divisions(void *user, Scalar *a)
{
    int *n = user;
    if ((a->op == S_LOAD || a->op == S_INDEX) && a->index)
        *n += expr_divisions(a->index);
}

int count_divisions(const Loop *loop)
{
    Scalar *roots[MAX_RANK + 4];
    int     n = loop->index ? expr_divisions(loop->index) : 0;
    int     n_roots = loop_roots(loop, roots, MAX_RANK + 4);
    scalar_walk(roots, n_roots, count_scalar_divisions, &n);
    return n;
}

/* old dims as expressions of new vars: both are row-major orders of one space.  Dims are matched in
 * groups of equal product, so that most pairs map without a division. */
static bool map_dims(ExprPool *p, const Expr *const *old_sizes, int n_old, Symbol *const *new_vars,
                     const Expr *const *new_sizes, int n_new, const Expr **out)
{
    int i = 0, j = 0;
    while (i < n_old || j < n_new) {
        int         i0 = i, j0 = j;
        const Expr *a = i < n_old ? old_sizes[i++] : expr_int(p, 1);
        const Expr *b = j < n_new ? new_sizes[j++] : expr_int(p, 1);
        while (a != b) {
            if (i < n_old && (j >= n_new || expr_prove_lt(p, a, b)))
                a = expr_mul(p, a, old_sizes[i++]);
            else if (j < n_new && (i >= n_old || expr_prove_lt(p, b, a)))
                b = expr_mul(p, b, new_sizes[j++]);
            else if (i < n_old && j < n_new) { /* symbolic: no order is known, take all that is left
                                                  as one group */
                while (i < n_old)
                    a = expr_mul(p, a, old_sizes[i++]);
                while (j < n_new)
                    b = expr_mul(p, b, new_sizes[j++]);
            } else {
                return false;
            }
        }
        const Expr *linear = expr_int(p, 0), *step = expr_int(p, 1);
        for (int k = j - 1; k >= j0; k--) {
            linear = expr_add(p, linear, expr_mul(p, new_vars[k]->self, step));
            step = expr_mul(p, step, new_sizes[k]);
        }
        step = expr_int(p, 1);
        for (int k = i - 1; k >= i0; k--) {
            const Expr *at = expr_floordiv(p, linear, step);
            out[k] = k == i0 ? at : expr_mod(p, at, old_sizes[k]);
            step = expr_mul(p, step, old_sizes[k]);
        }
    }
    return true;
}

/* The loop in `pool` with vars replaced; dims are not set. */
static Loop *loop_substitute(Lower *lo, const Loop *loop, ScalarPool *pool, const Expr *const *to)
{
    Loop *out = ARENA_NEW(lo->ir->arena, Loop);
    *out = *loop;
    out->pool = pool;
    out->value = scalar_rewrite(pool, loop->value, loop->vars, to, loop->n_dims, NULL, NULL);
    out->mask = loop->mask
                    ? scalar_rewrite(pool, loop->mask, loop->vars, to, loop->n_dims, NULL, NULL)
                    : NULL;
    out->index = expr_subst(lo->ir->exprs, loop->index, loop->vars, to, loop->n_dims);
    return out;
}

Loop *loop_set_dims(Lower *lo, const Loop *loop, ScalarPool *pool, const Expr *const *to,
                    Symbol *const *outer, const Expr *const *outer_sizes, int n_outer,
                    Symbol *const *inner, const Expr *const *inner_sizes, int n_inner)
{
    Arena *arena = lo->ir->arena;
    Loop  *out = loop_substitute(lo, loop, pool, to);
    out->n_dims = n_outer + n_inner;
    out->vars = ARENA_ARRAY(arena, Symbol *, out->n_dims + 1);
    out->sizes = ARENA_ARRAY(arena, const Expr *, out->n_dims + 1);
    out->reduced = ARENA_ARRAY(arena, bool, out->n_dims + 1);
    for (int d = 0; d < out->n_dims; d++) {
        bool is_outer = d < n_outer;
        out->vars[d] = is_outer ? outer[d] : inner[d - n_outer];
        out->sizes[d] = is_outer ? outer_sizes[d] : inner_sizes[d - n_outer];
        out->reduced[d] = !is_outer && loop->kind == LOOP_REDUCE;
    }
    return out;
}

Loop *loop_reindex(Lower *lo, const Loop *loop, ScalarPool *pool, Symbol *const *outer,
                   const Expr *const *outer_sizes, int n_outer, Symbol *const *inner,
                   const Expr *const *inner_sizes, int n_inner)
{
    ExprPool   *p = lo->ir->exprs;
    const Expr *to[MAX_RANK];
    if (n_outer + n_inner > MAX_RANK)
        return NULL;
    if (loop->kind == LOOP_POINTWISE) {
        Symbol     *vars[MAX_RANK];
        const Expr *sizes[MAX_RANK];
        for (int d = 0; d < n_outer + n_inner; d++) {
            vars[d] = d < n_outer ? outer[d] : inner[d - n_outer];
            sizes[d] = d < n_outer ? outer_sizes[d] : inner_sizes[d - n_outer];
        }
        if (expr_product(p, loop->sizes, loop->n_dims) !=
                expr_product(p, sizes, n_outer + n_inner) ||
            !map_dims(p, loop->sizes, loop->n_dims, vars, sizes, n_outer + n_inner, to))
            return NULL;
    } else {
        const Expr *kept[MAX_RANK], *reduced[MAX_RANK], *kept_to[MAX_RANK], *reduced_to[MAX_RANK];
        int         nk = 0, nr = 0;
        for (int d = 0; d < loop->n_dims; d++)
            if (loop->reduced[d])
                reduced[nr++] = loop->sizes[d];
            else
                kept[nk++] = loop->sizes[d];
        if (expr_product(p, kept, nk) != expr_product(p, outer_sizes, n_outer) ||
            expr_product(p, reduced, nr) != expr_product(p, inner_sizes, n_inner) ||
            !map_dims(p, kept, nk, outer, outer_sizes, n_outer, kept_to) ||
            !map_dims(p, reduced, nr, inner, inner_sizes, n_inner, reduced_to))
            return NULL;
        nk = nr = 0;
        for (int d = 0; d < loop->n_dims; d++)
            to[d] = loop->reduced[d] ? reduced_to[nr++] : kept_to[nk++];
    }
    Loop *out =
        loop_set_dims(lo, loop, pool, to, outer, outer_sizes, n_outer, inner, inner_sizes, n_inner);
    return count_divisions(out) > count_divisions(loop) ? NULL : out;
}

/* Maps the loop's vars onto frame vars by the place that both touch in one buffer: `here` in the
 * loop's vars and `there` in the frame's.  Dims pair up when stride and size agree. */
Loop *loop_map_through(Lower *lo, const Loop *loop, ScalarPool *pool, const Expr *here,
                       const Expr *there, Symbol *const *outer, const Expr *const *outer_sizes,
                       int n_outer, Symbol *const *inner, const Expr *const *inner_sizes,
                       int n_inner)
{
    ExprPool   *p = lo->ir->exprs;
    const Expr *to[MAX_RANK], *a, *b, *rest;
    bool        taken[MAX_RANK] = {false};
    if (loop->n_dims != n_outer + n_inner || loop->n_dims > MAX_RANK)
        return NULL;
    for (int d = 0; d < loop->n_dims; d++) {
        to[d] = NULL;
        if (!expr_linear(p, here, loop->vars[d], &a, &rest) || expr_is_value(a, 0))
            return NULL;
        for (int f = 0; f < n_outer + n_inner && !to[d]; f++) {
            Symbol     *v = f < n_outer ? outer[f] : inner[f - n_outer];
            const Expr *size = f < n_outer ? outer_sizes[f] : inner_sizes[f - n_outer];
            if (taken[f] || size != loop->sizes[d] || !expr_linear(p, there, v, &b, &rest) ||
                a != b)
                continue;
            if (loop->kind == LOOP_REDUCE && loop->reduced[d] != (f >= n_outer))
                continue;
            to[d] = v->self;
            taken[f] = true;
        }
        if (!to[d])
            return NULL;
    }
    return loop_set_dims(lo, loop, pool, to, outer, outer_sizes, n_outer, inner, inner_sizes,
                         n_inner);
}

/* ---- template kernels ------------------------------------------------------------------------ */
int kernel_operands(const Kernel *kernel, Operand **out)
{
    Kernel *k = (Kernel *)kernel; /* operands belong to the plan: callers may redirect them */
    int     n = 0;
    switch (k->kind) {
    case KERNEL_GEMM:
        out[n++] = &k->gemm.a;
        out[n++] = &k->gemm.b;
        break;
    case KERNEL_CONV:
    case KERNEL_DEPTHWISE:
        out[n++] = &k->conv.x;
        out[n++] = &k->conv.weight;
        break;
    case KERNEL_ATTENTION:
        out[n++] = &k->attention.q;
        out[n++] = &k->attention.k;
        out[n++] = &k->attention.v;
        break;
    case KERNEL_SORT:
        out[n++] = &k->sort.x;
        break;
    case KERNEL_CALL:
        for (int i = 0; i < k->call.n_in; i++)
            out[n++] = (Operand *)&k->call.in[i];
        break;
    case KERNEL_CUSTOM:
        for (int i = 0; i < k->custom.n_items; i++)
            if (k->custom.items[i].kind == CUSTOM_TENSOR && !k->custom.items[i].is_result)
                out[n++] = &k->custom.items[i].tensor;
        break;
    case KERNEL_LSTM:
    case KERNEL_GRU:
        out[n++] = &k->lstm.gates_x;
        out[n++] = &k->lstm.h0;
        out[n++] = &k->lstm.c0;
        out[n++] = &k->lstm.b_hn;
        out[n++] = &k->lstm.w_hh;
        break;
    case KERNEL_PACK:
        out[n++] = &k->pack.from;
        break;
    case KERNEL_PACK_CONV:
        out[n++] = &k->pack_conv.from;
        break;
    case KERNEL_EMBEDDING_BAG:
        out[n++] = &k->bag.weight;
        out[n++] = &k->bag.indices;
        out[n++] = &k->bag.offsets;
        out[n++] = &k->bag.sample_weights;
        break;
    default:
        break;
    }
    return n;
}

Loop *template_loop(const Kernel *k)
{
    return k->kind == KERNEL_ATTENTION ? k->attention.mask
           : k->kind == KERNEL_SCAN    ? k->scan.source
           : k->kind == KERNEL_NONZERO ? k->nonzero.source
                                       : NULL;
}
